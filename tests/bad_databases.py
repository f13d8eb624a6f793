"""How a PostgreSQL on a bad day answers: a real one where it can, else scripted bytes of its protocol."""

from __future__ import annotations

import asyncio
import ssl
import struct
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import trustme

from loom_tui.demo.postgres import running_postgres
from tests.databases import execute
from tests.servers import closed, silent

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
SSL_REQUEST = 80_877_103


def said(kind: bytes, body: bytes) -> bytes:
    """Write a message of the protocol."""
    return kind + struct.pack("!I", len(body) + 4) + body


def failed(code: str, text: str) -> bytes:
    """Write an error that ends the connection."""
    return said(b"E", f"SFATAL\0VFATAL\0C{code}\0M{text}\0\0".encode())


WELCOME = said(b"R", struct.pack("!I", 0)) + said(b"Z", b"I")


async def wrong_types(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every statement with one row of one text, whatever was asked for."""
    row = said(b"T", struct.pack("!H", 1) + b"it\0" + struct.pack("!IHIHIH", 0, 0, 25, 65_535, 2**32 - 1, 0))
    value = said(b"D", struct.pack("!HI", 1, 5) + b"seven")
    end, ready = said(b"C", b"SELECT 1\0"), said(b"Z", b"I")
    answers = {b"Q": row + value + end + ready, b"P": said(b"1", b""), b"B": said(b"2", b""), b"D": row}
    answers |= {b"E": value + end, b"S": ready}
    writer.write(WELCOME)
    while True:
        kind = await reader.readexactly(1)
        (size,) = struct.unpack("!I", await reader.readexactly(4))
        await reader.readexactly(size - 4)
        if kind == b"X":
            return
        writer.write(answers.get(kind, b""))


async def truncated(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close in the middle of a message."""
    writer.write(WELCOME + said(b"T", bytes(500))[:40])


async def ended(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take a statement, and end the connection."""
    writer.write(WELCOME)
    await reader.read(1)
    writer.write(failed("57P01", "terminating connection due to administrator command"))


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take the login, and never answer a statement."""
    writer.write(WELCOME)
    await asyncio.Event().wait()


async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say something every moment, and never what was asked for."""
    writer.write(said(b"R", struct.pack("!I", 0)))
    while True:
        writer.write(said(b"N", b"SNOTICE\0C00000\0Mone moment\0\0"))
        await writer.drain()
        await asyncio.sleep(0.02)


@asynccontextmanager
async def posing(talk: Talk, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Listen as a database would; after a client's first words (and TLS, where it has some) `talk` goes on."""
    tasks: set[asyncio.Task[None]] = set()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError, asyncio.CancelledError):
            while True:
                (size,) = struct.unpack("!I", await reader.readexactly(4))
                asked = await reader.readexactly(size - 4)
                if struct.unpack("!I", asked[:4])[0] != SSL_REQUEST:
                    break
                writer.write(b"N" if tls is None else b"S")
                if tls is not None:
                    await writer.start_tls(tls)
            await talk(reader, writer)
            await writer.drain()
        writer.close()

    listener = await asyncio.start_server(meet, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def foreign(place: Path) -> tuple[ssl.SSLContext, Path]:
    """Give a server's TLS, and another authority than its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    path = place / "another-authority.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    return context, path


async def page(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as a web server that nobody asked anything of it."""
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n<!doctype html><title>400</title>")
    await writer.drain()
    writer.close()


@asynccontextmanager
async def strings(place: Path, password: str) -> AsyncIterator[None]:
    """Lay a file with a connection string, which holds a password, into a place for each bad day."""
    talks = {"wrong types": wrong_types, "truncated": truncated, "500": ended, "hang": hang, "slow drip": drip}
    context, authority = foreign(place)

    def by_tcp(port: int, more: str = "") -> str:
        return f"postgresql://loom:{password}@127.0.0.1:{port}/app{more}"

    async with AsyncExitStack() as stack:
        found = {name: by_tcp(await stack.enter_async_context(posing(talk))) for name, talk in talks.items()}
        found["TLS failure"] = f"{found['500']}?sslmode=verify-full"
        trusting = f"?sslmode=verify-full&sslrootcert={authority}"
        found["foreign certificate"] = by_tcp(await stack.enter_async_context(posing(ended, tls=context)), trusting)
        found["hang before the login"] = by_tcp(await stack.enter_async_context(silent()))
        found["connection refused"] = by_tcp(stack.enter_context(closed()))
        listener = await stack.enter_async_context(await asyncio.start_server(page, "127.0.0.1", 0))
        found["HTML"] = by_tcp(listener.sockets[0].getsockname()[1])
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="loom-test-"))  # passable for its account
        directory = Path(scratch) / "server"
        server = stack.enter_context(running_postgres(directory))
        refusals(server, directory)
        for name, role, database in (
            ("401", "locked", "app"),
            ("403", "stranger", "app"),
            ("404", "loom", "nowhere"),
            ("429", "crowd", "app"),
        ):
            found[name] = f"host={directory} user={role} password={password} dbname={database}"
        for name, dsn in found.items():
            (place / f"{name}.dsn").write_text(dsn, encoding="utf-8")
        yield


def refusals(server: str, directory: Path) -> None:
    """Have a real server refuse a password, a right and a further connection."""
    execute(
        server,
        "CREATE DATABASE app",
        "REVOKE CONNECT ON DATABASE app FROM PUBLIC",
        "CREATE ROLE locked LOGIN PASSWORD 'another'",
        "CREATE ROLE stranger LOGIN",
        "CREATE ROLE crowd LOGIN CONNECTION LIMIT 0",
        "GRANT CONNECT ON DATABASE app TO locked, crowd",
    )
    rules = directory / "data" / "pg_hba.conf"
    rules.write_text(f"local all locked scram-sha-256\n{rules.read_text()}")
    execute(server, "SELECT pg_reload_conf()")
