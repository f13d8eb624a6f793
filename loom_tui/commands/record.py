"""`loom status`: what is true."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import NoReturn

import click

from loom_tui.cli import plan_argument, store_option
from loom_tui.commands.printing import echo, echo_json
from loom_tui.commands.rooms import Room, find_room, gate_line
from loom_tui.gathering import read_once
from loom_tui.room.fold import fold
from loom_tui.room.snapshot import Observations, Snapshot
from loom_tui.room.verdicts import GateState
from loom_tui.store.base import StoreMissing

WATCH_EVERY_S = 1.0
_EXIT = {GateState.GO: 0, GateState.NO_GO: 1, GateState.HOLD: 3}


@click.command("status")
@plan_argument
@store_option
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@click.option("--watch", is_flag=True, help="Go on, with a line for each change, until interrupted.")
def status(plan_file: Path | None, *, store_directory: Path | None, as_json: bool, watch: bool) -> None:
    """Say whether it is safe to go: exit 0 GO, 1 NO-GO, 3 HOLD.

    Example: loom status && ./deploy.sh
    """
    room = find_room(plan_file, store_directory)
    if watch:
        _follow(room, as_json=as_json)
    snapshot = _read(room)
    if as_json:
        from loom_tui.room.summary import as_json as summary

        echo_json(summary(snapshot))
    else:
        from loom_tui.commands.standing import standing_lines

        echo(gate_line(snapshot.gate))
        for line in standing_lines(snapshot):
            echo(line)
    sys.exit(_EXIT[snapshot.gate.state])


def _read(room: Room) -> Snapshot:
    now = time.time()
    try:
        store = room.open(read_only=True)
    except StoreMissing:  # nobody has opened this room yet: the plan alone can be judged, and nothing is made
        return fold(room.plan, (), Observations(), now)
    try:
        return read_once(room.plan, store, now=now)
    finally:
        store.close()


def _follow(room: Room, *, as_json: bool) -> NoReturn:
    """Write the gate as it is, and then each change of its state or its sentence as a line; ends with ctrl+c."""
    from loom_tui.room.summary import gate_as_json
    from loom_tui.widgets.text import Pen

    pen, last = Pen(zone=room.plan.calendar.zone), ""
    while True:
        snapshot = _read(room)
        line = gate_line(snapshot.gate)
        if line != last:
            last = line
            at = f"{pen.local(snapshot.now):%Y-%m-%d %H:%M:%S}"
            if as_json:
                echo_json(gate_as_json(snapshot), lines=True)
            else:
                echo(f"{at}  {line}")
            sys.stdout.flush()
        time.sleep(WATCH_EVERY_S)
