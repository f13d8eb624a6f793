"""When things can be done: the critical path over issues and milestones, in working hours.

The rules, beyond the critical path method (Kelley & Walker, 1959) itself:

- *Time* is the calendar's working time. An effort range counts with its expected value (see `estimate`); an issue
  without an effort takes no time.
- *Facts* replace plans. A done issue lies where it really lay. One that is begun has what is left of its estimate
  before it, from now on and once all that it waits for is done (retained logic); until then nothing of its estimate is
  used up, so that to say 'begun' brings no launch nearer. With its worst case used up it is due now. Nothing
  unfinished begins, continues or ends before now. A document's claim that something is in progress begins nothing. A
  status `done` without a time counts as done by the plan's start: also where only a document says so, as this is a
  forecast and not the gate.
- *Phases* hold issues back: an issue does not begin before the first day of its phase, or of the plan, unless it did.
- *The launch* is the last milestone that speaks of deployment. What is of priority `post` waits for it, unless the
  launch itself waits for that. A milestone is reached when all that it waits for is done, not before its day; but
  the launch is an act: until `Progress.done_at` names it, it is still to come.
- *Scope*: dropped issues are left out, and hold nobody up. So is the backlog, but for what has begun or what an issue
  in scope depends on. They have no Item. Names that do not exist hold nobody up.
- *Deadlines* for the latest times: the launch for all that can be done by then, the end of everything else for
  the rest. Without a launch there is one deadline, the end.
- *Critical* is what lies on the chain, and whatever else would move the launch if it took any longer.
- *Cycles* are cut: a dependency that closes one is left out, so that a room opens on any plan (`find_cycle` tells).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from operator import sub

from msgspec import Struct
from msgspec.structs import replace

from loom_tui.plan.calendar import HOUR_MS
from loom_tui.plan.model import IssueId, Plan
from loom_tui.plan.network import NO_PROGRESS, CycleError, Network, Progress, build, find_cycle, in_order
from loom_tui.plan.simulate import project, project_network
from loom_tui.plan.timeline import launch_of, milestones_of, phase_span, planned_at, planned_day

__all__ = [
    "CycleError",
    "Item",
    "Progress",
    "Schedule",
    "find_cycle",
    "in_order",
    "launch_of",
    "milestones_of",
    "phase_span",
    "planned_at",
    "planned_day",
    "project",
    "schedule",
    "what_if",
    "with_projection",
]


class Item(Struct, frozen=True, kw_only=True, gc=False):
    """One issue's or milestone's place. Times are Unix seconds; slack is in working hours."""

    earliest_start: float
    earliest_finish: float
    latest_start: float
    latest_finish: float
    slack_hours: float
    critical: bool


class Schedule(Struct, frozen=True, kw_only=True):
    """The schedule of a plan. `chain` is the longest chain of issue ids and milestone names, in order."""

    items: Mapping[IssueId, Item]
    milestones: Mapping[str, Item]
    chain: tuple[IssueId | str, ...]
    finish_at: float | None
    p50_at: float | None = None
    p80_at: float | None = None
    p95_at: float | None = None


def schedule(plan: Plan, *, now: float, progress: Progress = NO_PROGRESS) -> Schedule:
    """Schedule a plan as it stands at `now`, from expected efforts. Never fails on a plan that `plan check` passes."""
    return _solve(build(plan, now=now, progress=progress), {})


def with_projection(plan: Plan, *, now: float, progress: Progress = NO_PROGRESS) -> Schedule:
    """Schedule a plan, and simulate how sure its finish is."""
    network = build(plan, now=now, progress=progress)
    solved, projected = _solve(network, {}), project_network(network)
    if projected is None:
        return solved
    p50_at, p80_at, p95_at = projected
    return replace(solved, p50_at=p50_at, p80_at=p80_at, p95_at=p95_at)


def what_if(plan: Plan, *, now: float, progress: Progress = NO_PROGRESS, delays: Mapping[IssueId, float]) -> Schedule:
    """Schedule a plan as if some issues began so many working hours later, or, once begun, took so much longer."""
    return _solve(build(plan, now=now, progress=progress), delays)


class _Passes(Struct, frozen=True):
    """The two passes' results for each node, in milliseconds of the axis."""

    work: list[int]
    span: list[int]
    early: list[int]  # earliest finish
    late: list[int]  # latest finish


class _Times(Struct, frozen=True):
    """The same on the clock, in Unix seconds."""

    starts: list[float]
    finishes: list[float]
    latest_starts: list[float]
    latest_finishes: list[float]


def _solve(network: Network, delays: Mapping[IssueId, float]) -> Schedule:
    if not network.names:
        return Schedule(items={}, milestones={}, chain=(), finish_at=None)
    passes = _passes(network, delays)
    times = _times(network, passes)
    chain = _chain(network, passes, times)
    items = _items(network, passes, times, frozenset(chain))
    count = network.issue_count
    return Schedule(
        items=dict(zip(network.names[:count], items[:count], strict=True)),
        milestones={str(name): item for name, item in zip(network.names[count:], items[count:], strict=True)},
        chain=tuple(network.names[node] for node in chain),
        finish_at=times.finishes[chain[-1]],
    )


