"""Asking over HTTP: what a service says, and in which sentence each of its failures is told."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import msgspec
import pytest

from loom_tui.plan.sources.base import Secret
from loom_tui.plan.sources.http import HttpSource
from loom_tui.room.checks import decode_result
from loom_tui.room.signals import State
from loom_tui.sources.base import (
    CredentialMissing,
    SourceAnswered,
    SourceError,
    SourceLimited,
    SourceTimeout,
    SourceUnreachable,
)
from loom_tui.sources.build import build
from loom_tui.sources.credentials import resolve
from loom_tui.sources.http import find, judge
from loom_tui.sources.mask import Mask, Masked
from loom_tui.sources.redirects import leads_to
from loom_tui.sources.scrub import scrub_dsn
from loom_tui.sources.web import retry_after_s
from tests.errands import errand_of
from tests.servers import Handler, Server, answer, circle, drip, hang, serving, slam, speaking_no_tls

TOKEN = "sntrys_planted-secret-4711"
NOW = 1_760_000_000.0


def web(server: Server, **more: object) -> HttpSource:
    return msgspec.convert({"kind": "http", "url": f"{server.url}/api/health", "timeout_s": 0.3, **more}, HttpSource)


async def ask(source: HttpSource) -> dict[str, tuple[State, float | None, str]]:
    asker = build(source, errand_of("app", environ={"TOKEN": TOKEN}, now=NOW))
    try:
        readings = await asker.ask()
    finally:
        await asker.close()
    assert all((r.environment, r.release) == ("production", "v1.7.0") for r in readings)
    assert all(TOKEN not in str(r) for r in readings)
    return {r.signal: (r.state, r.value, r.detail) for r in readings}


async def test_a_healthy_service_gives_status_latency_checks_and_version():
    body = b'{"version": "v1.7.0", "checks": {"auth": {"status": "ok"}, "storage": "down", "cache": "lukewarm"}}'
    async with serving(answer(body)) as server:
        fields = {
            "auth": "checks.auth.status",
            "storage": "checks.storage",
            "cache": "checks.cache",
            "mail": "checks.mail",
        }
        readings = await ask(web(server, version_field="version", fields=fields))
    assert readings["app"] == (State.OK, None, "")
    assert readings["app.latency_ms"][1] is not None
    assert readings["app.auth"][0] is State.OK
    assert readings["app.storage"] == (State.BAD, None, "down")
    assert readings["app.cache"][0] is State.UNKNOWN
    assert readings["app.mail"] == (State.UNKNOWN, None, "the answer does not speak of it")
    assert readings["app.version"] == (State.OK, None, "v1.7.0")


async def test_a_redirect_carries_a_credential_on_its_own_host_and_to_no_other():
    async def lead(head: str, writer: asyncio.StreamWriter) -> None:
        onward = "/moved" if "GET /moved" not in head else f"{other.url}/elsewhere"
        await answer(b"", status="302 Found", headers=f"location: {onward}\r\nset-cookie: s={TOKEN}\r\n")(head, writer)

    secret = Secret(env="TOKEN")
    async with serving(answer(b"{}")) as other, serving(lead) as server:
        readings = await ask(web(server, headers={"authorization": secret, "apikey": secret}))
    assert readings["app"] == (
        State.UNKNOWN,
        None,
        f"redirected to {other.url}/elsewhere, which the plan does not expect (redirects_to)",
    )
    assert [head.count(f": {TOKEN}") for head in server.requests] == [2, 2]
    assert [TOKEN in head for head in other.requests] == [False]


BELIEVABLE = b'{"v": "9.9.9", "db": "down"}'
WELL = answer(b'{"v": "1"}')


def leading(onward: str, there: Handler = WELL) -> Handler:
    """Redirect whoever asks for the health to `onward`, where all is well, or as `there` says."""

    async def lead(head: str, writer: asyncio.StreamWriter) -> None:
        moves = "GET /api/health " in head
        where = answer(b"", status="302 Found", headers=f"location: {onward}\r\n") if moves else there
        await where(head, writer)

    return lead


async def test_a_login_page_behind_a_redirect_proves_nothing():
    async with serving(leading(f"/login?next={TOKEN}#x")) as server:
        readings = await ask(web(server, version_field="v", fields={"auth": "v"}))
        why = f"redirected to {server.url}/login, which the plan does not expect (redirects_to)"
        assert readings == dict.fromkeys(
            ("app", "app.latency_ms", "app.version", "app.auth"), (State.UNKNOWN, None, why)
        )


async def test_a_redirect_that_the_plan_expects_is_followed_and_so_is_another_last_slash():
    for onward, expected in (("/en/home", "/en"), ("/api/health/", ""), ("/api/health?lang=en", "")):
        async with serving(leading(onward)) as server:
            expects = [f"{server.url}{expected}"] if expected else []
            readings = await ask(web(server, version_field="v", redirects_to=expects))
        assert (readings["app"], readings["app.version"][2]) == ((State.OK, None, ""), "1")


async def test_an_address_with_a_space_or_an_umlaut_is_its_own_behind_a_last_slash():
    async def slashed(head: str, writer: asyncio.StreamWriter) -> None:
        path = head.split()[1]
        moves = answer(b"", status="301 Moved Permanently", headers=f"location: {path}/\r\n")
        await (answer(b"{}") if path.endswith("/") else moves)(head, writer)

    async with serving(slashed) as server:
        readings = await ask(web(server, url=f"{server.url}/a b/ü"))
    assert server.requests[-1].startswith("GET /a%20b/%C3%BC/ ")
    assert readings["app"] == (State.OK, None, "")


async def test_a_wrong_status_of_another_origin_is_unknown_and_so_is_all_that_it_says():
    async with serving(answer(BELIEVABLE, status="403 Forbidden")) as other:
        async with serving(leading(f"{other.url}/sso?back={TOKEN}")) as server:
            readings = await ask(web(server, version_field="v", fields={"db": "db"}))
        why = f"redirected to {other.url}/sso, which the plan does not expect (redirects_to)"
    assert readings == dict.fromkeys(("app", "app.latency_ms", "app.version", "app.db"), (State.UNKNOWN, None, why))


async def test_a_services_own_error_page_behind_a_redirect_is_bad_and_nothing_else_in_it_is_believed():
    async with serving(leading("/error", answer(BELIEVABLE, status="500 Oops"))) as server:
        readings = await ask(web(server, version_field="v", fields={"db": "db"}))
        why = f"redirected to {server.url}/error, which the plan does not expect (redirects_to)"
        assert readings.pop("app") == (State.BAD, None, f"answered 500 at {server.url}/error, expected 200")
    assert readings == dict.fromkeys(("app.latency_ms", "app.version", "app.db"), (State.UNKNOWN, None, why))


async def test_a_wrong_status_where_the_plan_expects_a_redirect_to_end_is_as_bad_as_without_one():
    async with serving(leading("/en/health", answer(BELIEVABLE, status="503 Down"))) as server:
        readings = await ask(web(server, fields={"db": "db"}, redirects_to=[f"{server.url}/en"]))
    assert readings["app"] == (State.BAD, None, "answered 503, expected 200")
    assert readings["app.db"] == (State.BAD, None, "down")


@pytest.mark.parametrize(
    ("url", "asked", "expected", "leads"),
    [
        ("https://a.example/health", "http://a.example/health", (), True),
        ("http://a.example/health", "https://a.example/health", (), False),
        ("https://a.example:8443/health", "http://a.example/health", (), False),
        ("https://www.a.example/health", "https://a.example/health", (), False),
        ("https://www.a.example/health", "https://a.example/health", ("https://WWW.a.example:443/",), True),
        ("https://a.example/english", "https://a.example/", ("https://a.example/en",), False),
        ("https://a.example.evil.example/", "https://b.example/", ("https://a.example",), False),
        ("https://xn--bcher-kva.example/h", "http://bücher.example/h", (), True),
        ("https://xn--bcher-kva.example/h/1", "http://a.example/", ("https://BÜCHER.example/h",), True),
        ("https://xn--bcher-kva.example/h", "http://bucher.example/h", (), False),
        ("http://a.example/a%20b/", "http://a.example/a b", (), True),
        ("http://a.example/%C3%BC", "http://a.example/ü?lang=en", (), True),
        ("http://a.example/x%2Fy", "http://a.example/x/y", (), False),
        ("http://a.example/en/../login", "http://a.example/", ("http://a.example/en",), False),
        ("http://a.example/en", "http://a.example/", (f"http://{'ü' * 70}.example/", "http://a.example/en"), True),
    ],
)
def test_what_counts_as_the_place_that_was_asked(url, asked, expected, leads):
    assert leads_to(url, asked, expected) is leads


async def test_a_proxy_or_a_netrc_of_the_shells_is_no_part_of_the_plan(monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ana password hunter2\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")  # where nobody listens
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with serving(answer(b"{}")) as server:
        assert (await ask(web(server)))["app"] == (State.OK, None, "")


@pytest.mark.parametrize("status", ["429 Slow down", "503 Down for maintenance"])
async def test_a_service_that_asks_to_be_left_alone_is_bad_and_is_left_alone(status):
    async with serving(answer(b"{}", status=status, headers="retry-after: 120\r\n")) as server:
        asker = build(web(server), errand_of("app", now=NOW))
        first = (await asker.ask())[0]
        assert (first.state, first.detail) == (State.BAD, f"answered {status[:3]}, expected 200")
        assert 110 < asker.rest_s() <= 120
        with pytest.raises(SourceLimited, match=r"left alone for 120 s") as caught:
            await asker.ask()
        await asker.close()
    assert 110 < caught.value.retry_after_s <= 120
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "404 Not Found", "500 Oops", "503 Down"])
async def test_another_status_is_a_bad_reading_since_the_service_has_spoken(status):
    async with serving(answer(b"{}", status=status)) as server:
        readings = await ask(web(server))
    assert readings["app"] == (State.BAD, None, f"answered {status[:3]}, expected 200")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<html>login</html>", "the answer is HTML, not JSON"),
        (b'{"version": ', "the answer is no JSON"),
        (b"[1, 2]", "the answer has no version"),
        (b'{"version": {"major": 1}}', "the answer has no version"),
        (b"\xff\xfe", "the answer is no JSON"),
        (b"[" * 100_000, "the answer is no JSON"),
    ],
)
async def test_a_body_that_is_not_what_was_hoped_for_leaves_its_fields_unknown(body, why):
    async with serving(answer(body)) as server:
        readings = await ask(web(server, version_field="version"))
    assert readings["app"][0] is State.OK
    assert readings["app.version"] == (State.UNKNOWN, None, why)


@pytest.mark.parametrize(
    ("handler", "kind", "words"),
    [
        (hang, SourceTimeout, "did not answer within 0.27 s"),
        (drip, SourceTimeout, "did not answer within 0.27 s"),
        (circle, SourceAnswered, "redirects in a circle"),
        (slam, SourceAnswered, "broke off"),
        (answer(b"{}", length=5000), SourceAnswered, "broke off"),
        (answer(b"x" * 6_000_000), SourceAnswered, "more than 5 MB"),
    ],
)
async def test_a_service_that_fails_is_told_for_what_it_is(handler, kind, words):
    async with serving(handler) as server:
        with pytest.raises(kind, match=words):
            await ask(web(server))


async def test_a_refused_connection_and_a_broken_certificate_are_told_apart():
    async with serving(slam) as server:
        gone = server.url
    with pytest.raises(SourceUnreachable, match="no connection"):
        await ask(HttpSource(url=gone, timeout_s=0.3))
    async with speaking_no_tls() as url:
        with pytest.raises(SourceUnreachable, match="speaks no TLS"):
            await ask(HttpSource(url=url, timeout_s=1))


async def test_an_address_that_is_none_is_told():
    with pytest.raises(SourceError):
        await ask(HttpSource(url="http://[", timeout_s=0.3))


def test_a_limit_s_words_are_read_in_all_their_forms():
    assert retry_after_s({"retry-after": "17"}, now=NOW) == 17
    assert retry_after_s({"retry-after": "Thu, 09 Oct 2025 08:53:50 GMT"}, now=NOW) == 30
    assert retry_after_s({"x-sentry-rate-limit-reset": str(int(NOW) + 9)}, now=NOW) == 9
    assert retry_after_s({"retry-after": "soon"}, now=NOW) == 60
    assert retry_after_s({"retry-after": "999999"}, now=NOW) == 3600


async def test_a_secret_shows_itself_to_nobody(tmp_path):
    secret = Masked(TOKEN)
    assert TOKEN not in f"{secret} {secret!r} {secret:>10} {[secret]}"
    mask = Mask()
    mask.add(TOKEN)
    assert mask.hide(f"token {TOKEN} in postgresql://a:pw@h/d password=hunter2") == (
        "token •••• in postgresql://a:••••@h/d password=••••"
    )
    with pytest.raises(TypeError):
        msgspec.json.encode(secret)
    assert scrub_dsn("host=h password='a b' user=u") == "host=h password=•••• user=u"
    assert scrub_dsn("in postgresql://u:p@ss@w/rd@h/db: refused") == "in postgresql://u:••••@h/db: refused"
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n", encoding="utf-8")
    environ = {"T": TOKEN, "PATH": os.environ["PATH"]}
    command = Secret(command=("sh", "-c", "printf $T"))
    for place in (Secret(file=str(file)), Secret(file="token"), Secret(env="T"), command):
        assert (await resolve(place, environ, tmp_path)).reveal() == TOKEN


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        (Secret(env="NOT_SET"), "NOT_SET is not set"),
        (Secret(file="/nonexistent/token"), "cannot be read"),
        (Secret(command=("false",)), "failed with code 1"),
        (Secret(command=("true",)), "printed nothing"),
        (Secret(command=("no-such-command-4711",)), "cannot be run"),
    ],
)
async def test_a_credential_that_is_not_there_is_told_with_its_place(secret, words):
    with pytest.raises(CredentialMissing, match=words):
        await resolve(secret, {"PATH": os.environ["PATH"]}, Path("/"))


def test_paths_into_an_answer_lead_where_they_say_or_nowhere():
    body = {"a": [{"b": 1}], "c": None}
    assert find(body, "a.0.b") == 1
    assert find(body, "a.1.b") is None
    assert find(body, "c.d") is None
    assert judge(value=True) == (State.OK, "")
    assert judge({"status": "healthy"}) == (State.OK, "")
    assert judge(value=False)[0] is State.BAD
    assert judge(42)[0] is State.UNKNOWN


async def test_what_a_failing_service_answered_is_kept_without_the_credential_that_it_repeats():
    body = f"no such tenant: {TOKEN}".encode()
    async with serving(answer(body, status="503 Down")) as server:
        asker = build(web(server, headers={"x-key": Secret(env="TOKEN")}), errand_of("app", environ={"TOKEN": TOKEN}))
        reading = (await asker.ask())[0]
        await asker.close()
    result = decode_result(reading.body)
    assert result is not None
    assert result.steps[0].sent == f"GET {server.url}/api/health"
    assert result.steps[0].got == "503\nno such tenant: ••••"
    assert TOKEN.encode() not in reading.body
