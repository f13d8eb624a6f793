"""A workflow of GitHub's, dispatched and followed to its end.

A newer GitHub answers which run it made. An older one only says that it took the dispatch: the run is then looked for
among those that appeared since, and where two could be ours nobody knows which is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import Any, TypeVar

from msgspec import Struct

from loom_tui.plan.acts import DispatchAct, filled
from loom_tui.room.acting import Outcome
from loom_tui.sources.base import (
    SourceAnswered,
    SourceError,
    SourceLimited,
    SourceRefused,
    SourceTimeout,
    SourceUnreachable,
)
from loom_tui.sources.github import Decoded, WorkflowRun, WorkflowRuns, decode, headers_of
from loom_tui.sources.scene import Ended, Heard, Scene
from loom_tui.sources.steps.web import Browser, Call, Got
from loom_tui.sources.times import moment
from loom_tui.sources.web import Answer

CALL_S = 15.0  # a single request's deadline
LOOK_EVERY_S = 5.0
FIND_S = 120.0  # so long a run may take to appear
SETTLED_S = 10.0  # runs that began within so long of one another may each be ours
_DETAILS = "return_run_details"  # since February 2026; an older GitHub Enterprise refuses what it does not know

# How a run ended. A failed one came to its own end; of one that was cut short nobody knows what it did.
_CONCLUSIONS = {
    "success": (Outcome.OK, ""),
    "failure": (Outcome.FAILED, "a job failed"),
    "startup_failure": (Outcome.FAILED, "it could not start"),
    "skipped": (Outcome.FAILED, "it was skipped: nothing of it ran"),
    "cancelled": (Outcome.UNKNOWN, "it was cancelled: what it did before is not known"),
    "timed_out": (Outcome.UNKNOWN, "a job met GitHub's own limit: what it did before is not known"),
    "action_required": (Outcome.UNKNOWN, "it waits for somebody on GitHub"),
}
_Given = TypeVar("_Given")


class _Refusal(Struct):
    message: str


class _Workflow(Struct):
    state: str = ""


class _Repository(Struct):
    permissions: dict[str, bool] | None = None


class _Dispatched(Struct):
    workflow_run_id: int
    html_url: str = ""


class _Step(Struct):
    name: str
    number: int
    status: str
    conclusion: str | None = None


class _Job(Struct):
    id: int
    name: str
    status: str
    conclusion: str | None = None
    steps: list[_Step] = []


class _Jobs(Struct):
    jobs: list[_Job]


async def try_out(step: DispatchAct, scene: Scene) -> None:
    """See that the workflow is there and takes a dispatch, and that the token may give one. Raises SourceError."""
    api = _Api(step, scene)
    try:
        workflow = await api.get(f"actions/workflows/{api.workflow}", _Workflow)
        if workflow.state not in ("", "active"):
            raise SourceRefused(f"“{step.name}”: GitHub has {api.workflow} as {workflow.state}; it takes no dispatch")
        repository = await api.get("", _Repository)
        rights = repository.permissions
        if rights is not None and not (rights.get("push") or rights.get("admin") or rights.get("maintain")):
            raise SourceRefused(f"“{step.name}”: the token may read {api.repo}, and not write: it cannot dispatch")
    finally:
        await api.close()


async def do(step: DispatchAct, scene: Scene, heard: Heard) -> Ended:
    """Dispatch the workflow and follow its run, within the step's deadline."""
    dispatch = _Dispatch(step, scene, heard)
    try:
        async with asyncio.timeout(step.timeout_s):
            return await dispatch.carry_out()
    except TimeoutError:
        return await dispatch.end(f"did not end within {step.timeout_s:g} s", cancel=True)
    except SourceError as error:
        return await dispatch.end(str(error), cancel=False)
    except asyncio.CancelledError:  # another action has the world now
        await dispatch.end("its runner left it", cancel=True)
        raise
    finally:
        await dispatch.close()


