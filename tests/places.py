"""A room's place on this disk: its plan in a file, and a store that could be written."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from loom_tui.commands.rooms import open_room_store
from loom_tui.config.plans import PlanFile
from loom_tui.plan.model import Plan
from loom_tui.plan.toml import dump_plan
from loom_tui.room.door import Person
from loom_tui.session import RoomPlace


def place_of(directory: Path, plan: Plan, person: Person, *, clock: Callable[[], float] = time.time) -> RoomPlace:
    """Write a plan into a directory, and give the place of its room as a person opens it."""
    path = directory / "loom.toml"
    path.write_text(dump_plan(plan), encoding="utf-8")
    file = PlanFile(path)
    return RoomPlace(
        plan=file.read(),
        plan_file=file,
        open_store=lambda plan: open_room_store(plan, directory / "state"),
        actor=person.login,
        read_only=person.read_only,
        clock=clock,
    )
