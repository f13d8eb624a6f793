"""The demo's loopback services speak the shapes that the real ones do."""

from __future__ import annotations

import asyncio
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
import pytest

from loom_tui.demo.call import CallFailed, call
from loom_tui.demo.errors import FAULTS, HOUR_S, count_between, first_seen, last_seen
from loom_tui.demo.mailbox import Letter, Mailbox
from loom_tui.demo.product import LAST_STABLE, MAX_ERRORS, RELEASE, SHIP_S, Chat, Product, app, platform
from loom_tui.demo.services import Request, serve
from loom_tui.demo.staging import Staging
from loom_tui.demo.tracker import sentry
from loom_tui.plan.sources.base import Secret
from loom_tui.plan.sources.sentry import SentrySource
from loom_tui.room.errors import ErrorEvent, Listing
from loom_tui.room.signals import Reading, State
from loom_tui.sources.build import build
from tests.errands import errand_of

BORN = 1_762_430_400.0  # 2025-11-06 12:00 UTC, the start of an hour
NOW = BORN + 1800.0
TOKEN = "a-demo-token"
ISSUES = "/api/0/organizations/loom/issues/"


def asked(path: str, *, bearer: str = TOKEN, now: float = NOW, **query: str) -> Any:
    request = Request(base="http://sentry.test", path=path, query=query, bearer=bearer)
    return sentry(token=TOKEN, born=BORN)(request, now)


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with serve(sentry(token=TOKEN, born=time.time() - 1800)) as address:
        yield address


@pytest.fixture(scope="module")
def app_base() -> Iterator[str]:
    with serve(app(Product(born=time.time()))) as address:
        yield address


def get(url: str, **headers: str) -> tuple[int, Any, Any]:
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return response.status, json.load(response), response.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error), error.headers


def test_issues_come_over_http_as_sentry_lists_them(base: str) -> None:
    status, issues, headers = get(f"{base}{ISSUES}", Authorization=f"Bearer {TOKEN}")
    assert status == 200
    assert len(issues) == len(FAULTS)
    for issue in issues:
        assert isinstance(issue["count"], str)
        assert int(issue["count"]) > 0
        assert isinstance(issue["userCount"], int)
        assert issue["level"] in {"fatal", "error", "warning", "info", "debug"}
        assert issue["substatus"] in {"new", "regressed", "escalating", "ongoing"}
        assert datetime.fromisoformat(issue["firstSeen"]) <= datetime.fromisoformat(issue["lastSeen"])
        assert len(issue["stats"]["24h"]) == 24
    assert headers["X-Sentry-Rate-Limit-Remaining"].isdigit()


def test_a_wrong_token_is_refused_with_a_detail(base: str) -> None:
    for headers in ({}, {"Authorization": "Bearer no"}, {"Authorization": f"Basic {TOKEN}"}):
        status, body, _ = get(f"{base}{ISSUES}", **headers)
        assert status == 401
        assert body["detail"]


def test_an_unknown_path_or_organization_is_not_found(base: str) -> None:
    for path in ("/", "/api/0/organizations/loom/nothing/", "/api/0/organizations/other/issues/"):
        status, body, _ = get(f"{base}{path}", Authorization=f"Bearer {TOKEN}")
        assert status == 404
        assert body["detail"]


def test_pages_are_linked_and_results_says_whether_there_is_more(base: str) -> None:
    url, seen = f"{base}{ISSUES}?limit=3&sort=freq", []
    for _ in range(10):
        _, issues, headers = get(url, Authorization=f"Bearer {TOKEN}")
        seen += [issue["id"] for issue in issues]
        links = {
            rel: (address, results)
            for address, rel, results in re.findall(r'<([^>]+)>; rel="(\w+)"; results="(\w+)"', headers["Link"])
        }
        assert links.keys() == {"previous", "next"}
        url, more = links["next"]
        if more == "false":
            break
    assert sorted(seen) == sorted(fault.id for fault in FAULTS)


def test_a_bad_cursor_or_sort_is_a_bad_request() -> None:
    assert asked(ISSUES, cursor="x").status == 400
    assert asked(ISSUES, limit="many").status == 400
    assert asked(ISSUES, sort="sideways").status == 400


def test_issues_are_filtered_by_level_and_environment() -> None:
    warnings = asked(ISSUES, query="is:unresolved level:warning").body
    assert {issue["level"] for issue in warnings} == {"warning"}
    assert asked(ISSUES, environment="staging").body == []


def test_series_need_field_and_group_and_add_up_to_their_totals() -> None:
    path = "/api/0/organizations/loom/stats_v2/"
    assert asked(path, groupBy="outcome").status == 400
    assert asked(path, field="sum(quantity)").status == 400
    assert asked(path, field="sum(nonsense)", groupBy="outcome").status == 400
    body = asked(path, field="sum(quantity)", groupBy="outcome", statsPeriod="1h", interval="1m").body
    (group,) = body["groups"]
    series = group["series"]["sum(quantity)"]
    assert len(series) == len(body["intervals"]) == 60
    assert sum(series) == group["totals"]["sum(quantity)"] > 0


