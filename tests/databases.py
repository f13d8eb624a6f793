"""Databases on a test's own PostgreSQL server, and a TCP port in front of its socket that sees what is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo


@contextmanager
def database(server: str, name: str, *, schema: str | None = "public") -> Iterator[str]:
    """A database of one test's own, with pg_stat_statements in a schema, or without."""
    execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}")
    dsn = make_conninfo(server, dbname=name)
    if schema is not None:
        execute(dsn, f"CREATE SCHEMA IF NOT EXISTS {schema}", f"CREATE EXTENSION pg_stat_statements SCHEMA {schema}")
    yield dsn


def execute(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@asynccontextmanager
async def forwarded(dsn: str) -> AsyncIterator[tuple[str, bytearray]]:
    """A DSN of the same database by TCP, and all that clients send on their way to it."""
    given = conninfo_to_dict(dsn)
    said = bytearray()
    open_: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, keep: bytearray | None) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                if keep is not None:
                    keep += data
                writer.write(data)
                await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, to_them = await asyncio.open_unix_connection(f"{given['host']}/.s.PGSQL.5432")
        for work in (pump(reader, to_them, said), pump(theirs, writer, None)):
            task = asyncio.create_task(work)
            open_.add(task)
            task.add_done_callback(open_.discard)

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"postgresql://{given['user']}@127.0.0.1:{port}/{given['dbname']}?sslmode=disable", said
    finally:
        server.close()
        await asyncio.wait_for(asyncio.gather(*open_), 10)  # they end with the connections that they carry
