"""What the journal alone says, folded event by event: ticks, statuses, owners, efforts, blockers, marks, votes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from msgspec import Struct
from msgspec.structs import replace

from loom_tui.plan.model import Issue, IssueId, Plan, Range, Status, Task
from loom_tui.plan.schedule import Progress
from loom_tui.plan.timeline import launch_of, milestones_of
from loom_tui.room.acting import ActionPayload
from loom_tui.room.aftermath import Aftermaths
from loom_tui.room.aftermath import take as take_aftermath
from loom_tui.room.automation import Automations
from loom_tui.room.automation import take as take_automation
from loom_tui.room.ballot import Ballot, count
from loom_tui.room.drills import Drills
from loom_tui.room.drills import take as take_drill
from loom_tui.room.errors import ErrorStanding, ErrorWord
from loom_tui.room.events import (
    ErrorAcknowledged,
    ErrorBlocking,
    ErrorNoted,
    Event,
    IssueBlocked,
    IssueEffortSet,
    IssueOwnersSet,
    IssueStatusSet,
    MarkerSet,
    NoteAdded,
    PlanAdopted,
    TaskTicked,
)
from loom_tui.room.guard import Actions, Illegal, after
from loom_tui.room.manual import Runs
from loom_tui.room.manual import take as take_manual
from loom_tui.room.snapshot import Mark, TaskView
from loom_tui.room.uat import UatLog
from loom_tui.room.uat import take as take_uat
from loom_tui.room.versions import Versions
from loom_tui.room.versions import take as take_version


class Standing(Struct, frozen=True, kw_only=True):
    """What events say of one issue; None where nobody said anything."""

    ticks: Mapping[str, TaskTicked] = {}  # by the task's text: a plan's edit may move a task
    ticked: Mapping[str, tuple[str, float]] = {}  # by whom, when
    status: Status | None = None
    owners: tuple[str, ...] | None = None
    effort_hours: Range | None = None
    blocked: str = ""
    started_at: float | None = None
    done_at: float | None = None
    history: tuple[Event, ...] = ()


_UNTOUCHED = Standing()


class Ledger(Struct, frozen=True, kw_only=True):
    """The journal as folded so far. `advance` gives the next one and leaves this one as it is."""

    events: tuple[Event, ...] = ()
    standings: Mapping[IssueId, Standing] = {}
    marks: tuple[Mark, ...] = ()
    ballot: Ballot = Ballot()
    errors: Mapping[tuple[str, str], ErrorStanding] = {}  # by feed and id
    actions: Actions = Actions()
    plan_hash: str = ""  # of the version that the room took last
    runs: Runs = {}
    uat: UatLog = UatLog()
    drills: Drills = Drills()
    versions: Versions = ()
    automations: Automations = {}
    aftermaths: Aftermaths = Aftermaths()

    @property
    def seq(self) -> int:
        """Number the newest folded event."""
        return self.events[-1].seq if self.events else 0

    def standing(self, issue_id: IssueId) -> Standing:
        """Say what events say of an issue."""
        return self.standings.get(issue_id, _UNTOUCHED)


def advance(ledger: Ledger, events: Iterable[Event]) -> Ledger:
    """Fold more events in, in order."""
    added = tuple(events)
    standings = dict(ledger.standings)
    marks = list(ledger.marks)
    ballot, runs, uat, drills = ledger.ballot, ledger.runs, ledger.uat, ledger.drills
    errors = dict(ledger.errors)
    actions, plan_hash = ledger.actions, ledger.plan_hash
    versions, automations, aftermaths = ledger.versions, ledger.automations, ledger.aftermaths
    for event in added:
        payload = event.payload
        ballot = count(ballot, event)
        runs, uat, drills = take_manual(runs, event), take_uat(uat, event), take_drill(drills, payload)
        versions = take_version(versions, payload)
        automations = take_automation(automations, payload, by=event.actor, at=event.at)
        aftermaths = take_aftermath(aftermaths, payload, by=event.actor, at=event.at, seq=event.seq)
        if isinstance(payload, MarkerSet):
            marks.append(Mark(at=event.at, kind=payload.marker, text=payload.text, actor=event.actor))
        elif isinstance(payload, NoteAdded):
            marks.append(Mark(at=event.at, kind="note", text=payload.text, actor=event.actor))
        elif isinstance(payload, ErrorAcknowledged | ErrorNoted | ErrorBlocking):
            key = (payload.source, payload.error)
            errors[key] = _after_word(errors.get(key, ErrorStanding()), payload, event)
        elif isinstance(payload, PlanAdopted):
            plan_hash = payload.plan_hash
        elif isinstance(payload, ActionPayload):
            with suppress(Illegal):  # what the guard would not have let be written changes nothing
                actions = after(actions, payload, by=event.actor, at=event.at, seq=event.seq)
        issue_id = getattr(payload, "issue", None)
        if issue_id is not None:
            standings[issue_id] = _after(standings.get(issue_id, _UNTOUCHED), event)
    return Ledger(
        events=ledger.events + added,
        standings=standings,
        marks=tuple(marks),
        ballot=ballot,
        errors=errors,
        actions=actions,
        plan_hash=plan_hash,
        runs=runs,
        uat=uat,
        drills=drills,
        versions=versions,
        automations=automations,
        aftermaths=aftermaths,
    )


def _after(standing: Standing, event: Event) -> Standing:
    payload = event.payload
    standing = replace(standing, history=(*standing.history, event))
    if isinstance(payload, TaskTicked):
        started_at = standing.started_at if standing.started_at is not None or not payload.done else event.at
        return replace(
            standing,
            ticks={**standing.ticks, payload.text: payload},
            ticked={**standing.ticked, payload.text: (event.actor, event.at)},
            started_at=started_at,
        )
    if isinstance(payload, IssueStatusSet):
        return _after_status(standing, payload.status, event.at)
    if isinstance(payload, IssueOwnersSet):
        return replace(standing, owners=payload.owners)
    if isinstance(payload, IssueEffortSet):
        return replace(standing, effort_hours=payload.effort_hours)
    if isinstance(payload, IssueBlocked):
        return replace(standing, blocked=payload.reason)
    return standing


def _after_word(
    standing: ErrorStanding, payload: ErrorAcknowledged | ErrorNoted | ErrorBlocking, event: Event
) -> ErrorStanding:
    standing = replace(standing, title=payload.title)
    match payload:
        case ErrorAcknowledged():
            return replace(standing, acknowledged=ErrorWord(event.actor, event.at) if payload.done else None)
        case ErrorNoted():
            return replace(standing, notes=(*standing.notes, ErrorWord(event.actor, event.at, payload.text)))
        case ErrorBlocking():
            word = ErrorWord(event.actor, event.at, payload.reason)
            return replace(standing, blocking=word if payload.blocks else None)


def _after_status(standing: Standing, status: Status, at: float) -> Standing:
    done_at = at if status is Status.DONE else None
    started_at = standing.started_at
    if status in (Status.OPEN, Status.READY):
        started_at = None
    elif started_at is None and status in (Status.IN_PROGRESS, Status.DONE):
        started_at = at
    return replace(standing, status=status, started_at=started_at, done_at=done_at)


def stand(issue: Issue, standing: Standing) -> Issue:
    """Lay what events say over what the plan says of an issue."""
    status, claimed = issue.status, issue.claimed
    if standing.status is not None:
        status, claimed = standing.status, False
    elif standing.started_at is not None and status in (Status.OPEN, Status.READY):
        status = Status.IN_PROGRESS
    if standing.blocked and status not in (Status.DONE, Status.DROPPED):
        status = Status.BLOCKED
    blockers = (*issue.blockers, standing.blocked) if standing.blocked else issue.blockers
    return replace(
        issue,
        status=status,
        claimed=claimed,
        owners=issue.owners if standing.owners is None else standing.owners,
        effort_hours=standing.effort_hours or issue.effort_hours,
        effort_likely_hours=None if standing.effort_hours else issue.effort_likely_hours,
        blockers=blockers,
        tasks=tuple(_task(task, standing) for task in issue.tasks),
    )


def _task(task: Task, standing: Standing) -> Task:
    tick = standing.ticks.get(task.text)
    return task if tick is None else replace(task, done=tick.done, claimed=False)


def task_views(issue: Issue, standing: Standing) -> tuple[TaskView, ...]:
    """Show an issue's boxes with who ticked them. A `done` that nobody ticked is the document's claim."""
    views = []
    for task in issue.tasks:
        by, at = standing.ticked.get(task.text, ("", None))
        views.append(TaskView(text=task.text, done=task.done, claimed=task.done and at is None, by=by, at=at))
    return tuple(views)


def progress_of(plan: Plan, ledger: Ledger, *, now: float) -> Progress:
    """Say what actually happened, for the schedule: a marked deploy reached the launch.

    A document's 'done' counts as done by now, for planning only.
    """
    started_at: dict[IssueId, float] = {}
    done_at: dict[IssueId, float] = {}
    for issue in plan.issues:
        standing = ledger.standing(issue.id)
        if standing.started_at is not None:
            started_at[issue.id] = standing.started_at
        if standing.done_at is not None:
            done_at[issue.id] = standing.done_at
        elif standing.status is None and issue.status is Status.DONE:
            done_at[issue.id] = now
    launch = launch_of(milestones_of(plan))
    deployed_at = max((mark.at for mark in ledger.marks if mark.kind == "deploy"), default=None)
    if launch is not None and deployed_at is not None:
        done_at[launch.name] = deployed_at
    return Progress(started_at=started_at, done_at=done_at)
