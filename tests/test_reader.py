"""A room's session on its store: what it sees, what it writes, and what it says when something is wrong."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from loom_tui.commands.rooms import open_room_store
from loom_tui.config.plans import PlanFile
from loom_tui.gathering import read_once
from loom_tui.orders import Ask, Intent, Window
from loom_tui.plan.model import Plan
from loom_tui.plan.signals import signals_of
from loom_tui.plan.toml import dump_plan
from loom_tui.reader import Reader
from loom_tui.room.events import MarkerSet, NoteAdded, PlanAdopted, TaskTicked
from loom_tui.room.gate_deeds import sign_off
from loom_tui.room.mail import Reply, encode_reply
from loom_tui.room.presence import present
from loom_tui.room.signals import Freshness, Reading, State
from loom_tui.room.snapshot import Snapshot
from loom_tui.session import AGES_EVERY_S, SEAT_EVERY_S, RoomPlace, Session
from loom_tui.store.base import Store, StoreFull
from tests.samples import NOW, sample_plan

TICK = TaskTicked(issue=147, task=0, text="User registration", done=True)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Bench:
    """A plan's file, a store's directory and a clock that the test moves."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "loom.toml"
        self.path.write_text(dump_plan(sample_plan()), encoding="utf-8")
        self.directory = directory / "state"
        self.clock = Clock()
        self.started: list[Path] = []

    def open(self, plan: Plan) -> Store:
        return open_room_store(plan, self.directory)

    def place(self, actor: str, *, read_only: bool = False, trouble: str = "") -> RoomPlace:
        def start(path: Path) -> str:
            self.started.append(path)
            return trouble

        file = PlanFile(self.path)
        return RoomPlace(
            plan=file.read(),
            plan_file=file,
            open_store=self.open,
            actor=actor,
            read_only=read_only,
            clock=self.clock,
            start_collector=start,
        )

    @contextmanager
    def session(self, actor: str, *, read_only: bool = False, trouble: str = "") -> Iterator[Session]:
        session = Session(self.place(actor, read_only=read_only, trouble=trouble))
        try:
            yield session
        finally:
            session.close()

    @contextmanager
    def store(self) -> Iterator[Store]:
        store = self.open(sample_plan())
        try:
            yield store
        finally:
            store.close()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def seen(session: Session) -> Snapshot:
    snapshot = session.look()
    assert snapshot is not None
    return snapshot


def test_the_first_look_gives_a_snapshot_and_the_next_nothing_new(bench):
    with bench.session("ana") as session:
        assert seen(session).plan.plan.title == sample_plan().plan.title
        assert session.look() is None


def test_a_tick_in_one_room_is_seen_in_the_other_at_its_next_look(bench):
    with bench.session("ana") as ana, bench.session("bo") as bo:
        seen(bo)
        ana.obey(Intent(TICK))
        bench.clock.now += 0.25
        view = seen(bo).issue(147)
        assert view is not None
        assert (view.tasks[0].done, view.tasks[0].by) == (True, "ana")


def test_figures_are_taken_in_at_most_every_two_seconds_and_what_turned_at_the_next_look(bench):
    with bench.session("ana") as session, bench.store() as store:
        lease = store.acquire("collector", holder="h", ttl_s=60, now=bench.clock.now)
        assert lease is not None
        store.define(signals_of(sample_plan()).values())

        def read(value: float, state: State = State.OK) -> None:
            bench.clock.now += 0.25
            reading = Reading(signal="app.latency_ms", observed_at=bench.clock.now, value=value, state=state)
            store.record([reading], lease=lease, now=bench.clock.now)

        def shown() -> tuple[float | None, State] | None:
            snapshot = session.look()
            stored = snapshot.signals["app.latency_ms"].reading if snapshot is not None else None
            return (stored.value, stored.state) if stored is not None else None

        read(40.0)
        assert shown() == (40.0, State.OK)
        read(50.0)
        assert session.look() is None
        assert session.look() is None
        bench.clock.now += 2
        assert shown() == (50.0, State.OK)
        for state in (State.UNKNOWN, State.OK):
            read(60.0, state)
            assert shown() == (60.0, state)
            assert session.look() is None


