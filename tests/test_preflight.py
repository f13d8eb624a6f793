"""Before an action begins: its pre-flight rules, what its steps need, and the automation that would undo it."""

from __future__ import annotations

import sys

import pytest
from msgspec.structs import replace

from loom_tui.plan.acts import ActionKind, CommandAct, OnFailure
from loom_tui.plan.faults import PlanFaults
from loom_tui.plan.model import Action, Automation, Rule
from loom_tui.plan.sources.base import Secret
from loom_tui.plan.toml import dump_plan, parse_plan
from loom_tui.room.acting import CountdownStarted, Outcome, PreflightFailed, StepEnded
from loom_tui.room.automation import AutomationSaid, AutomationView
from loom_tui.room.guard import ActionState as S
from loom_tui.room.guarded import Approve
from loom_tui.room.preview import preview
from loom_tui.widgets.standing import tried_words
from tests.gates import bad, read, reading
from tests.guards import PURGE, ROLLBACK, Stage, guarded_plan
from tests.running import action, writes

AUTH_OK = Rule(signal="app.auth", is_="ok")
PUSHES = "every push to main is deployed"
VERSION = reading("app.version", detail="v2")


def staged(an_action: Action, *readings: object) -> Stage:
    return Stage(guarded_plan(actions={"it": an_action}), read(VERSION, *readings))  # type: ignore[arg-type]


# Rules.


@pytest.mark.parametrize(
    ("readings", "words"),
    [((bad(reading("app.auth")),), "app.auth: bad, not ok"), ((), "app.auth: never read")],
)
def test_a_preflight_that_does_not_hold_or_is_not_known_bars_what_is_no_rollback(readings, words):
    stage = staged(replace(PURGE, preflight=(AUTH_OK,)), *readings)
    assert stage.refused("ana", stage.arming("it")).startswith(f"The pre-flight does not hold: {words}")
    action = stage.arm("it", override=True)
    stage.do("bo", Approve(action))
    stage.run(CountdownStarted(action=action, run="r", host="h", ends_at=stage.now))


def test_a_preflight_is_held_again_in_the_transaction_that_starts_it():
    stage = staged(replace(PURGE, preflight=(AUTH_OK,)), reading("app.auth"))
    action = stage.arm("it")
    stage.do("ana", Approve(action))
    stage.seen = read(VERSION, bad(reading("app.auth")))
    claim = CountdownStarted(action=action, run="r", host="h", ends_at=stage.now)
    assert "The pre-flight does not hold: app.auth: bad, not ok" in stage.barred(claim)
    stage.seen = read(VERSION, reading("app.auth"))
    stage.run(claim)


def test_a_rollbacks_preflight_is_a_warning_that_knows_the_target():
    stage = staged(replace(ROLLBACK, preflight=(AUTH_OK, Rule(signal="app.version", is_="{from}"))))
    seen = preview(stage.snapshot(), "it")
    assert [(tried.signal, tried.holds, tried.words) for tried in seen.preflight] == [
        ("app.auth", None, "never read"),
        ("app.version", True, "v2"),
    ]
    assert "pre-flight: app.auth: never read" in seen.warnings
    assert [tried_words(tried, stage.now) for tried in seen.preflight] == [
        "pre-flight app.auth: never read",
        "pre-flight app.version: v2, 5 s ago",
    ]
    action = stage.arm("it")
    stage.do("bo", Approve(action))
    stage.run(CountdownStarted(action=action, run="r", host="h", ends_at=stage.now))


# What the steps need.


def test_a_rollback_whose_third_step_lacks_its_credential_is_done_up_to_there_and_says_so_beforehand(world):
    tell = writes("tell", secrets={"HOOK": Secret(env="LOOM_NO_SUCH_HOOK")}, on_failure=OnFailure.GO_ON)
    room = world(rollback=action(writes("one"), writes("two"), tell))
    number = room.arm()
    room.start(number)
    room.until(lambda: room.view(number).steps[2].missing)
    assert "LOOM_NO_SUCH_HOOK" in room.view(number).steps[2].missing
    assert room.state(number) is S.ARMED
    room.do("bo", Approve(number))
    room.until(lambda: room.state(number) is S.VERIFYING)
    room.healthy()
    view = room.ended(number)
    assert (view.state, room.count("one"), room.count("two"), room.count("tell")) == (S.DONE, 1, 1, 0)
    assert (view.steps[2].outcome, view.steps[2].why.startswith("not begun: ")) == (Outcome.FAILED, True)


