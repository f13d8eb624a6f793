"""Screen 1: the room at a glance. Wide terminals get eight panes, narrow ones the gate and a line for the rest."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.events import Resize

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
from loom_tui.screens.glance.small import compact_lines, tiny_lines
from loom_tui.screens.glance.world import asked, database_lines, errors_lines, figures_signal, service_lines
from loom_tui.screens.silence import read_when
from loom_tui.widgets.lines import Ink, Line, Span
from loom_tui.widgets.panel import ListPanel, Panel, heading
from loom_tui.widgets.text import INK_OF_GATE, issue_name

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


class Gate(Panel):
    """The criteria, and why the gate is as it is."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Gate")

    def figures(self) -> Line:
        """Show the gate's state."""
        gate = self.snapshot.gate
        return (Span(gate.state.value, INK_OF_GATE[gate.state], bold=True),)

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Draw the criteria."""
        return gate_lines(self.snapshot, self.pen, width, height)


class Errors(Panel):
    """The error feed at a glance."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Errors")

    def figures(self) -> Line:
        """Say who was asked, and how long ago."""
        return asked(self.snapshot, [view.signal for view in self.snapshot.errors], self.snapshot.now)

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Draw errors per minute, the counts, and the first errors."""
        return errors_lines(self.snapshot, self.pen, width, height)


class Database(Panel):
    """The named queries at a glance."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Database")

    def figures(self) -> Line:
        """Say which percentile, over which window, and how old it is."""
        databases = self.snapshot.databases
        if not databases:
            return ()
        return (Span("p95  ", Ink.FAINT), read_when(figures_signal(databases[0]), self.snapshot.now))

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Draw the queries against their targets."""
        return database_lines(self.snapshot, self.pen, width, height)


class Service(Panel):
    """The HTTP services' checks."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Service")

    def figures(self) -> Line:
        """Say how old the answers are."""
        return tuple(read_when(view, self.snapshot.now) for view in self.snapshot.services[:1])

    def body(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - cut by the panel
        """Draw a line a check."""
        return service_lines(self.snapshot, self.pen, width)


class Timeline(Panel):
    """The phases over the plan's days."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Timeline")

    def figures(self) -> Line:
        """Say which day this is."""
        return timeline_figures(self.snapshot, self.pen)

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Draw the phases."""
        return timeline_lines(self.snapshot, self.pen, width, height)


class Risks(Panel):
    """The risks, lit ones first."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Risks")

    def figures(self) -> Line:
        """Count the lit ones."""
        return risks_figures(self.snapshot)

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Draw a line a risk."""
        return risks_lines(self.snapshot, self.pen, width, height)


class Events(Panel):
    """The last events of the journal."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Last events")

    def figures(self) -> Line:
        """Count the events."""
        count = len(self.snapshot.events)
        return (Span(f"{count:,} event{'' if count == 1 else 's'}", Ink.FAINT),)

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Draw a line an event, newest first."""
        return events_lines(self.snapshot, self.pen, width, height)


class Compact(Panel, can_focus=False):
    """The gate's criteria, and one line for each of the rest."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Gate")

    def figures(self) -> Line:
        """Show the gate's state."""
        gate = self.snapshot.gate
        return (Span(gate.state.value, INK_OF_GATE[gate.state], bold=True),)

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Draw both."""
        return compact_lines(self.snapshot, self.pen, width, height)


class Tiny(Panel, can_focus=False):
    """A terminal too small for a room still shows the gate."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Gate")

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Draw the gate's state and sentence."""
        return tiny_lines(self.snapshot, self.pen, width, height)


class Overview(RoomScreen):
    """The first screen."""

    NUMBER = "1"

    def compose_body(self) -> ComposeResult:
        """Lay the panes, each form of which is shown at its size."""
        yield CriticalPath(id="critical", classes="wide")
        yield Gate(id="gate", classes="wide")
        yield Errors(id="errors", classes="wide")
        yield Database(id="database", classes="wide")
        yield Service(id="service", classes="wide")
        yield Timeline(id="timeline", classes="wide")
        yield Risks(id="risks", classes="wide")
        yield Events(id="events", classes="wide")
        yield Compact(id="compact")
        yield Tiny(id="tiny")

    def on_resize(self, event: Resize) -> None:
        """Choose the form that fits."""
        width, height = event.size
        tiny = width < SMALL[0] or height < SMALL[1]
        self.set_class(tiny, "tiny")
        compact = not tiny and (width < WIDE[0] or height < WIDE[1])
        self.set_class(compact, "compact")
        if not (tiny or compact) and self.focused is None:  # a pane that is hidden loses the focus
            self.query_one(CriticalPath).focus()

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
