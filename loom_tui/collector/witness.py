"""Writes into the journal what readings showed and will not show again: a no-go, a clock that ran, a version that ran.

Of all processes the collector does it, since there is one a room, and nothing is read without it. What it writes is
decided inside the appending transaction, so that one that was replaced a moment ago writes nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from loom_tui.gathering import Gathering, adopt, collector_view
from loom_tui.plan.model import Plan
from loom_tui.room.events import Event, Payload
from loom_tui.room.fold import Folder
from loom_tui.room.ledger import Ledger
from loom_tui.room.sightings import Sighting, anything_to_see, is_same, sightings, version_sightings
from loom_tui.store.base import Store

ACTOR = "loom"


class _Written(Exception):
    """Somebody else has written it meanwhile."""


class Witness:
    """Looks at what was just recorded."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self._store = store
        self._folder = Folder(plan)
        self._gathering = Gathering(plan, store)
        self._looks = anything_to_see(plan)
        self.clock_runs = False  # as of the last look

    def adopt(self, *, now: float) -> None:
        """Take this plan for the room's, so that what is read from now on is known to be of its release."""
        adopt(self._store, self._folder.plan, self._folder, actor=ACTOR, at=now)

    def look(self, *, now: float) -> list[Event]:
        """Write down what is new; gives the events. Raises StoreError."""
        if not self._looks:
            return []
        self._folder.take(self._store.events(after=self._folder.ledger.seq))
        self._gathering.read(self._folder.ledger.marks, now=now)
        written = []
        for sighting in self._seen(self._folder.ledger, now):
            try:
                written.append(self._write(sighting, now))
            except _Written:
                continue
        return written

    def _write(self, sighting: Sighting, now: float) -> Event:
        def decide(events: Sequence[Event]) -> Payload:
            newest = Folder(self._folder.plan, self._folder.ledger)
            newest.take(events)
            for seen in self._seen(newest.ledger, now):
                if is_same(seen, sighting):
                    return seen
            raise _Written

        return self._store.decide(decide, after=self._folder.ledger.seq, actor=ACTOR, at=now)

    def _seen(self, ledger: Ledger, now: float) -> list[Sighting]:
        folder = Folder(self._folder.plan, ledger) if ledger is not self._folder.ledger else self._folder
        observations = self._gathering.observations(collector_view(self._store, now=now))
        snapshot = folder.snapshot(observations, now)
        gate = snapshot.gate
        clocks = [view.clock for view in (*gate.deployment, *gate.post_deployment) if view.clock is not None]
        self.clock_runs = any(clock.since is not None and clock.ran_s < clock.of_s for clock in clocks)
        return [*sightings(snapshot, ledger.ballot), *version_sightings(snapshot, ledger, observations)]
