"""`loom demo`: a practice room over a small real world."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from loom_tui.commands.printing import echo, echo_json


@click.group("demo", invoke_without_command=True)
@click.option("--headless", is_flag=True, help="Without a screen: print what the room would have shown.")
@click.option("--for", "seconds", type=click.FloatRange(min=0), default=20.0, help="How long a headless run lasts.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON (headless).")
@click.option("--postgres", "dsn", metavar="DSN", help="Use this PostgreSQL, in a schema of its own.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw with ASCII alone.")
@click.option("--light", is_flag=True, help="Dark ink on a light ground.")
@click.pass_context
def demo(
    context: click.Context,
    *,
    headless: bool,
    seconds: float,
    as_json: bool,
    dsn: str | None,
    ascii_only: bool,
    light: bool,
) -> None:
    """Practise on the Sprint 07 plan, over a real PostgreSQL and loopback services; all of it goes when you leave.

    While it runs, `loom demo migrate` in another terminal applies the optimisation migration.

    Example: loom demo --headless --for 20 --json
    """
    if context.invoked_subcommand is not None:
        return
    if headless:
        _headless(seconds, dsn, as_json=as_json)
        return
    from loom_tui.commands.room import open_room
    from loom_tui.commands.rooms import find_room, require_terminal
    from loom_tui.demo.run import run_demo

    require_terminal()

    def opened(plan_path: Path, store_directory: Path) -> int:
        room = find_room(plan_path, store_directory)
        return open_room(room, ascii_only=ascii_only, light=light, collect=False)

    sys.exit(run_demo(postgres_dsn=dsn, open_room=opened, say=lambda text: echo(text, err=True)))


def _headless(seconds: float, dsn: str | None, *, as_json: bool) -> None:
    from loom_tui.demo.run import run_headless

    shown = run_headless(seconds=seconds, postgres_dsn=dsn)
    if as_json:
        echo_json(shown)
        return
    live = [feed for feed in shown["feeds"] if feed["live"]]
    echo(f"{shown['gate']['state']}: {shown['gate']['why']}")
    echo(f"{len(live)} of {len(shown['feeds'])} feeds live; {len(shown['errors']['issues'])} errors in the feed")


@demo.command("migrate")
def migrate() -> None:
    """Apply the optimisation migration to the running demo, and mark it on the time axis.

    Example: loom demo migrate
    """
    from loom_tui.demo.run import migrate as apply

    echo(apply())
