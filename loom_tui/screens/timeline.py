"""Screen 3: the timeline: milestones, phases with their issues, and what was done to the world, over the days."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Resize

from loom_tui.plan.words import issue_name
from loom_tui.room.snapshot import IssueView, Mark, Snapshot
from loom_tui.screens.base import RoomScreen
from loom_tui.screens.dialogs import Page, Reading
from loom_tui.screens.glance.path import launch_words
from loom_tui.screens.timeline_rows import (
    STANDING,
    Entry,
    bar_of,
    detail_of,
    entries_of,
    frozen_spans,
    label_of,
    legend,
    moments,
    name_of,
    sign_of,
    signs_of,
    standing_of,
)
from loom_tui.widgets.gantt import (
    CELLS_OF_HOURS,
    Days,
    Window,
    around,
    bar_line,
    days_of,
    grid_of,
    head,
    hours_line,
    shade_of,
    signs_line,
)
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean, rule
from loom_tui.widgets.panel import MARGIN, ListPanel, Panel, heading

LOW = 20  # rows: a lower pane spares the rule above its legend
ZOOMS = (1, 2, 4, 8, 16, 24, 48, 96)  # cells a working day


def zoom_word(cells: int) -> str:
    """Name what a chart with so many cells a day shows best."""
    return "hours" if cells >= CELLS_OF_HOURS else "days" if cells >= 4 else "weeks"


def label_width(width: int) -> int:
    """Give the cells of the labels' column."""
    return min(36, max(16, width * 3 // 10))


class Gantt(ListPanel):
    """The chart: a column of labels that stays, bars that zoom and pan, and at the right how each row stands."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,equals_sign", "zoom(1)", "Nearer, down to hours", show=False, id="timeline.nearer"),
        Binding("minus", "zoom(-1)", "Farther, up to weeks", show=False, id="timeline.farther"),
        Binding("left,h", "pan(-1)", "Earlier", show=False, id="timeline.earlier"),
        Binding("right,l", "pan(1)", "Later", show=False, id="timeline.later"),
        Binding("full_stop", "now", "Go to now", show=False, id="timeline.now"),
        Binding("f", "fit", "Show the whole plan", show=False, id="timeline.fit"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._entries: dict[str, Entry] = {}
        self._keys: list[str] = []
        self._moments: list[float] = []
        self._known: tuple[object, ...] = ()
        self._cells: int | None = None  # None: the whole plan, as it fits
        self._offset: int | None = None  # None: around now
        self._laid: tuple[object, Days | None] = (None, None)
        self._grid: tuple[object, Sequence[int]] = (None, ())
        self._shade: tuple[object, Sequence[int]] = (None, ())

    def show(self, snapshot: Snapshot) -> None:
        """List the rows anew only when plan or journal changed."""
        known = (snapshot.issues, snapshot.schedule, snapshot.phases, snapshot.marks)
        if len(self._known) != len(known) or any(a is not b for a, b in zip(known, self._known, strict=True)):
            self._known = known
            self._entries = {entry.key: entry for entry in entries_of(snapshot)}
            self._keys = list(self._entries)
            self._moments = moments(snapshot)
            self._laid = (None, None)
        super().show(snapshot)

    @property
    def entry(self) -> Entry | None:
        """The row under the cursor."""
        return self._entries.get(self.cursor)

    @property
    def window(self) -> Window | None:
        """The cells of the chart that are seen; None for a plan without dates."""
        days = self.days
        if days is None:
            return None
        if self._offset is None:
            return around(days, self.snapshot.now, self._room)
        return Window(min(max(0, self._offset), max(0, days.width - self._room)), self._room)

    @property
    def days(self) -> Days | None:
        """The chart's days; laid out once for a zoom, a width, a plan and a day."""
        now = self.snapshot.now
        key = (self._cells, self._room, self.pen.local(now).date())
        if self._laid[0] != key:
            plan = self.snapshot.plan
            self._grid = self._shade = (None, ())
            self._laid = (key, days_of(plan, self._moments, width=self._room, now=now, cells=self._cells))
        return self._laid[1]

    @property
    def _room(self) -> int:
        """The cells between label and standing."""
        inner = self.size.width - 2 * MARGIN
        return max(1, inner - label_width(inner) - 1 - STANDING)

    def title(self) -> Line:
        """Name the pane, and how near it is seen."""
        days = self.days
        zoom = f"  {zoom_word(days.cells)}" if days is not None else ""
        return (Span("Timeline", bold=True), Span(zoom, Ink.FAINT))

    def figures(self) -> Line:
        """Say which day it is, and where the launch stands."""
        return (Span(f"{self.pen.day(self.snapshot.now)}  ", Ink.FAINT), *launch_words(self.snapshot, self.pen))

    def keys(self) -> Sequence[str]:
        """List the rows."""
        return self._keys

    def grid(self, days: Days, window: Window) -> Sequence[int]:
        """Give the cells at which days begin, once for a stretch of the chart; ASCII has no sign faint enough."""
        if self.pen.ascii_only:
            return ()
        if self._grid[0] != window:
            self._grid = (window, grid_of(days, self.pen, window))
        return self._grid[1]

    def shade(self, days: Days, window: Window) -> Sequence[int]:
        """Give the cells in which a freeze holds, once for a stretch of the chart."""
        if self._shade[0] != window:
            self._shade = (window, shade_of(days, frozen_spans(self.snapshot, days), window))
        return self._shade[1]

    def matches(self, key: str, needle: str) -> bool:
        """Look in the row's name."""
        return needle in name_of(self._entries[key]).casefold()

    def head(self, width: int) -> Sequence[Line]:
        """Draw the days, the hours where there is room, and the marks."""
        days, window = self.days, self.window
        if not self._keys:
            return ()
        if days is None or window is None:
            return ((Span("No dates: give the plan a start or a target, and its phases days.", Ink.WARN),), EMPTY)
        blank = Span(" " * (label_width(width) + 1))
        lines: list[Line] = [(blank, *head(days, self.pen, window, self.snapshot.now))]
        if days.cells >= CELLS_OF_HOURS:
            lines.append((blank, *hours_line(days, self.pen, window)))
        return [*lines, (blank, *signs_line(signs_of(self.snapshot, days, self.pen), days, window))]

    def row(self, key: str, width: int) -> Line:
        """Draw a row: its label, its bar, how it stands."""
        entry, now, days, window = self._entries[key], self.snapshot.now, self.days, self.window
        label = label_of(entry, self.pen, label_width(width))
        bar = bar_of(entry, self.snapshot)
        standing = standing_of(entry, bar, self.pen, now)
        if days is None or window is None:
            return (*label, Span(" "), standing)
        signs = [sign_of(entry.view)] if isinstance(entry.view, Mark) else ()
        shade, grid = self.shade(days, window), self.grid(days, window)
        line = bar_line(bar, days, now, window, shade=shade, grid=grid, signs=signs)
        return (*label, Span(" "), *line, standing)

    def foot(self, width: int) -> Sequence[Line]:
        """Say what the signs mean."""
        days = self.days
        if days is None:
            return ()
        words = legend(self.snapshot, days, self.pen)
        return (words,) if self.size.height < LOW else (rule(width), words)

    def empty(self) -> Sequence[Line]:
        """Say how a timeline gets here."""
        return (
            (Span("No timeline: the plan has neither phases nor issues nor milestones.", Ink.FAINT),),
            EMPTY,
            (Span('Add [[phases]] name = "…", first_day = 1, last_day = 2, issues = […]', Ink.FAINT),),
        )

    def action_zoom(self, by: int) -> None:
        """Come nearer or go farther; the middle of what is seen stays, or now where the whole plan was seen."""
        days, window = self.days, self.window
        if days is None or window is None:
            return
        found = [cells for cells in ZOOMS if (cells > days.cells if by > 0 else cells < days.cells)]
        if not found:
            return
        whole = days.width <= window.width
        middle = days.moment(window.offset + window.width // 2)
        self._cells = found[0] if by > 0 else found[-1]
        self._offset = None
        nearer = self.days
        if nearer is not None and not whole:
            self._offset = max(0, nearer.column(middle) - window.width // 2)
        self.redraw()

    def action_pan(self, by: int) -> None:
        """See a quarter earlier or later."""
        days, window = self.days, self.window
        if days is not None and window is not None:
            offset = window.offset + by * max(1, window.width // 4)
            self._offset = min(max(0, offset), max(0, days.width - window.width))
            self.redraw()

    def action_now(self) -> None:
        """See now again."""
        self._offset = None
        self.redraw()

    def action_fit(self) -> None:
        """See the whole plan."""
        self._cells = self._offset = None
        self.redraw()


class Chosen(Panel):
    """The row under the cursor, in words."""

    entry: Entry | None = None

    def choose(self, entry: Entry | None) -> None:
        """Show another row."""
        self.entry = entry
        self.redraw()

    def title(self) -> Line:
        """Name the row."""
        return heading(clean(name_of(self.entry), limit=90)) if self.entry is not None else EMPTY

    def body(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - cut by the panel
        """Draw its times and words."""
        if self.entry is None:
            return ((Span("No row is selected.", Ink.FAINT),),)
        return detail_of(self.entry, bar_of(self.entry, self.snapshot), self.snapshot, self.pen, width)


class TimelineScreen(RoomScreen):
    """The third screen."""

    NUMBER = "3"
    AUTO_FOCUS = "#timeline-gantt"

    def compose_body(self) -> ComposeResult:
        """Lay the chart over the words of its chosen row."""
        with Vertical(id="timeline-body"):
            yield Gantt(id="timeline-gantt")
            yield Chosen(id="timeline-chosen")

    def on_resize(self, event: Resize) -> None:
        """Give the chart the rows where there are few."""
        self.set_class(event.size.height < 30, "low")

    def show(self, snapshot: Snapshot) -> None:
        """Keep the words with the cursor."""
        super().show(snapshot)
        self.query_one(Chosen).choose(self.query_one(Gantt).entry)

    def on_list_panel_moved(self, message: ListPanel.Moved) -> None:
        """Tell of the row under the cursor."""
        if isinstance(message.panel, Gantt):
            self.query_one(Chosen).choose(message.panel.entry)

    def on_list_panel_opened(self, message: ListPanel.Opened) -> None:
        """Open an issue on the Path screen; read of anything else in full."""
        panel = message.panel
        if not isinstance(panel, Gantt) or panel.entry is None or self.loom.snapshot is None:
            return
        entry = panel.entry
        if isinstance(entry.view, IssueView):
            self.loom.open_issue(str(entry.view.issue.id))
            return
        snapshot = self.loom.snapshot
        lines = detail_of(entry, bar_of(entry, snapshot), snapshot, self.loom.pen, max(20, self.size.width * 8 // 10))
        self.loom.push_screen(Reading(Page(clean(name_of(entry), limit=90), lines, empty="Nothing more is known.")))

    def copied(self, panel: ListPanel) -> str:
        """Copy an issue's link, anything else's name."""
        entry = panel.entry if isinstance(panel, Gantt) else None
        if entry is None:
            return super().copied(panel)
        if isinstance(entry.view, IssueView):
            return entry.view.issue.url or issue_name(entry.view.issue.id)
        return clean(name_of(entry))
