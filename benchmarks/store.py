"""What the store costs when it holds 30 days of 50 signals: size, opening, appending, recording, reading.

    python -m benchmarks.store [DIRECTORY]

The 30 days are packed straight into hours, as `prune` packs them; today's seconds and tens of seconds are written
as rows. Six of the signals are latencies with four executions a minute, the rest numbers and checks.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from statistics import median, quantiles

from loom_tui.plan.kinds import Kind
from loom_tui.plan.signals import Signal
from loom_tui.room.events import NoteAdded
from loom_tui.room.signals import Bucket, Reading
from loom_tui.room.sketch import Sketch, percentiles
from loom_tui.store import rollup
from loom_tui.store.database import READINGS, open_database
from loom_tui.store.place import prepare
from loom_tui.store.sqlite import SqliteStore, open_store

DAYS = 30
SIGNALS = [
    Signal(
        id=f"signal.{number}",
        source="bench",
        kind=Kind.LATENCY if number < 6 else Kind.CHECK if number < 16 else Kind.NUMBER,
        label="",
    )
    for number in range(50)
]
NOW = 1_760_000_000 // rollup.HOUR_S * rollup.HOUR_S
PLAN = "thirty days"


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(sys.argv[1] if len(sys.argv) > 1 else scratch) / "loom"
        open_store(directory, plan_id="empty").close()
        began = time.perf_counter()
        fill(directory)
        print(f"filled in                      {time.perf_counter() - began:8.1f} s")
        size(directory)
        opening(directory)
        store = open_store(directory, plan_id=PLAN)
        try:
            writing(store)
            reading(store)
            pruning(store)
        finally:
            store.close()
        size(directory)
        opening(directory)


def fill(directory: Path) -> None:
    open_store(directory, plan_id=PLAN).close()
    store = open_store(directory, plan_id=PLAN)
    store.define(SIGNALS)
    store.close()
    place = prepare(directory, plan_id=PLAN, group=None, create=False)
    database = open_database(place, READINGS, read_only=False)
    random = Random(7)
    for sid, signal in enumerate(SIGNALS, start=1):
        with database.write() as connection:
            for step, keep_s in ((60, DAYS * 86_400), (10, 86_400)):
                connection.executemany(
                    "INSERT INTO hours (sid, step, hour, body) VALUES (?, ?, ?, ?)",
                    [
                        (sid, step, hour, rollup.pack(buckets(signal, hour, step, random), hour=hour, step=step))
                        for hour in range(NOW - keep_s, NOW - rollup.HOUR_S, rollup.HOUR_S)
                    ],
                )
            for step in (1, 10, 60):
                connection.executemany(
                    "INSERT INTO buckets (sid, step, start, count, total, low, high, sketch) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        (sid, step, int(b.start), b.count, b.total, b.low, b.high, b.sketch)
                        for b in buckets(signal, NOW - rollup.HOUR_S, step, random)
                    ],
                )
    database.close()
    store = open_store(directory, plan_id=PLAN)
    for number in range(500):
        store.append(NoteAdded(text=f"note {number}"), actor="ana", at=NOW - 500.0 + number)
    store.close()


def buckets(signal: Signal, hour: int, step: int, random: Random) -> Iterator[Bucket]:
    """Make a full hour of buckets: one reading a second for numbers, one in 15 s (at least one a bucket) for others."""
    count = step if signal.kind is Kind.NUMBER else max(step // 15, 1)
    for start in range(hour, hour + rollup.HOUR_S, step):
        if signal.kind is Kind.CHECK:
            values = [1.0] * count
        else:
            values = [random.lognormvariate(2.3, 0.4) for _ in range(min(count, 8))]
        sketch = Sketch(values).encode() if signal.kind is Kind.LATENCY else b""
        yield Bucket(
            start=start,
            step_s=step,
            count=count,
            total=sum(values),
            low=min(values),
            high=max(values),
            sketch=sketch,
        )


def size(directory: Path) -> None:
    for room in sorted(directory.iterdir()):
        total = sum(path.stat().st_size for path in room.iterdir())
        print(f"size of {room.name[:14]:22} {total / 1e6:8.1f} MB")


def opening(directory: Path) -> None:
    """Open both in turn, so that what else the machine does meets both."""
    times: dict[str, list[float]] = {"empty": [], PLAN: []}
    for _ in range(200):
        for plan_id, taken in times.items():
            began = time.perf_counter()
            store = open_store(directory, plan_id=plan_id)
            store.head()
            taken.append(time.perf_counter() - began)
            store.close()
    empty, full = (median(taken) * 1e3 for taken in times.values())
    print(f"opening: empty {empty:.3f} ms, 30 days {full:.3f} ms   {full / empty:8.2f} ×")


def timed(name: str, work: Callable[[int], object], times: int) -> None:
    taken = []
    for number in range(times):
        began = time.perf_counter()
        work(number)
        taken.append((time.perf_counter() - began) * 1e3)
    p99 = quantiles(taken, n=100)[98]
    print(f"{name:30} p50 {median(taken):8.3f} ms   p99 {p99:8.3f} ms   max {max(taken):8.3f} ms")


def writing(store: SqliteStore) -> None:
    lease = store.acquire("collector", holder="bench", ttl_s=1e6, now=NOW)
    assert lease is not None
    random = Random(8)
    latencies = [
        Reading(signal=SIGNALS[i % 50].id, observed_at=NOW, value=random.lognormvariate(2.3, 0.4)) for i in range(1_000)
    ]

    def tick(number: int) -> None:
        at = NOW + number
        readings = [
            Reading(signal=reading.signal, observed_at=at + i / 1_000, value=reading.value)
            for i, reading in enumerate(latencies)
        ]
        store.record(readings, lease=lease, now=at + 1)

    timed("append one event", lambda n: store.append(NoteAdded(text="note"), actor="ana", at=NOW + n), 200)
    timed("record 1,000 readings", tick, 120)


def reading(store: SqliteStore) -> None:
    changed = max(stored.recorded_at for stored in store.latest().values()) - 0.5
    latency = SIGNALS[0].id
    timed("token", lambda _: store.token(), 2_000)
    timed("latest, 50 changed", lambda _: store.latest(changed_after=changed), 200)
    timed("latest, none changed", lambda _: store.latest(changed_after=NOW * 2), 200)
    timed("series, 15 min by 1 s", lambda _: store.series(latency, start=NOW - 900, end=NOW, step_s=1), 100)
    timed("series, a day by 10 s", lambda _: store.series(latency, start=NOW - 86_400, end=NOW, step_s=10), 20)
    timed("series, 30 days by 60 s", lambda _: store.series(latency, start=0, end=NOW, step_s=60), 5)
    sketches = [bucket.sketch for bucket in store.series(latency, start=NOW - 900, end=NOW, step_s=1)]
    timed(f"percentiles of {len(sketches)} sketches", lambda _: percentiles(sketches, (0.5, 0.95, 0.99)), 200)
    wide = [Sketch([n * 0.37 + k * 11.0 for k in range(20)]).encode() for n in range(900)]
    timed("… of 900 with 20 values each", lambda _: percentiles(wide, (0.5, 0.95, 0.99)), 200)
    timed("verify 700 events", lambda _: store.verify(), 10)


def pruning(store: SqliteStore) -> None:
    timed("prune, nothing to do", lambda _: store.prune(now=NOW + 121), 5)
    timed("prune, an hour to pack", lambda n: store.prune(now=NOW + rollup.HOUR_S * (n + 1)), 2)


if __name__ == "__main__":
    main()
