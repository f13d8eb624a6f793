from __future__ import annotations

import grp
import os
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from loom_tui.gathering import adopt
from loom_tui.plan.model import Plan
from loom_tui.room.events import NoteAdded
from loom_tui.room.fold import Folder
from loom_tui.room.signals import Reading
from loom_tui.store import database
from loom_tui.store.base import StoreBroken, StoreError, StoreFull, StoreMissing, StoreRefused, StoreTooNew
from loom_tui.store.database import JOURNAL, READINGS, split
from loom_tui.store.place import default_directory, room_name
from loom_tui.store.sqlite import SqliteStore, open_store
from tests.samples import sample_plan
from tests.stores import AT, collector_lease, new_store

NOTE = NoteAdded(text="x")


def modes(directory: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}


def contents(directory: Path) -> dict[str, bytes]:
    """Read the databases; a read-only reader may leave an empty -wal beside them."""
    return {path.name: path.read_bytes() for path in directory.glob("*.db")}


@pytest.fixture(params=[0o000, 0o022, 0o077])
def _umask(request):
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.fixture
def room(tmp_path) -> Path:
    """A closed store's own directory."""
    with closing(new_store(tmp_path)) as opened:
        opened.append(NOTE, actor="ana", at=AT)
        return opened.directory


def adopted(store: SqliteStore, plan: Plan) -> None:
    adopt(store, plan, Folder(plan), actor="ana", at=AT)


def named(**about: str) -> Plan:
    return replace(sample_plan(), plan=replace(sample_plan().plan, **about))


@pytest.mark.parametrize("read_only", [False, True])
def test_a_journal_that_began_as_another_rooms_is_refused_wherever_its_directory_was_moved(tmp_path, read_only):
    with closing(new_store(tmp_path, "friday")) as store:
        store.append(NOTE, actor="ana", at=AT)
        adopted(store, named(id="friday"))
        directory = store.directory
    shutil.copytree(directory, directory.with_name(room_name("monday")))
    before = contents(directory.with_name(room_name("monday")))
    with pytest.raises(StoreRefused, match="holds the journal of another room, 'friday', and not of 'monday'"):
        open_store(tmp_path / "loom", plan_id="monday", read_only=read_only)
    assert contents(directory.with_name(room_name("monday"))) == before
    with closing(new_store(tmp_path, "friday")) as store:
        assert len(store.events()) == 2


def test_a_room_keeps_its_journal_when_its_plan_is_given_the_id_that_its_title_made(tmp_path):
    with closing(new_store(tmp_path, "friday-s-ship")) as store:
        adopted(store, named(id="", title="Friday's ship"))
        adopted(store, named(id="friday-s-ship", title="Another title"))
    with closing(new_store(tmp_path, "friday-s-ship")) as store:
        assert len(store.events()) == 2


def test_a_plan_that_was_kept_and_cannot_be_read_keeps_nobody_out_of_the_journal(tmp_path):
    with closing(new_store(tmp_path, "friday")) as store:
        adopted(store, named(id="friday"))
        with closing(sqlite3.connect(store.directory / "journal.db")) as file, file:
            file.execute("UPDATE plans SET body = x'00'")
    with closing(new_store(tmp_path, "friday")) as store:
        assert len(store.events()) == 1


def test_a_rooms_own_directory_is_not_taken_for_that_of_all_rooms(tmp_path, room):
    with pytest.raises(StoreRefused, match="is the store of one room itself") as refusal:
        open_store(room, plan_id="a plan")
    assert str(refusal.value).endswith(f"Name the directory of all rooms: {room.parent}")
    assert not [path for path in room.iterdir() if path.is_dir()]


FILES = {f"{name}.db{suffix}" for name in ("journal", "readings") for suffix in ("", "-wal", "-shm")}


