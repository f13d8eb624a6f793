"""The store against a model: whatever is done in whatever order, also over a reopening, both say the same."""

from __future__ import annotations

import tempfile
from math import floor
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from loom_tui.plan.kinds import Kind
from loom_tui.plan.signals import Signal
from loom_tui.room.events import NoteAdded
from loom_tui.room.signals import Reading, State
from loom_tui.store.base import Lease, LeaseLost
from loom_tui.store.leases import KEPT_S
from tests.stores import AT, new_store

HOUR = 3_600
SIGNALS = {"check": Kind.CHECK, "ms": Kind.LATENCY, "n": Kind.NUMBER}


class StoreMachine(RuleBasedStateMachine):
    """Two connections to one store (two rooms), one of them also the collector."""

    @initialize()
    def begin(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.stores = [new_store(Path(self.directory.name)) for _ in range(2)]
        self.stores[0].define([Signal(id=name, source="s", kind=kind, label="") for name, kind in SIGNALS.items()])
        self.now = AT
        self.texts: list[str] = []
        self.latest: dict[str, Reading] = {}
        self.history: dict[str, dict[int, list[float]]] = {name: {} for name in SIGNALS}
        self.leases: list[Lease] = []  # newest last; only the newest may write, if it was not given back
        self.given_back = False
        self.seen = 0.0

    def teardown(self) -> None:
        if hasattr(self, "stores"):
            for store in self.stores:
                store.close()
            self.directory.cleanup()

    @rule(which=st.integers(0, 1), text=st.text(st.characters(exclude_categories=["Cs"])))
    def append(self, which: int, text: str) -> None:
        event = self.stores[which].append(NoteAdded(text=text), actor="ana", at=self.now)
        self.texts.append(text)
        assert event.seq == len(self.texts)

    @rule(which=st.integers(0, 1), after=st.integers(0, 10), refuse=st.booleans())
    def decide(self, which: int, after: int, refuse: bool) -> None:  # noqa: FBT001
        def decide(seen: Any) -> NoteAdded:
            assert [event.payload.text for event in seen] == self.texts[after:]
            if refuse:
                raise LookupError
            return NoteAdded(text="decided")

        try:
            self.stores[which].decide(decide, after=after, actor="bo", at=self.now)
        except LookupError:
            return
        self.texts.append("decided")

    @rule(which=st.integers(0, 1))
    def reopen(self, which: int) -> None:
        self.stores[which].close()
        self.stores[which] = new_store(Path(self.directory.name))

    @rule(seconds=st.sampled_from([-30.0, 0.0, 0.4, 7.0, 600.0, 2 * HOUR]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(holder=st.sampled_from(["one", "two"]), ttl_s=st.sampled_from([5.0, 1e6]))
    def acquire(self, holder: str, ttl_s: float) -> None:
        held = self.leases[-1] if self.leases and not self.given_back else None
        lease = self.stores[1].acquire("collector", holder=holder, ttl_s=ttl_s, now=self.now)
        if lease is None:
            assert held is not None
            assert held.holder != holder
            assert held.until > self.now
            return
        assert lease.epoch == len(self.leases) + 1
        self.leases.append(lease)
        self.given_back = False

    @precondition(lambda self: self.leases)
    @rule(which=st.integers(0, 5))
    def release(self, which: int) -> None:
        lease = self.leases[which % len(self.leases)]
        self.stores[0].release(lease)
        self.given_back |= lease is self.leases[-1]

    @precondition(lambda self: self.leases)
    @rule(
        which=st.integers(0, 3).map(lambda n: -1 if n else 0),
        batch=st.lists(
            st.tuples(
                st.sampled_from(sorted(SIGNALS)),
                st.sampled_from([0.0, -0.5, -61.0, -HOUR - 5.0, -5.0 * HOUR, 60.0]),
                st.sampled_from(State),
                st.none() | st.integers(0, 1_000),
            ),
            max_size=5,
        ),
    )
    def record(self, which: int, batch: list[tuple[str, float, State, int | None]]) -> None:
        lease = self.leases[which]
        readings = [
            Reading(signal=name, observed_at=self.now + offset, state=state, value=value)
            for name, offset, state, value in batch
        ]
        try:
            self.stores[0].record(readings, lease=lease, now=self.now)
        except LeaseLost:
            assert self.given_back or lease is not self.leases[-1]
            return
        assert lease is self.leases[-1]
        assert not self.given_back
        tick: dict[str, Reading] = {}
        for reading in readings:
            self.supersede(tick, reading)
            self.remember(reading)
        for reading in tick.values():  # a tick is one statement: only its last word meets what was there
            self.supersede(self.latest, reading)

    def supersede(self, newest: dict[str, Reading], reading: Reading) -> None:
        before = newest.get(reading.signal)
        if before is None or reading.observed_at >= before.observed_at or before.observed_at > self.now + 5:
            newest[reading.signal] = reading

    def remember(self, reading: Reading) -> None:
        value: float | None = reading.value
        if SIGNALS[reading.signal] is Kind.CHECK:
            value = 1.0 if reading.state is State.OK else 0.0
        if value is not None and reading.state is not State.UNKNOWN and reading.observed_at <= self.now + 5:
            minute = floor(reading.observed_at) // 60 * 60
            self.history[reading.signal].setdefault(minute, []).append(value)

    @rule()
    def prune(self) -> None:
        self.stores[0].prune(now=self.now)
        self.given_back |= bool(self.leases) and self.leases[-1].until < self.now - KEPT_S

    @invariant()
    def both_rooms_read_the_same_journal(self) -> None:
        for store in self.stores if hasattr(self, "stores") else []:
            assert [event.payload.text for event in store.events()] == self.texts  # type: ignore[union-attr]
            assert store.verify().seq == len(self.texts)

    @invariant()
    def a_room_that_reads_only_changes_misses_none(self) -> None:
        if not hasattr(self, "stores"):
            return
        whole = self.stores[1].latest()
        assert {name: stored.reading for name, stored in whole.items()} == self.latest
        changed = self.stores[1].latest(changed_after=self.seen)
        assert changed == {name: stored for name, stored in whole.items() if stored.recorded_at > self.seen}
        self.seen = max([self.seen, *(stored.recorded_at for stored in changed.values())])

    @invariant()
    def every_minute_adds_up(self) -> None:
        for name in SIGNALS if hasattr(self, "stores") else ():
            series = self.stores[1].series(name, start=0, end=self.now + HOUR, step_s=60)
            found = {bucket.start: (bucket.count, bucket.total, bucket.low, bucket.high) for bucket in series}
            assert found == {
                minute: (len(values), sum(values), min(values), max(values))
                for minute, values in self.history[name].items()
            }


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
