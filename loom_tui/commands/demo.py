"""`loom demo`: a practice room over a small real world."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from loom_tui.commands.printing import echo, echo_json, speaks_unicode

_SWITCH = click.argument("what", metavar="WHAT")


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

    While it runs, `loom demo story` in another terminal says what there is to play, from HOLD to a rollback.

    Example: loom demo --headless --for 20 --json
    """
    if context.invoked_subcommand is not None:
        return
    if headless:
        _headless(seconds, dsn, as_json=as_json)
        return
    from loom_tui.commands.opening import open_room
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
    asked = [feed["live"] for feed in shown["feeds"]]
    echo(f"{shown['gate']['state']}: {shown['gate']['why']}")
    echo(f"{sum(asked)} of {len(asked)} feeds live; {len(shown['errors']['issues'])} errors in the feed")


@demo.command("where")
def where() -> None:
    """Write the running demo's directory: there, every command finds the demo's plan and room by itself.

    Example: cd "$(loom demo where)" && loom act migrate
    """
    from loom_tui.demo.world import running_world

    echo(str(running_world().directory))


@demo.command("story")
def story() -> None:
    """Write what there is to play in the running demo, line by line, and how far it has come.

    Example: loom demo story
    """
    from loom_tui.demo.run import story as told

    for line in told(ascii_only=not speaks_unicode()):
        echo(line)


@demo.command("break")
@_SWITCH
def break_(what: str) -> None:
    """Break something in the running demo: `errors` wakes a bug that arrives with the new release.

    Example: loom demo break errors
    """
    _switch(what, is_on=True)


@demo.command("mend")
@_SWITCH
def mend(what: str) -> None:
    """Mend what was broken in the running demo.

    Example: loom demo mend errors
    """
    _switch(what, is_on=False)


def _switch(what: str, *, is_on: bool) -> None:
    from loom_tui.demo.product import SWITCHES
    from loom_tui.demo.world import running_world, switch

    if what not in SWITCHES:
        raise click.UsageError(f"{what!r} cannot be broken; {', '.join(SWITCHES)} can")
    switch(running_world(), what, is_on=is_on)
    echo(f"Broken: {SWITCHES[what]}" if is_on else f"Mended: {what}")


@demo.command("approve")
@click.argument("action", type=int, required=False)
def approve(action: int | None) -> None:
    """Approve an action of the running demo as `demo-colleague`, a second person for those who practise alone.

    Example: loom demo approve
    """
    from loom_tui.demo.run import approve as approved

    echo(approved(action))
