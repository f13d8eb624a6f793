"""A guarded dialog: what will happen, why, and two buttons. It starts on Cancel, and takes no pasted text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input

from loom_tui.widgets.canvas import Canvas
from loom_tui.widgets.lines import Ink, Line, Span, clean, clip

ENOUGH = 3  # letters of a reason; fewer are a slip of the hand


class Button(Canvas, can_focus=True):
    """A word to choose with enter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "choose", "Choose", show=False, id="confirm.choose")
    ]

    class Chosen(Message):
        """The button was chosen."""

        def __init__(self, button: Button) -> None:
            super().__init__()
            self.button = button

    def __init__(self, word: str, *, id: str) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._word = word
        self.styles.width = len(word) + 6

    def paint(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - one line
        """Draw the word, in the accent where enter would choose it."""
        ink = Ink.ACCENT if self.has_focus else Ink.FAINT
        return [
            (
                Span("[ ", ink),
                Span(self._word, Ink.INK if self.has_focus else Ink.FAINT, bold=self.has_focus),
                Span(" ]", ink),
            )
        ]

    def action_choose(self) -> None:
        """Say that it was chosen."""
        self.post_message(self.Chosen(self))

    def on_click(self) -> None:
        """Take a mouse's word too."""
        self.action_choose()

    def watch_has_focus(self, _has_focus: bool) -> None:  # noqa: FBT001 - Textual's signature
        """Take or lose the accent; `on_blur` would come before the focus is gone."""
        super().watch_has_focus(_has_focus)
        self.redraw()


class Typed(Input):
    """A field that takes what is typed, and nothing that is pasted."""

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()


class Facts(Canvas):
    """What will happen, line by line."""

    def __init__(self, lines: Sequence[Line]) -> None:
        super().__init__(id="confirm-facts")
        self._lines = lines
        self.styles.height = len(lines)

    def paint(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - as many as there are
        """Draw the lines."""
        return [clip(line, width) for line in self._lines]


class Confirm(ModalScreen[str | None]):
    """Asks for a reason and a decision. Gives the reason, or None for Cancel."""

    AUTO_FOCUS = "#confirm-cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="confirm.cancel"),
        Binding("left,up", "app.focus_previous", "Previous", show=False),
        Binding("right,down", "app.focus_next", "Next", show=False),
    ]

    def __init__(self, title: str, lines: Sequence[Line], *, verb: str) -> None:
        super().__init__()
        self._title = title
        self._lines = lines
        self._verb = verb
        self._hint = "reason, then enter on the button; esc cancels"

    def compose(self) -> ComposeResult:
        """Lay facts, reason and buttons."""
        with Vertical(classes="confirm"):
            yield Facts(((Span(clean(self._title), bold=True),), *self._lines, (Span(self._hint, Ink.FAINT),)))
            yield Typed(max_length=2000, placeholder="reason")
            with Horizontal():
                yield Button("Cancel", id="confirm-cancel")
                yield Button(self._verb, id="confirm-do")

    def on_input_submitted(self) -> None:
        """Go on to Cancel: enter in the field decides nothing."""
        self.query_one("#confirm-cancel").focus()

    def on_button_chosen(self, message: Button.Chosen) -> None:
        """Give the reason where there is one; without one go back to it."""
        if message.button.id == "confirm-cancel":
            self.dismiss(None)
            return
        field = self.query_one(Typed)
        if len(field.value.strip()) < ENOUGH:
            field.focus()
            return
        self.dismiss(field.value.strip())

    def action_cancel(self) -> None:
        """Give nothing."""
        self.dismiss(None)
