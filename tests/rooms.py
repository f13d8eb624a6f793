"""A room that shows one snapshot, for tests of screens: what is sent is kept, nothing is read or written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from unittest.mock import patch

from msgspec import Raw
from textual.pilot import Pilot

from loom_tui.app import LoomApp
from loom_tui.messages import SnapshotArrived
from loom_tui.orders import GUARD
from loom_tui.room.deeds import Deed, Refused
from loom_tui.room.door import Person
from loom_tui.room.events import Payload
from loom_tui.room.guarded import Intent
from loom_tui.room.mail import Reply
from loom_tui.room.snapshot import Snapshot
from loom_tui.widgets.canvas import Canvas
from loom_tui.widgets.lines import Ink, Line, width_of

SETTLED_S = 30.0


class Still:
    """A source of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.sent: list[Payload] = []
        self.intents: list[Intent] = []
        self.refuses = ""
        self.silent = False
        self.asked: list[tuple[str, str]] = []
        self.windows: list[float] = []

    def listen(
        self,
        snapshot: Callable[[Snapshot], None],
        trouble: Callable[[str], None],
        reply: Callable[[str, str, Reply], None],
    ) -> Snapshot:
        self.reply = reply
        self.trouble = trouble
        return self.snapshot

    def submit(self, deed: Payload | Deed) -> None:
        try:
            self.sent.append(deed(self.snapshot, "ana") if callable(deed) else deed)
        except Refused as refusal:
            self.trouble(str(refusal))

    def act(self, asked: str, intent: Intent) -> None:
        self.intents.append(intent)
        if not self.silent:
            self.reply(GUARD, asked, Reply(why=self.refuses) if self.refuses else Reply(body=Raw(b"2")))

    def ask(self, what: str, subject: str) -> None:
        self.asked.append((what, subject))

    def look_at(self, screen: str) -> None:
        self.screen = screen

    def set_window(self, seconds: float) -> None:
        self.windows.append(seconds)


class Room:
    """An open room: its app, its pilot, and what its person wrote and asked."""

    def __init__(self, app: LoomApp, pilot: Pilot[None], source: Still) -> None:
        self.app = app
        self.source = source
        self.pilot = pilot
        self.sent = source.sent
        self.asked = source.asked
        self.windows = source.windows

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        await self.press(*("space" if c == " " else c for c in text), "enter")

    async def fill(self, *texts: str) -> None:
        """From Cancel on, type a text a line of the sheet that is open, and stand on its first button."""
        await self.press("tab")
        for text in texts:
            await self.type(text)

    async def show(self, snapshot: Snapshot) -> None:
        self.source.snapshot = snapshot
        self.app.post_message(SnapshotArrived(snapshot))
        await self.pilot.pause()

    def lines(self, selector: str) -> list[Line]:
        """Give what a pane draws."""
        widget = self.app.screen.query_one(selector, Canvas)
        lines = list(widget.paint(*widget.size))
        assert len(lines) <= widget.size.height
        return lines

    def text(self, selector: str) -> str:
        """Give what a pane shows, a line a row, without trailing blanks."""
        return text_of(self.lines(selector))

    def inks(self, selector: str, words: str) -> set[Ink]:
        """Give the meanings in which a pane writes some words."""
        return {span.ink for line in self.lines(selector) for span in line if words in span.text}

    @property
    def news(self) -> str:
        """What stands above the keys."""
        return self.text("NewsLine")

    @property
    def focused(self) -> str:
        """The id of the pane that keys go to."""
        focused = self.app.screen.focused
        return (focused.id or "") if focused is not None else ""


@asynccontextmanager
async def piloted(app: LoomApp, *, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Pilot[None]]:
    """Run an app whose source is in this process's one thread; its pilot goes on once all that a key began has ended.

    Textual's own goes on when the process has slept for a fiftieth of a second: three times a key, and on a busy
    machine up to a second each.
    """

    async def settled(_min_sleep: float = 0, _max_sleep: float = 0) -> None:
        ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined] # nothing else tells that a loop rests
        async with asyncio.timeout(SETTLED_S):
            while app.is_running:
                await asyncio.sleep(0.001 if app._batch_count else 0)  # Textual holds updates back for a while
                if ready or app._batch_count:
                    continue
                if app._resize_timer is not None:  # else done by a timer, as the drawing is
                    app._check_resize()
                app.screen._on_timer_update()
                await asyncio.sleep(0)
                if not ready:
                    return

    with patch("textual.app.wait_for_idle", settled), patch("textual.pilot.wait_for_idle", settled):
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            yield pilot


@asynccontextmanager
async def open_room(
    snapshot: Snapshot,
    *,
    key: str,
    size: tuple[int, int] = (120, 40),
    ascii_only: bool = False,
    read_only: bool = False,
    light: bool = False,
    actor: str = "ana",
) -> AsyncIterator[Room]:
    """Open a room on the screen of a key."""
    source = Still(snapshot)
    app = LoomApp(source, person=Person(actor, read_only), ascii_only=ascii_only, light=light)
    async with piloted(app, size=size) as pilot:
        await pilot.press(key)
        await pilot.pause()
        yield Room(app, pilot, source)


def text_of(lines: Iterable[Line]) -> str:
    """Write lines as text."""
    return "\n".join("".join(span.text for span in line).rstrip() for line in lines)


def widths_of(lines: Iterable[Line]) -> set[int]:
    """Give the widths of lines in cells."""
    return {width_of(line) for line in lines}
