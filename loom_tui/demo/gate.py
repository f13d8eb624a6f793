"""What proves the demo's criteria: the document leaves it open, and its team wrote these rules and named its voters."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from loom_tui.demo.database import fast_queries, queries
from loom_tui.plan.model import Criteria, Criterion, Plan, Rule, Stakeholder

VOTERS = ("Product Manager", "Engineering Team", "DevOps/Infrastructure", "QA/Testing")
_CALM = Rule(signal="sentry.critical", at_most=0)
_CRITICAL = Rule(signal="sentry.critical", at_least=1)


def with_gate(plan: Plan) -> Plan:
    """Give the plan's criteria their proofs, and its stakeholders their votes."""
    fast = fast_queries(plan.targets)
    slow = _slow(plan)
    go = {
        "Smoke testing passed": Criterion(text="", issues=(147,), checks=_workflows(plan)),
        "No critical bugs in staging": Criterion(text="", rules=(_CALM,)),
        "Sentry configured and tested": Criterion(text="", issues=(145,), checks=("sentry",)),
        "Database migrations validated": Criterion(text="", issues=(146,), checks=("migrations",), rules=fast),
        "Team agreement on readiness": Criterion(text="", votes=True),
    }
    no_go = {
        "Critical bug found in staging": Criterion(text="", rules=(_CRITICAL,)),
        "Environment variables not configured": Criterion(text="", issues=(144,)),
        "Database performance degraded": Criterion(text="", rules=slow),
        "Infrastructure not ready": Criterion(text="", checks=("app", "db")),
    }
    deployment = {
        "Smoke testing passed": go["Smoke testing passed"],
        "No critical bugs in staging": go["No critical bugs in staging"],
        "Environment variables configured": no_go["Environment variables not configured"],
        "Monitoring systems active": Criterion(text="", checks=("sentry", "db", "app")),
    }
    post = {
        "Zero critical errors in Sentry (first 24 hours)": Criterion(text="", rules=(_CALM,), clock_hours=24),
        "Performance metrics met (10-25x improvements)": Criterion(text="", rules=fast),
    }
    criteria = plan.criteria
    return replace(
        plan,
        criteria=Criteria(
            go=_proved(criteria.go, go),
            no_go=_proved(criteria.no_go, no_go),
            deployment=_proved(criteria.deployment, deployment),
            post_deployment=_proved(criteria.post_deployment, post),
        ),
        stakeholders=tuple(_voter(stakeholder) for stakeholder in plan.stakeholders),
    )


def _workflows(plan: Plan) -> tuple[str, ...]:
    return tuple(f"workflow.{workflow.key}" for workflow in plan.workflows)


def _slow(plan: Plan) -> tuple[Rule, ...]:
    """Call it degraded where a query takes twice what it took before the migration: what it takes now is no news."""
    baselines = {target.name: target.baseline_ms for target in plan.targets if target.baseline_ms is not None}
    return tuple(
        Rule(signal=f"db.{query.name}.p95_ms", at_least=baselines[query.target] * 2)
        for query in queries()
        if query.target in baselines
    )


def _proved(written: tuple[Criterion, ...], proofs: Mapping[str, Criterion]) -> tuple[Criterion, ...]:
    return tuple(
        replace(proofs[criterion.text], text=criterion.text, claimed=criterion.claimed)
        if criterion.text in proofs
        else criterion
        for criterion in written
    )


def _voter(stakeholder: Stakeholder) -> Stakeholder:
    return replace(stakeholder, votes=True) if stakeholder.name in VOTERS else stakeholder
