"""Bars over the plan's working days: planned as a thin line, actual as a solid one, projected as a dashed one.

Hours and days in which nobody works take no room, so that a week-end does not tear a deployment apart.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct

from loom_tui.plan.calendar import WorkDays
from loom_tui.plan.model import Plan
from loom_tui.plan.timeline import first_date
from loom_tui.room.snapshot import Snapshot
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean, fit
from loom_tui.widgets.text import Pen, age

LONGEST_DAYS = 400  # a chart of more days than this is of no use, and of a plan that a typing error made long


class Bar(Struct, frozen=True, kw_only=True):
    """A row of the chart. Moments are Unix seconds; any may be unknown."""

    key: str
    label: str
    planned: tuple[float, float] | None = None
    actual: tuple[float, float] | None = None
    projected: tuple[float, float] | None = None
    milestone_at: float | None = None
    critical: bool = False
    late_s: float = 0.0


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

    def holds(self, at: float) -> bool:
        """Say whether a moment lies on the chart at all."""
        return bool(self.spans) and self.spans[0][0] <= at <= self.spans[-1][1]


def days_of(plan: Plan, moments: Sequence[float], *, width: int, cells: int | None = None) -> Days | None:
    """Lay out the working days that hold all moments, `cells` wide each or what fits; None for a plan without dates."""
    if not moments or first_date(plan) is None:
        return None
    work = WorkDays(plan.calendar)
    day, last = work.date_of(min(moments)), work.date_of(max(moments))
    spans = []
    for _ in range(LONGEST_DAYS):
        if work.is_worked(day):
            spans.append(work.span(day))
        if day >= last:
            break
        day += timedelta(days=1)
    if not spans:
        return None
    return Days(tuple(spans), cells or max(1, min(24, width // len(spans))))


def head(days: Days, pen: Pen) -> Line:
    """Write the days over the chart: each of them where there is room, else every second, fifth or tenth."""
    every = next(step for step in (1, 2, 5, 10, 20, 50, 100, LONGEST_DAYS) if step * days.cells >= 7)
    text = ""
    for index in range(0, len(days.spans), every):
        text += fit(pen.day(days.spans[index][0]), min(every, len(days.spans) - index) * days.cells)
    return (Span(text, Ink.FAINT),)


def bar_cells(bar: Bar, days: Days, now: float) -> list[Span]:
    """Draw one bar cell by cell: planned under actual under projected, the now-line, the milestone on top."""
    blank = Span(" ")
    cells = [blank] * days.width

    def lay(span: tuple[float, float] | None, sign: str, ink: Ink) -> None:
        if span is None or span[1] < days.spans[0][0] or span[0] > days.spans[-1][1]:
            return
        for column in range(days.column(span[0]), days.column(span[1]) + 1):
            cells[column] = Span(sign, ink)

    lay(bar.planned, "─", Ink.FAINT)
    lay(bar.projected, "╍", Ink.ACCENT if bar.critical else Ink.INK)
    lay(bar.actual, "━", Ink.OK)
    if days.holds(now):
        column = days.column(now)
        if cells[column] is blank:
            cells[column] = Span("│", Ink.WARN)
    if bar.milestone_at is not None and days.holds(bar.milestone_at):
        cells[days.column(bar.milestone_at)] = Span("◆", Ink.WARN)
    return cells


def now_mark(days: Days, now: float) -> Line:
    """Draw the arrow over the now-line."""
    return (Span(" " * days.column(now) + "▼", Ink.WARN),) if days.holds(now) else EMPTY


def row(bar: Bar, days: Days, now: float, *, label: int, offset: int = 0, width: int | None = None) -> Line:
    """Draw a bar with its label, from cell `offset` of the chart; a late one says by how much after its end."""
    cells = bar_cells(bar, days, now)
    if bar.late_s > 0:
        _say_late(cells, bar, days)
    shown = cells[offset : offset + width] if width is not None else cells
    return (Span(fit(bar.label, label) + " "), *shown)


def _say_late(cells: list[Span], bar: Bar, days: Days) -> None:
    ends = [span[1] for span in (bar.projected, bar.actual, bar.planned) if span is not None]
    start = days.column(max(ends)) + 2 if ends else 0
    for index, character in enumerate(f"+{age(bar.late_s)}"):
        if start + index < len(cells):
            cells[start + index] = Span(character, Ink.WARN)


def phase_gantt(snapshot: Snapshot, pen: Pen, width: int, height: int) -> Sequence[Line]:
    """Draw the phases and milestones in a few rows, for the overview."""
    bars = phase_bars(snapshot)
    label = 18
    days = days_of(snapshot.plan, moments_of(bars, snapshot.now), width=width - label - 1)
    if not bars or days is None:
        return ((Span("No timeline: the plan gives no phases with days, or no start.", Ink.FAINT),),)
    heading = (Span(" " * (label + 1)), *_with_now(head(days, pen), days, snapshot.now))
    return [heading, *(row(bar, days, snapshot.now, label=label) for bar in bars[: height - 1])]


def _with_now(line: Line, days: Days, now: float) -> Line:
    """Put the arrow of now into the line of days, where it hides no word."""
    if not days.holds(now):
        return line
    text = "".join(span.text for span in line).ljust(days.width)
    column = days.column(now)
    if text[column] != " ":
        return line
    return (Span(text[:column], Ink.FAINT), Span("▼", Ink.WARN), Span(text[column + 1 :], Ink.FAINT))


def phase_bars(snapshot: Snapshot) -> list[Bar]:
    """Make a bar of each phase; the launch sits as a milestone on the phase that holds it."""
    launch = next((view for view in reversed(snapshot.milestones)), None)
    launch_at = launch.projected_at if launch is not None else None
    bars = []
    for view in snapshot.phases:
        planned = (view.starts_at, view.ends_at) if view.starts_at is not None and view.ends_at is not None else None
        begun = view.actual_start_at
        actual = None if begun is None else (begun, min(snapshot.now, view.actual_end_at or snapshot.now))
        open_end = view.projected_end_at if view.actual_end_at is None else None
        projected = None
        if open_end is not None and open_end > snapshot.now and view.done < view.of:
            projected = (max(snapshot.now, view.starts_at or snapshot.now), open_end)
        holds = planned is not None and launch_at is not None and planned[0] <= launch_at <= planned[1] + 60
        bars.append(
            Bar(
                key=view.phase.name,
                label=clean(view.phase.name, limit=60),
                planned=planned,
                actual=actual,
                projected=projected,
                milestone_at=launch_at if holds and not view.of else None,
                late_s=max(0.0, (open_end or 0.0) - planned[1]) if planned is not None and open_end else 0.0,
            )
        )
    return bars


def moments_of(bars: Sequence[Bar], now: float) -> list[float]:
    """List the moments that a chart of these bars must hold; now only where it lies near."""
    found = [at for bar in bars for span in (bar.planned, bar.actual, bar.projected) if span is not None for at in span]
    found += [bar.milestone_at for bar in bars if bar.milestone_at is not None]
    if found and min(found) - 7 * 86_400 <= now <= max(found) + 7 * 86_400:
        found.append(now)
    return found
