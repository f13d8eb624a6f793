"""What screen 7 draws: groups, a row a check, and a check whole. Pure functions from a snapshot to lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from loom_tui.plan.signals import asked_of
from loom_tui.room.checks import Run, Step
from loom_tui.room.signals import Freshness, State
from loom_tui.room.snapshot import CheckView, FeedView, Snapshot
from loom_tui.widgets.lines import EMPTY, Column, Ink, Line, Span, broken, cells, clean, fit, spread, wrap
from loom_tui.widgets.text import SIGN_OF_STATE, Pen, Sign, age, age_of, milliseconds

WORD_OF_STATE = {State.OK: "ok", State.BAD: "failed", State.UNKNOWN: "unknown"}
HISTORY_WIDTH = 10
_INKS = {State.OK: Ink.OK, State.BAD: Ink.BAD, State.UNKNOWN: Ink.FAINT}


def time_taken(duration_ms: float | None) -> str:
    """Write how long a run took: "41.2 ms", "1.9 s", "4 m"; empty where it does not say."""
    if duration_ms is None:
        return ""
    if duration_ms < 1000:
        return milliseconds(duration_ms)
    return f"{duration_ms / 1000:.1f} s" if duration_ms < 60_000 else age(duration_ms / 1000)


def groups_of(checks: Sequence[CheckView]) -> Mapping[str, Sequence[CheckView]]:
    """Gather checks by group, in the order in which the plan first speaks of each."""
    groups: dict[str, list[CheckView]] = {}
    for view in checks:
        groups.setdefault(view.group, []).append(view)
    return groups


def counts_line(checks: Sequence[CheckView]) -> Line:
    """Count the checks by state; what is not there is not said."""
    counts = Counter(view.signal.state for view in checks)
    running = sum(view.running_since is not None for view in checks)
    parts = [
        Span(f"{counts[state]} {WORD_OF_STATE[state]}", Ink.BAD if state is State.BAD else Ink.FAINT)
        for state in State
        if counts[state]
    ]
    if running:
        parts.append(Span(f"{running} running", Ink.WARN))
    return tuple(
        span for index, part in enumerate(parts) for span in ((Span(" · ", Ink.FAINT), part) if index else (part,))
    )


def standing_of(view: CheckView, now: float) -> tuple[Sign, str]:
    """Say where a check stands, by a sign and a word."""
    if view.running_since is not None:
        return Sign.HALF, f"running {age(now - view.running_since)}"
    match view.signal.freshness:
        case Freshness.NEVER:
            return Sign.UNKNOWN, "never run"
        case Freshness.STALE:
            return Sign.UNKNOWN, "stale"
        case Freshness.FUTURE:
            return Sign.UNKNOWN, "clock wrong"
        case Freshness.FRESH:
            return SIGN_OF_STATE[view.signal.state], WORD_OF_STATE[view.signal.state]


def reason_of(view: CheckView, snapshot: Snapshot) -> str:
    """Say why a check stands as it does, and what to do where nobody knows."""
    if view.running_since is not None:
        return view.progress
    signal = view.signal
    feed = feed_of(view, snapshot)
    silent = feed.why if feed is not None and not feed.live else ""
    again = "" if silent else "r runs it" if on_demand(view, snapshot) else "waiting for its source"
    if signal.freshness is Freshness.NEVER and view.manual is not None and view.manual.alone:
        return f"{signal.why}; enter opens them"
    if signal.freshness is Freshness.NEVER:
        return silent or again
    if signal.freshness is Freshness.STALE and signal.reading is not None:
        was = f"was {WORD_OF_STATE[signal.reading.state]}"
        return "; ".join(filter(None, (silent or again, was, signal.reading.detail)))
    return signal.why


def feed_of(view: CheckView, snapshot: Snapshot) -> FeedView | None:
    """Find who asks for a check."""
    return next((feed for feed in snapshot.feeds if feed.source == view.signal.signal.source), None)


def on_demand(view: CheckView, snapshot: Snapshot) -> bool:
    """Say whether a check runs only when somebody asks for it."""
    source = asked_of(snapshot.plan).get(view.signal.signal.source)
    return source is not None and not source.interval_s


def columns_of(width: int, pen: Pen) -> Sequence[Column]:
    """Divide a row: sign, name, id, word, reason, age, time taken, history. Id and time go where it is narrow."""
    name, ident, word, took = (27, 18, 13, 8) if width >= 100 else (20, 0, 12, 0)
    fixed = (Column(9, right=True), Column(took, right=True), Column(HISTORY_WIDTH))
    taken = pen.sign_width + name + ident + word + sum(column.width for column in fixed) + 7
    return (
        Column(pen.sign_width),
        Column(name),
        Column(ident),
        Column(word),
        Column(max(0, width - taken)),
        *fixed,
    )


def check_head(width: int, pen: Pen) -> Line:
    """Name the columns."""
    names = ("", "check", "id", "result", "why", "age", "took", "last ten")
    return cells(columns_of(width, pen), [Span(name, Ink.FAINT) for name in names])


def group_row(name: str, checks: Sequence[CheckView], width: int) -> Line:
    """Draw a group's head: its name, and its checks by state."""
    return spread((Span(clean(name, limit=80), bold=True),), counts_line(checks), width)


