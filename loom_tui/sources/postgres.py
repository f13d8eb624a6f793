"""A PostgreSQL: named queries really executed and timed, sessions, locks. Read-only, on one connection."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from time import perf_counter

import psycopg
from psycopg.conninfo import conninfo_to_dict

from loom_tui.plan.sources.postgres import PostgresSource, Query
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import (
    Asker,
    Errand,
    SourceError,
    SourceRefused,
    SourceTimeout,
    SourceUnreachable,
)
from loom_tui.sources.meter import meter
from loom_tui.sources.secrets import Masked, resolve, scrub_dsn

_SESSIONS = """
select count(*),
       count(*) filter (where state = 'active'),
       current_setting('max_connections')::int,
       count(*) filter (where wait_event_type = 'Lock'),
       coalesce(extract(epoch from max(clock_timestamp() - xact_start)), 0)::float8,
       extract(epoch from clock_timestamp())::float8
  from pg_stat_activity
 where backend_type = 'client backend' and pid <> pg_backend_pid()
"""
_SUFFIXES = ("sessions", "sessions_active", "max_sessions", "locks_waiting", "longest_s")


def make(source: PostgresSource, errand: Errand) -> PostgresAsker:
    """Make an asker with its connection string. Raises CredentialMissing."""
    dsn = resolve(source.dsn_from, errand.environ) if source.dsn_from is not None else Masked(source.dsn)
    return PostgresAsker(source, dsn, errand)


class PostgresAsker(Asker):
    """Asks one database. It stays under the plan's share of time executing by resting longer."""

    def __init__(self, source: PostgresSource, dsn: Masked, errand: Errand) -> None:
        self._label = source.label or errand.name
        self._source = source
        self._dsn = dsn
        self._errand = errand
        self._connection: psycopg.AsyncConnection | None = None
        self._busy_s = 0.0

    async def ask(self) -> Sequence[Reading]:
        """Run each named query once and read the sessions. Raises SourceError where the database is not there."""
        self._busy_s = 0.0
        try:
            async with asyncio.timeout(self._source.timeout_s):
                connection = await self._connected()
                readings = [await self._timed(connection, query) for query in self._source.queries]
                readings += await self._sessions(connection)
        except TimeoutError:
            await self._drop()
            raise SourceTimeout(f"{self._label} did not answer within {self._source.timeout_s:g} s") from None
        except psycopg.Error as error:
            await self._drop()
            raise self._translated(error) from None
        return [self._errand.reading(), *readings]

    def rest_s(self) -> float:
        """Give the rest that keeps the time executing within `max_load`."""
        share = min(1.0, max(0.0001, self._source.max_load))
        return max(0.0, self._busy_s / share - self._busy_s)

    async def close(self) -> None:
        """Close the connection."""
        await self._drop()

    async def _connected(self) -> psycopg.AsyncConnection:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        timeout_ms = int(self._source.timeout_s * 1000)
        options = f"-c statement_timeout={timeout_ms} -c lock_timeout={timeout_ms} -c default_transaction_read_only=on"
        self._connection = await psycopg.AsyncConnection.connect(
            self._dsn.reveal(),
            autocommit=True,
            prepare_threshold=None,  # a transaction-mode pooler has no prepared statements
            application_name="loom",
            options=_options(self._dsn, options),
        )
        return self._connection

    async def _timed(self, connection: psycopg.AsyncConnection, query: Query) -> Reading:
        """Execute a query and fetch its rows. One that fails is unknown, with the reason; the others go on."""
        suffix = f".{query.name}.ms"
        meter().called()
        began = perf_counter()
        try:
            async with connection.cursor() as cursor:
                await cursor.execute(query.sql.encode())
                if cursor.description is not None:
                    await cursor.fetchall()
        except psycopg.OperationalError as error:
            if connection.closed:
                raise
            return self._errand.reading(suffix, state=State.UNKNOWN, detail=self._words(error))
        except psycopg.Error as error:
            return self._errand.reading(suffix, state=State.UNKNOWN, detail=self._words(error))
        finally:
            self._busy_s += perf_counter() - began
        return self._errand.reading(suffix, value=(perf_counter() - began) * 1000)

    async def _sessions(self, connection: psycopg.AsyncConnection) -> list[Reading]:
        async with connection.cursor() as cursor:
            await cursor.execute(_SESSIONS)
            row = await cursor.fetchone()
        if row is None:
            return []
        *figures, clock = row
        meter().called()
        meter().saw_clock(clock)
        return [
            self._errand.reading(f".{suffix}", value=float(value))
            for suffix, value in zip(_SUFFIXES, figures, strict=True)
        ]

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error, OSError):
                await connection.close()

    def _translated(self, error: psycopg.Error) -> SourceError:
        text = str(error).casefold()
        refused = isinstance(error, psycopg.errors.InvalidPassword | psycopg.errors.InvalidAuthorizationSpecification)
        if refused or "authentication failed" in text or "no pg_hba.conf entry" in text:
            return SourceRefused(f"{self._label} refused the login; it needs a role that may connect and read")
        if isinstance(error, psycopg.errors.InvalidCatalogName) or ("database" in text and "does not exist" in text):
            return SourceUnreachable(f"{self._label}: the server is there, the database named in the plan is not")
        return SourceUnreachable(f"{self._label} cannot be asked: {self._words(error)}")

    def _words(self, error: psycopg.Error) -> str:
        """Give the server's own first line, without secrets."""
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return self._dsn.scrub(scrub_dsn(lines[0]))[:200]


def _options(dsn: Masked, ours: str) -> str:
    """Put our settings after those that the DSN brings (a search_path), so that ours hold."""
    try:
        given = conninfo_to_dict(dsn.reveal()).get("options")
    except psycopg.ProgrammingError:
        given = None
    return f"{given} {ours}" if given else ours
