"""An armed action in the room: seen by everybody, approved by another, followed, answered, and told to its end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec import Raw
from msgspec.json import encode
from msgspec.structs import replace

from loom_tui.app import LoomApp
from loom_tui.plan.acts import CommandAct, ManualAct, OnFailure
from loom_tui.plan.model import Operator, Right, RollbackStep
from loom_tui.room.acting import (
    ActionFailed,
    ActionUnknown,
    ActionUnverified,
    ActionVerified,
    Answer,
    CountdownStarted,
    Outcome,
    StepEnded,
    VerificationStarted,
)
from loom_tui.room.events import NoteAdded
from loom_tui.room.guard import ActionState
from loom_tui.room.guarded import Abort, AnswerStep, Approve, Resume
from loom_tui.room.mail import Reply
from loom_tui.room.tail import OUTPUT, Tail
from loom_tui.screens.follow import AT_ONCE, Follow
from loom_tui.screens.guarded import Push
from loom_tui.screens.sheet import Sheet
from loom_tui.widgets.lines import Ink
from tests.guards import ACTIONS, ROLLBACK, Stage, guarded_plan
from tests.rooms import Room, open_room, widths_of

FACTS = "#sheet-facts"


def stops(room: Room) -> list[str]:
    """What the keys go through."""
    assert isinstance(room.app.screen, Sheet)
    return [(stop.id or "").removeprefix("push-") for stop in room.app.screen._stops()]


def flat(room: Room, selector: str = FACTS) -> str:
    return " ".join(room.text(selector).replace("│", "").split())


def end(stage: Stage, action: int, step: int, outcome: Outcome = Outcome.OK, why: str = "") -> None:
    stage.run(StepEnded(action=action, run="r1", step=step, outcome=outcome, why=why))


def verifying(stage: Stage) -> int:
    action = stage.begun(step=1)
    end(stage, action, 1)
    stage.run(VerificationStarted(action=action, run="r1"))
    return action


async def test_every_room_shows_at_once_that_somebody_is_waited_for():
    stage = Stage()
    stage.arm(reason="sign-in fails")
    for key in "139":
        async with open_room(stage.snapshot(), key=key, actor="bo") as room:
            assert "▲" in room.news
            assert "A: ana wants “Roll back” (2) approved by another person: sign-in fails" in room.news
            assert "rollback waits for approval: A" in room.text("Header")
            await room.press("A")
            assert isinstance(room.app.screen, Follow)


async def test_a_second_person_sees_all_of_it_and_approves_with_three_keys():
    stage = Stage()
    stage.arm(reason="sign-in fails")
    async with open_room(stage.snapshot(), key="1", actor="bo") as room:
        await room.press("A")
        assert room.focused == "push-cancel"
        told = flat(room)
        for words in (
            "Roll back · production", "v2 now", "v1 last stable", "ana armed it at 12:00: sign-in fails",
            "its verification never held", "1 Revert vercel rollback v1 limit 5 m", "3 Prove it app.version is v1",
            "Waits for another person to approve it; void in 15 m.",
        ):  # fmt: skip
            assert words in told
        await room.press("tab", "enter")
        assert room.source.intents == [Approve(2)]
        stage.do("bo", room.source.intents[-1])
        await room.show(stage.snapshot())
        assert "Approved by bo" in flat(room)
        assert stops(room) == ["cancel", "field-reason", "abort"]


async def test_who_armed_it_may_not_approve_but_break_the_glass_with_a_reason():
    stage = Stage()
    stage.arm()
    async with open_room(stage.snapshot(), key="1") as room:
        await room.press("R")  # the same key shows the rollback that is under way
        assert isinstance(room.app.screen, Follow)
        assert stops(room) == ["cancel", "field-reason", "glass", "abort"]
        assert "ana armed it and may not approve it." in flat(room)
        await room.fill("alone at night")
        await room.press("enter")
        assert room.source.intents == [Approve(2, "alone at night")]
        stage.do("ana", room.source.intents[-1])


async def test_who_is_no_approver_is_offered_no_approval():
    operators = (Operator("ana", may=Right.LEAD), Operator("bo", may=Right.APPROVER), Operator("cy"))
    stage = Stage(guarded_plan(operators=operators))
    stage.arm()
    async with open_room(stage.snapshot(), key="1", actor="cy") as room:
        await room.press("A")
        assert "approve" not in stops(room)
        assert "Waits for bo to approve it" in flat(room)


async def test_an_approval_that_runs_out_while_one_reads_is_told_there():
    stage = Stage()
    stage.arm()
    async with open_room(stage.snapshot(), key="1", actor="bo") as room:
        await room.press("A", "tab")
        stage.now += 890
        await room.show(stage.snapshot())
        assert "void in 10 s" in flat(room)
        assert room.focused == "push-approve"
        stage.now += 10
        await room.show(stage.snapshot())
        assert "Expired: the approval was not given, or not used, in time. Nothing was done." in flat(room)
        assert stops(room) == ["cancel"]
        assert room.focused == "push-cancel"
        await room.press("enter")
        assert room.source.intents == []


async def test_a_button_that_goes_takes_no_push_and_leaves_the_keys_on_close():
    stage = Stage()
    action = stage.arm()
    async with open_room(stage.snapshot(), key="1", actor="bo") as room:
        await room.press("A", "tab")
        stage.do("cy", Approve(action))
        stage.alive(action)
        stage.run(CountdownStarted(action=action, run="r1", host="h", ends_at=stage.now + 5))
        await room.show(stage.snapshot())
        assert room.focused == "push-cancel"
        assert "The first step begins in 5 s." in flat(room)


async def test_in_the_countdown_an_abort_is_at_once_and_needs_no_typing():
    stage = Stage()
    action = stage.begun()
    async with open_room(stage.snapshot(), key="1", actor="bo") as room:
        await room.press("A", "left", "enter")
        assert room.source.intents == [Abort(action, AT_ONCE)]
        stage.do("bo", room.source.intents[-1])
        await room.show(stage.snapshot())
        assert "Aborted: in the countdown" in flat(room)


async def test_steps_are_timed_and_what_they_write_is_seen_and_cleaned():
    stage = Stage()
    action = stage.begun(step=1)
    stage.now += 9
    async with open_room(stage.snapshot(), key="1") as room:
        await room.press("A")
        assert room.asked[-1] == (OUTPUT, str(action))
        assert "● 1 Revert vercel rollback v1 0 s" in flat(room)
        assert "◐ 2 Tell notify v2 9 s of 5 m" in flat(room)
        assert "running 2 of 2" in room.text(FACTS)
        assert "nothing written yet" in room.text(FACTS)
        lines = ("[/ one", "\x1b[31mtwo\x07", "", "\u202ethree" + "x" * 900)
        tail = Tail(action=action, step=1, started=1, size_bytes=9, lines=lines)
        room.source.reply(OUTPUT, str(action), Reply(body=Raw(encode(tail))))
        await room.pilot.pause()
        told = room.text(FACTS)
        assert "output of step 2" in told
        assert "[/ one" in told
        assert not {"\x1b", "\x07", "\u202e"} & set(told)
        assert len(widths_of(room.lines(FACTS))) == 1
        await room.press("escape")
        assert room.asked[-1] == (OUTPUT, "")
        assert stage.state(action) is ActionState.RUNNING
        assert room.source.intents == []


async def test_the_version_and_the_errors_are_seen_as_they_change():
    stage = Stage()
    stage.begun(step=0)
    async with open_room(stage.snapshot(), key="1") as room:
        await room.press("A")
        assert "version v2 5 s ago errors – a minute never" in flat(room)


async def test_a_running_action_is_aborted_with_a_reason_before_its_next_step():
    stage = Stage()
    action = stage.begun(step=0)
    async with open_room(stage.snapshot(), key="1", actor="bo") as room:
        await room.press("A")
        await room.fill("wrong target")
        await room.press("enter")
        assert room.source.intents == [Abort(action, "wrong target")]
        stage.do("bo", room.source.intents[-1])
        await room.show(stage.snapshot())
        assert "bo aborts it: wrong target. It ends before its next step." in flat(room)
        assert stops(room) == ["cancel"]


@pytest.mark.parametrize("read_only", [False, True])
async def test_a_refusal_is_said_in_the_view(read_only):
    stage = Stage()
    stage.begun(step=0)
    async with open_room(stage.snapshot(), key="1", read_only=read_only) as room:
        room.source.refuses = "To abort needs a reason"
        await room.press("A", "left", "enter")
        told = "This room is read-only: nothing was written." if read_only else "To abort needs a reason"
        assert flat(room, "#sheet-note") == told
        assert len(room.source.intents) == (0 if read_only else 1)


async def test_a_step_by_hand_is_answered():
    step = ManualAct(name="CDN", text="purge it")
    stage = Stage(guarded_plan(actions={**ACTIONS, "purge": replace(ROLLBACK, steps=(step,))}))
    action = stage.begun("purge", step=0)
    async with open_room(stage.snapshot(), key="1") as room:
        assert "A: “Roll back” (2) waits for a person at “CDN”" in room.news
        await room.press("A")
        assert "“CDN” is done by a person Say whether it is done." in flat(room)
        assert stops(room) == ["cancel", "field-reason", "done", "failed", "abort"]
        await room.press("tab", "tab", "enter")
        assert room.source.intents == [AnswerStep(action, Answer.DONE)]
        stage.do("ana", room.source.intents[-1])


async def test_a_step_that_failed_and_asks_is_answered():
    step = CommandAct(name="Revert", run=("x",), on_failure=OnFailure.ASK)
    stage = Stage(guarded_plan(actions={**ACTIONS, "rollback": replace(ROLLBACK, steps=(step,))}))
    action = stage.begun(step=0)
    end(stage, action, 0, Outcome.FAILED, "exit 4, [/ wanted 0")
    stage.now += 2
    async with open_room(stage.snapshot(), key="1") as room:
        await room.press("A")
        assert "✖ step 1: exit 4, [/ wanted 0" in flat(room)
        assert "“Revert” ended failed: exit 4, [/ wanted 0 Say how it goes on." in flat(room)
        assert stops(room) == ["cancel", "field-reason", "go_on", "repeat", "stop", "abort"]
        await room.press("tab", "tab", "tab", "enter")
        assert room.source.intents == [AnswerStep(action, Answer.REPEAT)]
        stage.do("ana", room.source.intents[-1])


@pytest.mark.parametrize(("keys", "answer"), [(1, Answer.REPEAT), (2, Answer.GO_ON)])
async def test_an_interrupted_action_goes_on_by_a_persons_word_alone(keys, answer):
    stage = Stage()
    action = stage.begun(step=0)
    stage.now += 60
    async with open_room(stage.snapshot(), key="1") as room:
        assert "✖ A: “Roll back” (2) is interrupted: its runner has gone, and somebody must look" in room.news
        await room.press("A")
        assert "Interrupted in the middle of “Revert”, which may have been done in part" in flat(room)
        assert "◌ 1 Revert vercel rollback v1 not seen to end" in flat(room)
        await room.press("tab", *"seen", *["tab"] * keys, "enter")
        assert room.source.intents == [Resume(action, "seen", answer)]
        stage.do("ana", room.source.intents[-1])  # writes down that its runner has gone
        stage.do("ana", room.source.intents[-1])
        assert stage.state(action) is ActionState.INTERRUPTED  # until a runner takes it


def _verified(stage: Stage) -> None:
    action = verifying(stage)
    stage.run(ActionVerified(action=action, run="r1", evidence=("app.version: v1",)))


def _unverified(stage: Stage) -> None:
    action = verifying(stage)
    stage.run(ActionUnverified(action=action, run="r1", why="after 300 s: app.version: never read"))


def _failed(stage: Stage) -> None:
    action = stage.begun(step=0)
    end(stage, action, 0, Outcome.FAILED, "exit 4")
    stage.run(ActionFailed(action=action, run="r1", why="“Revert”: exit 4"))


def _unknown(stage: Stage) -> None:
    action = stage.begun(step=0)
    end(stage, action, 0, Outcome.UNKNOWN, "still at it after 300 s")
    stage.run(ActionUnknown(action=action, run="r1", why="“Revert”: still at it after 300 s"))


@pytest.mark.parametrize(
    ("ends", "words", "then", "ink"),
    [
        (_verified, "Done, and the world shows it: app.version: v1", "tell people, find the cause", Ink.OK),
        (_unverified, "Done, unverified: after 300 s: app.version: never read", "Look for yourself", Ink.INK),
        (_failed, "Failed: “Revert”: exit 4", "by hand: loom rollback --print", Ink.BAD),
        (_unknown, "How it ended is not known: “Revert”: still at it", "Look at the world first", Ink.INK),
    ],
)
async def test_each_end_has_its_sentence_and_what_to_do_next(
    ends: Callable[[Stage], None], words: str, then: str, ink: Ink
) -> None:
    stage = Stage()
    ends(stage)
    async with open_room(stage.snapshot(), key="1") as room:
        await room.press("A")
        assert words in flat(room)
        assert then in flat(room)
        assert room.inks(FACTS, words.split(":", maxsplit=1)[0]) == {ink}
        assert stops(room) == ["cancel"]


async def test_what_proves_it_is_timed_while_the_world_is_asked():
    stage = Stage()
    action = verifying(stage)
    stage.now += 34
    stage.alive(action)
    async with open_room(stage.snapshot(), key="1") as room:
        await room.press("A")
        assert "◐ 3 Prove it app.version is v1 (now v2) 34 s of 5 m" in flat(room)


async def test_a_past_action_is_found_by_its_number():
    stage = Stage()
    _verified(stage)
    async with open_room(stage.snapshot(), key="1") as room:
        await room.press("colon")
        await room.type("2 roll back by ana")
        assert isinstance(room.app.screen, Follow)
        assert "Done, and the world shows it" in flat(room)


async def test_the_journal_leads_to_the_action_that_an_event_tells_of():
    stage = Stage()
    _verified(stage)
    stage.write("bo", NoteAdded(text="seen"))
    async with open_room(stage.snapshot(), key="9") as room:
        await room.press("j", "A")
        assert isinstance(room.app.screen, Follow)
        assert "Done, and the world shows it" in flat(room)


async def test_what_is_left_to_do_after_a_rollback_stands_under_its_end():
    stage = Stage(guarded_plan(rollback=(RollbackStep("Communication [/", "tell"),)))
    _verified(stage)
    async with open_room(stage.snapshot(), key="1") as room:
        await room.press("A")
        assert "○ Communication [/" in flat(room)
        assert "loom aftermath --done STEP" in flat(room)


async def test_the_bell_rings_once_for_who_is_waited_for_and_not_for_who_armed_it(monkeypatch):
    rung: list[str] = []
    stage = Stage()
    for login in ("ana", "bo"):
        monkeypatch.setattr(LoomApp, "bell", lambda app: rung.append(app.person.login))
        async with open_room(stage.snapshot(), key="1", actor=login) as room:
            if login == "ana":
                stage.arm()
            for _ in range(3):
                await room.show(stage.snapshot())
    assert rung == ["bo"]


async def test_two_pushes_in_one_packet_close_one_screen():
    stage = Stage()
    stage.arm()
    async with open_room(stage.snapshot(), key="1", actor="bo") as room:
        await room.press("A")
        room.app.screen.query_one("#push-cancel", Push).action_push()
        room.app.screen.query_one("#push-cancel", Push).action_push()
        await room.pilot.pause()
        assert not isinstance(room.app.screen, Follow)


async def test_without_an_action_it_is_said_how_to_get_one():
    async with open_room(Stage().snapshot(), key="1") as room:
        await room.press("A")
        assert "No action was armed in this room yet; R rolls back" in room.news


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 10)])
async def test_it_works_at_any_size(size):
    stage = Stage()
    stage.begun(step=1)
    async with open_room(stage.snapshot(), key="1", size=size, ascii_only=True) as room:
        await room.press("A")
        assert len(widths_of(room.lines(FACTS))) == 1
        await room.press("pagedown", "pageup", "tab", "escape")
        assert room.source.intents == []
