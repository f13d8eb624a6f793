"""Which cells a change of a line repaints, and which of them are sent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from loom_tui.app import LoomApp
from loom_tui.widgets.canvas import changed_runs
from loom_tui.widgets.lines import Ground, Ink, Line, Span, clip
from tests.rooms import open_room
from tests.samples import ok_snapshot

WORDS = st.text(st.sampled_from("ab ─┼◆é"), max_size=6)
LINES = st.lists(st.builds(Span, WORDS, st.sampled_from([Ink.INK, Ink.BAD])), max_size=5).map(tuple)
LOOKS = (st.sampled_from([Ink.INK, Ink.BAD]), st.booleans(), st.sampled_from([Ground.PANE, Ground.SELECTED]))
GROUNDED = st.lists(st.builds(Span, WORDS, *LOOKS), max_size=8).map(tuple)


def test_equal_lines_repaint_nothing() -> None:
    line = (Span("─┼ 部署"),)
    assert changed_runs(line, line) == []


def test_both_cells_of_a_wide_character_are_repainted() -> None:
    assert changed_runs((Span("a部c"),), (Span("a署c"),)) == [(1, 3)]


def test_an_accented_letter_before_a_wide_one_does_not_shift_the_cells() -> None:
    assert changed_runs((Span("e\u0301部"),), (Span("e\u0301署"),)) == [(1, 3)]


@settings(max_examples=80, deadline=None)
@given(LINES, LINES)
def test_what_is_not_repainted_is_the_same_in_both(old: Line, new: Line) -> None:
    before, after = clip(old, 12), clip(new, 12)
    changed = {x for start, end in changed_runs(before, after) for x in range(start, end)}
    for x, (one, other) in enumerate(zip(looks(before), looks(after), strict=True)):
        assert x in changed or one == other


def looks(line: Line) -> list[tuple[str, Ink]]:
    return [(character, span.ink) for span in line for character in span.text]


async def test_a_clock_that_goes_on_sends_nothing_of_what_stands_left_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = ok_snapshot()
    async with open_room(snapshot, key="1") as room:
        drawn: list[Any] = []
        monkeypatch.setattr(LoomApp, "_display", lambda _app, _screen, update: drawn.append(update))
        await room.show(replace(snapshot, now=snapshot.now + 60))
        sent = "".join(update.render_segments(room.app.console) for update in drawn if update is not None)
        assert room.app.pen.clock(snapshot.now + 60)[-1] in sent
        assert "LOOM" in room.text("Header")
        assert "LOOM" not in sent
