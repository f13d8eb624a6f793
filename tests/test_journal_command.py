"""`loom journal`: what is written out, what a spreadsheet makes of it, and what one holds against tampering."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from loom_tui.commands.rooms import open_room_store
from loom_tui.room.events import NoteAdded, TaskTicked
from loom_tui.room.record import Record
from loom_tui.store import chain
from loom_tui.store.base import Head
from loom_tui.store.sqlite import SqliteStore
from tests.samples import sample_plan
from tests.shell import loom, with_sample_plan
from tests.stores import AT

HOSTILE = '=1+1 [/] \x1b[2J, "quoted"\n部署🚀\u202e\x00'


def journal(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return loom(place, "journal", *words)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return with_sample_plan(tmp_path)


@pytest.fixture
def store(place: Path) -> Iterator[SqliteStore]:
    with closing(open_room_store(sample_plan(), place / "state")) as opened:
        assert isinstance(opened, SqliteStore)
        opened.append(NoteAdded(text=HOSTILE, issue=147), actor="@ana", at=AT)
        opened.append(TaskTicked(issue=147, task=0, text="Client booking", done=True), actor="bo", at=AT + 1)
        opened.append(NoteAdded(text="a token was here"), actor="ana", at=AT + 2)
        yield opened


def change(store: SqliteStore, statement: str) -> None:
    with closing(sqlite3.connect(store.directory / "journal.db")) as file, file:
        file.execute("DROP TRIGGER events_keep_their_words")
        file.execute(statement)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def head_words(head: Head) -> str:
    return f"Head {head.seq} {head.hash}\n"


def test_a_line_an_event_and_at_last_the_head(place, store):
    done = journal(place, "export")
    *events, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, head_words(store.head()))
    assert last == {"head": {"seq": 3, "hash": store.head().hash}}
    assert [event["seq"] for event in events] == [1, 2, 3]
    assert events[0]["payload"] == {"kind": "note_added", "text": HOSTILE, "issue": 147}
    assert events[1]["actor"] == "bo"
    assert events[1]["time"] == "2025-10-09T08:53:21+00:00"


def test_the_chain_can_be_checked_with_the_exported_lines_alone(place, store):
    head = chain.EMPTY
    for line in journal(place, "export").stdout.splitlines()[:-1]:
        event = json.loads(line)
        body = line[line.index('"payload":') + len('"payload":') : line.index(',"digest":')].encode()
        digest = bytes.fromhex(event["digest"])
        assert sha256(body).digest() == digest
        head = chain.follow(head, [Record(event["seq"], event["at"], event["actor"], body, digest, event["hash"])])
    assert head == store.head()


def test_after_an_event_only_later_ones_are_written(place, store):
    assert [json.loads(line).get("seq") for line in journal(place, "export", "--after", "2").stdout.splitlines()] == [
        3,
        None,
    ]
    assert rows_of(journal(place, "export", "--csv", "--after", "3").stdout) == []
    assert journal(place, "export", "--after", "-1").returncode == 2


def test_a_csv_has_a_column_a_field_and_no_cell_that_a_spreadsheet_runs(place, store):
    done = journal(place, "export", "--csv")
    note, tick, _ = rows_of(done.stdout)
    assert (done.returncode, done.stderr) == (0, head_words(store.head()))
    assert (note["actor"], note["kind"]) == ("'@ana", "note_added")
    assert note["payload.text"] == "'" + HOSTILE.replace("\x1b", "\\u001b").replace("\x00", "\\u0000")
    assert (tick["payload.task"], tick["payload.done"], tick["payload.issue"]) == ("0", "true", "147")
    assert tick["hash"] == store.events()[1].hash


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\n", "＝", "＠"])
def test_a_text_that_begins_like_a_formula_is_disarmed_and_a_number_below_nought_stays_one(place, store, start):
    store.append(NoteAdded(text=f"{start}cmd|' /C calc'!A0"), actor=f"{start}mallory", at=AT)
    store.append(NoteAdded(text="fine"), actor="ana", at=-5.0)
    *_, armed, below = rows_of(journal(place, "export", "--csv").stdout)
    assert armed["payload.text"].startswith(f"'{start}")
    assert armed["actor"].startswith(f"'{start}")
    assert below["at"] == "-5.0"


def test_a_removed_payload_is_written_as_removed(place, store):
    with closing(sqlite3.connect(store.directory / "journal.db")) as file, file:
        file.execute("UPDATE events SET payload = NULL WHERE seq = 3")
    done = journal(place, "export")
    assert done.returncode == 0
    assert json.loads(done.stdout.splitlines()[2])["payload"] is None
    assert rows_of(journal(place, "export", "--csv").stdout)[2]["payload"] == "removed"


def test_an_event_of_a_later_version_is_written_as_it_is_stored(place, store, monkeypatch):
    body = b'{"kind":"moon_seen","phase":{"name":"=full"},"by":["ana"]}'
    monkeypatch.setattr("loom_tui.store.journal.encode_payload", lambda _: body)
    store.append(NoteAdded(text=""), actor="ana", at=AT)
    assert json.loads(journal(place, "export").stdout.splitlines()[3])["payload"] == json.loads(body)
    row = rows_of(journal(place, "export", "--csv").stdout)[3]
    assert (row["kind"], row["payload.phase.name"], row["payload.by"]) == ("moon_seen", "'=full", '["ana"]')


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET payload = x'7b0a7d' WHERE seq = 2",
        "UPDATE events SET payload = 'words', at = 'soon', actor = 7, digest = 8, hash = 9.5 WHERE seq = 2",
        "UPDATE events SET payload = x'ff', at = 1e300 WHERE seq = 2",
    ],
)
@pytest.mark.parametrize("form", ["--jsonl", "--csv"])
def test_a_broken_chain_is_exported_all_the_same_and_said(place, store, statement, form):
    change(store, statement)
    done = journal(place, "export", form)
    assert done.returncode == 1
    assert "The journal's chain is broken at event 2" in done.stderr
    if form == "--csv":
        assert [row["seq"] for row in rows_of(done.stdout)] == ["1", "2", "3"]
    else:
        assert [json.loads(line).get("seq") for line in done.stdout.splitlines()] == [1, 2, 3, None]


def test_a_file_is_written_whole_or_not_at_all(place, store):
    done = journal(place, "export", "-o", "journal.jsonl")
    assert (done.returncode, done.stdout) == (0, "")
    assert (place / "journal.jsonl").read_text("utf-8") == journal(place, "export").stdout
    refused = journal(place, "export", "-o", "nowhere/journal.jsonl")
    assert refused.returncode == 2
    assert "nowhere" in refused.stderr
    assert [path.name for path in place.iterdir()].count("journal.jsonl") == 1
    assert not list(place.glob(".journal*"))


def test_verify_answers_as_json(place, store):
    done = journal(place, "verify", "--json")
    assert json.loads(done.stdout) == {"verified": True, "head": {"seq": 3, "hash": store.head().hash}}
    change(store, "UPDATE events SET actor = 'mallory' WHERE seq = 2")
    done = journal(place, "verify", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["bad"] == 2
    assert json.loads(done.stdout)["verified"] is False


def test_thousands_of_events_are_written_in_their_order(place, store):
    with store._journal._database.write() as connection:
        head = store.head()
        for number in range(4, 2_504):
            digest = chain.digest_of(b"{}")
            hash_ = chain.link(head.hash, seq=number, at=AT, actor="ana", digest=digest)
            connection.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", (number, AT, "ana", b"{}", digest, hash_)
            )
            head = Head(number, hash_)
    lines = journal(place, "export").stdout.splitlines()
    assert [json.loads(line).get("seq") for line in lines] == [*range(1, 2_504), None]
