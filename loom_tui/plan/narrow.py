"""A plan held to the signals that it has: what it names beyond them is left out, and so left unproved."""

from __future__ import annotations

from collections.abc import Container

from msgspec.structs import replace

from loom_tui.plan.model import Action, Criteria, Criterion, Issue, Plan, Risk, RollbackStep
from loom_tui.plan.signals import signals_of
from loom_tui.plan.template import variables_in


def narrowed(plan: Plan) -> Plan:
    """Leave out the rules, checks and triggers that name signals which no source of the plan gives.

    A criterion that loses one keeps the others, but none of its evidence may stand for what is missing: it is left
    with a person's sign-off.
    """
    known = signals_of(plan)
    criteria = plan.criteria
    return replace(
        plan,
        issues=tuple(_issue(issue, known) for issue in plan.issues),
        criteria=Criteria(
            go=_criteria(criteria.go, known),
            no_go=_criteria(criteria.no_go, known),
            deployment=_criteria(criteria.deployment, known),
            post_deployment=_criteria(criteria.post_deployment, known),
        ),
        risks=tuple(_risk(risk, known) for risk in plan.risks),
        rollback=tuple(_step(step, known) for step in plan.rollback),
        actions={name: _action(action, known) for name, action in plan.actions.items()},
    )


def _issue(issue: Issue, known: Container[str]) -> Issue:
    tasks = tuple(replace(task, checks=_known(task.checks, known)) for task in issue.tasks)
    return replace(issue, tasks=tasks, checks=_known(issue.checks, known))


def _criteria(criteria: tuple[Criterion, ...], known: Container[str]) -> tuple[Criterion, ...]:
    return tuple(each if _whole(each, known) else _bare(each) for each in criteria)


def _whole(criterion: Criterion, known: Container[str]) -> bool:
    named = (*(rule.signal for rule in criterion.rules), *criterion.checks)
    return all(name in known for name in named)


def _bare(criterion: Criterion) -> Criterion:
    return replace(criterion, rules=(), checks=(), clock_hours=None)


def _risk(risk: Risk, known: Container[str]) -> Risk:
    return replace(risk, trigger=None) if risk.trigger is not None and risk.trigger.signal not in known else risk


def _step(step: RollbackStep, known: Container[str]) -> RollbackStep:
    return step if all(rule.signal in known for rule in step.stable) else replace(step, stable=())


def _action(action: Action, known: Container[str]) -> Action:
    """Keep what still shows it done; where nothing says which release runs any more, it can only end unverified."""
    lost = [rule for rule in action.verify if rule.signal not in known]
    blind = any(variables_in(rule.is_ or "") for rule in lost)
    return replace(
        action,
        preflight=tuple(rule for rule in action.preflight if rule.signal in known),
        verify=() if blind else tuple(rule for rule in action.verify if rule.signal in known),
    )


def _known(names: tuple[str, ...], known: Container[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name in known)
