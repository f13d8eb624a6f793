"""`loom check`: the plan's checks from a shell, with an exit code that CI can trust."""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from loom_tui.commands.checks import answer_of
from loom_tui.demo.postgres import running_postgres
from loom_tui.plan.model import About, Plan, Range, Target
from loom_tui.plan.sources.base import Secret
from loom_tui.plan.sources.http import HttpSource
from loom_tui.plan.sources.postgres import PostgresSource, Query
from loom_tui.plan.toml import dump_plan
from loom_tui.room.signals import State
from tests.samples import ok_snapshot
from tests.servers import answer, drip, hang, serving
from tests.shell import loom
from tests.test_collector import Running


@pytest.fixture(scope="module")
def dsn() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="loom-test-") as name, running_postgres(Path(name) / "server") as dsn:
        yield dsn


PLANTED = "planted-4711-secret"


def written(place: Path, **sources: HttpSource | PostgresSource) -> Path:
    targets = (Target(name="Dashboard", target_ms=Range(low=5, high=10)),)
    plan = Plan(plan=About(title="t", id="t"), targets=targets, sources=dict(sources))
    (place / "loom.toml").write_text(dump_plan(plan), encoding="utf-8")
    return place


async def run(place: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    done = await asyncio.to_thread(lambda: loom(place, "check", *words, stdin=b"", **environ))
    assert PLANTED not in done.stdout + done.stderr
    return done


async def test_all_ok_is_exit_0_and_a_line_each(tmp_path):
    async with serving(answer(b'{"auth": "ok"}')) as server:
        place = written(tmp_path, app=HttpSource(url=server.url, fields={"auth": "auth"}))
        done = await run(place)
    assert done.returncode == 0
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["●", "app", "ok"], ["●", "app.auth", "ok"], ["2", "ok"],
    ]  # fmt: skip


async def test_a_failed_check_is_exit_1_with_its_detail_also_beside_an_unknown_one(tmp_path):
    async with serving(answer(b"", status="503 Service Unavailable")) as down, serving(hang) as silent:
        place = written(
            tmp_path, app=HttpSource(url=down.url), web=HttpSource(url=silent.url, timeout_s=0.2, label="the web")
        )
        done = await run(place)
    assert done.returncode == 1
    assert done.stdout.startswith("✖ app  failed ")
    assert "answered 503, expected 200\n" in done.stdout
    assert "◌ web  unknown           the web did not answer within 0.18 s" in done.stdout
    assert "1 failed, 1 unknown" in done.stdout


async def test_an_unknown_check_is_exit_3_and_its_own_checks_say_the_same_reason(tmp_path):
    place = written(
        tmp_path,
        app=HttpSource(url="http://127.0.0.1:9/", fields={"auth": "auth"}, headers={"x": Secret(env="NO_SUCH_TOKEN")}),
    )
    done = await run(place, "--json")
    assert done.returncode == 3
    told = json.loads(done.stdout)
    assert told["state"] == "unknown"
    assert {(check["name"], check["state"]) for check in told["checks"]} == {
        ("app", "unknown"),
        ("app.auth", "unknown"),
    }
    assert all("NO_SUCH_TOKEN" in check["why"] for check in told["checks"])


async def test_sources_are_asked_at_once_and_whoever_takes_too_long_is_unknown(tmp_path):
    async with serving(drip) as slow, serving(answer(b"{}")) as quick:
        place = written(tmp_path, slow=HttpSource(url=slow.url, timeout_s=300), app=HttpSource(url=quick.url))
        done = await run(place, "--within", "6")
    assert done.returncode == 3
    assert "◌ slow  unknown           slow did not come to an end within 6 s" in done.stdout
    assert "● app   ok" in done.stdout


async def test_names_choose_by_signal_source_and_group(tmp_path):
    async with serving(answer(b'{"auth": "ok", "mail": "down"}')) as server:
        fields = {"auth": "auth", "mail": "mail"}
        place = written(
            tmp_path,
            app=HttpSource(url=server.url, fields=fields),
            web=HttpSource(url=server.url, group="critical workflows"),
        )
        by_signal = await run(place, "app.auth")
        by_source = await run(place, "app", "app.auth")
        by_group = await run(place, "Critical Workflows")
    assert (by_signal.returncode, by_signal.stdout.split()[1::2]) == (0, ["app.auth", "1"])
    assert by_source.returncode == 1
    assert [line.split()[1] for line in by_source.stdout.splitlines()[:-1]] == ["app", "app.auth", "app.mail"]
    assert [line.split()[1] for line in by_group.stdout.splitlines()[:-1]] == ["web"]


async def test_a_name_that_is_none_is_refused_with_the_nearest_one(tmp_path):
    done = await run(written(tmp_path, app=HttpSource(url="http://127.0.0.1:9/", fields={"auth": "a"})), "app.aut")
    assert done.returncode == 2
    assert "did you mean `app.auth`?" in done.stderr


