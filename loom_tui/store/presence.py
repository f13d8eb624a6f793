"""Who is in the room: a row for each that is open, in the readings' file; nothing here outlives its writer for long."""

from __future__ import annotations

from loom_tui.room.presence import Seat, Terminal
from loom_tui.store.database import Database
from loom_tui.store.text import storable

KEPT_S = 3600.0


class Seats:
    """The open rooms, as each said last that it is there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, seat: Seat) -> None:
        """Say that somebody is there, and where they look."""
        where = seat.terminal
        texts = (seat.room, seat.login, where.host, where.client, seat.screen)
        with self._database.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO seats (room, login, host, client, screen, sure, since, until) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (*map(storable, texts), where.sure, seat.since, seat.until),
            )

    def leave(self, room: str) -> None:
        """Say that somebody has left."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM seats WHERE room = ?", (storable(room),))

    def seats(self) -> list[Seat]:
        """Show all seats, also those that have run out."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT room, login, host, client, screen, sure, since, until FROM seats ORDER BY since, room"
            ).fetchall()
        return [
            Seat(
                room=room,
                login=login,
                terminal=Terminal(host=host, client=client, sure=bool(sure)),
                screen=screen,
                since=since,
                until=until,
            )
            for room, login, host, client, screen, sure, since, until in rows
        ]

    def prune(self, *, now: float) -> None:
        """Drop what ran out long ago, or was taken before the clock was set back."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM seats WHERE until < ? OR until > ?", (now - KEPT_S, now + KEPT_S))
