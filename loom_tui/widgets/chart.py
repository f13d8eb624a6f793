"""Small charts as text: bars of eighths and braille lines, over columns of fixed time buckets.

A column stands for a stretch of time that does not move: bucket floor(t / width). A new reading therefore changes
one or two cells, and the chart moves on by a quarter of its width at once when it is full, instead of crawling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import ceil, floor, log10

from msgspec import Struct

from loom_tui.room.signals import Bucket
from loom_tui.room.sketch import percentiles
from loom_tui.room.snapshot import Mark
from loom_tui.widgets.lines import Ink, Line, Span, fit
from loom_tui.widgets.text import Pen

_BARS = " ▁▂▃▄▅▆▇█"
_BARS_ASCII = " .:-=+*#@"
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # braille bits by row (from the top) and column


def spark(values: Sequence[float | None], *, top: float | None = None, ascii_only: bool = False) -> str:
    """Draw a bar a value, scaled to `top` or the largest; a gap for None, and the lowest bar for zero."""
    bars = _BARS_ASCII if ascii_only else _BARS
    highest = top if top is not None else max((value for value in values if value is not None), default=0.0)

    def bar(value: float | None) -> str:
        if value is None:
            return " "
        share = value / highest if highest > 0 else 0.0
        return bars[1 + min(7, max(0, round(share * 7)))]

    return "".join(bar(value) for value in values)


class Axis(Struct, frozen=True, kw_only=True):
    """The time axis of a chart: `columns` buckets of `step_s` from `start` (Unix seconds)."""

    start: float
    step_s: float
    columns: int

    @property
    def end(self) -> float:
        """Give the moment at which the axis ends; it may lie ahead of now."""
        return self.start + self.step_s * self.columns

    def column(self, at: float) -> int:
        """Give a moment's column; outside the axis it lies outside 0..columns-1."""
        return floor((at - self.start) / self.step_s)


