"""What people did, and what must outlive the readings that showed it: the journal's events, one struct a kind.

A payload is stored as JSON with its `kind`; a stored event adds what the store alone can say: its place
in the journal, its time and the chain's hash. Times are Unix seconds, UTC.
"""

from typing import Literal

import msgspec
from msgspec import Struct

from loom_tui.plan.model import IssueId, Range, Status
from loom_tui.room.acting import ActionPayload
from loom_tui.room.aftermath import AftermathPayload
from loom_tui.room.automation import AutomationSaid
from loom_tui.room.drills import DrillPayload
from loom_tui.room.messages import MessageSent
from loom_tui.room.payload import Claim, PayloadBase
from loom_tui.room.verdicts import Choice, Evidence, GateView
from loom_tui.room.versions import VersionSeen


class PlanAdopted(PayloadBase, frozen=True, tag="plan_adopted"):
    """The room took a version of the plan; the store holds it whole under this hash."""

    plan_hash: str
    version: str = ""
    release: str = ""
    environment: str = ""


class TaskTicked(PayloadBase, frozen=True, tag="task_ticked"):
    """Somebody ticked a task, or took the tick back. `task` counts from 0; `text` guards a plan that moved."""

    issue: IssueId
    task: int
    text: str
    done: bool


class IssueStatusSet(PayloadBase, frozen=True, tag="issue_status_set"):
    """Somebody said where an issue stands."""

    issue: IssueId
    status: Status


class IssueOwnersSet(PayloadBase, frozen=True, tag="issue_owners_set"):
    """Somebody handed an issue over."""

    issue: IssueId
    owners: tuple[str, ...]


class IssueEffortSet(PayloadBase, frozen=True, tag="issue_effort_set"):
    """Somebody estimated an issue anew."""

    issue: IssueId
    effort_hours: Range


class IssueBlocked(PayloadBase, frozen=True, tag="issue_blocked"):
    """Something stands in an issue's way; an empty reason says that nothing does any more."""

    issue: IssueId
    reason: str


class NoteAdded(PayloadBase, frozen=True, tag="note_added"):
    """A remark on the timeline, of the room or of one issue."""

    text: str
    issue: IssueId | None = None


class MarkerSet(PayloadBase, frozen=True, tag="marker_set"):
    """The world was changed here: percentiles begin a new window, charts draw a mark."""

    marker: Literal["deploy", "migration", "rollback"]
    text: str = ""


class Voted(Claim, frozen=True, tag="voted"):
    """A role voted, by one of its people."""

    role: str
    choice: Choice
    reason: str = ""


class VoteWithdrawn(Claim, frozen=True, tag="vote_withdrawn"):
    """A person took back what they voted for a role."""

    role: str
    reason: str = ""


class SignedOff(Claim, frozen=True, tag="signed_off"):
    """A person attested by name that a criterion's condition holds, or that it does not; `text` as it read then."""

    criterion: str
    text: str
    holds: bool
    no_go: bool = False  # it is a no-go condition, so that `holds` speaks against going
    words: str = ""
    role: str = ""  # the role that was spoken for, where the plan does not name its people


class Waived(Claim, frozen=True, tag="waived"):
    """A person proposed that a criterion need not hold until a moment. It waives nothing until another one agrees."""

    criterion: str
    text: str
    reason: str
    until: float


class WaiverAgreed(PayloadBase, frozen=True, tag="waiver_agreed"):
    """A person agreed to a waiver, named by its proposal's place in the journal."""

    waiver: int


class WaiverEnded(PayloadBase, frozen=True, tag="waiver_ended"):
    """A person ended a waiver before its time."""

    waiver: int
    reason: str


class NoGoShown(Claim, frozen=True, tag="no_go_shown"):
    """Readings showed a no-go to hold. Written by the collector: readings are overwritten, the journal remembers."""

    criterion: str
    text: str
    evidence: tuple[Evidence, ...]


class NoGoCleared(Claim, frozen=True, tag="no_go_cleared"):
    """Fresh readings showed that a no-go which had been shown no longer holds. Written by the collector."""

    criterion: str
    text: str
    evidence: tuple[Evidence, ...]


class NoGoLifted(Claim, frozen=True, tag="no_go_lifted"):
    """A person lifted what was shown or said of a no-go criterion, or a role's no-go votes; exactly one is named."""

    reason: str
    criterion: str = ""
    role: str = ""


class ClockRan(Claim, frozen=True, tag="clock_ran"):
    """A criterion held for the whole of its clock after the deploy of `deployed_at`. Written by the collector."""

    criterion: str
    text: str
    deployed_at: float
    since: float


