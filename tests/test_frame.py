"""What every screen has in common: the frame, the keys that mean the same everywhere, the bearing of hostile text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from textual.widgets import Input

from loom_tui.app import LoomApp
from loom_tui.messages import TroubleTold
from loom_tui.plan.model import About
from loom_tui.room.door import Person
from loom_tui.room.events import Event, NoteAdded
from loom_tui.room.fold import fold
from loom_tui.room.record import CHAIN
from loom_tui.room.snapshot import CollectorView, Snapshot
from loom_tui.screens.base import RoomScreen
from loom_tui.screens.closing import Closing
from loom_tui.screens.dialogs import Prompt, Reading
from loom_tui.screens.palette import Palette
from loom_tui.widgets.canvas import Canvas
from loom_tui.widgets.frame import SCREENS
from loom_tui.widgets.lines import Ink
from loom_tui.widgets.theme import hues
from tests.moments import degraded_snapshot, hostile_snapshot
from tests.rooms import Room, Still, open_room
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

KEYS = [key for key, _ in SCREENS]
SIZES = [(120, 40), (80, 24), (40, 10)]
HOSTILE = (
    "[/] [red]boom[/red] {x} %s 部署🚀👩‍👩‍👧 مرحبا \u202e\u2066\u061c\u200b\u00ad\x1b[2J\x1b]0;t\x07\x00\r\n\t\ud83d"
    + "e\u0301" * 40
    + "x" * 10_000
)
UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def canvases(room: Room) -> Iterator[Canvas]:
    for canvas in room.app.screen.query(Canvas):
        if canvas.region and canvas.size.width and canvas.size.height:
            yield canvas


def check_cells(room: Room) -> None:
    """Each line that is drawn has its pane's width, and no character that moves a cursor or hides."""
    for canvas in canvases(room):
        width, height = canvas.size
        for y in range(height):
            strip = canvas.render_line(y)
            assert strip.cell_length == width, (canvas, y, strip.text[:80])
            assert not [c for c in strip.text if unicodedata.category(c) in UNSEEN], (canvas, y)


async def walk(room: Room) -> None:
    """Press what a curious person would, closing each dialog again."""
    for keys in (("j", "G", "y"), ("g", "ctrl+d", "enter"), ("space",), ("plus", "f", "tab", "y"), ("x", "escape")):
        await room.press(*keys)
        check_cells(room)
        if not isinstance(room.app.screen, RoomScreen):
            await room.press("escape")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("key", KEYS)
async def test_hostile_text_changes_neither_widths_nor_lines_of_any_screen(key: str, size: tuple[int, int]) -> None:
    async with open_room(hostile_snapshot(HOSTILE), key=key, size=size) as room:
        check_cells(room)
        await walk(room)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "keys", [("colon",), ("colon", "s"), ("m",), ("u",), ("question_mark",), ("2", "o"), ("2", "b")]
)
async def test_hostile_text_stays_within_every_dialog(keys: tuple[str, ...], size: tuple[int, int]) -> None:
    snapshot = hostile_snapshot(HOSTILE)
    async with open_room(snapshot, key="1", size=size) as room:
        room.app.looked_at = 0.0
        await room.press(*keys)
        check_cells(room)
        for field in room.app.screen.query(Input):
            assert not [c for c in field.render_line(0).text if unicodedata.category(c) in UNSEEN]


@pytest.mark.parametrize("key", KEYS)
async def test_the_smallest_plan_fills_every_pane_with_words(key: str) -> None:
    async with open_room(bare_snapshot(), key=key) as room:
        for canvas in canvases(room):
            inner = "".join(canvas.render_line(y).text for y in range(canvas.size.height)).strip("╭╮╰╯│─ ")
            if canvas.id != "news":
                assert inner, canvas
        await walk(room)
        assert room.sent == []


def only_ascii(room: Room) -> bool:
    return all(canvas.render_line(y).text.isascii() for canvas in canvases(room) for y in range(canvas.size.height))


@pytest.mark.parametrize("key", KEYS)
async def test_with_ascii_alone_nothing_else_is_drawn(key: str) -> None:
    async with open_room(degraded_snapshot(), key=key, ascii_only=True) as room:
        assert only_ascii(room)
        for make in (stale_snapshot, unknown_snapshot, lambda: hostile_snapshot(HOSTILE)):
            await room.show(make())
            assert only_ascii(room)


