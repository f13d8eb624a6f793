"""The collector: one a room, each source behind its own wall, taken over when it dies."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Self

import psutil

from loom_tui.collector import supervisor
from loom_tui.collector.supervisor import Collector
from loom_tui.config.plans import PlanFile
from loom_tui.plan.model import About, Plan
from loom_tui.plan.sources.base import Secret
from loom_tui.plan.sources.http import HttpSource
from loom_tui.plan.toml import dump_plan
from loom_tui.room.mail import decode_reply
from loom_tui.room.presence import Seat, Terminal
from loom_tui.room.signals import Health, PollerReport, State, decode_report
from loom_tui.session import RoomPlace, Session
from loom_tui.spawn import Spawner
from loom_tui.store.base import Store
from loom_tui.store.sqlite import open_store
from tests.servers import answer, closed, hang, serving, slam

HERE = Path(__file__).resolve().parent.parent


def plan_of(**sources: HttpSource) -> Plan:
    return Plan(plan=About(title="t", id="t"), sources=dict(sources))


def written(directory: Path, plan: Plan) -> Path:
    path = directory / "loom.toml"
    path.write_text(dump_plan(plan), encoding="utf-8")
    return path


class Running:
    """A collector in this process, over a real store."""

    def __init__(self, directory: Path, plan: Plan, *, idle_exit_s: float | None = None) -> None:
        self.path = written(directory, plan)
        self.store: Store = open_store(directory / "state", plan_id="t")
        self.stop = asyncio.Event()
        file = PlanFile(self.path)
        self.collector = Collector(
            file,
            file.read(),
            open_store(directory / "state", plan_id="t"),
            holder="test",
            environ={},
            clock=time.time,
            stop=self.stop,
            idle_exit_s=idle_exit_s,
        )
        self.task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.task = asyncio.create_task(self.collector.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop.set()
        assert self.task is not None
        await asyncio.wait_for(self.task, 5)
        self.collector._store.close()
        self.store.close()

    def room(self, *, at: float) -> Session:
        """Open a room on it, whose clock stands."""
        file = PlanFile(self.path)
        return Session(
            RoomPlace(
                plan=file.read(),
                plan_file=file,
                open_store=lambda _: open_store(self.path.parent / "state", plan_id="t"),
                actor="ana",
                read_only=True,
                clock=lambda: at,
            )
        )

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(15):
            while not holds():
                await asyncio.sleep(0.01)

    def state(self, signal: str) -> State | None:
        stored = self.store.latest().get(signal)
        return stored.reading.state if stored is not None else None


async def test_a_source_that_hangs_stops_no_other(tmp_path):
    async with serving(hang) as silent, serving(answer(b"{}")) as well:
        plan = plan_of(
            slow=HttpSource(url=silent.url, timeout_s=30, interval_s=0.05),
            quick=HttpSource(url=well.url, timeout_s=5, interval_s=0.05),
        )
        async with Running(tmp_path, plan) as running:
            await running.until(lambda: len(well.requests) > 5)
            await running.until(lambda: running.state("quick") is State.OK)
            assert running.state("slow") is None


async def test_a_feed_that_fails_or_comes_back_is_in_a_room_at_once_and_waits_for_no_tick(tmp_path, monkeypatch):
    """No tick comes: the collector would flush in an hour, and the room's clock stands, so that no reading is due."""
    monkeypatch.setattr(supervisor, "FLUSH_EVERY_S", 3600.0)
    looked, well = asyncio.Event(), asyncio.Event()

    async def moody(head: str, writer: asyncio.StreamWriter) -> None:
        await looked.wait()  # what a room finds when it opens would not be news to it
        await (answer(b"{}") if well.is_set() else slam)(head, writer)

    async with serving(moody) as server:
        plan = plan_of(app=HttpSource(url=server.url, timeout_s=60, interval_s=0.05))
        async with Running(tmp_path, plan) as running:
            await running.until(lambda: running.store.lease("collector") is not None)
            with closing(running.room(at=time.time())) as room:
                assert room.look() is not None
                looked.set()

                def shown() -> tuple[bool, str, State] | None:
                    snapshot = room.look()
                    if snapshot is None:
                        return None
                    return snapshot.feeds[0].live, snapshot.feeds[0].why, snapshot.signals["app"].state

                broke_off = "app broke off in the middle of its answer"
                await running.until(lambda: shown() == (False, broke_off, State.UNKNOWN))
                well.set()
                await running.until(lambda: shown() == (True, "", State.OK))


async def test_a_credential_that_is_missing_is_told_in_its_feed_and_looked_for_again(tmp_path):
    async with serving(answer(b"{}")) as server:
        headers = {"authorization": Secret(env="LOOM_NOT_SET")}
        source = HttpSource(url=server.url, interval_s=0.05, headers=headers)
        async with Running(tmp_path, plan_of(app=source)) as running:
            await running.until(lambda: running.state("app") is State.UNKNOWN)
            assert "LOOM_NOT_SET" in running.store.latest()["feed.app"].reading.detail


