"""Screen 2: the path to the launch: the graph, the issues with their slack, and the chosen one whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize

from loom_tui.plan.estimate import estimate_of
from loom_tui.plan.model import Status
from loom_tui.plan.schedule import Schedule, what_if
from loom_tui.room.deeds import Refused, tick_task
from loom_tui.room.snapshot import IssueView, Snapshot, TaskView
from loom_tui.screens import edit, glance
from loom_tui.screens.base import RoomScreen
from loom_tui.screens.dialogs import Page, Prompt, Reading
from loom_tui.screens.news import told
from loom_tui.widgets.graph import Node, graph
from loom_tui.widgets.lines import EMPTY, Column, Ink, Line, Span, cells, clean, fit
from loom_tui.widgets.panel import ListPanel, Panel, heading
from loom_tui.widgets.text import SIGN_OF_STATUS, WORD_OF_STATUS, Pen, Sign, hours, issue_name

GRAPH_NODES = 40  # more than this is no drawing but a knot


def order_of(snapshot: Snapshot) -> Sequence[IssueView]:
    """List the issues as they can be done: by earliest start, those without a place last."""
    items = snapshot.schedule.items

    def rank(view: IssueView) -> tuple[bool, float, float]:
        item = items.get(view.issue.id)
        return (item is None, item.earliest_start if item else 0.0, item.earliest_finish if item else 0.0)

    return sorted(snapshot.issues, key=rank)


def nodes_of(snapshot: Snapshot, pen: Pen) -> list[Node]:
    """Make the graph's boxes: the issues that lead to the launch or hang on it, then the milestones."""
    chain = set(map(str, snapshot.schedule.chain))
    milestones = {view.milestone.name: view for view in snapshot.milestones}
    wanted = {str(i) for view in milestones.values() for i in view.milestone.after} | chain
    views = {str(view.issue.id): view for view in snapshot.issues}
    todo = [key for key in wanted if key in views]
    while todo:
        for other in map(str, views[todo.pop()].issue.depends_on):
            if other in views and other not in wanted:
                wanted.add(other)
                todo.append(other)
    nodes = [
        Node(
            key=key,
            lamp=pen.sign(SIGN_OF_STATUS[view.issue.status]),
            text=f"{issue_name(view.issue.id)} {clean(view.issue.title, limit=40)}",
            after=tuple(map(str, view.issue.depends_on)),
            critical=key in chain,
        )
        for key, view in views.items()
        if key in wanted
    ]
    for name, milestone in milestones.items():
        after = (*map(str, milestone.milestone.after), *milestone.milestone.after_milestones)
        lamp = pen.sign(Sign.OK if milestone.reached else Sign.OPEN)
        nodes.append(Node(key=name, lamp=lamp, text=clean(name, limit=24), after=after, critical=name in chain))
    return nodes


