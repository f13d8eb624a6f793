"""A step of SQL runs its file as it was when the action was armed: real runners, a real PostgreSQL."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from itertools import count
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace

from loom_tui.commands.rooms import open_room_store
from loom_tui.demo.postgres import running_postgres
from loom_tui.orders import Act
from loom_tui.plan.acts import ActionKind, SqlAct
from loom_tui.plan.sources.base import Secret
from loom_tui.room.acting import ActionArmed, Answer
from loom_tui.room.deeds import Refused
from loom_tui.room.door import Person
from loom_tui.room.guard import ActionState as S
from loom_tui.room.guarded import Approve, Arm, Resume
from loom_tui.room.preview import preview
from loom_tui.runner import record, runner
from loom_tui.runner.scripts import Scripts
from loom_tui.session import Session
from loom_tui.sources.base import SourceUnreachable
from loom_tui.sources.scene import Scene
from loom_tui.store.base import StoreBroken, StoreBusy
from tests.places import place_of
from tests.running import World, action, release, waits, writes
from tests.shell import loom
from tests.test_guard_commands import GLASS, guarded
from tests.test_runner_store_errors import Running, once_in_each_place

STEP = SqlAct(name="Migrate", file="up.sql", dsn_from=Secret(env="LOOM_TEST_DSN"))
ARMED = "INSERT INTO ran VALUES ('armed')"
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


def armed(room: World, name: str = "it") -> int:
    """Arm an action whose file is there; no runner has seen it yet."""
    script(room, ARMED)
    return room.arm(name)


def script(room: World, text: str) -> Path:
    path = room.directory / "up.sql"
    path.write_text(text)
    return path


def change(room: World, text: str) -> None:
    """Edit the file, or take it away where it is to hold nothing."""
    script(room, text)
    if not text:
        (room.directory / "up.sql").unlink()


CHANGES = pytest.mark.parametrize("text", [EDITED, ""])


def test_a_file_that_nobody_touched_is_run_and_whoever_approves_sees_its_digest(world, environ):
    room = world(it=action(STEP, kind=ActionKind.MIGRATE, verify=()))
    number = armed(room)
    room.do("bo", Approve(number))
    room.start(number, environ)
    assert (room.ended(number).state, ran(environ)) == (S.DONE_UNVERIFIED, ["armed"])
    digest = sha256(ARMED.encode()).hexdigest()
    told = room.view(number).armed
    assert (told.scripts, told.shown[0].endswith(f"  # sha256 {digest[:12]}")) == ((digest,), True)


@CHANGES
def test_a_migration_whose_file_changed_since_it_was_armed_is_refused_before_its_first_step(world, environ, text):
    room = world(it=action(writes("zero"), STEP, kind=ActionKind.MIGRATE))
    number = armed(room)
    change(room, text)
    room.do("bo", Approve(number))
    room.start(number, environ)
    view = room.ended(number)
    assert (view.state, room.count("zero"), ran(environ)) == (S.ABORTED, 0, [])
    assert f"“Migrate”: {room.directory / 'up.sql'}" in view.why
    assert view.why.endswith("look again, and arm it anew")
    assert "StepStarted" not in room.kinds()


@CHANGES
def test_a_rollback_runs_what_was_armed_whatever_became_of_its_file(world, environ, text):
    room = world(it=action(STEP, verify=()))
    number = armed(room)
    change(room, text)
    room.do("bo", Approve(number))
    room.start(number, environ)
    assert (room.ended(number).state, ran(environ)) == (S.DONE_UNVERIFIED, ["armed"])
    assert "PreflightFailed" not in room.kinds()


@pytest.mark.parametrize(
    ("kind", "state", "what"),
    [(ActionKind.ROLLBACK, S.DONE_UNVERIFIED, ["armed"]), (ActionKind.MIGRATE, S.ABORTED, [])],
)
def test_a_resumed_runner_goes_by_what_was_armed(world, environ, kind, state, what):
    room = world(it=action(waits("zero"), STEP, kind=kind, verify=()))
    number = armed(room)
    room.do("bo", Approve(number))
    room.start(number, environ)
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


def test_a_room_and_a_command_pin_what_they_arm(tmp_path):
    step = SqlAct(name="Migrate", file="up.sql", dsn="host=/nowhere")
    plan = guarded(rollback=action(step, verify=()))
    place = replace(place_of(tmp_path, plan, Person("ana")), start_runner=lambda _: "")
    (tmp_path / "up.sql").write_text(ARMED)
    done = loom(tmp_path, "rollback", *GLASS)
    assert (done.returncode, "Armed " in done.stdout) == (1, True), done.stderr
    (tmp_path / "up.sql").write_text(EDITED)
    session = Session(place)
    snapshot = session.look()
    assert snapshot is not None
    seen = preview(snapshot, "rollback")
    session.obey(Act("1", Arm(seen=seen, environment="production", plan_hash=snapshot.plan_hash, reason="again")))
    session.close()
    with closing(open_room_store(plan, tmp_path / "state")) as store:
        armed = [event.payload for event in store.events() if isinstance(event.payload, ActionArmed)]
        assert [store.kept(each.scripts[0]).decode() for each in armed] == [ARMED, EDITED]


def test_nothing_is_armed_of_which_nobody_knows_what_it_would_do(world):
    room = world(it=action(writes("zero"), STEP, kind=ActionKind.MIGRATE))
    with pytest.raises(Refused, match=r"“Migrate”: up\.sql cannot be read here"):
        room.arm("it")


@pytest.mark.parametrize("text", [ARMED, EDITED])
def test_a_rollback_whose_armed_text_is_lost_runs_its_file_if_that_is_the_same_and_says_else_what_changed(
    world, environ, text
):
    room = world(it=action(STEP, verify=()))
    number = armed(room)
    digest = room.view(number).armed.scripts[0]
    with closing(sqlite3.connect(room.store.directory / "journal.db")) as file, file:
        file.execute("UPDATE plans SET body = x'00' WHERE hash = ?", (digest,))
    script(room, text)
    room.do("bo", Approve(number))
    room.start(number, environ)
    view = room.ended(number)
    assert (view.state, ran(environ)) == ((S.DONE_UNVERIFIED, ["armed"]) if text == ARMED else (S.FAILED, []))
    if text == EDITED:
        now = sha256(EDITED.encode()).hexdigest()
        assert f"up.sql was edited since it was armed (sha256 {digest[:12]} then, {now[:12]} now)" in view.why


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    monkeypatch.setattr(record, "TRY_EVERY_S", 0.01)
    monkeypatch.setattr(runner, "HURRY_S", 0.5)
    monkeypatch.setenv("LOOM_TEST_DSN", environ["LOOM_TEST_DSN"])


def from_the_second(refuses: Callable[[], bool]) -> Callable[[str], bool]:
    """Refuse to give what was kept, but for the plan, which a runner reads first."""
    reads = count()
    return lambda name: name == "kept" and next(reads) > 0 and refuses()


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("refusal", [StoreBusy, StoreBroken])
def test_a_text_that_a_store_refused_to_give_once_is_not_lost_whatever_became_of_its_file(world, environ, refusal):
    room = world(it=action(STEP, verify=()))
    number = armed(room)
    change(room, EDITED)
    room.do("bo", Approve(number))
    refuses, places = once_in_each_place()
    with Running(room, number, refusal, lambda name: name == "kept" and refuses(name)):
        assert (room.ended(number).state, ran(environ)) == (S.DONE_UNVERIFIED, ["armed"])
    assert "PreflightFailed" not in room.kinds()
    assert len(places) > 1


@pytest.mark.usefixtures("hurried")
def test_a_store_that_refuses_a_text_for_long_holds_a_rollbacks_step_up_and_not_its_preflight(world, environ):
    room = world(it=action(STEP, verify=()))
    number = armed(room)
    change(room, EDITED)
    freed = threading.Event()
    with Running(room, number, StoreBusy, from_the_second(lambda: not freed.is_set())):
        room.until(lambda: room.view(number).steps[0].missing)
        assert room.view(number).steps[0].missing == "“Migrate”: what it needs did not answer within 0.5 s"
        room.do("bo", Approve(number))
        room.until(lambda: room.view(number).steps[0].is_open)
        freed.set()
        assert (room.ended(number).state, ran(environ)) == (S.DONE_UNVERIFIED, ["armed"])


@pytest.mark.usefixtures("hurried")
def test_a_text_that_the_store_never_gives_is_read_from_a_file_that_is_the_same(world, environ):
    room = world(it=action(STEP, verify=()))
    number = armed(room)
    room.do("bo", Approve(number))
    with Running(room, number, StoreBroken, from_the_second(lambda: True)):
        assert (room.ended(number).state, ran(environ)) == (S.DONE_UNVERIFIED, ["armed"])


async def test_an_empty_file_is_pinned_too(tmp_path):
    scene = Scene(directory=tmp_path, environ={}, values={}, credentials={})
    (tmp_path / "up.sql").write_text(EDITED)
    digest = sha256(b"").hexdigest()
    scripts = Scripts([STEP], [digest], kept={digest: b""}.__getitem__, rollback=True)
    assert await scripts.armed(0, scene) == b""


@pytest.mark.parametrize("digests", [(), ("",)])
async def test_what_a_journal_says_was_armed_without_a_digest_is_run_by_a_rollback_alone(tmp_path, digests):
    scene = Scene(directory=tmp_path, environ={}, values={}, credentials={})
    (tmp_path / "up.sql").write_text(EDITED)
    kept: dict[str, bytes] = {}
    scripts = Scripts([STEP], digests, kept=kept.__getitem__, rollback=True)
    assert await scripts.armed(0, scene) == EDITED.encode()
    with pytest.raises(SourceUnreachable, match="sha256 not known then"):
        await Scripts([STEP], digests, kept=kept.__getitem__, rollback=False).armed(0, scene)
