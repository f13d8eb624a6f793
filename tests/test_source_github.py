"""A repository as GitHub's API tells of it, over a stand-in that answers as CONTRACTS.md says: pages, ETags, limits."""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from loom_tui.plan.sources.base import Secret
from loom_tui.plan.sources.github import GithubSource
from loom_tui.room.signals import Reading, State
from loom_tui.room.tracker import LiveIssue, LiveTask
from loom_tui.sources.base import Asker, SourceAnswered, SourceLimited, SourceRefused
from loom_tui.sources.build import build
from tests.errands import errand_of
from tests.servers import Server, answer, serving

TOKEN = "planted-4711-token"


def issue(number: int, **more: Any) -> dict[str, Any]:
    told = {"number": number, "title": f"Issue {number}", "state": "open", "updated_at": "2025-11-06T10:00:00Z"}
    return {**told, "html_url": f"https://github.example/{number}", **more}


class Repository:
    """A stand-in for GitHub: its issues, runs and deployments; counts what costs and what is free (304)."""

    def __init__(self, *issues: dict[str, Any]) -> None:
        self.issues = {each["number"]: each for each in issues}
        self.runs: list[dict[str, Any]] = []
        self.deployments: list[dict[str, Any]] = []
        self.statuses: list[dict[str, Any]] = []
        self.cost = self.free = 0

    async def __call__(self, head: str, writer: asyncio.StreamWriter) -> None:
        path = head.split()[1]
        found = self._found(
            urlsplit(path).path, {key: value[0] for key, value in parse_qs(urlsplit(path).query).items()}
        )
        if found is None:
            self.cost += 1
            await answer(b'{"message": "Not Found"}', status="404 Not Found")(head, writer)
            return
        body = msgspec.json.encode(found)
        etag = f'W/"{hashlib.sha256(body).hexdigest()}"'
        asked = re.search(r"if-none-match: (.+)\r", head, re.IGNORECASE)
        if asked is not None and asked[1] == etag:
            self.free += 1
            await answer(b"", status="304 Not Modified", headers=f"etag: {etag}\r\n")(head, writer)
            return
        self.cost += 1
        await answer(body, headers=f"etag: {etag}\r\nx-ratelimit-remaining: 4000\r\n")(head, writer)

    def _found(self, path: str, words: dict[str, str]) -> Any:
        if path.endswith("/runs"):
            return {"total_count": len(self.runs), "workflow_runs": self.runs}
        if path.endswith("/statuses"):
            return self.statuses
        if path.endswith("/deployments"):
            return self.deployments
        single = re.search(r"/issues/(\d+)$", path)
        if single:
            return self.issues.get(int(single[1]))
        label = words.get("labels")
        listed = [
            each
            for each in sorted(self.issues.values(), key=lambda each: each["updated_at"], reverse=True)
            if each["updated_at"] >= words.get("since", "")
            and (label is None or label in [name["name"] for name in each.get("labels", [])])
            and (words.get("state") == "all" or each["state"] == words.get("state"))
        ]
        first = (int(words.get("page", "1")) - 1) * int(words["per_page"])
        return listed[first : first + int(words["per_page"])]


def asker_of(server: Server, *numbers: int, recall: Reading | None = None, **more: Any) -> Asker:
    source = GithubSource(url=server.url, repo="acme/web", token=Secret(env="TOKEN"), timeout_s=5, **more)
    errand = errand_of("github", environ={"TOKEN": TOKEN}, issues=frozenset(numbers), recall=lambda _: recall)
    return build(source, errand)


async def ask(asker: Asker) -> dict[str, Reading]:
    return {reading.signal: reading for reading in await asker.ask()}


def live(readings: dict[str, Reading]) -> dict[int, LiveIssue]:
    return {each.number: each for each in msgspec.json.decode(readings["github.issues"].body, type=list[LiveIssue])}


async def test_the_plan_s_issues_are_read_with_labels_assignees_milestone_and_boxes():
    body = "## Tasks\n- [x] Create project\n* [ ] Set variables\n- no box\n"
    repository = Repository(
        issue(
            145,
            state="closed",
            state_reason="completed",
            labels=[{"name": "deploy"}],
            assignees=[{"login": "ana"}],
            milestone={"title": "Sprint 07"},
            body=body,
        ),
        issue(9, pull_request={"url": "u"}),
        issue(900),
    )
    async with serving(repository) as server:
        asker = asker_of(server, 145, 9)
        found = live(await ask(asker))
        await asker.close()
    assert list(found) == [145], "neither a pull request nor somebody else's issue"
    assert found[145].tasks == (LiveTask("Create project", True), LiveTask("Set variables", False))
    assert (found[145].state, found[145].reason, found[145].milestone) == ("closed", "completed", "Sprint 07")
    assert (found[145].labels, found[145].assignees) == (("deploy",), ("ana",))
    assert f"authorization: Bearer {TOKEN}" in server.requests[0]


