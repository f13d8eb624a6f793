"""The journal: append-only, hash-chained, durable at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from hashlib import sha256
from math import isfinite
from typing import get_args

import msgspec

from loom_tui.plan.model import About
from loom_tui.room.events import Event, Payload, PlanAdopted, decode_payload, encode_payload
from loom_tui.room.record import Record
from loom_tui.store import chain
from loom_tui.store.base import Head, KeptChanged, StoreBroken, StoreError, StoreTooNew
from loom_tui.store.database import Database
from loom_tui.store.text import storable

_KINDS = frozenset(str(kind.__struct_config__.tag) for kind in get_args(Payload))

_RECORDS = "SELECT seq, at, actor, payload, digest, hash FROM events WHERE seq > ? ORDER BY seq LIMIT ?"

_ADOPTS = b'{"kind":"plan_adopted"'
_EARLY = 1000  # a room adopts its plan when it opens; whatever is older than that, opening reads no long journal
_ADOPTED = "SELECT payload FROM events WHERE seq <= ? AND substr(payload, 1, ?) = ? ORDER BY seq LIMIT 1"


class _Plan(msgspec.Struct):
    plan: About


class _Kind(msgspec.Struct):
    kind: str


class Journal:
    """The events of one room, and what they name by its digest: plans, and what steps run."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, payload: Payload, *, actor: str, at: float) -> Event:
        """Append one event; when this returns, it survives a power cut."""
        return self.decide(lambda _: payload, after=None, actor=actor, at=at)

    def decide(
        self, decide: Callable[[Sequence[Event]], Payload], *, after: int | None, actor: str, at: float
    ) -> Event:
        """Append what `decide` makes of the events after `after` (None: it need not see any)."""
        if not isfinite(at):
            raise ValueError(f"an event needs a time, not {at}")
        actor = storable(actor)
        self._database.still_there()
        with self._database.write() as connection:
            seen = [] if after is None else self._events(connection, after)
            payload = decide(seen)
            body = encode_payload(payload)
            head = self._head(connection)
            digest = chain.digest_of(body)
            event_hash = chain.link(head.hash, seq=head.seq + 1, at=at, actor=actor, digest=digest)
            connection.execute(
                "INSERT INTO events (seq, at, actor, payload, digest, hash) VALUES (?, ?, ?, ?, ?, ?)",
                (head.seq + 1, at, actor, body, digest, event_hash),
            )
        return Event(seq=head.seq + 1, at=at, actor=actor, payload=payload, hash=event_hash)

    def events(self, *, after: int) -> list[Event]:
        """Read the events above `after`. One whose payload had to be removed is left out.

        Raises StoreTooNew for a kind that this version does not know: a room that left it out would show a state
        that never was. `verify` reads such a journal all the same.
        """
        with self._database.read() as connection:
            return self._events(connection, after)

    def head(self) -> Head:
        """Name the newest event."""
        with self._database.read() as connection:
            return self._head(connection)

    def records(self, *, after: int, limit: int) -> list[Record]:
        """Read up to `limit` rows above `after` as they are stored."""
        with self._database.read() as connection:
            return [Record(*row) for row in connection.execute(_RECORDS, (after, limit))]

    def given(self) -> int:
        """Say the highest number that was ever given to an event, also to one that is gone."""
        with self._database.read() as connection:
            row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
            return row[0] if row else 0

    def verify(self) -> Head:
        """Check the whole chain. Raises ChainBroken with the first bad event."""
        # The number first: an event appended between the two reads must not look like a missing one.
        given = self.given()
        with self._database.read() as connection:
            return chain.verify((Record(*row) for row in connection.execute(_RECORDS, (0, -1))), given=given)

    def keep(self, body: bytes) -> str:
        """Keep a plan, or what a step runs, whole under its sha256."""
        digest = sha256(body).hexdigest()
        with self._database.read() as connection:
            kept = connection.execute("SELECT 1 FROM plans WHERE hash = ?", (digest,)).fetchone()
        if kept is None:
            self._database.still_there()
            with self._database.write() as connection:
                connection.execute("INSERT OR IGNORE INTO plans (hash, body) VALUES (?, ?)", (digest, body))
        return digest

    def kept(self, digest: str) -> bytes:
        """Give back what was kept. Raises KeyError; KeptChanged where it is no longer what was kept."""
        with self._database.read() as connection:
            row = connection.execute("SELECT body FROM plans WHERE hash = ?", (digest,)).fetchone()
        if row is None:
            raise KeyError(digest)
        body: bytes = row[0]
        if sha256(body).hexdigest() != digest:
            raise KeptChanged(f"{self._database.path}: what was kept as {digest[:12]} was changed.")
        return body

    def began_with(self) -> About | None:
        """Give what the first version of the plan that was adopted says of itself; None where that cannot be told."""
        try:
            with self._database.read() as connection:
                row = connection.execute(_ADOPTED, (_EARLY, len(_ADOPTS), _ADOPTS)).fetchone()
            if row is None:
                return None
            adopted = msgspec.json.decode(row[0], type=PlanAdopted)
            return msgspec.json.decode(self.kept(adopted.plan_hash), type=_Plan).plan
        except (KeyError, StoreError, msgspec.DecodeError):  # told where it is read
            return None

    def _head(self, connection: sqlite3.Connection) -> Head:
        row = connection.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
        return chain.EMPTY if row is None else Head(*row)

    def _events(self, connection: sqlite3.Connection, after: int) -> list[Event]:
        rows = connection.execute(
            "SELECT seq, at, actor, payload, hash FROM events WHERE seq > ? AND payload IS NOT NULL ORDER BY seq",
            (after,),
        ).fetchall()
        return [
            Event(seq=seq, at=at, actor=actor, payload=self._payload(seq, body), hash=event_hash)
            for seq, at, actor, body, event_hash in rows
        ]

    def _payload(self, seq: int, body: bytes) -> Payload:
        try:
            return decode_payload(body)
        except msgspec.DecodeError as error:
            try:
                kind = msgspec.json.decode(body, type=_Kind).kind
            except msgspec.DecodeError:
                kind = ""
            if kind and kind not in _KINDS:
                raise StoreTooNew(
                    f"event {seq} in {self._database.path} is of a kind that this Loom does not know ({kind}): "
                    "a later version wrote it. Update Loom on this host; nothing was changed."
                ) from error
            raise StoreBroken(f"{self._database.path}: event {seq} cannot be read ({error}).") from error
