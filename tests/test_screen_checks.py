"""Screen 7, through its keys: every check with its last result, its age, its history; its steps; what is asked."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from loom_tui.plan.sources.http import HttpSource
from loom_tui.room.checks import CheckResult, Run, Step, encode_result
from loom_tui.room.fold import fold
from loom_tui.room.signals import PollerReport, Reading, State, Stored
from loom_tui.room.snapshot import Observations, Snapshot
from tests.rooms import Room, open_room, text_of, widths_of
from tests.samples import NOW, bare_snapshot, sample_events, sample_observations, sample_plan, stale_snapshot

LIST, DETAIL = "#checks-list", "#check-detail"
FOREIGN = "[/bold] \u202e\x1b[31m 漢字 👩‍🚒 \x07" + "x" * 10_000
BOOKING = (
    Step(name="sign in", state=State.OK, sent="POST /token", got="200", duration_ms=212.0),
    Step(
        name="book",
        state=State.BAD,
        detail="answered 409, expected 201",
        sent='POST /bookings\n{"slot": 4711}',
        got="409\ttaken",
    ),
)


def checks_snapshot(*, now: float = NOW, foreign: str = "") -> Snapshot:
    """Sample sources, three workflows run by hand and a scan that is under way."""

    def by_hand(label: str, group: str = "critical workflows") -> HttpSource:
        return HttpSource(url="https://loom.example/", label=label, group=group, interval_s=0)

    plan = sample_plan()
    sources = {
        **plan.sources,
        "registration": by_hand(f"User registration{foreign}"),
        "booking": by_hand("Client booking"),
        "onboarding": by_hand("Coach onboarding"),
        "secrets": by_hand("No credentials in the code", f"secrets{foreign}"),
    }
    seen = sample_observations(now=NOW)
    latest = dict(seen.latest)
    result = CheckResult(duration_ms=2100, steps=(*BOOKING, Step(name=f"pay{foreign}", state=State.OK, got=foreign)))
    for name, state, detail, age_s in (
        ("registration", State.OK, "", 7200.0),
        ("booking", State.BAD, f"409 at step 2{foreign}", 100.0),
    ):
        at = NOW - age_s
        body = encode_result(result) if name == "booking" else b""
        reading = Reading(signal=name, observed_at=at, state=state, detail=detail, body=body, environment="production")
        latest[name] = Stored(reading=reading, recorded_at=at)
    report = PollerReport(asking_since=NOW - 12, progress=f"312 of 1,500 files{foreign}")
    feed = Reading(signal="feed.secrets", observed_at=NOW, body=msgspec.json.encode(report))
    latest["feed.secrets"] = Stored(reading=feed, recorded_at=NOW)
    marks = (State.OK, State.OK, State.UNKNOWN, State.BAD)
    history = {"booking": tuple(Run(observed_at=NOW - 400 + i * 100, state=state) for i, state in enumerate(marks))}
    collector = seen.collector
    observations = Observations(latest=latest, series=seen.series, history=history, collector=collector)
    return fold(replace(plan, sources=sources), sample_events(), observations, now)


async def choose(room: Room, check: str) -> None:
    from loom_tui.screens.checks import Checks

    room.app.screen.query_one(Checks).select(check)
    await room.pilot.pause()


def row(room: Room, word: str) -> list[str]:
    return next(line for line in room.text(LIST).split("\n") if word in line).strip("│ ").split("  ")


def words(room: Room, word: str) -> list[str]:
    return [part.strip() for part in row(room, word) if part.strip()]


async def test_all_checks_stand_under_their_groups_with_result_age_duration_and_history():
    async with open_room(checks_snapshot(), key="7") as room:
        text = room.text(LIST)
        assert words(room, "services") == ["services", "3 ok · 1 failed"]
        assert words(room, "critical workflows") == ["critical workflows", "1 failed · 2 unknown"]
        assert words(room, "storage") == ["✖ storage", "app.storage", "failed", "answered 503", "5 s"]
        assert words(room, "Client") == [
            "✖ Client booking",
            "booking",
            "failed",
            "409 at step 2",
            "2 m",
            "2.1 s",
            "●●◌✖",
        ]
        assert text.index("services") < text.index("performance") < text.index("errors") < text.index("critical")


async def test_what_nobody_knows_says_why():
    async with open_room(checks_snapshot(), key="7") as room:
        assert words(room, "onboarding") == ["◌ Coach onboarding", "onboarding", "never run", "r runs it", "never"]
        stale = words(room, "registration")
        assert stale == ["◌ User registration", "registration", "stale", "r runs it; was ok", "2 h"]
    async with open_room(stale_snapshot(), key="7", size=(160, 40)) as room:
        assert words(room, "health")[2:4] == ["stale", "the collector went silent; was ok"]


async def test_a_run_under_way_shows_how_long_and_how_far():
    async with open_room(checks_snapshot(), key="7") as room:
        assert "◐ No credentials in the code" in room.text(LIST)
        assert "running 15 s  312 of 1,500 files" in room.text(LIST)
        await room.show(checks_snapshot(now=NOW + 30))
        assert "running 45 s" in room.text(LIST)


async def test_enter_opens_the_steps_with_what_was_sent_and_got_and_esc_goes_back():
    async with open_room(checks_snapshot(), key="7", size=(80, 24)) as room:
        await choose(room, "booking")
        await room.press("enter")
        text = room.text(DETAIL)
        assert "✖ 2 book  answered 409, expected 201" in text
        assert "sent POST /bookings\n" in text.replace("│", "").replace("  ", "").replace(" \n", "\n")
        assert '{"slot": 4711}' in text
        assert "got  409 taken" in text
        assert "Last runs" in text
        await room.press("escape")
        assert room.app.focused is not None
        assert room.app.focused.id == "checks-list"


async def test_the_detail_stays_where_it_was_read_when_news_come_in():
    async with open_room(checks_snapshot(), key="7") as room:
        await choose(room, "booking")
        await room.press("enter", "j", "j", "j")
        before = room.text(DETAIL)
        await room.show(checks_snapshot(now=NOW + 1))
        assert room.text(DETAIL).split("\n")[5:] == before.split("\n")[5:]


@pytest.mark.parametrize(
    ("check", "keys", "asked"),
    [
        ("app.storage", ["r"], ["app"]),
        ("booking", ["r"], ["booking"]),
        ("booking", ["ctrl+r"], ["registration", "booking", "onboarding"]),
        ("group critical workflows", ["r"], ["registration", "booking", "onboarding"]),
        ("app.auth", ["ctrl+r"], ["app"]),
        ("booking", ["enter", "r"], ["booking"]),
    ],
)
async def test_r_runs_one_and_ctrl_r_its_group(check, keys, asked):
    async with open_room(checks_snapshot(), key="7") as room:
        await choose(room, check)
        await room.press(*keys)
        assert room.asked == [("poll", name) for name in asked]


async def test_a_read_only_room_runs_nothing():
    async with open_room(checks_snapshot(), key="7", read_only=True) as room:
        await room.press("ctrl+r")
        assert room.asked == []
        assert "read-only" in room.text("NewsLine")


async def test_a_filter_keeps_the_heads_of_what_it_finds():
    async with open_room(checks_snapshot(), key="7") as room:
        await room.press("slash")
        await room.type("failed")
        shown = [line.strip("│ ").split()[0:2] for line in room.text(LIST).splitlines()[2:-1] if line.strip("│ ")]
        assert shown == [["services", "3"], ["✖", "storage"], ["critical", "workflows"], ["✖", "Client"]]
        await room.press("escape")
        assert "Coach onboarding" in room.text(LIST)


async def test_a_plan_without_checks_says_how_to_get_some():
    async with open_room(bare_snapshot(), key="7") as room:
        assert "[sources.NAME]" in room.text(LIST)
        await room.press("r", "ctrl+r", "enter", "y")
        assert room.asked == []


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (70, 20)])
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_hostile_text_stays_text_at_every_size(size, ascii_only):
    async with open_room(checks_snapshot(foreign=FOREIGN), key="7", size=size, ascii_only=ascii_only) as room:
        await choose(room, "booking")
        await room.press("enter", "G", "g")
        for selector in (LIST, DETAIL):
            widget = room.app.screen.query_one(selector)
            if widget.size.width:
                lines = widget.paint(*widget.size)  # type: ignore[attr-defined]
                assert widths_of(lines) == {widget.size.width}
                assert not {"\x1b", "\x07", "\u202e"} & set(text_of(lines))


async def test_a_pane_that_lost_the_focus_shows_it_at_once():
    async with open_room(checks_snapshot(), key="7") as room:
        await room.press("j", "enter")
        edge = next(iter(room.app.screen.query_one(LIST)._drawn))  # type: ignore[attr-defined]
        assert "accent" not in {span.ink for span in edge}
