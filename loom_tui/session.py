"""One room's view of its store: what is new in it, what its person does, and their seat in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Raw, Struct
from msgspec.json import encode
from msgspec.structs import replace

from loom_tui.config.plans import PlanFile
from loom_tui.editing import Editing
from loom_tui.gathering import Gathering, adopt, append_deed, append_payload, collector_view
from loom_tui.orders import GUARD, Act, Ask, Command, Intent, LookAt, Window
from loom_tui.plan.model import Plan
from loom_tui.room.deeds import Deed, Refused
from loom_tui.room.door import Person, may_ask, stand_back, why_only_looks
from loom_tui.room.events import Event, Payload
from loom_tui.room.fold import Folder
from loom_tui.room.guard import is_heard
from loom_tui.room.mail import Reply, decode_reply
from loom_tui.room.presence import SEAT_TTL_S, Seat, Terminal
from loom_tui.room.record import CHAIN
from loom_tui.room.snapshot import CollectorView, Snapshot
from loom_tui.room.tail import OUTPUT
from loom_tui.store.base import Store, StoreError, Token

if TYPE_CHECKING:
    from loom_tui.inspection import Inspection
    from loom_tui.room import guarded
    from loom_tui.tailing import Tailing

READINGS_EVERY_S = 2.0  # what only moves; what turned is shown at the next look
AGES_EVERY_S = 5.0
ACTION_EVERY_S = 1.0  # while an action is under way: its countdown and its steps are timed
SEAT_EVERY_S = 3.0
SEAT_MOVED_S = 1.0  # so soon a room that went to another screen says so
FROZEN = "The disk under the store is full: the room is shown as it was when it was opened. Free some space, open anew."
COLLECTOR_GRACE_S = 6.0  # a takeover takes up to 5 s; before that nothing is started a second time


class RoomPlace(Struct, frozen=True, kw_only=True):
    """Which room this is: its plan and the file it was read from, how its store is opened, who looks, who collects."""

    plan: Plan
    plan_file: PlanFile
    open_store: Callable[[Plan], Store]
    actor: str
    read_only: bool
    clock: Callable[[], float]
    terminal: Terminal = Terminal()
    start_collector: Callable[[Path], str] | None = None  # gives "" or a sentence why it cannot
    start_runner: Callable[[int], str] = lambda _: "This room starts no runners"  # as above, of an action


class Session:
    """One room's view of its store, in one thread. `look` gives a snapshot when there is something new."""

    def __init__(self, place: RoomPlace) -> None:
        self._place = place
        self._person = Person(place.actor, place.read_only)
        self._plan = place.plan
        self._store = place.open_store(place.plan)
        self._folder = Folder(place.plan)
        self._token: Token | None = None
        self._gathering = Gathering(place.plan, self._store)
        self._snapshot_at = 0.0
        self._readings_at = 0.0
        self._unread = True  # there are readings that are not shown yet
        self._questions: dict[int, Ask] = {}
        self._inspection: Inspection | None = None
        self._tailing: Tailing | None = None
        self._decided: list[tuple[Ask, Reply]] = []
        self._acting = False
        self._seat = Seat(
            room=f"{place.terminal.host}:{os.getpid()}:{id(self):x}",
            login=place.actor,
            terminal=place.terminal,
            screen="1",
            since=place.clock(),
            until=0.0,
        )
        self._seated_at, self._seated_before = 0.0, ""
        self._started_at = 0.0
        self._editing = Editing(place.plan_file, now=place.clock())
        self._collector_trouble = self._write_trouble = ""
        self._disk_trouble = FROZEN if self._store.frozen else ""
        self._adopt()

    @property
    def trouble(self) -> str:
        """Say what a person must know: a refused write first, then the plan's faults, then a missing collector."""
        return self._write_trouble or self._disk_trouble or self._editing.trouble or self._collector_trouble

    def close(self) -> None:
        """Leave the room."""
        with suppress(StoreError):
            if self._seat.until:
                self._store.leave_seat(self._seat.room)
        self._store.close()

    def obey(self, command: Command) -> None:
        """Carry out one of the person's commands; a refusal becomes `trouble`."""
        if isinstance(command, Window):
            self._gathering.window_s = command.seconds
            self._readings_at = 0.0
            self._unread = True
            return
        if isinstance(command, LookAt):
            self._seat = replace(self._seat, screen=command.screen)
            return
        if isinstance(command, Ask) and command.what == CHAIN:
            self._inspect(whole=command.subject == "whole")
            return
        if isinstance(command, Ask) and command.what == OUTPUT:
            self._follow(command.subject)
            return
        if isinstance(command, Act):
            self._decided.append((Ask(GUARD, command.asked), self._act(command.intent)))
            return
        now = self._place.clock()
        try:
            if isinstance(command, Intent):
                self._do(command.deed, now)
            elif isinstance(command, Ask):
                may_ask(self._plan, self._person)
                asked = self._store.ask(command.what, command.subject, asked_by=self._place.actor, at=now)
                if command.what != "poll":
                    self._questions[asked] = command
            self._write_trouble = ""
        except (StoreError, Refused) as error:
            self._write_trouble = str(error)

    def _do(self, deed: Payload | Deed, now: float) -> Event:
        """Write something down; what hangs on the room's state is decided against the newest of it."""
        if not callable(deed):
            return append_payload(self._store, deed, plan=self._plan, person=self._person, at=now)
        self._gathering.read(self._folder.ledger.marks, now=now)
        self._readings_at = 0.0  # what it is decided on is shown at the next look
        observations = self._gathering.observations(collector_view(self._store, now=now))
        return append_deed(
            self._store, deed, folder=self._folder, observations=observations, person=self._person, at=now
        )

    def _act(self, intent: guarded.Intent) -> Reply:
        """Have the guard decide, and what it let through begun; the reply says what became of it."""
        from loom_tui.guarding import have_done, read_scripts  # noqa: PLC0415 - a room that opens needs no guard: 4 ms
        from loom_tui.room.guarded import deed_of  # noqa: PLC0415 - as above

        now = self._place.clock()
        observations = self._gathering.observations(collector_view(self._store, now=now))
        try:
            stand_back(self._person)  # before a step's file is read for it
            action = have_done(
                intent,
                read=lambda arm: read_scripts(
                    arm, self._plan, self._place.plan_file.path.parent, by=self._person.login
                ),
                keep=self._store.keep,
                write=lambda each: self._do(deed_of(each), self._place.clock()),
                start=self._place.start_runner,
                lives=lambda each: is_heard(observations.runners.get(each), now),
            )
        except Refused as refusal:
            return Reply(why=str(refusal))
        except StoreError as error:
            return Reply(why=f"{error} By hand: loom rollback --print")
        return Reply(body=Raw(encode(action)))

    def look(self) -> Snapshot | None:
        """Take in what is new since the last look; None while there is nothing to show anew."""
        now = self._place.clock()
        self._reload_plan(now)
        self._be_present(now)
        token = self._store.token()
        events = self._new_events(token)
        fresh_readings = self._new_readings(token, now)
        self._token = token
        aged = not 0 <= now - self._snapshot_at < (ACTION_EVERY_S if self._acting else AGES_EVERY_S)
        if not (events or fresh_readings or aged):
            return None
        self._snapshot_at = now
        snapshot = self._folder.snapshot(self._gathering.observations(self._collector(now)), now)
        self._acting = snapshot.action is not None
        return snapshot

    def replies(self) -> Iterator[tuple[Ask, Reply]]:
        """Give the replies that came to this room's questions since the last look, and what it tells itself."""
        decided, self._decided = self._decided, []
        yield from decided
        if self._tailing is not None:
            tail = self._tailing.look(self._folder.ledger.actions.views.get(self._tailing.action))
            if tail is not None:
                yield Ask(OUTPUT, str(tail.action)), Reply(body=Raw(encode(tail)))
        if self._inspection is not None:
            view = self._inspection.go_on(self._store.token().journal, self._folder.ledger.events)
            if view is not None:
                yield Ask(CHAIN, ""), Reply(body=Raw(encode(view)))
        if not self._questions:
            return
        for request in self._store.requests(after=min(self._questions) - 1):
            if request.answered_at is not None and request.id in self._questions:
                yield self._questions.pop(request.id), decode_reply(request.answer)

    @property
    def inspects(self) -> bool:
        """Whether the journal's chain is being checked, and more of it waits."""
        return self._inspection is not None and not self._inspection.done

    def _inspect(self, *, whole: bool) -> None:
        """Check the chain, from now on as it grows."""
        if self._inspection is None:
            from loom_tui.inspection import Inspection  # noqa: PLC0415 - as `_act`'s

            self._inspection = Inspection(self._store)
        elif whole:
            self._inspection.restart()
        self._inspection.tell()

    def _follow(self, action: str) -> None:
        """Read on in what an action's steps write; in none's where it is empty."""
        from loom_tui.tailing import Tailing  # noqa: PLC0415 - as `_act`'s

        self._tailing = Tailing(self._store.directory, int(action)) if action else None

    def _new_events(self, token: Token) -> Sequence[Event]:
        if self._token is not None and token.journal == self._token.journal:
            return ()
        events = self._store.events(after=self._folder.ledger.seq)
        self._folder.take(events)
        return events

    def _new_readings(self, token: Token, now: float) -> bool:
        """Read what was recorded when it is due, or at once where a signal turned; says whether it did."""
        written = self._token is None or token.readings != self._token.readings
        self._unread = self._unread or written
        due = not 0 <= now - self._readings_at < READINGS_EVERY_S
        if not (self._unread and due) and not (written and self._gathering.turned()):
            return False
        self._readings_at, self._unread = now, False
        self._gathering.read(self._folder.ledger.marks, now=now)
        return True

    def _collector(self, now: float) -> CollectorView:
        view = collector_view(self._store, now=now)
        if view.alive:
            self._collector_trouble = ""
            return view
        self._start_collector(now)
        return replace(view, why=self._collector_trouble or view.why)

    def _start_collector(self, now: float) -> None:
        """Start a collector where none runs. Whoever wins the lease stays, so starting two does no harm."""
        start = self._place.start_collector
        if start is None or 0 <= now - self._started_at < COLLECTOR_GRACE_S:
            return
        self._started_at = now
        self._collector_trouble = start(self._place.plan_file.path)

    def _be_present(self, now: float) -> None:
        """Say that somebody looks, and where: the others see it, and the collector stays.

        Where that cannot be said, nothing else can be. Whoever opened the room to look alone leaves no trace in it.
        """
        every_s = SEAT_EVERY_S if self._seat.screen == self._seated_before else SEAT_MOVED_S
        if self._place.read_only or 0 <= now - self._seated_at < every_s:
            return
        self._seated_at, self._seated_before = now, self._seat.screen
        self._seat = replace(self._seat, until=now + SEAT_TTL_S)
        try:
            self._store.take_seat(self._seat)
            self._disk_trouble = ""
        except StoreError as error:
            self._disk_trouble = str(error)

    def _reload_plan(self, now: float) -> None:
        """Take the plan's file again when it was edited."""
        plan = self._editing.look(self._plan, now)
        if plan is not None:
            self._plan = plan
            self._folder = Folder(plan, self._folder.ledger)
            self._gathering.plan = plan
            self._token = None
            self._adopt()

    def _adopt(self) -> None:
        """Keep this version of the plan and say so in the journal, unless it is the one in force."""
        if why_only_looks(self._plan, self._person):
            return
        adopt(self._store, self._plan, self._folder, actor=self._place.actor, at=self._place.clock())
