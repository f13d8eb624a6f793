"""Working time: which days of a calendar are worked, and Unix seconds laid on an axis that counts only work.

The axis counts whole milliseconds, so that sums are exact and a slack of nothing is nothing. A moment of the axis
that lies on a day's edge is two moments of the clock: work ends at 17:00 (`closing`), work begins at 9:00 the
next working day (`opening`). Opening hours are wall time: a night with a change of the clocks is as long as it
really was. A calendar that closes at or before it opens works through midnight; 0:00 to 0:00 is round the clock.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cached_property
from math import ceil
from zoneinfo import ZoneInfo

from loom_tui.plan.model import Calendar

HOUR_MS = 3_600_000
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_DAY = timedelta(days=1)
_HORIZON_DAYS = 40 * 366  # work that lasts longer ends there: a mistyped effort must not cost seconds
_CHUNK_DAYS = 60


class WorkDays:
    """A calendar's days as dates. A week that names no day (a fault) is worked throughout: nothing may wait forever."""

    def __init__(self, calendar: Calendar) -> None:
        named = frozenset(WEEKDAYS.index(name) for name in calendar.days if name in WEEKDAYS)
        self._zone_name = calendar.zone
        self._weekdays = named or frozenset(range(7))
        self._holidays = frozenset(calendar.holidays)
        self._opens = calendar.opens
        self._closes = calendar.closes
        self._closes_next_day = timedelta(days=int(calendar.closes <= calendar.opens))

    @cached_property
    def zone(self) -> tzinfo:
        """The calendar's zone. Raises ValueError for one that this host does not know."""
        if self._zone_name == "UTC":  # holds on hosts without a time zone database
            return UTC
        try:
            return ZoneInfo(self._zone_name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"`{self._zone_name}` is no time zone that this host knows") from error

    def is_worked(self, day: date) -> bool:
        """Say whether a day is worked."""
        return day.weekday() in self._weekdays and day not in self._holidays

    def span(self, day: date) -> tuple[float, float]:
        """Give the Unix seconds at which a day, worked or not, opens and closes."""
        opens = datetime.combine(day, self._opens, self.zone).timestamp()
        closes = datetime.combine(shifted(day, self._closes_next_day), self._closes, self.zone).timestamp()
        return opens, max(opens, closes)  # clocks put forward may swallow a whole short day

    def date_of(self, at: float) -> date:
        """Give the date in the calendar's zone."""
        return datetime.fromtimestamp(at, self.zone).date()

    def nth(self, first: date, number: int) -> date:
        """Find the `number`-th working day from `first` on, counting from 1; a negative one counts back from there."""
        step = _DAY if number > 0 else -_DAY
        left = min(abs(number), _HORIZON_DAYS) or 1
        day = first
        while True:
            left -= self.is_worked(day)
            if not left or day in (date.min, date.max):
                return day
            day = shifted(day, step)

    def number(self, first: date, day: date) -> int:
        """Say which working day, counted from `first`, a day is; one that is not worked counts as the next."""
        days = min((day - first).days, _HORIZON_DAYS)
        return 1 + sum(self.is_worked(first + _DAY * offset) for offset in range(days))


class WorkAxis:
    """Unix seconds as milliseconds of work since `since`, and back. Past some forty years the axis ends."""

    def __init__(self, days: WorkDays, *, since: float) -> None:
        self._days = days
        self._since = _whole_ms(since)
        self._next = shifted(days.date_of(since), -_DAY)  # yesterday's span may reach past midnight
        self._last = shifted(self._next, timedelta(days=_HORIZON_DAYS))
        # The spans. An empty one comes first, where nothing is done yet.
        self._starts = [self._since]  # when it opens, in Unix milliseconds
        self._ends = [self._since]
        self._before = [-1]  # work done before it opens
        self._offsets = [self._since]  # from that work to the time at which it opens
        self._total = 0

    def worked(self, at: float) -> int:
        """Give the milliseconds of work from the axis's beginning to a moment; none before it."""
        at_ms = _whole_ms(at)
        while self._ends[-1] < at_ms and self._grow():
            pass
        index = bisect_right(self._starts, at_ms) - 1
        return max(0, min(at_ms, self._ends[index]) - self._offsets[index]) if index >= 0 else 0

    def closing(self, work_ms: int) -> float:
        """Give the first moment by which so much is done: where work ends."""
        return self.closings([work_ms])[0]

    def closings(self, works_ms: Sequence[int]) -> list[float]:
        """Give `closing` of many at once."""
        before, offsets, works = self._before, self._offsets, self._reachable(works_ms)
        return [(work + offsets[bisect_left(before, work) - 1]) / 1000 for work in works]

    def openings(self, works_ms: Sequence[int]) -> list[float]:
        """Give, of many at once, the last moment at which no more than so much is done: where further work begins."""
        before, offsets, works = self._before, self._offsets, self._reachable(works_ms)
        return [(work + offsets[bisect_right(before, work) - 1]) / 1000 for work in works]

    def add(self, at: float, hours: float) -> float:
        """Give the moment at which `hours` of work, begun at a moment of the axis, are done."""
        return max(at, self.closing(self.worked(at) + round(hours * HOUR_MS)))

    def hours_between(self, start: float, end: float) -> float:
        """Give the hours of work between two moments of the axis."""
        return (self.worked(end) - self.worked(start)) / HOUR_MS

    def _grow(self) -> bool:
        """Lay out some more days; False where the axis ends."""
        if self._next >= self._last:
            return False
        for _ in range(_CHUNK_DAYS):
            if self._days.is_worked(self._next):
                opens, closes = self._days.span(self._next)
                self._append(max(round(opens * 1000), self._ends[-1]), round(closes * 1000))
            self._next = shifted(self._next, _DAY)
        return True

    def _reachable(self, works_ms: Sequence[int]) -> Sequence[int]:
        """Lay out days for all of so much work and some more; where the axis ends, it ends there."""
        most = max(works_ms, default=0)
        while self._total <= most and self._grow():
            pass
        return works_ms if most <= self._total else [min(work, self._total) for work in works_ms]

    def _append(self, start: int, end: int) -> None:
        if start < end:
            self._starts.append(start)
            self._ends.append(end)
            self._before.append(self._total)
            self._offsets.append(start - self._total)
            self._total += end - start


def shifted(day: date, by: timedelta) -> date:
    """Give the day so much later; the calendar's first or last where there is none."""
    try:
        return day + by
    except OverflowError:
        return date.max if by > timedelta(0) else date.min


def _whole_ms(at: float) -> int:
    """Round Unix seconds up to whole milliseconds, but for what a float adds to them (a quarter of a microsecond)."""
    return ceil(at * 1000 - 0.001)
