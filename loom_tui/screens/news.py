"""The newest thing that matters, for the line above the keys. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from loom_tui.room.acting import ActionPayload
from loom_tui.room.aftermath import AftermathPayload, told_of_aftermath
from loom_tui.room.automation import AutomationSaid, told_of_automation
from loom_tui.room.drills import DrillPayload, told_of_drill
from loom_tui.room.events import (
    ClockRan,
    DecisionAgreed,
    DecisionCalled,
    ErrorAcknowledged,
    ErrorBlocking,
    ErrorNoted,
    Event,
    FeedbackGiven,
    FeedbackSettled,
    GatePayload,
    HandPayload,
    IssueBlocked,
    IssueEffortSet,
    IssueOwnersSet,
    IssueStatusSet,
    LeadGiven,
    ManualStepDone,
    MarkerSet,
    NoGoCleared,
    NoGoLifted,
    NoGoShown,
    NoteAdded,
    ParticipantJoined,
    PlanAdopted,
    PollCalled,
    PollEnded,
    RiskAccepted,
    SessionHeld,
    SignedOff,
    TaskTicked,
    Voted,
    VoteWithdrawn,
    Waived,
    WaiverAgreed,
    WaiverEnded,
    WorkflowBegun,
)
from loom_tui.room.guard import ActionState, asked_now
from loom_tui.room.messages import MessageSent, told_of_message
from loom_tui.room.snapshot import Snapshot
from loom_tui.room.told import told_of_action
from loom_tui.room.verdicts import Choice
from loom_tui.room.versions import VersionSeen, told_of_version
from loom_tui.widgets.frame import News
from loom_tui.widgets.text import WORD_OF_STATUS, Sign, issue_name

ERROR_NEWS_S = 3600.0
_ACTION = "action "  # so begins the key of news of an action
_OUTCOMES = {"ok": "found well", "failed": "found wrong", "skipped": "skipped"}


def news_of(snapshot: Snapshot, *, since: float, dismissed: Collection[str] = ()) -> News | None:
    """Choose what to tell: an action that waits for people, else the worst and newest alarm, else the last event.

    What was dismissed is not told again.
    """
    found = [news for news in (*wanted(snapshot), *alarms(snapshot)) if news.key not in dismissed]
    if found and found[0].key.startswith(_ACTION):
        return found[0]
    if found:
        return max(found, key=lambda news: (news.sign is Sign.BAD, news.at or 0.0))
    last = snapshot.events[-1] if snapshot.events else None
    if last is None or last.at <= since:
        return None
    return News(Sign.OPEN, f"{last.actor} {told(last)}", last.at)


def wanted(snapshot: Snapshot) -> Iterator[News]:
    """Say for which person an action under way waits: for who approves it, answers it, or looks after it."""
    view = snapshot.action
    if view is None:
        return
    key = f"{_ACTION}{view.id} {view.state.value}"
    what = f"“{view.armed.label}” ({view.id})"
    if view.state is ActionState.ARMED and view.armed.people > 1:
        why = f": {view.armed.reason}" if view.armed.reason else ""
        yield News(Sign.WARN, f"A: {view.by} wants {what} approved by another person{why}", view.at, key)
    elif view.state is ActionState.INTERRUPTED:
        yield News(Sign.BAD, f"A: {what} is interrupted: its runner has gone, and somebody must look", None, key)
    elif (question := asked_now(view, now=snapshot.now)) is not None:
        step = view.steps[question[0]]
        yield News(
            Sign.WARN, f"A: {what} waits for a person at “{step.name}”", None, f"{key} {question[0]} {step.started}"
        )


def rings_for(snapshot: Snapshot, login: str) -> frozenset[str]:
    """Name what the terminal's bell calls a person for: an action that waits for them, and not for who armed it."""
    view = snapshot.action
    own = view is not None and view.state is ActionState.ARMED and view.by == login
    return frozenset() if own else frozenset(news.key for news in wanted(snapshot))


def alarms(snapshot: Snapshot) -> Iterator[News]:
    """List the errors that became news within the hour, the feeds that fell silent, and what an action turned off."""
    for errors in snapshot.errors:
        for issue in errors.issues:
            at = issue.first_seen if issue.substatus == "new" else issue.last_seen  # an old error may come back
            if issue.substatus not in {"new", "regressed", "escalating"} or issue.level not in {"fatal", "error"}:
                continue
            if at is None or snapshot.now - at > ERROR_NEWS_S:
                continue
            users = f", {issue.users} users" if issue.users else ""
            sign = Sign.BAD if issue.level == "fatal" else Sign.WARN
            key = f"{errors.source} {issue.id} {issue.substatus}"
            yield News(sign, f"{issue.substatus} error {issue.short_id} {issue.title}{users}", at, key)
    for feed in snapshot.feeds:
        report = feed.report
        if snapshot.collector.alive and not feed.live and report is not None:
            at = report.failing_since if report.failing_since is not None else report.last_success_at
            yield News(Sign.WARN, f"{feed.label} is silent: {feed.why}", at, f"{feed.source} silent {at}")
    for view in snapshot.automation:
        if view.off and view.since is not None:
            again = f" (on again: {view.on_again})" if view.on_again else ""
            yield News(Sign.WARN, f"still off: {view.text}{again}", view.since, f"off {view.text} {view.since}")


