"""The demo's staging platform, for tests of workflows: its mail goes to a real server, and what it saw is kept."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager

from loom_tui.demo.mailbox import Letter
from loom_tui.demo.services import Answer, Request, serve
from loom_tui.demo.staging import Staging
from tests.mailroom import message

PASSWORD = "correct-horse-4711-secret"
TOTP_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


class Coaching(Staging):
    """The platform. "echo" has it answer as careless servers do."""

    def __init__(self, smtp_port: int) -> None:
        super().__init__(password=PASSWORD, totp_secret=TOTP_SECRET, deliver=lambda letter: send(letter, smtp_port))
        self.url = ""
        self.seen: list[Request] = []

    def answer(self, request: Request, now: float) -> Answer:
        """Answer one request."""
        self.seen.append(request)
        if self.broken == "echo" and request.path != "/api/sign-in":
            return Answer(status=500, body=str(request).encode(), kind="text/plain")
        return super().answer(request, now)


def send(letter: Letter, smtp_port: int) -> None:
    """Hand a letter in."""
    with smtplib.SMTP("127.0.0.1", smtp_port, timeout=10) as smtp:
        smtp.send_message(message(letter.to, letter.subject, "Welcome.", html=letter.html))


@contextmanager
def coaching(smtp_port: int = 0) -> Iterator[Coaching]:
    """Serve the platform on a free loopback port."""
    app = Coaching(smtp_port)
    with serve(app.answer) as app.url:
        yield app
