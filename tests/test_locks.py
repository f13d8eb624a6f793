"""Who holds the world: said to whom it keeps waiting, in a shell, and broken by nothing but a person's word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from loom_tui.commands.standing import standing_lines
from loom_tui.plan.acts import ActionKind
from loom_tui.plan.model import Automation, Freeze, RollbackStep
from loom_tui.room.acting import ActionFailed, Answer, Outcome, StepEnded
from loom_tui.room.drills import took
from loom_tui.room.guard import ActionState as S
from loom_tui.room.guarded import Abort, CallStop, Resume
from tests.guards import ACTIONS, Stage, guarded_plan
from tests.running import action, writes
from tests.shell import loom
from tests.test_guard_commands import guarded, place_of


def test_who_holds_it_why_and_since_when_is_said_to_whom_it_keeps_waiting():
    stage = Stage()
    number = stage.begun("purge", step=0)
    stage.now += 250
    stage.alive(number)
    said = stage.refused("bo", stage.arming("purge"))
    assert said == f"“Purge” ({number}) is running: one action at a time. ana has held it for 4 m 10 s: errors"


def test_a_lock_whose_runner_died_stands_until_a_persons_word_and_says_how():
    stage = Stage()
    number = stage.begun("purge", step=0)
    for _ in range(50):  # no age of it breaks it
        stage.now += 86_400
        assert stage.state(number) is S.INTERRUPTED
        said = stage.refused("bo", stage.arming("purge"))
    assert f"“Purge” ({number}) is interrupted: one action at a time. ana has held it for 1200 h 00 m: errors" in said
    assert f"only a person's word ends that: loom act {number} --resume, or loom abort {number}" in said
    stage.do("bo", Abort(number, "its host burnt down"))
    stage.do("bo", Abort(number, "its host burnt down"))
    assert stage.state(number) is S.ABORTED
    stage.arm("purge", actor="bo")


def test_a_lock_that_was_broken_on_a_runner_that_only_slept_stays_broken():
    stage = Stage()
    number = stage.begun("purge", step=0)
    stage.now += 60
    stage.do("bo", Resume(number, "looked", Answer.GO_ON))
    stage.do("bo", Resume(number, "looked", Answer.GO_ON))
    stage.alive(number)
    late = StepEnded(action=number, run="r1", step=0, outcome=Outcome.OK)
    assert "found gone" in stage.barred(late)


def test_the_one_that_waits_to_begin_is_told_who_is_at_work():
    stage = Stage(guarded_plan(actions={**ACTIONS, "second": ACTIONS["rollback"]}))
    first = stage.begun(step=0)
    said = stage.refused("bo", stage.arming("second"))
    assert f"“Roll back” ({first}) is running: one action at a time. ana has held it for 0.0 s: errors" in said


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.42, "0.4 s"), (38.0, "38 s"), (65.0, "1 m 05 s"), (3599.0, "59 m 59 s"), (7500.0, "2 h 05 m")],
)
def test_a_stretch_of_time_is_told_in_its_two_largest_units(seconds, words):
    assert took(seconds) == words


def test_status_says_what_holds_besides_the_gate():
    pushes = Automation(text="every push is deployed", step="Revert", on_again="ci resume")
    actions = {**ACTIONS, "rollback": replace(ACTIONS["rollback"], undone_by=(pushes,))}
    a_plan = replace(guarded_plan(actions=actions), rollback=(RollbackStep(name="Fix"),))
    stage = Stage(a_plan)
    assert list(standing_lines(stage.snapshot())) == []
    number = stage.begun(step=0)
    stage.run(StepEnded(action=number, run="r1", step=0, outcome=Outcome.OK))
    stage.run(ActionFailed(action=number, run="r1", why="exit 1"))
    stage.do("cy", CallStop("hands off"))
    waiting = stage.arm()
    stage.plan = replace(stage.plan, freezes=(Freeze(why="the gala", weekly="Mon 00:00 – Sun 23:59"),))
    assert list(standing_lines(stage.snapshot())) == [
        "Stopped: all actions but rollbacks, by cy for 5 s: hands off",
        "Freeze: the gala, until Sun 16 Nov 23:59",
        f"Under way: “Roll back” ({waiting}) is armed. ana has held it for 0.0 s: errors",
        f"After rollback {number} there is left: Fix (loom aftermath)",
        f"Off: every push is deployed for 5 s, by action {number}; on again: ci resume",
    ]


def test_a_shell_and_a_script_are_told_the_same(tmp_path: Path):
    a_plan = guarded(it=action(writes("one"), kind=ActionKind.COMMAND, approvals=2))
    place_of(tmp_path, a_plan)
    loom(tmp_path, "stop", "--all", "--reason", "hands off")
    lines = loom(tmp_path, "status").stdout.splitlines()
    assert lines[1].startswith("Stopped: all actions, by ")
    told = json.loads(loom(tmp_path, "status", "--json").stdout)
    assert (told["stop"]["reason"], told["stop"]["everything"], told["actions"], told["freeze"]) == (
        "hands off",
        True,
        [],
        None,
    )