def test_what_was_missing_beforehand_is_tried_again_when_its_step_comes(world):
    room = world(rollback=action(writes("one", secrets={"TOKEN": Secret(file="token")}), verify=()))
    number = room.arm()
    room.start(number)
    room.until(lambda: room.view(number).steps[0].missing)
    (room.directory / "token").write_text("s3cret-token")
    (room.directory / "token").chmod(0o600)
    room.do("bo", Approve(number))
    assert room.ended(number).state is S.DONE_UNVERIFIED
    assert room.count("one") == 1


def test_what_cannot_be_done_at_all_fails_at_its_step_and_does_nothing(world):
    room = world(rollback=action(replace(writes("one"), run=("no-such-command-here",)), writes("two")))
    number = room.begin()
    view = room.ended(number)
    assert (view.state, view.steps[0].outcome, room.count("two")) == (S.FAILED, Outcome.FAILED, 0)
    assert "not begun: " in view.why


def test_a_preflight_that_hangs_holds_a_rollback_up_for_seconds_only(world):
    asks = {"TOKEN": Secret(command=("sh", "-c", "test -e go || sleep 60; echo s3cret"))}
    room = world(rollback=action(writes("one", secrets=asks), verify=()))
    number = room.arm()
    room.start(number)
    room.until(lambda: room.view(number).steps[0].missing)
    assert "did not answer within 5 s" in room.view(number).steps[0].missing
    room.go()
    room.do("bo", Approve(number))
    assert (room.ended(number).state, room.count("one")) == (S.DONE_UNVERIFIED, 1)


def test_what_is_missing_bars_any_other_action_before_its_start(world):
    room = world(it=action(writes("one", secrets={"T": Secret(env="LOOM_NO_SUCH")}), kind=ActionKind.COMMAND))
    view = room.ended(room.begin("it"))
    assert (view.state, view.why.startswith("before the start: ")) == (S.FAILED, True)
    assert "PreflightFailed" not in room.kinds()


# The target.


def asks(code: str, name: str = "one") -> CommandAct:
    return writes(name, ask=(sys.executable, "-c", code, "{to}"), secrets={"TOKEN": Secret(env="LOOM_TEST_TOKEN")})


TOKEN = {"LOOM_TEST_TOKEN": "s3cret-token"}
THERE = "import os, sys; raise SystemExit(not (sys.argv[1] == 'v1' and os.environ['TOKEN'] == 's3cret-token'))"
AWAY = "import sys; print('no such deployment'); raise SystemExit(4)"


def test_a_target_is_asked_for_with_the_steps_own_credentials_before_anybody_begins(world):
    room = world(rollback=action(asks(THERE), verify=()))
    number = room.begin(environ=TOKEN)
    assert room.ended(number).state is S.DONE_UNVERIFIED
    assert "PreflightFailed" not in room.kinds()


def test_a_target_that_is_not_there_is_a_warning_that_a_person_may_go_on_past(world):
    room = world(rollback=action(asks(AWAY), verify=()))
    number = room.arm()
    room.start(number, TOKEN)
    room.until(lambda: room.view(number).steps[0].missing)
    assert "its target was asked" in room.view(number).steps[0].missing
    assert room.view(number).steps[0].missing.endswith(" v1`): exit 4, wanted 0")
    room.do("bo", Approve(number))
    assert (room.ended(number).state, room.count("one")) == (S.DONE_UNVERIFIED, 1)


def test_a_target_that_is_not_there_bars_what_is_no_rollback_unless_it_is_overridden(world):
    room = world(it=action(asks(AWAY), kind=ActionKind.COMMAND, verify=()))
    view = room.ended(room.begin("it", environ=TOKEN))
    assert (view.state, room.count("one")) == (S.FAILED, 0)
    assert view.why.startswith("before the start: “one”: its target was asked")
    view = room.ended(room.begin("it", environ=TOKEN, override=True))
    assert (view.state, room.count("one")) == (S.DONE_UNVERIFIED, 1)


def test_an_override_goes_past_a_doubt_and_not_past_a_missing_credential(world):
    room = world(it=action(asks(THERE), kind=ActionKind.COMMAND, verify=()))
    view = room.ended(room.begin("it", override=True))
    assert (view.state, "LOOM_TEST_TOKEN" in view.why, room.count("one")) == (S.FAILED, True, 0)


@pytest.mark.parametrize("ask", [("no-such-command-here",), (sys.executable, "-c", "import time; time.sleep(60)")])
def test_a_question_that_cannot_be_put_or_hangs_holds_no_rollback_up(world, ask):
    room = world(rollback=action(writes("one", ask=ask), verify=()))
    number = room.begin()
    view = room.ended(number)
    assert (view.state, room.count("one")) == (S.DONE_UNVERIFIED, 1)
    assert "PreflightFailed" in room.kinds()