async def test_a_request_has_its_source_asked_at_once_and_is_answered(tmp_path):
    async with serving(answer(b"{}")) as server:
        plan = plan_of(app=HttpSource(url=server.url, interval_s=3600))
        async with Running(tmp_path, plan) as running:
            await running.until(lambda: len(server.requests) == 1)
            known = running.store.ask("poll", "app", asked_by="ana", at=time.time())
            unknown = running.store.ask("poll", "nothing", asked_by="ana", at=time.time())
            await running.until(lambda: len(server.requests) == 2)
            await running.until(lambda: all(r.answered_at for r in running.store.requests()))
            replies = {request.id: decode_reply(request.answer) for request in running.store.requests()}
            assert replies[known].why == ""
            assert replies[unknown].why == "The plan has no source 'nothing'"


async def test_a_question_that_a_source_cannot_answer_is_told_as_that(tmp_path):
    async with (
        serving(answer(b"{}")) as server,
        Running(tmp_path, plan_of(app=HttpSource(url=server.url, interval_s=3600))) as running,
    ):
        await running.until(lambda: len(server.requests) == 1)
        running.store.ask("event", "app 4711", asked_by="ana", at=time.time())
        await running.until(lambda: all(r.answered_at for r in running.store.requests()))
        (request,) = running.store.requests()
        assert decode_reply(request.answer).why == "There is no event of 4711 to be had here"


async def test_what_is_asked_on_demand_only_waits_for_a_request(tmp_path):
    async with serving(answer(b"{}")) as regular, serving(answer(b"{}")) as manual:
        plan = plan_of(
            often=HttpSource(url=regular.url, interval_s=0.05), by_hand=HttpSource(url=manual.url, interval_s=0)
        )
        async with Running(tmp_path, plan) as running:
            await running.until(lambda: len(regular.requests) > 5)
            assert manual.requests == []
            running.store.ask("poll", "by_hand", asked_by="ana", at=time.time())
            await running.until(lambda: running.state("by_hand") is State.OK)
            assert len(manual.requests) == 1


async def test_a_feed_tells_what_asking_it_cost(tmp_path):
    limit = "x-ratelimit-remaining: 37\r\nx-ratelimit-limit: 60\r\n"
    async with (
        serving(answer(b"{}", headers=limit)) as server,
        Running(tmp_path, plan_of(app=HttpSource(url=server.url, interval_s=0.05))) as running,
    ):

        def health() -> Health:
            stored = running.store.latest().get("feed.app")
            return (decode_report(stored.reading if stored else None) or PollerReport()).health

        await running.until(lambda: health().calls >= 3)
        told = health()
        assert told.size_bytes == 2 * told.calls
        assert (told.remaining, told.limit) == (37, 60)


async def test_an_edited_plan_is_taken_over_and_a_broken_one_is_not(tmp_path):
    async with (
        serving(answer(b"{}")) as one,
        serving(answer(b"{}")) as two,
        Running(tmp_path, plan_of(app=HttpSource(url=one.url, interval_s=0.05))) as running,
    ):
        await running.until(lambda: len(one.requests) > 0)
        running.path.write_text("[plan", encoding="utf-8")
        seen = len(one.requests)
        await running.until(lambda: len(one.requests) > seen + 8)
        written(tmp_path, plan_of(web=HttpSource(url=two.url, interval_s=0.05)))
        await running.until(lambda: running.state("web") is State.OK)


async def test_a_source_that_fails_after_an_edit_of_the_plan_is_known_to_have_answered_before(tmp_path):
    def report() -> PollerReport:
        stored = running.store.latest().get("feed.app")
        return decode_report(stored.reading if stored else None) or PollerReport()

    async with (
        serving(answer(b"{}")) as server,
        Running(tmp_path, plan_of(app=HttpSource(url=server.url, interval_s=0.05))) as running,
    ):
        await running.until(lambda: report().last_success_at is not None)
        with closed() as port:
            written(tmp_path, plan_of(app=HttpSource(url=f"http://127.0.0.1:{port}", interval_s=0.05)))
            await running.until(lambda: report().failures > 0)
            assert report().last_success_at is not None


async def test_a_collector_stands_by_while_another_holds_the_lease_and_takes_over_when_it_is_free(tmp_path):
    async with serving(answer(b"{}")) as server:
        plan = plan_of(app=HttpSource(url=server.url, interval_s=0.05))
        first = open_store(tmp_path / "state", plan_id="t")
        lease = first.acquire("collector", holder="other", ttl_s=60, now=time.time())
        assert lease is not None
        async with Running(tmp_path, plan) as running:
            assert server.requests == []
            first.release(lease)
            await running.until(lambda: running.state("app") is State.OK)
        first.close()


async def test_it_leaves_some_time_after_the_last_room_and_stays_while_one_looks(tmp_path):
    running = Running(tmp_path, plan_of(), idle_exit_s=0.2)
    until = time.time() + 10
    seat = Seat(room="1", login="ana", terminal=Terminal(), screen="1", since=time.time(), until=until)
    running.store.take_seat(seat)
    async with running:
        await running.until(lambda: running.store.lease("collector") is not None)
        assert running.task is not None
        done, _ = await asyncio.wait({running.task}, timeout=1.5)
        assert not done
        running.store.leave_seat("1")
        await asyncio.wait_for(asyncio.shield(running.task), 10)


