"""A pooler in transaction mode, as far as its clients can tell: it refuses what such poolers refuse.

PgBouncer and Supavisor are no Python packages, so this stands in for them before a real PostgreSQL: a client's
`options` at the start and its named prepared statements are refused, and what it sends is kept.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

PORT = 5432  # of the server's socket
SSL_REQUEST = 80_877_103
GSS_REQUEST = 80_877_104


class Pooler:
    """Where it listens, and each message that clients sent: its type and its bytes."""

    def __init__(self) -> None:
        self.port = 0
        self.sent: list[tuple[bytes, bytes]] = []

    @property
    def statements(self) -> list[str]:
        """The SQL that came, in order, from simple and extended queries alike."""
        simple = [body[:-1] for kind, body in self.sent if kind == b"Q"]
        parsed = [body.split(b"\0")[1] for kind, body in self.sent if kind == b"P"]
        return [sql.decode() for sql in simple + parsed]


@asynccontextmanager
async def pooling(directory: Path) -> AsyncIterator[Pooler]:
    """Stand before the server whose socket lies in `directory`."""
    pooler = Pooler()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        upstream_reader, upstream = await asyncio.open_unix_connection(str(directory / f".s.PGSQL.{PORT}"))
        back = asyncio.create_task(_copy(upstream_reader, writer))
        try:
            await _begin(reader, writer, upstream, pooler)
            while True:
                kind = await reader.readexactly(1)
                (size,) = struct.unpack("!I", await reader.readexactly(4))
                body = await reader.readexactly(size - 4)
                pooler.sent.append((kind, body))
                if kind == b"P" and not body.startswith(b"\0"):
                    return
                upstream.write(kind + struct.pack("!I", size) + body)
                await upstream.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            back.cancel()
            upstream.close()
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    pooler.port = listener.sockets[0].getsockname()[1]
    try:
        yield pooler
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _begin(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream: asyncio.StreamWriter, pooler: Pooler
) -> None:
    """Pass the start on, unless it brings settings of its own."""
    while True:
        (size,) = struct.unpack("!I", await reader.readexactly(4))
        body = await reader.readexactly(size - 4)
        (version,) = struct.unpack("!I", body[:4])
        if version in (SSL_REQUEST, GSS_REQUEST):
            writer.write(b"N")
            continue
        pooler.sent.append((b"start", body))
        if b"options\0" in body:
            fields = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0"
            writer.write(b"E" + struct.pack("!I", len(fields) + 4) + fields)
            await writer.drain()
            raise ConnectionError("options")
        upstream.write(struct.pack("!I", size) + body)
        return


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while part := await reader.read(65_536):
            writer.write(part)
            await writer.drain()
