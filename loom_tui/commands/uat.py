"""`loom step` and `loom uat …`: steps by hand and acceptance testing, in one line of shell."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import click

from loom_tui.cli import store_option
from loom_tui.commands.printing import echo, echo_json
from loom_tui.commands.rooms import Room, find_room
from loom_tui.config.operator import whoami
from loom_tui.gathering import append_payload, read_once
from loom_tui.room.deeds import Refused
from loom_tui.room.door import Person
from loom_tui.room.events import Event, Payload
from loom_tui.room.fold import fold
from loom_tui.room.hand_deeds import (
    NO_UAT,
    Outcome,
    Severity,
    begin_workflow,
    do_step,
    give_feedback,
    hold_session,
    join_uat,
    settle_feedback,
    workflow_of,
)
from loom_tui.room.manual import ManualView
from loom_tui.room.snapshot import Observations, Snapshot
from loom_tui.room.told import sentence
from loom_tui.room.uat import UatView
from loom_tui.store.base import StoreMissing

_PLAN = click.option("--plan", "plan_file", metavar="PLAN", type=click.Path(path_type=Path), help="The plan's file.")


@click.command("step")
@click.argument("workflow")
@click.argument("step", required=False)
@click.argument("outcome", required=False, type=click.Choice(["ok", "failed", "skipped"]))
@click.option("--begin", is_flag=True, help="Begin its steps anew: what was done before counts no more.")
@click.option("--note", default="", help="What was seen; a step that failed needs it.")
@click.option("--tester", default="", help="Who did it, where that was somebody else.")
@_PLAN
@store_option
def step(
    workflow: str,
    step: str | None,
    outcome: str | None,
    *,
    begin: bool,
    note: str,
    tester: str,
    plan_file: Path | None,
    store_directory: Path | None,
) -> None:
    """Do a workflow's steps by hand: a step's name or number, and what came of it. Without a step, list them.

    Example: loom step client-booking 2 failed --note 'the invitation shows another time zone'
    """
    room = find_room(plan_file, store_directory)
    found = workflow_of(room.plan, workflow)
    if begin:
        _append(room, begin_workflow(room.plan, found))
    if step is not None:
        if outcome is None:
            raise click.UsageError("Say what came of it: ok, failed or skipped")
        _append(room, do_step(room.plan, found, step, cast("Outcome", outcome), note=note, tester=tester))
    view = next(view.manual for view in _snapshot(room).checks if view.signal.signal.id == f"workflow.{found.key}")
    assert view is not None  # noqa: S101 - a workflow with steps by hand has a view of them
    for line in _step_lines(view):
        echo(line)


@click.group("uat")
def uat() -> None:
    """Write down acceptance testing: who takes part, what they tried, what they said."""


@uat.command("participant")
@click.argument("name")
@click.option("--about", default="", help="Who they are: a coach, a client, on which device.")
@_PLAN
@store_option
def participant(name: str, *, about: str, plan_file: Path | None, store_directory: Path | None) -> None:
    """Take somebody into the acceptance testing.

    Example: loom uat participant 'Maya' --about 'coach, iPad'
    """
    room = find_room(plan_file, store_directory)
    echo(sentence(_append(room, join_uat(room.plan, name, about=about))))


@uat.command("session")
@click.argument("participant")
@click.option("--feature", "features", multiple=True, help="A feature that was tried; may be given several times.")
@click.option("--minutes", type=float, help="How long it took.")
@click.option("--note", default="", help="What was seen.")
@_PLAN
@store_option
def session(
    participant: str,
    *,
    features: tuple[str, ...],
    minutes: float | None,
    note: str,
    plan_file: Path | None,
    store_directory: Path | None,
) -> None:
    """Note that a participant tried features of this release.

    Example: loom uat session Maya --feature Booking --feature Journal --minutes 40
    """
    room = find_room(plan_file, store_directory)
    payload = hold_session(room.plan, participant, features=features, minutes=minutes, note=note)
    echo(sentence(_append(room, payload)))


@uat.command("feedback")
@click.argument("participant")
@click.argument("rating", type=click.IntRange(1, 5))
@click.argument("text", required=False, default="")
@click.option("--severity", type=click.Choice(["none", "minor", "major", "blocker"]), default="none")
@click.option("--feature", default="", help="The feature that it speaks of.")
@_PLAN
@store_option
def feedback(
    participant: str,
    rating: int,
    text: str,
    *,
    severity: str,
    feature: str,
    plan_file: Path | None,
    store_directory: Path | None,
) -> None:
    """Note what a participant said of this release: a rating from 1 to 5, and their words.

    Example: loom uat feedback Maya 2 'cannot cancel a booking' --severity blocker --feature Booking
    """
    room = find_room(plan_file, store_directory)
    payload = give_feedback(
        room.plan, participant, rating, severity=cast("Severity", severity), feature=feature, text=text
    )
    event = _append(room, payload)
    echo(f"{sentence(event)} · feedback {event.seq}")


@uat.command("settle")
@click.argument("number", type=int)
@click.argument("reason")
@_PLAN
@store_option
def settle(number: int, reason: str, *, plan_file: Path | None, store_directory: Path | None) -> None:
    """Say that what feedback spoke of no longer stands, and why.

    Example: loom uat settle 41 'fixed in v1.7.1, Maya tried it'
    """
    room = find_room(plan_file, store_directory)
    echo(sentence(_append(room, settle_feedback(_snapshot(room).uat, number, reason=reason))))


@uat.command("show")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@_PLAN
@store_option
def show(*, as_json: bool, plan_file: Path | None, store_directory: Path | None) -> None:
    """Show what was written down of this release.

    Example: loom uat show --json
    """
    room = find_room(plan_file, store_directory)
    view = _snapshot(room).uat
    if view is None:
        raise Refused(NO_UAT)
    if as_json:
        echo_json(view)
        return
    for line in _uat_lines(view):
        echo(line)


def _append(room: Room, payload: Payload) -> Event:
    store = room.open()
    try:
        return append_payload(store, payload, plan=room.plan, person=Person(whoami()), at=time.time())
    finally:
        store.close()


def _snapshot(room: Room) -> Snapshot:
    """Fold the room as it is; one that nobody has opened is empty."""
    now = time.time()
    try:
        store = room.open(read_only=True)
    except StoreMissing:
        return fold(room.plan, (), Observations(), now)
    try:
        return read_once(room.plan, store, now=now)
    finally:
        store.close()


def _step_lines(view: ManualView) -> Iterator[str]:
    yield f"{view.workflow.name}: {len(view.done)} of {len(view.steps)} done, {view.release} in {view.environment}"
    for number, each in enumerate(view.steps, 1):
        done = each.done
        said = f"{done.payload.outcome}, {done.tester}" if done is not None else each.step.tester
        note = f": {done.payload.note}" if done is not None and done.payload.note else ""
        yield f"  {number}  {each.step.name}  {said}{note}"
        if done is None and each.step.words:
            yield f"     {each.step.words}"


def _uat_lines(view: UatView) -> Iterator[str]:
    rating = f"{view.rating:.1f} of 5" if view.rating is not None else "no rating yet"
    yield f"{view.release} in {view.environment}: {rating}, {len(view.feedback)} said something"
    yield f"Features tried: {view.covered} of {len(view.features)}"
    for feature in view.features:
        yield f"  {feature.name}  {', '.join(feature.tried_by) or 'nobody yet'}"
    for each in view.participants:
        about = f"  {each.about}" if each.about else ""
        yield f"{each.name}{about}  {each.sessions} sessions, {each.feedback} feedback"
    for said in view.feedback:
        payload = said.payload
        standing = "" if said.open else f"  (settled: {said.settled_why})"
        yield f"  {said.id}  {payload.rating}  {payload.severity}  {payload.text}{standing}"
    for said in view.blockers:
        yield f"Open blocker {said.id}: {said.payload.text} ({said.payload.participant})"
