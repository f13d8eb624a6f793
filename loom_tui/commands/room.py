"""`loom` and `loom watch`: the room, and the collector behind it."""

from __future__ import annotations

import gc
import os
import sys
import time
from pathlib import Path

import click

from loom_tui.cli import plan_argument, store_option
from loom_tui.commands.printing import echo
from loom_tui.commands.rooms import Room, find_room, open_room_store, require_terminal
from loom_tui.config.operator import whoami
from loom_tui.config.plans import room_id


@click.command("room")
@click.argument("plan_files", metavar="[PLAN]", nargs=-1, type=click.Path(path_type=Path))
@store_option
@click.option("--read-only", is_flag=True, help="Look, and write nothing.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw with ASCII alone.")
@click.option("--light", is_flag=True, help="Dark ink on a light ground.")
def room(
    plan_files: tuple[Path, ...], *, store_directory: Path | None, read_only: bool, ascii_only: bool, light: bool
) -> None:
    """Open the room of a plan (loom.toml here or in the nearest directory above).

    Example: loom plans/release.toml --read-only
    """
    if len(plan_files) > 1:
        names = " or ".join(str(path) for path in plan_files)
        raise click.UsageError(f"A room holds one plan: {names}? For a word that is no file, see loom --help")
    require_terminal()
    found = find_room(plan_files[0] if plan_files else None, store_directory)
    sys.exit(open_room(found, read_only=read_only, ascii_only=ascii_only, light=light))


def open_room(
    found: Room, *, read_only: bool = False, ascii_only: bool = False, light: bool = False, collect: bool = True
) -> int:
    """Open the room in this terminal and stay until its person leaves; gives the exit code."""
    from loom_tui.reader import Reader, RoomPlace
    from loom_tui.spawn import Spawner
    from loom_tui.store.place import room_name

    log = found.directory / room_name(room_id(found.plan)) / f"collector-{os.getuid()}.err"
    place = RoomPlace(
        plan=found.plan,
        plan_file=found.file,
        open_store=lambda plan: open_room_store(plan, found.directory, read_only=read_only),
        actor=whoami(),
        read_only=read_only,
        clock=time.time,
        start_collector=Spawner(found.directory, log).start if collect and not read_only else None,
    )
    reader = Reader(place)
    reader.start()  # before Textual is imported: its first snapshot is there when the first screen is drawn
    gc.disable()  # nearly all that is made from here to the first screen stays: looking for waste finds none, for 20 ms
    from loom_tui.app import LoomApp

    app = LoomApp(reader, read_only=read_only, ascii_only=ascii_only, light=light)
    gc.freeze()
    gc.enable()
    try:
        app.run()
    finally:
        reader.stop()
    if app.crash is not None:
        raise app.crash
    if app.farewell:
        echo(app.farewell, err=True)
    return app.return_code or 0


@click.command("watch")
@plan_argument
@store_option
@click.option("--idle-exit", type=float, metavar="SECONDS", help="Leave so long after the last room has closed.")
def watch(plan_file: Path | None, *, store_directory: Path | None, idle_exit: float | None) -> None:
    """Ask the world and write readings, in the foreground or as a service. A room starts one by itself.

    Example: loom watch loom.toml
    """
    from loom_tui.collector.watch import run_watch

    found = find_room(plan_file, store_directory)
    group = found.plan.store.group or None
    sys.exit(run_watch(found.path, found.directory, room_id(found.plan), group=group, idle_exit_s=idle_exit))
