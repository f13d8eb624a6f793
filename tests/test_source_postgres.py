"""Asking a real PostgreSQL: real executions, sessions, and what it says when it cannot."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from loom_tui.demo.postgres import running_postgres
from loom_tui.plan.sources.base import Secret
from loom_tui.plan.sources.postgres import PostgresSource, Query
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import Asker, CredentialUnfit, SourceError, SourceTimeout, SourceUnreachable
from loom_tui.sources.build import build
from tests.errands import errand_of
from tests.servers import silent


@pytest.fixture(scope="module")
def dsn() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="loom-test-") as name, running_postgres(Path(name) / "server") as dsn:
        yield dsn


def asker_of(dsn: str, *queries: Query, timeout_s: float = 5, **more: Any) -> Asker:
    """Make an asker that may take all the time there is: what is paced is tested apart."""
    told: dict[str, Any] = {"interval_s": 0.01, "max_load": 1.0, "label": "PostgreSQL", **more}
    source = PostgresSource(dsn_from=Secret(env="DSN"), timeout_s=timeout_s, queries=queries, **told)
    return build(source, errand_of("db", environ={"DSN": dsn}))


async def ask(asker: Asker, signal: str = "db.sessions") -> dict[str, Reading]:
    """Ask until something is read, as the collector does: not everything is due each time."""
    readings: dict[str, Reading] = {}
    async with asyncio.timeout(20):
        while signal not in readings:
            readings |= {reading.signal: reading for reading in await asker.ask()}
            await asyncio.sleep(asker.rest_s())
    return readings


async def test_a_named_query_is_really_executed_and_timed(dsn):
    asker = asker_of(dsn, Query(name="nap", sql="select pg_sleep(0.05)"), Query(name="one", sql="select 1"))
    try:
        readings = await ask(asker)
    finally:
        await asker.close()
    nap, one = readings["db.nap.ms"].value, readings["db.one.ms"].value
    assert nap is not None
    assert one is not None
    assert nap >= 50 > one
    assert readings["db"].state is State.OK
    assert readings["db.max_sessions"].value == float(_scalar(dsn, "show max_connections"))


async def test_a_query_that_fails_is_unknown_and_the_others_go_on(dsn):
    asker = asker_of(dsn, Query(name="bad", sql="select nonsense"), Query(name="one", sql="select 1"))
    try:
        readings = await ask(asker)
    finally:
        await asker.close()
    assert readings["db.bad.ms"].state is State.UNKNOWN
    assert "nonsense" in readings["db.bad.ms"].detail
    assert readings["db.one.ms"].state is State.OK


async def test_nothing_can_be_written(dsn):
    asker = asker_of(dsn, Query(name="write", sql="create table t (i int)"))
    try:
        readings = await ask(asker)
    finally:
        await asker.close()
    assert "read-only" in readings["db.write.ms"].detail


async def test_the_sessions_of_others_are_counted_and_its_own_is_not(dsn):
    asker = asker_of(dsn)
    try:
        async with asyncio.timeout(20):
            while (await ask(asker))["db.sessions"].value != 0:  # another test's server process may still be leaving
                await asyncio.sleep(0.05)
        with psycopg.connect(dsn) as other:
            other.execute("select 1")
            during = await ask(asker)
    finally:
        await asker.close()
    assert during["db.sessions"].value == 1
    longest = during["db.longest_s"].value
    assert longest is not None
    assert longest > 0


async def test_waiting_for_a_lock_is_seen(dsn):
    asker = asker_of(dsn)
    with psycopg.connect(dsn) as holder, psycopg.connect(dsn) as waiter:
        holder.execute("select pg_advisory_lock(4711)")
        waiter.pgconn.send_query(b"select pg_advisory_lock(4711)")
        try:
            waiting = (await ask(asker))["db.locks_waiting"].value
            while not waiting:
                waiting = (await ask(asker))["db.locks_waiting"].value
        finally:
            await asker.close()
            holder.execute("select pg_advisory_unlock_all()")
            waiter.pgconn.get_result()
            waiter.pgconn.get_result()
    assert waiting == 1


async def test_all_that_is_executed_stays_within_its_share_of_the_time(dsn):
    naps = [Query(name=name, sql=f"select pg_sleep({seconds})") for name, seconds in (("slow", 0.08), ("quick", 0.002))]
    asker = asker_of(dsn, *naps, interval_s=0.1, max_load=0.2)
    found: list[str] = []
    try:
        await asker.ask()
        began, slept_s = time.monotonic(), 0.0
        while time.monotonic() - began < 2:
            for reading in await asker.ask():
                if reading.signal in ("db.slow.ms", "db.quick.ms"):
                    found.append(reading.signal)
                    slept_s += (reading.value or 0) / 1000
            await asyncio.sleep(max(0.1, asker.rest_s()))
        took_s = time.monotonic() - began
    finally:
        await asker.close()
    assert slept_s / took_s < 0.2 + 0.09 / took_s, "one execution may lie on the edge"
    assert found.count("db.quick.ms") > 2 * found.count("db.slow.ms") > 0, "the slow one costs the quick one nothing"


async def test_a_server_that_hangs_is_left_at_the_deadline():
    async with silent() as port:
        asker = asker_of(f"host=127.0.0.1 port={port} dbname=d user=u", timeout_s=0.3)
        with pytest.raises(SourceTimeout, match=r"did not answer within 0\.27 s"):
            await asker.ask()
        await asker.close()


async def test_a_connection_that_was_cut_is_made_anew(dsn):
    asker = asker_of(dsn, Query(name="one", sql="select 1"))
    try:
        await ask(asker)
        _scalar(dsn, "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'loom'")
        with pytest.raises(SourceUnreachable):
            await asker.ask()
        assert (await ask(asker))["db.one.ms"].state is State.OK
    finally:
        await asker.close()


@pytest.mark.parametrize(
    "broken",
    ["postgresql://u:planted-4711@127.0.0.1:1/d", "postgresql://u:planted-4711@/d?host=/nonexistent", "==planted-4711"],
)
async def test_what_cannot_be_reached_is_told_without_the_password(broken):
    asker = asker_of(broken, timeout_s=1)
    with pytest.raises(SourceError) as caught:
        await asker.ask()
    await asker.close()
    assert "planted-4711" not in f"{caught.value} {caught.value!r} {asker!r}"


async def test_a_database_that_is_not_there_is_told(dsn):
    asker = asker_of(f"{dsn} dbname=nowhere" if "://" not in dsn else dsn.replace("/postgres", "/nowhere"))
    with pytest.raises(SourceUnreachable, match="the database named in the plan is not"):
        await asker.ask()
    await asker.close()


def _scalar(dsn: str, sql: str) -> str:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(sql.encode()).fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize(
    "dsn",
    [
        "hunter2secret",
        "postgresql://u:hunter2%zzsecret@127.0.0.1/d",
        "postgresql://u:1@hunter2secret@127.0.0.1/d",
        "postgresql://127.0.0.1:hunter2/secret@127.0.0.1/d",
        "postgresql://localhost:hunter2/secret@127.0.0.1/d",
        "host=127.0.0.1 sslmode=hunter2secret",
    ],
)
async def test_of_a_connection_string_that_cannot_be_read_no_piece_is_told(dsn):
    asker = asker_of(dsn)
    with pytest.raises(CredentialUnfit, match="its connection string cannot be read; in an address write") as caught:
        await asker.ask()
    await asker.close()
    assert "hunter2" not in str(caught.value)
