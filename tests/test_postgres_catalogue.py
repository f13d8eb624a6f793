"""What a real PostgreSQL's catalogue tells: heavy statements, sessions, locks, indexes; what missing rights hide."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec
import psycopg
import pytest

from loom_tui.demo.postgres import pgbench, running_postgres
from loom_tui.plan.sources.base import Secret
from loom_tui.plan.sources.postgres import PostgresSource, Query
from loom_tui.room.database import Activity, Explained, IndexUse, Statements
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import Asker, SourceAnswered
from loom_tui.sources.build import build
from tests.databases import database, execute, forwarded
from tests.errands import errand_of

SUPABASE = Path(__file__).parents[1] / "build/node/node_modules/.bin/supabase"  # put there by make node
T = TypeVar("T")
ACCOUNTS = "SELECT abalance FROM pgbench_accounts WHERE aid = 7"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="loom-test-") as name, running_postgres(Path(name) / "server") as dsn:
        yield dsn


class Room:
    """An asker as the collector holds it: what it read is kept, and it hears of changes."""

    def __init__(self, dsn: str, *queries: Query, **more: Any) -> None:
        told: dict[str, Any] = {"interval_s": 0.01, "max_load": 1.0, "label": "PostgreSQL", **more}
        self.source = PostgresSource(dsn_from=Secret(env="DSN"), queries=queries, **told)
        self.dsn = dsn
        self.now = 1000.0
        self.kept: dict[str, Reading] = {}
        self.changes: dict[str, float] = {}
        self.asker = self.build()

    def build(self) -> Asker:
        return build(
            self.source,
            errand_of(
                "db",
                environ={"DSN": self.dsn},
                recall=lambda suffix: self.kept.get(f"db{suffix}"),
                changes=lambda: self.changes,
            ),
        )

    async def restart(self) -> None:
        await self.asker.close()
        self.asker = self.build()

    async def read(self, suffix: str) -> Reading:
        """Ask until something new of this is read, as the collector does."""
        async with asyncio.timeout(30):
            while True:
                readings = {reading.signal: reading for reading in await self.asker.ask()}
                self.kept |= readings
                if f"db{suffix}" in readings:
                    return readings[f"db{suffix}"]
                await asyncio.sleep(self.asker.rest_s())

    async def body(self, suffix: str, kind: type[T]) -> T:
        reading = await self.read(suffix)
        assert reading.state is State.OK, reading.detail
        return msgspec.json.decode(reading.body, type=kind)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.asker.close()


def calls_of(statements: Statements, start: str) -> int:
    return sum(each.calls for each in statements.heaviest if each.text.casefold().startswith(start.casefold()))


async def test_the_heaviest_statements_since_the_last_change_are_counted_and_their_literals_are_not_shown(server):
    with database(server, "heavy") as dsn:
        execute(dsn, *["select pg_sleep(0.01), 'planted-4711'"] * 3)
        async with Room(dsn) as room:
            assert calls_of(await room.body(".statements", Statements), "select pg_sleep") == 0, "that was before"
            execute(dsn, *["select pg_sleep(0.02), 'planted-4711'"] * 4, "alter role loom password 'planted-4711'")
            statements = await room.body(".statements", Statements)
            first = statements.heaviest[0]
            assert (first.text, first.calls, first.own) == ("select pg_sleep($1), $2", 4, False)
            assert first.mean_ms >= 20
            assert statements.total_ms >= first.total_ms
            assert not statements.changed
            assert any(each.own for each in statements.heaviest), "what Loom itself costs is not hidden"
            room.changes["deploy"] = 1001.0
            again = await room.body(".statements", Statements)
            assert again.changed
            assert calls_of(again, "select pg_sleep") == 0
            assert "planted-4711" not in repr(room.kept)


async def test_a_reset_and_a_restart_lose_nothing_that_was_counted(server):
    with database(server, "reset") as dsn:
        async with Room(dsn) as room:
            await room.read(".statements")
            execute(dsn, *["select pg_sleep(0.001)"] * 5)
            await room.read(".statements")
            execute(dsn, "select pg_stat_statements_reset()", *["select pg_sleep(0.001)"] * 2)
            assert calls_of(await room.body(".statements", Statements), "select pg_sleep") == 7
            await room.restart()
            execute(dsn, "select pg_sleep(0.001)")
            assert calls_of(await room.body(".statements", Statements), "select pg_sleep") == 8


async def test_the_extension_is_found_in_another_schema_and_told_where_it_is_missing(server):
    with database(server, "elsewhere", schema="extensions") as dsn:
        async with Room(dsn) as room:
            assert (await room.read(".statements")).state is State.OK
    with database(server, "without", schema=None) as dsn:
        async with Room(dsn, Query(name="one", sql="select 1")) as room:
            missing = await room.read(".statements")
            assert (missing.state, missing.detail) == (
                State.UNKNOWN,
                "pg_stat_statements is not here: CREATE EXTENSION pg_stat_statements",
            )
            assert (await room.read(".one.mean_ms")).state is State.UNKNOWN
            assert (await room.read(".one.ms")).state is State.OK, "the others live"


async def test_means_agree_with_an_independent_witness_under_load(server):
    """The witness is pg_stat_statements itself, read before and after by a connection that Loom knows nothing of."""
    with database(server, "bench") as dsn:
        assert await run_pgbench("-i", "-q", "-s", "1", dsn) == 0
        async with Room(dsn, Query(name="account", sql=ACCOUNTS)) as room:
            execute(dsn, *[ACCOUNTS] * 3)
            room.changes["deploy"] = 1001.0
            await room.read(".account.mean_ms")
            calls, total_ms = witness(dsn)
            load = asyncio.create_task(run_pgbench("-S", "-n", "-c", "2", "-t", "400", dsn))
            while not load.done():
                await room.read(".account.mean_ms")
            assert await load == 0
            mean, seen = await room.read(".account.mean_ms"), await room.read(".account.calls")
            later, later_ms = witness(dsn)
    assert seen.value is not None
    assert seen.value >= 800, "those of pgbench, and Loom's own"
    assert mean.value == pytest.approx((later_ms - total_ms) / (later - calls), rel=0.1)


@pytest.mark.node
async def test_means_agree_with_the_supabase_cli_under_load(server):
    with database(server, "outliers", schema="extensions") as dsn:
        assert await run_pgbench("-i", "-q", "-s", "1", dsn) == 0
        execute(dsn, "select extensions.pg_stat_statements_reset()")
        async with Room(dsn, Query(name="account", sql=ACCOUNTS)) as room, forwarded(dsn) as (url, _):
            await room.read(".account.mean_ms")
            assert await run_pgbench("-S", "-n", "-c", "2", "-t", "400", dsn) == 0
            mean = await room.read(".account.mean_ms")
            outliers = ["inspect", "db", "outliers", "--db-url", url, "--output-format", "json"]
            cli = await asyncio.create_subprocess_exec(str(SUPABASE), *outliers, stdout=subprocess.PIPE)
            answer, _ = await cli.communicate()
    rows = msgspec.json.decode(answer)["rows"]
    (row,) = [row for row in rows if row["query"].startswith("SELECT abalance")]
    hours, minutes, seconds = row["total_exec_time"].split(":")
    total_ms = (int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000
    assert mean.value == pytest.approx(total_ms / int(row["ncalls"].replace(",", "")), rel=0.1)


async def run_pgbench(*arguments: str) -> int:
    process = await asyncio.create_subprocess_exec(
        str(pgbench()), *arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return await process.wait()


def witness(dsn: str) -> tuple[int, float]:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "select coalesce(sum(calls), 0)::int, coalesce(sum(total_exec_time), 0) from pg_stat_statements"
            " where query ilike 'select abalance from pgbench_accounts where aid = $1'"
        ).fetchone()
    assert row is not None
    return row


async def test_who_blocks_whom_is_told_without_what_they_said(server):
    with database(server, "locks") as dsn:
        execute(dsn, "create table account (id int primary key, owner text)", "insert into account values (1, 'x')")
        async with Room(dsn) as room:
            with psycopg.connect(dsn, application_name="holder") as holder, psycopg.connect(dsn) as waiter:
                holder.execute("update account set owner = 'planted-4711' where id = 1")
                waiter.pgconn.send_query(b"update account set owner = 'planted-4711' where id = 1")
                activity = await room.body(".activity", Activity)
                while not activity.locked:
                    activity = await room.body(".activity", Activity)
                waiting, blocking = activity.locked
                assert waiting.pid == waiter.info.backend_pid
                assert waiting.blocked_by == (blocking.pid,) == (holder.info.backend_pid,)
                assert waiting.text == "update account set owner = ? where id = ?"
                assert (blocking.application, blocking.state) == ("holder", "idle in transaction")
                assert activity.longest[0].pid == blocking.pid
                assert (activity.longest[0].transaction_s or 0) > 0
                assert activity.by_state["idle in transaction"] == 1
                assert room.kept["db.locks_waiting"].value == 1
                holder.rollback()
                waiter.pgconn.get_result()
                waiter.pgconn.get_result()
            assert "planted-4711" not in repr(room.kept)


async def test_a_role_without_rights_sees_unknown_where_others_are_hidden_and_the_rest_lives(server):
    with database(server, "rights") as dsn:
        execute(
            dsn,
            "drop role if exists plain",
            "create role plain login",
            "create table t (i int)",
            "create index ti on t (i)",
        )
        plain = dsn.replace("user=loom", "user=plain")
        async with Room(plain, Query(name="one", sql="select 1"), indexes=("ti",)) as room:
            for hidden in (
                ".locks_waiting",
                ".longest_s",
                ".sessions_active",
                ".activity",
                ".statements",
                ".one.mean_ms",
            ):
                reading = await room.read(hidden)
                assert reading.state is State.UNKNOWN, hidden
                assert "GRANT pg_monitor" in reading.detail
            for seen in (".one.ms", ".sessions", ".max_sessions", ".cache_hits", ".indexes"):
                assert (await room.read(seen)).state is State.OK, seen


async def test_scans_of_new_indexes_are_counted_and_one_that_is_not_there_is_told(server):
    with database(server, "indexed") as dsn:
        execute(
            dsn,
            "create table t as select i from generate_series(1, 2000) as i",
            "create index ti on t (i)",
            "analyze t",
            "set enable_seqscan = off; select i from t where i = 7",
        )
        async with Room(dsn, indexes=("ti", "public.nowhere")) as room:
            async with asyncio.timeout(10):  # the server's statistics come a moment later
                while not (found := await room.body(".indexes", tuple[IndexUse, ...]))[0].scans:
                    pass
    there, missing = found
    assert (there.name, there.table, there.scans, there.valid) == ("ti", "t", 1, True)
    assert there.size_bytes > 0
    assert (missing.name, missing.scans) == ("public.nowhere", None)


async def test_the_share_of_blocks_from_the_cache_is_known_and_no_replica_is_no_lag(server):
    with database(server, "vitals") as dsn:
        async with Room(dsn) as room:
            hits, lag = await room.read(".cache_hits"), await room.read(".lag_s")
    assert hits.value is not None
    assert 0 < hits.value <= 100
    assert (lag.state, lag.value, lag.detail) == (State.OK, None, "no replica")


async def test_a_query_and_a_heavy_statement_are_explained_and_never_executed(server):
    with database(server, "explained") as dsn:
        execute(dsn, "create table t (i int)")
        async with Room(dsn, Query(name="write", sql="insert into t values (4711)", label="A write")) as room:
            told = msgspec.json.decode(await room.asker.reply("explain", "write"), type=Explained)
            assert told.title == "A write"
            assert told.lines[0].startswith("Insert on t")
            assert told.statement == "insert into t values (?)"
            await room.read(".statements")
            execute(dsn, *["select count(*) from t where i = 4711"] * 50)
            statements = await room.body(".statements", Statements)
            heavy = next(each for each in statements.heaviest if each.text.startswith("select count(*) from t"))
            told = msgspec.json.decode(await room.asker.reply("explain", heavy.id), type=Explained)
            assert any("i = $1" in line for line in told.lines)
            with pytest.raises(SourceAnswered, match="no statement 'nothing'"):
                await room.asker.reply("explain", "nothing")
        with psycopg.connect(dsn) as connection:
            assert connection.execute("select count(*) from t").fetchone() == (0,)


async def test_a_named_query_is_one_statement(server):
    with database(server, "single") as dsn:
        async with Room(dsn, Query(name="two", sql="commit; create table t (i int)")) as room:
            reading = await room.read(".two.ms")
            assert reading.state is State.UNKNOWN
            assert "multiple commands" in reading.detail
        async with Room(dsn, Query(name="two", sql="select 1; create table t (i int)")) as room:
            with pytest.raises(SourceAnswered, match="multiple commands"):
                await room.asker.reply("explain", "two")


async def test_nothing_is_asked_that_a_transaction_pooler_does_not_carry(server):
    """What goes over the wire: no settings at the start, nothing prepared, each statement within its transaction."""
    with database(server, "pooled") as dsn:
        async with forwarded(dsn) as (url, said), Room(url, Query(name="one", sql="select 1"), indexes=("ti",)) as room:
            for suffix in (".one.ms", ".one.calls", ".activity", ".cache_hits", ".indexes"):
                await room.read(suffix)
            await room.asker.reply("explain", "one")
            sent = bytes(said)
    size = int.from_bytes(sent[:4], "big")
    assert set(sent[8 : size - 2].split(b"\0")[::2]) == {b"user", b"database", b"application_name"}
    within = 0
    for kind, body in messages(sent[size:]):
        if kind == b"Q":
            within += body.startswith(b"BEGIN READ ONLY; SET LOCAL statement_timeout")
            assert within == 1, body
            within -= body.startswith(b"ROLLBACK\0")
        elif kind in b"PBDE":
            assert body.startswith(b"\0") or kind == b"D", "unnamed: the pooler may give it to another server"
            assert within == 1, body
    assert within == 0


def messages(sent: bytes) -> Iterator[tuple[bytes, bytes]]:
    while sent:
        size = int.from_bytes(sent[1:5], "big") + 1
        yield sent[:1], sent[5:size]
        sent = sent[size:]
