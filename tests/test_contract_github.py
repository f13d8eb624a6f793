"""What Loom asks of GitHub is what GitHub's own specification allows, and its examples are understood."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from loom_tui.plan.sources.github import GithubSource
from loom_tui.room.signals import State
from loom_tui.room.tracker import LiveIssue
from loom_tui.sources.build import build
from tests.errands import errand_of
from tests.prism import running_prism

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("prism-github")]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running_prism("github-openapi.json") as address:
        yield address


async def test_every_question_is_one_that_the_specification_allows(url):
    source = GithubSource(
        url=url,
        repo="octocat/hello-world",
        workflows={"ci": "ci.yml"},
        branch="main",
        deployments="production",
        timeout_s=30,
    )
    asker = build(source, errand_of("github", issues=frozenset({1347})))
    readings = {reading.signal: reading for reading in await asker.ask()}
    await asker.close()
    issues = msgspec.json.decode(readings["github.issues"].body, type=list[LiveIssue])
    assert (issues, readings["github.blockers"].value) == ([], 0.0), "the example is a pull request, and no issue"
    assert readings["github.ci"].state is State.UNKNOWN, "the example's run is queued"
    assert readings["github.ci"].detail == "no run of ci.yml has come to an end"
    assert (readings["github.deployment"].state, readings["github.deployment"].detail.split()[0]) == (
        State.OK,
        "topic-branch",
    )
