"""Telling people from the room: the words, the channels, and the dialog before any action."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from textual import events

from loom_tui.plan.channels import CommandChannel, EmailChannel
from loom_tui.room.guarded import Arm
from loom_tui.screens.arming import Arming
from loom_tui.screens.guarded import Guarded, Typed
from tests.gates import ENVIRONMENT
from tests.guards import Stage, guarded_plan
from tests.rooms import Room, open_room, widths_of

CHANNELS = {
    "launch": CommandChannel(run=("wall",)),
    "team": EmailChannel(server="mx", sender="a@b.c", to=("ops@[/example.com",)),
}
PLAN = guarded_plan(channels=CHANNELS)
FACTS = ".facts"


def field(room: Room, name: str) -> str:
    return room.app.screen.query_one(f"#field-{name}", Typed).value


async def say(room: Room, text: str, channels: str) -> None:
    """Open the dialog, type into its lines, and push what shows the message."""
    await room.press("N")
    room.app.screen.query_one("#field-text", Typed).focus()
    await room.pilot.pause()
    assert room.focused == "field-text"
    await room.type(text)
    await room.type(channels)
    assert room.focused == "push-cancel"
    await room.press("tab")
    assert room.focused == "push-show"
    await room.press("enter")


@pytest.mark.parametrize("key", "123456789")
async def test_it_is_asked_from_any_screen_starts_on_cancel_and_says_where_each_channel_leads(key):
    async with open_room(Stage(PLAN).snapshot(), key=key) as room:
        await room.press("N")
        assert room.focused == "push-cancel"
        told = room.text(FACTS)
        assert "launch  the command `wall`" in told
        assert "team    mail to ops@[/example.com" in told
        await room.press("enter")
        assert not room.app.screen.is_modal
        assert room.source.intents == []


async def test_the_words_are_shown_as_an_action_and_meant_by_the_environments_name():
    stage = Stage(PLAN)
    async with open_room(stage.snapshot(), key="1") as room:
        await say(room, "back on {from}", "team, launch")
        assert isinstance(room.app.screen, Arming)
        told = room.text("#sheet-facts")
        assert "Tell people · production" in told
        assert "back on v2" in told
        assert room.source.intents == []
        await room.fill("", ENVIRONMENT)
        await room.press("enter")
        (intent,) = room.source.intents
        assert isinstance(intent, Arm)
        assert intent.seen.announcement is not None
        assert intent.seen.announcement.channels == ("team", "launch")
        assert stage.do("ana", intent) == 2


@pytest.mark.parametrize(
    ("text", "channels", "why"), [("hello", "lunch", "did you mean `launch`?"), (" ", "", "Nothing is said")]
)
async def test_words_that_are_refused_come_back_with_the_reason(text, channels, why):
    async with open_room(Stage(PLAN).snapshot(), key="1") as room:
        await say(room, text, channels)
        assert isinstance(room.app.screen, Guarded)
        assert why in room.text(FACTS)
        assert (field(room, "text"), field(room, "channels")) == (text, channels)
        assert room.focused == "push-cancel"


async def test_a_plan_without_channels_and_a_room_that_only_looks_say_so():
    async with open_room(Stage().snapshot(), key="1") as room:
        await room.press("N")
        assert "names no channels" in room.news
    async with open_room(Stage(PLAN).snapshot(), key="1", read_only=True) as room:
        await room.press("N")
        assert not isinstance(room.app.screen, Guarded)
        assert "read-only" in room.news


async def test_what_is_pasted_is_ignored():
    async with open_room(Stage(PLAN).snapshot(), key="1") as room:
        await room.press("N", "tab")
        room.app.screen.query_one("#field-text", Typed).post_message(events.Paste("pasted"))
        await room.press("ctrl+v")
        assert field(room, "text") == ""


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 10)])
async def test_many_channels_and_hostile_names_fit(size):
    many = {f"c{index}{'長' * 20}": CommandChannel(run=(f"[/red]\x1b[31m{'x' * 300}",)) for index in range(30)}
    stage = Stage(replace(PLAN, channels=many))
    async with open_room(stage.snapshot(), key="1", size=size) as room:
        await room.press("N")
        assert max(widths_of(room.lines(FACTS))) <= size[0]
        assert "\x1b" not in room.text(FACTS)
        assert room.focused == "push-cancel"


async def test_a_rollback_under_way_is_no_reason_not_to_tell_people():
    stage = Stage(PLAN)
    stage.begun(step=0)
    async with open_room(stage.snapshot(), key="1") as room:
        await say(room, "we roll back", "launch")
        assert "one action at a time" not in room.text("#sheet-facts")
        await room.fill("", ENVIRONMENT)
        await room.press("enter")
        (intent,) = room.source.intents
        assert stage.do("ana", intent) == len(stage.events)
