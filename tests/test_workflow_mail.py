"""A workflow's mail: a real SMTP and IMAP pair, and a catcher that speaks Mailpit's API.

No Mailpit can be had from PyPI: the catcher here is a stand-in, made from the documentation of its API (v1).
"""

from __future__ import annotations

import asyncio
import smtplib
from email.message import EmailMessage
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loom_tui.plan.sources.base import Secret
from loom_tui.plan.steps import Capture, Expect, HttpStep, Imap, MailStep, Step
from loom_tui.plan.workflows import Workflow
from loom_tui.room.checks import decode_result
from loom_tui.room.signals import Reading, State
from loom_tui.sources.build import build
from loom_tui.sources.steps.mail import parsed
from tests.errands import errand_of
from tests.mailroom import PASSWORD, USER, Mailroom, mailroom, message
from tests.servers import Handler, answer, drip, hang, serving, silent, slam

TO = "qa+1@loom.example"


def imap_of(port: int, **more: Any) -> Imap:
    return Imap(**{"host": "127.0.0.1", "user": USER, "password": "{mailbox}", "port": port, "tls": False, **more})


async def run(*steps: Step, url: str = "", password: str = PASSWORD, step_timeout_s: float = 10) -> Reading:
    workflow = Workflow(
        name="x",
        url=url,
        steps=steps,
        credentials={"mailbox": Secret(env="MAILBOX")},
        step_timeout_s=step_timeout_s,
        allow_production_writes=True,
    )
    [reading] = await build(workflow, errand_of("workflow.x", environ={"MAILBOX": password})).ask()
    assert password not in repr(reading) + reading.body.decode()
    return reading


def sending(room: Mailroom, *letters: EmailMessage | bytes) -> Handler:
    """Answer a request by sending letters, as an application would."""

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", room.smtp_port, timeout=10) as smtp:
            for letter in letters:
                raw = letter if isinstance(letter, bytes) else bytes(letter)
                smtp.sendmail("no-reply@loom.example", [TO], raw)

    async def handle(head: str, writer: asyncio.StreamWriter) -> None:
        if "GET /send" in head:
            await asyncio.to_thread(send)
        await answer(b"<h1>Done</h1>")(head, writer)

    return handle


SEND = HttpStep(name="send", path="/send")


async def test_only_a_message_that_came_since_the_run_began_is_taken():
    async with mailroom() as room:
        await asyncio.to_thread(room.deliver, bytes(message(TO, "Verify", "code 1111")))
        step = MailStep(name="mail", to=TO, subject="verify", imap=imap_of(room.imap_port), timeout_s=1)
        async with serving(answer(b"")) as server:
            reading = await run(SEND, step, url=server.url)
        assert (reading.state, reading.detail) == (
            State.BAD,
            f"no mail at step 2: nothing to {TO} came within 1 s",
        )
        wrong = (message("bo@loom.example", "Verify", "code 2222"), message(TO, "Newsletter", "code 3333"))
        right = message(TO.upper(), "=?utf-8?q?Please_VERIFY?=", "code 4444")
        step = MailStep(
            name="mail",
            to=TO,
            subject="verify",
            imap=imap_of(room.imap_port),
            timeout_s=8,
            capture={"code": Capture(regex=r"code (\d+)", show=True)},
        )
        async with serving(sending(room, *wrong, right)) as server:
            reading = await run(SEND, step, HttpStep(name="use", path="/use/{code}"), url=server.url)
            assert reading.state is State.OK
            assert "GET /use/4444" in server.requests[-1]


@pytest.mark.parametrize(
    ("link", "expect", "detail"),
    [
        (r"http://[^\s\"<>]+", "Done", ""),
        (r'href="(http://[^"]+)"', "Done", ""),
        (r"http://[^\s\"<>]+", "Welcome", "the answer at step 2: does not contain 'Welcome'"),
        (r"ftp://\S+", "Done", "no link at step 2: nothing matches ftp://\\S+"),
    ],
)
async def test_the_link_in_a_message_is_followed_and_its_page_judged(link, expect, detail):
    async with mailroom() as room, serving(answer(b"<h1>Done</h1>")) as server:
        html = f'<p>Hello</p><a href="{server.url}/verify?a=1&amp;token=tok-4711-planted">Verify</a>'
        letter = message(TO, "Verify", "See the other part.", html=html)
        async with serving(sending(room, letter)) as sender:
            step = MailStep(
                name="mail",
                to=TO,
                imap=imap_of(room.imap_port),
                timeout_s=8,
                link=link,
                expect=(Expect(contains=expect),),
            )
            reading = await run(SEND, step, url=sender.url)
    assert reading.detail == detail
    assert "tok-4711-planted" not in reading.body.decode()
    if not detail.startswith("no link"):
        assert "GET /verify?a=1&token=tok-4711-planted" in server.requests[-1]


@pytest.mark.parametrize(("expect", "state"), [((), State.UNKNOWN), ((Expect(contains="Done"),), State.OK)])
async def test_a_link_that_leads_to_another_page_proves_something_only_by_what_is_expected_of_it(expect, state):
    async def lead(head: str, writer: asyncio.StreamWriter) -> None:
        moves = answer(b"", status="303 See Other", headers="location: /login?token=tok-4711-planted\r\n")
        await (moves if "GET /verify?" in head else answer(b"Done"))(head, writer)

    async with mailroom() as room, serving(lead) as server:
        letter = message(TO, "Verify", f"{server.url}/verify?token=tok-4711-planted")
        async with serving(sending(room, letter)) as sender:
            step = MailStep(
                name="mail", to=TO, imap=imap_of(room.imap_port), timeout_s=8, link=r"http://\S+", expect=expect
            )
            reading = await run(SEND, step, url=sender.url)
        why = f"stopped at step 2: redirected to {server.url}/login, and the step expects nothing of what answers there"
    assert (reading.state, reading.detail) == (state, why if state is State.UNKNOWN else "")
    assert "tok-4711-planted" not in reading.body.decode()


