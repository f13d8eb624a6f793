"""On the worst day everything that can be asked is in trouble at once: each panel says so, and none tells a secret.

One collector, a process of its own, asks every kind of source on every kind of bad day (tests/misfortunes.py), and
one service that is well. What it wrote is read once; each test speaks of one pair.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from asyncio.subprocess import PIPE, STDOUT
from base64 import b64encode
from contextlib import AsyncExitStack
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace

from loom_tui.plan.model import About, Plan
from loom_tui.plan.signals import asked_of
from loom_tui.plan.sources import Source
from loom_tui.plan.sources.base import Asked
from loom_tui.plan.sources.errors import RoundTrip
from loom_tui.plan.sources.http import HttpSource
from loom_tui.plan.steps import Step
from loom_tui.plan.toml import dump_plan
from loom_tui.plan.workflows import Workflow, slug
from loom_tui.room.signals import PollerReport, Reading, State
from loom_tui.store.base import Store
from loom_tui.store.sqlite import open_store
from tests.bad_databases import strings
from tests.bad_days import SECRET
from tests.bad_places import GIT_SECRET
from tests.misfortunes import MISFORTUNES, ROWS, Case
from tests.servers import answer, serving

pytestmark = pytest.mark.xdist_group("misfortunes")  # they share one collector
HERE = Path(__file__).resolve().parent.parent
WITHIN_S = 150.0  # for two hundred sources of which the slowest has ten seconds: the machine may be busy
PAIRS = [(kind, name) for kind, row in ROWS.items() for name in row.cases]


class Told(Struct, frozen=True):
    """What a room would know of one source on its bad day."""

    case: Case
    reading: Reading
    report: PollerReport


class Day(Struct, frozen=True):
    """What came of the worst day: of each pair, of the one that was well, and every byte that was written."""

    told: dict[tuple[str, str], Told]
    well: PollerReport
    written: dict[str, bytes]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return asyncio.run(worst_day(tmp_path_factory.mktemp("day")))


async def worst_day(place: Path) -> Day:
    """Have everything go wrong at once, and a collector ask all of it."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(strings(place, SECRET))
        cases: dict[tuple[str, str], Case] = {}
        for kind, row in ROWS.items():
            of_kind = place / slug(kind)
            of_kind.mkdir()
            made = await stack.enter_async_context(row.made(of_kind))
            cases |= {(kind, name): case for name, case in made.items()}
        well = await stack.enter_async_context(serving(answer(b"{}")))
        sources = {slug(" ".join(pair)): case.asked for pair, case in cases.items()}
        plan = Plan(
            plan=About(title="t", id="t", environment="staging", release="v2", last_stable="v1"),
            sources={
                **{name: _seldom(asked) for name, asked in sources.items() if not isinstance(asked, Workflow)},
                "well": HttpSource(url=well.url, interval_s=0.2),
            },
            workflows=tuple(
                replace(asked, name=name, id=name) for name, asked in sources.items() if isinstance(asked, Workflow)
            ),
        )
        (place / "loom.toml").write_text(dump_plan(plan), encoding="utf-8")
        store = open_store(place / "state", plan_id="t")
        stack.callback(store.close)
        feeds, well_report = await asked(place, plan, store)
        latest = store.latest()
    told = {}
    for pair, case in cases.items():
        name = slug(" ".join(pair))
        feed = f"workflow.{name}" if isinstance(case.asked, Workflow) else name
        feed += ROWS[pair[0]].suffix if ROWS[pair[0]].of is RoundTrip else ""
        signal = feed if ROWS[pair[0]].of is RoundTrip else f"{feed}{ROWS[pair[0]].suffix}"
        told[pair] = Told(case, latest[signal].reading if signal in latest else latest[feed].reading, feeds[feed])
    written = {str(path): path.read_bytes() for path in (place / "state").rglob("*") if path.is_file()}
    written |= {name: (place / name).read_bytes() for name in ("out", "err", "status", "status.json")}
    return Day(told, well_report, written)


def _seldom(asked: Asked) -> Source:
    assert isinstance(asked, Source)
    return replace(asked, interval_s=3600.0 if asked.interval_s else 0.0)


