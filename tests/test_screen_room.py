"""Screen 1, through its keys and at its three sizes."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from loom_tui.plan.model import Status
from loom_tui.room.errors import ErrorIssue, Listing
from loom_tui.room.events import Event, IssueStatusSet
from loom_tui.room.fold import fold
from loom_tui.room.signals import State
from loom_tui.room.snapshot import Snapshot
from loom_tui.screens.glance.risks import risks_lines
from loom_tui.screens.path import PathScreen
from loom_tui.widgets.lines import Ink
from loom_tui.widgets.text import Pen
from tests.moments import REFUSED, calm_snapshot, degraded_snapshot
from tests.rooms import open_room, text_of
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

LINK = "https://github.com/Tomerg91/Loom/issues/"


def with_errors(*issues: ErrorIssue) -> Snapshot:
    observed = sample_observations()
    stored = observed.latest["sentry.issues"]
    body = msgspec.json.encode(Listing(issues=issues))
    stored = replace(stored, reading=replace(stored.reading, body=body))
    latest = {**observed.latest, "sentry.issues": stored}
    return fold(sample_plan(), sample_events(), replace(observed, latest=latest), NOW)


async def test_it_shows_path_gate_errors_database_service_timeline_risks_and_events() -> None:
    async with open_room(ok_snapshot(), key="1") as room:
        assert "3 of 4 done" in room.text("#critical")
        assert "HOLD" in room.text("#gate")
        assert "TypeError: session is n…" in room.text("#errors")
        assert "12.3 ms  ≤ 10  20×  ▲ over" in room.text("#database")
        assert "✖ storage  answered 503" in room.text("#service")
        assert "launched 12:46" in room.text("#timeline")
        assert "▲ Database performance degraded" in room.text("#risks")
        assert "14:41  bo        ticked #147 · Sign-in with MFA" in room.text("#events")


async def test_what_is_next_is_no_task_of_an_issue_that_is_done() -> None:
    done = Event(seq=12, at=NOW - 60, actor="bo", payload=IssueStatusSet(issue=147, status=Status.DONE), hash="c" * 64)
    snapshot = fold(sample_plan(), (*sample_events(), done), sample_observations(), NOW)
    assert any(not task.done for view in snapshot.issues for task in view.tasks if view.issue.id == 147)
    async with open_room(snapshot, key="1") as room:
        assert "4 of 4 done" in room.text("#critical")
        assert "next nothing to tick" in room.text("#critical")


def test_risks_that_do_not_fit_are_counted_and_it_is_said_where_they_stand() -> None:
    snapshot = ok_snapshot()
    drawn = risks_lines(snapshot, Pen(), 60, 2)
    assert text_of(drawn[-1:]).strip() == f"and {len(snapshot.risks) - 1} more on screen 4"


async def test_a_service_that_fails_with_a_long_sentence_keeps_its_sign_and_name() -> None:
    why = "Storage cannot be reached: no connection to its address"
    observed = sample_observations()
    failed = observed.latest["app.storage"]
    failed = replace(failed, reading=replace(failed.reading, state=State.UNKNOWN, detail=why))
    latest = {**observed.latest, "app.storage": failed}
    snapshot = fold(sample_plan(), sample_events(), replace(observed, latest=latest), NOW)
    async with open_room(snapshot, key="1") as room:
        assert "◌ storage Storage cann…" in room.text("#service")


async def test_a_healthy_room_wears_no_warning_but_the_gates() -> None:
    async with open_room(calm_snapshot(), key="1") as room:
        panes = ("#critical", "#errors", "#database", "#service", "#risks", "#events", "NewsLine")
        inks = {span.ink for pane in panes for line in room.lines(pane) for span in line if span.text != "◐"}
        assert not inks & {Ink.WARN, Ink.BAD}


async def test_enter_opens_the_issue_on_the_path() -> None:
    async with open_room(ok_snapshot(), key="1") as room:
        await room.press("G", "enter")
        assert isinstance(room.app.screen, PathScreen)
        assert "#147 Smoke Testing" in room.text("#path-detail")


async def test_y_copies_the_issues_link() -> None:
    async with open_room(ok_snapshot(), key="1") as room:
        await room.press("j", "y")
        assert room.app.clipboard == f"{LINK}145"
        assert f"Copied {LINK}145" in room.news


@pytest.mark.parametrize(("tabs", "source"), [(2, "sentry"), (3, "db"), (4, "app")])
async def test_r_asks_the_source_of_the_pane_that_has_the_focus(tabs: int, source: str) -> None:
    async with open_room(ok_snapshot(), key="1") as room:
        await room.press(*["tab"] * tabs, "r")
        assert room.asked == [("poll", source)]


async def test_r_on_a_pane_without_a_source_asks_them_all() -> None:
    async with open_room(ok_snapshot(), key="1") as room:
        await room.press("r")
        assert room.asked == [("poll", "app"), ("poll", "db"), ("poll", "sentry")]
        assert "Asking app, db, sentry" in room.news


async def test_a_source_that_fell_silent_keeps_its_figures_greyed_with_the_reason() -> None:
    async with open_room(degraded_snapshot(), key="1") as room:
        text = room.text("#errors")
        assert "Sentry  stale 7 m" in text
        assert "Stale 7 m: 401" in text
        assert room.inks("#errors", "TypeError") == {Ink.FAINT}
        assert room.inks("#errors", "▲") == {Ink.FAINT}
        assert room.inks("#database", "12.3 ms") == {Ink.INK}
        assert f"Sentry is silent: {REFUSED}" in room.news
        assert "feeds 2 of 3 live" in room.news


async def test_without_a_collector_every_figure_is_grey_and_every_pane_says_why() -> None:
    async with open_room(stale_snapshot(), key="1") as room:
        for pane in ("#errors", "#database"):
            assert "Stale 18 m: the collector went silent" in room.text(pane)
        assert "collector went silent" in room.text("#service")
        assert room.inks("#database", "8.2 ms") == {Ink.FAINT}
        assert room.inks("#database", "p95") == {Ink.FAINT}
        assert room.inks("#service", "stale") <= {Ink.FAINT, Ink.WARN}
        assert "met" not in room.text("#database")
        assert "●" not in room.text("#service")


async def test_no_errors_and_no_telemetry_are_said_in_other_words() -> None:
    async with open_room(with_errors(), key="1") as room:
        assert "No errors in the feed." in room.text("#errors")
        await room.show(unknown_snapshot())
        assert "No errors" not in room.text("#errors")
        assert "Never read: no collector has run yet" in room.text("#errors")
        assert "Never read: no collector has run yet" in room.text("#database")
        await room.show(bare_snapshot())
        for pane, table in (("#errors", "sentry"), ("#database", "postgres"), ("#service", "http")):
            assert f'kind = "{table}"' in room.text(pane)


async def test_a_silent_feed_without_rows_never_says_that_there_are_no_errors() -> None:
    empty = with_errors()
    async with open_room(replace(empty, errors=stale_snapshot().errors), key="1") as room:
        later = fold(sample_plan(), sample_events(), sample_observations(now=NOW - 900), NOW)
        errors = replace(later.errors[0], issues=())
        await room.show(replace(later, errors=(errors,)))
        assert "No errors" not in room.text("#errors")
        assert "Stale 16 m" in room.text("#errors")


async def test_a_fatal_error_is_red_here_as_in_the_feed() -> None:
    async with open_room(ok_snapshot(), key="1") as room:
        assert room.inks("#errors", "✖") == {Ink.BAD}


async def test_in_80x24_the_gate_comes_first_and_each_of_the_rest_has_a_line() -> None:
    async with open_room(degraded_snapshot(), key="1", size=(80, 24)) as room:
        lines = room.text("#compact").split("\n")
        assert "All critical path issues complete" in lines[1]
        firsts = [line.strip("│ ").split(" ")[0] for line in lines]
        assert [word for word in firsts if word in {"path", "errors", "database", "service", "timeline", "risks"}] == [
            "path",
            "errors",
            "database",
            "service",
            "timeline",
            "risks",
        ]


async def test_in_80x24_keys_do_nothing_to_lists_that_are_not_seen() -> None:
    async with open_room(ok_snapshot(), key="1", size=(80, 24)) as room:
        await room.press("j", "enter")
        assert room.app.current_mode == "room"
        await room.press("slash")
        assert "no list to filter" in room.news
        await room.press("y")
        assert "Nothing is selected" in room.news
        assert room.app.clipboard == ""


@pytest.mark.parametrize("size", [(40, 10), (69, 24), (80, 19), (20, 5), (1, 1)])
async def test_below_its_smallest_size_it_still_shows_the_gate(size: tuple[int, int]) -> None:
    async with open_room(degraded_snapshot(), key="1", size=size) as room:
        if size[1] >= 10:
            assert "HOLD" in room.text("#tiny")
            assert "Widen to 80x24" in room.text("#tiny")
        if size[0] >= 20:
            assert "HOLD" in room.text("#header")


async def test_it_changes_its_form_when_the_terminal_does() -> None:
    async with open_room(ok_snapshot(), key="1") as room:
        for size, form in (
            ((80, 24), "compact"),
            ((40, 10), "tiny"),
            ((120, 40), "critical"),
            ((80, 24), "compact"),
        ) * 2:
            await room.pilot.resize_terminal(*size)
            await room.pilot.pause()
            seen = [each for each in room.app.screen.query("#critical, #compact, #tiny") if each.display]
            assert [each.id for each in seen] == [form]
            assert "HOLD" in room.text(f"#{form}") or form == "critical"
        await room.pilot.resize_terminal(120, 40)
        await room.pilot.pause()
        assert room.app.screen.query_one("#critical").has_focus
        await room.press("tab", "y")
        assert room.app.clipboard or "Nothing is selected" in room.news


async def test_the_filter_narrows_the_path_and_esc_shows_all() -> None:
    async with open_room(ok_snapshot(), key="1") as room:
        await room.press("slash")
        await room.type("146")
        assert room.text("#critical").count("#14") == 1
        await room.press("escape")
        assert room.text("#critical").count("#14") == 4
