"""One of some words, chosen from a list with their counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from loom_tui.screens.closing import Closing
from loom_tui.widgets.lines import Ink, Line, Span, clean, spread
from loom_tui.widgets.panel import ListPanel, heading


class _Words(ListPanel):
    def __init__(self, title: str, counts: Mapping[str, int | None]) -> None:
        super().__init__()
        self._title = title
        self._counts = counts

    def on_mount(self) -> None:
        """Show the words; they hang on no snapshot."""
        app: Any = self.app
        self.show(app.snapshot)

    def title(self) -> Line:
        """Name the list."""
        return heading(self._title)

    def figures(self) -> Line:
        """Say how to choose."""
        return (Span("enter chooses, esc leaves", Ink.FAINT),)

    def keys(self) -> Sequence[str]:
        """List the words."""
        return list(self._counts)

    def row(self, key: str, width: int) -> Line:
        """Draw a word with its count."""
        count = self._counts[key]
        return spread((Span(clean(key)),), (Span(f"{count:,}" if count is not None else "", Ink.FAINT),), width)


class Choose(Closing[str | None]):
    """Gives the chosen word, or None when it was left with esc."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "leave", "Leave", show=False, id="choose.leave")]

    def __init__(self, title: str, counts: Mapping[str, int | None]) -> None:
        super().__init__()
        self._list = _Words(title, counts)

    def compose(self) -> ComposeResult:
        """Lay the list."""
        with Vertical(classes="choose"):
            yield self._list

    def on_mount(self) -> None:
        """Let the keys move in it."""
        self._list.focus()

    def on_list_panel_opened(self, message: ListPanel.Opened) -> None:
        """Give the word."""
        self.dismiss(message.key)

    def action_leave(self) -> None:
        """Give nothing."""
        self.dismiss(None)