def test_what_turned_while_a_deed_was_refused_is_shown_at_the_next_look_all_the_same(bench):
    with bench.session("ana") as session, bench.store() as store:
        lease = store.acquire("collector", holder="h", ttl_s=60, now=bench.clock.now)
        assert lease is not None
        seen(session)
        store.record([Reading(signal="app", observed_at=bench.clock.now)], lease=lease, now=bench.clock.now)
        session.obey(Intent(sign_off("no such criterion")))
        assert seen(session).signals["app"].state is State.OK


def test_ages_move_on_when_nobody_writes(bench):
    with bench.session("ana") as session:
        seen(session)
        bench.clock.now += 5
        assert seen(session).now == bench.clock.now


def test_a_clock_that_jumps_back_does_not_freeze_the_room(bench):
    with bench.session("ana") as session:
        seen(session)
        bench.clock.now -= 3600
        assert seen(session).now == bench.clock.now


def test_opening_a_plan_adopts_its_version_once(bench):
    for _ in range(2):
        with bench.session("ana") as session:
            seen(session)
    with bench.store() as store:
        assert [type(event.payload) for event in store.events()] == [PlanAdopted]


def test_an_edited_plan_is_taken_over_and_keeps_what_was_ticked(bench):
    with bench.session("ana") as session:
        session.obey(Intent(TICK))
        seen(session)
        text = bench.path.read_text(encoding="utf-8").replace("v1.7.0", "v1.7.1")
        bench.path.write_text(text + "\n", encoding="utf-8")
        snapshot = seen(session)
        assert snapshot.plan.plan.release == "v1.7.1"
        view = snapshot.issue(147)
        assert view is not None
        assert view.tasks[0].done
        assert session.trouble == ""
    with bench.store() as store:
        assert sum(isinstance(event.payload, PlanAdopted) for event in store.events()) == 2


