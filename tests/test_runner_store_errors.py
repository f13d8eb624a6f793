"""A store that refuses while an action runs: a rollback goes on, or says how far it came."""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from loom_tui.plan.acts import ActionKind, ManualAct, OnFailure
from loom_tui.room.acting import Answer, Outcome
from loom_tui.room.aftermath import RootCauseOpened
from loom_tui.room.events import NoteAdded
from loom_tui.room.guard import ActionState as S
from loom_tui.room.guarded import Abort, AnswerStep, Approve, Resume
from loom_tui.runner import record
from loom_tui.runner.heartbeat import Heartbeat
from loom_tui.runner.record import Record
from loom_tui.runner.runner import Place, Runner
from loom_tui.store.base import Store, StoreBroken, StoreBusy, StoreError, StoreFull
from loom_tui.store.sqlite import open_store
from tests.running import DEADLINE_S, World, action, python, release, waits, writes


class Refusing:
    """A real store that refuses what it is asked where `refuses` says so of the call's name."""

    def __init__(self, store: Store, kind: type[StoreError], refuses: Callable[[str], bool]) -> None:
        self._store = store
        self._kind = kind
        self.refuses = refuses

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._store, name)
        if not callable(asked):
            return asked

        def ask(*words: object, **named: object) -> object:
            if self.refuses(name):
                raise self._kind(f"no {name} now")
            return asked(*words, **named)

        return ask


def once_in_each_place() -> tuple[Callable[[str], bool], set[tuple[tuple[str, int], ...]]]:
    """Refuse the first call of each line of Loom that comes to ask; gives those lines too, each with its callers."""
    places: set[tuple[tuple[str, int], ...]] = set()

    def refuses(_: str) -> bool:
        frame, lines = inspect.currentframe(), []
        while frame is not None:
            if "/loom_tui/" in frame.f_code.co_filename:
                lines.append((Path(frame.f_code.co_filename).name, frame.f_lineno))
            frame = frame.f_back
        new = tuple(lines) not in places
        places.add(tuple(lines))
        return new

    return refuses, places


class Running:
    """A runner of this process, on a thread and a store of its own."""

    def __init__(self, room: World, number: int, kind: type[StoreError], refuses: Callable[[str], bool]) -> None:
        self._opened = open_store(room.directory / "loom", plan_id="friday")
        self.store = Refusing(self._opened, kind, refuses)
        self.left: StoreError | None = None
        self._place = Place(
            store=self.store,
            directory=room.directory,
            environ=dict(os.environ),
            clock=time.time,
            actor="ana",
            start_collector=lambda: "",
        )
        self._number = number
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()
        self._opened.close()

    def _run(self) -> None:
        async def carry_out() -> None:
            runner = await record.patiently(lambda: Runner(self._place, self._number))
            await runner.run()

        try:
            asyncio.run(carry_out())
        except StoreError as error:
            self.left = error


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "TRY_EVERY_S", 0.0)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("refusal", [StoreBusy, StoreFull, StoreBroken])
def test_a_rollback_goes_on_though_its_store_refuses_once_wherever_it_is_asked(world, refusal):
    fails = python("raise SystemExit(1)", name="fails", on_failure=OnFailure.ASK)
    by_hand = ManualAct(name="CDN", text="purge it")
    room = world(
        rollback=action(writes("one"), by_hand, fails, writes("two"), countdown_s=0.3),
        deploy=action(waits("hung"), kind=ActionKind.DEPLOY),
    )
    hanging = room.begin("deploy", override=True)
    room.in_step(hanging, 0)
    number = room.arm()
    refuses, places = once_in_each_place()
    with Running(room, number, refusal, refuses) as running:
        room.do("bo", Approve(number))
        room.until(lambda: room.view(number).steps[1].is_open and room.state(number) is S.RUNNING)
        room.do("bo", AnswerStep(number, Answer.DONE))
        room.until(lambda: room.view(number).steps[2].ended_at)
        room.do("bo", AnswerStep(number, Answer.GO_ON))
        room.until(lambda: room.state(number) is S.VERIFYING)
        room.healthy()
        assert room.ended(number).state is S.DONE
    assert running.left is None
    assert any(isinstance(event.payload, RootCauseOpened) for event in room.store.events())
    assert (room.state(hanging), room.count("one"), room.count("two")) == (S.ABORTED, 1, 1)
    assert len(places) > 40  # so often it was refused


