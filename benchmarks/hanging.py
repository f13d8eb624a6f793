"""What a collector costs on the worst day: a source of every kind, and whatever they ask never answers.

    python -m benchmarks.hanging [--seconds 60]

The collector is `loom watch` as a process of its own; the servers are one listener that never says a word. What asks
nobody (git, report, secrets) is there too, and has its own trouble.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import msgspec
import psutil

from loom_tui.config.plans import room_id
from loom_tui.plan.model import Plan
from loom_tui.plan.signals import asked_of
from loom_tui.plan.toml import parse_plan
from loom_tui.room.signals import PollerReport
from loom_tui.store.base import Store
from loom_tui.store.sqlite import open_store

SETTLED_S = 10.0  # imports and first tries are over
PLAN = """
plan = {{ title = "hanging", id = "hanging", release = "v2", last_stable = "v1" }}
[sources]
http = {{ kind = "http", url = "http://127.0.0.1:{port}/" }}
sentry = {{ kind = "sentry", url = "http://127.0.0.1:{port}" }}
bugsink = {{ kind = "bugsink", url = "http://127.0.0.1:{port}", project = "1" }}
github = {{ kind = "github", url = "http://127.0.0.1:{port}", repo = "acme/web" }}
supabase = {{ kind = "supabase", url = "http://127.0.0.1:{port}", anon_key = {{ env = "KEY" }} }}
postgres = {{ kind = "postgres", dsn_from = {{ env = "DSN" }} }}
migrations = {{ kind = "migrations", dsn_from = {{ env = "DSN" }}, directory = "migrations" }}
host = {{ kind = "host", host = "127.0.0.1", port = {port} }}
command = {{ kind = "command", run = ["sleep", "1000"], interval_s = 15, timeout_s = 5 }}
environment = {{ kind = "environment", origin = {{ command = ["sleep", "1000"] }}, variables = [{{ name = "A" }}] }}
git = {{ kind = "git", path = "." }}
report = {{ kind = "report", report = {{ format = "junit", path = "none.xml" }} }}
secrets = {{ kind = "secrets" }}
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    asyncio.run(measure(parser.parse_args().seconds))


async def measure(seconds: float) -> None:
    """Run a collector against the listener, and print what it costs and when each feed says what is wrong."""
    writers: list[asyncio.StreamWriter] = []

    async def never(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    listener = await asyncio.start_server(never, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        (place / "migrations").mkdir()
        (place / "migrations" / "20250101000000_one.sql").write_text("create table t (id int);\n")
        text = PLAN.format(port=port)
        (place / "loom.toml").write_text(text)
        plan = parse_plan(text)
        environ = {**os.environ, "KEY": "sb_publishable_x", "DSN": f"postgresql://u@127.0.0.1:{port}/db"}
        with closing(open_store(place / "state", plan_id=room_id(plan))) as store:
            process = started(place, environ)
            try:
                await asyncio.to_thread(told, store, plan, psutil.Process(process.pid), seconds)
            finally:
                process.terminate()
                process.wait(timeout=20)
    listener.close()
    for writer in writers:
        writer.close()


def started(place: Path, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the collector."""
    words = (sys.executable, "-m", "loom_tui", "watch", "loom.toml", "--store", str(place / "state"))
    return subprocess.Popen(words, cwd=place, env=environ, stderr=subprocess.DEVNULL)


def told(store: Store, plan: Plan, process: psutil.Process, seconds: float) -> None:
    """Watch the process and the store; print."""
    began = time.monotonic()
    waiting = {name for name, source in asked_of(plan).items() if source.interval_s}
    said: dict[str, tuple[float, str]] = {}
    start: tuple[float, float, float] | None = None
    while start is None or time.monotonic() - start[0] < seconds:
        latest = store.latest()
        for name in sorted(waiting - said.keys()):
            stored = latest.get(f"feed.{name}")
            report = msgspec.json.decode(stored.reading.body, type=PollerReport) if stored is not None else None
            if report is not None and report.failures:
                said[name] = (time.monotonic() - began, report.why)
        if start is None and time.monotonic() - began > SETTLED_S:
            start = (time.monotonic(), cpu_s(process), rss_mb(process))
        time.sleep(0.1)
    for name in sorted(waiting):
        after, why = said.get(name, (float("nan"), "has said nothing"))
        print(f"{name:12} {after:5.1f} s  {why[:90]}")
    share = 100 * (cpu_s(process) - start[1]) / (time.monotonic() - start[0])
    print(f"CPU {share:.2f} % over {seconds:.0f} s, memory {start[2]:.0f} MB before and {rss_mb(process):.0f} MB after")


def cpu_s(process: psutil.Process) -> float:
    """Give the CPU time used so far."""
    times = process.cpu_times()
    return times.user + times.system


def rss_mb(process: psutil.Process) -> float:
    """Give the resident memory."""
    return process.memory_info().rss / 1e6


if __name__ == "__main__":
    main()
