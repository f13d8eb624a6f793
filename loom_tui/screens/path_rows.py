"""What the Path screen draws: the graph's boxes, the issues' rows, an issue's detail, what a delay moves. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from loom_tui.plan.estimate import estimate_of
from loom_tui.plan.model import IssueId, Priority, Status
from loom_tui.plan.schedule import Item, Schedule, what_if
from loom_tui.plan.words import WORD_OF_STATUS, issue_name
from loom_tui.room.signals import State
from loom_tui.room.snapshot import IssueView, Snapshot, TaskView
from loom_tui.room.told import told
from loom_tui.screens.glance.path import is_beaten, is_claim, sign_of
from loom_tui.widgets.gantt import launch_view
from loom_tui.widgets.graph import Node
from loom_tui.widgets.lines import EMPTY, Column, Ink, Line, Span, cells, clean, fit, rule, spread, width_of, wrap
from loom_tui.widgets.text import Pen, Sign, age

GRAPH_NODES = 40  # more than this is no drawing but a knot
LONGEST_TEXT = 6  # lines of a fact; y and the link lead to the rest
HISTORY = 20

_SETTLED = (Status.DONE, Status.DROPPED)


def order_of(snapshot: Snapshot) -> list[IssueView]:
    """List the issues as they can be done: by earliest start, those without a place last."""
    items = snapshot.schedule.items

    def rank(view: IssueView) -> tuple[bool, float, float]:
        item = items.get(view.issue.id)
        return (item is None, item.earliest_start if item else 0.0, item.earliest_finish if item else 0.0)

    return sorted(snapshot.issues, key=rank)


def nodes_of(snapshot: Snapshot, pen: Pen) -> list[Node]:
    """Make the graph's boxes: the issues that lead to a milestone, the milestones, and what waits for the launch.

    Where that is more than can be drawn, the chain with what it directly waits for; then what is next of the chain.
    """
    views = {str(view.issue.id): view for view in snapshot.issues}
    chain = [str(step) for step in snapshot.schedule.chain]
    wanted = _leading(snapshot, views, chain)
    if len(wanted) > GRAPH_NODES:
        wanted = set(chain).union(*(map(str, views[key].issue.depends_on) for key in chain if key in views))
    if len(wanted) > GRAPH_NODES:
        wanted = {str(step) for step in chain_ahead(snapshot)[:GRAPH_NODES]}
    critical = frozenset(chain)
    nodes = [_box(key, views[key], pen, critical) for key in views if key in wanted]
    for view in snapshot.milestones:
        name, milestone = view.milestone.name, view.milestone
        nodes.append(
            Node(
                key=name,
                lamp=pen.sign(Sign.OK if view.reached else Sign.OPEN),
                text=clean(name, limit=24),
                after=(*map(str, milestone.after), *milestone.after_milestones),
                critical=name in critical,
            )
        )
    return [*nodes, *_afterwards(snapshot, wanted, pen)]


def _leading(snapshot: Snapshot, views: Mapping[str, IssueView], chain: Sequence[str]) -> set[str]:
    """Find the issues on which a milestone hangs, over any number of dependencies."""
    wanted = {str(i) for view in snapshot.milestones for i in view.milestone.after} | set(chain)
    wanted &= views.keys()
    todo = list(wanted)
    while todo:
        for other in map(str, views[todo.pop()].issue.depends_on):
            if other in views and other not in wanted:
                wanted.add(other)
                todo.append(other)
    return wanted


def _box(key: str, view: IssueView, pen: Pen, critical: frozenset[str]) -> Node:
    name = clean(issue_name(view.issue.id), limit=12)
    return Node(
        key=key,
        lamp=lamp_of(view, pen),
        text=f"{name} {clean(view.issue.title, limit=40)}",
        short=name,
        after=tuple(map(str, view.issue.depends_on)),
        critical=key in critical,
    )


def _afterwards(snapshot: Snapshot, drawn: set[str], pen: Pen) -> Iterator[Node]:
    """Put what waits for the launch into one box behind it."""
    launch = launch_view(snapshot)
    posts = [
        view
        for view in snapshot.issues
        if view.issue.priority is Priority.POST
        and view.issue.status is not Status.DROPPED
        and str(view.issue.id) not in drawn
    ]
    if launch is None or not posts:
        return
    names = [clean(issue_name(view.issue.id), limit=12) for view in posts]
    text = " ".join(names) if len(names) <= 3 else f"{names[0]} … {names[-1]}, {len(names)} issues"
    done = all(view.issue.status is Status.DONE for view in posts)
    begun = any(view.started_at is not None for view in posts)
    lamp = pen.sign(Sign.OK if done else Sign.HALF if begun else Sign.OPEN)
    short = names[0] if len(names) == 1 else f"{names[0]} +{len(names) - 1}"
    yield Node(key="\0after", lamp=lamp, text=text, short=short, after=(launch.milestone.name,))


def lamp_of(view: IssueView, pen: Pen) -> Span:
    """Draw where an issue stands; what only a document says is half a lamp."""
    return pen.sign(sign_of(view))


def chain_ahead(snapshot: Snapshot) -> Sequence[IssueId | str]:
    """Give the chain; of a long one what is still ahead, as far as can be shown."""
    chain = snapshot.schedule.chain
    if len(chain) <= GRAPH_NODES:
        return chain
    settled = {view.issue.id for view in snapshot.issues if view.issue.status in _SETTLED}
    return [step for step in chain if step not in settled][: 2 * GRAPH_NODES]


def chain_lines(nodes: Sequence[Node], chain: Sequence[IssueId | str], width: int) -> list[Line]:
    """Write the chain step by step, as many a line as fit, where no graph can be drawn."""
    known = {node.key: node for node in nodes}
    lines: list[Line] = []
    line: Line = EMPTY
    for step in chain:
        node = known.get(str(step))
        words: Line = (Span(clean(issue_name(step), limit=24), Ink.ACCENT),)
        if node is not None:
            words = (node.lamp, Span(f" {node.short or node.text}", Ink.ACCENT))
        part: Line = (Span(" ─▶ " if line else "─▶ " if lines else "", Ink.ACCENT), *words)
        if line and width_of((*line, *part)) > width:
            lines.append(line)
            line, part = EMPTY, (Span("─▶ ", Ink.ACCENT), *words)
        line = (*line, *part)
    return [*lines, line] if line else lines


def finish_line(snapshot: Snapshot, pen: Pen, width: int) -> Line:
    """Write how sure the launch is, or that it has happened."""
    schedule, now, launch = snapshot.schedule, snapshot.now, launch_view(snapshot)
    if schedule.finish_at is None:
        return (Span("no finish: the plan gives no dates or efforts", Ink.FAINT),)
    chain: Line = (Span("━ ", Ink.ACCENT), Span("critical", Ink.FAINT)) if schedule.chain else EMPTY
    if launch is not None and launch.reached:
        return spread(chain, (Span(f"launched {pen.day_clock(schedule.finish_at, now=now)}", Ink.OK),), width)
    odds = ((50, schedule.p50_at), (80, schedule.p80_at), (95, schedule.p95_at))
    spans: list[Span] = [Span("finish:", Ink.FAINT)]
    for index, (percent, at) in enumerate(odds):
        if at is not None:
            spans += [Span(f"{' ·' if index else ''} P{percent} ", Ink.FAINT), Span(pen.day_clock(at, now=now))]
    if len(spans) == 1:
        spans.append(Span(f" {pen.day_clock(schedule.finish_at, now=now)}"))
    return spread(chain if width_of((*chain, *spans)) < width else EMPTY, tuple(spans), width)


class Table:
    """The table's columns for a width: what matters least goes first where it is narrow."""

    def __init__(self, width: int, pen: Pen) -> None:
        wide, middle = width >= 104, width >= 70
        fixed = [
            ("id", Column(5)),
            ("title", Column(0)),
            ("owner", Column(16 if wide else 8 if middle else 0)),
            ("o/l/p h", Column(10 if middle else 0, right=True)),
            ("start", Column(9 if wide else 0, right=True)),
            ("finish", Column(9, right=True)),
            ("slack", Column(7 if middle else 0, right=True)),
            ("status", Column(20 if wide else 11)),
        ]
        used = [(name, column) for name, column in fixed if column.width or name == "title"]
        title = width - pen.sign_width - sum(column.width for _, column in used) - len(used) - 1
        self.names = tuple(name for name, _ in used)
        self._owner_width = dict(used).get("owner", Column(0)).width
        self.columns = (
            Column(pen.sign_width),
            *(Column(max(8, title)) if name == "title" else column for name, column in used),
        )

    def head(self) -> Line:
        """Name the columns."""
        return self._line([Span(""), *(Span(name, Ink.FAINT) for name in self.names)])

    def row(self, view: IssueView, item: Item | None, pen: Pen, now: float) -> Line:
        """Draw an issue."""
        found = issue_cells(view, item, pen, now, owner_width=self._owner_width)
        return self._line([lamp_of(view, pen), *(found[name] for name in self.names)])

    def _line(self, spans: Sequence[Span]) -> Line:
        line = list(cells(self.columns, spans))
        line.insert(-1, Span(" "))  # the last figure and the status would touch
        return tuple(line)


