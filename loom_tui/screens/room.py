"""Screen 1: the room at a glance. Wide terminals get eight panes, narrow ones the gate and a line for the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from textual.app import ComposeResult
from textual.events import Resize
from textual.geometry import Size

from loom_tui.plan.words import issue_name
from loom_tui.room.snapshot import Snapshot
from loom_tui.screens.base import RoomScreen
from loom_tui.screens.glance.events import events_lines
from loom_tui.screens.glance.gate import gate_lines
from loom_tui.screens.glance.path import (
    critical_issues,
    issue_row,
    path_count,
    path_foot,
    timeline_figures,
    timeline_lines,
)
from loom_tui.screens.glance.risks import risks_figures, risks_lines
from loom_tui.screens.glance.world import asked, database_lines, errors_lines, figures_signal, service_lines
from loom_tui.screens.silence import read_when
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span
from loom_tui.widgets.panel import ListPanel, Panel, heading
from loom_tui.widgets.text import INK_OF_GATE, Pen

WIDE = (110, 34)  # columns, rows: below it the compact form
SMALL = (70, 20)  # below it only the gate


class CriticalPath(ListPanel):
    """The issues that the launch waits for."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Critical path")

    def figures(self) -> Line:
        """Count what is done."""
        return path_count(self.snapshot)

    def keys(self) -> Sequence[str]:
        """List the critical issues."""
        return [str(view.issue.id) for view in critical_issues(self.snapshot)]

    def row(self, key: str, width: int) -> Line:
        """Draw one issue."""
        view = next(view for view in self.snapshot.issues if str(view.issue.id) == key)
        return issue_row(view, self.pen, width)

    def foot(self, width: int) -> Sequence[Line]:
        """Draw what is next and when it is projected done."""
        return path_foot(self.snapshot, self.pen, width)

    def empty(self) -> Sequence[Line]:
        """Say how issues get here."""
        return ((Span("The plan has no critical issues.", Ink.FAINT),),)


class Glance(Panel):
    """A pane whose figures and lines are functions of the snapshot. One class for all: each is 0.15 ms of the start."""

    def __init__(
        self,
        name: str,
        figures: Callable[[Snapshot, Pen], Line],
        lines: Callable[[Snapshot, Pen, int, int], Sequence[Line]],
        *,
        id: str,  # noqa: A002 - Textual's word
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._title = heading(name)
        self._figures = figures
        self._lines = lines

    def title(self) -> Line:
        """Name the pane."""
        return self._title

    def figures(self) -> Line:
        """Give what stands at the right of the name."""
        return self._figures(self.snapshot, self.pen)

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Draw the lines."""
        return self._lines(self.snapshot, self.pen, width, height)


class Small(Glance, can_focus=False):
    """The whole room in one pane, where there is no space for more."""


def _form(size: Size) -> Literal["wide", "compact", "tiny"]:
    """Say which form fits into so many columns and rows."""
    if size.width < SMALL[0] or size.height < SMALL[1]:
        return "tiny"
    return "compact" if size.width < WIDE[0] or size.height < WIDE[1] else "wide"


def _small(form: Literal["compact", "tiny"]) -> Small:
    from loom_tui.screens.glance.small import compact_lines, tiny_lines  # noqa: PLC0415 - 0.3 ms of a wide start

    if form == "tiny":
        return Small("Gate", _nothing, tiny_lines, id="tiny")
    return Small("Gate", _gate_state, compact_lines, id="compact")


def _gate_state(snapshot: Snapshot, _: Pen) -> Line:
    gate = snapshot.gate
    return (Span(gate.state.value, INK_OF_GATE[gate.state], bold=True),)


def _errors_asked(snapshot: Snapshot, _: Pen) -> Line:
    return asked(snapshot, [view.signal for view in snapshot.errors], snapshot.now)


def _database_read(snapshot: Snapshot, _: Pen) -> Line:
    """Say which percentile it is, and how old."""
    if not snapshot.databases:
        return EMPTY
    return (Span("p95  ", Ink.FAINT), read_when(figures_signal(snapshot.databases[0]), snapshot.now))


def _service_read(snapshot: Snapshot, _: Pen) -> Line:
    return tuple(read_when(view, snapshot.now) for view in snapshot.services[:1])


def _risks_lit(snapshot: Snapshot, _: Pen) -> Line:
    return risks_figures(snapshot)


def _events_counted(snapshot: Snapshot, _: Pen) -> Line:
    count = len(snapshot.events)
    return (Span(f"{count:,} event{'' if count == 1 else 's'}", Ink.FAINT),)


def _nothing(_: Snapshot, __: Pen) -> Line:
    return EMPTY


class Overview(RoomScreen):
    """The first screen."""

    NUMBER = "1"

    def compose_body(self) -> ComposeResult:
        """Lay the panes, each form of which is shown at its size."""
        yield CriticalPath(id="critical", classes="wide")
        yield Glance("Gate", _gate_state, gate_lines, id="gate", classes="wide")
        yield Glance("Errors", _errors_asked, errors_lines, id="errors", classes="wide")
        yield Glance("Database", _database_read, database_lines, id="database", classes="wide")
        yield Glance("Service", _service_read, service_lines, id="service", classes="wide")
        yield Glance("Timeline", timeline_figures, timeline_lines, id="timeline", classes="wide")
        yield Glance("Risks", _risks_lit, risks_lines, id="risks", classes="wide")
        yield Glance("Last events", _events_counted, events_lines, id="events", classes="wide")
        form = _form(self.app.size)
        if form != "wide":
            yield _small(form)

    def on_resize(self, event: Resize) -> None:
        """Choose the form that fits; a small one is made when it is first needed."""
        form = _form(event.size)
        self.set_class(form == "tiny", "tiny")
        self.set_class(form == "compact", "compact")
        if form == "wide":
            if self.focused is None:  # a pane that is hidden loses the focus
                self.query_one(CriticalPath).focus()
        elif not self.query(f"#{form}"):
            pane = _small(form)
            if self.loom.snapshot is not None:
                pane.show(self.loom.snapshot)
            self.mount(pane, before="#news")

    def show(self, snapshot: Snapshot) -> None:
        """Hand the snapshot on, and let each pane know its source for `r`."""
        for name, views in (("errors", snapshot.errors), ("database", snapshot.databases)):
            if views:
                self.query_one(f"#{name}", Panel).source = views[0].source
        if snapshot.services:
            self.query_one("#service", Panel).source = snapshot.services[0].signal.source
        super().show(snapshot)

    def on_list_panel_opened(self, message: ListPanel.Opened) -> None:
        """Open an issue on the Path screen."""
        self.loom.open_issue(message.key)

    def copied(self, panel: ListPanel) -> str:
        """Copy the issue's link, or its name."""
        view = next(view for view in critical_issues(panel.snapshot) if str(view.issue.id) == panel.cursor)
        return view.issue.url or issue_name(view.issue.id)
