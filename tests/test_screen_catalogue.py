"""Screen 6 where the catalogue tells everything: rows of queries, locks, statements, indexes, migrations, EXPLAIN."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from loom_tui.plan.model import Grade
from loom_tui.plan.sources.migrations import MigrationsSource
from loom_tui.room.database import (
    Activity,
    Explained,
    IndexUse,
    Migration,
    Other,
    Statement,
    Statements,
    Suspicion,
    Where,
)
from loom_tui.room.fold import fold
from loom_tui.room.mail import Reply
from loom_tui.room.signals import Reading, State, Stored
from loom_tui.room.snapshot import Snapshot
from loom_tui.screens.dialogs import Page
from tests.rooms import Room, open_room, text_of, widths_of
from tests.samples import (
    MIGRATED_AT,
    NOW,
    bare_snapshot,
    sample_events,
    sample_observations,
    sample_plan,
    stale_snapshot,
)

FOREIGN = "[/bold] \u202e\x1b[31m 漢字 👩‍🚒 \x07" + "x" * 10_000


def bodies(foreign: str = "") -> dict[str, object]:
    update = f"update account set owner = ?{foreign}"
    holder = Other(
        pid=12, user="app", application=f"web{foreign}", state="idle in transaction", text=update, transaction_s=95.0
    )
    waiter = Other(pid=11, user=f"app{foreign}", state="active", text=update, statement_s=12.0, blocked_by=(12, 0))
    return {
        "db.activity": Activity(
            by_state={"idle": 38, "active": 2, "idle in transaction": 1, f"x{foreign}": 1},
            locked=(waiter, holder),
            longest=(holder,),
        ),
        "db.statements": Statements(
            since=MIGRATED_AT,
            changed=True,
            total_ms=20_000,
            heaviest=(
                Statement(id="-7", text=f"select * from session{foreign}", calls=1204, total_ms=12_000, rows=9),
                Statement(id="8", text="select 1", calls=40, total_ms=316, rows=40, query="dashboard"),
                Statement(id="9", text="select state", calls=60, total_ms=60, rows=40, own=True),
            ),
        ),
        "db.indexes": (
            IndexUse(name=f"session_idx{foreign}", table="session", scans=2064),
            IndexUse(name="unused_idx", table=f"t{foreign}", scans=0),
            IndexUse(name="broken_idx", table="t", scans=3, valid=False),
            IndexUse(name="missing_idx"),
        ),
        "migrations.suspect": (
            Migration(version="4", name=f"pending{foreign}", where=Where.PENDING),
            Migration(version="3", name="foreign", where=Where.UNKNOWN, why="applied; no file of this repo"),
            Migration(
                version="2",
                name="phone",
                where=Where.APPLIED,
                suspicions=(Suspicion(line=3, what=f"drops column client.phone{foreign}"),),
            ),
            Migration(version="1", name="first", where=Where.CHANGED, why="the file is not what was applied"),
        ),
    }


def database_snapshot(*, foreign: str = "", unknown: Mapping[str, str] | None = None, **more: Any) -> Snapshot:
    """The sample's database, whose catalogue tells everything; `unknown` gives reasons by signal."""
    plan = sample_plan()
    migrations = MigrationsSource(directory="migrations", dsn="dbname=x", label=f"Migrations{foreign}")
    grades = (Grade(name="good", at_most=1), Grade(name="needs work"))
    plan = replace(plan, sources={**plan.sources, "migrations": migrations}, grades=grades, **more)
    seen = sample_observations()
    latest = dict(seen.latest)

    def keep(signal: str, **told: Any) -> None:
        reading = Reading(signal=signal, observed_at=NOW - 3, environment="production", release="v1.7.0", **told)
        latest[signal] = Stored(reading=reading, recorded_at=NOW - 3)

    for signal, body in bodies(foreign).items():
        keep(signal, body=msgspec.json.encode(body), value=1.0)
    keep("db.cache_hits", value=99.27)
    keep("db.lag_s", value=0.2, detail=f"1 replica{foreign}")
    keep("db.dashboard.mean_ms", value=7.9)
    keep("db.dashboard.calls", value=1204.0)
    keep("migrations", state=State.BAD, detail=f"1 pending; 1 unknown to the repo{foreign}")
    for signal, why in (unknown or {}).items():
        keep(signal, state=State.UNKNOWN, detail=why)
    return fold(plan, sample_events(), replace(seen, latest=latest), NOW)


