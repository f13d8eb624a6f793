"""What is on every screen: the header with the gate, the news above the keys, and the keys."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from loom_tui.room.guard import ActionState
from loom_tui.room.presence import names
from loom_tui.room.snapshot import MilestoneView, Snapshot
from loom_tui.room.verdicts import GateView, Verdict
from loom_tui.widgets.canvas import Canvas
from loom_tui.widgets.lines import EMPTY, Ground, Ink, Line, Span, clean, clip, on, spread, width_of
from loom_tui.widgets.text import GROUND_OF_GATE, SIGN_OF_GATE, Pen, Sign, duration

SCREENS = (
    ("1", "Room"),
    ("2", "Path"),
    ("3", "Timeline"),
    ("4", "Risks"),
    ("5", "Errors"),
    ("6", "Database"),
    ("7", "Checks"),
    ("8", "Gate"),
    ("9", "Journal"),
)

NAMED = 3  # people who are named above the keys
WIDE = 100  # columns: below it they are only counted


class News(Struct, frozen=True):
    """The newest thing that matters, with the sign of what it means. `key` is what dismissing it remembers."""

    sign: Sign
    text: str
    at: float | None = None
    key: str = ""


class Header(Canvas):
    """One line: product, plan, environment, versions, gate, the next milestone, the clock."""

    def __init__(self) -> None:
        super().__init__(id="header")
        self._read_only = False
        self._snapshot: Snapshot | None = None

    def show(self, snapshot: Snapshot, *, read_only: bool) -> None:
        """Show a snapshot, and whether one may only look."""
        self._snapshot, self._read_only = snapshot, read_only
        self.redraw()

    def paint(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - one line
        """Draw the line; what matters least goes first where it is narrow, the gate never."""
        if self._snapshot is None:
            return [on(clip((Span(" LOOM", bold=True), Span("  opening the room …")), width), Ground.STAGING)]
        return [header_line(self._snapshot, self.pen, width, read_only=self._read_only)]


def header_line(snapshot: Snapshot, pen: Pen, width: int, *, read_only: bool) -> Line:
    """Draw the header for a width in cells."""
    band = Ground.PRODUCTION if snapshot.plan.plan.environment.casefold() == "production" else Ground.STAGING
    gate = snapshot.gate
    sign = pen.sign(SIGN_OF_GATE[gate.state]).text
    lamp = Span(f" {sign} {gate.state.value} ", bold=True, ground=GROUND_OF_GATE[gate.state])
    about = snapshot.plan.plan
    name = clean(about.sprint or about.title, limit=40)
    parts: dict[str, Line] = {
        "loom": (Span(" LOOM ", bold=True),),
        "drill": _drill(snapshot),
        "plan": (Span(f" {name} → {clean(about.environment, limit=20)} "),),
        "versions": (Span(f" {versions(snapshot)} "),) if about.release or snapshot.version is not None else EMPTY,
        "lamp": (lamp,),
        "action": _action(snapshot),
        "counts": (Span(f" {gate_counts(gate)} "),),
        "milestone": _countdown(snapshot),
        "clock": (Span(f" {pen.clock(snapshot.now)} {pen.offset(snapshot.now)} "),),
        "read-only": (Span(" READ-ONLY ", bold=True),) if read_only else EMPTY,
    }
    for least in ("counts", "versions", "milestone", "clock", "plan", "loom", "drill"):
        if sum(map(width_of, parts.values())) <= width:
            break
        parts[least] = EMPTY
    left, right = list(parts.values())[:7], list(parts.values())[7:]
    line = spread(_joined(left), _joined(right), width)
    return tuple(span if span.ground is not Ground.PANE else span._replace(ground=band) for span in line)


def _drill(snapshot: Snapshot) -> Line:
    """Say that this is a drill's room, for its environment is called production too; and when it is over."""
    drills = snapshot.drills
    words = " DRILL OVER: q " if drills.is_over else " DRILL "
    return (Span(words, bold=True, ground=Ground.WARN),) if drills.scenario else EMPTY


