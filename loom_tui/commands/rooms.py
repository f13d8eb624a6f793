"""How a command finds its plan and opens its store."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from msgspec import Struct

from loom_tui.config.plans import PlanFile, find_plan
from loom_tui.plan.model import Plan
from loom_tui.refusal import Refusal
from loom_tui.room.verdicts import GateView
from loom_tui.store.base import Store
from loom_tui.store.place import default_directory


class NoTerminal(Refusal):
    """A room cannot be shown here."""

    exit_code = 2


class Room(Struct, frozen=True, kw_only=True):
    """A plan, its file, and where its store lies."""

    file: PlanFile
    plan: Plan
    directory: Path

    @property
    def path(self) -> Path:
        """Where the plan's file lies."""
        return self.file.path

    def open(self, *, read_only: bool = False) -> Store:
        """Open the store. Raises StoreError."""
        return open_room_store(self.plan, self.directory, read_only=read_only)


def find_room(plan_file: Path | None, store_directory: Path | None) -> Room:
    """Find and read the plan. Raises PlanNotFound, PlanFaults or OSError."""
    file = PlanFile(find_plan(plan_file, start=Path.cwd()).resolve())
    plan = file.read()
    return Room(file=file, plan=plan, directory=store_place(plan, store_directory))


def store_place(plan: Plan, given: Path | None) -> Path:
    """Give the directory of the rooms' stores: what was given, the plan's word, or the user's state directory."""
    if given is not None:
        return given.expanduser().resolve()
    if plan.store.directory:
        return Path(plan.store.directory).expanduser()
    return default_directory(os.environ)


def open_room_store(plan: Plan, directory: Path, *, read_only: bool = False) -> Store:
    """Open a plan's store under the rooms' directory. Raises StoreError."""
    from loom_tui.store.sqlite import open_store

    return open_store(directory, plan_id=plan.plan.room_id, group=plan.store.group or None, read_only=read_only)


def gate_line(gate: GateView) -> str:
    """Write the gate as a line: its state and its sentence, in which people's words are foreign text."""
    return f"{gate.state.value}: {gate.why}"


def require_terminal() -> None:
    """Refuse to open a room where nobody could see it or type. Raises NoTerminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise NoTerminal(
            "The room needs a terminal, and this is none (a pipe, or ssh without -t). For a script: loom status --json"
        )
    if os.environ.get("TERM", "") in ("", "dumb"):
        raise NoTerminal(
            "The room needs a terminal that can move its cursor; TERM is "
            f"{os.environ.get('TERM') or 'not set'}. Set TERM (for example xterm-256color), or use: loom status"
        )
