"""Screen 9: every event, newest first; filters; one event whole; and how far the chain holds."""

from __future__ import annotations

import time

import msgspec
import pytest
from msgspec.structs import replace

from loom_tui.messages import ReplyArrived
from loom_tui.room.events import Event, NoteAdded, Payload, TaskTicked, Voted
from loom_tui.room.mail import Reply
from loom_tui.room.record import CHAIN, NO_TIME, ChainView, Record
from loom_tui.room.snapshot import Snapshot
from loom_tui.room.verdicts import Choice
from loom_tui.screens.choose import Choose
from loom_tui.screens.dialogs import Prompt
from loom_tui.screens.journal import Events
from loom_tui.screens.journal_rows import Listed
from loom_tui.widgets.lines import Ink
from tests.rooms import Room, open_room
from tests.samples import NOW, bare_snapshot, ok_snapshot, sample_events

LIST, DETAIL = "#journal-list", "#journal-detail"
HOSTILE = (
    "[/] [red]boom[/red] {x} %s 部署🚀👩‍👩‍👧 مرحبا \u202e\u2066\u061c\u200b\x1b[2J\x1b]0;t\x07\x00\r\n\t"
    + "e\u0301" * 40
)
LONG = HOSTILE + "x" * 10_000
LATER = Record(13, NOW - 5, "ana", b'{"kind":"moon_seen","phase":"[/] full","by":{"name":"cy"}}', b"", "b" * 64)
REMOVED = Record(12, NOW - 10, "bo", None, b"", "a" * 64)
SIZES = [(120, 40), (80, 24)]


def of(*payloads: Payload, actor: str = "ana") -> Snapshot:
    events = tuple(
        Event(seq=seq, at=NOW - 1000 + seq, actor=actor, payload=payload, hash=f"{seq:064x}")
        for seq, payload in enumerate(payloads, 1)
    )
    return replace(bare_snapshot(), events=events, now=NOW)


def many(count: int) -> Snapshot:
    return of(
        *(NoteAdded(text=f"note {number}", issue=147 if number % 3 == 0 else None) for number in range(1, count + 1))
    )


def words_of(room: Room) -> list[str]:
    """The rows of the list, without its frame and head."""
    return [line.strip("│ ") for line in room.text(LIST).split("\n")[2:-1] if line.strip("│ ")]


async def tell(room: Room, view: ChainView) -> None:
    room.app.post_message(ReplyArrived(CHAIN, "", Reply(body=msgspec.Raw(msgspec.json.encode(view)))))
    await room.pilot.pause()


async def filter_by(room: Room, text: str) -> None:
    await room.press("slash")
    assert isinstance(room.app.screen, Prompt)
    await room.type(text)


async def looked_through(room: Room) -> None:
    deadline = time.monotonic() + 30
    while "to look through" in room.text(LIST):
        assert time.monotonic() < deadline
        await room.pilot.pause(0.01)


async def test_events_stand_newest_first_with_time_person_issue_and_words() -> None:
    async with open_room(ok_snapshot(), key="9") as room:
        rows = words_of(room)
        assert len(rows) == len(sample_events())
        assert "bo" in rows[0]
        assert "#147" in rows[0]
        assert "ticked #147" in rows[0]
        assert rows[-1].startswith("1 ")
        assert "opened the plan 1.0" in rows[-1]
        assert "11 events" in room.text(LIST)


async def test_an_empty_journal_says_how_events_get_there() -> None:
    async with open_room(of(), key="9") as room:
        assert "Nothing has been done yet; m stamps a note." in room.text(LIST)


async def test_the_chain_is_not_verified_until_the_reader_says_so_and_is_asked_for_on_arrival() -> None:
    async with open_room(ok_snapshot(), key="9") as room:
        assert "not verified yet" in room.text(LIST)
        assert set(room.asked) == {(CHAIN, "on")}
        await tell(room, ChainView(seq=4_000, of=12_040))
        assert "verified 4,000 of 12,040 events …" in room.text(LIST)
        await tell(room, ChainView(seq=12_040, of=12_040))
        assert "verified 12,040 events" in room.text(LIST)
        assert room.inks(LIST, "verified 12,040 events") == {Ink.OK}


