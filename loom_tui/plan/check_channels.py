"""What a plan's channels must agree on, and whoever speaks of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from loom_tui.plan.acts import ActionKind, NotifyAct, OnFailure
from loom_tui.plan.faults import Fault, suggestion
from loom_tui.plan.model import Plan


def check_channels(plan: Plan) -> Iterator[Fault]:
    """List the faults and warnings of the plan's channels, and of those who name them."""
    for name, channel in plan.channels.items():
        where = f"channels.{name}"
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
            yield Fault(where, "a channel's name is small letters, digits, - and _")
        for key, what in channel.faults():
            yield Fault(f"{where}.{key}", what)
    for where, names in _named(plan):
        for name, times in Counter(names).items():
            if name not in plan.channels:
                yield Fault(where, f"channel `{name}` does not exist{suggestion(name, plan.channels)}")
            elif times > 1:
                yield Fault(where, f"channel `{name}` is there {times} times")
    for name, action in plan.actions.items():
        for index, step in enumerate(action.steps, 1):
            stops = isinstance(step, NotifyAct) and step.on_failure is not OnFailure.GO_ON
            if stops and action.kind is ActionKind.ROLLBACK:
                what = 'a channel that is down would hold the rollback up: write on_failure = "go_on"'
                yield Fault(f"actions.{name}.steps[{index}]", what, "warning")


def _named(plan: Plan) -> Iterator[tuple[str, tuple[str, ...]]]:
    """List where channels are named."""
    yield "approvals.channels", plan.approvals.channels
    for name, action in plan.actions.items():
        yield f"actions.{name}.ask", action.ask or ()
        for index, step in enumerate(action.steps, 1):
            if isinstance(step, NotifyAct):
                yield f"actions.{name}.steps[{index}].channels", step.channels
