"""What Loom asks of GitHub is what GitHub's own specification allows, and its examples are understood."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from loom_tui.plan.acts import DispatchAct
from loom_tui.plan.sources.base import Secret
from loom_tui.plan.sources.github import GithubSource
from loom_tui.room.acting import Outcome
from loom_tui.room.signals import State
from loom_tui.room.tracker import LiveIssue
from loom_tui.sources import dispatch
from loom_tui.sources.acts import credentials_of, do, try_out
from loom_tui.sources.base import SourceRefused
from loom_tui.sources.build import build
from loom_tui.sources.scene import Scene
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


async def test_a_dispatch_and_all_that_follows_it_are_requests_that_the_specification_allows(url, monkeypatch):
    monkeypatch.setattr(dispatch, "LOOK_EVERY_S", 0.1)
    step = DispatchAct(
        name="Ship",
        repo="octocat/hello-world",
        workflow="ship.yml",
        token=Secret(env="TOKEN"),
        inputs={"version": "v1"},
        url=url,
        timeout_s=5.0,
    )
    said = bytearray()
    scene = Scene(
        directory=Path(), environ={}, values={}, credentials=await credentials_of(step, {"TOKEN": "t"}, Path())
    )
    with pytest.raises(SourceRefused, match="may read octocat/hello-world, and not write"):  # as the example has it
        await try_out(step, scene)
    ended = await do(step, scene, said.extend)
    assert "dispatched ship.yml on main https://github.com/octo-org/octo-repo/actions/runs/1" in said.decode()
    assert "build · Run actions/checkout@v2: success" in said.decode()
    assert ended.outcome is Outcome.UNKNOWN, "the example's run is queued for ever"
    assert "GitHub was asked to cancel it" in ended.why
