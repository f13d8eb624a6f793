"""Screen 6: each named query's real executions against its baseline and target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from loom_tui.room.signals import Freshness
from loom_tui.room.snapshot import DatabaseView, QueryView, SignalView, Snapshot
from loom_tui.room.verdicts import Verdict
from loom_tui.screens import glance
from loom_tui.screens.base import RoomScreen
from loom_tui.screens.silence import silence
from loom_tui.widgets.chart import (
    Axis,
    Scale,
    axis_of,
    braille,
    gather,
    layers,
    marks_line,
    percentile_of,
    scale_of,
    time_labels,
)
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean, fit, spread
from loom_tui.widgets.panel import Panel, heading
from loom_tui.widgets.text import SIGN_OF_VERDICT, Sign, milliseconds, number, span_of, times

WINDOWS = ((300, "5 m"), (900, "15 m"), (3600, "1 h"), (21_600, "6 h"), (86_400, "24 h"), (604_800, "7 d"))
LABEL = 9  # cells of the scale at a chart's left


def database_of(snapshot: Snapshot) -> DatabaseView | None:
    """Give the database that is shown: the plan's first."""
    return snapshot.databases[0] if snapshot.databases else None


class QueryChart(Panel):
    """One named query: p50, p95 and p99 over time, baseline and target, the verdict with its samples."""

    def __init__(self, index: int) -> None:
        super().__init__(id=f"query-{index}")
        self._index = index
        self.window_s = 900.0

    @property
    def shown(self) -> QueryView | None:
        """The query that is shown; None where the plan has fewer."""
        database = database_of(self.snapshot)
        return database.queries[self._index] if database and self._index < len(database.queries) else None

    def title(self) -> Line:
        """Name the query."""
        query = self.shown
        return heading(clean(query.query.label or query.query.name, limit=40)) if query is not None else EMPTY

    def figures(self) -> Line:
        """Give the percentiles, the gain and the verdict."""
        query = self.shown
        return (
            query_figures(query, self.pen.sign(verdict_sign(query)), wide=self.size.width > 100)
            if query is not None
            else EMPTY
        )

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Draw the chart with its marks and times."""
        query = self.shown
        if query is None:
            return no_queries(self.snapshot)
        axis = axis_of(
            glance.window_end(query, self.snapshot.now), window_s=self.window_s, columns=2 * max(1, width - LABEL)
        )
        indent = Span(" " * LABEL)
        below = (indent, *time_labels(axis, self.pen, cells_per_column=0.5))
        above = (indent, *marks_line(self.snapshot.marks, axis, cells_per_column=0.5))
        if not query.series:
            why = silence(self.snapshot, query.signal)
            return [EMPTY, (indent, Span(why or "No executions in this window.", Ink.WARN if why else Ink.FAINT))]
        chart = draw(query, axis, max(2, height - 2), width - LABEL, ascii_only=self.pen.ascii_only)
        return [above, *chart, below]


def no_queries(snapshot: Snapshot) -> Sequence[Line]:
    """Say what charts there would be, and how to get them."""
    if not snapshot.databases:
        return glance.no_source("database", "postgres")
    return ((Span("No named queries: add [[sources.NAME.queries]]", Ink.FAINT),),)


def verdict_sign(query: QueryView) -> Sign:
    """Give a query's lamp: over its target is a warning."""
    return Sign.WARN if query.verdict is Verdict.NOT_MET else SIGN_OF_VERDICT[query.verdict]


def query_figures(query: QueryView, lamp: Span, *, wide: bool) -> Line:
    """Write a query's figures: "p50 7.8  p95 7.9  p99 – ms  13×  ● p95 of 41 samples"; a narrow pane has p95 alone."""
    shown = ((50, query.p50_ms), (95, query.p95_ms), (99, query.p99_ms)) if wide else ((95, query.p95_ms),)
    figures = "  ".join(f"p{p} {milliseconds(value).removesuffix(' ms')}" for p, value in shown)
    ink = Ink.INK if query.signal.freshness is Freshness.FRESH else Ink.FAINT
    gain = f"  {times(query.factor)}" if query.factor else ""
    return (
        Span(f"{figures} ms", ink),
        Span(f"{gain}  ", Ink.FAINT),
        lamp,
        Span(f" {clean(query.why, limit=44)}", lamp.ink),
    )


