"""Stores that an earlier Loom made: version 1 of the readings knew nothing of a check's last runs."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from loom_tui.plan.kinds import Kind
from loom_tui.plan.signals import Signal
from loom_tui.room.events import NoteAdded
from loom_tui.room.signals import Reading, State
from loom_tui.store import database, sqlite
from loom_tui.store.database import READINGS
from tests.stores import AT, collector_lease, new_store

ROOT = Path(__file__).parents[1]
LATENCY = Signal(id="db.dashboard.ms", label="dashboard", kind=Kind.LATENCY, source="db")
CHECK = Signal(id="app.smoke", label="smoke", kind=Kind.CHECK, source="app")

MADE_WITH = {
    "journal_0001.sql": "931da5b144838d0a",
    "readings_0001.sql": "084604a701e6988e",
    "readings_0002.sql": "3dc3c1462f72c004",
    "readings_0003.sql": "07c3d237b4be74ae",
}


@pytest.fixture
def room(tmp_path, monkeypatch) -> Path:
    """A closed store of version 1, with an event, a reading and its bucket."""
    with monkeypatch.context() as earlier:
        earlier.setattr(sqlite, "READINGS", replace(READINGS, version=1))
        with closing(new_store(tmp_path)) as store:
            store.append(NoteAdded(text="before"), actor="ana", at=AT)
            store.define([LATENCY])
            lease = collector_lease(store)
            store.record([Reading(signal=LATENCY.id, observed_at=AT, value=412.0)], lease=lease, now=AT)
            store.release(lease)
            return store.directory


def test_a_migration_that_stores_were_made_with_is_never_edited():
    """What changes is a migration of its own: stores out there have run these."""
    found = {path.name: sha256(path.read_bytes()).hexdigest()[:16] for path in database._MIGRATIONS.glob("*.sql")}
    assert found == MADE_WITH


def test_a_store_of_version_1_keeps_all_it_holds_and_learns_of_runs(tmp_path, room):
    for _ in range(2):  # the second time it is of this version
        with closing(new_store(tmp_path)) as store:
            assert store.latest()[LATENCY.id].reading.value == 412.0
            (bucket,) = store.series(LATENCY.id, start=AT - 10, end=AT + 10, step_s=10)
            assert bucket.count == 1
            assert len(store.events()) == 1
            store.define([CHECK])
            run = Reading(signal=CHECK.id, observed_at=AT + 1, state=State.OK)
            store.record([run], lease=collector_lease(store, now=AT + 1), now=AT + 1)
            assert [seen.state for seen in store.history()[CHECK.id]] == [State.OK]


def test_a_store_of_version_1_that_had_its_runs_already_keeps_them(tmp_path, room):
    with closing(sqlite3.connect(room / "readings.db")) as file, file:
        file.execute(
            "CREATE TABLE runs (sid INTEGER NOT NULL REFERENCES signals, place INTEGER NOT NULL, observed_at REAL "
            "NOT NULL, state TEXT NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (sid, place)) WITHOUT ROWID"
        )
        file.execute("INSERT INTO runs SELECT sid, 0, ?, 'bad', 'a table of its own' FROM signals", (AT,))
    with closing(new_store(tmp_path)) as store:
        assert [run.detail for run in store.history()[LATENCY.id]] == ["a table of its own"]


def test_processes_that_open_an_older_store_at_once_all_come_in(tmp_path, room):
    command = [sys.executable, "-m", "tests.store_writer", str(tmp_path)]
    writers = [
        subprocess.Popen([*command, name, "events", "3"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for name in ("ana", "ben", "cy")
    ]
    answers = [(writer.communicate(timeout=60)[0], writer.returncode) for writer in writers]
    assert [code for _, code in answers] == [0, 0, 0], answers
    with closing(sqlite3.connect(room / "readings.db")) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (READINGS.version,)
        assert file.execute("SELECT count(*) FROM runs").fetchone() == (0,)
    with closing(new_store(tmp_path)) as store:
        assert store.verify().seq == 10
        assert store.latest()[LATENCY.id].reading.value == 412.0
