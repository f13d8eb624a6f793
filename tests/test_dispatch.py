"""A workflow of GitHub's as a step, over a stand-in that answers as CONTRACTS.md says: 200 or 204, limits, runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest

from loom_tui.plan.acts import ActionKind, DispatchAct
from loom_tui.plan.sources.base import Secret
from loom_tui.room.acting import Outcome
from loom_tui.room.guard import ActionState
from loom_tui.sources import dispatch
from loom_tui.sources.acts import credentials_of, do, try_out
from loom_tui.sources.base import SourceError
from loom_tui.sources.scene import Ended, Scene
from tests.running import World, action, writes
from tests.servers import Server, answer, hang, serving, silent, slam

TOKEN = "planted-4711-token"
AT = "2025-11-12T10:00:00Z"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often: what GitHub takes seconds for, the stand-in does at once."""
    for name, value in (("LOOK_EVERY_S", 0.02), ("SETTLED_S", 0.1), ("FIND_S", 0.5)):
        monkeypatch.setattr(dispatch, name, value)


def run(number: int, **more: Any) -> dict[str, Any]:
    given = {"event": "workflow_dispatch", "head_branch": "main", "status": "queued", "created_at": AT}
    return {"id": number, "html_url": f"https://github.example/runs/{number}", **given, **more}


class Actions:
    """A stand-in for GitHub's workflows. `names`: it answers which run it made; `ends`: what its runs end in."""

    def __init__(self, *, names: bool = True, knows_details: bool = True, ends: str = "success") -> None:
        self.names, self.knows_details, self.ends = names, knows_details, ends
        self.server = Server()
        self.runs: dict[int, dict[str, Any]] = {1: run(1, status="completed", conclusion="success")}
        self.script = ["queued", "in_progress"]  # what a run is, look by look, before its end
        self.beside: list[dict[str, Any]] = []  # runs that somebody else makes in the same moment
        self.refusals: list[tuple[str, str, bytes]] = []  # of dispatches: status, headers, body
        self.troubles: list[str] = []  # statuses in the place of a run
        self.permissions = {"push": True}
        self.state = "active"
        self.made: list[dict[str, Any]] = []
        self.cancelled: list[str] = []

    async def __call__(self, head: str, writer: asyncio.StreamWriter) -> None:
        method, path = head.split()[:2]
        if f"authorization: Bearer {TOKEN}" not in head:
            await answer(b'{"message": "Bad credentials"}', status="401 Unauthorized")(head, writer)
        elif method == "POST":
            await self._post(path)(head, writer)
        else:
            await self._get(path.partition("?")[0])(head, writer)

    def _post(self, path: str) -> Callable[..., Any]:
        if path.endswith("/cancel"):
            self.cancelled.append(path)
            return answer(b"{}", status="202 Accepted")
        body = msgspec.json.decode(self.server.bodies[-1])
        if self.refusals:
            status, headers, said = self.refusals.pop(0)
            return answer(said, status=status, headers=headers)
        if "return_run_details" in body and not self.knows_details:
            words = b'{"message": "Invalid request.\\n\\n\\"return_run_details\\" is not a permitted key."}'
            return answer(words, status="422 Unprocessable Entity")
        self.made.append(body)
        number = 100 + len(self.made)
        self.runs[number] = run(number)
        self.runs |= {each["id"]: each for each in self.beside}
        if self.names and body.get("return_run_details"):
            told = {"workflow_run_id": number, "run_url": "", "html_url": f"https://github.example/runs/{number}"}
            return answer(msgspec.json.encode(told))
        return answer(b"", status="204 No Content")

    def _get(self, path: str) -> Callable[..., Any]:
        if path.endswith("/jobs"):
            steps = [{"name": "Checkout", "number": 1, "status": "completed", "conclusion": "success"}]
            return self._told({"jobs": [{"id": 7, "name": "ship", "status": "in_progress", "steps": steps}]})
        if path.endswith("/runs"):
            return self._told({"workflow_runs": list(self.runs.values())})
        if "/actions/runs/" in path:
            if self.troubles:
                return answer(b"<html>", status=self.troubles.pop(0))
            status = self.script.pop(0) if self.script else "completed"
            ended = {"conclusion": self.ends} if status == "completed" else {}
            return self._told({**self.runs[int(path.rpartition("/")[2])], "status": status, **ended})
        if path.endswith("/workflows/ship.yml"):
            return self._told({"id": 3, "state": self.state})
        if path.endswith("/octo/app"):
            return self._told({"id": 1, "permissions": self.permissions})
        return answer(b'{"message": "Not Found"}', status="404 Not Found")

    def _told(self, value: Any) -> Callable[..., Any]:
        return answer(msgspec.json.encode(value), headers='etag: W/"1"\r\nx-ratelimit-remaining: 4000\r\n')


async def scene_of(step: DispatchAct, token: str = TOKEN) -> Scene:
    credentials = await credentials_of(step, {"TOKEN": token}, Path("/"))
    return Scene(directory=Path("/"), environ={}, values={"to": "v1"}, credentials=credentials)


