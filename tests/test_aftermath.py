"""What follows a rollback: the plan's steps, the record of the root cause, and when one may deploy again."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace

from loom_tui.config.operator import whoami
from loom_tui.plan.faults import PlanFaults
from loom_tui.plan.model import Automation, Operator, Plan, Right, RollbackStep, Rule
from loom_tui.plan.toml import parse_plan
from loom_tui.reports.rootcause import rootcause_report
from loom_tui.room.acting import ActionFailed, ActionVerified, Outcome, StepEnded, VerificationStarted
from loom_tui.room.aftermath import RootCauseOpened, Tick
from loom_tui.room.aftermath_deeds import open_root_cause, say_automation, tick_rollback_step
from loom_tui.room.deeds import Deed, Refused
from loom_tui.room.errors import ErrorIssue, Listing
from loom_tui.room.events import Event, MarkerSet, NoteAdded, decode_payload, encode_payload
from loom_tui.room.guard import ActionState as S
from loom_tui.room.preview import preview
from loom_tui.room.root_cause import MOST_ERRORS, MOST_EVENTS, evidence
from loom_tui.room.snapshot import AftermathView, Observations
from tests.gates import NOW, history, read, reading
from tests.guards import ACTIONS, STEPS, Stage, guarded_plan
from tests.running import action, writes
from tests.shell import loom
from tests.test_guard_commands import GLASS, guarded, place_of

ME = whoami()
CALM = Rule(signal="sentry.critical", at_most=0, for_s=60)
PUSHES = "every push to main is deployed"
WAY_BACK = (
    RollbackStep(name="Immediate", text="Revert", step="Revert"),
    RollbackStep(name="Communication", text="Tell all", step="Tell"),
    RollbackStep(name="Root Cause", text="Find it", root_cause=True),
    RollbackStep(name="Fix", text="Develop and test"),
    RollbackStep(name="Re-deployment", text="when stable", stable=(CALM,)),
)
VERSION = reading("app.version", detail="v2")
HOSTILE = "[/ **bold** <script> | a \x1b[2J\n# no title `x` " + "long " * 500


def staged(seen: Observations | None = None, **changes: object) -> Stage:
    return Stage(replace(guarded_plan(), rollback=WAY_BACK, **changes), seen or read(VERSION))


def rolled_back(stage: Stage, *, tell: Outcome = Outcome.OK) -> int:
    number = stage.begun(step=1)
    stage.run(StepEnded(action=number, run="r1", step=1, outcome=tell))
    if tell is not Outcome.OK:
        stage.run(ActionFailed(action=number, run="r1", why="exit 1"))
        return number
    stage.run(VerificationStarted(action=number, run="r1"))
    stage.run(ActionVerified(action=number, run="r1", evidence=("v1",)))
    return number


def did(stage: Stage, deed: Deed, actor: str = "ana") -> int:
    return stage.write(actor, deed(stage.snapshot(), actor))


def refused(stage: Stage, deed: Deed, actor: str = "ana") -> str:
    with pytest.raises(Refused) as refusal:
        deed(stage.snapshot(), actor)
    return str(refusal.value)


def view(stage: Stage) -> AftermathView:
    found = stage.snapshot().aftermath
    assert found is not None
    return found


# The checklist.


def test_nothing_follows_where_nothing_was_rolled_back_or_it_is_under_way():
    stage = staged()
    assert stage.snapshot().aftermath is None
    stage.begun()
    assert stage.snapshot().aftermath is None
    assert "still under way" in refused(stage, tick_rollback_step("Fix", done=True))


def test_the_rest_of_the_plans_steps_follow_as_a_checklist():
    stage = staged()
    number = rolled_back(stage)
    found = view(stage)
    assert (found.action, found.from_release, found.to_release, found.state) == (number, "v2", "v1", S.DONE)
    assert [(step.name, step.done, step.how) for step in found.steps] == [
        ("Immediate", True, f"action {number}"),
        ("Communication", True, f"action {number}"),
        ("Root Cause", False, ""),
        ("Fix", False, ""),
        ("Re-deployment", False, ""),
    ]
    assert found.is_open


@pytest.mark.parametrize(
    ("name", "does"),
    [("Revert", True), ("revert", True), ("REVERT", True), ("Rev", False), ("Revert it", False), ("Tell", True)],
)
def test_a_step_of_the_action_that_bears_the_name_of_one_does_it(name, does):
    stage = staged()
    stage.plan = replace(stage.plan, rollback=(RollbackStep(name=name),))
    rolled_back(stage)
    assert view(stage).steps[0].done is does


def test_a_step_of_the_action_may_say_more_after_the_name():
    steps = (replace(STEPS[0], name="Immediate: revert to the last stable version"), STEPS[1])
    stage = staged(actions={**ACTIONS, "rollback": replace(ACTIONS["rollback"], steps=steps)})
    stage.plan = replace(stage.plan, rollback=(RollbackStep(name="Immediate"), RollbackStep(name="Imm")))
    rolled_back(stage)
    assert [step.done for step in view(stage).steps] == [True, False]


def test_a_step_of_the_action_that_failed_is_left_to_do():
    stage = staged()
    rolled_back(stage, tell=Outcome.FAILED)
    assert [step.done for step in view(stage).steps] == [True, False, False, False, False]
    assert view(stage).state is S.FAILED


def test_a_person_ticks_a_step_by_name_or_number_and_takes_it_back():
    stage = staged()
    number = rolled_back(stage)
    did(stage, tick_rollback_step("4", done=True, note="reverted the pool"), "bo")
    assert [(step.done, step.how, step.note) for step in view(stage).steps if step.name == "Fix"] == [
        (True, "bo", "reverted the pool")
    ]
    did(stage, tick_rollback_step("fix", done=False))
    did(stage, tick_rollback_step("communication", done=False, note="nobody got it"))
    assert [step.done for step in view(stage).steps] == [True, False, False, False, False]
    assert {type(event.payload).__name__ for event in stage.events[-3:]} == {"RollbackStepTicked"}
    assert number == view(stage).action


def test_the_root_cause_is_ticked_with_its_words_only_and_nonsense_is_refused_in_a_sentence():
    stage = staged()
    rolled_back(stage)
    assert "what the root cause was" in refused(stage, tick_rollback_step("Root Cause", done=True, note=" "))
    assert "did you mean `Fix`" in refused(stage, tick_rollback_step("Fyx", done=True))
    assert "has no step '6'" in refused(stage, tick_rollback_step("6", done=True))
    assert "at most 2000 characters" in refused(stage, tick_rollback_step("Fix", done=True, note="x" * 3000))
    did(stage, tick_rollback_step("Root Cause", done=True, note="one connection"))


def test_a_viewer_writes_nothing_of_it_down():
    people = (Operator(login="vi", may=Right.VIEWER), Operator(login="ana"), Operator(login="bo", may=Right.APPROVER))
    stage = staged(operators=people)
    rolled_back(stage)
    for deed in (tick_rollback_step("Fix", done=True), say_automation("x", off=True), open_root_cause()):
        assert "vi may not do this" in refused(stage, deed, "vi")


def test_a_second_rollback_begins_the_list_anew():
    stage = staged()
    rolled_back(stage)
    did(stage, tick_rollback_step("Fix", done=True))
    second = rolled_back(stage)
    assert [step.done for step in view(stage).steps] == [True, True, False, False, False]
    assert view(stage).action == second


def test_a_rollback_that_never_began_leaves_the_list_of_the_one_before():
    stage = staged()
    first = rolled_back(stage)
    stage.arm()
    stage.now += 10_000
    assert view(stage).action == first


# Stable, and deployed again.


def test_it_shows_whether_it_is_stable_and_for_how_long_since_the_rollback():
    calm = history((-after_s, 0.0) for after_s in range(10, 300, 10))
    stage = staged()
    rolled_back(stage)
    stage.now += 300
    stage.seen = read(reading("sentry.critical", 0.0, age_s=-297), past={"sentry.critical": calm})
    (stable,) = view(stage).steps[-1].stable
    assert stable.holds is True
    stage.write("ana", MarkerSet(marker="rollback"))  # which the runner sets: what was calm before proves nothing
    (stable,) = view(stage).steps[-1].stable
    assert stable.holds is None


def test_a_deploy_is_warned_of_as_long_as_it_is_not_stable_and_one_that_is_verified_ticks_the_step():
    stage = staged()
    number = rolled_back(stage)
    warning = f"not stable since rollback {number}: sentry.critical: never read"
    assert warning in preview(stage.snapshot(), "deploy").warnings
    assert not any("not stable" in said for said in preview(stage.snapshot(), "rollback").warnings)
    deploy = stage.begun("deploy", step=0, override=True)
    stage.run(StepEnded(action=deploy, run="r1", step=0, outcome=Outcome.OK))
    stage.run(VerificationStarted(action=deploy, run="r1"))
    assert not view(stage).steps[-1].done
    stage.run(ActionVerified(action=deploy, run="r1", evidence=("v2",)))
    assert (view(stage).steps[-1].done, view(stage).steps[-1].how) == (True, f"action {deploy}")
    assert warning not in preview(stage.snapshot(), "deploy").warnings


# What is off.


def test_what_was_turned_off_keeps_it_open_until_somebody_says_it_is_on_again():
    actions = {**ACTIONS, "rollback": replace(ACTIONS["rollback"], undone_by=(Automation(text=PUSHES, step="Revert"),))}
    stage = Stage(guarded_plan(actions=actions), read(VERSION))
    rolled_back(stage)
    assert [(each.text, each.off) for each in view(stage).off] == [(PUSHES, True)]
    assert view(stage).is_open
    assert "Which automation is meant by 'nightly'?" in refused(stage, say_automation("nightly", off=False))
    did(stage, say_automation("every push", off=False, reason="fixed"))
    assert (view(stage).off, view(stage).is_open) == ((), False)


# The record.


def errors(count: int = 2, **more: object) -> bytes:
    issues = tuple(
        ErrorIssue(id=str(number), short_id=f"LOOM-{number}", title="TypeError", substatus="new", count=41, users=12)
        for number in range(count)
    )
    old = ErrorIssue(id="old", short_id="LOOM-OLD", title="NetworkError", first_seen=1.0, count=9)
    return msgspec.json.encode(Listing(issues=(*(replace(each, **more) for each in issues), old)))


def test_the_record_holds_errors_figures_versions_journal_and_head_as_they_stood():
    seen = read(VERSION, reading("sentry.issues", body=errors()), reading("sentry.critical", 3.0))
    stage = staged(seen)
    stage.write("bo", NoteAdded(text="long before"))
    stage.now += 1
    deployed_at = stage.now
    stage.write("bo", MarkerSet(marker="deploy", text="v2"))
    number = rolled_back(stage)
    opened = evidence(stage.snapshot(), stage.snapshot().actions_of.views[number])
    assert decode_payload(encode_payload(opened)) == opened
    assert (opened.version, opened.from_release, opened.to_release, opened.reason) == ("v2", "v2", "v1", "errors")
    assert [(error.short_id, error.count, error.users) for error in opened.errors] == [
        ("LOOM-0", 41, 12),
        ("LOOM-1", 41, 12),
    ]
    assert [(figure.signal, figure.value) for figure in opened.figures if figure.signal == "sentry.critical"] == [
        ("sentry.critical", 3.0)
    ]
    assert (opened.since, opened.journal[0].words) == (deployed_at, "marked a deploy: v2")
    assert "armed “Roll back” v2 → v1 in production: errors" in [event.words for event in opened.journal]
    assert (opened.head_seq, opened.head_hash) == (len(stage.events), "")


def test_a_flood_of_errors_and_events_is_cut_and_says_so():
    stage = staged(read(VERSION, reading("sentry.issues", body=errors(400, title="x" * 10_000))))
    for _ in range(MOST_EVENTS + 50):
        stage.write("bo", NoteAdded(text="x" * 2000))
    number = rolled_back(stage)
    opened = evidence(stage.snapshot(), stage.snapshot().actions_of.views[number])
    assert (len(opened.errors), opened.errors_left_out) == (MOST_ERRORS, 350)
    assert (len(opened.journal), opened.events_left_out > 50) == (MOST_EVENTS, True)
    assert len(encode_payload(opened)) < 150_000


def test_its_report_tells_it_from_the_event_alone_and_foreign_words_stay_words():
    stage = staged(read(VERSION, reading("sentry.issues", body=errors(title=HOSTILE, culprit=HOSTILE))))
    stage.write("bo", NoteAdded(text=HOSTILE))
    number = rolled_back(stage)
    opened = evidence(stage.snapshot(), stage.snapshot().actions_of.views[number])
    event = Event(seq=99, at=stage.now, actor="loom", payload=opened, hash="ab12")
    text = "\n".join(rootcause_report(event, opened, [("Fix", Tick(True, "bo", NOW, HOSTILE))]))
    assert f"# Root cause: rollback {number} in production, v2 → v1" in text
    assert "- event: 99, `ab12`" in text
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    kinds = {token.type for token in tokens} | {child.type for token in tokens for child in token.children or ()}
    assert not kinds & {"html_block", "html_inline", "link_open", "image", "em_open"}
    assert sum(token.type == "tr_open" for token in tokens) == 3 + len(opened.errors) + len(opened.figures) + len(
        opened.journal
    )


def test_a_runner_opens_the_record_by_itself_once_and_whatever_came_of_the_rollback(world):
    for step, state in ((writes("one"), S.DONE_UNVERIFIED), (replace(writes("one"), run=("false",)), S.FAILED)):
        room = world(rollback=action(step, verify=()))
        number = room.begin()
        assert room.ended(number).state is state
        room.processes[-1].wait(timeout=20)
        records = [event for event in room.store.events() if isinstance(event.payload, RootCauseOpened)]
        assert [record.payload.action for record in records] == [number]
        found = room.snapshot().aftermath
        assert found is not None
        assert found.record == records[0].seq
        before = room.store.events()[: records[0].seq - 1]
        assert records[0].payload.head_hash == before[-1].hash


def test_a_rollback_that_was_aborted_before_its_first_step_leaves_no_record(world):
    room = world(rollback=action(writes("one"), expires_s=0.5))
    number = room.arm()
    room.start(number)
    assert room.ended(number).state is S.EXPIRED
    assert not any(isinstance(event.payload, RootCauseOpened) for event in room.store.events())


# From a shell.


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A room in which a rollback was carried out, alone and unverified."""
    a_plan: Plan = guarded(
        rollback=action(writes("Revert"), verify=(), undone_by=(Automation(text=PUSHES, step="Revert"),))
    )
    place_of(tmp_path, replace(a_plan, rollback=(*WAY_BACK[:1], *WAY_BACK[2:4])))
    done = loom(tmp_path, "rollback", *GLASS)
    assert done.returncode == 3, done.stderr
    return tmp_path