def _action(snapshot: Snapshot) -> Line:
    """Show the action under way, or the stop of all; it never gives way to anything."""
    words = action_words(snapshot)
    return (Span(f" {words} ", bold=True, ground=Ground.WARN),) if words else EMPTY


def action_words(snapshot: Snapshot) -> str:
    """Say what is being done to the world: "rollback running 1/2", "deploy armed: A"; or that it was stopped."""
    view = snapshot.action
    if view is None:
        return "STOPPED" if snapshot.actions_of.stop is not None else ""
    if view.state is ActionState.ARMED and view.armed.people > 1:
        return f"{view.armed.what.value} waits for approval: A"
    at_step = [number for number, step in enumerate(view.steps, 1) if step.started]
    place = f" {at_step[-1]}/{len(view.steps)}" if at_step and view.state is ActionState.RUNNING else ""
    return f"{view.armed.what.value} {view.state.value}{place}"


def _countdown(snapshot: Snapshot) -> Line:
    view = next_milestone(snapshot)
    if view is None:
        return EMPTY
    at = view.planned_at if view.planned_at is not None else view.projected_at
    countdown = duration((at or snapshot.now) - snapshot.now)
    return (Span(f" {countdown} {clean(view.milestone.name, limit=16)} "),)


def _joined(parts: Sequence[Line]) -> Line:
    return tuple(span for part in parts for span in part)


def versions(snapshot: Snapshot) -> str:
    """Write what is deployed and what one can go back to: "v1.7.0 ◀ v1.6.3"."""
    about = snapshot.plan.plan
    seen = snapshot.version.reading.detail if snapshot.version is not None and snapshot.version.reading else ""
    now = clean(seen or about.release or "?", limit=20)
    return f"{now} ◀ {clean(about.last_stable, limit=20)}" if about.last_stable else now


def gate_counts(gate: GateView) -> str:
    """Count the criteria: "go 3 of 6 · no-go 1 unknown"."""
    met = sum(view.verdict in (Verdict.MET, Verdict.WAIVED) for view in gate.go)
    holding = sum(view.verdict is Verdict.MET for view in gate.no_go)
    unknown = sum(view.verdict is Verdict.UNKNOWN for view in gate.no_go)
    no_go = f"{holding} holds" if holding else f"{unknown} unknown" if unknown else "none"
    return f"go {met} of {len(gate.go)} · no-go {no_go}"


def next_milestone(snapshot: Snapshot) -> MilestoneView | None:
    """Find the next milestone that is not reached."""
    return next((view for view in snapshot.milestones if not view.reached and _moment(view) is not None), None)


def _moment(view: MilestoneView) -> float | None:
    return view.planned_at if view.planned_at is not None else view.projected_at


