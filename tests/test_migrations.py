"""Migrations: what is suspicious in their text, and how the files stand to what a real database says was applied."""

from __future__ import annotations

import asyncio
import shlex
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loom_tui.demo.postgres import running_postgres
from loom_tui.plan.sources.base import Secret
from loom_tui.plan.sources.migrations import MigrationsSource
from loom_tui.plan.sources.postgres import PostgresSource
from loom_tui.room.checks import decode_result
from loom_tui.room.database import IndexUse, Migration, Suspicion, Where
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import SourceAnswered, SourceError, SourceRefused, SourceUnreachable
from loom_tui.sources.build import build
from loom_tui.sources.migrations import studies, worker
from loom_tui.sources.migrations.studied import judged
from loom_tui.sources.migrations.suspicion import study
from loom_tui.sources.process import run
from tests.databases import database, execute
from tests.errands import errand_of

SUPABASE = (
    "create schema supabase_migrations",
    "create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text)",
)


PATIENT_S = 60.0  # for the study of a few files: the machine may be busy


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="loom-test-") as name, running_postgres(Path(name) / "server") as dsn:
        yield dsn


def suspicions(*texts: str) -> tuple[Suspicion, ...]:
    """Give what is suspicious in the last of some migrations."""
    return judged(study(sql) for sql in texts)[-1]


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("alter table public.client drop column if exists email", "drops column client.email"),
        ('alter table "Client" drop "E-mail"', "drops column Client.E-mail"),
        ("drop table coaching.client cascade", "drops table coaching.client"),
        ("drop materialized view report", "drops view report"),
        ("drop policy own on client", "drops policy own"),
        ("drop extension vector", "drops extension vector"),
        ("alter table client rename column a to b", "renames column client.a to b"),
        ("alter table client rename a to b", "renames column client.a to b"),
        ("alter table client rename to clients", "renames table client to clients"),
        ("alter type mood rename value 'a' to 'b'", "renames a value of type mood"),
        ("alter materialized view v rename to w", "renames materialized view v"),
        ("alter table client alter name set not null", "demands a value for client.name"),
        ("alter table client alter name drop default", "takes the default of client.name away"),
        ("alter table client add phone text not null", "adds column client.phone, which must be given"),
        ("alter table client add id uuid primary key", "adds column client.id, which must be given"),
        ("alter table client alter age type smallint", "makes client.age smallint; what it was is not in the files"),
        (
            "alter table client add constraint adult check (age > 17)",
            "adds a constraint to client, which may refuse what an older version writes",
        ),
        ("alter table client enable row level security", "turns row-level security on for client"),
        ("alter table client set schema archive", "moves to another schema: table client"),
        ("revoke select on client from anon", "revokes rights on client"),
        ("truncate client", "removes rows of client"),
        ("delete from client where old", "removes rows of client"),
        ("do $$ begin alter table client drop column x; end $$", "runs code that holds DROP"),
        ("abrakadabra client", "holds a statement that Loom cannot read: abrakadabra client"),
        ("select 'open", "cannot be read: an open quote, or what only PostgreSQL reads"),
        ("-- a\n\n/* b */\ndrop view v;", "drops view v"),
    ],
)
def test_what_an_older_version_may_not_stand_is_suspected(sql, what):
    (suspicion,) = suspicions(sql)
    assert suspicion.what == what


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "-- drop table client",
        "create table client (id int primary key, name text not null)",
        "create table client (id int); alter table client add name text not null",
        "create table client (id int); alter table client enable row level security",
        "alter table client add phone text",
        "alter table client add phone text not null default ''",
        "alter table client add id bigserial primary key",
        "alter table client add id int generated always as identity",
        "alter table client alter name drop not null",
        "alter table client drop constraint adult",
        "alter table client owner to postgres; alter table client replica identity full",
        "drop index i; create index concurrently j on client (name)",
        "drop view if exists v; create view v as select 1",
        "drop policy if exists own on client; create policy own on client using (true)",
        "drop function if exists f(int); create function f(int) returns int language sql as $$ select 1 $$",
        "alter type mood add value 'calm'",
        "insert into client values (1); update client set name = 'x'; select 'drop table client'",
        "grant select on client to anon; comment on table client is 'drop'",
        "do $$ begin perform 1; end $$",
        "alter publication supabase_realtime add table client",
        "create function f() returns trigger language plpgsql security definer as $$ begin drop table x; end $$",
    ],
)
def test_what_an_older_version_stands_is_not_suspected(sql):
    assert suspicions(sql) == ()