class Graph(Panel):
    """The dependency graph, and the projected launch."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Path")

    def figures(self) -> Line:
        """Give the launch's odds."""
        schedule, now = self.snapshot.schedule, self.snapshot.now
        if schedule.finish_at is None:
            return (Span("no dates", Ink.FAINT),)
        odds = ((50, schedule.p50_at), (80, schedule.p80_at), (95, schedule.p95_at))
        shown = " · ".join(f"P{p} {self.pen.day_clock(at, now=now)}" for p, at in odds if at is not None)
        return (Span("launch ", Ink.FAINT), Span(shown), Span("  "), *glance.slack(self.snapshot))

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Draw the graph, or the chain as a line where it does not fit."""
        nodes = nodes_of(self.snapshot, self.pen)
        drawn = graph(nodes, width, height) if 0 < len(nodes) <= GRAPH_NODES else None
        if drawn is not None:
            return drawn
        steps = [
            step if isinstance(step, str) and step in {n.key for n in nodes} else issue_name(step)
            for step in self.snapshot.schedule.chain
        ]
        if not steps:
            return ((Span("No path: the plan's issues name no milestone and no dependencies.", Ink.FAINT),),)
        chain = " ─▶ ".join(clean(str(step), limit=24) for step in steps)
        return [(Span(part, Ink.ACCENT),) for part in glance.wrap(chain, width)]


class Issues(ListPanel):
    """The issues in the order in which they can be done."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Issues")

    def figures(self) -> Line:
        """Count what is done."""
        views = self.snapshot.issues
        done = sum(view.issue.status is Status.DONE for view in views)
        return (Span(f"{done} of {len(views)} done", Ink.FAINT),)

    def show(self, snapshot: Snapshot) -> None:
        """Sort once a snapshot, not once a key."""
        self._views = {str(view.issue.id): view for view in order_of(snapshot)}
        self._keys = list(self._views)
        super().show(snapshot)

    def keys(self) -> Sequence[str]:
        """List the issues."""
        return self._keys

    def view(self, key: str) -> IssueView | None:
        """Find an issue."""
        return self._views.get(key)

    def matches(self, key: str, needle: str) -> bool:
        """Look in id, title, owners and status."""
        issue = self._views[key].issue
        return (
            needle in f"#{issue.id} {issue.title} {' '.join(issue.owners)} {issue.status} {issue.priority}".casefold()
        )

    def head(self, width: int) -> Sequence[Line]:
        """Name the columns."""
        names = ("", "id", "title", "owner", "o / l / p h", "start", "finish", "slack", "status")
        return (cells(_columns(width, self.pen), [Span(name, Ink.FAINT) for name in names]),)

    def row(self, key: str, width: int) -> Line:
        """Draw an issue."""
        view, now = self._views[key], self.snapshot.now
        issue, item = view.issue, self.snapshot.schedule.items.get(view.issue.id)
        done = issue.status is Status.DONE
        ink = Ink.FAINT if done else Ink.INK
        spans = (
            self.pen.sign(Sign.HALF if glance.is_claim(view) else SIGN_OF_STATUS[issue.status]),
            Span(issue_name(issue.id), Ink.ACCENT, bold=view.critical),
            Span(issue.title, ink, bold=view.critical and not done),
            Span("/".join(issue.owners), Ink.FAINT),
            Span(three_points(view), Ink.FAINT),
            Span(self.pen.day_clock(item.earliest_start, now=now) if item else "–", Ink.FAINT),
            Span(self.pen.day_clock(item.earliest_finish, now=now) if item else "–", ink),
            Span(f"{item.slack_hours:.1f} h" if item and not done else "–", Ink.FAINT),
            Span(status_words(view), Ink.WARN if issue.status is Status.BLOCKED else Ink.FAINT),
        )
        return cells(_columns(width, self.pen), spans)

    def empty(self) -> Sequence[Line]:
        """Say how issues get here."""
        return ((Span("The plan has no issues: add [[issues]] id = …, title = …", Ink.FAINT),),)


def three_points(view: IssueView) -> str:
    """Write an effort as optimistic / likely / pessimistic; the plan's words where it has no figures."""
    if view.issue.effort_hours is None:
        return clean(view.issue.effort_text, limit=12) or "–"
    estimate = estimate_of(view.issue)
    return f"{estimate.low:g} / {estimate.likely:g} / {estimate.high:g}"


def status_words(view: IssueView) -> str:
    """Write where an issue stands, what it waits for, or that only the document says so."""
    if glance.is_claim(view):
        return f"claimed {WORD_OF_STATUS[view.issue.status]}"
    if view.waits_for and view.issue.status not in (Status.DONE, Status.DROPPED):
        return f"after {', '.join(issue_name(other) for other in view.waits_for)}"
    if view.tasks and view.issue.status is Status.IN_PROGRESS:
        return f"{view.tasks_done} of {len(view.tasks)}"
    return WORD_OF_STATUS[view.issue.status]


def _columns(width: int, pen: Pen) -> Sequence[Column]:
    wide = width > 96
    fixed = (
        Column(16 if wide else 0),
        Column(12 if wide else 0),
        Column(12),
        Column(12),
        Column(8 if width > 60 else 0, right=True),
        Column(14),
    )
    title = width - pen.sign_width - 5 - sum(column.width for column in fixed) - 8
    return (Column(pen.sign_width), Column(5), Column(max(8, title)), *fixed)


