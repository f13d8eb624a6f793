"""What screen 5 draws: a row an error, the releases' health, an error whole, commits. Pure functions to lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from loom_tui.room.errors import ErrorEvent, ErrorIssue, ErrorStanding, ReleaseHealth, Requested, Thrown
from loom_tui.room.signals import Freshness
from loom_tui.room.snapshot import ErrorsView, Snapshot
from loom_tui.widgets.chart import spark
from loom_tui.widgets.lines import EMPTY, Column, Ink, Line, Span, broken, cells, clean, fit, spread, wrap
from loom_tui.widgets.panel import labelled
from loom_tui.widgets.text import Pen, Sign, age, number, stale_note

if TYPE_CHECKING:
    from loom_tui.room.commits import Commits

ALL = "all"
LIBRARY_FRAMES = 12  # of code that is not the team's own
FEW_SESSIONS = 100  # of a release: below them one crash is a per cent, and nothing is compared
_NOBODY = ErrorStanding()


def view_of(snapshot: Snapshot, source: str = "") -> ErrorsView | None:
    """Give a feed by its source's name, else the plan's first."""
    views = snapshot.errors
    return next((view for view in views if view.source == source), views[0] if views else None)


def deployed_at(snapshot: Snapshot) -> float | None:
    """Give the moment of the last deploy that was marked."""
    return max((mark.at for mark in snapshot.marks if mark.kind == "deploy"), default=None)


def standing_of(view: ErrorsView, issue: ErrorIssue) -> ErrorStanding:
    """Say what people said of an error."""
    return view.standings.get(issue.id, _NOBODY)


def words_of(view: ErrorsView, issue: ErrorIssue) -> Sequence[str]:
    """List the words by which an error can be filtered: what stands of it, its level, its first release."""
    standing = standing_of(view, issue)
    return [
        ALL,
        issue.substatus,
        *(["blocker"] if standing.blocking is not None else []),
        "acknowledged" if standing.acknowledged is not None else "not acknowledged",
        f"level {issue.level or 'unknown'}",
        *([f"release {issue.release}"] if issue.release else []),
    ]


def choices_of(snapshot: Snapshot, view: ErrorsView) -> Mapping[str, int | None]:
    """Count the errors of each word that there are; another environment's feed is a choice without a count."""
    counts = Counter(word for issue in view.issues for word in words_of(view, issue))
    choices: dict[str, int | None] = {ALL: len(view.issues)}
    choices |= {word: counts[word] for word in sorted(counts) if word != ALL}
    return choices | {feed_word(other): None for other in snapshot.errors if other.source != view.source}


def feed_word(view: ErrorsView) -> str:
    """Name a feed by its environment, and by its source."""
    return f"environment {view.signal.signal.environment} ({view.source})"


def error_sign(issue: ErrorIssue, standing: ErrorStanding, pen: Pen, *, fresh: bool) -> Span:
    """Give an error's lamp: in the gate's way or fatal, looked after, changed for the worse, or known.

    What a silent source said last has lost its colour; what a person said has not.
    """
    if standing.blocking is not None or issue.level == "fatal":
        lamp = pen.sign(Sign.BAD)
    elif standing.acknowledged is not None:
        lamp = pen.sign(Sign.HALF)
    else:
        lamp = pen.sign(Sign.OPEN if issue.substatus == "ongoing" else Sign.WARN)
    return lamp if fresh or standing.blocking is not None else lamp._replace(ink=Ink.FAINT)


def status_word(issue: ErrorIssue, standing: ErrorStanding) -> Span:
    """Say where an error stands: what a person did of it goes before what the tracker says."""
    if standing.blocking is not None:
        return Span("blocker", Ink.BAD, bold=True)
    if standing.acknowledged is not None:
        return Span(f"ack {clean(standing.acknowledged.by, limit=20)}", Ink.ACCENT)
    return Span(issue.substatus, Ink.FAINT)


def head_line(width: int, pen: Pen) -> Line:
    """Name the columns."""
    names = ("", "status", "level", "error", "by hour", "events", "users", "first", "last", "release")
    return cells(_columns(width, pen), [Span(name, Ink.FAINT) for name in names])


def error_row(issue: ErrorIssue, view: ErrorsView, pen: Pen, width: int, *, now: float) -> Line:
    """Draw an error in a line."""
    fresh = view.signal.freshness is Freshness.FRESH
    ink = Ink.INK if fresh else Ink.FAINT
    standing = standing_of(view, issue)
    notes = f"{len(standing.notes)} note{'s' if standing.notes[1:] else ''} · " if standing.notes else ""
    spans = (
        error_sign(issue, standing, pen, fresh=fresh),
        status_word(issue, standing),
        Span(issue.level or "–", Ink.BAD if issue.level == "fatal" and fresh else Ink.FAINT),
        Span(f"{notes}{issue.title}  {issue.culprit}", ink),
        Span(spark(issue.per_hour[-10:], ascii_only=pen.ascii_only), Ink.ACCENT if fresh else Ink.FAINT),
        Span(f"{issue.count:,}", ink),
        Span(number(issue.users), Ink.FAINT),
        Span(age(now - issue.first_seen) if issue.first_seen is not None else "–", Ink.FAINT),
        Span(age(now - issue.last_seen) if issue.last_seen is not None else "–", Ink.FAINT),
        Span(issue.release, Ink.FAINT),
    )
    return cells(_columns(width, pen), spans)


