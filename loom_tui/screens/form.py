"""A dialog of a few lines to fill in. Enter goes on, and writes after the last one; esc leaves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from loom_tui.room.deeds import Refused
from loom_tui.screens.closing import Closing
from loom_tui.widgets.canvas import Canvas
from loom_tui.widgets.lines import Ink, Line, Span, clean, fit

LABEL_WIDTH = 13


class Field(NamedTuple):
    """One line: its key, its label, what is expected, and what stands in it at first."""

    key: str
    label: str
    hint: str = ""
    value: str = ""


class Saying(Canvas):
    """A line of words that may change."""

    def __init__(self, line: Line) -> None:
        super().__init__(classes="words")
        self._line = line

    def say(self, line: Line) -> None:
        """Say something else."""
        self._line = line
        self.redraw()

    def paint(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - one line
        """Draw the line."""
        return (self._line,)


class Form(Closing[None]):
    """Asks for several lines. `write` is given the texts by key; where it refuses, the form says why and stays."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Leave it", id="form.cancel"),
        Binding("down", "app.focus_next", "Next line", id="form.next"),
        Binding("up", "app.focus_previous", "Line before", id="form.previous"),
    ]

    def __init__(self, title: str, fields: Sequence[Field], write: Callable[[Mapping[str, str]], None]) -> None:
        super().__init__()
        self._title = title
        self._fields = fields
        self._write = write

    def compose(self) -> ComposeResult:
        """Lay title, fields and the line for a refusal."""
        with Vertical(classes="form"):
            yield Saying((Span(self._title, bold=True), Span("  enter goes on, esc leaves it", Ink.FAINT)))
            for field in self._fields:
                with Horizontal():
                    yield Saying((Span(fit(field.label, LABEL_WIDTH), Ink.FAINT),))
                    yield Input(field.value, placeholder=field.hint, max_length=2000, id=f"form-{field.key}")
            yield Saying((Span(" "),))

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Go to the next line, or write after the last."""
        if message.input.id != f"form-{self._fields[-1].key}":
            self.app.action_focus_next()
            return
        texts = {field.key: self.query_one(f"#form-{field.key}", Input).value for field in self._fields}
        try:
            self._write(texts)
        except Refused as refusal:
            self.query(Saying).last().say((Span(clean(str(refusal), limit=300), Ink.WARN),))
        else:
            self.dismiss()

    def action_cancel(self) -> None:
        """Leave it."""
        self.dismiss()
