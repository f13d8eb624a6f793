"""The plan as a network: numbered nodes (issues, then milestones), what each waits for, and how long it takes.

Plain lists and whole numbers: ten thousand issues are scheduled in a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

from msgspec import Struct

from loom_tui.plan.calendar import WorkAxis, WorkDays
from loom_tui.plan.estimate import NOTHING, Estimate, estimate_of
from loom_tui.plan.model import Issue, IssueId, Milestone, Plan, Priority, Status
from loom_tui.plan.timeline import first_date, launch_of, milestones_of, phase_span, planned_at, planned_day

_LONGEST_UNDERWAY_S = 2 * 366 * 86_400.0  # work begun earlier has used up any estimate


class CycleError(ValueError):
    """Issues or milestones that wait for themselves; each of `chain` waits for the next, the last for the first."""

    def __init__(self, chain: tuple[IssueId, ...]) -> None:
        super().__init__(" → ".join(str(name) for name in (*chain, chain[0])))
        self.chain = chain


class Progress(Struct, frozen=True, kw_only=True):
    """What actually happened (Unix seconds): it replaces what was planned. `done_at` may name milestones too."""

    started_at: Mapping[IssueId, float] = {}
    done_at: Mapping[IssueId, float] = {}


NO_PROGRESS = Progress()


class Fact(Struct, frozen=True, gc=False):
    """What is known of one node."""

    not_before: float = -inf  # Unix seconds
    estimate: Estimate = NOTHING
    begun_at: float | None = None
    done_at: float | None = None
    spent_hours: float = 0.0


class Network(Struct, frozen=True):
    """A plan in scheduling terms at one moment. Lists run over the nodes; `launch` is None where there is none."""

    now: float
    axis: WorkAxis
    names: list[IssueId]
    issue_count: int  # nodes from here on are milestones
    launch: int | None
    waits: list[list[int]]  # all that a node waits for, but for what closes a cycle
    order: list[int]  # each node after all that it waits for
    leads_to_launch: bytearray  # 1 for the launch and all that still holds it up; 1 throughout where there is no launch
    facts: list[Fact]
    binding: Sequence[Sequence[int]]  # what holds back what is left of a node: nothing once it is done
    floor: list[int]  # before which it neither begins nor ends, in milliseconds of the axis


def build(plan: Plan, *, now: float, progress: Progress) -> Network:
    """Lay a plan out as a network of what is in the launch's scope."""
    issues = _in_scope(plan, progress)
    milestones = milestones_of(plan)
    names = [issue.id for issue in issues] + [milestone.name for milestone in milestones]
    waits = _waits(issues, milestones)
    last = launch_of(milestones)
    launch = None if last is None else len(issues) + milestones.index(last)
    if launch is not None:
        _put_behind(launch, issues, waits)
    walked = walk(waits)
    for node, waited_for in walked.cuts:
        waits[node] = [other for other in waits[node] if other != waited_for]
    axis, facts = _facts(plan, issues, milestones, now=now, progress=progress)
    binding = [held if fact.done_at is None else () for held, fact in zip(waits, facts, strict=True)]
    begun = axis.worked(now)
    return Network(
        now=now,
        axis=axis,
        names=names,
        issue_count=len(issues),
        launch=launch,
        waits=waits,
        order=walked.order,
        leads_to_launch=bytearray(b"\1" * len(names)) if launch is None else _leading_to(launch, binding),
        facts=facts,
        binding=binding,
        floor=[begun if fact.not_before <= now else axis.worked(fact.not_before) for fact in facts],
    )


class Walked(Struct, frozen=True):
    """An order of nodes in which each comes after what it waits for, and what had to be cut for there to be one."""

    order: list[int]
    cuts: list[tuple[int, int]]  # a node, and what it waits for, which closes a cycle
    cycle: tuple[int, ...]  # the first: each waits for the next, the last for the first; empty for none


def walk(waits: Sequence[Sequence[int]]) -> Walked:
    """Order nodes, depth first, so that each comes after what it waits for."""
    seen = bytearray(len(waits))  # 1 on the path, 2 behind us
    order: list[int] = []
    cuts: list[tuple[int, int]] = []
    cycle: tuple[int, ...] = ()
    for root in range(len(waits)):
        if seen[root]:
            continue
        seen[root] = 1
        path, ahead = [root], [iter(waits[root])]
        while path:
            for node in ahead[-1]:
                if not seen[node]:
                    seen[node] = 1
                    path.append(node)
                    ahead.append(iter(waits[node]))
                    break
                if seen[node] == 1:
                    cuts.append((path[-1], node))
                    cycle = cycle or tuple(path[path.index(node) :])
            else:
                ahead.pop()
                node = path.pop()
                seen[node] = 2
                order.append(node)
    return Walked(order, cuts, cycle)


def find_cycle(plan: Plan) -> tuple[IssueId, ...] | None:
    """Name the first cycle of a plan's issues or milestones: each waits for the next, the last for the first."""
    try:
        in_order(plan)
    except CycleError as error:
        return error.chain
    return None


