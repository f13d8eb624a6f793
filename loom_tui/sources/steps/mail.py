"""A workflow's mail: what came since it began, read by IMAP or from a catcher that speaks Mailpit's API."""

from __future__ import annotations

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from email.utils import getaddresses
from html import unescape
from typing import TypeVar

import msgspec
from msgspec import Struct

from loom_tui.plan.steps import MailStep
from loom_tui.sources.base import SourceAnswered
from loom_tui.sources.steps.expect import Found, NotFound, capture
from loom_tui.sources.steps.run import Outcome, Run
from loom_tui.sources.steps.web import Browser, Call, judged

_T = TypeVar("_T")
LOOK_EVERY_S = 0.5
NEWEST = 50  # of a shared mailbox: what came during one workflow


class Message(Struct, frozen=True, kw_only=True):
    """A message: to whom, about what, and the text of all its parts."""

    to: tuple[str, ...]
    subject: str
    text: str

    def matches(self, to: str, subject: str) -> bool:
        """Say whether it went to this address, and speaks of this."""
        addressed = any(to.casefold() == address.casefold() for address in self.to)
        return addressed and subject.casefold() in self.subject.casefold()


class Mailbox(ABC):
    """A mailbox that is looked into. `begin` notes what lies there already."""

    @abstractmethod
    async def begin(self) -> None:
        """Open it, and note what is there. Raises SourceError."""

    @abstractmethod
    async def look(self) -> Sequence[Message]:
        """Give what came since the last look, or since `begin`. Raises SourceError."""

    async def close(self) -> None:  # noqa: B027 - a catcher has nothing open
        """Close it."""


async def mail(step: MailStep, run: Run, box: Mailbox, browser: Browser, *, timeout_s: float) -> Outcome:
    """Wait for a message, keep what is wanted of it, and follow its link."""
    to, subject = run.fill(step.to), run.fill(step.subject)
    sent = f"waited for mail to {to}" + (f" about '{subject}'" if subject else "")
    seen: list[str] = []
    try:
        async with asyncio.timeout(timeout_s):
            message = await _arrival(box, to, subject, seen)
    except TimeoutError:
        got = f"others: {', '.join(seen)}" if seen else "nothing came"
        return Outcome(sent=sent, got=got, what="no mail", why=f"nothing to {to} came within {timeout_s:g} s")
    found = Found(message.text.encode())
    try:
        for name, value in capture(found, step.capture, run.value).items():
            run.keep(name, value, show=step.capture[name].show)
    except NotFound as error:
        return Outcome(sent=sent, got=f"'{message.subject}'", what="nothing to capture", why=str(error))
    if not step.link:
        return Outcome(sent=sent, got=f"'{message.subject}'")
    link = re.search(run.fill(step.link), message.text)
    if link is None:
        return Outcome(sent=sent, got=f"'{message.subject}'", what="no link", why=f"nothing matches {step.link}")
    url = next((group for group in link.groups() if group), link[0])
    run.mask.add_captured(url)  # whoever has it can do what it does
    page = await browser.send(Call(method="GET", url=url))
    sent = f"{sent} · GET its link"
    return judged(page, sent, run, asked=url, status=step.expect_status, expect=step.expect, wanted={})


async def _arrival(box: Mailbox, to: str, subject: str, seen: list[str]) -> Message:
    while True:
        for message in await box.look():
            if message.matches(to, subject):
                return message
            seen.append(f"'{message.subject}'")
        await asyncio.sleep(LOOK_EVERY_S)


class Catcher(Mailbox):
    """An HTTP catcher that speaks Mailpit's API (v1)."""

    def __init__(self, url: str, browser: Browser) -> None:
        self._url = url.rstrip("/")
        self._browser = browser
        self._known: set[str] = set()

    async def begin(self) -> None:
        """Note the messages that are there: by id, so that no clock needs to agree with another."""
        self._known = {each.id for each in await self._listed(limit=1000)}

    async def look(self) -> Sequence[Message]:
        """Give the new messages, oldest first."""
        new = [each for each in await self._listed(limit=NEWEST) if each.id not in self._known]
        out = []
        for each in reversed(new):
            whole = await self._get(f"message/{each.id}", _Whole)
            self._known.add(each.id)
            to = tuple(address.address for address in (*each.to, *each.cc))
            out.append(Message(to=to, subject=each.subject, text=f"{whole.text}\n{unescape(whole.html)}"))
        return out

    async def _listed(self, *, limit: int) -> tuple[_Listed, ...]:
        return (await self._get(f"messages?limit={limit}", _List)).messages

    async def _get(self, path: str, kind: type[_T]) -> _T:
        got = await self._browser.send(Call(method="GET", url=f"{self._url}/api/v1/{path}"))
        if got.status != 200:
            raise SourceAnswered(f"The mail catcher answered {got.status}; is {self._url} a Mailpit?")
        try:
            return msgspec.json.decode(got.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise SourceAnswered(f"The mail catcher answered what is no Mailpit's; is {self._url} one?") from None


def parsed(raw: bytes) -> Message:
    """Read a message as it came over the wire; parts that cannot be decoded are left out."""
    message = message_from_bytes(raw, policy=modern)
    fields = [str(value) for key in ("to", "cc", "delivered-to", "x-original-to") for value in message.get_all(key, [])]
    assert isinstance(message, EmailMessage)  # noqa: S101 - the modern policy makes no other
    texts = []
    for part in message.walk():
        if part.get_content_maintype() != "text":
            continue
        try:
            text = str(part.get_content())
        except (LookupError, ValueError):  # a charset that nobody knows, or bytes that are not of it
            continue
        texts.append(unescape(text) if part.get_content_subtype() == "html" else text)
    to = tuple(address for _, address in getaddresses(fields) if address)
    return Message(to=to, subject=str(message.get("subject", "")), text="\n".join(texts))


class _Address(Struct, rename="pascal"):
    address: str = ""


class _Listed(Struct, rename={"id": "ID", "to": "To", "cc": "Cc", "subject": "Subject"}):
    id: str
    to: tuple[_Address, ...] = ()
    cc: tuple[_Address, ...] = ()
    subject: str = ""


class _List(Struct):
    messages: tuple[_Listed, ...]


class _Whole(Struct, rename={"text": "Text", "html": "HTML"}):
    text: str = ""
    html: str = ""
