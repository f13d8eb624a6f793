"""Workflows: the eight of Sprint 07 against a small real platform, each also broken in one way."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from base64 import b32encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from msgspec.structs import replace

from loom_tui.plan.check import check_plan
from loom_tui.plan.model import Plan
from loom_tui.plan.signals import asked_of
from loom_tui.plan.sources.base import Secret
from loom_tui.plan.steps import Capture, CommandStep, Expect, HttpStep, ManualStep, Step, TotpStep
from loom_tui.plan.toml import parse_plan
from loom_tui.plan.workflows import Workflow
from loom_tui.room.checks import CheckResult, decode_result
from loom_tui.room.signals import Reading, State
from loom_tui.sources.build import build
from loom_tui.sources.steps.totp import totp
from tests import coaching as platform
from tests import mailroom as post
from tests.coaching import Coaching, coaching
from tests.errands import errand_of
from tests.mailroom import mailroom
from tests.servers import Handler, answer, circle, hang, serving

PLAN = Path(__file__).parent / "plans" / "workflows.toml"
ENVIRON = {"QA_PASSWORD": platform.PASSWORD, "QA_MAILBOX": post.PASSWORD, "QA_TOTP": platform.TOTP_SECRET}
EIGHT = (
    "registration",
    "mfa",
    "coach-onboarding",
    "client-booking",
    "resource-library",
    "practice-journal",
    "admin-dashboard",
    "rbac",
)


def plan_of(app: Coaching, imap_port: int = 0, **edits: str) -> Plan:
    text = PLAN.read_text().replace("https://staging.loom.example", app.url)
    text = text.replace('host = "imap.loom.example"', f'host = "127.0.0.1", port = {imap_port}, tls = false')
    for old, new in edits.items():
        text = text.replace(old, new)
    return parse_plan(text)


async def run(plan: Plan, workflow: str) -> Reading:
    source = asked_of(plan)[f"workflow.{workflow}"]
    errand = errand_of(f"workflow.{workflow}", environ=ENVIRON, environment=source.environment, now=time.time())
    [reading] = await build(source, errand).ask()
    return reading


async def run_steps(url: str, *steps: Step, key: str = "", timeout_s: float = 20, **more: Any) -> Reading:
    """Run steps that may speak of {key}."""
    credentials = {"key": Secret(env="KEY")} if key else {}
    workflow = Workflow(
        name="x", url=url, steps=steps, credentials=credentials, timeout_s=timeout_s, allow_production_writes=True
    )
    [reading] = await build(workflow, errand_of("workflow.x", environ={**os.environ, "KEY": key}, **more)).ask()
    return reading


def result_of(reading: Reading) -> CheckResult:
    result = decode_result(reading.body)
    assert result is not None
    return result


@asynccontextmanager
async def world(workflow: str) -> AsyncIterator[tuple[Coaching, Plan]]:
    """Run the platform; mail too, where the workflow needs it."""
    if workflow == "registration":
        async with mailroom() as room:
            with coaching(room.smtp_port) as app:
                yield app, plan_of(app, room.imap_port)
    else:
        with coaching() as app:
            yield app, plan_of(app)


@pytest.mark.parametrize("workflow", EIGHT)
async def test_the_eight_workflows_are_well_on_a_platform_that_is(workflow):
    async with world(workflow) as (_, plan):
        reading = await run(plan, workflow)
    assert (reading.state, reading.detail) == (State.OK, "")
    steps = result_of(reading).steps
    [meant] = [each for each in plan.workflows if each.id == workflow]
    assert [step.name for step in steps] == [step.name for step in meant.steps]
    assert {step.state for step in steps} == {State.OK}
    assert reading.environment == "staging"


@pytest.mark.parametrize(
    ("workflow", "broken", "step", "detail"),
    [
        ("registration", "no mail", 3, "no mail at step 3: nothing to qa+"),
        ("mfa", "codes are refused", 3, "401 at step 3: wanted 200"),
        ("coach-onboarding", "approval is lost", 5, "0.status at step 5: is 'pending', wanted 'approved'"),
        ("client-booking", "double bookings", 3, "409 at step 3: wanted 201"),
        ("resource-library", "a resource is lost", 1, "resources at step 1: has 2, wanted 3"),
        ("practice-journal", "journals leak", 5, 'the answer at step 5: is \'[{"text":"A calm day,'),
        ("admin-dashboard", "no csrf", 2, "nothing to capture at step 2: csrf was to come from the answer"),
        ("rbac", "clients see users", 3, "roles at step 3: client got 200, wanted 403"),
    ],
)
async def test_each_workflow_fails_at_the_step_that_is_broken_and_says_how(workflow, broken, step, detail):
    async with world(workflow) as (app, plan):
        app.broken = broken
        reading = await run(plan, workflow)
    assert reading.state is State.BAD
    assert reading.detail.startswith(detail)
    states = [told.state for told in result_of(reading).steps]
    assert states == [State.OK] * (step - 1) + [State.BAD] + [State.UNKNOWN] * (len(states) - step)
    assert all(told.detail == "not run" for told in result_of(reading).steps[step:])


# What a workflow never does: write where it may not, wait for ever, or tell a secret.


@pytest.mark.parametrize(
    ("site", "more", "refused"),
    [
        ("production", "", True),
        ("production", "allow_production_writes = true", False),
        ("production", "writes = false", False),
        ("staging", "", False),
    ],
)
async def test_a_workflow_that_writes_is_refused_on_production_unless_the_plan_says_so(site, more, refused):
    with coaching() as app:
        text = f"""
            plan = {{ title = "x" }}
            sites = {{ production = {{ url = "{app.url}" }}, staging = {{ url = "{app.url}" }} }}
            [[workflows]]
            name = "Book"
            site = "{site}"
            {more}
            steps = [{{ kind = "http", name = "post", method = "POST", path = "/api/bookings", expect_status = 401 }}]
        """
        plan = parse_plan(text)
        reading = await run(plan, "book")
        assert (reading.state is State.UNKNOWN) == refused
        assert ("refused: it writes, and production is production" in reading.detail) == refused
        assert len(app.seen) == (0 if refused else 1)
        warned = [fault for fault in check_plan(plan) if "its runs are refused" in fault.what]
        assert bool(warned) == refused


async def test_no_secret_of_a_run_is_in_anything_that_it_tells():
    """The passwords are planted, the tokens are captured; a server that repeats them all gives none of them away."""
    with coaching() as app:
        for broken in ("", "echo"):
            app.broken = broken
            for workflow in ("mfa", "coach-onboarding", "client-booking", "rbac", "admin-dashboard"):
                reading = await run(plan_of(app), workflow)
                told = repr(reading) + reading.body.decode()
                for secret in (*ENVIRON.values(), *app.tokens, *app.challenges, app.csrf):
                    assert secret not in told
                    assert quote(secret, safe="") not in told
                assert "••••" in reading.body.decode()


async def test_a_secret_that_is_captured_late_is_masked_in_what_was_told_before():
    token = "tok-4711-planted"
    async with serving(answer(f'{{"id": "{token}", "error": "no"}}'.encode())) as server:
        steps = (
            HttpStep(name="one", path=f"/{token}"),
            HttpStep(name="two", capture={"id": Capture(path="id")}, expect=(Expect(path="error", exists=False),)),
        )
        reading = await run_steps(server.url, *steps)
    assert reading.detail == "error at step 2: is there"
    assert token not in reading.body.decode()
    assert "••••" in reading.body.decode()


async def test_each_step_and_the_whole_have_a_deadline():
    async with serving(hang) as server:
        step = HttpStep(name="hangs", timeout_s=0.1)
        reading = await run_steps(server.url, step, HttpStep(name="after"))
        assert (reading.state, reading.detail) == (State.UNKNOWN, "stopped at step 1: no answer within 0.1 s")
        assert [told.detail for told in result_of(reading).steps] == ["no answer within 0.1 s", "not run"]
        reading = await run_steps(server.url, HttpStep(name="hangs"), timeout_s=0.1)
        assert reading.detail == "stopped at step 1: the whole workflow took more than 0.09 s"


async def test_what_is_told_of_a_step_is_bounded_and_in_one_line():
    async with serving(answer(b"\x1b[31mboom\x07 [/red] " + "界".encode() * 100_000, status="500 Oops")) as server:
        reading = await run_steps(server.url, HttpStep(name="one"))
    [told] = result_of(reading).steps
    assert told.got.startswith("500 · 300,018 bytes ·  [31mboom  [/red] 界界")
    assert len(told.got) == 1000
    assert told.got.isprintable()
    assert reading.detail == "500 at step 1: wanted 200"


async def test_a_page_of_one_long_word_does_not_hold_the_collector_up():
    async with serving(answer(b"token" * 40_000, status="500 Oops")) as server:
        async with asyncio.timeout(10):
            reading = await run_steps(server.url, HttpStep(name="one"))
    assert reading.state is State.BAD


async def test_a_redirect_to_another_host_carries_no_credential_there():
    async with serving(answer(b"{}")) as other:
        leads = answer(b"", status="302 Found", headers=f"location: {other.url}/elsewhere\r\nset-cookie: sid=4711\r\n")
        async with serving(leads) as server:
            headers = {"x-api-key": "{key}", "authorization": "Bearer {key}", "accept": "text/html"}
            step = HttpStep(name="one", headers=headers, expect=(Expect(contains="{}"),))
            reading = await run_steps(server.url, step, key="planted")
    assert reading.state is State.OK
    assert "planted" in server.requests[0]
    assert "planted" not in other.requests[0]


async def test_a_form_is_not_sent_on_to_another_host():
    async with serving(answer(b"{}")) as other:
        leads = answer(b"", status="307 Temporary Redirect", headers=f"location: {other.url}/elsewhere\r\n")
        async with serving(leads) as server:
            step = HttpStep(name="one", method="POST", form={"password": "{key}"})
            reading = await run_steps(server.url, step, key="planted")
    assert reading.detail == "stopped at step 1: 127.0.0.1 sends a POST on to another host; it was not sent there"
    assert other.requests == []


async def test_a_step_may_look_at_a_redirect_instead_of_following_it():
    async with serving(circle) as server:
        stays = HttpStep(name="one", follow=False, expect_status=302)
        assert (await run_steps(server.url, stays)).state is State.OK
        reading = await run_steps(server.url, HttpStep(name="one"))
    assert (reading.state, reading.detail) == (State.BAD, "stopped at step 1: 127.0.0.1 redirects in a circle")


def leading(onward: str, there: Handler) -> Handler:
    """Redirect from /bookings to `onward`, and answer as `there` does everywhere else."""

    async def lead(head: str, writer: asyncio.StreamWriter) -> None:
        moves = answer(b"", status="302 Found", headers=f"location: {onward}\r\nset-cookie: sid=session-4711\r\n")
        await (moves if head.split()[1].partition("?")[0] == "/bookings" else there)(head, writer)

    return lead


async def test_a_login_page_in_the_place_of_what_a_step_asks_for_is_unknown_and_ends_the_run():
    login = answer(b"<h1>Sign in</h1>", headers="content-type: text/html\r\n")
    async with serving(leading("/login?next=token-4711#x", login)) as server:
        reading = await run_steps(server.url, HttpStep(name="one", path="/bookings"), HttpStep(name="two"))
        why = f"redirected to {server.url}/login, and the step expects nothing of what answers there"
    assert (reading.state, reading.detail) == (State.UNKNOWN, f"stopped at step 1: {why}")
    first, second = result_of(reading).steps
    assert (first.state, first.detail) == (State.UNKNOWN, why)
    assert first.sent == f"GET {server.url}/bookings"
    assert first.got == "200 · text/html · 16 bytes · <h1>Sign in</h1>"
    assert second.detail == "not run"
    assert len(server.requests) == 2
    assert "4711" not in reading.body.decode() + reading.detail


@pytest.mark.parametrize(
    ("more", "state", "detail"),
    [
        ({"expect": (Expect(contains="Welcome"),)}, State.OK, ""),
        ({"capture": {"sid": Capture(cookie="sid")}}, State.OK, ""),
        ({"follow": False, "expect_status": 302}, State.OK, ""),
        ({"expect": (Expect(contains="Bookings"),)}, State.BAD, "the answer at step 1: does not contain 'Bookings'"),
        ({"capture": {"id": Capture(regex="id=(.+)")}}, State.BAD, "nothing to capture at step 1: id was to come"),
        ({"expect_status": (200, 204)}, State.UNKNOWN, "stopped at step 1: redirected to"),
        ({"expect_status": 404}, State.BAD, "200 at step 1: wanted 404"),
    ],
)
async def test_where_a_redirect_leads_is_judged_by_what_the_step_expects_of_the_answer(more, state, detail):
    async with serving(leading("/home", answer(b"Welcome"))) as server:
        reading = await run_steps(server.url, HttpStep(name="one", path="/bookings", **more))
    assert reading.state is state
    assert reading.detail.startswith(detail)


async def test_another_last_slash_or_query_is_the_place_that_a_step_asked_for():
    async with serving(leading("/bookings/?lang=en", answer(b"[]"))) as server:
        reading = await run_steps(server.url, HttpStep(name="one", path="/bookings", query={"day": "1"}))
    assert (reading.state, reading.detail) == (State.OK, "")


async def test_a_wrong_status_behind_a_redirect_is_bad_of_the_steps_own_host_and_unknown_of_another():
    step = HttpStep(name="one", path="/bookings")
    async with serving(answer(b"Forbidden", status="403 Forbidden")) as other:
        async with serving(leading(f"{other.url}/sso", answer(b""))) as server:
            reading = await run_steps(server.url, step)
        why = f"redirected to {other.url}/sso, and the step expects nothing of what answers there"
        assert (reading.state, reading.detail) == (State.UNKNOWN, f"stopped at step 1: {why}")
    async with serving(leading("/error", answer(b"Oops", status="500 Oops"))) as server:
        reading = await run_steps(server.url, step)
    assert (reading.state, reading.detail) == (State.BAD, "500 at step 1: wanted 200")


async def test_progress_is_told_step_by_step():
    told: list[str] = []
    async with serving(answer(b"{}")) as server:
        await run_steps(server.url, HttpStep(name="one"), HttpStep(name="two"), progress=told.append)
    assert told == ["step 1 of 2", "step 2 of 2"]


async def test_a_manual_step_holds_no_other_up_and_is_not_done_by_a_machine():
    async with serving(answer(b"{}")) as server:
        reading = await run_steps(server.url, ManualStep(name="look"), HttpStep(name="two"))
        assert reading.state is State.OK
        assert [told.state for told in result_of(reading).steps] == [State.UNKNOWN, State.OK]
        reading = await run_steps(server.url, ManualStep(name="look"))
    assert (reading.state, reading.detail) == (State.UNKNOWN, "done by people, in the room")


# Commands.


async def test_a_command_is_judged_by_its_exit_and_its_output(tmp_path):
    code = "import os, sys; print('{\"n\": 3, \"key\": \"' + os.environ['KEY'] + '\"}'); sys.exit(int(sys.argv[1]))"
    command = (sys.executable, "-c", code)
    expect = (Expect(path="n", equals=3),)
    well = CommandStep(name="smoke", command=(*command, "0"), env={"KEY": "{key}"}, expect=expect)
    reading = await run_steps("http://127.0.0.1:1", well, key="planted", directory=tmp_path)
    assert reading.state is State.OK
    assert "planted" not in reading.body.decode()
    wrong = replace(well, expect=(Expect(path="n", equals=4),))
    assert (await run_steps("", wrong, key="planted", directory=tmp_path)).detail == "n at step 1: is 3, wanted 4"
    ill = replace(well, command=(*command, "7"))
    reading = await run_steps("", ill, key="planted", directory=tmp_path)
    assert reading.detail == "exit 7 at step 1: wanted exit 0"
    [told] = result_of(reading).steps
    assert told.got == 'exit 7 · {"n": 3, "key": "••••"}'


async def test_a_command_that_does_not_end_is_ended_and_unknown(tmp_path):
    step = CommandStep(name="sleeps", command=("sleep", "60"), timeout_s=0.2)
    reading = await run_steps("", step, directory=tmp_path)
    assert reading.state is State.UNKNOWN
    assert "`sleep` did not end within 0.2 s, and was ended" in reading.detail


async def test_a_command_that_is_not_there_is_unknown(tmp_path):
    reading = await run_steps("", CommandStep(name="x", command=("no-such-program",)), directory=tmp_path)
    assert reading.state is State.UNKNOWN
    assert "`no-such-program` cannot be started" in reading.detail


# One-time codes: the vectors of RFC 6238, appendix B.

SEEDS = {"sha1": b"1234567890" * 2, "sha256": b"1234567890" * 3 + b"12", "sha512": b"1234567890" * 6 + b"1234"}


@pytest.mark.parametrize(
    ("now", "sha1", "sha256", "sha512"),
    [
        (59, "94287082", "46119246", "90693936"),
        (1111111109, "07081804", "68084774", "25091201"),
        (1111111111, "14050471", "67062674", "99943326"),
        (1234567890, "89005924", "91819424", "93441116"),
        (2000000000, "69279037", "90698825", "38618901"),
        (20000000000, "65353130", "77737706", "47863826"),
    ],
)
def test_one_time_codes_are_those_of_the_rfc(now, sha1, sha256, sha512):
    for algorithm, code in (("sha1", sha1), ("sha256", sha256), ("sha512", sha512)):
        secret = b32encode(SEEDS[algorithm]).decode()
        assert totp(secret, now=now, digits=8, algorithm=algorithm) == code


@pytest.mark.parametrize("secret", ["jbsw y3dp-ehpk 3pxp", "JBSWY3DPEHPK3PXP", "JBSWY3DPEHPK3PXP===="])
def test_a_secret_is_read_as_people_copy_it(secret):
    assert totp(secret, now=0) == "282760"


async def test_a_secret_that_is_none_is_a_sentence_without_it():
    reading = await run_steps("", TotpStep(name="code", secret="{key}"), key="not base32!")
    assert (reading.state, reading.detail) == (State.BAD, "no code at step 1: the secret is no base32")
    assert "not base32" not in reading.body.decode().replace("no base32", "")