class Detail(ListPanel):
    """The chosen issue, whole; its tasks can be ticked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tick", "Tick the task, or take the tick back", show=False, id="path.tick"),
    ]
    chosen = ""

    def title(self) -> Line:
        """Name the issue."""
        view = self.view
        return heading(f"{issue_name(view.issue.id)} {clean(view.issue.title, limit=60)}") if view else heading("Issue")

    def figures(self) -> Line:
        """Count the ticked tasks."""
        view = self.view
        return (Span(f"{view.tasks_done} of {len(view.tasks)}", Ink.FAINT),) if view and view.tasks else EMPTY

    @property
    def view(self) -> IssueView | None:
        """The issue that is shown."""
        return next((view for view in self.snapshot.issues if str(view.issue.id) == self.chosen), None)

    def choose(self, key: str) -> None:
        """Show another issue."""
        if key != self.chosen:
            self.chosen = key
            self.redraw()

    def keys(self) -> Sequence[str]:
        """List the tasks by their place."""
        view = self.view
        return [str(index) for index in range(len(view.tasks))] if view else []

    def head(self, width: int) -> Sequence[Line]:
        """Draw what the issue is."""
        view = self.view
        return detail_head(view, self.pen, width) if view else ()

    def row(self, key: str, width: int) -> Line:  # noqa: ARG002 - clipped by the list
        """Draw a task."""
        view = self.view
        return task_row(view.tasks[int(key)], self.pen, self.snapshot.now) if view else EMPTY

    def foot(self, width: int) -> Sequence[Line]:
        """Draw the issue's history, newest first."""
        view = self.view
        if view is None or not view.history:
            return ()
        lines: list[Line] = [glance.rule(width)]
        for event in reversed(view.history[-4:]):
            at = self.pen.day_clock(event.at, now=self.snapshot.now)
            lines.append(
                (
                    Span(f"{at} ", Ink.FAINT),
                    Span(f"{clean(event.actor, limit=12)} ", Ink.ACCENT),
                    Span(clean(told(event))),
                )
            )
        return lines

    def empty(self) -> Sequence[Line]:
        """Say that there is nothing to tick."""
        return ((Span("No tasks to tick.", Ink.FAINT),),)

    def action_tick(self) -> None:
        """Tick the task under the cursor."""
        view = self.view
        screen = self.screen
        if view is not None and self.cursor and isinstance(screen, RoomScreen):
            index = int(self.cursor)
            screen.loom.act(tick_task(view.issue, index, done=not view.tasks[index].done or view.tasks[index].claimed))


def detail_head(view: IssueView, pen: Pen, width: int) -> Sequence[Line]:
    """Draw an issue's facts, those that it has."""
    issue = view.issue
    effort = " ".join(filter(None, (hours(issue.effort_hours), issue.effort_text)))
    facts = (
        ("owner", ", ".join(issue.owners)),
        ("effort", effort),
        ("status", " ".join(filter(None, (status_words(view), issue.status_text)))),
        ("blocked by", "; ".join(issue.blockers)),
        ("goal", issue.goal),
        ("scope", "; ".join(issue.scope)),
        ("features", "; ".join(issue.features)),
        ("who", issue.participants),
        ("when", issue.timeline),
        ("milestone", issue.milestone),
        ("notes", "; ".join(issue.notes)),
        ("link", issue.url),
    )
    del pen
    lines: list[Line] = []
    for word, text in facts:
        parts = glance.wrap(text, max(8, width - 11))[:3] if text else []
        ink = Ink.WARN if word == "blocked by" else Ink.ACCENT if word == "link" else Ink.INK
        lines += [(Span(fit(word if not n else "", 11), Ink.FAINT), Span(part, ink)) for n, part in enumerate(parts)]
    return [*lines, glance.rule(width)]


def task_row(task: TaskView, pen: Pen, now: float) -> Line:
    """Draw a task: ticked by whom and when, or only claimed by the document."""
    if task.claimed:
        return (pen.sign(Sign.HALF), Span(f" {clean(task.text)}"), Span("  claimed", Ink.FAINT))
    by = f"  {clean(task.by, limit=12)} {pen.day_clock(task.at, now=now)}" if task.done and task.at is not None else ""
    sign = pen.sign(Sign.OK if task.done else Sign.OPEN)
    return (sign, Span(f" {clean(task.text)}", Ink.FAINT if task.done else Ink.INK), Span(by, Ink.FAINT))


