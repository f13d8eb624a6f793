"""The timeline's rows: milestones, phases with their issues, marks; their bars and words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from loom_tui.plan.freezes import frozen_between
from loom_tui.plan.model import IssueId, Status
from loom_tui.plan.words import WORD_OF_STATUS, issue_name
from loom_tui.room.snapshot import IssueView, Mark, MilestoneView, PhaseView, Snapshot
from loom_tui.screens.glance.path import is_claim
from loom_tui.widgets.gantt import LATE_S, SHADE, Bar, Days, Window, late_by, phase_bar, shade_of, with_now
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean, fit, wrap
from loom_tui.widgets.text import SIGN_OF_STATUS, Pen, Sign, age, hours

MOST_MARKS = 30  # rows of marks; the line above the bars shows all of them
STANDUP_CELLS = 8  # narrower days are as a fence with a standup in each
STANDING = 11  # cells at the right of a row: how it stands
_MARKS = {  # in the order in which one hides another
    "note": ("n", Ink.INK),
    "migration": ("M", Ink.ACCENT),
    "deploy": ("D", Ink.ACCENT),
    "rollback": ("R", Ink.BAD),
}
_CLOCK = re.compile(r"(?<!\d)([01]?\d|2[0-3]):([0-5]\d)(?!\d)")
_STANDUP = re.compile(r"stand[ -]?up|\bdaily\b", re.IGNORECASE)


class Entry(Struct, frozen=True):
    """A row: a milestone, a phase, an issue, a mark, or a group's name (empty kind)."""

    key: str
    kind: str
    view: MilestoneView | PhaseView | IssueView | Mark | None = None
    phase: PhaseView | None = None  # the issue's


def entries_of(snapshot: Snapshot) -> Iterator[Entry]:
    """List the rows: milestones, each phase with its issues as they can be done, the rest, the newest marks."""
    items = snapshot.schedule.items
    views = {view.issue.id: view for view in snapshot.issues}
    left = dict(views)

    def start(view: IssueView) -> float:
        item = items.get(view.issue.id)
        return item.earliest_start if item is not None else float("inf")

    def issues(found: Sequence[IssueView], phase: PhaseView | None) -> Iterator[Entry]:
        for view in sorted(found, key=start):
            yield Entry(f"i:{view.issue.id}", "issue", view, phase)

    for index, milestone in enumerate(snapshot.milestones):
        yield Entry(f"m:{index}", "milestone", milestone)
    by_name = _by_phase_name(snapshot.issues)
    for index, phase in enumerate(snapshot.phases):
        yield Entry(f"p:{index}", "phase", phase)
        named = [*phase.phase.issues, *by_name.get(phase.phase.name, ())]
        yield from issues([left.pop(i) for i in dict.fromkeys(named) if i in left], phase)
    if left:
        yield Entry("g:rest", "", None)
        yield from issues(list(left.values()), None)
    for index in range(len(snapshot.marks) - 1, max(-1, len(snapshot.marks) - 1 - MOST_MARKS), -1):
        yield Entry(f"k:{index}", "mark", snapshot.marks[index])


def _by_phase_name(views: Sequence[IssueView]) -> Mapping[str, list[IssueId]]:
    found: dict[str, list[IssueId]] = {}
    for view in views:
        if view.issue.phase:
            found.setdefault(view.issue.phase, []).append(view.issue.id)
    return found


def bar_of(entry: Entry, snapshot: Snapshot) -> Bar | None:
    """Make a row's bar; a mark and a group's name have none."""
    view, now = entry.view, snapshot.now
    match view:
        case MilestoneView():
            return Bar(
                key=entry.key,
                label=view.milestone.name,
                milestone_at=view.projected_at,
                milestone_planned_at=view.planned_at,
                reached=view.reached,
                over=view.reached,
                late_s=late_by(view.planned_at, view.projected_at),
            )
        case PhaseView():
            return phase_bar(view, now, key=entry.key)
        case IssueView():
            return issue_bar(entry, view, snapshot)
    return None


