"""Says that a runner lives, and sees whether its action is still its own."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from loom_tui.gathering import RUNNER_LEASE
from loom_tui.room.deeds import Refused
from loom_tui.room.guard import ACTIVE, RUNNER_TTL_S, WAITING
from loom_tui.runner.record import Record
from loom_tui.sources.base import Clock
from loom_tui.store.base import Lease, LeaseLost, Store, StoreError

_LOG = logging.getLogger("loom.runner")
LEASE_EVERY_S = 1.0


class Heartbeat:
    """One runner's lease. `replaced` is set once the journal says that the action is no longer its own."""

    def __init__(self, store: Store, action: int, *, record: Record, run: str, clock: Clock) -> None:
        self.replaced = asyncio.Event()
        self._store = store
        self._action = action
        self._record = record
        self._run = run
        self._clock = clock
        self._name = f"{RUNNER_LEASE}{action}"
        self._lease: Lease | None = None

    def take(self) -> None:
        """Take the lease. Raises Refused where another has it, StoreError."""
        self._lease = self._acquired()
        if self._lease is None:
            held = self._store.lease(self._name)
            who = held.holder if held is not None else "another"
            raise Refused(f"Action {self._action} has a runner already: {who}")

    async def beat(self) -> None:
        """Say that it lives, and look into the journal, for as long as it is let."""
        while True:
            for look in (self._renew, self._look):  # each: readings that cannot be written hide no word of the journal
                try:
                    look()
                except StoreError as error:
                    _LOG.warning("%s", error)
            await asyncio.sleep(LEASE_EVERY_S)

    def release(self) -> None:
        """Give the lease back; one that cannot be given back runs out."""
        with suppress(StoreError):
            if self._lease is not None:
                self._store.release(self._lease)

    def _look(self) -> None:
        view = self._record.view()
        if not view.is_of(self._run) or view.written not in (*ACTIVE, *WAITING):
            self.replaced.set()

    def _renew(self) -> None:
        if self._lease is not None:
            with suppress(LeaseLost):  # the journal says whose the action is; the lease only that somebody lives
                self._lease = self._store.renew(self._lease, ttl_s=RUNNER_TTL_S, now=self._clock())
                return
        self._lease = self._acquired() or self._lease

    def _acquired(self) -> Lease | None:
        return self._store.acquire(self._name, holder=self._run, ttl_s=RUNNER_TTL_S, now=self._clock())
