"""The palette: every screen, command, issue, signal, person, reference and note by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from loom_tui.plan.words import issue_name
from loom_tui.room.snapshot import Snapshot
from loom_tui.screens.arming import ask_action, ask_stop
from loom_tui.screens.closing import Closing
from loom_tui.screens.telling import ask_announcement
from loom_tui.widgets.frame import SCREENS
from loom_tui.widgets.lines import Ink, Line, Span, clean, fit
from loom_tui.widgets.panel import ListPanel, heading
from loom_tui.widgets.text import age_of

if TYPE_CHECKING:
    from loom_tui.app import LoomApp


class Entry(NamedTuple):
    """Something that can be found: its kind, its name, what it says, and what the app does when it is chosen."""

    kind: str
    name: str
    detail: str
    choose: Callable[[LoomApp], None]


def entries(snapshot: Snapshot) -> Iterator[Entry]:
    """List all that can be found, screens and commands first."""
    for key, name in SCREENS:
        yield Entry("screen", name, key, _going(name.lower()))
    yield Entry("command", "Stamp a note on the timeline", "m", lambda app: app.action_note())
    yield Entry("command", "Decide: GO or NO-GO", "D", lambda app: app.action_decide())
    yield Entry("command", "Roll back", "R", lambda app: app.action_rollback())
    yield Entry("command", "Tell people something", "N", ask_announcement)
    yield Entry("command", "The action under way: approve, follow, abort", "A", lambda app: app.action_follow())
    stop = "Lift the stop of all actions" if snapshot.actions_of.stop is not None else "Stop all actions"
    yield Entry("command", stop, "", ask_stop)
    yield from _actions(snapshot)
    yield Entry("command", "Acceptance testing: feedback, sessions, participants", "", lambda app: app.action_uat())
    yield Entry("command", "What changed since you last looked", "u", lambda app: app.action_changes())
    yield Entry("command", "Feeds: who is asked, when, at what cost", "F", lambda app: app.action_feeds())
    yield Entry("command", "Call each role in turn: go or no-go (poll)", "C", lambda app: app.action_poll())
    yield Entry("command", "Hand over the lead of the room", "", lambda app: app.action_lead())
    yield Entry("command", "Who is in the room, and where they look", "i", lambda app: app.action_people())
    yield Entry("command", "The plan: particulars, people, references, notes", "P", lambda app: app.action_plan())
    yield Entry("command", "Ask every source now", "r", lambda app: app.ask_source(""))
    yield Entry("command", "Dark look", "", lambda app: app.turn(dark=True))
    yield Entry("command", "Light look", "", lambda app: app.turn(dark=False))
    yield Entry("command", "Keys of this screen", "?", lambda app: app.action_keys())
    yield Entry("command", "Leave the room", "q", lambda app: app.action_leave())
    for view in snapshot.issues:
        issue = view.issue
        yield Entry("issue", f"{issue_name(issue.id)} {issue.title}", issue.status.value, _opening(str(issue.id)))
    for check in snapshot.checks:
        if check.manual is not None:
            name = f"{check.manual.workflow.name}: steps by hand"
            yield Entry("workflow", name, check.signal.why, _doing(check.signal.signal.id))
    for name, signal in snapshot.signals.items():
        if not name.startswith("feed."):
            detail = f"{signal.state.value}, {age_of(signal, snapshot.now)}"
            choose = _asking(signal.signal.source) if signal.signal.source != "uat" else lambda app: app.action_uat()
            yield Entry("signal", name, detail, choose)
    for person in snapshot.plan.stakeholders:
        yield Entry("stakeholder", person.name, person.role, _copying(person.name))
    for cadence in snapshot.plan.cadences:
        yield Entry("cadence", cadence.what, cadence.when, _copying(f"{cadence.what} {cadence.when}".strip()))
    for reference in snapshot.plan.references:
        yield Entry("reference", reference.name, reference.text, _copying(reference.text or reference.name))
    for note in snapshot.plan.notes:
        yield Entry("note", note.text, f"line {note.line}", _copying(note.text))


def _actions(snapshot: Snapshot) -> Iterator[Entry]:
    """List the plan's actions, to arm one, and those that were armed, newest first, to see one."""
    for name, action in snapshot.plan.actions.items():
        label = f"{name}: {action.label}" if action.label else name
        yield Entry("action", label, action.kind.value, _arming(name))
    for view in reversed(snapshot.actions):
        yield Entry("action", f"{view.id} {view.armed.label} by {view.by}", view.state.value, _following(view.id))


def _arming(name: str) -> Callable[[LoomApp], None]:
    return lambda app: ask_action(app, name)


def _following(action: int) -> Callable[[LoomApp], None]:
    return lambda app: app.action_follow(action)


def _going(mode: str) -> Callable[[LoomApp], None]:
    return lambda app: app.action_go(mode)


def _opening(issue: str) -> Callable[[LoomApp], None]:
    return lambda app: app.open_issue(issue)


def _asking(source: str) -> Callable[[LoomApp], None]:
    return lambda app: app.ask_source(source)


def _doing(check: str) -> Callable[[LoomApp], None]:
    return lambda app: app.action_checklist(check)


def _copying(text: str) -> Callable[[LoomApp], None]:
    return lambda app: app.copy(text)


class Found(ListPanel):
    """The entries that match what is typed."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self._entries = {f"{entry.kind} {entry.name} {index}": entry for index, entry in enumerate(entries(snapshot))}
        self._snapshot = snapshot

    @property
    def moves(self) -> bool:
        """Always: the field beside it has the focus."""
        return True

    def title(self) -> Line:
        """Name the pane."""
        return heading("Find")

    def figures(self) -> Line:
        """Count what matches."""
        return (Span(f"{len(self.shown_keys())} of {len(self._entries)}", Ink.FAINT),)

    def keys(self) -> Sequence[str]:
        """List the entries."""
        return list(self._entries)

    def matches(self, key: str, needle: str) -> bool:
        """Match every word, in any order."""
        text = key.casefold()
        return all(word in text for word in needle.split())

    def row(self, key: str, width: int) -> Line:
        """Draw an entry."""
        entry = self._entries[key]
        return (
            Span(fit(entry.kind, 12), Ink.FAINT),
            Span(fit(entry.name, max(10, width - 34))),
            Span(fit(clean(entry.detail), 22, right=True), Ink.FAINT),
        )

    def entry(self) -> Entry | None:
        """Give the entry under the cursor."""
        return self._entries.get(self.cursor)


class Palette(Closing[None]):
    """A line to type and what it finds."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close", id="palette.close"),
        Binding("down,ctrl+n", "move(1)", "Next", id="palette.next", priority=True),
        Binding("up,ctrl+p", "move(-1)", "Previous", id="palette.previous", priority=True),
    ]

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self._found = Found(snapshot)

    def compose(self) -> ComposeResult:
        """Lay field and list."""
        with Vertical(classes="palette"):
            yield Input(placeholder="type a name")
            yield self._found

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Input).focus()

    def on_input_changed(self, message: Input.Changed) -> None:
        """Find what is typed."""
        self._found.filter(message.value)

    def on_input_submitted(self) -> None:
        """Do what is under the cursor."""
        entry = self._found.entry()
        app = cast("LoomApp", self.app)
        self.dismiss()
        if entry is not None:
            app.call_later(entry.choose, app)

    def action_move(self, by: int) -> None:
        """Move the cursor while typing."""
        self._found.action_move(by)
