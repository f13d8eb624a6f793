"""Events in a few words, after their actor's name: for the journal, the news, a report and a shell."""

from __future__ import annotations

from loom_tui.plan.words import WORD_OF_STATUS, issue_name
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
from loom_tui.room.messages import MessageSent, told_of_message
from loom_tui.room.told_of_actions import because, told_of_action
from loom_tui.room.verdicts import Choice
from loom_tui.room.versions import VersionSeen, told_of_version

_OUTCOMES = {"ok": "found well", "failed": "found wrong", "skipped": "skipped"}


def sentence(event: Event) -> str:
    """Tell an event whole: who, and what."""
    return f"{event.actor} {told(event)}"


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
            return f"voted {word_of(payload.choice)} ({payload.role}){because(payload.reason)}"
        case VoteWithdrawn():
            return f"took back their vote ({payload.role}){because(payload.reason)}"
        case SignedOff():
            word = "holds" if payload.holds else "does not hold"
            return f"says that “{payload.text}” {word}{because(payload.words)}"
        case Waived():
            return f"proposes to waive {payload.text}{because(payload.reason)}"
        case WaiverAgreed():
            return f"agreed to waiver {payload.waiver}"
        case WaiverEnded():
            return f"ended waiver {payload.waiver}{because(payload.reason)}"
        case NoGoShown():
            return f"saw a no-go hold: {payload.text}"
        case NoGoCleared():
            return f"saw a no-go end: {payload.text}"
        case NoGoLifted():
            return f"lifted a no-go of {payload.role or payload.criterion}{because(payload.reason)}"
        case ClockRan():
            return f"saw the clock run out: {payload.text}"
        case DecisionCalled():
            against = f" while the gate was {payload.gate.state.value}"
            return f"called {word_of(payload.choice)}{against}{because(payload.reason)}"
        case DecisionAgreed():
            return f"agreed to decision {payload.decision}"
        case PollCalled():
            return f"called the poll: {', '.join(payload.roles)}"
        case PollEnded():
            return f"ended the poll{because(payload.reason)}"
        case LeadGiven():
            return f"gave the lead to {payload.to}{because(payload.reason)}"
        case RiskAccepted():
            return f"accepted a risk: {payload.risk}{because(payload.reason)}"


def word_of(choice: Choice) -> str:
    """Write a choice as people call it."""
    return "GO" if choice is Choice.GO else "NO-GO"