async def test_a_plan_of_500_issues_costs_fewer_than_100_requests_in_the_hour_when_nothing_changes():
    repository = Repository(*(issue(number) for number in range(1, 1001)))
    async with serving(repository) as server:
        asker = asker_of(server, *range(1, 501), workflows={"ci": "ci.yml"}, deployments="production")
        polls_an_hour = 3600 / GithubSource(repo="a/b").interval_s
        for _ in range(int(polls_an_hour)):
            readings = await ask(asker)
        await asker.close()
    assert len(live(readings)) == 500
    assert len(server.requests) < 100
    assert repository.cost < 20, "what has not changed is not paid for"


async def test_an_issue_that_changes_is_seen_with_one_page():
    repository = Repository(*(issue(number) for number in range(1, 400)))
    async with serving(repository) as server:
        asker = asker_of(server, 7, 8)
        await ask(asker)
        repository.issues[8] |= {"state": "closed", "updated_at": "2025-11-06T11:00:00Z"}
        await ask(asker)
        before = len(server.requests)
        found = live(await ask(asker))
        await asker.close()
    assert found[8].state == "closed"
    assert len(server.requests) - before == 2, "issues and blockers"


async def test_after_a_restart_only_what_changed_meanwhile_is_read():
    repository = Repository(*(issue(number) for number in range(1, 400)))
    async with serving(repository) as server:
        asker = asker_of(server, 7, 8)
        kept = (await ask(asker))["github.issues"]
        await asker.close()
        before = len(server.requests)
        repository.issues[8] |= {"state": "closed", "updated_at": "2025-11-06T11:00:00Z"}
        again = asker_of(server, 7, 8, recall=kept)
        found = live(await ask(again))
        await again.close()
    assert found[8].state == "closed"
    assert "since=2025-11-06T10%3A00%3A00Z" in server.requests[before]


async def test_an_old_issue_is_asked_for_by_itself_and_a_missing_one_only_once(monkeypatch):
    monkeypatch.setattr("loom_tui.sources.github.MAX_PAGES", 1)
    newer = (issue(number) for number in range(200, 400))
    repository = Repository(issue(7, updated_at="2020-01-01T00:00:00Z"), *newer)
    async with serving(repository) as server:
        asker = asker_of(server, 7, 4711)
        assert list(live(await ask(asker))) == [7]
        before = len(server.requests)
        assert list(live(await ask(asker))) == [7]
        await asker.close()
    assert not [head for head in server.requests[before:] if "4711" in head.split()[1]]


async def test_open_launch_blockers_are_told_by_name():
    blocker = issue(31, title="Login loops", labels=[{"name": "launch-blocker"}])
    async with serving(Repository(blocker, issue(32))) as server:
        asker = asker_of(server)
        readings = await ask(asker)
        await asker.close()
    assert (readings["github.no_blockers"].state, readings["github.no_blockers"].detail) == (
        State.BAD,
        "#31 Login loops",
    )
    assert readings["github.blockers"].value == 1.0


@pytest.mark.parametrize(
    ("runs", "state", "words"),
    [
        ([], State.UNKNOWN, "no run"),
        ([{"status": "completed", "conclusion": "success"}], State.OK, "success main@abc1234"),
        ([{"status": "completed", "conclusion": "failure"}], State.BAD, "failure"),
        ([{"status": "completed", "conclusion": "skipped"}], State.UNKNOWN, "skipped"),
        (
            [{"status": "in_progress"}, {"status": "completed", "conclusion": "success"}],
            State.OK,
            "a newer one is under way",
        ),
        ([{"status": "queued"}], State.UNKNOWN, "no run"),
    ],
)
async def test_a_workflow_is_judged_by_its_newest_run_that_ended(runs, state, words):
    repository = Repository()
    repository.runs = [
        {"id": number, "head_branch": "main", "head_sha": "abc1234567", **run} for number, run in enumerate(runs)
    ]
    async with serving(repository) as server:
        asker = asker_of(server, workflows={"ci": "ci.yml"}, branch="main")
        reading = (await ask(asker))["github.ci"]
        await asker.close()
    assert reading.state is state
    assert words in reading.detail
    assert any("actions/workflows/ci.yml/runs?per_page=10&branch=main" in head for head in server.requests)


