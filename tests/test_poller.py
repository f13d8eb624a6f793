"""A poller: its rhythm, its backoff, its walls, and what it tells of itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import msgspec
import pytest

from loom_tui.collector.backoff import delay_s
from loom_tui.collector.poller import Poller
from loom_tui.plan.sources.http import HttpSource
from loom_tui.room.signals import PollerReport, Reading, State
from loom_tui.sources.base import Asker, SourceLimited, SourceRefused, SourceTimeout

NOW = 100.0


@pytest.mark.parametrize(
    ("failures", "rest_s", "low", "high"),
    [
        (0, 0, 9, 11),
        (1, 0, 18, 22),
        (2, 0, 31, 39),  # 40 s are capped at the 35 that a reading stays fresh
        (500, 0, 31, 39),
        (0, 42, 42, 42),  # a rest that was asked for is never undercut
        (9, 900, 900, 900),
    ],
)
def test_a_poller_waits_longer_after_each_failure_but_not_past_its_freshness(failures, rest_s, low, high):
    waits = waits_of(10, failures=failures, fresh_for_s=35, rest_s=rest_s)
    assert low <= min(waits) <= max(waits) <= high


def test_a_service_asked_each_15_seconds_is_seen_again_within_about_a_minute_of_recovering():
    source = HttpSource(url="http://app.example")
    for failures in range(1, 100):
        waits = waits_of(source.interval_s, failures=failures, fresh_for_s=source.fresh_for_s)
        assert source.interval_s < min(waits), "who struggles is asked less than before"
        assert max(waits) <= 1.1 * source.fresh_for_s


def test_an_hourly_check_that_failed_is_tried_again_within_a_minute_and_then_less_and_less():
    waits = [waits_of(3600, failures=failures, fresh_for_s=10_810)[5] for failures in range(1, 10)]
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_a_long_ttl_does_not_hide_a_recovered_service_for_more_than_five_minutes():
    assert max(waits_of(15, failures=50, fresh_for_s=86_400)) <= 330


def test_an_answer_that_tells_too_little_is_never_asked_for_less_often_than_its_interval():
    for failures in range(1, 50):
        assert max(waits_of(60, failures=failures, fresh_for_s=190, answered=True)) <= 66


def waits_of(
    interval_s: float, *, failures: int, fresh_for_s: float, rest_s: float = 0, answered: bool = False
) -> list[float]:
    return [
        delay_s(
            interval_s,
            failures=failures,
            fresh_for_s=fresh_for_s,
            rest_s=rest_s,
            chance=chance / 10,
            answered=answered,
        )
        for chance in range(10)
    ]


class Scripted(Asker):
    """An asker that does as it is told: gives readings, or raises."""

    def __init__(self, *script: Exception | Sequence[Reading]) -> None:
        self.script = list(script)
        self.closed = False

    async def ask(self) -> Sequence[Reading]:
        step = self.script.pop(0) if self.script else ()
        if isinstance(step, Exception):
            raise step
        return step

    async def close(self) -> None:
        self.closed = True


def poller_of(make: Callable[[Callable[[str], None]], Asker], kept: list[Reading], **more: Any) -> Poller:
    """Make a poller that would wait for days until it is nudged."""
    told: dict[str, Any] = {"interval_s": 1e6, "fresh_for_s": 3e6, **more}
    return Poller(
        "app",
        make,
        environment="production",
        release="v1.7.0",
        keep=kept.extend,
        clock=lambda: NOW,
        random=Random(1),
        **told,
    )


@asynccontextmanager
async def running(poller: Poller) -> AsyncIterator[None]:
    task = asyncio.create_task(poller.run())
    try:
        async with asyncio.timeout(5):
            yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def told(asker: Scripted, polls: int) -> list[Reading]:
    kept: list[Reading] = []
    poller = poller_of(lambda _: asker, kept)
    async with running(poller):
        for poll in range(1, polls + 1):
            while sum(reading.signal == "feed.app" for reading in kept) < poll:
                await asyncio.sleep(0)
            poller.nudge()
    assert asker.closed
    return kept


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SourceTimeout("app did not answer within 5 s"), "app did not answer within 5 s"),
        (SourceLimited("come back", retry_after_s=9), "come back"),
        (KeyError("planted-4711"), "Loom failed while it asked app (KeyError)"),
    ],
)
async def test_a_source_that_fails_is_unknown_with_the_reason_and_asked_again(error, words):
    kept = await told(Scripted(error, [Reading(signal="app", observed_at=NOW)]), 2)
    checks = [(reading.state, reading.detail) for reading in kept if reading.signal == "app"]
    assert checks == [(State.UNKNOWN, words), (State.OK, "")]
    assert (kept[0].environment, kept[0].release) == ("production", "v1.7.0"), (
        "or the gate asks for another environment's"
    )
    feeds = [reading for reading in kept if reading.signal == "feed.app"]
    assert [feed.state for feed in feeds] == [State.BAD, State.OK]
    assert b"planted-4711" not in b"".join(feed.body for feed in feeds)


async def test_a_rest_that_was_asked_for_is_kept_also_where_something_else_went_wrong_then():
    class Limited(Scripted):
        def rest_s(self) -> float:
            return 600.0

    broken = Limited(SourceTimeout("app did not answer within 5 s"))
    poller = poller_of(lambda _: broken, [], interval_s=15, fresh_for_s=50)
    assert await poller.once() == 600


async def test_an_answer_that_leaves_the_check_unknown_counts_as_a_failure_until_it_is_known():
    reading = Reading(signal="app", observed_at=NOW, state=State.UNKNOWN, detail="no handshake within 10 s")
    asker = Scripted([reading], [reading], [Reading(signal="app", observed_at=NOW)])
    poller = poller_of(lambda _: asker, [], interval_s=3600, fresh_for_s=9e3)
    told = []
    for _ in range(3):
        await poller.once()
        told.append((poller.report.failures, poller.report.why))
    assert told == [(1, "no handshake within 10 s"), (2, "no handshake within 10 s"), (0, "")]


async def test_a_long_run_tells_how_far_it_has_come_and_forgets_it_at_its_end():
    kept: list[Reading] = []
    go_on = asyncio.Event()

    class Slow(Scripted):
        def __init__(self, tell: Callable[[str], None]) -> None:
            super().__init__()
            self.tell = tell

        async def ask(self) -> Sequence[Reading]:
            self.tell("312 of 1,500 files")
            await go_on.wait()
            return ()

    poller = poller_of(Slow, kept, interval_s=0)
    poller.nudge()

    def report() -> PollerReport:
        return msgspec.json.decode(kept[-1].body, type=PollerReport) if kept else PollerReport()

    async with running(poller):
        while report().progress != "312 of 1,500 files":
            await asyncio.sleep(0)
        assert report().asking_since == NOW
        go_on.set()
        while report().asking_since is not None:
            await asyncio.sleep(0)
    assert (report().progress, report().last_success_at) == ("", NOW)


async def test_a_refused_credential_is_looked_for_anew_at_the_next_try():
    made: list[Scripted] = []

    def make(_: Callable[[str], None]) -> Scripted:
        made.append(Scripted(SourceRefused("the token was revoked")) if not made else Scripted())
        return made[-1]

    kept: list[Reading] = []
    poller = poller_of(make, kept)
    async with running(poller):
        while len(kept) < 2:
            await asyncio.sleep(0)
        poller.nudge()
        while len(made) < 2:
            await asyncio.sleep(0)
    assert made[0].closed


async def test_a_source_that_forgets_its_own_deadline_is_ended_at_the_wall_and_asked_again():
    class Stuck(Scripted):
        async def ask(self) -> Sequence[Reading]:
            await asyncio.Event().wait()
            return ()

    made: list[Stuck] = []

    def make(_: Callable[[str], None]) -> Stuck:
        made.append(Stuck())
        return made[-1]

    kept: list[Reading] = []
    poller = poller_of(make, kept, wall_s=0.05)
    async with asyncio.timeout(5):
        await poller.once()
        await poller.once()
    await poller.close()
    assert [asker.closed for asker in made] == [True, True]
    assert {reading.detail for reading in kept} == {"app did not come to an end within 0.05 s"}
    assert (poller.report.failures, type(poller.error)) == (2, SourceTimeout)
