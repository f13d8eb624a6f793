"""What a run must never show: credentials and captured values, in every form in which they travel."""

from __future__ import annotations

import re
from base64 import b64encode
from html import escape
from urllib.parse import quote, quote_plus

import msgspec

from loom_tui.sources.secrets import scrub_dsn

DOTS = "••••"
_MIN_COOKIE = 8
_MIN_CAPTURED = 4  # a captured "7" is no secret, and masking it would blot out every 7
# What servers call a secret in their answers, captured or not: {"access_token": "…"}, and JWTs wherever they stand.
# Each run of letters is bounded: a page of one long word must not cost its square.
_NAMED = re.compile(
    r"""((?:[\w-]{0,40}(?:token|secret|passw(?:or)?d|api[_-]?key|cookie)[\w-]{0,40}|\b(?:session[_-]?id|sid|otp))["']?"""
    r"""\s{0,4}[:=]\s{0,4})("(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,;&"'}{<>]+)""",
    re.IGNORECASE,
)
_JWT = re.compile(r"eyJ[\w-]{8,}(?:\.[\w-]*){0,2}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")


class Mask:
    """The secrets of one run. `hide` takes them out of a text; what is added later is hidden from then on."""

    def __init__(self) -> None:
        self._forms: set[str] = set()

    def add(self, secret: str) -> None:
        """Hide this from now on."""
        if secret.strip():
            encoded = msgspec.json.encode(secret).decode()[1:-1]
            self._forms |= {
                secret,
                quote(secret),
                quote(secret, safe=""),
                quote_plus(secret),
                escape(secret),
                encoded,
                b64encode(secret.encode()).decode().rstrip("="),
            }

    def add_captured(self, value: str) -> None:
        """Hide a captured value, unless it is too short to be a secret."""
        if len(value) >= _MIN_CAPTURED:
            self.add(value)

    def add_cookie(self, value: str) -> None:
        """Hide a cookie that a site set, unless it is a word such as `true` or `dark`."""
        if len(value) >= _MIN_COOKIE:
            self.add(value)

    def hide(self, text: str) -> str:
        """Take the run's secrets out of a text, longest first: one may be the beginning of another."""
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, DOTS)
        return scrub_dsn(text)

    def foreign(self, text: str, *, limit: int, end: bool = False) -> str:
        """Make a text of the other side fit to be shown: without secrets or control characters, in one line, cut.

        Cut last: half a secret would not be known for one. `end` keeps the text's end.
        """
        text = _JWT.sub(DOTS, _NAMED.sub(rf"\1{DOTS}", self.hide(text)))
        text = _CONTROL.sub(" ", text).strip()
        if len(text) <= limit:
            return text
        return f"…{text[1 - limit :]}" if end else f"{text[: limit - 1]}…"
