"""A snapshot as JSON would have it: what the room shows, for scripts, `--json` and CI.

Moments are ISO 8601 in UTC, ages are seconds and round up (nothing is older than it says), figures carry their unit
in their name or beside them. What is not known is null, never zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from math import ceil, floor, isfinite
from typing import Any

from loom_tui.plan.freezes import frozen_at
from loom_tui.room.guard import UNDER_WAY, ActionView, StopView
from loom_tui.room.snapshot import (
    ErrorsView,
    FeedView,
    IssueView,
    QueryView,
    RiskView,
    SignalView,
    Snapshot,
)
from loom_tui.room.verdicts import Clock, CriterionView, DecisionView, Evidence, VoteView, Waiver


def as_json(snapshot: Snapshot) -> dict[str, Any]:
    """Give the gate, the work, the world's signals and what is under way as plain values."""
    now = snapshot.now
    queries = {
        f"{query.source}.{query.query.name}.ms": query for database in snapshot.databases for query in database.queries
    }
    return {
        "gate": gate_as_json(snapshot),
        "issues": [_issue(view, snapshot) for view in snapshot.issues],
        "schedule": _schedule(snapshot),
        "risks": [_risk(view) for view in snapshot.risks],
        "errors": _errors(snapshot.errors),
        "signals": {
            name: _signal(view, queries.get(name), now=now)
            for name, view in snapshot.signals.items()
            if not name.startswith("feed.")
        },
        "feeds": [{"live": feed.live, **_feed(feed, now=now)} for feed in snapshot.feeds if not feed.on_demand],
        "on_demand": [{"failed": not feed.live, **_feed(feed, now=now)} for feed in snapshot.feeds if feed.on_demand],
        "actions": [_action(view, now=now) for view in snapshot.actions if view.state in UNDER_WAY],
        "stop": None if snapshot.actions_of.stop is None else _stop(snapshot.actions_of.stop),
        "freeze": _freeze(snapshot),
        "automation_off": [view.text for view in snapshot.automation if view.off],
        "aftermath": [step.name for step in snapshot.aftermath.steps if not step.done] if snapshot.aftermath else [],
    }


def _moment(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _age_s(at: float | None, now: float) -> int | None:
    return None if at is None else max(0, ceil(now - at))


def gate_as_json(snapshot: Snapshot) -> dict[str, Any]:
    """Give the gate whole: each criterion with its evidence, the votes, what GO still needs, the decision."""
    gate = snapshot.gate
    now = snapshot.now
    return {
        "state": gate.state.value,
        "why": gate.why,
        "needs": gate.needs,
        "at": _moment(now),
        "release": gate.release,
        "environment": gate.environment,
        "go": [_criterion(view, now=now) for view in gate.go],
        "no_go": [_criterion(view, now=now) for view in gate.no_go],
        "deployment": [_criterion(view, now=now) for view in gate.deployment],
        "post_deployment": [_criterion(view, now=now) for view in gate.post_deployment],
        "votes": [_vote(vote) for vote in gate.votes],
        "decision": None if snapshot.decision is None else _decision(snapshot.decision),
    }


def _criterion(view: CriterionView, *, now: float) -> dict[str, Any]:
    return {
        "key": view.key,
        "text": view.text,
        "verdict": view.verdict.value,
        "why": view.why,
        "claimed": view.claimed,
        "age_s": _age_s(view.observed_at, now),
        "latched_at": _moment(view.latched_at),
        "evidence": [_evidence(item, now=now) for item in view.evidence],
        "waiver": None if view.waiver is None else _waiver(view.waiver),
        "clock": None if view.clock is None else _clock(view.clock),
    }


def _waiver(waiver: Waiver) -> dict[str, Any]:
    return {
        "by": waiver.by,
        "agreed_by": waiver.agreed_by or None,
        "reason": waiver.reason,
        "until": _moment(waiver.until),
    }


def _clock(clock: Clock) -> dict[str, Any]:
    return {"ran_s": floor(clock.ran_s), "of_s": clock.of_s, "since": _moment(clock.since), "broken": clock.broken}


def _evidence(item: Evidence, *, now: float) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "subject": item.subject,
        "says": item.says.value,
        "words": item.words,
        "value": item.value if item.value is not None and isfinite(item.value) else None,
        "detail": item.detail,
        "by": item.by or None,
        "at": _moment(item.at),
        "age_s": _age_s(item.at, now),
    }


def _vote(vote: VoteView) -> dict[str, Any]:
    return {
        "role": vote.role,
        "choice": None if vote.choice is None else vote.choice.value,
        "by": vote.by or None,
        "at": _moment(vote.at),
        "reason": vote.reason,
        "expired": vote.expired,
    }


def _decision(decision: DecisionView) -> dict[str, Any]:
    return {
        "choice": decision.choice.value,
        "by": decision.by,
        "at": _moment(decision.at),
        "reason": decision.reason,
        "agreed_by": decision.agreed_by or None,
        "pending": decision.pending,
        "gate_then": decision.gate.state.value,
    }