def issue_cells(view: IssueView, item: Item | None, pen: Pen, now: float, *, owner_width: int) -> dict[str, Span]:
    """Write an issue's cells by the names of their columns."""
    issue = view.issue
    settled = issue.status in _SETTLED
    ink = Ink.FAINT if settled else Ink.INK
    slack = f"{item.slack_hours:.1f} h" if item is not None and not settled else "–"
    owner = "/".join(issue.owners)
    status_ink = Ink.WARN if issue.status is Status.BLOCKED else Ink.FAINT if settled or view.waits_for else Ink.INK
    return {
        "id": Span(issue_name(issue.id), Ink.ACCENT),
        "title": Span(issue.title, Ink.ACCENT if view.critical and not settled else ink, bold=view.critical),
        "owner": Span(owner if len(owner) <= owner_width else clean(issue.owners[0], limit=40), Ink.FAINT),
        "o/l/p h": Span(three_points(view), Ink.FAINT),
        "start": Span(pen.brief(item.earliest_start, now=now) if item else "–", Ink.FAINT),
        "finish": Span(pen.brief(item.earliest_finish, now=now) if item else "–", ink),
        "slack": Span(slack, Ink.ACCENT if item is not None and item.critical and not settled else Ink.FAINT),
        "status": Span(status_words(view), status_ink),
    }


