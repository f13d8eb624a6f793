"""The fold: snapshot = fold(plan, events, observations, now). No other state exists.

`Folder` does the same step by step: events are folded once, the schedule is computed when plan or journal
change (and each minute, since unfinished work moves with the time), and a query's percentiles only when its
series does. What it keeps is a memory of what it worked out, never a fact of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from loom_tui.plan.criteria import folded
from loom_tui.plan.model import IssueId, Plan, Risk, Status, Target
from loom_tui.plan.schedule import Progress, Schedule, with_projection
from loom_tui.plan.signals import signals_of
from loom_tui.plan.sources.errors import ErrorFeed
from loom_tui.plan.sources.github import GithubSource
from loom_tui.plan.sources.postgres import PostgresSource
from loom_tui.plan.timeline import milestones_of, phase_span, planned_at
from loom_tui.room import performance, views
from loom_tui.room.beforehand import automations, preflights
from loom_tui.room.consent import decision_of
from loom_tui.room.events import Event
from loom_tui.room.followed import aftermath
from loom_tui.room.gate import judge
from loom_tui.room.guard import as_of
from loom_tui.room.joined import uat_views, workflow_view
from loom_tui.room.lead import lead_of
from loom_tui.room.ledger import Ledger, advance, progress_of, stand, task_views
from loom_tui.room.manual import manual_views
from loom_tui.room.presence import present
from loom_tui.room.proof import Facts, find
from loom_tui.room.proved import proved_issues
from loom_tui.room.signals import Bucket
from loom_tui.room.snapshot import (
    DatabaseView,
    ErrorsView,
    IssueView,
    MilestoneView,
    Observations,
    PhaseView,
    QueryView,
    RiskView,
    SignalView,
    Snapshot,
)
from loom_tui.room.tracker import LiveIssue, decode_live
from loom_tui.room.uat import uat_view

SCHEDULE_EVERY_S = 60.0
_CHANGES = frozenset({"deploy", "migration", "rollback"})


def fold(plan: Plan, events: Iterable[Event], observations: Observations, now: float) -> Snapshot:
    """Compute everything that any screen shows at `now` (Unix seconds)."""
    folder = Folder(plan)
    folder.take(events)
    return folder.snapshot(observations, now)


class Folder:
    """Folds one plan's room, again and again, as events and readings come in."""

    def __init__(self, plan: Plan, ledger: Ledger | None = None) -> None:
        self.ledger = ledger or Ledger()
        self.plan = plan
        self._signals = signals_of(plan)
        self._work: _Work | None = None
        self._trackers: dict[str, tuple[bytes, Mapping[IssueId, LiveIssue]]] = {}
        self._bodies = performance.Bodies()
        self._queries: dict[str, tuple[tuple[Bucket, ...], float, performance.QueryFigures]] = {}

    def take(self, events: Iterable[Event]) -> None:
        """Fold new events in."""
        seq = self.ledger.seq
        self.ledger = advance(self.ledger, events)
        if self.ledger.seq != seq:
            self._work = None

    def snapshot(self, observations: Observations, now: float) -> Snapshot:
        """Compute the snapshot at `now`."""
        work = self._work
        if work is None or not 0 <= now - work.at < SCHEDULE_EVERY_S:
            work = self._work = _Work(self.plan, self.ledger, now)
        signals = {
            name: views.signal_view(signal, observations.latest.get(name), now=now)
            for name, signal in self._signals.items()
        }
        databases = self._databases(signals, observations, now)
        for database in databases:
            for query in database.queries:
                signals |= performance.percentile_views(query, self._signals)
        by_hand = dict(manual_views(work.plan, self.ledger.runs, now=now))
        signals |= {name: workflow_view(signals[name], view) for name, view in by_hand.items()}
        if work.uat is not None:
            signals |= uat_views(work.uat, self._signals, now=now)
        feeds = views.feed_views(work.plan, observations, now=now)
        facts = self._facts(work.plan, signals, observations, now)
        version, automation = views.version_view(work.plan, signals), automations(facts)
        return Snapshot(
            now=now,
            plan=work.plan,
            gate=judge(facts),
            decision=decision_of(work.plan, self.ledger.ballot),
            issues=proved_issues(views.tracked_issues(work.issues, self._tracked(signals)), facts),
            schedule=work.schedule,
            progress=work.progress,
            phases=work.phases,
            milestones=work.milestones,
            cadences=work.plan.cadences,
            risks=tuple(_risk_view(risk, facts) for risk in work.plan.risks),
            errors=self._errors(signals, observations),
            databases=databases,
            migrations=performance.migrations_views(work.plan, signals, self._bodies),
            checks=views.check_views(signals, feeds, observations, by_hand),
            services=views.service_views(work.plan, signals),
            signals=signals,
            feeds=feeds,
            collector=observations.collector,
            events=self.ledger.events,
            marks=self.ledger.marks,
            deployed_at=facts.deployed_at,
            uat=work.uat,
            version=version,
            actions_of=self.ledger.actions,
            actions=tuple(
                as_of(view, now=now, runner_until=observations.runners.get(view.id))
                for view in self.ledger.actions.views.values()
            ),
            runners=observations.runners,
            plan_hash=self.ledger.plan_hash,
            present=present(observations.seats, now),
            lead=lead_of(self.plan, self.ledger.ballot.lead),
            drills=self.ledger.drills,
            versions=self.ledger.versions,
            preflights=preflights(facts, version),
            automation=automation,
            aftermath=aftermath(facts, automation),
        )

    def _facts(self, plan: Plan, signals: Mapping[str, SignalView], observations: Observations, now: float) -> Facts:
        rolled_back_at = self._last_mark(frozenset({"rollback"})) or 0.0
        deployed_at = self._last_mark(frozenset({"deploy"}))
        return Facts(
            plan=plan,
            ledger=self.ledger,
            signals=signals,
            latest=observations.latest,
            past=observations.past,
            changed_at=self._last_mark(_CHANGES),
            deployed_at=deployed_at if deployed_at is not None and deployed_at > rolled_back_at else None,
            now=now,
        )

    def _errors(self, signals: Mapping[str, SignalView], observations: Observations) -> tuple[ErrorsView, ...]:
        deployed_at = self._last_mark(frozenset({"deploy"}))
        return tuple(
            views.errors_view(
                name,
                signals,
                observations.series.get(f"{name}.errors_per_minute", ()),
                standings=self.ledger.errors,
                deployed_at=deployed_at,
            )
            for name, source in self.plan.sources.items()
            if isinstance(source, ErrorFeed)
        )

    def _databases(
        self, signals: Mapping[str, SignalView], observations: Observations, now: float
    ) -> tuple[DatabaseView, ...]:
        return tuple(
            performance.database_view(
                name, self._queries_of(name, source, signals, observations, now), signals, self._bodies
            )
            for name, source in self.plan.sources.items()
            if isinstance(source, PostgresSource)
        )

    def _queries_of(
        self,
        name: str,
        source: PostgresSource,
        signals: Mapping[str, SignalView],
        observations: Observations,
        now: float,
    ) -> tuple[QueryView, ...]:
        targets = {target.name: target for target in self.plan.targets}
        adopted = self.ledger.ballot.adoption
        changed_at = max(self._last_mark(_CHANGES) or 0.0, adopted.since if adopted is not None else 0.0)
        out = []
        for query in source.queries:
            signal = signals[f"{name}.{query.name}.ms"]
            series = observations.series.get(signal.signal.id, ())
            # A silent source keeps its last figures, greyed: the window ends with the last execution, not with now.
            ends_at = min(now, signal.reading.observed_at) if signal.reading is not None else now
            since = max(ends_at - observations.window_s, changed_at)
            target = targets.get(query.target)
            figures = self._figures(signal.signal.id, series, target, since)
            out.append(
                performance.query_view(
                    name, query, target, self.plan.grades, figures=figures, signals=signals, series=series
                )
            )
        return tuple(out)

    def _figures(
        self, signal: str, series: tuple[Bucket, ...], target: Target | None, since: float
    ) -> performance.QueryFigures:
        """Give a query's percentiles, merged anew only when its series changed or the window moved by a bucket."""
        first = next((bucket.start for bucket in series if bucket.start >= since), since)
        known = self._queries.get(signal)
        if known is not None and known[0] is series and known[1] == first:
            return replace(known[2], since=since)
        figures = performance.query_figures(series, target, since=since)
        self._queries[signal] = (series, first, figures)
        return figures

    def _tracked(self, signals: Mapping[str, SignalView]) -> Mapping[IssueId, LiveIssue]:
        """Give the issues as their trackers have them; a body is decoded anew only when it changed."""
        live: dict[IssueId, LiveIssue] = {}
        for name, source in self.plan.sources.items():
            reading = signals[f"{name}.issues"].reading if isinstance(source, GithubSource) else None
            if reading is not None:
                if self._trackers.get(name, (b"",))[0] is not reading.body:
                    self._trackers[name] = (reading.body, decode_live(reading.body))
                live |= self._trackers[name][1]
        return live

    def _last_mark(self, kinds: frozenset[str]) -> float | None:
        return max((mark.at for mark in self.ledger.marks if mark.kind in kinds), default=None)


