"""A real pair of mail servers on loopback: SMTP (aiosmtpd) that delivers into an IMAP mailbox (pymap, in memory)."""

from __future__ import annotations

import asyncio
import imaplib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session
from msgspec import Struct

USER, PASSWORD = "qa", "mailbox-4711-secret"
STARTS_WITHIN_S = 30.0


class Mailroom(Struct, frozen=True):
    """Where mail is handed in, and where it is read."""

    smtp_port: int
    imap_port: int

    def deliver(self, raw: bytes) -> None:
        """Lay a message into the mailbox."""
        client = imaplib.IMAP4("127.0.0.1", self.imap_port, timeout=10)
        try:
            client.login(USER, PASSWORD)
            client.append("INBOX", "", "", raw)
        finally:
            client.logout()


class _Delivering:
    """Takes each message that is handed in to the mailbox."""

    def __init__(self, room: Mailroom) -> None:
        self._room = room

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        assert isinstance(envelope.content, bytes)
        await asyncio.to_thread(self._room.deliver, envelope.content)
        return "250 OK"


@asynccontextmanager
async def mailroom() -> AsyncIterator[Mailroom]:
    """Run both servers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        imap_port = taken.getsockname()[1]
    command = [str(Path(sys.executable).parent / "pymap"), "--host", "127.0.0.1", "--port", str(imap_port), "--no-tls"]
    command += ["dict", "--demo-user", USER, "--demo-password", PASSWORD]
    imap = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    room = Mailroom(0, imap_port)
    smtp = await asyncio.get_running_loop().create_server(lambda: SMTP(_Delivering(room)), "127.0.0.1", 0)
    try:
        async with asyncio.timeout(STARTS_WITHIN_S):
            while not await asyncio.to_thread(_listens, imap_port):
                assert imap.returncode is None, "the IMAP server did not start"
                await asyncio.sleep(0.05)
        yield Mailroom(smtp.sockets[0].getsockname()[1], imap_port)
    finally:
        smtp.close()
        imap.kill()
        await imap.wait()


def message(to: str, subject: str, text: str, *, html: str = "") -> EmailMessage:
    """Write a message."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Loom <no-reply@loom.example>", to, subject
    made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html")
    return made


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
