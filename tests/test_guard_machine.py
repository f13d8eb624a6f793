"""Guard, store and runners against the world, in any order: what must hold however people and kills interleave.

Each step of an action is a real process that goes on until it is let go. A killed runner leaves it behind, with the
lock and the word in its environment, as a kernel would. Time is an argument, so that leases and approvals run out.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from loom_tui.gathering import RUNNER_LEASE, Gathering, adopt, append_decided, collector_view
from loom_tui.plan.freezes import frozen_at
from loom_tui.plan.model import Freeze, Plan
from loom_tui.room.acting import (
    ActionAborted,
    ActionExpired,
    ActionFailed,
    ActionPayload,
    ActionResumed,
    ActionTakenOver,
    ActionUnknown,
    ActionUnverified,
    ActionVerified,
    Answer,
    CountdownStarted,
    Outcome,
    PreflightFailed,
    StepAnswered,
    StepEnded,
    StepStarted,
    VerificationStarted,
)
from loom_tui.room.deeds import Refused
from loom_tui.room.door import Person, admitted
from loom_tui.room.fold import Folder
from loom_tui.room.guard import ACTIVE, TABLE, UNDER_WAY, WAITING, ActionState, ActionView, next_step
from loom_tui.room.guarded import Abort, AnswerStep, Approve, Arm, CallStop, Intent, LiftStop, Resume, deed_of, permit
from loom_tui.room.preview import preview
from loom_tui.room.snapshot import Snapshot
from loom_tui.runner.children import VARIABLE, Children, StillAtWork, cut_short, left_at_work
from loom_tui.store.base import Lease, LeaseLost
from tests.gates import NOW, RELEASE, reading
from tests.guards import guarded_plan
from tests.stores import new_store

PEOPLE = st.sampled_from(["ana", "bo"])
LEASE_S = 10.0
SHELL = 'echo x >> "$1"; read line'


class Machine(RuleBasedStateMachine):
    """Two rooms on one store, and any number of runners. `steps` counts all that was done, `kinds` what was written."""

    steps: ClassVar[int] = 0
    kinds: ClassVar[Counter[type]] = Counter()

    @initialize()
    def begin(self) -> None:
        self.place = tempfile.TemporaryDirectory()
        self.directory = Path(self.place.name)
        self.now = NOW
        self.plan: Plan = guarded_plan()
        self.store = new_store(self.directory, "friday")
        self.folder = Folder(self.plan)
        self.plan_hash = adopt(self.store, self.plan, self.folder, actor="ana", at=self.now)
        self.gathering = Gathering(self.plan, self.store)
        self.runners: list[Hand] = []
        self.began = 0
        self.spawned: Counter[tuple[int, int]] = Counter()
        self.processes: list[tuple[int, subprocess.Popen[bytes]]] = []

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        for hand in self.runners:
            hand.kill()
        for _, process in self.processes:
            process.communicate(timeout=20)
        self.store.close()
        self.place.cleanup()

    # What people do.

    def snapshot(self) -> Snapshot:
        self.folder.take(self.store.events(after=self.folder.ledger.seq))
        return self.folder.snapshot(self.observations(), self.now)

    def observations(self) -> Any:
        seen = self.gathering.observations(collector_view(self.store, now=self.now))
        version = reading("app.version", detail=RELEASE, age_s=NOW - self.now)
        return replace(seen, latest={"app.version": version})

    def write(self, deed: Any, actor: str) -> bool:
        """Write something down, as a runner does; says whether the guard let it be."""
        self.folder.take(self.store.events(after=self.folder.ledger.seq))
        try:
            event = append_decided(
                self.store, deed, folder=self.folder, observations=self.observations(), actor=actor, at=self.now
            )
        except Refused:
            return False
        self.kinds[type(event.payload)] += 1
        return True

    def wish(self, intent: Intent, actor: str) -> bool:
        before = self.store.head()
        with pytest.raises(Refused, match="read-only"):
            admitted(deed_of(intent), Person(actor, read_only=True))
        assert self.store.head() == before
        return self.write(admitted(deed_of(intent), Person(actor)), actor)

    def newest(self) -> int:
        return max((view.id for view in self.snapshot().actions), default=0)

    @rule(name=st.sampled_from(["rollback", "rollback", "deploy", "purge"]), actor=PEOPLE, stale=st.booleans())
    def arm(self, name: str, actor: str, stale: bool) -> None:  # noqa: FBT001
        plan_hash = "an older one" if stale and name == "purge" else self.plan_hash
        self.wish(
            Arm(
                seen=preview(self.snapshot(), name),
                environment="production",
                plan_hash=plan_hash,
                reason="r",
                override=name == "deploy",
            ),
            actor,
        )

    @rule(actor=PEOPLE, glass=st.sampled_from(["", "alone"]))
    def approve(self, actor: str, glass: str) -> None:
        self.wish(Approve(self.newest(), glass), actor)

    @rule(
        name=st.sampled_from(["rollback", "deploy", "purge"]),
        moves=st.sampled_from([0, 1, 2, 3, 3, 3, 6, 6, 9]),
        outcomes=st.lists(st.sampled_from([Outcome.OK, Outcome.OK, Outcome.OK, *Outcome]), min_size=9, max_size=9),
    )
    def begin_one(self, name: str, moves: int, outcomes: list[Outcome]) -> None:
        """Go the way that things mostly go, and stop anywhere on it."""
        self.arm(name, "ana", stale=False)
        self.approve("bo", "")
        self.start(0)
        self.go_on(outcomes[:moves])

    def go_on(self, outcomes: list[Outcome]) -> None:
        """Move the newest runner on."""
        for outcome in outcomes:
            if self.runners and self.runners[-1].lives:
                self.runners[-1].move(outcome)
        self.runners = [hand for hand in self.runners if hand.lives]

    @precondition(lambda self: any(view.written in ACTIVE for view in self.snapshot().actions))
    @rule(answer=st.sampled_from([Answer.GO_ON, Answer.REPEAT, None]), killed=st.booleans(), ended=st.booleans())
    def lose(self, answer: Answer | None, killed: bool, ended: bool) -> None:  # noqa: FBT001
        """Lose a runner for longer than its lease, killed or only stopped; have another go on, or give it up."""
        for hand in self.runners if killed else ():
            hand.kill()
        self.runners = [hand for hand in self.runners if hand.lives]
        self.now += LEASE_S + 1
        while ended and self.processes:
            self.let_go(0)
        for _ in range(2):
            if answer is None:
                self.abort("bo", 0, really=True)
            else:
                self.resume("bo", answer)
        if answer is None:
            self.begin_one("purge", 3, [Outcome.OK] * 3)
        else:
            self.start(0)
            self.go_on([Outcome.OK] * 2)

    @rule(actor=PEOPLE, back=st.integers(0, 1), really=st.sampled_from([False, False, True]))
    def abort(self, actor: str, back: int, really: bool) -> None:  # noqa: FBT001
        if not really:
            return
        numbers = [view.id for view in self.snapshot().actions]
        if len(numbers) > back:
            self.wish(Abort(numbers[-1 - back], "r"), actor)

    @rule(name=st.sampled_from(["rollback", "purge"]), moves=st.sampled_from([2, 3, 4]))
    def abort_midway(self, name: str, moves: int) -> None:
        """Abort what runs: its step comes to its end, and no other begins."""
        self.begin_one(name, moves, [Outcome.OK] * moves)
        self.abort("bo", 0, really=True)
        self.go_on([Outcome.OK] * 4)

    @rule(
        name=st.sampled_from(["rollback", "purge"]),
        outcome=st.sampled_from([Outcome.FAILED, Outcome.UNKNOWN]),
        answer=st.sampled_from([None, Answer.GO_ON, Answer.REPEAT]),
    )
    def end_badly(self, name: str, outcome: Outcome, answer: Answer | None) -> None:
        """Have the first step end so, and the action with it where nobody is asked or answers."""
        self.begin_one(name, 3, [Outcome.OK] * 3)
        self.go_on([outcome])
        if answer is not None:
            self.answer("bo", answer)
        self.go_on([outcome] * 2)

    @rule(actor=PEOPLE, answer=st.sampled_from([None, Answer.GO_ON, Answer.REPEAT]))
    def resume(self, actor: str, answer: Answer | None) -> None:
        self.wish(Resume(self.newest(), "r", answer), actor)

    @rule(actor=PEOPLE, answer=st.sampled_from(Answer))
    def answer(self, actor: str, answer: Answer) -> None:
        self.wish(AnswerStep(self.newest(), answer), actor)

    @rule(everything=st.booleans(), lift=st.sampled_from([*[True] * 9, False]))
    def stop(self, everything: bool, lift: bool) -> None:  # noqa: FBT001
        self.wish(LiftStop("r") if lift else CallStop("r", everything), "ana")

    @rule()
    def edit(self) -> None:
        about = replace(self.plan.plan, goal=f"{self.plan.plan.goal}.")
        self.plan = replace(self.plan, plan=about)
        self.folder = Folder(self.plan, self.folder.ledger)
        self.plan_hash = adopt(self.store, self.plan, self.folder, actor="bo", at=self.now)

    @rule(frozen=st.sampled_from([True, False, False]))
    def freeze(self, frozen: bool) -> None:  # noqa: FBT001
        """Edit a freeze that holds for a while into the plan, or all freezes out of it."""
        start = datetime.fromtimestamp(self.now, UTC)
        freeze = Freeze(from_=start, until=start + timedelta(seconds=60), why=f"freeze {self.now:g}")
        self.plan = replace(self.plan, freezes=(freeze,) if frozen else ())
        self.edit()

    @rule(seconds=st.sampled_from([1.0, 1.0, 1.0, 11.0, 11.0, 11.0, 901.0, -30.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(name=st.sampled_from(["rollback", "deploy", "purge"]))
    def expire(self, name: str) -> None:
        """Leave an action unapproved for longer than it waits; a runner that lives writes that down."""
        self.arm(name, "ana", stale=False)
        self.start(0)
        self.now += 901
        self.go_on([Outcome.OK])

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = new_store(self.directory, "friday")
        self.gathering = Gathering(self.plan, self.store)
        self.folder = Folder(self.plan)

    # What runners do.

    @rule(back=st.integers(0, 1))
    def start(self, back: int) -> None:
        numbers = [view.id for view in self.snapshot().actions]
        if len(numbers) > back:
            self.began += 1
            hand = Hand(self, numbers[-1 - back], f"r{self.began}")
            if hand.lives:
                self.runners.append(hand)

    @precondition(lambda self: self.runners)
    @rule(which=st.integers(0, 5), times=st.integers(1, 6), outcome=st.sampled_from([Outcome.OK, Outcome.OK, *Outcome]))
    def move(self, which: int, times: int, outcome: Outcome) -> None:
        hand = self.runners[which % len(self.runners)]
        for _ in range(times):
            if hand.lives:
                hand.move(outcome)
        self.runners = [hand for hand in self.runners if hand.lives]

    @rule(payload=st.sampled_from([StepEnded, ActionVerified, ActionUnverified]))
    def meddle(self, payload: Any) -> None:
        """Say what only an action's runner may say."""
        action = self.newest()
        more: dict[type, dict[str, Any]] = {
            StepEnded: {"step": 0, "outcome": Outcome.OK},
            ActionVerified: {"evidence": ()},
            ActionUnverified: {"why": "w"},
        }
        said = payload(action=action, run="nobody", **more[payload])
        assert not self.write(lambda snapshot, actor: permit(said, snapshot, actor), "ana")

    @precondition(lambda self: self.runners)
    @rule(which=st.integers(0, 5))
    def kill(self, which: int) -> None:
        self.runners.pop(which % len(self.runners)).kill()

    @precondition(lambda self: self.processes)
    @rule(which=st.integers(0, 5))
    def let_go(self, which: int) -> None:
        _, process = self.processes[which % len(self.processes)]
        process.communicate(timeout=20)
        self.sweep()

    def sweep(self) -> None:
        """Leave the processes that ended behind."""
        for _, process in self.processes:
            if process.poll() is not None and process.stdin is not None:
                process.stdin.close()
        self.processes = [(action, process) for action, process in self.processes if process.poll() is None]

    def spawn(self, action: int, step: int, descriptor: int, marker: str) -> subprocess.Popen[bytes]:
        """Do a step: a line in its file, and a process that goes on."""
        assert not [process for _, process in self.processes if process.poll() is None]
        self.spawned[action, step] += 1
        process = subprocess.Popen(
            ("/bin/sh", "-c", SHELL, "step", str(self.directory / f"{action}-{step}")),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], VARIABLE: marker},
            pass_fds=(descriptor,),
            start_new_session=True,
        )
        self.processes.append((action, process))
        return process

    # What holds.

    @invariant()
    def it_is_counted(self) -> None:
        type(self).steps += 1

    def payloads(self) -> list[ActionPayload]:
        return [event.payload for event in self.store.events() if isinstance(event.payload, ActionPayload)]

    @invariant()
    def at_most_one_action_is_at_work(self) -> None:
        if hasattr(self, "store"):
            active = [view.id for view in self.snapshot().actions if view.written in ACTIVE]
            assert len(active) <= 1
            assert len([process for _, process in self.processes if process.poll() is None]) <= 1

    @invariant()
    def nothing_runs_without_its_event_and_nothing_twice_without_a_person_s_word(self) -> None:
        if not hasattr(self, "store"):
            return
        payloads = self.payloads()
        started = Counter((p.action, p.step) for p in payloads if isinstance(p, StepStarted))
        allowed = Counter((p.action, p.step) for p in payloads if isinstance(p, ActionResumed))
        allowed += Counter(
            (p.action, p.step) for p in payloads if isinstance(p, StepAnswered) and p.answer is Answer.REPEAT
        )
        for key, times in self.spawned.items():
            assert times <= started[key]
            assert started[key] <= 1 + allowed[key]
            done = self.directory / f"{key[0]}-{key[1]}"
            assert not done.exists() or len(done.read_text().splitlines()) <= times

    @invariant()
    def nothing_is_done_that_was_not_approved_carried_out_and_verified(self) -> None:
        if not hasattr(self, "store"):
            return
        verified = {p.action for p in self.payloads() if isinstance(p, ActionVerified)}
        for view in self.snapshot().actions:
            assert (view.written is ActionState.DONE) == (view.id in verified)
            if view.written in (ActionState.DONE, ActionState.DONE_UNVERIFIED):
                assert view.approved_by
                assert all(step.ended_at is not None for step in view.steps)
            if view.armed.people == 2 and view.approved_by:
                assert view.approved_by != view.by or (view.approved_how, view.armed.name) == ("glass", "rollback")

    @invariant()
    def the_journal_is_whole_and_folds_to_the_same_in_every_room(self) -> None:
        if hasattr(self, "store"):
            events = self.store.events()
            assert self.store.verify().seq == len(events)
            self.snapshot()
            afresh = Folder(self.plan)
            afresh.take(events)
            assert msgspec.json.encode(list(afresh.ledger.actions.views.values())) == msgspec.json.encode(
                list(self.folder.ledger.actions.views.values())
            )


