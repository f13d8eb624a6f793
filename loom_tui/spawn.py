"""Starts processes that outlive the room: their own sessions, no terminal, nothing heavy imported here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

IDLE_EXIT_S = 300
_LAST_BYTES = 4096


_STARTED: list[subprocess.Popen[bytes]] = []  # kept and never waited for: they outlive this process


def _keep(process: subprocess.Popen[bytes]) -> None:
    """Keep what was started, and let go of what ended meanwhile."""
    _STARTED[:] = [each for each in _STARTED if each.poll() is None]
    _STARTED.append(process)


class Spawner:
    """Starts one room's collector, never a second while the first lives, and tells what one died of.

    `log` is where a collector writes what it dies of: in the room's own directory, for nobody else to read.
    """

    def __init__(self, store_directory: Path, log: Path) -> None:
        self._store_directory = store_directory
        self._log = log
        self._child: subprocess.Popen[bytes] | None = None

    def start(self, plan_path: Path) -> str:
        """Start `loom watch` where none of ours lives. Gives "" or a sentence: why none can be, or why one ended."""
        if self._child is not None and self._child.poll() is None:
            return ""  # it stands by, or comes to its work
        ended = self._ended(plan_path)
        command = [sys.executable, "-P", "-m", "loom_tui", "watch", str(plan_path)]  # -P: nothing is imported from here
        try:
            with os.fdopen(os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)) as log:
                self._child = subprocess.Popen(
                    [*command, "--store", str(self._store_directory), "--idle-exit", str(IDLE_EXIT_S)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    start_new_session=True,
                    close_fds=True,
                )
        except OSError as error:
            return f"No collector runs, and none can be started ({error.strerror}); start one: loom watch {plan_path}"
        _keep(self._child)
        return ended

    def _ended(self, plan_path: Path) -> str:
        """Say what our last collector died of; "" where there was none, or where it left by itself."""
        if self._child is None or self._child.returncode == 0:
            return ""
        why = _last_line(self._log) or f"exit code {self._child.returncode}"
        return f"The collector that was started ended: {why} To see for yourself: loom watch {plan_path}"


def _last_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LAST_BYTES))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def spawn_runner(plan_path: Path, store_directory: Path, room: str, group: str, action: int) -> str:
    """Start a runner on its own. Gives "" when it was started, or a sentence that says why it cannot be.

    What it cannot write into the journal it writes into `runner.log` beside the action's output. Where a logout may end
    it all the same, it says so there.
    """
    from loom_tui.logout import outliving  # noqa: PLC0415 - a room that starts no runner does without it, 1 ms

    way = outliving()
    words = [str(store_directory), room, group, str(plan_path), str(action), way.doubt]
    try:
        process = subprocess.Popen(
            [*way.prefix, sys.executable, "-P", "-m", "loom_tui.runner", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            close_fds=True,
        )
    except OSError as error:
        return f"The runner cannot be started ({error.strerror}); nothing was done. By hand: loom rollback --print"
    _keep(process)
    return ""
