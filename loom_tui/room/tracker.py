"""The plan's issues as a tracker has them, beside the room's own: differences are shown, never merged."""

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec
from msgspec import Struct

from loom_tui.plan.model import Issue, IssueId, Status


class LiveTask(Struct, frozen=True):
    """A box in an issue's text."""

    text: str
    done: bool


class LiveIssue(Struct, frozen=True, kw_only=True):
    """An issue as its tracker has it, decoded at the edge. `updated_at` is in Unix seconds."""

    number: int
    title: str
    state: Literal["open", "closed"]
    reason: str = ""  # of a closed one: completed, not_planned, duplicate
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    milestone: str = ""
    tasks: tuple[LiveTask, ...] = ()
    url: str = ""
    updated_at: float | None = None


_DECODER: msgspec.json.Decoder[tuple[LiveIssue, ...]] = msgspec.json.Decoder(tuple[LiveIssue, ...])


def decode_live(body: bytes) -> Mapping[IssueId, LiveIssue]:
    """Read a body of issues; one of another version's making holds none that we know."""
    if not body:
        return {}
    try:
        return {issue.number: issue for issue in _DECODER.decode(body)}
    except msgspec.DecodeError:
        return {}


def differences(issue: Issue, live: LiveIssue, *, ticked: Mapping[str, bool]) -> Iterator[str]:
    """Say in few words where the tracker has it otherwise: state, title, boxes (`ticked` is the room's, by text)."""
    settled = issue.status in (Status.DONE, Status.DROPPED)
    if settled and live.state == "open":
        yield "still open there"
    elif live.state == "closed" and not settled:
        yield f"closed there as {live.reason.replace('_', ' ')}" if live.reason else "closed there"
    if _folded(live.title) != _folded(issue.title):
        yield f"titled there: {live.title}"
    theirs = {_folded(task.text): task.done for task in live.tasks}
    for text, done in ticked.items():
        if theirs.get(_folded(text), done) != done:
            yield f"{text}: {'not ticked' if done else 'ticked'} there"


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
