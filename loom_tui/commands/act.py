"""`loom tick`, `loom set` and `loom note`: what one does in the room, in one line of shell."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from loom_tui.cli import store_option
from loom_tui.commands.printing import echo
from loom_tui.commands.rooms import Room, find_room
from loom_tui.config.operator import whoami
from loom_tui.gathering import append_payload, read_once
from loom_tui.plan.model import Issue, IssueId, Status
from loom_tui.plan.words import WORD_OF_STATUS, issue_name
from loom_tui.room.deeds import add_note, block, estimate, hand_over, mark, set_status, tick_task
from loom_tui.room.door import Person
from loom_tui.room.events import Event, IssueStatusSet, Payload
from loom_tui.room.told import sentence
from loom_tui.widgets.text import hours

_PLAN = click.option("--plan", "plan_file", metavar="PLAN", type=click.Path(path_type=Path), help="The plan's file.")


@click.command("tick")
@click.argument("issue")
@click.argument("task", type=click.IntRange(min=1))
@click.option("--undo", is_flag=True, help="Take the tick back.")
@_PLAN
@store_option
def tick(issue: str, task: int, *, undo: bool, plan_file: Path | None, store_directory: Path | None) -> None:
    """Tick a task: the issue's id, and the task's place, from 1.

    Example: loom tick 147 3
    """
    room = find_room(plan_file, store_directory)
    found = _issue(room, issue)
    payload = tick_task(found, task - 1, done=not undo)
    _append(room, payload)
    echo(f"{'Took back' if undo else 'Ticked'} {issue_name(found.id)} · {found.tasks[task - 1].text}")


@click.command("set")
@click.argument("issue")
@click.option("--status", type=click.Choice([status.value for status in Status]), help="Where it stands.")
@click.option("--owner", "owners", multiple=True, help="Who has it; may be given several times.")
@click.option("--effort", metavar="HOURS", help="How long it takes: 3, or 2-4.")
@click.option("--blocked", metavar="WHY", help="What stands in its way.")
@click.option("--unblocked", is_flag=True, help="Nothing stands in its way any more.")
@_PLAN
@store_option
def set_(
    issue: str,
    *,
    status: str | None,
    owners: tuple[str, ...],
    effort: str | None,
    blocked: str | None,
    unblocked: bool,
    plan_file: Path | None,
    store_directory: Path | None,
) -> None:
    """Say where an issue stands, who has it, how long it takes, what blocks it.

    Example: loom set 147 --status in_progress --owner QA --effort 3-5
    """
    room = find_room(plan_file, store_directory)
    found = _issue(room, issue)
    asked: dict[str, Payload] = {}
    if status is not None:
        asked["status"] = set_status(found, Status(status))
    if owners:
        asked["owner"] = hand_over(found, owners)
    if effort is not None:
        asked["effort"] = estimate(found, effort)
    if blocked is not None or unblocked:
        asked["blocked by"] = block(found, "" if unblocked else blocked or "")
    if not asked:
        raise click.UsageError("Say what to set: --status, --owner, --effort, --blocked or --unblocked")
    store = room.open()
    try:
        before = read_once(room.plan, store, now=time.time()).issue(found.id)
        for payload in asked.values():
            append_payload(store, payload, plan=room.plan, person=Person(whoami()), at=time.time())
        after = read_once(room.plan, store, now=time.time()).issue(found.id)
    finally:
        store.close()
    assert before is not None and after is not None  # noqa: S101, PT018 - each issue of the plan has a view
    echo(f"{issue_name(found.id)} {found.title}")
    for line in _changes(before.issue, after.issue, asked):
        echo(line)


@click.command("note")
@click.argument("text")
@click.option("--issue", help="The issue that the note speaks of.")
@click.option(
    "--marker",
    type=click.Choice(["deploy", "migration", "rollback"]),
    help="The world was changed now: percentiles begin a new window.",
)
@_PLAN
@store_option
def note(
    text: str, *, issue: str | None, marker: str | None, plan_file: Path | None, store_directory: Path | None
) -> None:
    """Stamp a note on the timeline.

    Example: loom note 'CDN purged'
    """
    room = find_room(plan_file, store_directory)
    if marker is not None:
        payload: Payload = mark(marker, text)
    else:
        found = _issue(room, issue) if issue is not None else None
        payload = add_note(text, found.id if found is not None else None)
    echo(sentence(_append(room, payload)))


def _issue(room: Room, word: str) -> Issue:
    """Find an issue by what a person types: 147, #147, OPS-12. Raises a usage error that names what there is."""
    wanted: IssueId = int(word.lstrip("#")) if word.lstrip("#").isdecimal() else word
    for issue in room.plan.issues:
        if issue.id == wanted or str(issue.id).casefold() == word.casefold():
            return issue
    known = ", ".join(issue_name(issue.id) for issue in room.plan.issues[:20])
    raise click.UsageError(f"{room.path.name} has no issue {word}; it has {known or 'none'}")


def _changes(before: Issue, after: Issue, asked: Mapping[str, Payload]) -> Iterator[str]:
    """Say of each thing of an issue that was set, or moved with it, what it was and what it is."""
    now = _words_of(after)
    for name, was in _words_of(before).items():
        if was != now[name]:
            yield f"  {name}: {was} → {now[name]}"
        elif name in asked:
            yield f"  {name}: {was}, as before"
    status = asked.get("status")
    if isinstance(status, IssueStatusSet) and after.status is Status.BLOCKED is not status.status:
        yield f"It stays blocked until what blocks it is gone: loom set {after.id} --unblocked"


def _words_of(issue: Issue) -> Mapping[str, str]:
    return {
        "status": f"{'claimed ' if issue.claimed else ''}{WORD_OF_STATUS[issue.status]}",
        "owner": ", ".join(issue.owners) or "nobody",
        "effort": hours(issue.effort_hours) or issue.effort_text or "not estimated",
        "blocked by": ", ".join(issue.blockers) or "nothing",
    }


def _append(room: Room, payload: Payload) -> Event:
    store = room.open()
    try:
        return append_payload(store, payload, plan=room.plan, person=Person(whoami()), at=time.time())
    finally:
        store.close()
