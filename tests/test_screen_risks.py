"""Screen 4, through its keys."""

from __future__ import annotations

from msgspec.structs import replace
from textual import events as textual_events

from loom_tui.plan.model import Risk, Rule
from loom_tui.room.events import RiskAccepted
from loom_tui.room.fold import fold
from loom_tui.room.snapshot import Snapshot
from loom_tui.screens.guarded import Guarded
from loom_tui.widgets.lines import Ink
from tests.moments import calm_snapshot
from tests.rooms import open_room
from tests.samples import (
    NOW,
    bare_snapshot,
    ok_snapshot,
    sample_events,
    sample_observations,
    sample_plan,
    stale_snapshot,
    unknown_snapshot,
)

REGISTER, DETAIL, MATRIX = "#register", "#risk-detail", "#matrix"


def row_of(text: str, words: str) -> str:
    return next(line for line in text.split("\n") if words in line)


def with_risks(*risks: Risk) -> Snapshot:
    return fold(replace(sample_plan(), risks=risks), sample_events(), sample_observations(), NOW)


async def test_a_triggered_risk_lights_by_itself_and_stands_first() -> None:
    async with open_room(ok_snapshot(), key="4") as room:
        first = room.text(REGISTER).split("\n")[2]
        assert first.strip("│ ").split() == [
            "▲", "Database", "performance", "degraded", "open", "3×4", "DBA", "lit",
        ]  # fmt: skip
        assert "1 lit" in room.text(REGISTER)
        assert "1▲" in room.text(MATRIX)
        detail = room.text(DETAIL)
        assert "Apply the indexes, or roll back" in detail
        assert "db.user_statistics.p95_ms ≥ 10.01" in detail
        assert "12.3 ms" in detail
        assert "5 s ago" in detail


async def test_a_risk_whose_signal_is_within_its_bounds_is_calm() -> None:
    async with open_room(calm_snapshot(), key="4") as room:
        assert "● Database performance degraded" in room.text(REGISTER)
        assert "calm" in row_of(room.text(REGISTER), "3×4")
        assert "1▲" not in room.text(MATRIX)


async def test_a_stale_trigger_is_unknown_neither_lit_nor_calm() -> None:
    async with open_room(stale_snapshot(), key="4") as room:
        assert row_of(room.text(REGISTER), "3×4").strip("│ ").startswith("◌")
        assert "stale" in row_of(room.text(REGISTER), "3×4")
        assert "stale 18 m" in room.text(DETAIL)
        assert room.inks(DETAIL, "12.3 ms") == {Ink.FAINT}


async def test_a_trigger_that_was_never_read_says_so() -> None:
    async with open_room(unknown_snapshot(), key="4") as room:
        assert row_of(room.text(REGISTER), "3×4").strip("│ ").startswith("◌")
        assert "never read" in room.text(DETAIL)


async def test_a_risk_that_no_source_can_tell_of_is_unknown_with_its_reason() -> None:
    risk = Risk(text="Queue overflows", trigger=Rule(signal="queue.depth", at_least=5))
    async with open_room(with_risks(risk), key="4") as room:
        row = room.text(REGISTER).split("\n")[2]
        assert row.strip("│ ").startswith("◌ Queue overflows")
        assert "unknown" in row
        assert "…" not in row
        assert "no source gives" in room.text(DETAIL)


async def test_a_risk_without_a_trigger_is_for_a_person_to_judge_and_a_documents_word_is_a_claim() -> None:
    async with open_room(ok_snapshot(), key="4") as room:
        assert "not judged" in row_of(room.text(REGISTER), "Google Fonts")
        assert "claimed" in row_of(room.text(REGISTER), "Security audit")
        await room.press("j")
        assert "for a person to judge" in room.text(DETAIL)
        assert "4 without likelihood and impact" in room.text(MATRIX)


async def test_the_no_go_criteria_stand_below_the_risks() -> None:
    async with open_room(ok_snapshot(), key="4") as room:
        await room.press("G")
        assert "Infrastructure not ready" in room.text(DETAIL)