def page(room: Room) -> str:
    return text_of(room.app.screen.query_one(Page).paint(98, 30))


async def test_all_that_is_known_of_a_database_is_seen_at_once():
    async with open_room(database_snapshot(), key="6") as room:
        chart = room.text("#query-0")
        assert "dashboard" in chart
        assert "● good: p95 of" in chart
        assert "mean 7.9 ms of 1,204 calls" in chart
        assert "◆ migration" in chart
        assert "▲ needs work: p95 of" in room.text("#query-2")
        sessions = room.text("#sessions")
        assert "41 of 200 sessions" in sessions
        assert "idle in transaction 1" in sessions
        assert "cache hits 99.3 %" in sessions
        assert "lag 0.2 s  1 replica" in sessions
        assert "▲ 11 app waits 15 s for 12 web, idle in" in sessions
        heaviest = room.text("#heaviest")
        assert "since 14:36" in heaviest
        assert "12 s" not in heaviest.split("\n")[1]
        assert "12 s  60 %     1,204    10.0 ms select * from session" in heaviest
        assert "dashboard: select 1" in heaviest
        assert "loom: select state" in heaviest
        indexes = room.text("#indexes")
        assert [line.split()[-3] for line in indexes.split("\n")[1:3]] == ["2,064", "0"]
        assert "✖ broken_idx" in indexes
        assert "○ missing_idx" in indexes
        migrations = room.text("#migrations")
        assert "✖ 1 pending; 1 unknown to" in migrations
        assert "▲ 1  applied" in migrations


async def test_in_a_small_terminal_every_query_is_seen_with_the_rest():
    async with open_room(database_snapshot(), key="6", size=(80, 24)) as room:
        queries = room.text("#query-rows")
        assert "last 15 m" in queries
        assert all(name in queries for name in ("dashboard", "coach clients", "user statistics"))
        assert "● good" in queries
        assert "▲ needs work, n " in queries
        assert "…" not in queries
        assert "p95 8.1 ms" in queries or "p95 8.2 ms" in queries
        assert "41 of 200" in room.text("#sessions")
        assert "60 % select * from" in room.text("#heaviest")
        assert "pending" in room.text("#migrations")
        assert "2,064 scans" in room.text("#indexes")


async def test_what_rights_hide_is_said_and_the_rest_lives():
    why = "its role may not see the sessions of others: GRANT pg_monitor TO …"
    unknown = dict.fromkeys(("db.activity", "db.statements", "db.locks_waiting", "db.dashboard.mean_ms"), why)
    async with open_room(database_snapshot(unknown=unknown), key="6") as room:
        assert "Unknown: its role may not see the sessions" in room.text("#sessions")
        assert "nobody waits" not in room.text("#sessions"), "no lock seen is not no lock held"
        assert "Unknown: its role may not see" in room.text("#heaviest")
        assert "mean – its role may not see" in room.text("#query-0")
        assert "cache hits 99.3 %" in room.text("#sessions")
        assert "2,064 scans" in room.text("#indexes")


async def test_the_window_is_changed_by_plus_and_minus():
    async with open_room(database_snapshot(), key="6", size=(80, 24)) as room:
        await room.press("plus")
        assert "last 1 h" in room.text("#query-rows")
        await room.press("minus", "minus", "minus")
        assert "last 5 m" in room.text("#query-rows")


