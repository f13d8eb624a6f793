"""Checks prove issues and tasks: a failing one beats a tick, an unknown one proves nothing, a tick alone is a word."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from loom_tui.plan.check import check_plan
from loom_tui.plan.model import Criterion, Issue, Status, Task
from loom_tui.room.events import IssueStatusSet, Payload, TaskTicked
from loom_tui.room.signals import State, Stored
from loom_tui.room.snapshot import IssueView, Snapshot
from loom_tui.room.verdicts import Verdict
from tests import gates

ISSUE = Issue(
    id=145,
    title="Configure Sentry",
    tasks=(Task(text="Test in staging", checks=("app.auth",)), Task(text="Document setup")),
    checks=("app",),
)
GO = Criterion(text="critical path complete", issues=(145,))
PLAN = gates.plan(go=[GO], issues=[ISSUE])
DONE = IssueStatusSet(issue=145, status=Status.DONE)
TICKED = TaskTicked(issue=145, task=0, text="Test in staging", done=True)


def room(readings: list[Stored], payloads: list[Payload]) -> Snapshot:
    return gates.room(PLAN, *(("ana", 60.0, payload) for payload in payloads), seen=gates.read(*readings))


def issue(snapshot: Snapshot) -> IssueView:
    view = snapshot.issue(145)
    assert view is not None
    return view


@pytest.mark.parametrize(
    ("auth", "proof", "holds"), [(State.OK, State.OK, True), (State.BAD, State.BAD, False), (None, State.UNKNOWN, True)]
)
def test_a_task_stands_as_its_check_says_and_as_its_tick_where_that_is_unknown(auth, proof, holds):
    readings = [gates.reading("app"), *([gates.reading("app.auth", state=auth)] if auth else [])]
    task = issue(room(readings, [TICKED])).tasks[0]
    assert (task.proof, task.holds, task.done) == (proof, holds, True)


def test_a_task_without_a_check_is_attested_by_whoever_ticks_it():
    tick = TaskTicked(issue=145, task=1, text="Document setup", done=True)
    task = issue(room([], [tick])).tasks[1]
    assert (task.proof, task.holds, task.by) == (None, True, "ana")


def test_tasks_that_checks_prove_count_without_a_tick():
    view = issue(room([gates.reading("app"), gates.reading("app.auth")], []))
    assert view.tasks_done == 1


@pytest.mark.parametrize(
    ("app", "auth", "verdict", "words"),
    [
        (State.OK, State.OK, Verdict.MET, "done and proved"),
        (State.OK, State.BAD, Verdict.NOT_MET, "done, but app.auth: bad, not ok"),
        (State.OK, None, Verdict.UNKNOWN, "done, but app.auth: never read"),
        (State.UNKNOWN, State.OK, Verdict.UNKNOWN, "done, but app: unknown"),
    ],
)
def test_an_issue_that_was_called_done_opens_the_gate_only_where_its_checks_say_so(app, auth, verdict, words):
    readings = [gates.reading("app", state=app), *([gates.reading("app.auth", state=auth)] if auth else [])]
    (criterion,) = room(readings, [DONE]).gate.go
    assert (criterion.verdict, criterion.evidence[0].words) == (verdict, words)


def test_checks_alone_do_not_make_an_issue_done():
    (criterion,) = room([gates.reading("app"), gates.reading("app.auth")], []).gate.go
    assert criterion.verdict is Verdict.NOT_MET


def test_evidence_for_another_release_proves_no_issue():
    readings = [gates.reading("app", release="v1"), gates.reading("app.auth")]
    assert issue(room(readings, [DONE])).proof is State.UNKNOWN


def test_a_check_that_does_not_exist_is_a_fault_with_a_suggestion():
    tasks = (Task(text="Test", checks=("app.autth",)), Task(text="Deploy", checks=("app.latency_ms",)))
    faults = [str(fault) for fault in check_plan(gates.plan(issues=[replace(ISSUE, tasks=tasks)]))]
    assert "issue #145 check `app.autth` does not exist; did you mean `app.auth`?" in faults
    assert any(fault.startswith("issue #145 check `app.latency_ms` is no check") for fault in faults)
