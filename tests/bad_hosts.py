"""What can be wrong with a host that only shakes hands: its name, its certificate, its words."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import trustme

from tests.bad_databases import Talk, page
from tests.servers import closed

INTERNAL_ERROR = bytes((0x15, 3, 3, 0, 2, 2, 80))  # a TLS alert that ends the handshake
HELLO = bytes((0x16, 3, 3, 0x40, 0))  # the beginning of a record of 16 KB
CASES = (
    "wrong types", "truncated", "401", "403", "404", "429", "500", "HTML", "hang", "slow drip", "connection refused",
    "TLS failure",
)  # fmt: skip


@asynccontextmanager
async def hosts(place: Path) -> AsyncIterator[dict[str, tuple[dict[str, Any], str]]]:
    """Give the words of a plan's host for each bad day, and what its panel must say."""
    authority = trustme.CA()
    trusted = place / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    ours, of_another, strict, foreign = (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for _ in range(4))
    for context in (ours, strict):
        authority.issue_cert("localhost").configure_cert(context)
    authority.issue_cert("elsewhere.example").configure_cert(of_another)
    trustme.CA().issue_cert("localhost").configure_cert(foreign)
    strict.verify_mode, strict.maximum_version = ssl.CERT_REQUIRED, ssl.TLSVersion.TLSv1_2

    async with AsyncExitStack() as stack:

        async def port_of(talk: Talk, context: ssl.SSLContext | None = None) -> int:
            listener = await stack.enter_async_context(await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context))
            port: int = listener.sockets[0].getsockname()[1]
            return port

        def host(port: int, **more: Any) -> dict[str, Any]:
            return {"host": "localhost", "port": port, "ca_file": str(trusted), **more}

        yield {
            "wrong types": (host(await port_of(_wait, of_another)), "does not hold: Hostname mismatch"),
            "truncated": (host(await port_of(_cut)), "no connection|speaks no TLS"),
            "401": (host(await port_of(_wait, strict)), "refused the handshake|broken off"),
            "403": (host(await port_of(_wait, ours), addresses=("192.0.2.7",)), "which the plan does not name"),
            "404": (host(1, host="nobody.invalid"), "no such name|cannot say"),
            "429": (host(await port_of(_shut)), "no connection|speaks no TLS"),
            "500": (host(await port_of(_alert)), "refused the handshake"),
            "HTML": (host(await port_of(page)), "speaks no TLS"),
            "hang": (host(await port_of(_wait)), "no handshake within"),
            "slow drip": (host(await port_of(_drip)), "no handshake within"),
            "connection refused": (host(stack.enter_context(closed())), "it was refused"),
            "TLS failure": (host(await port_of(_wait, foreign)), "does not hold: unable to get local issuer"),
        }


async def _wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, ssl.SSLError):
        while await reader.read(1000):
            pass
    writer.close()


async def _cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(HELLO + b"x" * 40)
    await writer.drain()
    writer.close()


async def _shut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _alert(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(INTERNAL_ERROR)
    await writer.drain()
    await _wait(reader, writer)


async def _drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        writer.write(HELLO)
        for _each in range(16_000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)
    writer.close()
