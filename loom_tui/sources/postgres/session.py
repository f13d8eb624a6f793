"""One read-only connection, used a short transaction at a time, so that a transaction pooler may stand in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from time import perf_counter
from typing import Any, TypeVar

import msgspec
import psycopg
from psycopg import errors, waiting
from psycopg.abc import PQGen

from loom_tui.sources.base import (
    CredentialUnfit,
    SourceAnswered,
    SourceError,
    SourceRefused,
    SourceTimeout,
    SourceUnreachable,
)
from loom_tui.sources.mask import Masked
from loom_tui.sources.meter import meter
from loom_tui.sources.scrub import scrub_dsn

Row = tuple[Any, ...]
_T = TypeVar("_T")
WAKE_S = 0.1
_CLOCK = b"SELECT extract(epoch FROM clock_timestamp())::float8"


class Connection(psycopg.AsyncConnection[Row]):
    """A connection that is cut where whoever waits for it waits no longer.

    psycopg's own would ask the server to stop its statement, for up to ten seconds past our deadline, and a server
    that hangs hears nothing. `statement_timeout` stops it there.
    """

    async def wait(self, gen: PQGen[_T], interval: float = WAKE_S, timeout: float | None = None) -> _T:  # noqa: ASYNC109 - psycopg's own
        """Wait for the server."""
        try:
            return await waiting.wait_async(gen, self.pgconn.socket, interval=interval, timeout=timeout)
        except asyncio.CancelledError:
            self.pgconn.finish()
            raise


async def connected(dsn: Masked) -> Connection:
    """Connect; nothing is prepared, and no settings are brought: a pooler may stand in between."""
    return await Connection.connect(dsn.reveal(), autocommit=True, prepare_threshold=None, application_name="loom")


class Session:
    """A connection that is made when it is needed, and anew when it broke.

    A pooler in transaction mode keeps nothing between transactions and takes no settings at the start: each
    transaction brings its own with SET LOCAL, and nothing is prepared.
    """

    def __init__(self, dsn: Masked, *, label: str, timeout_s: float) -> None:
        self.label = label
        self.timeout_s = timeout_s
        self._dsn = dsn
        self._connection: Connection | None = None
        self._alone = asyncio.Lock()  # a room's question must not get into the middle of a transaction
        # The server gives up before we do: a statement that was ended there leaves the connection usable.
        within_ms = max(1, int(timeout_s * 900))
        self._begin = (
            f"BEGIN READ ONLY; SET LOCAL statement_timeout = {within_ms}; SET LOCAL lock_timeout = {within_ms}"
        ).encode()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """Give the connection within one read-only transaction, which is rolled back: it has nothing to keep.

        All of it has one deadline. Raises SourceError where the database is not there; a psycopg.Error that leaves the
        connection usable passes: it is a statement's own.
        """
        async with self._alone:
            try:
                async with asyncio.timeout(self.timeout_s), self._transaction() as connection:
                    yield connection
            except TimeoutError:
                raise SourceTimeout(f"{self.label} did not answer within {self.timeout_s:g} s") from None
            except psycopg.Error as error:
                if self._connection is not None and not self._connection.closed:
                    raise
                raise translated(error, self.label) from None

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        connection = await self._connected()
        try:
            meter().called()
            await connection.execute(self._begin)
            yield connection
        except psycopg.Error:
            if not connection.closed:
                await connection.execute(b"ROLLBACK")
            raise
        except BaseException:  # cancelled in the middle of an answer: nothing more can be asked here
            await self.close()
            raise
        await connection.execute(b"ROLLBACK")

    async def ping(self) -> tuple[float, float]:
        """Give the seconds that a round trip takes and the server's clock (Unix seconds). Raises SourceError."""
        try:
            async with self.reading() as connection:
                began = perf_counter()
                [(clock,)] = await typed(connection, _CLOCK, list[tuple[float]])
                return perf_counter() - began, clock
        except psycopg.Error as error:
            raise translated(error, self.label) from None

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error, OSError):
                await connection.close()

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = await connected(self._dsn)
        return self._connection


def translated(error: psycopg.Error, who: str) -> SourceError:
    """Say why a database cannot be asked. What fails at the start has no code (psycopg), and is known by its words."""
    text = str(error).casefold()
    if _is_unreadable(error, text):
        how = "in an address write a password's % as %25, @ as %40, / as %2F"
        return CredentialUnfit(f"{who} cannot be asked: its connection string cannot be read; {how}")
    refused = isinstance(error, errors.InvalidPassword | errors.InvalidAuthorizationSpecification)
    if refused or "authentication failed" in text or "no pg_hba.conf entry" in text or "no password supplied" in text:
        return SourceRefused(f"{who} refused the login; it needs the password of a role that may connect and read")
    if "permission denied for database" in text:
        return SourceRefused(f"{who} does not let this role connect: GRANT CONNECT ON DATABASE … TO it")
    if isinstance(error, errors.InvalidCatalogName) or ("database" in text and "does not exist" in text):
        return SourceUnreachable(f"{who}: the server is there, the database named in the plan is not")
    if isinstance(error, psycopg.DataError):
        return SourceAnswered(f"{who}: {words(error)}")
    return SourceUnreachable(f"{who} cannot be asked: {words(error)}")


def _is_unreadable(error: psycopg.Error, text: str) -> bool:
    """Say whether the connection string itself is at fault: libpq repeats of it what may be a piece of the password."""
    unparsed = isinstance(error, psycopg.ProgrammingError) and error.sqlstate is None
    astray = "failed to resolve host" in text and ("@" in text or "servname" in text)  # behind an @ or a / of it
    return unparsed or astray or "connection is bad: invalid" in text


def words(error: psycopg.Error) -> str:
    """Give the server's own first line, without secrets."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return scrub_dsn(lines[0])[:200]


async def many(connection: Connection, query: bytes, parameters: Sequence[object] | None = None) -> list[Row]:
    """Execute one statement and give its rows."""
    async with connection.cursor() as cursor:
        await cursor.execute(query, parameters)
        return await cursor.fetchall()


async def typed(
    connection: Connection,
    query: bytes,
    kind: type[_T],
    parameters: Sequence[object] | Mapping[str, object] | None = None,
) -> _T:
    """Execute one statement and give its rows as a list of this kind. Raises DataError where they are of another."""
    async with connection.cursor() as cursor:
        await cursor.execute(query, parameters)
        try:
            return msgspec.convert(await cursor.fetchall(), type=kind)
        except (msgspec.ValidationError, ValueError):  # ValueError: psycopg's, of a text that is not of its own type
            raise psycopg.DataError("it answers with other types than a PostgreSQL does") from None


async def one(connection: Connection, query: bytes, parameters: Sequence[object] | None = None) -> Row:
    """Execute one statement that always gives a row."""
    rows = await many(connection, query, parameters)
    return rows[0]


def text_of(name: str) -> bytes:
    """Read a statement that lies beside this code."""
    return files("loom_tui.sources.postgres").joinpath(f"{name}.sql").read_bytes()
