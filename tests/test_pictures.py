"""What each screen looks like: all is well, something is wrong, the world is silent, nothing is known, and in 80x24."""

from __future__ import annotations

import pytest

from loom_tui.widgets.frame import SCREENS
from tests import pictures
from tests.moments import MOMENTS, degraded_snapshot
from tests.rooms import open_room

PLACES = {name.lower(): key for key, name in SCREENS}
DIALOGS = {"keys": ("question_mark",), "palette": ("colon", "s", "e", "n"), "note": ("m", "h", "i"), "changes": ("u",)}
LOOKS = ("light", "ascii")
NAMES = {
    *(f"{place}-{moment}" for place in PLACES for moment in (*MOMENTS, "80x24")),
    *(f"dialog-{dialog}" for dialog in DIALOGS),
    *(f"room-{look}" for look in LOOKS),
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


def test_every_accepted_picture_is_of_something_that_there_is() -> None:
    found = {path.stem: path for path in pictures.ACCEPTED.glob("*.svg")}
    if pictures.ACCEPTS:
        for name in found.keys() - NAMES:
            found[name].unlink()
    else:
        assert found.keys() == NAMES