def step_at(url: str, **more: Any) -> DispatchAct:
    given = {"name": "Ship", "repo": "octo/app", "workflow": "ship.yml", "token": Secret(env="TOKEN"), "url": url}
    return DispatchAct(**{**given, "inputs": {"version": "{to}"}, "timeout_s": 10.0, **more})


async def done(actions: Actions, **more: Any) -> tuple[Ended, list[str]]:
    said = bytearray()
    async with serving(actions) as actions.server:
        step = step_at(actions.server.url, **more)
        ended = await do(step, await scene_of(step), said.extend)
    assert TOKEN not in f"{ended}{said.decode()}"
    return ended, said.decode().splitlines()


async def test_a_run_that_github_names_is_followed_to_its_end():
    actions = Actions()
    ended, said = await done(actions)
    assert ended == Ended(Outcome.OK)
    assert actions.made == [{"ref": "main", "inputs": {"version": "v1"}, "return_run_details": True}]
    place = "https://github.example/runs/101"
    assert said == [
        f"dispatched ship.yml on main {place}",
        f"queued {place}",
        "ship · Checkout: success",
        "ship: in progress",
        f"in progress {place}",
        f"completed {place}",
    ]


@pytest.mark.parametrize(
    ("ends", "outcome", "why"),
    [
        ("failure", Outcome.FAILED, "a job failed"),
        ("startup_failure", Outcome.FAILED, "could not start"),
        ("skipped", Outcome.FAILED, "nothing of it ran"),
        ("cancelled", Outcome.UNKNOWN, "cancelled: what it did before is not known"),
        ("timed_out", Outcome.UNKNOWN, "GitHub's own limit"),
        ("action_required", Outcome.UNKNOWN, "waits for somebody"),
        ("neutral", Outcome.UNKNOWN, "ended as neutral"),
    ],
)
async def test_only_success_is_a_success_and_what_was_cut_short_is_unknown(ends, outcome, why):
    ended, _ = await done(Actions(ends=ends))
    assert ended.outcome is outcome
    assert why in ended.why
    assert "https://github.example/runs/101" in ended.why


@pytest.mark.parametrize("knows_details", [True, False])
async def test_an_older_github_names_no_run_and_the_one_that_appeared_since_is_followed(knows_details):
    actions = Actions(names=False, knows_details=knows_details)
    actions.beside = [run(200, event="push"), run(201, head_branch="other")]
    ended, said = await done(actions)
    assert ended == Ended(Outcome.OK)
    assert len(actions.made) == 1
    assert "queued https://github.example/runs/101" in said


async def test_where_two_runs_could_be_ours_it_is_unknown_which_is():
    actions = Actions(names=False)
    actions.beside = [run(200)]
    ended, _ = await done(actions)
    assert ended.outcome is Outcome.UNKNOWN
    assert "2 runs began since it was dispatched: which is ours is not known" in ended.why


async def test_a_twin_that_shows_only_later_makes_the_end_unknown_too():
    actions = Actions(names=False)

    class Later(list[str]):
        def pop(self, index: Any = -1) -> str:
            actions.runs[200] = run(200)
            return super().pop(index)

    actions.script = Later(["in_progress"])
    ended, _ = await done(actions)
    assert ended.outcome is Outcome.UNKNOWN
    assert "another run began in the same moment" in ended.why


async def test_a_dispatch_that_makes_no_run_is_unknown():
    actions = Actions(names=False)
    actions.beside = [run(101, event="push")]  # in the place of ours
    ended, _ = await done(actions)
    assert (ended.outcome, "no run appeared" in ended.why) == (Outcome.UNKNOWN, True)


async def test_a_limit_is_waited_out_and_one_beyond_the_deadline_is_a_failure_of_what_was_not_sent():
    actions = Actions()
    actions.refusals = [("429 Too Many", "retry-after: 1\r\n", b"{}")]
    ended, said = await done(actions)
    assert ended == Ended(Outcome.OK)
    assert any("asks to be left alone for 1 s" in line for line in said)
    actions = Actions()
    actions.refusals = [("403 Forbidden", "retry-after: 600\r\n", b"{}")]
    ended, _ = await done(actions)
    assert ended.outcome is Outcome.FAILED
    assert "left alone for 600 s" in ended.why
    assert ended.why.endswith("nothing was dispatched")
    assert actions.made == []


@pytest.mark.parametrize(
    ("status", "body", "outcome", "why"),
    [
        ("422 No", b'{"message": "No ref found for: v9"}', Outcome.FAILED, "No ref found for: v9; nothing was"),
        ("403 No", b'{"message": "Resource not accessible"}', Outcome.FAILED, "refused the credential (403)"),
        ("404 No", b"<html>", Outcome.FAILED, "no such address"),
        ("307 Moved", b"", Outcome.FAILED, "answered 307"),
        ("502 Bad Gateway", b"<html>", Outcome.UNKNOWN, "answered 502"),
        ("200 OK", b"<html>", Outcome.UNKNOWN, "no run appeared"),
    ],
)
async def test_a_refused_dispatch_has_failed_and_one_that_may_have_been_taken_is_unknown(status, body, outcome, why):
    actions = Actions()
    actions.refusals = [(status, "", body)]
    ended, _ = await done(actions)
    assert (ended.outcome, actions.made) == (outcome, [])
    assert why in ended.why