def in_order(plan: Plan) -> tuple[IssueId, ...]:
    """Give issue ids, then milestone names, each after all that it waits for. Raises CycleError."""
    milestones = milestones_of(plan)
    names = [issue.id for issue in plan.issues] + [milestone.name for milestone in milestones]
    walked = walk(_waits(plan.issues, milestones))
    if walked.cycle:
        raise CycleError(tuple(names[node] for node in walked.cycle))
    return tuple(names[node] for node in walked.order)


def _in_scope(plan: Plan, progress: Progress) -> list[Issue]:
    """Leave out what is dropped, and the backlog but for what was begun or what something in scope waits for."""
    issues = {issue.id: issue for issue in plan.issues if issue.status is not Status.DROPPED}
    backlog = {name for name, issue in issues.items() if issue.priority is Priority.BACKLOG}
    backlog -= progress.started_at.keys() | progress.done_at.keys()
    if not backlog:
        return list(issues.values())
    unseen = [name for milestone in milestones_of(plan) for name in milestone.after]
    unseen += [name for name in issues if name not in backlog]
    while unseen:
        name = unseen.pop()
        if name in issues:
            backlog.discard(name)
            unseen += [other for other in issues[name].depends_on if other in backlog]
    return [issue for name, issue in issues.items() if name not in backlog]


def _waits(issues: Sequence[Issue], milestones: Sequence[Milestone]) -> list[list[int]]:
    """Tell by number what each issue, then each milestone waits for. What does not exist holds nobody up."""
    number = {issue.id: node for node, issue in enumerate(issues)}
    by_name = {milestone.name: len(issues) + index for index, milestone in enumerate(milestones)}
    waits = [[number[other] for other in issue.depends_on if other in number] for issue in issues]
    for milestone in milestones:
        after = [number[other] for other in milestone.after if other in number]
        waits.append(after + [by_name[name] for name in milestone.after_milestones if name in by_name])
    return waits


def _put_behind(launch: int, issues: Sequence[Issue], waits: list[list[int]]) -> None:
    """Make post-deployment issues wait for the launch, but for those that it waits for itself."""
    leads_to_launch = _leading_to(launch, waits)
    for node, issue in enumerate(issues):
        if issue.priority is Priority.POST and not leads_to_launch[node]:
            waits[node].append(launch)


def _leading_to(target: int, waits: Sequence[Sequence[int]]) -> bytearray:
    """Mark a node and all that it waits for, however far back."""
    marks = bytearray(len(waits))
    marks[target] = 1
    unseen = [target]
    while unseen:
        for node in waits[unseen.pop()]:
            if not marks[node]:
                marks[node] = 1
                unseen.append(node)
    return marks


def _facts(
    plan: Plan, issues: Sequence[Issue], milestones: Sequence[Milestone], *, now: float, progress: Progress
) -> tuple[WorkAxis, list[Fact]]:
    """Work out what is known of each node, and the axis from the first work under way on."""
    earliest = min(progress.started_at.values(), default=now)
    axis = WorkAxis(WorkDays(plan.calendar), since=min(now, max(earliest, now - _LONGEST_UNDERWAY_S)))
    first = first_date(plan)
    opening = -inf if first is None else planned_day(plan, 1)[0]
    phases = _phase_openings(plan, issues)
    started_at, done_at = progress.started_at, dict(progress.done_at)
    for issue in issues:
        if issue.status is Status.DONE:
            done_at.setdefault(issue.id, now if first is None else min(now, opening))
    undone = {issue.id: now for issue in issues} | done_at  # until when each kept what waits for it from going on
    facts = []
    for issue in issues:
        begun, done = started_at.get(issue.id), done_at.get(issue.id)
        if begun is None and issue.status is Status.IN_PROGRESS and not issue.claimed:
            begun = now
        if done is not None:
            facts.append(Fact(begun_at=begun, done_at=done))
        elif begun is not None:
            begun = min(begun, now)  # the clock of whoever said so may be ahead
            going_on = max((begun, *(undone.get(other, begun) for other in issue.depends_on)))
            spent = axis.hours_between(min(going_on, now), now)
            facts.append(Fact(estimate=estimate_of(issue), begun_at=begun, spent_hours=spent))
        else:
            facts.append(Fact(not_before=phases.get(issue.id, opening), estimate=estimate_of(issue)))
    for milestone in milestones:
        planned = planned_at(plan, milestone)
        facts.append(Fact(not_before=-inf if planned is None else planned, done_at=done_at.get(milestone.name)))
    return axis, facts


def _phase_openings(plan: Plan, issues: Sequence[Issue]) -> dict[IssueId, float]:
    """Give the moment before which an issue does not begin: the opening of its phase, the earliest of several."""
    openings: dict[IssueId, float] = {}
    by_name: dict[str, float] = {}
    for phase in plan.phases:
        span = phase_span(plan, phase)
        if span is None:
            continue
        by_name[phase.name] = span[0]
        for issue_id in phase.issues:
            openings[issue_id] = min(span[0], openings.get(issue_id, inf))
    for issue in issues:
        if issue.phase in by_name:
            openings.setdefault(issue.id, by_name[issue.phase])
    return openings
