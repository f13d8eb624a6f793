"""Small dialogs over a screen: a line to type, and pages to read. Esc closes each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Input

from loom_tui.room.deeds import Refused, add_note
from loom_tui.room.snapshot import Snapshot
from loom_tui.room.told import told
from loom_tui.screens.closing import Closing
from loom_tui.widgets.canvas import Canvas
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean, fit
from loom_tui.widgets.panel import ListPanel, edge, heading
from loom_tui.widgets.text import Pen, Sign

if TYPE_CHECKING:
    from loom_tui.app import LoomApp


class Edge(Canvas):
    """The top or the bottom line of a dialog's frame, with a title and a hint in the upper one."""

    def __init__(self, title: str = "", hint: str = "", *, ends: str) -> None:
        super().__init__(classes="edge")
        self._title = title
        self._hint = hint
        self._ends = ends

    def paint(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - one line
        """Draw the line."""
        title = heading(clean(self._title)) if self._title else EMPTY
        hint: Line = (Span(clean(self._hint), Ink.FAINT),) if self._hint else EMPTY
        return (edge(title, hint, width, Ink.ACCENT, ends=self._ends),)


class Side(Canvas):
    """A line's left or right end of a dialog's frame."""

    def __init__(self) -> None:
        super().__init__(classes="side")

    def paint(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - one cell
        """Draw the cell."""
        return ((Span("│", Ink.ACCENT),),)


class Prompt(Closing[str | None]):
    """Asks for one line. Gives the text, or None when it was left with esc."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", id="prompt.cancel")]

    def __init__(
        self, label: str, *, value: str = "", hint: str = "", changed: Callable[[str], None] | None = None
    ) -> None:
        super().__init__()
        self._label = label
        self._value = value
        self._hint = hint or "enter writes it, esc cancels"
        self._changed = changed

    def compose(self) -> ComposeResult:
        """Lay the field in its frame."""
        with Vertical(classes="prompt"):
            yield Edge(self._label, self._hint, ends="╭╮")
            with Horizontal():
                yield Side()
                yield Input(clean(self._value), max_length=2000)
                yield Side()
            yield Edge(ends="╰╯")

    def on_input_changed(self, message: Input.Changed) -> None:
        """Tell what is typed, as it is typed."""
        if self._changed is not None:
            self._changed(message.value)

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Give the text."""
        self.dismiss(message.value)

    def action_cancel(self) -> None:
        """Give nothing."""
        self.dismiss(None)


def ask_note(app: LoomApp) -> None:
    """Ask for a note, and stamp it on the timeline."""

    def noted(text: str | None) -> None:
        if not text:
            return
        try:
            app.act(add_note(text))
        except Refused as refusal:
            app.say(str(refusal), Sign.WARN)

    app.push_screen(Prompt("note"), noted)


class Page(ListPanel):
    """Lines to read, with a cursor to scroll by."""

    def __init__(self, title: str, lines: Sequence[Line], *, empty: str) -> None:
        super().__init__()
        self._title = title
        self._lines = lines
        self._empty = empty

    def on_mount(self) -> None:
        """Show the lines; they hang on no snapshot."""
        app: Any = self.app
        self.show(app.snapshot)

    def title(self) -> Line:
        """Name the page."""
        return heading(self._title)

    def figures(self) -> Line:
        """Say how to close it."""
        return (Span("esc closes", Ink.FAINT),)

    def keys(self) -> Sequence[str]:
        """Give each line its number."""
        return [str(index) for index in range(len(self._lines))]

    def row(self, key: str, width: int) -> Line:  # noqa: ARG002 - clipped by the list
        """Draw a line."""
        return self._lines[int(key)]

    def empty(self) -> Sequence[Line]:
        """Say that there is nothing."""
        return ((Span(self._empty, Ink.FAINT),),)


class Keys(Page):
    """Keys, what each does, and the id by which it is remapped, in columns."""

    def __init__(self, rows: Sequence[tuple[str, str, str]]) -> None:
        super().__init__("Keys", [], empty="This screen has no keys.")
        self._rows = rows
        self._words = max((len(words) for _, words, _ in rows), default=0)
        self._ids = max((len(name) for *_, name in rows), default=0)

    def keys(self) -> Sequence[str]:
        """Give each row its number."""
        return [str(index) for index in range(len(self._rows))]

    def row(self, key: str, width: int) -> Line:
        """Draw a row; where it is narrow a long word pushes the id out: what a key does is said whole."""
        pressed, words, name = self._rows[int(key)]
        does = max(len(words), min(self._words, width - _PRESSED - self._ids - 2)) + 2
        return (Span(fit(pressed, _PRESSED), Ink.ACCENT), Span(fit(words, does)), Span(name, Ink.FAINT))


class Reading(Closing[None]):
    """A page over the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,u", "dismiss", "Close", id="reading.close")
    ]

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page

    def compose(self) -> ComposeResult:
        """Lay the page."""
        with Vertical(classes="reading"):
            yield self._page

    def on_mount(self) -> None:
        """Let the keys scroll the page."""
        self._page.focus()


def keys_of(screen: Screen[Any]) -> Reading:
    """List the keys that work on a screen, the panes' own among them, with the ids by which they are remapped."""
    rows: list[tuple[str, str, str]] = []
    seen: set[str] = set()
    for active in screen.active_bindings.values():
        binding = active.binding
        name = binding.id
        if name is None or name in seen:  # what Textual binds by itself is not the room's
            continue
        seen.add(name)
        keys = ", ".join(_KEYS.get(key, key) for key in _all_keys(screen, binding) or [binding.key])
        rows.append((keys, binding.description, name))
    return Reading(Keys(rows))


_PRESSED = 17  # cells for the keys themselves
_KEYS = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "full_stop": ".",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "escape": "esc",
}


def _all_keys(screen: Screen[Any], binding: Binding) -> list[str]:
    """Give all keys of one binding, in their order."""
    return [key for key, active in screen.active_bindings.items() if active.binding.action == binding.action]


def changes(snapshot: Snapshot, *, since: float) -> Reading:
    """List what people did since a moment, newest first."""
    pen = Pen(zone=snapshot.plan.calendar.zone)
    lines: list[Line] = [
        (
            Span(f"{pen.day_clock(event.at, now=snapshot.now)}  ", Ink.FAINT),
            Span(fit(clean(event.actor, limit=20), 10), Ink.ACCENT),
            Span(clean(told(event), limit=300)),
        )
        for event in reversed(snapshot.events)
        if event.at > since
    ]
    at = pen.day_clock(since, now=snapshot.now)
    return Reading(Page(f"Since {at}", lines, empty="Nobody has done anything since."))