async def test_r_verifies_the_whole_chain_also_in_a_read_only_room() -> None:
    async with open_room(ok_snapshot(), key="9", read_only=True) as room:
        await room.press("r")
        assert room.asked[-1] == (CHAIN, "whole")


async def test_the_first_bad_event_is_named_marked_and_explained() -> None:
    async with open_room(ok_snapshot(), key="9") as room:
        await tell(room, ChainView(seq=6, of=11, bad=7, why="its payload was changed"))
        assert "broken at event 7: its payload was changed" in room.text(LIST)
        assert "The chain is broken at event 7: its payload was changed." in room.text(LIST)
        assert next(row for row in words_of(room) if "marked a deploy" in row).startswith("✖")
        await room.press("G", "enter")
        assert "verified" in room.text(DETAIL)
        await room.press("escape", "g", "enter")
        assert "not verified: the chain is broken at event 7" in room.text(DETAIL)


async def test_a_removed_payload_and_a_later_versions_event_are_shown_as_what_they_are() -> None:
    async with open_room(ok_snapshot(), key="9") as room:
        await tell(room, ChainView(seq=13, of=13, strays=(REMOVED, LATER)))
        later, removed, *_ = words_of(room)
        assert "a later version's moon_seen" in later
        assert "its payload was removed" in removed
        assert (later[0], removed[0]) == ("◌", "◌")
        await room.press("g", "enter")
        detail = room.text(DETAIL)
        assert "moon seen" in detail
        assert "phase" in detail
        assert "[/] full" in detail
        assert "by.name" in detail
        await room.press("escape", "j", "enter")
        assert "removed" in room.text(DETAIL)


async def test_an_event_that_was_folded_since_is_shown_once() -> None:
    known = Record(11, NOW - 300, "bo", None, b"", "c" * 64)
    async with open_room(ok_snapshot(), key="9") as room:
        await tell(room, ChainView(seq=11, of=11, strays=(known,)))
        assert len(words_of(room)) == 11
        assert "ticked #147" in words_of(room)[0]


@pytest.mark.parametrize("actor", ["ana", "cy"])
async def test_the_filter_finds_time_person_kind_issue_and_words_in_any_order(actor: str) -> None:
    voted = Voted(release="v1", environment="p", role="QA", choice=Choice.GO)
    ticked = TaskTicked(issue=147, task=0, text="Client booking", done=True)
    async with open_room(of(voted, ticked, NoteAdded(text="CDN purged"), actor=actor), key="9") as room:
        for words, found in (
            ("booking ticked", "2"),
            ("#147", "2"),
            ("task", "2"),
            ("GO qa", "1"),
            ("cdn", "3"),
            ("13:29:22", "2"),
        ):
            await filter_by(room, words)
            assert [row.split()[0] for row in words_of(room)] == [found], words
            await room.press("escape")
        await filter_by(room, actor)
        assert len(words_of(room)) == 3
        await room.press("escape")
        await filter_by(room, "nowhere")
        assert "Nothing matches 'nowhere'; esc shows all." in room.text(LIST)


async def test_f_shows_one_kind_with_its_count_and_esc_shows_all_again() -> None:
    async with open_room(ok_snapshot(), key="9") as room:
        await room.press("f")
        assert isinstance(room.app.screen, Choose)
        await room.press("j", "enter")
        assert "issue status set" in room.text(LIST)
        assert "4 of 11" in room.text(LIST)
        await room.press("escape")
        assert "11 events" in room.text(LIST)