def three_points(view: IssueView) -> str:
    """Write an effort as optimistic / likely / pessimistic; the plan's words where it has no figures."""
    if view.issue.effort_hours is None and view.issue.effort_likely_hours is None:
        return clean(view.issue.effort_text, limit=12) or "–"
    estimate = estimate_of(view.issue)
    return "/".join(f"{hours:.3g}" for hours in (estimate.low, estimate.likely, estimate.high))


def status_words(view: IssueView) -> str:
    """Write where an issue stands, what it waits for, or that only the document says so."""
    status = view.issue.status
    if view.live is not None and view.differences and (settled_here(view) != (view.live.state == "closed")):
        return f"{WORD_OF_STATUS[status]}, {view.live.state} there"
    if is_claim(view):
        return f"claimed {WORD_OF_STATUS[status]}"
    if is_beaten(view):
        return f"{WORD_OF_STATUS[status]}, a check fails"
    if status is Status.BLOCKED or status in _SETTLED:
        return WORD_OF_STATUS[status]
    if view.tasks and status is Status.IN_PROGRESS:
        return f"{view.tasks_done} of {len(view.tasks)}"
    if view.waits_for:
        return f"after {', '.join(issue_name(other) for other in view.waits_for)}"
    return WORD_OF_STATUS[status]