class DecisionCalled(Claim, frozen=True, tag="decision_called"):
    """A person called GO or NO-GO, on this evidence. A GO against the gate is pending until another person agrees."""

    choice: Choice
    reason: str
    gate: GateView


class DecisionAgreed(PayloadBase, frozen=True, tag="decision_agreed"):
    """A second person agreed to a GO against the gate, named by its place in the journal."""

    decision: int


class PollCalled(Claim, frozen=True, tag="poll_called"):
    """A person called the launch poll: each of these roles in turn, for its go or no-go."""

    roles: tuple[str, ...]


class PollEnded(PayloadBase, frozen=True, tag="poll_ended"):
    """A person ended a poll, named by its place in the journal, before all were heard."""

    poll: int
    reason: str


class LeadGiven(PayloadBase, frozen=True, tag="lead_given"):
    """The room is led by this person from now on."""

    to: str
    reason: str = ""


class RiskAccepted(Claim, frozen=True, tag="risk_accepted"):
    """Somebody takes a risk on. One that its trigger lights stays lit."""

    risk: str
    owner: str
    reason: str


class WorkflowBegun(Claim, frozen=True, tag="workflow_begun"):
    """Somebody began a workflow's steps by hand, anew: what was done before counts no more."""

    workflow: str


class ManualStepDone(Claim, frozen=True, tag="manual_step_done"):
    """Somebody did a step by hand, and judged it. `tester` where it was another than who wrote it down."""

    workflow: str
    step: str
    outcome: Literal["ok", "failed", "skipped"]
    note: str = ""
    tester: str = ""


class ParticipantJoined(PayloadBase, frozen=True, tag="participant_joined"):
    """Somebody takes part in acceptance testing."""

    name: str
    about: str = ""


class SessionHeld(Claim, frozen=True, tag="session_held"):
    """A participant tried features of a release."""

    participant: str
    features: tuple[str, ...] = ()
    minutes: float | None = None
    note: str = ""


class FeedbackGiven(Claim, frozen=True, tag="feedback_given"):
    """A participant's word on a release: a rating from 1 to 5, and how bad what they found is."""

    participant: str
    rating: int
    severity: Literal["none", "minor", "major", "blocker"]
    feature: str = ""
    text: str = ""


class FeedbackSettled(PayloadBase, frozen=True, tag="feedback_settled"):
    """What feedback spoke of no longer stands, named by its place in the journal."""

    feedback: int
    reason: str


HandPayload = WorkflowBegun | ManualStepDone | ParticipantJoined | SessionHeld | FeedbackGiven | FeedbackSettled
GatePayload = (
    Voted
    | VoteWithdrawn
    | SignedOff
    | Waived
    | WaiverAgreed
    | WaiverEnded
    | NoGoShown
    | NoGoCleared
    | NoGoLifted
    | ClockRan
    | DecisionCalled
    | DecisionAgreed
    | PollCalled
    | PollEnded
    | LeadGiven
    | RiskAccepted
)


class _OfError(PayloadBase, frozen=True):
    """The base of what is said of an error: its feed and id, and how it read then."""

    source: str
    error: str
    title: str


class ErrorAcknowledged(_OfError, frozen=True, tag="error_acknowledged"):
    """Somebody has seen an error and looks after it, or takes that back."""

    done: bool


class ErrorNoted(_OfError, frozen=True, tag="error_noted"):
    """A remark on an error."""

    text: str


class ErrorBlocking(_OfError, frozen=True, tag="error_blocking"):
    """Somebody made an error a blocker of the gate, or lifted that, with a reason either way."""

    blocks: bool
    reason: str


Payload = (
    PlanAdopted
    | TaskTicked
    | IssueStatusSet
    | IssueOwnersSet
    | IssueEffortSet
    | IssueBlocked
    | NoteAdded
    | MarkerSet
    | HandPayload
    | GatePayload
    | ErrorAcknowledged
    | ErrorNoted
    | ErrorBlocking
    | ActionPayload
    | MessageSent
    | DrillPayload
    | VersionSeen
    | AutomationSaid
    | AftermathPayload
)


class Event(Struct, frozen=True, kw_only=True):
    """One stored event. `seq` counts from 1 without gaps; `hash` covers its predecessor's."""

    seq: int
    at: float
    actor: str
    payload: Payload
    hash: str


def encode_payload(payload: Payload) -> bytes:
    """Encode a payload as the JSON that the journal stores and hashes."""
    return msgspec.json.encode(payload, order="deterministic")


_DECODER: msgspec.json.Decoder[Payload] = msgspec.json.Decoder(Payload)


def decode_payload(body: bytes) -> Payload:
    """Decode a stored payload. Raises msgspec.ValidationError for a kind that this version does not know."""
    return _DECODER.decode(body)
