"""A check's reading, made from its steps."""

from __future__ import annotations

from collections.abc import Sequence

from loom_tui.room.checks import CheckResult, Step, encode_result, worst
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import Errand

NAMED = 3  # findings that a check names in its one line; its steps hold all


def checked(
    errand: Errand, suffix: str, steps: Sequence[Step], *, detail: str = "", duration_ms: float | None = None
) -> Reading:
    """Make a check's reading. `detail` is for when all is well; else the steps that are not say why."""
    state = worst(step.state for step in steps)
    body = encode_result(CheckResult(steps=tuple(steps), duration_ms=duration_ms))
    return errand.reading(suffix, state=state, detail=_why(steps, state) or detail, body=body)


def _why(steps: Sequence[Step], state: State) -> str:
    if state is State.OK:
        return ""
    found = [f"{step.name}: {step.detail}" for step in steps if step.state is state]
    more = f" · and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return " · ".join(found[:NAMED]) + more or "nothing was checked"