@pytest.mark.parametrize("handler", [hang, slam])
async def test_a_connection_that_breaks_after_the_dispatch_was_sent_leaves_it_unknown(handler, monkeypatch):
    monkeypatch.setattr(dispatch, "CALL_S", 0.5)
    actions = Actions()
    monkeypatch.setattr(actions, "_post", lambda path: handler)
    ended, _ = await done(actions)
    assert ended.outcome is Outcome.UNKNOWN


async def test_a_github_that_is_not_itself_for_a_while_is_asked_again():
    actions = Actions()
    actions.troubles = ["500 Oh", "404 Not Found", "200 OK"]
    ended, said = await done(actions)
    assert ended == Ended(Outcome.OK)
    assert any("answered 500" in line for line in said)


async def test_at_the_deadline_the_run_is_cancelled_and_its_end_unknown():
    actions = Actions()
    actions.script = ["in_progress"] * 10_000
    ended, _ = await done(actions, timeout_s=0.6)
    assert ended == Ended(
        Outcome.UNKNOWN,
        "did not end within 0.6 s; GitHub was asked to cancel it: https://github.example/runs/101",
    )
    assert actions.cancelled == ["/repos/octo/app/actions/runs/101/cancel"]


async def test_a_run_whose_action_was_taken_over_is_cancelled():
    actions = Actions()
    actions.script = ["in_progress"] * 10_000
    said = bytearray()
    async with serving(actions) as actions.server:
        step = step_at(actions.server.url)
        task = asyncio.create_task(do(step, await scene_of(step), said.extend))
        async with asyncio.timeout(10):
            while b"in progress" not in said:
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(actions.cancelled) == 1


async def test_what_is_missing_is_found_before_anything_is_dispatched():
    for changes, token, why in (
        ({}, "another", "refused the credential (401)"),
        ({"permissions": {"pull": True, "push": False}}, TOKEN, "the token may read octo/app, and not write"),
        ({"state": "disabled_manually"}, TOKEN, "GitHub has ship.yml as disabled_manually"),
    ):
        actions = Actions()
        vars(actions).update(changes)
        async with serving(actions) as actions.server:
            step = step_at(actions.server.url)
            with pytest.raises(SourceError) as error:
                await try_out(step, await scene_of(step, token))
            assert why in str(error.value)
            with pytest.raises(SourceError, match="no such address"):
                await try_out(other := step_at(actions.server.url, workflow="no.yml"), await scene_of(other))
        assert actions.made == []
    async with serving(Actions()) as web:
        await try_out(step_at(web.url), await scene_of(step_at(web.url)))


async def test_a_github_that_cannot_be_reached_has_taken_nothing():
    async with silent() as port:
        pass
    step = step_at(f"http://127.0.0.1:{port}")
    ended = await do(step, await scene_of(step), lambda _: None)
    assert (ended.outcome, ended.why.endswith("nothing was dispatched")) == (Outcome.FAILED, True)


def test_it_is_shown_as_a_person_would_type_it():
    step = step_at("https://api.github.com", inputs={"version": "{to}", "why": "it's down"})
    assert step.shown({"to": "v1"}) == (
        "gh workflow run ship.yml -R octo/app --ref main -f version=v1 -f 'why=it'\"'\"'s down'"
    )
    assert " -R ghe.example/octo/app " in step_at("https://ghe.example/api/v3").shown({})


class InThread:
    """The stand-in for a runner's own process: its loop runs in a thread."""

    def __init__(self, actions: Actions) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)
        self._thread.start()
        self._serving = serving(actions)
        actions.server = self._run(self._serving.__aenter__())
        self.url = actions.server.url

    def _run(self, doing: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(timeout=20)

    def close(self) -> None:
        self._run(self._serving.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def test_a_rollback_that_takes_over_from_a_deploy_has_its_workflow_cancelled(tmp_path):
    actions = Actions()
    actions.script = ["in_progress"] * 100_000
    github = InThread(actions)
    ship = action(step_at(github.url, timeout_s=600.0), kind=ActionKind.DEPLOY)
    room = World(tmp_path, deploy=ship, rollback=action(writes("back")))
    try:
        deploy = room.begin("deploy", {"TOKEN": TOKEN}, override=True)
        room.until(lambda: b"in progress" in room.output(deploy).encode() if room.view(deploy).step else False)
        rollback = room.begin()
        room.until(lambda: room.count("back"))
        room.until(lambda: actions.cancelled)
        assert room.state(deploy) is ActionState.ABORTED
        assert f"stopped by rollback {rollback} in the middle of “Ship”" in room.view(deploy).why
        room.until(lambda: "GitHub was asked to cancel it" in room.output(deploy))
        assert TOKEN not in room.told() + room.output(deploy)
    finally:
        room.close()
        github.close()
