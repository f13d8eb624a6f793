"""What an action's words must agree on: its people, its times, its steps, and the signals that verify it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from loom_tui.plan.acts import VARIABLES, ActionKind, CommandAct, DispatchAct, SqlAct
from loom_tui.plan.check_gate import rule_faults
from loom_tui.plan.faults import Fault, suggestion
from loom_tui.plan.model import Action, Plan, Rule
from loom_tui.plan.signals import Signal, signals_of
from loom_tui.plan.template import variables_in


def check_actions(plan: Plan) -> Iterator[Fault]:
    """List the faults and warnings of the plan's actions."""
    signals = signals_of(plan) if plan.actions or plan.rollback else {}
    yield from _way_back(plan, signals)
    for name, action in plan.actions.items():
        where = f"actions.{name}"
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
            yield Fault(where, "an action's name is small letters, digits, - and _")
        yield from _times(where, action)
        yield from _steps(where, action)
        for rule in action.preflight:
            yield from _rule(f"{where}.preflight", rule, signals)
        yield from _automation(where, action, signals)
        for rule in action.verify:
            yield from _rule(f"{where}.verify", rule, signals)
            if rule.for_s is not None and rule.for_s >= action.verify_s:
                yield Fault(f"{where}.verify", f"for_s {rule.for_s:g} does not fit into verify_s {action.verify_s:g}")
        if action.kind.changes_release and not action.verify:
            yield Fault(where, "names no verify rules: it can only ever end as done, unverified", "warning")


def _way_back(plan: Plan, signals: dict[str, Signal]) -> Iterator[Fault]:
    rollback = next((action for action in plan.actions.values() if action.kind is ActionKind.ROLLBACK), None)
    steps = [step.name for step in rollback.steps] if rollback is not None else []
    for index, each in enumerate(plan.rollback, 1):
        where = f"rollback[{index}]"
        if [other.name for other in plan.rollback].count(each.name) > 1:
            what = f"`{each.name}` is there more than once; a tick could not tell which"
            yield Fault(f"{where}.name", what, "warning")
        if each.step and each.step not in steps:
            what = f"is no step of the action that rolls back{suggestion(each.step, steps)}"
            yield Fault(f"{where}.step", f"`{each.step}` {what}")
        for rule in each.stable:
            yield from rule_faults(f"{where}.stable", rule, signals)


def _rule(where: str, rule: Rule, signals: dict[str, Signal]) -> Iterator[Fault]:
    yield from rule_faults(where, rule, signals)
    for word in variables_in(rule.is_ or ""):
        if word not in VARIABLES:
            yield Fault(where, f"speaks of {{{word}}}, which is none of {', '.join(sorted(VARIABLES))}")


def _automation(where: str, action: Action, signals: dict[str, Signal]) -> Iterator[Fault]:
    steps = [step.name for step in action.steps]
    for index, each in enumerate(action.undone_by, 1):
        place = f"{where}.undone_by[{index}]"
        if not each.text.strip():
            yield Fault(f"{place}.text", "is empty; say what would undo the action")
        if [other.text for other in action.undone_by].count(each.text) > 1:
            yield Fault(f"{place}.text", f"`{each.text}` is there more than once; a person's word could not tell which")
        if each.off is not None:
            yield from rule_faults(f"{place}.off", each.off, signals)
        if each.step and each.step not in steps:
            yield Fault(f"{place}.step", f"`{each.step}` is no step of the action{suggestion(each.step, steps)}")


def _times(where: str, action: Action) -> Iterator[Fault]:
    if action.approvals not in (None, 1, 2):
        yield Fault(where, f"approvals {action.approvals}: 1 is who arms it, 2 that and another person")
    if not 0 <= action.countdown_s <= 600:
        yield Fault(where, f"countdown_s {action.countdown_s:g} is not between 0 and 600")
    if not 0 < action.expires_s <= 86_400:
        yield Fault(where, f"expires_s {action.expires_s:g} is not between 0 and 86,400 (a day)")
    if action.verify_s <= 0:
        yield Fault(where, "verify_s must be above 0")


def _steps(where: str, action: Action) -> Iterator[Fault]:
    if not action.steps:
        yield Fault(where, "has no steps; it would do nothing")
    for index, step in enumerate(action.steps, 1):
        place = f"{where}.steps[{index}]"
        for key, what in step.faults():
            yield Fault(f"{place}.{key}" if key else place, what)
        for key, secret in step.credentials():
            if sum(map(bool, (secret.env, secret.file, secret.command))) != 1:
                words = "name exactly one of env, file or command; a credential itself is never written here"
                part = key if isinstance(step, SqlAct | DispatchAct) else f"secrets.{key}"
                yield Fault(f"{place}.{part}", words)
        if isinstance(step, CommandAct) and step.run and step.run[0] in ("sh", "bash", "/bin/sh", "/bin/bash"):
            yield Fault(place, "runs a shell: what a variable holds would be read as its words", "warning")