async def asked(place: Path, plan: Plan, store: Store) -> tuple[dict[str, PollerReport], PollerReport]:
    """Run the collector until each source was asked once, and the one that is well is so after that."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(HERE), "HOME": str(place), "PLANTED": SECRET}
    words = (sys.executable, "-m", "loom_tui")
    rest = ("loom.toml", "--store", "state")
    with (place / "out").open("wb") as out, (place / "err").open("wb") as err:
        watch = await asyncio.create_subprocess_exec(
            *words, "watch", *rest, cwd=place, env=environ, stdout=out, stderr=err
        )  # fmt: skip
        try:
            async with asyncio.timeout(WITHIN_S):
                feeds = await _all_asked(plan, store, watch)
                since = time.time()
                while (_reports(store)["well"].last_success_at or 0.0) < since:
                    await asyncio.sleep(0.05)
                well = _reports(store)["well"]
            for file, more in (("status", ()), ("status.json", ("--json",))):
                done = await asyncio.create_subprocess_exec(
                    *words, "status", *rest, *more, cwd=place, env=environ, stdout=PIPE, stderr=STDOUT
                )  # fmt: skip
                (place / file).write_bytes((await done.communicate())[0])
        finally:
            watch.terminate()
            await asyncio.wait_for(watch.wait(), 60)
    return feeds, well


async def _all_asked(plan: Plan, store: Store, watch: asyncio.subprocess.Process) -> dict[str, PollerReport]:
    """Ask for what is asked on demand only, and wait until the first try of every source is over."""
    wanted = asked_of(plan)
    while store.lease("collector") is None:
        assert watch.returncode is None
        await asyncio.sleep(0.02)
    on_demand = {name for name, source in wanted.items() if not source.interval_s}
    for name in on_demand:
        store.ask("poll", name, asked_by="qa", at=time.time())
    while True:
        answered = {request.subject for request in store.requests() if request.answered_at is not None}
        reports = _reports(store)
        if on_demand <= answered and all(name in reports and _tried(reports[name]) for name in wanted):
            return reports
        await asyncio.sleep(0.1)


def _reports(store: Store) -> dict[str, PollerReport]:
    return {
        name.removeprefix("feed."): msgspec.json.decode(stored.reading.body, type=PollerReport)
        for name, stored in store.latest().items()
        if name.startswith("feed.")
    }


def _tried(report: PollerReport) -> bool:
    return bool(report.failures) or report.last_success_at is not None


def test_every_kind_that_can_be_asked_has_its_row():
    assert {row.of for row in ROWS.values()} == {*get_args(Source), *get_args(Step), RoundTrip}


@pytest.mark.parametrize("kind", ROWS)
def test_a_kind_is_tested_on_every_bad_day_or_says_why_it_cannot_have_it(kind):
    row = ROWS[kind]
    assert set(row.cases) | row.never.keys() >= set(MISFORTUNES)
    assert not set(row.cases) & row.never.keys()
    for never in row.never.values():
        assert never.why
        assert never.like in ROWS[never.of or kind].cases


@pytest.mark.parametrize(("kind", "name"), PAIRS)
def test_on_a_bad_day_a_panel_says_what_is_wrong(day, kind, name):
    told = day.told[kind, name]
    words = f"{told.reading.detail} · {told.report.why}"
    assert "Loom failed" not in words
    if told.case.proved:
        return
    assert told.reading.state in (State.BAD, State.UNKNOWN)
    assert len(told.reading.detail.split()) >= 3, "a sentence for a tired person"
    assert words.isprintable()
    assert re.search(told.case.says, words), words


def test_the_panel_of_who_is_well_stays_live_on_the_worst_day(day):
    assert not day.well.failures


def test_no_credential_stands_in_anything_that_was_written_on_the_worst_day(day):
    planted = (
        SECRET.encode(),
        GIT_SECRET.encode(),
        *(b64encode(bytes(shift) + SECRET.encode())[4:-4] for shift in range(3)),
    )
    assert any(path.endswith("readings.db") for path in day.written)
    assert any(path.endswith("collector.log") and body for path, body in day.written.items())
    for path, body in day.written.items():
        for secret in planted:
            at = body.find(secret)
            assert at < 0, f"{path}: {body[max(0, at - 200) : at + 200]!r}"
