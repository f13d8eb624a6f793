"""`loom rollback`, `act`, `approve`, `abort` and `stop`: what changes the world, under guard, from a shell."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from loom_tui.cli import plan_argument, store_option
from loom_tui.commands.in_force import room_in_force
from loom_tui.commands.printing import echo
from loom_tui.commands.rooms import Room, find_room
from loom_tui.config.operator import whoami
from loom_tui.gathering import adopt, read_once, write_deed
from loom_tui.guarding import have_done, read_scripts
from loom_tui.room.acting import ActionArmed, Announcement, Answer
from loom_tui.room.announcing import NAME as ANNOUNCEMENT
from loom_tui.room.announcing import announce
from loom_tui.room.deeds import Refused
from loom_tui.room.door import Person, require
from loom_tui.room.fold import Folder, fold
from loom_tui.room.guard import ActionState, ActionView, is_heard
from loom_tui.room.guarded import (
    Abort,
    AnswerStep,
    Approve,
    Arm,
    CallStop,
    Intent,
    LiftStop,
    Resume,
    deed_of,
    find_action,
)
from loom_tui.room.preview import Preview, preview
from loom_tui.room.snapshot import Observations, Snapshot
from loom_tui.room.told_of_actions import way_of
from loom_tui.room.way import rollback_of, values_of
from loom_tui.spawn import spawn_runner
from loom_tui.store.base import Store, StoreError
from loom_tui.widgets.lines import clean
from loom_tui.widgets.standing import drill_words, off_words, run_words, step_words, target_words, tried_words

_PLAN = click.option("--plan", "plan_file", metavar="PLAN", type=click.Path(path_type=Path), help="The plan's file.")
_REASON = click.option("--reason", default="", metavar="WHY", help="Why; the journal keeps it.")
_ENVIRONMENT = click.option(
    "--environment", metavar="NAME", help="The environment's name, where no terminal can ask for it."
)
_GLASS = click.option("--break-glass", "glass", default="", metavar="WHY", help="Roll back alone, and say why.")


@click.command("rollback")
@plan_argument
@_REASON
@_GLASS
@_ENVIRONMENT
@click.option("--print", "only_print", is_flag=True, help="Write the commands, and do nothing: also without a store.")
@store_option
def rollback(
    plan_file: Path | None,
    *,
    reason: str,
    glass: str,
    environment: str | None,
    only_print: bool,
    store_directory: Path | None,
) -> None:
    """Roll back: arm, wait for a second person, follow to the end. Exit 0 verified, 1 failed or aborted, 3 unverified.

    Example: loom rollback --reason 'errors since 14:02' · loom rollback --print
    """
    room = room_in_force(plan_file, store_directory)
    name = rollback_of(room.plan)
    if only_print:
        _print(room, name, reason)
        return
    try:
        sys.exit(_arm(room, name, reason=reason, glass=glass, environment=environment))
    except StoreError as error:
        raise StoreError(f"{error}. The commands to run by hand: loom rollback --print") from None


@click.command("act")
@click.argument("what", metavar="NAME|ID")
@_REASON
@_ENVIRONMENT
@click.option("--dry-run", is_flag=True, help="Say what it would do, try what it needs, and do nothing.")
@click.option("--override", is_flag=True, help="Without a GO, or in a freeze: takes a reason and a second person.")
@click.option("--resume", is_flag=True, help="Have an interrupted action go on.")
@click.option("--repeat", is_flag=True, help="With --resume: begin anew the step in the middle of which it was.")
@click.option("--skip", is_flag=True, help="With --resume: go on after that step.")
@click.option(
    "--answer", type=click.Choice([answer.value for answer in Answer]), help="Say how a waiting step goes on."
)
@_PLAN
@store_option
def act(
    what: str,
    *,
    reason: str,
    environment: str | None,
    dry_run: bool,
    override: bool,
    resume: bool,
    repeat: bool,
    skip: bool,
    answer: str | None,
    plan_file: Path | None,
    store_directory: Path | None,
) -> None:
    """Have an action of the plan done, by its name; or follow, answer or resume one that is under way, by its number.

    Example: loom act deploy --dry-run · loom act deploy

    loom act 12 --answer done · loom act 12 --resume --skip --reason 'looked: it was done'
    """
    room = room_in_force(plan_file, store_directory) if what.isdecimal() else find_room(plan_file, store_directory)
    if not what.isdecimal():
        if resume or answer:
            raise click.UsageError("--resume and --answer speak of an action under way: write its number")
        if dry_run:
            sys.exit(_dry_run(room, what, reason=reason))
        sys.exit(_arm(room, what, reason=reason, environment=environment, override=override))
    if dry_run:
        raise click.UsageError("--dry-run speaks of an action of the plan: write its name")
    action = int(what)
    if answer is not None:
        _do(room, AnswerStep(action, Answer(answer), reason))
    elif resume:
        if repeat and skip:
            raise click.UsageError("Say one of --repeat and --skip")
        said = Answer.REPEAT if repeat else Answer.GO_ON if skip else None
        _do(room, Resume(action, reason, said))
    sys.exit(_follow(room, action))


@click.command("notify")
@click.argument("text")
@click.option("--channel", "channels", multiple=True, metavar="NAME", help="A channel of the plan; without one, all.")
@_ENVIRONMENT
@click.option("--dry-run", is_flag=True, help="Write exactly what would be sent, and send nothing.")
@_PLAN
@store_option
def notify(
    text: str,
    *,
    channels: tuple[str, ...],
    environment: str | None,
    dry_run: bool,
    plan_file: Path | None,
    store_directory: Path | None,
) -> None:
    """Tell people something through the plan's channels. Exit 0 where every channel acknowledged it.

    Example: loom notify '{environment} is back on {from}' --channel launch
    """
    from loom_tui.runner.notices import mask_of

    room = find_room(plan_file, store_directory)
    said = announce(room.plan, text, channels)
    if mask_of(room.plan, os.environ).hide(said.text) != said.text:
        raise Refused("The text holds a secret of this environment; nothing was written, and nothing sent")
    if dry_run:
        sys.exit(_dry_run(room, ANNOUNCEMENT, said=said))
    sys.exit(_arm(room, ANNOUNCEMENT, reason="", environment=environment, said=said))


@click.command("approve")
@click.argument("action", type=int, required=False)
@_GLASS
@click.option("--yes", is_flag=True, help="Approve without being asked, having read it elsewhere.")
@_PLAN
@store_option
def approve(action: int | None, *, glass: str, yes: bool, plan_file: Path | None, store_directory: Path | None) -> None:
    """Let an armed action begin, as a second person. Without a number, the one that waits.

    Example: loom approve 12
    """
    room = room_in_force(plan_file, store_directory)
    view = _under_way(room, action)
    for line in (*_lines_of(view.armed), *_missing_of(view)):
        echo(line)
    if not yes and not click.confirm(f"{view.by} armed it: {clean(view.armed.reason) or 'no reason given'}. Approve?"):
        raise click.Abort
    _do(room, Approve(view.id, glass))
    echo(f"Approved {view.id}")


@click.command("abort")
@click.argument("action", type=int, required=False)
@_REASON
@_PLAN
@store_option
def abort(action: int | None, *, reason: str, plan_file: Path | None, store_directory: Path | None) -> None:
    """End an action: at once before its first step, else before its next one. Without a number, the one under way.

    Example: loom abort 12 --reason 'wrong target'
    """
    room = room_in_force(plan_file, store_directory)
    view = _under_way(room, action)
    _do(room, Abort(view.id, reason))
    state = find_action(_snapshot(room), view.id).state
    echo("It ends before its next step" if state is ActionState.RUNNING else f"Action {view.id} is {state.value}")


@click.command("stop")
@_REASON
@click.option("--all", "everything", is_flag=True, help="Rollbacks too.")
@click.option("--lift", is_flag=True, help="Lift the stop.")
@_PLAN
@store_option
def stop(*, reason: str, everything: bool, lift: bool, plan_file: Path | None, store_directory: Path | None) -> None:
    """Refuse all actions but rollbacks until somebody lifts it; what runs ends before its next step.

    Example: loom stop --reason 'something is off' · loom stop --lift --reason 'false alarm'
    """
    room = room_in_force(plan_file, store_directory)
    if lift:
        _do(room, LiftStop(reason))
        echo("The stop is lifted: actions may begin again")
    else:
        _do(room, CallStop(reason, everything))
        echo(f"Stopped: no action begins{'' if everything else ' but a rollback'}")


def _arm(
    room: Room,
    name: str,
    *,
    reason: str,
    glass: str = "",
    environment: str | None = None,
    override: bool = False,
    said: Announcement | None = None,
) -> int:
    """Show an action, have it meant, arm it, start its runner and follow it; gives the exit code."""
    store = room.open()
    try:
        folder = Folder(room.plan)
        require(room.plan, whoami(), ActionArmed)
        plan_hash = adopt(store, room.plan, folder, actor=whoami(), at=time.time())
        now = time.time()
        seen = preview(read_once(room.plan, store, now=now), name, said)
        for line in (*_lines_of(seen), *_known_of(seen, now)):
            echo(line)
        typed = environment if environment is not None else _typed(seen)
        intent = Arm(seen=seen, environment=typed, plan_hash=plan_hash, reason=reason, override=override, glass=glass)
        action = _have_done(store, room, intent)
        echo(f"Armed {action}")
        if not glass and (seen.people > 1 or override):
            echo(f"It waits for another person: loom approve {action}")
    finally:
        store.close()
    return _follow(room, action)


def _dry_run(room: Room, name: str, *, reason: str = "", said: Announcement | None = None) -> int:
    from loom_tui.commands.dry_run import go_through

    return go_through(room, name, reason=reason, said=said)


def _typed(seen: Preview) -> str:
    if not sys.stdin.isatty():
        raise click.UsageError(f"No terminal can ask for it: name the environment by --environment {seen.environment}")
    return str(click.prompt(f"Type {seen.environment} to arm", prompt_suffix=": "))


def _print(room: Room, name: str, reason: str) -> None:
    """Write what a person can type when nothing else works; a store that cannot be read stands in nobody's way."""
    try:
        snapshot = _snapshot(room)
    except (StoreError, OSError) as error:
        echo(f"# {error}", err=True)
        snapshot = fold(room.plan, (), Observations(), time.time())
    seen = preview(snapshot, name)
    for line in _comments(seen):
        echo(f"# {line}")
    if seen.barred:
        raise Refused(seen.barred)
    values = {
        **values_of(room.plan, from_release=seen.from_release, to_release=seen.to_release),
        "by": whoami(),  # of an action, which there is none of: a notice must not send the words {by} and {reason}
        "reason": reason.strip() or "no reason given",
    }
    for step in room.plan.actions[name].steps:
        echo(f"# {clean(step.name)}")
        for word, secret in step.credentials():
            where = secret.env or secret.file or " ".join(secret.command)
            echo(f"# {word}: {'$' if secret.env else ''}{where}")
        for line in step.shown(values).splitlines():
            echo(line)


