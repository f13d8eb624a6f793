"""Screen 3, through its keys."""

from __future__ import annotations

from msgspec.structs import replace

from loom_tui.plan.model import About, Issue, Phase, Plan
from loom_tui.room.fold import fold
from loom_tui.room.snapshot import Observations, Snapshot
from loom_tui.screens.timeline import Gantt, TimelineScreen
from loom_tui.screens.timeline_rows import entries_of, standup_time
from tests.rooms import open_room, widths_of
from tests.samples import (
    NOW,
    bare_snapshot,
    ok_snapshot,
    sample_events,
    sample_observations,
    sample_plan,
    unknown_snapshot,
)

GANTT, CHOSEN = "#timeline-gantt", "#timeline-chosen"


def row_of(text: str, words: str) -> str:
    return next(line for line in text.split("\n") if words in line)


async def test_it_shows_milestones_phases_with_their_issues_and_marks() -> None:
    async with open_room(ok_snapshot(), key="3") as room:
        text = room.text(GANTT)
        order = [
            "Go/No-Go",
            "Quality Assurance",
            "#147 Smoke Testing",
            "Post-Deployment",
            "In no phase",
            "deploy v1.7.0",
        ]
        places = [text.index(words) for words in order]
        assert places == sorted(places)
        assert "▼" in text
        assert "─ planned" in text


async def test_late_work_says_by_how_much() -> None:
    async with open_room(ok_snapshot(), key="3") as room:
        assert row_of(room.text(GANTT), "#147 Smoke").rstrip(" │").endswith("+17 h 23 m")


async def test_plus_comes_nearer_to_the_hours_and_minus_goes_back_to_weeks() -> None:
    async with open_room(ok_snapshot(), key="3") as room:
        assert "Timeline  days" in room.text(GANTT)
        await room.press("plus", "plus")
        assert "Timeline  hours" in room.text(GANTT)
        assert "09  11  13  15" in room.text(GANTT)
        await room.press("minus", "minus", "minus", "minus", "minus", "minus", "minus")
        assert "Timeline  weeks" in room.text(GANTT)
        await room.press("f")
        assert "Timeline  days" in room.text(GANTT)


async def test_panning_moves_the_bars_and_leaves_the_labels() -> None:
    async with open_room(ok_snapshot(), key="3") as room:
        await room.press("plus", "plus")
        before = room.text(GANTT)
        await room.press("right")
        after = room.text(GANTT)
        assert before != after
        assert [line[:30] for line in before.split("\n")[4:20]] == [line[:30] for line in after.split("\n")[4:20]]
        await room.press("right", "right", "right")
        assert "▼" not in room.text(GANTT)
        await room.press("full_stop")
        assert "▼" in room.text(GANTT)


async def test_panning_stops_at_both_ends() -> None:
    async with open_room(ok_snapshot(), key="3") as room:
        gantt = room.app.screen.query_one(Gantt)
        await room.press("plus", "plus", *["left"] * 20)
        assert gantt.window is not None
        assert gantt.window.offset == 0
        await room.press(*["right"] * 30)
        assert gantt.days is not None
        assert gantt.window.offset + gantt.window.width == gantt.days.width


