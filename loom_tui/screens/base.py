"""What every screen has: the frame around its panes, and the keys that mean the same everywhere."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import ScreenResume
from textual.screen import Screen

from loom_tui.room.mail import Reply
from loom_tui.room.snapshot import Snapshot
from loom_tui.screens.news import rings_for
from loom_tui.widgets.frame import Header, KeyLine, NewsLine
from loom_tui.widgets.panel import ListPanel, Panel
from loom_tui.widgets.thrift import ThriftyCompositor

if TYPE_CHECKING:
    from loom_tui.app import LoomApp


class Showing:
    """A screen that is handed each snapshot while it is seen, and the replies to what it asked.

    No ABC: Textual's screens have a metaclass of their own. mypy holds `show` to be written all the same.
    """

    @abstractmethod
    def show(self, snapshot: Snapshot) -> None:
        """Show a snapshot."""

    def replied(self, what: str, subject: str, reply: Reply) -> None:
        """Take the answer to a question that this screen asked; most ask none."""


class RoomScreen(Showing, Screen[None]):
    """A screen of the room: header, panes, news, keys. Subclasses give the panes."""

    NUMBER = ""  # the key that goes to this screen
    DISMISSES = "x"  # the key that takes the news away; empty where the screen means something else by it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "app.go('room')", "Room", show=False, id="go.room"),
        Binding("2", "app.go('path')", "Path", show=False, id="go.path"),
        Binding("3", "app.go('timeline')", "Timeline", show=False, id="go.timeline"),
        Binding("4", "app.go('risks')", "Risks", show=False, id="go.risks"),
        Binding("5", "app.go('errors')", "Errors", show=False, id="go.errors"),
        Binding("6", "app.go('database')", "Database", show=False, id="go.database"),
        Binding("7", "app.go('checks')", "Checks", show=False, id="go.checks"),
        Binding("8", "app.go('gate')", "Gate", show=False, id="go.gate"),
        Binding("9", "app.go('journal')", "Journal", show=False, id="go.journal"),
        Binding("D", "app.decide", "Decide: GO or NO-GO", show=False, id="decide"),
        Binding("R", "app.rollback", "Roll back", show=False, id="rollback"),
        Binding("N", "announce", "Tell people something", show=False, id="announce"),
        Binding("A", "app.follow", "The action under way: approve, follow, abort", show=False, id="action"),
        Binding("m", "app.note", "Stamp a note on the timeline", show=False, id="note"),
        Binding("u", "app.changes", "What changed since you last looked", show=False, id="changes"),
        Binding("F", "app.feeds", "Feeds: who is asked, when, at what cost", show=False, id="feeds"),
        Binding("i", "app.people", "Who is in the room, and where they look", show=False, id="people"),
        Binding("P", "app.plan", "The plan: particulars, people, references, notes", show=False, id="plan"),
        Binding("r", "ask", "Ask this pane's source now", show=False, id="ask"),
        Binding("y", "copy", "Copy what is selected", show=False, id="copy"),
        Binding("slash", "filter", "Filter this list", show=False, id="filter"),
        Binding("x", "app.dismiss_news", "Dismiss the news", show=False, id="dismiss"),
        Binding("question_mark", "app.keys", "Keys of this screen", show=False, id="keys"),
        Binding("colon,ctrl+p", "app.palette", "Every command, screen, issue, signal", show=False, id="palette"),
        Binding("escape", "back", "Back, never out", show=False, id="back"),
        Binding("tab", "app.focus_next", "Next pane", show=False, id="pane.next"),
        Binding("shift+tab", "app.focus_previous", "Previous pane", show=False, id="pane.previous"),
        Binding("q", "app.leave", "Leave the room", show=False, id="leave"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._compositor = ThriftyCompositor()
        # Textual 8.2.8 takes each new screen for one of an old theme, and parses all styles anew: 9 ms of the start.
        self._css_update_count = self.app._css_update_count  # noqa: SLF001
        self._styled = False

    def _compositor_refresh(self) -> None:
        """Draw nothing while the app holds updates back: Textual 8.2.8 draws and throws it away (12 ms a start)."""
        if not self.app._batch_count:  # noqa: SLF001 - what is left out stays marked as changed
            super()._compositor_refresh()

    @property
    def loom(self) -> LoomApp:
        """The app, by its own type."""
        from loom_tui.app import LoomApp as App  # noqa: PLC0415 - the app imports its screens

        return cast("App", self.app)

    def compose(self) -> ComposeResult:
        """Lay the frame around the panes."""
        yield Header()
        yield from self.compose_body()
        yield NewsLine(dismissed_by=self.DISMISSES)
        yield KeyLine(self.NUMBER)

    def compose_body(self) -> ComposeResult:
        """Give the panes."""
        yield from ()

    def on_screen_resume(self, event: ScreenResume) -> None:
        """Come up to date, since a hidden screen is not drawn; the others see that one looks here."""
        if not self._styled:  # it was as it was made: 2 ms of the start, were it done again
            event.refresh_styles, self._styled = False, True
        self.loom.source.look_at(self.NUMBER)
        if self.loom.snapshot is not None:
            self.show(self.loom.snapshot)

    def show(self, snapshot: Snapshot) -> None:
        """Hand a snapshot to every pane."""
        self.query_one(Header).show(snapshot, read_only=self.loom.read_only)
        self.query_one(NewsLine).show(snapshot, self.loom.news(snapshot))
        for panel in self.query(Panel):
            panel.show(snapshot)
        called = rings_for(snapshot, self.loom.person.login)
        if called - self.loom.called:
            self.loom.bell()
        self.loom.called |= called

    def action_back(self) -> None:
        """Clear this list's filter; the way out is q."""
        panel = self.focused
        if isinstance(panel, ListPanel) and panel.needle:
            panel.filter("")

    def action_filter(self) -> None:
        """Filter the focused list, or the first that is seen."""
        panel = self.focused
        if not isinstance(panel, ListPanel):
            panel = next((each for each in self.query(ListPanel) if each.region), None)
        if panel is None:
            self.loom.say("There is no list to filter here.")
            return
        panel.focus()
        self.loom.ask_filter(panel)

    def action_announce(self) -> None:
        """Tell people something in one's own words."""
        from loom_tui.screens.telling import ask_announcement  # noqa: PLC0415 - Textual's Input costs 30 ms

        ask_announcement(self.loom)

    def action_ask(self) -> None:
        """Ask the focused pane's source now."""
        panel = self.focused
        self.loom.ask_source(panel.source if isinstance(panel, Panel) else "")

    def action_copy(self) -> None:
        """Copy what is selected: a link where there is one, else the id."""
        panel = self.focused
        if isinstance(panel, ListPanel) and panel.cursor:
            self.loom.copy(self.copied(panel))
        else:
            self.loom.say("Nothing is selected here to copy.")

    def copied(self, panel: ListPanel) -> str:
        """Give the text that `y` copies for the row under a list's cursor."""
        return panel.cursor


def later(module: str, name: str) -> Callable[[], RoomScreen]:
    """Give a screen's maker that imports it on the first visit: the room opens with one screen's code."""

    def make() -> RoomScreen:
        screen: RoomScreen = getattr(import_module(f"loom_tui.screens.{module}"), name)()
        return screen

    return make