@pytest.mark.parametrize(
    "handler",
    [slam, drip, hang],
)
async def test_what_is_no_mail_server_ends_the_run_before_anything_is_done(handler):
    async with serving(handler) as server, serving(answer(b"")) as site:
        port = int(server.url.rpartition(":")[2])
        step = MailStep(name="mail", to=TO, imap=imap_of(port))
        reading = await run(SEND, step, url=site.url, step_timeout_s=0.5)
    assert site.requests == []
    assert reading.state is not State.OK
    assert reading.detail.startswith("stopped at step 2: ")
    result = decode_result(reading.body)
    assert result is not None
    assert [told.detail for told in result.steps] == ["not run", reading.detail.removeprefix("stopped at step 2: ")]


@pytest.mark.parametrize(
    ("more", "password", "words"),
    [
        ({}, "wrong-4711-password", "refused qa: it needs the password of that mailbox"),
        ({"folder": "Nowhere"}, PASSWORD, "has no folder Nowhere"),
        ({"tls": True}, PASSWORD, "speaks no TLS there"),
        ({"port": 1}, PASSWORD, "cannot be reached: no connection to port 1"),
    ],
)
async def test_a_mailbox_that_cannot_be_read_is_a_sentence(more, password, words):
    async with mailroom() as room:
        step = MailStep(name="mail", to=TO, imap=imap_of(**{"port": room.imap_port, **more}))
        reading = await run(step, password=password)
    assert words in reading.detail
    assert reading.state is not State.OK


async def test_a_mail_server_that_never_says_a_word_is_left_at_the_deadline():
    async with silent() as port:
        reading = await run(MailStep(name="mail", to=TO, imap=imap_of(port)), step_timeout_s=0.3)
    assert (reading.state, reading.detail) == (State.UNKNOWN, "stopped at step 1: no answer within 0.3 s")


# A catcher.


class Catcher:
    """What Mailpit answers: a list of messages, newest first, and each of them whole."""

    def __init__(self) -> None:
        self.letters: list[dict[str, Any]] = []

    def catch(self, to: str, subject: str, text: str) -> None:
        address = [{"Name": "", "Address": to}]
        letter = {"ID": f"id{len(self.letters)}", "To": address, "Cc": [], "Subject": subject, "Size": 1, "Tags": []}
        self.letters.insert(0, {**letter, "Text": text, "HTML": ""})

    async def __call__(self, head: str, writer: asyncio.StreamWriter) -> None:
        path = head.split(" ")[1]
        if path == "/send":
            self.catch("bo@loom.example", "Verify", "code 1")
            self.catch(TO, "Verify", "code 2222")
        if path.startswith("/api/v1/messages?"):
            told = [{key: each[key] for key in each if key not in ("Text", "HTML")} for each in self.letters]
            await answer(msgspec.json.encode({"total": len(told), "messages": told}))(head, writer)
        elif path.startswith("/api/v1/message/"):
            [letter] = [each for each in self.letters if each["ID"] == path.rpartition("/")[2]]
            await answer(msgspec.json.encode(letter))(head, writer)
        else:
            await answer(b"{}")(head, writer)


async def test_a_catcher_is_asked_for_what_came_since_the_run_began():
    catcher = Catcher()
    catcher.catch(TO, "Verify", "code 1111")
    async with serving(catcher) as server:
        capture = {"code": Capture(regex=r"code (\d+)", show=True)}
        step = MailStep(name="mail", to=TO, subject="verify", catcher=server.url, timeout_s=5, capture=capture)
        reading = await run(SEND, step, HttpStep(name="use", path="/use/{code}"), url=server.url)
        assert (reading.state, reading.detail) == (State.OK, "")
        assert "GET /use/2222" in server.requests[-1]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"null", b'{"messages": 7}', b'{"messages": [{}]}', b"\xff"])
async def test_what_is_no_catcher_is_a_sentence(body):
    async with serving(answer(body)) as server:
        reading = await run(MailStep(name="mail", to=TO, catcher=server.url))
    assert reading.state is State.BAD
    assert "is no Mailpit's" in reading.detail


# Messages as they come over the wire.


@given(st.binary(max_size=2000))
def test_any_bytes_are_a_message_of_some_kind(raw: bytes):
    assert isinstance(parsed(raw).text, str)


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Type: text/plain; charset=klingon\r\n",
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n",
        b"Content-Type: multipart/mixed\r\n",
        b"Content-Type: multipart/alternative; boundary=x\r\n",
        b"To: <<<>>>,,;;\r\nSubject: =?utf-8?b?////?=\r\n",
    ],
)
def test_a_message_that_is_broken_breaks_nothing(head: bytes):
    assert isinstance(parsed(head + b"\r\nhello --x \xff\xfe").subject, str)


def test_the_hidden_recipients_count_too():
    raw = b"To: undisclosed\r\nDelivered-To: qa+1@loom.example\r\nSubject: hi\r\n\r\nhello"
    assert parsed(raw).matches(TO, "")