async def test_what_runs_on_demand_only_runs_when_it_is_named_or_with_all(tmp_path):
    async with serving(answer(b"{}")) as regular, serving(answer(b"{}")) as manual:
        place = written(tmp_path, app=HttpSource(url=regular.url), booking=HttpSource(url=manual.url, interval_s=0))
        await run(place)
        assert manual.requests == []
        assert (await run(place, "booking")).returncode == 0
        assert len(manual.requests) == 1
        await run(place, "--all")
        assert (len(manual.requests), len(regular.requests)) == (2, 2)


async def test_a_plan_without_checks_proves_nothing(tmp_path):
    done = await run(written(tmp_path))
    assert done.returncode == 3
    assert "has no checks to run" in done.stderr


async def test_an_answer_may_hold_anything(tmp_path):
    body = json.dumps({"auth": "[/\x1b[31m" + "x" * 10_000}).encode()
    async with serving(answer(body)) as server:
        done = await run(written(tmp_path, app=HttpSource(url=server.url, fields={"auth": "auth"})), "app.auth")
    assert done.returncode == 3
    assert "[/" in done.stdout
    assert "\x1b" not in done.stdout


async def test_it_writes_no_store_and_shows_no_credential(tmp_path):
    async with serving(answer(b"{}")) as server:
        app = HttpSource(url=server.url, headers={"authorization": Secret(env="TOKEN")})
        done = await run(written(tmp_path, app=app), TOKEN=PLANTED)
        assert f"authorization: {PLANTED}" in server.requests[0]
    assert done.returncode == 0
    assert not (tmp_path / "state").exists()


async def test_a_shell_without_utf_8_gets_ascii(tmp_path):
    async with serving(answer(b"{}")) as server:
        done = await run(written(tmp_path, app=HttpSource(url=server.url)), PYTHONIOENCODING="ascii")
    assert done.stdout.startswith("[x] app  ok")


async def test_a_percentile_in_one_shot_is_unknown_and_says_so(tmp_path, dsn):
    database = PostgresSource(
        dsn_from=Secret(env="DSN"), queries=(Query(name="dashboard", sql="select 1", target="Dashboard"),)
    )
    done = await run(written(tmp_path, db=database), "db.dashboard.p95_ms", DSN=dsn)
    assert done.returncode == 3
    assert "1 of 20 samples" in done.stdout
    assert "--room" in done.stderr


async def test_with_room_its_collector_asks_and_everybody_sees_the_answer(tmp_path):
    async with serving(answer(b"{}")) as server:
        plan = Plan(plan=About(title="t", id="t"), sources={"app": HttpSource(url=server.url, interval_s=3600)})
        async with Running(tmp_path, plan) as running:
            await running.until(lambda: len(server.requests) == 1)
            before = time.time()
            done = await run(tmp_path, "--room")
            assert len(server.requests) == 2
            assert running.store.latest()["app"].reading.observed_at >= before
    assert done.returncode == 0
    assert "● app  ok" in done.stdout


async def test_with_room_and_no_collector_it_says_what_to_do(tmp_path):
    done = await run(written(tmp_path, app=HttpSource(url="http://127.0.0.1:9/")), "--room")
    assert done.returncode == 3
    assert "loom watch" in done.stderr
    assert not (tmp_path / "state").exists()


async def test_with_room_an_older_answer_is_none_to_this_question(tmp_path):
    async with serving(answer(b"{}")) as server:
        plan = Plan(plan=About(title="t", id="t"), sources={"app": HttpSource(url=server.url, interval_s=3600)})
        async with Running(tmp_path, plan) as running:
            await running.until(lambda: running.store.latest().get("app") is not None)
            other = Plan(plan=About(title="t", id="t"), sources={**plan.sources, "web": HttpSource(url=server.url)})
            asked_of_other = tmp_path / "other.toml"
            asked_of_other.write_text(dump_plan(other), encoding="utf-8")
            done = await run(tmp_path, "--room", "web", "--plan", str(asked_of_other))
    assert done.returncode == 3
    assert "The plan has no source 'web'" in done.stdout


@pytest.mark.parametrize(
    ("signal", "state", "why"),
    [
        ("db.dashboard.p95_ms", State.OK, "p95 of"),
        ("db.user_statistics.p95_ms", State.BAD, "over 10 ms"),
        ("db.user_statistics.p50_ms", State.OK, ""),
        ("app.storage", State.BAD, "answered 503"),
    ],
)
def test_in_the_room_a_percentile_is_judged_against_its_target(signal, state, why):
    snapshot = ok_snapshot()
    judged = answer_of(snapshot, snapshot.signals[signal].signal)
    assert judged.state is state
    assert why in judged.why


@pytest.mark.parametrize("command", ["check", "doctor", "watch", "status"])
def test_every_command_has_an_example(tmp_path, command):
    assert "Example: loom" in loom(tmp_path, command, "--help").stdout
