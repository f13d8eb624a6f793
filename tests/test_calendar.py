"""Working time: the axis against a minute-by-minute oracle, the days of holidays and of changed clocks."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loom_tui.plan.calendar import HOUR_MS, WEEKDAYS, WorkAxis, WorkDays
from loom_tui.plan.model import Calendar

OFFICE = Calendar(zone="Europe/Berlin")
BERLIN = ZoneInfo("Europe/Berlin")
ROUND_THE_CLOCK = Calendar(days=WEEKDAYS, opens=time(0), closes=time(0))
# Whole, half and quarter hours; clocks changed by an hour, by half an hour (Lord Howe), and never (Kolkata).
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Chatham")
# Day, late and night shifts: (22, 6) works through the hours in which clocks change.
HOURS = ((9, 17), (6, 22), (12, 13), (22, 6), (0, 0), (8, 8))

calendars = st.builds(
    lambda zone, days, hours, holidays: Calendar(
        zone=zone, days=tuple(sorted(days)), opens=time(hours[0]), closes=time(hours[1]), holidays=tuple(holidays)
    ),
    st.sampled_from(ZONES),
    st.sets(st.sampled_from(WEEKDAYS), min_size=1),
    st.sampled_from(HOURS),
    st.sets(st.dates(date(2025, 3, 1), date(2025, 12, 31)), max_size=20),
)
# Around the changes of 2025: 9 and 30 March, 6 April, 28 September, 5 and 26 October, 2 November.
moments = st.builds(
    lambda day, minute: datetime.combine(date.fromisoformat(day), time(0), BERLIN).timestamp() + minute * 60,
    st.sampled_from(["2025-03-06", "2025-03-27", "2025-04-03", "2025-09-25", "2025-10-03", "2025-10-23", "2025-10-30"]),
    st.integers(0, 6 * 24 * 60),
)
hours = st.integers(0, 60 * HOUR_MS).map(lambda ms: ms / HOUR_MS)


def berlin(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> float:
    return datetime(year, month, day, hour, minute, tzinfo=BERLIN).timestamp()


def axis(calendar: Calendar, since: float) -> WorkAxis:
    return WorkAxis(WorkDays(calendar), since=since)


def minutes_worked(calendar: Calendar, start: float, end: float) -> int:
    """Count the minutes whose wall time lies in the opening hours of a worked day: slow, and nothing to get wrong."""
    zone = ZoneInfo(calendar.zone)

    def is_worked(day: date) -> bool:
        return WEEKDAYS[day.weekday()] in calendar.days and day not in calendar.holidays

    count = 0
    for second in range(int(start), int(end), 60):
        wall = datetime.fromtimestamp(second, zone)
        today, yesterday = wall.date(), wall.date() - timedelta(days=1)
        if calendar.opens < calendar.closes:
            count += is_worked(today) and calendar.opens <= wall.time() < calendar.closes
        else:
            count += (wall.time() >= calendar.opens and is_worked(today)) or (
                wall.time() < calendar.closes and is_worked(yesterday)
            )
    return count


@settings(max_examples=40, deadline=None)
@given(calendars, moments, st.integers(0, 4 * 24 * 60))
def test_the_hours_between_two_moments_are_those_a_clock_on_the_wall_counts(calendar, start, minutes):
    end = start + minutes * 60
    assert axis(calendar, start).hours_between(start, end) == minutes_worked(calendar, start, end) / 60


@settings(max_examples=100, deadline=None)
@given(calendars, moments, hours, hours)
def test_adding_hours_in_two_goes_is_adding_them_at_once(calendar, start, first, second):
    line = axis(calendar, start)
    together = (round(first * HOUR_MS) + round(second * HOUR_MS)) / HOUR_MS
    assert line.add(line.add(start, first), second) == line.add(start, together)


@settings(max_examples=100, deadline=None)
@given(calendars, moments, hours)
def test_counting_the_hours_between_undoes_adding_them(calendar, start, some):
    line = axis(calendar, start)
    assert line.hours_between(start, line.add(start, some)) == some


@settings(max_examples=100, deadline=None)
@given(calendars, moments, st.integers(0, 60 * HOUR_MS))
def test_work_begins_no_earlier_than_work_that_ends_there_and_at_the_same_hours(calendar, start, work):
    line = axis(calendar, start)
    closing, opening = line.closing(work), line.openings([work])[0]
    assert start <= closing <= opening
    assert line.worked(closing) == line.worked(opening) == work


def test_work_over_a_weekend_ends_on_friday_evening_and_goes_on_on_monday_morning():
    line = axis(OFFICE, berlin(2025, 11, 6, 9))
    assert line.closing(16 * HOUR_MS) == berlin(2025, 11, 7, 17)
    assert line.openings([16 * HOUR_MS]) == [berlin(2025, 11, 10, 9)]


def test_nothing_is_worked_on_a_holiday():
    christmas = Calendar(zone="Europe/Berlin", holidays=(date(2025, 12, 25), date(2025, 12, 26)))
    start = berlin(2025, 12, 24, 9)
    assert axis(christmas, start).add(start, 9) == berlin(2025, 12, 29, 10)


@pytest.mark.parametrize(
    ("zone", "day", "length"),
    [
        ("Europe/Berlin", date(2025, 3, 30), 23),
        ("Europe/Berlin", date(2025, 10, 26), 25),
        ("America/New_York", date(2025, 3, 9), 23),
        ("America/New_York", date(2025, 11, 2), 25),
        ("Australia/Lord_Howe", date(2025, 4, 6), 24.5),
        ("Australia/Lord_Howe", date(2025, 10, 5), 23.5),
        ("Asia/Kolkata", date(2025, 3, 30), 24),
    ],
)
def test_a_day_round_the_clock_is_as_long_as_its_clocks_make_it(zone, day, length):
    midnight = datetime.combine(day, time(0), ZoneInfo(zone)).timestamp()
    next_midnight = datetime.combine(day + timedelta(days=1), time(0), ZoneInfo(zone)).timestamp()
    calendar = Calendar(zone=zone, days=WEEKDAYS, opens=time(0), closes=time(0))
    assert axis(calendar, midnight).hours_between(midnight, next_midnight) == length


def test_an_office_day_is_eight_hours_also_when_the_clocks_change():
    every_day = Calendar(zone="Europe/Berlin", days=WEEKDAYS)
    for day in (date(2025, 3, 30), date(2025, 10, 26)):
        opens, closes = WorkDays(every_day).span(day)
        assert (opens, closes) == (berlin(day.year, day.month, day.day, 9), berlin(day.year, day.month, day.day, 17))
        assert closes - opens == 8 * 3600


def test_a_day_that_the_clocks_swallow_is_empty_and_not_negative():
    odd = Calendar(zone="Europe/Berlin", days=("sun",), opens=time(2, 15), closes=time(3, 5))
    opens, closes = WorkDays(odd).span(date(2025, 3, 30))
    assert opens == closes
    start = berlin(2025, 3, 29, 12)
    assert axis(odd, start).add(start, 0.5) == berlin(2025, 4, 6, 2, 45)


def test_an_axis_may_begin_within_a_night_shift_of_the_day_before():
    nights = Calendar(zone="UTC", opens=time(22), closes=time(6))
    start = datetime(2025, 11, 8, 3, tzinfo=ZoneInfo("UTC")).timestamp()  # Saturday; Friday's shift goes on until 6:00
    assert axis(nights, start).add(start, 3) == start + 3 * 3600


@given(st.integers(0, 4_000_000_000_000))
def test_a_moment_of_whole_milliseconds_is_laid_on_the_axis_exactly(ms):
    line = axis(ROUND_THE_CLOCK, 0.0 if ms < 40 * 365 * 24 * HOUR_MS else ms / 1000)
    assert line.closing(line.worked(ms / 1000)) == ms / 1000


def test_round_the_clock_an_hour_is_an_hour():
    assert axis(ROUND_THE_CLOCK, 1_000_000.0).add(1_000_000.0, 1000) == 1_000_000.0 + 1000 * 3600


def test_work_beyond_the_end_of_the_axis_ends_there():
    line = axis(OFFICE, berlin(2025, 11, 6, 9))
    century = 100 * 365 * 24 * HOUR_MS
    assert line.closing(century) == line.openings([century])[0] == line.closing(10 * century)
    assert datetime.fromtimestamp(line.closing(century), BERLIN).year == 2065


def test_a_week_without_working_days_is_read_as_worked_throughout():
    assert WorkDays(Calendar(days=())).is_worked(date(2025, 11, 8))


def test_an_unknown_zone_is_refused_with_its_name():
    with pytest.raises(ValueError, match="`Mars/Olympus` is no time zone"):
        WorkDays(Calendar(zone="Mars/Olympus")).span(date(2025, 11, 6))


def test_working_days_are_counted_forwards_and_backwards():
    days = WorkDays(OFFICE)
    thursday = date(2025, 11, 6)
    assert [days.nth(thursday, number).day for number in (1, 2, 3, 5)] == [6, 7, 10, 12]
    assert [days.nth(thursday, number).day for number in (-1, -2, -4)] == [6, 5, 3]
    assert days.nth(date(2025, 11, 8), 1) == date(2025, 11, 10)
    assert days.nth(date(2025, 11, 8), -1) == date(2025, 11, 7)
    assert [days.number(thursday, thursday + timedelta(days=offset)) for offset in (0, 1, 2, 4, 6)] == [1, 2, 3, 3, 5]


def test_counting_days_ends_where_dates_do():
    assert WorkDays(OFFICE).nth(date(9999, 12, 30), 100) == date.max
    assert WorkDays(OFFICE).nth(date(1, 1, 3), -100) == date.min