def settled_here(view: IssueView) -> bool:
    """Say whether the room holds an issue to be finished with."""
    return view.issue.status in _SETTLED


def detail_lines(view: IssueView, item: Item | None, pen: Pen, width: int, now: float) -> list[tuple[str, Line]]:
    """Draw an issue whole, each line with its key: "t0" is the first task, all others only scroll."""
    lines: list[Line] = [
        line for word, text, ink in facts_of(view, item, pen, now) for line in fact(word, text, ink, width)
    ]
    keyed = [(f"f{index}", line) for index, line in enumerate([*lines, rule(width)])]
    tasks: list[tuple[str, Line]] = [
        (f"t{index}", task_row(task, pen, now, width)) for index, task in enumerate(view.tasks)
    ]
    if not tasks:
        tasks = [("none", (Span("No tasks to tick.", Ink.FAINT),))]
    if not view.history:
        return [*keyed, *tasks]
    told_lines: list[Line] = []
    for event in reversed(view.history[-HISTORY:]):
        at = fit(pen.brief(event.at, now=now), 10)
        told_lines.append(
            (Span(at, Ink.FAINT), Span(f"{clean(event.actor, limit=12)} ", Ink.ACCENT), Span(clean(told(event))))
        )
    return [*keyed, *tasks, *((f"h{index}", line) for index, line in enumerate([rule(width), *told_lines]))]


def facts_of(view: IssueView, item: Item | None, pen: Pen, now: float) -> Iterator[tuple[str, str, Ink]]:
    """List an issue's facts, those that it has: word, text, ink."""
    issue = view.issue
    stand = f"{'claimed ' if is_claim(view) else ''}{WORD_OF_STATUS[issue.status]}"
    effort = three_points(view) if issue.effort_hours is not None else ""
    words = f"{effort} h" if effort else ""
    when = ""
    if item is not None:
        when = pen.between(item.earliest_start, item.earliest_finish, now=now)
    slack = f"{item.slack_hours:.1f} h{', critical' if item.critical else ''}" if item is not None else ""
    yield from (
        ("owner", ", ".join(issue.owners), Ink.INK),
        ("status", " · ".join(filter(None, (stand, issue.status_text))), Ink.INK),
        ("blocked by", "; ".join(issue.blockers), Ink.WARN if issue.status is Status.BLOCKED else Ink.INK),
        ("waits for", ", ".join(map(issue_name, view.waits_for)), Ink.INK),
        ("effort", " · ".join(filter(None, (words, issue.effort_text))), Ink.INK),
        ("when", when, Ink.INK),
        ("slack", "" if issue.status in _SETTLED else slack, Ink.INK),
        ("goal", issue.goal, Ink.INK),
        ("scope", "; ".join(issue.scope), Ink.INK),
        ("features", "; ".join(issue.features), Ink.INK),
        ("who", issue.participants, Ink.INK),
        ("timeline", issue.timeline, Ink.INK),
        ("milestone", issue.milestone, Ink.INK),
        ("notes", "; ".join(issue.notes), Ink.INK),
        ("link", issue.url, Ink.ACCENT),
        ("proof", proof_words(view), Ink.BAD if view.proof is State.BAD else Ink.INK),
        ("tracker", tracker_words(view), Ink.INK),
        ("differs", "; ".join(view.differences), Ink.WARN),
    )


def proof_words(view: IssueView) -> str:
    """Write what its checks say of an issue."""
    words = {None: "", State.OK: "every check is ok", State.BAD: view.why, State.UNKNOWN: f"unknown: {view.why}"}
    return words[view.proof]


def tracker_words(view: IssueView) -> str:
    """Write an issue's state on its tracker: state, boxes, assignees, labels, milestone."""
    live = view.live
    if live is None:
        return ""
    done = sum(task.done for task in live.tasks)
    boxes = f"{done} of {len(live.tasks)} ticked" if live.tasks else ""
    parts = (live.state, boxes, ", ".join(live.assignees), ", ".join(live.labels), live.milestone)
    return " · ".join(filter(None, parts))