def test_the_default_place_is_the_users_state_directory(tmp_path, monkeypatch):
    assert default_directory({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "loom"
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_directory({"XDG_STATE_HOME": "not/absolute"}).is_relative_to(tmp_path)


@pytest.mark.usefixtures("_umask")
def test_a_private_store_is_its_users_alone_whatever_the_umask(tmp_path):
    with closing(open_store(tmp_path / "loom", plan_id="p")) as store:
        store.append(NOTE, actor="ana", at=AT)
        assert modes(store.directory) == dict.fromkeys(FILES, 0o600)
        assert stat.S_IMODE(store.directory.stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "loom").stat().st_mode) == 0o700


@pytest.mark.usefixtures("_umask")
def test_a_shared_store_is_its_groups_whatever_the_umask(tmp_path):
    gid = os.getegid()
    with closing(open_store(tmp_path / "loom", plan_id="p", group=grp.getgrgid(gid).gr_name)) as store:
        store.append(NOTE, actor="ana", at=AT)
        store.record([Reading(signal="a", observed_at=AT)], lease=collector_lease(store), now=AT)
        assert modes(store.directory) == dict.fromkeys(FILES, 0o660)
        for directory in (store.directory, store.directory.parent):
            assert stat.S_IMODE(directory.stat().st_mode) == 0o2770
            assert directory.stat().st_gid == gid


def test_a_shared_store_of_another_group_is_refused(tmp_path, room, monkeypatch):
    monkeypatch.setattr(grp, "getgrnam", lambda _: grp.struct_group(("deploy", "x", os.getegid() + 4242, [])))
    with pytest.raises(StoreRefused, match="does not belong to the group"):
        open_store(tmp_path / "loom", plan_id="a plan", group="deploy")


def test_a_group_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(StoreRefused, match="no group 'no such group'"):
        open_store(tmp_path / "loom", plan_id="p", group="no such group")


def make_foreign(path: Path, monkeypatch) -> None:
    """Give a path to somebody else; who may not do that becomes somebody else."""
    if os.geteuid() == 0:
        os.chown(path, 54_321, -1)
    else:
        me = os.geteuid()
        monkeypatch.setattr("loom_tui.store.place.os.geteuid", lambda: me + 1)


@pytest.mark.parametrize("name", ["..", ".", "journal.db", "readings.db"])
def test_a_store_that_belongs_to_somebody_else_is_refused(tmp_path, room, monkeypatch, name):
    make_foreign(room / name, monkeypatch)
    before = contents(room)
    with pytest.raises(StoreRefused, match=r"belongs to .*Open it as that user"):
        new_store(tmp_path)
    assert contents(room) == before


@pytest.mark.parametrize("name", ["..", ".", "journal.db", "readings.db"])
@pytest.mark.parametrize(("bit", "who"), [(stat.S_IWOTH, "everybody"), (stat.S_IWGRP, "its group")])
def test_a_store_that_others_can_write_is_refused(tmp_path, room, name, bit, who):
    path = room / name
    path.chmod(stat.S_IMODE(path.stat().st_mode) | bit)
    with pytest.raises(StoreRefused, match=f"can be written by {who}"):
        new_store(tmp_path)


def test_a_sticky_directory_of_everybody_may_hold_a_room_of_ones_own(tmp_path):
    shared = tmp_path / "tmp"
    shared.mkdir()
    shared.chmod(0o1777)
    open_store(shared, plan_id="p").close()


def test_a_file_where_the_directory_should_be_is_refused(tmp_path):
    (tmp_path / "loom").write_text("")
    with pytest.raises(StoreRefused, match=r"[Nn]ot a directory"):
        new_store(tmp_path)


def test_a_link_in_place_of_the_journal_is_refused(tmp_path, room):
    (room / "journal.db").rename(tmp_path / "real")
    (room / "journal.db").symlink_to(tmp_path / "real")
    with pytest.raises(StoreRefused, match="not a plain file"):
        new_store(tmp_path)


@given(st.text(), st.text())
def test_rooms_have_safe_names_that_differ_when_their_plans_do(one, other):
    name = room_name(one)
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert 0 < len(name) < 60
    assert not name.startswith("-")
    assert (name == room_name(other)) == (one == other)


@pytest.mark.parametrize("plan_id", ["", ".", "..", "../../etc/passwd", "/", "a\0b", "x" * 5_000, "\ud800", "naïve ☃"])
def test_a_plans_id_is_foreign_text_and_leads_nowhere_else(tmp_path, plan_id):
    with closing(open_store(tmp_path / "loom", plan_id=plan_id)) as store:
        assert store.directory.parent == tmp_path / "loom"
        store.append(NOTE, actor="ana", at=AT)


@pytest.mark.parametrize("schema", [JOURNAL, READINGS], ids=lambda schema: schema.name)
def test_a_store_of_a_later_version_is_left_untouched(tmp_path, room, schema):
    with closing(sqlite3.connect(room / f"{schema.name}.db")) as file:
        file.execute("PRAGMA user_version = 99")
    before = contents(room)
    for read_only in (False, True):
        with pytest.raises(
            StoreTooNew, match=f"{schema.name} version 99; this one knows {schema.version}.*Update Loom"
        ):
            open_store(tmp_path / "loom", plan_id="a plan", read_only=read_only)
    assert contents(room) == before


@pytest.mark.parametrize("name", ["journal.db", "readings.db"])
@pytest.mark.parametrize("damage", [b"", b"not a database at all " * 400, b"SQLite format 3\0" + b"\xff" * 4_080])
def test_a_file_that_is_no_store_is_named(tmp_path, room, name, damage):
    (room / name).write_bytes(damage)
    with pytest.raises(StoreBroken, match=name):
        new_store(tmp_path)
    assert (room / name).read_bytes() == damage


def test_another_programs_database_is_not_taken_for_a_journal(tmp_path, room):
    (room / "journal.db").unlink()
    with closing(sqlite3.connect(room / "journal.db")) as file:
        file.execute("CREATE TABLE theirs (x)")
    (room / "journal.db").chmod(0o600)
    with pytest.raises(StoreBroken, match="no journal of Loom's"):
        new_store(tmp_path)


def test_a_page_that_went_bad_is_reported_when_it_is_read(tmp_path, room):
    with closing(new_store(tmp_path)) as store:
        for _ in range(200):
            store.append(NoteAdded(text="y" * 200), actor="ana", at=AT)
    size = (room / "journal.db").stat().st_size
    with (room / "journal.db").open("r+b") as file:
        file.seek(8_192)
        file.write(b"\xff" * (size - 8_192))
    with closing(new_store(tmp_path)) as store, pytest.raises(StoreBroken, match=r"journal\.db is damaged"):
        store.verify()


def test_readings_that_were_deleted_begin_anew_and_the_journal_stays(tmp_path, room):
    (room / "readings.db").unlink()
    with closing(new_store(tmp_path)) as store:
        assert store.latest() == {}
        assert len(store.events()) == 1


def test_a_journal_that_is_gone_is_missed(tmp_path, room):
    (room / "journal.db").unlink()
    with pytest.raises(StoreBroken, match="the journal is gone"):
        new_store(tmp_path)
    assert not (room / "journal.db").exists()


def test_a_read_only_room_reads_and_writes_nothing(tmp_path, room):
    with closing(open_store(tmp_path / "loom", plan_id="a plan", read_only=True)) as store:
        assert len(store.events()) == 1
        assert store.verify().seq == 1
        assert store.latest() == {}
        for write in (
            lambda: store.append(NOTE, actor="ana", at=AT),
            lambda: store.ask("poll", "db", asked_by="ana", at=AT),
            lambda: store.acquire("collector", holder="x", ttl_s=5, now=AT),
        ):
            with pytest.raises(StoreError, match="read-only"):
                write()
        with closing(new_store(tmp_path)) as other:
            before = store.token()
            other.append(NOTE, actor="bo", at=AT)
            assert store.token() != before
            assert len(store.events()) == 2


def test_a_read_only_room_makes_nothing(tmp_path):
    with pytest.raises(StoreMissing, match="--read-only"):
        open_store(tmp_path / "loom", plan_id="p", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_the_versions_are_those_of_the_migrations():
    for schema in (JOURNAL, READINGS):
        steps = sorted(path.name for path in database._MIGRATIONS.glob(f"{schema.name}_*.sql"))
        assert steps == [f"{schema.name}_{version:04}.sql" for version in range(1, schema.version + 1)]


@pytest.fixture
def later(tmp_path, monkeypatch) -> database.Schema:
    """A journal's schema with one more migration, which tests write."""
    migrations = tmp_path / "migrations"
    shutil.copytree(database._MIGRATIONS, migrations)
    monkeypatch.setattr(database, "_MIGRATIONS", migrations)
    schema = database.Schema("journal", JOURNAL.application_id, 2, JOURNAL.pragmas)
    monkeypatch.setattr("loom_tui.store.sqlite.JOURNAL", schema)
    return schema


def test_an_older_store_is_brought_up_to_date_with_all_it_holds(tmp_path, room, later):
    (database._MIGRATIONS / "journal_0002.sql").write_text("CREATE TABLE more (x TEXT) STRICT;")
    with pytest.raises(StoreError, match="older version"):
        open_store(tmp_path / "loom", plan_id="a plan", read_only=True)
    for _ in range(2):
        with closing(new_store(tmp_path)) as store:
            assert len(store.events()) == 1
            assert store.verify().seq == 1
    with closing(sqlite3.connect(room / "journal.db")) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (2,)
        assert file.execute("SELECT * FROM more").fetchall() == []


def test_a_migration_that_fails_leaves_the_store_as_it_was(tmp_path, room, later, monkeypatch):
    (database._MIGRATIONS / "journal_0002.sql").write_text(
        "CREATE TABLE half (x TEXT) STRICT;\nDROP TABLE plans;\nINSERT INTO nowhere VALUES (1);\n"
    )
    with pytest.raises(StoreError, match="nowhere"):
        new_store(tmp_path)
    monkeypatch.setattr("loom_tui.store.sqlite.JOURNAL", JOURNAL)
    with closing(new_store(tmp_path)) as store:
        assert len(store.events()) == 1
        store.keep(b"still there")
    with closing(sqlite3.connect(room / "journal.db")) as file:
        assert file.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone() == (0,)


def test_a_script_is_split_into_statements_also_around_triggers_and_comments():
    script = "-- why; not\nCREATE TABLE a (x);\n\nCREATE TRIGGER t BEFORE DELETE ON a\nBEGIN\n  SELECT 1;\nEND;\n"
    assert [statement.split()[-1] for statement in split(script)] == ["(x);", "END;"]
    with pytest.raises(ValueError, match="ends inside"):
        list(split("CREATE TABLE a (x"))


def test_a_full_file_refuses_an_event_and_keeps_all_before_it(tmp_path):
    with closing(new_store(tmp_path)) as store:
        kept = store.append(NOTE, actor="ana", at=AT)
        journal = store._files[0].connection
        (pages,) = journal.execute("PRAGMA page_count").fetchone()
        journal.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreFull, match=r"journal\.db is full.*Free some space"):
            store.append(NoteAdded(text="z" * 100_000), actor="ana", at=AT)
        assert store.events() == [kept]
        journal.execute(f"PRAGMA max_page_count = {pages + 100}")
        assert store.append(NoteAdded(text="z" * 100_000), actor="ana", at=AT).seq == 2
        store.verify()


def test_a_tick_that_does_not_fit_is_not_kept_by_half(tmp_path):
    with closing(new_store(tmp_path)) as store:
        lease = collector_lease(store)
        small = Reading(signal="a", observed_at=AT, value=1)
        readings = store._files[1].connection
        (pages,) = readings.execute("PRAGMA page_count").fetchone()
        readings.execute(f"PRAGMA max_page_count = {pages + 1}")
        with pytest.raises(StoreFull, match=r"readings\.db"):
            store.record([small, Reading(signal="b", observed_at=AT, body=b"z" * 100_000)], lease=lease, now=AT)
        assert store.latest() == {}
        store.record([small], lease=lease, now=AT)
        assert store.latest()["a"].reading == small
