"""An issue's id and its status as people write them."""

from __future__ import annotations

from loom_tui.plan.model import IssueId, Status

WORD_OF_STATUS = {
    Status.OPEN: "open",
    Status.READY: "ready",
    Status.IN_PROGRESS: "in progress",
    Status.BLOCKED: "blocked",
    Status.DONE: "done",
    Status.DROPPED: "dropped",
}


def issue_name(issue_id: IssueId) -> str:
    """Write an issue's id: #147, OPS-12."""
    return f"#{issue_id}" if isinstance(issue_id, int) else issue_id
