"""Gathers the evidence of a root cause from the room as it stands: errors, figures, charts, journal. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loom_tui.plan.kinds import Kind
from loom_tui.room.aftermath import (
    RootCauseOpened,
    SeenError,
    SeenEvent,
    SeenFigure,
    SeenSeries,
)
from loom_tui.room.errors import ErrorIssue
from loom_tui.room.events import Event
from loom_tui.room.guard import ActionView
from loom_tui.room.signals import Bucket, Freshness
from loom_tui.room.snapshot import Snapshot
from loom_tui.room.told import told

MOST_ERRORS = 50
MOST_FIGURES = 300
MOST_POINTS = 120  # of a chart
MOST_EVENTS = 200
LOOK_BACK_S = 24 * 3600.0  # where nobody marked when it was deployed
_LONGEST = 300


def evidence(snapshot: Snapshot, view: ActionView) -> RootCauseOpened:
    """Gather what is known now of what an action rolled back from."""
    plan, since = snapshot.plan.plan, _since(snapshot, view)
    errors = [(feed.source, issue) for feed in snapshot.errors for issue in feed.issues if _matters(issue, since)]
    events = [event for event in snapshot.events if event.at >= since]
    return RootCauseOpened(
        release=plan.release,
        environment=plan.environment,
        action=view.id,
        reason=view.armed.reason,
        from_release=view.armed.from_release,
        to_release=view.armed.to_release,
        version=_version(snapshot),
        since=since,
        errors=tuple(_error(source, issue) for source, issue in errors[:MOST_ERRORS]),
        errors_left_out=max(0, len(errors) - MOST_ERRORS),
        figures=tuple(_figures(snapshot))[:MOST_FIGURES],
        series=tuple(_series(snapshot)),
        journal=tuple(map(_event, events[-MOST_EVENTS:])),
        events_left_out=max(0, len(events) - MOST_EVENTS),
        warnings=view.armed.warnings,
        head_seq=snapshot.events[-1].seq if snapshot.events else 0,
        head_hash=snapshot.events[-1].hash if snapshot.events else "",
    )


def _since(snapshot: Snapshot, view: ActionView) -> float:
    """Give where the fault may have begun: the last deploy before the rollback was armed, or a day before it."""
    deploys = [mark.at for mark in snapshot.marks if mark.kind == "deploy" and mark.at <= view.at]
    return max(deploys, default=view.at - LOOK_BACK_S)


def _matters(issue: ErrorIssue, since: float) -> bool:
    return issue.substatus != "ongoing" or issue.level == "fatal" or (issue.first_seen or 0.0) >= since


def _error(source: str, issue: ErrorIssue) -> SeenError:
    return SeenError(
        source=source,
        id=issue.id,
        title=issue.title[:_LONGEST],
        short_id=issue.short_id,
        culprit=issue.culprit[:_LONGEST],
        level=issue.level,
        substatus=issue.substatus,
        count=issue.count,
        users=issue.users,
        first_seen=issue.first_seen,
        last_seen=issue.last_seen,
        release=issue.release,
        url=issue.url,
    )


def _event(event: Event) -> SeenEvent:
    return SeenEvent(seq=event.seq, at=event.at, actor=event.actor, words=told(event)[:_LONGEST])


def _figures(snapshot: Snapshot) -> Iterator[SeenFigure]:
    for name, view in snapshot.signals.items():
        reading = view.reading
        if reading is not None and view.signal.kind is not Kind.BODY:
            yield SeenFigure(
                signal=name,
                label=view.signal.label,
                state=view.state.value,
                freshness=view.freshness.value,
                at=reading.observed_at,
                value=reading.value,
                unit=view.signal.unit,
                detail=reading.detail[:_LONGEST],
            )


def _series(snapshot: Snapshot) -> Iterator[SeenSeries]:
    for feed in snapshot.errors:
        if feed.series:
            yield _chart(feed.per_minute.signal.id, feed.per_minute.signal.unit, feed.series)
    for database in snapshot.databases:
        for query in database.queries:
            if query.series:
                yield _chart(query.signal.signal.id, query.signal.signal.unit, query.series)


def _chart(signal: str, unit: str, series: Sequence[Bucket]) -> SeenSeries:
    kept = series[-MOST_POINTS:]
    points = tuple((each.start, each.total / each.count if each.count else 0.0, each.high) for each in kept)
    return SeenSeries(signal=signal, unit=unit, step_s=kept[-1].step_s, points=points)


def _version(snapshot: Snapshot) -> str:
    view = snapshot.version
    known = view is not None and view.freshness is Freshness.FRESH and view.reading is not None
    return view.reading.detail if known and view is not None and view.reading is not None else ""