def check_row(view: CheckView, snapshot: Snapshot, pen: Pen, width: int) -> Line:
    """Draw a check in a line."""
    sign, word = standing_of(view, snapshot.now)
    lamp = pen.sign(sign)
    known = view.signal.freshness is Freshness.FRESH
    took = view.result.duration_ms if view.result is not None else None
    columns = columns_of(width, pen)
    spans = (
        lamp,
        Span(view.signal.signal.label, Ink.INK if known or view.running_since is not None else Ink.FAINT),
        Span(view.signal.signal.id, Ink.FAINT),
        Span(word, lamp.ink if sign in (Sign.BAD, Sign.HALF) else Ink.FAINT),
        Span(reason_of(view, snapshot), Ink.FAINT),
        Span(age_of(view.signal, snapshot.now), Ink.FAINT),
        Span(time_taken(took), Ink.FAINT),
        Span(""),
    )
    return (*cells(columns[:-1], spans[:-1]), Span(" "), *history_marks(view.history))


def history_marks(history: Sequence[Run]) -> Line:
    """Draw the last runs as marks, the newest at the right."""
    marks = [Span(SIGN_OF_STATE[run.state].value, _INKS[run.state]) for run in history[-HISTORY_WIDTH:]]
    return (Span(" " * (HISTORY_WIDTH - len(marks))), *marks)


def group_lines(name: str, checks: Sequence[CheckView], width: int) -> Iterator[Line]:
    """Draw a group whole."""
    yield spread((Span(clean(name, limit=80), bold=True),), counts_line(checks), width)
    yield (Span("ctrl+r runs them all; enter on one of them shows its steps.", Ink.FAINT),)


def check_lines(view: CheckView, snapshot: Snapshot, pen: Pen, width: int) -> Iterator[Line]:
    """Draw a check whole: how it stands, where it comes from, its steps with what was sent and got, its last runs."""
    signal, now = view.signal.signal, snapshot.now
    sign, word = standing_of(view, now)
    lamp = pen.sign(sign)
    took = view.result.duration_ms if view.result is not None else None
    facts = [f"{age_of(view.signal, now)} ago" if view.signal.reading is not None else ""]
    facts.append(f"took {time_taken(took)}" if took is not None else "")
    standing = "  ".join(filter(None, facts))
    yield spread(
        (lamp, Span(f" {word}", lamp.ink), Span(f"  {standing}", Ink.FAINT)),
        (Span(clean(signal.id, limit=60), Ink.ACCENT),),
        width,
    )
    for part in wrap(reason_of(view, snapshot), width):
        yield (Span(fit(part, width)),)
    source = asked_of(snapshot.plan).get(signal.source)
    rhythm = (
        "" if source is None else f"every {age(source.interval_s)}" if source.interval_s else "on demand: r runs it"
    )
    where = " · ".join(filter(None, (signal.group, f"source {signal.source}", signal.environment, rhythm)))
    yield (Span(clean(where), Ink.FAINT),)
    steps = view.result.steps if view.result is not None else ()
    if steps:
        yield EMPTY
        yield (Span(f"Steps ({len(steps)})", bold=True),)
    for number, step in enumerate(steps, 1):
        yield from step_lines(number, step, pen, width)
    if view.history:
        yield EMPTY
        yield (Span("Last runs", bold=True),)
    for run in reversed(view.history):
        at = pen.day_clock(run.observed_at, now=now)
        told = Span(f"{WORD_OF_STATE[run.state]}  ", _INKS[run.state])
        yield (
            pen.sign(SIGN_OF_STATE[run.state]),
            Span(f" {at}  ", Ink.FAINT),
            told,
            Span(clean(run.detail), Ink.FAINT),
        )


def step_lines(number: int, step: Step, pen: Pen, width: int) -> Iterator[Line]:
    """Draw a step: its state, what was sent, what came back."""
    lamp = pen.sign(SIGN_OF_STATE[step.state])
    took = (Span(time_taken(step.duration_ms), Ink.FAINT),)
    ink = lamp.ink if step.state is State.BAD else Ink.FAINT
    named = (lamp, Span(f" {number} {clean(step.name, limit=200)}"), Span(f"  {clean(step.detail)}", ink))
    yield spread(named, took, width)
    for label, text in (("sent", step.sent), ("got", step.got)):
        for index, part in enumerate(broken(text, width - 9)):
            yield (Span(f"    {label if not index else '':<5}", Ink.FAINT), Span(part))
