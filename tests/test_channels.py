"""Messages handed to channels: real servers, real mail, real commands, and what is unknown rather than failed."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from msgspec.structs import replace

from loom_tui.plan.channels import Channel, CommandChannel, EmailChannel, SlackChannel, WebhookChannel
from loom_tui.plan.sources.base import Secret
from loom_tui.room.acting import Outcome
from loom_tui.room.messages import Message
from loom_tui.sources.channels import send, written
from loom_tui.sources.scene import Ended, Scene
from tests.servers import answer, hang, serving, silent, slam

PATH = "/services/T0001/B0001/planted4711secret"
PASSWORD = "planted-mail-4711"
MESSAGE = Message(
    subject="Rolled back",
    text="Back to v1 <!channel> & <https://evil.example|click>\nby ana",
    room="friday",
    environment="production",
    release="v2",
    seq=41,
    head="ab" * 32,
)
HOOK = Secret(env="HOOK")
SLACK = SlackChannel(url=HOOK, timeout_s=2.0)


def scene(environ: Mapping[str, str], directory: Path = Path("/")) -> Scene:
    return Scene(directory=directory, environ=environ, values={}, credentials={})


async def sent(channel: Channel, message: Message = MESSAGE, *, within_s: float = 5.0, **environ: str) -> Ended:
    ended = await send(channel, message, scene(environ), within_s=within_s)
    assert "planted" not in ended.why
    return ended


async def test_slack_gets_plain_words_in_which_nobody_is_called_and_nothing_is_linked():
    async with serving(answer(b"ok")) as web:
        ended = await sent(SLACK, HOOK=f"{web.url}{PATH}")
        (head,), (body,) = web.requests, web.bodies
    assert ended == Ended(Outcome.OK, "200 ok")
    assert head.startswith(f"POST {PATH} HTTP/1.1")
    told = json.loads(body)
    assert told == {
        "text": "Back to v1 &lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;\nby ana\n\n"
        f"friday · production · v2\njournal 41 {'ab' * 32}",
        "mrkdwn": False,
    }


async def test_a_webhook_gets_the_fields_or_the_form_that_the_plan_gives_it():
    own = WebhookChannel(
        url=HOOK,
        headers={"authorization": "Bearer {token}", "x-title": "{subject}"},
        json={"summary": "{subject}", "body": {"text": "{text}"}, "n": [1]},
        secrets={"token": Secret(env="TOKEN")},
    )
    message = replace(MESSAGE, subject="“{token}”\r\nx-evil: 1", text="{token}")
    async with serving(answer(b"", status="204 No Content")) as web:
        assert (await sent(WebhookChannel(url=HOOK), HOOK=web.url)).outcome is Outcome.OK
        assert (await sent(own, message, HOOK=web.url, TOKEN="planted-4711")).outcome is Outcome.OK
        heads, bodies = web.requests, [json.loads(body) for body in web.bodies]
    assert bodies[0]["text"] == MESSAGE.whole
    assert bodies[0]["journal"] == f"41 {'ab' * 32}"
    assert {key: bodies[0][key] for key in ("subject", "room", "environment", "release")} == {
        "subject": "Rolled back",
        "room": "friday",
        "environment": "production",
        "release": "v2",
    }
    assert bodies[1]["body"]["text"].startswith("{token}\n"), "a message's own braces are no variable"
    assert "\r\nx-evil:" not in heads[1]
    assert "authorization: Bearer planted-4711\r\n" in heads[1]


@pytest.mark.parametrize(
    ("handler", "outcome", "why"),
    [
        (answer(b"invalid_token", status="401 No"), Outcome.FAILED, "refused the credential (401)"),
        (answer(b"no_service", status="404 No"), Outcome.FAILED, "404); its webhook was revoked"),
        (answer(b"", status="410 Gone"), Outcome.FAILED, "answered 410"),
        (answer(b"", status="302 Found", headers="location: /login\r\n"), Outcome.FAILED, "answered 302"),
        (answer(b"", status="429 No", headers="retry-after: 600\r\n"), Outcome.FAILED, "left alone for 600 s"),
        (answer(b'{"ok": false, "error": "no_text"}'), Outcome.FAILED, "refused: no_text"),
        (answer(b"", status="500 Oh"), Outcome.UNKNOWN, "answered 500: it may have been sent"),
        (answer(b"<html>Sign in"), Outcome.UNKNOWN, "with a page (HTML) in the place of an acknowledgement"),
        (hang, Outcome.UNKNOWN, "no answer within 0.5 s: it may have been sent"),
        (slam, Outcome.UNKNOWN, "broke off in the middle of its answer: it may have been sent"),
        (answer(b"o", length=400), Outcome.UNKNOWN, "broke off in the middle of its answer: it may have been sent"),
        (answer(b"[/" + b"x" * 10_000), Outcome.OK, "200 [/xxx"),
    ],
)
async def test_what_may_have_been_sent_is_unknown_and_what_was_refused_has_failed(handler, outcome, why):
    async with serving(handler) as web:
        ended = await sent(replace(SLACK, timeout_s=0.5), HOOK=f"{web.url}{PATH}")
        assert len(web.requests) == 1
    assert ended.outcome is outcome
    assert why in ended.why
    assert len(ended.why) <= 200


async def test_a_limit_that_ends_in_time_is_waited_out():
    answers = [answer(b"", status="429 No", headers="retry-after: 1\r\n"), answer(b"ok")]

    async def limited(head: str, writer: asyncio.StreamWriter) -> None:
        await answers.pop(0)(head, writer)

    async with serving(limited) as web:
        assert await sent(SLACK, HOOK=f"{web.url}{PATH}") == Ended(Outcome.OK, "200 ok")


async def test_what_cannot_be_sent_at_all_has_failed_and_tells_no_address():
    async with silent() as port:
        pass
    for hook, why in (
        (f"http://127.0.0.1:{port}{PATH}", "cannot be reached"),
        (f"no url{PATH}", "no URL that can be asked"),
        ("", "HOOK is not set"),
    ):
        ended = await sent(SLACK, HOOK=hook)
        assert ended.outcome is Outcome.FAILED
        assert why in ended.why


# Mail.


class Mailbox:
    """An SMTP server that keeps what it is handed. `refuses`: what it says no to."""

    def __init__(self, *, refuses: str = "") -> None:
        self.mails: list[Envelope] = []
        self.refuses = refuses

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address == self.refuses:
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        if self.refuses == "hang":
            await asyncio.Event().wait()
        if self.refuses == "content":
            return "554 looks like spam"
        self.mails.append(envelope)
        return "250 queued as 4711"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        if self.refuses == "quit":
            await asyncio.Event().wait()
        return "221 Bye"


@asynccontextmanager
async def mail_server(box: Mailbox, **more: Any) -> AsyncIterator[int]:
    tls = more.pop("implicit", None)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, **more), "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's context; its authority is one that this machine trusts."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return context


def mail(port: int, **more: Any) -> EmailChannel:
    given = {"server": "127.0.0.1", "sender": "loom@example.com", "to": ("ops@example.com", "qa@example.com")}
    return EmailChannel(**{**given, "port": port, "tls": "none", "timeout_s": 5.0, **more})


def trusts(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


async def test_mail_says_it_all_and_a_subject_cannot_smuggle_a_header():
    box = Mailbox()
    async with mail_server(box) as port:
        message = replace(MESSAGE, subject="Zurück “v1”", text="a\n.\nb\nDSN ü")
        ended = await sent(mail(port), message)
        smuggled = await sent(mail(port), replace(MESSAGE, subject="a\r\nBcc: eve@example.com"))
    assert (smuggled.outcome, "sent to nobody" in smuggled.why) == (Outcome.FAILED, True)
    assert ended == Ended(Outcome.OK, "250 queued as 4711")
    (envelope,) = box.mails
    assert envelope.rcpt_tos == ["ops@example.com", "qa@example.com"]
    assert isinstance(envelope.content, bytes)
    envelope.content.decode("ascii")
    got = message_from_bytes(envelope.content, policy=default)
    assert (got["Subject"], got["From"], got["Auto-Submitted"]) == ("Zurück “v1”", "loom@example.com", "auto-generated")
    assert got["Message-ID"] == f"<{message.key}.41@example.com>"
    text = got.get_body().get_content()  # type: ignore[union-attr]
    assert text.replace("\r", "") == f"a\n.\nb\nDSN ü\n\nfriday · production · v2\njournal 41 {'ab' * 32}\n"


async def test_a_mail_that_was_taken_is_sent_also_where_the_server_never_says_goodbye():
    box = Mailbox(refuses="quit")
    async with mail_server(box) as port:
        assert await sent(mail(port, timeout_s=0.5)) == Ended(Outcome.OK, "250 queued as 4711")
    assert len(box.mails) == 1


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # aiosmtpd knows of no TLS that was there from the beginning
@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_mail_travels_hidden_and_a_password_only_so(tls, certificate):
    box = Mailbox()
    more = {"implicit": certificate} if tls == "tls" else {"tls_context": certificate, "require_starttls": True}
    auth = {"authenticator": trusts, "auth_required": True, "auth_require_tls": tls == "starttls"}
    async with mail_server(box, **more, **auth) as port:
        channel = mail(port, server="localhost", tls=tls, user="loom", password=Secret(env="MAIL"))
        assert (await sent(channel, MAIL=PASSWORD)).outcome is Outcome.OK
        refused = await sent(channel, MAIL="planted-wrong")
        assert refused == Ended(Outcome.FAILED, "localhost refused the password of loom (535)")
    assert len(box.mails) == 1


async def test_a_certificate_that_does_not_hold_gets_no_mail(tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    box = Mailbox()
    async with mail_server(box, tls_context=context) as port:
        ended = await sent(mail(port, server="localhost", tls="starttls"))
    assert (ended.outcome, box.mails) == (Outcome.FAILED, [])


@pytest.mark.parametrize(
    ("refuses", "outcome", "why"),
    [
        ("qa@example.com", Outcome.FAILED, "sent, but not to qa@example.com: 550 no such person"),
        ("content", Outcome.FAILED, "answered 554 looks like spam"),
        ("hang", Outcome.UNKNOWN, "did not answer within 1 s: it may have been sent"),
    ],
)
async def test_mail_that_was_handed_over_and_not_acknowledged_is_unknown(refuses, outcome, why):
    async with mail_server(Mailbox(refuses=refuses)) as port:
        ended = await sent(mail(port, timeout_s=1.0))
    assert ended.outcome is outcome
    assert why in ended.why


async def test_a_mail_server_that_is_none_has_taken_nothing():
    async with silent() as port:
        ended = await sent(mail(port, timeout_s=0.5))
        assert ended == Ended(Outcome.FAILED, "127.0.0.1 did not answer within 0.5 s")
    ended = await sent(mail(port))
    assert ended.outcome is Outcome.FAILED
    assert "cannot be reached" in ended.why
    async with serving(answer(b"")) as web:
        ended = await sent(mail(int(web.url.rpartition(":")[2]), timeout_s=1.0))
        assert ended.outcome is Outcome.FAILED
    async with mail_server(Mailbox()) as port:
        ended = await sent(mail(port, server="localhost", tls="starttls"))
        assert ended.outcome is Outcome.FAILED, "it speaks no TLS"


# Commands.


@pytest.mark.parametrize(
    ("code", "outcome", "why"),
    [
        ("import sys; open('got', 'w').write(sys.stdin.read()); print('page 4711')", Outcome.OK, "exit 0 page 4711"),
        ("import os; print(os.environ['KEY']); raise SystemExit(3)", Outcome.FAILED, "exit 3: ••••"),
        ("import os; os.kill(os.getpid(), 9)", Outcome.UNKNOWN, "signal 9 ended it in the middle"),
        ("import time; time.sleep(600)", Outcome.UNKNOWN, "did not end within 2 s"),
    ],
)
async def test_a_command_reads_the_message_and_its_exit_acknowledges_it(code, outcome, why, tmp_path):
    channel = CommandChannel(run=(sys.executable, "-c", code), secrets={"KEY": Secret(env="KEY")}, timeout_s=2.0)
    ended = await send(channel, MESSAGE, scene({"KEY": "planted-4711"}, tmp_path), within_s=30.0)
    assert (ended.outcome, why in ended.why) == (outcome, True)
    if outcome is Outcome.OK:
        assert (tmp_path / "got").read_text() == f"Rolled back\n\n{MESSAGE.whole}\n"


async def test_a_command_that_is_not_there_has_failed():
    ended = await sent(CommandChannel(run=("/no/such",)))
    assert (ended.outcome, "cannot be started" in ended.why) == (Outcome.FAILED, True)


# What would be sent.


@pytest.mark.parametrize(
    ("channel", "begins", "holds"),
    [
        (SLACK, "POST ••••\ncontent-type: application/json\n\n{", "&lt;!channel&gt;"),
        (
            WebhookChannel(url=HOOK, headers={"authorization": "Bearer {t}"}, secrets={"t": Secret(env="T")}),
            "POST ••••\ncontent-type: application/json\nauthorization: Bearer ••••\n\n{",
            '"journal":"41 abab',
        ),
        (
            EmailChannel(server="mx.example", sender="a@b.c", to=("d@e.f",), user="loom", password=Secret(env="MAIL")),
            "SMTP mx.example:587 starttls, as loom ••••\nFrom: a@b.c\nTo: d@e.f\nSubject: Rolled back\n",
            "\n\nBack to v1 <!channel>",
        ),
        (
            CommandChannel(run=("wall", "-t", "a b"), secrets={"K": Secret(env="K")}),
            "K=•••• wall -t 'a b'\n\nRolled back\n\nBack",
            "journal 41",
        ),
    ],
)
def test_what_would_be_sent_is_written_whole_without_a_credential(channel, begins, holds):
    text = written(channel, MESSAGE)
    assert text.startswith(begins)
    assert holds in text


def test_each_kind_says_where_it_leads_without_a_secret():
    place: Callable[[Channel], str] = lambda channel: channel.place()  # noqa: E731
    assert place(SLACK) == "a Slack webhook"
    assert place(mail(25)) == "mail to ops@example.com, qa@example.com"
    assert place(CommandChannel(run=("wall",))) == "the command `wall`"
