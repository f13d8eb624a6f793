"""API keys and tokens, recognised by their form alone: what a key is for, and until when. None is verified."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct


class KeyKind(StrEnum):
    """What a Supabase key is."""

    PUBLISHABLE = "sb_publishable"
    SECRET = "sb_secret"  # noqa: S105 - a prefix
    JWT = "JWT"


class ApiKey(Struct, frozen=True, kw_only=True):
    """A Supabase API key without the key: its kind, and what its claims say ("" and None: nothing)."""

    kind: KeyKind
    role: str = ""
    project: str = ""
    expires_at: float | None = None

    @property
    def is_service(self) -> bool:
        """Whether row-level security does not bind whoever holds it."""
        return self.kind is KeyKind.SECRET or self.role in ("service_role", "supabase_admin", "postgres")

    @property
    def is_public(self) -> bool:
        """Whether it is made to be seen by every visitor."""
        return self.kind is KeyKind.PUBLISHABLE or self.role == "anon"


def recognise(text: str) -> ApiKey | None:
    """Say what a Supabase key is; None for what is none."""
    for kind in (KeyKind.PUBLISHABLE, KeyKind.SECRET):
        if re.fullmatch(rf"{kind}_[A-Za-z0-9_-]{{8,}}", text):
            return ApiKey(kind=kind)
    claims = jwt_claims(text)
    if claims is None:
        return None
    role, project, expires = claims.get("role"), claims.get("ref"), claims.get("exp")
    return ApiKey(
        kind=KeyKind.JWT,
        role=role if isinstance(role, str) else "",
        project=project if isinstance(project, str) else "",
        expires_at=float(expires) if isinstance(expires, int | float) else None,
    )


def jwt_claims(text: str) -> dict[str, Any] | None:
    """Read a JSON web token's claims, its signature unverified; None for what has not that form."""
    parts = text.split(".")
    if len(parts) != 3 or not all(re.fullmatch(r"[A-Za-z0-9_-]+", part) for part in parts):
        return None
    header, claims = (_decoded(part) for part in parts[:2])
    return claims if header is not None and "alg" in header else None


def _decoded(part: str) -> dict[str, Any] | None:
    try:
        value = msgspec.json.decode(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (Base64Error, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
