"""The critical path and the timeline at a glance, and where an issue and the launch stand."""

from __future__ import annotations

from collections.abc import Sequence

from loom_tui.plan.model import Status
from loom_tui.plan.timeline import awaited
from loom_tui.plan.words import WORD_OF_STATUS, issue_name
from loom_tui.room.signals import State
from loom_tui.room.snapshot import IssueView, Snapshot
from loom_tui.widgets.gantt import launch_view, phase_gantt
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean, fit, rule, spread
from loom_tui.widgets.text import SIGN_OF_STATUS, Pen, Sign, age, hours


def critical_issues(snapshot: Snapshot) -> Sequence[IssueView]:
    """List the issues that the launch waits for, by id."""
    before = set(awaited(snapshot.plan))
    found = [view for view in snapshot.issues if view.issue.id in before]
    return sorted(found, key=lambda view: (isinstance(view.issue.id, str), str(view.issue.id).zfill(9)))


def path_count(snapshot: Snapshot) -> Line:
    """Count the critical issues that are done."""
    found = critical_issues(snapshot)
    done = sum(view.issue.status is Status.DONE for view in found)
    return (Span(f"{done} of {len(found)} done", Ink.OK if found and done == len(found) else Ink.FAINT),)


def issue_row(view: IssueView, pen: Pen, width: int) -> Line:
    """Draw an issue in a line: sign, id, title, owner, effort, where it stands."""
    issue = view.issue
    owner_width = 10 if width >= 54 else 0
    word = f"{view.tasks_done} of {len(view.tasks)}" if _under_way(view) else WORD_OF_STATUS[issue.status]
    if is_claim(view):
        word = "claimed"
    if is_beaten(view):
        word = "check fails"
    right: Line = (
        Span(" " + fit(issue.owners[0] if issue.owners else "", owner_width) if owner_width else "", Ink.FAINT),
        Span(fit(hours(issue.effort_hours) or clean(issue.effort_text, limit=8), 7, right=True), Ink.FAINT),
        Span(fit(word, 12, right=True), _status_ink(view)),
    )
    open_ink = Ink.FAINT if issue.status is Status.DONE else Ink.INK
    left: Line = (
        pen.sign(sign_of(view)),
        Span(f" {fit(issue_name(issue.id), 5)} ", Ink.ACCENT),
        Span(clean(issue.title), open_ink, bold=_under_way(view)),
    )
    return spread(left, right, width)


def sign_of(view: IssueView) -> Sign:
    """Give the sign of where an issue stands: half where it is only claimed, bad where a check beats the word."""
    if is_beaten(view):
        return Sign.BAD
    return Sign.HALF if is_claim(view) else SIGN_OF_STATUS[view.issue.status]


def is_beaten(view: IssueView) -> bool:
    """Say whether somebody called it done, and one of its checks fails."""
    return view.issue.status is Status.DONE and view.proof is State.BAD


def is_claim(view: IssueView) -> bool:
    """Say whether only a document says that work was begun or done; that something is ready claims nothing."""
    return view.issue.claimed and view.issue.status not in (Status.OPEN, Status.READY)


def _under_way(view: IssueView) -> bool:
    return view.issue.status is Status.IN_PROGRESS and bool(view.tasks)


def _status_ink(view: IssueView) -> Ink:
    if view.issue.status is Status.DONE and not view.issue.claimed:
        return Ink.OK
    return Ink.WARN if view.issue.status is Status.BLOCKED else Ink.INK if _under_way(view) else Ink.FAINT


def path_foot(snapshot: Snapshot, pen: Pen, width: int) -> Sequence[Line]:
    """Draw what is next on the path, and when the launch is projected."""
    open_issues = [view for view in critical_issues(snapshot) if view.issue.status is not Status.DONE]
    following = [task.text for view in open_issues for task in view.tasks if not task.done]
    begun = [task.text for view in open_issues if _under_way(view) for task in view.tasks if not task.done]
    names = ", ".join((begun or following)[:2]) or "nothing to tick"
    ahead: Line = (Span("next ", Ink.FAINT), Span(clean(names, limit=200)))
    schedule, now = snapshot.schedule, snapshot.now
    if has_launched(snapshot):
        return (rule(width), ahead, launch_words(snapshot, pen))
    if schedule.finish_at is None:
        return (rule(width), ahead, (Span("no finish: the plan gives no dates or efforts", Ink.FAINT),))
    late = schedule.p80_at if schedule.p80_at is not None else schedule.finish_at
    finish: Line = (
        Span("launch ", Ink.FAINT),
        Span(pen.day_clock(schedule.finish_at, now=now)),
        Span("  P80 ", Ink.FAINT),
        Span(pen.day_clock(late, now=now), Ink.FAINT),
    )
    return (rule(width), ahead, spread(finish, launch_words(snapshot, pen), width))


def has_launched(snapshot: Snapshot) -> bool:
    """Say whether the launch is over: its projections then are of no more use."""
    launch = launch_view(snapshot)
    return launch is not None and launch.reached and launch.projected_at is not None


def launch_words(snapshot: Snapshot, pen: Pen) -> Line:
    """Say where the launch stands: that it happened, how much time there is to it, or by how much it is late."""
    launch = launch_view(snapshot)
    if launch is not None and launch.reached and launch.projected_at is not None:
        return (Span(f"launched {pen.day_clock(launch.projected_at, now=snapshot.now)}", Ink.OK),)
    finish = snapshot.schedule.finish_at
    if launch is None or launch.planned_at is None or finish is None:
        return EMPTY
    spare = launch.planned_at - finish
    if spare < -60:
        return (Span(f"late by {age(-spare)}", Ink.WARN),)
    return (Span("on time", Ink.OK),) if spare < 900 else (Span(f"{age(spare)} to spare", Ink.OK),)


def timeline_figures(snapshot: Snapshot, pen: Pen) -> Line:
    """Say which of the plan's days this is, and whether the launch is on time."""
    late = launch_words(snapshot, pen)
    day = pen.day(snapshot.now)
    return (Span(f"{day}  ", Ink.FAINT), *late)


def timeline_lines(snapshot: Snapshot, pen: Pen, width: int, height: int) -> Sequence[Line]:
    """Draw the phases over the days."""
    return phase_gantt(snapshot, pen, width, height)