def _issue(view: IssueView, snapshot: Snapshot) -> dict[str, Any]:
    issue = view.issue
    item = snapshot.schedule.items.get(issue.id)
    return {
        "id": issue.id,
        "title": issue.title,
        "status": issue.status.value,
        "claimed": issue.claimed,
        "priority": issue.priority.value if issue.priority is not None else None,
        "owners": issue.owners,
        "tasks": len(view.tasks),
        "tasks_done": view.tasks_done,
        "waits_for": view.waits_for,
        "blockers": issue.blockers,
        "critical": view.critical,
        "slack_hours": None if item is None else round(item.slack_hours, 2),
        "start": None if item is None else _moment(item.earliest_start),
        "finish": None if item is None else _moment(item.earliest_finish),
    }


def _schedule(snapshot: Snapshot) -> dict[str, Any]:
    schedule = snapshot.schedule
    return {
        "finish": _moment(schedule.finish_at),
        "p50": _moment(schedule.p50_at),
        "p80": _moment(schedule.p80_at),
        "p95": _moment(schedule.p95_at),
        "chain": schedule.chain,
        "milestones": [
            {
                "name": view.milestone.name,
                "planned": _moment(view.planned_at),
                "projected": _moment(view.projected_at),
                "reached": view.reached,
            }
            for view in snapshot.milestones
        ],
    }


def _risk(view: RiskView) -> dict[str, Any]:
    trigger = view.risk.trigger
    return {
        "text": view.risk.text,
        "kind": view.risk.kind.value,
        "likelihood": view.risk.likelihood,
        "impact": view.risk.impact,
        "lit": view.lit,
        "why": view.why,
        "signal": None if trigger is None else trigger.signal,
        "accepted_by": view.accepted_by or None,
        "accepted_why": view.accepted_why,
    }


def _errors(views: Iterable[ErrorsView]) -> dict[str, Any]:
    """Sum up the error feeds. A figure that one of them cannot give is null for all."""
    feeds = tuple(views)

    def total(signals: Iterable[SignalView]) -> float | None:
        values = [_known_value(signal) for signal in signals]
        return sum(value for value in values if value is not None) if values and None not in values else None

    return {
        "issues": [
            {
                "id": issue.short_id or issue.id,
                "title": issue.title,
                "level": issue.level,
                "substatus": issue.substatus,
                "count": issue.count,
                "users": issue.users,
                "last_seen": _moment(issue.last_seen),
                "release": issue.release,
                "source": feed.source,
            }
            for feed in feeds
            for issue in feed.issues
        ],
        "new": total(feed.new for feed in feeds),
        "regressed": total(feed.regressed for feed in feeds),
        "critical": total(feed.critical for feed in feeds),
        "per_minute": total(feed.per_minute for feed in feeds),
    }


def _action(view: ActionView, *, now: float) -> dict[str, Any]:
    """Give an action under way: who holds it, why, for how long; `runner` is empty where none carries it out."""
    return {
        "id": view.id,
        "name": view.armed.name,
        "kind": view.armed.what.value,
        "state": view.state.value,
        "by": view.by,
        "approved_by": view.approved_by or None,
        "reason": view.armed.reason,
        "age_s": _age_s(view.at, now),
        "runner": view.run,
        "step": view.step.name if view.step is not None else None,
    }


def _stop(stop: StopView) -> dict[str, Any]:
    return {"by": stop.by, "at": _moment(stop.at), "reason": stop.reason, "everything": stop.everything}


def _freeze(snapshot: Snapshot) -> dict[str, Any] | None:
    frozen = frozen_at(snapshot.plan, snapshot.now)
    return None if frozen is None else {"why": frozen.why, "until": _moment(frozen.until)}


def _known_value(view: SignalView) -> float | None:
    """Give a signal's figure if it still speaks of now; else None."""
    return view.reading.value if view.reading is not None and view.freshness == "fresh" else None


def _signal(view: SignalView, query: QueryView | None, *, now: float) -> dict[str, Any]:
    reading = view.reading
    told: dict[str, Any] = {
        "state": view.state.value,
        "value": None if reading is None else reading.value,
        "unit": view.signal.unit,
        "detail": "" if reading is None else reading.detail,
        "why": view.why,
        "age_s": None if reading is None else _age_s(reading.observed_at, now),
        "freshness": view.freshness.value,
    }
    if query is not None:
        told |= {
            "samples": query.samples,
            "p50": query.p50_ms,
            "p95": query.p95_ms,
            "p99": query.p99_ms,
            "factor": query.factor,
            "verdict": query.verdict.value,
            "verdict_why": query.why,
            "since": _moment(query.since),
        }
    return told


def _feed(feed: FeedView, *, now: float) -> dict[str, Any]:
    report = feed.report
    return {
        "source": feed.source,
        "label": feed.label,
        "why": feed.why,
        "last_success_age_s": None if report is None else _age_s(report.last_success_at, now),
        "failures": None if report is None else report.failures,
    }
