"""The app's first drawing, and what its start must not pay for."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from typing import Any, get_args

import pytest
from msgspec import Struct
from msgspec.structs import fields
from textual.color import Color
from textual.geometry import Region

from loom_tui.app import OTHER_STYLES, LoomApp
from loom_tui.commands.opening import _look_for_waste
from loom_tui.plan.model import Plan
from loom_tui.room.door import Person
from loom_tui.room.events import Payload
from loom_tui.widgets.frame import Header
from loom_tui.widgets.lines import Line
from loom_tui.widgets.theme import hues
from tests.rooms import Still
from tests.samples import ok_snapshot


async def test_a_snapshot_that_is_there_is_in_the_first_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    empty: list[bool] = []
    paint = Header.paint

    def watched(header: Header, width: int, height: int) -> Sequence[Line]:
        empty.append(header._snapshot is None)
        return paint(header, width, height)

    monkeypatch.setattr(Header, "paint", watched)
    async with LoomApp(Still(ok_snapshot()), person=Person("ana")).run_test(size=(120, 40)) as pilot:
        await pilot.pause()
    assert empty
    assert not any(empty)


@pytest.mark.parametrize("light", [False, True])
async def test_the_look_that_was_asked_for_is_there_from_the_start(light: bool) -> None:  # noqa: FBT001
    app = LoomApp(Still(ok_snapshot()), person=Person("ana"), light=light)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert app.current_theme.dark is not light
        assert app.screen.styles.background == Color.parse(hues(dark=not light).ground)


def structs_in(kind: Any, seen: set[type]) -> Iterator[type]:
    """Every struct that is decoded where `kind` is."""
    if kind in seen:
        return
    if isinstance(kind, type) and issubclass(kind, Struct):
        seen.add(kind)
        yield kind
        inner = tuple(field.type for field in fields(kind))
    else:
        inner = get_args(kind)
    for each in inner:
        yield from structs_in(each, seen)


@pytest.mark.parametrize("decoded", [Plan, Payload])
def test_no_annotation_is_compiled_while_a_room_opens(decoded: Any) -> None:
    kinds = list(structs_in(decoded, set()))
    assert len(kinds) > 20
    for kind in (base for each in kinds for base in each.__mro__):
        as_text = [name for name, each in vars(kind).get("__annotations__", {}).items() if isinstance(each, str)]
        assert not as_text, f"{kind}: its module should go without `from __future__` (see plan/value.py)"


async def test_a_key_before_the_first_drawing_finds_its_screen_with_its_styles(monkeypatch: pytest.MonkeyPatch) -> None:
    async def laid_out(*, early: bool) -> list[Region]:
        app = LoomApp(Still(ok_snapshot()), person=Person("ana"))
        with monkeypatch.context() as held:
            if early:
                held.setattr(app, "_read_styles", lambda: None)
            async with app.run_test(size=(120, 40)) as pilot:
                await pilot.press("2")
                await pilot.pause()
                if early:
                    assert not app.stylesheet.has_source(str(OTHER_STYLES))
                    LoomApp._read_styles(app)
                    await pilot.pause()
                return [widget.region for widget in app.screen.query("*")]

    assert await laid_out(early=True) == await laid_out(early=False)


async def test_the_other_screens_styles_are_read_once_the_first_is_drawn() -> None:
    app = LoomApp(Still(ok_snapshot()), person=Person("ana"))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert app.stylesheet.has_source(str(OTHER_STYLES))


async def test_whoever_opened_a_room_is_told_once_that_its_first_screen_is_drawn() -> None:
    told: list[bool] = []
    app = LoomApp(Still(ok_snapshot()), person=Person("ana"), drawn=lambda: told.append(bool(app.screen.size)))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2")
        await pilot.pause()
    assert told == [True]


def test_a_room_looks_for_waste_again_once_it_is_drawn() -> None:
    gc.disable()
    try:
        _look_for_waste()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
        gc.enable()
