"""A local clone of the team's code, as a plan names it."""

from collections.abc import Iterator
from typing import ClassVar

from loom_tui.plan.kinds import Kind, Row
from loom_tui.plan.sources.base import Asked


class GitSource(Asked, frozen=True, kw_only=True, tag="git"):
    """A clone at `path`, relative to the plan: what lies between the last stable release and this one."""

    GROUP: ClassVar[str] = "release"
    ANSWERS: ClassVar[frozenset[str]] = frozenset({"commits"})

    path: str = "."
    interval_s: float = 300.0
    timeout_s: float = 10.0

    def rows(self) -> Iterator[Row]:
        """List the check that the clone knows both releases, and how many commits lie between them."""
        yield Row("", Kind.CHECK)
        yield Row(".commits", Kind.NUMBER, "commits since last stable")