class _Api:
    """One repository, asked with the step's token. An answer that did not change costs nothing of the limit."""

    def __init__(self, step: DispatchAct, scene: Scene) -> None:
        self.repo = filled(step.repo, scene.values)
        self.workflow = filled(step.workflow, scene.values)
        self._base = f"{step.url.rstrip('/')}/repos/{self.repo}"
        self._token = scene.credentials["token"]
        self._kept: dict[str, Answer] = {}
        self._web = Browser(
            "GitHub",
            timeout_s=CALL_S,
            needs="a token that may write the repository's actions",
            missing=f"the plan's repo or workflow may be wrong, or the token may not see {self.repo}",
        )

    async def get(self, path: str, kind: type[Decoded], words: Mapping[str, str | int] = {}) -> Decoded:
        """Ask for something. Raises SourceError."""
        url = f"{self._base}/{path}".rstrip("/")
        kept = self._kept.get(url)
        answer = await self._web.get(url, params=words or None, headers=headers_of(self._token, kept))
        if answer.status == 304 and kept is not None:
            answer = kept
        self._web.expect_ok(answer)
        if "etag" in answer.headers:
            self._kept[url] = answer
        return decode(answer.body, kind, name="GitHub")

    async def post(self, path: str, body: Any = None) -> Got:
        """Send something. Raises SourceError; any status that came back is an answer."""
        call = Call(method="POST", url=f"{self._base}/{path}", headers=headers_of(self._token), json=body, follow=False)
        try:
            async with asyncio.timeout(CALL_S):
                return await self._web.send(call)
        except TimeoutError:
            raise SourceTimeout(f"GitHub did not answer within {CALL_S:g} s") from None

    def judge(self, got: Got) -> None:
        """Raise what a status other than 2xx means."""
        self._web.expect_ok(Answer(status=got.status, headers=got.headers, body=got.body, latency_ms=0.0))

    async def close(self) -> None:
        """Close the connections."""
        await self._web.close()