def test_a_half_written_plan_is_shown_as_a_fault_and_the_old_one_stays(bench):
    whole = bench.path.read_text(encoding="utf-8")
    with bench.session("ana") as session:
        seen(session)
        bench.path.write_text(whole[: len(whole) // 2] + "\n[[[", encoding="utf-8")
        bench.clock.now += 5
        assert seen(session).plan == sample_plan()
        assert "loom.toml" in session.trouble
        assert "stays in force" in session.trouble
        bench.path.write_text(whole + "\n", encoding="utf-8")
        session.look()
        assert session.trouble == ""


def test_a_plan_that_vanishes_for_a_moment_changes_nothing(bench):
    with bench.session("ana") as session:
        seen(session)
        bench.path.unlink()
        bench.clock.now += 5
        assert seen(session).plan == sample_plan()
        assert session.trouble == ""


def test_a_read_only_room_writes_nothing_and_says_so(bench):
    with bench.session("ana"):
        pass
    with bench.store() as store:
        before = store.head()
    with bench.session("bo", read_only=True) as session:
        seen(session)
        session.obey(Intent(TICK))
        session.obey(Ask("poll", "db"))
        assert "read-only" in session.trouble
    with bench.store() as store:
        assert store.head() == before
        assert store.requests() == []


def test_a_room_without_a_collector_starts_one_and_does_not_start_it_again_at_once(bench):
    with bench.session("ana") as session:
        assert not seen(session).collector.alive
        bench.clock.now += 5
        seen(session)
        assert bench.started == [bench.path]
        bench.clock.now += 5
        seen(session)
        assert len(bench.started) == 2


def test_a_collector_that_cannot_be_started_is_told(bench):
    with bench.session("ana", trouble="no collector: no such interpreter") as session:
        snapshot = seen(session)
        assert session.trouble == snapshot.collector.why == "no collector: no such interpreter"


def test_a_running_collector_is_not_started_twice(bench):
    with bench.store() as store, bench.session("ana") as session:
        assert store.acquire("collector", holder="h", ttl_s=60, now=bench.clock.now)
        assert seen(session).collector.alive
        assert bench.started == []


def test_an_ask_is_posted_to_the_collector(bench):
    with bench.session("ana") as session, bench.store() as store:
        session.obey(Ask("poll", "db"))
        (request,) = store.requests()
        assert (request.what, request.subject, request.asked_by) == ("poll", "db", "ana")


def test_a_question_s_reply_reaches_the_room_that_asked_and_no_other(bench):
    with bench.session("ana") as ana, bench.session("bo") as bo, bench.store() as store:
        ana.obey(Ask("event", "sentry 4711"))
        assert list(ana.replies()) == []
        lease = store.acquire("collector", holder="h", ttl_s=60, now=bench.clock.now)
        (request,) = store.requests()
        store.answer(request.id, encode_reply(Reply(why="gone")), lease=lease, at=bench.clock.now)
        assert list(bo.replies()) == []
        assert list(ana.replies()) == [(Ask("event", "sentry 4711"), Reply(why="gone"))]
        assert list(ana.replies()) == []


def test_a_write_that_the_store_refuses_is_told_and_the_room_goes_on(bench, monkeypatch):
    with bench.session("ana") as session:

        def full(*_args: object, **_kwargs: object) -> None:
            raise StoreFull("The disk is full.")

        monkeypatch.setattr(session._store, "append", full)
        session.obey(Intent(NoteAdded(text="n")))
        assert session.trouble == "The disk is full."
        assert seen(session).events
        monkeypatch.undo()
        session.obey(Intent(NoteAdded(text="n")))
        assert session.trouble == ""


def test_a_window_after_a_marker_is_exact_to_the_second(bench):
    with bench.store() as store, bench.session("ana") as session:
        lease = store.acquire("collector", holder="h", ttl_s=600, now=bench.clock.now)
        assert lease is not None
        store.define(signals_of(sample_plan()).values())

        def run(value: float) -> None:
            bench.clock.now += 1
            reading = Reading(signal="db.dashboard.ms", observed_at=bench.clock.now, value=value)
            store.record([reading], lease=lease, now=bench.clock.now)

        for _ in range(30):
            run(100.0)
        bench.clock.now += 1
        session.obey(Intent(MarkerSet(marker="migration", text="indexes")))
        for _ in range(25):
            run(8.0)
        bench.clock.now += 1
        query = seen(session).databases[0].queries[0]
        assert query.samples == 25
        assert query.p95_ms == pytest.approx(8.0, rel=0.01)
        session.obey(Window(300.0))
        assert seen(session).databases[0].queries[0].samples == 25


def test_a_room_whose_host_slept_for_days_is_present_again(bench):
    with bench.session("ana") as session, bench.store() as store:
        seen(session)
        bench.clock.now += 2 * 86_400
        store.prune(now=bench.clock.now)
        seen(session)
        bench.clock.now += 5
        seen(session)
        assert [seat.login for seat in present(store.seats(), bench.clock.now)] == ["ana"]
        assert session.trouble == ""


def test_reading_a_store_once_gives_what_a_room_would_show(bench):
    with bench.session("ana") as session:
        session.obey(Intent(TICK))
        shown = seen(session)
    with bench.store() as store:
        once = read_once(sample_plan(), store, now=bench.clock.now)
    assert once.issues == shown.issues
    assert once.signals["app"].freshness is Freshness.NEVER


def test_the_thread_delivers_snapshots_takes_intents_and_ends(bench):
    snapshots: queue.Queue[Snapshot] = queue.Queue()
    troubles: queue.Queue[str] = queue.Queue()
    reader = Reader(bench.place("ana"))
    reader.start()
    first = reader.listen(snapshots.put, troubles.put, lambda *_: None) or snapshots.get(timeout=10)
    try:
        assert first.issue(147) is not None
        reader.submit(TICK)
        while True:
            view = snapshots.get(timeout=10).issue(147)
            if view is not None and view.tasks[0].done:
                break
    finally:
        reader.stop()
    with bench.store() as store:
        assert any(event.payload == TICK for event in store.events())


def test_what_was_read_before_anybody_listened_is_there_for_who_does(bench):
    with bench.session("ana") as session:
        session.obey(Intent(TICK))
    reader = Reader(bench.place("bo"))
    reader.start()
    reader.stop()  # joins the thread: all that it will ever tell is told by then
    newest = reader.listen(lambda _: None, lambda _: None, lambda *_: None)
    assert newest is not None
    view = newest.issue(147)
    assert view is not None
    assert view.tasks[0].done


def test_a_store_that_was_refused_before_anybody_listened_is_told_to_who_does(bench):
    bench.directory.mkdir(mode=0o777)
    bench.directory.chmod(0o777)
    reader = Reader(bench.place("ana"))
    reader.start()
    reader.stop()
    troubles: list[str] = []
    assert reader.listen(lambda _: None, troubles.append, lambda *_: None) is None
    assert len(troubles) == 1
    assert "can be written by everybody" in troubles[0]


def test_a_plan_that_changed_since_it_was_found_is_read_again(bench):
    place = bench.place("ana")
    text = bench.path.read_text(encoding="utf-8").replace("v1.7.0", "v1.7.1")
    bench.path.write_text(text + "\n", encoding="utf-8")
    session = Session(place)
    try:
        assert seen(session).plan.plan.release == "v1.7.1"
    finally:
        session.close()


@pytest.mark.parametrize("other", ["id", "store"])
def test_an_edit_that_makes_it_another_rooms_plan_is_told_and_not_taken(bench, other):
    plan = sample_plan()
    about, store = replace(plan.plan, id="elsewhere"), replace(plan.store, directory="/srv/rooms")
    edited = replace(plan, plan=about) if other == "id" else replace(plan, store=store)
    with bench.session("ana") as session:
        assert seen(session).plan == plan
        bench.path.write_text(dump_plan(replace(edited, references=())), encoding="utf-8")
        bench.clock.now += 10
        assert seen(session).plan == plan
        assert "another room's plan now" in session.trouble
        bench.path.write_text(dump_plan(replace(plan, references=())), encoding="utf-8")
        bench.clock.now += 10
        assert seen(session).plan.references == ()
        assert session.trouble == ""


def test_a_plans_file_that_stays_away_is_told_until_it_is_back(bench):
    with bench.session("ana") as session:
        seen(session)
        away = bench.path.rename(bench.path.with_suffix(".away"))
        for seconds, told in ((1, False), (4, False), (1, True)):
            bench.clock.now += seconds
            session.look()
            assert ("is gone" in session.trouble) == told
        away.rename(bench.path)
        session.look()
        assert session.trouble == ""


def test_a_directory_in_the_plans_place_is_a_sentence(bench):
    with bench.session("ana") as session:
        seen(session)
        bench.path.unlink()
        bench.path.mkdir()
        session.look()
        assert "a directory, where a plan's file should be" in session.trouble
        assert "Errno" not in session.trouble


def test_a_room_that_cannot_say_that_it_is_there_says_why_and_goes_on(bench, monkeypatch):
    """The collector leaves when no room is known to look, and none can be started on a full disk."""

    def full(*_args: object, **_kwargs: object) -> None:
        raise StoreFull("The disk is full.")

    with bench.session("ana") as session:
        seen(session)
        with monkeypatch.context() as patched:
            patched.setattr(session._store, "take_seat", full)
            bench.clock.now += AGES_EVERY_S
            for _ in range(3):
                assert seen(session).events
                assert session.trouble == "The disk is full."
                bench.clock.now += AGES_EVERY_S
        bench.clock.now += SEAT_EVERY_S
        seen(session)
        assert session.trouble == ""


def test_a_room_that_looks_is_never_taken_for_gone(bench):
    with bench.session("ana") as session, bench.store() as store:
        for _ in range(90):
            session.look()
            assert present(store.seats(), bench.clock.now)
            bench.clock.now += 1