def issue_bar(entry: Entry, view: IssueView, snapshot: Snapshot) -> Bar:
    """Make an issue's bar: its phase's days as planned, what has been worked on it, when the rest can be done."""
    now, item = snapshot.now, snapshot.schedule.items.get(view.issue.id)
    settled = view.issue.status in (Status.DONE, Status.DROPPED)
    begun = view.started_at if view.started_at is not None else view.done_at
    actual = None
    if begun is not None:
        actual = (begun, max(begun, view.done_at if view.done_at is not None else now))
    projected = None
    if item is not None and not settled:
        projected = (max(now, item.earliest_start), max(now, item.earliest_finish))
    phase = entry.phase
    planned = None
    if phase is not None and phase.starts_at is not None and phase.ends_at is not None:
        planned = (phase.starts_at, phase.ends_at)
    end = view.done_at if view.done_at is not None else projected[1] if projected is not None else None
    return Bar(
        key=entry.key,
        label=view.issue.title,
        planned=planned,
        actual=actual,
        projected=projected,
        critical=view.critical,
        over=settled,
        late_s=late_by(planned[1] if planned is not None else None, end),
    )


def moments(snapshot: Snapshot) -> list[float]:
    """List the moments that the chart must hold."""
    found = [at for view in snapshot.phases for at in (view.starts_at, view.ends_at) if at is not None]
    found += [at for view in snapshot.milestones for at in (view.planned_at, view.projected_at) if at is not None]
    items = snapshot.schedule.items.values()
    if items:
        found += [min(item.earliest_start for item in items), max(item.earliest_finish for item in items)]
    return with_now(found, snapshot.now)


def standups(snapshot: Snapshot, days: Days, pen: Pen) -> list[float]:
    """Give the moments of the daily standup, a recurring conversation at a time of day; none where days are narrow."""
    if days.cells < STANDUP_CELLS:
        return []
    found = [match for cadence in snapshot.cadences if (match := standup_time(cadence.what, cadence.when))]
    out = []
    for opens, closes in days.spans:
        local = pen.local(opens)
        for hour, minute in found[:1]:
            at = local.replace(hour=hour, minute=minute, second=0, microsecond=0).timestamp()
            if opens <= at <= closes:
                out.append(at)
    return out


def standup_time(what: str, when: str) -> tuple[int, int] | None:
    """Read "10:00" from a standup's time; None for another conversation, or for one without a time of day."""
    clock = _CLOCK.search(when)
    if clock is None or not _STANDUP.search(f"{what} {when}"):
        return None
    return int(clock[1]), int(clock[2])


def signs_of(snapshot: Snapshot, days: Days, pen: Pen) -> list[tuple[float, str, Ink]]:
    """List what stands in the line above the bars: standups, then what was done to the world, the gravest last."""
    found = [(at, "s", Ink.FAINT) for at in standups(snapshot, days, pen)]
    order = list(_MARKS)
    marks = [mark for mark in snapshot.marks if mark.kind in _MARKS]
    return [*found, *((mark.at, *_MARKS[mark.kind]) for mark in sorted(marks, key=lambda mark: order.index(mark.kind)))]


def frozen_spans(snapshot: Snapshot, days: Days) -> list[tuple[float, float]]:
    """List the freezes of the chart's days, from when to when."""
    first, last = days.spans[0][0], days.spans[-1][1]
    return [(frozen.start, frozen.until) for frozen in frozen_between(snapshot.plan, first, last)]


def sign_of(mark: Mark) -> tuple[float, str, Ink]:
    """Give a mark's sign at its moment."""
    return (mark.at, *_MARKS.get(mark.kind, ("n", Ink.INK)))


