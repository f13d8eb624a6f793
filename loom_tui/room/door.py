"""The one door through which people write: which right each kind of event takes, and that a room may only look.

Deeds and intents decide what an event says; the door decides whether this person may have it said at all. It stands
before the store, so that no screen and no command can pass it by; what it lets through is decided inside the
transaction that appends. What a runner or the collector writes comes by another way (`guarded.permit`, `sightings`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from msgspec import Struct

from loom_tui.plan.criteria import may
from loom_tui.plan.model import Plan, Right
from loom_tui.room import acting, aftermath, automation, drills, events, messages, versions
from loom_tui.room.deeds import Deed, Refused
from loom_tui.room.events import Payload

READ_ONLY = "This room is read-only: nothing was written"
ASKS_NOTHING = "This room is read-only: it asks nothing of the collector"
_VIEWER = "may only look here, by the plan's [[operators]]: nothing was written"


class Person(Struct, frozen=True):
    """Who acts, and whether from a room that only looks."""

    login: str
    read_only: bool = False


# Each kind of event, with the right that a person needs to write it; None: no person writes it.
RIGHTS: Mapping[type[Payload], Right | None] = {
    events.PlanAdopted: Right.OPERATOR,
    events.TaskTicked: Right.OPERATOR,
    events.IssueStatusSet: Right.OPERATOR,
    events.IssueOwnersSet: Right.OPERATOR,
    events.IssueEffortSet: Right.OPERATOR,
    events.IssueBlocked: Right.OPERATOR,
    events.NoteAdded: Right.OPERATOR,
    events.MarkerSet: Right.OPERATOR,
    events.WorkflowBegun: Right.OPERATOR,
    events.ManualStepDone: Right.OPERATOR,
    events.ParticipantJoined: Right.OPERATOR,
    events.SessionHeld: Right.OPERATOR,
    events.FeedbackGiven: Right.OPERATOR,
    events.FeedbackSettled: Right.OPERATOR,
    events.Voted: Right.OPERATOR,
    events.VoteWithdrawn: Right.OPERATOR,
    events.SignedOff: Right.OPERATOR,
    events.Waived: Right.OPERATOR,
    events.WaiverAgreed: Right.APPROVER,
    events.WaiverEnded: Right.OPERATOR,
    events.NoGoShown: None,
    events.NoGoCleared: None,
    events.NoGoLifted: Right.APPROVER,
    events.ClockRan: None,
    events.DecisionCalled: Right.APPROVER,
    events.DecisionAgreed: Right.APPROVER,
    events.PollCalled: Right.APPROVER,
    events.PollEnded: Right.APPROVER,
    events.LeadGiven: Right.OPERATOR,  # the lead's own; to pass on another's takes an approver
    events.RiskAccepted: Right.OPERATOR,
    events.ErrorAcknowledged: Right.OPERATOR,
    events.ErrorNoted: Right.OPERATOR,
    events.ErrorBlocking: Right.OPERATOR,
    versions.VersionSeen: None,
    messages.MessageSent: None,
    automation.AutomationSaid: Right.OPERATOR,
    aftermath.RollbackStepTicked: Right.OPERATOR,
    aftermath.RootCauseOpened: Right.OPERATOR,
    drills.DrillBegan: None,
    drills.DrillEnded: Right.OPERATOR,
    acting.ActionArmed: Right.OPERATOR,
    acting.ActionApproved: Right.OPERATOR,  # one's own; as a second person it takes an approver
    acting.ActionExpired: None,
    acting.PreflightFailed: None,
    acting.CountdownStarted: None,
    acting.StepStarted: None,
    acting.StepEnded: None,
    acting.StepAnswered: Right.OPERATOR,
    acting.AbortAsked: Right.OPERATOR,
    acting.VerificationStarted: None,
    acting.ActionVerified: None,
    acting.ActionUnverified: None,
    acting.ActionFailed: None,
    acting.ActionUnknown: None,
    acting.ActionAborted: Right.OPERATOR,
    acting.ActionInterrupted: Right.OPERATOR,
    acting.ActionResumed: Right.OPERATOR,
    acting.ActionTakenOver: None,
    acting.StopCalled: Right.OPERATOR,
    acting.StopLifted: Right.APPROVER,
}
# Found at the first import, and not when somebody writes it: a kind of event whose right was forgotten.
assert RIGHTS.keys() == set(get_args(Payload))  # noqa: S101


def admit(payload: Payload, plan: Plan, person: Person) -> Payload:
    """Let a person write this, or not. Raises Refused with a sentence."""
    stand_back(person)
    require(plan, person.login, type(payload))
    return payload


def admitted(deed: Deed, person: Person) -> Deed:
    """Make a deed that gives nothing which the door would not let through; a room that looks is refused at once."""
    stand_back(person)
    return lambda snapshot, actor: admit(deed(snapshot, actor), snapshot.plan, person)


def stand_back(person: Person) -> None:
    """Refuse whoever only looks. Raises Refused."""
    if person.read_only:
        raise Refused(READ_ONLY)


def require(plan: Plan, login: str, kind: type[Payload]) -> None:
    """Hold a person to the right that a kind of event takes. Raises Refused."""
    right = RIGHTS[kind]
    if right is None:
        raise Refused("Only what does it writes that down: no person may")
    if not may(plan, login, right):
        raise Refused(f"{login} may not do this: the plan's [[operators]] give it to {_ARTICLE[right]} and above")


_ARTICLE = {
    Right.VIEWER: "a viewer",
    Right.OPERATOR: "an operator",
    Right.APPROVER: "an approver",
    Right.LEAD: "the lead",
}


def why_only_looks(plan: Plan, person: Person) -> str:
    """Say why nothing that this person does here would be written; empty where something would."""
    if person.read_only:
        return READ_ONLY
    return "" if may(plan, person.login, Right.OPERATOR) else f"{person.login or 'Nobody'} {_VIEWER}"


def may_ask(plan: Plan, person: Person) -> None:
    """Refuse a question to the collector from whoever only looks: each costs the world a call. Raises Refused."""
    if why_only_looks(plan, person):
        raise Refused(ASKS_NOTHING)
