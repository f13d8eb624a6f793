"""What follows from an intent that the guard let through: the runner that it needs. For rooms and commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from msgspec.structs import replace

from loom_tui.files import read_file
from loom_tui.plan.acts import SqlAct
from loom_tui.plan.model import Plan
from loom_tui.room.acting import ActionArmed, ActionInterrupted
from loom_tui.room.announcing import action_of
from loom_tui.room.deeds import Refused
from loom_tui.room.events import Event
from loom_tui.room.guarded import Approve, Arm, Intent, Resume
from loom_tui.room.way import values_of
from loom_tui.store.base import StoreError


def read_scripts(intent: Arm, plan: Plan, directory: Path, *, by: str) -> tuple[bytes | None, ...]:
    """Read the file of SQL of each step that has one; None for the others, and where it cannot be read.

    `directory` is that of the plan's file, `by` who arms.
    """
    seen = intent.seen
    values = values_of(plan, from_release=seen.from_release, to_release=seen.to_release)
    values = {**values, "by": by, "reason": intent.reason.strip()}
    return tuple(
        _read(step.path(directory, values)) if isinstance(step, SqlAct) else None
        for step in action_of(plan, seen.name, seen.announcement).steps
    )


def _read(path: Path) -> bytes | None:
    try:
        return read_file(path)
    except OSError:
        return None


def pinned(intent: Arm, scripts: Sequence[bytes | None]) -> Arm:
    """Say what the steps' files hold."""
    return replace(intent, scripts=tuple("" if body is None else sha256(body).hexdigest() for body in scripts))


def have_done(
    intent: Intent,
    *,
    read: Callable[[Arm], Sequence[bytes | None]],
    keep: Callable[[bytes], object],
    write: Callable[[Intent], Event],
    start: Callable[[int], str],
    lives: Callable[[int], bool],
) -> int:
    """Have an intent written down and the runner that it needs started; gives the action's number, 0 for none.

    `start` gives "" or a sentence why it cannot; `lives` says whether an action has a runner; `read` gives the steps'
    files as they are when they are armed, and `keep` keeps them. What is decided in two steps is written in both; what
    one person may begin is begun. Raises Refused, and what `write` raises.
    """
    scripts = read(intent) if isinstance(intent, Arm) else ()
    event = write(pinned(intent, scripts) if isinstance(intent, Arm) else intent)
    while isinstance(event.payload, ActionInterrupted):
        event = write(intent)
    if isinstance(intent, Arm) and isinstance(event.payload, ActionArmed):
        with suppress(StoreError):  # by its digest the runner knows the file in its place for what it is
            for body in scripts:
                if body is not None:
                    keep(body)
        _start(event.seq, start)
        if intent.glass or event.payload.people == 1:
            write(Approve(event.seq, intent.glass))
        return event.seq
    action = getattr(intent, "action", 0)
    if isinstance(intent, Resume) or (isinstance(intent, Approve) and not lives(action)):
        _start(action, start)
    return int(action)


def _start(action: int, start: Callable[[int], str]) -> None:
    trouble = start(action)
    if trouble:
        raise Refused(trouble)
