"""What is wrong with a variable's value, in words that hold nothing of the value."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from loom_tui.plan.sources.environment import Form, Variable
from loom_tui.sources.tokens import jwt_claims, recognise

# A value that somebody meant to replace: words of templates, with the joints that templates have.
_PLACEHOLDERS = (
    (
        r"change[-_ ]?me|replace[-_ ]?(me|this|with)\b|\b(fill|put|insert|enter|add)[-_](me|in|your|here)",
        "a template's word",
    ),
    (r"\byour[-_]|[-_]here$|\byour ?(key|token|secret|password|api)\b", "a template's word"),
    (r"(?<![a-z0-9])(placeholder|dummy|todo|tbd|fixme|redacted)(?![a-z0-9])", "a template's word"),
    (r"(?<![a-z0-9])x{3,}(?![a-z0-9])|^x{3,}|x{6,}", "a row of x"),
    (r"(?<![a-z0-9-])example\.(com|org|net)\b|\.example(?![a-z0-9.-])", "an example's address"),
    (r"<[^<>]*>|\$\{[^}]*\}|\{\{.*\}\}|\[\[?your[^\]]*\]", "a hole to be filled in"),
    (r"^(null|none|undefined|nil|secret|password|token|test|foo|bar|\*+|\.+|-+|_+)$", "a word that says nothing"),
    (r"^(.)\1{5,}$", "one character again and again"),
)
_PUBLIC_PREFIXES = ("NEXT_PUBLIC_", "VITE_", "REACT_APP_", "PUBLIC_", "EXPO_PUBLIC_", "NUXT_PUBLIC_", "GATSBY_")


def faults_of(variable: Variable, value: str, *, now: float) -> list[str]:
    """List what is wrong with a value that is set; never a part of it."""
    for pattern, what in _PLACEHOLDERS:
        if re.search(pattern, value, re.IGNORECASE):
            return [f"is a placeholder ({what})"]
    faults = []
    if value != value.strip():
        faults.append("has spaces or a line's end around it")
    if len(value) < variable.min_length:
        faults.append(f"is shorter than the {variable.min_length} characters that the plan wants")
    if variable.pattern and not re.fullmatch(variable.pattern, value):
        faults.append("does not fit the plan's pattern")
    wrong = _FORMS[variable.form](value.strip(), now)
    if wrong:
        faults.append(wrong)
    if variable.name.startswith(_PUBLIC_PREFIXES) and is_service_key(value.strip()):
        faults.append("is a service key, and a variable of this name is sent to every browser")
    return faults


def is_service_key(value: str) -> bool:
    """Say whether a value is a Supabase key that row-level security does not bind."""
    key = recognise(value)
    return key is not None and key.is_service


def _url(value: str, _: float) -> str:
    return "" if _host(value, ("http", "https")) else "is no http(s) URL"


def _dsn(value: str, _: float) -> str:
    return "" if _host(value, ()) else "is no connection string (scheme://user:password@host/…)"


def _sentry_dsn(value: str, _: float) -> str:
    if not _host(value, ("http", "https")):
        return "is no Sentry DSN (https://KEY@HOST/PROJECT)"
    split = urlsplit(value)
    if not split.username:
        return "is a Sentry DSN without its key"
    return "" if re.fullmatch(r".*/\d+", split.path) else "is a Sentry DSN without its project's number"


def _host(value: str, schemes: tuple[str, ...]) -> bool:
    try:
        split = urlsplit(value)
        return (
            bool(split.hostname)
            and bool(split.scheme)
            and (not schemes or split.scheme in schemes)
            and " " not in value
        )
    except ValueError:
        return False


def _jwt(value: str, now: float) -> str:
    claims = jwt_claims(value)
    if claims is None:
        return "is no JSON web token"
    expires = claims.get("exp")
    return "is a token that has expired" if isinstance(expires, int | float) and expires <= now else ""


def _uuid(value: str, _: float) -> str:
    try:
        UUID(value)
    except ValueError:
        return "is no UUID"
    return ""


def _number(value: str, _: float) -> str:
    return "" if re.fullmatch(r"[+-]?\d+(\.\d+)?", value) else "is no number"


def _base64(value: str, _: float) -> str:
    try:
        b64decode(value.replace("-", "+").replace("_", "/") + "=" * (-len(value) % 4), validate=True)
    except (Base64Error, ValueError):
        return "is no base64"
    return ""


def _json(value: str, _: float) -> str:
    try:
        msgspec.json.decode(value.encode("utf-8", "surrogatepass"))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return "is no JSON"
    return ""


def _fits(pattern: str, what: str) -> Callable[[str, float], str]:
    return lambda value, _: "" if re.fullmatch(pattern, value, re.IGNORECASE) else f"is no {what}"


_FORMS: dict[Form, Callable[[str, float], str]] = {
    Form.TEXT: lambda _value, _now: "",
    Form.URL: _url,
    Form.DSN: _dsn,
    Form.SENTRY_DSN: _sentry_dsn,
    Form.JWT: _jwt,
    Form.HEX: _fits(r"(0x)?[0-9a-f]+", "hexadecimal number"),
    Form.BASE64: _base64,
    Form.UUID: _uuid,
    Form.NUMBER: _number,
    Form.BOOLEAN: _fits(r"true|false|1|0|yes|no|on|off", "true or false"),
    Form.EMAIL: _fits(r"[^@\s]+@[^@\s]+\.[^@\s]+", "e-mail address"),
    Form.JSON: _json,
}