def axis_of(now: float, *, window_s: float, columns: int) -> Axis:
    """Lay an axis over the window that ends about `now`; it moves on by a quarter of its width at a time."""
    columns = max(1, columns)
    step_s = window_s / columns
    jump = max(1, columns // 4)
    last = floor(now / step_s)  # the column that holds now, counted from the epoch
    end = (last // jump + 1) * jump
    return Axis(start=(end - columns) * step_s, step_s=step_s, columns=columns)


def gather(
    buckets: Iterable[Bucket], axis: Axis, value: Callable[[Sequence[Bucket]], float | None]
) -> list[float | None]:
    """Give each column its value, worked out from the buckets that reach into it; None where there are none."""
    held: list[list[Bucket]] = [[] for _ in range(axis.columns)]
    for bucket in buckets:
        first, last = axis.column(bucket.start), axis.column(bucket.start + bucket.step_s * 0.999)
        for column in range(max(0, first), min(axis.columns - 1, last) + 1):
            held[column].append(bucket)
    return [value(column) if column else None for column in held]


def mean_of(buckets: Sequence[Bucket]) -> float | None:
    """Give the mean of the readings in some buckets."""
    count = sum(bucket.count for bucket in buckets)
    return sum(bucket.total for bucket in buckets) / count if count else None


def peak_of(buckets: Sequence[Bucket]) -> float | None:
    """Give the highest reading in some buckets."""
    return max((bucket.high for bucket in buckets), default=None)


class Scale(Struct, frozen=True):
    """What the bottom and the top of a chart stand for; logarithmic where the values span more than a decade."""

    low: float
    high: float
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """Give a value's height as 0 to 1, held to the chart's edges."""
        if self.logarithmic:
            value, low, high = log10(max(value, 1e-9)), log10(self.low), log10(self.high)
        else:
            low, high = self.low, self.high
        return min(1.0, max(0.0, (value - low) / (high - low))) if high > low else 0.0


def scale_of(values: Iterable[float]) -> Scale:
    """Choose a scale that holds all values: from zero, or logarithmic between whole half decades."""
    found = [value for value in values if value > 0]
    if not found:
        return Scale(0.0, 1.0)
    low, high = min(found), max(found)
    if high / low > 8:
        return Scale(10 ** (floor(2 * log10(low)) / 2), 10 ** (ceil(2 * log10(high)) / 2), logarithmic=True)
    return Scale(0.0, high * 1.15)


def braille(values: Sequence[float | None], height: int, scale: Scale, *, ascii_only: bool = False) -> list[str]:
    """Draw a line chart of `height` rows, two values a cell (four dots high); None leaves a gap."""
    if ascii_only:
        return _ascii_line(values, height, scale)
    width = ceil(len(values) / 2)
    cells = [[0] * width for _ in range(height)]
    dots = height * 4
    previous: int | None = None
    for x, value in enumerate(values):
        if value is None:
            previous = None
            continue
        y = dots - 1 - round(scale.share(value) * (dots - 1))
        beside = y if previous is None else previous
        for dot in range(min(y, beside), max(y, beside) + 1):
            cells[dot // 4][x // 2] |= _DOTS[dot % 4][x % 2]
        previous = y
    return ["".join(chr(0x2800 + cell) if cell else " " for cell in row) for row in cells]


def _ascii_line(values: Sequence[float | None], height: int, scale: Scale) -> list[str]:
    rows = [[" "] * ceil(len(values) / 2) for _ in range(height)]
    for x in range(0, len(values), 2):
        pair = [value for value in values[x : x + 2] if value is not None]
        if pair:
            y = height - 1 - round(scale.share(sum(pair) / len(pair)) * (height - 1))
            rows[y][x // 2] = "*"
    return ["".join(row) for row in rows]


_SIGNS = {"deploy": "▼", "migration": "◆", "rollback": "▲"}


def marks_line(marks: Iterable[Mark], axis: Axis, *, cells_per_column: float = 1.0) -> Line:
    """Draw what was done to the world over the time axis: ▼ deploy, ◆ migration, ▲ rollback, with its word."""
    width = ceil(axis.columns * cells_per_column)
    text = [" "] * width
    for mark in marks:
        cell = floor(axis.column(mark.at) * cells_per_column)
        if mark.kind in _SIGNS and 0 <= cell < width:
            words = f"{_SIGNS[mark.kind]} {mark.kind}"
            room = words if cell + len(words) <= width else words[:1]
            text[cell : cell + len(room)] = room
    return (Span("".join(text), Ink.WARN),)


def time_labels(axis: Axis, pen: Pen, *, cells_per_column: float = 1.0) -> Line:
    """Write the clock under a chart, at its start, its quarters and its end; days where it is long."""
    width = ceil(axis.columns * cells_per_column)
    quarter = width // 4
    out = ""
    for index in range(4):
        at = axis.start + index * quarter / cells_per_column * axis.step_s
        words = pen.clock(at) if axis.step_s * axis.columns <= 86_400 else pen.day(at)
        out += fit(words, quarter if index < 3 else width - 3 * quarter)
    return (Span(out, Ink.FAINT),)


def percentile_of(q: float) -> Callable[[Sequence[Bucket]], float | None]:
    """Make a function that gives a quantile of some buckets' merged sketches."""

    def value(buckets: Sequence[Bucket]) -> float | None:
        return percentiles((bucket.sketch for bucket in buckets), (q,)).values[0]

    return value


def layers(rows: Sequence[tuple[Sequence[str], Ink]], reference: Sequence[tuple[int, Ink]], width: int) -> list[Line]:
    """Lay line charts over one another and over reference lines (row, ink); the first chart lies on top."""
    height = max((len(drawn) for drawn, _ in rows), default=0)
    lines: list[Line] = []
    for y in range(height):
        line = [Span(" ")] * width
        for row, ink in reference:
            if row == y:
                line = [Span("┄", ink)] * width
        for drawn, ink in reversed(rows):
            for x, sign in enumerate(drawn[y][:width]):
                if sign not in (" ", "\u2800"):
                    line[x] = Span(sign, ink)
        lines.append(joined(line))
    return lines


def joined(cells: Iterable[Span]) -> Line:
    """Join neighbouring spans of one look: fewer sequences to send."""
    out: list[Span] = []
    for span in cells:
        if out and out[-1][1:] == span[1:]:
            out[-1] = out[-1]._replace(text=out[-1].text + span.text)
        else:
            out.append(span)
    return tuple(out)
