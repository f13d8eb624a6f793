"""Bars over working days: where moments lie, what hides what, and what is told of time."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from loom_tui.plan.model import About, Calendar, Plan
from loom_tui.widgets.gantt import (
    Bar,
    Days,
    Window,
    around,
    bar_line,
    days_of,
    grid_of,
    head,
    hours_line,
    late_by,
    phase_bars,
    phase_gantt,
    signs_line,
)
from loom_tui.widgets.lines import Ink, width_of
from loom_tui.widgets.text import Pen
from tests.rooms import text_of
from tests.samples import NOW, bare_snapshot, ok_snapshot, sample_plan, unknown_snapshot

PEN = Pen()
PLAN = Plan(plan=About(title="t", start=date(2025, 11, 6)), calendar=Calendar(zone="UTC"))


def at(day: int, hour: int, minute: int = 0) -> float:
    return datetime(2025, 11, day, hour, minute, tzinfo=UTC).timestamp()


def week(cells: int = 8) -> Days:
    """Thursday 6 to Tuesday 11 November, 9 to 17."""
    days = days_of(PLAN, [at(6, 9), at(11, 17)], width=80, now=at(10, 9), cells=cells)
    assert days is not None
    return days


def drawn(bar: Bar, days: Days, now: float = at(1, 9)) -> str:
    return text_of([bar_line(bar, days, now, Window(0, days.width))])


def test_days_and_hours_in_which_nobody_works_take_no_room() -> None:
    days = week()
    assert days.width == 4 * 8
    assert [days.column(at(6, 9)), days.column(at(7, 9)), days.column(at(10, 9))] == [0, 8, 16]
    assert days.column(at(8, 12)) == days.column(at(7, 17)) == 15


def test_a_moment_and_its_cell_go_with_one_another() -> None:
    days = week()
    assert all(days.column(days.moment(column)) == column for column in range(days.width))


def test_a_plan_without_dates_has_no_chart() -> None:
    assert days_of(Plan(plan=About(title="t")), [NOW], width=80, now=NOW) is None
    assert days_of(PLAN, [], width=80, now=NOW) is None


def test_planned_lies_under_projected_under_actual() -> None:
    bar = Bar(
        key="", label="", planned=(at(6, 9), at(7, 17)), actual=(at(6, 13), at(7, 9)), projected=(at(7, 9), at(10, 11))
    )
    assert drawn(bar, week()) == "────━━━━━╍╍╍╍╍╍╍╍╍╍"


def test_a_late_milestone_shows_both_its_moments_and_the_way_between() -> None:
    bar = Bar(key="", label="", milestone_planned_at=at(7, 9), milestone_at=at(10, 9), late_s=1e5)
    assert drawn(bar, week()) == "        ◆╌╌╌╌╌╌╌◆"


def test_the_now_line_is_seen_where_nothing_lies_over_it() -> None:
    days, now = week(), at(10, 11)
    assert drawn(Bar(key="", label=""), days, now) == " " * 18 + "│"
    assert "│" not in drawn(Bar(key="", label="", planned=(at(6, 9), at(11, 17))), days, now)


def test_what_lies_outside_the_chart_is_not_drawn() -> None:
    days = week()
    assert drawn(Bar(key="", label="", planned=(at(1, 9), at(3, 9)), milestone_at=at(20, 9)), days) == ""


def test_the_head_names_the_days_and_the_arrow_pushes_todays_name_aside() -> None:
    days = week()
    assert text_of([head(days, PEN, Window(0, 32), at(20, 9))]) == "Thu 6   Fri 7   Mon 10  Tue 11"
    assert text_of([head(days, PEN, Window(0, 32), at(10, 10))]) == "Thu 6   Fri 7    ▼ Mon 10"
    assert text_of([head(days, PEN, Window(0, 32), at(10, 16, 30))]) == "Thu 6   Fri 7   Mon 10 ▼"


def test_weeks_are_named_where_days_are_narrow() -> None:
    days = days_of(PLAN, [at(6, 9), at(28, 17)], width=40, now=NOW)
    assert days is not None
    assert days.cells == 2
    assert text_of([head(days, PEN, Window(0, 40), at(1, 9))]) == "6 Nov         17 Nov    24 Nov"


def test_hours_are_named_where_days_are_wide() -> None:
    assert text_of([hours_line(week(24), PEN, Window(0, 28))]) == "09    11    13    15    09"


def test_of_two_signs_in_one_cell_the_later_is_seen() -> None:
    signs = [(at(6, 9), "n", Ink.INK), (at(6, 9), "D", Ink.ACCENT), (at(30, 9), "x", Ink.INK)]
    assert text_of([signs_line(signs, week(), Window(0, 32))]) == "D"


def test_the_grid_marks_days_where_they_are_wide_and_else_weeks() -> None:
    assert grid_of(week(16), PEN, Window(0, 64)) == [16, 32, 48]
    assert grid_of(week(8), PEN, Window(0, 32)) == [16]


def test_a_chart_that_is_too_wide_is_seen_around_now() -> None:
    days = week(48)
    window = around(days, at(10, 13), 60)
    assert window.offset <= days.column(at(10, 13)) < window.offset + 60
    assert around(week(), at(10, 13), 60) == Window(0, 60)


def test_years_of_a_mistyped_plan_still_make_a_chart_that_holds_now() -> None:
    days = days_of(PLAN, [at(6, 9) - 40 * 365 * 86_400, at(6, 9) + 40 * 365 * 86_400], width=80, now=at(10, 9))
    assert days is not None
    assert len(days.spans) < 1500
    assert days.holds(at(10, 9))


def test_lateness_is_unknown_where_either_end_is() -> None:
    assert late_by(None, 5.0) == late_by(5.0, None) == late_by(5.0, 3.0) == 0.0
    assert late_by(5.0, 8.0) == 3.0


def test_the_overview_draws_a_row_a_phase_and_says_how_late_each_is() -> None:
    snapshot = ok_snapshot()
    pen = Pen(zone="Europe/Berlin")
    lines = phase_gantt(snapshot, pen, 116, 5)
    text = text_of(lines).split("\n")
    assert len(text) == 5
    assert [line.split()[0] for line in text[1:]] == ["Pre-Deployment", "Quality", "Deployment", "Post-Deployment"]
    assert "▼" in text[0]
    assert "+17 h" in text[2]
    assert all(width_of(line) <= 116 for line in lines)


def test_the_overview_of_a_plan_without_phases_says_what_is_missing() -> None:
    assert "No timeline" in text_of(phase_gantt(bare_snapshot(), PEN, 100, 5))


def test_a_phase_in_which_nothing_is_begun_shows_no_actual_bar() -> None:
    assert all(bar.actual is None for bar in phase_bars(unknown_snapshot()))


def test_a_phase_that_is_over_is_late_without_alarm() -> None:
    first = phase_bars(ok_snapshot())[0]
    assert first.over
    assert first.late_s > 0


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.floats(NOW - 60 * 86_400, NOW + 60 * 86_400), min_size=8, max_size=8),
    st.integers(-50, 500),
    st.integers(1, 120),
    st.sampled_from([1, 2, 4, 8, 16, 24, 48, 96]),
)
def test_any_bar_seen_through_any_window_is_exactly_as_wide_as_it(
    moments: list[float], offset: int, width: int, cells: int
) -> None:
    days = days_of(sample_plan(), [NOW - 9 * 86_400, NOW + 20 * 86_400], width=80, now=NOW, cells=cells)
    assert days is not None
    window = Window(max(0, offset), width)
    pairs = [tuple(sorted(moments[i : i + 2])) for i in (0, 2, 4)]
    bar = Bar(
        key="",
        label="",
        planned=(pairs[0][0], pairs[0][1]),
        actual=(pairs[1][0], pairs[1][1]),
        projected=(pairs[2][0], pairs[2][1]),
        milestone_at=moments[6],
        milestone_planned_at=moments[7],
        late_s=100,
    )
    signs = [(moments[0], "D", Ink.ACCENT)]
    for shown in (bar, replace(bar, late_s=0.0), None):
        grid = grid_of(days, PEN, window)
        assert width_of(bar_line(shown, days, NOW, window, grid=grid, signs=signs)) == width
    for line in (head(days, PEN, window, NOW), hours_line(days, PEN, window), signs_line(signs, days, window)):
        assert width_of(line) == width