class NewsLine(Canvas):
    """The newest thing that matters at the left; who is in the room, and who asks the world, at the right."""

    def __init__(self, *, dismissed_by: str = "x") -> None:
        super().__init__(id="news")
        self._key = dismissed_by
        self._snapshot: Snapshot | None = None
        self._news: News | None = None

    def show(self, snapshot: Snapshot, news: News | None) -> None:
        """Show a snapshot's feeds and the news."""
        self._snapshot = snapshot
        self._news = news
        self.redraw()

    def say(self, news: News | None) -> None:
        """Show other news."""
        self._news = news
        self.redraw()

    def paint(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - one line
        """Draw the line."""
        feeds: Line = EMPTY
        if self._snapshot is not None:
            people = people_line(self._snapshot, width)
            feeds = (*people, Span("F ", Ink.ACCENT), *feeds_line(self._snapshot, self.pen))
        if self._news is None:
            return [spread(EMPTY, feeds, width)]
        sign = self.pen.sign(self._news.sign)
        at = f"{self.pen.clock(self._news.at)} " if self._news.at is not None else ""
        text = Span(at + clean(self._news.text, limit=400))
        dismiss: Line = (Span(f"   {self._key}", Ink.ACCENT), Span(" dismiss  ", Ink.FAINT)) if self._key else EMPTY
        left = (Span(" "), sign, Span(" "), text)
        room = width - width_of(feeds) - width_of(dismiss)
        if width_of(left) < room:
            return [spread((*left, *dismiss), feeds, width)]
        return [(*clip(left, max(1, width - width_of(feeds) - 1)), Span(" "), *feeds)]


def people_line(snapshot: Snapshot, width: int) -> Line:
    """Name who is in the room: "ana, bo (2)", the number of open rooms where there are several; only that if narrow."""
    logins, count = names(snapshot.present), len(snapshot.present)
    if not count:
        return EMPTY
    marks = {snapshot.lead: " (lead)"} if len(logins) > 1 else {}
    shown = [clean(login, limit=12) + marks.get(login, "") for login in logins[:NAMED]]
    more = f" +{len(logins) - NAMED}" if len(logins) > NAMED else ""
    number = f" ({count})" if count > 1 else ""
    text = f"{', '.join(shown)}{more}{number}" if width >= WIDE else f"{count} here"
    return (Span("i ", Ink.ACCENT), Span(f"{text}   ", Ink.FAINT))


def feeds_line(snapshot: Snapshot, pen: Pen) -> Line:
    """Count the feeds: "feeds 5 of 6 live", and whether anybody asks at all.

    What is asked on demand only is never live: it is counted, as failed, where its last try was one.
    """
    asked = [feed.live for feed in snapshot.feeds if not feed.on_demand]
    failed = sum(feed.on_demand and not feed.live for feed in snapshot.feeds)
    live, count = sum(asked), len(asked)
    if not snapshot.feeds:
        return (Span("no feeds in the plan ", Ink.FAINT),)
    if not snapshot.collector.alive:
        return (pen.sign(Sign.WARN), Span(f" no collector · feeds 0 of {count} live ", Ink.WARN))
    words = [f"feeds {live} of {count} live"] if count else []
    words += [f"{failed} on demand failed"] if failed else [] if count else ["feeds on demand only"]
    return (Span(f"{', '.join(words)} ", Ink.WARN if failed or live < count else Ink.FAINT),)


class KeyLine(Canvas):
    """The screens by their numbers, and the keys that one must know."""

    def __init__(self, current: str) -> None:
        super().__init__(id="keys")
        self._current = current

    def paint(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - one line
        """Draw the line; the words go where it is narrow, the numbers stay."""
        return [key_line(self._current, width)]


def key_line(current: str, width: int) -> Line:
    """Draw the keys for a width in cells."""
    back = _key("R", "rollback", Ink.BAD)
    right: Line = (
        *_key("m", "note"),
        *_key("/", "filter"),
        *_key(":", "all"),
        *back,
        *_key("?", "keys"),
        *_key("q", "leave"),
    )
    left: Line = tuple(span for key, name in SCREENS for span in _screen(key, name, chosen=key == current))
    if width_of(left) + width_of(right) > width:
        right = (*back, *_key("?", "keys"), *_key("q", "leave"))
    if width_of(left) + width_of(right) > width:
        left = tuple(
            span
            for key, name in SCREENS
            for span in _screen(key, name if key == current else "", chosen=key == current)
        )
    if width_of(left) + width_of(right) > width:
        right = (*back, *_key("?", "keys"))
    if width_of(left) + width_of(right) > width:
        left = tuple(span for key, _ in SCREENS for span in _screen(key, "", chosen=key == current))
        right = right if width_of(left) + width_of(right) <= width else _key("R", "", Ink.BAD)
    return spread(left, right, width)


def _screen(key: str, name: str, *, chosen: bool) -> Line:
    label = f" {name} " if name else " "
    return (Span(f" {key}", Ink.ACCENT, bold=chosen), Span(label, Ink.INK if chosen else Ink.FAINT, bold=chosen))


def _key(key: str, word: str, ink: Ink = Ink.ACCENT) -> Line:
    return (Span(f" {key}", ink, bold=ink is Ink.BAD), Span(f" {word} ", Ink.FAINT))
