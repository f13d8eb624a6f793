"""Starts a collector that outlives the room: its own session, no terminal, nothing heavy imported here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

IDLE_EXIT_S = 300
_STARTED: list[subprocess.Popen[bytes]] = []  # never waited for: they outlive this process


def spawn_collector(plan_path: Path, store_directory: Path) -> str:
    """Start `loom watch` on its own. Gives "" when it was started, or a sentence that says why it cannot be."""
    command = [sys.executable, "-m", "loom_tui", "watch", str(plan_path), "--store", str(store_directory)]
    _STARTED[:] = [process for process in _STARTED if process.poll() is None]  # those that ended are reaped here
    try:
        process = subprocess.Popen(
            [*command, "--idle-exit", str(IDLE_EXIT_S)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            close_fds=True,
        )
    except OSError as error:
        return f"No collector runs, and none can be started ({error.strerror}); start one: loom watch {plan_path}"
    _STARTED.append(process)
    return ""
