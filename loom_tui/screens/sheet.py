"""The sheet on which an action is armed, approved and followed: a frame with facts, lines to type and buttons.

It starts on Cancel, and enter in a line decides nothing. Facts that do not fit are scrolled; what is typed, what was
refused and the buttons are always seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.strip import Strip

from loom_tui.room.snapshot import Snapshot
from loom_tui.screens.guarded import CANCEL, Push, Typed
from loom_tui.screens.over import Live
from loom_tui.widgets.canvas import Canvas
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clip, fit, width_of, wrap
from loom_tui.widgets.panel import edge

MAX_WIDTH = 104
LABEL_WIDTH = 10
_WIDE = 84  # from here on there is room for a margin
_NOTE_LINES = 4
_FIELD_WIDTH = 20  # what is typed is never narrower, where there is so much


class Entry(NamedTuple):
    """A line to type: its name, its label, how many cells it takes."""

    name: str
    label: str
    width: int


class Strips(Canvas):
    """Lines that are as wide as the sheet, its sides among them."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id, classes=classes)
        self._lines: Sequence[Line] = (EMPTY,)

    def say(self, lines: Sequence[Line]) -> None:
        """Show other lines; it becomes as high as they are."""
        self._lines = lines
        if self.styles.height is None or self.styles.height.value != len(lines):
            self.styles.height = len(lines)
        self.redraw()

    def render_line(self, y: int) -> Strip:
        """Give one line; a new height comes before the widget is told of it, and must not be seen as blank lines."""
        if y >= len(self._drawn):
            self._drawn = []
            self._strips.clear()
        return super().render_line(y)

    def paint(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - as many as there are
        """Draw the lines."""
        return [clip(line, width) for line in self._lines]


class Sheet(Live):
    """A frame with facts, lines to type and buttons. Subclasses say what stands in it, and what a button does."""

    AUTO_FOCUS = f"#push-{CANCEL}"
    ENTRIES: ClassVar[tuple[Entry, ...]] = ()
    BUTTONS: ClassVar[tuple[tuple[str, str], ...]] = ()  # value and label of all that there may be beside Cancel
    CLOSES: ClassVar[str] = "Cancel"
    INK: Ink = Ink.ACCENT
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Close, and do nothing", id="sheet.cancel"),
        Binding("enter", "enter", "Go on, or push the button", show=False, id="sheet.enter", priority=True),
        Binding("tab", "onward(1)", "Next", show=False, id="sheet.next", priority=True),
        Binding("shift+tab", "onward(-1)", "Previous", show=False, id="sheet.previous", priority=True),
        Binding("down,right", "onward(1)", "Next", show=False, id="sheet.right"),
        Binding("up,left", "onward(-1)", "Previous", show=False, id="sheet.left"),
        Binding("pagedown", "scroll_facts(1)", "More of the facts", show=False, id="sheet.down"),
        Binding("pageup", "scroll_facts(-1)", "Less of the facts", show=False, id="sheet.up"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._top = 0
        self.note: tuple[str, Ink] = ("", Ink.WARN)

    # What subclasses say.

    def caption(self) -> str:
        """Name the sheet."""
        return ""

    def state(self) -> Line:
        """Say where it stands, at the right end of the frame's upper line."""
        return EMPTY

    def facts(self, width: int, *, roomy: bool) -> Sequence[Line]:  # noqa: ARG002 - for subclasses
        """Draw what is known, for a width in cells; with blank lines between where it is `roomy`."""
        return ()

    def hint(self, entry: str) -> Line:  # noqa: ARG002 - for subclasses
        """Say what is to be typed, beside the line."""
        return EMPTY

    def shown(self) -> Sequence[str]:
        """List the entries and buttons that there are now."""
        return [*(entry.name for entry in self.ENTRIES), *(value for value, _ in self.BUTTONS)]

    def keys(self) -> Line:
        """Name the keys, beside the buttons."""
        return (Span("esc", Ink.ACCENT), Span(" cancels", Ink.FAINT))

    def pushed(self, value: str) -> None:
        """Do what a button says."""

    # How it is laid out.

    def compose(self) -> ComposeResult:
        """Lay facts, entries, what was refused, and the buttons; Cancel comes first."""
        with Vertical(classes="sheet"):
            yield Strips(id="sheet-facts")
            for entry in self.ENTRIES:
                with Horizontal(id=f"row-{entry.name}", classes="row"):
                    yield Strips(id=f"label-{entry.name}", classes="label")
                    field = Typed(max_length=2000, id=f"field-{entry.name}")
                    field.styles.width = entry.width
                    yield field
                    yield Strips(id=f"hint-{entry.name}", classes="rest")
            yield Strips(id="sheet-note")
            with Horizontal(classes="row"):
                yield Strips(id="sheet-side", classes="label")
                for value, label in ((CANCEL, self.CLOSES), *self.BUTTONS):
                    button = Push(value, label)
                    button.id = f"push-{value}"
                    yield button
                yield Strips(id="sheet-keys", classes="rest")
            yield Strips(id="sheet-foot")

    def on_resize(self, _: Resize) -> None:
        """Draw for the new size."""
        self.draw()

    def show(self, snapshot: Snapshot) -> None:  # noqa: ARG002 - facts are drawn from the app's own
        """Draw anew what a new snapshot says."""
        self.draw()

    def typed(self, entry: str) -> str:
        """Give what stands in a line."""
        return self.query_one(f"#field-{entry}", Typed).value

    def draw(self) -> None:
        """Draw everything for the size that there is."""
        if not self.is_mounted or self.loom.snapshot is None:
            return
        self._show_parts()
        width = min(MAX_WIDTH, self.size.width - (4 if self.size.width > _WIDE else 0))
        self.query_one(".sheet").styles.width = width
        pad = 3 if width >= _WIDE else 1
        inner = max(1, width - 2 * pad - 2)
        entries = [entry for entry in self.ENTRIES if entry.name in self.shown()]
        note = self._note_lines(inner)
        facts = list(self.facts(inner, roomy=True))
        room = self.size.height - 3 - len(entries) - len(note)  # the frame and the buttons
        roomy = len(facts) + len(entries) + 5 <= room
        if not roomy:
            facts = list(self.facts(inner, roomy=False))
        facts, gap = self._scrolled(facts, max(1, room)), [EMPTY] if roomy else []
        top = edge((Span(self.caption(), self.INK, bold=True),), self.state(), width, self.INK)
        laid = [*gap, *facts, *gap]
        self.query_one("#sheet-facts", Strips).say([top, *(self._sided(line, width, pad) for line in laid)])
        for entry in entries:
            self._draw_entry(entry, width, pad, roomy=roomy)
        notes = [self._sided(line, width, pad) for line in (*note, *(gap if note else ()))]
        self.query_one("#sheet-note", Strips).display = bool(notes)
        self.query_one("#sheet-note", Strips).say(notes)
        self._draw_foot(width, pad, roomy=roomy)

    def _show_parts(self) -> None:
        """Show the entries and buttons that there are; a focus on what is gone goes back to Cancel."""
        shown = self.shown()
        for entry in self.ENTRIES:
            self.query_one(f"#row-{entry.name}").display = entry.name in shown
        for value, _ in self.BUTTONS:
            self.query_one(f"#push-{value}").display = value in shown
        if self.focused is None or self.focused not in self._stops():
            self.set_focus(self.query_one(f"#push-{CANCEL}"))

    def _scrolled(self, facts: list[Line], room: int) -> list[Line]:
        """Give the facts that fit; where some do not, the last line says so."""
        if len(facts) <= room:
            self._top = 0
            return facts
        self._page = max(1, room - 1)
        self._top = max(0, min(self._top, len(facts) - self._page))
        left = len(facts) - self._top - self._page
        words = f"… {left} more lines" if left > 0 else f"… {self._top} lines above"
        more: Line = (Span(f"{words}  ", Ink.WARN), Span("pgup pgdn", Ink.ACCENT))
        return [*facts[self._top : self._top + self._page], more]

    def _note_lines(self, width: int) -> list[Line]:
        text, ink = self.note
        return [(Span(part, ink),) for part in wrap(text, width)[:_NOTE_LINES]]

    def _sided(self, line: Line, width: int, pad: int) -> Line:
        side, blank = Span("│", self.INK), Span(" " * pad)
        return (side, blank, *clip(line, width - 2 * pad - 2), blank, side)

    def _draw_entry(self, entry: Entry, width: int, pad: int, *, roomy: bool) -> None:
        side = Span("│", self.INK)
        label = self.query_one(f"#label-{entry.name}", Strips)
        label.styles.width = pad + 1 + LABEL_WIDTH
        name: Line = (side, Span(" " * pad), Span(fit(entry.label, LABEL_WIDTH), Ink.FAINT))
        label.say([name, (side,)] if roomy else [name])
        field = self.query_one(f"#field-{entry.name}", Typed)
        hint, free = self.hint(entry.name), width - 2 * (pad + 1) - LABEL_WIDTH - 2
        if width_of(hint) > free - _FIELD_WIDTH:
            hint = hint[-1:]  # what counts comes last
        taken = max(min(entry.width, free - width_of(hint)), min(_FIELD_WIDTH, free))
        field.styles.width = taken
        rest = width - pad - 1 - LABEL_WIDTH - taken
        hint = hint if width_of(hint) <= rest - pad - 3 else EMPTY
        hint = (*clip((Span("  "), *hint), rest - 1), side)
        lines = [hint, *([(*clip(EMPTY, rest - 1), side)] if roomy else [])]
        self.query_one(f"#hint-{entry.name}", Strips).say(lines)
        self.query_one(f"#row-{entry.name}").styles.height = len(lines)

    def _draw_foot(self, width: int, pad: int, *, roomy: bool) -> None:
        side = Span("│", self.INK)
        mine = self.query_one("#sheet-side", Strips)
        mine.styles.width = pad + 1
        mine.say([(side,)])
        taken = sum(push.styles.width.value + 2 for push in self.query(Push) if push.display and push.styles.width)
        rest = max(1, width - pad - 1 - int(taken))
        self.query_one("#sheet-keys", Strips).say([(*clip(self.keys(), rest - 1), side)])
        bottom: Line = (Span("╰" + "─" * (width - 2) + "╯", self.INK),)
        self.query_one("#sheet-foot", Strips).say([*([self._sided(EMPTY, width, pad)] if roomy else []), bottom])

    # Keys.

    def _stops(self) -> list[Push | Typed]:
        """List what the keys go through, from Cancel on: what is typed, then the buttons that do something."""
        shown = self.shown()
        return [
            self.query_one(f"#push-{CANCEL}", Push),
            *(self.query_one(f"#field-{entry.name}", Typed) for entry in self.ENTRIES if entry.name in shown),
            *(self.query_one(f"#push-{value}", Push) for value, _ in self.BUTTONS if value in shown),
        ]

    def action_onward(self, by: int) -> None:
        """Go on to the next line or button, or back."""
        stops = self._stops()
        focused = self.focused
        place = next((index for index, stop in enumerate(stops) if stop is focused), 0)
        self.set_focus(stops[(place + by) % len(stops)])  # at once: the next key comes perhaps in the same packet

    def action_enter(self) -> None:
        """Push the button that has the keys; in a line go on, and decide nothing."""
        if isinstance(self.focused, Push):
            self.focused.action_push()
        else:
            self.action_onward(1)

    def action_scroll_facts(self, by: int) -> None:
        """Show more of the facts."""
        self._top += by * getattr(self, "_page", 0)
        self.draw()

    def action_cancel(self) -> None:
        """Close it."""
        self.dismiss()

    def on_push_pushed(self, message: Push.Pushed) -> None:
        """Close it, or do what the button says, once the lines have taken all that was typed before."""
        if message.value == CANCEL:
            self.action_cancel()
        else:
            self._after(list(self.query(Typed)), message.value)

    def _after(self, fields: Sequence[Typed], value: str) -> None:
        if fields:
            fields[0].call_later(self._after, fields[1:], value)
        elif self.is_current and value in self.shown():
            self.pushed(value)
