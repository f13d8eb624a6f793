"""How any system is asked, and the sentences in which it fails. Errors are translated here, once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from loom_tui.room.signals import Reading

Clock = Callable[[], float]


class SourceError(Exception):
    """A source could not be asked. The message is a sentence for a tired person, and holds no secret."""


class SourceTimeout(SourceError):
    """It did not answer within its deadline."""


class SourceUnreachable(SourceError):
    """No connection: refused, no such host, TLS."""


class SourceRefused(SourceError):
    """It knows us not, or not well enough."""


class SourceAnswered(SourceError):
    """It answered what cannot be understood: another status, HTML, truncated or wrongly typed."""


class SourceLimited(SourceError):
    """It asks us to come back later; `retry_after_s` says when."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class CredentialMissing(SourceError):
    """The credential is not where the plan says."""


class Speaks(Struct, frozen=True):
    """What readings speak of: an environment and a release."""

    environment: str
    release: str


class Asker(Protocol):
    """One source that can be asked."""

    async def ask(self) -> Sequence[Reading]:
        """Ask once, within the source's deadline. Raises SourceError."""
        ...

    def rest_s(self) -> float:
        """Give the seconds that it wants to be left alone, beyond its interval: its own load, or the other's limits."""
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...
