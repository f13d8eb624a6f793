"""Loopback servers that answer as the world does on a bad day: real sockets, scripted bytes."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

Handler = Callable[[str, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Where a server listens, and the requests that it was sent: their heads, and beside them their bodies."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[str] = []
        self.bodies: list[bytes] = []


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[Server]:
    """Serve one handler on a free loopback port. It is given the request's head and the writer."""
    server = Server()
    tasks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            tasks.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            size = re.search(r"^content-length: (\d+)\r$", head, re.IGNORECASE | re.MULTILINE)
            body = await reader.readexactly(int(size[1])) if size is not None else b""
            server.requests.append(head)
            server.bodies.append(body)
            await handler(head, writer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(talk, "127.0.0.1", 0)
    host, port = listener.sockets[0].getsockname()[:2]
    server.url = f"http://{host}:{port}"
    try:
        yield server
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answer(body: bytes, *, status: str = "200 OK", headers: str = "", length: int | None = None) -> Handler:
    """Answer every request alike. `length` lies about the body's size."""

    async def handle(_: str, writer: asyncio.StreamWriter) -> None:
        size = len(body) if length is None else length
        head = f"HTTP/1.1 {status}\r\ncontent-length: {size}\r\nconnection: close\r\n{headers}\r\n"
        writer.write(head.encode() + body)

    return handle


async def hang(_: str, __: asyncio.StreamWriter) -> None:
    """Take the request and never answer."""
    await asyncio.Event().wait()


async def drip(_: str, writer: asyncio.StreamWriter) -> None:
    """Answer a byte at a time, each soon enough to keep a read's own timeout away."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    for _each in range(100_000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def circle(head: str, writer: asyncio.StreamWriter) -> None:
    """Redirect for ever."""
    await answer(b"", status="302 Found", headers="location: /again\r\n")(head, writer)


async def slam(_: str, writer: asyncio.StreamWriter) -> None:
    """Close the connection without a word."""
    writer.close()


@asynccontextmanager
async def speaking_no_tls() -> AsyncIterator[str]:
    """Listen where TLS is hoped for, and answer with words that are none."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(16)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(talk, "127.0.0.1", 0)
    host, port = listener.sockets[0].getsockname()[:2]
    try:
        yield f"https://{host}:{port}"
    finally:
        listener.close()


@contextmanager
def closed() -> Iterator[int]:
    """Hold a port on which nobody listens, so that nobody else does either."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@asynccontextmanager
async def silent() -> AsyncIterator[int]:
    """Take connections on a port, and never say a word."""
    writers: list[asyncio.StreamWriter] = []

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    listener = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for writer in writers:
            writer.close()