@pytest.mark.usefixtures("hurried")
def test_so_does_any_other_action(world):
    room = world(it=action(writes("one"), writes("two"), kind=ActionKind.COMMAND))
    number = room.arm("it")
    refuses, places = once_in_each_place()
    with Running(room, number, StoreBusy, refuses) as running:
        room.do("bo", Approve(number))
        room.until(lambda: room.state(number) is S.VERIFYING)
        room.healthy()
        assert room.ended(number).state is S.DONE
    assert (running.left, room.count("one"), room.count("two")) == (None, 1, 1)
    assert len(places) > 30


@pytest.mark.usefixtures("hurried")
def test_a_countdown_that_the_store_would_not_take_is_no_shorter_for_it(world):
    room = world(rollback=action(writes("one"), countdown_s=60.0))
    number = room.arm()
    room.do("bo", Approve(number))
    tries: list[str] = []

    def refuses(name: str) -> bool:
        tries.extend([name] if name == "decide" else [])
        return name == "decide" and len(tries) < 3

    with closing(sqlite3.connect(room.store.directory / "journal.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with Running(room, number, StoreFull, refuses):
            room.until(lambda: len(tries) == 3)  # refused twice, it now waits for the other's end
            freed_at = time.time()
            other.execute("COMMIT")
            room.until(lambda: room.state(number) is S.COUNTING_DOWN)
            assert room.view(number).ends_at >= freed_at + 60
            room.do("bo", Abort(number, "not yet"))
    assert (room.state(number), room.count("one")) == (S.ABORTED, 0)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("kind", [ActionKind.ROLLBACK, ActionKind.COMMAND])
def test_readings_that_are_broken_from_the_start_keep_no_rollback_back_and_prove_nothing(world, monkeypatch, kind):
    monkeypatch.setattr(record, "PATIENCE_S", 0.5)
    room = world(it=action(writes("one"), kind=kind, verify_s=0.5))
    number = room.arm("it")
    room.do("bo", Approve(number))
    room.healthy()
    monkeypatch.setattr(record, "RECORD_S", 0.1)
    readings = {"acquire", "renew", "lease", "leases", "latest", "history", "series", "seats", "ask"}
    with Running(room, number, StoreBroken, lambda name: name in readings) as running:
        pass
    if kind is ActionKind.ROLLBACK:
        view = room.view(number)
        assert (view.state, view.why, room.count("one")) == (S.DONE_UNVERIFIED, "after 0.5 s: no latest now", 1)
    else:
        assert (str(running.left), room.count("one")) == ("no acquire now", 0)


@pytest.mark.usefixtures("hurried")
def test_a_store_that_refuses_for_long_is_left_with_a_word_of_how_far_it_came_and_taken_up_from_there(
    world, monkeypatch
):
    monkeypatch.setattr(record, "PATIENCE_S", 0.3)
    room = world(rollback=action(writes("zero"), waits("one"), writes("two"), verify=()))
    number = room.arm()
    room.do("bo", Approve(number))
    with Running(room, number, StoreFull, lambda _: False) as running:
        room.in_step(number, 1)
        running.store.refuses = lambda name: name == "decide"
        room.go()
    assert str(running.left) == (
        f"no decide now “rollback” ({number}) is left as it is: 1 “zero”: ok; 2 “one”: ok, which the journal did not "
        "take; 3 “two”: not begun. What is left, by hand: loom rollback --print"
    )
    assert room.output(number, step=1).endswith("Loom: this step ended: ok. The journal did not take that.\n")
    assert (room.view(number).steps[1].is_open, room.count("two")) == (True, 0)
    for _ in range(2):
        room.do("bo", Resume(number, "it says that it ended", Answer.GO_ON), ahead_s=60)
    release(room, number)
    room.start(number)
    assert room.ended(number).state is S.DONE_UNVERIFIED
    assert (room.count("zero"), room.count("one"), room.count("two")) == (1, 1, 1)


@pytest.mark.usefixtures("hurried")
async def test_what_was_said_in_time_is_heard_also_where_the_journal_could_not_be_read_until_later(world):
    room = world(rollback=action(writes("one")))
    number, until = room.arm(), time.time() + 0.3
    store = Refusing(room.store, StoreBusy, lambda _: False)
    looking = Record(store, number, run="r", actor="ana", clock=time.time)
    store.refuses = lambda name: name == "events" and time.time() < until + 0.2
    async with asyncio.timeout(DEADLINE_S):
        asked = asyncio.create_task(looking.until(lambda view: view.written is S.APPROVED, deadline=until))
        room.do("bo", Approve(number))
        assert await asked is not None


async def test_a_runner_whose_lease_cannot_be_renewed_still_finds_itself_replaced(world):
    room = world(rollback=action(waits("one")))
    number = room.begin()
    room.in_step(number, 0)
    store = Refusing(room.store, StoreBroken, lambda name: name in ("acquire", "renew"))
    run = room.view(number).run
    looking = Record(store, number, run=run, actor="ana", clock=time.time)
    heart = Heartbeat(store, number, record=looking, run=run, clock=time.time)
    beating = asyncio.create_task(heart.beat())
    async with asyncio.timeout(DEADLINE_S):
        room.kill()
        for _ in range(2):
            room.do("bo", Resume(number, "gone", Answer.GO_ON), ahead_s=60)
        await heart.replaced.wait()
    beating.cancel()


@contextmanager
def damaged(room: World, name: str) -> Iterator[None]:
    """Take away, under a runner that is stopped meanwhile, what was written last into a file of its store."""
    wal = room.store.directory / f"{name}.db-wal"
    room.kill(signal.SIGSTOP)
    try:
        if name == "journal":  # so that what the runner has read is not all there is
            room.store.append(NoteAdded(text="it is slow"), actor="cy", at=time.time())
        else:
            room.healthy()
        body = wal.read_bytes()
        os.truncate(wal, 0)
        room.kill(signal.SIGCONT)
        yield
    finally:
        with wal.open("r+b") as file:
            file.write(body)


def log_of(room: World, number: int) -> Path:
    return room.store.directory / "actions" / str(number) / "runner.log"


def test_a_journal_that_cannot_be_read_between_two_steps_holds_a_rollback_up_until_it_can(world):
    room = world(rollback=action(waits("one"), writes("two"), verify=()))
    number = room.begin()
    room.in_step(number, 0)
    with damaged(room, "journal"):
        room.go()
        room.until(lambda: log_of(room, number).read_text().count("is damaged") > 2, "the log")
        assert room.count("two") == 0
    view = room.ended(number)
    assert (view.state, view.steps[0].outcome, room.count("one"), room.count("two")) == (
        S.DONE_UNVERIFIED,
        Outcome.OK,
        1,
        1,
    )


def test_readings_that_cannot_be_read_for_a_while_verify_nothing_until_they_can(world):
    room = world(rollback=action(writes("one")))
    number = room.begin()
    room.until(lambda: room.state(number) is S.VERIFYING)
    with damaged(room, "readings"):
        room.until(lambda: log_of(room, number).read_text().count("is damaged") > 1, "the log")
        assert "ActionVerified" not in room.kinds()
    assert room.ended(number).state is S.DONE