def test_the_latest_event_names_the_release_and_an_in_app_frame() -> None:
    fault = FAULTS[0]
    event = asked(f"{ISSUES}{fault.id}/events/latest/").body
    assert event["groupID"] == fault.id
    assert {"key": "release", "value": fault.release} in event["tags"]
    entry = event["entries"][0]
    frames = entry["data"]["values"][0]["stacktrace"]["frames"]
    assert any(frame["inApp"] for frame in frames)
    assert asked(f"{ISSUES}999/events/latest/").status == 404


def test_counts_only_grow_and_agree_with_the_last_sighting() -> None:
    for fault in FAULTS:
        first, before = first_seen(fault, BORN), 0
        for now in range(int(NOW), int(NOW) + 3600, 300):
            count = count_between(fault, first, now, born=BORN)
            assert count >= before
            seen = last_seen(fault, now, born=BORN)
            assert (count > 0) == (seen is not None)
            if seen is not None:
                assert first <= seen < now
                assert count_between(fault, seen, now, born=BORN) == 1
            before = count


def test_hours_counted_at_once_are_the_sum_of_their_minutes() -> None:
    fault, start = FAULTS[1], BORN - 5 * HOUR_S
    whole = count_between(fault, start, BORN, born=BORN)
    odd = [start + 60 * n * 7.3 for n in range(41)]
    parts = [count_between(fault, a, b, born=BORN) for a, b in zip(odd, [*odd[1:], BORN], strict=True)]
    assert whole == sum(parts) > 0


def test_a_new_error_appears_while_one_looks() -> None:
    at_birth = {issue["id"] for issue in asked(ISSUES, now=BORN + 1).body}
    later = {issue["id"] for issue in asked(ISSUES, now=BORN + 1200).body}
    assert at_birth < later


def test_health_nests_a_check_for_each_part_and_tells_the_version(app_base: str) -> None:
    status, body, _ = get(f"{app_base}/api/health")
    assert status == 200
    assert body["version"] == "v1.6.3"
    assert {name: check["status"] for name, check in body["checks"].items()} == {
        "auth": "ok",
        "realtime": "ok",
        "storage": "ok",
        "errors": "ok",
    }
    assert get(f"{app_base}/api/version")[1]["version"] == "v1.6.3"
    assert get(f"{app_base}/elsewhere")[0] == 404


def test_one_connection_serves_several_requests(app_base: str) -> None:
    import http.client

    connection = http.client.HTTPConnection(app_base.removeprefix("http://"), timeout=5)
    for _ in range(3):
        connection.request("GET", "/api/version")
        assert json.loads(connection.getresponse().read())["version"] == "v1.6.3"
    connection.close()


def test_the_demo_s_tracker_is_understood_whole_by_the_one_who_asks_trackers(base: str) -> None:
    source = SentrySource(url=base, org="loom", project="loom-web", token=Secret(env="TOKEN"), environment="production")
    errand = errand_of("sentry", environ={"TOKEN": TOKEN}, last_stable="v1.6.3", now=time.time())

    async def ask() -> tuple[list[Reading], ErrorEvent]:
        asker = build(source, errand)
        try:
            readings = list(await asker.ask())
            issues = next(reading for reading in readings if reading.signal == "sentry.issues")
            first = msgspec.json.decode(issues.body, type=Listing).issues[0]
            return readings, msgspec.json.decode(await asker.reply("event", first.id), type=ErrorEvent)
        finally:
            await asker.close()

    readings, event = asyncio.run(ask())
    assert [(reading.signal, reading.detail) for reading in readings if reading.state is not State.OK] == []
    assert event.thrown[0].frames[0].in_app
    assert event.crumbs[1].message == "GET /api/session?access_token=•••• 401"
    assert "sid=4711" not in repr(event)


@pytest.fixture
def shop() -> Product:
    return Product(born=BORN)


def on(service: Any, path: str, now: float, body: object = None) -> Any:
    method = "GET" if body is None else "POST"
    sent = Request(base="", path=path, method=method, bearer=TOKEN, body=msgspec.json.encode(body))
    return service(sent, now)


def test_a_deployment_serves_once_it_is_ready_and_not_before(shop: Product) -> None:
    api, health = platform(shop, token=TOKEN), app(shop)
    asked_for = on(api, "/v1/deployments", NOW, {"version": RELEASE})
    assert (asked_for.status, asked_for.body["state"]) == (201, "building")
    path = f"/v1/deployments/{asked_for.body['id']}"
    for later, state, version in ((0.0, "building", LAST_STABLE), (SHIP_S, "ready", RELEASE)):
        assert on(api, path, NOW + later).body["state"] == state
        assert on(health, "/api/version", NOW + later).body["version"] == version


