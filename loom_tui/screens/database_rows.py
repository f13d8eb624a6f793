"""What screen 6 draws besides its charts: pure functions from a snapshot to lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from loom_tui.room.database import Activity, Explained, IndexUse, Migration, Other, Statement, Statements, Where
from loom_tui.room.drills import took
from loom_tui.room.signals import Freshness, State
from loom_tui.room.snapshot import DatabaseView, MigrationsView, QueryView, SignalView, Snapshot, Told
from loom_tui.room.verdicts import Verdict
from loom_tui.screens.glance.world import window_end
from loom_tui.screens.silence import read_when, silence
from loom_tui.widgets.chart import axis_of, gather, peak_of, scale_of, spark
from loom_tui.widgets.lines import EMPTY, Column, Ink, Line, Span, cells, clean, clip, fit, spread, width_of, wrap
from loom_tui.widgets.text import (
    SIGN_OF_VERDICT,
    Pen,
    Sign,
    age,
    milliseconds,
    number,
    span_of,
    stale_note,
    times,
)

T = TypeVar("T")
LONG_S = 60.0  # a transaction that is open for longer holds back vacuum, and perhaps others


def shown_database(snapshot: Snapshot) -> DatabaseView | None:
    """Give the database that is shown: the plan's first."""
    return snapshot.databases[0] if snapshot.databases else None


def shown_migrations(snapshot: Snapshot) -> MigrationsView | None:
    """Give the migrations that are shown: the plan's first."""
    return snapshot.migrations[0] if snapshot.migrations else None


def known_body(told: Told[T]) -> T | None:
    """Give what a signal's body said last, also where that is old by now: it is drawn faint then."""
    unknown = told.view.freshness is Freshness.FRESH and told.view.state is State.UNKNOWN
    return None if unknown else told.body


def unknown_lines(view: SignalView, now: float, width: int) -> list[Line]:
    """Say why nothing is known here; nothing where something is."""
    if view.state is not State.UNKNOWN:
        return []
    why = view.why if view.freshness is Freshness.FRESH else stale_note(view, now)
    words = wrap(f"Unknown: {clean(why or 'not asked yet', limit=300)}", max(8, width))
    return [(Span(line, Ink.WARN),) for line in words]


def verdict_sign(query: QueryView) -> Sign:
    """Give a query's lamp: over its target is a warning."""
    return Sign.WARN if query.verdict is Verdict.NOT_MET else SIGN_OF_VERDICT[query.verdict]


def query_verdict(query: QueryView, pen: Pen) -> Line:
    """Write a query's lamp, its grade where the plan has grades, and how many samples say so."""
    lamp = pen.sign(verdict_sign(query))
    grade = f" {clean(query.grade, limit=16)}:" if query.grade else ""
    return (lamp, Span(f"{grade} {clean(query.why, limit=44)}", lamp.ink))


def query_row(query: QueryView, snapshot: Snapshot, pen: Pen, window_s: float, width: int) -> Line:
    """Draw a query in a line: its name, its executions' peaks as bars, percentile, gain and verdict."""
    name, figure, gain, verdict = 18, 13, 6, pen.sign_width + 23
    bars = max(0, width - name - figure - gain - verdict - 4)
    axis = axis_of(window_end(query, snapshot.now), window_s=window_s, columns=max(1, bars))
    values = gather(query.series, axis, peak_of)
    scale = scale_of([value for value in values if value is not None])
    judged = query.target.percentile if query.target is not None else 95
    shares = [None if value is None else scale.share(value) for value in values]
    fresh = query.signal.freshness is Freshness.FRESH
    ink = Ink.FAINT if not fresh else Ink.WARN if query.verdict is Verdict.NOT_MET else Ink.ACCENT
    right = (
        Span(fit(f"p{judged} {milliseconds(query.judged_ms)}", figure, right=True), Ink.INK if fresh else Ink.FAINT),
        Span(fit(times(query.factor), gain, right=True), Ink.FAINT),
        Span("  "),
        *clip(_short_verdict(query, pen), verdict),
    )
    left = (
        Span(fit(query.query.label or query.query.name, name)),
        Span("  "),
        Span(spark(shares, top=1.0, ascii_only=pen.ascii_only)[:bars], ink),
    )
    return spread(left, right, width)


def _short_verdict(query: QueryView, pen: Pen) -> Line:
    lamp = pen.sign(verdict_sign(query))
    word = query.grade or {Verdict.MET: "met", Verdict.NOT_MET: "over"}.get(query.verdict, "")
    samples = f"n {query.samples:,}" if query.verdict is not Verdict.UNKNOWN else query.why
    words = ", ".join(filter(None, (word, samples)))
    return (lamp, Span(f" {clean(words, limit=60)}", lamp.ink))


