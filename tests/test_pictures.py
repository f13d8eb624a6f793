"""What each screen looks like: all is well, something is wrong, the world is silent, nothing is known, and in 80x24."""

from __future__ import annotations

import pytest
from msgspec import Raw
from msgspec.json import encode

from loom_tui.room.mail import Reply
from loom_tui.room.tail import OUTPUT, Tail
from loom_tui.widgets.frame import SCREENS
from tests import pictures
from tests.acts import ACTS, TAIL
from tests.moments import MOMENTS, degraded_snapshot
from tests.rooms import open_room

PLACES = {name.lower(): key for key, name in SCREENS}
DIALOGS = {"keys": ("question_mark",), "palette": ("colon", "s", "e", "n"), "note": ("m", "h", "i"), "changes": ("u",)}
LOOKS = ("light", "ascii")
SIZES = {"120x40": (120, 40), "80x24": (80, 24)}
NAMES = {
    *(f"{place}-{moment}" for place in PLACES for moment in (*MOMENTS, "80x24")),
    *(f"dialog-{dialog}" for dialog in DIALOGS),
    *(f"room-{look}" for look in LOOKS),
    *(f"act-{act}-{size}" for act in ACTS for size in SIZES),
    "act-rollback-ascii",
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("place", PLACES)
async def test_a_screen_looks_as_it_was_accepted(place: str, moment: str) -> None:
    async with open_room(MOMENTS[moment](), key=PLACES[place]) as room:
        pictures.hold(f"{place}-{moment}", pictures.picture(room.app))


@pytest.mark.parametrize("place", PLACES)
async def test_a_small_screen_looks_as_it_was_accepted(place: str) -> None:
    async with open_room(degraded_snapshot(), key=PLACES[place], size=(80, 24)) as room:
        pictures.hold(f"{place}-80x24", pictures.picture(room.app))


@pytest.mark.parametrize("dialog", DIALOGS)
async def test_a_dialog_looks_as_it_was_accepted(dialog: str) -> None:
    async with open_room(degraded_snapshot(), key="1") as room:
        await room.press(*DIALOGS[dialog])
        pictures.still(room.app)
        await room.pilot.pause()
        pictures.hold(f"dialog-{dialog}", pictures.picture(room.app))


@pytest.mark.parametrize("look", LOOKS)
async def test_another_look_looks_as_it_was_accepted(look: str) -> None:
    async with open_room(degraded_snapshot(), key="1", light=look == "light", ascii_only=look == "ascii") as room:
        pictures.hold(f"room-{look}", pictures.picture(room.app))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("act", ACTS)
async def test_an_action_looks_as_it_was_accepted(act: str, size: str) -> None:
    async with open_room(ACTS[act](), key="1", size=SIZES[size], actor="bo") as room:
        await room.press("R" if act == "rollback" else "A")
        tail = Tail(action=2, step=1, started=1, size_bytes=200, lines=TAIL)
        room.source.reply(OUTPUT, "2", Reply(body=Raw(encode(tail))))
        pictures.still(room.app)
        await room.pilot.pause()
        pictures.hold(f"act-{act}-{size}", pictures.picture(room.app))


async def test_a_rollback_in_ascii_looks_as_it_was_accepted() -> None:
    async with open_room(ACTS["rollback"](), key="1", ascii_only=True) as room:
        await room.press("R", "tab")
        await room.press(*"errors")
        pictures.still(room.app)
        await room.pilot.pause()
        pictures.hold("act-rollback-ascii", pictures.picture(room.app))


def test_every_accepted_picture_is_of_something_that_there_is() -> None:
    found = {path.stem: path for path in pictures.ACCEPTED.glob("*.svg")}
    if pictures.ACCEPTS:
        for name in found.keys() - NAMES:
            found[name].unlink()
    else:
        assert found.keys() == NAMES