class _Dispatch:
    """One dispatch and its run."""

    def __init__(self, step: DispatchAct, scene: Scene, heard: Heard) -> None:
        self._api = _Api(step, scene)
        self._ref = filled(step.ref, scene.values)
        self._inputs = {name: filled(value, scene.values) for name, value in step.inputs.items()}
        self._deadline = asyncio.get_running_loop().time() + step.timeout_s
        self._heard = heard
        self._told: dict[str, str] = {}
        self._sent = False  # from here on it may have been done
        self._run: int | None = None
        self._place = ""  # where a person may look

    async def carry_out(self) -> Ended:
        """Dispatch, find the run, follow it. Raises SourceError."""
        before = {run.id for run in await self._patiently(self._runs)}
        await self._send()
        named = self._run is not None
        if not named:
            await self._find(before)
        run = await self._follow()
        if not named and len(await self._patiently(lambda: self._candidates(before, since=run.created_at))) > 1:
            raise SourceAnswered("another run began in the same moment: which is ours is not known")
        outcome, why = _CONCLUSIONS.get(run.conclusion or "", (Outcome.UNKNOWN, f"it ended as {run.conclusion}"))
        return Ended(outcome, f"{why}: {run.html_url}" if why else "")

    async def end(self, why: str, *, cancel: bool) -> Ended:
        """Say how it stands with what was not seen to its end; with `cancel` GitHub is asked to end it."""
        if not self._sent:
            return Ended(Outcome.FAILED, f"{why}; nothing was dispatched")
        if self._run is not None and cancel:
            try:
                got = await self._api.post(f"actions/runs/{self._run}/cancel")
                why += "; GitHub was asked to cancel it" if got.status == 202 else f"; cancelling it: {got.status}"
            except SourceError as error:
                why += f"; it could not be cancelled: {error}"
            self._tell("cancel", why)
        return Ended(Outcome.UNKNOWN, f"{why}{f': {self._place}' if self._place else ''}")

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def _send(self) -> None:
        """Dispatch; keeps the run where GitHub names it. Raises SourceError; `_sent` says whether it may be done."""
        body: dict[str, Any] = {"ref": self._ref, "inputs": self._inputs, _DETAILS: True}
        while True:
            self._sent = True
            try:
                got = await self._api.post(f"actions/workflows/{self._api.workflow}/dispatches", body)
                if got.status < 500 or "retry-after" in got.headers:
                    self._sent = got.status in (200, 204)
                if got.status in (400, 422) and _DETAILS.encode() in got.body and body.pop(_DETAILS, False):
                    continue
                if got.status == 422:
                    raise SourceAnswered(f"GitHub refused the dispatch: {_message(got)}")
                self._api.judge(got)
                break
            except SourceUnreachable:
                self._sent = False
                raise
            except SourceLimited as limit:
                await self._wait_out(limit)
        with suppress(SourceError):  # an older GitHub answers nothing
            told = decode(got.body, _Dispatched, name="GitHub")
            self._run, self._place = told.workflow_run_id, told.html_url
        self._tell("run", f"dispatched {self._api.workflow} on {self._ref} {self._place}".rstrip())

    async def _find(self, before: AbstractSet[int]) -> None:
        """Find the run among those that appeared since. Raises SourceAnswered where none does, or more than one."""
        now = asyncio.get_running_loop().time
        sent_at = now()
        while True:
            found = await self._patiently(lambda: self._candidates(before))
            if len(found) > 1:
                raise SourceAnswered(f"{len(found)} runs began since it was dispatched: which is ours is not known")
            if found and now() - sent_at >= SETTLED_S:
                self._run, self._place = found[0].id, found[0].html_url
                return
            if now() - sent_at >= FIND_S:
                raise SourceAnswered(f"dispatched, but no run appeared within {FIND_S:g} s")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _follow(self) -> WorkflowRun:
        """Tell what the run does, until it has come to its end."""
        while True:
            run = await self._patiently(lambda: self._api.get(f"actions/runs/{self._run}", WorkflowRun))
            self._place = run.html_url or self._place
            self._tell("status", f"{(run.status or 'unknown').replace('_', ' ')} {self._place}".rstrip())
            with suppress(SourceError):  # of what it is made is told where it can be
                jobs = await self._api.get(f"actions/runs/{self._run}/jobs", _Jobs, {"per_page": 100})
                self._tell_jobs(jobs.jobs)
            if run.status == "completed":
                return run
            await asyncio.sleep(LOOK_EVERY_S)

    async def _runs(self) -> list[WorkflowRun]:
        words: dict[str, str | int] = {"event": "workflow_dispatch", "per_page": 100}
        return (await self._api.get(f"actions/workflows/{self._api.workflow}/runs", WorkflowRuns, words)).workflow_runs

    async def _candidates(self, before: AbstractSet[int], *, since: str = "") -> list[WorkflowRun]:
        """List the runs that appeared since; with `since`, those of that run's own moment."""
        branch = self._ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
        runs = [
            run
            for run in await self._runs()
            if run.id not in before and run.event == "workflow_dispatch" and run.head_branch == branch
        ]
        ours = moment(since)
        if ours is None:
            return runs
        return [run for run in runs if abs((moment(run.created_at) or ours) - ours) <= SETTLED_S]

    async def _patiently(self, ask: Callable[[], Awaitable[_Given]]) -> _Given:
        """Ask again while GitHub is not itself, until the step's deadline. Raises SourceRefused, SourceLimited."""
        while True:
            try:
                return await ask()
            except SourceRefused:
                raise
            except SourceLimited as limit:
                await self._wait_out(limit)
            except SourceError as error:
                if not self._sent:
                    raise
                self._tell("trouble", str(error))
                await asyncio.sleep(LOOK_EVERY_S)

    async def _wait_out(self, limit: SourceLimited) -> None:
        """Leave it alone for as long as it asks. Raises the limit where that is longer than the step may take."""
        if asyncio.get_running_loop().time() + limit.retry_after_s >= self._deadline:
            raise limit
        self._tell("trouble", str(limit))
        await asyncio.sleep(limit.retry_after_s)

    def _tell_jobs(self, jobs: Sequence[_Job]) -> None:
        for job in jobs:
            for step in job.steps:
                if step.status != "queued":
                    self._tell(f"{job.id} {step.number}", f"{job.name} · {step.name}: {_word(step)}")
            if job.status != "queued":
                self._tell(str(job.id), f"{job.name}: {_word(job)}")

    def _tell(self, what: str, line: str) -> None:
        """Say something, once until it changes."""
        if self._told.get(what) != line:
            self._told[what] = line
            self._heard(f"{line}\n".encode())


def _message(got: Got) -> str:
    try:
        return decode(got.body, _Refusal, name="GitHub").message[:300]
    except SourceAnswered:
        return str(got.status)


def _word(part: _Step | _Job) -> str:
    return (part.conclusion or part.status).replace("_", " ")
