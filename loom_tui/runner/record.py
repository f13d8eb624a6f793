"""One action's journal, as its runner reads and writes it."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from loom_tui.gathering import Gathering, append_decided, collector_view
from loom_tui.plan.acts import ActionKind
from loom_tui.plan.model import Plan
from loom_tui.room.acting import ActionArmed, CountdownStarted, OfAction
from loom_tui.room.deeds import Refused
from loom_tui.room.events import MarkerSet, NoteAdded
from loom_tui.room.fold import Folder
from loom_tui.room.guard import ActionView
from loom_tui.room.guarded import find_action, permit
from loom_tui.room.ledger import Ledger
from loom_tui.room.messages import MessageSent
from loom_tui.room.root_cause import evidence
from loom_tui.room.snapshot import Observations, Snapshot
from loom_tui.sources.base import Clock
from loom_tui.sources.scene import Ended
from loom_tui.store.base import Head, Store, StoreError, StoreTooNew

_LOG = logging.getLogger("loom.runner")
LOOK_EVERY_S = 0.1
TRY_EVERY_S = 1.0
RECORD_S = 10.0  # so long the record of a root cause may hold the verification up
PATIENCE_S = 600.0  # so long a store that refuses is tried again, before the action is left as it is


_Answer = TypeVar("_Answer")


async def patiently(ask: Callable[[], _Answer], *, within_s: float | None = None) -> _Answer:
    """Ask a store until it answers, within `PATIENCE_S` or less. Raises StoreError where it still refuses then."""
    ticks = asyncio.get_running_loop().time
    until = ticks() + (PATIENCE_S if within_s is None else within_s)
    while True:
        try:
            return ask()
        except StoreTooNew:  # it will for ever
            raise
        except StoreError as error:
            if ticks() >= until:
                raise
            _LOG.warning("%s", error)
        await asyncio.sleep(TRY_EVERY_S)


class Replaced(Exception):
    """The action is no longer this runner's: taken over, or declared interrupted."""


