"""Dates, efforts, targets and ids as people write them."""

from __future__ import annotations

from datetime import date

import pytest

from loom_tui.plan.importer.dates import find_clock, find_dates, find_span
from loom_tui.plan.importer.quantities import read_effort, read_target
from loom_tui.plan.importer.refs import find_ids
from loom_tui.plan.model import Range


@pytest.mark.parametrize(
    "text",
    [
        "2025-11-06",
        "2025/11/06",
        "November 6, 2025",
        "6 Nov 2025",
        "06.11.2025",
        "6. November 2025",
        "Nov 6th 2025",
        "Nov. 6, 2025",
        "6th of November 2025",
        "Thursday, November 6, 2025",
        "Thu 6 Nov 2025",
        "6-Nov-2025",
    ],
)
def test_a_date_in_any_usual_form(text):
    assert find_dates(text) == ([date(2025, 11, 6)], "")


def test_a_slashed_date_is_read_only_where_one_part_must_be_the_day():
    assert find_dates("11/06/2025") == ([], "11/06/2025")
    assert find_dates("11/13/2025")[0] == [date(2025, 11, 13)]
    assert find_dates("13/11/2025")[0] == [date(2025, 11, 13)]
    assert find_dates("11/11/2025")[0] == [date(2025, 11, 11)]


def test_a_day_that_is_in_no_calendar_is_no_date():
    assert find_dates("31.02.2025") == ([], "31.02.2025")


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("10:00 AM", "10:00"),
        ("2:30 pm", "14:30"),
        ("12 am", "00:00"),
        ("9.30 Uhr", "09:30"),
        ("at 17:05", "17:05"),
        ("room 12", ""),
        ("25:00", ""),
    ],
)
def test_a_time_of_day(text, clock):
    assert find_clock(text)[0] == clock


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("Day 1-2: Prepare", ("day", 1, 2, "Prepare")),
        ("Day 5: Deploy", ("day", 5, 5, "Deploy")),
        ("Weeks 2 to 3", ("week", 2, 3, "")),
        ("Tag 2–3", ("day", 2, 3, "")),
        ("Day 4-2", None),
        ("KW 45", None),
    ],
)
def test_a_stretch_of_days(text, span):
    assert find_span(text) == span


@pytest.mark.parametrize(
    ("text", "low", "high", "kept"),
    [
        ("2-3 hours", 2, 3, ""),
        ("2–3h", 2, 3, ""),
        ("2 to 3 hrs", 2, 3, ""),
        ("1.5 d", 12, 12, ""),
        ("1,5 Tage", 12, 12, ""),
        ("30 min", 0.5, 0.5, ""),
        ("3 days", 24, 24, ""),
        ("1 week", 40, 40, ""),
        ("1h 30m", 1.5, 1.5, ""),
        ("~4h", 4, 4, "~4h"),
        ("4-6 hours (initially blocked)", 4, 6, "4-6 hours (initially blocked)"),
        ("2 working days", 16, 16, ""),
    ],
)
def test_an_effort_in_hours(text, low, high, kept):
    effort = read_effort(text)
    assert (effort.hours, effort.text) == (Range(low=low, high=high), kept)


@pytest.mark.parametrize("text", ["Ongoing", "S", "M", "L", "5 points", "6-2 hours", "2h + 1d", "9" * 400 + " h"])
def test_an_effort_that_is_no_number_of_hours_stays_text(text):
    effort = read_effort(text)
    assert (effort.hours, effort.text) == (None, text)


def test_a_target_with_and_without_a_baseline():
    gain = read_target("Dashboard queries: 100ms → 5-10ms (10x faster)")
    assert gain is not None
    assert (gain.name, gain.baseline_ms, gain.target_ms, gain.factor) == (
        "Dashboard queries",
        100,
        Range(low=5, high=10),
        10,
    )
    slow = read_target("Report: 1.2 s -> 300 ms")
    assert slow is not None
    assert (slow.baseline_ms, slow.target_ms) == (1200, Range(low=300, high=300))
    limit = read_target("Checkout p99 < 300 ms")
    assert limit is not None
    assert (limit.target_ms, limit.percentile) == (Range(low=300, high=300), 99)
    assert read_target("Make it faster") is None
    assert read_target("Dashboard: 100ms → 5ms on Tuesdays") is None  # something would be lost


def test_ids_in_text():
    assert find_ids("#145, #146 and OPS-12 (https://github.com/o/r/issues/7)").ids == (145, 146, "OPS-12", 7)
    assert find_ids("#5–#7").ids == (5, 6, 7)
    assert find_ids("UTF-8, #payments, v1.2, a#4, P-95").ids == ()
    assert find_ids("#99999999999999999999").ids == ()
