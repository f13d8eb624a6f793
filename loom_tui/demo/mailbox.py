"""The demo's mail catcher: keeps the letters that staging sends, and shows them by Mailpit's API (v1)."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from loom_tui.demo.services import Answer, Request

NEWEST = 50


class Letter(Struct, frozen=True, kw_only=True):
    """One letter."""

    to: str
    subject: str
    html: str


class Mailbox:
    """Takes letters, and lists them newest first."""

    def __init__(self) -> None:
        self._letters: tuple[Letter, ...] = ()

    def take(self, letter: Letter) -> None:
        """Keep a letter."""
        self._letters = (*self._letters, letter)

    def answer(self, request: Request, _now: float) -> Answer:
        """List the letters at /api/v1/messages, or show one at /api/v1/message/ID."""
        place, _, name = request.path.rpartition("/")
        letters = dict(enumerate(self._letters, 1))
        if request.path == "/api/v1/messages":
            limit = int(limit) if (limit := request.query.get("limit", "")).isdecimal() else NEWEST
            newest = sorted(letters, reverse=True)[:limit]
            return Answer(body={"messages": [_listed(number, letters[number]) for number in newest]})
        letter = letters.get(int(name)) if place == "/api/v1/message" and name.isdecimal() else None
        if letter is None:
            return Answer(status=404, body={"Error": "message not found"})
        return Answer(body={"Text": "", "HTML": letter.html})


def _listed(number: int, letter: Letter) -> dict[str, Any]:
    return {"ID": str(number), "To": [{"Address": letter.to}], "Cc": [], "Subject": letter.subject}
