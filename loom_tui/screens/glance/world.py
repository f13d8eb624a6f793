"""What the world says at a glance: errors, databases, services; and why a pane of theirs is empty."""

from __future__ import annotations

from collections.abc import Sequence

from loom_tui.plan.kinds import Kind
from loom_tui.room.signals import Freshness, State
from loom_tui.room.snapshot import DatabaseView, QueryView, SignalView, Snapshot
from loom_tui.room.verdicts import Verdict
from loom_tui.screens.error_rows import error_sign, standing_of
from loom_tui.screens.silence import read_when, silence
from loom_tui.widgets.chart import axis_of, braille, gather, peak_of, scale_of, spark
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean, fit, rule, spread, width_of, wrap
from loom_tui.widgets.text import (
    SIGN_OF_STATE,
    SIGN_OF_VERDICT,
    Pen,
    Sign,
    milliseconds,
    number,
    span_of,
    stale_note,
    times,
)


def asked(snapshot: Snapshot, views: Sequence[SignalView], now: float) -> Line:
    """Say who was asked and how long ago, for a pane's top line."""
    if not views:
        return EMPTY
    view = views[0]
    source = snapshot.plan.sources.get(view.signal.source)
    label = source.label if source is not None and source.label else view.signal.source
    when = read_when(view, now)
    return (Span(f"{clean(label, limit=16)}  ", when.ink), when)


def no_source(kind: str, table: str) -> Sequence[Line]:
    """Say what an empty pane would show, and how to get it."""
    return (
        (Span(f"No {kind} in the plan.", Ink.FAINT),),
        EMPTY,
        (Span("Add to loom.toml:", Ink.FAINT),),
        (Span("  [sources.NAME]", Ink.FAINT),),
        (Span(f'  kind = "{table}"', Ink.FAINT),),
    )


def errors_lines(snapshot: Snapshot, pen: Pen, width: int, height: int) -> Sequence[Line]:
    """Draw errors per minute over an hour, the counts, and the first errors."""
    if not snapshot.errors:
        return no_source("error feed", "sentry")
    view = snapshot.errors[0]
    fresh = view.signal.freshness is Freshness.FRESH
    axis = axis_of(snapshot.now, window_s=3600, columns=2 * width)
    values = gather(view.series, axis, peak_of)
    peak = max((value for value in values if value is not None), default=None)
    rows = braille(values, 3, scale_of([peak] if peak else []), ascii_only=pen.ascii_only)
    ink = Ink.ACCENT if fresh else Ink.FAINT
    chart: list[Line] = [(Span(row, ink),) for row in rows]
    axis_line = spread((Span("per minute, 1 h", Ink.FAINT),), (Span(f"peak {number(peak)}", Ink.FAINT),), width)
    counts: Line = (
        *count("new", view.new, Ink.WARN),
        *count("regressed", view.regressed, Ink.WARN),
        *count("critical", view.critical, Ink.BAD),
    )
    why = silence(snapshot, view.signal)
    lines: list[Line] = [*chart, axis_line, counts, (Span(fit(why, width), Ink.WARN),) if why else rule(width)]
    if not view.issues and not why:
        lines.append((Span("No errors in the feed.", Ink.FAINT),))
    for issue in view.issues[: height - len(lines)]:
        lamp = error_sign(issue, standing_of(view, issue), pen, fresh=fresh)
        users = f"{issue.users} u" if issue.users is not None else "– u"
        right: Line = (
            Span(f" ×{issue.count}", Ink.INK if fresh else Ink.FAINT),
            Span(fit(users, 7, right=True), Ink.FAINT),
        )
        left: Line = (lamp, Span(f" {clean(issue.title)}", Ink.INK if fresh else Ink.FAINT))
        lines.append(spread(left, right, width))
    return lines


def count(word: str, view: SignalView, alarming: Ink) -> Line:
    """Write a count with its word, in an alarming colour when there is any."""
    value = view.reading.value if view.reading is not None else None
    ink = alarming if value else Ink.INK
    return (Span(f"{word} ", Ink.FAINT), span_of(view, number(value), ink), Span("   "))


