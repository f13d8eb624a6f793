"""`loom doctor`: what is reachable, what is missing, and what to do, for any kind of source."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from loom_tui.demo.postgres import running_postgres
from loom_tui.plan.model import About, Plan
from loom_tui.plan.sources import Source
from loom_tui.plan.sources.base import Secret
from loom_tui.plan.sources.command import CommandSource
from loom_tui.plan.sources.environment import EnvironmentSource, Origin, Variable
from loom_tui.plan.sources.http import HttpSource
from loom_tui.plan.sources.postgres import PostgresSource, Query
from loom_tui.plan.sources.sentry import SentrySource
from loom_tui.plan.sources.supabase import SupabaseSource
from loom_tui.plan.toml import dump_plan
from tests.servers import Handler, answer, hang, serving, speaking_no_tls
from tests.shell import HERE, loom
from tests.terminal import Terminal
from tests.test_collector import Running

PLANTED = "planted-4711-secret"


def written(place: Path, **sources: Source) -> Path:
    (place / "loom.toml").write_text(
        dump_plan(Plan(plan=About(title="t", id="t"), sources=dict(sources))), encoding="utf-8"
    )
    return place


async def run(place: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    done = await asyncio.to_thread(lambda: loom(place, "doctor", *words, stdin=b"", **environ))
    assert PLANTED not in done.stdout + done.stderr
    return done


async def findings(place: Path, **environ: str) -> list[dict[str, Any]]:
    told = json.loads((await run(place, "--json", **environ)).stdout)
    found: list[dict[str, Any]] = told["findings"]
    assert told["ok"] == all(finding["level"] != "bad" for finding in found)
    return found


def of(found: list[dict[str, Any]], about: str) -> list[tuple[str, str]]:
    return [(finding["level"], finding["what"]) for finding in found if finding["about"] == about]


def dated(ahead_s: float = 0, *, headers: str = "") -> Handler:
    """Answer with a clock that is ahead of ours."""

    async def handle(head: str, writer: asyncio.StreamWriter) -> None:
        date = format_datetime(datetime.fromtimestamp(time.time() + ahead_s, UTC), usegmt=True)
        await answer(b"{}", headers=f"date: {date}\r\n{headers}")(head, writer)

    return handle


async def test_all_is_well_is_exit_0_with_the_credential_s_place_and_never_the_credential(tmp_path):
    async with serving(dated()) as server:
        app = HttpSource(url=server.url, headers={"authorization": Secret(env="TOKEN")})
        done = await run(written(tmp_path, app=app), TOKEN=PLANTED)
    assert done.returncode == 0
    assert "headers.authorization •••• from the environment's TOKEN" in done.stdout
    assert "its clock agrees with ours" in done.stdout
    assert done.stdout.endswith("All is well.\n")


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        (Secret(env="LOOM_NOT_SET"), "LOOM_NOT_SET is not set"),
        (Secret(file="/no/such/file"), "/no/such/file cannot be read"),
        (Secret(command=("false",)), "`false` failed with code 1"),
    ],
)
async def test_a_missing_credential_is_told_once_with_its_place_and_what_to_do(tmp_path, secret, words):
    done = await run(written(tmp_path, sentry=SentrySource(token=secret)))
    assert done.returncode == 1
    assert done.stdout.count(words) == 1
    assert "→ put it there, or name another place: [sources.sentry] token" in done.stdout


@pytest.mark.parametrize(
    ("handler", "level", "words", "do"),
    [
        (answer(b"", status="401 Unauthorized"), "bad", "refused the credential (401)", "rights"),
        (
            answer(b"", status="429 Slow Down", headers="retry-after: 90\r\n"),
            "bad",
            "left alone for 90 s",
            "interval_s",
        ),
        (answer(b"<html>"), "bad", "a page of HTML", "by hand"),
        (hang, "bad", "did not answer within 0.27 s", "timeout_s in [sources.sentry] is 0.3"),
    ],
)
async def test_each_way_to_fail_has_its_own_advice(tmp_path, handler, level, words, do):
    timeout_s = 0.3 if handler is hang else 10
    async with serving(handler) as server:
        source = SentrySource(url=server.url, timeout_s=timeout_s, label="Sentry")
        found = await findings(written(tmp_path, sentry=source))
    (told,) = [finding for finding in found if words in finding["what"]]
    assert told["level"] == level
    assert do in told["do"]


async def test_nobody_is_sent_to_a_firewall_for_a_file_or_a_command_of_this_host(tmp_path):
    found = await findings(
        written(
            tmp_path,
            environment=EnvironmentSource(origin=Origin(dotenv=".env.production"), variables=(Variable(name="A"),)),
            lint=CommandSource(run=("no-such-linter",), interval_s=60.0),
            slow=CommandSource(run=("sleep", "60"), interval_s=60.0, timeout_s=0.2),
        )
    )
    advice = {finding["about"]: finding["do"] for finding in found if finding["level"] == "bad"}
    assert advice["environment"].startswith(
        "mend what [sources.environment] names: paths begin in the plan's directory"
    )
    assert advice["lint"].startswith("mend what [sources.lint] names")
    assert advice["slow"] == "make it faster, or give it longer: timeout_s in [sources.slow] is 0.2"


async def test_who_cannot_be_reached_is_told_by_its_address(tmp_path):
    async with speaking_no_tls() as url:
        found = await findings(
            written(tmp_path, gone=HttpSource(url="http://127.0.0.1:9/"), tls=HttpSource(url=url, timeout_s=5))
        )
    assert of(found, "gone") == [("bad", "gone cannot be reached: no connection to its address")]
    assert of(found, "tls") == [("bad", "tls's certificate does not hold, or it speaks no TLS there")]


@pytest.mark.parametrize(("ahead_s", "words"), [(60, "ahead of"), (-60, "behind")])
async def test_a_clock_that_is_wrong_is_a_warning_and_a_limit_that_is_nearly_used_up_too(tmp_path, ahead_s, words):
    limit = "x-ratelimit-remaining: 3\r\nx-ratelimit-limit: 60\r\n"
    async with serving(dated(ahead_s, headers=limit)) as server:
        done = await run(written(tmp_path, app=HttpSource(url=server.url, interval_s=30)))
    assert done.returncode == 0
    assert f"{words} ours" in done.stdout
    assert "3 of 60 calls left in its limit; asking takes about 120 an hour" in done.stdout
    assert "2 to know of" in done.stdout


async def test_what_a_source_could_not_tell_is_a_missing_right(tmp_path):
    async def handle(head: str, writer: asyncio.StreamWriter) -> None:
        feed = "stats_v2" not in head
        await (answer(b"[]") if feed else answer(b"", status="403 Forbidden"))(head, writer)

    async with serving(handle) as server:
        found = await findings(written(tmp_path, sentry=SentrySource(url=server.url, label="Sentry")))
    assert of(found, "sentry")[0][0] == "ok"
    (rate,) = [what for level, what in of(found, "sentry") if level == "warn" and "errors_per_minute" in what]
    assert "unknown" in rate
    assert "403" in rate


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "500 Oops"])
async def test_a_check_that_fails_is_told_in_its_words_and_never_answers(tmp_path, status):
    async with serving(answer(b"{}", status=status)) as server:
        app = HttpSource(url=server.url, headers={"authorization": Secret(env="TOKEN")})
        done = await run(written(tmp_path, app=app), TOKEN=PLANTED)
    assert done.returncode == 1
    assert f"app failed: answered {status[:3]}, expected 200" in done.stdout
    assert "app  answers" not in done.stdout
    assert "1 to mend" in done.stdout


async def test_a_supabase_key_that_is_refused_is_told(tmp_path):
    async with serving(answer(b"{}", status="401 Unauthorized")) as server:
        source = SupabaseSource(url=server.url, anon_key=Secret(env="KEY"), realtime=False)
        found = await findings(written(tmp_path, sb=source), KEY=PLANTED)
    assert ("ok", "answers") not in of(found, "sb")
    assert any(level == "bad" and "the anon key was refused (401)" in what for level, what in of(found, "sb"))


async def test_a_round_trip_s_credentials_are_told_once_by_the_names_that_a_plan_has_for_them(tmp_path):
    source = SentrySource(url="http://127.0.0.1:9", token=Secret(env="NO_TOKEN"), dsn=Secret(env="NO_DSN"))
    done = await run(written(tmp_path, sentry=source))
    assert "[sources.sentry] token" in done.stdout
    assert "[sources.sentry] dsn" in done.stdout
    assert "feed." not in done.stdout
    assert done.stdout.count("NO_DSN is not set") == 1


async def test_what_is_unknown_for_one_reason_is_told_in_one_line(tmp_path):
    async with serving(answer(b"<html>")) as server:
        fields = {"auth": "a", "mail": "b"}
        found = await findings(written(tmp_path, app=HttpSource(url=server.url, fields=fields)))
    assert ("warn", "app.auth, app.mail are unknown: the answer is HTML, not JSON") in of(found, "app")


@pytest.fixture(scope="module")
def dsn() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="loom-test-") as name, running_postgres(Path(name) / "server") as dsn:
        yield dsn


async def test_a_database_tells_its_clock_and_which_query_may_not_be_run(tmp_path, dsn):
    queries = (Query(name="secret", sql="select * from pg_authid_that_is_not"), Query(name="one", sql="select 1"))
    source = PostgresSource(dsn_from=Secret(env="DSN"), queries=queries)
    found = await findings(written(tmp_path, db=source), DSN=dsn)
    told = of(found, "db")
    assert ("ok", "its clock agrees with ours") in told
    assert ("warn", 'db.secret.ms is unknown: relation "pg_authid_that_is_not" does not exist') in told


async def test_what_runs_on_demand_is_not_run(tmp_path):
    async with serving(answer(b"{}")) as server:
        found = await findings(written(tmp_path, booking=HttpSource(url=server.url, interval_s=0)))
        assert server.requests == []
    ((level, what),) = of(found, "booking")
    assert level == "ok"
    assert "loom check booking" in what


async def test_the_store_s_place_is_named_with_its_modes_and_the_collector_with_its_holder(tmp_path):
    async with serving(answer(b"{}")) as server:
        plan = Plan(plan=About(title="t", id="t"), sources={"app": HttpSource(url=server.url, interval_s=3600)})
        before = await findings(written(tmp_path))
        assert any("not there yet" in finding["what"] for finding in before if finding["section"] == "Store")
        async with Running(tmp_path, plan) as running:
            await running.until(lambda: running.store.latest().get("app") is not None)
            found = await findings(tmp_path)
    (store,) = [finding for finding in found if finding["section"] == "Store"]
    assert store["about"].startswith(str(tmp_path / "state"))
    assert "mode 0700" in store["what"]
    assert of(found, "loom watch") == [("ok", "runs: test")]


async def test_a_store_that_others_can_write_is_to_be_mended(tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o777)
    found = await findings(written(tmp_path, app=HttpSource(url="http://127.0.0.1:9/", interval_s=0)))
    (store,) = [finding for finding in found if finding["section"] == "Store"]
    assert store["level"] == "bad"
    assert "chmod o-w" in store["what"]


def seen_in_terminal(place: Path, *, columns: int, rows: int, **environ: str) -> str:
    """Run the doctor in a real terminal, and read the screen."""
    command = (sys.executable, "-m", "loom_tui", "doctor", "--store", str(place / "state"))
    given = {"PYTHONPATH": str(HERE), **environ}
    with Terminal(command, columns=columns, rows=rows, environ=given, directory=place) as terminal:
        ends_at = time.monotonic() + 30
        while terminal.alive and time.monotonic() < ends_at:
            terminal.pump(0.2)
        return "\n".join(line.rstrip() for line in terminal.screen.display)


def test_a_terminal_is_told_by_size_colours_and_locale(tmp_path):
    place = written(tmp_path)
    large = seen_in_terminal(place, columns=120, rows=40)
    assert "● TERM        xterm-256color, 16 million colours" in large
    assert "● size        120x40" in large
    assert "● locale      UTF-8" in large
    small = seen_in_terminal(place, columns=70, rows=40, NO_COLOR="1", COLORTERM="", LC_ALL="C", LANG="C", TERM="vt100")
    assert "vt100, no colours" in small
    assert "▲ size        70x40" in small
    assert "not UTF-8" in small
    assert "TERM: " not in small


def test_a_terminal_that_cannot_move_its_cursor_is_to_be_mended(tmp_path):
    seen = seen_in_terminal(written(tmp_path), columns=100, rows=40, TERM="dumb")
    assert "export TERM=xterm-256color" in seen