def test_only_a_rollback_goes_on_past_what_is_missing():
    stage = Stage()
    action = stage.arm("purge")
    said = stage.barred(PreflightFailed(action=action, run="r", step=0, why="no token"))
    assert "only a rollback" in said.casefold()


# Automation.


def undone(**more: object) -> Action:
    return replace(ROLLBACK, undone_by=(Automation(text=PUSHES, on_again="loom-ci resume", **more),))  # type: ignore[arg-type]


def automation(stage: Stage) -> AutomationView:
    (view,) = stage.snapshot().automation
    return view


def test_automation_that_would_undo_it_is_warned_of_until_it_is_known_to_be_off():
    stage = staged(undone())
    warning = f"{PUSHES}: it would undo this, and whether it is on is not known (nobody said); turn it off first"
    assert warning in preview(stage.snapshot(), "it").warnings
    stage.write("ana", AutomationSaid(action="it", text=PUSHES, off=False))
    assert f"{PUSHES}: it would undo this; turn it off first" in preview(stage.snapshot(), "it").warnings
    stage.write("ana", AutomationSaid(action="it", text=PUSHES, off=True))
    seen = preview(stage.snapshot(), "it")
    assert not any(PUSHES in warning for warning in seen.warnings)
    assert [(view.off, view.by, view.on_again) for view in seen.undone_by] == [(True, "ana", "loom-ci resume")]


def test_what_a_step_turned_off_stays_shown_after_the_rollback_until_somebody_says_it_is_on_again():
    stage = staged(undone(step="Revert"))
    assert "step “Revert” turns it off" in str(preview(stage.snapshot(), "it").warnings)
    action = stage.begun("it", step=0)
    assert automation(stage).off is None
    stage.run(StepEnded(action=action, run="r1", step=0, outcome=Outcome.OK))
    ended_at = stage.now
    stage.now += 86_400 * 30
    view = automation(stage)
    assert (view.off, view.since, view.by) == (True, ended_at, f"action {action}")
    stage.write("bo", AutomationSaid(action="it", text=PUSHES, off=False))
    assert automation(stage).off is False


def test_a_step_that_failed_turned_nothing_off():
    stage = staged(undone(step="Revert"))
    action = stage.begun("it", step=0)
    stage.run(StepEnded(action=action, run="r1", step=0, outcome=Outcome.FAILED))
    assert automation(stage).off is None


def test_its_signal_knows_better_than_any_word_and_silence_leaves_the_word():
    stage = staged(undone(off=Rule(signal="app.auth", is_="bad")))
    stage.write("ana", AutomationSaid(action="it", text=PUSHES, off=True))
    view = automation(stage)
    assert (view.off, view.why) == (True, "ana said so; app.auth: never read")
    stage.seen = read(VERSION, reading("app.auth"))
    view = automation(stage)
    assert (view.off, view.by, view.since) == (False, "", None)
    stage.seen = read(VERSION, bad(reading("app.auth")))
    assert automation(stage).off is True


TOML = """
[plan]
title = "Friday"
[sources.app]
kind = "http"
url = "https://app.test/"
[actions.rollback]
kind = "rollback"
verify = [{ signal = "app", is = "ok" }]
steps = [{ kind = "manual", name = "Pause", text = "pause the pipeline" }]
"""


def test_a_plan_names_preflight_and_automation():
    automation = '[[actions.rollback.undone_by]]\ntext = "pushes"\nstep = "Pause"\n'
    plan = parse_plan(f'{TOML}preflight = [{{ signal = "app", is = "ok" }}]\n{automation}')
    assert parse_plan(dump_plan(plan)) == plan


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ('preflight = [{ signal = "apq", is = "ok" }]', "preflight: signal `apq` does not exist"),
        ('preflight = [{ signal = "app", is = "{tu}" }]', "speaks of {tu}"),
        ('undone_by = [{ text = " " }]', "undone_by[1].text: is empty"),
        ('undone_by = [{ text = "a", step = "Pauze" }]', "`Pauze` is no step of the action; did you mean `Pause`"),
        ('undone_by = [{ text = "a" }, { text = "a" }]', "is there more than once"),
        ('undone_by = [{ text = "a", off = { signal = "nope", is = "ok" } }]', "undone_by[1].off: signal `nope`"),
    ],
)
def test_what_makes_no_sense_of_it_is_a_fault_of_the_plan(lines, fault):
    with pytest.raises(PlanFaults) as faults:
        parse_plan(f"{TOML}{lines}\n")
    assert fault in str(faults.value)
