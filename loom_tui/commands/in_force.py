"""How a command that must go through finds its plan while somebody edits it: a rollback, its approval, a stop."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec

from loom_tui.commands.printing import echo
from loom_tui.commands.rooms import Room, find_room, open_room_store, store_place
from loom_tui.config.plans import PlanFile, find_plan, outline_of
from loom_tui.plan.faults import PlanFaults
from loom_tui.plan.model import Plan
from loom_tui.room.events import PlanAdopted
from loom_tui.store.base import StoreError


def room_in_force(plan_file: Path | None, store_directory: Path | None) -> Room:
    """Find the plan as `find_room` does; where its file has faults, the version that its room took last, and say so.

    Raises PlanNotFound, PlanFaults or OSError.
    """
    try:
        return find_room(plan_file, store_directory)
    except PlanFaults as faults:
        path = find_plan(plan_file, start=Path.cwd()).resolve()
        room = _last_taken(path, store_directory)
        if room is None:
            raise
        first = str(faults).splitlines()[0]
        echo(f"{first}. The version of the plan that the room took last is used instead", err=True)
        return room


def _last_taken(path: Path, store_directory: Path | None) -> Room | None:
    """Give the room of a file with faults under the plan that its journal has; None where that cannot be read."""
    outline = outline_of(path)
    if outline is None:
        return None
    directory = store_place(outline, store_directory)
    try:
        with closing(open_room_store(outline, directory, read_only=True)) as store:
            taken = [event.payload for event in store.events() if isinstance(event.payload, PlanAdopted)]
            plan = msgspec.json.decode(store.kept(taken[-1].plan_hash), type=Plan) if taken else None
    except (StoreError, KeyError, msgspec.DecodeError):
        return None
    return Room(file=PlanFile(path), plan=plan, directory=directory) if plan is not None else None