def _passes(network: Network, delays: Mapping[IssueId, float]) -> _Passes:
    """Go forward for the earliest finishes, and back from the deadlines for the latest."""
    facts, binding = network.facts, network.binding
    work = span = [round(fact.estimate.remaining(fact.spent_hours) * HOUR_MS) for fact in facts]
    if delays:
        lags = [round(max(0.0, delays.get(name, 0.0)) * HOUR_MS) for name in network.names]
        span = [lag + ms if fact.done_at is None else 0 for lag, ms, fact in zip(lags, work, facts, strict=True)]
    early = network.floor.copy()
    for node in network.order:
        start = early[node]
        for other in binding[node]:
            if early[other] > start:  # noqa: PLR1730 - max() takes three times as long, thirty thousand times
                start = early[other]
        early[node] = start + span[node]
    end = max(early)
    launch = end if network.launch is None else early[network.launch]
    late = [launch if finish <= launch else end for finish in early]
    for node in reversed(network.order):
        if facts[node].done_at is not None:
            late[node] = early[node]
        start = late[node] - span[node]
        for other in binding[node]:
            if late[other] > start:  # noqa: PLR1730 - as above
                late[other] = start
    return _Passes(work, span, early, late)


def _times(network: Network, passes: _Passes) -> _Times:
    """Lay the passes on the clock, and put what really happened in its place."""
    axis, work, early, late = network.axis, passes.work, passes.early, passes.late
    starts, finishes = axis.openings(list(map(sub, early, work))), axis.closings(early)
    latest_starts, latest_finishes = axis.openings(list(map(sub, late, work))), axis.closings(late)
    reached = bytearray(len(early))
    for node in network.order:
        fact = network.facts[node]
        if fact.done_at is not None:
            finishes[node] = latest_finishes[node] = fact.done_at
            begun_at = fact.done_at if fact.begun_at is None else min(fact.begun_at, fact.done_at)
            starts[node] = latest_starts[node] = begun_at
            reached[node] = 1
        elif node >= network.issue_count or (not work[node] and fact.begun_at is None):
            moment = _moment(network, node, finishes, reached)
            latest = max(moment, latest_finishes[node]) if late[node] > early[node] else moment
            starts[node] = finishes[node] = moment
            latest_starts[node] = latest_finishes[node] = latest
        elif fact.begun_at is not None:
            starts[node] = latest_starts[node] = fact.begun_at
            finishes[node] = max(network.now, finishes[node])
            latest_finishes[node] = max(network.now, latest_finishes[node])
    return _Times(starts, finishes, latest_starts, latest_finishes)


def _moment(network: Network, node: int, finishes: Sequence[float], reached: bytearray) -> float:
    """Give the moment of a milestone, or of an issue that takes no time; mark a milestone that is reached.

    It may lie outside working time (a deployment on Saturday), and in the past once it is reached.
    """
    waits, not_before = network.waits[node], network.facts[node].not_before
    moment = max((not_before, *(finishes[other] for other in waits)))
    may_be_reached = node >= network.issue_count and node != network.launch
    if may_be_reached and -inf < moment <= network.now and all(reached[other] for other in waits):
        reached[node] = 1
        return moment
    return max(moment, network.now, finishes[node])  # the last is later only where it is delayed


def _chain(network: Network, passes: _Passes, times: _Times) -> list[int]:
    """Walk back from the launch, or from what finishes last, always to what finishes last before.

    What is done waits for nothing: from there the way goes on over what was done before it.
    """

    def finish(node: int) -> tuple[int, float]:
        return passes.early[node], times.finishes[node]

    last = network.launch if network.launch is not None else max(range(len(network.names)), key=finish)
    chain: list[int] = []
    links: Sequence[int] = [last]
    while links:
        node = max(links, key=finish)
        chain.append(node)
        links = network.binding[node] or [n for n in network.waits[node] if network.facts[n].done_at is not None]
    return chain[::-1]


def _items(network: Network, passes: _Passes, times: _Times, chain: frozenset[int]) -> list[Item]:
    driving = _driving(network, passes)
    return [
        Item(
            earliest_start=start,
            earliest_finish=times.finishes[node],
            latest_start=times.latest_starts[node],
            latest_finish=times.latest_finishes[node],
            slack_hours=(passes.late[node] - passes.early[node]) / HOUR_MS,
            critical=bool(driving[node]) or node in chain,
        )
        for node, start in enumerate(times.starts)
    ]


def _driving(network: Network, passes: _Passes) -> bytearray:
    """Mark what would move the launch if it took any longer: back from it, over all that it begins right after."""
    driving = bytearray(len(network.names))
    if network.launch is None:
        end = max(passes.early)
        for node, finish in enumerate(passes.early):
            driving[node] = finish == end and network.facts[node].done_at is None
    else:
        driving[network.launch] = 1
    for node in reversed(network.order):
        if driving[node]:
            start = passes.early[node] - passes.span[node]
            for other in network.binding[node]:
                if passes.early[other] == start and network.facts[other].done_at is None:
                    driving[other] = 1
    return driving
