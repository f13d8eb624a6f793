"""What a collector costs on the worst day: a source of every kind, and whatever they ask never answers.

    python -m benchmarks.hanging [--seconds 60]

The collector is `loom watch` as a process of its own, and beside it a room looks on. Each source asks a listener of its
own that never says a word: it knows when it was asked, and the room when it shows what is wrong. What asks nobody
(git, report, secrets) is there too, and has its own trouble.
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
from functools import partial
from pathlib import Path

import psutil

from loom_tui.config.plans import PlanFile
from loom_tui.plan.signals import asked_of
from loom_tui.reader import Reader
from loom_tui.room.snapshot import Snapshot
from loom_tui.session import RoomPlace
from loom_tui.store.sqlite import open_store

SETTLED_S = 10.0  # imports and first tries are over
ASKING = ("http", "sentry", "bugsink", "github", "supabase", "postgres", "migrations", "host")
HANGS = "[ -e {name}.asked ] || date +%s.%N > {name}.asked; exec sleep 1000"  # it tells when it was first started
COMMANDS = ("command", "stubborn", "credential", "environment")
PLAN = """
plan = {{ title = "hanging", id = "hanging", release = "v2", last_stable = "v1" }}
[sources]
http = {{ kind = "http", url = "http://127.0.0.1:{http}/" }}
sentry = {{ kind = "sentry", url = "http://127.0.0.1:{sentry}" }}
bugsink = {{ kind = "bugsink", url = "http://127.0.0.1:{bugsink}", project = "1" }}
github = {{ kind = "github", url = "http://127.0.0.1:{github}", repo = "acme/web" }}
supabase = {{ kind = "supabase", url = "http://127.0.0.1:{supabase}", anon_key = {{ env = "KEY" }} }}
postgres = {{ kind = "postgres", dsn_from = {{ env = "DSN" }} }}
migrations = {{ kind = "migrations", dsn_from = {{ env = "MIGRATIONS_DSN" }}, directory = "migrations" }}
host = {{ kind = "host", host = "127.0.0.1", port = {host} }}
command = {{ kind = "command", run = ["sh", "-c", "{command}"], interval_s = 15, timeout_s = 5 }}
stubborn = {{ kind = "command", run = ["sh", "-c", "trap '' TERM; {stubborn}"], interval_s = 15, timeout_s = 5 }}
git = {{ kind = "git", path = "." }}
report = {{ kind = "report", report = {{ format = "junit", path = "none.xml" }} }}
secrets = {{ kind = "secrets" }}
[sources.credential]
kind = "http"
url = "http://127.0.0.1:{http}/"
headers = {{ x-key = {{ command = ["sh", "-c", "{credential}"] }} }}
[sources.environment]
kind = "environment"
origin = {{ command = ["sh", "-c", "{environment}"] }}
variables = [{{ name = "A" }}]
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    asyncio.run(measure(parser.parse_args().seconds))


async def measure(seconds: float) -> None:
    """Run a collector against the listeners, and print what it costs and when a room says what is wrong."""
    writers: list[asyncio.StreamWriter] = []
    asked: dict[str, float] = {}

    async def never(name: str, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.setdefault(name, time.time())
        writers.append(writer)

    listeners = {name: await asyncio.start_server(partial(never, name), "127.0.0.1", 0) for name in ASKING}
    ports = {name: listener.sockets[0].getsockname()[1] for name, listener in listeners.items()}
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        (place / "migrations").mkdir()
        (place / "migrations" / "20250101000000_one.sql").write_text("create table t (id int);\n")
        commands = {name: HANGS.format(name=name) for name in COMMANDS}
        (place / "loom.toml").write_text(PLAN.format(**ports, **commands))
        dsns = {name: f"postgresql://u@127.0.0.1:{ports[name]}/db" for name in ("postgres", "migrations")}
        environ = {
            **os.environ,
            "KEY": "sb_publishable_x",
            "DSN": dsns["postgres"],
            "MIGRATIONS_DSN": dsns["migrations"],
        }
        file = PlanFile(place / "loom.toml")
        with closing(open_store(place / "state", plan_id=file.read().plan.room_id)):
            process = started(place, environ)
            try:
                await asyncio.to_thread(watched, place, file, psutil.Process(process.pid), seconds, asked)
            finally:
                process.terminate()
                process.wait(timeout=20)
    for listener in listeners.values():
        listener.close()
    for writer in writers:
        writer.close()


def started(place: Path, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the collector."""
    words = (sys.executable, "-m", "loom_tui", "watch", "loom.toml", "--store", str(place / "state"))
    return subprocess.Popen(words, cwd=place, env=environ, stderr=subprocess.DEVNULL)


def watched(place: Path, file: PlanFile, process: psutil.Process, seconds: float, asked: Mapping[str, float]) -> None:
    """Watch the process, and the room; print."""
    plan = file.read()
    said: dict[str, tuple[float, str]] = {}

    def see(snapshot: Snapshot) -> None:
        for feed in snapshot.feeds:
            if feed.report is not None and feed.report.failures:
                said.setdefault(feed.source, (time.time(), feed.why))

    room = Reader(
        RoomPlace(
            plan=plan,
            plan_file=file,
            open_store=lambda _: open_store(place / "state", plan_id=plan.plan.room_id),
            actor="benchmark",
            read_only=True,
            clock=time.time,
        )
    )
    room.listen(see, print, lambda *_: None)
    room.start()
    time.sleep(SETTLED_S)
    began, spent_s, before_mb = time.monotonic(), cpu_s(process), rss_mb(process)
    time.sleep(seconds)
    share = 100 * (cpu_s(process) - spent_s) / (time.monotonic() - began)
    room.stop()
    for name, source in asked_of(plan).items():
        file_of = place / f"{name}.asked"
        at = float(file_of.read_text()) if file_of.exists() else asked.get(name)
        when, why = said.get(name, (float("nan"), "has said nothing"))
        lag = f"{when - at:6.2f} s after it was asked, of {source.timeout_s:g}" if at is not None else "asks nobody"
        print(f"{name:12} {lag:38} {why[:80]}")
    print(
        f"CPU {share:.2f} % over {seconds:.0f} s, memory {before_mb:.0f} MB before and {rss_mb(process):.0f} MB after"
    )


def cpu_s(process: psutil.Process) -> float:
    """Give the CPU time used so far."""
    times = process.cpu_times()
    return times.user + times.system


def rss_mb(process: psutil.Process) -> float:
    """Give the resident memory."""
    return process.memory_info().rss / 1e6


if __name__ == "__main__":
    main()
