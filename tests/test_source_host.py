"""Asking a host: what its name resolves to, and what its certificate says, over real handshakes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from loom_tui.plan.sources.host import HostSource
from loom_tui.room.checks import decode_result
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import CredentialMissing
from loom_tui.sources.build import build
from tests.errands import errand_of
from tests.servers import serving, silent, slam
from tests.tls import serving_tls

END = datetime(2099, 1, 1)
END_AT = 4_070_908_800.0  # the same, in Unix seconds
DAY_S = 86_400.0


async def ask(now: float = END_AT - 30 * DAY_S, **words: Any) -> dict[str, Reading]:
    source = HostSource(**{"host": "localhost", "timeout_s": 2.0, **words})
    asker = build(source, errand_of("web", now=now))
    return {reading.signal: reading for reading in await asker.ask()}


@pytest.mark.parametrize(
    ("days", "state", "words"),
    [
        (30.2, State.OK, "30 days left"),
        (14.2, State.OK, "14 days left: renew it soon"),
        (3.2, State.BAD, "3 days left; renew it now"),
    ],
)
async def test_a_certificate_is_judged_by_its_days_left(tmp_path, days, state, words):
    async with serving_tls(tmp_path, "localhost", not_after=END) as (port, authority):
        readings = await ask(now=END_AT - days * DAY_S, port=port, ca_file=authority)
    assert readings["web.tls"].state is state
    assert readings["web.tls"].detail.endswith(words)
    assert readings["web.tls_days"].value == pytest.approx(days)
    assert readings["web"].state is state


async def test_an_expired_certificate_is_bad_and_its_days_unknown(tmp_path):
    async with serving_tls(tmp_path, "localhost", not_after=datetime(2021, 1, 1)) as (port, authority):
        readings = await ask(port=port, ca_file=authority)
    assert readings["web.tls"].state is State.BAD
    assert "does not hold: certificate has expired" in readings["web.tls"].detail
    assert readings["web.tls_days"].state is State.UNKNOWN


async def test_a_certificate_of_another_name_or_of_an_unknown_authority_is_bad(tmp_path):
    async with serving_tls(tmp_path, "elsewhere.example", not_after=END) as (port, authority):
        of_another = await ask(port=port, ca_file=authority)
        unknown = await ask(port=port)
    assert "Hostname mismatch" in of_another["web.tls"].detail
    assert "unable to get local issuer certificate" in unknown["web.tls"].detail
    assert {of_another["web.tls"].state, unknown["web.tls"].state} == {State.BAD}


async def test_a_name_is_told_with_what_it_resolves_to():
    async with serving(slam) as server:
        port = int(server.url.rpartition(":")[2])
        readings = await ask(port=port, tls=False)
    assert set(readings) == {"web", "web.dns"}
    assert readings["web.dns"].state is State.OK
    assert "127.0.0.1" in readings["web.dns"].detail


async def test_a_name_that_resolves_elsewhere_than_the_plan_says_is_bad():
    readings = await ask(tls=False, addresses=("192.0.2.7",))
    assert readings["web.dns"].state is State.BAD
    assert "127.0.0.1" in readings["web.dns"].detail
    assert "which the plan does not name" in readings["web"].detail


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 64 + ".example", "a..b"])
async def test_a_name_that_is_none_is_never_well(host):
    readings = await ask(host=host, timeout_s=5.0)
    assert readings["web.dns"].state is not State.OK
    assert readings["web.dns"].detail
    assert readings["web.tls"].state is not State.OK


async def test_what_hangs_refuses_or_speaks_no_tls_leaves_the_certificate_unproved():
    async with silent() as port:
        hung = await ask(port=port, timeout_s=0.3)
    refused = await ask(port=port, timeout_s=0.3)
    async with serving(slam) as server:
        slammed = await ask(port=int(server.url.rpartition(":")[2]))
    assert hung["web.tls"].detail.endswith("no handshake within 0.27 s")
    assert refused["web.tls"].detail.endswith(f"no connection to localhost:{port}: it was refused")
    assert {r["web.tls"].state for r in (hung, refused)} == {State.UNKNOWN}
    assert slammed["web.tls"].state is not State.OK


async def test_the_steps_say_what_was_sent_and_got(tmp_path):
    async with serving_tls(tmp_path, "localhost", not_after=END) as (port, authority):
        readings = await ask(port=port, ca_file=authority)
    result = decode_result(readings["web"].body)
    assert result is not None
    assert [step.sent for step in result.steps] == ["resolve localhost", f"TLS handshake with localhost:{port}"]
    assert result.steps[1].got == "valid until Jan  1 00:00:00 2099 GMT"


async def test_an_authority_that_cannot_be_read_is_told_with_its_place(tmp_path):
    with pytest.raises(CredentialMissing, match=r"authority's file missing\.pem cannot be read: No such file"):
        await build(HostSource(host="localhost", ca_file="missing.pem"), errand_of("web", directory=tmp_path)).ask()
    for text in ("nothing", ""):  # for nothing, ssl would take the system's
        (tmp_path / "none.pem").write_text(text, encoding="utf-8")
        with pytest.raises(CredentialMissing, match="holds no certificate"):
            await build(HostSource(host="localhost", ca_file="none.pem"), errand_of("web", directory=tmp_path)).ask()


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ({"host": "https://app.example.com"}, "host"),
        ({"host": "a", "port": 0}, "port"),
        ({"host": "a", "addresses": ("app",)}, "addresses"),
        ({"host": "a", "certificate_soon_days": 1}, "certificate_soon_days"),
    ],
)
def test_a_host_that_is_none_is_a_fault_of_the_plan(words, key):
    assert [where for where, _ in HostSource(**words).faults()] == [key]
