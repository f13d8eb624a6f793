"""Bars over the plan's working days: planned as a thin line, actual as a solid one, projected as a dashed one.

Hours and days in which nobody works take no room, so that a week-end does not tear a deployment apart.
Only the cells that are seen are drawn: a plan of years, seen by the hour, costs no more than a week.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter

from msgspec import Struct
from msgspec.structs import replace

from loom_tui.plan.calendar import WorkDays
from loom_tui.plan.model import Plan
from loom_tui.plan.timeline import first_date, launch_of
from loom_tui.room.snapshot import MilestoneView, PhaseView, Snapshot
from loom_tui.widgets.lines import Ink, Line, Span, clean, fit
from loom_tui.widgets.text import Pen, age

LONGEST_DAYS = 1500  # calendar days that a chart holds; a typing error may make a plan longer than that
BEFORE_NOW_DAYS = 500  # of them, at most so many lie before now in a chart that cannot hold all
LATE_S = 60.0  # less than this is on time
CELLS_OF_HOURS = 16  # cells a day from which on the hours are told
_LABEL = 18

Cell = tuple[str, Ink]
Sign = tuple[float, str, Ink]  # a moment, and what stands there in one cell
BLANK: Cell = (" ", Ink.INK)
SHADE: Cell = ("░", Ink.RULE)
_SIGN, _INK = itemgetter(0), itemgetter(1)


class Bar(Struct, frozen=True, kw_only=True):
    """A row of the chart. Moments are Unix seconds; any may be unknown."""

    key: str
    label: str
    planned: tuple[float, float] | None = None
    actual: tuple[float, float] | None = None
    projected: tuple[float, float] | None = None
    milestone_at: float | None = None
    milestone_planned_at: float | None = None
    reached: bool = False
    critical: bool = False
    over: bool = False  # the work is done: that it was late is history, and no alarm
    late_s: float = 0.0


_NO_BAR = Bar(key="", label="")


class Days(Struct, frozen=True):
    """The shown working days as (opens, closes) in Unix seconds, and the cells that each takes."""

    spans: tuple[tuple[float, float], ...]
    cells: int

    @property
    def width(self) -> int:
        """Give the chart's width in cells."""
        return len(self.spans) * self.cells

    def column(self, at: float) -> int:
        """Give the cell of a moment; what lies between two days or beyond the chart sits at its edge."""
        index = bisect_right(self.spans, at, key=lambda span: span[0]) - 1
        if index < 0:
            return 0
        opens, closes = self.spans[index]
        share = (at - opens) / (closes - opens) if closes > opens else 0.0
        return min(index * self.cells + min(self.cells - 1, int(share * self.cells)), self.width - 1)

    def moment(self, column: int) -> float:
        """Give the moment at which a cell begins."""
        index, cell = divmod(min(max(column, 0), self.width - 1), self.cells)
        opens, closes = self.spans[index]
        return opens + (closes - opens) * cell / self.cells

    def holds(self, at: float) -> bool:
        """Say whether a moment lies on the chart at all."""
        return bool(self.spans) and self.spans[0][0] <= at <= self.spans[-1][1]


class Window(Struct, frozen=True):
    """The cells of a chart that are seen."""

    offset: int
    width: int


