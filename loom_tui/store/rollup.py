"""How readings become buckets, and how an hour of buckets is packed. Pure.

Each level is complete in itself: 1 s for an hour, 10 s for a day, 1 min for 30 days.
"""

import zlib
from collections.abc import Iterable, Mapping
from math import floor, isfinite

import msgspec
from msgspec import Struct

from loom_tui.plan.kinds import Kind
from loom_tui.room.signals import CLOCK_TOLERANCE_S, Bucket, Reading, State
from loom_tui.room.sketch import Sketch

KEEP_S = {1: 3_600, 10: 86_400, 60: 30 * 86_400}
PACKED_STEPS = (10, 60)
HOUR_S = 3_600
_HUGE = 1e150  # sums of such figures would soon be no numbers; nothing that is measured is so large

Key = tuple[str, int, int]  # signal, step, start


def figure(reading: Reading, kind: str) -> float | None:
    """Give what a reading adds to its buckets: its value, or 1 or 0 for a check's ok or bad. Unknown adds nothing."""
    if reading.state is State.UNKNOWN:
        return None
    if kind == Kind.CHECK or (not kind and reading.value is None):
        return 1.0 if reading.state is State.OK else 0.0
    value = reading.value
    return value if value is not None and isfinite(value) and abs(value) < _HUGE else None


def roll_up(readings: Iterable[Reading], kinds: Mapping[str, str], *, now: float) -> dict[Key, Bucket]:
    """Make the buckets that a tick's readings add: nothing from the future, nor what is older than its keep."""
    seconds: dict[tuple[str, int], list[float]] = {}
    for reading in readings:
        value = figure(reading, kinds[reading.signal])
        if value is not None and reading.observed_at <= now + CLOCK_TOLERANCE_S:
            seconds.setdefault((reading.signal, floor(reading.observed_at)), []).append(value)
    made: dict[Key, Bucket] = {}
    for (signal, second), values in seconds.items():
        sketch = Sketch(values).encode() if kinds[signal] == Kind.LATENCY else b""
        for step, keep_s in KEEP_S.items():
            start = second - second % step
            if start + step <= now - keep_s:
                continue
            bucket = Bucket(
                start=start,
                step_s=step,
                count=len(values),
                total=sum(values),
                low=min(values),
                high=max(values),
                sketch=sketch,
            )
            before = made.get((signal, step, start))
            made[signal, step, start] = bucket if before is None else merge(before, bucket)
    return made


def merge(one: Bucket, other: Bucket) -> Bucket:
    """Merge two buckets of the same stretch."""
    return Bucket(
        start=one.start,
        step_s=one.step_s,
        count=one.count + other.count,
        total=one.total + other.total,
        low=min(one.low, other.low),
        high=max(one.high, other.high),
        sketch=merge_sketches(one.sketch, other.sketch),
    )


def merge_sketches(one: bytes, other: bytes) -> bytes:
    """Merge two encoded sketches, either of which may be empty."""
    return Sketch.decode(one + other).encode() if one and other else one or other


def merge_all(buckets: Iterable[Bucket]) -> list[Bucket]:
    """Merge buckets of equal starts; the result is in the order of time."""
    merged: dict[float, Bucket] = {}
    for bucket in buckets:
        before = merged.get(bucket.start)
        merged[bucket.start] = bucket if before is None else merge(before, bucket)
    return [merged[start] for start in sorted(merged)]


class _Hour(Struct, array_like=True):
    """An hour's buckets by column, which packs to about a third of rows. `starts` count steps from the hour."""

    starts: list[int]
    counts: list[int]
    totals: list[float]
    lows: list[float]
    highs: list[float]
    sketches: list[bytes]


_DECODER = msgspec.msgpack.Decoder(_Hour)


def pack(buckets: Iterable[Bucket], *, hour: int, step: int) -> bytes:
    """Pack one hour's buckets of one signal."""
    rows = list(buckets)
    sketches = [bucket.sketch for bucket in rows]
    columns = _Hour(
        starts=[(int(bucket.start) - hour) // step for bucket in rows],
        counts=[bucket.count for bucket in rows],
        totals=[bucket.total for bucket in rows],
        lows=[bucket.low for bucket in rows],
        highs=[bucket.high for bucket in rows],
        sketches=sketches if any(sketches) else [],
    )
    return zlib.compress(msgspec.msgpack.encode(columns))


def unpack(body: bytes, *, hour: int, step: int) -> list[Bucket]:
    """Unpack what `pack` made. Raises zlib.error, msgspec.DecodeError for damaged bytes."""
    columns = _DECODER.decode(zlib.decompress(body))
    sketches = columns.sketches or [b""] * len(columns.starts)
    return [
        Bucket(start=hour + at * step, step_s=step, count=count, total=total, low=low, high=high, sketch=sketch)
        for at, count, total, low, high, sketch in zip(
            columns.starts, columns.counts, columns.totals, columns.lows, columns.highs, sketches, strict=True
        )
    ]
