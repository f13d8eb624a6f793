"""Asks the world whether an action is done, by way of the collector, which reads it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from loom_tui.gathering import collector_view
from loom_tui.plan.model import Action, Rule
from loom_tui.room.acting import ActionFailed, ActionUnverified, ActionVerified
from loom_tui.room.verification import Verification, verify
from loom_tui.runner.notices import acknowledged
from loom_tui.runner.record import LOOK_EVERY_S, Record, Replaced
from loom_tui.sources.base import Clock
from loom_tui.store.base import Store, StoreError

_LOG = logging.getLogger("loom.runner")
ASK_EVERY_S = 5.0


class Enquiry:
    """What one runner asks the collector of its room. `start_collector` gives "" or a sentence why it cannot."""

    def __init__(
        self, store: Store, record: Record, *, run: str, clock: Clock, start_collector: Callable[[], str]
    ) -> None:
        self._store = store
        self._record = record
        self._run = run
        self._clock = clock
        self._start_collector = start_collector

    def ask(self, rules: Sequence[Rule]) -> None:
        """Have the signals of these rules read now, by a collector that is started where none runs."""
        if not rules:
            return
        now = self._clock()
        with suppress(StoreError):
            if not collector_view(self._store, now=now).alive:
                trouble = self._start_collector()
                if trouble:
                    _LOG.warning("%s", trouble)
            signals = self._record.snapshot().signals
            for source in {signals[rule.signal].signal.source for rule in rules if rule.signal in signals}:
                self._store.ask("poll", source, asked_by=self._run, at=now)

    async def verified(
        self, action: Action, values: Mapping[str, str], *, replaced: asyncio.Event
    ) -> ActionVerified | ActionUnverified | ActionFailed:
        """Ask until the world says that it is done or the time is over; gives what to write down. Raises Replaced."""
        view, rules = await self._record.seen(), action.verify
        if not rules and action.tells_only:
            return acknowledged(view, self._run)
        if not rules:
            why = "the plan names no signals that would show it"
            return ActionUnverified(action=view.id, run=self._run, why=why)
        since = view.steps_ended_at or self._clock()
        ticks, asked_at = asyncio.get_running_loop().time, 0.0
        ends_at = ticks() + action.verify_s  # a clock that is set back meanwhile makes it no longer
        while True:
            now = self._clock()
            if not 0 <= now - asked_at < ASK_EVERY_S:
                asked_at = now
                self.ask(rules)
            found = self._found(rules, values, since=since)
            if found.holds:
                return ActionVerified(action=view.id, run=self._run, evidence=found.words)
            if ticks() >= ends_at:
                break
            if replaced.is_set():
                raise Replaced
            await asyncio.sleep(LOOK_EVERY_S)
        kind = ActionFailed if found.holds is False else ActionUnverified
        return kind(action=view.id, run=self._run, why=f"after {action.verify_s:g} s: {' · '.join(found.words)}")

    def _found(self, rules: Sequence[Rule], values: Mapping[str, str], *, since: float) -> Verification:
        """Hold the rules to what is read now; what cannot be read is not known."""
        try:
            snapshot = self._record.read()
        except StoreError as error:
            return Verification(holds=None, words=(str(error),))
        return verify(
            rules,
            snapshot,
            ledger=self._record.ledger,
            observations=self._record.observations,
            values=values,
            since=since,
        )
