"""`loom who`, `loom lead` and `loom poll`: who is in the room, who leads it, and calling each role in turn."""

from __future__ import annotations

import time
from pathlib import Path

import click

from loom_tui.cli import plan_argument, store_option
from loom_tui.commands.printing import echo, echo_json
from loom_tui.commands.rooms import Room, find_room
from loom_tui.config.operator import whoami
from loom_tui.gathering import read_once, write_deed
from loom_tui.plan.criteria import right_of
from loom_tui.room.deeds import Deed
from loom_tui.room.door import Person
from loom_tui.room.gate_deeds import call_poll, end_poll
from loom_tui.room.lead import give_lead
from loom_tui.room.snapshot import Snapshot
from loom_tui.room.verdicts import PollView
from loom_tui.widgets.poll import heard_words, poll_words
from loom_tui.widgets.text import WORD_OF_RIGHT

_PLAN = click.option("--plan", "plan_file", metavar="PLAN", type=click.Path(path_type=Path), help="The plan's file.")
_REASON = click.option("--reason", default="", metavar="WHY", help="Why; the journal keeps it.")


@click.command("who")
@plan_argument
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@store_option
def who(plan_file: Path | None, *, as_json: bool, store_directory: Path | None) -> None:
    """Say who is in the room, and who leads it. Whoever opened it with --read-only is not known to be there.

    Example: loom who --json
    """
    snapshot = _snapshot(find_room(plan_file, store_directory))
    if as_json:
        echo_json({"lead": snapshot.lead, "present": snapshot.present})
        return
    echo(f"{snapshot.lead} leads" if snapshot.lead else "Nobody leads (loom lead give LOGIN)")
    for seat in snapshot.present:
        where = f"{seat.terminal.host} from {seat.terminal.client}" if seat.terminal.client else seat.terminal.host
        may = WORD_OF_RIGHT[right_of(snapshot.plan, seat.login)]
        echo(f"{seat.login}  may {may}  {where}  screen {seat.screen}")


@click.group("lead")
def lead() -> None:
    """Hand the lead of the room over."""


@lead.command("give")
@click.argument("to", metavar="LOGIN")
@_REASON
@_PLAN
@store_option
def give(to: str, *, reason: str, plan_file: Path | None, store_directory: Path | None) -> None:
    """Give the lead to somebody: one's own, or with a reason, as an approver, that of a lead who is not in the room.

    Example: loom lead give bo · loom lead give cy --reason 'ana has lost her connection'
    """
    snapshot = _do(find_room(plan_file, store_directory), give_lead(to, reason=reason))
    echo(f"{snapshot.lead} leads")


@click.group("poll")
def poll() -> None:
    """Call each voting role in turn, for its go or no-go."""


@poll.command("call")
@_PLAN
@store_option
def call(*, plan_file: Path | None, store_directory: Path | None) -> None:
    """Call the roles in the plan's order; each vote moves it on to the next one.

    Example: loom poll call
    """
    _tell(_do(find_room(plan_file, store_directory), call_poll()).gate.poll)


@poll.command("end")
@_REASON
@_PLAN
@store_option
def end(*, reason: str, plan_file: Path | None, store_directory: Path | None) -> None:
    """End the poll before all were heard. The votes stay.

    Example: loom poll end --reason 'we wait for the fix'
    """
    _tell(_do(find_room(plan_file, store_directory), end_poll(reason=reason)).gate.poll)


@poll.command("show")
@_PLAN
@store_option
def show(*, plan_file: Path | None, store_directory: Path | None) -> None:
    """Show whom the poll heard, and whom it calls now.

    Example: loom poll show
    """
    snapshot = _snapshot(find_room(plan_file, store_directory))
    _tell(snapshot.gate.poll, now=snapshot.now)


def _tell(view: PollView | None, *, now: float | None = None) -> None:
    if view is None:
        echo("No poll was called: loom poll call")
        return
    echo(poll_words(view, time.time() if now is None else now))
    for polled in view.roles:
        echo(f"  {polled.role}: {heard_words(polled)}")


def _do(room: Room, deed: Deed) -> Snapshot:
    store = room.open()
    try:
        now = time.time()
        write_deed(room.plan, store, deed, person=Person(whoami()), now=now)
        return read_once(room.plan, store, now=now)
    finally:
        store.close()


def _snapshot(room: Room) -> Snapshot:
    store = room.open(read_only=True)
    try:
        return read_once(room.plan, store, now=time.time())
    finally:
        store.close()