def test_a_deployment_that_is_overtaken_never_serves(shop: Product) -> None:
    api = platform(shop, token=TOKEN)
    first = on(api, "/v1/deployments", NOW, {"version": RELEASE}).body["id"]
    on(api, "/v1/deployments", NOW + 1, {"version": LAST_STABLE})
    assert on(api, f"/v1/deployments/{first}", NOW + 60).body["state"] == "canceled"
    assert {shop.serving(NOW + later).version for later in range(60)} == {LAST_STABLE}


def test_the_platform_refuses_strangers_unknown_builds_and_what_it_cannot_read(shop: Product) -> None:
    api = platform(shop, token=TOKEN)
    assert api(Request(base="", path="/v1/deployments", method="POST"), NOW).status == 401
    assert on(api, "/v1/deployments", NOW, {"version": "v9"}).status == 404
    assert on(api, "/v1/deployments", NOW, {"version": 7}).status == 400
    assert on(api, "/switches/errors", NOW, {"on": "yes"}).status == 400
    for path in ("/", "/v1/deployments/dpl_9", "/switches/nothing"):
        assert on(api, path, NOW, {"on": True}).status == 404
    assert shop.serving(NOW + 60).version == LAST_STABLE


def test_the_bug_of_a_release_is_heard_of_while_that_release_serves_and_never_else(shop: Product) -> None:
    tracker, health = sentry(token=TOKEN, born=BORN, outbreak=shop.outbreak), app(shop)

    def fatal(now: float) -> list[tuple[str, int]]:
        asked_for = Request(base="", path=ISSUES, query={"query": "is:unresolved level:fatal"}, bearer=TOKEN)
        return [(issue["level"], int(issue["count"])) for issue in tracker(asked_for, now).body]

    def errors(now: float) -> str:
        word: str = on(health, "/api/health", now).body["checks"]["errors"]["status"]
        return word

    shop.switch("errors", is_on=True, now=NOW)
    assert (fatal(NOW + 60), errors(NOW + 60)) == ([], "ok")
    shop.deploy(RELEASE, now=NOW + 60)
    bad_from, back_at = NOW + 60 + SHIP_S, NOW + 120
    assert errors(bad_from + 10) == "failing"
    shop.deploy(LAST_STABLE, now=back_at - SHIP_S)
    ((level, count),) = fatal(back_at)
    assert level == "fatal"
    assert count > MAX_ERRORS * (back_at - bad_from) / SHIP_S
    assert (fatal(back_at + 3600), errors(back_at + 10)) == ([(level, count)], "ok")
    shop.deploy(RELEASE, now=back_at)
    shop.switch("errors", is_on=False, now=back_at)
    assert errors(back_at + 60) == "ok"


def test_the_channel_keeps_what_is_told_and_refuses_what_it_cannot_read() -> None:
    channel = Chat()
    assert on(channel.answer, "/hooks/launch", NOW, {"text": "hello"}).body == "ok"
    assert on(channel.answer, "/hooks/launch", NOW, {"words": 7}).status == 400
    assert on(channel.answer, "/hooks/other", NOW, {"text": "hello"}).status == 404
    assert on(channel.answer, "/messages", NOW).body == ("12:30:00 hello",)


def test_a_call_of_the_demo_s_own_tells_in_a_sentence_what_went_wrong(base: str) -> None:
    assert call(f"{base}/api/0/projects/loom/loom-web/", token=TOKEN)["id"] == "2"
    with pytest.raises(CallFailed, match="answered 401"):
        call(f"{base}/api/0/projects/loom/loom-web/", token="no")
    with pytest.raises(CallFailed, match="cannot be reached"):
        call("http://127.0.0.1:1/", token=TOKEN)


def test_the_mail_catcher_lists_the_newest_letters_first_and_shows_one() -> None:
    box = Mailbox()
    for number in range(3):
        box.take(Letter(to="a@loom.example", subject=f"Letter {number}", html=f"<p>{number}</p>"))
    listed = box.answer(Request(base="", path="/api/v1/messages", query={"limit": "2"}), NOW).body["messages"]
    assert [letter["Subject"] for letter in listed] == ["Letter 2", "Letter 1"]
    assert on(box.answer, f"/api/v1/message/{listed[0]['ID']}", NOW).body["HTML"] == "<p>2</p>"
    for path in ("/api/v1/message/9", "/api/v1/message/x", "/"):
        assert on(box.answer, path, NOW).status == 404


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"7", b'{"email": []}', b"\xff"])
def test_staging_answers_what_it_cannot_read_and_lives_on(body: bytes) -> None:
    staging = Staging(password=TOKEN, totp_secret="GEZDGNBV", deliver=Mailbox().take)
    sent = Request(base="", path="/api/sign-in", method="POST", body=body)
    assert staging.answer(sent, NOW).status in (400, 401)
    assert on(staging.answer, "/api/slots", NOW).status == 200
