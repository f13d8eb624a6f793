"""`loom vote`, `signoff`, `waive`, `lift`, `accept` and `decide`: what one says at the gate, in one line of shell."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import click

from loom_tui.cli import store_option
from loom_tui.commands.printing import echo
from loom_tui.commands.rooms import find_room, gate_line
from loom_tui.config.operator import whoami
from loom_tui.gathering import read_once, write_deed
from loom_tui.room.deeds import Deed
from loom_tui.room.door import Person
from loom_tui.room.events import DecisionAgreed, DecisionCalled, Event, RiskAccepted, Waived, WaiverAgreed, WaiverEnded
from loom_tui.room.gate_deeds import (
    accept_risk,
    agree_to_decision,
    agree_to_waiver,
    call_decision,
    cast_vote,
    end_waiver,
    lift_no_go,
    propose_waiver,
    sign_off,
    withdraw_vote,
)
from loom_tui.room.snapshot import Snapshot
from loom_tui.room.told import sentence
from loom_tui.room.verdicts import Choice
from loom_tui.widgets.text import Pen

_PLAN = click.option("--plan", "plan_file", metavar="PLAN", type=click.Path(path_type=Path), help="The plan's file.")
_REASON = click.option("--reason", default="", metavar="WHY", help="Why; the journal keeps it.")
_CHOICES = {"go": Choice.GO, "no-go": Choice.NO_GO}


@click.command("vote")
@click.argument("role")
@click.argument("choice", type=click.Choice([*_CHOICES, "withdraw"]))
@_REASON
@_PLAN
@store_option
def vote(role: str, choice: str, reason: str, plan_file: Path | None, store_directory: Path | None) -> None:
    """Vote for a role, or take one's vote back. A no-go needs a reason, and stands until it is taken back or lifted.

    Example: loom vote QA no-go --reason 'booking is broken'
    """
    withdrawn = choice == "withdraw"
    deed = withdraw_vote(role, reason=reason) if withdrawn else cast_vote(role, _CHOICES[choice], reason=reason)
    _do(deed, plan_file, store_directory)


@click.command("signoff")
@click.argument("criterion")
@click.option("--against", is_flag=True, help="Say the contrary: that it fails, or that a no-go holds.")
@click.option("--words", default="", metavar="TEXT", help="What was seen; needed with --against.")
@click.option("--as", "role", default="", metavar="ROLE", help="For which role, where one speaks for several.")
@_PLAN
@store_option
def signoff(
    criterion: str, *, against: bool, words: str, role: str, plan_file: Path | None, store_directory: Path | None
) -> None:
    """Attest a criterion by name: that it is met, or that a no-go does not hold. Its id or a part of its text will do.

    Example: loom signoff 'security concerns' --words 'audit read, nothing open'
    """
    _do(sign_off(criterion, against=against, words=words, role=role), plan_file, store_directory)


@click.command("waive")
@click.argument("criterion")
@_REASON
@click.option("--hours", type=float, metavar="H", help="Propose to waive it for so many hours.")
@click.option("--agree", is_flag=True, help="Agree, as a second person.")
@click.option("--end", is_flag=True, help="End its waiver.")
@_PLAN
@store_option
def waive(
    criterion: str,
    *,
    reason: str,
    hours: float | None,
    agree: bool,
    end: bool,
    plan_file: Path | None,
    store_directory: Path | None,
) -> None:
    """Propose that a criterion need not hold for some hours; it counts when another person agrees.

    Example: loom waive 'smoke testing' --hours 4 --reason 'staging is down' · loom waive 'smoke testing' --agree
    """
    if (hours is not None) + agree + end != 1:
        raise click.UsageError("Say one of --hours (with --reason), --agree or --end (with --reason)")
    if agree:
        deed = agree_to_waiver(criterion)
    elif end:
        deed = end_waiver(criterion, reason=reason)
    else:
        deed = propose_waiver(criterion, reason=reason, until=time.time() + (hours or 0.0) * 3600)
    _do(deed, plan_file, store_directory)


@click.command("lift")
@click.argument("what")
@_REASON
@_PLAN
@store_option
def lift(what: str, *, reason: str, plan_file: Path | None, store_directory: Path | None) -> None:
    """Lift a no-go that was shown or said, with a reason: a criterion, or a role's no-go vote. Not one that holds now.

    Example: loom lift 'critical bug' --reason 'it was the test data'
    """
    _do(lift_no_go(what, reason=reason), plan_file, store_directory)


@click.command("accept")
@click.argument("risk")
@_REASON
@click.option("--owner", default="", metavar="WHO", help="Who has it from now on (default: you).")
@_PLAN
@store_option
def accept(risk: str, *, reason: str, owner: str, plan_file: Path | None, store_directory: Path | None) -> None:
    """Take a risk on, with a reason. One that its trigger lights stays lit.

    Example: loom accept 'network restrictions' --reason 'CI runs them nightly'
    """
    _do(accept_risk(risk, owner=owner, reason=reason), plan_file, store_directory)


@click.command("decide")
@click.argument("choice", type=click.Choice([*_CHOICES, "agree"]))
@_REASON
@_PLAN
@store_option
def decide(choice: str, *, reason: str, plan_file: Path | None, store_directory: Path | None) -> None:
    """Call GO or NO-GO; the journal keeps the whole evidence. A GO against the gate needs a reason and a second person.

    Example: loom decide go · loom decide agree
    """
    deed = agree_to_decision() if choice == "agree" else call_decision(_CHOICES[choice], reason=reason)
    _do(deed, plan_file, store_directory)


def _do(deed: Deed, plan_file: Path | None, store_directory: Path | None) -> None:
    """Write a deed down, and say what was written and how the gate stands. Raises Refused."""
    room = find_room(plan_file, store_directory)
    store = room.open()
    try:
        now = time.time()
        event = write_deed(room.plan, store, deed, person=Person(whoami()), now=now)
        snapshot = read_once(room.plan, store, now=now)
    finally:
        store.close()
    echo(sentence(event))
    for line in _besides(event, snapshot):
        echo(line)
    echo(gate_line(snapshot.gate))


def _besides(event: Event, snapshot: Snapshot) -> Iterator[str]:
    """Say of which word an agreement or an end speaks, and what a word that counts for nothing yet waits for."""
    payload = event.payload
    match payload:
        case WaiverAgreed() | WaiverEnded():
            yield from (f"  {sentence(each)}" for each in snapshot.events if each.seq == payload.waiver)
        case DecisionAgreed():
            yield from (f"  {sentence(each)}" for each in snapshot.events if each.seq == payload.decision)
        case Waived():
            until = Pen(zone=snapshot.plan.calendar.zone).day_clock(payload.until, now=snapshot.now)
            yield f"It waives nothing until another person agrees, and ends {until}"
        case DecisionCalled() if snapshot.decision is not None and snapshot.decision.pending:
            yield "It counts for nothing until another person agrees: loom decide agree"
        case RiskAccepted() if payload.owner != event.actor:
            yield f"{payload.owner} has it from now on"
        case _:
            return
