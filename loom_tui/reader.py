"""The background thread between a store and a screen: snapshots out, intents in.

All of a room's I/O happens on this one thread, so that a slow disk never holds up a key. It looks at the
store four times a second, which costs next to nothing while nobody writes, and folds anew when something
changed: events at once, and so whatever turned (a feed that failed or came back, a check), figures at most every two
seconds, and every five seconds for what only ages.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from loom_tui.orders import Act, Ask, Command, Intent, Listener, LookAt, Stop, Window
from loom_tui.room.deeds import Deed
from loom_tui.room.events import Payload
from loom_tui.room.mail import Reply
from loom_tui.room.snapshot import Snapshot
from loom_tui.session import RoomPlace, Session
from loom_tui.store.base import StoreError

if TYPE_CHECKING:
    from loom_tui.room import guarded

LOOK_EVERY_S = 0.25
BREATH_S = 0.01  # between two steps of checking the journal's chain: keys come first


class Reader:
    """The thread's handle: start, listen, tell, stop. Every method is safe to call from the app's thread.

    It may be started before there is anybody to listen: what it finds meanwhile is kept.
    """

    def __init__(self, place: RoomPlace) -> None:
        self._place = place
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="loom-reader", daemon=True)
        self._listener: Listener | None = None
        self._newest: Snapshot | None = None
        self._trouble = ""

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def listen(
        self,
        snapshot: Callable[[Snapshot], None],
        trouble: Callable[[str], None],
        reply: Callable[[str, str, Reply], None],
    ) -> Snapshot | None:
        """Have what comes from now on told, and trouble that is there already; gives the newest snapshot so far."""
        self._listener = Listener(snapshot, trouble, reply)
        if self._trouble:
            trouble(self._trouble)
        return self._newest

    def submit(self, deed: Payload | Deed) -> None:
        """Do something as this room's person."""
        self._commands.put(Intent(deed))

    def act(self, asked: str, intent: guarded.Intent) -> None:
        """Have the guard decide on what this person wants of an action."""
        self._commands.put(Act(asked, intent))

    def ask(self, what: str, subject: str) -> None:
        """Ask the collector to poll a source now, or a question of the source's own."""
        self._commands.put(Ask(what, subject))

    def set_window(self, seconds: float) -> None:
        """Choose the database's window."""
        self._commands.put(Window(seconds))

    def look_at(self, screen: str) -> None:
        """Have the others know which screen this room's person looks at."""
        self._commands.put(LookAt(screen))

    def stop(self) -> None:
        """End the thread and wait for its files to close; a wait that never outlasts two seconds."""
        self._commands.put(Stop())
        self._thread.join(timeout=2.0)

    # What is told is kept before the listener is looked for, and `listen` takes its place before it looks at what is
    # kept: at worst something is told twice.

    def _show(self, snapshot: Snapshot) -> None:
        self._newest = snapshot
        if self._listener is not None:
            self._listener.snapshot(snapshot)

    def _tell(self, trouble: str) -> None:
        self._trouble = trouble
        if self._listener is not None:
            self._listener.trouble(trouble)

    def _reply(self, question: Ask, reply: Reply) -> None:
        if self._listener is not None:  # who does not listen yet has asked nothing
            self._listener.reply(question.what, question.subject, reply)

    def _run(self) -> None:
        try:
            session = Session(self._place)
        except (StoreError, OSError) as error:
            self._tell(str(error))
            return
        try:
            self._loop(session)
        except Exception as error:  # noqa: BLE001 - the thread's wall: a defect is told, and never drawn over the screen
            self._tell(f"The room stopped reading ({type(error).__name__}); what is shown grows old. Open it anew.")
        finally:
            session.close()

    def _loop(self, session: Session) -> None:
        while True:
            trouble = session.trouble
            try:
                snapshot = session.look()
                if snapshot is not None:
                    self._show(snapshot)
            except StoreError as error:
                trouble = str(error)
            try:
                for question, reply in session.replies():
                    self._reply(question, reply)
            except StoreError as error:
                trouble = trouble or str(error)
            if trouble != self._trouble:
                self._tell(trouble)
            try:
                command = self._commands.get(timeout=BREATH_S if session.inspects else LOOK_EVERY_S)
            except queue.Empty:
                continue
            if isinstance(command, Stop):
                return
            session.obey(command)