def legend(snapshot: Snapshot, days: Days, pen: Pen) -> Line:
    """Say what the signs mean, those that are there."""
    words: list[tuple[str, Ink, str]] = [
        ("─", Ink.FAINT, "planned"),
        ("━", Ink.OK, "actual"),
        ("╍", Ink.INK, "projected"),
        ("◆", Ink.ACCENT, "milestone"),
    ]
    if shade_of(days, frozen_spans(snapshot, days), Window(0, days.width)):
        words.append((*SHADE, "freeze"))
    shown = {sign: ink for _, sign, ink in signs_of(snapshot, days, pen)}
    letters = (("s", "standup"), ("D", "deploy"), ("M", "migration"), ("R", "rollback"), ("n", "note"))
    words += [(sign, shown[sign], word) for sign, word in letters if sign in shown]
    return tuple(span for sign, ink, word in words for span in (Span(sign, ink), Span(f" {word}   ", Ink.FAINT)))


def name_of(entry: Entry) -> str:
    """Write a row's name in full."""
    match entry.view:
        case MilestoneView():
            return entry.view.milestone.name
        case PhaseView():
            return entry.view.phase.name
        case IssueView():
            return f"{issue_name(entry.view.issue.id)} {entry.view.issue.title}"
        case Mark():
            return f"{entry.view.kind} {entry.view.text}"
    return "In no phase"


def label_of(entry: Entry, pen: Pen, width: int) -> Line:
    """Draw a row's label; issues stand in from their phase."""
    name, view = clean(name_of(entry), limit=200), entry.view
    indent = "  " if isinstance(view, IssueView) else ""
    lamp = lamp_of(entry, pen)
    text = fit(name, width - len(indent) - pen.sign_width - 1)
    ink, bold = Ink.INK, isinstance(view, PhaseView) or view is None
    if isinstance(view, IssueView) and view.issue.status in (Status.DONE, Status.DROPPED):
        ink = Ink.FAINT
    elif isinstance(view, IssueView) and view.critical:
        ink = Ink.ACCENT
    elif isinstance(view, Mark):
        ink = Ink.FAINT
    return (Span(indent), lamp._replace(text=fit(lamp.text, pen.sign_width)), Span(" "), Span(text, ink, bold))


def lamp_of(entry: Entry, pen: Pen) -> Span:
    """Draw a row's state as a sign."""
    view = entry.view
    match view:
        case MilestoneView():
            return pen.sign(Sign.OK if view.reached else Sign.OPEN)
        case PhaseView():
            begun = view.done or view.actual_start_at is not None
            done = view.of and view.done == view.of
            return pen.sign(Sign.OK if done else Sign.HALF if begun else Sign.OPEN)
        case IssueView():
            return pen.sign(Sign.HALF if is_claim(view) else SIGN_OF_STATUS[view.issue.status])
        case Mark():
            _, sign, ink = sign_of(view)
            return Span(sign, ink)
    return Span(" ")


def standing_of(entry: Entry, bar: Bar | None, pen: Pen, now: float) -> Span:
    """Say in a few cells how a row stands: late by how much, done, or when it will be."""
    word, ink = "", Ink.FAINT
    view = entry.view
    match view:
        case MilestoneView():
            word = "reached" if view.reached else _brief(view.projected_at, pen, now)
        case PhaseView():
            word = "done" if view.of and view.done == view.of else f"{view.done} of {view.of}" if view.of else ""
        case IssueView():
            word = issue_word(view, bar, pen, now)
            ink = Ink.WARN if view.issue.status is Status.BLOCKED else Ink.FAINT
        case Mark():
            word = pen.brief(view.at, now=now)
    if bar is not None and bar.late_s > LATE_S:
        word, ink = f"+{age(bar.late_s)}", Ink.FAINT if bar.over else Ink.WARN
    return Span(fit(word, STANDING, right=True), ink)