class Record:
    """The room of one action under the version of the plan that it was armed under."""

    def __init__(self, store: Store, action: int, *, run: str, actor: str, clock: Clock) -> None:
        self.plan = pinned_plan(store, action)
        self.observations = Observations()
        self._store = store
        self._action = action
        self._run = run
        self._actor = actor
        self._clock = clock
        self._folder = Folder(self.plan)
        self._gathering = Gathering(self.plan, store)

    @property
    def ledger(self) -> Ledger:
        """The journal as read last."""
        return self._folder.ledger

    async def head(self) -> Head:
        """Name the journal's newest event. Raises StoreError where it cannot be read for long."""
        return await patiently(self._store.head)

    def known(self) -> ActionView:
        """Show the action by the journal as read last."""
        return self.ledger.actions.views[self._action]

    def view(self) -> ActionView:
        """Read the journal, and show the action. Raises StoreError."""
        return find_action(self.snapshot(), self._action)

    async def seen(self) -> ActionView:
        """Read the journal, and show the action. Raises StoreError where it cannot be read for long."""
        return await patiently(self.view)

    def snapshot(self) -> Snapshot:
        """Read the journal, and fold it with the readings as they were read last. Raises StoreError."""
        self._folder.take(self._store.events(after=self.ledger.seq))
        return self._folder.snapshot(self.observations, self._clock())

    def read(self) -> Snapshot:
        """Read journal and readings. Raises StoreError."""
        now = self._clock()
        self._gathering.read(self.ledger.marks, now=now)
        self.observations = self._gathering.observations(collector_view(self._store, now=now))
        return self.snapshot()

    def refresh(self) -> None:
        """Read both where the store lets it; what was read before grows stale, which opens no gate."""
        try:
            self.read()
        except StoreError as error:
            _LOG.warning("%s", error)

    async def write(self, payload: OfAction | MarkerSet | MessageSent | NoteAdded) -> None:
        """Write an event down, if the guard lets it be. Raises Refused, and StoreError where none is taken for long."""
        await patiently(lambda: self._append(payload))

    async def count_down(self, countdown_s: float) -> float:
        """Claim the action; gives the countdown's end (Unix seconds) as it was written. Raises like `write`.

        The countdown begins where it is written: however long the store refuses, people have all of it to abort.
        """
        ends_at = 0.0

        def started() -> CountdownStarted:
            nonlocal ends_at
            ends_at = self._clock() + countdown_s
            return CountdownStarted(action=self._action, run=self._run, host=socket.gethostname(), ends_at=ends_at)

        await patiently(lambda: self._decide(started))
        return ends_at

    async def remember(self) -> None:
        """Open a record of what was rolled back from, once an action. A store that refuses costs the record alone."""
        try:
            await patiently(self._remember, within_s=RECORD_S)
        except StoreError as error:
            _LOG.warning("no record of the root cause was kept: %s", error)

    async def until(self, holds: Callable[[ActionView], bool], *, deadline: float) -> ActionView | None:
        """Wait for the journal to say something; None at the deadline (Unix seconds). Raises Replaced, StoreError.

        A clock that is set back meanwhile makes no countdown longer. What was said in time is heard also where the
        journal could not be read until later.
        """
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + deadline - self._clock()
        while True:
            over = self._clock() >= deadline or loop.time() >= ends_at
            view = await self.seen()
            if not view.is_of(self._run):
                raise Replaced
            if holds(view):
                return view
            if over:
                return None
            await asyncio.sleep(LOOK_EVERY_S)

    def _remember(self) -> None:
        view = find_action(self.read(), self._action)
        rolled_back = view.armed.what is ActionKind.ROLLBACK and any(step.started for step in view.steps)
        if rolled_back and view.id not in self.ledger.aftermaths.records:
            self._store.append(evidence(self.snapshot(), view), actor=self._actor, at=self._clock())

    def _append(self, payload: OfAction | MarkerSet | MessageSent | NoteAdded) -> None:
        if isinstance(payload, MarkerSet | MessageSent | NoteAdded):
            self._store.append(payload, actor=self._actor, at=self._clock())
        else:
            self._decide(lambda: payload)

    def _decide(self, made: Callable[[], OfAction]) -> None:
        """Write what is made inside the appending transaction, which may have been waited for."""
        self._folder.take(self._store.events(after=self.ledger.seq))
        append_decided(
            self._store,
            lambda snapshot, actor: permit(made(), snapshot, actor),
            folder=self._folder,
            observations=self.observations,
            actor=self._actor,
            at=self._clock(),
        )


def how_far(view: ActionView, ended: Mapping[int, Ended]) -> str:
    """Say how far an action came, for whoever takes it on: by the journal, and by the ends that it did not take."""
    words = []
    for index, each in enumerate(view.steps):
        seen, outcome = ended.get(index), each.outcome
        if each.is_open and seen is not None:
            how = f"{seen.outcome.value}, which the journal did not take"
        elif outcome is not None and not each.is_open:
            how = outcome.value
        else:
            how = "perhaps done in part" if each.is_open else "not begun"
        words.append(f"{index + 1} “{each.name}”: {how}")
    left = f"“{view.armed.label}” ({view.id}) is left as it is: {'; '.join(words)}."
    by_hand = " What is left, by hand: loom rollback --print" if view.armed.what is ActionKind.ROLLBACK else ""
    return f"{left}{by_hand}"


def pinned_plan(store: Store, action: int) -> Plan:
    """Read the version of the plan under which an action was armed. Raises Refused, StoreError."""
    event = next(iter(store.events(after=action - 1)), None)
    if event is None or event.seq != action or not isinstance(event.payload, ActionArmed):
        raise Refused(f"There is no action {action}")
    try:
        return msgspec.json.decode(store.kept(event.payload.plan_hash), type=Plan)
    except KeyError:
        raise Refused(f"The plan under which action {action} was armed is not in the store") from None