async def test_the_filter_looks_in_words_and_kinds() -> None:
    async with open_room(ok_snapshot(), key="4") as room:
        await room.press("slash")
        await room.type("mitig")
        text = room.text(REGISTER)
        assert "Google Fonts" in text
        assert "Security audit" not in text
        await room.press("escape", "slash")
        await room.type("nothing like it")
        assert "Nothing matches 'nothing like it'" in room.text(REGISTER)
        await room.press("escape")
        assert "Security audit" in room.text(REGISTER)


async def test_y_copies_the_words() -> None:
    async with open_room(ok_snapshot(), key="4") as room:
        await room.press("j", "y")
        assert room.app.clipboard == "~15 any types (will fix in maintenance)"
        await room.press("G", "y")
        assert room.app.clipboard == "Infrastructure not ready"


async def test_in_80x24_the_detail_leaves_its_blank_lines_out_and_keeps_the_reading() -> None:
    async with open_room(ok_snapshot(), key="4", size=(80, 24)) as room:
        assert not room.app.screen.query_one(MATRIX).display
        detail = room.text(DETAIL)
        assert "db.user_statistics.p95_ms ≥ 10.01" in detail
        assert "12.3 ms" in detail


async def test_the_cursor_stays_on_its_risk_when_another_lights() -> None:
    async with open_room(calm_snapshot(), key="4") as room:
        await room.press("j", "j")
        await room.show(ok_snapshot())
        await room.press("y")
        assert room.app.clipboard == "Security audit 9.5/10"


async def test_an_empty_register_says_how_risks_get_here() -> None:
    async with open_room(bare_snapshot(), key="4") as room:
        assert "add [[risks]]" in room.text(REGISTER)
        await room.press("j", "G", "y", "enter", "r")
        assert "The plan names no source to ask." in room.news


async def test_a_risk_is_accepted_with_a_reason_and_an_owner_and_the_dialog_starts_on_cancel() -> None:
    async with open_room(ok_snapshot(), key="4") as room:
        await room.press("a")
        assert isinstance(room.app.screen, Guarded)
        assert room.focused == "push-cancel"
        await room.press("enter")
        assert room.sent == []
        await room.press("a", "shift+tab", "shift+tab")
        await room.type("the replica takes the reads")
        await room.type("cy")
        await room.press("right")
        assert room.focused == "push-accept"
        await room.press("enter")
        assert room.sent == [
            RiskAccepted(
                risk="database performance degraded",
                owner="cy",
                reason="the replica takes the reads",
                release="v1.7.0",
                environment="production",
            )
        ]


async def test_without_a_reason_nobody_accepts_a_risk() -> None:
    async with open_room(ok_snapshot(), key="4") as room:
        await room.press("a", "right", "enter")
        assert room.sent == []
        assert "To accept a risk needs a reason" in room.news


async def test_pasted_words_accept_nothing() -> None:
    async with open_room(ok_snapshot(), key="4") as room:
        await room.press("a", "shift+tab", "shift+tab")
        assert room.app.focused is not None
        room.app.focused.post_message(textual_events.Paste("because of a clipboard"))
        await room.press("tab", "tab", "right", "enter")
        assert room.sent == []


async def test_a_no_go_and_a_read_only_room_accept_nothing() -> None:
    async with open_room(ok_snapshot(), key="4") as room:
        await room.press("G", "a")
        assert not isinstance(room.app.screen, Guarded)
        assert "A no-go is not accepted" in room.news
    async with open_room(ok_snapshot(), key="4", read_only=True) as room:
        await room.press("a")
        assert not isinstance(room.app.screen, Guarded)
        assert "read-only" in room.news


async def test_hostile_words_of_a_risk_stay_text_in_the_dialog() -> None:
    words = "[/] [red]boom[/red] \x1b[2J\u202e 部署" + "x" * 10_000
    risk = Risk(text=words, response=words, trigger=Rule(signal="app", is_="bad"))
    async with open_room(with_risks(risk), key="4", size=(80, 24)) as room:
        await room.press("a")
        shown = room.text("Facts")
        assert "[/] [red]boom[/red]" in shown
        assert not {"\x1b", "\u202e"} & set(shown)
        await room.press("escape", "q")
