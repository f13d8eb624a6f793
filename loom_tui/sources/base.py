"""How any system is asked, and the sentences in which it fails. Errors are translated here, once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from loom_tui.plan.sources.base import Secret
from loom_tui.room.signals import Reading, State
from loom_tui.sources.mask import Mask, Masked

Clock = Callable[[], float]


class SourceError(Exception):
    """A source could not be asked. The message is a sentence for a tired person, and holds no secret.

    `readings` are what it can tell all the same, without an answer.
    """

    readings: Sequence[Reading] = ()


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


class CredentialUnfit(SourceError):
    """The credential is where the plan says, and cannot be sent."""


class Errand(Struct, frozen=True, kw_only=True):
    """What an asker is told besides its source's own words.

    `directory` is the plan's: relative paths begin there. `recall` gives the newest kept reading of one of its own
    signals, by suffix, also from before a restart. `changes` gives the moment of the last marker of each kind
    ("deploy", "migration", "rollback"). `progress` is told how far a long run has come. `issues` are the
    numbers of the plan's issues. `named` are all the plan's credentials, and `mask` hides those of them that were found
    from all its sources' words; `credentials` are the source's own, or why they are not there.
    """

    name: str
    environment: str
    release: str
    directory: Path
    last_stable: str = ""
    environ: Mapping[str, str]
    clock: Clock
    issues: frozenset[int] = frozenset()
    named: frozenset[Secret] = frozenset()
    mask: Mask = field(default_factory=Mask)
    credentials: Mapping[Secret, Masked | CredentialMissing] = {}
    progress: Callable[[str], None] = lambda _: None
    recall: Callable[[str], Reading | None] = lambda _: None
    changes: Callable[[], Mapping[str, float]] = dict

    def credential(self, secret: Secret | None) -> Masked:
        """Give a credential of the source, an empty one where the plan names none. Raises CredentialMissing."""
        found = self.credentials[secret] if secret is not None else Masked("")
        if isinstance(found, CredentialMissing):
            raise found
        return found

    def token(self, secret: Secret | None) -> Masked:
        """Give a credential that is sent in a header. Raises CredentialMissing, and CredentialUnfit."""
        found = self.credential(secret)
        text = found.reveal()
        if secret is not None and not (text.isascii() and text.isprintable()):
            raise CredentialUnfit(
                f"{self.name}: the credential from {secret.place} cannot be sent: "
                "it holds a line break, or a letter beyond ASCII"
            )
        return found

    def reading(
        self,
        suffix: str = "",
        *,
        at: float | None = None,
        state: State = State.OK,
        value: float | None = None,
        detail: str = "",
        body: bytes = b"",
    ) -> Reading:
        """Make a reading of one of the source's signals, as of now where no other moment is given."""
        return Reading(
            signal=f"{self.name}{suffix}",
            observed_at=self.clock() if at is None else at,
            state=state,
            value=value,
            detail=detail,
            body=body,
            environment=self.environment,
            release=self.release,
        )


class Asker(ABC):
    """One source that can be asked."""

    @abstractmethod
    async def ask(self) -> Sequence[Reading]:
        """Ask once, within the source's deadline. Raises SourceError."""

    async def reply(self, what: str, subject: str) -> bytes:
        """Answer a room's own question ("event" 4711, "explain" dashboard) as JSON. Raises SourceError."""
        raise SourceAnswered(f"There is no {what} of {subject} to be had here")

    def rest_s(self) -> float:
        """Give the seconds that it wants to be left alone, beyond its interval: its own load, or the other's limits."""
        return 0.0

    async def close(self) -> None:  # noqa: B027 - most have nothing open
        """Close what is open."""
