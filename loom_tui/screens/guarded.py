"""The dialog before everything that decides or acts: it shows, asks, and starts on Cancel; pasted text is ignored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input

from loom_tui.screens.closing import Closing
from loom_tui.widgets.canvas import Canvas
from loom_tui.widgets.lines import Ground, Ink, Line, Span, clip, on, width_of

CANCEL = "cancel"


class Field(Struct, frozen=True):
    """A line to type: its name in the answer, its label, what stands in it, what is to be written."""

    name: str
    label: str
    value: str = ""
    hint: str = ""


class Question(Struct, frozen=True):
    """What is asked: a title, the facts that are shown, the fields, and the buttons beside Cancel (value, label)."""

    title: str
    facts: tuple[Line, ...]
    fields: tuple[Field, ...]
    buttons: tuple[tuple[str, str], ...]


class Answer(Struct, frozen=True):
    """The button that was pushed, and what stood in the fields."""

    button: str
    fields: dict[str, str]


class Facts(Canvas):
    """Lines that do not change."""

    def __init__(self, lines: Sequence[Line]) -> None:
        super().__init__(classes="facts")
        self._lines = lines
        self.styles.height = max(1, len(lines))

    def paint(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - as many as there are
        """Draw the lines."""
        return [clip(line, width) for line in self._lines]


class Words(Canvas):
    """A line of words that does not change."""

    def __init__(self, line: Line) -> None:
        super().__init__(classes="words")
        self._line = line

    def paint(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - one line
        """Draw the line."""
        return (self._line,)


class Typed(Input):
    """A field that takes keys alone: what decides is typed by a person, not pasted."""

    def on_paste(self, event: events.Paste) -> None:
        """Ignore what is pasted."""
        event.stop()
        event.prevent_default()

    def action_paste(self) -> None:
        """Ignore the clipboard of Textual's own too."""


class Push(Canvas, can_focus=True):
    """A button."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "push", "Push", show=False, id="guarded.push")]

    class Pushed(Message):
        """A button was pushed."""

        def __init__(self, value: str) -> None:
            super().__init__()
            self.value = value

    def __init__(self, value: str, label: str) -> None:
        super().__init__()
        self.value = value
        self._line: Line = (Span(f"[ {label} ]", bold=True),)
        self.styles.width = width_of(self._line)

    def paint(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - one line
        """Draw the label; the one that would be pushed stands out by its arrows too."""
        if not self.has_focus:
            return (self._line,)
        text = f"▶ {self._line[0].text[2:-2]} ◀"
        return (on((Span(text, Ink.ACCENT, bold=True),), Ground.SELECTED),)

    def watch_has_focus(self, _has_focus: bool) -> None:  # noqa: FBT001 - Textual's signature
        """Stand out, or stand back: one alone must, and `on_blur` would come before the focus is gone."""
        super().watch_has_focus(_has_focus)
        self.redraw()

    def on_click(self) -> None:
        """Be pushed by a mouse, if there is one."""
        self.action_push()

    def action_push(self) -> None:
        """Tell the dialog."""
        self.post_message(self.Pushed(self.value))


class Guarded(Closing[Answer | None]):
    """Asks before something is decided. Gives the answer, or None where it was cancelled."""

    AUTO_FOCUS = "#push-cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="guarded.cancel"),
        Binding("right", "app.focus_next", "Next", show=False, id="guarded.next"),
        Binding("left", "app.focus_previous", "Previous", show=False, id="guarded.previous"),
    ]

    def __init__(self, question: Question) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        """Lay facts, fields and buttons; Cancel comes first."""
        question = self._question
        with Vertical(classes="guarded"):
            yield Words((Span(question.title, bold=True),))
            yield Facts(((), *question.facts, ()))
            for field in question.fields:
                yield Words((Span(field.label, Ink.INK), Span(f"  {field.hint}", Ink.FAINT)))
                yield Typed(field.value, max_length=2000, id=f"field-{field.name}")
            with Horizontal(classes="buttons"):
                for value, label in ((CANCEL, "Cancel"), *question.buttons):
                    button = Push(value, label)
                    button.id = f"push-{value}"
                    yield button
            yield Words((Span("tab goes on, enter pushes, esc cancels", Ink.FAINT),))

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Go on to what is next: enter in a field decides nothing."""
        message.stop()
        self.focus_next()

    def on_push_pushed(self, message: Push.Pushed) -> None:
        """Give the answer."""
        if message.value == CANCEL:
            self.dismiss(None)
            return
        fields = {field.name: self.query_one(f"#field-{field.name}", Typed).value for field in self._question.fields}
        self.dismiss(Answer(message.value, fields))

    def action_cancel(self) -> None:
        """Give nothing."""
        self.dismiss(None)
