"""Screen 2: the path to the launch: the graph, the issues with their slack, and the chosen one whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize

from loom_tui.plan.model import Status
from loom_tui.plan.schedule import Schedule
from loom_tui.plan.words import issue_name
from loom_tui.room.deeds import Refused, tick_task
from loom_tui.room.snapshot import IssueView, Snapshot
from loom_tui.screens import edit
from loom_tui.screens.base import RoomScreen
from loom_tui.screens.dialogs import Page, Prompt, Reading
from loom_tui.screens.glance.path import launch_words
from loom_tui.screens.path_rows import (
    GRAPH_NODES,
    Table,
    chain_ahead,
    chain_lines,
    detail_lines,
    finish_line,
    moved,
    moved_title,
    nodes_of,
    order_of,
)
from loom_tui.widgets.gantt import launch_view
from loom_tui.widgets.graph import Node, graph, layout_of
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean
from loom_tui.widgets.panel import MARGIN, ListPanel, Panel, heading
from loom_tui.widgets.text import Sign

NARROW = 110  # columns: below it the detail takes the list's place
GRAPH_ROWS = (3, 8)  # the fewest and the most rows of the drawing


class Graph(Panel, can_focus=False):
    """The dependency graph, and the projected launch."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._boxes: list[Node] = []
        self._known: tuple[object, ...] = ()
        self._rows = 0
        self._selected = ""
        self._laid: tuple[object, list[Line]] = (None, [])

    def show(self, snapshot: Snapshot) -> None:
        """Lay the boxes anew only when plan or journal changed, and take the rows that they need."""
        known = (snapshot.issues, snapshot.schedule, snapshot.milestones, self.pen)
        if len(self._known) != len(known) or any(a is not b for a, b in zip(known, self._known, strict=True)):
            self._known = known
            self._boxes = nodes_of(snapshot, self.pen)
            self._laid = (None, [])
            self._rows = layout_of(self._boxes).height if len(self._boxes) <= 2 * GRAPH_NODES else 0
            fewest, most = GRAPH_ROWS
            self.styles.height = min(max(self._rows, fewest), most) + 3
        super().show(snapshot)

    def select(self, key: str) -> None:
        """Lay the chosen issue's box on another ground, where it is drawn."""
        before, self._selected = self._selected, key
        if key != before and not {key, before}.isdisjoint(box.key for box in self._boxes):
            self.redraw()

    def title(self) -> Line:
        """Name the pane."""
        return heading("Path")

    def figures(self) -> Line:
        """Say where the launch stands."""
        launch = launch_view(self.snapshot)
        if launch is None or self.snapshot.schedule.finish_at is None:
            return EMPTY
        name = Span(f"{clean(launch.milestone.name, limit=24)} ", Ink.FAINT)
        if launch.reached:
            return (name, Span("done", Ink.OK))
        at = self.pen.day_clock(self.snapshot.schedule.finish_at, now=self.snapshot.now)
        return (name, Span(f"{at}  "), *launch_words(self.snapshot, self.pen))

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Draw the graph, or the chain step by step where it does not fit; below it how sure the launch is."""
        key = (width, height, self._selected)
        if self._laid[0] != key:
            self._laid = (key, self._drawing(width, height - 1))
        return [*self._laid[1], finish_line(self.snapshot, self.pen, width)]

    def _drawing(self, width: int, room: int) -> list[Line]:
        """Draw the graph or the chain in exactly `room` lines."""
        drawn = graph(self._boxes, width, room, selected=self._selected) if self._rows else None
        if drawn is None:
            drawn = chain_lines(self._boxes, chain_ahead(self.snapshot), width)
        if not drawn:
            drawn = [(Span("No path: the plan has neither issues nor milestones.", Ink.FAINT),)]
        if len(drawn) > room:
            drawn = [*drawn[: room - 1], (Span("… and on to the launch", Ink.FAINT),)]
        return [*drawn, *[EMPTY] * (room - len(drawn))]


class Issues(ListPanel):
    """The issues in the order in which they can be done."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._known: tuple[object, ...] = ()
        self._views: dict[str, IssueView] = {}
        self._keys: list[str] = []
        self._done = 0

    def show(self, snapshot: Snapshot) -> None:
        """Sort when plan or journal changed, not at each reading."""
        known = (snapshot.issues, snapshot.schedule)
        if len(self._known) != len(known) or any(a is not b for a, b in zip(known, self._known, strict=True)):
            self._known = known
            self._views = {str(view.issue.id): view for view in order_of(snapshot)}
            self._keys = list(self._views)
            self._done = sum(view.issue.status is Status.DONE for view in snapshot.issues)
        super().show(snapshot)

    def title(self) -> Line:
        """Name the pane."""
        return heading("Issues")

    def figures(self) -> Line:
        """Count what is done, and what passes the filter."""
        count = f"{self._done} of {len(self._keys)} done"
        if self.needle:
            return (
                Span(f"/{clean(self.needle, limit=20)} ", Ink.ACCENT),
                Span(f"{len(self.shown_keys())} · {count}", Ink.FAINT),
            )
        return (Span(count, Ink.FAINT),)

    def keys(self) -> Sequence[str]:
        """List the issues."""
        return self._keys

    def view(self, key: str) -> IssueView | None:
        """Find an issue."""
        return self._views.get(key)

    def matches(self, key: str, needle: str) -> bool:
        """Look in id, title, owners, status and priority."""
        issue = self._views[key].issue
        words = (issue_name(issue.id), issue.title, *issue.owners, issue.status, issue.priority or "")
        return needle in " ".join(words).casefold()

    def head(self, width: int) -> Sequence[Line]:
        """Name the columns."""
        return (Table(width, self.pen).head(),)

    def row(self, key: str, width: int) -> Line:
        """Draw an issue."""
        view = self._views[key]
        item = self.snapshot.schedule.items.get(view.issue.id)
        return Table(width, self.pen).row(view, item, self.pen, self.snapshot.now)

    def empty(self) -> Sequence[Line]:
        """Say how issues get here."""
        return ((Span("The plan has no issues: add [[issues]] id = …, title = …", Ink.FAINT),),)


