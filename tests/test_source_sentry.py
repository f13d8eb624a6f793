"""Asking Sentry: what its API says, what a compatible server leaves out, and how each failure is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from math import ceil
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from loom_tui.plan.sources.base import Secret
from loom_tui.plan.sources.sentry import SentrySource
from loom_tui.room.errors import ErrorEvent, ErrorIssue, Listing, ReleaseHealth
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import Asker, SourceAnswered, SourceLimited, SourceRefused, SourceTimeout
from loom_tui.sources.build import build
from loom_tui.sources.sentry import MAX_PAGES, next_cursor
from tests.errands import errand_of
from tests.servers import Handler, Server, answer, drip, hang, serving

TOKEN = "sntrys_planted-secret-4711"
NOW = 1_760_000_000.0
ISSUES: list[dict[str, Any]] = [
    {
        "id": "7",
        "shortId": "LOOM-7",
        "title": "TypeError: session of ana@example.org is null [/",
        "culprit": "app/booking",
        "level": "error",
        "substatus": "new",
        "isUnhandled": True,
        "count": "41",
        "userCount": 12,
        "firstSeen": "2025-10-09T08:53:20Z",
        "lastSeen": "2025-10-09T08:53:50Z",
        "permalink": "https://sentry.example/7",
        "stats": {"24h": [[1, 2], [2, None]]},
    },
    {"id": "8", "title": None, "level": None, "count": None, "substatus": "regressed"},
]
MINUTES = {"timeSeries": [{"yAxis": "count()", "values": [{"timestamp": n, "value": n} for n in (3, 0, 5, 1)]}]}
STATS = {"groups": [{"series": {"sum(quantity)": [3, None, 5, 1]}}], "intervals": []}
HEALTH = {
    "groups": [
        {
            "by": {"release": "v1.7.0"},
            "totals": {
                "sum(session)": 1840,
                "count_unique(user)": 412,
                "crash_free_rate(session)": 0.9913,
                "crash_free_rate(user)": 0.983,
            },
        },
        {"by": {"release": "v1.6.3"}, "totals": {"sum(session)": 90_410, "crash_free_rate(session)": None}},
    ]
}
WORKFLOWS = [
    {"name": "tell", "enabled": True, "environment": None, "actionFilters": [{"actions": [{"type": "email"}]}]},
    {"name": "off", "enabled": False, "environment": None, "actionFilters": [{"actions": [{"type": "email"}]}]},
    {"name": "mute", "enabled": True, "environment": None, "actionFilters": []},
    {"name": "other", "enabled": True, "environment": "staging", "actionFilters": [{"actions": [{"type": "email"}]}]},
]
WELL: Mapping[str, Any] = {
    "projects/loom/web/": {"id": "42", "slug": "web"},
    "issues/": ISSUES,
    "events-timeseries/": MINUTES,
    "sessions/": HEALTH,
    "workflows/": WORKFLOWS,
}

Route = Callable[[str, Any], Awaitable[None]]


def speaking(routes: Mapping[str, Any]) -> Handler:
    """Answer each path with its JSON, or as its handler does; what is not among them is a 404."""

    async def handle(head: str, writer: Any) -> None:
        path = urlsplit(head.split(" ", 2)[1]).path
        word = path.removeprefix("/api/0/").removeprefix("organizations/loom/")
        told = routes.get(word)
        if told is None:
            await answer(b"<!doctype html>Not found", status="404 Not Found")(head, writer)
        elif callable(told):
            await told(head, writer)
        else:
            await answer(msgspec.json.encode(told))(head, writer)

    return handle


def sentry(url: str, **more: Any) -> SentrySource:
    told: dict[str, Any] = {"org": "loom", "project": "web", "token": Secret(env="TOKEN"), "timeout_s": 0.5, **more}
    return SentrySource(url=url, label="Sentry", **told)


def asker_of(server: Server, **more: Any) -> Asker:
    errand = errand_of("app", environ={"TOKEN": TOKEN}, now=NOW, last_stable="v1.6.3", **more)
    return build(sentry(server.url), errand)


async def ask(server: Server, **more: Any) -> dict[str, Reading]:
    asker = asker_of(server, **more)
    try:
        readings = await asker.ask()
    finally:
        await asker.close()
    assert all((r.environment, r.release) == ("production", "v1.7.0") for r in readings)
    assert all(TOKEN not in str(r) for r in readings)
    return {reading.signal: reading for reading in readings}


def query_of(head: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(head.split(" ", 2)[1]).query)


def asked_for(server: Server, word: str) -> list[dict[str, list[str]]]:
    return [query_of(head) for head in server.requests if urlsplit(head.split(" ", 2)[1]).path.endswith(word)]


async def test_errors_are_read_with_their_counts_and_without_addresses():
    async with serving(speaking(WELL)) as server:
        readings = await ask(server)
    listing = msgspec.json.decode(readings["app.issues"].body, type=Listing)
    assert listing.complete
    assert [(issue.short_id, issue.count, issue.users) for issue in listing.issues] == [
        ("LOOM-7", 41, 12),
        ("8", 0, None),
    ]
    assert listing.issues[0].title == "TypeError: session of ••••@•••• is null [/"
    assert listing.issues[0].first_seen == NOW
    assert listing.issues[0].per_hour == (2, None)
    assert listing.issues[0].handled is False
    counts = [readings[f"app.{word}"].value for word in ("new", "regressed", "escalating", "critical")]
    assert counts == [1.0, 1.0, 0.0, 1.0]
    assert all(f"Bearer {TOKEN}" in head for head in server.requests)
    assert asked_for(server, "/organizations/loom/issues/")[0] == {
        "project": ["42"],
        "environment": ["production"],
        "query": ["is:unresolved"],
        "statsPeriod": ["24h"],
        "groupStatsPeriod": ["24h"],
        "sort": ["date"],
        "limit": ["100"],
    }


async def test_errors_are_looked_for_since_the_deploy():
    async with serving(speaking(WELL)) as server:
        await ask(server, changes=lambda: {"deploy": NOW - 50.5 * 3600})
    assert asked_for(server, "/organizations/loom/issues/")[0]["statsPeriod"] == [f"{ceil(50.5) + 1}h"]


async def test_the_first_asking_tells_the_hour_before_it_and_the_next_the_last_minute():
    async with serving(speaking(WELL)) as server:
        asker = asker_of(server)
        first, second = list(await asker.ask()), list(await asker.ask())
        await asker.close()
    rates = [(r.observed_at, r.value) for r in first if r.signal == "app.errors_per_minute"]
    assert rates == [(NOW - 120, 3.0), (NOW - 60, 0.0), (NOW, 5.0)]  # the running minute is not whole yet
    assert [r.value for r in second if r.signal == "app.errors_per_minute"] == [5.0]
    assert asked_for(server, "events-timeseries/")[0]["environment"] == ["production"]


async def test_an_older_server_counts_all_environments_together_and_it_is_said():
    async with serving(speaking({**WELL, "events-timeseries/": None, "stats_v2/": STATS})) as server:
        readings = await ask(server)
    rate = readings["app.errors_per_minute"]
    assert (rate.value, rate.detail) == (5.0, "all environments together")


async def test_the_health_of_this_release_stands_beside_the_last_stable_one():
    async with serving(speaking(WELL)) as server:
        readings = await ask(server)
    health = msgspec.json.decode(readings["app.health"].body, type=list[ReleaseHealth])
    assert [(h.release, h.sessions, h.users, h.crash_free_sessions) for h in health] == [
        ("v1.7.0", 1840, 412, 99.13),
        ("v1.6.3", 90_410, 0, None),
    ]
    assert readings["app.crash_free_sessions"].value == 99.13
    assert readings["app.crash_free_users"].value == 98.3
    asked = asked_for(server, "sessions/")[0]
    assert asked["query"] == ['release:["v1.7.0","v1.6.3"]']
    assert "crash_free_rate(user)" in asked["field"]


async def test_a_release_without_sessions_is_unknown_and_not_crash_free():
    async with serving(speaking({**WELL, "sessions/": {"groups": []}})) as server:
        readings = await ask(server)
    crash_free = readings["app.crash_free_sessions"]
    assert (crash_free.state, crash_free.value) == (State.UNKNOWN, None)
    assert crash_free.detail == "no sessions of v1.7.0 counted"


async def test_an_alert_counts_where_it_is_enabled_holds_here_and_tells_somebody():
    async with serving(speaking(WELL)) as server:
        assert (await ask(server))["app.alerts"].detail == "1 enabled"
    async with serving(speaking({**WELL, "workflows/": WORKFLOWS[1:]})) as server:
        alerts = (await ask(server))["app.alerts"]
    assert (alerts.state, alerts.detail) == (State.BAD, "no enabled alert rule tells anybody of an error")


async def test_an_older_server_keeps_its_alerts_under_the_project():
    rules = [{"status": "active", "actions": [{"id": "mail"}]}, {"status": "disabled", "actions": [{"id": "mail"}]}]
    async with serving(speaking({**WELL, "workflows/": None, "projects/loom/web/rules/": rules})) as server:
        assert (await ask(server))["app.alerts"].detail == "1 enabled"


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (answer(b"<!doctype html>", status="404 Not Found"), "does not support this (404)"),
        (answer(b"<h1>Server Error (500)</h1>", status="500 Oops"), "answered 500"),
        (answer(b"<!doctype html>"), "a page of HTML"),
        (answer(b"[[[["), "another form"),
        (answer(b"{}", status="403 Forbidden"), "keeps this from the token (403)"),
        (hang, "did not answer within 0.45 s"),
    ],
)
async def test_what_a_server_does_not_support_says_so_and_leaves_the_rest_alive(told, why):
    parts = ("events-timeseries/", "stats_v2/", "sessions/", "workflows/", "projects/loom/web/rules/")
    async with serving(speaking({**WELL, **dict.fromkeys(parts, told)})) as server:
        readings = await ask(server)
    assert readings["app"].state is State.OK
    assert readings["app.issues"].value == 2.0
    for word in (".errors_per_minute", ".health", ".crash_free_sessions", ".crash_free_users", ".alerts"):
        assert readings[f"app{word}"].state is State.UNKNOWN
        assert why in readings[f"app{word}"].detail


def paged(*, pages: int, told: bool = True, last: Handler | None = None) -> Handler:
    """Serve pages of 100 issues; with `last`, the second page is answered by it."""

    async def handle(head: str, writer: Any) -> None:
        query = query_of(head)
        if query["query"] != ["is:unresolved"]:
            count = {"is:new": 1234, "is:regressed": 7, "is:escalating": 0}[query["query"][0]]
            hits = f"x-hits: {count}\r\n" if told else ""
            await answer(b"[]", headers=hits)(head, writer)
            return
        page = int(query.get("cursor", ["0:0:0"])[0].split(":")[1]) // 100
        if page and last is not None:
            await last(head, writer)
            return
        rows = [{"id": str(page * 100 + row), "title": "x", "substatus": "new"} for row in range(100)]
        more = "true" if page + 1 < pages else "false"
        link = (
            '<x>; rel="previous"; results="false"; cursor="0:0:1", '
            f'<x>; rel="next"; results="{more}"; cursor="0:{(page + 1) * 100}:0"'
        )
        hits = f"x-hits: {pages * 100}\r\n" if told else ""
        await answer(msgspec.json.encode(rows), headers=f"link: {link}\r\n{hits}")(head, writer)

    return handle


async def test_of_ten_thousand_errors_the_first_are_read_within_a_budget_and_it_is_said():
    async with serving(speaking({**WELL, "issues/": paged(pages=100)})) as server:
        readings = await ask(server)
    assert readings["app"].detail == "first 300 of 10,000"
    assert readings["app.issues"].value == 300.0
    assert [(readings[f"app.{w}"].state, readings[f"app.{w}"].value) for w in ("new", "regressed", "escalating")] == [
        (State.OK, 1234.0),
        (State.OK, 7.0),
        (State.OK, 0.0),
    ]
    critical = readings["app.critical"]
    assert (critical.state, critical.detail) == (State.UNKNOWN, "at least 0: first 300 of 10,000")
    assert len(asked_for(server, "/organizations/loom/issues/")) == MAX_PAGES + 3


async def test_a_count_over_a_part_of_the_errors_is_unknown_where_nobody_gives_the_whole():
    async with serving(speaking({**WELL, "issues/": paged(pages=100, told=False)})) as server:
        readings = await ask(server)
    new = readings["app.new"]
    assert (new.state, new.value, new.detail) == (State.UNKNOWN, 300.0, "at least 300: first 300 of more")


async def test_an_error_that_comes_on_two_pages_counts_once():
    async def same(head: str, writer: Any) -> None:
        link = '<x>; rel="next"; results="true"; cursor="0:100:0"'
        await answer(b'[{"id": "1", "title": "x"}]', headers=f"link: {link}\r\n")(head, writer)

    async with serving(speaking({**WELL, "issues/": same})) as server:
        readings = await ask(server)
    assert readings["app.issues"].value == 1.0


@pytest.mark.parametrize(
    ("routes", "where"),
    [
        ({"issues/": paged(pages=3, last=answer(b"{}", status="401 Unauthorized"))}, "between two pages"),
        ({"workflows/": answer(b"{}", status="401 Unauthorized")}, "after the errors"),
    ],
)
async def test_a_token_that_is_revoked_half_way_is_told_as_that(routes, where):
    async with serving(speaking({**WELL, **routes})) as server:
        with pytest.raises(SourceRefused, match=r"refused the credential \(401\): it needs a token with event:read"):
            await ask(server)


async def test_a_part_that_is_limited_leaves_the_rest_alive_and_the_server_alone():
    limited = answer(b"{}", status="429 Slow down", headers="retry-after: 17\r\n")
    async with serving(speaking({**WELL, "sessions/": limited})) as server:
        asker = asker_of(server)
        readings = {reading.signal: reading for reading in await asker.ask()}
        await asker.close()
    assert readings["app"].state is State.OK
    assert "left alone for 17 s" in readings["app.health"].detail
    assert 16 < asker.rest_s() <= 17


async def test_few_remaining_calls_are_heeded_until_the_limit_is_reset():
    headers = f"x-sentry-rate-limit-remaining: 2\r\nx-sentry-rate-limit-reset: {NOW + 30:.0f}\r\n"
    async with serving(speaking({**WELL, "issues/": answer(b"[]", headers=headers)})) as server:
        asker = asker_of(server)
        await asker.ask()
        await asker.close()
    assert asker.rest_s() == 30.0


@pytest.mark.parametrize(
    ("handler", "kind", "words"),
    [
        (answer(b"{}", status="401 Unauthorized"), SourceRefused, "event:read and project:read"),
        (answer(b"{}", status="403 Forbidden"), SourceRefused, "event:read and project:read"),
        (answer(b"", status="404 Not Found"), SourceAnswered, "url, org or project"),
        (answer(b"", status="500 Oops"), SourceAnswered, "answered 500"),
        (answer(b"<!doctype html>"), SourceAnswered, "HTML"),
        (answer(b'[{"id": 7}]'), SourceAnswered, "another form"),
        (answer(b'[{"id": "7"'), SourceAnswered, "another form"),
        (answer(b"", status="429 Slow down", headers="retry-after: 17\r\n"), SourceLimited, "17 s"),
        (hang, SourceTimeout, "did not answer"),
        (drip, SourceTimeout, "did not answer"),
    ],
)
async def test_what_sentry_refuses_is_told_with_what_to_do_and_without_the_token(handler, kind, words):
    async with serving(speaking({**WELL, "issues/": handler})) as server:
        with pytest.raises(kind, match=words) as caught:
            await ask(server)
    assert TOKEN not in f"{caught.value!r} {caught.value}"


EVENT: dict[str, Any] = {
    "eventID": "9999aaaa",
    "title": "ForbiddenError: 403",
    "dateCreated": "2025-10-09T08:53:20.5Z",
    "tags": [{"key": "level", "value": "error"}, {"key": "user", "value": "email:ana@example.org"}, {"key": 7}],
    "release": {"version": "v1.7.0"},
    "user": {"email": "ana@example.org", "ip_address": "192.0.2.1"},
    "entries": [
        {
            "type": "exception",
            "data": {
                "values": [
                    {"type": "Cause", "value": "password=hunter2", "stacktrace": None},
                    {
                        "type": "ForbiddenError",
                        "value": "GET /x?token=abc123 for ana@example.org",
                        "mechanism": {"handled": False},
                        "stacktrace": {
                            "frames": [
                                {"function": "run", "filename": "node_modules/a.js", "lineNo": 1, "inApp": False},
                                {
                                    "function": "load",
                                    "filename": "src/load.ts",
                                    "lineNo": 47,
                                    "inApp": True,
                                    "vars": {"password": "hunter2"},
                                    "context": [[46, "before"], [47, "  throw error"], ["x"], None],
                                },
                                "no frame",
                            ]
                        },
                    },
                ]
            },
        },
        {
            "type": "breadcrumbs",
            "data": {
                "values": [
                    {
                        "category": "xhr",
                        "timestamp": "2025-10-09T08:53:10Z",
                        "data": {"method": "GET", "url": "/api?access_token=abc", "status_code": 401},
                    },
                    {"category": "auth", "message": "signed in as ana@example.org", "timestamp": "never"},
                ]
            },
        },
        {
            "type": "request",
            "data": {
                "method": "POST",
                "url": "https://app.example/book#access_token=abc",
                "query": [["page", "2"], ["session_token", "abc"]],
                "headers": [["User-Agent", "Safari"], ["Authorization", "Bearer abc"], ["Cookie", "sid=abc"]],
                "cookies": [["sid", "abc"]],
                "data": {"password": "hunter2"},
            },
        },
        {"type": "spans", "data": []},
        "no entry",
    ],
}  # fmt: skip


async def event_of(told: Any) -> ErrorEvent:
    async with serving(speaking({**WELL, "issues/7/events/latest/": told})) as server:
        asker = asker_of(server)
        try:
            return msgspec.json.decode(await asker.reply("event", "7"), type=ErrorEvent)
        finally:
            await asker.close()


async def test_an_event_comes_with_its_trace_crumbs_tags_and_request():
    event = await event_of(EVENT)
    assert (event.level, event.release, event.at) == ("error", "v1.7.0", NOW + 0.5)
    outer, cause = event.thrown
    assert (outer.type, outer.handled, cause.type) == ("ForbiddenError", False, "Cause")
    frames = [(frame.function, frame.file, frame.line, frame.in_app, frame.source) for frame in outer.frames]
    assert frames == [
        ("load", "src/load.ts", 47, True, "throw error"),
        ("run", "node_modules/a.js", 1, False, ""),
    ]
    assert [(crumb.category, crumb.message) for crumb in event.crumbs] == [
        ("xhr", "GET /api?access_token=•••• 401"),
        ("auth", "signed in as ••••@••••"),
    ]
    assert event.request is not None
    assert event.request.url == "https://app.example/book?page=2&session_token=••••"
    assert event.request.headers == (("User-Agent", "Safari"),)
    assert dict(event.tags)["user"] == "email:••••@••••"


async def test_no_secret_and_no_address_of_an_event_comes_out():
    text = msgspec.json.encode(await event_of(EVENT)).decode()
    for planted in ("hunter2", "ana@example.org", "abc123", "=abc", "Bearer", "192.0.2.1", "sid"):
        assert planted not in text


@pytest.mark.parametrize(
    "told",
    [
        {"entries": 7, "tags": {"a": 1}},
        {"entries": [{"type": "exception", "data": {"values": [{"stacktrace": {"frames": [7, None, {}]}}]}}]},
        {"entries": [{"type": "request", "data": {"url": 7, "headers": [[1], "x"], "query": 7}}], "tags": [None, 7]},
        {"dateCreated": "99999-01-01", "entries": [{"type": {}, "data": 1}]},
    ],
)
async def test_an_event_of_another_form_shows_what_there_is(told):
    assert (await event_of(told)).title == ""


@pytest.mark.parametrize("told", [answer(b"<html>"), answer(b"[]"), answer(b'{"a":'), answer(b"\xff")])
async def test_an_event_that_is_none_is_told(told):
    with pytest.raises(SourceAnswered, match="where an object was promised"):
        await event_of(told)


async def test_an_error_s_id_is_no_way_to_another_path():
    async with serving(speaking(WELL)) as server:
        asker = asker_of(server)
        with pytest.raises(SourceAnswered):
            await asker.reply("event", "../../../secrets")
        with pytest.raises(SourceAnswered, match="no weather"):
            await asker.reply("weather", "7")
        await asker.close()
    assert "/issues/..%2F..%2F..%2Fsecrets/events/latest/" in server.requests[0]


def test_a_listing_says_how_much_of_it_there_is():
    issue = ErrorIssue(id="1", short_id="A-1", title="x")
    assert Listing(issues=(issue,)).extent == ""
    assert Listing(issues=(issue,), complete=False).extent == "first 1 of more"


@pytest.mark.parametrize(
    ("link", "cursor"),
    [
        ('<u>; rel="next"; results="true"; cursor="0:100:0"', "0:100:0"),
        ('<u>; rel="next"; results="false"; cursor="0:100:0"', None),
        ('<u>; rel="previous"; results="true"; cursor="0:0:1"', None),
        ('{\'<u>; rel="next"; results="true"; cursor="0:2:0"\', \'<u>; rel="previous"\'}', "0:2:0"),
        ("", None),
        (">>>;;;,,,<", None),
    ],
)
def test_it_is_results_that_says_whether_there_is_more(link, cursor):
    assert next_cursor(link) == cursor


def tracker(*, looks: int, refused: bool = False) -> Handler:
    """Take any event, and tell of it at the API after so many looks for it."""
    asked: list[str] = []

    async def handle(head: str, writer: Any) -> None:
        path = urlsplit(head.split(" ", 2)[1]).path
        if path.endswith("/envelope/"):
            await answer(b"{}")(head, writer)
        elif refused:
            await answer(b"{}", status="401 Unauthorized")(head, writer)
        else:
            asked.append(path)
            assert path.startswith("/api/0/projects/loom/web/events/")
            status = "200 OK" if len(asked) > looks else "404 Not Found"
            await answer(b"{}", status=status)(head, writer)

    return handle


async def round_trip(server: Server) -> dict[str, Reading]:
    source = sentry(server.url, dsn=Secret(env="DSN"), roundtrip_timeout_s=20)
    dsn = server.url.replace("http://", f"http://{'1' * 32}@") + "/1"
    part = dict(source.parts())["roundtrip"]
    asker = build(part, errand_of("sentry.roundtrip", environ={"TOKEN": TOKEN, "DSN": dsn}))
    try:
        return {reading.signal: reading for reading in await asker.ask()}
    finally:
        await asker.close()


async def test_a_round_trip_looks_for_its_event_until_it_is_there():
    async with serving(tracker(looks=2)) as server:
        readings = await round_trip(server)
    assert readings["sentry.roundtrip"].state is State.OK
    assert readings["sentry.roundtrip"].detail.startswith("arrived after")
    assert (readings["sentry.roundtrip.delay_s"].value or 0) > 0


async def test_a_round_trip_that_the_api_refuses_to_tell_of_is_unknown():
    async with serving(tracker(looks=0, refused=True)) as server:
        with pytest.raises(SourceRefused, match="refused the credential"):
            await round_trip(server)
