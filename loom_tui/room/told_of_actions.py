"""A guarded action's events in a few words, after their actor's name: for the journal, the news and a shell."""

from __future__ import annotations

from loom_tui.plan.acts import ActionKind
from loom_tui.room.acting import (
    AbortAsked,
    ActionAborted,
    ActionApproved,
    ActionArmed,
    ActionExpired,
    ActionFailed,
    ActionInterrupted,
    ActionPayload,
    ActionResumed,
    ActionTakenOver,
    ActionUnknown,
    ActionUnverified,
    ActionVerified,
    CountdownStarted,
    OfAction,
    PreflightFailed,
    StepAnswered,
    StepEnded,
    StepStarted,
    StopCalled,
    StopLifted,
    VerificationStarted,
)

_End = (
    ActionVerified
    | ActionUnverified
    | ActionFailed
    | ActionUnknown
    | ActionAborted
    | ActionInterrupted
    | ActionResumed
    | ActionTakenOver
)
_APPROVED = {"second": "approved", "own": "began", "glass": "broke the glass for"}


def told_of_action(payload: ActionPayload) -> str:
    """Tell an event of an action, or of the stop of all."""
    match payload:
        case ActionArmed():
            way = way_of(payload.what, payload.from_release, payload.to_release)
            against = " against the gate" if payload.override else ""
            return f"armed “{payload.label}”{way} in {payload.environment}{against}{because(payload.reason)}"
        case StopCalled():
            return f"stopped all actions{'' if payload.everything else ' but rollbacks'}: {payload.reason}"
        case StopLifted():
            return f"lifted the stop: {payload.reason}"
        case _:
            return _told_of_one(payload)


def _told_of_one(payload: OfAction) -> str:
    action = f"action {payload.action}"
    match payload:
        case ActionApproved():
            return f"{_APPROVED[payload.how]} {action}{because(payload.reason)}"
        case ActionExpired():
            return f"let {action} expire: no approval came in time, or none was used"
        case PreflightFailed():
            return f"goes on with {action} past what its pre-flight found of step {payload.step + 1}: {payload.why}"
        case CountdownStarted():
            return f"counts {action} down on {payload.host}"
        case StepStarted():
            return f"began step {payload.step + 1} of {action}"
        case StepEnded():
            return f"ended step {payload.step + 1} of {action}: {payload.outcome.value}{because(payload.why)}"
        case StepAnswered():
            word = payload.answer.value.replace("_", " ")
            return f"said “{word}” of step {payload.step + 1} of {action}{because(payload.reason)}"
        case AbortAsked():
            return f"wants {action} aborted: {payload.reason}"
        case VerificationStarted():
            return f"asks the world whether {action} is done"
        case _:
            return _told_of_end(payload)


def _told_of_end(payload: _End) -> str:
    action = f"action {payload.action}"
    match payload:
        case ActionVerified():
            return f"saw {action} done: {' · '.join(payload.evidence)}"
        case ActionUnverified():
            return f"left {action} done, unverified: {payload.why}"
        case ActionFailed():
            return f"saw {action} fail: {payload.why}"
        case ActionUnknown():
            return f"does not know how {action} ended: {payload.why}"
        case ActionAborted():
            return f"aborted {action}: {payload.why}"
        case ActionInterrupted():
            return f"found {action} without its runner"
        case ActionResumed():
            return f"resumed {action} at step {payload.step + 1}: {payload.reason}"
        case ActionTakenOver():
            return f"stopped {action} for rollback {payload.by_action}"


def way_of(what: ActionKind, from_release: str, to_release: str) -> str:
    """Write, after a blank, from which release to which an action goes; "" for one that changes none."""
    return f" {from_release} → {to_release}" if to_release and what.changes_release else ""


def because(reason: str) -> str:
    """Write a reason after a colon; "" for none."""
    return f": {reason}" if reason else ""
