"""A named query's chart: p50, p95 and p99 of its executions over time, against baseline and target."""

from __future__ import annotations

from collections.abc import Sequence

from loom_tui.room.signals import Freshness
from loom_tui.room.snapshot import QueryView, Snapshot
from loom_tui.room.verdicts import Verdict
from loom_tui.screens import database_rows as rows
from loom_tui.screens.glance.world import no_source, window_end
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
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean, fit, spread, width_of
from loom_tui.widgets.panel import Panel, heading
from loom_tui.widgets.text import Pen, milliseconds, times

LABEL = 9  # cells of the scale at a chart's left


class QueryChart(Panel):
    """One named query: p50, p95 and p99 over time, baseline and target, the verdict with its samples."""

    def __init__(self, index: int) -> None:
        super().__init__(id=f"query-{index}")
        self._index = index
        self.window_s = 900.0

    @property
    def shown(self) -> QueryView | None:
        """The query that is shown; None where the plan has fewer."""
        database = rows.shown_database(self.snapshot)
        return database.queries[self._index] if database and self._index < len(database.queries) else None

    def title(self) -> Line:
        """Name the query."""
        query = self.shown
        return heading(clean(query.query.label or query.query.name, limit=40)) if query is not None else EMPTY

    def figures(self) -> Line:
        """Give the percentiles, the gain and the verdict."""
        query = self.shown
        return query_figures(query, self.pen, wide=self.size.width > 100) if query is not None else EMPTY

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Draw the chart with its marks and times."""
        query = self.shown
        if query is None:
            return no_queries(self.snapshot)
        axis = axis_of(window_end(query, self.snapshot.now), window_s=self.window_s, columns=2 * max(1, width - LABEL))
        indent = Span(" " * LABEL)
        mean = rows.mean_line(query, self.snapshot.now)
        labels = time_labels(axis, self.pen, cells_per_column=0.5)
        below = spread((indent, *_shortened(labels, width - LABEL - width_of(mean) - 2)), mean, width)
        above = (indent, *marks_line(self.snapshot.marks, axis, cells_per_column=0.5))
        if not query.series:
            why = silence(self.snapshot, query.signal)
            return [EMPTY, (indent, Span(why or "No executions in this window.", Ink.WARN if why else Ink.FAINT))]
        chart = draw(query, axis, max(2, height - 2), width - LABEL, ascii_only=self.pen.ascii_only)
        return [above, *chart, below]


def no_queries(snapshot: Snapshot) -> Sequence[Line]:
    """Say what charts there would be, and how to get them."""
    if not snapshot.databases:
        return no_source("database", "postgres")
    return ((Span("No named queries: add [[sources.NAME.queries]]", Ink.FAINT),),)


def _shortened(labels: Line, room: int) -> Line:
    """Leave out the labels that do not fit whole."""
    text = "".join(span.text for span in labels).rstrip()
    if len(text) > room:
        text = text[: max(0, room)].rpartition("  ")[0]
    return (Span(text, Ink.FAINT),)


def query_figures(query: QueryView, pen: Pen, *, wide: bool) -> Line:
    """Write a query's figures: "p50 7.8  p95 7.9  p99 – ms  13×  ● p95 of 41 samples"; a narrow pane has p95 alone."""
    shown = ((50, query.p50_ms), (95, query.p95_ms), (99, query.p99_ms)) if wide else ((95, query.p95_ms),)
    figures = "  ".join(f"p{p} {milliseconds(value).removesuffix(' ms')}" for p, value in shown)
    ink = Ink.INK if query.signal.freshness is Freshness.FRESH else Ink.FAINT
    gain = f"  {times(query.factor)}" if query.factor else ""
    return (Span(f"{figures} ms", ink), Span(f"{gain}  ", Ink.FAINT), *rows.query_verdict(query, pen))


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
    drawings = [(braille(values, height, scale, ascii_only=ascii_only), inks[q]) for q, values in drawn.items()]
    references = {_row(scale, value, height): value for value in (baseline, limit) if value is not None}
    lines = layers(
        drawings, [(row, Ink.OK if value == limit else Ink.FAINT) for row, value in references.items()], width
    )
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