async def test_zooming_keeps_the_middle_of_what_is_seen() -> None:
    async with open_room(ok_snapshot(), key="3") as room:
        gantt = room.app.screen.query_one(Gantt)
        await room.press("plus", "plus", "right", "right")
        window, days = gantt.window, gantt.days
        assert window is not None
        assert days is not None
        middle = days.moment(window.offset + window.width // 2)
        await room.press("plus")
        window, days = gantt.window, gantt.days
        assert window is not None
        assert days is not None
        assert abs(days.column(middle) - (window.offset + window.width // 2)) <= 1


async def test_the_standup_is_marked_where_days_are_wide_enough() -> None:
    async with open_room(ok_snapshot(), key="3") as room:
        assert "standup" not in room.text(GANTT)
        await room.press("plus")
        assert "s standup" in room.text(GANTT)


def test_only_a_daily_conversation_with_a_time_is_a_standup() -> None:
    assert standup_time("Daily Standup", "10:00 AM") == (10, 0)
    assert standup_time("Stand-up", "9:05") == (9, 5)
    assert standup_time("Weekly review", "10:00") is None
    assert standup_time("Daily Standup", "mornings") is None


async def test_the_row_under_the_cursor_is_told_in_words() -> None:
    async with open_room(ok_snapshot(), key="3") as room:
        await room.press("j", "j", "j", "j", "j", "j", "j")
        text = room.text(CHOSEN)
        assert "#147 Smoke Testing" in text
        assert "planned     Mon 10 09:00 – Tue 11 17:00   actual 13:22–14:46   projected 14:46 – Wed 12 10:22" in text
        assert "late by 17 h 23 m" in text


async def test_a_milestone_that_all_is_done_for_was_not_reached_in_the_future() -> None:
    snapshot = ok_snapshot()
    ahead = replace(snapshot.milestones[0], reached=True, projected_at=NOW + 3600)
    past = replace(ahead, projected_at=NOW - 3600)
    for milestone, words in ((ahead, "reached ahead of its time"), (past, "reached 13:46")):
        async with open_room(replace(snapshot, milestones=(milestone, *snapshot.milestones[1:])), key="3") as room:
            await room.press("g")
            assert words in " ".join(room.text(CHOSEN).split())


async def test_enter_opens_an_issue_on_the_path_and_reads_of_anything_else() -> None:
    async with open_room(ok_snapshot(), key="3") as room:
        await room.press("enter")
        assert "Go/No-Go" in room.text("Page")
        await room.press("escape")
        assert isinstance(room.app.screen, TimelineScreen)
        await room.press("j", "j", "j", "j", "enter")
        assert room.app.current_mode == "path"
        assert "#145 Configure Sentry DSN" in room.text("#path-detail")


async def test_y_copies_an_issues_link() -> None:
    async with open_room(ok_snapshot(), key="3") as room:
        await room.press("j", "j", "j", "y")
        assert room.app.clipboard == "https://github.com/Tomerg91/Loom/issues/144"


async def test_the_filter_leaves_the_rows_that_match() -> None:
    async with open_room(ok_snapshot(), key="3") as room:
        await room.press("slash")
        await room.type("sentry")
        text = room.text(GANTT)
        assert "#145" in text
        assert "#147" not in text
        await room.press("escape")
        assert "#147" in room.text(GANTT)


async def test_a_plan_without_dates_still_lists_its_issues_and_says_what_is_missing() -> None:
    plan = Plan(plan=About(title="Friday"), issues=(Issue(id=1, title="Ship it"),))
    async with open_room(fold(plan, (), Observations(), NOW), key="3") as room:
        text = room.text(GANTT)
        assert "No dates" in text
        assert "#1 Ship it" in text
        await room.press("plus", "minus", "left", "right", "full_stop", "f")


async def test_an_empty_plan_says_how_to_get_a_timeline() -> None:
    async with open_room(bare_snapshot(), key="3") as room:
        assert "No timeline" in room.text(GANTT)
        await room.press("enter", "y", "j", "plus")


def hostile_snapshot() -> Snapshot:
    plan = sample_plan()
    title = "[/] [red]部署🚀\u202e\x1b[2J\n" + "x" * 10_000
    issues = tuple(replace(issue, title=title, owners=(title,)) for issue in plan.issues)
    phases = tuple(replace(phase, name=f"{index} {title}") for index, phase in enumerate(plan.phases))
    return fold(replace(plan, issues=issues, phases=phases), sample_events(), sample_observations(), NOW)


async def test_hostile_words_change_neither_widths_nor_lines() -> None:
    for size in ((120, 40), (80, 24), (40, 10)):
        async with open_room(hostile_snapshot(), key="3", size=size) as room:
            await room.press("j", "j", "j", "plus", "right")
            for selector in (GANTT, CHOSEN):
                widget = room.app.screen.query_one(selector)
                lines = list(widget.paint(*widget.size))  # type: ignore[attr-defined]
                assert widths_of(lines) <= {widget.size.width}
                assert not any(set("\n\x1b\u202e") & set(span.text) for line in lines for span in line)


async def test_ascii_alone_is_enough() -> None:
    async with open_room(unknown_snapshot(), key="3", ascii_only=True, size=(80, 24)) as room:
        strips = [room.app.screen.query_one(Gantt).render_line(y).text for y in range(10)]
        assert all(strip.isascii() for strip in strips)
        assert any("~" in strip for strip in strips)


async def test_a_new_reading_does_not_list_the_rows_anew() -> None:
    snapshot = ok_snapshot()
    async with open_room(snapshot, key="3") as room:
        gantt = room.app.screen.query_one(Gantt)
        await room.press("j", "j", "j")
        keys = gantt.keys()
        await room.show(replace(snapshot, now=NOW + 1))
        assert gantt.keys() is keys
        assert gantt.cursor == "i:144"


def test_an_issue_that_two_phases_name_is_listed_once() -> None:
    plan = sample_plan()
    twice = replace(plan, phases=(*plan.phases, Phase(name="Again", first_day=5, last_day=5, issues=(147, 999))))
    keys = [entry.key for entry in entries_of(fold(twice, (), Observations(), NOW))]
    assert keys.count("i:147") == 1
    assert len(keys) == len(set(keys))
