"""Figures, ages and clock times as people read them. Ages round up: nothing is older than it says."""

from __future__ import annotations

from datetime import datetime, tzinfo
from enum import StrEnum
from math import ceil
from zoneinfo import ZoneInfo

from msgspec import Struct

from loom_tui.plan.model import Range, Right, Status
from loom_tui.room.signals import Freshness, State
from loom_tui.room.snapshot import SignalView
from loom_tui.room.verdicts import GateState, Verdict
from loom_tui.widgets.lines import Ground, Ink, Span


class Sign(StrEnum):
    """A state's sign. It never stands alone: a word or a figure goes with it."""

    OK = "●"
    HALF = "◐"
    OPEN = "○"
    WARN = "▲"
    BAD = "✖"
    UNKNOWN = "◌"
    WAIVED = "◇"


_ASCII = {
    Sign.OK: "[x]",
    Sign.HALF: "[~]",
    Sign.OPEN: "[ ]",
    Sign.WARN: "[!]",
    Sign.BAD: "[X]",
    Sign.UNKNOWN: "[?]",
    Sign.WAIVED: "[w]",
}
_INKS = {
    Sign.OK: Ink.OK,
    Sign.HALF: Ink.WARN,
    Sign.OPEN: Ink.FAINT,
    Sign.WARN: Ink.WARN,
    Sign.BAD: Ink.BAD,
    Sign.UNKNOWN: Ink.FAINT,
    Sign.WAIVED: Ink.WAIVED,
}


class Pen(Struct, frozen=True):
    """How this terminal is written on: the plan's zone, and whether ASCII alone may be used."""

    zone: str = "UTC"
    ascii_only: bool = False

    def sign(self, sign: Sign) -> Span:
        """Draw a state's sign in its colour: one cell, or three in ASCII."""
        return Span(_ASCII[sign] if self.ascii_only else sign.value, _INKS[sign])

    @property
    def sign_width(self) -> int:
        """Give the cells that a sign takes."""
        return 3 if self.ascii_only else 1

    def clock(self, at: float) -> str:
        """Write a moment as 14:46 in the plan's zone."""
        return f"{self.local(at):%H:%M}"

    def day(self, at: float) -> str:
        """Write a moment's day as "Thu 6"."""
        local = self.local(at)
        return f"{local:%a} {local.day}"

    def day_clock(self, at: float, *, now: float) -> str:
        """Write a moment as 14:46 today, and as "Thu 6 14:46" on another day."""
        same = self.local(at).date() == self.local(now).date()
        return self.clock(at) if same else f"{self.day(at)} {self.clock(at)}"

    def between(self, start: float, end: float, *, now: float) -> str:
        """Write a stretch of time: "Thu 6 09:00–11:30", and over days "Thu 6 09:00 – Fri 7 17:00"."""
        begin = self.day_clock(start, now=now)
        if self.local(start).date() == self.local(end).date():
            return begin if start == end else f"{begin}–{self.clock(end)}"
        return f"{begin} – {self.day(end)} {self.clock(end)}"

    def brief(self, at: float, *, now: float) -> str:
        """Write a moment in nine cells: 14:46 today, "Wed 14:46" within three days, and else its date, "20 Nov"."""
        local, away = self.local(at), (self.local(at).date() - self.local(now).date()).days
        if abs(away) > 3:
            return f"{local.day} {local:%b}"
        return f"{local:%a %H:%M}" if away else f"{local:%H:%M}"

    def offset(self, at: float) -> str:
        """Write the zone's offset then: +02, +0530."""
        text = f"{self.local(at):%z}"
        return text[:3] if text.endswith("00") else text

    def local(self, at: float) -> datetime:
        """Give a moment in the plan's zone."""
        return datetime.fromtimestamp(at, _zone(self.zone))


def _zone(name: str) -> tzinfo:
    return ZoneInfo(name)  # cached by zoneinfo


