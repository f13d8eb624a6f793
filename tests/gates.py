"""Small rooms for tests of the gate: a plan, readings and events as literals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

from msgspec.structs import replace

from loom_tui.plan.model import (
    About,
    Criteria,
    Criterion,
    Gate,
    Issue,
    Operator,
    Plan,
    Risk,
    Rule,
    Stakeholder,
)
from loom_tui.plan.sources.http import HttpSource
from loom_tui.plan.sources.postgres import PostgresSource, Query
from loom_tui.plan.sources.sentry import SentrySource
from loom_tui.room.events import Event, Payload, PlanAdopted, SignedOff, Voted
from loom_tui.room.fold import fold
from loom_tui.room.signals import Bucket, Reading, State, Stored
from loom_tui.room.snapshot import CollectorView, Observations, Snapshot
from loom_tui.room.verdicts import Choice, CriterionView

NOW = 1_762_862_400.0  # 2025-11-11 12:00 UTC
RELEASE, ENVIRONMENT = "v2", "production"


class Ours(TypedDict):
    """What a claim and a reading speak of."""

    release: str
    environment: str


OURS: Ours = {"release": RELEASE, "environment": ENVIRONMENT}
CALM = Rule(signal="sentry.critical", at_most=0)
HOT = Rule(signal="sentry.critical", at_least=1)


def plan(
    *,
    go: Iterable[Criterion] = (),
    no_go: Iterable[Criterion] = (),
    deployment: Iterable[Criterion] = (),
    post: Iterable[Criterion] = (),
    voters: Iterable[Stakeholder] = (),
    operators: Iterable[Operator] = (),
    issues: Iterable[Issue] = (),
    risks: Iterable[Risk] = (),
    release: str = RELEASE,
    gate: Gate | None = None,
) -> Plan:
    """A plan over three sources whose readings stay fresh for a minute."""
    return Plan(
        plan=About(title="Friday", id="friday", release=release, environment=ENVIRONMENT),
        criteria=Criteria(go=tuple(go), no_go=tuple(no_go), deployment=tuple(deployment), post_deployment=tuple(post)),
        gate=gate or Gate(),
        stakeholders=tuple(voters),
        operators=tuple(operators),
        issues=tuple(issues),
        risks=tuple(risks),
        sources={
            "app": HttpSource(url="https://app.test/", ttl_s=60, fields={"auth": "auth"}, version_field="version"),
            "sentry": SentrySource(org="o", project="p", ttl_s=60),
            "db": PostgresSource(
                dsn="host=db", ttl_s=60, queries=(Query(name="list", sql="select 1", min_samples=20),)
            ),
        },
    )


def reading(
    signal: str, value: float | None = None, *, age_s: float = 3.0, recorded_age_s: float | None = None, **more: object
) -> Stored:
    """A reading of this release and environment, unless told otherwise."""
    body = {"signal": signal, "observed_at": NOW - age_s, "value": value, **OURS, **more}
    recorded_at = NOW - (age_s if recorded_age_s is None else recorded_age_s)
    return Stored(reading=Reading(**body), recorded_at=recorded_at)  # type: ignore[arg-type]


def read(*readings: Stored, past: dict[str, tuple[Bucket, ...]] | None = None) -> Observations:
    """What a store holds of these readings."""
    return Observations(
        latest={stored.reading.signal: stored for stored in readings},
        past=past or {},
        collector=CollectorView(alive=True, holder="ana", why=""),
    )


def history(values: Iterable[tuple[float, float]], *, step_s: float = 10.0) -> tuple[Bucket, ...]:
    """Buckets of one reading each: pairs of the age of a bucket's start, and its value."""
    return tuple(
        Bucket(start=NOW - age_s, step_s=step_s, count=1, total=value, low=value, high=value) for age_s, value in values
    )


def adopted(*, release: str = RELEASE, age_s: float = 900_000.0) -> tuple[str, float, Payload]:
    """The room took the plan long ago."""
    return ("ana", age_s, PlanAdopted(plan_hash="0", release=release, environment=ENVIRONMENT))


def events(*told: tuple[str, float, Payload]) -> tuple[Event, ...]:
    """Events as the journal has them: who, how long ago, what."""
    return tuple(
        Event(seq=seq, at=NOW - age_s, actor=who, payload=payload, hash="")
        for seq, (who, age_s, payload) in enumerate(told, 1)
    )


def room(
    a_plan: Plan, *told: tuple[str, float, Payload], seen: Observations | None = None, now: float = NOW
) -> Snapshot:
    """The room at a moment, after it took the plan and these events."""
    return fold(a_plan, events(adopted(), *told), seen or read(), now)


def go_view(snapshot: Snapshot) -> CriterionView:
    """The first go criterion."""
    return snapshot.gate.go[0]


def no_go_view(snapshot: Snapshot) -> CriterionView:
    """The first no-go criterion."""
    return snapshot.gate.no_go[0]


def vote(
    role: str, choice: Choice = Choice.GO, *, reason: str = "", release: str = RELEASE, environment: str = ENVIRONMENT
) -> Voted:
    """A vote for this release, unless told otherwise."""
    return Voted(role=role, choice=choice, reason=reason, release=release, environment=environment)


def signed(key: str, *, holds: bool, no_go: bool = False, role: str = "", release: str = RELEASE) -> SignedOff:
    """A sign-off for this release, unless told otherwise."""
    return SignedOff(
        criterion=key, text=key, holds=holds, no_go=no_go, role=role, release=release, environment=ENVIRONMENT
    )


def bad(stored: Stored) -> Stored:
    """The same reading, bad."""
    return Stored(reading=replace(stored.reading, state=State.BAD), recorded_at=stored.recorded_at)
