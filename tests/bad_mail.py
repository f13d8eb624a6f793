"""How an IMAP server answers on a bad day: scripted lines on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from tests.bad_databases import Talk, page
from tests.servers import closed, silent

CASES = (
    "wrong types", "truncated", "401", "403", "404", "429", "500", "HTML", "redirect loop", "hang",
    "hang after the login", "slow drip", "connection refused", "TLS failure", "no mail",
)  # fmt: skip
GREETING = "* OK ready"


def _speaking(answers: Mapping[str, str] = {}, *, greeting: str = GREETING) -> Talk:
    """Answer each command by its word: {} is its tag. An empty answer is none, and the last that comes."""
    usual = {"CAPABILITY": "* CAPABILITY IMAP4rev1\r\n{} OK", "SELECT": "* OK [UIDNEXT 7] next\r\n{} OK"}
    known = {**usual, "EXAMINE": "* OK [UIDNEXT 7] next\r\n{} OK", **answers}

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            writer.write(f"{greeting}\r\n".encode())
            while line := await reader.readline():
                tag, word, *_ = [*line.decode("latin-1").split(), ""]
                answer = known.get(word.upper(), "{} OK")
                if not answer:
                    await reader.read()
                writer.write(f"{answer.format(tag)} \r\n".encode())
                await writer.drain()
        writer.close()

    return talk


async def _cut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"* O")
    await writer.drain()
    writer.close()


async def _drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while True:
            writer.write(b"*")
            await writer.drain()
            await asyncio.sleep(0.02)
    writer.close()


@asynccontextmanager
async def mailboxes() -> AsyncIterator[dict[str, tuple[int, bool, str]]]:
    """Give for each bad day a port, whether TLS is hoped for there, and what the panel must say."""
    talks: dict[str, tuple[Talk, str]] = {
        "wrong types": (_speaking({"EXAMINE": "* OK [UIDNEXT seven] next\r\n{} OK"}), "speaks no IMAP"),
        "truncated": (_cut, "broke off"),
        "401": (_speaking({"LOGIN": "{} NO [AUTHENTICATIONFAILED]"}), "refused qa"),
        "403": (_speaking({"EXAMINE": "{} NO [NOPERM] not yours"}), "has no folder INBOX"),
        "404": (_speaking({"EXAMINE": "{} NO [NONEXISTENT] none"}), "has no folder INBOX"),
        "429": (_speaking(greeting="* BYE too many connections"), "broke off"),
        "500": (_speaking({"LOGIN": "* BYE internal error"}), "broke off"),
        "HTML": (page, "speaks no IMAP"),
        "redirect loop": (_speaking({"LOGIN": "{} NO [REFERRAL imap://qa@127.0.0.1/] there"}), "refused qa"),
        "hang after the login": (_speaking({"EXAMINE": ""}), "within"),
        "slow drip": (_drip, "within"),
        "no mail": (_speaking(), "nothing to qa@loom.example came"),
    }
    async with AsyncExitStack() as stack:
        found = {}
        for name, (talk, says) in talks.items():
            listener = await stack.enter_async_context(await asyncio.start_server(talk, "127.0.0.1", 0))
            found[name] = (listener.sockets[0].getsockname()[1], False, says)
        found["hang"] = (await stack.enter_async_context(silent()), False, "within")
        found["TLS failure"] = (found["no mail"][0], True, "speaks no TLS")
        found["connection refused"] = (stack.enter_context(closed()), False, "no connection")
        yield found
