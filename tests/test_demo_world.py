"""The demo's world is real, slow until it is migrated, and gone when whoever asked for it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from loom_tui.config.plans import bundled_plan
from loom_tui.demo import world as worlds
from loom_tui.demo.database import MIN_SAMPLES, SLOW, coaching, write_migrations
from loom_tui.demo.postgres import running_postgres
from loom_tui.demo.run import shown
from loom_tui.demo.world import DemoError, World, decode, is_kept, running_world, world
from loom_tui.plan.model import Status
from loom_tui.room.events import Event, IssueStatusSet, MarkerSet
from loom_tui.room.signals import Reading
from tests.demos import CROSSING_S, ENVIRONMENT, PATIENCE_S, Shell, apart

WORKFLOWS = [f"workflow.{workflow.key}" for workflow in bundled_plan().workflows]
ASK_AND_WAIT = """
import sys, time
from loom_tui.demo.world import encode, world
with world(postgres_dsn=sys.argv[1] or None) as made:
    print(encode(made).decode(), flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Run one real PostgreSQL for this module; gives its DSN."""
    with tempfile.TemporaryDirectory(prefix="loom-test-") as directory, running_postgres(Path(directory) / "pg") as dsn:
        yield dsn


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep these worlds apart from a demo that somebody has open on this machine."""
    tmp_path_factory.getbasetemp()  # made now, or it would be made in, and go with, the first test's directory
    with apart(monkeypatch):
        yield


@contextmanager
def asking_process(postgres_dsn: str = "") -> Iterator[tuple[subprocess.Popen[bytes], World]]:
    """Run a process that holds a world."""
    process = subprocess.Popen([sys.executable, "-c", ASK_AND_WAIT, postgres_dsn], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield process, decode(process.stdout.readline(), World)
    finally:
        process.kill()
        process.communicate()


def schemas(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'loom_demo_%'").fetchall()
    return {name for (name,) in found}


def fastest_ms(connection: psycopg.Connection[tuple[object, ...]], statement: str) -> float:
    """Time three executions and take the fastest: a loaded machine only ever makes one slower."""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        connection.execute(statement.encode()).fetchall()
        took.append((time.perf_counter() - began) * 1000)
    return min(took)


def explained(connection: psycopg.Connection[tuple[object, ...]], statement: str) -> str:
    return "\n".join(str(line) for (line,) in connection.execute(f"EXPLAIN {statement}".encode()).fetchall())


def test_the_three_queries_are_slow_until_the_migrations_indexes_are_there(server: str, tmp_path: Path) -> None:
    with coaching(server) as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        before = {slow.name: fastest_ms(connection, slow.statement) for slow in SLOW}
        assert all("_idx" not in explained(connection, slow.statement) for slow in SLOW)
        answers = [sorted(map(repr, connection.execute(slow.statement.encode()).fetchall())) for slow in SLOW]
        write_migrations(tmp_path / "migrations", tmp_path / "apply.sql")
        connection.execute((tmp_path / "apply.sql").read_bytes())
        after = {slow.name: fastest_ms(connection, slow.statement) for slow in SLOW}
        for slow in SLOW:
            assert "_idx" in explained(connection, slow.statement)
            assert before[slow.name] >= 5 * after[slow.name], (slow.name, before, after)
        again = [sorted(map(repr, connection.execute(slow.statement.encode()).fetchall())) for slow in SLOW]
        assert [len(rows) for rows in again] == [len(rows) for rows in answers]
        with pytest.raises(psycopg.errors.UniqueViolation):  # recorded, and so not applied a second time
            connection.execute((tmp_path / "apply.sql").read_bytes())


Figures = dict[str, Any]  # a query's signal, as scripts are told it


def await_verdict(made: World, wanted: str) -> list[Figures]:
    """Wait until what a room would show judges each of the three queries so; gives their figures."""
    deadline = time.monotonic() + CROSSING_S
    while True:
        signals = shown(made, now=time.time())["signals"]
        found = [signals[f"db.{slow.name}.ms"] for slow in SLOW]
        if all(figures["verdict"] == wanted for figures in found):
            return found
        assert time.monotonic() < deadline, [(figures["p95"], figures["samples"], figures["why"]) for figures in found]
        time.sleep(0.25)


def kept(made: World, signal: str, holds: Callable[[Reading], bool]) -> bool:
    """Wait until a signal's newest reading is as it should be."""
    store = made.open_store()
    deadline = time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < deadline:
            stored = store.latest().get(signal)
            if stored is not None and holds(stored.reading):
                return True
            time.sleep(0.1)
        return False
    finally:
        store.close()


def events_of(made: World) -> list[Event]:
    store = made.open_store()
    try:
        return list(store.events())
    finally:
        store.close()


def test_a_world_is_found_crosses_its_targets_once_it_is_migrated_and_leaves_nothing(server: str) -> None:
    with world(postgres_dsn=server) as made:
        assert running_world() == made
        assert Shell(made).say("demo", "where") == f"{made.directory}\n"
        assert set(made.plan().sources) == {"sentry", "db", "app", "migrations"}
        assert (made.directory.stat().st_mode & 0o077) in {0, 0o011}
        assert (made.dsn_path.stat().st_mode & 0o777) == 0o600
        before = await_verdict(made, "not_met")
        assert "saw action" in Shell(made).say("act", "migrate", *ENVIRONMENT)
        told = [event for event in events_of(made) if event.actor == "demo"]
        (marked,) = [event for event in events_of(made) if isinstance(event.payload, MarkerSet)]
        after = await_verdict(made, "met")
        for slow, was, now in zip(SLOW, before, after, strict=True):
            assert now["p95"] < was["p95"] / 3, slow.name
            assert now["samples"] >= MIN_SAMPLES
            assert datetime.fromisoformat(now["since"]).timestamp() == int(marked.at)  # a window of its own
        assert kept(made, "migrations", lambda reading: reading.detail == "all 3 applied")
        assert kept(made, "migrations.suspect", lambda reading: reading.value == 1)
        assert kept(made, "db.indexes", lambda reading: reading.body.count(b'"scans":') == 2)
        assert any(event.payload == IssueStatusSet(issue=144, status=Status.DONE) for event in told)
        assert all(made.directory.stat().st_ctime - 60 < event.at <= time.time() for event in told)
        assert is_kept(made.directory)
        summary = shown(made, now=time.time())
        assert summary["gate"]["state"] == "HOLD"
        assert len(summary["issues"]) == 12
        assert [feed["source"] for feed in summary["feeds"]] == ["sentry", "db", "migrations", "app"]
        assert [feed["source"] for feed in summary["on_demand"]] == [*WORKFLOWS]
        assert not any(feed["failed"] for feed in summary["on_demand"])
    assert not made.directory.exists()
    assert not psutil.pid_exists(made.keeper_pid)
    assert schemas(server) == set()
    with pytest.raises(DemoError, match="loom demo"):
        running_world()


def test_killing_the_demo_takes_its_whole_world_down() -> None:
    with asking_process() as (process, made):
        keeper = psutil.Process(made.keeper_pid)
        all_of_it = [keeper, *keeper.children(recursive=True)]
        assert any("postgres" in part.name() for part in all_of_it)
        process.send_signal(signal.SIGKILL)
        _, alive = psutil.wait_procs(all_of_it, timeout=PATIENCE_S)
    assert alive == []
    assert not made.directory.exists()


def test_a_hangup_of_the_demo_ends_its_world_and_leaves_a_foreign_database_as_it_was(server: str) -> None:
    with asking_process(server) as (process, made):
        keeper = psutil.Process(made.keeper_pid)
        all_of_it = [keeper, *keeper.children(recursive=True)]
        assert len(schemas(server)) == 1
        process.send_signal(signal.SIGHUP)
        _, alive = psutil.wait_procs(all_of_it, timeout=PATIENCE_S)
    assert alive == []
    assert not made.directory.exists()
    assert schemas(server) == set()


def test_a_database_that_cannot_be_reached_is_told_in_a_sentence() -> None:
    with pytest.raises(DemoError, match="PostgreSQL refused"), world(postgres_dsn="host=127.0.0.1 port=1 dbname=none"):
        pass


def test_collectors_of_a_world_end_with_it_and_nothing_else_that_names_it(tmp_path: Path) -> None:
    script = "import sys, time; print(flush=True); time.sleep(600)"
    words = ["-c", script, "watch", str(tmp_path / "loom.toml")]
    with (
        subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE) as collector,
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as editor,
    ):
        for process in (collector, editor):
            assert process.stdout is not None
            process.stdout.readline()
        worlds.clear(tmp_path)
        assert collector.wait(PATIENCE_S) == -signal.SIGTERM
        assert editor.poll() is None
        editor.kill()
    assert not tmp_path.exists()


def test_dead_worlds_are_removed_and_living_and_unborn_ones_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead, living, unborn = (tmp_path / f"loom-demo-{os.getuid()}-{name}" for name in ("dead", "living", "unborn"))
    for directory in (dead, living, unborn):
        directory.mkdir()
    os.close(worlds.hold(dead))
    handle = worlds.hold(living)
    for directory in (dead, living):
        os.utime(directory, (0, 0))
    worlds.remove_dead_worlds()
    assert is_kept(living)
    os.close(handle)
    assert [path.exists() for path in (dead, living, unborn)] == [False, True, True]


def test_the_world_in_whose_directory_one_is_counts_and_another_version_s_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made, handles = {}, []
    for name in ("old", "new", "foreign"):
        directory = tmp_path / f"loom-demo-{os.getuid()}-{name}"
        directory.mkdir()
        handles.append(worlds.hold(directory))
        made[name] = World(
            directory=directory, plan_path=directory, store_directory=directory, dsn_path=directory, sentry_url="",
            app_url="", platform_url="", platform_token_path=directory, chat_url="", keeper_pid=1, collector_pid=1,
        )  # fmt: skip
        (directory / "world.json").write_bytes(worlds.encode(made[name]) if name != "foreign" else b'{"pid": 1}')
    os.utime(made["old"].directory / "world.json", (0, 0))
    try:
        assert running_world() == made["new"]
        (made["old"].directory / "rooms").mkdir()
        monkeypatch.chdir(made["old"].directory / "rooms")
        assert running_world() == made["old"]
    finally:
        for handle in handles:
            os.close(handle)