def mean_line(query: QueryView, now: float) -> Line:
    """Write the mean of everybody's executions as the server counts them: "mean 7.8 ms of 1,204 calls"."""
    reading = query.mean.reading
    if reading is None or reading.value is None:
        why = query.mean.why if reading is not None else ""
        return (Span(f"mean – {clean(why, limit=60)}", Ink.FAINT),)
    calls = query.calls.reading.value if query.calls.reading is not None else None
    note = stale_note(query.mean, now)
    words = f"mean {milliseconds(reading.value)} of {number(calls)} calls"
    return (Span(f"{words}  {note}" if note else words, Ink.FAINT),)


def session_lines(database: DatabaseView, snapshot: Snapshot, pen: Pen, width: int) -> Iterator[Line]:
    """Draw sessions by state, the longest transaction, who waits for whom, the cache and the replicas."""
    now = snapshot.now
    why = silence(snapshot, database.signal)
    yield from ((Span(line, Ink.WARN),) for line in wrap(why, width))
    yield from _flow(list(_states(database)), width)
    activity = database.activity
    body = known_body(activity)
    fresh = activity.view.freshness is Freshness.FRESH
    yield from _locks(body, pen) if body is not None and fresh else unknown_lines(activity.view, now, width)
    yield from _flow(list(_vitals(database)), width)
    if body is not None and body.longest and fresh:
        first = body.longest[0]
        ink = Ink.WARN if (first.transaction_s or 0) > LONG_S else Ink.FAINT
        words = f"longest {_for(first.transaction_s)}  {_who(first)}  {first.state}"
        yield spread((Span(clean(words, limit=120), ink),), EMPTY, width)
        yield (Span(f"  {clean(first.text, limit=300)}", Ink.FAINT),)


def _states(database: DatabaseView) -> Iterator[Line]:
    """Give the sessions in all, then by state: those that hold a transaction open without working come first."""
    total = span_of(database.sessions, _figure(database.sessions))
    yield (total, Span(f" of {_figure(database.max_sessions)} sessions", Ink.FAINT))
    body = known_body(database.activity)
    by_state = body.by_state if body is not None else {}
    for state, count in sorted(by_state.items(), key=lambda item: (not item[0].startswith("idle in"), item[0])):
        ink = Ink.WARN if state.startswith("idle in") else Ink.INK
        figure = span_of(database.activity.view, f"{count:,}", ink)
        yield (Span(f"{clean(state, limit=30)} ", Ink.FAINT), figure)


def _vitals(database: DatabaseView) -> Iterator[Line]:
    hits, lag = database.cache_hits, database.lag_s
    share = hits.reading.value if hits.reading is not None else None
    ink = Ink.WARN if (share or 100) < 90 else Ink.INK
    yield (Span("cache hits ", Ink.FAINT), span_of(hits, f"{share:.1f} %" if share is not None else "–", ink))
    behind = lag.reading.value if lag.reading is not None else None
    words = clean(lag.reading.detail, limit=40) if lag.reading is not None else "no lag known"
    if behind is None:
        yield (Span(words, Ink.FAINT),)
    else:
        yield (Span("lag ", Ink.FAINT), span_of(lag, f"{number(behind)} s"), Span(f"  {words}", Ink.FAINT))


def _flow(parts: Sequence[Line], width: int) -> Iterator[Line]:
    """Lay figures side by side with their words, on as many lines as they need."""
    line: Line = EMPTY
    for part in parts:
        if line and width_of((*line, *part)) + 3 > width:
            yield line
            line = EMPTY
        line = (*line, *((Span("   "),) if line else ()), *part)
    yield line


def _locks(activity: Activity, pen: Pen) -> Iterator[Line]:
    waiting = [other for other in activity.locked if other.blocked_by]
    if not waiting:
        yield (pen.sign(Sign.OK), Span(" nobody waits for a lock", Ink.FAINT))
    holders = {other.pid: other for other in activity.locked}
    for other in waiting:
        lamp = pen.sign(Sign.WARN)
        names = ", ".join(_holder(pid, holders.get(pid)) for pid in other.blocked_by[:3])
        head = f" {_who(other)} waits {_for(other.statement_s)} for {names}"
        yield (lamp, Span(clean(head, limit=200), lamp.ink))
        yield (Span(f"  {clean(other.text, limit=300)}", Ink.FAINT),)


def _holder(pid: int, other: Other | None) -> str:
    if other is None:
        return f"process {pid}" if pid else "a prepared transaction"
    return f"{_who(other)}, {other.state} for {_for(other.transaction_s)}"


def _who(other: Other) -> str:
    return f"{other.pid} {other.application or other.user}".strip()


def _for(seconds: float | None) -> str:
    return "?" if seconds is None else f"{seconds:.1f} s" if seconds < 10 else age(seconds)


def _figure(view: SignalView) -> str:
    return number(view.reading.value if view.reading is not None else None)


def statements_title(told: Told[Statements], pen: Pen, now: float) -> Line:
    """Say since when statements are counted."""
    if known_body(told) is None or told.body is None:
        return EMPTY
    since = pen.day_clock(told.body.since, now=now)
    words = f"since {since}" if told.body.changed else f"since {since}, when Loom began"
    when = read_when(told.view, now)
    return (Span(f"{words}  ", when.ink), when)


