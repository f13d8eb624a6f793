"""From which release to which an action leads, and what that puts into its steps. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from loom_tui.plan.acts import ActionKind
from loom_tui.plan.model import Action, Plan
from loom_tui.room.deeds import Refused
from loom_tui.room.guard import Actions, ActionState
from loom_tui.room.signals import State
from loom_tui.room.snapshot import SignalView


class Way(Struct, frozen=True):
    """From which release to which an action leads."""

    from_release: str
    to_release: str

    def values(self, plan: Plan) -> Mapping[str, str]:
        """Give the values of the variables."""
        return values_of(plan, from_release=self.from_release, to_release=self.to_release)


def way_of(plan: Plan, action: Action, actions: Actions, version: SignalView | None) -> Way:
    """Say from where to where an action leads; empty where that is not known."""
    rollback = action.kind is ActionKind.ROLLBACK
    to_release = last_stable(plan, actions) if rollback else plan.plan.release
    return Way(seen_release(version) or plan.plan.release, to_release)


def values_of(plan: Plan, *, from_release: str, to_release: str) -> Mapping[str, str]:
    """Give the values of the variables that steps and rules may speak of."""
    about = plan.plan
    return {
        "from": from_release,
        "to": to_release,
        "release": about.release,
        "last_stable": about.last_stable,
        "environment": about.environment,
    }


def rollback_of(plan: Plan) -> str:
    """Name the plan's action that rolls back: the first of its kind. Raises Refused."""
    for name, action in plan.actions.items():
        if action.kind is ActionKind.ROLLBACK:
            return name
    raise Refused('The plan has no action that rolls back: write [actions.rollback] with kind = "rollback"')


def last_stable(plan: Plan, actions: Actions) -> str:
    """Name what one can go back to: the last release whose verification held, or the one that the plan names."""
    for view in reversed(tuple(actions.views.values())):
        if (
            view.written is ActionState.DONE
            and view.armed.what.changes_release
            and view.armed.environment == plan.plan.environment
        ):
            release = view.armed.to_release
            if release and release != plan.plan.release:
                return release
    return plan.plan.last_stable


def seen_release(view: SignalView | None) -> str:
    """Name the release that was last seen to run; empty where that is not known."""
    if view is None or view.reading is None or view.state is not State.OK:
        return ""
    return view.reading.detail
