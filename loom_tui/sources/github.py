"""A repository on GitHub, asked conditionally: an answer that has not changed costs nothing of the limit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from loom_tui.plan.sources.github import GithubSource
from loom_tui.room.checks import CheckResult, Step, encode_result
from loom_tui.room.signals import Reading, State
from loom_tui.room.tracker import LiveIssue, LiveTask, decode_live
from loom_tui.sources.base import Asker, Errand, SourceAnswered, SourceError
from loom_tui.sources.events import form_of
from loom_tui.sources.mask import Masked
from loom_tui.sources.times import moment
from loom_tui.sources.web import Answer, Web

PAGE_SIZE = 100
MAX_PAGES = 30  # of the issues, newest first, at the first look: 3,000; the plan's own beyond them are asked one by one
MAX_SINGLE = 50  # issues that are asked one by one at a look
LOW_BUDGET = 20
_BOX = re.compile(r"^\s*[-*+]\s+\[([ xX])\]\s+(.+?)\s*$", re.MULTILINE)


class _Named(Struct):
    name: str = ""
    login: str = ""
    title: str = ""


class _Issue(Struct):
    number: int
    title: str
    state: str
    state_reason: str | None = None
    labels: list[_Named] = []
    assignees: list[_Named] = []
    milestone: _Named | None = None
    body: str | None = None
    html_url: str = ""
    updated_at: str = ""
    pull_request: dict[str, Any] | None = None  # set: it is a pull request, which comes back among issues


class WorkflowRun(Struct):
    """A run of a workflow."""

    id: int
    status: str | None = None
    conclusion: str | None = None
    event: str = ""
    head_branch: str | None = None
    head_sha: str = ""
    created_at: str = ""
    html_url: str = ""


class WorkflowRuns(Struct):
    """A page of runs, newest first."""

    workflow_runs: list[WorkflowRun]


class _Deployment(Struct):
    id: int
    ref: str = ""


class _DeploymentStatus(Struct):
    state: str
    description: str | None = None


Decoded = TypeVar("Decoded")


def make(source: GithubSource, errand: Errand) -> GithubAsker:
    """Make an asker with its token. Raises CredentialMissing and CredentialUnfit."""
    token = errand.token(source.token)
    return GithubAsker(source, token, errand)


class GithubAsker(Asker):
    """Asks one repository."""

    def __init__(self, source: GithubSource, token: Masked, errand: Errand) -> None:
        self._source = source
        self._token = token
        self._errand = errand
        self._rest_s = 0.0
        self._answers: dict[str, Answer] = {}  # by address and words, each with its ETag
        self._used: dict[str, Answer] = {}  # those of this look; the others are forgotten
        self._issues: dict[int, LiveIssue] = {}
        self._missing: set[int] = set()  # the plan's issues that are not there
        self._since = ""  # the newest change that was seen; what changed later is asked for
        self._web = Web(
            source.label or "GitHub",
            timeout_s=source.timeout_s,
            missing="the plan's repo may be wrong, or the token may not read it: a private one answers 404 then",
            needs="a token that may read the repository's issues, actions and deployments",
        )

    async def ask(self) -> Sequence[Reading]:
        """Read issues, blockers, runs and deployment. Raises SourceError; one refused part leaves the rest alive."""
        self._rest_s = 0.0
        self._used = {}
        await self._follow_issues()
        reading = self._errand.reading
        body = msgspec.json.encode(sorted(self._issues.values(), key=lambda issue: issue.number))
        readings = [reading(), reading(".issues", value=float(len(self._issues)), body=body)]
        readings += await self._blockers()
        for name, workflow in self._source.workflows.items():
            readings.append(await self._part(f".{name}", self._run(workflow)))
        if self._source.deployments:
            readings.append(await self._part(".deployment", self._deployment()))
        self._answers = self._used
        return readings

    def rest_s(self) -> float:
        """Give the rest that the rate limit asks for."""
        return max(self._rest_s, self._web.rest_s())

    async def close(self) -> None:
        """Close the connections."""
        await self._web.close()

    async def _follow_issues(self) -> None:
        """Learn of every issue of the plan once, then only of what changed since."""
        wanted = self._errand.issues
        if not self._since:
            self._remember()
        first, since = not self._since, self._since
        words: dict[str, str | int] = {"state": "all", "sort": "updated", "direction": "desc", "per_page": PAGE_SIZE}
        if since:
            words["since"] = since
        for page in range(1, MAX_PAGES + 1):
            found = await self._get("issues", list[_Issue], {**words, "page": page})
            self._take(found)
            self._since = max(self._since, *(issue.updated_at for issue in found), "")
            seen = found[-1].updated_at <= since if found else True  # the rest of the list is older still
            if len(found) < PAGE_SIZE or seen or (first and wanted <= self._issues.keys()):
                break
        for number in sorted(wanted - self._issues.keys() - self._missing)[:MAX_SINGLE]:
            await self._take_single(number)

    def _remember(self) -> None:
        """Begin with what was known before a restart: whatever changed later has a later time."""
        kept = self._errand.recall(".issues")
        if kept is not None:
            self._take_live(decode_live(kept.body).values())
            newest = max((issue.updated_at or 0.0 for issue in self._issues.values()), default=0.0)
            self._since = datetime.fromtimestamp(newest, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if newest else ""

    async def _take_single(self, number: int) -> None:
        with suppress(SourceAnswered):  # there is none: what the room shows of it stays its own
            self._take([await self._get(f"issues/{number}", _Issue, {})])
        if number not in self._issues:
            self._missing.add(number)

    def _take(self, found: Sequence[_Issue]) -> None:
        self._take_live(_live(issue) for issue in found if issue.pull_request is None)

    def _take_live(self, found: Iterable[LiveIssue]) -> None:
        self._issues |= {issue.number: issue for issue in found if issue.number in self._errand.issues}

    async def _blockers(self) -> list[Reading]:
        words: dict[str, str | int] = {"labels": self._source.blocker_label, "state": "open", "per_page": PAGE_SIZE}
        reading = self._errand.reading
        try:
            found = [each for each in await self._get("issues", list[_Issue], words) if each.pull_request is None]
        except SourceError as error:
            return [reading(suffix, state=State.UNKNOWN, detail=str(error)) for suffix in (".no_blockers", ".blockers")]
        more = " or more" if len(found) >= PAGE_SIZE else ""
        steps = tuple(Step(name=f"#{each.number} {each.title}", state=State.BAD, got=each.html_url) for each in found)
        return [
            reading(
                ".no_blockers",
                state=State.BAD if found else State.OK,
                detail=", ".join(f"#{each.number} {each.title}" for each in found[:5]) + more if found else "",
                body=encode_result(CheckResult(steps=steps)),
            ),
            reading(".blockers", value=float(len(found))),
        ]

    async def _run(self, workflow: str) -> tuple[State, str]:
        """Judge a workflow's newest run that came to an end; say so where a newer one is under way."""
        words: dict[str, str | int] = {"per_page": 10}
        if self._source.branch:
            words["branch"] = self._source.branch
        runs = (await self._get(f"actions/workflows/{workflow}/runs", WorkflowRuns, words)).workflow_runs
        ended = next((run for run in runs if run.status == "completed"), None)
        if ended is None:
            return State.UNKNOWN, f"no run of {workflow} has come to an end"
        under_way = "; a newer one is under way" if runs[0] is not ended else ""
        detail = f"{ended.conclusion} {ended.head_branch or ''}@{ended.head_sha[:7]}{under_way}"
        states = {"success": State.OK, "neutral": State.UNKNOWN, "skipped": State.UNKNOWN, None: State.UNKNOWN}
        return states.get(ended.conclusion, State.BAD), detail

    async def _deployment(self) -> tuple[State, str]:
        """Judge the newest deployment by its newest status; one that is under way is unknown."""
        words: dict[str, str | int] = {"environment": self._source.deployments, "per_page": 1}
        found = await self._get("deployments", list[_Deployment], words)
        if not found:
            return State.UNKNOWN, f"nothing was deployed to {self._source.deployments} yet"
        statuses = await self._get(f"deployments/{found[0].id}/statuses", list[_DeploymentStatus], {"per_page": 1})
        if not statuses:
            return State.UNKNOWN, f"{found[0].ref} waits"
        told = statuses[0]
        states = {"success": State.OK, "error": State.BAD, "failure": State.BAD}
        return states.get(told.state, State.UNKNOWN), f"{found[0].ref} {told.state} {told.description or ''}".strip()

    async def _part(self, suffix: str, asked: Any) -> Reading:
        try:
            state, detail = await asked
        except SourceError as error:
            state, detail = State.UNKNOWN, str(error)
        return self._errand.reading(suffix, state=state, detail=detail)

    async def _get(self, path: str, kind: type[Decoded], words: Mapping[str, str | int]) -> Decoded:
        """Ask for what changed since the answer that is kept; 304 says that it still holds."""
        url = f"{self._source.url.rstrip('/')}/repos/{self._source.repo}/{path}"
        key = f"{url}?{sorted(words.items())}"
        kept = self._answers.get(key)
        answer = await self._web.get(url, params=words, headers=headers_of(self._token, kept))
        self._heed(answer.headers)
        if answer.status == 304 and kept is not None:
            answer = kept
        else:
            self._web.expect_ok(answer)
        decoded = decode(answer.body, kind, name=self._source.label or "GitHub")
        if "etag" in answer.headers:
            self._used[key] = answer
        return decoded

    def _heed(self, headers: Mapping[str, str]) -> None:
        """Rest until the limit is reset when few calls remain."""
        remaining, reset = headers.get("x-ratelimit-remaining", ""), headers.get("x-ratelimit-reset", "")
        if remaining.isdecimal() and reset.isdecimal() and int(remaining) < LOW_BUDGET:
            self._rest_s = min(3600.0, max(self._rest_s, float(reset) - self._errand.clock()))


