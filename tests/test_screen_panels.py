"""The feeds' panel and the plan's, through their keys, from any screen."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from loom_tui.plan.model import Note, Plan, Reference
from loom_tui.plan.sources.http import HttpSource
from loom_tui.room.fold import fold
from loom_tui.room.signals import Health, PollerReport, Reading, Stored
from loom_tui.room.snapshot import Observations, Snapshot
from tests.rooms import open_room, text_of, widths_of
from tests.samples import NOW, bare_snapshot, ok_snapshot, sample_observations, sample_plan, stale_snapshot

FOREIGN = "[/bold] \u202e\x1b[31m 漢字 \x07" + "x" * 10_000
REFUSED = "Sentry refused the credential (401): it needs a token with event:read and project:read"


def feeds_snapshot(*, foreign: str = "", **report: object) -> Snapshot:
    """A room in which Sentry refuses, with a limit and a clock that is behind; one source is asked on demand."""
    plan = sample_plan()
    by_hand = HttpSource(url="https://loom.example/", label=f"Client booking{foreign}", interval_s=0)
    plan = replace(plan, sources={**plan.sources, "booking": by_hand})
    seen = sample_observations()
    health = Health(calls=1240, size_bytes=812_400, remaining=3, limit=40, resets_at=NOW + 100, skew_s=-7.2)
    told = PollerReport(
        last_success_at=NOW - 300, next_try_at=NOW + 40, failures=3, why=REFUSED + foreign, health=health
    )
    told = replace(told, **report)
    reading = Reading(signal="feed.sentry", observed_at=NOW, body=msgspec.json.encode(told))
    latest = {**seen.latest, "feed.sentry": Stored(reading=reading, recorded_at=NOW)}
    return fold(plan, (), Observations(latest=latest, collector=seen.collector), NOW)


def words(text: str, needle: str) -> list[str]:
    line = next(line for line in text.split("\n") if needle in line)
    return [part.strip() for part in line.strip("│ ").split("  ") if part.strip()]


async def test_each_feed_tells_its_state_its_tries_its_cost_and_what_its_limit_leaves():
    async with open_room(feeds_snapshot(), key="4") as room:
        await room.press("F")
        text = room.text("Feeds")
        assert words(text, "▲ Sentry") == ["▲ Sentry", "silent", "5 m", "in 45 s", "3×", "1,240", "812 kB", "3/40"]
        assert words(text, "● health")[:4] == ["● health", "live", "5 s", "in 15 s"]
        assert words(text, "Client booking")[:4] == ["○ Client booking", "on demand", "never", "–"]
        assert "asked every 15 s by ana@bastion" in text


async def test_in_a_small_terminal_the_feeds_are_counted_too():
    async with open_room(feeds_snapshot(), key="4", size=(80, 24)) as room:
        await room.press("F")
        assert "feeds 2 of 3 live · 1 on demand  esc closes" in room.text("Feeds")


async def test_a_feed_that_failed_just_now_is_failing_and_not_live():
    async with open_room(feeds_snapshot(last_success_at=NOW - 5, failures=1), key="4") as room:
        await room.press("F")
        assert words(room.text("Feeds"), "▲ Sentry")[:2] == ["▲ Sentry", "failing"]
        assert "feeds 2 of 3 live · 1 on demand" in room.text("Feeds")


async def test_the_chosen_feed_tells_why_it_is_silent_and_what_is_odd_about_it():
    async with open_room(feeds_snapshot(), key="1") as room:
        await room.press("F", "j", "j")
        text = " ".join(room.text("Feeds").replace("│", " ").split())
        assert REFUSED in text
        assert "its limit is reset in 2 m" in text
        assert "its clock is 7 s behind ours" in text
        assert "3 failures in a row" in text


async def test_the_panel_goes_on_living_and_esc_closes_it():
    async with open_room(feeds_snapshot(), key="1") as room:
        await room.press("F")
        assert "feeds 2 of 3 live" in room.text("Feeds")
        await room.show(stale_snapshot())
        assert "no collector" in room.text("Feeds")
        await room.press("escape")
        assert not room.app.screen.query("Feeds")


async def test_r_asks_the_feed_under_the_cursor():
    async with open_room(feeds_snapshot(), key="1") as room:
        await room.press("F", "r", "j", "j", "r", "g", "G", "r")
        assert room.asked == [("poll", "app"), ("poll", "sentry"), ("poll", "booking")]


async def test_a_plan_that_asks_nothing_says_how_to_ask():
    async with open_room(bare_snapshot(), key="1") as room:
        await room.press("F", "r", "j")
        assert "[sources.NAME]" in room.text("Feeds")
        assert room.asked == []


def worded_plan() -> Plan:
    return replace(
        sample_plan(),
        references=(Reference(name="Runbook", text="docs/runbook.md"),),
        notes=(Note(line=212, text="Ask legal about the cookie banner"),),
    )


async def test_the_plan_s_own_words_are_one_key_away():
    async with open_room(fold(worded_plan(), (), Observations(), NOW), key="6") as room:
        await room.press("P")
        text = room.text("Particulars")
        for part in ("environment     production", "last stable     v1.6.3", "Product Manager", "Daily Standup"):
            assert part in text
        await room.press("G")
        text = room.text("Particulars")
        assert "Runbook         docs/runbook.md" in text
        assert "line 212        Ask legal about the cookie banner" in text


async def test_the_plan_is_filtered_and_esc_first_clears_the_filter():
    async with open_room(fold(worded_plan(), (), Observations(), NOW), key="1") as room:
        await room.press("P", "slash")
        await room.type("legal")
        assert "cookie banner" in room.text("Particulars")
        assert "Runbook" not in room.text("Particulars")
        await room.press("escape")
        assert "Sprint 07" in room.text("Particulars")
        await room.press("escape")
        assert not room.app.screen.query("Particulars")


async def test_a_bare_plan_says_how_to_write_the_rest():
    async with open_room(bare_snapshot(), key="1") as room:
        await room.press("P")
        assert "[[stakeholders]] name" in room.text("Particulars")


@pytest.mark.parametrize(("word", "found"), [("legal", "Ask legal"), ("runbook", "Runbook"), ("standup", "Daily")])
async def test_the_palette_finds_notes_references_and_cadences(word, found):
    async with open_room(fold(worded_plan(), (), Observations(), NOW), key="1") as room:
        await room.press("colon", *word)
        assert found in room.text("Found")


@pytest.mark.parametrize(("word", "panel"), [("feeds", "Feeds"), ("particulars", "Particulars")])
async def test_the_palette_and_the_help_know_both_panels(word, panel):
    async with open_room(ok_snapshot(), key="1") as room:
        await room.press("question_mark")
        assert word in room.text("Page").casefold()
        await room.press("escape", "colon", *word, "enter")
        assert room.app.screen.query(panel)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (50, 12)])
async def test_hostile_text_stays_text(size):
    plan = replace(worded_plan(), notes=(Note(line=1, text=FOREIGN),), references=(Reference(name=FOREIGN),))
    for snapshot, key, panel in (
        (feeds_snapshot(foreign=FOREIGN), "F", "Feeds"),
        (fold(plan, (), Observations(), NOW), "P", "Particulars"),
    ):
        async with open_room(snapshot, key="1", size=size) as room:
            await room.press(key, "j", "j", "G")
            widget = room.app.screen.query_one(panel)
            lines = widget.paint(*widget.size)  # type: ignore[attr-defined]
            assert widths_of(lines) == {widget.size.width}
            assert not {"\x1b", "\x07", "\u202e"} & set(text_of(lines))
