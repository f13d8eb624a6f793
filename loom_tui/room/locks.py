"""Who holds the world while an action is under way, as those are told whom it keeps waiting. Pure."""

from __future__ import annotations

from loom_tui.room.drills import took
from loom_tui.room.guard import ActionState, ActionView


def held(view: ActionView, now: float) -> str:
    """Say who holds it, since when and why; where its runner has gone, that only a person's word ends that."""
    why = f": {view.armed.reason}" if view.armed.reason else ""
    words = f"{view.by} has held it for {took(now - view.at)}{why}"
    if view.state is not ActionState.INTERRUPTED:
        return words
    return (
        f"{words}. Its runner{f' on {view.host}' if view.host else ''} has gone, and only a person's word ends that: "
        f"loom act {view.id} --resume, or loom abort {view.id}"
    )
