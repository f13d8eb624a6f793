"""Steps done on the real thing: requests to a server, SQL in a PostgreSQL; and what is unknown rather than failed."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from loom_tui.demo.postgres import running_postgres
from loom_tui.plan.acts import CommandAct, RequestAct, SqlAct
from loom_tui.plan.sources.base import Secret
from loom_tui.room.acting import Outcome
from loom_tui.sources.acts import credentials_of, do, shown_secrets, try_out
from loom_tui.sources.base import CredentialMissing, SourceError
from loom_tui.sources.scene import Ended, Scene
from tests.databases import database, execute
from tests.servers import answer, circle, hang, serving, silent, slam


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="loom-test-") as name, running_postgres(Path(name) / "server") as dsn:
        yield dsn


async def scene_of(step: CommandAct | RequestAct | SqlAct, directory: Path = Path("/"), **environ: str) -> Scene:
    values = {"from": "v2", "to": "v1", "environment": "production"}
    return Scene(
        directory=directory, environ=environ, values=values, credentials=await credentials_of(step, environ, directory)
    )


async def done(step: CommandAct | RequestAct | SqlAct, scene: Scene) -> tuple[Ended, str]:
    said = bytearray()
    ended = await do(step, scene, said.extend)
    return ended, said.decode()


async def test_a_request_is_sent_with_its_variables_and_credentials():
    async with serving(answer(b"thanks")) as web:
        step = RequestAct(
            name="Tell",
            url="{hook}/a",
            headers={"authorization": "Bearer {token}"},
            json={"text": "back to {to}", "n": [1]},
            secrets={"hook": Secret(env="HOOK"), "token": Secret(env="TOKEN")},
        )
        ended, said = await done(step, await scene_of(step, HOOK=web.url.rstrip("/"), TOKEN="tok-4711"))
        head = web.requests[-1]
    assert (ended, said) == (Ended(Outcome.OK), "200\nthanks")
    assert head.startswith("POST /a HTTP/1.1")
    assert "Bearer tok-4711" in head


@pytest.mark.parametrize(
    ("handler", "outcome", "why"),
    [
        (answer(b"no", status="403 Forbidden"), Outcome.FAILED, "answered 403, wanted 200 or 201 or 202 or 204"),
        (answer(b"", status="500 Oh"), Outcome.FAILED, "answered 500"),
        (circle, Outcome.FAILED, "answered 302"),
        (hang, Outcome.UNKNOWN, "did not answer within|no answer within"),
        (slam, Outcome.UNKNOWN, "broke off"),
    ],
)
async def test_what_broke_off_after_it_was_sent_is_unknown(handler, outcome, why):
    async with serving(handler) as web:
        step = RequestAct(name="Tell", url=web.url, timeout_s=0.5)
        ended, _ = await done(step, await scene_of(step))
    assert ended.outcome is outcome
    assert any(each in ended.why for each in why.split("|"))


async def test_what_was_never_sent_has_failed():
    async with silent() as port:
        pass
    step = RequestAct(name="Tell", url=f"http://127.0.0.1:{port}/")
    ended, _ = await done(step, await scene_of(step))
    assert (ended.outcome, "cannot be reached" in ended.why) == (Outcome.FAILED, True)


def sql(directory: Path, script: str, **more: object) -> SqlAct:
    (directory / "up.sql").write_text(script)
    return SqlAct(**{"name": "Migrate", "file": "up.sql", "dsn_from": Secret(env="DSN"), **more})  # type: ignore[arg-type]


async def test_a_file_of_sql_happens_whole_or_not_at_all(server, tmp_path):
    with database(server, "acts_whole", schema=None) as dsn:
        step = sql(
            tmp_path, "CREATE TABLE a (n int); INSERT INTO a VALUES (1); DO $$BEGIN RAISE NOTICE 'hello'; END$$;"
        )
        ended, said = await done(step, await scene_of(step, tmp_path, DSN=dsn))
        assert ended == Ended(Outcome.OK)
        assert "hello" in said
        step = sql(tmp_path, "CREATE TABLE b (n int); SELECT 1/0;")
        ended, said = await done(step, await scene_of(step, tmp_path, DSN=dsn))
        assert ended == Ended(Outcome.FAILED, "division by zero; nothing of it was kept")
        execute(dsn, "CREATE TABLE b (n int)", "INSERT INTO a VALUES (2)")


async def test_a_file_that_ends_its_transaction_itself_is_unknown(server, tmp_path):
    with database(server, "acts_commit", schema=None) as dsn:
        for script in ("CREATE TABLE a (n int); COMMIT;", "CREATE TABLE b (n int); COMMIT; SELECT 1/0;"):
            step = sql(tmp_path, script)
            ended, _ = await done(step, await scene_of(step, tmp_path, DSN=dsn))
            assert (ended.outcome, "ended its transaction itself" in ended.why) == (Outcome.UNKNOWN, True)


async def test_a_constraint_that_fails_at_the_commit_is_a_failure(server, tmp_path):
    with database(server, "acts_deferred", schema=None) as dsn:
        execute(dsn, "CREATE TABLE a (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        step = sql(tmp_path, "INSERT INTO a VALUES (1), (1)")
        ended, _ = await done(step, await scene_of(step, tmp_path, DSN=dsn))
        assert (ended.outcome, "nothing of it was kept" in ended.why) == (Outcome.FAILED, True)


async def test_a_script_that_hangs_meets_its_deadline_and_is_rolled_back(server, tmp_path):
    with database(server, "acts_hang", schema=None) as dsn:
        step = sql(tmp_path, "CREATE TABLE a (n int); SELECT pg_sleep(600)", timeout_s=1.0)
        ended, _ = await done(step, await scene_of(step, tmp_path, DSN=dsn))
        assert ended == Ended(Outcome.UNKNOWN, "did not end within 1 s")
        async with asyncio.timeout(20):
            await asyncio.to_thread(execute, dsn, "CREATE TABLE a (n int)")


async def test_what_is_missing_is_found_without_doing_anything(server, tmp_path):
    secret_dsn = "host=127.0.0.1 port=1 user=a password=hunter2"
    missing = sql(tmp_path, "SELECT 1")
    (tmp_path / "up.sql").unlink()
    for step, environ, why in (
        (missing, {"DSN": server}, "cannot be read: No such file"),
        (sql(tmp_path, "SELECT 1", name="Down"), {"DSN": secret_dsn}, "“Down”: the database cannot be asked"),
        (sql(tmp_path, "SELECT 1"), {"DSN": "postgresql://a:hunter2%zz@b/c"}, "connection string cannot be read"),
        (CommandAct(name="Run", run=("/no/such",)), {}, "there is no command `/no/such` here"),
    ):
        if step is missing:
            (tmp_path / "up.sql").unlink(missing_ok=True)
        elif isinstance(step, SqlAct):
            (tmp_path / "up.sql").write_text("SELECT 1")
        with pytest.raises(SourceError) as error:
            await try_out(step, await scene_of(step, tmp_path, **environ))
        assert why in str(error.value)
        assert "hunter2" not in str(error.value)
    with pytest.raises(CredentialMissing, match="DSN is not set"):
        await credentials_of(missing, {}, tmp_path)


async def test_the_password_of_a_connection_string_is_a_secret_of_its_own():
    step = SqlAct(name="a", file="b", dsn_from=Secret(env="DSN"))
    assert shown_secrets(await credentials_of(step, {"DSN": "postgresql://a:hunter2@b/c"}, Path())) == [
        "postgresql://a:hunter2@b/c",
        "hunter2",
    ]
