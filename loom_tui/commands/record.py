"""`loom status` and `loom journal …`: what is true, and what was done."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from loom_tui.cli import plan_argument, store_option
from loom_tui.commands.rooms import find_room
from loom_tui.gathering import read_once
from loom_tui.room.fold import fold
from loom_tui.room.snapshot import Observations
from loom_tui.room.verdicts import GateState
from loom_tui.store.base import ChainBroken, StoreMissing

_EXIT = {GateState.GO: 0, GateState.NO_GO: 1, GateState.HOLD: 3}


@click.command("status")
@plan_argument
@store_option
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def status(plan_file: Path | None, *, store_directory: Path | None, as_json: bool) -> None:
    """Say whether it is safe to go: exit 0 GO, 1 NO-GO, 3 HOLD.

    Example: loom status && ./deploy.sh
    """
    room = find_room(plan_file, store_directory)
    now = time.time()
    try:
        store = room.open(read_only=True)
    except StoreMissing:  # nobody has opened this room yet: the plan alone can be judged, and nothing is made
        snapshot = fold(room.plan, (), Observations(), now)
    else:
        try:
            snapshot = read_once(room.plan, store, now=now)
        finally:
            store.close()
    if as_json:
        import msgspec

        from loom_tui.room.summary import as_json as summary

        click.echo(msgspec.json.format(msgspec.json.encode(summary(snapshot)), indent=2).decode())
    else:
        click.echo(f"{snapshot.gate.state.value}: {snapshot.gate.why}")
    sys.exit(_EXIT[snapshot.gate.state])


@click.group("journal")
def journal() -> None:
    """Read the record of what was done."""


@journal.command("verify")
@plan_argument
@store_option
def verify(plan_file: Path | None, *, store_directory: Path | None) -> None:
    """Check the journal's chain; names the first bad event, exit 1.

    Example: loom journal verify
    """
    room = find_room(plan_file, store_directory)
    store = room.open(read_only=True)
    try:
        head = store.verify()
    except ChainBroken as error:
        click.echo(f"The journal's chain is broken at {error}", err=True)
        sys.exit(1)
    finally:
        store.close()
    if not head.seq:
        click.echo("The journal is empty; there is nothing to verify.")
    else:
        click.echo(f"Verified {head.seq:,} events. Head {head.hash}")
