"""The collector: holds the lease, runs a poller for each source, writes what they read, answers the rooms."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from loom_tui.collector.ground import Ground, poller_of
from loom_tui.collector.poller import Poller
from loom_tui.collector.witness import Witness
from loom_tui.config.plans import PlanFile, same_room
from loom_tui.plan.faults import PlanFaults
from loom_tui.plan.model import Plan
from loom_tui.plan.signals import asked_of, signals_of
from loom_tui.room.events import MarkerSet
from loom_tui.room.mail import Reply, encode_reply
from loom_tui.room.presence import present
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import Clock
from loom_tui.store.base import Lease, LeaseLost, Request, Store, StoreError

_LOG = logging.getLogger("loom.collector")
LEASE = "collector"
LEASE_TTL_S = 4.0
LEASE_EVERY_S = 1.0  # so that another takes over within five seconds of a kill -9
FLUSH_EVERY_S = 0.5
LOOK_EVERY_S = 0.25
PRUNE_EVERY_S = 60.0
REPLY_TIMEOUT_S = 30.0
WITNESS_EVERY_S = 1.0
KEPT_READINGS = 100_000  # while the store refuses: about a quarter of an hour of a busy plan


class Collector:
    """One process's collecting for one room. `run` ends when `stop` is set, or when no room has looked for long.

    All of it is on one event loop: the store's calls are short (a tick of 1,000 readings takes about 5 ms).
    """

    def __init__(
        self,
        plan_file: PlanFile,
        plan: Plan,
        store: Store,
        *,
        holder: str,
        environ: Mapping[str, str],
        clock: Clock,
        stop: asyncio.Event,
        idle_exit_s: float | None = None,
    ) -> None:
        self._file = plan_file
        self._plan = plan
        self._store = store
        self._holder = holder
        self._environ = environ
        self._clock = clock
        self._stop = stop
        self._idle_exit_s = idle_exit_s
        self._pending: list[Reading] = []
        self._states: dict[str, State] = {}  # of each signal, as it was last read
        self._turned = asyncio.Event()  # a signal is in another state than before: that is told at once
        self._pollers: dict[str, Poller] = {}
        self._witness = Witness(plan, store)
        self._unseen = True  # there are readings that the witness has not looked at
        self._asked = 0
        self._replies: set[asyncio.Task[None]] = set()
        self._journal_token: int | None = None
        self._journal_seq = 0
        self._changes: dict[str, float] = {}
        self._seen_room_at = clock()
        self._trouble = ""
        self._lease = Lease(name=LEASE, holder=holder, epoch=0, until=0.0, ttl_s=LEASE_TTL_S)
        self._replan = asyncio.Event()

    async def run(self) -> None:
        """Stand by for the lease, collect while it holds, and stand by again when it was lost."""
        while not self._stop.is_set():
            lease = self._acquire()
            if lease is not None:
                await self._hold(lease)
            if self._idle():
                _LOG.info("no room has looked for %.0f s: leaving", self._idle_exit_s or 0)
                return
            await self._pause(LEASE_EVERY_S)

    def _acquire(self) -> Lease | None:
        try:
            return self._store.acquire(LEASE, holder=self._holder, ttl_s=LEASE_TTL_S, now=self._clock())
        except StoreError as error:
            self._grumble(str(error))
            return None

    async def _hold(self, lease: Lease) -> None:
        """Collect under a lease until it is lost, nobody looks any more, or somebody stops us."""
        _LOG.info("collecting, epoch %d", lease.epoch)
        self._lease = lease
        self._pending.clear()
        try:
            self._learn()
            self._asked = max((request.id for request in self._store.requests()), default=0)
            self._store.define(signals_of(self._plan).values())
            self._witness.adopt(now=self._clock())
            async with asyncio.TaskGroup() as group:
                work = [
                    group.create_task(self._each(LEASE_EVERY_S, self._renew), name="renew"),
                    group.create_task(self._each(FLUSH_EVERY_S, self._flush, sooner=self._turned), name="flush"),
                    group.create_task(self._each(LOOK_EVERY_S, lambda: self._serve(group)), name="serve"),
                    group.create_task(self._each(PRUNE_EVERY_S, self._prune), name="prune"),
                    group.create_task(self._each(WITNESS_EVERY_S, self._look), name="witness"),
                    group.create_task(self._poll(), name="poll"),
                ]
                while not (self._stop.is_set() or self._idle()):
                    await self._pause(LEASE_EVERY_S)
                for task in (*work, *self._replies):
                    task.cancel()
        except* LeaseLost:
            _LOG.warning("another collector took over; standing by")
        except* StoreError as group_of:
            self._grumble(str(group_of.exceptions[0]))
        self._leave()

    def _leave(self) -> None:
        """Write what is left, and give the lease back; one that was lost refuses both, and does no harm."""
        with suppress(StoreError):
            self._flush()
            self._store.release(self._lease)

    async def _each(self, seconds: float, work: Callable[[], None], *, sooner: asyncio.Event | None = None) -> None:
        """Work, then wait (or until `sooner`), for ever. A store in trouble is told and tried again.

        A lost lease ends it all.
        """
        event = sooner or asyncio.Event()
        while True:
            event.clear()
            try:
                work()
            except LeaseLost:
                raise
            except StoreError as error:
                self._grumble(str(error))
            await _wait(event, seconds)

    def _renew(self) -> None:
        self._lease = self._store.renew(self._lease, ttl_s=LEASE_TTL_S, now=self._clock())

    def _flush(self) -> None:
        """Write the pending readings in one transaction; they stay pending until they are written."""
        if not self._pending:
            return
        readings = self._pending[-KEPT_READINGS:]
        self._store.record(readings, lease=self._lease, now=self._clock())
        self._pending = []
        self._unseen = True
        self._trouble = ""

    def _look(self) -> None:
        """Have the witness look at what was recorded since; a look that fails is made again."""
        if self._unseen:
            self._witness.look(now=self._clock())
            self._unseen = False

    def _serve(self, group: asyncio.TaskGroup) -> None:
        """Take up the rooms' requests, learn of markers, and take the plan's file anew when it was edited."""
        for request in self._store.requests(after=self._asked):
            self._asked = request.id
            task = group.create_task(self._reply(request), name=f"reply {request.id}")
            self._replies.add(task)
            task.add_done_callback(self._replies.discard)
        self._learn()
        if self._file.changed():
            self._reload()

    async def _reply(self, request: Request) -> None:
        """Answer one request; the others do not wait for it."""
        source, _, subject = request.subject.partition(" ")
        poller = self._pollers.get(source)
        if poller is None:
            reply = Reply(why=f"The plan has no source {source!r}")
        elif request.what == "poll":
            reply = await self._polled(source, poller)
        else:
            reply = await poller.reply(request.what, subject, timeout_s=REPLY_TIMEOUT_S)
        try:
            self._flush()  # whoever reads the answer finds the readings that it speaks of
            with suppress(KeyError):  # asked a day ago, and gone
                self._store.answer(request.id, encode_reply(reply), lease=self._lease, at=self._clock())
        except LeaseLost:
            raise
        except StoreError as error:
            self._grumble(str(error))

    async def _polled(self, name: str, poller: Poller) -> Reply:
        """Have a source asked at once, and wait until it was."""
        source = asked_of(self._plan).get(name)
        wall_s = source.wall_s if source is not None else REPLY_TIMEOUT_S
        try:
            async with asyncio.timeout(wall_s):
                await poller.asked()
        except TimeoutError:
            return Reply(why=f"{name} did not come to an end within {wall_s:g} s")
        return Reply()

    def _learn(self) -> None:
        """Take in what was changed in the world since the last look: sources measure from there."""
        token = self._store.token().journal
        if token == self._journal_token:
            return
        self._journal_token = token
        for event in self._store.events(after=self._journal_seq):
            self._journal_seq = event.seq
            if isinstance(event.payload, MarkerSet):
                self._changes[event.payload.marker] = event.at

    def _reload(self) -> None:
        try:
            plan = self._file.read()
        except (PlanFaults, OSError) as error:
            _LOG.warning("the edited plan is not taken: %s", str(error).partition("\n")[0])
            return
        if not same_room(plan, self._plan):
            _LOG.warning("the edited plan is not taken: it is another room's now")
        elif plan != self._plan:
            self._plan = plan
            self._witness, self._unseen = Witness(plan, self._store), True
            self._store.define(signals_of(plan).values())
            self._witness.adopt(now=self._clock())
            self._replan.set()

    def _prune(self) -> None:
        self._store.prune(now=self._clock())

    async def _poll(self) -> None:
        """Run a poller for each of the plan's sources; begin anew when the plan changed."""
        while True:
            self._replan.clear()
            ground = Ground(
                plan=self._plan,
                directory=self._file.path.parent,
                environ=self._environ,
                clock=self._clock,
                kept={signal: stored.reading for signal, stored in self._store.latest().items()},
                changes=lambda: self._changes,
            )
            self._pollers = {name: poller_of(ground, name, keep=self._keep) for name in asked_of(self._plan)}
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(poller.run(), name=name) for name, poller in self._pollers.items()]
                await self._replan.wait()
                for task in tasks:
                    task.cancel()

    def _keep(self, readings: Sequence[Reading]) -> None:
        self._pending += readings
        if any(self._states.get(reading.signal) is not reading.state for reading in readings):
            self._states |= {reading.signal: reading.state for reading in readings}
            self._turned.set()
        if len(self._pending) > KEPT_READINGS:  # the store has refused for long: the newest matter most
            del self._pending[: -KEPT_READINGS // 2]

    def _idle(self) -> bool:
        """Say whether no room has looked for so long that this may leave; never while a clock of the plan runs."""
        if self._idle_exit_s is None or self._witness.clock_runs:
            return False
        now = self._clock()
        with suppress(StoreError):
            if present(self._store.seats(), now):
                self._seen_room_at = now
        self._seen_room_at = min(self._seen_room_at, now)  # a clock set back must not keep us for hours
        return now - self._seen_room_at > self._idle_exit_s

    def _grumble(self, text: str) -> None:
        """Say a trouble once, not at each try."""
        if text != self._trouble:
            self._trouble = text
            _LOG.warning("%s", text)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not past a stop."""
        await _wait(self._stop, seconds)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
