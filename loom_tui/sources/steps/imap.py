"""A mailbox by IMAP: the standard library's client on a thread, each of its waits bounded."""

from __future__ import annotations

import asyncio
import imaplib
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from loom_tui.plan.steps import Imap
from loom_tui.sources.base import SourceAnswered, SourceRefused, SourceTimeout, SourceUnreachable
from loom_tui.sources.mask import Masked
from loom_tui.sources.steps.mail import NEWEST, Mailbox, Message, parsed

WAIT_S = 10.0  # for one answer of the server
MAX_MESSAGE_BYTES = 500_000
_T = TypeVar("_T")


class ImapBox(Mailbox):
    """One folder, opened read-only: no message is marked as seen."""

    def __init__(self, imap: Imap, password: Masked) -> None:
        self._imap = imap
        self._password = password
        self._client: imaplib.IMAP4 | None = None
        self._socket: socket.socket | None = None
        self._next_uid = 1

    async def begin(self) -> None:
        """Connect, and note the next message's number."""
        await self._bounded(self._open)

    async def look(self) -> Sequence[Message]:
        """Give the messages that came since the last look."""
        return await self._bounded(self._new)

    async def close(self) -> None:
        """Cut the connection: there is nothing to write."""
        connected, self._socket, self._client = self._socket, None, None
        if connected is not None:
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)
            connected.close()

    async def _bounded(self, work: Callable[[], _T]) -> _T:
        """Work on a thread. Whoever stops waiting cuts the connection, so that the thread ends too."""
        where = f"The mail server {self._imap.host}"
        try:
            return await asyncio.to_thread(work)
        except asyncio.CancelledError:
            await self.close()
            raise
        except TimeoutError:
            raise SourceTimeout(f"{where} did not answer within {WAIT_S:g} s") from None
        except ssl.SSLError:
            raise SourceUnreachable(f"{where} has a certificate that does not hold, or speaks no TLS there") from None
        except (imaplib.IMAP4.abort, imaplib.IMAP4.error, ValueError, IndexError) as error:
            raise SourceAnswered(f"{where} broke off, or speaks no IMAP ({type(error).__name__})") from None
        except OSError:
            raise SourceUnreachable(f"{where} cannot be reached: no connection to port {self._imap.port}") from None

    def _open(self) -> None:
        client = _client(self._imap, self._connected)
        self._client = client
        try:
            client.login(self._imap.user, self._password.reveal())
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:
            raise SourceRefused(
                f"The mail server {self._imap.host} refused {self._imap.user}: it needs the password of that mailbox"
            ) from None
        status, _ = client.select(f'"{self._imap.folder}"', readonly=True)
        if status != "OK":
            raise SourceAnswered(f"The mail server {self._imap.host} has no folder {self._imap.folder}")
        _, (found,) = client.response("UIDNEXT")
        if found is not None:
            self._next_uid = int(found)

    def _connected(self, connected: socket.socket) -> None:
        self._socket = connected

    def _new(self) -> list[Message]:
        client = self._client
        if client is None:
            raise SourceUnreachable(f"The connection to the mail server {self._imap.host} is closed")
        client.noop()
        _, (found,) = client.uid("SEARCH", f"UID {self._next_uid}:*")
        uids = [int(uid) for uid in (found or b"").split()]
        out = []
        for uid in [uid for uid in uids if uid >= self._next_uid][-NEWEST:]:  # n:* always holds the last one
            _, parts = client.uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{MAX_MESSAGE_BYTES}>)")
            self._next_uid = uid + 1
            out += [parsed(part[1]) for part in parts if isinstance(part, tuple)]
        return out


def _client(imap: Imap, connected: Callable[[socket.socket], None]) -> imaplib.IMAP4:
    """Connect; the socket is handed over before the server's greeting is waited for."""

    class Client(imaplib.IMAP4_SSL if imap.tls else imaplib.IMAP4):  # type: ignore[misc] # chosen by the plan
        def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:
            super().open(host, port, timeout)
            connected(self.sock)

    if imap.tls:
        return Client(imap.host, imap.port, ssl_context=ssl.create_default_context(), timeout=WAIT_S)
    return Client(imap.host, imap.port, timeout=WAIT_S)
