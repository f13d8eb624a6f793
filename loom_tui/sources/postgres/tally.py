"""What pg_stat_statements counted since a moment, over resets, evictions and restarts of ours. Pure.

Each entry is counted from a base. Where its counters were set to zero, its base becomes what had been counted until
then, negative: so nothing that was seen is lost, and the bases are all that has to be kept.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

REMEMBERED = 10_000  # entries; twice pg_stat_statements.max as it comes


class Counts(Struct, frozen=True, array_like=True):
    """Calls, their time and rows; `since` is when the entry's counters began (the server's clock), where it tells."""

    calls: int = 0
    total_ms: float = 0.0
    rows: int = 0
    since: float | None = None

    def plus(self, other: Counts) -> Counts:
        """Add another's figures."""
        return Counts(self.calls + other.calls, self.total_ms + other.total_ms, self.rows + other.rows, self.since)

    def less(self, other: Counts) -> Counts:
        """Subtract another's figures."""
        return Counts(self.calls - other.calls, self.total_ms - other.total_ms, self.rows - other.rows, self.since)


class Sample(Struct, frozen=True, kw_only=True):
    """All entries at a moment of our clock. `reset_at` is when all were reset last (the server's clock)."""

    at: float
    entries: Mapping[str, Counts]
    reset_at: float | None = None


class Tally(Struct, frozen=True, kw_only=True):
    """Since when is counted, for which change, each entry's base and what was seen of it last.

    `last` is not kept over a restart: of an entry that is reset meanwhile, what was counted before is lost.
    """

    since: float
    changed_at: float | None
    reset_at: float | None
    base: dict[str, Counts]
    last: dict[str, Counts] = {}

    def counted(self, key: str) -> Counts:
        """Give what an entry counted since."""
        return self.last.get(key, _NONE).less(self.base.get(key, _NONE))


_NONE = Counts()


def begin(sample: Sample, changed_at: float | None) -> Tally:
    """Begin to count at a sample."""
    entries = dict(sample.entries)
    return Tally(since=sample.at, changed_at=changed_at, reset_at=sample.reset_at, base=entries, last=entries)


def advance(tally: Tally, sample: Sample) -> Tally:
    """Count on to a sample. The bases stay the same object unless an entry's counters began anew."""
    if sample.reset_at != tally.reset_at:
        tally = _after_reset(tally, sample.reset_at)
    last = dict(tally.last)
    moved: dict[str, Counts] = {}
    for key, counts in sample.entries.items():
        seen = last.get(key)
        before = seen if seen is not None else tally.base.get(key)
        if before is not None and _began_anew(before, counts):
            carried = tally.base.get(key, _NONE).less(seen) if seen is not None else _NONE
            moved[key] = replace(carried, since=counts.since)
        last[key] = counts
    if len(last) > REMEMBERED:
        last = dict(sample.entries)
    return replace(tally, base=tally.base | moved if moved else tally.base, last=last)


def _after_reset(tally: Tally, reset_at: float | None) -> Tally:
    """Carry over what was counted until all counters were set to zero."""
    carried = {key: each for key, each in tally.base.items() if each.calls < 0}  # from an earlier reset
    for key, seen in tally.last.items():
        carried[key] = replace(tally.base.get(key, _NONE).less(seen), since=None)
    return replace(tally, reset_at=reset_at, base={key: each for key, each in carried.items() if each.calls}, last={})


def _began_anew(before: Counts, now: Counts) -> bool:
    if before.since is not None and now.since is not None and before.since != now.since:
        return True
    return now.calls < before.calls
