"""What is gathered from a store for one fold: readings, their past, who asks the world; and deeds decided upon it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from loom_tui.plan.criteria import rules_over_time
from loom_tui.plan.model import Plan
from loom_tui.plan.sources.errors import ErrorFeed
from loom_tui.plan.sources.postgres import PostgresSource
from loom_tui.room.alive import is_alive
from loom_tui.room.checks import Run
from loom_tui.room.deeds import Deed
from loom_tui.room.door import Person, admit, admitted
from loom_tui.room.events import Event, Payload, PlanAdopted
from loom_tui.room.fold import Folder
from loom_tui.room.signals import Bucket, Stored
from loom_tui.room.snapshot import CollectorView, Mark, Observations, Snapshot
from loom_tui.store.base import Store

RUNNER_LEASE = "act:"  # and the action's number: who carries it out
ERRORS_WINDOW_S = 3600.0
SETTLED_S = 1200.0  # a collector whose store refused for a quarter of an hour writes those readings late
FINE_PAST_S = 6 * 3600.0  # so long a past is read in steps of ten seconds, a longer one by the minute


class Gathering:
    """What one process has read of a store's readings: the newest of each signal, and the charted series."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self.plan = plan
        self.window_s = 900.0
        self._store = store
        self._latest: dict[str, Stored] = {}
        self._recorded_at = 0.0
        self._series: dict[str, tuple[Bucket, ...]] = {}
        self._past: dict[str, tuple[Bucket, ...]] = {}
        self._history: dict[str, tuple[Run, ...]] = {}

    def observations(self, collector: CollectorView) -> Observations:
        """Give what was read, for the fold."""
        return Observations(
            latest=self._latest,
            series=self._series,
            past=self._past,
            history=self._history,
            window_s=self.window_s,
            runners={
                int(lease.name.removeprefix(RUNNER_LEASE)): lease.until
                for lease in self._store.leases(prefix=RUNNER_LEASE)
            },
            seats=tuple(self._store.seats()),
            collector=collector,
        )

    def turned(self) -> bool:
        """Take in what was recorded since the last time; says whether a signal is in another state than before."""
        changed, before = self._store.latest(changed_after=self._recorded_at), self._latest
        self._latest = before | changed
        self._recorded_at = max((stored.recorded_at for stored in changed.values()), default=self._recorded_at)
        return any(
            name not in before or before[name].reading.state is not stored.reading.state
            for name, stored in changed.items()
        )

    def read(self, marks: Sequence[Mark], *, now: float) -> None:
        """Read what was recorded since the last time, and the past that charts and rules need."""
        self.turned()
        self._history = self._store.history()
        for name, source in self.plan.sources.items():
            if isinstance(source, PostgresSource):
                for query in source.queries:
                    signal = f"{name}.{query.name}.ms"
                    self._keep(signal, self._percentile_series(signal, marks, now))
            elif isinstance(source, ErrorFeed):
                signal = f"{name}.errors_per_minute"
                self._keep(signal, self._store.series(signal, start=now - ERRORS_WINDOW_S, end=now + 1, step_s=60))

        self._read_past(now)

    def _read_past(self, now: float) -> None:
        """Read on in the past that rules with a duration ask for; what is older than a late flush is kept as read."""
        spans: dict[str, float] = {}
        for signal, seconds in rules_over_time(self.plan):
            spans[signal] = max(seconds, spans.get(signal, 0.0))
        past = {}
        for signal, seconds in spans.items():
            step_s = 10 if seconds <= FINE_PAST_S else 60
            start = now - seconds - 2 * step_s
            known = [bucket for bucket in self._past.get(signal, ()) if start <= bucket.start < now - SETTLED_S]
            known = known if known and known[0].step_s == step_s else []
            after = known[-1].start + step_s if known else start
            past[signal] = (*known, *self._store.series(signal, start=after, end=now + 1, step_s=step_s))
        self._past = past

    def _keep(self, signal: str, buckets: Sequence[Bucket]) -> None:
        """Keep the same tuple while nothing changed: the fold then has nothing to merge anew."""
        series = tuple(buckets)
        if self._series.get(signal) != series:
            self._series = {**self._series, signal: series}

    def _percentile_series(self, signal: str, marks: Sequence[Mark], now: float) -> list[Bucket]:
        """Read coarse buckets, and one-second ones since a marker of the last five minutes: its window is exact."""
        last = self._latest.get(signal)
        start = (min(now, last.reading.observed_at) if last is not None else now) - self.window_s
        step_s = 10 if self.window_s <= 6 * 3600 else 60
        marker = max((mark.at for mark in marks if mark.kind != "note"), default=0.0)
        if now - marker > 300 or marker <= start:
            return self._store.series(signal, start=start, end=now + 1, step_s=step_s)
        seam = marker - marker % step_s
        before = self._store.series(signal, start=start, end=seam, step_s=step_s)
        return before + self._store.series(signal, start=seam, end=now + 1, step_s=1)