async def test_with_ascii_alone_no_dialog_draws_anything_else() -> None:
    async with open_room(degraded_snapshot(), key="1", ascii_only=True) as room:
        for dialog in ("question_mark", "colon", "m", "u"):
            await room.press(dialog)
            assert only_ascii(room)
            await room.press("escape")


@pytest.mark.parametrize("key", KEYS)
async def test_without_colours_nothing_has_one_and_the_gate_and_the_cursor_are_reversed(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with open_room(degraded_snapshot(), key=key) as room:
        styles = [
            (segment.text, segment.style)
            for strip in room.app.screen._compositor.render_strips()
            for segment in strip
            if segment.style is not None
        ]
        colours = {colour for _, style in styles for colour in (style.color, style.bgcolor)}
        assert all(colour is None or colour.is_default for colour in colours)
        assert any("HOLD" in text and style.reverse for text, style in styles)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("key", KEYS)
async def test_the_gate_is_seen_on_every_screen_at_every_size(key: str, size: tuple[int, int]) -> None:
    async with open_room(degraded_snapshot(), key=key, size=size) as room:
        assert "HOLD" in room.text("Header")
        assert f" {key}" in room.text("KeyLine")


@pytest.mark.parametrize("key", KEYS)
async def test_a_read_only_room_says_so_and_refuses_every_deed(key: str) -> None:
    async with open_room(ok_snapshot(), key=key, read_only=True) as room:
        assert "READ-ONLY" in room.text("Header")
        home = room.app.screen
        elsewhere = {"q", "ctrl+q", "ctrl+p", *KEYS}
        for name in [name for name in home.active_bindings if name not in elsewhere]:
            await room.press(name)
            if isinstance(room.app.screen, Prompt):
                await room.press("2", "enter")
            while not isinstance(room.app.screen, RoomScreen):
                await room.press("escape")
            if room.app.screen is not home:
                await room.press(key)
        assert room.sent == []
        assert {what for what, _ in room.asked} <= {CHAIN}  # which the room looks at itself
        room.app.ask_source("")
        await room.pilot.pause()
        assert "read-only" in room.news


async def test_r_before_the_first_snapshot_asks_nothing_and_claims_nothing() -> None:
    app = LoomApp(Quiet(ok_snapshot()), person=Person("ana"))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("r", "u", "colon", "x", "2", "6", "1")
        assert app.headline is None
        assert isinstance(app.screen, RoomScreen)


class Quiet(Still):
    """A source that gives nothing."""

    def listen(self, *_: object) -> None: ...  # type: ignore[override]


async def test_trouble_before_the_first_snapshot_ends_the_room_with_its_sentence() -> None:
    app = LoomApp(Quiet(ok_snapshot()), person=Person("ana"))
    async with app.run_test() as pilot:
        app.post_message(TroubleTold("The store is of a newer Loom."))
        await pilot.pause()
    assert app.farewell == "The store is of a newer Loom."
    assert app.return_code == 1


async def test_an_answer_to_a_key_makes_room_for_the_news() -> None:
    snapshot = degraded_snapshot()
    async with open_room(snapshot, key="1") as room:
        await room.press("y")
        assert "Copied" in room.news
        await room.show(replace(snapshot, now=NOW + 9))
        assert "Copied" in room.news
        await room.show(replace(snapshot, now=NOW + 11))
        assert "Sentry is silent" in room.news


async def test_trouble_stays_until_it_is_over_and_an_answer_only_covers_it() -> None:
    snapshot = ok_snapshot()
    async with open_room(snapshot, key="1") as room:
        room.app.post_message(TroubleTold("The disk is full."))
        await room.pilot.pause()
        assert "▲ The disk is full." in room.news
        await room.press("y")
        assert "Copied" in room.news
        await room.show(replace(snapshot, now=NOW + 60))
        assert "The disk is full." in room.news
        room.app.post_message(TroubleTold(""))
        await room.pilot.pause()
        assert "The disk is full." not in room.news


async def test_x_takes_the_news_away_until_there_is_newer() -> None:
    snapshot = ok_snapshot()
    async with open_room(snapshot, key="1") as room:
        assert "new error LOOM-4F" in room.news
        await room.press("x")
        assert "dismiss" not in room.news
        later = Event(seq=12, at=NOW + 5, actor="bo", payload=NoteAdded(text="cache cleared"), hash="")
        await room.show(fold(sample_plan(), (*sample_events(), later), sample_observations(now=NOW + 9), NOW + 10))
        assert "bo noted cache cleared" in room.news


async def test_a_source_that_never_answered_is_news_that_can_be_dismissed() -> None:
    latest = {name: stored for name, stored in sample_observations().latest.items() if not name.startswith("sentry")}
    stored = latest["feed.sentry"]
    body = b'{"last_success_at":null,"failures":3,"why":"no such host"}'
    latest["feed.sentry"] = replace(stored, reading=replace(stored.reading, body=body))
    snapshot = fold(sample_plan(), (), replace(sample_observations(), latest=latest), NOW)
    async with open_room(snapshot, key="1") as room:
        assert "Sentry is silent: no such host" in room.news
        await room.press("x")
        assert "is silent" not in room.news
        assert "feeds 2 of 3 live" in room.news


async def test_a_fatal_error_is_told_before_other_news() -> None:
    snapshot = ok_snapshot()
    errors = snapshot.errors[0]
    fatal = replace(errors.issues[1], last_seen=NOW - 3000, title="Payments are lost")
    async with open_room(
        replace(snapshot, errors=(replace(errors, issues=(errors.issues[0], fatal)),)), key="1"
    ) as room:
        assert "✖" in room.news
        assert "Payments are lost" in room.news
        assert room.inks("NewsLine", "✖") == {Ink.BAD}


async def test_m_stamps_a_note_and_esc_none() -> None:
    async with open_room(ok_snapshot(), key="4") as room:
        await room.press("m")
        await room.type("CDN purged")
        assert room.sent == [NoteAdded(text="CDN purged")]
        await room.press("m", "h", "escape", "m", "enter", "m", "space", "enter")
        assert len(room.sent) == 1
        assert "nothing to write down" in room.news


async def test_keys_that_are_typed_into_a_prompt_do_nothing_else() -> None:
    async with open_room(ok_snapshot(), key="1") as room:
        await room.press("m", *"q6xr:?")
        assert isinstance(room.app.screen, Prompt)
        await room.press("enter")
        assert room.sent == [NoteAdded(text="q6xr:?")]
        assert room.app.current_mode == "room"


async def test_the_filters_prompt_says_what_its_keys_do() -> None:
    async with open_room(ok_snapshot(), key="4") as room:
        await room.press("slash", "s", "e")
        assert "esc shows all" in room.text("Edge")
        await room.press("escape")
        assert room.app.screen.query_one("#register").needle == ""  # type: ignore[attr-defined]


async def test_question_mark_lists_this_screens_keys_with_their_ids() -> None:
    async with open_room(ok_snapshot(), key="5") as room:
        await room.press("question_mark")
        page = room.text("Page")
        await room.press("G")
        page += room.text("Page")
        assert "errors.narrow" in page
        assert ":, ctrl+p" in page
        assert "Next pane" in page
        assert "Make this error a blocker of the gate, or lift that" in page
        assert "Quit" not in page
        await room.press("question_mark")
        assert isinstance(room.app.screen, RoomScreen)


async def test_u_lists_what_was_done_since_one_last_looked() -> None:
    plan, events = sample_plan(), sample_events()
    async with open_room(fold(plan, events, sample_observations(), NOW), key="1") as room:
        await room.press("u")
        assert "Nobody has done anything since." in room.text("Page")
        await room.press("u")
        later = Event(seq=12, at=NOW + 5, actor="bo", payload=NoteAdded(text="cache cleared"), hash="")
        await room.show(fold(plan, (*events, later), sample_observations(), NOW + 10))
        await room.press("u")
        assert "14:46  bo        noted cache cleared" in room.text("Page")
        assert "CDN purged" not in room.text("Page")
        await room.press("escape", "u")
        assert "Nobody has done anything since." in room.text("Page")


async def test_a_dialog_grows_no_second_one() -> None:
    async with open_room(ok_snapshot(), key="1") as room:
        await room.press("question_mark", "m", "1", "colon", "x", "r")
        assert isinstance(room.app.screen, Reading)
        assert room.asked == []


async def find(room: Room, words: str) -> None:
    await room.press("colon")
    await room.type(words)
    await room.pilot.pause()


async def test_the_palette_goes_to_screens_issues_and_signals() -> None:
    async with open_room(ok_snapshot(), key="1") as room:
        await find(room, "n datab")
        assert room.app.current_mode == "database"
        await find(room, "147")
        assert room.app.current_mode == "path"
        assert "#147 Smoke Testing" in room.text("#path-detail")
        await find(room, "sentry.new")
        assert room.asked == [("poll", "sentry")]
        await find(room, "er qa")
        assert room.app.clipboard == "QA/Testing"
        await find(room, "stamp")
        assert isinstance(room.app.screen, Prompt)


async def test_the_palettes_cursor_is_seen_and_moves_while_one_types() -> None:
    async with open_room(ok_snapshot(), key="1") as room:
        await room.press("colon", "down", "down")
        marked = [line for line in room.lines("Found") if any(span.ground == "selected" for span in line)]
        assert len(marked) == 1
        assert "Timeline" in "".join(span.text for span in marked[0])
        await room.press("up", "enter")
        assert room.app.current_mode == "path"


async def test_a_palette_that_finds_nothing_says_so_and_does_nothing() -> None:
    async with open_room(ok_snapshot(), key="1") as room:
        await room.press("colon", *"zzz")
        assert "Nothing matches 'zzz'" in room.text("Found")
        await room.press("enter")
        assert room.app.current_mode == "room"
        await room.press("ctrl+p", "escape")
        assert not isinstance(room.app.screen, Palette)


async def test_a_change_of_look_reaches_the_screens_that_are_not_seen() -> None:
    async with open_room(ok_snapshot(), key="4") as room:
        await room.press("1")
        await find(room, "light look")
        await room.press("4")
        colours = {
            segment.style.bgcolor.name
            for canvas in canvases(room)
            for y in range(canvas.size.height)
            for segment in canvas.render_line(y)
            if segment.style is not None and segment.style.bgcolor is not None
        }
        assert hues(dark=True).ground not in colours
        assert hues(dark=False).ground in colours


async def test_ctrl_c_says_how_one_leaves_and_q_leaves() -> None:
    async with open_room(ok_snapshot(), key="1") as room:
        await room.press("ctrl+c")
        assert "q leaves the room" in room.news
        await room.press("escape", "escape")
        assert room.app.is_running
        await room.press("q")
        assert room.app.return_code in (0, None)
        assert not room.app.is_running


async def test_a_snapshot_that_comes_while_a_dialog_is_open_is_shown_when_it_closes() -> None:
    async with open_room(ok_snapshot(), key="1") as room:
        await room.press("question_mark")
        await room.show(replace(degraded_snapshot(), now=NOW + 1))
        await room.press("escape")
        assert "Sentry is silent" in room.news


async def test_the_frame_stands_a_plan_without_words() -> None:
    snapshot = bare_snapshot()
    nameless = replace(snapshot, plan=replace(snapshot.plan, plan=About(title="")))
    async with open_room(nameless, key="1", size=(80, 24)) as room:
        assert "HOLD" in room.text("Header")


def collector_of(snapshot: Snapshot, *, why: str) -> Snapshot:
    return replace(snapshot, collector=CollectorView(alive=False, holder="", why=why))


async def test_a_missing_collector_is_counted_as_no_live_feed() -> None:
    async with open_room(collector_of(ok_snapshot(), why="no collector runs"), key="1") as room:
        assert "no collector · feeds 0 of 3 live" in room.news


@pytest.mark.parametrize("key", ["m", "question_mark", "colon", "slash", "R", "F", "V"])
async def test_a_dialog_that_is_closed_twice_takes_no_screen_with_it(key: str) -> None:
    async with open_room(ok_snapshot(), key="8") as room:
        below = room.app.screen
        await room.press(key)
        dialog = room.app.screen
        assert isinstance(dialog, Closing)
        dialog.dismiss(None)
        await dialog.dismiss(None)
        await room.pilot.pause()
        assert room.app.screen is below
