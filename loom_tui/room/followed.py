"""What is left to do after the last rollback: the plan's steps, whether it is stable again, what is still off. Pure."""

from __future__ import annotations

from loom_tui.plan.acts import ActionKind
from loom_tui.plan.criteria import folded
from loom_tui.plan.model import RollbackStep
from loom_tui.room.acting import Outcome
from loom_tui.room.automation import AutomationView
from loom_tui.room.beforehand import tried
from loom_tui.room.guard import UNDER_WAY, ActionState, ActionView
from loom_tui.room.proof import Facts
from loom_tui.room.snapshot import AftermathStep, AftermathView


def aftermath(facts: Facts, automation: tuple[AutomationView, ...]) -> AftermathView | None:
    """Show what follows the last rollback that began; None where none did, or where it is under way."""
    environment = facts.plan.plan.environment
    begun = [
        view
        for view in facts.ledger.actions.views.values()
        if view.armed.what is ActionKind.ROLLBACK
        and view.armed.environment == environment
        and any(step.started for step in view.steps)
    ]
    if not begun or begun[-1].written in UNDER_WAY:
        return None
    view = begun[-1]
    return AftermathView(
        action=view.id,
        label=view.armed.label,
        from_release=view.armed.from_release,
        to_release=view.armed.to_release,
        state=view.written,
        ended_at=view.ended_at or view.at,
        steps=tuple(_step(number, step, view, facts) for number, step in enumerate(facts.plan.rollback, 1)),
        off=tuple(each for each in automation if each.off),
        record=facts.ledger.aftermaths.records.get(view.id),
    )


def _step(number: int, step: RollbackStep, view: ActionView, facts: Facts) -> AftermathStep:
    done, how, at, note = _done(step, view, facts)
    return AftermathStep(
        number=number,
        name=step.name,
        text=step.text,
        done=done,
        how=how,
        at=at,
        note=note,
        root_cause=step.root_cause,
        stable=tuple(tried(rule, facts) for rule in step.stable),
    )


def _done(step: RollbackStep, view: ActionView, facts: Facts) -> tuple[bool, str, float | None, str]:
    """Say whether a step is done, how that is known, since when, and what was noted: a person's word goes first."""
    tick = facts.ledger.aftermaths.ticks.get((view.id, step.name))
    if tick is not None:
        return tick.done, tick.by, tick.at, tick.note
    for each in view.steps:
        if _does(each.name, step) and each.outcome is Outcome.OK:
            return True, f"action {view.id}", each.ended_at, ""
    for later in facts.ledger.actions.views.values() if step.stable else ():
        deployed = later.armed.what is ActionKind.DEPLOY and later.written is ActionState.DONE
        if deployed and later.id > view.id and later.armed.environment == view.armed.environment:
            return True, f"action {later.id}", later.ended_at, ""
    return False, "", None, ""


def _does(name: str, step: RollbackStep) -> bool:
    """Say whether an action's step does one of the plan's: the one it names, or that bears its name."""
    if step.step:
        return name == step.step
    own = folded(step.name)
    return folded(name) == own or folded(name).startswith(f"{own}:")
