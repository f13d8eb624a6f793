"""How long an action took when it was done last, and in the last drill: what to expect of it now. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from loom_tui.room.drills import Drills
from loom_tui.room.guard import UNDER_WAY, Actions, ActionState


class LastRun(Struct, frozen=True, kw_only=True):
    """An action's last run: when its first step began, how it ended, what it took; None where nobody saw the end."""

    action: int
    at: float
    state: ActionState
    took_s: float | None  # from the first step to the end of it all, verification too
    steps_s: tuple[float | None, ...]


def last_run(actions: Actions, name: str) -> LastRun | None:
    """Find the last run of an action that is over, and of which a step began."""
    for view in reversed(tuple(actions.views.values())):
        begun = [step.started_at for step in view.steps if step.started_at is not None]
        if view.armed.name != name or view.written in UNDER_WAY or not begun:
            continue
        return LastRun(
            action=view.id,
            at=min(begun),
            state=view.written,
            took_s=view.ended_at - min(begun) if view.ended_at is not None else None,
            steps_s=tuple(
                step.ended_at - step.started_at if step.started_at is not None and step.ended_at is not None else None
                for step in view.steps
            ),
        )
    return None


def drilled(drills: Drills, steps: Sequence[str]) -> tuple[float | None, ...]:
    """Give what each step of these names took in the last drill of a rollback; None for one that was not drilled."""
    took = {step.name: step.took_s for step in drills.rehearsed.steps} if drills.rehearsed is not None else {}
    return tuple(took.get(name) for name in steps)
