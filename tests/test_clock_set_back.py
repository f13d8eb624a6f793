"""A clock that is set back in the middle: the dead are not taken for living, and nothing waits for it to come round."""

from __future__ import annotations

import asyncio
import time
from itertools import count
from pathlib import Path

import pytest

from loom_tui.gathering import collector_view
from loom_tui.room.alive import is_alive
from loom_tui.room.guard import ActionState as S
from loom_tui.room.guarded import Approve
from loom_tui.runner.record import Record
from loom_tui.runner.runner import Place, Runner
from tests.guards import Stage
from tests.running import World, action, writes

HOUR = 3600.0


def test_a_word_counts_while_it_holds_and_not_where_it_comes_from_the_future():
    assert is_alive(8.0, ttl_s=8.0, now=0.0)
    assert not is_alive(8.0, ttl_s=8.0, now=8.0)
    assert is_alive(12.0, ttl_s=8.0, now=0.0), "a small step of the clock"
    assert not is_alive(HOUR, ttl_s=8.0, now=0.0)


def test_a_killed_runner_is_interrupted_also_where_the_clock_was_set_back_after_it():
    stage = Stage()
    killed = stage.begun(step=0)
    assert stage.state(killed) is S.RUNNING
    stage.now -= HOUR
    assert stage.state(killed) is S.INTERRUPTED
    stage.alive(killed)
    assert stage.state(killed) is S.RUNNING, "one that lives says so at once"


def test_a_dead_collector_is_not_taken_for_living_so_that_another_is_started(tmp_path: Path):
    world = World(tmp_path / "room", rollback=action(writes("one")))
    try:
        now = time.time()
        world.store.release(world.lease)
        lease = world.store.acquire("collector", holder="a collector", ttl_s=4, now=now)
        assert lease is not None
        assert collector_view(world.store, now=now).alive
        assert not collector_view(world.store, now=now - HOUR).alive
        world.store.renew(lease, ttl_s=4, now=now - HOUR)
        assert collector_view(world.store, now=now - HOUR).alive
    finally:
        world.close()


@pytest.mark.parametrize("back_s", [0.0, HOUR])
async def test_a_countdown_is_no_longer_for_a_clock_that_is_set_back_in_it(tmp_path: Path, back_s: float):
    world = World(tmp_path / "room", rollback=action(writes("one")))
    try:
        began = time.time()
        told = iter([began])  # when the wait begins; all later looks come after the clock was set back

        def clock() -> float:
            return next(told, time.time() - back_s)

        record = Record(world.store, world.arm(), run="r", actor="ana", clock=clock)
        async with asyncio.timeout(10):
            assert await record.until(lambda _: False, deadline=began + 0.3) is None
    finally:
        world.close()


async def test_a_verification_is_no_longer_for_a_clock_that_is_set_back_in_it(tmp_path: Path):
    world = World(tmp_path / "room", rollback=action(writes("one"), verify_s=1.0))
    try:
        number = world.arm()
        world.do("bo", Approve(number))

        looks = count()  # since it verifies; the first ones say until when

        def clock() -> float:
            verifies = "VerificationStarted" in world.kinds()
            return time.time() - (HOUR if verifies and next(looks) > 20 else 0)

        place = Place(
            store=world.store,
            directory=world.directory,
            environ={},
            clock=clock,
            actor="ana",
            start_collector=lambda: "",
        )
        async with asyncio.timeout(20):
            assert await Runner(place, number).run() is S.DONE_UNVERIFIED
    finally:
        world.close()
