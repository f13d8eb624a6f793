"""The processes of an action: found again after their runner was killed, and ended for a rollback's sake.

Each step's process has an open, locked file and a word in its environment, and so has all that it starts; the runner
has the file. The lock holds on every system and between Unix users; where there is a /proc, the processes are named by
either: one may have closed its files, or begun with an empty environment.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from loom_tui.refusal import Refusal
from loom_tui.room.acting import Outcome
from loom_tui.room.guard import UNDER_WAY, ActionView
from loom_tui.room.snapshot import Snapshot
from loom_tui.runner.output import open_beneath
from loom_tui.store.place import actions_directory

VARIABLE = "LOOM_ACTION"
GRACE_S = 3.0
_LOOK_EVERY_S = 0.05


class StillAtWork(Refusal):
    """Processes of an earlier run of this action live."""


class Children:
    """The processes of one action of one room."""

    def __init__(self, store_directory: Path, action: int) -> None:
        self._action = action
        self._path = actions_directory(store_directory) / f"{action}.lock"
        self.marker = f"{store_directory}#{action}"

    @contextmanager
    def lock(self) -> Iterator[int]:
        """Hold the lock, and give the descriptor that a step's process is to have. Raises StillAtWork."""
        pids = self.alive()
        if pids:
            raise StillAtWork(
                f"Processes of an earlier run of action {self._action} are still at work: "
                f"{', '.join(map(str, pids))}. Wait for their end, or end them; nothing was started"
            )
        try:
            descriptor = open_beneath(self._path, os.O_RDONLY)
        except OSError as error:
            raise StillAtWork(
                f"Whether action {self._action} is at work cannot be told: {self._path}: {error.strerror}; nothing was "
                "started"
            ) from None
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StillAtWork(
                    f"A runner or a process of action {self._action} is still at work on this host; nothing was started"
                ) from None
            yield descriptor
        finally:
            os.close(descriptor)

    def alive(self) -> list[int]:
        """Find the action's processes and its runner, this one apart; without a /proc the lock alone tells."""
        word = f"{VARIABLE}={self.marker}".encode()
        path = os.path.realpath(self._path) if self.is_locked() else ""  # to look through all open files costs more
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it ended meanwhile, or is another user's
                if word in (entry / "environ").read_bytes().split(b"\0") or (path and _has_open(entry, path)):
                    found.append(int(entry.name))
        return sorted(set(found) - {os.getpid()})

    def is_locked(self) -> bool:
        """Say whether anybody on this host has the lock, another user's process too."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        except OSError:
            return True  # nobody can tell
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def end(self) -> bool:
        """End them all, asked first and then made to; says whether none is left. Blocks for seconds.

        The runner too: one that was only stopped would do the step that it had written down when it wakes up.
        """
        for number in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.alive():
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
            until = time.monotonic() + GRACE_S
            while self.alive() and time.monotonic() < until:
                time.sleep(_LOOK_EVERY_S)
        return not self.alive()


def _has_open(process: Path, path: str) -> bool:
    for entry in (process / "fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            if os.readlink(entry) == path:  # noqa: PTH115 - a text, not a path to walk: half the cost
                return True
    return False


def cut_short(snapshot: Snapshot) -> list[ActionView]:
    """List the actions that are over and of which nobody saw a step end, skipped ones too: it may be at work."""
    return [
        view
        for view in snapshot.actions
        if view.written not in UNDER_WAY and any(step.is_open or step.outcome is Outcome.UNKNOWN for step in view.steps)
    ]


def left_at_work(snapshot: Snapshot, store_directory: Path) -> str:
    """Say which processes of actions that are over still live here; empty where none does."""
    for view in cut_short(snapshot):
        children = Children(store_directory, view.id)
        pids = ", ".join(map(str, children.alive()))
        if pids or children.is_locked():
            who = pids or "another user's"
            return f"processes of “{view.armed.label}” ({view.id}) are still at work: {who}"
    return ""
