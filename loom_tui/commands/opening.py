"""How a room is opened in this terminal."""

from __future__ import annotations

import gc
import os
import time

from loom_tui.commands.rooms import Room, open_room_store
from loom_tui.config.operator import terminal, whoami


def open_room(
    found: Room, *, read_only: bool = False, ascii_only: bool = False, light: bool = False, collect: bool = True
) -> int:
    """Open the room in this terminal and stay until its person leaves; gives the exit code."""
    from loom_tui.reader import Reader
    from loom_tui.room.door import Person
    from loom_tui.session import RoomPlace
    from loom_tui.spawn import Spawner, spawn_runner
    from loom_tui.store.place import room_name

    log = found.directory / room_name(found.plan.plan.room_id) / f"collector-{os.getuid()}.err"
    place = RoomPlace(
        plan=found.plan,
        plan_file=found.file,
        open_store=lambda plan: open_room_store(plan, found.directory, read_only=read_only),
        actor=whoami(),
        read_only=read_only,
        clock=time.time,
        terminal=terminal(os.environ),
        start_collector=Spawner(found.directory, log).start if collect and not read_only else None,
        start_runner=lambda action: spawn_runner(
            found.path, found.directory, found.plan.plan.room_id, found.plan.store.group, action
        ),
    )
    reader = Reader(place)
    reader.start()  # before Textual is imported: its first snapshot is there when the first screen is drawn
    gc.disable()  # as entry.py did, also for whoever came by other words
    from loom_tui.app import LoomApp

    person = Person(place.actor, read_only)
    app = LoomApp(reader, person=person, ascii_only=ascii_only, light=light, drawn=_look_for_waste)
    try:
        app.run()
    finally:
        reader.stop()
    if app.crash is not None:
        raise app.crash
    if app.farewell:
        from loom_tui.commands.printing import echo

        echo(app.farewell, err=True)
    return app.return_code or 0


def _look_for_waste() -> None:
    """Have Python look for waste again, in what is made from now on."""
    gc.freeze()
    gc.enable()
