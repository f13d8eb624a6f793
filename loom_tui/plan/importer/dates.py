"""Dates, times of day and stretches of days as people write them. What is ambiguous is not guessed."""

from __future__ import annotations

import re
from datetime import date

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar jänner",
            "february feb februar",
            "march mar märz mär maerz",
            "april apr",
            "may mai",
            "june jun juni",
            "july jul juli",
            "august aug",
            "september sep sept",
            "october oct oktober okt",
            "november nov",
            "december dec dezember dez",
        ),
        1,
    )
    for name in names.split()
}
_MONTH = "(?P<month>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\b\.?"
_DAY = r"(?P<day>\d{1,2})"
_YEAR = r"(?P<year>\d{4})"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?<!\d){_YEAR}[-/](?P<month>\d{{1,2}})[-/]{_DAY}(?:T[\d:]+Z?)?(?!\d)",
        rf"\b{_MONTH}\s+{_DAY}(?:st|nd|rd|th)?,?\s+{_YEAR}\b",
        rf"(?<!\d){_DAY}(?:st|nd|rd|th|\.)?(?:\s+of)?[\s-]+{_MONTH},?[\s-]+{_YEAR}\b",
        rf"(?<!\d){_DAY}\.\s?(?P<month>\d{{1,2}})\.\s?{_YEAR}(?!\d)",
    )
)
_SLASHED = re.compile(r"(?<!\d)(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?!\d)")
_WEEKDAY = re.compile(
    r"\b(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b\.?,?"
    r"|\b(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag)\b,?|\b(?:mo|di|mi|do|fr|sa|so)\.,?(?=\s)",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    r"(?<![\d:])(\d{1,2})(?:[:.h](\d{2}))?(?::\d{2})?\s*(am|pm|a\.m\.|p\.m\.|uhr)?(?![\d:%])", re.IGNORECASE
)
_SPAN = re.compile(
    r"\b(?P<unit>days?|weeks?|tage?|wochen?|kw)\s+(?P<low>\d{1,3})"
    r"(?:\s*(?:[-–—]|to|bis|and|und|&)\s*(?:day |week )?(?P<high>\d{1,3}))?"
    r"(?!\s*[\d.:]*\d)",
    re.IGNORECASE,
)


def find_dates(text: str) -> tuple[list[date], str]:
    """Find each date that can be read in one way only; give them in their order and what is left of the text."""
    found: list[tuple[int, int, date]] = []
    for form in _FORMS:
        for match in form.finditer(text):
            month = _MONTHS.get(match["month"].casefold()) or int(match["month"])
            _keep(found, match, int(match["year"]), month, int(match["day"]))
    for match in _SLASHED.finditer(text):
        first, second, year = int(match[1]), int(match[2]), int(match[3])
        if first == second or second > 12:
            _keep(found, match, year, first, second)
        elif first > 12:
            _keep(found, match, year, second, first)
    found.sort(key=lambda item: item[0])
    left, at = [], 0
    for begin, end, _ in found:
        left.append(text[at:begin])
        at = end
    rest = "".join([*left, text[at:]])
    return [day for _, _, day in found], _WEEKDAY.sub("", rest).strip(" ,;.") if found else rest


def _keep(found: list[tuple[int, int, date]], match: re.Match[str], year: int, month: int, day: int) -> None:
    if any(begin < match.end() and match.start() < end for begin, end, _ in found):
        return
    try:
        found.append((match.start(), match.end(), date(year, month, day)))
    except ValueError:
        return  # 31.02.2025 is no date; its text stays


def find_clock(text: str) -> tuple[str, str]:
    """Find a time of day such as 10:00 AM or 9.30 Uhr; give it as HH:MM ('' without one) and what is left."""
    for match in _CLOCK.finditer(text):
        hour, minute, half = int(match[1]), int(match[2] or 0), (match[3] or "").replace(".", "").casefold()
        if match[2] is None and not half:
            continue  # a bare number is no time
        if half in ("am", "pm"):
            if not 1 <= hour <= 12:
                continue
            hour = hour % 12 + (12 if half == "pm" else 0)
        if hour < 24 and minute < 60:
            return f"{hour:02}:{minute:02}", text[: match.start()] + text[match.end() :]
    return "", text


def find_span(text: str) -> tuple[str, int, int, str] | None:
    """Find 'Day 1-2' or 'Weeks 2 to 3': the unit ('day' or 'week'), both ends, and what is left; None without one."""
    match = _SPAN.search(text)
    if match is None:
        return None
    low = int(match["low"])
    high = int(match["high"] or low)
    if low < 1 or high < low:
        return None
    unit = "day" if match["unit"].casefold().startswith(("day", "tag")) else "week"
    if match["unit"].casefold() == "kw":
        return None  # a calendar week of the year is not the plan's week
    left = text[: match.start()] + text[match.end() :]
    return unit, low, high, left.strip(" :–—-|()")
