"""What readings show that the journal must remember, because readings are overwritten and rolled up."""

from __future__ import annotations

from collections.abc import Iterator

from loom_tui.plan.criteria import Part, criteria_of
from loom_tui.plan.model import Plan
from loom_tui.room.ballot import Ballot
from loom_tui.room.events import ClockRan, NoGoCleared, NoGoShown
from loom_tui.room.snapshot import Snapshot
from loom_tui.room.verdicts import CriterionView, GateView, Says

Sighting = NoGoShown | NoGoCleared | ClockRan


def anything_to_see(plan: Plan) -> bool:
    """Say whether a plan has a no-go that readings can show, or a clock."""
    return any(
        named.criterion.clock_hours is not None
        or (named.part is Part.NO_GO and (named.criterion.rules or named.criterion.checks))
        for named in criteria_of(plan)
    )


def sightings(snapshot: Snapshot, ballot: Ballot) -> Iterator[Sighting]:
    """List what readings show now and the journal does not say yet."""
    for view in snapshot.gate.no_go:
        known = ballot.shown.get(view.key)
        yield from _no_go(view, snapshot.gate, shown=known is not None and _is_of(snapshot.gate, known.payload))
    for view in (*snapshot.gate.deployment, *snapshot.gate.post_deployment):
        ran = ballot.ran.get(view.key)
        of_this = ran is not None and _is_of(snapshot.gate, ran.payload)
        yield from _clock(view, snapshot, ran_after=ran.payload.deployed_at if ran is not None and of_this else None)


def _is_of(gate: GateView, claim: Sighting) -> bool:
    return (claim.release, claim.environment) == (gate.release, gate.environment)


def _no_go(view: CriterionView, gate: GateView, *, shown: bool) -> Iterator[Sighting]:
    readings = tuple(item for item in view.evidence if item.kind in ("rule", "check"))
    holds = any(item.says is Says.AGAINST for item in readings)
    ended = bool(readings) and all(item.says is Says.FOR for item in readings)
    if (holds and not shown) or (ended and shown):
        kind = NoGoShown if holds else NoGoCleared
        yield kind(
            criterion=view.key, text=view.text, evidence=readings, release=gate.release, environment=gate.environment
        )


def _clock(view: CriterionView, snapshot: Snapshot, *, ran_after: float | None) -> Iterator[Sighting]:
    clock, deployed_at, gate = view.clock, snapshot.deployed_at, snapshot.gate
    done = any(item.kind == "clock" and item.says is Says.FOR for item in view.evidence)
    if done and clock is not None and clock.since is not None and deployed_at is not None and deployed_at != ran_after:
        yield ClockRan(
            criterion=view.key,
            text=view.text,
            deployed_at=deployed_at,
            since=clock.since,
            release=gate.release,
            environment=gate.environment,
        )
