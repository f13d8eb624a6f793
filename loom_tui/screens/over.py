"""A page over the screen that goes on showing what is new. Esc closes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from loom_tui.room.snapshot import Snapshot
from loom_tui.screens.base import Showing
from loom_tui.screens.closing import Closing
from loom_tui.widgets.panel import ListPanel

if TYPE_CHECKING:
    from loom_tui.app import LoomApp


class Live(Showing, Closing[None]):
    """A dialog over the screen that goes on showing what is new."""

    @property
    def loom(self) -> LoomApp:
        """The app, by its own type."""
        return cast("LoomApp", self.app)

    def on_screen_resume(self) -> None:
        """Show what the app shows, also after another dialog lay over this one."""
        if self.loom.snapshot is not None:
            self.show(self.loom.snapshot)


class Over(Live):
    """Holds one page, and hands it each snapshot."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=False, id="over.back"),
        Binding("q", "dismiss", "Close", show=False, id="over.close"),
        Binding("slash", "filter", "Filter these lines", show=False, id="over.filter"),
        Binding("r", "ask", "Ask this source now", show=False, id="over.ask"),
    ]

    def __init__(self, page: ListPanel) -> None:
        super().__init__()
        self._page = page

    def compose(self) -> ComposeResult:
        """Lay the page."""
        with Vertical(classes="over"):
            yield self._page

    def on_mount(self) -> None:
        """Let the keys move in the page."""
        self._page.focus()

    def show(self, snapshot: Snapshot) -> None:
        """Show a snapshot."""
        self._page.show(snapshot)

    def action_back(self) -> None:
        """Clear the filter, then close."""
        if self._page.needle:
            self._page.filter("")
        else:
            self.dismiss()

    def action_filter(self) -> None:
        """Show only some lines."""
        self.loom.ask_filter(self._page)

    def action_ask(self) -> None:
        """Ask the source under the cursor now, where the page shows sources."""
        if self._page.source:
            self.loom.ask_source(self._page.source)
