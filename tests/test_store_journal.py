from __future__ import annotations

import sqlite3
from contextlib import closing
from hashlib import sha256

import pytest

from loom_tui.room.events import NoteAdded, TaskTicked
from loom_tui.store.base import ChainBroken, Head, StoreBroken, StoreError, StoreRefused, StoreTooNew
from tests.stores import AT, new_store


@pytest.fixture
def store(tmp_path):
    with closing(new_store(tmp_path)) as opened:
        yield opened


def notes(count: int) -> list[NoteAdded]:
    return [NoteAdded(text=f"note {number}") for number in range(1, count + 1)]


def tamper(store, *statements: str) -> None:
    with closing(sqlite3.connect(store.directory / "journal.db")) as file, file:
        file.execute("DROP TRIGGER events_stay")
        file.execute("DROP TRIGGER events_keep_their_words")
        for statement in statements:
            file.execute(statement)


def test_an_empty_journal_has_a_head_numbered_zero(store):
    assert store.head() == Head(0, "0" * 64)
    assert store.verify() == store.head()
    assert store.events() == []


def test_events_come_back_in_order_from_another_connection_and_after_reopening(store, tmp_path):
    appended = [store.append(note, actor="ana", at=AT + number) for number, note in enumerate(notes(3))]
    with closing(new_store(tmp_path)) as other:
        assert other.events() == appended
        assert other.events(after=2) == appended[2:]
        assert other.head() == Head(3, appended[2].hash)
    assert [event.seq for event in appended] == [1, 2, 3]
    assert store.verify() == Head(3, appended[2].hash)


def test_rooms_of_other_plans_share_nothing(store, tmp_path):
    store.append(NoteAdded(text="ours"), actor="ana", at=AT)
    with closing(new_store(tmp_path, "another plan")) as other:
        assert other.events() == []


def test_a_decision_sees_the_head_as_it_is_there(store, tmp_path):
    with closing(new_store(tmp_path)) as other:
        store.append(NoteAdded(text="first"), actor="ana", at=AT)
        other.append(NoteAdded(text="second"), actor="bo", at=AT + 1)

        def count(seen):
            return NoteAdded(text=f"saw {[event.seq for event in seen]}")

        assert store.decide(count, after=0, actor="ana", at=AT).payload == NoteAdded(text="saw [1, 2]")
        assert store.decide(count, after=2, actor="ana", at=AT).payload == NoteAdded(text="saw [3]")


def test_of_two_rooms_that_arm_at_once_one_is_refused(store, tmp_path):
    tick = TaskTicked(issue=147, task=0, text="Client booking", done=True)

    def once(seen):
        if any(event.payload == tick for event in seen):
            raise LookupError("ticked already")
        return tick

    with closing(new_store(tmp_path)) as other:
        store.decide(once, after=0, actor="ana", at=AT)
        with pytest.raises(LookupError, match="already"):
            other.decide(once, after=0, actor="bo", at=AT)
    assert len(store.events()) == 1
    store.append(NoteAdded(text="the lock is free again"), actor="ana", at=AT)


def test_nobody_appends_while_another_decides(store, tmp_path, monkeypatch):
    monkeypatch.setattr("loom_tui.store.database.BUSY_S", 0.01)

    def decide(seen):
        with closing(new_store(tmp_path)) as other, pytest.raises(StoreError, match="held by another process"):
            other.append(NoteAdded(text="in between"), actor="bo", at=AT)
        return NoteAdded(text=f"after {len(seen)}")

    store.decide(decide, after=0, actor="ana", at=AT)
    assert [event.payload for event in store.events()] == [NoteAdded(text="after 0")]


@pytest.mark.parametrize(
    ("statement", "seq", "why"),
    [
        ("UPDATE events SET payload = x'7b7d' WHERE seq = 2", 2, "payload was changed"),
        ("UPDATE events SET actor = 'mallory' WHERE seq = 3", 3, "hash"),
        ("UPDATE events SET at = at + 1 WHERE seq = 1", 1, "hash"),
        ("UPDATE events SET hash = upper(hash) WHERE seq = 2", 2, "hash"),
        ("UPDATE events SET digest = x'00' , payload = NULL WHERE seq = 2", 2, "hash"),
        ("UPDATE events SET payload = 'words' WHERE seq = 2", 2, "columns"),
        ("UPDATE events SET actor = x'00' WHERE seq = 2", 2, "columns"),
        ("UPDATE events SET at = 'soon' WHERE seq = 2", 2, "columns"),
        ("UPDATE events SET digest = 7 WHERE seq = 2", 2, "columns"),
        ("UPDATE events SET hash = 7 WHERE seq = 2", 2, "hash"),
        ("DELETE FROM events WHERE seq = 1", 1, "missing"),
        ("DELETE FROM events WHERE seq = 3", 3, "missing"),
        ("DELETE FROM events WHERE seq = 4", 4, "missing"),
        ("DELETE FROM events", 1, "missing"),
    ],
)
def test_verify_names_the_first_bad_event(store, statement, seq, why):
    for note in notes(4):
        store.append(note, actor="ana", at=AT)
    tamper(store, statement)
    with pytest.raises(ChainBroken, match=why) as caught:
        store.verify()
    assert caught.value.seq == seq


