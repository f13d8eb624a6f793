"""The room's issues beside the tracker's: differences are shown, and nothing is merged."""

from __future__ import annotations

import msgspec
import pytest

from loom_tui.plan.model import About, Issue, Plan, Status, Task
from loom_tui.plan.sources.github import GithubSource
from loom_tui.room.events import Event, TaskTicked
from loom_tui.room.fold import fold
from loom_tui.room.signals import Reading, Stored
from loom_tui.room.snapshot import IssueView, Observations
from loom_tui.room.tracker import LiveIssue, LiveTask, decode_live

TASKS = (Task(text="Create project"), Task(text="Set variables"))
TICK = Event(
    seq=1, at=1.0, actor="ana", hash="h", payload=TaskTicked(issue=7, task=0, text="Create project", done=True)
)


def shown(live: LiveIssue, *, status: Status = Status.OPEN) -> IssueView:
    issue = Issue(id=7, title="Configure  Sentry", status=status, tasks=TASKS)
    plan = Plan(plan=About(title="t"), issues=(issue,), sources={"github": GithubSource(repo="acme/web")})
    reading = Reading(signal="github.issues", observed_at=5.0, body=msgspec.json.encode([live]))
    latest = {"github.issues": Stored(reading=reading, recorded_at=5.0)}
    view = fold(plan, [TICK], Observations(latest=latest), 10.0).issue(7)
    assert view is not None
    return view


@pytest.mark.parametrize(
    ("live", "status", "differences"),
    [
        (LiveIssue(number=7, title="configure sentry", state="open"), Status.OPEN, ()),
        (LiveIssue(number=7, title="Configure Sentry", state="closed"), Status.DONE, ()),
        (LiveIssue(number=7, title="Configure Sentry", state="open"), Status.DONE, ("still open there",)),
        (
            LiveIssue(number=7, title="Configure Sentry", state="closed", reason="not_planned"),
            Status.READY,
            ("closed there as not planned",),
        ),
        (LiveIssue(number=7, title="Sentry DSN", state="open"), Status.OPEN, ("titled there: Sentry DSN",)),
        (
            LiveIssue(
                number=7,
                title="Configure Sentry",
                state="open",
                tasks=(LiveTask("create project", False), LiveTask("Set variables", True), LiveTask("Other", True)),
            ),
            Status.OPEN,
            ("Create project: not ticked there", "Set variables: ticked there"),
        ),
    ],
)
def test_where_the_tracker_has_it_otherwise_it_is_said(live, status, differences):
    assert shown(live, status=status).differences == differences


def test_the_tracker_changes_nothing_of_the_room_s_own():
    view = shown(
        LiveIssue(number=7, title="Configure Sentry", state="closed", tasks=(LiveTask("Set variables", True),))
    )
    assert view.issue.status is Status.IN_PROGRESS, "by the tick, not by what is closed there"
    assert [task.done for task in view.tasks] == [True, False]
    assert view.live is not None


@pytest.mark.parametrize("body", [b"", b"null", b"{", b'[{"number": "7"}]', b"\xff"])
def test_a_body_of_another_version_holds_no_issues(body):
    assert decode_live(body) == {}
