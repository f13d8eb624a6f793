"""A step of SQL runs its file as it was when the action was armed: real runners, a real PostgreSQL."""

from __future__ import annotations

import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from loom_tui.demo.postgres import running_postgres
from loom_tui.plan.acts import ActionKind, SqlAct
from loom_tui.plan.sources.base import Secret
from loom_tui.room.acting import Answer
from loom_tui.room.guard import ActionState as S
from loom_tui.room.guarded import Approve, Resume
from loom_tui.runner.scripts import Scripts
from loom_tui.sources.scene import Scene
from loom_tui.store.place import output_directory
from tests.running import World, action, release, waits, writes

STEP = SqlAct(name="Migrate", file="up.sql", dsn_from=Secret(env="LOOM_TEST_DSN"))
EDITED = "INSERT INTO ran VALUES ('edited')"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="loom-test-") as name, running_postgres(Path(name) / "server") as dsn:
        yield dsn


@pytest.fixture
def environ(server: str) -> dict[str, str]:
    """A database in which nothing ran, as the runner's environment names it."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS ran")
        connection.execute("CREATE TABLE ran (what text)")
    return {"LOOM_TEST_DSN": server}


def ran(environ: dict[str, str]) -> list[str]:
    with psycopg.connect(environ["LOOM_TEST_DSN"]) as connection:
        return [what for (what,) in connection.execute("SELECT what FROM ran")]


def armed(room: World, environ: dict[str, str], name: str = "it") -> int:
    """Arm an action, start its runner, and wait until that kept the file."""
    script(room, "INSERT INTO ran VALUES ('armed')")
    number = room.arm(name)
    room.start(number, environ)
    room.until(lambda: kept(room, number))
    return number


def script(room: World, text: str) -> Path:
    path = room.directory / "up.sql"
    path.write_text(text)
    return path


def kept(room: World, number: int) -> list[Path]:
    return list(output_directory(room.store.directory, number).glob("*.sql"))


def change(room: World, text: str) -> None:
    """Edit the file, or take it away where it is to hold nothing."""
    script(room, text)
    if not text:
        (room.directory / "up.sql").unlink()


CHANGES = pytest.mark.parametrize("text", [EDITED, ""])


def test_a_file_that_nobody_touched_is_run_and_kept_for_those_alone_who_may_read_the_store(world, environ):
    room = world(it=action(STEP, kind=ActionKind.MIGRATE, verify=()))
    number = armed(room, environ)
    room.do("bo", Approve(number))
    assert (room.ended(number).state, ran(environ)) == (S.DONE_UNVERIFIED, ["armed"])
    (path,) = kept(room, number)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@CHANGES
def test_a_migration_whose_file_changed_since_it_was_armed_is_refused_before_its_first_step(world, environ, text):
    room = world(it=action(writes("zero"), STEP, kind=ActionKind.MIGRATE))
    number = armed(room, environ)
    change(room, text)
    room.do("bo", Approve(number))
    view = room.ended(number)
    assert (view.state, room.count("zero"), ran(environ)) == (S.ABORTED, 0, [])
    assert f"“Migrate”: {room.directory / 'up.sql'}" in view.why
    assert view.why.endswith("look again, and arm it anew")
    assert "StepStarted" not in room.kinds()


@CHANGES
def test_a_rollback_runs_what_was_armed_whatever_became_of_its_file(world, environ, text):
    room = world(it=action(STEP, verify=()))
    number = armed(room, environ)
    change(room, text)
    room.do("bo", Approve(number))
    assert (room.ended(number).state, ran(environ)) == (S.DONE_UNVERIFIED, ["armed"])
    assert "PreflightFailed" not in room.kinds()


def test_a_file_is_kept_also_where_its_credential_is_missing(world, environ):
    room = world(it=action(STEP, verify=()))
    number = armed(room, {})
    room.until(lambda: room.view(number).steps[0].missing)
    room.kill()
    change(room, EDITED)
    release(room, number)
    room.start(number, environ)
    room.do("bo", Approve(number))
    assert (room.ended(number).state, ran(environ)) == (S.DONE_UNVERIFIED, ["armed"])


@pytest.mark.parametrize(
    ("kind", "state", "what"),
    [(ActionKind.ROLLBACK, S.DONE_UNVERIFIED, ["armed"]), (ActionKind.MIGRATE, S.ABORTED, [])],
)
def test_a_resumed_runner_goes_by_what_the_first_one_kept(world, environ, kind, state, what):
    room = world(it=action(waits("zero"), STEP, kind=kind, verify=()))
    number = armed(room, environ)
    room.do("bo", Approve(number))
    room.in_step(number, 0)
    room.kill()
    room.go()
    change(room, EDITED)
    for _ in range(2):
        room.do("bo", Resume(number, "it was done", Answer.GO_ON), ahead_s=60)
    release(room, number)
    room.start(number, environ)
    assert (room.ended(number).state, ran(environ)) == (state, what)


def test_a_rollback_reads_a_file_that_was_missing_when_its_step_comes(world, environ):
    room = world(it=action(STEP, verify=()))
    number = room.arm("it")
    room.start(number, environ)
    room.until(lambda: room.view(number).steps[0].missing)
    assert "up.sql cannot be read" in room.view(number).steps[0].missing
    script(room, EDITED)
    room.do("bo", Approve(number))
    assert (room.ended(number).state, ran(environ)) == (S.DONE_UNVERIFIED, ["edited"])


@pytest.mark.parametrize(
    ("kind", "state", "what"),
    [(ActionKind.ROLLBACK, S.DONE_UNVERIFIED, ["armed"]), (ActionKind.MIGRATE, S.FAILED, [])],
)
def test_what_cannot_be_kept_bars_all_but_a_rollback(world, environ, kind, state, what):
    room = world(it=action(STEP, kind=kind, verify=()))
    script(room, "INSERT INTO ran VALUES ('armed')")
    number = room.arm("it")
    directory = output_directory(room.store.directory, number)
    directory.parent.mkdir(exist_ok=True)
    directory.symlink_to(room.directory)  # what lies elsewhere is neither read nor written
    room.do("bo", Approve(number))
    room.start(number, environ)
    view = room.ended(number)
    assert (view.state, ran(environ)) == (state, what)
    assert ("cannot be kept" in view.why) is (state is S.FAILED)
    assert [path.name for path in room.directory.glob("*.sql")] == ["up.sql"]


def test_an_action_of_another_store_by_the_same_number_left_it_nothing(tmp_path):
    scene = Scene(directory=tmp_path, environ={}, values={}, credentials={})
    for at, text in ((1.0, b"old"), (2.0, b"new")):
        (tmp_path / "up.sql").write_bytes(text)
        assert Scripts([STEP], tmp_path / "7", armed_at=at, rollback=False).armed(0, scene) == text