@pytest.mark.parametrize(
    ("was", "becomes", "suspected"),
    [
        ("smallint", "bigint", False),
        ("bigint", "int", True),
        ("varchar(20)", "text", False),
        ("varchar(20)", "varchar(40)", False),
        ("text", "varchar(40)", True),
        ("text", "text", False),
        ("numeric(10, 2)", "numeric", False),
        ("numeric", "numeric(10, 2)", True),
        ("text", "uuid", True),
        ("timestamp", "timestamptz", True),
        ("mood", "text", True),
    ],
)
def test_a_type_that_takes_less_is_suspected_and_a_wider_one_is_not(was, becomes, suspected):
    before = f"create table client (id int, it {was})"
    found = suspicions(before, f"alter table public.client alter column it type {becomes} using it::{becomes}")
    assert bool(found) is suspected


def test_a_suspicion_names_its_line():
    (suspicion,) = suspicions("-- first\nselect 1;\n\ndrop view v;\n")
    assert suspicion.line == 4


def test_indexes_are_found_with_the_schema_of_their_table():
    sql = 'create index a on t (x); create unique index concurrently "B b" on coaching.t (x); create index on t (y)'
    assert study(sql).indexes == ("a", 'coaching."B b"')


@pytest.mark.parametrize(
    "sql",
    [
        "(" * 50_000,
        "'" * 3,
        "$$",
        "/*",
        "\0",
        "drop",
        ";;;;",
        "alter",
        "create",
        "drop table",
        "\x1b[31m drop [/",
        "é" * 9,
    ],
)
def test_hostile_text_is_read_or_told_to_be_unreadable(sql):
    for suspicion in suspicions(sql):
        assert len(suspicion.what) < 200


def test_a_dump_of_data_is_not_parsed():
    (suspicion,) = suspicions("insert into t values (1);\n" * 50_000)
    assert suspicion.what == "is too long to be read (1,300,000 characters)"


class Repo:
    """A directory of migrations, and what asking gives."""

    def __init__(self, path: Path, dsn: str, **more: Any) -> None:
        self.path = path
        self.path.mkdir(exist_ok=True)
        self.told: list[str] = []  # how far the study had come
        more = {"timeout_s": PATIENT_S, **more}
        source = MigrationsSource(directory=path.name, dsn_from=Secret(env="DSN"), label="migrations", **more)
        environ = {"DSN": dsn, "XDG_CACHE_HOME": str(path.parent / "state")}
        self.asker = build(source, errand_of("m", environ=environ, directory=path.parent, progress=self.told.append))

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.path / f"{name.removeprefix('_')}.sql").write_text(text, encoding="utf-8")

    async def ask_on(self) -> dict[str, Reading]:
        return {reading.signal: reading for reading in await self.asker.ask()}

    async def ask(self) -> dict[str, Reading]:
        try:
            return await self.ask_on()
        finally:
            await self.asker.close()


def rows_of(readings: dict[str, Reading]) -> dict[str, Migration]:
    rows = msgspec.json.decode(readings["m.suspect"].body, type=tuple[Migration, ...])
    return {row.version: row for row in rows}


async def test_files_and_supabases_table_are_compared(server, tmp_path):
    with database(server, "compared", schema=None) as dsn:
        repo = Repo(tmp_path / "migrations", dsn)
        repo.write(
            _1_first="create table a (i int);\n-- a comment\ninsert into a values (1);",
            _2_changed="create table b (i bigint);",
            _10_drops="alter table a drop column i;",
            notes="not a migration",
        )
        execute(
            dsn,
            *SUPABASE,
            "insert into supabase_migrations.schema_migrations values"
            " ('1', '{create table a (i int),insert into a values (1)}', 'first'),"
            " ('2', '{create table b (i int)}', 'changed'), ('7', null, 'elsewhere')",
        )
        readings = await repo.ask()
        assert readings["m"].state is State.BAD
        assert readings["m"].detail == "1 pending; 1 unknown to the repo; 1 changed since applied"
        result = decode_result(readings["m"].body)
        assert result is not None
        assert next((step.name, step.got) for step in result.steps) == ("pending", "10_drops")
        counts = [readings[f"m.{word}"].value for word in ("applied", "pending", "unknown", "changed", "suspect")]
        assert counts == [1, 1, 1, 1, 1]
        rows = rows_of(readings)
        assert list(rows) == ["10", "7", "2", "1"], "the newest first, as numbers"
        assert [row.where for row in rows.values()] == [Where.PENDING, Where.UNKNOWN, Where.CHANGED, Where.APPLIED]
        assert rows["10"].suspicions[0].what == "drops column a.i"


