"""What is measured: the signals that a plan's sources give, and their names.

A signal's name is its source's name and what is measured there, joined by dots (`db.dashboard.p95_ms`): each kind of
source lists its own in `plan/sources/`. Every source also has `feed.NAME`: its poller's own account (PollerReport).
"""

from __future__ import annotations

from math import inf

from msgspec import Struct
from msgspec.structs import replace

from loom_tui.plan.kinds import PERCENTILES, Kind, Row
from loom_tui.plan.model import Plan
from loom_tui.plan.sources.base import Asked
from loom_tui.plan.workflows import Workflow

# Worked out by the fold of what people wrote down; never stored.
_UAT = (
    Row(".participants", Kind.NUMBER, "participants"),
    Row(".feedback", Kind.NUMBER, "feedback"),
    Row(".rating", Kind.NUMBER, "rating", "of 5"),
    Row(".blockers", Kind.NUMBER, "open blockers"),
    Row(".coverage", Kind.NUMBER, "features tried", "%"),
)


class Signal(Struct, frozen=True, kw_only=True):
    """Something measurable that the plan names. A reading is fresh for `ttl_s`.

    `environment` is the one that readings must speak of to say anything here: the source's own, or the plan's.
    """

    id: str
    source: str
    kind: Kind
    label: str
    unit: str = ""
    ttl_s: float = 60.0
    group: str = ""
    environment: str = ""


def asked_of(plan: Plan) -> dict[str, Asked]:
    """List everything that is asked for the plan, by name: its sources with their parts, and workflows with steps."""
    sources: dict[str, Asked] = {}
    for name, source in plan.sources.items():
        sources[name] = source
        sources |= {f"{name}.{word}": part for word, part in source.parts()}
    workflows = {f"workflow.{workflow.key}": at_site(plan, workflow) for workflow in plan.workflows if workflow.steps}
    return {**sources, **workflows}


def at_site(plan: Plan, workflow: Workflow) -> Workflow:
    """Give a workflow its site's address and environment: the site that it names, or the plan's environment's."""
    if workflow.url and not workflow.site:
        return replace(workflow, label=workflow.label or workflow.name)
    site_name = workflow.site or next(
        (name for name, site in plan.sites.items() if (site.environment or name) == plan.plan.environment), ""
    )
    site = plan.sites.get(site_name)
    if site is None:
        return replace(workflow, label=workflow.label or workflow.name)
    return replace(
        workflow,
        label=workflow.label or workflow.name,
        url=site.url,
        environment=workflow.environment or site.environment or site_name,
    )


def is_percentile(signal_id: str) -> bool:
    """Say whether a signal is a percentile that the fold works out, by its name."""
    return signal_id.endswith(tuple(f".p{percentile}_ms" for percentile in PERCENTILES))


def signals_of(plan: Plan) -> dict[str, Signal]:
    """List every signal that the plan has asked for, by id, in the plan's order."""
    signals: dict[str, Signal] = {}
    for name, source in asked_of(plan).items():
        label = source.label or name
        environment = source.environment or plan.plan.environment
        for row in source.rows():
            signals[f"{name}{row.suffix}"] = Signal(
                id=f"{name}{row.suffix}",
                source=name,
                kind=row.kind,
                label=row.label or label,
                unit=row.unit,
                ttl_s=source.fresh_for_s if row.ttl_s is None else row.ttl_s,
                group=source.group or row.group or source.GROUP,
                environment=environment,
            )
        feed = f"feed.{name}"
        signals[feed] = Signal(id=feed, source=name, kind=Kind.BODY, label=label, ttl_s=inf, environment=environment)
    for row in _UAT if plan.uat is not None else ():
        name = f"uat{row.suffix}"
        signals[name] = Signal(
            id=name,
            source="uat",
            kind=row.kind,
            label=row.label,
            unit=row.unit,
            ttl_s=inf,
            environment=plan.plan.environment,
        )
    return signals
