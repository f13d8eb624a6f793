"""One action's journal, as its runner reads and writes it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

import msgspec

from loom_tui.gathering import Gathering, append_decided, collector_view
from loom_tui.plan.acts import ActionKind
from loom_tui.plan.model import Plan
from loom_tui.room.acting import ActionArmed, OfAction
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
from loom_tui.store.base import Head, Store, StoreError

_LOG = logging.getLogger("loom.runner")
LOOK_EVERY_S = 0.1
TRY_EVERY_S = 1.0
PATIENCE_S = 600.0  # so long a store that refuses is tried again, before the action is left as it is


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

    def head(self) -> Head:
        """Name the journal's newest event. Raises StoreError."""
        return self._store.head()

    def view(self) -> ActionView:
        """Read the journal, and show the action. Raises StoreError."""
        return find_action(self.snapshot(), self._action)

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

    async def write(self, payload: OfAction | MarkerSet | MessageSent | NoteAdded) -> None:
        """Write an event down, if the guard lets it be. Raises Refused; a store that refuses is tried again."""
        until = self._clock() + PATIENCE_S
        while True:
            try:
                return self._append(payload)
            except StoreError as error:
                if self._clock() >= until:
                    raise
                _LOG.warning("%s", error)
            await asyncio.sleep(TRY_EVERY_S)

    def remember(self) -> None:
        """Open a record of what was rolled back from, once an action. A store that refuses costs the record alone."""
        try:
            view = find_action(self.read(), self._action)
            rolled_back = view.armed.what is ActionKind.ROLLBACK and any(step.started for step in view.steps)
            if rolled_back and view.id not in self.ledger.aftermaths.records:
                self._store.append(evidence(self.snapshot(), view), actor=self._actor, at=self._clock())
        except StoreError as error:
            _LOG.warning("no record of the root cause was kept: %s", error)

    async def until(self, holds: Callable[[ActionView], bool], *, deadline: float) -> ActionView | None:
        """Wait for the journal to say something; None at the deadline (Unix seconds). Raises Replaced.

        A clock that is set back meanwhile makes no countdown longer.
        """
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + deadline - self._clock()
        while True:
            with suppress(StoreError):
                view = self.view()
                if not view.is_of(self._run):
                    raise Replaced
                if holds(view):
                    return view
            if self._clock() >= deadline or loop.time() >= ends_at:
                return None
            await asyncio.sleep(LOOK_EVERY_S)

    def _append(self, payload: OfAction | MarkerSet | MessageSent | NoteAdded) -> None:
        if isinstance(payload, MarkerSet | MessageSent | NoteAdded):
            self._store.append(payload, actor=self._actor, at=self._clock())
            return
        self._folder.take(self._store.events(after=self.ledger.seq))
        append_decided(
            self._store,
            lambda snapshot, actor: permit(payload, snapshot, actor),
            folder=self._folder,
            observations=self.observations,
            actor=self._actor,
            at=self._clock(),
        )


def pinned_plan(store: Store, action: int) -> Plan:
    """Read the version of the plan under which an action was armed. Raises Refused, StoreError."""
    event = next(iter(store.events(after=action - 1)), None)
    if event is None or event.seq != action or not isinstance(event.payload, ActionArmed):
        raise Refused(f"There is no action {action}")
    try:
        return msgspec.json.decode(store.plan(event.payload.plan_hash), type=Plan)
    except KeyError:
        raise Refused(f"The plan under which action {action} was armed is not in the store") from None
