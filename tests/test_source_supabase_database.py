"""A Supabase project's database, on a real PostgreSQL: connections, row-level security, functions."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from loom_tui.demo.postgres import running_postgres
from loom_tui.plan.sources.supabase import SupabaseSource
from loom_tui.room.checks import Step, decode_result
from loom_tui.room.signals import Reading, State
from loom_tui.sources.build import build
from tests.errands import errand_of
from tests.keys import jwt
from tests.pooler import pooling
from tests.servers import silent
from tests.supabase import project

NOW = 1_760_000_000.0
PLANTED = "planted-4711-secret"
SCHEMA = """
create schema private;
create table profiles (id int); alter table profiles enable row level security;
create policy own on profiles using (id = 1);
create table bookings (id int); alter table bookings enable row level security;
create table "Odd [/ name" (id int);
create table parted (id int) partition by range (id);
create table parted_1 partition of parted for values from (1) to (9);
create table private.journal (id int);
create view looks as select 1 as one;
create function fixed() returns int language sql security definer set search_path = '' as 'select 1';
create function open() returns int language sql security definer as 'select 1';
create function private.open() returns int language sql security definer as 'select 1';
create function plain() returns int language sql as 'select 1';
create function mimic() returns int language sql security definer set application_name = 'search_path=x' as 'select 1';
create role reader login password 'planted-4711-secret';
"""


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="loom-test-") as name:
        place = Path(name) / "server"
        with running_postgres(place) as dsn:
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute(SCHEMA)
            yield place


def dsn_of(directory: Path) -> str:
    return f"host={directory} user=reader dbname=postgres password={PLANTED}"


async def ask(dsn: str = "", pooler: str = "", **words: Any) -> dict[str, Reading]:
    """Ask a project that is well but for its database."""
    environ = {"ANON": jwt(role="anon"), "DB": dsn, "POOLER": pooler}
    async with project() as it:
        table = {"kind": "supabase", "url": it.url, "anon_key": {"env": "ANON"}, "timeout_s": 5.0, **words}
        if dsn:
            table["database"] = {"env": "DB"}
        if pooler:
            table["pooler"] = {"env": "POOLER"}
        asker = build(msgspec.convert(table, SupabaseSource), errand_of("sb", environ=environ, now=NOW))
        readings = {reading.signal: reading for reading in await asker.ask()}
        await asker.close()
    assert PLANTED not in f"{readings!r} {asker!r} {[decode_result(reading.body) for reading in readings.values()]!r}"
    return readings


def steps(reading: Reading) -> dict[str, Step]:
    result = decode_result(reading.body)
    assert result is not None
    return {step.name: step for step in result.steps}


async def test_the_direct_connection_tells_version_and_login(directory):
    readings = await ask(dsn_of(directory))
    assert readings["sb.database"].state is State.OK
    assert readings["sb.database"].detail.startswith("PostgreSQL 1")
    assert readings["sb.database"].detail.endswith(", as reader")


async def test_each_exposed_table_must_have_row_level_security_and_policies(directory):
    readings = await ask(dsn_of(directory))
    told = steps(readings["sb.rls"])
    assert readings["sb.rls"].state is State.BAD
    assert {name for name, step in told.items() if step.state is State.BAD} == {
        "public.bookings",
        "public.Odd [/ name",
        "public.parted",
        "public.parted_1",
    }
    assert "has no policy" in told["public.bookings"].detail
    assert "row-level security is off" in told["public.parted_1"].detail
    assert told["tables"].detail.startswith("1 of 5 have row-level security on")
    assert "and 1 more" in readings["sb.rls"].detail


async def test_tables_that_the_plan_exempts_may_do_without(directory):
    exempt = ["bookings", "public.parted", "parted_1", "Odd [/ name"]
    well = await ask(dsn_of(directory), rls_exempt=[name for name in exempt if " " not in name])
    assert [name for name, step in steps(well["sb.rls"]).items() if step.state is State.BAD] == ["public.Odd [/ name"]
    assert steps(well["sb.rls"])["tables"].detail.startswith("4 of 5")


async def test_schemas_are_the_plans_and_one_that_is_not_there_proves_nothing(directory):
    private = await ask(dsn_of(directory), schemas=["private"])
    nowhere = await ask(dsn_of(directory), schemas=["nowhere"])
    assert list(steps(private["sb.rls"])) == ["private.journal"]
    assert nowhere["sb.rls"].state is State.UNKNOWN
    assert "nowhere: there is no such schema" in nowhere["sb.rls"].detail


async def test_a_security_definer_function_must_fix_its_search_path(directory):
    readings = await ask(dsn_of(directory))
    told = steps(readings["sb.functions"])
    assert readings["sb.functions"].state is State.BAD
    assert {name for name, step in told.items() if step.state is State.BAD} == {
        "public.open",
        "private.open",
        "public.mimic",
    }
    assert told["functions"].detail == "1 of 4 security definer functions fix their search_path"


async def test_through_a_pooler_nothing_is_prepared_set_or_written(directory):
    async with pooling(directory) as pooler:
        dsn = f"postgresql://reader:{PLANTED}@127.0.0.1:{pooler.port}/postgres"
        readings = await ask(dsn, pooler=dsn)
    assert readings["sb.pooler"].state is State.OK, readings["sb.pooler"].detail
    assert steps(readings["sb.rls"])["public.bookings"].state is State.BAD
    settings = [sql for sql in pooler.statements if sql.lower().startswith("set ")]
    assert {sql.partition(" = ")[0] for sql in settings} == {"set transaction read only", "set local statement_timeout"}
    assert not [body for kind, body in pooler.sent if kind == b"P" and not body.startswith(b"\0")]
    assert not [body for kind, body in pooler.sent if kind == b"start" and b"options" in body]


async def test_a_wrong_password_is_bad_and_the_catalogue_unknown(directory):
    (directory / "data" / "pg_hba.conf").write_text("local all reader scram-sha-256\nlocal all all trust\n")
    with psycopg.connect(f"host={directory} user=loom dbname=postgres", autocommit=True) as connection:
        connection.execute("select pg_reload_conf()")
    readings = await ask(dsn_of(directory).replace(PLANTED, f"not-{PLANTED}"))
    assert readings["sb.database"].state is State.BAD
    assert "refused the login" in readings["sb.database"].detail
    assert readings["sb.rls"].state is State.UNKNOWN
    assert readings["sb.functions"].state is State.UNKNOWN
    assert readings["sb.auth"].state is State.OK
    right = await ask(dsn_of(directory))
    assert right["sb.database"].state is State.OK


@pytest.mark.parametrize(
    ("dsn", "words"),
    [
        (f"postgresql://u:{PLANTED}@127.0.0.1:1/d", "the database cannot be asked"),
        (f"postgresql://u:{PLANTED}@/d?host=/nonexistent", "the database cannot be asked"),
        (f"=={PLANTED}", "the database cannot be asked"),
        (f"postgresql://u:{PLANTED}@127.0.0.1:notaport/d", "the database cannot be asked"),
    ],
)
async def test_a_database_out_of_reach_is_told_without_the_password(dsn, words, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    readings = await ask(dsn, pooler=dsn)
    for signal in ("sb.database", "sb.pooler"):
        assert readings[signal].state is State.UNKNOWN
        assert words in readings[signal].detail
    assert readings["sb.auth"].state is State.OK
    assert PLANTED not in f"{caplog.text} {capfd.readouterr()}"


async def test_a_database_that_hangs_is_left_at_the_deadline():
    async with silent() as port:
        readings = await ask(f"host=127.0.0.1 port={port} dbname=d user=u", timeout_s=0.5, realtime=False)
    assert readings["sb.database"].detail.endswith("the database did not answer within 0.45 s")
    assert readings["sb.database"].state is State.UNKNOWN


async def test_a_connection_string_that_is_not_there_leaves_the_other_checks_alive():
    async with project() as it:
        table = {"kind": "supabase", "url": it.url, "anon_key": {"env": "ANON"}, "database": {"env": "GONE"}}
        asker = build(msgspec.convert(table, SupabaseSource), errand_of("sb", environ={"ANON": jwt(role="anon")}))
        readings = {reading.signal: reading for reading in await asker.ask()}
        await asker.close()
    assert "GONE is not set" in readings["sb.database"].detail
    assert readings["sb.auth"].state is State.OK