_NARROW = 56  # cells below which calls and mean give way to the text


def _columns(width: int) -> tuple[Column, ...]:
    figures = [Column(10, right=True), Column(5, right=True)]
    if width >= _NARROW:
        figures += [Column(9, right=True), Column(10, right=True)]
    taken = sum(column.width for column in figures) + len(figures)
    return (*figures, Column(max(8, width - taken)))


def statement_head(width: int) -> Line:
    """Name the columns."""
    names = ("total", "", "calls", "mean", "statement") if width >= _NARROW else ("total", "", "statement")
    return cells(_columns(width), [Span(name, Ink.FAINT) for name in names])


def statement_row(statement: Statement, told: Told[Statements], width: int) -> Line:
    """Draw a statement: its time in all and its share, calls, mean, and the plan's name for it or its text."""
    fresh = told.view.freshness is Freshness.FRESH
    ink = Ink.INK if fresh else Ink.FAINT
    total = told.body.total_ms if told.body is not None else 0.0
    share = f"{100 * statement.total_ms / total:.0f} %" if total else ""
    name = f"{statement.query}: " if statement.query else "loom: " if statement.own else ""
    figures = [Span(_time(statement.total_ms), ink), Span(share, Ink.FAINT)]
    if width >= _NARROW:
        figures += [Span(f"{statement.calls:,}", ink), Span(milliseconds(statement.mean_ms), ink)]
    text = Span(f"{name}{clean(statement.text, limit=300)}", Ink.FAINT if statement.own or not fresh else Ink.INK)
    return cells(_columns(width), [*figures, text])


def _time(total_ms: float) -> str:
    return milliseconds(total_ms) if total_ms < 1_000 else took(total_ms / 1000)


def index_lines(told: Told[tuple[IndexUse, ...]], now: float, pen: Pen, width: int) -> Iterator[Line]:
    """Draw an index a line: its name, its table, its scans; one that is missing or not valid is a warning."""
    indexes = known_body(told)
    if indexes is None:
        yield from unknown_lines(told.view, now, width)
        return
    ink = Ink.INK if told.view.freshness is Freshness.FRESH else Ink.FAINT
    for index in indexes:
        if index.scans is None:
            sign, words = Sign.OPEN, "not there"
        elif not index.valid:
            sign, words = Sign.BAD, "not valid"
        else:
            sign, words = (Sign.OK if index.scans else Sign.WARN), f"{index.scans:,} scans"
        lamp = pen.sign(sign)
        table = f"  {clean(index.table, limit=40)}" if index.table else ""
        lamp = lamp if ink is Ink.INK else lamp._replace(ink=ink)
        left = (lamp, Span(f" {clean(index.name, limit=63)}", ink), Span(table, Ink.FAINT))
        yield spread(left, (Span(f" {words}", ink if sign is Sign.OK else lamp.ink),), width)


_SIGN_OF_WHERE = {
    Where.APPLIED: Sign.OK,
    Where.PENDING: Sign.OPEN,
    Where.UNKNOWN: Sign.WARN,
    Where.CHANGED: Sign.BAD,
}


def migration_row(migration: Migration, pen: Pen, width: int) -> Line:
    """Draw a migration: where it stands, its name, and whether an older version may not stand it."""
    lamp = pen.sign(_SIGN_OF_WHERE[migration.where])
    suspect = Span(f" {pen.sign(Sign.WARN).text} {len(migration.suspicions)}", Ink.WARN)
    word = Span(f"  {migration.where.value}", Ink.FAINT if migration.where is Where.APPLIED else lamp.ink)
    left = (lamp, Span(f" {clean(migration.name or migration.version, limit=100)}"))
    return spread(left, (*((suspect,) if migration.suspicions else ()), word), width)


def migration_page(migration: Migration, pen: Pen) -> Iterator[Line]:
    """Write all that is known of a migration."""
    lamp = pen.sign(_SIGN_OF_WHERE[migration.where])
    yield (lamp, Span(f" {migration.where.value}", lamp.ink), Span(f"  {clean(migration.why, limit=200)}", Ink.FAINT))
    yield EMPTY
    if not migration.suspicions:
        yield (Span("Nothing in its text speaks against an older version.", Ink.FAINT),)
        return
    yield (Span("An older version may not stand it. Suspicion from its text, not proof:", Ink.FAINT),)
    for suspicion in migration.suspicions:
        yield (
            Span(fit(f"line {suspicion.line}", 10), Ink.FAINT),
            Span(clean(suspicion.what, limit=300), Ink.WARN),
        )


def explained_page(explained: Explained) -> Sequence[Line]:
    """Write a plan of execution as the server does, under its statement; its steps in the ink, their cost faint."""
    lines: list[Line] = [(Span(clean(explained.statement, limit=600), Ink.FAINT),), EMPTY]
    for line in explained.lines:
        text, cost, rest = clean(line, limit=500).partition("  (cost=")
        lines.append((Span(text), Span(f"{cost}{rest}", Ink.FAINT)))
    return lines