@pytest.mark.parametrize(
    ("status", "state"),
    [("success", State.OK), ("failure", State.BAD), ("in_progress", State.UNKNOWN), (None, State.UNKNOWN)],
)
async def test_the_newest_deployment_is_judged_by_its_newest_status(status, state):
    repository = Repository()
    repository.deployments = [{"id": 5, "ref": "v1.7.0"}]
    repository.statuses = [{"state": status, "description": None}] if status else []
    async with serving(repository) as server:
        asker = asker_of(server, deployments="production")
        reading = (await ask(asker))["github.deployment"]
        await asker.close()
    assert reading.state is state
    assert "v1.7.0" in reading.detail


async def test_a_part_that_is_refused_leaves_the_rest_alive():
    async def partly(head: str, writer: asyncio.StreamWriter) -> None:
        if "/actions/" in head:
            await answer(b'{"message": "Resource not accessible"}', status="403 Forbidden")(head, writer)
        else:
            await answer(b"[]")(head, writer)

    async with serving(partly) as server:
        asker = asker_of(server, workflows={"ci": "ci.yml"})
        readings = await ask(asker)
        await asker.close()
    assert readings["github"].state is State.OK
    assert readings["github.ci"].state is State.UNKNOWN
    assert "issues, actions and deployments" in readings["github.ci"].detail


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        ("403 Forbidden", "retry-after: 30\r\n"),
        ("429 Slow down", "retry-after: 30\r\n"),
        ("403 Forbidden", "x-ratelimit-remaining: 0\r\nretry-after: 30\r\n"),
    ],
)
async def test_a_secondary_limit_is_a_limit_and_no_refusal(status, headers):
    async with serving(answer(b"{}", status=status, headers=headers)) as server:
        asker = asker_of(server)
        with pytest.raises(SourceLimited) as caught:
            await asker.ask()
        await asker.close()
    assert caught.value.retry_after_s == 30


async def test_a_limit_that_only_a_part_meets_is_kept_and_nothing_more_is_asked_meanwhile():
    async def partly(head: str, writer: asyncio.StreamWriter) -> None:
        limited = "labels=" in head  # the launch blockers, asked after the issues and before the runs
        headers = "retry-after: 600\r\n" if limited else ""
        await answer(b"[]", status="429 Slow down" if limited else "200 OK", headers=headers)(head, writer)

    async with serving(partly) as server:
        asker = asker_of(server, workflows={"ci": "ci.yml"}, deployments="production")
        readings = await ask(asker)
        assert 590 < asker.rest_s() <= 600
        assert len(server.requests) == 2, "neither runs nor deployments"
        with pytest.raises(SourceLimited):
            await asker.ask()
        assert len(server.requests) == 2, "nor anything at a person's request"
        await asker.close()
    for part in ("no_blockers", "blockers", "ci", "deployment"):
        assert readings[f"github.{part}"].state is State.UNKNOWN
        assert "left alone for 600 s" in readings[f"github.{part}"].detail


async def test_a_refused_token_is_a_refusal_with_what_it_needs():
    async with serving(answer(b"{}", status="401 Unauthorized")) as server:
        asker = asker_of(server)
        with pytest.raises(SourceRefused, match="may read the repository's issues"):
            await asker.ask()
        await asker.close()


async def test_few_calls_left_make_it_rest_until_the_limit_is_reset():
    headers = "x-ratelimit-remaining: 3\r\nx-ratelimit-reset: 901\r\n"
    async with serving(answer(b"[]", headers=headers)) as server:
        asker = asker_of(server)
        await asker.ask()
        await asker.close()
    assert asker.rest_s() == 900.0


async def test_a_redirect_to_another_origin_takes_no_credential_along():
    async with serving(answer(b"[]")) as other:
        onward = answer(b"", status="302 Found", headers=f"location: {other.url}/elsewhere\r\n")
        async with serving(onward) as server:
            asker = asker_of(server)
            await asker.ask()
            await asker.close()
    assert other.requests
    assert TOKEN not in "".join(other.requests)


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (answer(b"{}", status="404 Not Found"), "the plan's repo may be wrong, or the token may not read it"),
        (answer(b"<!doctype html>Sign in"), "GitHub answered a page of HTML"),
    ],
)
async def test_what_is_no_answer_of_its_is_told_for_what_it_is(handler, words):
    async with serving(handler) as server:
        asker = asker_of(server)
        with pytest.raises(SourceAnswered, match=words):
            await asker.ask()
        await asker.close()
