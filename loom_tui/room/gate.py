"""The gate: GO, HOLD or NO-GO from the criteria. Absence of proof, of rules or of criteria is HOLD, never GO."""

from __future__ import annotations

from collections.abc import Sequence

from loom_tui.plan.model import Criterion, Plan
from loom_tui.room.snapshot import CriterionView, GateState, GateView, Verdict


def judge(plan: Plan) -> GateView:
    """Judge the plan's criteria. None of them has a rule yet, so each is unknown, and the gate holds."""
    criteria = plan.criteria
    go, no_go = _views(criteria.go), _views(criteria.no_go)
    return GateView(
        state=GateState.HOLD,
        why=_why(go, no_go),
        go=go,
        no_go=no_go,
        deployment=_views(criteria.deployment),
        post_deployment=_views(criteria.post_deployment),
    )


def _views(criteria: Sequence[Criterion]) -> tuple[CriterionView, ...]:
    return tuple(
        CriterionView(text=criterion.text, verdict=Verdict.UNKNOWN, why="no rule yet", claimed=criterion.claimed)
        for criterion in criteria
    )


def _why(go: Sequence[CriterionView], no_go: Sequence[CriterionView]) -> str:
    if not go:
        return "the plan has no go criteria, and nothing proves that it is safe to go"
    count = len(go) + len(no_go)
    return f"no rules yet: nothing proves {'the criterion' if count == 1 else f'any of the {count} criteria'}"