def headers_of(token: Masked, kept: Answer | None = None) -> dict[str, str]:
    """Give the headers of a request; with an answer that is kept it asks for what changed since."""
    headers = {"accept": "application/vnd.github+json, application/json", "x-github-api-version": "2022-11-28"}
    if token:
        headers["authorization"] = f"Bearer {token.reveal()}"
    if kept is not None:
        headers["if-none-match"] = kept.headers["etag"]
    return headers


def decode(body: bytes, kind: type[Decoded], *, name: str) -> Decoded:
    """Decode an answer. Raises SourceAnswered."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SourceAnswered(f"{name} answered {form_of(body)} not what its API promises; is its url right?") from None


def _live(issue: _Issue) -> LiveIssue:
    return LiveIssue(
        number=issue.number,
        title=issue.title,
        state="closed" if issue.state == "closed" else "open",
        reason=issue.state_reason or "" if issue.state == "closed" else "",
        labels=tuple(label.name for label in issue.labels),
        assignees=tuple(each.login for each in issue.assignees),
        milestone=issue.milestone.title if issue.milestone is not None else "",
        tasks=tuple(LiveTask(text, box in "xX") for box, text in _BOX.findall(issue.body or "")),
        url=issue.html_url,
        updated_at=moment(issue.updated_at),
    )