async def test_x_explains_the_query_or_the_statement_under_the_cursor():
    async with open_room(database_snapshot(), key="6") as room:
        asked = room.app.source.asked  # type: ignore[attr-defined] # the test's own source
        await room.press("x")
        room.app.screen.query_one("#query-1").focus()
        await room.press("x")
        room.app.screen.query_one("#heaviest").focus()
        await room.press("x", "j", "enter")
        assert asked == [("explain", f"db {each}") for each in ("dashboard", "coach_clients", "-7", "8")]
        explained = Explained(
            title="dashboard", statement="select ?", lines=("Seq Scan on t  (cost=0.00..1.01 rows=1)",)
        )
        reply = Reply(body=msgspec.Raw(msgspec.json.encode(explained)))
        room.app.source.reply("explain", "db dashboard", reply)  # type: ignore[attr-defined] # the test's own source
        await room.pilot.pause()
        assert "EXPLAIN dashboard" in page(room)
        assert "Seq Scan on t  (cost=0.00..1.01 rows=1)" in page(room)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(why="PostgreSQL does not explain it: no rights"), "PostgreSQL does not explain it: no rights"),
        (Reply(body=msgspec.Raw(b'{"of": "another version"}')), "That answer cannot be read"),
    ],
)
async def test_an_explanation_that_is_not_to_be_had_is_said(reply, said):
    async with open_room(database_snapshot(), key="6") as room:
        room.app.source.reply("explain", "db dashboard", reply)  # type: ignore[attr-defined] # the test's own source
        await room.pilot.pause()
        assert said in room.text("#news")
        assert "x dismiss" not in room.text("#news"), "x means something else here"


async def test_a_migration_opens_with_what_an_older_version_may_not_stand():
    async with open_room(database_snapshot(), key="6") as room:
        room.app.screen.query_one("#migrations").focus()
        await room.press("j", "j", "enter")
        assert "2_phone" in page(room)
        assert "Suspicion from its text, not proof" in page(room)
        assert "line 3    drops column client.phone" in page(room)
        await room.press("escape", "k", "enter")
        assert "applied; no file of this repo" in page(room)


async def test_r_asks_the_source_of_the_pane():
    async with open_room(database_snapshot(), key="6") as room:
        room.app.screen.query_one("#migrations").focus()
        await room.press("r")
        room.app.screen.query_one("#sessions").focus()
        await room.press("r")
        assert room.app.source.asked == [("poll", "migrations"), ("poll", "db")]  # type: ignore[attr-defined] # its own


async def test_more_queries_than_fit_are_reached_with_the_focus():
    plan = sample_plan()
    queries = tuple(replace(plan.sources["db"].queries[0], name=f"q{n}") for n in range(9))  # type: ignore[union-attr] # a PostgresSource
    snapshot = fold(
        replace(plan, sources={"db": replace(plan.sources["db"], queries=queries)}), (), sample_observations(), NOW
    )
    async with open_room(snapshot, key="6") as room:
        last = room.app.screen.query_one("#query-8")
        assert last.size.height == 6
        last.focus()
        async with asyncio.timeout(10):  # it scrolls there in steps
            while not room.app.screen.query_one("#charts").region.contains_region(last.region):
                await room.pilot.pause(0.05)


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 10)])
@pytest.mark.parametrize("make", [lambda: database_snapshot(foreign=FOREIGN), stale_snapshot, bare_snapshot])
async def test_hostile_text_and_missing_readings_are_drawn_within_the_panes(make, size):
    async with open_room(make(), key="6", size=size) as room:
        for pane in ("#query-0", "#query-rows", "#sessions", "#heaviest", "#indexes", "#migrations"):
            widget: Any = room.app.screen.query_one(pane)
            width, height = max(widget.size.width, 1), max(widget.size.height, 1)
            lines = list(widget.paint(width, height))
            assert not {"\x1b", "\u202e", "\x07"} & set(text_of(lines))
            if width > 20 and height > 3:
                assert widths_of(lines) == {width}


async def test_hostile_text_is_read_in_the_details():
    async with open_room(database_snapshot(foreign=FOREIGN), key="6", ascii_only=True) as room:
        room.app.screen.query_one("#migrations").focus()
        await room.press("j", "j", "enter")
        assert "\x1b" not in page(room)
        await room.press("escape")
        explained = Explained(title=FOREIGN, statement=FOREIGN, lines=(FOREIGN,) * 600)
        reply = Reply(body=msgspec.Raw(msgspec.json.encode(explained)))
        room.app.source.reply("explain", "db dashboard", reply)  # type: ignore[attr-defined] # the test's own source
        await room.pilot.pause()
        assert "\x1b" not in page(room)