def test_verify_sees_events_that_changed_places(store):
    for note in notes(4):
        store.append(note, actor="ana", at=AT)
    tamper(
        store,
        "UPDATE events SET seq = 9 WHERE seq = 2",
        "UPDATE events SET seq = 2 WHERE seq = 3",
        "UPDATE events SET seq = 3 WHERE seq = 9",
    )
    with pytest.raises(ChainBroken) as caught:
        store.verify()
    assert caught.value.seq == 2


def test_verify_sees_a_gap_closed_by_renumbering(store):
    for note in notes(4):
        store.append(note, actor="ana", at=AT)
    tamper(store, "DELETE FROM events WHERE seq = 2", "UPDATE events SET seq = 2 WHERE seq = 3")
    with pytest.raises(ChainBroken) as caught:
        store.verify()
    assert caught.value.seq == 2


def test_a_payload_that_had_to_go_leaves_the_chain_whole(store):
    for note in notes(3):
        store.append(note, actor="ana", at=AT)
    head = store.head()
    with closing(sqlite3.connect(store.directory / "journal.db")) as file, file:
        file.execute("UPDATE events SET payload = NULL WHERE seq = 2")
    assert store.verify() == head
    assert [event.seq for event in store.events()] == [1, 3]


@pytest.mark.parametrize(
    "statement", ["DELETE FROM events", "UPDATE events SET actor = 'bo'", "UPDATE events SET payload = x'7b7d'"]
)
def test_the_file_itself_refuses_to_rewrite_history(store, statement):
    store.append(NoteAdded(text="kept"), actor="ana", at=AT)
    with (
        closing(sqlite3.connect(store.directory / "journal.db")) as file,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        file.execute(statement)


def test_an_event_of_a_later_version_is_refused_in_a_sentence_and_still_verified(store, monkeypatch):
    monkeypatch.setattr("loom_tui.store.journal.encode_payload", lambda _: b'{"kind":"vote_cast","vote":"go"}')
    store.append(NoteAdded(text=""), actor="ana", at=AT)
    monkeypatch.undo()
    with pytest.raises(StoreTooNew, match=r"event 1 .*vote_cast.*Update Loom"):
        store.events()
    with pytest.raises(StoreTooNew):
        store.decide(lambda _: NoteAdded(text=""), after=0, actor="ana", at=AT)
    assert store.events(after=1) == []
    assert store.verify().seq == 1


@pytest.mark.parametrize("body", [b"\xff", b"[]", b'{"kind":"note_added","text":7}', b'{"kind":1}', b""])
def test_an_event_that_cannot_be_read_is_named(store, monkeypatch, body):
    monkeypatch.setattr("loom_tui.store.journal.encode_payload", lambda _: body)
    store.append(NoteAdded(text=""), actor="ana", at=AT)
    monkeypatch.undo()
    with pytest.raises(StoreBroken, match=r"journal\.db: event 1 cannot be read"):
        store.events()


def test_a_name_that_is_no_text_is_kept_as_far_as_it_goes(store):
    event = store.append(NoteAdded(text="x"), actor="jos\udce9", at=AT)
    assert event.actor == "jos?"
    assert store.events() == [event]
    store.verify()


@pytest.mark.parametrize("at", [float("nan"), float("inf")])
def test_an_event_without_a_time_is_refused(store, at):
    with pytest.raises(ValueError, match="time"):
        store.append(NoteAdded(text="x"), actor="ana", at=at)


def test_a_plan_is_kept_once_and_whole_under_its_hash(store, tmp_path):
    body = b'{"plan": {"title": "Sprint 07"}}'
    assert store.keep(body) == sha256(body).hexdigest()
    before = store.token()
    assert store.keep(body) == sha256(body).hexdigest()
    assert store.token() == before
    with closing(new_store(tmp_path)) as other:
        assert other.kept(sha256(body).hexdigest()) == body
    with pytest.raises(KeyError):
        store.kept("0" * 64)


def test_a_kept_plan_that_was_changed_is_not_given_out(store):
    plan_hash = store.keep(b"one")
    with closing(sqlite3.connect(store.directory / "journal.db")) as file, file:
        file.execute("UPDATE plans SET body = x'00'")
    with pytest.raises(StoreBroken, match="was changed"):
        store.kept(plan_hash)


def test_nothing_is_acknowledged_into_a_file_that_was_moved_away(store, tmp_path):
    store.append(NoteAdded(text="x"), actor="ana", at=AT)
    journal = store.directory / "journal.db"
    moved = journal.rename(journal.with_name("elsewhere"))
    with pytest.raises(StoreBroken, match="moved, deleted or replaced"):
        store.append(NoteAdded(text="y"), actor="ana", at=AT)
    moved.rename(journal)
    store.append(NoteAdded(text="y"), actor="ana", at=AT)


def test_a_store_whose_directory_is_gone_says_so_and_takes_what_is_written_once_it_is_back(store, tmp_path):
    moved = store.directory.rename(tmp_path / "elsewhere")
    (moved.parent / "file").write_text("a file")
    (moved.parent / "file").rename(store.directory)
    with pytest.raises(StoreRefused, match="Not a directory"):
        store.append(NoteAdded(text="x"), actor="ana", at=AT)
    store.directory.unlink()
    moved.rename(store.directory)
    assert store.append(NoteAdded(text="x"), actor="ana", at=AT).seq == 1


def test_a_closed_store_says_so(tmp_path):
    opened = new_store(tmp_path)
    opened.close()
    with pytest.raises(StoreError, match="closed"):
        opened.events()
