"""A TLS server on loopback, with a certificate of its own authority."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import trustme


@asynccontextmanager
async def serving_tls(
    directory: Path, *names: str, not_after: datetime | None = None
) -> AsyncIterator[tuple[int, str]]:
    """Serve a certificate for `names`; gives the port, and the path of the authority's own certificate."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, not_before=datetime(2020, 1, 1), not_after=not_after).configure_cert(context)
    path = directory / "authority.pem"
    authority.cert_pem.write_to_path(str(path))

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    try:
        yield listener.sockets[0].getsockname()[1], str(path)
    finally:
        listener.close()
