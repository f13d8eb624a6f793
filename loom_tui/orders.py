"""What a room's app tells its reader, and how it is told what became of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from loom_tui.room.deeds import Deed
from loom_tui.room.events import Payload
from loom_tui.room.mail import Reply
from loom_tui.room.snapshot import Snapshot

if TYPE_CHECKING:
    from loom_tui.room import guarded  # a room that opens needs no guard

GUARD = "guard"  # the reply to what was asked of the guard; its body is the action's number, 0 for the stop of all


class Intent(Struct, frozen=True):
    """Something that a person in this room does; it becomes an event, or a sentence why not."""

    deed: Payload | Deed


class Act(Struct, frozen=True):
    """Have the guard decide on what a person wants of an action; the reply (`GUARD`) is told under the name `asked`."""

    asked: str
    intent: guarded.Intent


class Ask(Struct, frozen=True):
    """Ask something of the collector: "poll" a source, or a question of the source's own (see `store.base.Request`).

    What is asked of the journal's chain (`room.record.CHAIN`) the room answers itself: "whole" checks it from its first
    event, anything else goes on from where it was checked to. So it does with an action's output (`room.tail.OUTPUT`):
    it is told as it grows, until another action's is asked for, or "" for none.
    """

    what: str
    subject: str


class Window(Struct, frozen=True):
    """Show the database's percentiles over this many seconds."""

    seconds: float


class LookAt(Struct, frozen=True):
    """This room's person looks at the screen of this key."""

    screen: str


class Stop(Struct, frozen=True):
    """End the thread."""


Command = Intent | Act | Ask | Window | LookAt | Stop


class Listener(Struct, frozen=True):
    """What the reader calls, on its own thread.

    A new snapshot; a sentence that a person must see ("" clears it); a reply, with what was asked of whom.
    """

    snapshot: Callable[[Snapshot], None]
    trouble: Callable[[str], None]
    reply: Callable[[str, str, Reply], None]


class SnapshotSource(Protocol):
    """Where snapshots come from and intents go; its calls return at once, its answers come on another thread."""

    def listen(
        self,
        snapshot: Callable[[Snapshot], None],
        trouble: Callable[[str], None],
        reply: Callable[[str, str, Reply], None],
    ) -> Snapshot | None:
        """Give the newest snapshot so far; tell of later ones, of trouble ("" when it is over), and of replies."""
        ...

    def submit(self, deed: Payload | Deed) -> None:
        """Write down what this room's person did."""
        ...

    def act(self, asked: str, intent: guarded.Intent) -> None:
        """Have the guard decide on an intent; the reply is told under the name `asked`."""
        ...

    def ask(self, what: str, subject: str) -> None:
        """Have a source asked now ("poll"), or ask it something of its own ("event" of "sentry 4711")."""
        ...

    def set_window(self, seconds: float) -> None:
        """Choose how far back the database's percentiles reach."""
        ...

    def look_at(self, screen: str) -> None:
        """Have the others know which screen this room's person looks at."""
        ...