def collector_view(store: Store, *, now: float) -> CollectorView:
    """Say who asks the world, and whether they still do."""
    lease = store.lease("collector")
    if lease is None:
        return CollectorView(alive=False, holder="", why="no collector runs")
    alive = is_alive(lease.until, ttl_s=lease.ttl_s, now=now)
    return CollectorView(alive=alive, holder=lease.holder, why="" if alive else "the collector went silent")


def read_once(plan: Plan, store: Store, *, now: float) -> Snapshot:
    """Read a store as it is and fold it once, for commands that answer and leave. Raises StoreError."""
    folder = Folder(plan)
    folder.take(store.events())
    gathering = Gathering(plan, store)
    gathering.read(folder.ledger.marks, now=now)
    return folder.snapshot(gathering.observations(collector_view(store, now=now)), now)


def adopt(store: Store, plan: Plan, folder: Folder, *, actor: str, at: float) -> str:
    """Keep this version of the plan and say so in the journal, unless it is the one in force; gives its hash.

    Raises StoreError.
    """
    plan_hash = store.keep(msgspec.json.encode(plan))
    folder.take(store.events(after=folder.ledger.seq))
    adopted = [event.payload for event in folder.ledger.events if isinstance(event.payload, PlanAdopted)]
    if not adopted or adopted[-1].plan_hash != plan_hash:
        about = plan.plan
        payload = PlanAdopted(
            plan_hash=plan_hash, version=about.version, release=about.release, environment=about.environment
        )
        store.append(payload, actor=actor, at=at)
    return plan_hash


def append_payload(store: Store, payload: Payload, *, plan: Plan, person: Person, at: float) -> Event:
    """Append what a person wrote down, if the door lets it be. Raises Refused, StoreError."""
    return store.append(admit(payload, plan, person), actor=person.login, at=at)


def append_deed(
    store: Store, deed: Deed, *, folder: Folder, observations: Observations, person: Person, at: float
) -> Event:
    """Append what a person's deed makes of the room, if the door lets it be. Raises its refusal, or StoreError."""
    through = admitted(deed, person)
    return append_decided(store, through, folder=folder, observations=observations, actor=person.login, at=at)


def append_decided(
    store: Store,
    deed: Deed,
    *,
    folder: Folder,
    observations: Observations,
    actor: str,
    at: float,
) -> Event:
    """Append what a deed makes of the room as the journal has it inside the appending transaction.

    Raises what the deed refuses with, or StoreError; nothing is appended then.
    """

    def decide(events: Sequence[Event]) -> Payload:
        newest = Folder(folder.plan, folder.ledger)
        newest.take(events)
        return deed(newest.snapshot(observations, at), actor)

    return store.decide(decide, after=folder.ledger.seq, actor=actor, at=at)


def write_deed(plan: Plan, store: Store, deed: Deed, *, person: Person, now: float) -> Event:
    """Read a store as it is and write one deed down, for commands. Raises what the deed refuses with, or StoreError."""
    folder = Folder(plan)
    folder.take(store.events())
    gathering = Gathering(plan, store)
    gathering.read(folder.ledger.marks, now=now)
    observations = gathering.observations(collector_view(store, now=now))
    return append_deed(store, deed, folder=folder, observations=observations, person=person, at=now)
