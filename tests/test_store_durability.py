"""What was acknowledged survives: real processes, killed, racing, and out of space."""

from __future__ import annotations

import grp
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random

import pytest

from loom_tui.room.events import NoteAdded
from tests.stores import AT, collector_lease, new_store

ROOT = Path(__file__).parent.parent
DEADLINE_S = 60


def writer(directory: Path, name: str, *args: str) -> subprocess.Popen[bytes]:
    """Start a writer; it ends by itself after a minute."""
    command = [sys.executable, "-m", "tests.store_writer", str(directory), name, *args]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def kill_after(process: subprocess.Popen[bytes], acknowledged: int) -> list[str]:
    """Kill a writer some time after it said so many lines; give all that it ever said."""
    assert process.stdout is not None
    said = b"".join(process.stdout.readline() for _ in range(acknowledged))
    process.kill()
    said += process.stdout.read()
    assert process.wait(DEADLINE_S) == -signal.SIGKILL, said.decode()
    return said.decode().splitlines()


@pytest.mark.parametrize("seed", range(4))
def test_killed_at_any_instant_a_writer_loses_nothing_acknowledged(tmp_path, seed):
    random = Random(seed)
    acknowledged: dict[int, str] = {}
    with ExitStack() as stack:
        writers = [stack.enter_context(writer(tmp_path, f"w{n}", "events")) for n in range(5)]
        for process in writers:  # the others go on writing while one is killed
            for line in kill_after(process, random.randrange(1, 25)):
                seq, event_hash = line.split()
                acknowledged[int(seq)] = event_hash
    with closing(new_store(tmp_path)) as store:
        head = store.verify()
        kept = {event.seq: event.hash for event in store.events()}
        assert acknowledged.items() <= kept.items()
        assert list(kept) == list(range(1, head.seq + 1))
        assert len(kept) - len(acknowledged) <= len(writers)  # at most one each was kept but not yet said
        assert store.append(NoteAdded(text="life goes on"), actor="ana", at=AT).seq == head.seq + 1
        store.verify()


def test_a_killed_collector_loses_no_reading_and_is_succeeded(tmp_path):
    with writer(tmp_path, "one", "readings") as process:
        said = kill_after(process, 20)
    with closing(new_store(tmp_path)) as store:
        (bucket, *_) = store.series("one", start=AT - AT % 60, end=AT + 3_600, step_s=60)
        total = sum(b.count for b in store.series("one", start=AT - 60, end=AT + 86_400, step_s=60))
        assert bucket.count > 0
        assert len(said) <= total <= len(said) + 1
        assert store.latest()["one"].reading.observed_at == AT + total - 1
        held = store.lease("collector")
        assert held is not None
        assert held.holder == "one"
        assert store.acquire("collector", holder="two", ttl_s=5, now=AT + 60) is None
        assert collector_lease(store, now=held.until, holder="two").epoch == held.epoch + 1


def test_several_processes_that_append_at_once_lose_nothing(tmp_path):
    with ExitStack() as stack:  # they also race to make the store
        writers = {f"w{n}": stack.enter_context(writer(tmp_path, f"w{n}", "events", "60")) for n in range(4)}
        said = {name: process.communicate(timeout=DEADLINE_S) for name, process in writers.items()}
        codes = {name: process.returncode for name, process in writers.items()}
    assert codes == dict.fromkeys(writers, 0), said
    with closing(new_store(tmp_path)) as store:
        assert store.verify().seq == 4 * 60
        for name in writers:
            noted = [event.payload for event in store.events() if event.actor == name]
            assert [int(note.text.split()[0]) for note in noted if isinstance(note, NoteAdded)] == list(range(60))


def test_on_a_full_disk_all_that_was_acknowledged_is_kept_and_the_rest_refused(tmp_path):
    with writer(tmp_path, "w", "events", "100000", "300000") as process:
        said, _ = process.communicate(timeout=DEADLINE_S)
    *lines, last = said.decode().splitlines()
    assert process.returncode == 28, last
    assert "Free some space" in last
    acknowledged = [line.split() for line in lines]
    assert len(acknowledged) > 20
    with closing(new_store(tmp_path)) as store:
        kept = [[str(event.seq), event.hash] for event in store.events()]
        assert kept == acknowledged
        store.append(NoteAdded(text="space again"), actor="ana", at=AT)
        assert store.verify().seq == len(acknowledged) + 1


def test_a_commit_of_the_journal_waits_for_the_disk(tmp_path):
    with closing(new_store(tmp_path)) as store:
        journal, readings = (file.connection for file in store._files)
        assert journal.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert readings.execute("PRAGMA synchronous").fetchone() == (1,)  # NORMAL
        for connection in (journal, readings):
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_users_of_one_group_write_one_store_in_turn():
    """As root these are really two users; anybody else shares with themselves, under the same modes."""
    gid = os.getegid()
    users = [f"54321:54321:{gid}", f"54322:54322:{gid}"] if os.geteuid() == 0 else ["-", "-"]
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o755)
        team = Path(scratch) / "team"
        team.mkdir()
        os.chown(team, -1, gid)
        team.chmod(0o2770)
        said = []
        for user in users:
            command = [sys.executable, "-m", "tests.store_as_user", str(team), grp.getgrgid(gid).gr_name, user]
            said.append(
                subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=True).stdout
            )
    assert said == ["event 1 1 0o660\n", "event 2 2 0o660\n"]