class _Work:
    """What hangs on plan and journal: the issues as they stand, and when they can be done."""

    def __init__(self, plan: Plan, ledger: Ledger, now: float) -> None:
        self.at = now
        self.plan = replace(plan, issues=tuple(stand(issue, ledger.standing(issue.id)) for issue in plan.issues))
        self.progress = progress = progress_of(plan, ledger, now=now)
        self.schedule = with_projection(self.plan, now=now, progress=progress)
        self.issues = _issue_views(self.plan, ledger, self.schedule)
        self.phases = tuple(_phase_views(self.plan, progress, self.schedule))
        self.uat = uat_view(plan, ledger.uat)
        self.milestones = tuple(_milestone_views(self.plan, self.schedule, progress))


def _issue_views(plan: Plan, ledger: Ledger, schedule: Schedule) -> tuple[IssueView, ...]:
    chain = frozenset(schedule.chain)
    settled = {issue.id for issue in plan.issues if issue.status in (Status.DONE, Status.DROPPED)}
    out = []
    for issue in plan.issues:
        standing = ledger.standing(issue.id)
        out.append(
            IssueView(
                issue=issue,
                tasks=task_views(issue, standing),
                critical=issue.id in chain,
                waits_for=tuple(other for other in issue.depends_on if other not in settled),
                started_at=standing.started_at,
                done_at=standing.done_at,
                history=standing.history,
            )
        )
    return tuple(out)


