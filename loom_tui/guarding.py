"""What follows from an intent that the guard let through: the runner that it needs. For rooms and commands."""

from __future__ import annotations

from collections.abc import Callable

from loom_tui.room.acting import ActionArmed, ActionInterrupted
from loom_tui.room.deeds import Refused
from loom_tui.room.events import Event
from loom_tui.room.guarded import Approve, Arm, Intent, Resume


def have_done(
    intent: Intent,
    *,
    write: Callable[[Intent], Event],
    start: Callable[[int], str],
    lives: Callable[[int], bool],
) -> int:
    """Have an intent written down and the runner that it needs started; gives the action's number, 0 for none.

    `start` gives "" or a sentence why it cannot; `lives` says whether an action has a runner. What is decided in two
    steps is written in both; what one person may begin is begun. Raises Refused, and what `write` raises.
    """
    event = write(intent)
    while isinstance(event.payload, ActionInterrupted):
        event = write(intent)
    if isinstance(intent, Arm) and isinstance(event.payload, ActionArmed):
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
