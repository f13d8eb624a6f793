"""A git repository that must hold no credentials, as a plan names it."""

from collections.abc import Iterator
from typing import ClassVar

from loom_tui.plan.kinds import Kind, Row
from loom_tui.plan.sources.base import Asked


class SecretsSource(Asked, frozen=True, kw_only=True, tag="secrets"):
    """The tracked files of a repository, scanned for hard-coded credentials with detect-secrets.

    Paths are relative to the plan. The baseline says which plugins and filters are used, and which findings were
    looked at and accepted: `detect-secrets scan --no-verify > .secrets.baseline`, then `detect-secrets audit`.
    """

    GROUP: ClassVar[str] = "secrets"

    directory: str = "."
    baseline: str = ".secrets.baseline"  # within the directory
    interval_s: float = 0.0
    timeout_s: float = 300.0

    def rows(self) -> Iterator[Row]:
        """List the check, and how many findings nobody accepted."""
        yield Row("", Kind.CHECK, self.label or "no hard-coded credentials")
        yield Row(".findings", Kind.NUMBER, "findings")
