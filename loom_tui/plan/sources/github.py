"""A repository on GitHub, as a plan names it."""

import re
from collections.abc import Iterator
from typing import ClassVar

from loom_tui.plan.kinds import Kind, Row
from loom_tui.plan.sources.base import Asked, Secret, url_faults

_TAKEN = frozenset({"issues", "blockers", "no_blockers", "deployment"})


class GithubSource(Asked, frozen=True, kw_only=True, tag="github"):
    """A repository: the plan's issues as they stand there, its blockers, workflow runs and deployments.

    `workflows` maps a check's name to a workflow's file (`ci = "ci.yml"`), asked for on `branch` where one is named.
    `deployments` names the environment whose newest deployment is asked for.
    """

    GROUP: ClassVar[str] = "repository"

    repo: str
    url: str = "https://api.github.com"
    token: Secret | None = None
    blocker_label: str = "launch-blocker"
    workflows: dict[str, str] = {}
    branch: str = ""
    deployments: str = ""
    interval_s: float = 300.0
    timeout_s: float = 15.0

    def rows(self) -> Iterator[Row]:
        """List the repository's own check, its issues (a body of LiveIssues), blockers, runs and deployment."""
        yield Row("", Kind.CHECK)
        yield Row(".issues", Kind.BODY, "issues")
        yield Row(".no_blockers", Kind.CHECK, f"no open {self.blocker_label}")
        yield Row(".blockers", Kind.NUMBER, f"open {self.blocker_label}")
        for name in self.workflows:
            yield Row(f".{name}", Kind.CHECK, name)
        if self.deployments:
            yield Row(".deployment", Kind.CHECK, f"deployment to {self.deployments}")

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold its address to be one, the repository to be named as GitHub does, and names to be apart."""
        yield from url_faults("url", self.url)
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", self.repo):
            yield "repo", f"expected OWNER/NAME, found {self.repo!r}"
        for name in self.workflows:
            if not re.fullmatch(r"[a-z][a-z0-9_-]*", name) or name in _TAKEN:
                yield "workflows", f"`{name}`: a check's name is small letters, digits, - and _, and none that is taken"
