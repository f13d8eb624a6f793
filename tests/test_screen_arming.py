"""The dialog before an action: what is seen, what must be typed, and what the guard is then asked."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from textual import events

from loom_tui.plan.acts import CommandAct
from loom_tui.plan.model import Freeze, Operator, Right, RollbackStep
from loom_tui.room.acting import ActionArmed
from loom_tui.room.events import PlanAdopted
from loom_tui.room.guarded import Arm, CallStop, LiftStop
from loom_tui.room.presence import Seat, Terminal
from loom_tui.screens.act_rows import way_line
from loom_tui.screens.arming import STUCK, Arming, NowhereToGo
from loom_tui.screens.follow import Follow
from loom_tui.screens.guarded import Push, Typed
from loom_tui.screens.sheet import Sheet
from loom_tui.widgets.frame import Header
from loom_tui.widgets.lines import Ink
from loom_tui.widgets.text import Pen
from tests.gates import ENVIRONMENT, NOW, read, reading
from tests.guards import ACTIONS, PURGE, ROLLBACK, Stage, guarded_plan
from tests.rooms import Room, open_room, text_of, widths_of

FACTS = "#sheet-facts"
SIZES = ((120, 40), (80, 24), (40, 10))


def typed(room: Room, name: str) -> str:
    return room.app.screen.query_one(f"#field-{name}", Typed).value


def note(room: Room) -> str:
    return " ".join(room.text("#sheet-note").replace("│", "").split())


def asked(room: Room) -> Arm:
    """What the guard was asked last."""
    intent = room.source.intents[-1]
    assert isinstance(intent, Arm)
    return intent


def seat(login: str, *, client: str) -> Seat:
    return Seat(
        room=f"h:{login}:{client}", login=login, terminal=Terminal(host="h", client=client), screen="1", since=NOW,
        until=NOW + 8,
    )  # fmt: skip


def stops(room: Room) -> list[str | None]:
    """What the keys go through."""
    assert isinstance(room.app.screen, Sheet)
    return [stop.id for stop in room.app.screen._stops()]


@pytest.mark.parametrize("key", "123456789")
async def test_a_rollback_is_asked_for_from_any_screen_and_starts_on_cancel(key):
    async with open_room(Stage().snapshot(), key=key) as room:
        await room.press("R")
        assert isinstance(room.app.screen, Arming)
        assert room.focused == "push-cancel"
        await room.press("enter")
        assert room.focused != "push-cancel"
        assert room.source.intents == []


async def test_what_will_be_done_is_seen_before_it_is():
    async with open_room(Stage().snapshot(), key="1") as room:
        await room.press("R")
        told = room.text(FACTS)
        assert "Roll back · production" in told
        assert "nothing has run yet" in told
        assert "v2  read 5 s ago   ──▶   v1  last stable, by the plan's word" in told
        assert "▲ v1 is the plan's word: its verification never held in this room" in told
        rows = [line.strip("│ ").split() for line in told.splitlines()]
        assert ["1", "Revert", "vercel", "rollback", "v1", "limit", "5", "m"] in rows
        assert ["3", "Prove", "it", "app.version", "is", "v1", "within", "5", "m"] in rows
        assert "needs one more person (ana may not)" in told
        assert "cannot be told apart" not in told


async def test_a_reason_and_the_environments_name_and_two_enters_arm_it():
    stage = Stage()
    async with open_room(stage.snapshot(), key="1") as room:
        await room.press("R")
        await room.fill("errors since noon", ENVIRONMENT)
        assert room.focused == "push-arm"
        assert room.source.intents == []
        await room.press("enter")
        intent = asked(room)
        assert (intent.reason, intent.environment, intent.glass) == ("errors since noon", ENVIRONMENT, "")
        assert stage.do("ana", intent) == 2
        assert isinstance(room.app.screen, Follow)


async def test_enter_in_a_line_decides_nothing():
    async with open_room(Stage().snapshot(), key="1") as room:
        await room.press("R", "tab", "enter", "enter")
        assert room.focused == "push-arm"
        assert room.source.intents == []


async def test_what_is_pasted_is_ignored():
    async with open_room(Stage().snapshot(), key="1") as room:
        await room.press("R", "tab")
        for name in ("reason", "environment"):
            field = room.app.screen.query_one(f"#field-{name}", Typed)
            field.focus()
            field.post_message(events.Paste(ENVIRONMENT))
            await room.press("ctrl+v")
            assert typed(room, name) == ""


async def test_what_changes_while_one_reads_is_said_and_typed_again():
    stage = Stage()
    async with open_room(stage.snapshot(), key="1") as room:
        await room.press("R")
        await room.fill("errors", ENVIRONMENT)
        stage.seen = read(reading("app.version", detail="v1.9"))
        await room.show(stage.snapshot())
        assert (
            "This changed while you read: it starts from v1.9, not v2; step 2 is notify v1.9, not notify v2."
            in note(room)
        )
        assert room.focused == "push-cancel"
        assert (typed(room, "reason"), typed(room, "environment")) == ("errors", "")
        await room.fill("", ENVIRONMENT)
        await room.press("enter")
        assert isinstance(stage.do("ana", asked(room)), int)


async def test_a_plan_that_the_room_took_meanwhile_is_read_again():
    stage = Stage()
    async with open_room(stage.snapshot(), key="1") as room:
        await room.press("R")
        stage.write("bo", PlanAdopted(plan_hash="p2", release="v2", environment=ENVIRONMENT))
        await room.show(stage.snapshot())
        assert "the room took another version of the plan" in note(room)
        await room.fill("errors", ENVIRONMENT)
        await room.press("enter")
        assert asked(room).plan_hash == "p2"


async def test_a_warning_that_comes_is_shown_and_sends_nobody_back():
    stage = Stage()
    async with open_room(stage.snapshot(), key="1") as room:
        await room.press("R")
        await room.fill("errors", ENVIRONMENT)
        stage.now += 3600
        await room.show(stage.snapshot())
        assert "which version runs now is not known" in room.text(FACTS)
        assert typed(room, "environment") == ENVIRONMENT


@pytest.mark.parametrize("read_only", [False, True])
async def test_a_refusal_is_said_in_the_dialog_and_it_stays(read_only):
    async with open_room(Stage().snapshot(), key="1", read_only=read_only) as room:
        room.source.refuses = "Type the environment's name"
        await room.press("R")
        assert ("this room is read-only: it arms nothing" in room.text(FACTS)) is read_only
        await room.fill("errors", "prod")
        await room.press("enter")
        assert note(room) == ("This room is read-only: nothing was written." if read_only else room.source.refuses)
        assert len(room.source.intents) == (0 if read_only else 1)
        assert isinstance(room.app.screen, Arming)


async def test_a_room_that_does_not_answer_says_what_can_be_done_by_hand(monkeypatch):
    monkeypatch.setattr("loom_tui.screens.arming.ANSWER_S", 0.01)
    async with open_room(Stage().snapshot(), key="1") as room:
        room.source.silent = True
        await room.press("R")
        await room.fill("errors", ENVIRONMENT)
        await room.press("enter")
        assert "push-arm" not in stops(room)
        while note(room) != STUCK:
            await room.pilot.pause(0.01)


async def test_alone_one_breaks_the_glass_with_the_reason():
    async with open_room(Stage().snapshot(), key="1") as room:
        await room.press("R", "ctrl+b")
        assert room.inks(FACTS, "breaks the glass") == {Ink.WAIVED}
        await room.fill("alone at night", ENVIRONMENT)
        await room.press("enter")
        assert asked(room).glass == "alone at night"


async def test_the_people_who_may_approve_are_named():
    operators = (Operator("ana", may=Right.LEAD), Operator("bo", may=Right.APPROVER), Operator("cy"))
    async with open_room(Stage(guarded_plan(operators=operators)).snapshot(), key="1") as room:
        await room.press("R")
        assert "needs one more person: bo (ana may not)" in room.text(FACTS)


async def test_it_is_said_who_is_here_and_where_an_account_is_shared():
    seats = (seat("ana", client="1.2.3.4"), seat("ana", client="1.2.3.5"), seat("bo", client="1.2.3.6"))
    async with open_room(replace(Stage().snapshot(), present=seats), key="1") as room:
        await room.press("R")
        told = room.text(FACTS)
        assert "needs one more person: bo is here (ana may not)" in told
        assert "people who share an account cannot be told apart" in told


async def test_with_nothing_to_go_back_to_the_plans_other_steps_are_offered():
    base = guarded_plan(rollback=(RollbackStep("Communication", "Tell [/ everybody"),))
    stage = Stage(replace(base, plan=replace(base.plan, last_stable="")))
    async with open_room(stage.snapshot(), key="1") as room:
        await room.press("R")
        assert isinstance(room.app.screen, NowhereToGo)
        told = room.text(FACTS)
        assert "There is nothing to go back to" in " ".join(told.replace("│", "").split())
        assert "1 Communication: Tell [/ everybody" in told
        await room.press("right", "right", "enter")
        assert isinstance(room.app.screen, Arming)
        assert "Purge · production" in room.text(FACTS)


async def test_a_plan_without_a_rollback_says_so():
    async with open_room(Stage(guarded_plan(actions={"purge": PURGE})).snapshot(), key="1") as room:
        await room.press("R")
        assert "The plan has no action that rolls back" in room.text(FACTS)


async def test_a_deploy_without_a_go_says_what_go_needs_and_takes_an_override():
    stage = Stage()
    async with open_room(stage.snapshot(), key="1") as room:
        await room.press("colon")
        await room.type("deploy: Deploy")
        told = " ".join(room.text(FACTS).replace("│", "").split())
        assert "The gate is HOLD" in told
        assert "A deploy needs a GO" in told
        await room.fill("it must", ENVIRONMENT)
        assert room.focused == "push-override"
        await room.press("enter")
        armed = stage.events[stage.do("ana", asked(room)) - 1].payload
        assert isinstance(armed, ActionArmed)
        assert (armed.override, armed.people) == (True, 2)


async def test_a_freeze_is_said_and_takes_an_override():
    freeze = Freeze(why="year's end", weekly="Mon 00:00 – Sun 23:59")
    async with open_room(Stage(guarded_plan(freezes=(freeze,))).snapshot(), key="1") as room:
        await room.press("colon")
        await room.type("purge")
        assert "A freeze is in force: year's end" in room.text(FACTS)
        assert "push-override" in stops(room)


async def test_another_action_under_way_is_said_before_it_is_armed():
    stage = Stage()
    stage.begun("purge", step=0)
    async with open_room(stage.snapshot(), key="1") as room:
        await room.press("R")
        assert "“Purge” (2) by ana is running: this stops it first" in room.text(FACTS)


async def test_under_a_dialog_the_header_goes_on_with_the_room():
    stage = Stage()
    async with open_room(stage.snapshot(), key="1") as room:
        header = room.app.screen.query_one(Header)
        await room.press("R")
        assert "running" not in text_of(header.paint(*header.size))
        stage.begun("purge", step=0)
        await room.show(stage.snapshot())
        assert isinstance(room.app.screen, Arming)
        assert "command running" in text_of(header.paint(*header.size))


async def test_an_action_of_one_person_says_so():
    async with open_room(Stage().snapshot(), key="1") as room:
        await room.press("colon")
        await room.type("purge")
        assert "one person is enough, by the plan" in room.text(FACTS)


async def test_all_actions_are_stopped_and_the_stop_is_seen_and_lifted():
    stage = Stage()
    async with open_room(stage.snapshot(), key="1") as room:
        await room.press("colon")
        await room.type("stop all")
        await room.press("tab", "tab", "tab", *"odd", "enter", "tab", "enter")
        assert room.source.intents == [CallStop("odd", everything=False)]
        stage.do("ana", room.source.intents[-1])
        await room.show(stage.snapshot())
        assert "STOPPED" in room.text("Header")
        await room.press("colon")
        await room.type("lift the stop")
        await room.press("tab", "tab", *"over", "enter", "tab", "enter")
        assert room.source.intents[-1] == LiftStop("over")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_any_text_and_any_size_is_drawn_within_its_frame(size, ascii_only):
    words = "[/ [red] \u202e文字 \x1b[31m\u0000 " + "x" * 300
    step = CommandAct(name=words, run=("rm", words))
    base = guarded_plan(actions={**ACTIONS, "rollback": replace(ROLLBACK, label=words, steps=(step,) * 3)})
    async with open_room(Stage(base).snapshot(), key="1", size=size, ascii_only=ascii_only) as room:
        await room.press("R")
        lines = room.lines(FACTS)
        assert len(widths_of(lines)) == 1
        assert "\x1b" not in room.text(FACTS)
        assert room.focused == "push-cancel"
        await room.press("pagedown", "pagedown", "ctrl+b", "escape")
        assert not isinstance(room.app.screen, Arming)


async def test_facts_that_do_not_fit_are_scrolled_to():
    steps = tuple(CommandAct(name=f"Step {number}", run=("do", str(number))) for number in range(1, 31))
    base = guarded_plan(actions={**ACTIONS, "rollback": replace(ROLLBACK, steps=steps)})
    async with open_room(Stage(base).snapshot(), key="1", size=(80, 24)) as room:
        await room.press("R")
        assert "more lines" in room.text(FACTS)
        assert "Step 30" not in room.text(FACTS)
        await room.press("pagedown", "pagedown", "pagedown")
        assert "Step 30" in room.text(FACTS)
        assert "needs one more person" in room.text(FACTS)


async def test_one_button_alone_stands_out_wherever_the_keys_go():
    async with open_room(Stage().snapshot(), key="1") as room:
        await room.press("R")
        for _ in range(6):
            shown = {push.id: push.render_line(0).text for push in room.app.screen.query(Push)}
            lit = {name for name, text in shown.items() if "▶" in text}
            assert lit == ({room.focused} & shown.keys())
            await room.press("tab")


@pytest.mark.parametrize("width", [60, 76, 102])
def test_nothing_that_is_known_of_the_target_is_cut(width):
    known = "last stable: seen healthy 6 d ago, served up to 6 d 4 h, 99.82 % of 91,766 sessions crash-free"
    lines = way_line("v1.7.0", "v1.6.3", before="read 5 s ago", after=known, pen=Pen(), width=width)
    assert known in " ".join(text_of(lines).split())
    assert max(len(line) for line in text_of(lines).split("\n")) <= width
