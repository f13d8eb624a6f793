"""Carries one approved action out: an event before and after each step, and nothing without it.

It has its own session and no terminal: a hangup or a closed room changes nothing. It holds a lease by which others see
that it lives; but what it may do is decided by the journal alone, inside the transaction that writes it down. One that
was stopped for a while and declared gone finds its words refused, ends its step, and leaves.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from loom_tui.plan.acts import ActionKind, AnyActStep, ManualAct, NotifyAct, OnFailure
from loom_tui.room.acting import (
    ActionAborted,
    ActionExpired,
    ActionFailed,
    ActionTakenOver,
    ActionUnknown,
    Answer,
    OfAction,
    Outcome,
    PreflightFailed,
    StepEnded,
    StepStarted,
    VerificationStarted,
)
from loom_tui.room.announcing import action_of
from loom_tui.room.deeds import Refused, mark
from loom_tui.room.events import NoteAdded
from loom_tui.room.guard import UNDER_WAY, WAITING, ActionState, next_step
from loom_tui.room.way import values_of
from loom_tui.runner.children import VARIABLE, Children, cut_short, left_at_work
from loom_tui.runner.enquiry import Enquiry
from loom_tui.runner.heartbeat import Heartbeat
from loom_tui.runner.notices import Herald, notice_of
from loom_tui.runner.output import Output
from loom_tui.runner.preflight import HURRY_S, Found, look
from loom_tui.runner.record import Record, Replaced, how_far, patiently
from loom_tui.runner.scripts import Scripts
from loom_tui.sources.acts import do, shown_secrets
from loom_tui.sources.base import Clock
from loom_tui.sources.mask import Masked
from loom_tui.sources.scene import Ended, Scene
from loom_tui.store.base import Store, StoreError
from loom_tui.store.place import output_path

_LOG = logging.getLogger("loom.runner")
_MARKERS = {  # of percentiles and charts
    ActionKind.ROLLBACK: "rollback",
    ActionKind.DEPLOY: "deploy",
    ActionKind.MIGRATE: "migration",
}


class Place(Struct, frozen=True, kw_only=True):
    """Where a runner works. `start_collector` gives "" or a sentence why it cannot."""

    store: Store
    directory: Path  # the plan's
    environ: Mapping[str, str]
    clock: Clock
    actor: str
    start_collector: Callable[[], str]


class Runner:
    """One action's runner. `run` gives the state in which it left the action. Raises Refusal and its kinds."""

    def __init__(self, place: Place, action: int) -> None:
        self._place = place
        self._store = place.store
        self._id = action
        self._run = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._record = record = Record(place.store, action, run=self._run, actor=place.actor, clock=place.clock)
        view = record.view()
        self._armed = armed = view.armed
        self._action = action_of(record.plan, armed.name, armed.announcement)
        self._rollback = self._action.kind is ActionKind.ROLLBACK
        values = values_of(record.plan, from_release=armed.from_release, to_release=armed.to_release)
        self._values = {**values, "by": view.by, "reason": armed.reason}
        self._herald = Herald(record, action, clock=place.clock)
        self._children = Children(self._store.directory, action)
        self._scripts = Scripts(self._action.steps, armed.scripts, kept=self._store.kept, rollback=self._rollback)
        self._heartbeat = Heartbeat(place.store, action, record=record, run=self._run, clock=place.clock)
        self._enquiry = Enquiry(
            place.store, record, run=self._run, clock=place.clock, start_collector=place.start_collector
        )
        self._found = [Found() for _ in self._action.steps]
        self._ended: dict[int, Ended] = {}  # as this runner saw it, whatever the journal took

    async def run(self) -> ActionState:
        """Wait for the approval, do what was approved, and see whether it is done."""
        await self._take_lease()
        try:
            with self._children.lock() as descriptor:
                beating = asyncio.create_task(self._heartbeat.beat(), name="heartbeat")
                asking = asyncio.create_task(self._herald.ask_for_approval(self._scene({}, descriptor)), name="asking")
                try:
                    await self._carry_out(descriptor)
                except Replaced:
                    _LOG.warning("action %d is no longer this runner's", self._id)
                finally:
                    for task in (beating, asking):
                        task.cancel()
                    for failed in await asyncio.gather(beating, asking, return_exceptions=True):
                        if isinstance(failed, Exception):  # neither may end the action
                            _LOG.warning("%r", failed)
        except StoreError as error:
            raise StoreError(f"{error} {how_far(self._record.known(), self._ended)}") from error
        finally:
            self._heartbeat.release()
        return (await self._record.seen()).state

    async def _take_lease(self) -> None:
        """Say that it lives. Raises Refused where another does; a rollback does without where readings are broken."""
        if not self._rollback:
            return await patiently(self._heartbeat.take)
        try:
            self._heartbeat.take()
        except StoreError as error:  # each beat tries again, and the journal says whose the action is
            _LOG.warning("%s", error)

    async def _write_own(self, payload: OfAction) -> None:
        """Write what this runner alone may say; refused, it is not the runner any more. Raises Replaced."""
        try:
            await self._record.write(payload)
        except Refused as refusal:
            _LOG.warning("%s", refusal)
            raise Replaced from None

    async def _carry_out(self, descriptor: int) -> None:
        view = await self._record.seen()
        resumed = view.written is ActionState.RUNNING and not view.run
        if view.written not in WAITING and not resumed:
            raise Refused(f"Action {self._id} is {view.state.value}; there is nothing to carry out")
        trouble = await self._preflight(descriptor, past_doubts=view.armed.override)
        if trouble:
            if resumed:
                raise Refused(f"{trouble}. It stays interrupted")
            return await self._write_own(
                ActionFailed(action=self._id, run=self._run, why=f"before the start: {trouble}")
            )
        if not resumed and not await self._begin():
            return None
        ended = await self._steps(descriptor)
        await self._record.remember()
        if ended:
            await self._mark("")
            await self._write_own(VerificationStarted(action=self._id, run=self._run))
            await self._write_own(
                await self._enquiry.verified(self._action, self._values, replaced=self._heartbeat.replaced)
            )
        return None

    async def _preflight(self, descriptor: int, *, past_doubts: bool) -> str:
        """Try what the steps need, here where they will run; gives what bars it, which for a rollback nothing does."""
        self._enquiry.ask(self._action.preflight)
        looking = (
            self._look(index, descriptor, limit_s=HURRY_S if self._rollback else None, asks=True)
            for index in range(len(self._action.steps))
        )
        self._found = list(await asyncio.gather(*looking))
        for index, found in enumerate(self._found):
            if self._rollback and found.trouble:
                failed = PreflightFailed(action=self._id, run=self._run, step=index, why=found.trouble)
                await self._write_own(failed)
            elif found.missing or (found.doubt and not past_doubts):
                return found.trouble
        return ""

    async def _look(self, index: int, descriptor: int, *, limit_s: float | None = None, asks: bool = False) -> Found:
        step, script = self._action.steps[index], partial(self._scripts.armed, index)
        return await look(step, self._scene({}, descriptor), script=script, limit_s=limit_s, asks=asks)

    async def _begin(self) -> bool:
        """Wait for the approval, have the world to itself, claim the action, count down. Says whether it may go on."""
        view = await self._record.until(
            lambda view: view.written is not ActionState.ARMED, deadline=self._armed.expires_at
        )
        if view is None:
            await self._write_own(ActionExpired(action=self._id))
            return False
        if view.written is not ActionState.APPROVED:
            return False
        left = await self._clear() if self._rollback else await self._left_at_work()
        if left and self._action.kind not in (ActionKind.ROLLBACK, ActionKind.NOTIFY):
            await self._write_own(ActionAborted(action=self._id, run=self._run, why=left))
            return False
        if self._rollback:
            self._record.refresh()
        else:
            await patiently(self._record.read)
        try:
            ends_at = await self._record.count_down(self._action.countdown_s)
        except Refused as refusal:
            await self._write_own(ActionAborted(action=self._id, run=self._run, why=str(refusal)))
            return False
        over = await self._record.until(lambda view: view.written is not ActionState.COUNTING_DOWN, deadline=ends_at)
        self._record.refresh()
        return over is None

    async def _clear(self) -> str:
        """Stop what else is under way and end its processes; past their deadline a rollback goes on all the same."""
        for other in (await patiently(self._record.snapshot)).actions:
            if other.id != self._id and other.state in UNDER_WAY and other.armed.what is not ActionKind.NOTIFY:
                with suppress(Refused):  # it ended meanwhile, or is a rollback, which the claim will say
                    await self._record.write(ActionTakenOver(action=other.id, by_action=self._id))
        for other in cut_short(await patiently(self._record.snapshot)):
            await asyncio.to_thread(Children(self._store.directory, other.id).end)
        left = await self._left_at_work()
        if left:
            await self._record.write(NoteAdded(text=f"{left}; the rollback goes on beside them"))
        return left

    async def _left_at_work(self) -> str:
        return left_at_work(await patiently(self._record.snapshot), self._store.directory)

    async def _steps(self, descriptor: int) -> bool:
        """Do the steps that are left, one by one. Says whether all are behind it."""
        while (index := next_step(await self._record.seen())) is not None:
            try:
                self._scripts.hold(index, self._scene({}, descriptor))
                await self._record.write(StepStarted(action=self._id, run=self._run, step=index))
            except Refused as refusal:
                await self._mark("aborted")
                await self._write_own(ActionAborted(action=self._id, run=self._run, why=str(refusal)))
                return False
            ended = await self._do(index, descriptor)
            if ended.outcome is not Outcome.OK and not await self._goes_on(index, ended):
                return False
        return True

    async def _do(self, index: int, descriptor: int) -> Ended:
        """Do one step, and write down how it ended. Raises Replaced."""
        step = self._action.steps[index]
        if self._found[index].trouble:
            self._found[index] = await self._look(index, descriptor)
        missing = self._found[index].missing
        self._ended.pop(index, None)
        view = await self._record.seen()
        if view.written is not ActionState.RUNNING or not view.is_of(self._run):
            raise Replaced  # it slept since it wrote that the step begins, or what the step lacked was long in coming
        started = view.steps[index].started
        path = output_path(self._store.directory, self._id, step=index, started=started)
        output = Output(path, shown_secrets(self._found[index].credentials), self._place.environ)
        with output:
            if missing:
                ended = Ended(Outcome.FAILED, f"not begun: {missing}")
            else:
                ended = await self._watched(step, index, descriptor, output)
        self._ended[index] = ended = Ended(ended.outcome, output.hide(ended.why))
        await self._write_end(index, path, ended, output)
        return ended

    async def _write_end(self, index: int, path: Path, ended: Ended, output: Output) -> None:
        """Write down how a step ended; where the journal takes nothing, the step's output says it. Raises Replaced."""
        try:
            await self._write_own(
                StepEnded(
                    action=self._id,
                    run=self._run,
                    step=index,
                    outcome=ended.outcome,
                    why=ended.why,
                    tail=output.tail,
                    size_bytes=output.size_bytes,
                )
            )
        except StoreError:
            with Output(path, (), {}) as last:
                how = f"{ended.outcome.value} {ended.why}".strip()
                last.write(f"\nLoom: this step ended: {how}. The journal did not take that.\n".encode())
            raise

    async def _watched(self, step: AnyActStep, index: int, descriptor: int, output: Output) -> Ended:
        """Do a step as long as the action is this runner's; its processes end with it."""
        if isinstance(step, ManualAct):
            return await self._by_hand(step, index)
        scene = replace(self._scene(self._found[index].credentials, descriptor), script=self._found[index].script)
        if isinstance(step, NotifyAct):
            notice = notice_of(step, index, label=self._armed.label, values=self._values)
            work = self._herald.tell(notice, scene, output.write)
        else:
            work = do(step, scene, output.write, complained=output.complain)
        doing = asyncio.create_task(work, name="step")
        replaced = asyncio.create_task(self._heartbeat.replaced.wait(), name="replaced")
        try:
            await asyncio.wait((doing, replaced), return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise Replaced
            return doing.result()
        finally:
            for task in (doing, replaced):
                task.cancel()
            await asyncio.gather(doing, replaced, return_exceptions=True)

    async def _by_hand(self, step: ManualAct, index: int) -> Ended:
        deadline = self._place.clock() + step.timeout_s
        view = await self._record.until(
            lambda view: view.steps[index].answer is not None or bool(view.abort_by), deadline=deadline
        )
        if view is None:
            return Ended(Outcome.UNKNOWN, f"nobody said within {step.timeout_s:g} s whether it is done")
        answer = view.steps[index].answer
        if answer is None:
            return Ended(Outcome.UNKNOWN, "aborted before anybody said whether it is done")
        who = view.steps[index].answered_by
        return Ended(Outcome.OK if answer is Answer.DONE else Outcome.FAILED, f"{who} said {answer.value}")

    async def _goes_on(self, index: int, ended: Ended) -> bool:
        """Say whether it goes on past a step that did not end well: by the plan, or by a person."""
        step = self._action.steps[index]
        if step.on_failure is OnFailure.GO_ON:
            return True
        why = f"“{step.name}”: {ended.why}"
        if step.on_failure is OnFailure.ASK:
            deadline = self._place.clock() + self._action.expires_s
            view = await self._record.until(
                lambda view: view.steps[index].answer is not None or bool(view.abort_by), deadline=deadline
            )
            answer = view.steps[index].answer if view is not None else None
            if answer in (Answer.GO_ON, Answer.REPEAT) or (view is not None and answer is None):
                return True  # an abort is met where the next step would begin
        kind = ActionFailed if ended.outcome is Outcome.FAILED else ActionUnknown
        await self._mark("failed" if kind is ActionFailed else "how it ended is not known")
        await self._write_own(kind(action=self._id, run=self._run, why=why))
        return False

    async def _mark(self, how: str) -> None:
        """Say that the world was changed, if a step of this action began: percentiles begin a new window."""
        marker = _MARKERS.get(self._action.kind)
        if marker is not None and any(step.started for step in (await self._record.seen()).steps):
            text = f"{self._action.label or self._armed.name} ({self._id})"
            await self._record.write(mark(marker, f"{text}: {how}" if how else text))

    def _scene(self, credentials: Mapping[str, Masked], descriptor: int) -> Scene:
        return Scene(
            directory=self._place.directory,
            environ={**self._place.environ, VARIABLE: self._children.marker},
            values=self._values,
            credentials=credentials,
            descriptors=(descriptor,),
        )
