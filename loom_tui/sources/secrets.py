"""Credentials: found where the plan says, masked wherever they could be seen."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from loom_tui.plan.sources.base import Secret
from loom_tui.sources.base import CredentialMissing

COMMAND_TIMEOUT_S = 10.0
_DSN_PASSWORD = re.compile(r"(://[^:/@\s]*:)\S*(@)|(password\s*=\s*)('[^']*'|\S+)", re.IGNORECASE)


class Masked:
    """A secret. Whatever shows it shows dots; `reveal` is called only where it is sent."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Give the secret itself."""
        return self._value

    def scrub(self, text: str) -> str:
        """Take the secret, and any password of a DSN, out of a text."""
        if self._value:
            text = text.replace(self._value, "••••")
        return scrub_dsn(text)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Masked(••••)" if self._value else "Masked()"

    __str__ = __repr__

    def __format__(self, _: str) -> str:
        return repr(self)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written anywhere")


_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|PRIVATE|APIKEY|_KEY$|DSN$|DATABASE_URL", re.IGNORECASE)
_SHORTEST = 6  # shorter values are words that stand elsewhere too


class Scrubber:
    """Takes known secrets out of texts that other programs wrote."""

    def __init__(self, secrets: Iterable[Masked], environ: Mapping[str, str]) -> None:
        named = (Masked(value) for name, value in environ.items() if _SECRET_NAME.search(name))
        self._secrets = [secret for secret in (*secrets, *named) if len(secret.reveal()) >= _SHORTEST]

    def scrub(self, text: str) -> str:
        """Give the text with dots where a secret stood."""
        for secret in self._secrets:
            text = secret.scrub(text)
        return scrub_dsn(text)


def scrub_dsn(text: str) -> str:
    """Take the passwords of connection strings out of a text."""
    return _DSN_PASSWORD.sub(lambda m: f"{m[1]}••••{m[2]}" if m[1] else f"{m[3]}••••", text)


def resolve(secret: Secret, environ: Mapping[str, str]) -> Masked:
    """Find a credential. Raises CredentialMissing with the place that was looked in, never with what was there."""
    if secret.env:
        value = environ.get(secret.env, "")
        if not value.strip():
            raise CredentialMissing(f"The environment variable {secret.env} is not set; the credential belongs there")
        return Masked(value.strip())
    if secret.file:
        return _from_file(Path(secret.file).expanduser())
    return _from_command(secret.command)


def _from_file(path: Path) -> Masked:
    try:
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise CredentialMissing(f"The credential's file {path} cannot be read: {why}") from None
    if not value:
        raise CredentialMissing(f"The credential's file {path} is empty")
    return Masked(value)


def _from_command(command: tuple[str, ...]) -> Masked:
    name = command[0] if command else ""
    try:
        done = subprocess.run(
            command, check=True, capture_output=True, timeout=COMMAND_TIMEOUT_S, text=True, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise CredentialMissing(
            f"The credential's command `{name}` gave nothing within {COMMAND_TIMEOUT_S:g} s"
        ) from None
    except subprocess.CalledProcessError as error:
        raise CredentialMissing(f"The credential's command `{name}` failed with code {error.returncode}") from None
    except (OSError, ValueError) as error:
        raise CredentialMissing(f"The credential's command `{name}` cannot be run: {type(error).__name__}") from None
    if not done.stdout.strip():
        raise CredentialMissing(f"The credential's command `{name}` printed nothing")
    return Masked(done.stdout.strip())
