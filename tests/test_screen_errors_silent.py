"""Screen 5 where there is nothing to show, or nobody who tells: two different things."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from loom_tui.room.errors import ErrorIssue, Listing
from loom_tui.room.fold import fold
from loom_tui.room.signals import State
from loom_tui.room.snapshot import Snapshot
from loom_tui.widgets.lines import Ink
from tests.moments import REFUSED, degraded_snapshot, silenced
from tests.rooms import open_room
from tests.samples import (
    NOW,
    ok_snapshot,
    sample_errors,
    sample_events,
    sample_observations,
    sample_plan,
    stale_snapshot,
    unknown_snapshot,
)

RATE, FEED, DETAIL = "#rate", "#feed", "#error-detail"


def with_issues(issues: tuple[ErrorIssue, ...], *, silent: bool = False) -> Snapshot:
    observed = sample_observations()
    stored = observed.latest["sentry.issues"]
    stored = replace(stored, reading=replace(stored.reading, body=msgspec.json.encode(Listing(issues=issues))))
    observed = replace(observed, latest={**observed.latest, "sentry.issues": stored})
    if silent:
        observed = silenced(observed, "sentry", why=REFUSED)
    return fold(sample_plan(), sample_events(), observed, NOW)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_the_feed_has_the_focus_and_lists_new_errors_first(size: tuple[int, int]) -> None:
    async with open_room(ok_snapshot(), key="5", size=size) as room:
        assert room.focused == "feed"
        order = [line.split()[2] for line in room.text(FEED).split("\n")[2:6]]
        assert order == ["new", "regressed", "ongoing", "ongoing"]


async def test_no_errors_says_since_when_and_who_was_asked() -> None:
    async with open_room(with_issues(()), key="5") as room:
        assert "No errors since the deploy 2 h ago. Asked 5 s ago." in room.text(FEED)


async def test_a_feed_that_was_never_read_draws_no_axis_of_zero_errors() -> None:
    async with open_room(unknown_snapshot(), key="5") as room:
        assert "Never read: no collector has run yet" in room.text(RATE)
        assert "Unknown: never read: no collector has run yet" in room.text(FEED)
        assert "No errors" not in room.text(FEED)


async def test_a_silent_feed_keeps_its_rows_greyed_with_the_reason() -> None:
    async with open_room(degraded_snapshot(), key="5") as room:
        assert "Sentry  stale 7 m" in room.text(RATE)
        assert f"Stale 7 m: {REFUSED}" in room.text(FEED)
        for words in ("TypeError", "RLS denied", "▲", "✖"):
            assert room.inks(FEED, words) == {Ink.FAINT}
        await room.show(ok_snapshot())
        assert "Stale" not in room.text(FEED)
        assert room.inks(FEED, "✖") == {Ink.BAD}


async def test_a_silent_feed_without_rows_is_unknown() -> None:
    async with open_room(with_issues((), silent=True), key="5") as room:
        assert f"Unknown: stale 7 m: {REFUSED}" in room.text(FEED)
        assert "No errors" not in room.text(FEED)


async def test_another_versions_feed_is_unknown_in_a_sentence() -> None:
    observed = sample_observations()
    stored = observed.latest["sentry.issues"]
    for body in (b"<html>", b'[{"id": 7}]', b'[{"id": "1", "short_id"', b"null"):
        torn = replace(stored, reading=replace(stored.reading, body=body, state=State.OK))
        latest = {**observed.latest, "sentry.issues": torn}
        snapshot = fold(sample_plan(), sample_events(), replace(observed, latest=latest), NOW)
        async with open_room(snapshot, key="5") as room:
            assert "Unknown: written by another version of Loom" in room.text(FEED)


async def test_two_hundred_errors_scroll() -> None:
    many = tuple(replace(sample_errors()[0], id=str(number), title=f"Error {number}") for number in range(200))
    async with open_room(with_issues(many), key="5", size=(80, 24)) as room:
        await room.press("G")
        assert "Error 199" in room.text(FEED)
        assert "Error 199" in room.text(DETAIL)
        await room.press("ctrl+u", "g")
        assert "Error 0 " in room.text(FEED)


async def test_the_collectors_silence_is_the_reason_where_nobody_asks() -> None:
    async with open_room(stale_snapshot(), key="5") as room:
        assert "Stale 18 m: the collector went silent" in room.text(FEED)
