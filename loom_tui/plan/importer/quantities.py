"""Efforts and performance targets as people write them: '2-3 hours', '1.5 d', '100ms → 5-10ms (10x faster)'."""

from __future__ import annotations

import re

from msgspec import Struct

from loom_tui.plan.model import Range, Target

HOURS_A_DAY = 8.0  # of work, as estimates mean it
HOURS_A_WEEK = 40.0

_NUMBER = r"\d{1,6}(?:[.,]\d{1,3})?"
_UNIT = (
    r"(?P<unit>h(?:ou)?rs?|hours?|h|std\.?|stunden?|minutes?|mins?|min\.|minuten?|m|"
    r"(?:person[- ]?|working |work |arbeits)?(?:days?|tage?)|d|pt|weeks?|wks?|wochen?|w)(?![^\W\d_])"
)
_DASH = r"\s*(?:[-–—]|to|bis)\s*"
_EFFORT = re.compile(
    rf"(?<![\d.,])(?P<low>{_NUMBER})(?:\s*(?:h|d|hours|days|min)?{_DASH}(?P<high>{_NUMBER}))?\s*{_UNIT}", re.IGNORECASE
)
_BARE = re.compile(rf"(?P<low>{_NUMBER})(?:{_DASH}(?P<high>{_NUMBER}))?")
_DURATION = re.compile(r"(\d{1,3})\s*h\s*(\d{1,2})\s*(?:m|min)?\b", re.IGNORECASE)


class Effort(Struct, frozen=True):
    """Hours of work, and the text as written where the hours do not say it all."""

    hours: Range | None
    text: str


def read_effort(text: str, *, unit: str = "") -> Effort:
    """Read an estimate. `unit` is what bare figures are in, where a table's header says so ('hours', 'days')."""
    text = text.strip()
    duration = _DURATION.fullmatch(text)
    if duration is not None:
        hours = int(duration[1]) + int(duration[2]) / 60
        return Effort(Range(low=hours, high=hours), "")
    match = _EFFORT.search(text)
    if match is None and unit:
        match = _BARE.fullmatch(text)
    if match is None:
        return Effort(None, text)
    factor = _hours(match.groupdict().get("unit") or unit)
    low = _figure(match["low"]) * factor
    high = _figure(match["high"]) * factor if match["high"] else low
    if high < low or _EFFORT.search(text, match.end()) is not None:
        return Effort(None, text)  # '2 h + 1 d', '6-2 h': for a person to say
    whole = match.start() == 0 and match.end() == len(text)
    return Effort(Range(low=round(low, 4), high=round(high, 4)), "" if whole else text)


def _figure(text: str) -> float:
    return float(text.replace(",", "."))


def _hours(unit: str) -> float:
    unit = unit.casefold()
    if unit.startswith("m"):
        return 1 / 60
    if unit.startswith("w"):
        return HOURS_A_WEEK if not unit.startswith(("work", "working")) else HOURS_A_DAY
    return 1.0 if unit.startswith(("h", "s")) else HOURS_A_DAY


_MS = r"(?P<{0}unit>milliseconds?|msecs?|ms|seconds?|secs?|s)?"
_ARROW = r"\s*(?:→|->|=>|⇒|to|down to|auf)\s*"
_GAIN = re.compile(
    rf"(?P<name>[^\d:|][^:|]{{0,80}}?)\s*[:|–—-]\s*(?:from\s+)?[~<]?(?P<base>{_NUMBER})\s*{_MS.format('base')}{_ARROW}[~<≤]?\s*"
    rf"(?P<low>{_NUMBER})(?:\s*(?:ms|s)?\s*[-–—]\s*(?P<high>{_NUMBER}))?\s*{_MS.format('goal')}"
    rf"\s*(?:\(?\s*(?P<factor>{_NUMBER})\s*[x×](?:\s+(?:faster|improvement|gain|speed-?up))?\s*\)?)?",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    rf"(?P<name>[^\d|<≤][^|<≤]{{0,80}}?)\s*:?\s*(?:<=?|≤|under|below|at most|unter)\s*"
    rf"(?P<low>{_NUMBER})\s*{_MS.format('goal')}",
    re.IGNORECASE,
)
_PERCENTILE = re.compile(r"\bp(\d{2})\b", re.IGNORECASE)
_MILLIS = re.compile(
    rf"[~<≤]?\s*(?P<low>{_NUMBER})(?:\s*[-–—]\s*(?P<high>{_NUMBER}))?\s*{_MS.format('goal')}", re.IGNORECASE
)
_FACTOR = re.compile(rf"(?P<factor>{_NUMBER})\s*[x×]", re.IGNORECASE)


def read_target(text: str) -> Target | None:
    """Read a performance target of which nothing is left over; None for any other text."""
    gain = _GAIN.fullmatch(text)
    if gain is not None and (gain["baseunit"] or gain["goalunit"]):
        goal_unit = gain["goalunit"] or gain["baseunit"]
        return Target(
            name=gain["name"].strip(),
            baseline_ms=_millis(gain["base"], gain["baseunit"] or goal_unit),
            target_ms=_range(gain["low"], gain["high"], goal_unit),
            factor=_figure(gain["factor"]) if gain["factor"] else None,
        )
    limit = _LIMIT.fullmatch(text)
    if limit is None or not limit["goalunit"]:
        return None
    name = limit["name"].strip()
    return Target(name=name, target_ms=_range(limit["low"], None, limit["goalunit"]), percentile=_percentile(name))


def read_millis(text: str) -> Range | None:
    """Read '5-10 ms' or '< 0.3 s' as milliseconds; None for any other text."""
    match = _MILLIS.fullmatch(text.strip())
    return None if match is None else _range(match["low"], match["high"], match["goalunit"] or "ms")


def read_factor(text: str) -> float | None:
    """Read '10x'; None for any other text."""
    match = _FACTOR.fullmatch(text.strip())
    return None if match is None else _figure(match["factor"])


def _percentile(name: str) -> int:
    found = _PERCENTILE.search(name)
    return int(found[1]) if found is not None and int(found[1]) else 95


def _range(low: str, high: str | None, unit: str) -> Range:
    first = _millis(low, unit)
    return Range(low=first, high=max(first, _millis(high, unit)) if high else first)


def _millis(figure: str, unit: str) -> float:
    return _figure(figure) * (1000.0 if unit.casefold().startswith("s") else 1.0)
