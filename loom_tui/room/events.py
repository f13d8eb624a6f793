"""What people did: the journal's events, past tense, one struct a kind.

A payload is stored as JSON with its `kind`; a stored event adds what the store alone can say: its place
in the journal, its time and the chain's hash. Times are Unix seconds, UTC.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from loom_tui.plan.model import IssueId, Range, Status


class _Payload(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """The base of all payloads; the tag is the class's name in snake case."""


class PlanAdopted(_Payload, frozen=True, tag="plan_adopted"):
    """The room took a version of the plan; the store holds it whole under this hash."""

    plan_hash: str
    version: str = ""


class TaskTicked(_Payload, frozen=True, tag="task_ticked"):
    """Somebody ticked a task, or took the tick back. `task` counts from 0; `text` guards a plan that moved."""

    issue: IssueId
    task: int
    text: str
    done: bool


class IssueStatusSet(_Payload, frozen=True, tag="issue_status_set"):
    """Somebody said where an issue stands."""

    issue: IssueId
    status: Status


class IssueOwnersSet(_Payload, frozen=True, tag="issue_owners_set"):
    """Somebody handed an issue over."""

    issue: IssueId
    owners: tuple[str, ...]


class IssueEffortSet(_Payload, frozen=True, tag="issue_effort_set"):
    """Somebody estimated an issue anew."""

    issue: IssueId
    effort_hours: Range


class IssueBlocked(_Payload, frozen=True, tag="issue_blocked"):
    """Something stands in an issue's way; an empty reason says that nothing does any more."""

    issue: IssueId
    reason: str


class NoteAdded(_Payload, frozen=True, tag="note_added"):
    """A remark on the timeline, of the room or of one issue."""

    text: str
    issue: IssueId | None = None


class MarkerSet(_Payload, frozen=True, tag="marker_set"):
    """The world was changed here: percentiles begin a new window, charts draw a mark."""

    marker: Literal["deploy", "migration", "rollback"]
    text: str = ""


Payload = (
    PlanAdopted | TaskTicked | IssueStatusSet | IssueOwnersSet | IssueEffortSet | IssueBlocked | NoteAdded | MarkerSet
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