def days_of(
    plan: Plan, moments: Sequence[float], *, width: int, now: float, cells: int | None = None, most: int = 24
) -> Days | None:
    """Lay out the working days that hold all moments, `cells` wide each or what fits; None for a plan without dates."""
    if not moments or first_date(plan) is None:
        return None
    work = WorkDays(plan.calendar)
    spans = tuple(work.span(day) for day in _dates(work, min(moments), max(moments), now) if work.is_worked(day))
    if not spans:
        return None
    return Days(spans, cells or max(1, min(most, width // len(spans))))


def _dates(work: WorkDays, first_at: float, last_at: float, now: float) -> Iterator[date]:
    day, last, today = work.date_of(first_at), work.date_of(last_at), work.date_of(now)
    if (last - day).days > LONGEST_DAYS and (today - day).days > BEFORE_NOW_DAYS:
        day = min(today - timedelta(days=BEFORE_NOW_DAYS), last - timedelta(days=LONGEST_DAYS))
    for offset in range(min(LONGEST_DAYS, (last - day).days) + 1):
        yield day + timedelta(days=offset)


def line_of(cells: Sequence[Cell]) -> Line:
    """Join cells of one colour into spans."""
    return tuple(Span("".join(map(_SIGN, run)), ink) for ink, run in groupby(cells, key=_INK))


def head(days: Days, pen: Pen, window: Window, now: float) -> Line:
    """Write the days over the chart, as many as have room, and the arrow of now; today's name gives way to it."""
    cells = [BLANK] * window.width
    arrow = days.column(now) - window.offset if days.holds(now) else -1
    if 0 <= arrow < window.width:
        cells[arrow] = ("▼", Ink.WARN)
    labels = list(_day_labels(days, pen, window))
    today = pen.day(now)
    own = [(column if not column <= arrow <= column + len(text) else arrow + 2, text) for column, text in labels]
    for place, text in [pair for pair in own if pair[1] == today] + [pair for pair in labels if pair[1] != today]:
        around = cells[max(0, place - 1) : place + len(text) + 1]
        if place + len(text) <= window.width and all(cell is BLANK for cell in around):
            cells[place : place + len(text)] = [(sign, Ink.FAINT) for sign in text]
    return line_of(cells)


def _day_labels(days: Days, pen: Pen, window: Window) -> Iterator[tuple[int, str]]:
    """Name each day; where days are narrow only the first of each week, with its month."""
    weekly = days.cells < 4 and len(days.spans) > 10
    week = None
    for index in _seen(days, window):
        local = pen.local(days.spans[index][0])
        column = max(0, index * days.cells - window.offset)
        if not weekly:
            yield column, pen.day(days.spans[index][0])
        elif local.isocalendar()[:2] != week:
            week = local.isocalendar()[:2]
            yield column, f"{local.day} {local:%b}"


def hours_line(days: Days, pen: Pen, window: Window) -> Line:
    """Write the hours under the days, as many as have room."""
    cells = [BLANK] * window.width
    free = 0
    for index in _seen(days, window):
        opens, closes = days.spans[index]
        for hour in range(int((closes - opens) // 3600) + 1):
            at = opens + hour * 3600
            column = days.column(at) - window.offset
            text = f"{pen.local(at):%H}"
            if at < closes and column >= free and column + 2 <= window.width:
                cells[column : column + 2] = [(sign, Ink.FAINT) for sign in text]
                free = column + 4
    return line_of(cells)


def _seen(days: Days, window: Window) -> Sequence[int]:
    """List the numbers of the days of which a window shows something."""
    first = max(0, window.offset // days.cells)
    return range(first, min(len(days.spans), (window.offset + window.width - 1) // days.cells + 1))


def signs_line(signs: Sequence[Sign], days: Days, window: Window) -> Line:
    """Put signs of one cell at their moments."""
    cells = [BLANK] * window.width
    _put(cells, signs, days, window)
    return line_of(cells)


def _put(cells: list[Cell], signs: Sequence[Sign], days: Days, window: Window) -> None:
    """Put signs at their moments; of two in one cell the later in the list is seen."""
    for at, sign, ink in signs:
        column = days.column(at) - window.offset
        if days.holds(at) and 0 <= column < window.width:
            cells[column] = (sign, ink)


def bar_line(
    bar: Bar | None,
    days: Days,
    now: float,
    window: Window,
    *,
    shade: Sequence[int] = (),
    grid: Sequence[int] = (),
    signs: Sequence[Sign] = (),
) -> Line:
    """Draw the seen part of a bar: planned under projected under actual, the now-line, milestone and signs on top."""
    bar = _NO_BAR if bar is None else bar
    cells = [BLANK] * window.width
    for column in shade:
        cells[column] = SHADE
    for column in grid:
        cells[column] = ("┊", Ink.RULE)
    _lay(cells, days, window, bar.planned, ("─", Ink.FAINT))
    _lay(cells, days, window, bar.projected, ("╍", Ink.ACCENT if bar.critical else Ink.INK))
    _lay(cells, days, window, bar.actual, ("━", Ink.OK))
    here = days.column(now) - window.offset
    if days.holds(now) and 0 <= here < window.width and cells[here][0] in " ┊░":
        cells[here] = ("│", Ink.WARN)
    _lay_milestone(cells, days, window, bar)
    _put(cells, signs, days, window)
    return line_of(cells)


def grid_of(days: Days, pen: Pen, window: Window) -> list[int]:
    """Give the seen cells at which a day begins; a week, where days are narrow."""
    seen = _seen(days, window)
    if seen and days.cells < CELLS_OF_HOURS:
        weeks = {
            index: pen.local(days.spans[index][0]).isocalendar()[:2] for index in (seen[0] - 1, *seen) if index >= 0
        }
        seen = [index for index in seen if index and weeks[index] != weeks[index - 1]]
    columns = [index * days.cells - window.offset for index in seen if index]
    return [column for column in columns if 0 <= column < window.width]


def shade_of(days: Days, spans: Iterable[tuple[float, float]], window: Window) -> list[int]:
    """Give the seen cells that lie in one of these stretches; what takes no room on the chart shades nothing."""
    columns: set[int] = set()
    for start, end in spans:
        for opens, closes in days.spans:
            if start < closes and end > opens:
                first, last = days.column(max(start, opens)), days.column(min(end, closes) - 0.001)
                columns |= {column - window.offset for column in range(first, last + 1)}
    return sorted(column for column in columns if 0 <= column < window.width)


def _lay(cells: list[Cell], days: Days, window: Window, span: tuple[float, float] | None, cell: Cell) -> None:
    if span is None or span[1] < days.spans[0][0] or span[0] > days.spans[-1][1]:
        return
    first = max(0, days.column(span[0]) - window.offset)
    last = min(window.width - 1, days.column(span[1]) - window.offset)
    if first <= last:
        cells[first : last + 1] = [cell] * (last + 1 - first)


def _lay_milestone(cells: list[Cell], days: Days, window: Window, bar: Bar) -> None:
    """Draw where a milestone was planned, where it is projected, and the way between."""
    planned, projected = bar.milestone_planned_at, bar.milestone_at
    ink = Ink.OK if bar.reached else Ink.WARN if bar.late_s > LATE_S else Ink.ACCENT
    if planned is not None and projected is not None and bar.late_s > LATE_S:
        _lay(cells, days, window, (planned, projected), ("╌", Ink.WARN))
    for at, shade in ((planned, Ink.FAINT), (projected, ink)):
        column = days.column(at) - window.offset if at is not None and days.holds(at) else -1
        if 0 <= column < window.width:
            cells[column] = ("◆", shade)


def late_by(planned_end: float | None, end: float | None) -> float:
    """Give the seconds by which something ends after its planned end; none where either is unknown."""
    return max(0.0, end - planned_end) if planned_end is not None and end is not None else 0.0


def phase_gantt(snapshot: Snapshot, pen: Pen, width: int, height: int) -> Sequence[Line]:
    """Draw the phases and the launch in a few rows, for the overview."""
    bars = phase_bars(snapshot)
    room = width - _LABEL - 1
    days = days_of(snapshot.plan, moments_of(bars, snapshot.now), width=room, now=snapshot.now)
    if not bars or days is None or room < 1:
        return ((Span("No timeline: the plan gives no phases with days, or no start.", Ink.FAINT),),)
    window = around(days, snapshot.now, room)
    lines: list[Line] = [(Span(" " * (_LABEL + 1)), *head(days, pen, window, snapshot.now))]
    for bar in bars[: height - 1]:
        cells = _with_late(bar, days, snapshot.now, window)
        lines.append((Span(fit(bar.label, _LABEL) + " "), *cells))
    return lines


def around(days: Days, now: float, width: int) -> Window:
    """See the whole chart where it fits; else now, with two thirds of what is seen ahead of it."""
    width = max(1, width)
    if days.width <= width or not days.holds(now):
        return Window(0, width)
    return Window(min(max(0, days.column(now) - width // 3), days.width - width), width)


def _with_late(bar: Bar, days: Days, now: float, window: Window) -> Line:
    """Draw a bar, and after its end, where there is room, by how much it is late."""
    line = bar_line(bar, days, now, window)
    ends = [span[1] for span in (bar.projected, bar.actual, bar.planned) if span is not None]
    if bar.late_s <= LATE_S or not ends:
        return line
    text = f"+{age(bar.late_s)}"
    start = days.column(max(ends)) - window.offset + 2
    cells = [(sign, span.ink) for span in line for sign in span.text]
    if start >= 0 and start + len(text) <= len(cells):
        cells[start : start + len(text)] = [(sign, Ink.FAINT if bar.over else Ink.WARN) for sign in text]
    return line_of(cells)


def launch_view(snapshot: Snapshot) -> MilestoneView | None:
    """Find the milestone that is the launch."""
    launch = launch_of([view.milestone for view in snapshot.milestones])
    return next((view for view in snapshot.milestones if view.milestone is launch), None)


def phase_bars(snapshot: Snapshot) -> list[Bar]:
    """Make a bar of each phase; the launch sits as a milestone on the phase that holds it."""
    launch = launch_view(snapshot)
    launch_at = launch.projected_at if launch is not None else None
    bars = []
    for index, view in enumerate(snapshot.phases):
        bar = phase_bar(view, snapshot.now, key=str(index))
        planned = bar.planned
        holds = planned is not None and launch_at is not None and planned[0] <= launch_at <= planned[1] + LATE_S
        if holds and not view.of:
            bar = replace(bar, milestone_at=launch_at, reached=launch is not None and launch.reached)
        bars.append(bar)
    return bars


def phase_bar(view: PhaseView, now: float, *, key: str) -> Bar:
    """Make a phase's bar: its days by the plan, what has been done, and when the rest will be."""
    starts, ends = view.starts_at, view.ends_at
    begun = view.actual_start_at
    done = view.of > 0 and view.done == view.of
    end = (view.actual_end_at or view.projected_end_at) if view.of else None
    projected = None
    if not done and end is not None and end > now:
        projected = (max(now, starts if starts is not None else now), end)
    return Bar(
        key=key,
        label=clean(view.phase.name, limit=60),
        planned=(starts, ends) if starts is not None and ends is not None else None,
        actual=None if begun is None else (begun, max(begun, min(now, view.actual_end_at or now))),
        projected=projected,
        over=done,
        late_s=late_by(ends, end),
    )


def moments_of(bars: Sequence[Bar], now: float) -> list[float]:
    """List the moments that a chart of these bars must hold; now only where it lies near."""
    found = [at for bar in bars for span in (bar.planned, bar.actual, bar.projected) if span is not None for at in span]
    found += [at for bar in bars for at in (bar.milestone_at, bar.milestone_planned_at) if at is not None]
    return with_now(found, now)


def with_now(moments: Sequence[float], now: float) -> list[float]:
    """Add now to a chart's moments, where it lies within a week of them."""
    found = list(moments)
    if found and min(found) - 7 * 86_400 <= now <= max(found) + 7 * 86_400:
        found.append(now)
    return found
