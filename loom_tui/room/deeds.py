"""What a person may do, as payloads: each deed checks its words and gives the event's payload, or refuses."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from loom_tui.plan.model import Issue, IssueId, Range, Status
from loom_tui.refusal import Refusal
from loom_tui.room.errors import ErrorIssue
from loom_tui.room.events import (
    ErrorAcknowledged,
    ErrorBlocking,
    ErrorNoted,
    IssueBlocked,
    IssueEffortSet,
    IssueOwnersSet,
    IssueStatusSet,
    MarkerSet,
    NoteAdded,
    Payload,
    TaskTicked,
)
from loom_tui.room.snapshot import Snapshot

TEXT_LIMIT = 2000
TITLE_LIMIT = 200
_WHY = "What stands in the gate's way, and what no longer does, needs a reason"

Deed = Callable[[Snapshot, str], Payload]  # what a person does to the room as it is when it is written down


class Refused(Refusal):
    """A deed that makes no sense; the message is a sentence for the person."""


def tick_task(issue: Issue, task: int, *, done: bool) -> TaskTicked:
    """Tick a task (from 0), or take the tick back."""
    if not 0 <= task < len(issue.tasks):
        has = f"{len(issue.tasks)} tasks" if issue.tasks else "no tasks"
        raise Refused(f"#{issue.id} has {has}; there is no task {task + 1}")
    return TaskTicked(issue=issue.id, task=task, text=issue.tasks[task].text, done=done)


def set_status(issue: Issue, status: Status) -> IssueStatusSet:
    """Say where an issue stands."""
    return IssueStatusSet(issue=issue.id, status=status)


def hand_over(issue: Issue, owners: Sequence[str]) -> IssueOwnersSet:
    """Say who has an issue; nobody is a possible answer."""
    return IssueOwnersSet(issue=issue.id, owners=tuple(words_of(owner) for owner in owners if owner.strip()))


def estimate(issue: Issue, text: str) -> IssueEffortSet:
    """Estimate an issue in hours: "3", "2-4", "2–4 h"."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:[-–—]\s*(\d+(?:\.\d+)?))?\s*(?:h|hours?)?\s*", text)
    if found is None:
        raise Refused(f"An effort is written in hours, such as 3 or 2-4; found {text!r}")
    low, high = float(found[1]), float(found[2] or found[1])
    if not low <= high <= 10_000:
        raise Refused(f"An effort runs from its lower to its higher end; found {text!r}")
    return IssueEffortSet(issue=issue.id, effort_hours=Range(low=low, high=high))


def block(issue: Issue, reason: str) -> IssueBlocked:
    """Say what stands in an issue's way; an empty reason says that nothing does any more."""
    return IssueBlocked(issue=issue.id, reason=words_of(reason) if reason.strip() else "")


def add_note(text: str, issue: IssueId | None = None) -> NoteAdded:
    """Remark on something."""
    return NoteAdded(text=words_of(text), issue=issue)


def acknowledge(source: str, issue: ErrorIssue, *, done: bool) -> ErrorAcknowledged:
    """Say that one has seen an error, or take that back."""
    return ErrorAcknowledged(source=source, error=issue.id, title=_named(issue), done=done)


def note_error(source: str, issue: ErrorIssue, text: str) -> ErrorNoted:
    """Remark on an error."""
    return ErrorNoted(source=source, error=issue.id, title=_named(issue), text=words_of(text))


def block_gate(source: str, issue: ErrorIssue, reason: str) -> ErrorBlocking:
    """Put an error in the gate's way."""
    return ErrorBlocking(source=source, error=issue.id, title=_named(issue), blocks=True, reason=words_of(reason, _WHY))


def unblock_gate(source: str, issue: ErrorIssue, reason: str) -> ErrorBlocking:
    """Take an error out of the gate's way."""
    return ErrorBlocking(
        source=source, error=issue.id, title=_named(issue), blocks=False, reason=words_of(reason, _WHY)
    )


def mark(marker: str, text: str) -> MarkerSet:
    """Say that the world was changed just now."""
    match marker:
        case "deploy" | "migration" | "rollback":
            return MarkerSet(marker=marker, text=text.strip()[:TEXT_LIMIT])
        case _:
            raise Refused(f"A marker is deploy, migration or rollback; found {marker!r}")


def _named(issue: ErrorIssue) -> str:
    return f"{issue.short_id} {issue.title}"[:TITLE_LIMIT]


def words_of(text: str, otherwise: str = "There is nothing to write down: the text is empty") -> str:
    """Take a person's words. Raises Refused with `otherwise` where there are none, or where they are too many."""
    text = text.strip()
    if not text:
        raise Refused(otherwise)
    if len(text) > TEXT_LIMIT:
        raise Refused(f"A text has at most {TEXT_LIMIT} characters; this one has {len(text)}")
    return text