async def test_all_applied_is_well_and_a_file_edited_meanwhile_is_seen(server, tmp_path):
    with database(server, "edited", schema=None) as dsn:
        repo = Repo(tmp_path / "migrations", dsn, since="1")
        repo.write(_1_first="drop table x", _2_second="drop table y")
        execute(
            dsn,
            *SUPABASE,
            "insert into supabase_migrations.schema_migrations values ('1', '{drop table x}'), ('2', '{drop table y}')",
        )
        readings = await repo.ask()
        assert (readings["m"].state, readings["m"].detail) == (State.OK, "all 2 applied")
        assert readings["m.suspect"].value == 1, "the last stable version knows the first one"
        repo.write(_2_second="drop table y; drop table z")
        assert (await repo.ask())["m"].detail == "1 changed since applied"


async def test_what_is_not_studied_yet_is_unknown_and_never_above_suspicion(server, tmp_path, monkeypatch):
    monkeypatch.setattr(studies, "_COMMAND", ("sleep", "600"))
    with database(server, "unstudied", schema=None) as dsn:
        repo = Repo(tmp_path / "migrations", dsn, timeout_s=2)
        repo.write(_1_first="create table x (i int)", _2_second="create table y (i int)")
        execute(dsn, *SUPABASE, ONE_OF_TWO, THE_OTHER)
        readings = await repo.ask()
    assert (readings["m"].state, readings["m"].detail) == (State.UNKNOWN, UNSTUDIED)
    assert (readings["m.suspect"].state, readings["m.suspect"].value) == (State.UNKNOWN, None)
    assert readings["m.suspect"].detail == UNSTUDIED
    for row in rows_of(readings).values():
        assert row.suspicions == (Suspicion(line=1, what="is not studied yet"),)
        assert row.why == "whether its file changed since is not known yet"


UNSTUDIED = "the migrations are still being studied: 0 of 4 texts are done"
ONE_OF_TWO = "insert into supabase_migrations.schema_migrations values ('1', '{create table x (i int)}')"
THE_OTHER = "insert into supabase_migrations.schema_migrations values ('2', '{create table y (i int)}')"


async def test_a_study_goes_on_from_one_asking_to_the_next(server, tmp_path, monkeypatch):
    waits = f"while [ ! -e {tmp_path}/go ]; do sleep 0.01; done; exec {shlex.join(studies._COMMAND)}"
    monkeypatch.setattr(studies, "_COMMAND", ("sh", "-c", waits))
    with database(server, "slow", schema=None) as dsn:
        repo = Repo(tmp_path / "migrations", dsn, timeout_s=2)
        repo.write(_1_first="drop table x")
        execute(dsn, *SUPABASE)
        try:
            assert (await repo.ask_on())["m.suspect"].state is State.UNKNOWN
            (tmp_path / "go").touch()
            async with asyncio.timeout(PATIENT_S):
                while (told := await repo.ask_on())["m.suspect"].state is State.UNKNOWN:
                    pass
        finally:
            await repo.asker.close()
    assert rows_of(told)["1"].suspicions == (Suspicion(line=1, what="drops table x"),)


async def test_only_what_changed_is_studied_again_and_judged_by_what_came_before(server, tmp_path, monkeypatch):
    with database(server, "again", schema=None) as dsn:
        repo = Repo(tmp_path / "migrations", dsn)
        repo.write(_1_first="create table c (i bigint, s text)", _2_second="alter table c alter i type int")
        execute(dsn, *SUPABASE)
        first = rows_of(await repo.ask())
        assert repo.told[-1:] == ["2 of 2 texts studied"]
        assert [each.what for each in first["2"].suspicions] == ["makes c.i int, which was bigint"]
        repo.told.clear()
        assert rows_of(await repo.ask()) == first
        assert repo.told == []
        repo.write(_3_third="alter table c alter s type varchar(9)")
        third = rows_of(await repo.ask())["3"]
        assert repo.told == ["1 of 1 texts studied"]
        assert [each.what for each in third.suspicions] == ["makes c.s varchar(9), which was text"]
        monkeypatch.setattr(studies, "_COMMAND", ("false",))
        repo.write(_4_fourth="select 1")
        readings = await repo.ask()
    assert readings["m.suspect"].detail == "the study of the migrations ended with code 1, 0 of 1 done"
    assert rows_of(readings)["3"] == third


def test_a_text_on_which_the_parser_fails_is_suspicious_itself(monkeypatch):
    monkeypatch.setattr(worker, "study", lambda _: 1 / 0)
    (deed,) = worker.studied("select 1").deeds
    assert deed.what == "cannot be read: the parser failed (ZeroDivisionError)"


