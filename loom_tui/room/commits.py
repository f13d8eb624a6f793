"""The commits between two releases: the answer to a room's question "commits" of "BASE..HEAD", whoever gives it."""

from __future__ import annotations

from msgspec import Struct


class Commit(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One commit; `at` is when it was committed (Unix seconds). Addresses of people are not taken."""

    id: str
    subject: str
    author: str = ""
    at: float | None = None
    url: str = ""


class Commits(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What lies between two releases, newest first. `total` counts all there are, None where nobody says."""

    base: str
    head: str
    commits: tuple[Commit, ...]
    total: int | None = None
