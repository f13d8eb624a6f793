"""What foreign events carry and no screen may show: credentials, cookies, tokens in queries, passwords, addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

DOTS = "••••"
LIMIT = 2000  # characters of one text; what is longer is cut before it is looked through
_OPAQUE = 20  # a query's value of so many characters is taken for a token, whatever its name

_SENSITIVE = re.compile(
    r"pass|pwd|secret|token|auth|key|session|cookie|credential|signature|^sig$|^code$|otp|jwt|csrf|xsrf|mail",
    re.IGNORECASE,
)
_KEPT_HEADERS = frozenset(
    {"accept", "accept-language", "content-length", "content-type", "host", "origin", "referer", "user-agent"}
)
# How credentials begin that say whose they are: Stripe, Sentry, GitHub, Supabase, Slack, AWS.
_ISSUED = r"[sprk]{2}_(?:live|test)_|sntry[su]_|gh[pousr]_|github_pat_|sb_(?:secret|publishable)_|xox[a-z]-|AKIA"
_NAMED = r"[\w-]{0,40}[\"']?"  # the rest of a name and its closing quote; every repetition here is bounded
_VALUE = r"(?:\"[^\"]{0,400}\"|'[^']{0,400}'|[^\s,;&}]+)"

_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), put)
    for pattern, put in (
        (r"://[^/\s]{0,400}@", f"://{DOTS}@"),  # to the last @: a password may hold one …
        (r"://[^/\s:@]{1,100}:(?!\d{1,5}/)\S{1,400}@", f"://{DOTS}@"),  # … and a slash
        (r"\b((?:set-)?cookie\s{0,3}[:=]).*", rf"\1 {DOTS}"),
        (r"\b(authorization[\"']?\s{0,3}[:=]\s{0,3})(?:\w{1,20}\s{1,3})?[^\s,;&]+", rf"\1{DOTS}"),
        (r"\b(bearer|basic)\s{1,3}[\w.~+/=-]{6,}", rf"\1 {DOTS}"),
        (rf"((?:passwor[dt]|passwd|pwd){_NAMED}\s{{0,3}}[:=]\s{{0,3}}){_VALUE}", rf"\1{DOTS}"),
        (rf"((?:secret|token|api_?-?key|jwt|otp){_NAMED}=){_VALUE}", rf"\1{DOTS}"),
        # after a colon only what looks like a credential: 'Invalid Refresh Token: Not Found' is a sentence
        (rf"((?:secret|token|api_?-?key|jwt|otp){_NAMED}:\s{{0,3}})(?=\S{{0,200}}[\d\"']){_VALUE}", rf"\1{DOTS}"),
        (r"\beyJ[\w-]{6,}(?:\.[\w-]+){0,2}", DOTS),
        (rf"\b(?:{_ISSUED})[\w./+=-]{{6,}}", DOTS),
        (r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,4}\.[a-z]{2,24}", f"{DOTS}@{DOTS}"),
    )
)  # fmt: skip

_DSN_PASSWORD = re.compile(
    r"(://[^:/@\s]{0,100}:)\S{0,400}(@)|(password\s{0,3}=\s{0,3})('[^']{0,400}'|\S+)", re.IGNORECASE
)


def scrub(text: object) -> str:
    """Take secrets and addresses out of a foreign text. What is no text is none."""
    if not isinstance(text, str):
        return ""
    if len(text) > LIMIT:
        text = text[:LIMIT] + "…"
    for pattern, put in _RULES:
        text = pattern.sub(put, text)
    return text


def scrub_dsn(text: str) -> str:
    """Take the passwords of connection strings out of a text."""
    return _DSN_PASSWORD.sub(lambda m: f"{m[1]}{DOTS}{m[2]}" if m[1] else f"{m[3]}{DOTS}", text)


def scrub_pair(name: object, value: object) -> tuple[str, str]:
    """Take secrets out of a named value: all of it, where the name speaks of one."""
    key = scrub(name)
    text = value if isinstance(value, str) else "" if value is None else str(value)
    return key, DOTS if text and _SENSITIVE.search(key) else scrub(text)


def scrub_url(url: object, query: object = None) -> str:
    """Take passwords, fragments and a query's tokens out of a URL; `query` is Sentry's own form of it."""
    if not isinstance(url, str):
        return ""
    try:
        parts = urlsplit(url[:LIMIT])
    except ValueError:
        return DOTS
    asked = [*_pairs(parts.query), *_pairs(query)]
    words = [f"{name}={DOTS if len(value) >= _OPAQUE else value}" for name, value in asked]
    base = scrub(parts._replace(query="", fragment="").geturl())
    return f"{base}?{'&'.join(words)}" if words else base


def kept_headers(headers: object) -> tuple[tuple[str, str], ...]:
    """Keep the headers that are known to hold no secret; all others are left out."""
    kept = []
    for name, value in _entries(headers):
        if isinstance(name, str) and name.casefold() in _KEPT_HEADERS:
            kept.append((name, scrub_url(value) if name.casefold() in {"referer", "origin"} else scrub(value)))
    return tuple(kept)


def _pairs(query: object) -> list[tuple[str, str]]:
    """Read a query as text or as pairs, each value masked where its name speaks of a secret."""
    if isinstance(query, str):
        return [scrub_pair(*part.partition("=")[::2]) for part in query[:LIMIT].split("&") if part]
    return [scrub_pair(name, value) for name, value in _entries(query)]


def _entries(value: object) -> Iterator[tuple[object, object]]:
    """Go through a mapping, or a list of pairs; what is neither has no entries."""
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list):
        yield from ((pair[0], pair[1]) for pair in value if isinstance(pair, list) and len(pair) == 2)