async def test_the_parser_is_in_no_collectors_memory():
    askers = "loom_tui.sources.migrations.asker, loom_tui.sources.postgres.asker"
    code = f"import sys, {askers}; print('sqlglot' in sys.modules)"
    done = await run((sys.executable, "-c", code), directory=Path("/"), environ={}, timeout_s=PATIENT_S, name="import")
    assert done.stdout.strip() == b"False"


async def test_a_plain_table_with_hashes_is_taken_by_version_or_whole_name(server, tmp_path):
    with database(server, "plain", schema=None) as dsn:
        more = {"table": "migrations", "version_column": "id", "hash_column": "checksum"}
        repo = Repo(tmp_path / "migrations", dsn, **more)
        repo.write(_001_a="select 1", _002_b="select 2", _002_c="select 3")
        same, other = sha256(b"select 1").hexdigest(), "0" * 64
        execute(
            dsn,
            "create table migrations (id text, checksum text)",
            f"insert into migrations values ('001', '{same}'), ('002_b', '{other}'), ('002_c', 'of another kind')",
        )
        readings = await repo.ask()
        assert readings["m"].detail == "1 changed since applied; 2 of one version"
        assert rows_of(readings)["001"].why == ""


async def test_without_hashes_a_change_is_not_known_and_said_so(server, tmp_path):
    with database(server, "hashless", schema=None) as dsn:
        repo = Repo(tmp_path / "migrations", dsn, table="schema_migrations")
        repo.write(_001_a="select 1")
        execute(dsn, "create table schema_migrations (version int)", "insert into schema_migrations values (1)")
        assert (await repo.ask())["m"].detail == "1 pending; 1 unknown to the repo", "001 is not 1"
        execute(
            dsn, "alter table schema_migrations alter version type text", "update schema_migrations set version = '001'"
        )
        assert rows_of(await repo.ask())["001"].why == "whether its file changed since is not known"


@pytest.mark.parametrize(
    ("more", "kind", "words"),
    [
        ({}, SourceAnswered, "has no table supabase_migrations.schema_migrations"),
        ({"table": "t", "version_column": "v"}, SourceAnswered, "has no column v of t"),
        ({"table": "hidden"}, SourceRefused, "may not read hidden"),
    ],
)
async def test_what_cannot_be_compared_is_told(server, tmp_path, more, kind, words):
    with database(server, "wrong", schema=None) as dsn:
        execute(dsn, "drop role if exists outsider", "create role outsider login", "create table t (version text)")
        execute(dsn, "create table hidden (version text)")
        repo = Repo(tmp_path / "migrations", dsn.replace("user=loom", "user=outsider"), **more)
        repo.write(_1_a="select 1")
        with pytest.raises(kind, match=words):
            await repo.ask()


async def test_no_files_are_no_evidence(server, tmp_path):
    with pytest.raises(SourceAnswered, match="No migration"):
        await Repo(tmp_path / "migrations", server).ask()
    repo = Repo(tmp_path / "migrations", server)
    repo.path.rmdir()
    with pytest.raises(SourceUnreachable, match="No such file or directory"):
        await repo.ask()


async def test_a_database_that_is_not_there_is_told_without_its_password(tmp_path):
    repo = Repo(tmp_path / "migrations", "postgresql://u:planted-4711@127.0.0.1:1/d")
    repo.write(_1_a="select 1")
    with pytest.raises(SourceError) as caught:
        await repo.ask()
    assert "planted-4711" not in f"{caught.value!r}"


async def test_the_database_counts_the_scans_of_the_indexes_that_migrations_make(server, tmp_path):
    with database(server, "made", schema=None) as dsn:
        (tmp_path / "1_t.sql").write_text("create table t (i int); create index old on t (i);", encoding="utf-8")
        (tmp_path / "2_i.sql").write_text('create index "New" on public.t (i);', encoding="utf-8")
        execute(dsn, "create table t (i int)", 'create index "New" on t (i)')
        source = PostgresSource(
            dsn_from=Secret(env="DSN"), interval_s=0.01, max_load=1, migrations=".", indexes=("mine",)
        )
        environ = {"DSN": dsn, "XDG_CACHE_HOME": str(tmp_path)}
        asker = build(source, errand_of("db", environ=environ, directory=tmp_path))
        async with asyncio.timeout(20):
            found: tuple[IndexUse, ...] = ()
            while not found:
                for reading in await asker.ask():
                    if reading.signal == "db.indexes":
                        found = msgspec.json.decode(reading.body, type=tuple[IndexUse, ...])
        await asker.close()
    assert [(each.name, each.scans) for each in found] == [("mine", None), ('public."New"', 0), ("old", None)]
