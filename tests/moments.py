"""Moments of one deploy day, as snapshots: all is well, something is wrong, everybody fell silent, nothing is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from msgspec.structs import replace

from loom_tui.plan.model import Reference, Task
from loom_tui.plan.signals import signals_of
from loom_tui.room.errors import Listing
from loom_tui.room.events import Event, NoteAdded
from loom_tui.room.fold import fold
from loom_tui.room.signals import PollerReport, State
from loom_tui.room.snapshot import Observations, Snapshot
from tests.samples import (
    NOW,
    sample_errors,
    sample_events,
    sample_observations,
    sample_plan,
    sample_series,
    stale_snapshot,
    unknown_snapshot,
)

REFUSED = "401: the token is not accepted"


def calm_snapshot() -> Snapshot:
    """All feeds live, each query within its target, no error but a known warning."""
    values = {"sentry.new": 0.0, "sentry.regressed": 0.0, "sentry.critical": 0.0, "db.user_statistics.ms": 8.8}
    known = tuple(error for error in sample_errors() if error.substatus == "ongoing")
    observed = _with(
        sample_observations(), values=values, bodies={"sentry.issues": msgspec.json.encode(Listing(issues=known))}
    )
    storage = observed.latest["app.storage"]
    storage = replace(storage, reading=replace(storage.reading, state=State.OK, detail=""))
    series = {"db.user_statistics.ms": sample_series("db.user_statistics.ms", 8.8, 251)}
    observed = replace(
        observed, latest={**observed.latest, "app.storage": storage}, series={**observed.series, **series}
    )
    return fold(sample_plan(), sample_events(), observed, NOW)


def degraded_snapshot() -> Snapshot:
    """A query over its target, storage down, a new critical error; and Sentry has refused to answer for minutes."""
    return fold(sample_plan(), sample_events(), silenced(sample_observations(), "sentry", why=REFUSED), NOW)


def silenced(observed: Observations, source: str, *, why: str, age_s: float = 400) -> Observations:
    """Let a source have failed for `age_s`, as its poller tells it: old figures, and a check that says why."""
    latest = dict(observed.latest)
    for name, signal in signals_of(sample_plan()).items():
        if signal.source == source and name in latest:
            at = latest[name].reading.observed_at if name == source else NOW - age_s
            latest[name] = replace(latest[name], reading=replace(latest[name].reading, observed_at=at))
    report = PollerReport(last_success_at=NOW - age_s, next_try_at=NOW + 20, failures=5, why=why)
    feed, check = f"feed.{source}", latest[source]
    latest[feed] = replace(latest[feed], reading=replace(latest[feed].reading, body=msgspec.json.encode(report)))
    latest[source] = replace(check, reading=replace(check.reading, state=State.UNKNOWN, detail=why))
    return replace(observed, latest=latest)


def _with(observed: Observations, *, values: Mapping[str, float], bodies: Mapping[str, bytes]) -> Observations:
    latest = dict(observed.latest)
    for name, value in values.items():
        latest[name] = replace(latest[name], reading=replace(latest[name].reading, value=value))
    for name, body in bodies.items():
        latest[name] = replace(latest[name], reading=replace(latest[name].reading, body=body))
    return replace(observed, latest=latest)


MOMENTS: Mapping[str, Callable[[], Snapshot]] = {
    "ok": calm_snapshot,
    "degraded": degraded_snapshot,
    "stale": stale_snapshot,
    "unknown": unknown_snapshot,
}


def hostile_snapshot(words: str) -> Snapshot:
    """The degraded room with `words` wherever a plan, a person or the world may write some."""
    plan = sample_plan()

    def task(_: Task) -> Task:
        return Task(text=words)

    plan = replace(
        plan,
        plan=replace(plan.plan, title=words, sprint=words, environment=words, release=words, last_stable=words),
        issues=tuple(
            replace(
                issue, title=words, owners=(words,), goal=words, url=words, blockers=(words,),
                tasks=tuple(map(task, issue.tasks)),
            )
            for issue in plan.issues
        ),
        phases=tuple(replace(phase, name=f"{number} {words}") for number, phase in enumerate(plan.phases)),
        criteria=replace(
            plan.criteria,
            go=tuple(replace(each, text=words) for each in plan.criteria.go),
            no_go=tuple(replace(each, text=words) for each in plan.criteria.no_go),
        ),
        risks=tuple(replace(risk, text=words, owner=words, response=words) for risk in plan.risks),
        stakeholders=tuple(replace(person, name=words, role=words) for person in plan.stakeholders),
        cadences=tuple(replace(cadence, what=words, when=words, topics=(words,)) for cadence in plan.cadences),
        references=(Reference(name=words, text=words),),
        sources={name: replace(source, label=words) for name, source in plan.sources.items()},
    )  # fmt: skip
    told = words.encode("utf-8", "replace").decode()
    errors = tuple(
        replace(error, title=told, culprit=told, release=told, url=told, short_id=told, level=told, substatus=told)
        for error in sample_errors()
    )
    observed = silenced(sample_observations(), "sentry", why=told)
    latest = {
        name: replace(stored, reading=replace(stored.reading, detail=words)) for name, stored in observed.latest.items()
    }
    issues = latest["sentry.issues"]
    latest["sentry.issues"] = replace(
        issues, reading=replace(issues.reading, body=msgspec.json.encode(Listing(issues=errors)))
    )
    last = Event(seq=12, at=NOW - 1, actor=words, payload=NoteAdded(text=words), hash="")
    return fold(plan, (*sample_events(), last), replace(observed, latest=latest), NOW)