class Hand:
    """A runner, one move at a time: what `runner/runner.py` does, with every place where it may be killed."""

    def __init__(self, machine: Machine, action: int, run: str) -> None:
        self.machine, self.action, self.run = machine, action, run
        self.children = Children(machine.store.directory, action)
        self.held = ExitStack()
        self.process: subprocess.Popen[bytes] | None = None
        self.lease: Lease | None = machine.store.acquire(
            f"{RUNNER_LEASE}{action}", holder=run, ttl_s=LEASE_S, now=machine.now
        )
        self.lives = self.lease is not None
        if self.lives:
            try:
                self.descriptor = self.held.enter_context(self.children.lock())
            except StillAtWork:
                self.leave()

    def kill(self) -> None:
        """Die as by SIGKILL: the lease runs out by itself, the process lives on."""
        self.lives = False
        self.held.close()

    def leave(self) -> None:
        """Go in good order: the step's process ends first."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=20)
        if self.lease is not None:
            self.machine.store.release(self.lease)
        self.kill()

    def view(self) -> ActionView:
        return next(view for view in self.machine.snapshot().actions if view.id == self.action)

    def say(self, payload: Any) -> bool:
        return self.machine.write(lambda snapshot, actor: permit(payload, snapshot, actor), "ana")

    def must(self, payload: Any) -> None:
        if not self.say(payload):
            self.leave()

    def move(self, outcome: Outcome) -> None:
        assert self.lease is not None
        try:
            self.lease = self.machine.store.renew(self.lease, ttl_s=LEASE_S, now=self.machine.now)
        except LeaseLost:  # it slept; whose the action is says the journal
            now = self.machine.now
            self.lease = (
                self.machine.store.acquire(f"{RUNNER_LEASE}{self.action}", holder=self.run, ttl_s=LEASE_S, now=now)
                or self.lease
            )
        view = self.view()
        if not view.is_of(self.run):
            self.leave()
        elif view.written in WAITING and self.machine.now >= view.armed.expires_at:
            self.must(ActionExpired(action=self.action))
        elif view.written in WAITING and outcome is Outcome.FAILED:
            self.preflight(view)
        elif view.written is ActionState.APPROVED:
            self.claim(view)
        elif view.written is ActionState.COUNTING_DOWN:
            self.begin(0)
        elif view.written is ActionState.RUNNING:
            self.step(view, outcome)
        elif view.written is ActionState.VERIFYING:
            kinds: dict[Outcome, ActionPayload] = {
                Outcome.OK: ActionVerified(action=self.action, run=self.run, evidence=("app.version: v1",)),
                Outcome.FAILED: ActionFailed(action=self.action, run=self.run, why="app.version: v2"),
                Outcome.UNKNOWN: ActionUnverified(action=self.action, run=self.run, why="w"),
            }
            self.must(kinds[outcome])
        elif view.written not in UNDER_WAY:
            self.leave()

    def preflight(self, view: ActionView) -> None:
        """Find something amiss before the start: a rollback goes on past it, and all else ends with it."""
        warned = self.say(PreflightFailed(action=self.action, run=self.run, step=0, why="no such release"))
        assert warned is (view.armed.name == "rollback")
        assert self.view().written is view.written
        if not warned:
            self.must(ActionFailed(action=self.action, run=self.run, why="before the start: no such release"))

    def begin(self, index: int) -> None:
        """Begin a step, or see that the action is aborted or stopped."""
        if not self.say(StepStarted(action=self.action, run=self.run, step=index)):
            self.say(ActionAborted(action=self.action, run=self.run, why="w"))
            self.leave()

    def claim(self, view: ActionView) -> None:
        if view.armed.name == "rollback":
            for other in self.machine.snapshot().actions:
                if other.id != self.action and other.state in UNDER_WAY:
                    self.say(ActionTakenOver(action=other.id, by_action=self.action))
            for other in cut_short(self.machine.snapshot()):
                Children(self.machine.store.directory, other.id).end()
                self.machine.sweep()
        elif left_at_work(self.machine.snapshot(), self.machine.store.directory):
            self.leave()
            return
        if not self.say(CountdownStarted(action=self.action, run=self.run, host="h", ends_at=self.machine.now)):
            self.say(ActionAborted(action=self.action, run=self.run, why="w"))
            self.leave()
            return
        frozen = frozen_at(self.machine.plan, self.machine.now)
        assert frozen is None or view.armed.name == "rollback" or view.armed.freeze == frozen.why
        assert not view.armed.override or view.approved_by not in ("", view.by)

    def step(self, view: ActionView, outcome: Outcome) -> None:
        index = next((number for number, each in enumerate(view.steps) if each.is_open), None)
        if index is not None and view.resumed_at is None and view.run == self.run:
            if self.process is None:
                self.process = self.machine.spawn(self.action, index, self.descriptor, self.children.marker)
                return
            self.process.kill()
            self.process.wait(timeout=20)
            self.process = None
            self.must(StepEnded(action=self.action, run=self.run, step=index, outcome=outcome))
            return
        following = next_step(view)
        ended = {each.outcome for each in view.steps if each.ended_at is not None and each.answer is None}
        if view.resumed_at is None and outcome in ended - {Outcome.OK}:  # the plan has it stop there
            kind = ActionFailed if outcome is Outcome.FAILED else ActionUnknown
            self.must(kind(action=self.action, run=self.run, why="w"))
        elif following is None:
            self.must(VerificationStarted(action=self.action, run=self.run))
        else:
            self.begin(following)


def test_what_must_hold_holds_over_ten_thousand_steps_in_any_order_with_kills_and_restarts():
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=270,  # most go 50 steps, some fewer
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
    assert Machine.steps >= 10_000
    assert {kind for _, kind in TABLE} <= set(Machine.kinds)  # no event of the guard's table is left out