def _comments(seen: Preview) -> Sequence[str]:
    way = way_of(seen.what, seen.from_release, seen.to_release)
    head = clean(f"{seen.label} in {seen.environment} {way}".strip())
    return [head, *(clean(word) for word in seen.warnings), *_instead_of(seen)]


def _known_of(seen: Preview, now: float) -> list[str]:
    """Write what is known beforehand: of the target, of how long it took, of what else can be done."""
    words = target_words(seen.target, now) if seen.target is not None else ""
    lines = [f"  {seen.to_release}: {words}"] if words else []
    lines += [f"  {tried_words(tried, now)}" for tried in seen.preflight if tried.holds]
    lines += [f"  off: {off_words(view, now)}" for view in seen.undone_by if view.off]
    lines += [f"  {run_words(seen.last_run, now)}"] if seen.last_run is not None else []
    lines += [f"  {drill_words(seen.last_drill, now)}"] if seen.last_drill is not None else []
    for index, name in enumerate(seen.steps):
        took = step_words(seen, index)
        lines += [f"  {index + 1} {name}: {took}"] if took else []
    return [*map(clean, lines), *_instead_of(seen)]


def _instead_of(seen: Preview) -> list[str]:
    """Write the plan's other steps, where there is nothing to go back to."""
    return [clean(f"what the plan has besides: {step.name} · {step.text}") for step in seen.instead]