def draw(query: QueryView, axis: Axis, height: int, width: int, *, ascii_only: bool) -> list[Line]:
    """Draw p95 over p50 and p99, and the baseline and the target as faint lines; a scale at the left."""
    drawn = {q: gather(query.series, axis, percentile_of(q)) for q in (0.95, 0.50, 0.99)}
    target = query.target
    limit = target.target_ms.high if target is not None and target.target_ms is not None else None
    baseline = target.baseline_ms if target is not None else None
    known = [value for values in drawn.values() for value in values if value is not None]
    scale = scale_of([*known, *(value for value in (limit, baseline) if value is not None)])
    fresh = query.signal.freshness is Freshness.FRESH
    bright = Ink.FAINT if not fresh else Ink.WARN if query.verdict is Verdict.NOT_MET else Ink.ACCENT
    inks = {0.95: bright, 0.50: Ink.INK if fresh else Ink.FAINT, 0.99: Ink.FAINT}
    rows = [(braille(values, height, scale, ascii_only=ascii_only), inks[q]) for q, values in drawn.items()]
    references = {_row(scale, value, height): value for value in (baseline, limit) if value is not None}
    lines = layers(rows, [(row, Ink.OK if value == limit else Ink.FAINT) for row, value in references.items()], width)
    labels = {0: _figure(scale.high), height - 1: _figure(scale.low)} | {r: _figure(v) for r, v in references.items()}
    ink = {row: Ink.OK if value == limit else Ink.FAINT for row, value in references.items()}
    return [
        (Span(fit(labels.get(y, ""), LABEL - 1, right=True) + " ", ink.get(y, Ink.FAINT)), *line)
        for y, line in enumerate(lines)
    ]


def _row(scale: Scale, value: float, height: int) -> int:
    return height - 1 - round(scale.share(value) * (height - 1))


def _figure(value: float) -> str:
    return f"{value:,.0f} ms" if value >= 10 else f"{value:.1f} ms"


class Sessions(Panel):
    """Sessions, locks, the longest transaction."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Sessions")

    def figures(self) -> Line:
        """Say who was asked, and how long ago."""
        database = database_of(self.snapshot)
        return glance.asked(self.snapshot, [database.sessions], self.snapshot.now) if database is not None else EMPTY

    def body(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - cut by the panel
        """Draw the figures in a line, and what is wrong under it."""
        database = database_of(self.snapshot)
        if database is None:
            return ((Span("No database in the plan.", Ink.FAINT),),)
        figures = (
            ("sessions", database.sessions, ""),
            ("active", database.sessions_active, ""),
            ("of at most", database.max_sessions, ""),
            ("waiting", database.locks_waiting, ""),
            ("longest", database.longest_s, " s"),
        )
        line = tuple(span for word, view, unit in figures for span in _figure_of(word, view, unit))
        return [spread(line, EMPTY, width), (Span(silence(self.snapshot, database.signal), Ink.WARN),)]


def _figure_of(word: str, view: SignalView, unit: str) -> Line:
    value = view.reading.value if view.reading is not None else None
    return (Span(f"{word} ", Ink.FAINT), span_of(view, f"{number(value)}{unit}"), Span("    "))


def _charts(database: DatabaseView | None) -> int:
    return max(1, len(database.queries) if database is not None else 0)


class DatabaseScreen(RoomScreen):
    """The sixth screen."""

    NUMBER = "6"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,equals_sign", "window(1)", "A longer window", show=False, id="database.longer"),
        Binding("minus", "window(-1)", "A shorter window", show=False, id="database.shorter"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._window = 1

    def compose_body(self) -> ComposeResult:
        """Lay a chart for each query of the plan, and the sessions."""
        snapshot = self.loom.snapshot
        database = database_of(snapshot) if snapshot is not None else None
        with Vertical(id="database-body"):
            for index in range(_charts(database)):
                yield QueryChart(index)
            yield Sessions(id="sessions")

    def show(self, snapshot: Snapshot) -> None:
        """Let each pane know its source for `r`, and the window."""
        database = database_of(snapshot)
        self._fit_charts(_charts(database))
        for panel in self.query(Panel):
            panel.source = database.source if database is not None else ""
        for chart in self.query(QueryChart):
            chart.window_s = float(WINDOWS[self._window][0])
        super().show(snapshot)

    def _fit_charts(self, wanted: int) -> None:
        """Follow the plan where it was read, or edited, after the screen was made."""
        charts = list(self.query(QueryChart))
        for index in range(len(charts), wanted):
            self.query_one("#database-body").mount(QueryChart(index), before="#sessions")
        for chart in charts[wanted:]:
            chart.remove()

    def action_window(self, by: int) -> None:
        """Choose the next longer or shorter window."""
        self._window = min(max(self._window + by, 0), len(WINDOWS) - 1)
        seconds, words = WINDOWS[self._window]
        self.loom.set_window(float(seconds))
        self.loom.say(f"The last {words}")
        if self.loom.snapshot is not None:
            self.show(self.loom.snapshot)
