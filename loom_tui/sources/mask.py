"""What nobody may see: secrets that are known, hidden in every form in which they travel."""

from __future__ import annotations

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Hashable, Iterator
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec

from loom_tui.sources.scrub import DOTS, scrub_dsn

LOOKED_THROUGH = 20_000  # of a long text of which a little is shown: more of it costs time and shows nothing
_MIN_COOKIE = 8
_MIN_CAPTURED = 4  # a captured "7" is no secret, and masking it would blot out every 7
_MIN_GUESSED = 6  # shorter values are words that stand elsewhere too
_MIN_BASE64 = 8  # characters of a secret's inside that are looked for: fewer stand elsewhere too
_MIN_LINE = 8  # characters of one line of a key: programs tell keys by the line, and with line ends of their own
_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|PRIVATE|APIKEY|_KEY$|DSN$|DATABASE_URL", re.IGNORECASE)
# What servers call a secret in their answers, captured or not: {"access_token": "…"}, and JWTs wherever they stand.
# Each run of letters is bounded: a page of one long word must not cost its square.
_NAMED = re.compile(
    r"""((?:[\w-]{0,40}(?:token|secret|passw(?:or)?d|api[_-]?key|cookie)[\w-]{0,40}|\b(?:session[_-]?id|sid|otp))["']?"""
    r"""\s{0,4}[:=]\s{0,4})("(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s,;&"'}{<>]+)""",
    re.IGNORECASE,
)
_JWT = re.compile(r"eyJ[\w-]{8,}(?:\.[\w-]*){0,2}")
_PERCENT = re.compile("%..")
_ESCAPED = ("<>&", "<>&='", "<>&'+`")  # what Go, Gson and .NET write as \u003c though JSON lets it stand
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")


class Masked:
    """A secret. Whatever shows it shows dots; `reveal` is called only where it is sent."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Give the secret itself."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return f"Masked({DOTS})" if self._value else "Masked()"

    __str__ = __repr__

    def __format__(self, _: str) -> str:
        return repr(self)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written anywhere")


class Mask:
    """Secrets that are known. `hide` takes them out of a text; what is added later is hidden from then on."""

    def __init__(self) -> None:
        self._secrets: dict[Hashable, str] = {}
        self._forms: list[str] = []  # longest first: one may be the beginning of another
        self._long: list[str] = []  # those of several lines
        self._encoded: list[bytes] = []  # the same as they stand in JSON

    def add(self, secret: str, *, place: Hashable = None) -> None:
        """Hide this from now on, instead of what was found at the same place before."""
        secret = secret.encode("utf-8", "replace").decode()  # a variable may be no text
        place = secret if place is None else place
        if not secret.strip() or self._secrets.get(place) == secret:
            return
        self._secrets[place] = secret
        forms = {form for each in self._secrets.values() for form in _forms(each)}
        self._forms = sorted(forms, key=len, reverse=True)
        self._long = [form for form in self._forms if "\n" in form]
        in_json = {form for each in forms for form in (each, _in_json(each), json.dumps(each)[1:-1])}
        self._encoded = [form.encode() for form in in_json]

    def add_captured(self, value: str) -> None:
        """Hide a captured value, unless it is too short to be a secret."""
        if len(value) >= _MIN_CAPTURED:
            self.add(value)

    def add_cookie(self, value: str) -> None:
        """Hide a cookie that a site set, unless it is a word such as `true` or `dark`."""
        if len(value) >= _MIN_COOKIE:
            self.add(value)

    def add_variable(self, name: str, value: str) -> None:
        """Hide an environment variable whose name speaks of a secret, unless its value is too short to be one."""
        if len(value) >= _MIN_GUESSED and _SECRET_NAME.search(name):
            self.add(value, place=("environ", name))

    def hide(self, text: str) -> str:
        """Take the secrets, and the passwords of connection strings, out of a text."""
        if not text:
            return text
        for form in self._forms:
            text = text.replace(form, DOTS)
        return scrub_dsn(text)

    def ended(self, text: str) -> tuple[str, str]:
        """Cut a text that goes on into lines with which no secret goes on, not masked yet, and what is to be held back.

        Secrets of several lines that are whole are hidden in either; a line of one is held until it shows whether the
        others follow, as it came: among dots, a line too short to be known by itself would be let through.
        """
        for form in self._long:
            text = text.replace(form, DOTS)
        last = text.rfind("\n") + 1
        begun = (
            last - size
            for form in self._long
            for size in _to_line_ends(form)
            if size <= last and form.startswith(text[last - size :])
        )
        edge = text.rfind("\n", 0, min(begun, default=last)) + 1
        return text[:edge], text[edge:]

    def hide_json(self, body: bytes) -> bytes:
        """Take the secrets out of the texts of a JSON body; its numbers and its form stay. One without them is kept."""
        if not any(form in body for form in self._encoded):
            return body
        try:
            return msgspec.json.encode(self._hidden(msgspec.json.decode(body)))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self.hide(body.decode("utf-8", "replace")).encode()

    def _hidden(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, list):
            return [self._hidden(item) for item in value]
        if isinstance(value, dict):
            return {self.hide(key): self._hidden(item) for key, item in value.items()}
        return value

    def foreign(self, text: str, *, limit: int, end: bool = False) -> str:
        """Make a text of the other side fit to be shown: without secrets or control characters, in one line, cut.

        Cut last: half a secret would not be known for one. `end` keeps the text's end.
        """
        text = _JWT.sub(DOTS, _NAMED.sub(rf"\1{DOTS}", self.hide(text)))
        text = _CONTROL.sub(" ", text).strip()
        if len(text) <= limit:
            return text
        return f"…{text[1 - limit :]}" if end else f"{text[: limit - 1]}…"


def _forms(secret: str) -> set[str]:
    """Write a secret as it travels: as it is, in addresses, HTML, JSON (what each language escapes) and base64."""
    encoded = _in_json(secret)
    raw = secret.encode()
    quoted = (quote(raw), quote(raw, safe=""), quote_plus(raw))
    html = escape(secret)
    lines = secret.split("\n")
    return {
        secret,
        *(line.strip() for line in lines if len(lines) > 1 and len(line.strip()) >= _MIN_LINE),
        *quoted,
        *(_PERCENT.sub(lambda found: found[0].lower(), each) for each in quoted),
        html,
        html.replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
        encoded,
        encoded.replace("/", r"\/"),
        json.dumps(secret)[1:-1],
        *(_escaped(encoded, letters, form) for letters in _ESCAPED for form in ("04x", "04X")),
        *(encode(raw).decode().rstrip("=") for encode in (b64encode, urlsafe_b64encode)),
        *(form for form in _inside_base64(raw) if len(form) >= _MIN_BASE64),
    }


def _to_line_ends(text: str) -> Iterator[int]:
    return (at for at, letter in enumerate(text, 1) if letter == "\n")


def _escaped(text: str, letters: str, form: str) -> str:
    return "".join(rf"\u{ord(letter):{form}}" if letter in letters else letter for letter in text)


def _in_json(text: str) -> str:
    return msgspec.json.encode(text).decode()[1:-1]


def _inside_base64(raw: bytes) -> Iterator[str]:
    """Give what base64 makes of a secret behind other bytes (a user and a colon), without the characters they share."""
    for encode in (b64encode, urlsafe_b64encode):
        for offset in range(3):
            text = encode(bytes(offset) + raw).decode()
            yield text[-(-offset * 8 // 6) : (offset + len(raw)) * 8 // 6]
