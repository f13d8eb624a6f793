"""What the rest of Loom may ask of a store, and the sentences it is refused with.

A store keeps one room: a journal (durable at once), readings (batched), leases and requests. Several
processes use it together. Times are Unix seconds, UTC, and always arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from loom_tui.plan.signals import Signal
from loom_tui.refusal import Refusal
from loom_tui.room.checks import Run
from loom_tui.room.events import Event, Payload
from loom_tui.room.presence import Seat
from loom_tui.room.record import Record
from loom_tui.room.signals import Bucket, Reading, Stored


class StoreError(Refusal):
    """A store that cannot be used; the message is a sentence that says what is wrong and what to do."""


class StoreMissing(StoreError):
    """There is no store there yet, and it was to be opened read-only."""


class StoreTooNew(StoreError):
    """The store was written by a later version of Loom."""


class StoreRefused(StoreError):
    """The store's place is not safe or not ours: other owner, writable by others, not a directory."""


class StoreBusy(StoreError):
    """Another process held the store for too long: nothing was written, and the same may be tried again."""


class StoreFull(StoreError):
    """The disk under the store is full; nothing was acknowledged that is not kept."""


class StoreBroken(StoreError):
    """The store's files are damaged or not a store."""


class KeptChanged(StoreBroken):
    """What was kept is there, and was changed: asking again brings it back no more than what is not there."""


class LeaseLost(StoreError):
    """Somebody took the lease over: nothing more may be written under this epoch."""


class ChainBroken(StoreError):
    """The journal's chain does not hold; `seq` is the first bad event."""

    def __init__(self, seq: int, why: str) -> None:
        super().__init__(f"event {seq}: {why}")
        self.seq = seq
        self.why = why


class Head(Struct, frozen=True):
    """The journal's newest event: its number (0 for an empty journal) and its hash."""

    seq: int
    hash: str


class Lease(Struct, frozen=True, kw_only=True):
    """A right to write readings. The store refuses an epoch older than the newest."""

    name: str
    holder: str
    epoch: int
    until: float
    ttl_s: float


class Request(Struct, frozen=True, kw_only=True):
    """Something a room asks of the collector; mail, not state.

    `what` is "poll" (the subject, a source's name, is asked now; answered once its readings are kept) or a question
    of that source's own ("event", "explain"), whose subject is the source's name, a blank and the rest ("db
    dashboard"). The answer is a `Reply`.
    """

    id: int
    asked_at: float
    asked_by: str
    what: str
    subject: str
    answered_at: float | None = None
    answer: str = ""


class Token(Struct, frozen=True):
    """Differs from an earlier one when somebody wrote; cheap enough to ask four times a second."""

    journal: int
    readings: int


class Store(Protocol):
    """One room's store, open in this process. Not for use by two threads at once: open one a thread."""

    @property
    def directory(self) -> Path:
        """Where the room's files lie on this host; what actions write is kept beneath it."""
        ...

    def append(self, payload: Payload, *, actor: str, at: float) -> Event:
        """Append one event; when this returns, it survives a power cut."""
        ...

    def decide(self, decide: Callable[[Sequence[Event]], Payload], *, after: int, actor: str, at: float) -> Event:
        """Append what `decide` makes of the events after `after`, inside the appending transaction.

        An exception that `decide` raises passes through, and nothing is appended.
        """
        ...

    def events(self, *, after: int = 0) -> list[Event]:
        """Read the events with `seq` above `after`, in order."""
        ...

    def records(self, *, after: int = 0, limit: int) -> list[Record]:
        """Read up to `limit` rows above `after` as they are stored: also without a payload, or of a later version."""
        ...

    def given(self) -> int:
        """Say the highest number that was ever given to an event, also to one that is gone."""
        ...

    def head(self) -> Head:
        """Name the newest event."""
        ...

    def verify(self) -> Head:
        """Check the whole chain. Raises ChainBroken with the first bad event."""
        ...

    def keep(self, body: bytes) -> str:
        """Keep a plan's JSON, or what a step runs, whole; gives its sha256. Keeping the same twice keeps one."""
        ...

    def kept(self, digest: str) -> bytes:
        """Give back what was kept. Raises KeyError, and KeptChanged where it is no longer that."""
        ...

    def define(self, signals: Iterable[Signal]) -> None:
        """Say which signals there are, so that latencies alone keep a sketch."""
        ...

    def record(self, readings: Iterable[Reading], *, lease: Lease, now: float) -> None:
        """Keep a tick's readings in one transaction. Raises LeaseLost under an old epoch."""
        ...

    def latest(self, *, changed_after: float = 0.0) -> dict[str, Stored]:
        """Give each signal's newest reading, of those recorded after `changed_after`."""
        ...

    def history(self) -> dict[str, tuple[Run, ...]]:
        """Give each check's last runs, newest last; ten at most."""
        ...

    def series(self, signal: str, *, start: float, end: float, step_s: int) -> list[Bucket]:
        """Give the rolled-up readings of [start, end) in steps of 1, 10 or 60 seconds; empty buckets are left out."""
        ...

    def acquire(self, name: str, *, holder: str, ttl_s: float, now: float) -> Lease | None:
        """Take a lease that is free or has run out, with a new epoch; None while another holds it."""
        ...

    def renew(self, lease: Lease, *, ttl_s: float, now: float) -> Lease:
        """Prolong a lease. Raises LeaseLost."""
        ...

    def release(self, lease: Lease) -> None:
        """Give a lease back; does nothing if it was lost."""
        ...

    def lease(self, name: str) -> Lease | None:
        """Show who holds a lease, also one that has run out."""
        ...

    def leases(self, *, prefix: str = "") -> list[Lease]:
        """Show the leases whose names begin with `prefix`, also those that have run out."""
        ...

    def take_seat(self, seat: Seat) -> None:
        """Say that somebody is in the room, and where they look."""
        ...

    def leave_seat(self, room: str) -> None:
        """Say that somebody has left the room."""
        ...

    def seats(self) -> list[Seat]:
        """Show who said that they are in the room, also those whose word has run out."""
        ...

    def ask(self, what: str, subject: str, *, asked_by: str, at: float) -> int:
        """Post a request to the collector; gives its id."""
        ...

    def requests(self, *, after: int = 0) -> list[Request]:
        """Read the requests with an id above `after`, answered or not."""
        ...

    def answer(self, request_id: int, answer: str, *, lease: Lease, at: float) -> None:
        """Answer a request. Raises LeaseLost."""
        ...

    @property
    def frozen(self) -> bool:
        """Whether it is seen as it was when it was opened, and nothing later: for want of space beside it."""
        ...

    def token(self) -> Token:
        """Say cheaply whether anything was written since."""
        ...

    def prune(self, *, now: float) -> None:
        """Roll up and drop what is older than its keep; part of the collector's work."""
        ...

    def close(self) -> None:
        """Close the files."""
        ...
