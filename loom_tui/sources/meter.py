"""What asking costs: calls and bytes of the last hour, the other side's limit, its clock.

Whoever asks counts for somebody: `with counting(meter)` makes a meter the one that `meter()` gives to all that runs
within, also in tasks that it starts. So a client counts where it sends, and no source in between passes anything on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC
from email.utils import parsedate_to_datetime
from time import time

from msgspec.structs import replace

from loom_tui.room.signals import Health
from loom_tui.sources.base import Clock

HOUR_S = 3600.0
_LIMITS = ("x-sentry-rate-limit", "x-ratelimit", "ratelimit")
_EPOCH_S = 1_000_000_000.0  # a reset above it is a moment, below it a wait: both are written in seconds


class Meter:
    """Counts for one source. It outlives the source's connections."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._minutes: deque[tuple[int, int, int]] = deque()  # minute, calls, bytes
        self._learnt = Health()

    def called(self, calls: int = 1, *, size_bytes: int = 0) -> None:
        """Count calls that were sent, and bytes that came back."""
        minute = int(self._clock() // 60)
        before = self._minutes.pop() if self._minutes and self._minutes[-1][0] == minute else (minute, 0, 0)
        self._minutes.append((minute, before[1] + calls, before[2] + size_bytes))
        while self._minutes[0][0] <= minute - HOUR_S // 60:
            self._minutes.popleft()

    def saw_clock(self, theirs: float) -> None:
        """Compare the other side's clock, as it was just now, with ours (Unix seconds)."""
        self._learnt = replace(self._learnt, skew_s=theirs - self._clock())

    def heard(self, headers: Mapping[str, str]) -> None:
        """Learn of limit and clock from an answer's headers (small letters)."""
        now = self._clock()
        for prefix in _LIMITS:
            remaining = headers.get(f"{prefix}-remaining", "")
            if remaining.isdecimal():
                limit, reset = headers.get(f"{prefix}-limit", ""), headers.get(f"{prefix}-reset", "")
                until = float(reset) if reset.isdecimal() else None
                self._learnt = replace(
                    self._learnt,
                    remaining=int(remaining),
                    limit=int(limit) if limit.isdecimal() else None,
                    resets_at=now + until if until is not None and until < _EPOCH_S else until,
                )
                break
        if "age" not in headers:  # an answer out of a cache is dated when it was made
            try:
                date = parsedate_to_datetime(headers.get("date", ""))
            except ValueError:
                return
            self.saw_clock(date.replace(tzinfo=date.tzinfo or UTC).timestamp() + 0.5)  # whole seconds, cut

    def health(self) -> Health:
        """Sum the last hour up. A limit that was reset since says nothing any more."""
        now = self._clock()
        kept = [each for each in self._minutes if each[0] > now // 60 - HOUR_S // 60]
        learnt = self._learnt
        if learnt.resets_at is not None and learnt.resets_at <= now:
            learnt = replace(learnt, remaining=None, limit=None, resets_at=None)
        return replace(learnt, calls=sum(each[1] for each in kept), size_bytes=sum(each[2] for each in kept))


_CURRENT: ContextVar[Meter | None] = ContextVar("loom_meter", default=None)


@contextmanager
def counting(meter: Meter) -> Iterator[None]:
    """Have all that is asked within count for this meter."""
    token = _CURRENT.set(meter)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def meter() -> Meter:
    """Give the meter that counts here; one that nobody reads where nothing is counted."""
    return _CURRENT.get() or Meter(time)
