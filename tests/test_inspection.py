"""How a room checks its journal's chain: in steps, as it grows, whole on demand, and against what it saw before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from loom_tui.inspection import STEP, Inspection
from loom_tui.orders import Ask, Intent
from loom_tui.room.door import Person
from loom_tui.room.events import NoteAdded
from loom_tui.room.record import CHAIN, NO_TIME, ChainView, Record
from loom_tui.session import Session
from loom_tui.store import chain
from loom_tui.store.base import Head, StoreTooNew
from loom_tui.store.sqlite import SqliteStore
from tests.places import place_of
from tests.samples import NOW, sample_plan
from tests.stores import AT, new_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(new_store(tmp_path)) as opened:
        yield opened


def grow(store: SqliteStore, count: int) -> None:
    """Append events as fast as SQLite takes them."""
    body = b'{"kind":"note_added","text":"n"}'
    digest, head = chain.digest_of(body), store.head()
    with store._journal._database.write() as connection:
        for seq in range(head.seq + 1, head.seq + count + 1):
            head = Head(seq, chain.link(head.hash, seq=seq, at=AT, actor="ana", digest=digest))
            connection.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", (seq, AT, "ana", body, digest, head.hash)
            )


def tamper(store: SqliteStore, *statements: str) -> None:
    with closing(sqlite3.connect(store.directory / "journal.db")) as file, file:
        for trigger in ("events_stay", "events_keep_their_words"):
            file.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for statement in statements:
            file.execute(statement)


def checked(inspection: Inspection, store: SqliteStore) -> ChainView:
    events = store.events()
    inspection.step(events)
    while not inspection.done:
        inspection.step(events)
    return inspection.view(events)


def test_a_long_journal_is_checked_in_steps_that_say_how_far_they_came(store):
    grow(store, 2 * STEP + 5)
    inspection, events = Inspection(store), store.events()
    seen = []
    while not inspection.done:
        inspection.step(events)
        view = inspection.view(events)
        seen.append((view.seq, view.of, view.bad))
    assert seen == [(STEP, 2 * STEP + 5, 0), (2 * STEP, 2 * STEP + 5, 0), (2 * STEP + 5, 2 * STEP + 5, 0)]


def test_an_empty_journal_holds(store):
    assert checked(Inspection(store), store) == ChainView(seq=0, of=0)


def test_what_is_appended_later_is_checked_from_where_it_stopped(store, monkeypatch):
    grow(store, 3)
    inspection = Inspection(store)
    checked(inspection, store)
    grow(store, 2)
    read: list[int] = []
    records = store.records

    def counted(*, after: int, limit: int) -> list[Record]:
        read.append(after)
        found: list[Record] = records(after=after, limit=limit)
        return found

    monkeypatch.setattr(store, "records", counted)
    assert checked(inspection, store) == ChainView(seq=5, of=5)
    assert read == [3]


def test_it_tells_of_each_tenth_step_and_of_the_last_and_then_keeps_still(store):
    grow(store, 12 * STEP)
    inspection, events = Inspection(store), store.events()
    told = [inspection.go_on(1, events) for _ in range(15)]
    assert [view.seq // STEP for view in told if view is not None] == [1, 11, 12]
    assert told[13:] == [None, None]
    assert inspection.go_on(2, events) == ChainView(seq=12 * STEP, of=12 * STEP)


def test_a_change_of_what_was_verified_is_seen_by_a_whole_check(store):
    grow(store, 4)
    inspection = Inspection(store)
    checked(inspection, store)
    tamper(store, "UPDATE events SET actor = 'mallory' WHERE seq = 2")
    assert checked(inspection, store).bad == 0
    inspection.restart()
    view = checked(inspection, store)
    assert (view.seq, view.bad, view.of) == (1, 2, 4)
    assert "hash" in view.why


def test_a_journal_that_was_written_anew_with_a_chain_that_holds_is_seen_by_who_saw_the_old_one(store):
    grow(store, 3)
    inspection = Inspection(store)
    checked(inspection, store)
    tamper(store, "DELETE FROM events", "DELETE FROM sqlite_sequence")
    for number in range(4):
        store.append(NoteAdded(text=f"forged {number}"), actor="ana", at=AT)
    assert store.verify().seq == 4
    inspection.restart()
    view = checked(inspection, store)
    assert view.bad == 3
    assert "written anew" in view.why


def test_a_tail_that_was_cut_with_its_count_is_missed_by_who_saw_it(store):
    grow(store, 3)
    inspection = Inspection(store)
    checked(inspection, store)
    tamper(store, "DELETE FROM events WHERE seq = 3", "UPDATE sqlite_sequence SET seq = 2")
    assert store.verify().seq == 2
    inspection.restart()
    assert (checked(inspection, store).bad, checked(inspection, store).why) == (3, "it is missing")


def test_removed_payloads_are_strays_also_behind_the_first_bad_event(store):
    grow(store, 6)
    tamper(
        store,
        "UPDATE events SET payload = NULL WHERE seq IN (2, 5)",
        "UPDATE events SET payload = NULL, at = 'soon', actor = 7, digest = 8, hash = 9.5 WHERE seq = 4",
    )
    view = checked(Inspection(store), store)
    assert (view.seq, view.bad) == (3, 4)
    assert [record.seq for record in view.strays] == [2, 4, 5]
    assert (view.strays[1].at, view.strays[1].actor, view.strays[1].hash) == (NO_TIME, "7", "9.5")
    assert msgspec.json.decode(msgspec.json.encode(view), type=ChainView) == view


def test_a_stray_that_is_folded_at_last_is_none_any_more(store):
    grow(store, 2)
    inspection = Inspection(store)
    inspection.step(())
    assert len(inspection.view(()).strays) == 2
    assert inspection.view(store.events()).strays == ()


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    place = place_of(tmp_path, sample_plan(), Person("ana"), clock=lambda: NOW)
    with closing(Session(place)) as opened:
        yield opened


def chain_of(session: Session) -> ChainView | None:
    replies = [reply for question, reply in session.replies() if question.what == CHAIN]
    return msgspec.json.decode(replies[-1].body, type=ChainView) if replies else None


def test_a_room_checks_nothing_until_it_is_asked_and_then_follows_the_journal(session):
    session.look()
    assert chain_of(session) is None
    session.obey(Ask(CHAIN, "on"))
    session.look()
    assert chain_of(session) == ChainView(seq=1, of=1)
    assert not session.inspects
    assert chain_of(session) is None
    session.obey(Intent(NoteAdded(text="one")))
    session.look()
    assert chain_of(session) == ChainView(seq=2, of=2)
    session.obey(Ask(CHAIN, "whole"))
    assert session.inspects
    assert chain_of(session) == ChainView(seq=2, of=2)


def test_an_event_of_a_later_version_reaches_an_open_room_as_it_is_stored(session, monkeypatch):
    session.look()
    session.obey(Ask(CHAIN, "on"))
    assert chain_of(session) == ChainView(seq=1, of=1)
    body = b'{"kind":"moon_seen"}'
    monkeypatch.setattr("loom_tui.store.journal.encode_payload", lambda _: body)
    session.obey(Intent(NoteAdded(text="")))
    with pytest.raises(StoreTooNew):
        session.look()
    view = chain_of(session)
    assert view is not None
    assert (view.seq, view.bad) == (2, 0)
    assert [(stray.seq, stray.body, stray.digest) for stray in view.strays] == [(2, body, sha256(body).digest())]
