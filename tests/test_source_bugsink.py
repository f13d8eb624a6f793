"""Asking a real Bugsink that a real sentry-sdk has sent to, and the round trip through both."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import msgspec
import pytest
import sentry_sdk

from loom_tui.plan.sources.base import Secret
from loom_tui.plan.sources.bugsink import BugsinkSource
from loom_tui.plan.sources.errors import ErrorFeed
from loom_tui.room.checks import decode_result
from loom_tui.room.errors import ErrorEvent, ErrorIssue, Listing
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import Asker, SourceAnswered, SourceLimited, SourceRefused
from loom_tui.sources.build import build
from tests.bugsink import Bugsink, running_bugsink
from tests.errands import errand_of
from tests.servers import answer, serving

pytestmark = pytest.mark.xdist_group("bugsink")
ARRIVES_S = 60.0
T = TypeVar("T")
TOKEN, DSN = Secret(env="TOKEN"), Secret(env="DSN")


@pytest.fixture(scope="module")
def server() -> Iterator[Bugsink]:
    with running_bugsink() as running:
        yield running


def feed(server: Bugsink, **more: Any) -> BugsinkSource:
    told: dict[str, Any] = {"project": server.project, "token": TOKEN, "dsn": DSN, "timeout_s": 30, **more}
    return BugsinkSource(url=server.url, label="Bugsink", **told)


def asker_of(server: Bugsink, source: Any = None, **more: Any) -> Asker:
    environ = {"TOKEN": server.token, "DSN": server.dsn, **more.pop("environ", {})}
    return build(source or feed(server), errand_of("errors", environ=environ, **more))


async def asked(asker: Asker) -> dict[str, Reading]:
    try:
        return {reading.signal: reading for reading in await asker.ask()}
    finally:
        await asker.close()


def listing_of(readings: dict[str, Reading]) -> Listing:
    return msgspec.json.decode(readings["errors.issues"].body, type=Listing)


async def until(asking: Callable[[], Awaitable[T]], holds: Callable[[T], bool]) -> T:
    """Ask until it holds: a tracker takes an event in after it has taken it."""
    async with asyncio.timeout(ARRIVES_S):
        while not holds(found := await asking()):
            await asyncio.sleep(0.1)
    return found


def send(server: Bugsink, words: str, *, release: str = "v1.7.0", environment: str = "production", **more: Any) -> None:
    """Crash as an app does, through a sentry-sdk of its own."""
    client = sentry_sdk.Client(dsn=server.dsn, release=release, environment=environment, default_integrations=False)
    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(client)
        scope.set_level(more.get("level", "error"))
        scope.set_tag("tenant", "acme")
        scope.add_breadcrumb(category="auth", message="signed in as ana@example.org", level="info")
        try:
            book(words)
        except RuntimeError as error:
            scope.capture_exception(error)
    client.flush(timeout=ARRIVES_S)
    client.close()


def book(words: str) -> None:
    password = "hunter2-planted"
    raise RuntimeError(f"{words}: {len(password)}")


async def found(server: Bugsink, words: str, **more: Any) -> tuple[ErrorIssue, dict[str, Reading]]:
    async def look() -> tuple[ErrorIssue | None, dict[str, Reading]]:
        readings = await asked(asker_of(server, **more))
        return next((issue for issue in listing_of(readings).issues if words in issue.title), None), readings

    issue, readings = await until(look, lambda pair: pair[0] is not None)
    assert issue is not None
    return issue, readings


async def test_an_app_s_crash_is_listed_with_its_level_its_release_and_its_trace(server):
    send(server, "seat is taken")
    issue, readings = await found(server, "seat is taken", changes=lambda: {"deploy": 4e9})
    assert issue.title == "RuntimeError: seat is taken: 15"
    assert (issue.level, issue.handled, issue.count) == ("error", True, 1)
    assert (issue.release, issue.environment, issue.substatus) == ("v1.7.0", "production", "ongoing")
    assert issue.per_hour[-1] == 1
    assert issue.users is None
    assert readings["errors"].state is State.OK
    assert readings["errors.alerts"].detail == "mail on new errors and regressions"
    asker = asker_of(server)
    event = msgspec.json.decode(await asker.reply("event", issue.id), type=ErrorEvent)
    await asker.close()
    assert event.title == issue.title
    assert [thrown.type for thrown in event.thrown] == ["RuntimeError"]
    assert event.thrown[0].frames[0].function == "book"
    assert event.thrown[0].frames[0].source.startswith("raise RuntimeError")
    assert dict(event.tags)["tenant"] == "acme"
    assert [crumb.message for crumb in event.crumbs] == ["signed in as ••••@••••"]
    assert "hunter2-planted" not in repr(event.thrown[0].value)
    assert "ana@example.org" not in repr(event)


async def test_what_was_first_seen_since_the_deploy_is_new(server):
    send(server, "first seen now")
    issue, readings = await found(server, "first seen now", changes=lambda: {"deploy": 0.5})
    assert issue.substatus == "new"
    assert (readings["errors.new"].value or 0) >= 1


async def test_another_environment_s_errors_are_not_told_here(server):
    send(server, "only in staging", environment="staging")
    issue, _ = await found(server, "only in staging", environment="staging")
    assert issue.environment == "staging"
    production = listing_of(await asked(asker_of(server)))
    assert not [issue for issue in production.issues if "only in staging" in issue.title]


async def test_a_fatal_error_is_critical(server):
    send(server, "out of seats", level="fatal")
    _, readings = await found(server, "out of seats")
    critical = await until(
        lambda: asked(asker_of(server)), lambda readings: readings["errors.critical"].state is State.OK
    )
    assert (critical["errors.critical"].value or 0) >= 1
    assert readings["errors.regressed"].value == 0


async def test_an_error_that_comes_back_after_it_was_fixed_has_regressed(server):
    send(server, "came back", release="v1.6.3")
    issue, _ = await found(server, "came back")
    server.ask(f"issues/{issue.id}/resolve-latest/", {}, method="POST")
    send(server, "came back", release="v1.8.0")

    async def look() -> ErrorIssue | None:
        issues = listing_of(await asked(asker_of(server))).issues
        return next((each for each in issues if each.id == issue.id), None)

    again = await until(look, lambda each: each is not None and each.count == 2)
    assert again is not None
    assert again.substatus == "regressed"


async def test_the_rate_is_what_was_counted_between_two_askings(server):
    now = [1_760_000_000.0]
    errand = msgspec.structs.replace(
        errand_of("errors", environ={"TOKEN": server.token, "DSN": server.dsn}), clock=lambda: now[0]
    )
    asker = build(feed(server), errand)
    first = {reading.signal: reading for reading in await asker.ask()}["errors.errors_per_minute"]
    assert (first.state, first.detail) == (State.UNKNOWN, "the first count; a rate needs two")
    before = server.ask(f"projects/{server.project}/")["digested_event_count"]
    for _ in range(3):
        send(server, "again and again")

    async def count() -> int:
        return int(server.ask(f"projects/{server.project}/")["digested_event_count"])

    await until(count, lambda counted: counted == before + 3)
    now[0] += 30
    rate = {reading.signal: reading for reading in await asker.ask()}["errors.errors_per_minute"]
    await asker.close()
    assert (rate.state, rate.value) == (State.OK, 6.0)


async def test_bugsink_says_that_it_counts_no_sessions(server):
    readings = await asked(asker_of(server))
    assert readings["errors.crash_free_sessions"].detail == "Bugsink counts no sessions"
    assert readings["errors.crash_free_sessions"].state is State.UNKNOWN


async def test_a_wrong_token_and_a_project_that_is_none_are_told(server):
    with pytest.raises(SourceRefused, match="needs a token with read access"):
        await asked(asker_of(server, environ={"TOKEN": "0" * 40}))
    with pytest.raises(SourceAnswered, match=r"404"):
        await asked(asker_of(server, feed(server, project="4711")))
    asker = asker_of(server)
    with pytest.raises(SourceAnswered):
        await asker.reply("event", "00000000-0000-4000-8000-000000000000")
    await asker.close()


def trip(source: ErrorFeed, **more: Any) -> Any:
    return dict(msgspec.structs.replace(source, **more).parts())["roundtrip"]


async def test_a_test_event_makes_the_round_trip_and_its_delay_is_told(server):
    readings = await asked(asker_of(server, trip(feed(server), roundtrip_timeout_s=ARRIVES_S)))
    check = readings["errors"]
    assert check.state is State.OK
    delay_s = readings["errors.delay_s"].value
    assert delay_s is not None
    assert 0 < delay_s < ARRIVES_S
    assert check.detail == f"arrived after {delay_s:.1f} s"
    result = decode_result(check.body)
    assert result is not None
    assert [(step.name, step.state) for step in result.steps] == [("send", State.OK), ("arrive", State.OK)]
    key = server.dsn.split("//")[1].split("@")[0]
    assert key not in repr(readings)
    assert server.token not in repr(readings)


async def test_a_round_trip_s_own_event_is_no_error_of_the_product(server):
    before = await asked(asker_of(server, trip(feed(server), roundtrip_timeout_s=ARRIVES_S)))
    assert before["errors"].state is State.OK
    listing = listing_of(await asked(asker_of(server)))
    assert not [issue for issue in listing.issues if "round trip" in issue.title]


async def test_a_dsn_that_the_server_does_not_know_is_bad_and_not_unknown(server):
    strange = server.dsn.replace(server.dsn.split("//")[1].split("@")[0], "0" * 32)
    readings = await asked(asker_of(server, trip(feed(server), roundtrip_timeout_s=5), environ={"DSN": strange}))
    check = readings["errors"]
    assert check.state is State.BAD
    assert "refused the event (403)" in check.detail
    assert "0" * 32 not in repr(check)


async def test_an_event_that_never_arrives_is_bad_after_the_deadline(server):
    async with serving(answer(b"{}")) as taking:
        dsn = taking.url.replace("http://", f"http://{'1' * 32}@") + "/1"
        readings = await asked(asker_of(server, trip(feed(server), roundtrip_timeout_s=1), environ={"DSN": dsn}))
    check = readings["errors"]
    assert check.state is State.BAD
    assert check.detail.endswith("took the event, but it did not arrive within 0.9 s")


async def test_a_limit_that_only_an_error_s_event_meets_is_kept():
    issue = {"id": "a1", "first_seen": "2025-11-06T10:00:00Z", "last_seen": "2025-11-06T10:00:00Z"}
    listed = msgspec.json.encode({"results": [{**issue, "digested_event_count": 1}], "next": None})

    async def partly(head: str, writer: asyncio.StreamWriter) -> None:
        path = head.split()[1]
        if "/projects/" in path:
            await answer(b'{"digested_event_count": 1}')(head, writer)
        elif "/issues/" in path:
            await answer(listed)(head, writer)
        else:
            await answer(b"{}", status="429 Slow down", headers="retry-after: 600\r\n")(head, writer)

    async with serving(partly) as stand_in:
        source = BugsinkSource(url=stand_in.url, project="1", label="Bugsink", timeout_s=5)
        asker = build(source, errand_of("errors"))
        readings = {reading.signal: reading for reading in await asker.ask()}
        assert 590 < asker.rest_s() <= 600
        with pytest.raises(SourceLimited):
            await asker.ask()
        await asker.close()
    assert readings["errors.critical"].state is State.UNKNOWN
