"""The readings' side of the fold: signals, databases, errors, services and feeds as they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from loom_tui.plan.kinds import PERCENTILES, Kind
from loom_tui.plan.model import IssueId, Plan, Target
from loom_tui.plan.signals import Signal, asked_of
from loom_tui.plan.sources.http import HttpSource
from loom_tui.plan.sources.postgres import Query
from loom_tui.room.checks import decode_result
from loom_tui.room.errors import ErrorIssue, ErrorStanding, Listing, ReleaseHealth
from loom_tui.room.manual import ManualView
from loom_tui.room.signals import (
    Bucket,
    Freshness,
    PollerReport,
    State,
    Stored,
    freshness,
)
from loom_tui.room.sketch import percentiles
from loom_tui.room.snapshot import (
    CheckView,
    CollectorView,
    DatabaseView,
    ErrorsView,
    FeedView,
    IssueView,
    Observations,
    QueryView,
    SignalView,
)
from loom_tui.room.tracker import LiveIssue, differences
from loom_tui.room.verdicts import Verdict

T = TypeVar("T")
P99_MIN_SAMPLES = 100  # a 99th percentile of fewer is the maximum by another name

_REPORTS: msgspec.json.Decoder[PollerReport] = msgspec.json.Decoder(PollerReport)
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


class QueryFigures(Struct, frozen=True):
    """Percentiles (ms) by number over `samples` executions since `since`."""

    samples: int
    values: Mapping[int, float]
    since: float


def query_figures(series: Sequence[Bucket], *, since: float) -> QueryFigures:
    """Merge the sketches of the buckets that begin at `since` or later."""
    taken = [bucket for bucket in series if bucket.start >= since]
    samples = sum(bucket.count for bucket in taken)
    if not samples:
        return QueryFigures(0, {}, since)
    found = percentiles((bucket.sketch for bucket in taken), [p / 100 for p in PERCENTILES]).values
    values = {p: value for p, value in zip(PERCENTILES, found, strict=True) if value is not None}
    return QueryFigures(samples, values, since)


def query_view(
    source: str,
    query: Query,
    target: Target | None,
    *,
    figures: QueryFigures,
    signal: SignalView,
    series: tuple[Bucket, ...],
) -> QueryView:
    """Show a named query: its percentiles where there are samples enough, against its target."""
    enough = {50: 1, 95: query.min_samples, 99: max(P99_MIN_SAMPLES, query.min_samples)}
    shown = {p: figures.values.get(p) if figures.samples >= enough[p] else None for p in PERCENTILES}
    judged = target.percentile if target is not None and target.percentile in PERCENTILES else 95
    value = shown[judged]
    verdict, why = _query_verdict(
        value, target, signal, percentile=judged, samples=figures.samples, needed=enough[judged]
    )
    return QueryView(
        source=source,
        query=query,
        target=target,
        samples=figures.samples,
        p50_ms=shown[50],
        p95_ms=shown[95],
        p99_ms=shown[99],
        factor=target.baseline_ms / value if target is not None and target.baseline_ms and value else None,
        verdict=verdict,
        why=why,
        since=figures.since,
        signal=signal,
        series=series,
    )


def _query_verdict(
    value: float | None, target: Target | None, signal: SignalView, *, percentile: int, samples: int, needed: int
) -> tuple[Verdict, str]:
    if signal.freshness is not Freshness.FRESH:
        return Verdict.UNKNOWN, signal.why
    if value is None:
        return Verdict.UNKNOWN, f"{samples} of {needed} samples"
    if target is None or target.target_ms is None:
        return Verdict.UNKNOWN, "the plan sets no target"
    limit = target.target_ms.high
    if value <= limit:
        return Verdict.MET, f"p{percentile} of {samples} samples"
    return Verdict.NOT_MET, f"p{percentile} of {samples} samples is over {limit:g} ms"


def percentile_views(view: QueryView, signals: Mapping[str, Signal]) -> dict[str, SignalView]:
    """Show a query's percentiles as signals of their own, so that rules can speak of them."""
    out: dict[str, SignalView] = {}
    for percentile, value in zip(PERCENTILES, (view.p50_ms, view.p95_ms, view.p99_ms), strict=True):
        signal = signals[f"{view.source}.{view.query.name}.p{percentile}_ms"]
        base = view.signal
        if value is None or base.reading is None:
            why = base.why if base.reading is None else f"{view.samples} samples are too few"
            out[signal.id] = SignalView(
                signal=signal,
                reading=None,
                freshness=base.freshness,
                state=State.UNKNOWN,
                why=why,
                samples=view.samples,
            )
            continue
        reading = replace(base.reading, signal=signal.id, value=value, detail="", state=State.OK)
        known = base.state is not State.UNKNOWN
        out[signal.id] = SignalView(
            signal=signal,
            reading=reading,
            freshness=base.freshness,
            state=State.OK if known else State.UNKNOWN,
            why="" if known else base.why or "unknown",
            samples=view.samples,
        )
    return out


def database_view(name: str, queries: tuple[QueryView, ...], signals: Mapping[str, SignalView]) -> DatabaseView:
    """Show one PostgreSQL source."""
    return DatabaseView(
        source=name,
        signal=signals[name],
        queries=queries,
        sessions=signals[f"{name}.sessions"],
        sessions_active=signals[f"{name}.sessions_active"],
        max_sessions=signals[f"{name}.max_sessions"],
        locks_waiting=signals[f"{name}.locks_waiting"],
        longest_s=signals[f"{name}.longest_s"],
    )


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
    """Show each poller: live while its last success is fresh and somebody polls.

    What is asked on demand only is live while somebody would ask it, unless the last try failed.
    """
    out = []
    for name, source in asked_of(plan).items():
        stored = observations.latest.get(f"feed.{name}")
        report = _report(stored)
        last = report.last_success_at if report is not None else None
        if source.interval_s:
            well = last is not None and now - last <= source.fresh_for_s
        else:
            well = report is None or not report.failures
        live = observations.collector.alive and well
        why = "" if live else _feed_why(report, observations.collector)
        out.append(FeedView(source=name, label=source.label or name, live=live, report=report, why=why))
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


def _report(stored: Stored | None) -> PollerReport | None:
    if stored is None or not stored.reading.body:
        return None
    try:
        return _REPORTS.decode(stored.reading.body)
    except msgspec.DecodeError:
        return None


def _feed_why(report: PollerReport | None, collector: CollectorView) -> str:
    if not collector.alive:
        return collector.why
    if report is None:
        return "not asked yet"
    return report.why or "silent"