def issue_word(view: IssueView, bar: Bar | None, pen: Pen, now: float) -> str:
    """Say how an issue stands: done, claimed, blocked, or when it will be done."""
    issue = view.issue
    if is_claim(view):
        return "claimed"
    if issue.status in (Status.DONE, Status.DROPPED, Status.BLOCKED):
        return WORD_OF_STATUS[issue.status]
    if bar is None or bar.projected is None:
        return issue.priority.value if issue.priority is not None else "–"
    return pen.brief(bar.projected[1], now=now)


def _brief(at: float | None, pen: Pen, now: float) -> str:
    return pen.brief(at, now=now) if at is not None else "–"


def detail_of(entry: Entry, bar: Bar | None, snapshot: Snapshot, pen: Pen, width: int) -> list[Line]:
    """Draw the chosen row's times and words."""
    lines = [times_line(entry, bar, snapshot, pen)]
    for word, text in facts_of(entry, snapshot):
        parts = wrap(text, max(8, width - 12)) if text else []
        lines += [(Span(fit("" if n else word, 12), Ink.FAINT), Span(part)) for n, part in enumerate(parts)]
    return lines


def _reached(bar: Bar, pen: Pen, now: float) -> str:
    """Write a milestone's moment; one that all is done for before its own time has none yet that it was reached at."""
    ahead = bar.reached and bar.milestone_at is not None and bar.milestone_at > now
    return "ahead of its time" if ahead else _moment(bar.milestone_at, pen, now)


def times_line(entry: Entry, bar: Bar | None, snapshot: Snapshot, pen: Pen) -> Line:
    """Write when a row was planned, was worked on and is projected, and by how much it is late."""
    now, view = snapshot.now, entry.view
    if isinstance(view, Mark):
        return (Span(fit("at", 12), Ink.FAINT), Span(f"{pen.day_clock(view.at, now=now)}  {clean(view.actor)}"))
    if bar is None:
        return EMPTY
    moments: list[tuple[str, str]] = [
        ("planned", _span(bar.planned, pen, now) or _moment(bar.milestone_planned_at, pen, now)),
        ("actual", _span(bar.actual, pen, now)),
        ("reached" if bar.reached else "projected", _span(bar.projected, pen, now) or _reached(bar, pen, now)),
    ]
    spans: list[Span] = []
    for word, text in moments:
        if text:
            spans += [Span(fit(word, 12) if not spans else f"{word} ", Ink.FAINT), Span(f"{text}   ")]
    if bar.late_s > LATE_S:
        spans.append(Span(f"late by {age(bar.late_s)}", Ink.FAINT if bar.over else Ink.WARN))
    return tuple(spans) or (Span("no times: neither days nor efforts in the plan", Ink.FAINT),)


def _moment(at: float | None, pen: Pen, now: float) -> str:
    return pen.day_clock(at, now=now) if at is not None else ""


def _span(span: tuple[float, float] | None, pen: Pen, now: float) -> str:
    return pen.between(*span, now=now) if span is not None else ""


def facts_of(entry: Entry, snapshot: Snapshot) -> list[tuple[str, str]]:
    """List what else is known of a row."""
    view = entry.view
    match view:
        case MilestoneView():
            after = (*map(issue_name, view.milestone.after), *view.milestone.after_milestones)
            return [("waits for", ", ".join(after))]
        case PhaseView():
            return [
                ("issues", ", ".join(map(issue_name, view.phase.issues))),
                ("activities", "; ".join(view.phase.activities)),
            ]
        case IssueView():
            issue, item = view.issue, snapshot.schedule.items.get(view.issue.id)
            slack = f"slack {item.slack_hours:.1f} h" if item is not None and issue.status is not Status.DONE else ""
            parts = (", ".join(issue.owners), hours(issue.effort_hours) or issue.effort_text, slack)
            waits = ", ".join(map(issue_name, view.waits_for))
            return [
                ("owner", "   ".join(filter(None, parts))),
                ("waits for", waits),
                ("blocked by", "; ".join(issue.blockers)),
            ]
        case Mark():
            return [(view.kind, view.text)]
    return []
