"""What a database tells of itself beyond figures: the bodies of signals of PostgreSQL and migrations sources.

Texts are masked where they were read: no literal of anybody's statement gets here. Times are Unix seconds, UTC.
"""

from enum import StrEnum
from typing import TypeVar

import msgspec
from msgspec import Struct


class _Body(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The base of what is kept as a reading's body."""


class Statement(_Body, frozen=True):
    """A statement as pg_stat_statements counts it, since `Statements.since`."""

    id: str  # pg_stat_statements' own, signed
    text: str
    calls: int
    total_ms: float
    rows: int
    query: str = ""  # the plan's name for it
    own: bool = False  # Loom's own reading of the catalogue

    @property
    def mean_ms(self) -> float:
        """Give the mean of its executions."""
        return self.total_ms / self.calls


class Statements(_Body, frozen=True):
    """The heaviest statements by the time they took in all, since `since`: the last change, or when Loom began."""

    since: float
    total_ms: float  # of all statements, those that are not listed too
    changed: bool  # `since` is a marker's
    heaviest: tuple[Statement, ...] = ()


class Other(_Body, frozen=True):
    """A session in a transaction. `blocked_by` names the processes that hold what it waits for; 0 a prepared one."""

    pid: int
    user: str = ""
    application: str = ""
    state: str = ""
    text: str = ""
    transaction_s: float | None = None
    statement_s: float | None = None
    blocked_by: tuple[int, ...] = ()


class Activity(_Body, frozen=True):
    """Sessions by state, those that wait or make wait, and the longest transactions."""

    by_state: dict[str, int] = {}
    locked: tuple[Other, ...] = ()  # waiting sessions, then those that they wait for
    longest: tuple[Other, ...] = ()


class IndexUse(_Body, frozen=True):
    """An index that the plan or a migration names; `scans` is None where there is none of that name."""

    name: str
    table: str = ""
    scans: int | None = None
    size_bytes: int = 0
    valid: bool = True


class Explained(_Body, frozen=True):
    """The answer to "explain": the plan that the server would take, a line a node or condition."""

    title: str
    statement: str
    lines: tuple[str, ...]


class Where(StrEnum):
    """Where a migration stands."""

    APPLIED = "applied"
    PENDING = "pending"
    UNKNOWN = "unknown"  # applied, and not among the files
    CHANGED = "changed"  # applied, and the file is another since


class Suspicion(_Body, frozen=True):
    """Why a version from before a migration may not stand it: found in its text, not proved."""

    line: int
    what: str  # "drops column client.phone"


class Migration(_Body, frozen=True):
    """A migration: its file, what the database knows of it, and what is suspicious in it."""

    version: str
    name: str
    where: Where
    why: str = ""
    suspicions: tuple[Suspicion, ...] = ()


B = TypeVar("B")


def decode_body(body: bytes, kind: type[B]) -> B | None:
    """Read a reading's body; None where there is none, or another version's."""
    if not body:
        return None
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError:
        return None