def told(event: Event) -> str:
    """Tell an event in a few words, after its actor's name."""
    payload = event.payload
    if isinstance(payload, HandPayload):
        return _told_by_hand(payload)
    match payload:
        case TaskTicked():
            return f"{'ticked' if payload.done else 'took back'} {issue_name(payload.issue)} · {payload.text}"
        case IssueStatusSet():
            return f"set {issue_name(payload.issue)} {WORD_OF_STATUS[payload.status]}"
        case IssueOwnersSet():
            return f"gave {issue_name(payload.issue)} to {', '.join(payload.owners) or 'nobody'}"
        case IssueEffortSet():
            effort = payload.effort_hours
            return f"estimated {issue_name(payload.issue)} at {effort.low:g}–{effort.high:g} h"
        case IssueBlocked():
            what = f"blocked: {payload.reason}" if payload.reason else "no longer blocked"
            return f"{issue_name(payload.issue)} {what}"
        case NoteAdded():
            return f"noted {payload.text}" if payload.issue is None else f"{issue_name(payload.issue)}: {payload.text}"
        case MarkerSet():
            return f"marked a {payload.marker}{': ' + payload.text if payload.text else ''}"
        case ErrorAcknowledged():
            return f"{'acknowledged' if payload.done else 'no longer looks after'} {payload.title}"
        case ErrorNoted():
            return f"noted of {payload.title}: {payload.text}"
        case ErrorBlocking():
            what = "made a blocker of the gate" if payload.blocks else "lifted as a blocker"
            return f"{what}: {payload.title} ({payload.reason})"
        case PlanAdopted():
            return f"opened the plan{' ' + payload.version if payload.version else ''}"
        case _ if isinstance(payload, ActionPayload):
            return told_of_action(payload)
        case MessageSent():
            return told_of_message(payload)
        case _ if isinstance(payload, DrillPayload):
            return told_of_drill(payload)
        case VersionSeen():
            return told_of_version(payload)
        case _ if isinstance(payload, AftermathPayload):
            return told_of_aftermath(payload)
        case AutomationSaid():
            return told_of_automation(payload)
        case _:
            return _told_of_gate(payload)


def _told_by_hand(payload: HandPayload) -> str:
    match payload:
        case WorkflowBegun():
            return f"began {payload.workflow} by hand"
        case ManualStepDone():
            note = f": {payload.note}" if payload.note else ""
            return f"{_OUTCOMES[payload.outcome]} {payload.workflow} · {payload.step}{note}"
        case ParticipantJoined():
            return f"added {payload.name} to the acceptance testing"
        case SessionHeld():
            return f"noted a session of {payload.participant}: {', '.join(payload.features) or 'no feature named'}"
        case FeedbackGiven():
            word = f", {payload.severity}" if payload.severity != "none" else ""
            return f"noted {payload.participant}'s {payload.rating} of 5{word}: {payload.text or payload.feature}"
        case FeedbackSettled():
            return f"settled feedback {payload.feedback}: {payload.reason}"


def _told_of_gate(payload: GatePayload) -> str:
    match payload:
        case Voted():
            return f"voted {word_of(payload.choice)} ({payload.role}){_because(payload.reason)}"
        case VoteWithdrawn():
            return f"took back their vote ({payload.role}){_because(payload.reason)}"
        case SignedOff():
            word = "holds" if payload.holds else "does not hold"
            return f"says that it {word}: {payload.text}{_because(payload.words)}"
        case Waived():
            return f"proposes to waive {payload.text}{_because(payload.reason)}"
        case WaiverAgreed():
            return f"agreed to waiver {payload.waiver}"
        case WaiverEnded():
            return f"ended waiver {payload.waiver}{_because(payload.reason)}"
        case NoGoShown():
            return f"saw a no-go hold: {payload.text}"
        case NoGoCleared():
            return f"saw a no-go end: {payload.text}"
        case NoGoLifted():
            return f"lifted a no-go of {payload.role or payload.criterion}{_because(payload.reason)}"
        case ClockRan():
            return f"saw the clock run out: {payload.text}"
        case DecisionCalled():
            against = f" while the gate was {payload.gate.state.value}"
            return f"called {word_of(payload.choice)}{against}{_because(payload.reason)}"
        case DecisionAgreed():
            return f"agreed to decision {payload.decision}"
        case PollCalled():
            return f"called the poll: {', '.join(payload.roles)}"
        case PollEnded():
            return f"ended the poll{_because(payload.reason)}"
        case LeadGiven():
            return f"gave the lead to {payload.to}{_because(payload.reason)}"
        case RiskAccepted():
            return f"accepted a risk: {payload.risk}{_because(payload.reason)}"


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def word_of(choice: Choice) -> str:
    """Write a choice as people call it."""
    return "GO" if choice is Choice.GO else "NO-GO"
