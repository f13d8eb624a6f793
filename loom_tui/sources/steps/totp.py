"""One-time codes (RFC 6238): ten lines of the standard library, held to the RFC's own vectors."""

from __future__ import annotations

import hmac
from base64 import b32decode
from binascii import Error


def totp(secret: str, *, now: float, digits: int = 6, period_s: int = 30, algorithm: str = "sha1") -> str:
    """Give the code of a base32 secret at `now` (Unix seconds). Raises ValueError for a secret that is no base32."""
    letters = secret.replace(" ", "").replace("-", "").rstrip("=").upper()
    try:
        key = b32decode(letters + "=" * (-len(letters) % 8))
    except (Error, ValueError):
        raise ValueError("the secret is no base32") from None
    digest = hmac.digest(key, int(now // period_s).to_bytes(8, "big"), algorithm)
    at = digest[-1] & 0x0F
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}d}"
