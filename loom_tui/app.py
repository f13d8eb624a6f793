"""LoomApp: snapshots in, intents out; no I/O of its own."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from itertools import count
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App
from textual.binding import BindingType
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import Monochrome, NoColor
from textual.message import Message

from loom_tui.messages import ReplyArrived, SnapshotArrived, TroubleTold
from loom_tui.orders import GUARD, SnapshotSource
from loom_tui.plan.signals import asked_of
from loom_tui.room.deeds import Deed
from loom_tui.room.door import ASKS_NOTHING, READ_ONLY, Person, why_only_looks
from loom_tui.room.events import Payload
from loom_tui.room.record import CHAIN
from loom_tui.room.snapshot import Snapshot
from loom_tui.screens.base import RoomScreen, Showing, later
from loom_tui.screens.news import alarms, news_of, wanted
from loom_tui.widgets.frame import News, NewsLine
from loom_tui.widgets.lines import clean
from loom_tui.widgets.panel import ListPanel
from loom_tui.widgets.plug import PluggedDriver
from loom_tui.widgets.text import Pen, Sign
from loom_tui.widgets.theme import theme

if TYPE_CHECKING:
    from loom_tui.room.guarded import Intent

OTHER_STYLES = Path(__file__).parent / "screens" / "loom.tcss"
ANSWER_S = 10.0  # how long the answer to a key may stand before what is new


class LoomApp(App[None]):
    """The room in a terminal. `farewell` is what to say on standard error after it has closed; `crash` ended it.

    `drawn` is called once the first screen is drawn.
    """

    CSS_PATH = "screens/room.tcss"
    ENABLE_COMMAND_PALETTE = False
    TITLE = "Loom"
    BINDINGS: ClassVar[list[BindingType]] = []
    MODES: ClassVar[dict[str, Any]] = {
        "room": later("room", "Overview"),
        "path": later("path", "PathScreen"),
        "timeline": later("timeline", "TimelineScreen"),
        "risks": later("risks", "RisksScreen"),
        "errors": later("errors", "ErrorsScreen"),
        "database": later("database", "DatabaseScreen"),
        "checks": later("checks", "ChecksScreen"),
        "gate": later("gate", "GateScreen"),
        "journal": later("journal", "JournalScreen"),
    }
    DEFAULT_MODE = "room"

    def __init__(
        self,
        source: SnapshotSource,
        *,
        person: Person,
        ascii_only: bool = False,
        light: bool = False,
        drawn: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__()
        self._drawn = drawn
        self.source = source
        self.person = person
        self.dark = not light
        self.pen = Pen(ascii_only=ascii_only)
        self.snapshot: Snapshot | None = None
        self.trouble = ""
        self.headline: News | None = None
        self.said_at = 0.0
        self.dismissed_at = -inf
        self.dismissed: frozenset[str] = frozenset()
        self.called: frozenset[str] = frozenset()  # what the bell was rung for
        self.looked_at = 0.0
        self.chosen_issue = ""
        self._asked: dict[str, Callable[[int, str], None]] = {}  # of the guard, by name
        self._names = count(1)
        self.farewell = ""
        self.crash: Exception | None = None
        look = theme(dark=self.dark)
        self.register_theme(look)
        self.set_reactive(App.theme, look.name)  # assigned, it would parse the stylesheets once more: 6 ms of the start
        self.stylesheet.set_variables(self.get_css_variables())
        if self.no_color:  # Textual's own answer to NO_COLOR is shades of grey, which are colours still
            self._filters = [*(each for each in self._filters if not isinstance(each, Monochrome)), NoColor()]

    def get_driver_class(self) -> type[Driver]:
        """Give Textual's driver for a terminal that may be pulled out."""
        found = super().get_driver_class()
        return PluggedDriver if found is LinuxDriver else found

    def on_load(self) -> None:
        """Listen before there is a screen: what was read while Textual started is in the first one that is drawn.

        From here on the room leaves cleanly when the connection drops or somebody asks to, also where whoever
        started it had SIGHUP ignored (nohup).
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGTERM):
            loop.add_signal_handler(number, self.exit)
        newest = self.source.listen(
            lambda snapshot: self._tell(SnapshotArrived(snapshot)),
            lambda text: self._tell(TroubleTold(text)),
            lambda what, subject, reply: self._tell(ReplyArrived(what, subject, reply)),
        )
        if newest is not None:
            self._take(newest)

    def on_mount(self) -> None:
        """Leave the other screens' styles until the first one is drawn: to parse them takes 4.5 ms."""
        self.call_after_refresh(self._read_styles)
        self.call_after_refresh(self._drawn)

    def _read_styles(self) -> None:
        self.stylesheet.read(OTHER_STYLES)
        self.stylesheet.parse()
        if self.current_mode != self.DEFAULT_MODE or len(self.screen_stack) > 1:  # a key was quicker
            self.screen.update_node_styles()

    def _handle_exception(self, error: Exception) -> None:
        """Keep what ends the app, so that whoever opened it can tell."""
        self.crash = self.crash or error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """End without Textual's traceback: it shows local variables, and with them whatever they hold."""
        self._close_messages_no_wait()

    def _tell(self, message: Message) -> None:
        """Post from another thread; an app that is closing no longer listens."""
        if self.is_running:
            self.post_message(message)

    def on_snapshot_arrived(self, message: SnapshotArrived) -> None:
        """Show what is new on the screens that are seen: under a dialog, too, the gate is what holds now."""
        self._take(message.snapshot)
        for screen in self.screen_stack:
            if isinstance(screen, Showing):
                screen.show(message.snapshot)

    def _take(self, snapshot: Snapshot) -> None:
        if self.snapshot is None:
            self.looked_at = snapshot.now
        self.snapshot = snapshot
        if self.pen.zone != snapshot.plan.calendar.zone:
            self.pen = Pen(zone=snapshot.plan.calendar.zone, ascii_only=self.pen.ascii_only)

    def on_reply_arrived(self, message: ReplyArrived) -> None:
        """Hand a reply to the screens that are seen, also under a dialog: whoever left one no longer wants it."""
        if message.what == GUARD:
            told = self._asked.pop(message.subject)
            told(0 if message.reply.why else int(bytes(message.reply.body)), message.reply.why)
            return
        for screen in self.screen_stack:
            if isinstance(screen, Showing):
                screen.replied(message.what, message.subject, message.reply)

    def on_trouble_told(self, message: TroubleTold) -> None:
        """Show the trouble above the keys; before there is anything to show, leave with it."""
        if message.text and self.snapshot is None:
            self.farewell = message.text
            self.exit(return_code=1)
            return
        self.trouble = message.text
        self._show_news()

    def say(self, text: str, sign: Sign = Sign.OPEN) -> None:
        """Answer a key with a sentence above the keys; it makes room for the news soon."""
        self.headline = News(sign, text)
        self.said_at = self.snapshot.now if self.snapshot is not None else 0.0
        self._show_news()

    def news(self, snapshot: Snapshot) -> News | None:
        """Choose what stands above the keys: the answer to a key, else what a person must know, else the news."""
        if self.headline is not None and 0 <= snapshot.now - self.said_at <= ANSWER_S:
            return self.headline
        if self.trouble:
            return News(Sign.WARN, self.trouble)
        return news_of(snapshot, since=self.dismissed_at, dismissed=self.dismissed)

    def _show_news(self) -> None:
        if self.snapshot is not None:
            for line in self.screen.query(NewsLine):
                line.say(self.news(self.snapshot))

    def act(self, deed: Payload | Deed) -> None:
        """Write down what this room's person did; a deed is decided against the room as it is then."""
        if self.may_write():
            self.source.submit(deed)

    def may_write(self) -> bool:
        """Say whether this person may write; where not, they are told, before they type in vain."""
        why = self._why_only_looks
        if why:
            self.say(f"{why}.", Sign.WARN)
        return not why

    @property
    def read_only(self) -> bool:
        """Whether this person only looks: the room was opened so, or the plan gives them no right to more."""
        return bool(self._why_only_looks)

    @property
    def _why_only_looks(self) -> str:
        if self.snapshot is None:
            return READ_ONLY if self.person.read_only else ""
        return why_only_looks(self.snapshot.plan, self.person)

    def ask_source(self, source: str) -> None:
        """Have a source asked now, or all that are asked regularly where the pane has none of its own."""
        regular = [] if self.snapshot is None else asked_of(self.snapshot.plan).items()
        self.ask_sources([source] if source else [name for name, each in regular if each.interval_s])

    def ask_sources(self, names: Sequence[str]) -> None:
        """Have some sources asked now."""
        if self.snapshot is None:
            return
        if self.read_only:
            self.say(f"{ASKS_NOTHING}.", Sign.WARN)
            return
        for name in names:
            self.source.ask("poll", name)
        self.say(f"Asking {', '.join(names)} …" if names else "The plan names no source to ask.")

    def ask_question(self, what: str, subject: str) -> None:
        """Ask a source something of its own; the screen's `replied` is told the answer."""
        if self.read_only:
            self.say(f"{ASKS_NOTHING}.", Sign.WARN)
        else:
            self.source.ask(what, subject)

    def ask_guard(self, intent: Intent, told: Callable[[int, str], None]) -> None:
        """Have the guard decide; `told` is given the action's number, or a sentence why not."""
        why = self._why_only_looks
        if why:
            told(0, f"{why}.")
            return
        name = str(next(self._names))
        self._asked[name] = told
        self.source.act(name, intent)

    def inspect_journal(self, *, whole: bool) -> None:
        """Have the journal's chain checked, whole or from where it was checked to; `replied` is told how far it holds.

        A read-only room may: it is its own reader that looks.
        """
        self.source.ask(CHAIN, "whole" if whole else "on")

    def set_window(self, seconds: float) -> None:
        """Choose how far back the database's percentiles reach."""
        self.source.set_window(seconds)

    def copy(self, text: str) -> None:
        """Copy to the terminal's clipboard (OSC 52): one line, so that pasting it into a shell runs nothing."""
        text = clean(text, limit=100_000).strip()
        self.copy_to_clipboard(text)
        self.say(f"Copied {text}")

    def ask_filter(self, panel: ListPanel) -> None:
        """Ask for a filter, and apply it as it is typed."""
        from loom_tui.screens.dialogs import Prompt  # noqa: PLC0415 - Textual's Input costs 30 ms

        self.push_screen(
            Prompt("filter", value=panel.needle, hint="enter keeps it, esc shows all", changed=panel.filter),
            lambda text: panel.filter(text or ""),
        )

    def action_go(self, mode: str) -> None:
        """Go to a screen."""
        self.switch_mode(mode)

    def open_issue(self, issue: str) -> None:
        """Show an issue on the Path screen."""
        self.chosen_issue = issue
        screen = self.screen
        if self.current_mode == "path" and isinstance(screen, RoomScreen) and self.snapshot is not None:
            screen.show(self.snapshot)  # it is seen already, so that it will not be resumed
        else:
            self.switch_mode("path")

    def action_leave(self) -> None:
        """Leave the room. The collector stays."""
        self.exit()

    def action_help_quit(self) -> None:
        """Answer ctrl+c, which leaves other programs."""
        self.say("q leaves the room; esc goes back.")

    def action_note(self) -> None:
        """Stamp a note on the timeline."""
        from loom_tui.screens.dialogs import ask_note  # noqa: PLC0415 - Textual's Input costs 30 ms

        if self.may_write():
            ask_note(self)

    def action_decide(self) -> None:
        """Ask for the decision."""
        from loom_tui.screens.gate_dialogs import ask_decision  # noqa: PLC0415 - Textual's Input costs 30 ms

        if isinstance(self.screen, RoomScreen):
            ask_decision(self.screen)

    def action_lead(self) -> None:
        """Ask who leads from now on."""
        from loom_tui.screens.gate_dialogs import ask_lead  # noqa: PLC0415 - Textual's Input costs 30 ms

        if isinstance(self.screen, RoomScreen):
            ask_lead(self.screen)

    def action_poll(self) -> None:
        """Ask whether to call each role in turn."""
        from loom_tui.screens.gate_dialogs import ask_poll  # noqa: PLC0415 - Textual's Input costs 30 ms

        if isinstance(self.screen, RoomScreen):
            ask_poll(self.screen)

    def action_rollback(self) -> None:
        """Roll back: arm it, or show the rollback that is under way."""
        from loom_tui.screens.arming import ask_rollback  # noqa: PLC0415 - Textual's Input costs 30 ms

        ask_rollback(self)

    def action_follow(self, action: int = 0) -> None:
        """Show an action, to approve, follow or abort it; 0: the one under way."""
        from loom_tui.screens.follow import follow_action  # noqa: PLC0415 - Textual's Input costs 30 ms

        follow_action(self, action)

    def action_checklist(self, check: str) -> None:
        """Open a workflow's steps by hand."""
        from loom_tui.screens.by_hand import Checklist  # noqa: PLC0415 - Textual's Input costs 30 ms

        self.push_screen(Checklist(check))

    def action_uat(self) -> None:
        """Open the acceptance testing."""
        from loom_tui.screens.uat import UatBoard  # noqa: PLC0415 - Textual's Input costs 30 ms

        self.push_screen(UatBoard())

    def action_changes(self) -> None:
        """Show what changed since this person last asked."""
        from loom_tui.screens.dialogs import changes  # noqa: PLC0415 - only here

        if self.snapshot is not None:
            self.push_screen(changes(self.snapshot, since=self.looked_at))
            self.looked_at = self.snapshot.now

    def action_feeds(self) -> None:
        """Show who is asked, when, and at what cost."""
        from loom_tui.screens.feeds import Feeds  # noqa: PLC0415 - only here
        from loom_tui.screens.over import Over  # noqa: PLC0415 - 0.4 ms of the start

        self.push_screen(Over(Feeds()))

    def action_people(self) -> None:
        """Show who is in the room, and where they look."""
        from loom_tui.screens.over import Over  # noqa: PLC0415 - 0.4 ms of the start
        from loom_tui.screens.people import People  # noqa: PLC0415 - only here

        self.push_screen(Over(People()))

    def action_plan(self) -> None:
        """Show the plan's own words."""
        from loom_tui.screens.over import Over  # noqa: PLC0415 - 0.4 ms of the start
        from loom_tui.screens.particulars import Particulars  # noqa: PLC0415 - only here

        self.push_screen(Over(Particulars()))

    def action_keys(self) -> None:
        """Show the keys of this screen."""
        from loom_tui.screens.dialogs import keys_of  # noqa: PLC0415 - only here

        self.push_screen(keys_of(self.screen))

    def action_palette(self) -> None:
        """Find anything by its name."""
        from loom_tui.screens.palette import Palette  # noqa: PLC0415 - Textual's Input costs 30 ms

        if self.snapshot is not None:
            self.push_screen(Palette(self.snapshot))

    def action_dismiss_news(self) -> None:
        """Take the news away until there is newer."""
        if self.snapshot is not None:
            self.headline, self.trouble, self.dismissed_at = None, "", self.snapshot.now
            self.dismissed |= {news.key for news in (*wanted(self.snapshot), *alarms(self.snapshot))}
            self._show_news()

    def turn(self, *, dark: bool) -> None:
        """Change between the dark and the light look."""
        self.dark = dark
        self.register_theme(theme(dark=dark))
        self.theme = "loom-dark" if dark else "loom-light"
        self.screen.refresh(layout=True)