def _phase_views(plan: Plan, progress: Progress, schedule: Schedule) -> Iterable[PhaseView]:
    for phase in plan.phases:
        span = phase_span(plan, phase)
        starts = [progress.started_at[i] for i in phase.issues if i in progress.started_at]
        ends = [progress.done_at[i] for i in phase.issues if i in progress.done_at]
        projected = [schedule.items[i].earliest_finish for i in phase.issues if i in schedule.items]
        done = _done_of(plan, phase.issues)
        yield PhaseView(
            phase=phase,
            starts_at=span[0] if span else None,
            ends_at=span[1] if span else None,
            actual_start_at=min(starts, default=None),
            actual_end_at=max(ends) if ends and done == len(phase.issues) else None,
            projected_end_at=max(projected, default=None),
            done=done,
            of=len(phase.issues),
        )


def _done_of(plan: Plan, issues: Iterable[IssueId]) -> int:
    done = {issue.id for issue in plan.issues if issue.status is Status.DONE}
    return sum(issue_id in done for issue_id in issues)


def _milestone_views(plan: Plan, schedule: Schedule, progress: Progress) -> Iterable[MilestoneView]:
    for milestone in milestones_of(plan):
        item = schedule.milestones.get(milestone.name)
        yield MilestoneView(
            milestone=milestone,
            planned_at=planned_at(plan, milestone),
            projected_at=item.earliest_finish if item is not None else None,
            reached=milestone.name in progress.done_at
            or (bool(milestone.after) and all(issue_id in progress.done_at for issue_id in milestone.after)),
        )


def _risk_view(risk: Risk, facts: Facts) -> RiskView:
    accepted = facts.ledger.ballot.risks.get(folded(risk.text))
    if accepted is not None and not facts.is_ours(accepted.payload.release, accepted.payload.environment):
        accepted = None
    by, at, reason = (accepted.by, accepted.at, accepted.payload.reason) if accepted is not None else ("", None, "")
    if accepted is not None and accepted.payload.owner:
        risk = replace(risk, owner=accepted.payload.owner)
    lit, why, signal = _lit(risk, facts)
    return RiskView(risk=risk, lit=lit, why=why, signal=signal, accepted_by=by, accepted_at=at, accepted_why=reason)


def _lit(risk: Risk, facts: Facts) -> tuple[bool | None, str, SignalView | None]:
    """Say whether a risk's trigger lights it, or why that is not known."""
    if risk.trigger is None:
        return None, "no trigger: a person must judge it", None
    finding = find(risk.trigger, facts)
    return finding.holds, "" if finding.holds is not None else finding.words, finding.view
