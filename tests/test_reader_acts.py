"""What a room's reader does for actions: the guard is asked, runners are started, output is read while one looks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from loom_tui.config.plans import PlanFile
from loom_tui.gathering import read_once
from loom_tui.orders import GUARD, Act, Ask
from loom_tui.plan.toml import dump_plan
from loom_tui.room.acting import CountdownStarted, StepStarted
from loom_tui.room.door import READ_ONLY
from loom_tui.room.guard import RUNNER_TTL_S, ActionState
from loom_tui.room.guarded import Abort, Approve, Arm, Intent, Resume
from loom_tui.room.mail import Reply
from loom_tui.room.preview import preview
from loom_tui.room.tail import OUTPUT, Tail
from loom_tui.session import ACTION_EVERY_S, RoomPlace, Session
from loom_tui.store.base import StoreFull
from loom_tui.store.place import output_path
from loom_tui.store.sqlite import open_store
from loom_tui.tailing import TAIL_BYTES, TAIL_LINES, Tailing
from tests.gates import ENVIRONMENT
from tests.running import World, action, writes


class Desk:
    """One world with rooms on it; what they start is kept, and nothing runs."""

    def __init__(self, directory: Path) -> None:
        self.world = World(directory, rollback=action(writes("one"), writes("two")))
        self.path = directory / "loom.toml"
        self.path.write_text(dump_plan(self.world.plan), encoding="utf-8")
        self.started: list[int] = []
        self.trouble = ""
        self.clock: Callable[[], float] = time.time

    def start(self, number: int) -> str:
        self.started.append(number)
        return self.trouble

    @contextmanager
    def session(self, actor: str, *, read_only: bool = False) -> Iterator[Session]:
        place = RoomPlace(
            plan=self.world.plan,
            plan_file=PlanFile(self.path),
            open_store=lambda _: open_store(self.path.parent / "loom", plan_id="friday", read_only=read_only),
            actor=actor,
            read_only=read_only,
            clock=self.clock,
            start_runner=self.start,
        )
        session = Session(place)
        try:
            session.look()
            yield session
        finally:
            session.close()

    def arming(self, **changes: object) -> Arm:
        seen = preview(self.world.snapshot(), "rollback")
        given = {
            "seen": seen, "environment": ENVIRONMENT, "plan_hash": self.world.plan_hash, "reason": "errors", **changes
        }  # fmt: skip
        return Arm(**given)  # type: ignore[arg-type]

    def state(self, number: int) -> ActionState:
        snapshot = read_once(self.world.plan, self.world.store, now=time.time())
        return next(view.written for view in snapshot.actions if view.id == number)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.world.close()


def asked(session: Session, intent: Intent, name: str = "1") -> Reply:
    """Ask the guard, and give its reply: it comes at the next look, after the snapshot that shows it."""
    session.obey(Act(name, intent))
    session.look()
    replies = [(question, reply) for question, reply in session.replies() if question.what == GUARD]
    assert [question.subject for question, _ in replies] == [name]
    return replies[0][1]


def number_of(reply: Reply) -> int:
    assert reply.why == ""
    return int(bytes(reply.body))


def test_arming_starts_a_runner_and_approving_no_second_while_it_lives(desk):
    with desk.session("ana") as ana, desk.session("bo") as bo:
        number = number_of(asked(ana, desk.arming()))
        assert desk.started == [number]
        lease = desk.world.store.acquire(f"act:{number}", holder="r", ttl_s=RUNNER_TTL_S, now=time.time())
        assert lease is not None
        assert number_of(asked(bo, Approve(number))) == number
        assert desk.started == [number]
        assert desk.state(number) is ActionState.APPROVED


def test_approving_starts_a_runner_where_the_first_has_gone(desk):
    with desk.session("ana") as ana, desk.session("bo") as bo:
        number = number_of(asked(ana, desk.arming()))
        asked(bo, Approve(number))
        assert desk.started == [number, number]


def test_alone_it_is_armed_and_approved_in_one(desk):
    with desk.session("ana") as ana:
        number = number_of(asked(ana, desk.arming(glass="alone at night")))
        assert desk.state(number) is ActionState.APPROVED


def test_a_refusal_is_told_to_who_asked_and_nothing_is_started(desk):
    with desk.session("ana") as ana:
        assert "Type the environment's name, production" in asked(ana, desk.arming(environment="prod")).why
        assert "need a reason" in asked(ana, desk.arming(reason=" ")).why
        assert desk.started == []
        assert ana.trouble == ""


def test_a_room_that_is_read_only_is_refused_every_intent_by_the_guard(desk):
    with desk.session("ana") as ana, desk.session("bo", read_only=True) as bo:
        number = number_of(asked(ana, desk.arming()))
        for intent in (desk.arming(), Approve(number), Abort(number, "odd"), Resume(number, "odd")):
            assert asked(bo, intent).why == READ_ONLY
        assert desk.state(number) is ActionState.ARMED


def test_a_runner_that_cannot_be_started_is_told(desk):
    desk.trouble = "The runner cannot be started (no space)"
    with desk.session("ana") as ana:
        assert asked(ana, desk.arming()).why == desk.trouble


def test_a_store_that_refuses_says_what_can_be_done_by_hand(desk, monkeypatch):
    with desk.session("ana") as ana:

        def full(*_: object, **__: object) -> None:
            raise StoreFull("The disk under the store is full.")

        monkeypatch.setattr(ana._store, "decide", full)
        assert asked(ana, desk.arming()).why == "The disk under the store is full. By hand: loom rollback --print"
        assert desk.started == []


def test_an_action_under_way_is_shown_each_second(desk):
    now = time.time()
    desk.clock = lambda: now
    with desk.session("ana") as ana:
        assert ana.look() is None
        desk.world.arm()
        assert ana.look() is not None
        now += ACTION_EVERY_S
        assert ana.look() is not None
        assert ana.look() is None


def tails(session: Session) -> list[Tail]:
    return [msgspec.json.decode(reply.body, type=Tail) for ask, reply in session.replies() if ask.what == OUTPUT]


def test_output_is_told_as_it_grows_and_only_while_somebody_looks(desk):
    world = desk.world
    number = world.arm()
    world.do("bo", Approve(number))
    with desk.session("cy", read_only=True) as cy:
        cy.obey(Ask(OUTPUT, str(number)))
        assert tails(cy) == [Tail(action=number)]
        world.store.append(CountdownStarted(action=number, run="r", host="h", ends_at=0), actor="ana", at=time.time())
        world.store.append(StepStarted(action=number, run="r", step=0), actor="ana", at=time.time())
        cy.look()
        assert tails(cy) == [Tail(action=number, step=0, started=1)]
        path = output_path(world.store.directory, number, step=0, started=1)
        path.parent.mkdir(parents=True)
        path.write_bytes(b"one\n\xfftwo")
        assert tails(cy) == [Tail(action=number, step=0, started=1, size_bytes=8, lines=("one", "�two"))]
        assert tails(cy) == []
        with path.open("ab") as file:
            file.write(b"\nthree\n" * 3)
        assert tails(cy)[0].lines[-1] == "three"
        cy.obey(Ask(OUTPUT, ""))
        path.write_bytes(b"unseen")
        assert tails(cy) == []


def test_of_a_long_output_only_whole_lines_of_its_end_are_read(desk):
    world = desk.world
    number = world.begin()
    view = world.ended(number)
    path = output_path(world.store.directory, number, step=1, started=1)
    path.write_bytes(b"x" * 10_000_000)
    tail = Tailing(world.store.directory, number).look(view)
    assert tail is not None
    assert [len(line) for line in tail.lines] == [TAIL_BYTES]
    path.write_bytes(b"".join(b"line %d\n" % each for each in range(100_000)))
    tail = Tailing(world.store.directory, number).look(view)
    assert tail is not None
    assert (len(tail.lines), tail.lines[-1]) == (TAIL_LINES, "line 99999")
    assert all(line.startswith("line ") for line in tail.lines)
