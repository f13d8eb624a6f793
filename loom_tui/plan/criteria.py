"""Which criterion is which, and who may speak of it: what events refer to when a plan's text is edited."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from loom_tui.plan.model import Criterion, Issue, Plan, Right, Rule, Stakeholder


class Part(StrEnum):
    """Which of the gate's lists a criterion stands in."""

    GO = "go"
    NO_GO = "no_go"
    DEPLOYMENT = "deployment"
    POST_DEPLOYMENT = "post_deployment"


class Named(Struct, frozen=True):
    """A criterion, its list, and the key by which events speak of it."""

    part: Part
    key: str
    criterion: Criterion


def criteria_of(plan: Plan) -> Iterator[Named]:
    """List a plan's criteria with their keys, list by list."""
    for part, criteria in (
        (Part.GO, plan.criteria.go),
        (Part.NO_GO, plan.criteria.no_go),
        (Part.DEPLOYMENT, plan.criteria.deployment),
        (Part.POST_DEPLOYMENT, plan.criteria.post_deployment),
    ):
        for criterion in criteria:
            yield Named(part, criterion_key(part, criterion), criterion)


def criterion_key(part: Part, criterion: Criterion) -> str:
    """Name a criterion for events: its id, or its list and its text without regard to case and spacing.

    Whoever signed a text off did not sign the text that it was edited to: without an id a new text is a new
    criterion, and what was said of the old one no longer opens the gate.
    """
    return criterion.id or f"{part.value}/{folded(criterion.text)}"


def folded(text: str) -> str:
    """Write a text without regard to case and spacing."""
    return " ".join(text.split()).casefold()


def checks_of(issue: Issue) -> tuple[str, ...]:
    """List the checks that prove an issue: its own, and those of its tasks."""
    return tuple(dict.fromkeys((*issue.checks, *(name for task in issue.tasks for name in task.checks))))


def proof_is_named(criterion: Criterion) -> bool:
    """Say whether the plan says what proves a criterion; otherwise only a person's word can."""
    return bool(criterion.issues or criterion.rules or criterion.checks or criterion.signoffs or criterion.votes)


def rules_over_time(plan: Plan) -> Iterator[tuple[str, float]]:
    """List the signals whose past is asked for, each with how many seconds of it."""
    for named in criteria_of(plan):
        criterion = named.criterion
        yield from _spans(criterion.rules)
        if criterion.clock_hours is not None:
            for rule in clock_rules(criterion):
                yield rule.signal, criterion.clock_hours * 3600
    yield from _spans(tuple(risk.trigger for risk in plan.risks if risk.trigger is not None))
    for step in plan.rollback:
        yield from _spans(step.stable)
    for action in plan.actions.values():
        yield from _spans((*action.preflight, *action.verify))
        yield from _spans(tuple(each.off for each in action.undone_by if each.off is not None))


def _spans(rules: tuple[Rule, ...]) -> Iterator[tuple[str, float]]:
    for rule in rules:
        if rule.for_s is not None:
            yield rule.signal, rule.for_s


def clock_rules(criterion: Criterion) -> tuple[Rule, ...]:
    """Give what a criterion's clock runs on: its rules, and that its checks are ok."""
    return (*criterion.rules, *(Rule(signal=name, is_="ok") for name in criterion.checks))


def speaks_for(stakeholder: Stakeholder, login: str) -> bool:
    """Say whether a person may speak for a role."""
    return not stakeholder.who or login in stakeholder.who


_RANK = {right: rank for rank, right in enumerate(Right)}


def right_of(plan: Plan, login: str) -> Right:
    """Give a person's right. Whom the plan does not name may only look, unless it names nobody."""
    if not plan.operators:
        return Right.LEAD
    given = [operator.may for operator in plan.operators if operator.login == login]
    return max(given, key=_RANK.__getitem__, default=Right.VIEWER)


def may(plan: Plan, login: str, right: Right) -> bool:
    """Say whether a person has a right, or a higher one."""
    return _RANK[right_of(plan, login)] >= _RANK[right]


def roles_of(plan: Plan, login: str) -> tuple[str, ...]:
    """List the stakeholders that a person speaks for by name."""
    return tuple(stakeholder.name for stakeholder in plan.stakeholders if login in stakeholder.who)


def logins_of(plan: Plan) -> frozenset[str]:
    """List the logins that the plan names."""
    return frozenset(operator.login for operator in plan.operators) | {
        login for stakeholder in plan.stakeholders for login in stakeholder.who
    }
