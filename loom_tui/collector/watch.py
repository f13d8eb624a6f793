"""`loom watch` as a process: its signals, its log, its end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from logging.handlers import RotatingFileHandler
from pathlib import Path

from loom_tui.collector.supervisor import Collector
from loom_tui.config.plans import PlanFile
from loom_tui.plan.model import Plan
from loom_tui.store.sqlite import SqliteStore, open_store

LOG_NAME = "collector.log"
LOG_BYTES = 1_000_000
THREADS = 64  # made as they are needed: a resolver or a disk that hangs holds one for each source that waits for it
_FORMAT = "%(asctime)s %(levelname)s %(message)s"


def run_watch(
    plan_path: Path, store_directory: Path, plan_id: str, *, group: str | None, idle_exit_s: float | None
) -> int:
    """Collect until a signal, or until no room has looked for `idle_exit_s`; gives the exit code.

    Raises PlanFaults, OSError or StoreError where it cannot begin.
    """
    file = PlanFile(plan_path)
    plan = file.read()
    store = open_store(store_directory, plan_id=plan_id, group=group)
    try:
        _log_to(store.directory / LOG_NAME, group=group is not None)
        return asyncio.run(_watch(file, plan, store, idle_exit_s))
    finally:
        store.close()


async def _watch(file: PlanFile, plan: Plan, store: SqliteStore, idle_exit_s: float | None) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="loom"))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    holder = f"{os.getpid()}@{socket.gethostname()}"
    collector = Collector(
        file, plan, store, holder=holder, environ=os.environ, clock=time.time, stop=stop, idle_exit_s=idle_exit_s
    )
    await collector.run()
    return 0


class _Safe(logging.Formatter):
    """Writes a line that repeats a server's words so that a terminal obeys none of them."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one line."""
        from loom_tui.widgets.lines import clean  # noqa: PLC0415 - it brings rich: only where a person watches

        return clean(super().format(record))


def _log_to(path: Path, *, group: bool) -> None:
    """Log to a file beside the store, and to the terminal where a person watches; a full disk is no reason to shout."""
    logging.raiseExceptions = False
    path.touch(mode=0o660 if group else 0o600, exist_ok=True)
    handlers: list[logging.Handler] = [RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")]
    if sys.stderr is not None and sys.stderr.isatty():
        shown = logging.StreamHandler()
        shown.setFormatter(_Safe(_FORMAT))
        handlers.append(shown)
    logging.basicConfig(level=logging.INFO, format=_FORMAT, handlers=handlers, force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log each request, and URLs may hold keys
