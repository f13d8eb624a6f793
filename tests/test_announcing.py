"""What a person tells people in their own words: guarded like any action, and in no other's way."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from loom_tui.plan.acts import ActionKind, NotifyAct
from loom_tui.plan.channels import CommandChannel
from loom_tui.plan.model import Action
from loom_tui.room.acting import ActionTakenOver, CountdownStarted
from loom_tui.room.announcing import NAME, action_of, announce
from loom_tui.room.deeds import Refused
from loom_tui.room.guard import ActionState
from loom_tui.room.guarded import Approve, Arm, CallStop
from loom_tui.room.preview import preview
from tests.gates import ENVIRONMENT
from tests.guards import ACTIONS, Stage, guarded_plan

CHANNELS = {"launch": CommandChannel(run=("wall",)), "team": CommandChannel(run=("wall",))}
TELL = Action(kind=ActionKind.NOTIFY, label="Tell", steps=(NotifyAct(name="Tell", channels=("launch",), text="we go"),))
PLAN = guarded_plan(channels=CHANNELS, actions={**ACTIONS, "tell": TELL})


def arming(stage: Stage, text: str = "back on {from}", channels: tuple[str, ...] = ()) -> Arm:
    said = announce(stage.plan, text, channels)
    return Arm(seen=preview(stage.snapshot(), NAME, said), environment=ENVIRONMENT, plan_hash="p1")


def begin(stage: Stage, action: int) -> None:
    stage.alive(action)
    stage.run(CountdownStarted(action=action, run=f"r{action}", host="h", ends_at=stage.now))


def test_ones_own_words_are_an_action_of_one_step_that_one_person_may_do():
    stage = Stage(PLAN)
    action = stage.do("ana", arming(stage))
    (view,) = stage.snapshot().actions
    assert view.armed.shown == ("loom notify 'back on v2' --channel launch --channel team",)
    assert (view.armed.what, view.armed.people, view.armed.warnings) == (ActionKind.NOTIFY, 1, ())
    again = action_of(stage.plan, view.armed.name, view.armed.announcement)
    assert again.tells_only
    assert [step.shown({"from": "v2"}) for step in again.steps] == list(view.armed.shown)
    stage.do("ana", Approve(action))
    begin(stage, action)
    assert stage.state(action) is ActionState.COUNTING_DOWN


def test_words_that_were_changed_after_they_were_shown_are_refused():
    stage = Stage(PLAN)
    shown, other = arming(stage), announce(PLAN, "something else")
    assert "changed since" in stage.refused("ana", replace(shown, seen=replace(shown.seen, announcement=other)))
    assert "Type the environment's name" in stage.refused("ana", replace(shown, environment="staging"))
    assert "read-only" in stage.refused("ana", shown, read_only=True)


@pytest.mark.parametrize(
    ("text", "channels", "why"),
    [
        (" \x07\n", (), "Nothing is said"),
        ("a", ("lunch",), "no channel 'lunch'; did you mean `launch`"),
        ("x" * 2001, (), "at most 2000 characters"),
    ],
)
def test_what_tells_nobody_anything_is_refused(text, channels, why):
    with pytest.raises(Refused, match=why):
        announce(PLAN, text, channels)


def test_a_plan_without_channels_says_so():
    with pytest.raises(Refused, match="names no channels"):
        announce(guarded_plan(), "a")


def test_a_text_is_stripped_of_controls_but_keeps_its_lines():
    said = announce(PLAN, "a\x1b[31m\u202e\r\nb", ("team", "team"))
    assert said.text == "a [31m \nb"
    assert said.channels == ("team",)


def test_people_are_told_beside_a_rollback_and_a_rollback_stops_no_message():
    stage = Stage(PLAN)
    told = stage.do("ana", arming(stage))
    stage.do("ana", Approve(told))
    begin(stage, told)
    rollback = stage.begun(step=0)
    assert stage.state(told) is ActionState.COUNTING_DOWN
    view = stage.snapshot().action
    assert view is not None
    assert view.id == rollback
    assert "is counting down: one action at a time" in stage.refused("bo", arming(stage, "another"))
    assert "one action at a time" in stage.refused("bo", stage.arming("tell"))
    assert "one action at a time" in stage.refused("bo", stage.arming("purge"))


def test_a_message_whose_runner_died_keeps_nobody_from_telling_people():
    stage = Stage(PLAN)
    told = stage.do("ana", arming(stage))
    stage.do("ana", Approve(told))
    begin(stage, told)
    stage.runners.clear()
    assert stage.state(told) is ActionState.INTERRUPTED
    again = stage.do("ana", arming(stage))
    stage.do("ana", Approve(again))
    begin(stage, again)
    assert stage.state(again) is ActionState.COUNTING_DOWN


def test_a_stop_of_all_actions_stops_messages_too():
    stage = Stage(PLAN)
    shown = arming(stage)
    stage.do("bo", CallStop("something is off"))
    assert "stopped all actions" in stage.refused("ana", shown)


def test_only_a_rollback_takes_over_and_never_for_want_of_quiet():
    stage = Stage(PLAN)
    told = stage.do("ana", arming(stage))
    assert "Only a rollback" in stage.barred(ActionTakenOver(action=told, by_action=told))
