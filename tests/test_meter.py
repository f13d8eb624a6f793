"""What asking costs is counted where it is sent, for whichever source asks."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email.utils import format_datetime
from random import Random

import pytest

from loom_tui.collector.poller import Poller
from loom_tui.plan.sources.http import HttpSource
from loom_tui.room.signals import Health
from loom_tui.sources.build import build
from loom_tui.sources.meter import Meter, counting, meter
from loom_tui.sources.web import Web
from tests.errands import errand_of
from tests.servers import answer, hang, serving

NOW = 1_762_862_400.0


class Watch:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def test_calls_and_bytes_are_those_of_the_last_hour():
    clock = Watch()
    counted = Meter(clock)
    counted.called(size_bytes=100)
    clock.now += 30 * 60
    counted.called(2, size_bytes=50)
    assert counted.health() == Health(calls=3, size_bytes=150)
    clock.now += 31 * 60
    assert counted.health() == Health(calls=2, size_bytes=50)
    clock.now += 3600
    assert counted.health() == Health()


@pytest.mark.parametrize(
    ("headers", "left"),
    [
        ({"x-ratelimit-remaining": "37", "x-ratelimit-limit": "60", "x-ratelimit-reset": str(int(NOW) + 90)}, (37, 60)),
        ({"x-sentry-rate-limit-remaining": "37", "x-sentry-rate-limit-limit": "60"}, (37, 60)),
        ({"ratelimit-remaining": "37", "ratelimit-reset": "90"}, (37, None)),
        ({"x-ratelimit-remaining": "many"}, (None, None)),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-limit": "sixty"}, (0, None)),
        ({}, (None, None)),
    ],
)
def test_the_other_side_s_limit_is_read_as_each_writes_it(headers, left):
    counted = Meter(Watch())
    counted.heard(headers)
    health = counted.health()
    assert (health.remaining, health.limit) == left
    assert health.resets_at in (None, NOW + 90)


def test_a_limit_that_was_reset_since_says_nothing_any_more():
    clock = Watch()
    counted = Meter(clock)
    counted.heard({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW) + 90)})
    assert counted.health().remaining == 0
    clock.now += 90
    assert counted.health() == Health()


@pytest.mark.parametrize(
    ("headers", "skew_s"),
    [
        ({"date": format_datetime(datetime.fromtimestamp(NOW + 30, UTC), usegmt=True)}, 30.5),
        ({"date": format_datetime(datetime.fromtimestamp(NOW - 600, UTC), usegmt=True), "age": "600"}, None),
        ({"date": "yesterday"}, None),
        ({"date": "Tue, 99 Nov 2025 12:00:00 GMT"}, None),
        ({}, None),
    ],
)
def test_the_other_side_s_clock_is_compared_unless_a_cache_answered(headers, skew_s):
    counted = Meter(Watch())
    counted.heard(headers)
    assert counted.health().skew_s == skew_s


async def test_redirects_and_requests_that_are_never_answered_count_and_only_for_their_own_source():
    async with serving(answer(b"x" * 1000)) as well, serving(hang) as silent:
        clock = Watch()
        kept: list[object] = []

        def poller_of(name: str, url: str, *, timeout_s: float) -> Poller:
            source = HttpSource(url=url, timeout_s=timeout_s)
            return Poller(
                name,
                lambda _: build(source, errand_of(name)),
                environment="production",
                release="v1.7.0",
                interval_s=10,
                fresh_for_s=35,
                keep=kept.extend,
                clock=clock,
                random=Random(1),
            )

        pollers = [poller_of("app", well.url, timeout_s=10), poller_of("web", silent.url, timeout_s=0.2)]
        try:
            await asyncio.gather(*(poller.once() for poller in (*pollers, pollers[0])))
        finally:
            for poller in pollers:
                await poller.close()
    assert [(each.report.health.calls, each.report.health.size_bytes) for each in pollers] == [(2, 2000), (1, 0)]
    assert pollers[1].report.why == "web did not answer within 0.18 s"


async def test_each_redirect_is_a_call_and_an_answer_that_is_cut_off_counts_what_came():
    counted = Meter(Watch())

    async def handle(head: str, writer: asyncio.StreamWriter) -> None:
        if head.startswith("GET /old"):
            await answer(b"", status="302 Found", headers="location: /new\r\n")(head, writer)
        else:
            await answer(b"{}", headers="x-ratelimit-remaining: 7\r\n")(head, writer)

    async with serving(handle) as server:
        web = Web("app", timeout_s=5)
        with counting(counted):
            await web.get(f"{server.url}/old")
        await web.close()
    assert counted.health() == Health(calls=2, size_bytes=2, remaining=7)
    assert meter().health() == Health()
