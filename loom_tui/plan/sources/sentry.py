"""An error tracker that speaks Sentry's API, as a plan names it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from loom_tui.plan.kinds import Kind, Row
from loom_tui.plan.sources.base import Asked, Secret, url_faults


class SentrySource(Asked, frozen=True, kw_only=True, tag="sentry"):
    """A Sentry organization's project, or a server that speaks its API."""

    GROUP: ClassVar[str] = "errors"

    url: str = "https://sentry.io"
    org: str = ""
    project: str = ""
    token: Secret | None = None
    interval_s: float = 30.0
    timeout_s: float = 10.0

    def rows(self) -> Iterator[Row]:
        """List the feed's own check, its grouped errors (a body of ErrorIssues), their counts and the rate."""
        yield Row("", Kind.CHECK)
        yield Row(".issues", Kind.BODY, "issues")
        yield Row(".new", Kind.NUMBER, "new")
        yield Row(".regressed", Kind.NUMBER, "regressed")
        yield Row(".critical", Kind.NUMBER, "critical")
        yield Row(".errors_per_minute", Kind.NUMBER, "per minute")

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold its address to be one."""
        yield from url_faults("url", self.url)