def _columns(width: int, pen: Pen) -> Sequence[Column]:
    wide, widest = width > 90, width > 105
    fixed = (
        Column(10 if wide else 0),
        Column(7, right=True),
        Column(5, right=True),
        Column(9 if wide else 0, right=True),
        Column(9, right=True),
        Column(9 if widest else 0),
    )
    level = 7 if widest else 0
    taken = pen.sign_width + 10 + level + sum(column.width for column in fixed) + 9
    return (Column(pen.sign_width), Column(10), Column(level), Column(max(12, width - taken)), *fixed)


def health_lines(snapshot: Snapshot, view: ErrorsView, width: int) -> Sequence[Line]:
    """Lay this release's crash-free figures beside those of the last stable one."""
    about = snapshot.plan.plan
    note = stale_note(view.health, snapshot.now) or (view.health.why if not view.releases else "")
    if note:
        return [
            (Span(text, Ink.WARN if view.health.reading else Ink.FAINT),) for text in wrap(f"Unknown: {note}", width)
        ]
    found = {health.release: health for health in view.releases}
    pair = [found.get(name, ReleaseHealth(release=name)) for name in (about.release, about.last_stable) if name]
    column = max(9, (width - 10) // max(1, len(pair)) - 1)
    columns = (Column(10), *(Column(column, right=True) for _ in pair))
    rows: list[tuple[str, Sequence[Span]]] = [
        ("", [Span(health.release, Ink.ACCENT if health is pair[0] else Ink.FAINT) for health in pair]),
        ("sessions", [_percent(health.crash_free_sessions) for health in pair]),
        ("users", [_percent(health.crash_free_users) for health in pair]),
        ("counted", [Span(f"{health.sessions:,}", Ink.FAINT) for health in pair]),
    ]
    lines: list[Line] = [cells(columns, (Span(label, Ink.FAINT), *spans)) for label, spans in rows]
    return [*lines, _compared(pair)]


def _percent(value: float | None) -> Span:
    return Span(f"{value:.2f} %" if value is not None else "unknown", Ink.INK if value is not None else Ink.FAINT)


def _compared(pair: Sequence[ReleaseHealth]) -> Line:
    """Say in points how far this release lies from the last stable one, where both were used enough to tell."""
    if len(pair) < 2 or pair[0].crash_free_sessions is None or pair[1].crash_free_sessions is None:
        return EMPTY
    if min(health.sessions for health in pair) < FEW_SESSIONS:
        return (Span("too few sessions to compare", Ink.FAINT),)
    points = pair[0].crash_free_sessions - pair[1].crash_free_sessions
    if abs(points) < 0.005:
        return (Span("as the last stable one", Ink.FAINT),)
    return (Span(f"{abs(points):.2f} points {'above' if points > 0 else 'below'}", Ink.OK if points > 0 else Ink.WARN),)


def error_lines(issue: ErrorIssue, view: ErrorsView, pen: Pen, width: int, *, now: float) -> list[Line]:
    """Draw what is known of an error without asking for more, and what people said of it."""
    standing = standing_of(view, issue)
    first = pen.day_clock(issue.first_seen, now=now) if issue.first_seen is not None else "unknown"
    last = pen.day_clock(issue.last_seen, now=now) if issue.last_seen is not None else "unknown"
    fresh = view.signal.freshness is Freshness.FRESH
    head: Line = (error_sign(issue, standing, pen, fresh=fresh), Span(f" {clean(issue.title)}", bold=True))
    ident: Line = (
        Span(f"  {clean(issue.short_id)}  {clean(issue.level) or 'level unknown'}  ", Ink.FAINT),
        Span(clean(issue.release), Ink.ACCENT),
    )
    half = min(max(20, width // 2 - 2), 36)  # a figure must not stand far from its name
    facts = (
        (labelled("status", Span(clean(issue.substatus)), half), labelled("first seen", Span(first), half)),
        (labelled("events", Span(f"{issue.count:,}"), half), labelled("last seen", Span(last), half)),
        (labelled("users", Span(number(issue.users)), half), labelled("handled", Span(_handled(issue)), half)),
    )
    lines: list[Line] = [spread(head, ident, width), (Span(clean(issue.culprit), Ink.FAINT),)]
    lines += [(*left, Span("    "), *right) for left, right in facts]
    lines.append((Span(clean(issue.url) or "no link", Ink.ACCENT if issue.url else Ink.FAINT),))
    return lines + list(_said(standing, pen, width, now=now))


def _handled(issue: ErrorIssue) -> str:
    return "unknown" if issue.handled is None else "yes" if issue.handled else "no"


def _said(standing: ErrorStanding, pen: Pen, width: int, *, now: float) -> Iterator[Line]:
    words = [
        *([("blocks the gate", standing.blocking)] if standing.blocking is not None else []),
        *([("acknowledged", standing.acknowledged)] if standing.acknowledged is not None else []),
        *(("noted", note) for note in standing.notes),
    ]
    for what, word in words:
        ink = Ink.BAD if what == "blocks the gate" else Ink.ACCENT
        lead = f"{pen.day_clock(word.at, now=now)}  {fit(word.by, 10)}  {what}"
        text = f"{lead}: {word.text}" if word.text else lead
        yield from ((Span(piece, ink),) for piece in wrap(text, width))


def event_lines(event: ErrorEvent, pen: Pen, width: int, *, now: float) -> Iterator[Line]:
    """Draw an event: the traces, what happened before, tags, the request."""
    at = pen.day_clock(event.at, now=now) if event.at is not None else "at an unknown time"
    words = " · ".join(word for word in (event.environment, event.release) if word)
    yield EMPTY
    yield spread((Span(f"Latest event  {at}", bold=True),), (Span(clean(words), Ink.FAINT),), width)
    yield from ((Span(piece),) for piece in broken(event.message, width) if event.message)
    for index, thrown in enumerate(event.thrown):
        yield from _thrown_lines(thrown, width, cause=bool(index))
    if not event.thrown and not event.message:
        yield (Span("It came without a stack trace.", Ink.FAINT),)
    if event.crumbs:
        yield from _titled("Before it")
        for crumb in event.crumbs:
            clock = f"{pen.local(crumb.at):%H:%M:%S}" if crumb.at is not None else ""
            ink = Ink.WARN if crumb.level in {"error", "fatal", "warning"} else Ink.INK
            yield (
                Span(fit(clock, 9), Ink.FAINT),
                Span(fit(crumb.category, 14), Ink.FAINT),
                Span(clean(crumb.message), ink),
            )
    if event.tags:
        yield from _titled("Tags")
        yield from ((Span(fit(key, 24), Ink.FAINT), Span(clean(value))) for key, value in event.tags)
    if event.request is not None:
        yield from _request_lines(event.request)


def _titled(text: str) -> Iterator[Line]:
    yield EMPTY
    yield (Span(text, Ink.ACCENT),)


def _thrown_lines(thrown: Thrown, width: int, *, cause: bool) -> Iterator[Line]:
    """Draw an exception: the team's own frames first, then some of the libraries', each from the innermost out."""
    yield EMPTY
    tail: Line = (Span("unhandled", Ink.BAD),) if thrown.handled is False else EMPTY
    lead = "caused by " if cause else ""
    yield spread((Span(lead, Ink.FAINT), Span(f"{clean(thrown.type)}: {clean(thrown.value)}", bold=True)), tail, width)
    own = [frame for frame in thrown.frames if frame.in_app]
    others = [frame for frame in thrown.frames if not frame.in_app]
    for frame in own:
        place = f"{clean(frame.file)}:{frame.line}" if frame.line is not None else clean(frame.file)
        yield (Span("  "), Span(place, Ink.ACCENT), Span(f"  {clean(frame.function)}"))
        if frame.source:
            yield (Span(f"      {clean(frame.source)}", Ink.FAINT),)
    if others:
        yield (Span(f"  and {len(others)} frame{'s' if others[1:] else ''} of libraries", Ink.FAINT),)
    for frame in others[:LIBRARY_FRAMES]:
        place = f"{clean(frame.file)}:{frame.line}" if frame.line is not None else clean(frame.file)
        yield (Span(f"    {place}  {clean(frame.function)}", Ink.FAINT),)


def _request_lines(request: Requested) -> Iterator[Line]:
    yield from _titled("Request, without cookies, credentials and body")
    yield (Span(clean(f"{request.method} {request.url}".strip()) or "nothing told"),)
    yield from ((Span(fit(name, 24), Ink.FAINT), Span(clean(value))) for name, value in request.headers)


def commit_lines(found: Commits, pen: Pen, *, now: float) -> list[Line]:
    """Draw the commits between two releases, newest first."""
    lines: list[Line] = [
        (
            Span(f"{commit.id[:9]}  ", Ink.ACCENT),
            Span(fit(pen.brief(commit.at, now=now) if commit.at is not None else "", 10), Ink.FAINT),
            Span(fit(commit.author, 14), Ink.FAINT),
            Span(f" {clean(commit.subject)}"),
        )
        for commit in found.commits
    ]
    left = (found.total or 0) - len(found.commits)
    return [*lines, (Span(f"and {left:,} more", Ink.FAINT),)] if left > 0 else lines