SIGN_OF_STATE = {State.OK: Sign.OK, State.BAD: Sign.BAD, State.UNKNOWN: Sign.UNKNOWN}
SIGN_OF_VERDICT = {
    Verdict.MET: Sign.OK,
    Verdict.NOT_MET: Sign.BAD,
    Verdict.UNKNOWN: Sign.UNKNOWN,
    Verdict.WAIVED: Sign.WAIVED,
}
SIGN_OF_STATUS = {
    Status.OPEN: Sign.OPEN,
    Status.READY: Sign.OPEN,
    Status.IN_PROGRESS: Sign.HALF,
    Status.BLOCKED: Sign.WARN,
    Status.DONE: Sign.OK,
    Status.DROPPED: Sign.WAIVED,
}
WORD_OF_RIGHT = {  # after "may"; not the rights' own names: a lead's right is not yet the lead
    Right.VIEWER: "look",
    Right.OPERATOR: "write",
    Right.APPROVER: "approve",
    Right.LEAD: "do everything",
}
GROUND_OF_GATE = {GateState.GO: Ground.OK, GateState.HOLD: Ground.WARN, GateState.NO_GO: Ground.BAD}
INK_OF_GATE = {GateState.GO: Ink.OK, GateState.HOLD: Ink.WARN, GateState.NO_GO: Ink.BAD}
SIGN_OF_GATE = {GateState.GO: Sign.OK, GateState.HOLD: Sign.HALF, GateState.NO_GO: Sign.BAD}

_STEPS_S = (5, 10, 15, 30, 45, 60)


def age(seconds: float) -> str:
    """Write an age ("4 s", "17 m", "9 h 12 m"), rounded up to coarse steps so that a wall ticks seldom."""
    seconds = max(0.0, seconds)
    if seconds <= _STEPS_S[-2]:
        return f"{next(step for step in _STEPS_S if seconds <= step)} s"
    minutes = ceil(seconds / 60)
    if minutes < 60:
        return f"{minutes} m"
    if minutes < 48 * 60:
        hours, rest = divmod(minutes, 60)
        return f"{hours} h {rest} m" if rest and hours < 24 else f"{ceil(minutes / 60) if rest else hours} h"
    days, rest = divmod(ceil(minutes / 60), 24)
    return f"{days} d {rest} h" if rest else f"{days} d"


def age_of(view: SignalView, now: float) -> str:
    """Write a signal's age; "never" where nobody has read it."""
    return "never" if view.reading is None else age(now - view.reading.observed_at)


def span_of(view: SignalView, text: str, ink: Ink = Ink.INK, *, bold: bool = False) -> Span:
    """Write a figure of a signal: greyed when it is not fresh."""
    return Span(text, ink if view.freshness is Freshness.FRESH else Ink.FAINT, bold)


def stale_note(view: SignalView, now: float) -> str:
    """Say in two words why a signal proves nothing now; empty for a fresh one."""
    if view.freshness is Freshness.FRESH:
        return ""
    if view.reading is None:
        return "never read"
    return f"stale {age_of(view, now)}" if view.freshness is Freshness.STALE else "clock wrong"


def milliseconds(value: float | None) -> str:
    """Write a latency in a column: "  7.9 ms", " 13.1 ms", "  304 ms"; a dash where it is unknown."""
    if value is None:
        return "– ms"
    return f"{value:.1f} ms" if value < 100 else f"{value:,.0f} ms"


def number(value: float | None) -> str:
    """Write a count or a measure: no needless decimals, a dash where it is unknown."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 1000 else f"{value:.1f}"


def times(factor: float | None) -> str:
    """Write how many times faster something became: "13×"; "0.4×" where it is slower; empty where it is unknown."""
    if not factor:
        return ""
    return f"{factor:.0f}×" if factor >= 1 else f"{factor:.1f}×"


def hours(value: Range | None) -> str:
    """Write an effort: "2–3 h", "4 h"; empty where the plan has none."""
    if value is None:
        return ""
    return f"{value.low:g} h" if value.low == value.high else f"{value.low:g}–{value.high:g} h"


def duration(seconds: float) -> str:
    """Write a countdown: "T–02:14", "T+00:05", with days beyond two of them: "T–3 d 4 h"."""
    sign = "–" if seconds >= 0 else "+"
    minutes = int(abs(seconds) // 60)
    if minutes >= 48 * 60:
        days, rest = divmod(minutes // 60, 24)
        return f"T{sign}{days} d {rest} h"
    return f"T{sign}{minutes // 60:02}:{minutes % 60:02}"
