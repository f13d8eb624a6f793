"""`loom report`: what the journal remembers, as it stood, for people who were not there."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from loom_tui.cli import store_option
from loom_tui.commands.journal import checked
from loom_tui.commands.printing import echo, echo_json
from loom_tui.commands.rooms import find_room
from loom_tui.room.aftermath import RootCauseOpened
from loom_tui.room.deeds import Refused
from loom_tui.room.events import DecisionCalled, Event, Payload
from loom_tui.store.base import ChainBroken, Head

_PLAN = click.option("--plan", "plan_file", metavar="PLAN", type=click.Path(path_type=Path), help="The plan's file.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
P = TypeVar("P", bound=Payload)


class _Journal(msgspec.Struct, frozen=True):
    """The events of a room, their head, and where the chain breaks, if it does."""

    events: list[Event]
    head: Head
    broken: ChainBroken | None


@click.group("report")
def report() -> None:
    """Print what the journal remembers, as it stood, as Markdown."""


@report.command("decision")
@click.argument("event", type=int, required=False)
@_JSON
@_PLAN
@store_option
def decision(event: int | None, *, as_json: bool, plan_file: Path | None, store_directory: Path | None) -> None:
    """Print a decision with all the evidence that it was called on: the last one, or that of an event's number.

    Example: loom report decision > decision.md
    """
    from loom_tui.reports.decision import agreements, decision_report

    journal = _read(plan_file, store_directory)
    found, called = _find(journal.events, DecisionCalled, event, "decision")
    agreed = agreements(found.seq, journal.events)
    if as_json:
        _print_json(journal, found, agreed=agreed)
    _print(journal, decision_report(found, called, agreed))


@report.command("rootcause")
@click.argument("event", type=int, required=False)
@_JSON
@_PLAN
@store_option
def rootcause(event: int | None, *, as_json: bool, plan_file: Path | None, store_directory: Path | None) -> None:
    """Print the evidence that a rollback left for its root cause: of the last one, or that of an event's number.

    Example: loom report rootcause > rootcause.md
    """
    from loom_tui.reports.rootcause import rootcause_report
    from loom_tui.room.ledger import Ledger, advance

    journal = _read(plan_file, store_directory)
    found, opened = _find(journal.events, RootCauseOpened, event, "record of a root cause")
    if as_json:
        _print_json(journal, found)
    known = advance(Ledger(), journal.events).aftermaths.ticks.items()
    ticks = sorted(((step, tick) for (action, step), tick in known if action == opened.action), key=lambda t: t[1].at)
    _print(journal, rootcause_report(found, opened, ticks))


def _read(plan_file: Path | None, store_directory: Path | None) -> _Journal:
    store = find_room(plan_file, store_directory).open(read_only=True)
    try:
        head, broken = checked(store)
        return _Journal([event for event in store.events() if event.seq <= head.seq], head, broken)
    finally:
        store.close()


def _find(events: Sequence[Event], kind: type[P], seq: int | None, what: str) -> tuple[Event, P]:
    """Find the event of a kind that is meant: the last, or the one of a number. Raises Refused."""
    found = [(event, event.payload) for event in events if isinstance(event.payload, kind)]
    if not found:
        raise Refused(f"The journal holds no {what}")
    for event, payload in reversed(found):
        if seq in (None, event.seq):
            return event, payload
    raise Refused(f"Event {seq} is no {what}; there are: {', '.join(str(event.seq) for event, _ in found)}")


def _print(journal: _Journal, lines: Iterator[str]) -> None:
    """Write the lines, and the journal's head: who holds it sees any later change of what lies before it."""
    for line in lines:
        echo(line)
    echo("")
    echo(f"Journal: {journal.head.seq} events, head `{journal.head.hash}`")
    _leave(journal)


def _print_json(journal: _Journal, event: Event, *, agreed: Sequence[Event] = ()) -> None:
    """Write an event as it is stored, and the journal's head."""
    echo_json({"event": event, "agreed": agreed, "head": journal.head})
    _leave(journal)


def _leave(journal: _Journal) -> None:
    if journal.broken is None:
        sys.exit(0)
    echo(f"The journal's chain is broken at {journal.broken}", err=True)
    sys.exit(1)