def fact(word: str, text: str, ink: Ink, width: int) -> list[Line]:
    """Write a fact over as many lines as it needs; what is too long ends with an ellipsis."""
    if not text:
        return []
    room = max(8, width - 11)
    parts = wrap(clean(text, limit=LONGEST_TEXT * room), room)[:LONGEST_TEXT]
    return [(Span(fit("" if n else word, 11), Ink.FAINT), Span(fit(part, room), ink)) for n, part in enumerate(parts)]


def task_row(task: TaskView, pen: Pen, now: float, width: int) -> Line:
    """Draw a task: what its checks say, ticked by whom and when, or only claimed by the document."""
    text = clean(task.text, limit=300)
    if task.proof is State.BAD:
        return spread((pen.sign(Sign.BAD), Span(f" {text}")), (Span(f"  {clean(task.why, limit=40)}", Ink.BAD),), width)
    if task.proof is State.OK and not task.done:
        return spread((pen.sign(Sign.OK), Span(f" {text}", Ink.FAINT)), (Span("  proved", Ink.FAINT),), width)
    if task.claimed:
        return spread((pen.sign(Sign.HALF), Span(f" {text}")), (Span("  claimed", Ink.FAINT),), width)
    by = ""
    if task.done and task.at is not None:
        by = f"  {clean(task.by, limit=10)} {pen.brief(task.at, now=now)}"
    sign = pen.sign(Sign.OK if task.done else Sign.OPEN)
    return spread((sign, Span(f" {text}", Ink.FAINT if task.done else Ink.INK)), (Span(by, Ink.FAINT),), width)


def moved(snapshot: Snapshot, view: IssueView, delay_hours: float, pen: Pen) -> list[Line]:
    """List what a delay would move, the launch first; what only loses slack is not listed."""
    before, now = snapshot.schedule, snapshot.now
    delays = {view.issue.id: delay_hours}
    after = what_if(snapshot.plan, now=now, progress=snapshot.progress, delays=delays)
    lines: list[Line] = []

    def tell(name: str, old: Item | None, new: Item | None) -> None:
        if old is None or new is None or new.earliest_finish <= old.earliest_finish + 1:
            return
        begin, end = old.earliest_finish, new.earliest_finish
        times = f"{fit(pen.day_clock(begin, now=now), 12, right=True)} → {fit(pen.day_clock(end, now=now), 12)}"
        later = Span(fit(f"+{age(end - begin)}", 12, right=True), Ink.WARN)
        lines.append((Span(fit(name, 44)), Span(times, Ink.FAINT), later))

    for name in before.milestones:
        tell(name, before.milestones[name], after.milestones.get(name))
    if not lines:
        lines.append((Span("The milestones keep their times.", Ink.OK),))
    for other in order_of(snapshot):
        key = other.issue.id
        tell(f"{issue_name(key)} {clean(other.issue.title, limit=60)}", before.items.get(key), after.items.get(key))
    return [*lines, *_slack_lost(view, before, after)]


def _slack_lost(view: IssueView, before: Schedule, after: Schedule) -> Iterator[Line]:
    old, new = before.items.get(view.issue.id), after.items.get(view.issue.id)
    if old is not None and new is not None and old.slack_hours - new.slack_hours > 0.05:
        yield EMPTY
        yield (
            Span(f"slack of {issue_name(view.issue.id)}: {old.slack_hours:.1f} h → {new.slack_hours:.1f} h", Ink.FAINT),
        )


def moved_title(view: IssueView, delay_hours: float) -> str:
    """Head the list of what a delay would move."""
    what = "took {} h longer" if view.started_at is not None else "began {} h later"
    return f"If {issue_name(view.issue.id)} {what.format(f'{delay_hours:g}')}"