class PathScreen(RoomScreen):
    """The second screen."""

    NUMBER = "2"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "set('status')", "Say where this issue stands", show=False, id="path.status"),
        Binding("o", "set('owner')", "Hand this issue over", show=False, id="path.owner"),
        Binding("e", "set('effort')", "Estimate this issue anew", show=False, id="path.effort"),
        Binding("b", "set('blocker')", "Say what blocks this issue", show=False, id="path.blocker"),
        Binding("w", "what_if", "What if this issue took longer", show=False, id="path.what_if"),
    ]

    def compose_body(self) -> ComposeResult:
        """Lay graph, issues and detail."""
        with Vertical(id="path-body"):
            yield Graph(id="path-graph")
            with Horizontal(id="path-lower"):
                yield Issues(id="path-issues")
                yield Detail(id="path-detail")

    def on_mount(self) -> None:
        """Start in the list."""
        self.query_one(Issues).focus()

    def on_resize(self, event: Resize) -> None:
        """Show the detail instead of the list where both do not fit."""
        self.set_class(event.size.width < 110, "narrow")

    def show(self, snapshot: Snapshot) -> None:
        """Put the cursor on the issue that was asked for elsewhere."""
        super().show(snapshot)
        issues = self.query_one(Issues)
        if self.loom.chosen_issue:
            issues.select(self.loom.chosen_issue)
            self.loom.chosen_issue = ""
        self.query_one(Detail).choose(issues.cursor)

    def chosen(self) -> IssueView | None:
        """Give the issue under the list's cursor."""
        issues = self.query_one(Issues)
        return issues.view(issues.cursor) if self.loom.snapshot is not None else None

    def on_list_panel_moved(self, message: ListPanel.Moved) -> None:
        """Show the issue under the cursor."""
        if isinstance(message.panel, Issues):
            self.query_one(Detail).choose(message.key)

    def on_list_panel_opened(self, message: ListPanel.Opened) -> None:
        """Go into the issue: its tasks take the keys."""
        if isinstance(message.panel, Issues):
            self.add_class("open")
            self.query_one(Detail).focus()

    def action_back(self) -> None:
        """Go back to the list, then clear its filter."""
        if isinstance(self.focused, Detail):
            self.remove_class("open")
            self.query_one(Issues).focus()
        else:
            super().action_back()

    def copied(self, panel: ListPanel) -> str:
        """Copy the issue's link."""
        view = self.chosen()
        return (view.issue.url or issue_name(view.issue.id)) if view is not None else super().copied(panel)

    def action_set(self, what: str) -> None:
        """Ask for a fact of the chosen issue."""
        view = self.chosen()
        asks = {
            "status": edit.ask_status,
            "owner": edit.ask_owner,
            "effort": edit.ask_effort,
            "blocker": edit.ask_blocker,
        }
        if view is not None:
            asks[what](self, view.issue)

    def action_what_if(self) -> None:
        """Ask for a delay, and show what it would move; nothing is recorded."""
        view, snapshot = self.chosen(), self.loom.snapshot
        if view is None or snapshot is None:
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
            title = f"If {issue_name(view.issue.id)} took {delay:g} h longer"
            self.loom.push_screen(Reading(Page(title, lines, empty="Nothing would move.")))

        self.loom.push_screen(Prompt(f"what if {issue_name(view.issue.id)} took longer, in hours"), answered)


def moved(snapshot: Snapshot, view: IssueView, delay_hours: float, pen: Pen) -> list[Line]:
    """List what a delay would move, the launch first."""
    plan, now = snapshot.plan, snapshot.now
    before = snapshot.schedule
    after = what_if(plan, now=now, progress=snapshot.progress, delays={view.issue.id: delay_hours})
    lines: list[Line] = []

    def tell(name: str, old: float | None, new: float | None) -> None:
        if old is not None and new is not None and new > old + 1:
            times = f"{pen.day_clock(old, now=now)} → {pen.day_clock(new, now=now)}"
            lines.append((Span(fit(name, 44)), Span(times, Ink.WARN)))

    tell("Launch", before.finish_at, after.finish_at)
    for milestone in before.milestones:
        tell(milestone, before.milestones[milestone].earliest_finish, _finish(after, milestone))
    for other in snapshot.issues:
        key = other.issue.id
        if key in before.items and key in after.items:
            name = f"{issue_name(key)} {clean(other.issue.title, limit=60)}"
            tell(name, before.items[key].earliest_finish, after.items[key].earliest_finish)
    return lines


def _finish(schedule: Schedule, milestone: str) -> float | None:
    item = schedule.milestones.get(milestone)
    return item.earliest_finish if item is not None else None
