"""A full disk, in real processes: what is there stays, what cannot be written is a sentence, and reading goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from loom_tui.commands.rooms import open_room_store
from loom_tui.config.plans import PlanFile
from loom_tui.session import RoomPlace, Session
from tests.shell import HERE, with_sample_plan

SPRINT = HERE / "tests" / "plans" / "SPRINT_07_DEPLOYMENT_PLAN.md"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return with_sample_plan(tmp_path)


def loom(place: Path, *words: str, blocks: str = "unlimited") -> subprocess.CompletedProcess[str]:
    """Run a command that may make no file longer than so many blocks: for what it writes that is a full disk."""
    return subprocess.run(
        ("sh", "-c", f'ulimit -f {blocks}; exec "$@"', "sh", sys.executable, "-m", "loom_tui", *words),
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(HERE), "LOOM_STORE": str(place / "state")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_import_that_does_not_fit_leaves_the_plan_that_is_there(place):
    before = (place / "loom.toml").read_bytes()
    done = loom(place, "import", str(SPRINT), "-o", "loom.toml", "--force", blocks="1")
    assert done.returncode == 1
    assert "the disk is full" in done.stderr
    assert "What was there before still is" in done.stderr
    assert (place / "loom.toml").read_bytes() == before
    assert [path.name for path in place.iterdir()] == ["loom.toml"]


def test_an_import_over_a_link_keeps_the_link_and_the_files_mode(place):
    plan = (place / "loom.toml").rename(place / "real.toml")
    plan.chmod(0o640)
    (place / "loom.toml").symlink_to("real.toml")
    assert loom(place, "import", str(SPRINT), "-o", "loom.toml", "--force").returncode == 0
    assert (place / "loom.toml").is_symlink()
    assert "Deploy" in plan.read_text(encoding="utf-8")
    assert plan.stat().st_mode & 0o777 == 0o640


def test_the_gate_is_read_where_nothing_can_be_written(place):
    assert loom(place, "note", "before the disk was full").returncode == 0
    assert loom(place, "journal", "verify", blocks="0").stdout.startswith("Verified 1 events")
    told = loom(place, "status", blocks="0")
    assert (told.returncode, told.stdout.partition(":")[0]) == (3, "HOLD")


def test_a_room_that_was_opened_on_a_full_disk_says_that_it_stands_still(place):
    assert loom(place, "note", "before the disk was full").returncode == 0
    code = "from tests.test_full_disk import looked; looked()"
    told = subprocess.run(
        ("sh", "-c", 'ulimit -f 0; exec "$@"', "sh", sys.executable, "-c", code),
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "as it was when it was opened" in told.stdout, told.stderr


def looked() -> None:
    """Look once at the room of this directory, reading only; prints what a person is told."""
    file = PlanFile(Path("loom.toml"))
    place = RoomPlace(
        plan=file.read(),
        plan_file=file,
        open_store=lambda plan: open_room_store(plan, Path("state").absolute(), read_only=True),
        actor="ana",
        read_only=True,
        clock=time.time,
    )
    session = Session(place)
    assert session.look() is not None
    sys.stdout.write(session.trouble)
    session.close()


def test_what_was_written_last_is_missed_rather_than_left_out(place):
    """With a WAL beside it the file alone is not all there is: a full disk then refuses, and says so."""
    assert loom(place, "note", "in the WAL").returncode == 0
    (journal,) = (place / "state").glob("*/journal.db")
    journal.with_name("journal.db-wal").write_bytes(b"\0" * 4152)
    told = loom(place, "status", blocks="0")
    assert told.returncode == 1
    assert "what was written last cannot even be read" in told.stderr


def test_a_collector_on_a_full_disk_ends_in_one_sentence(place):
    assert loom(place, "note", "before the disk was full").returncode == 0
    told = loom(place, "watch", blocks="0")
    assert told.returncode == 1
    assert "is full" in told.stderr
    assert "Traceback" not in told.stderr
    assert "Logging error" not in told.stderr