def _lines_of(seen: Preview | ActionArmed) -> list[str]:
    """Write an action as a person must see it before they mean it."""
    way = way_of(seen.what, seen.from_release, seen.to_release)
    lines = [clean(f"{seen.label} in {seen.environment}{f' {way}' if way else ''}")]
    lines += [clean(f"  ! {warning}") for warning in seen.warnings]
    for number, (name, shown) in enumerate(zip(seen.steps, seen.shown, strict=True), 1):
        lines.append(clean(f"  {number} {name}: {shown}"))
    return lines


def _missing_of(view: ActionView) -> list[str]:
    """Write what the runner of an armed rollback found amiss before the start."""
    found = [(number, step.missing) for number, step in enumerate(view.steps, 1) if step.missing]
    return [clean(f"  ! pre-flight, step {number}: {missing}") for number, missing in found]


def _follow(room: Room, action: int) -> int:
    """Write down what happens to an action until it is over; leaving changes nothing about it. Gives the exit code."""
    from loom_tui.commands.following import follow

    store = room.open(read_only=True)
    try:
        state = follow(store, room.plan, action, say=echo)
    except KeyboardInterrupt:
        echo(f"It goes on without this terminal. Look at it again: loom act {action}", err=True)
        return 130
    finally:
        store.close()
    if state is ActionState.DONE:
        return 0
    if state is ActionState.INTERRUPTED:
        echo(f"Its runner has gone. Look, then: loom act {action} --resume --reason WHY", err=True)
    return 3 if state is ActionState.DONE_UNVERIFIED else 1


