"""What readings show that the journal must remember, because readings are overwritten and rolled up."""

from __future__ import annotations

from collections.abc import Iterator

from loom_tui.plan.acts import ActionKind
from loom_tui.plan.criteria import Part, criteria_of
from loom_tui.plan.model import Action, Plan
from loom_tui.plan.sources.http import HttpSource
from loom_tui.room.ballot import Ballot
from loom_tui.room.events import ClockRan, NoGoCleared, NoGoShown
from loom_tui.room.ledger import Ledger
from loom_tui.room.signals import State
from loom_tui.room.snapshot import Observations, Snapshot
from loom_tui.room.verdicts import CriterionView, GateView, Says
from loom_tui.room.verification import verify
from loom_tui.room.versions import VersionSeen
from loom_tui.room.way import values_of

OfGate = NoGoShown | NoGoCleared | ClockRan
Sighting = OfGate | VersionSeen
CALM_S = 60.0  # while instances are replaced both versions answer: a change is written once a minute at most


def anything_to_see(plan: Plan) -> bool:
    """Say whether a plan has a no-go that readings can show, a clock, or a rollback and a version to go back to."""
    return _sees_versions(plan) or any(
        named.criterion.clock_hours is not None
        or (named.part is Part.NO_GO and (named.criterion.rules or named.criterion.checks))
        for named in criteria_of(plan)
    )


def is_same(one: Sighting, other: Sighting) -> bool:
    """Say whether two sightings are of one thing."""
    if isinstance(one, VersionSeen) or isinstance(other, VersionSeen):
        return isinstance(one, VersionSeen) and isinstance(other, VersionSeen)
    return type(one) is type(other) and one.criterion == other.criterion


def version_sightings(snapshot: Snapshot, ledger: Ledger, observations: Observations) -> Iterator[VersionSeen]:
    """Tell of the version that runs, where the journal knows another, or does not know yet that it is healthy."""
    view, action, environment = snapshot.version, _rollback(snapshot.plan), snapshot.plan.plan.environment
    reading = view.reading if view is not None and view.state is State.OK else None
    if reading is None or not reading.detail or action is None:
        return
    last = ledger.versions[-1] if ledger.versions else None
    seen = VersionSeen(version=reading.detail, environment=environment, seen_at=reading.observed_at)
    if last is None or (last.version, last.environment) != (seen.version, environment):
        if last is None or reading.observed_at - last.since >= CALM_S:
            yield seen
        return
    if last.healthy_at is None and action.verify:
        values = values_of(snapshot.plan, from_release=seen.version, to_release=seen.version)
        found = verify(
            action.verify, snapshot, ledger=ledger, observations=observations, values=values, since=last.since
        )
        if found.holds:
            yield VersionSeen(version=seen.version, environment=environment, seen_at=seen.seen_at, healthy=True)


def _sees_versions(plan: Plan) -> bool:
    told = any(isinstance(source, HttpSource) and source.version_field for source in plan.sources.values())
    return told and _rollback(plan) is not None


def _rollback(plan: Plan) -> Action | None:
    return next((action for action in plan.actions.values() if action.kind is ActionKind.ROLLBACK), None)


def sightings(snapshot: Snapshot, ballot: Ballot) -> Iterator[OfGate]:
    """List what readings show of the gate now and the journal does not say yet."""
    for view in snapshot.gate.no_go:
        known = ballot.shown.get(view.key)
        yield from _no_go(view, snapshot.gate, shown=known is not None and _is_of(snapshot.gate, known.payload))
    for view in (*snapshot.gate.deployment, *snapshot.gate.post_deployment):
        ran = ballot.ran.get(view.key)
        of_this = ran is not None and _is_of(snapshot.gate, ran.payload)
        yield from _clock(view, snapshot, ran_after=ran.payload.deployed_at if ran is not None and of_this else None)


def _is_of(gate: GateView, claim: OfGate) -> bool:
    return (claim.release, claim.environment) == (gate.release, gate.environment)


def _no_go(view: CriterionView, gate: GateView, *, shown: bool) -> Iterator[OfGate]:
    readings = tuple(item for item in view.evidence if item.kind in ("rule", "check"))
    holds = any(item.says is Says.AGAINST for item in readings)
    ended = bool(readings) and all(item.says is Says.FOR for item in readings)
    if (holds and not shown) or (ended and shown):
        kind = NoGoShown if holds else NoGoCleared
        yield kind(
            criterion=view.key, text=view.text, evidence=readings, release=gate.release, environment=gate.environment
        )


def _clock(view: CriterionView, snapshot: Snapshot, *, ran_after: float | None) -> Iterator[OfGate]:
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
