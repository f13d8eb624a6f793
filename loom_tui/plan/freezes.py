"""Freeze windows: when nothing but a rollback may change the world, as a plan writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo

from msgspec import Struct

from loom_tui.plan.acts import ActionKind
from loom_tui.plan.calendar import WEEKDAYS, WorkDays
from loom_tui.plan.model import Freeze, Plan

HELD_UP = (ActionKind.DEPLOY, ActionKind.MIGRATE, ActionKind.COMMAND)

_MOMENT = r"([a-z]{3})[a-z]*\.?\s+([01]?\d|2[0-3]):([0-5]\d)"
# Compiled when a plan first has such a text, 0.8 ms: most have none.
_WEEKLY = rf"\s*{_MOMENT}\s*(?:[-–—]|to|until)\s*{_MOMENT}\s*"
_WEEK = timedelta(weeks=1)


class Frozen(Struct, frozen=True):
    """One stretch of a freeze, in Unix seconds; `until` is the first moment after it."""

    start: float
    until: float
    why: str


class WeekTime(Struct, frozen=True):
    """A time of each week, on the clock of the wall: the day (0 is Monday), the hour, the minute."""

    day: int
    hour: int
    minute: int

    def after(self, monday: datetime) -> datetime:
        """Find it in the week that begins with a Monday's midnight."""
        return monday + timedelta(days=self.day, hours=self.hour, minutes=self.minute)


def week_times(text: str) -> tuple[WeekTime, WeekTime] | None:
    """Read "Fri 16:00 – Mon 08:00"; None for what is not written so."""
    found = re.fullmatch(_WEEKLY, text, re.IGNORECASE)
    if found is None or not {found[1].casefold(), found[4].casefold()} <= set(WEEKDAYS):
        return None
    begin, end = (
        WeekTime(WEEKDAYS.index(day.casefold()), int(hour), int(minute))
        for day, hour, minute in (found.groups()[:3], found.groups()[3:])
    )
    return begin, end


def frozen_at(plan: Plan, at: float) -> Frozen | None:
    """Give the freeze in which a moment lies; of several the one that ends last."""
    found = [frozen for frozen in frozen_between(plan, at, at) if frozen.start <= at < frozen.until]
    return max(found, key=lambda frozen: frozen.until, default=None)


def frozen_between(plan: Plan, start: float, end: float) -> Iterator[Frozen]:
    """List the freezes that touch a stretch of time, each week's of those that come back."""
    zone = WorkDays(plan.calendar).zone if plan.freezes else None
    for freeze in plan.freezes:
        for begins, ends in _spans(freeze, zone, start, end):
            if begins <= end and ends > start:
                yield Frozen(begins, ends, freeze.why)


def frozen_words(plan: Plan, frozen: Frozen) -> str:
    """Say until when a freeze holds, on the plan's clock, and why."""
    until = datetime.fromtimestamp(frozen.until, WorkDays(plan.calendar).zone)
    return f"{frozen.why}, until {until:%a} {until.day} {until:%b %H:%M}"


def moment_in(zone: tzinfo | None, at: datetime) -> float:
    """Give a date and time in Unix seconds; one without an offset is on the plan's clock."""
    return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).timestamp()


def _spans(freeze: Freeze, zone: tzinfo | None, start: float, end: float) -> Iterator[tuple[float, float]]:
    if freeze.from_ is not None and freeze.until is not None:
        yield moment_in(zone, freeze.from_), moment_in(zone, freeze.until)
    times = week_times(freeze.weekly)
    if times is None:
        return
    begin, over = times
    local = datetime.fromtimestamp(start, zone).replace(tzinfo=None)
    monday = local.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=local.weekday()) - _WEEK
    while moment_in(zone, monday) <= end:
        starts, ends = begin.after(monday), over.after(monday)
        yield moment_in(zone, starts), moment_in(zone, ends if ends > starts else ends + _WEEK)
        monday += _WEEK
