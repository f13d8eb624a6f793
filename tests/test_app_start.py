"""The app's first drawing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from textual.color import Color

from loom_tui.app import LoomApp
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
    async with LoomApp(Still(ok_snapshot())).run_test(size=(120, 40)) as pilot:
        await pilot.pause()
    assert empty
    assert not any(empty)


@pytest.mark.parametrize("light", [False, True])
async def test_the_look_that_was_asked_for_is_there_from_the_start(light: bool) -> None:  # noqa: FBT001
    app = LoomApp(Still(ok_snapshot()), light=light)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert app.current_theme.dark is not light
        assert app.screen.styles.background == Color.parse(hues(dark=not light).ground)
