"""Leases, and the requests that rooms leave for whoever holds one. Both live in the readings' file."""

from __future__ import annotations

import sqlite3

import msgspec

from loom_tui.room.alive import is_alive
from loom_tui.store.base import Lease, LeaseLost, Request
from loom_tui.store.database import Database
from loom_tui.store.text import storable

KEPT_S = 86_400.0  # answered or not, run out or given back: what is older is nobody's any more


def hold(connection: sqlite3.Connection, lease: Lease) -> None:
    """Make sure, inside a writing transaction, that a lease was not taken over. Raises LeaseLost.

    One that has run out but that nobody took is still good: its writer is the only one.
    """
    row = connection.execute("SELECT holder, epoch FROM leases WHERE name = ?", (lease.name,)).fetchone()
    if row is None or not row[0]:
        raise LeaseLost(f"the {lease.name} lease was given back; nothing was written under its epoch {lease.epoch}.")
    if row != (lease.holder, lease.epoch):
        raise LeaseLost(
            f"{row[0]} took the {lease.name} lease over (epoch {row[1]}); "
            f"nothing was written under its epoch {lease.epoch}."
        )


class Leases:
    """Who may write readings, and what they were asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(self, name: str, *, holder: str, ttl_s: float, now: float) -> Lease | None:
        """Take a lease that is free, has run out, or is this holder's own; None while another holds it.

        One from before the clock was set back has run out too (`room.alive`). A living holder loses nothing but its
        turn, as its epoch is refused from then on.
        """
        if not holder:
            raise ValueError("a lease needs a holder")
        with self._database.write() as connection:
            row = connection.execute("SELECT holder, until, ttl_s FROM leases WHERE name = ?", (name,)).fetchone()
            held_by, until, held_s = row or ("", 0.0, 0.0)
            if held_by not in {"", holder} and is_alive(until, ttl_s=held_s, now=now):
                return None
            connection.execute("UPDATE clock SET epoch = epoch + 1")
            (epoch,) = connection.execute("SELECT epoch FROM clock").fetchone()
            lease = Lease(name=name, holder=holder, epoch=epoch, until=now + ttl_s, ttl_s=ttl_s)
            connection.execute(
                "INSERT INTO leases (name, holder, epoch, until, ttl_s) VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO "
                "UPDATE SET holder = excluded.holder, epoch = excluded.epoch, until = excluded.until, "
                "ttl_s = excluded.ttl_s",
                (name, holder, lease.epoch, lease.until, ttl_s),
            )
            return lease

    def renew(self, lease: Lease, *, ttl_s: float, now: float) -> Lease:
        """Prolong a lease. Raises LeaseLost."""
        with self._database.write() as connection:
            hold(connection, lease)
            connection.execute(
                "UPDATE leases SET until = ?, ttl_s = ? WHERE name = ?", (now + ttl_s, ttl_s, lease.name)
            )
        return msgspec.structs.replace(lease, until=now + ttl_s, ttl_s=ttl_s)

    def release(self, lease: Lease) -> None:
        """Give a lease back; does nothing if it was lost."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE leases SET holder = '', until = 0 WHERE name = ? AND holder = ? AND epoch = ?",
                (lease.name, lease.holder, lease.epoch),
            )

    def lease(self, name: str) -> Lease | None:
        """Show who holds a lease, also one that has run out; None for one never taken or given back."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT name, holder, epoch, until, ttl_s FROM leases WHERE name = ? AND holder <> ''", (name,)
            ).fetchone()
        return None if row is None else _lease(*row)

    def leases(self, *, prefix: str) -> list[Lease]:
        """Show the leases whose names begin with `prefix`, by name; also those that have run out."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT name, holder, epoch, until, ttl_s FROM leases WHERE substr(name, 1, ?) = ? AND holder <> '' "
                "ORDER BY name",
                (len(prefix), prefix),
            ).fetchall()
        return [_lease(*row) for row in rows]

    def ask(self, what: str, subject: str, *, asked_by: str, at: float) -> int:
        """Post a request; gives its id."""
        with self._database.write() as connection:
            posted = connection.execute(
                "INSERT INTO requests (asked_at, asked_by, what, subject) VALUES (?, ?, ?, ?)",
                (at, storable(asked_by), storable(what), storable(subject)),
            )
        return posted.lastrowid or 0

    def requests(self, *, after: int) -> list[Request]:
        """Read the requests with an id above `after`; a day after it was asked, one is gone."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT id, asked_at, asked_by, what, subject, answered_at, answer FROM requests WHERE id > ? "
                "ORDER BY id",
                (after,),
            ).fetchall()
        return [
            Request(
                id=request_id,
                asked_at=asked_at,
                asked_by=asked_by,
                what=what,
                subject=subject,
                answered_at=answered_at,
                answer=answer,
            )
            for request_id, asked_at, asked_by, what, subject, answered_at, answer in rows
        ]

    def answer(self, request_id: int, answer: str, *, lease: Lease, at: float) -> None:
        """Answer a request. Raises LeaseLost, KeyError."""
        with self._database.write() as connection:
            hold(connection, lease)
            done = connection.execute(
                "UPDATE requests SET answered_at = ?, answer = ? WHERE id = ?", (at, storable(answer), request_id)
            )
            if not done.rowcount:
                raise KeyError(request_id)

    def prune(self, *, now: float) -> None:
        """Drop old mail, and leases that ran out or were given back long ago (each room has one of its own)."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM requests WHERE asked_at < ?", (now - KEPT_S,))
            connection.execute("DELETE FROM leases WHERE until < ?", (now - KEPT_S,))


def _lease(name: str, holder: str, epoch: int, until: float, ttl_s: float) -> Lease:
    return Lease(name=name, holder=holder, epoch=epoch, until=until, ttl_s=ttl_s)
