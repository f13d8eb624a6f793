"""The store on SQLite: one directory a room, `journal.db` and `readings.db` in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from loom_tui.plan.signals import Signal
from loom_tui.room.checks import Run
from loom_tui.room.events import Event, Payload
from loom_tui.room.presence import Seat
from loom_tui.room.record import Record
from loom_tui.room.signals import Bucket, Reading, Stored
from loom_tui.store.base import Head, Lease, Request, Store, StoreBroken, StoreRefused, Token
from loom_tui.store.database import JOURNAL, READINGS, Database, open_database
from loom_tui.store.journal import Journal
from loom_tui.store.leases import Leases
from loom_tui.store.place import prepare
from loom_tui.store.presence import Seats
from loom_tui.store.readings import Readings


def open_store(directory: Path, *, plan_id: str, group: str | None = None, read_only: bool = False) -> SqliteStore:
    """Open (and make, unless `read_only`) a plan's store in its sub-directory of `directory`.

    Raises StoreMissing for a read-only one that was never made, StoreTooNew, StoreRefused, StoreFull, StoreBroken.
    """
    place = prepare(directory, plan_id=plan_id, group=group, create=not read_only)
    had_readings = (place.directory / "readings.db").exists()
    if had_readings and not (place.directory / "journal.db").exists():  # the journal is always made first
        raise StoreBroken(f"the journal is gone from {place.directory}. Put it back, or move the whole directory away.")
    journal = open_database(place, JOURNAL, read_only=read_only)
    try:
        _hold_to_room(journal, plan_id)
        readings = open_database(place, READINGS, read_only=read_only)
    except BaseException:
        journal.close()
        raise
    return SqliteStore(journal, readings)


def _hold_to_room(journal: Database, plan_id: str) -> None:
    """Refuse a journal that began as another room's: its directory was copied or renamed. Raises StoreRefused."""
    about = Journal(journal).began_with()
    if about is not None and about.room_id != plan_id:
        raise StoreRefused(
            f"{journal.path.parent} holds the journal of another room, {about.room_id!r}, and not of {plan_id!r}: it "
            "was copied or renamed. Nothing was changed; move it away, or name another place by --store."
        )


class SqliteStore(Store):
    """One room's store; see `base.Store` for what each part promises."""

    def __init__(self, journal: Database, readings: Database) -> None:
        self._files = (journal, readings)
        self._journal = Journal(journal)
        self._readings = Readings(readings)
        self._leases = Leases(readings)
        self._seats = Seats(readings)

    @property
    def directory(self) -> Path:
        """Where the room's files lie."""
        return self._files[0].path.parent

    @property
    def frozen(self) -> bool:
        """Whether it is seen as it was when it was opened, and nothing later."""
        return any(file.frozen for file in self._files)

    def append(self, payload: Payload, *, actor: str, at: float) -> Event:
        """Append one event; when this returns, it survives a power cut."""
        return self._journal.append(payload, actor=actor, at=at)

    def decide(self, decide: Callable[[Sequence[Event]], Payload], *, after: int, actor: str, at: float) -> Event:
        """Append what `decide` makes of the events after `after`, inside the appending transaction."""
        return self._journal.decide(decide, after=after, actor=actor, at=at)

    def events(self, *, after: int = 0) -> list[Event]:
        """Read the events with `seq` above `after`. Raises StoreTooNew for a kind from a later version."""
        return self._journal.events(after=after)

    def records(self, *, after: int = 0, limit: int) -> list[Record]:
        """Read up to `limit` rows above `after` as they are stored, of whatever kind."""
        return self._journal.records(after=after, limit=limit)

    def given(self) -> int:
        """Say the highest number that was ever given to an event, also to one that is gone."""
        return self._journal.given()

    def head(self) -> Head:
        """Name the newest event."""
        return self._journal.head()

    def verify(self) -> Head:
        """Check the whole chain. Raises ChainBroken."""
        return self._journal.verify()

    def keep(self, body: bytes) -> str:
        """Keep a plan's JSON, or what a step runs, whole; gives its sha256."""
        return self._journal.keep(body)

    def kept(self, digest: str) -> bytes:
        """Give back what was kept. Raises KeyError, KeptChanged."""
        return self._journal.kept(digest)

    def define(self, signals: Iterable[Signal]) -> None:
        """Say which signals there are, and of what kind."""
        self._readings.define(signals)

    def record(self, readings: Iterable[Reading], *, lease: Lease, now: float) -> None:
        """Keep a tick's readings in one transaction. Raises LeaseLost."""
        self._readings.record(readings, lease=lease, now=now)

    def latest(self, *, changed_after: float = 0.0) -> dict[str, Stored]:
        """Give each signal's newest reading, of those recorded after `changed_after`."""
        return self._readings.latest(changed_after=changed_after)

    def history(self) -> dict[str, tuple[Run, ...]]:
        """Give each check's last runs, newest last."""
        return self._readings.history()

    def series(self, signal: str, *, start: float, end: float, step_s: int) -> list[Bucket]:
        """Give the buckets that begin in [start, end), in steps of 1, 10 or 60 seconds."""
        return self._readings.series(signal, start=start, end=end, step_s=step_s)

    def acquire(self, name: str, *, holder: str, ttl_s: float, now: float) -> Lease | None:
        """Take a lease that is free or has run out; None while another holds it."""
        return self._leases.acquire(name, holder=holder, ttl_s=ttl_s, now=now)

    def renew(self, lease: Lease, *, ttl_s: float, now: float) -> Lease:
        """Prolong a lease. Raises LeaseLost."""
        return self._leases.renew(lease, ttl_s=ttl_s, now=now)

    def release(self, lease: Lease) -> None:
        """Give a lease back."""
        self._leases.release(lease)

    def lease(self, name: str) -> Lease | None:
        """Show who holds a lease, also one that has run out."""
        return self._leases.lease(name)

    def leases(self, *, prefix: str = "") -> list[Lease]:
        """Show the leases whose names begin with `prefix`, also those that have run out."""
        return self._leases.leases(prefix=prefix)

    def take_seat(self, seat: Seat) -> None:
        """Say that somebody is in the room, and where they look."""
        self._seats.take(seat)

    def leave_seat(self, room: str) -> None:
        """Say that somebody has left the room."""
        self._seats.leave(room)

    def seats(self) -> list[Seat]:
        """Show who said that they are in the room."""
        return self._seats.seats()

    def ask(self, what: str, subject: str, *, asked_by: str, at: float) -> int:
        """Post a request to the collector; gives its id."""
        return self._leases.ask(what, subject, asked_by=asked_by, at=at)

    def requests(self, *, after: int = 0) -> list[Request]:
        """Read the requests with an id above `after`."""
        return self._leases.requests(after=after)

    def answer(self, request_id: int, answer: str, *, lease: Lease, at: float) -> None:
        """Answer a request. Raises LeaseLost; KeyError for one that is gone."""
        self._leases.answer(request_id, answer, lease=lease, at=at)

    def token(self) -> Token:
        """Say cheaply (10 µs) whether anything was written since."""
        return Token(*(file.version() for file in self._files))

    def prune(self, *, now: float) -> None:
        """Pack what is older than the last full hour, drop what is older than its keep, and old mail."""
        self._readings.prune(now=now)
        self._leases.prune(now=now)
        self._seats.prune(now=now)

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()
