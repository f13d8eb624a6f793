"""The demo's errors: a handful of grouped issues whose every event follows from the issue's name and the minute.

Nothing is kept: counts, series and last sightings are all counted from the same events, so that they agree
with one another at any time, and two runs over the same minutes see the same.
"""

from __future__ import annotations

from functools import lru_cache
from math import inf
from zlib import crc32

from msgspec import Struct
from msgspec.structs import replace

HOUR_S = 3600
MINUTE_S = 60


class Fault(Struct, frozen=True, kw_only=True):
    """One grouped error: first seen `age_h` hours before the world began (negative: after), `per_hour` since.

    One that comes and goes has `spans` instead: from when to when, in Unix seconds.
    """

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
    spans: tuple[tuple[float, float], ...] = ()


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

_REGRESSION = _fault(
    9, "TypeError: slots.map is not a function", "BookingCalendar(components/booking/calendar)", level="fatal",
    substatus="new", age_h=0, per_hour=10_800, events_per_user=1.4, release="v1.7.0",
)  # fmt: skip


def regression(spans: tuple[tuple[float, float], ...]) -> Fault:
    """Give the bug that the new release may bring along: nobody can book, and it is seen three times a second."""
    return replace(_REGRESSION, spans=spans)


def first_seen(fault: Fault, born: float) -> float:
    """Say when a fault's first event came (Unix seconds), in a world that began at `born`."""
    return fault.spans[0][0] if fault.spans else born - fault.age_h * HOUR_S


def _spans(fault: Fault, born: float) -> tuple[tuple[float, float], ...]:
    return fault.spans or ((first_seen(fault, born), inf),)


@lru_cache(maxsize=65_536)
def _minute(fault_id: str, per_hour: float, minute: int) -> tuple[float, ...]:
    """Give the times of a fault's events in one minute, sorted."""
    draw = crc32(f"{fault_id}/{minute}".encode()) / 2**32
    mean = per_hour * MINUTE_S / HOUR_S
    count = int(mean) + (draw < mean % 1)
    return tuple(
        sorted(minute * MINUTE_S + crc32(f"{fault_id}/{minute}/{k}".encode()) / 2**32 * MINUTE_S for k in range(count))
    )


@lru_cache(maxsize=16_384)
def _hour(fault_id: str, per_hour: float, hour: int) -> int:
    return sum(len(_minute(fault_id, per_hour, hour * 60 + minute)) for minute in range(60))


def count_between(fault: Fault, start: float, end: float, *, born: float) -> int:
    """Count a fault's events in [start, end), none before it was first seen."""
    spans = _spans(fault, born)
    return sum(_count(fault, max(start, begins), min(end, ends)) for begins, ends in spans)


def _count(fault: Fault, start: float, end: float) -> int:
    count, at = 0, start
    while at < end:
        hour = int(at // HOUR_S)
        if at == hour * HOUR_S and at + HOUR_S <= end:
            count += _hour(fault.id, fault.per_hour, hour)
            at += HOUR_S
            continue
        minute = int(at // MINUTE_S)
        count += sum(start <= moment < end for moment in _minute(fault.id, fault.per_hour, minute))
        at = float((minute + 1) * MINUTE_S)
    return count


def last_seen(fault: Fault, now: float, *, born: float) -> float | None:
    """Find a fault's last event before `now`; None where there was none yet."""
    for begins, ends in reversed(_spans(fault, born)):
        until = min(now, ends)
        minute = int(until // MINUTE_S)
        while (minute + 1) * MINUTE_S > begins:
            moments = [at for at in _minute(fault.id, fault.per_hour, minute) if begins <= at < until]
            if moments:
                return moments[-1]
            minute -= 1
    return None