def watch(plan: Path, directory: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        (sys.executable, "-m", "loom_tui", "watch", str(plan), "--store", str(directory / "state")),
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(HERE)},
        stderr=subprocess.PIPE,
    )


def wait_until(holds: Callable[[], bool], *, timeout_s: float = 20.0) -> float:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < timeout_s
        time.sleep(0.01)  # polling another process's store: there is nothing to be woken by
    return time.monotonic() - began


def test_after_a_kill_another_takes_over_within_five_seconds_with_a_new_epoch(tmp_path):
    plan = written(tmp_path, plan_of())
    store = open_store(tmp_path / "state", plan_id="t")

    def holder() -> str:
        lease = store.lease("collector")
        return lease.holder.partition("@")[0] if lease is not None and time.time() < lease.until else ""

    first = watch(plan, tmp_path)
    second = None
    try:
        wait_until(lambda: holder() == str(first.pid))
        before = store.lease("collector")
        second = watch(plan, tmp_path)
        log = next((tmp_path / "state").rglob("collector.log"))
        assert log.stat().st_mode & 0o077 == 0
        wait_until(lambda: str(second.pid) in _running(second))
        first.send_signal(signal.SIGKILL)
        first.wait(timeout=10)
        took = wait_until(lambda: holder() == str(second.pid))
        after = store.lease("collector")
        assert before is not None
        assert after is not None
        assert after.epoch > before.epoch
        assert took <= 5.0 + 2.0  # the second one's own start may fall into it
        second.send_signal(signal.SIGTERM)
        assert second.wait(timeout=10) == 0
        assert not holder()
        assert second.stderr is not None
        assert second.stderr.read() == b""
    finally:
        for process in filter(None, (first, second)):
            process.kill()
            process.wait()
            if process.stderr is not None:
                process.stderr.close()
        store.close()


def _running(process: subprocess.Popen[bytes]) -> str:
    return str(process.pid) if process.poll() is None else ""


@contextmanager
def spawned(directory: Path) -> Iterator[int]:
    """Start a collector as a room does, and give its process once it collects; it is asked to end."""
    plan = written(directory, plan_of())
    with closing(open_store(directory / "state", plan_id="t")) as store:

        def holds() -> bool:
            lease = store.lease("collector")
            return lease is not None and time.time() < lease.until

        assert Spawner(directory / "state", directory / "err").start(plan) == ""
        wait_until(holds)
        lease = store.lease("collector")
        assert lease is not None
        pid = int(lease.holder.partition("@")[0])
        try:
            yield pid
        finally:
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not holds())


def test_a_spawned_collector_outlives_its_parent_s_session(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    with spawned(tmp_path) as pid:
        assert os.getsid(pid) == pid != os.getsid(0)


def test_a_collector_that_cannot_be_started_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    assert "loom watch" in Spawner(tmp_path, tmp_path / "err").start(tmp_path / "loom.toml")


def collectors_of(plan: Path) -> list[psutil.Process]:
    """Find the collectors of a plan among this process's children; one that ended is none."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # a zombie, or gone meanwhile
            if str(plan) in child.cmdline():
                found.append(child)
    return found


def test_no_second_collector_is_started_while_the_first_lives(tmp_path, monkeypatch):
    """One that cannot take the lease stands by: on a full disk a room once started six of them in a minute."""
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    plan = written(tmp_path, plan_of())
    store = open_store(tmp_path / "state", plan_id="t")
    spawner = Spawner(tmp_path / "state", tmp_path / "err")
    try:
        lease = store.acquire("collector", holder="somebody", ttl_s=600, now=time.time())
        assert lease is not None
        assert [spawner.start(plan) for _ in range(3)] == ["", "", ""]
        assert len(collectors_of(plan)) == 1
    finally:
        for child in collectors_of(plan):
            child.kill()
            child.wait(timeout=10)
        store.close()


def test_what_a_collector_died_of_is_told_and_kept_from_others(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    plan = tmp_path / "loom.toml"
    plan.write_text("[plan]\n", encoding="utf-8")  # without a title
    spawner = Spawner(tmp_path / "state", tmp_path / "err")
    assert spawner.start(plan) == ""
    told = ""

    def ended() -> bool:
        nonlocal told
        told = spawner.start(plan)
        return bool(told)

    wait_until(ended)
    assert "title" in told
    assert f"loom watch {plan}" in told
    assert stat.S_IMODE((tmp_path / "err").stat().st_mode) == 0o600


def test_nothing_in_the_directory_that_one_stands_in_is_run(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for name in ("httpx.py", "asyncio.py", "loom_tui.py"):
        Path(name).write_text(f"open({str(tmp_path / 'planted')!r}, 'w').close()\n", encoding="utf-8")
    with spawned(tmp_path):
        assert not (tmp_path / "planted").exists()