class Detail(ListPanel):
    """The chosen issue, whole; its tasks can be ticked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tick", "Tick the task, or take the tick back", show=False, id="path.tick"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._view: IssueView | None = None
        self._shown: tuple[IssueView | None, Schedule | None] = (None, None)
        self._laid: tuple[object, dict[str, Line]] = (None, {})

    def choose(self, view: IssueView | None) -> None:
        """Show an issue; a new one with its first open task under the cursor."""
        changed = view is None or self._view is None or view.issue.id != self._view.issue.id
        self._view = view
        if changed and self._snapshot is not None:
            tasks = view.tasks if view is not None else ()
            self.select(f"t{next((index for index, task in enumerate(tasks) if not task.done), 0)}")
        self.redraw()

    @property
    def view(self) -> IssueView | None:
        """The issue that is shown."""
        return self._view

    def title(self) -> Line:
        """Name the issue."""
        view = self._view
        return heading(f"{issue_name(view.issue.id)} {clean(view.issue.title, limit=60)}") if view else heading("Issue")

    def figures(self) -> Line:
        """Count the ticked tasks."""
        view = self._view
        return (Span(f"{view.tasks_done} of {len(view.tasks)}", Ink.FAINT),) if view and view.tasks else EMPTY

    def lines(self) -> dict[str, Line]:
        """Draw the issue's lines by their keys, once a snapshot and a width."""
        view, now, schedule = self._view, self.snapshot.now, self.snapshot.schedule
        if view is None:
            return {}
        key = (self.size.width, int(now // 60))
        if self._shown[0] is not view or self._shown[1] is not schedule or self._laid[0] != key:
            self._shown = (view, schedule)
            item = schedule.items.get(view.issue.id)
            width = max(1, self.size.width - 2 * MARGIN)
            self._laid = (key, dict(detail_lines(view, item, self.pen, width, now)))
        return self._laid[1]

    def keys(self) -> Sequence[str]:
        """List facts, tasks and history, all of which scroll."""
        return list(self.lines())

    def row(self, key: str, width: int) -> Line:  # noqa: ARG002 - laid for the width already
        """Draw a line."""
        return self.lines()[key]

    def empty(self) -> Sequence[Line]:
        """Say that no issue is chosen."""
        return ((Span("No issue is chosen.", Ink.FAINT),),)

    def action_tick(self) -> None:
        """Tick the task under the cursor, or take the tick back; a claim is made one's own."""
        view, screen = self._view, self.screen
        if view is None or not isinstance(screen, RoomScreen):
            return
        if not self.cursor.startswith("t"):
            screen.loom.say("Put the cursor on a task to tick it.")
            return
        index = int(self.cursor[1:])
        task = view.tasks[index]
        try:
            screen.loom.act(tick_task(view.issue, index, done=not task.done or task.claimed))
        except Refused as refusal:
            screen.loom.say(str(refusal), Sign.WARN)


class PathScreen(RoomScreen):
    """The second screen."""

    NUMBER = "2"
    AUTO_FOCUS = "#path-issues"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "set('status')", "Say where this issue stands", show=False, id="path.status"),
        Binding("o", "set('owner')", "Hand this issue over", show=False, id="path.owner"),
        Binding("e", "set('effort')", "Estimate this issue anew", show=False, id="path.effort"),
        Binding("b", "set('blocker')", "Say what blocks this issue", show=False, id="path.blocker"),
        Binding("w", "what_if", "What if this issue took longer", show=False, id="path.what_if"),
        Binding("space", "to_tasks", "Go to this issue's tasks", show=False, id="path.tasks"),
    ]

    def compose_body(self) -> ComposeResult:
        """Lay graph, issues and detail."""
        with Vertical(id="path-body"):
            yield Graph(id="path-graph")
            with Horizontal(id="path-lower"):
                yield Issues(id="path-issues")
                yield Detail(id="path-detail")

    def on_resize(self, event: Resize) -> None:
        """Show the detail instead of the list where both do not fit."""
        self.set_class(event.size.width < NARROW, "narrow")

    def show(self, snapshot: Snapshot) -> None:
        """Put the cursor on the issue that was asked for elsewhere."""
        super().show(snapshot)
        issues = self.query_one(Issues)
        if self.loom.chosen_issue:
            issues.filter("")
            issues.select(self.loom.chosen_issue)
            self.loom.chosen_issue = ""
        self._follow(issues.cursor)

    def _follow(self, key: str) -> None:
        """Show the issue under the cursor everywhere."""
        self.query_one(Detail).choose(self.query_one(Issues).view(key))
        self.query_one(Graph).select(key)

    def chosen(self) -> IssueView | None:
        """Give the issue under the list's cursor."""
        issues = self.query_one(Issues)
        return issues.view(issues.cursor)

    def on_list_panel_moved(self, message: ListPanel.Moved) -> None:
        """Show the issue under the cursor."""
        if isinstance(message.panel, Issues):
            self._follow(message.key)

    def on_list_panel_opened(self, message: ListPanel.Opened) -> None:
        """Go into the issue: its tasks take the keys."""
        if isinstance(message.panel, Issues):
            self.action_to_tasks()

    def action_to_tasks(self) -> None:
        """Go into the issue: its tasks take the keys."""
        if self.chosen() is not None:
            self.add_class("open")
            self.query_one(Detail).focus()

    def action_back(self) -> None:
        """Go back to the list, then clear its filter."""
        if isinstance(self.focused, Detail):
            self.remove_class("open")
            self.query_one(Issues).focus()
        else:
            super().action_back()

    def action_filter(self) -> None:
        """Filter the issues, wherever the cursor is."""
        self.action_back() if isinstance(self.focused, Detail) else None
        super().action_filter()

    def copied(self, panel: ListPanel) -> str:
        """Copy the issue's link."""
        view = self.chosen()
        return (view.issue.url or issue_name(view.issue.id)) if view is not None else super().copied(panel)

    def action_set(self, what: str) -> None:
        """Ask for a fact of the chosen issue."""
        view = self.chosen()
        if view is not None:
            edit.ASKS[what](self, view.issue)

    def action_what_if(self) -> None:
        """Ask for a delay, and show what it would move; nothing is recorded."""
        view, snapshot = self.chosen(), self.loom.snapshot
        if view is None or snapshot is None:
            return
        if view.issue.id not in snapshot.schedule.items:
            self.loom.say(f"{issue_name(view.issue.id)} is not in the schedule: nothing hangs on it.")
            return

        def answered(text: str | None) -> None:
            if not text:
                return
            try:
                delay = edit.hours_of(text)
            except Refused as refusal:
                self.loom.say(str(refusal), Sign.WARN)
                return
            lines = moved(snapshot, view, delay, self.loom.pen)
            self.loom.push_screen(Reading(Page(moved_title(view, delay), lines, empty="Nothing would move.")))

        hint = "in working hours, such as 4; nothing is recorded"
        self.loom.push_screen(Prompt(f"what if {issue_name(view.issue.id)} took longer", hint=hint), answered)