def test_what_follows_is_shown_ticked_and_reported_from_a_shell(place):
    shown = loom(place, "aftermath")
    assert shown.returncode == 3
    lines = shown.stdout.splitlines()
    assert lines[0].startswith("rollback (2) v2 → v1: done, unverified, ")
    assert lines[1].startswith("  [x] 1 Immediate · Revert  action 2, ")
    assert lines[2] == "  [ ] 2 Root Cause · Find it"
    assert lines[4].startswith("  evidence of the root cause: loom report rootcause ")
    assert lines[5].startswith(f"  ! off: {PUSHES} for ")
    told = loom(place, "report", "rootcause")
    assert told.returncode == 0
    assert "# Root cause: rollback 2 in production, v2 → v1" in told.stdout
    assert "errors since noon" in told.stdout
    assert loom(place, "aftermath", "--done", "2").returncode == 1
    assert loom(place, "aftermath", "--done", "2", "--note", "one connection").returncode == 3
    assert loom(place, "aftermath", "--done", "fix", "--on", "every push").returncode == 0
    assert "“Root Cause”: done by" in loom(place, "report", "rootcause").stdout
    answer = json.loads(loom(place, "aftermath", "--json").stdout)
    assert [step["done"] for step in answer["aftermath"]["steps"]] == [True, True, True]
    assert answer["automation"][0]["off"] is False
    assert loom(place, "aftermath", "--open-record").returncode == 0
    record = json.loads(loom(place, "report", "rootcause", "--json").stdout)["event"]
    assert (record["payload"]["action"], record["actor"]) == (2, ME)


def test_a_room_without_a_rollback_says_so(tmp_path):
    place_of(tmp_path, guarded(rollback=action(writes("one"))))
    loom(tmp_path, "note", "the room exists")
    done = loom(tmp_path, "aftermath")
    assert (done.returncode, done.stdout.startswith("No rollback was carried out here")) == (0, True)
    assert "The journal holds no record of a root cause" in loom(tmp_path, "report", "rootcause").stderr
    assert loom(tmp_path, "aftermath", "--open-record").returncode == 1


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ('step = "Revart"', "rollback[1].step: `Revart` is no step of the action that rolls back; did you mean"),
        ('stable = [{ signal = "nope", is = "ok" }]', "rollback[1].stable: signal `nope` does not exist"),
    ],
)
def test_a_way_back_that_names_what_is_not_there_is_a_fault_of_the_plan(lines, fault):
    steps = 'steps = [{ kind = "manual", name = "Revert", text = "go" }]'
    text = (
        f'[plan]\ntitle = "t"\n[actions.back]\nkind = "rollback"\n{steps}\n[[rollback]]\nname = "Immediate"\n{lines}\n'
    )
    with pytest.raises(PlanFaults) as faults:
        parse_plan(text)
    assert fault in str(faults.value)