def _do(room: Room, intent: Intent) -> None:
    """Have an intent written down, and its runner started where it needs one. Raises Refused, StoreError."""
    store = room.open()
    try:
        _have_done(store, room, intent)
    finally:
        store.close()


def _have_done(store: Store, room: Room, intent: Intent) -> int:
    return have_done(
        intent,
        read=lambda arm: read_scripts(arm, room.plan, room.path.parent, by=whoami()),
        keep=store.keep,
        write=lambda each: write_deed(room.plan, store, deed_of(each), person=Person(whoami()), now=time.time()),
        start=lambda action: spawn_runner(
            room.path, room.directory, room.plan.plan.room_id, room.plan.store.group, action
        ),
        lives=lambda action: is_heard(read_once(room.plan, store, now=time.time()).runners.get(action), time.time()),
    )


def _snapshot(room: Room) -> Snapshot:
    store = room.open(read_only=True)
    try:
        return read_once(room.plan, store, now=time.time())
    finally:
        store.close()


def _under_way(room: Room, action: int | None) -> ActionView:
    """Find the action that is meant: the one of a number, or the only one that it can be. Raises Refused."""
    snapshot = _snapshot(room)
    if action is not None:
        return find_action(snapshot, action)
    if snapshot.action is None:
        raise Refused("No action is under way")
    return snapshot.action
