"""The readings' side of the fold: signals, databases, errors, services and feeds as they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from loom_tui.plan.kinds import Kind
from loom_tui.plan.model import IssueId, Plan
from loom_tui.plan.signals import Signal, asked_of
from loom_tui.plan.sources.http import HttpSource
from loom_tui.room.checks import decode_result
from loom_tui.room.errors import ErrorIssue, ErrorStanding, Listing, ReleaseHealth
from loom_tui.room.manual import ManualView
from loom_tui.room.signals import (
    Bucket,
    Freshness,
    PollerReport,
    State,
    Stored,
    decode_report,
    freshness,
)
from loom_tui.room.snapshot import (
    CheckView,
    CollectorView,
    ErrorsView,
    FeedView,
    IssueView,
    Observations,
    SignalView,
)
from loom_tui.room.tracker import LiveIssue, differences

T = TypeVar("T")

_LISTING: msgspec.json.Decoder[Listing] = msgspec.json.Decoder(Listing)
_HEALTH: msgspec.json.Decoder[tuple[ReleaseHealth, ...]] = msgspec.json.Decoder(tuple[ReleaseHealth, ...])


def signal_view(signal: Signal, stored: Stored | None, *, now: float) -> SignalView:
    """Show a signal's newest reading. Anything but a fresh reading has the state unknown, and says why."""
    fresh = freshness(stored, signal, now)
    if stored is None:
        return SignalView(signal=signal, reading=None, freshness=fresh, state=State.UNKNOWN, why="never read")
    reading = stored.reading
    if fresh is Freshness.FRESH:
        return SignalView(signal=signal, reading=reading, freshness=fresh, state=reading.state, why=reading.detail)
    why = "stale" if fresh is Freshness.STALE else "read in the future: a clock is wrong"
    return SignalView(signal=signal, reading=reading, freshness=fresh, state=State.UNKNOWN, why=why)


_ORDER = {"new": 0, "regressed": 1, "escalating": 2, "ongoing": 3}


def errors_view(
    name: str,
    signals: Mapping[str, SignalView],
    series: tuple[Bucket, ...],
    *,
    standings: Mapping[tuple[str, str], ErrorStanding],
    deployed_at: float | None,
) -> ErrorsView:
    """Show one error feed: what was first seen since the deploy, then new, regressed, escalating, ongoing."""
    body, listing = _decoded(signals[f"{name}.issues"], _LISTING, Listing(issues=()))
    health, releases = _decoded(signals[f"{name}.health"], _HEALTH, ())
    since = inf if deployed_at is None else deployed_at

    def rank(issue: ErrorIssue) -> tuple[bool, int, float]:
        return ((issue.first_seen or 0.0) < since, _ORDER.get(issue.substatus, 3), -(issue.last_seen or 0.0))

    return ErrorsView(
        source=name,
        signal=body,
        issues=tuple(sorted(listing.issues, key=rank)),
        new=signals[f"{name}.new"],
        regressed=signals[f"{name}.regressed"],
        critical=signals[f"{name}.critical"],
        per_minute=signals[f"{name}.errors_per_minute"],
        health=health,
        releases=releases,
        extent=listing.extent,
        standings={error: standing for (source, error), standing in standings.items() if source == name},
        series=series,
    )


def _decoded(view: SignalView, decoder: msgspec.json.Decoder[T], nothing: T) -> tuple[SignalView, T]:
    """Decode a signal's body. One of another version's making is unknown, not a crash."""
    if view.reading is None or not view.reading.body:
        return view, nothing
    try:
        return view, decoder.decode(view.reading.body)
    except msgspec.DecodeError:
        return replace(view, state=State.UNKNOWN, why="written by another version of Loom"), nothing


def service_views(plan: Plan, signals: Mapping[str, SignalView]) -> tuple[SignalView, ...]:
    """List the HTTP sources' signals, in the plan's order."""
    http = {name for name, source in plan.sources.items() if isinstance(source, HttpSource)}
    return tuple(view for view in signals.values() if view.signal.source in http and view.signal.kind is not Kind.BODY)


def version_view(plan: Plan, signals: Mapping[str, SignalView]) -> SignalView | None:
    """Find the deployed version, where a source tells it."""
    for name, source in plan.sources.items():
        if isinstance(source, HttpSource) and source.version_field:
            return signals[f"{name}.version"]
    return None


def feed_views(plan: Plan, observations: Observations, *, now: float) -> tuple[FeedView, ...]:
    """Show each poller: live while its last try told what it was asked for, that is fresh, and somebody polls.

    What is asked on demand only is live while somebody would ask it, unless the last try failed.
    """
    out = []
    for name, source in asked_of(plan).items():
        stored = observations.latest.get(f"feed.{name}")
        report = decode_report(stored.reading if stored is not None else None)
        last = report.last_success_at if report is not None else None
        well = report is None or not report.failures
        if source.interval_s:
            well = well and last is not None and now - last <= source.fresh_for_s
        live = observations.collector.alive and well
        why = "" if live else _feed_why(report, observations.collector)
        on_demand, label = not source.interval_s, source.label or name
        out.append(FeedView(source=name, label=label, live=live, on_demand=on_demand, report=report, why=why))
    return tuple(out)


def tracked_issues(issues: tuple[IssueView, ...], live: Mapping[IssueId, LiveIssue]) -> tuple[IssueView, ...]:
    """Lay the tracker's state beside the room's own, and say where they differ."""
    if not live:
        return issues
    out = []
    for view in issues:
        theirs = live.get(view.issue.id)
        if theirs is not None:
            ticked = {task.text: task.done for task in view.tasks}
            found = tuple(differences(view.issue, theirs, ticked=ticked))
            out.append(replace(view, live=theirs, differences=found))
        else:
            out.append(view)
    return tuple(out)


def check_views(
    signals: Mapping[str, SignalView],
    feeds: Sequence[FeedView],
    observations: Observations,
    by_hand: Mapping[str, ManualView],
) -> tuple[CheckView, ...]:
    """Show every check, in the plan's order."""
    reports = {feed.source: feed.report for feed in feeds if observations.collector.alive}
    out = []
    for name, view in signals.items():
        if view.signal.kind is not Kind.CHECK:
            continue
        report = reports.get(view.signal.source)
        out.append(
            CheckView(
                signal=view,
                group=view.signal.group,
                result=decode_result(view.reading.body) if view.reading is not None else None,
                history=observations.history.get(name, ()),
                running_since=report.asking_since if report is not None else None,
                progress=report.progress if report is not None else "",
                manual=by_hand.get(name),
            )
        )
    return tuple(out)


def _feed_why(report: PollerReport | None, collector: CollectorView) -> str:
    if not collector.alive:
        return collector.why
    if report is None:
        return "not asked yet"
    return report.why or "silent"
