"""The demo's errors: a handful of grouped issues whose every event follows from the issue's name and the minute.

Nothing is kept: counts, series and last sightings are all counted from the same events, so that they agree
with one another at any time, and two runs over the same minutes see the same.
"""

from __future__ import annotations

from functools import lru_cache
from zlib import crc32

from msgspec import Struct

HOUR_S = 3600
MINUTE_S = 60


class Fault(Struct, frozen=True, kw_only=True):
    """One grouped error: first seen `age_h` hours before the world began (negative: after), `per_hour` since."""

    id: str
    short_id: str
    title: str
    culprit: str
    level: str
    substatus: str
    age_h: float
    per_hour: float
    events_per_user: float
    release: str


def _fault(
    number: int,
    title: str,
    culprit: str,
    *,
    level: str = "error",
    substatus: str = "ongoing",
    age_h: float,
    per_hour: float,
    events_per_user: float = 3.0,
    release: str = "v1.6.3",
) -> Fault:
    return Fault(
        id=str(5_100_000 + number * 17),
        short_id=f"LOOM-{number + 30:X}",
        title=title,
        culprit=culprit,
        level=level,
        substatus=substatus,
        age_h=age_h,
        per_hour=per_hour,
        events_per_user=events_per_user,
        release=release,
    )


FAULTS = (
    _fault(1, "TypeError: Cannot read properties of null (reading 'session')", "useSession(hooks/use-session)",
           substatus="new", age_h=3.4, per_hour=24, events_per_user=3.4),
    _fault(2, "NetworkError: Load failed", "fetchJson(lib/api/client)", age_h=150, per_hour=13, events_per_user=2.2),
    _fault(3, "AuthApiError: Invalid Refresh Token: Refresh Token Not Found", "middleware(src/middleware)",
           age_h=400, per_hour=8, events_per_user=1.1),
    _fault(4, "PostgrestError: canceling statement due to statement timeout", "getCoachClients(app/api/coach/clients)",
           substatus="escalating", age_h=60, per_hour=5, events_per_user=1.6),
    _fault(5, "ResizeObserver loop completed with undelivered notifications", "window.onerror", level="warning",
           age_h=700, per_hour=11, events_per_user=4.0),
    _fault(6, "ChunkLoadError: Loading chunk 4217 failed", "app/(coach)/dashboard/page", substatus="regressed",
           age_h=220, per_hour=3, events_per_user=1.2),
    _fault(7, "Realtime channel closed: TIMED_OUT", "usePresence(hooks/use-presence)", level="warning",
           age_h=90, per_hour=6, events_per_user=2.5),
    _fault(8, "Error: Hydration failed because the server rendered text didn't match the client",
           "BookingCalendar(components/booking/calendar)", substatus="new",
           age_h=-0.02, per_hour=16, events_per_user=2.0),
)  # fmt: skip


def first_seen(fault: Fault, born: float) -> float:
    """Say when a fault's first event came (Unix seconds), in a world that began at `born`."""
    return born - fault.age_h * HOUR_S


@lru_cache(maxsize=65_536)
def _minute(fault: Fault, minute: int) -> tuple[float, ...]:
    """Give the times of a fault's events in one minute, sorted."""
    draw = crc32(f"{fault.id}/{minute}".encode()) / 2**32
    mean = fault.per_hour * MINUTE_S / HOUR_S
    count = int(mean) + (draw < mean % 1)
    return tuple(
        sorted(minute * MINUTE_S + crc32(f"{fault.id}/{minute}/{k}".encode()) / 2**32 * MINUTE_S for k in range(count))
    )


@lru_cache(maxsize=16_384)
def _hour(fault: Fault, hour: int) -> int:
    return sum(len(_minute(fault, hour * 60 + minute)) for minute in range(60))


def count_between(fault: Fault, start: float, end: float, *, born: float) -> int:
    """Count a fault's events in [start, end), none before it was first seen."""
    start = max(start, first_seen(fault, born))
    count, at = 0, start
    while at < end:
        hour = int(at // HOUR_S)
        if at == hour * HOUR_S and at + HOUR_S <= end:
            count += _hour(fault, hour)
            at += HOUR_S
            continue
        minute = int(at // MINUTE_S)
        count += sum(start <= moment < end for moment in _minute(fault, minute))
        at = float((minute + 1) * MINUTE_S)
    return count


def last_seen(fault: Fault, now: float, *, born: float) -> float | None:
    """Find a fault's last event before `now`; None where there was none yet."""
    first = first_seen(fault, born)
    minute = int(now // MINUTE_S)
    while (minute + 1) * MINUTE_S > first:
        moments = [moment for moment in _minute(fault, minute) if first <= moment < now]
        if moments:
            return moments[-1]
        minute -= 1
    return None
