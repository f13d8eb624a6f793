"""`loom aftermath`: what follows a rollback, from a shell."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from loom_tui.cli import plan_argument, store_option
from loom_tui.commands.printing import echo, echo_json
from loom_tui.commands.rooms import Room, find_room
from loom_tui.config.operator import whoami
from loom_tui.gathering import read_once, write_deed
from loom_tui.room.aftermath_deeds import open_root_cause, say_automation, tick_rollback_step
from loom_tui.room.deeds import Deed
from loom_tui.room.door import Person
from loom_tui.room.snapshot import AftermathStep, Snapshot
from loom_tui.widgets.standing import off_words
from loom_tui.widgets.text import age


@click.command("aftermath")
@plan_argument
@click.option("--done", metavar="STEP", help="Tick a step, by its number or name.")
@click.option("--undone", metavar="STEP", help="Take a tick back.")
@click.option(
    "--note", default="", metavar="TEXT", help="With --done: what was done; the cause, of the root cause's step."
)
@click.option("--off", metavar="TEXT", help="Say that an automation which would undo it is off.")
@click.option("--on", metavar="TEXT", help="Say that it is on again.")
@click.option("--reason", default="", metavar="WHY", help="With --off and --on: why; the journal keeps it.")
@click.option("--open-record", is_flag=True, help="Open a record of the root cause with the evidence as it is now.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@store_option
def aftermath(
    plan_file: Path | None,
    *,
    done: str | None,
    undone: str | None,
    note: str,
    off: str | None,
    on: str | None,
    reason: str,
    open_record: bool,
    as_json: bool,
    store_directory: Path | None,
) -> None:
    """Show what follows the last rollback, and what is still off; exit 0 where nothing is left to do, else 3.

    Example: loom aftermath --done 'Root Cause' --note 'the pool held one connection' · loom aftermath --on 'every push'
    """
    room = find_room(plan_file, store_directory)
    deeds: list[Deed] = []
    deeds += [tick_rollback_step(done, done=True, note=note)] if done is not None else []
    deeds += [tick_rollback_step(undone, done=False, note=note)] if undone is not None else []
    deeds += [say_automation(off, off=True, reason=reason)] if off is not None else []
    deeds += [say_automation(on, off=False, reason=reason)] if on is not None else []
    deeds += [open_root_cause()] if open_record else []
    snapshot = _after(room, deeds)
    if as_json:
        echo_json({"aftermath": snapshot.aftermath, "automation": snapshot.automation})
    else:
        for line in aftermath_lines(snapshot):
            echo(line)
    left = snapshot.aftermath is not None and snapshot.aftermath.is_open
    sys.exit(3 if left or any(view.off for view in snapshot.automation) else 0)


def aftermath_lines(snapshot: Snapshot) -> Iterator[str]:
    """Write what follows the last rollback, and which automation is off."""
    view, now = snapshot.aftermath, snapshot.now
    if view is None:
        yield "No rollback was carried out here, or it is still under way"
    else:
        yield (
            f"{view.label} ({view.action}) {view.from_release} → {view.to_release}: {view.state.value}, "
            f"{age(now - view.ended_at)} ago"
        )
        for step in view.steps:
            yield from _step(step, now)
        if view.record is not None:
            yield f"  evidence of the root cause: loom report rootcause {view.record}"
    for automation in snapshot.automation:
        if automation.off:
            yield f"  ! off: {off_words(automation, now)}"


def _step(step: AftermathStep, now: float) -> Iterator[str]:
    how = f"  {step.how}, {age(now - step.at)} ago" if step.done and step.at is not None else ""
    note = f": {step.note}" if step.note else ""
    text = f" · {step.text}" if step.text else ""
    yield f"  [{'x' if step.done else ' '}] {step.number} {step.name}{text}{how}{note}"
    for tried in step.stable if not step.done else ():
        word = {True: "stable", False: "not stable", None: "not known to be stable"}[tried.holds]
        yield f"        {word}: {tried.signal}: {tried.words}"


def _after(room: Room, deeds: list[Deed]) -> Snapshot:
    """Write deeds down, and read the room as it is then."""
    store = room.open(read_only=not deeds)
    try:
        for deed in deeds:
            write_deed(room.plan, store, deed, person=Person(whoami()), now=time.time())
        return read_once(room.plan, store, now=time.time())
    finally:
        store.close()
