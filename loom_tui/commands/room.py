"""`loom` and `loom watch`: the room, and the collector behind it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from loom_tui.cli import plan_argument, store_option
from loom_tui.commands.opening import open_room
from loom_tui.commands.rooms import find_room, require_terminal


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
    sys.exit(run_watch(found.path, found.directory, found.plan.plan.room_id, group=group, idle_exit_s=idle_exit))