async def test_what_is_done_while_a_filter_stands_passes_through_it() -> None:
    async with open_room(many(5), key="9") as room:
        await filter_by(room, "note 5")
        await room.press("g")
        await room.show(many(60))
        assert "15 of 60" in room.text(LIST)  # 5, 15, 25, 35, 45, and 50 to 59
        events = room.app.screen.query_one(Events)
        assert events.cursor == "5"


async def test_an_event_is_shown_whole_with_its_hash_and_all_its_fields() -> None:
    async with open_room(of(NoteAdded(text="a  b\nc", issue=147)), key="9") as room:
        await room.press("enter")
        assert room.focused == DETAIL[1:]
        shown = room.text(DETAIL)
        for words in ("Event 1", f"{1:064x}", "note added", "ana", "text        a  b", "issue       147"):
            assert words in shown
        await room.press("escape")
        assert room.focused == LIST[1:]


@pytest.mark.parametrize("size", SIZES)
async def test_a_long_event_scrolls_to_its_end(size: tuple[int, int]) -> None:
    text = " ".join(f"word{number}" for number in range(2_000))
    async with open_room(of(NoteAdded(text=text)), key="9", size=size) as room:
        await room.press("enter", "G")
        assert "word1999" in room.text(DETAIL)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("words", [HOSTILE, LONG, "\ud83d"])
async def test_hostile_words_stay_text_in_list_and_detail(size: tuple[int, int], words: str) -> None:
    body = msgspec.json.encode({"kind": HOSTILE, HOSTILE: [HOSTILE, {"a": HOSTILE}], "long": "y" * 10_000})
    strays = (
        Record(2, NOW, HOSTILE, body, b"", HOSTILE),
        Record(3, NO_TIME, "b'x'", b"\xff[/]" * 3000, b"", "7"),
        Record(4, 1e300, "", b"[]", b"", ""),
    )
    async with open_room(of(NoteAdded(text=words), actor=words), key="9", size=size) as room:
        await tell(room, ChainView(seq=1, of=4, bad=2, why=HOSTILE, strays=strays))
        for _ in range(4):
            await room.press("enter")
            for selector in (LIST, DETAIL) if size[1] > 30 else (DETAIL,):
                shown = "".join(span.text for line in room.lines(selector) for span in line)
                assert not {"\x1b", "\u202e", "\x00", "\n", "\r"} & set(shown)
            await room.press("G", "escape", "j")
        await filter_by(room, "[/]")
        assert "4 of 4" not in room.text(LIST)
        assert words_of(room)


async def test_y_copies_number_and_hash() -> None:
    async with open_room(many(3), key="9") as room:
        await room.press("y")
        assert f"Copied 3 {3:064x}" in room.news


async def test_a_hundred_thousand_events_are_drawn_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    row = Events.row

    def counted(self: Events, key: str, width: int) -> object:
        drawn.append(key)
        return row(self, key, width)

    snapshot = many(100_000)
    async with open_room(snapshot, key="9") as room:
        monkeypatch.setattr(Events, "row", counted)
        await room.press("G")
        assert words_of(room)[-1].startswith("1 ")
        drawn.clear()
        await room.press("k")
        assert 0 < len(drawn) <= 2 * 40
        await filter_by(room, "note 77777")
        await looked_through(room)
        assert [row.split()[0] for row in words_of(room)] == ["77,777"]
        assert "1 of 100,000" in room.text(LIST)


def test_keys_are_found_where_they_stand() -> None:
    events = [event for event in many(9).events if event.seq not in (4, 5)]
    keys = Listed(events)
    assert list(keys) == ["9", "8", "7", "6", "3", "2", "1"]
    assert [keys.index(key) for key in keys] == list(range(7))
    assert [keys[-1], *keys[1:3]] == ["1", "8", "7"]
    assert [key in keys for key in ("4", "1", "10", "x", "")] == [False, True, False, False, False]
    with pytest.raises(ValueError, match="4"):
        keys.index("4")