def database_lines(snapshot: Snapshot, pen: Pen, width: int, height: int) -> Sequence[Line]:
    """Draw each named query with its percentile, target, gain, verdict and a line of executions."""
    if not snapshot.databases:
        return no_source("database", "postgres")
    database = snapshot.databases[0]
    lines: list[Line] = []
    queries = database.queries
    tall = height >= 3 * len(queries) + 1
    for query in queries[: max(1, (height - 1) // 2)]:
        lines.append(query_row(query, pen, width))
        lines.append((Span(_executions(query, snapshot, pen, width), query_ink(query)),))
        if tall:
            lines.append(EMPTY)
    if not queries:
        lines.append((Span("No named queries: add [[sources.NAME.queries]]", Ink.FAINT),))
    sessions: Line = (
        Span("sessions ", Ink.FAINT),
        span_of(database.sessions, f"{_value(database.sessions)} / {_value(database.max_sessions)}"),
        Span("   locks ", Ink.FAINT),
        span_of(database.locks_waiting, _value(database.locks_waiting)),
        Span("   longest ", Ink.FAINT),
        span_of(database.longest_s, f"{_value(database.longest_s)} s"),
    )
    why = silence(snapshot, database.signal)
    below: list[Line] = [(Span(fit(why, width), Ink.WARN),), sessions] if why else [sessions]
    room = height - len(below)
    return [*lines[:room], *[EMPTY] * (room - len(lines)), *below]


def figures_signal(database: DatabaseView) -> SignalView:
    """Give the signal whose age is that of a database's figures: its own check is read also where it fails."""
    return database.queries[0].signal if database.queries else database.sessions


def query_row(query: QueryView, pen: Pen, width: int) -> Line:
    """Draw a query's figures: its 95th percentile, the target, the gain, the verdict."""
    value = query.p95_ms
    known = value is not None and query.signal.freshness is Freshness.FRESH
    limit = query.target.target_ms if query.target is not None else None
    word = {Verdict.MET: "met", Verdict.NOT_MET: "over"}.get(query.verdict, stale_or_few(query))
    sign = {Verdict.NOT_MET: Sign.WARN}.get(query.verdict, SIGN_OF_VERDICT[query.verdict])
    lamp = pen.sign(sign)
    right: Line = (
        Span(fit(milliseconds(value), 9, right=True), Ink.INK if known else Ink.FAINT, bold=known),
        Span(fit(f"≤ {limit.high:g}" if limit is not None else "", 6, right=True), Ink.FAINT),
        Span(fit(times(query.factor), 5, right=True), Ink.FAINT),
        Span("  "),
        lamp,
        Span(fit(f" {word}", 7), lamp.ink),
    )
    return spread((Span(clean(query.query.label or query.query.name)),), right, width)


def stale_or_few(query: QueryView) -> str:
    """Say in a word why a query's verdict is unknown."""
    if query.signal.freshness is not Freshness.FRESH:
        return "stale" if query.signal.reading is not None else "never"
    return f"n {query.samples}" if query.p95_ms is None else "?"


def window_end(query: QueryView, now: float) -> float:
    """Give the moment at which a query's chart ends: now, or its last execution where the source fell silent."""
    if query.signal.reading is None or query.signal.freshness is Freshness.FRESH:
        return now
    return min(now, query.signal.reading.observed_at)


def _executions(query: QueryView, snapshot: Snapshot, pen: Pen, width: int) -> str:
    """Draw the executions' peaks over a quarter of an hour as bars on a logarithmic scale."""
    axis = axis_of(window_end(query, snapshot.now), window_s=900, columns=width)
    values = gather(query.series, axis, peak_of)
    scale = scale_of([value for value in values if value is not None])
    return spark(
        [None if value is None else scale.share(value) for value in values], top=1.0, ascii_only=pen.ascii_only
    )


def query_ink(query: QueryView) -> Ink:
    """Give the colour of a query's line of executions."""
    if query.signal.freshness is not Freshness.FRESH:
        return Ink.FAINT
    return Ink.WARN if query.verdict is Verdict.NOT_MET else Ink.ACCENT


def _value(view: SignalView) -> str:
    return number(view.reading.value if view.reading is not None else None)


def service_lines(snapshot: Snapshot, pen: Pen, width: int, _height: int) -> Sequence[Line]:
    """Draw a line a check; a service's latency stands beside its own check."""
    if not snapshot.services:
        return no_source("service", "http")
    latencies = {view.signal.source: view for view in snapshot.services if view.signal.kind is Kind.LATENCY}
    lines: list[Line] = []
    for view in snapshot.services:
        if view.signal.kind is Kind.LATENCY:
            continue
        note = stale_note(view, snapshot.now)
        figure = note or service_figure(view, latencies.get(view.signal.source))
        lamp = pen.sign(SIGN_OF_STATE[view.state])
        ink = Ink.FAINT if note or view.state is State.OK else lamp.ink
        left = (lamp, Span(f" {clean(view.signal.label, limit=20)}"))
        room = max(width - width_of(left), width // 2) - 1  # a long sentence gives way: what it speaks of is seen first
        lines.append(spread(left, (Span(f" {fit(figure, room, right=True)}", ink),), width))
    silent = {silence(snapshot, view) for view in snapshot.services if stale_note(view, snapshot.now)}
    return [*lines, EMPTY, *((Span(part, Ink.WARN),) for why in sorted(silent) for part in wrap(why, width))]


def service_figure(view: SignalView, latency: SignalView | None) -> str:
    """Give a check's figure: the latency of its own service, the version, or the word that came with it."""
    reading = view.reading
    if reading is None:
        return "never"
    if view.signal.kind is Kind.TEXT or reading.state is not State.OK:
        return reading.detail or reading.state.value
    if view.signal.id == view.signal.source and latency is not None and latency.reading is not None:
        return milliseconds(latency.reading.value)
    return reading.detail or "ok"
