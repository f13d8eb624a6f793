"""A quantile sketch good to 1 %, small enough to keep one a second.

This is DDSketch (Masson, Rim and Lee, VLDB 2019): a value counts into the bucket ceil(log_gamma(value)),
whose middle lies within 1 % of it, so that sketches of any stretches of time merge without loss. Own code,
because the `ddsketch` package brings protobuf and decodes far slower than a room reads: here the encoding is a
row of 32-bit words, so that bytes joined are sketches merged.
"""

from __future__ import annotations

import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil, isfinite, log

from msgspec import Struct

ACCURACY = 0.01
_GAMMA = (1 + ACCURACY) / (1 - ACCURACY)
_LOG_GAMMA = log(_GAMMA)
_MIDDLE = 2 / (_GAMMA + 1)  # times gamma^bucket: the value within 1 % of both of the bucket's ends
_OFFSET = 0x8000  # a word's low half is bucket + offset; 0 there is for values of (almost) nothing
_NOTHING = 1e-9  # values up to this, and negative ones, count as 0: a latency has no smaller figures
_HALF = 0xFFFF


class Summary(Struct, frozen=True):
    """Percentiles of merged sketches, in the order asked; each is None where there are no values at all."""

    count: int
    values: tuple[float | None, ...]


class Sketch:
    """Counts by logarithmic bucket. Quantiles are by nearest rank, within 1 % of the true value."""

    __slots__ = ("_counts", "count")

    def __init__(self, values: Iterable[float] = ()) -> None:
        self._counts: dict[int, int] = {}
        self.count = 0
        for value in values:
            self.add(value)

    def add(self, value: float) -> None:
        """Count one value. Raises ValueError for infinity and NaN."""
        if not isfinite(value):
            raise ValueError(f"{value} has no place in a sketch")
        key = 0 if value <= _NOTHING else min(ceil(log(value) / _LOG_GAMMA) + _OFFSET, _HALF)
        self._counts[key] = self._counts.get(key, 0) + 1
        self.count += 1

    def merge(self, other: Sketch) -> None:
        """Count all that another sketch has counted."""
        for key, count in other._counts.items():
            self._counts[key] = self._counts.get(key, 0) + count
        self.count += other.count

    def quantile(self, q: float) -> float:
        """Give the value at quantile `q` (0 to 1). Raises ValueError for an empty sketch."""
        (value,) = _quantiles(self._counts, self.count, (q,))
        if value is None:
            raise ValueError("an empty sketch has no quantiles")
        return value

    def encode(self) -> bytes:
        """Encode as little-endian words: count in the high half, bucket in the low one."""
        words = array("I")
        for key, count in sorted(self._counts.items()):
            full, rest = divmod(count, _HALF)
            words.extend([_HALF << 16 | key] * full)
            if rest:
                words.append(rest << 16 | key)
        return _little_endian(words).tobytes()

    @classmethod
    def decode(cls, body: bytes) -> Sketch:
        """Decode what `encode` made, or several such joined. Raises ValueError for a torn one."""
        sketch = cls()
        sketch._counts, sketch.count = _counts((body,))
        return sketch


def percentiles(sketches: Iterable[bytes], qs: Sequence[float]) -> Summary:
    """Merge encoded sketches and give their quantiles. 900 sketches of five values take about 0.3 ms."""
    counts, count = _counts(sketches)
    return Summary(count, _quantiles(counts, count, qs))


def _counts(sketches: Iterable[bytes]) -> tuple[dict[int, int], int]:
    words = array("I")
    words.frombytes(b"".join(sketches))
    counts: dict[int, int] = {}
    total = 0
    for word, times in Counter(_little_endian(words)).items():  # counts in C: the words repeat a lot
        count = (word >> 16) * times
        key = word & _HALF
        counts[key] = counts.get(key, 0) + count
        total += count
    return counts, total


def _quantiles(counts: dict[int, int], total: int, qs: Sequence[float]) -> tuple[float | None, ...]:
    if not total:
        return (None,) * len(qs)
    found: dict[float, float] = {}
    ordered = iter(sorted(counts.items()))
    key, seen = 0, 0
    for q in sorted(qs):
        rank = min(max(ceil(q * total - 1e-9), 1), total)  # 0.07 * 100 is a little more than 7
        while seen < rank:
            key, count = next(ordered)
            seen += count
        found[q] = 0.0 if key == 0 else _MIDDLE * _GAMMA ** (key - _OFFSET)
    return tuple(found[q] for q in qs)


def _little_endian(words: array[int]) -> array[int]:
    if sys.byteorder == "big":
        words.byteswap()
    return words
