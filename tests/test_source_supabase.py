"""Asking a Supabase project from outside: its keys, auth, settings, storage, realtime, and what a visitor can read."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection

from loom_tui.plan.faults import PlanFaults
from loom_tui.plan.sources.supabase import SupabaseSource
from loom_tui.plan.toml import parse_plan
from loom_tui.room.checks import Step, decode_result
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import CredentialMissing, SourceLimited, SourceUnreachable
from loom_tui.sources.build import build
from loom_tui.sources.tokens import recognise
from tests.errands import errand_of
from tests.keys import jwt
from tests.servers import answer, serving, slam
from tests.supabase import SETTINGS, phoenix, project

NOW = 1_760_000_000.0
DAY_S = 86_400.0
ANON = jwt(role="anon", ref="abcdefgh", exp=NOW + 900 * DAY_S)
SERVICE = jwt(role="service_role", ref="abcdefgh", exp=NOW + 900 * DAY_S)
PUBLISHABLE = "sb_publishable_planted4711publishable"


def source_of(url: str, **words: Any) -> SupabaseSource:
    table = {"kind": "supabase", "url": url, "anon_key": {"env": "ANON"}, "timeout_s": 5.0, **words}
    return msgspec.convert(table, SupabaseSource)


async def ask(source: SupabaseSource, **environ: str) -> dict[str, Reading]:
    known = {"ANON": ANON, **environ}
    asker = build(source, errand_of("sb", environ=known, now=NOW))
    try:
        readings = {reading.signal: reading for reading in await asker.ask()}
    finally:
        await asker.close()
    shown = f"{readings!r} {asker!r} {[decode_result(reading.body) for reading in readings.values()]!r}"
    assert not [name for name, value in known.items() if value in shown]
    return readings


def steps(reading: Reading) -> dict[str, Step]:
    result = decode_result(reading.body)
    assert result is not None
    return {step.name: step for step in result.steps}


async def test_a_project_in_order_is_well_in_each_of_its_parts():
    async with project({"/rest/v1/profiles": (200, [])}) as it:
        readings = await ask(source_of(it.url, private_tables=["profiles"]))
    assert {name: reading.state for name, reading in readings.items()} == dict.fromkeys(
        ("sb", "sb.keys", "sb.auth", "sb.settings", "sb.storage", "sb.realtime", "sb.realtime_ms", "sb.private"),
        State.OK,
    )
    assert readings["sb.auth"].detail == "GoTrue v2.180.0"
    assert readings["sb.settings"].detail == "is open · email, google · addresses are confirmed by mail"
    assert readings["sb.realtime_ms"].value is not None
    assert steps(readings["sb"])["auth responds"].detail == "GoTrue v2.180.0"
    assert set(readings) == {f"sb{row.suffix}" for row in source_of(it.url, private_tables=["profiles"]).rows()}


async def test_a_jwt_is_sent_as_browsers_send_it_and_a_new_key_as_apikey_alone():
    async with project() as it:
        await ask(source_of(it.url))
        await ask(source_of(it.url), ANON=PUBLISHABLE)
    asked = [request.headers for request in it.requests if request.path.startswith("/auth/v1/health")]
    assert [(headers["apikey"], headers.get("authorization")) for headers in asked] == [
        (ANON, f"Bearer {ANON}"),
        (PUBLISHABLE, None),
    ]


@pytest.mark.parametrize(
    ("key", "state", "words"),
    [
        (ANON, State.OK, "JWT, role anon"),
        (PUBLISHABLE, State.OK, "sb_publishable"),
        (jwt(role="anon", exp=NOW + 12 * DAY_S), State.OK, "JWT, role anon, expires in 12 days"),
        (jwt(role="anon", exp=NOW - 3 * DAY_S), State.BAD, "expired 3 days ago"),
        (SERVICE, State.BAD, "is a service key (JWT, role service_role)"),
        ("sb_secret_planted4711secret", State.BAD, "is a service key (sb_secret)"),
        (jwt(role="authenticated"), State.BAD, "is no anon key (JWT, role authenticated)"),
        (jwt(), State.BAD, "is no anon key (JWT, role )"),
        ("planted-4711-key", State.UNKNOWN, "is no Supabase key"),
        ("a.b.c", State.UNKNOWN, "is no Supabase key"),
    ],
)
async def test_the_key_that_visitors_get_is_recognised_for_what_it_is(key, state, words):
    async with project() as it:
        readings = await ask(source_of(it.url), ANON=key)
    assert readings["sb.keys"].state is state
    assert words in readings["sb.keys"].detail


async def test_with_a_service_key_as_anon_key_nothing_is_read_of_the_tables():
    async with project({"/rest/v1/profiles": (200, [{"id": 1}])}) as it:
        readings = await ask(source_of(it.url, private_tables=["profiles"]), ANON=SERVICE)
    assert readings["sb.private"].state is State.UNKNOWN
    assert "row-level security does not bind" in readings["sb.private"].detail
    assert not [request for request in it.requests if request.path.startswith("/rest/")]


async def test_the_service_key_is_looked_at_and_never_sent():
    async with project() as it:
        well = await ask(source_of(it.url, service_key={"env": "SERVICE"}), SERVICE=SERVICE)
        swapped = await ask(source_of(it.url, service_key={"env": "SERVICE"}), SERVICE=PUBLISHABLE)
        missing = await ask(source_of(it.url, service_key={"env": "SERVICE"}))
    assert well["sb.keys"].state is State.OK
    assert "service key: is no service key (sb_publishable)" in swapped["sb.keys"].detail
    assert missing["sb.keys"].state is State.UNKNOWN
    assert "SERVICE is not set" in missing["sb.keys"].detail
    assert SERVICE not in str([(request.path, dict(request.headers.raw_items())) for request in it.requests])


def test_a_key_of_another_project_is_recognised():
    from loom_tui.sources.mask import Masked
    from loom_tui.sources.supabase_api import key_steps

    step = key_steps(source_of("https://zyxwvuts.supabase.co"), Masked(ANON), None, now=NOW)[0]
    assert (step.state, step.detail) == (
        State.BAD,
        "belongs to project abcdefgh, and the plan's url is that of zyxwvuts",
    )
    assert key_steps(source_of("https://abcdefgh.supabase.co"), Masked(ANON), None, now=NOW)[0].state is State.OK


@pytest.mark.parametrize(
    "text", ["", "eyJ", "a.b", "..", "eyJh.eyJh.x", "ey\x00.e.s", f"{'A' * 100_000}.AA.AA", "W10.W10.x"]
)
def test_what_is_no_key_is_recognised_as_none(text):
    assert recognise(text) is None


@pytest.mark.parametrize(
    ("wanted", "settings", "words"),
    [
        ({"signup": "closed"}, {}, "sign-up: is open, the plan wants it closed"),
        ({"signup": "open"}, {"disable_signup": True}, "sign-up: is closed, the plan wants it open"),
        ({"providers": ["email"]}, {}, "providers: google enabled, which the plan does not name"),
        ({"providers": ["email", "google", "github"]}, {}, "providers: github not enabled"),
        ({"confirm_email": True}, {"mailer_autoconfirm": True}, "taken without a mail, the plan wants it otherwise"),
    ],
)
async def test_settings_other_than_the_plan_wants_are_bad(wanted, settings, words):
    async with project({"/auth/v1/settings": (200, {**SETTINGS, **settings})}) as it:
        readings = await ask(source_of(it.url, **wanted))
    assert readings["sb.settings"].state is State.BAD
    assert words in readings["sb.settings"].detail
    assert words in readings["sb"].detail


async def test_settings_as_the_plan_wants_them_are_well_and_what_they_do_not_say_is_unknown():
    async with project({"/auth/v1/settings": (200, SETTINGS)}) as it:
        well = await ask(source_of(it.url, signup="open", providers=["google", "email"]))
        unsaid = await ask(source_of(it.url, confirm_email=True))
    assert well["sb.settings"].state is State.OK
    assert unsaid["sb.settings"].detail == "e-mail confirmation: the settings do not speak of it"
    assert unsaid["sb.settings"].state is State.UNKNOWN


@pytest.mark.parametrize(
    ("status", "body", "state", "words"),
    [
        (200, [], State.OK, "a visitor sees no row"),
        (200, [{"email": "ana@loom.test"}], State.BAD, "profiles: a visitor can read its rows"),
        (401, {"code": "42501", "message": "permission denied for table profiles"}, State.OK, "has no right to it"),
        (403, {"code": "42501"}, State.OK, "has no right to it"),
        (401, {"message": "Invalid API key"}, State.UNKNOWN, "the anon key was refused (401)"),
        (404, {"code": "PGRST205", "message": "no table in the schema cache"}, State.UNKNOWN, "knows no such table"),
        (404, "<html>", State.UNKNOWN, "nothing at this address (404)"),
        (200, "<html>", State.UNKNOWN, "holds no rows that can be read"),
        (200, {"rows": []}, State.UNKNOWN, "holds no rows that can be read"),
        (500, "Oops", State.UNKNOWN, "answered 500"),
    ],
)
async def test_what_a_visitor_can_read_of_a_private_table(status, body, state, words):
    async with project({"/rest/v1/profiles": (status, body)}) as it:
        readings = await ask(source_of(it.url, private_tables=["profiles"]))
    assert readings["sb.private"].state is state
    assert words in readings["sb.private"].detail
    assert "ana@loom.test" not in str(readings), "what could be read is somebody's data"
    assert "/rest/v1/profiles?select=*&limit=1" in [request.path for request in it.requests]


async def test_each_private_table_is_a_step_and_one_of_another_schema_is_asked_there():
    tables = {"/rest/v1/a": (200, []), "/rest/v1/b": (200, [{"id": 1}]), "/rest/v1/c": (500, "")}
    async with project(tables) as it:
        readings = await ask(source_of(it.url, private_tables=["a", "audit.b", "c"]))
    assert {name: step.state for name, step in steps(readings["sb.private"]).items()} == {
        "a": State.OK,
        "audit.b": State.BAD,
        "c": State.UNKNOWN,
    }
    asked = {
        request.path[9:10]: request.headers.get("accept-profile") for request in it.requests if "rest" in request.path
    }
    assert asked == {"a": None, "b": "audit", "c": None}


@pytest.mark.parametrize(
    ("path", "answer", "signal", "state", "words"),
    [
        ("/auth/v1/health", (401, {"message": "No API key found in request"}), "auth", State.BAD, "refused (401)"),
        ("/auth/v1/health", (404, ""), "auth", State.BAD, "nothing at this address (404)"),
        ("/auth/v1/health", (503, ""), "auth", State.BAD, "answered 503"),
        ("/auth/v1/health", (200, {"name": "Keycloak", "version": "1"}), "auth", State.UNKNOWN, "is not GoTrue's"),
        ("/auth/v1/health", (200, '{"name": "GoT'), "auth", State.UNKNOWN, "is not GoTrue's"),
        ("/auth/v1/settings", (200, {"external": {"email": "yes"}}), "settings", State.UNKNOWN, "is not the auth"),
        ("/storage/v1/status", (200, "<html>"), "storage", State.UNKNOWN, "is not storage's"),
        ("/storage/v1/status", (544, ""), "storage", State.BAD, "answered 544"),
    ],
)
async def test_a_part_that_fails_is_told_and_the_others_go_on(path, answer, signal, state, words):
    async with project({path: answer}) as it:
        readings = await ask(source_of(it.url))
    assert readings[f"sb.{signal}"].state is state
    assert words in readings[f"sb.{signal}"].detail
    assert readings["sb"].state is state
    others = {"auth", "settings", "storage", "realtime", "keys"} - {signal}
    assert {readings[f"sb.{name}"].state for name in others} == {State.OK}


async def test_a_part_that_answers_elsewhere_is_unknown_whatever_it_answers_there():
    async with serving(answer(b"")) as stranger, project({"/storage/v1/status": (302, stranger.url)}) as it:
        readings = await ask(source_of(it.url))
    assert readings["sb.storage"].state is State.UNKNOWN
    assert f"redirected to {stranger.url}" in readings["sb.storage"].detail
    assert readings["sb.auth"].state is State.OK


async def test_the_talk_with_realtime_is_told_step_by_step_without_the_key():
    async with project() as it:
        readings = await ask(source_of(it.url, channel="bookings"))
    told = steps(readings["sb.realtime"])
    assert list(told) == ["handshake", "join", "heartbeat"]
    assert [frame["topic"] for frame in it.frames] == ["realtime:bookings", "phoenix"]
    assert [frame["event"] for frame in it.frames] == ["phx_join", "heartbeat"]
    assert told["handshake"].sent == f"GET {it.url.replace('http', 'ws')}/realtime/v1/websocket"
    assert json.loads(told["heartbeat"].got) == {"status": "ok", "response": {}}
    assert readings["sb.realtime_ms"].value == told["heartbeat"].duration_ms
    asked = next(request.path for request in it.requests if "realtime" in request.path)
    assert asked.endswith(f"?apikey={ANON}&vsn=1.0.0")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "handshake: refused the key (401)"),
        (403, "handshake: refused the key (403): realtime may be switched off"),
        (404, "handshake: there is no realtime at this address (404)"),
        (500, "handshake: answered 500 instead of opening a websocket"),
    ],
)
async def test_a_refused_handshake_is_told_for_what_it_is(status, words):
    async with project(handshake=(status, {}, f"no: {ANON}")) as it:
        readings = await ask(source_of(it.url))
    assert readings["sb.realtime"].state is State.BAD
    assert words in readings["sb.realtime"].detail
    assert steps(readings["sb.realtime"])["handshake"].got == f"{status}\nno: ••••"
    assert readings["sb.realtime_ms"].state is State.UNKNOWN
    assert readings["sb.auth"].state is State.OK


async def test_too_many_connections_are_unknown_and_the_asked_rest_is_kept():
    async with project(handshake=(429, {"Retry-After": "17"}, "")) as it:
        asker = build(source_of(it.url), errand_of("sb", environ={"ANON": ANON}, now=NOW))
        readings = {reading.signal: reading for reading in await asker.ask()}
        await asker.close()
    assert readings["sb.realtime"].state is State.UNKNOWN
    assert "left alone for 17 s (429)" in readings["sb.realtime"].detail
    assert asker.rest_s() == 17.0


async def refuse(socket: ServerConnection, frame: dict[str, Any]) -> None:
    response = {"reason": f"PrivateOnly: only private channels [/ {ANON}"}
    reply = {"topic": frame["topic"], "event": "phx_reply", "payload": {"status": "error", "response": response}}
    await socket.send(json.dumps({**reply, "ref": frame["ref"]}))


async def crash(socket: ServerConnection, frame: dict[str, Any]) -> None:
    await socket.send(json.dumps({"topic": frame["topic"], "event": "phx_error", "payload": {}, "ref": None}))


async def leave(socket: ServerConnection, frame: dict[str, Any]) -> None:
    await socket.close(4001, f"bye {ANON[:40]}")


async def no_heartbeat(socket: ServerConnection, frame: dict[str, Any]) -> None:
    if frame["event"] == "phx_join":
        await phoenix(socket, frame)
    else:
        await socket.close(1011, "")


async def gibberish(socket: ServerConnection, frame: dict[str, Any]) -> None:
    await socket.send("<html>[/ \x1b[31m")


async def binary(socket: ServerConnection, frame: dict[str, Any]) -> None:
    await socket.send(b"\xff\xfe\x00")


async def wrong_types(socket: ServerConnection, frame: dict[str, Any]) -> None:
    await socket.send(json.dumps({"topic": 7, "event": [], "payload": {}, "ref": {}}))


async def no_status(socket: ServerConnection, frame: dict[str, Any]) -> None:
    await socket.send(json.dumps({"topic": frame["topic"], "event": "phx_reply", "payload": [1], "ref": frame["ref"]}))


async def chatter(socket: ServerConnection, frame: dict[str, Any]) -> None:
    for _ in range(150):
        await socket.send(json.dumps({"topic": "other", "event": "broadcast", "payload": {}, "ref": None}))


async def huge(socket: ServerConnection, frame: dict[str, Any]) -> None:
    await socket.send("x" * 2_000_000)


async def silence(socket: ServerConnection, frame: dict[str, Any]) -> None:
    await socket.wait_closed()


@pytest.mark.parametrize(
    ("behaviour", "state", "words"),
    [
        (refuse, State.BAD, "join: phx_join was refused: PrivateOnly"),
        (crash, State.BAD, "join: the server ended the channel (phx_error)"),
        (leave, State.BAD, "join: the connection was closed: 4001 bye"),
        (no_heartbeat, State.BAD, "heartbeat: the connection was closed: 1011"),
        (gibberish, State.UNKNOWN, "join: what came back is no Phoenix frame"),
        (binary, State.UNKNOWN, "join: what came back is no Phoenix frame"),
        (wrong_types, State.UNKNOWN, "join: what came back is no Phoenix frame"),
        (no_status, State.UNKNOWN, "join: the reply to phx_join has no status"),
        (chatter, State.UNKNOWN, "join: 100 messages came, and none was the answer"),
        (huge, State.BAD, "join: the connection was closed"),
        (silence, State.UNKNOWN, "realtime did not answer within 0.45 s"),
    ],
)
async def test_a_channel_that_cannot_be_used_is_told_with_its_reason(behaviour, state, words):
    async with project(realtime=behaviour) as it:
        readings = await ask(source_of(it.url, timeout_s=0.5 if behaviour is silence else 5.0))
    assert readings["sb.realtime"].state is state
    assert words in readings["sb.realtime"].detail
    assert readings["sb.realtime_ms"].state is State.UNKNOWN


async def test_a_project_that_is_out_of_reach_is_an_error_so_that_it_is_asked_less_often():
    async with serving(slam) as server:
        url = server.url
    asker = build(source_of(url), errand_of("sb", environ={"ANON": ANON}, now=NOW))
    with pytest.raises(SourceUnreachable, match="cannot be reached") as caught:
        await asker.ask()
    assert [(each.signal, each.state) for each in caught.value.readings] == [("sb.keys", State.OK)], "asks nobody"
    await asker.close()


async def test_a_project_that_limits_everything_is_left_alone_as_long_as_it_asks():
    limited = dict.fromkeys(("/auth/v1/health", "/auth/v1/settings", "/storage/v1/status"), (429, ""))
    async with project(limited, handshake=(429, {"Retry-After": "170"}, "")) as it:
        asker = build(source_of(it.url), errand_of("sb", environ={"ANON": ANON}, now=NOW))
        with pytest.raises(SourceLimited) as caught:
            await asker.ask()
        await asker.close()
    assert caught.value.retry_after_s == 170.0


async def test_no_log_at_any_level_holds_the_key(caplog, capfd):
    caplog.set_level(logging.DEBUG)
    async with project(realtime=refuse) as it:
        await ask(source_of(it.url, private_tables=["profiles"]))
    sent_by_us = [record.getMessage() for record in caplog.records if record.name != "websockets.server"]
    assert ANON not in str(sent_by_us)
    assert ANON not in str(capfd.readouterr())


async def test_without_the_anon_key_the_place_is_told():
    with pytest.raises(CredentialMissing, match="ANON is not set"):
        await build(source_of("https://abcdefgh.supabase.co"), errand_of("sb")).ask()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('url = "abcdefgh.supabase.co"', "expected a URL"),
        ('url = "https://a.test"\nprivate_tables = ["a?select=b"]', "is no table's name"),
        ('url = "https://a.test"\nschemas = []', "names none"),
        ('url = "https://a.test"\nsignup = "closd"', "did you mean `closed`"),
    ],
)
def test_a_plan_that_cannot_be_asked_is_told(text, words):
    with pytest.raises(PlanFaults) as caught:
        parse_plan(
            f'[plan]\nid = "p"\ntitle = "P"\n[sources.sb]\nkind = "supabase"\nanon_key = {{ env = "A" }}\n{text}\n'
        )
    assert words in str(caught.value)


def test_the_documented_example_is_a_plan():
    page = (Path(__file__).parent.parent / "docs" / "supabase.md").read_text(encoding="utf-8")
    lines = [line[4:] for line in page.partition("## ")[0].splitlines() if line.startswith("    ")]
    plan = parse_plan("\n".join(["[plan]", 'id = "p"', 'title = "P"', *lines]))
    assert list(plan.sources) == ["supabase", "env", "secrets", "host"]
