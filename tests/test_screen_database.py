"""Screen 6, through its keys."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from loom_tui.plan.sources.postgres import PostgresSource, Query
from loom_tui.room.fold import fold
from loom_tui.room.snapshot import Observations, Snapshot
from loom_tui.screens.query_chart import QueryChart
from loom_tui.widgets.lines import Ink
from tests.moments import silenced
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

FIRST, LAST, SESSIONS = "#query-0", "#query-2", "#sessions"
LOST = "PostgreSQL: connection refused"


def with_queries(*queries: Query) -> Snapshot:
    plan = sample_plan()
    source = plan.sources["db"]
    assert isinstance(source, PostgresSource)
    plan = replace(plan, sources={**plan.sources, "db": replace(source, queries=queries)})
    return fold(plan, sample_events(), sample_observations(), NOW)


def lost_snapshot() -> Snapshot:
    """The database has refused for minutes."""
    return fold(sample_plan(), sample_events(), silenced(sample_observations(), "db", why=LOST), NOW)


async def test_each_query_has_its_figures_its_gain_and_its_verdict_with_the_samples() -> None:
    async with open_room(ok_snapshot(), key="6") as room:
        top = room.text(FIRST).split("\n")[0]
        assert "p50 7.9  p95 8.2  p99 8.2 ms  12×  ● p95 of 180 samples" in top
        assert "▲ p95 of 180 samples is over 10 ms" in room.text(LAST).split("\n")[0]
        text = room.text(FIRST)
        assert "◆ migration" in text
        assert "100 ms" in text
        assert "10 ms" in text
        assert "41 of 200 sessions" in room.text(SESSIONS)


async def test_a_narrow_pane_has_the_95th_percentile_alone() -> None:
    async with open_room(ok_snapshot(), key="6", size=(100, 40)) as room:
        top = room.text(FIRST).split("\n")[0]
        assert "p95 8.2 ms" in top
        assert "p50" not in top


async def test_plus_and_minus_choose_the_window_and_stop_at_its_ends() -> None:
    async with open_room(ok_snapshot(), key="6") as room:
        await room.press("plus")
        assert "The last 1 h" in room.news
        await room.press("plus", "plus", "plus", "plus", "plus")
        assert "The last 7 d" in room.news
        await room.press("minus", "minus", "minus", "minus", "minus", "minus")
        assert "The last 5 m" in room.news
        assert room.windows[:2] == [3600.0, 21_600.0]
        assert room.windows[-1] == 300.0
        assert max(room.windows) == 604_800.0
        assert room.app.screen.query_one(FIRST, QueryChart).window_s == 300.0


async def test_r_asks_the_database() -> None:
    async with open_room(ok_snapshot(), key="6") as room:
        await room.press("tab", "r")
        assert room.asked == [("poll", "db")]


async def test_keys_without_anything_to_do_here_say_so() -> None:
    async with open_room(ok_snapshot(), key="6") as room:
        await room.press("y")
        assert "Nothing is selected" in room.news


async def test_a_database_that_refuses_keeps_its_charts_greyed_with_the_reason() -> None:
    async with open_room(lost_snapshot(), key="6") as room:
        assert room.inks(FIRST, "p95 8.2") == {Ink.FAINT}
        assert Ink.ACCENT not in {span.ink for line in room.lines(LAST)[1:-1] for span in line}
        assert "◌ stale" in room.text(FIRST)
        assert LOST in room.text(SESSIONS)
        assert "db  stale 7 m" in room.text(SESSIONS)
        assert room.inks(SESSIONS, "41") == {Ink.FAINT}


async def test_without_a_collector_that_is_the_reason() -> None:
    async with open_room(stale_snapshot(), key="6") as room:
        assert "Stale 18 m: the collector went silent" in room.text(SESSIONS)


async def test_never_read_and_nothing_executed_are_said_in_other_words() -> None:
    async with open_room(unknown_snapshot(), key="6") as room:
        assert "Never read: no collector has run yet" in room.text(FIRST)
        assert "p95 –" in room.text(FIRST)
        await room.show(fold(sample_plan(), (), replace(sample_observations(), series={}), NOW))
        assert "No executions in this window." in room.text(FIRST)
        assert "0 of" in room.text(FIRST)


async def test_a_query_without_a_target_has_no_verdict() -> None:
    async with open_room(with_queries(Query(name="dashboard", sql="select 1")), key="6") as room:
        assert "◌ the plan sets no target" in room.text(FIRST)


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 10)])
async def test_as_many_queries_as_the_plan_names_have_a_pane(size: tuple[int, int]) -> None:
    many = tuple(Query(name=f"q{number}", sql="select 1") for number in range(12))
    async with open_room(with_queries(*many), key="6", size=size) as room:
        assert len(room.app.screen.query(QueryChart)) == 12


async def test_a_query_that_the_plan_gains_or_loses_gains_or_loses_its_chart() -> None:
    async with open_room(bare_snapshot(), key="6") as room:
        assert "No database in the plan." in room.text(SESSIONS)
        await room.show(ok_snapshot())
        await room.pilot.pause()
        assert len(room.app.screen.query(QueryChart)) == 3
        assert "user statistics" in room.text(LAST)
        await room.show(with_queries(Query(name="dashboard", sql="select 1")))
        await room.pilot.pause()
        assert len(room.app.screen.query(QueryChart)) == 1


async def test_a_plan_without_a_database_says_how_to_get_one() -> None:
    async with open_room(fold(replace(sample_plan(), sources={}), (), Observations(), NOW), key="6") as room:
        assert "No database in the plan." in room.text(SESSIONS)
        await room.press("plus", "minus", "r", "y", "slash", "tab")
