"""A plan, its journal and its readings as literals, and the snapshots that the fold makes of them.

The figures are made up for tests and say so by their roundness; nothing outside tests/ reads this module.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec

from loom_tui.plan.model import (
    About,
    Cadence,
    Calendar,
    Criteria,
    Criterion,
    DayCount,
    Issue,
    Phase,
    Plan,
    Range,
    Risk,
    RiskKind,
    RollbackStep,
    Rule,
    Stakeholder,
    Status,
    Target,
)
from loom_tui.plan.signals import signals_of
from loom_tui.plan.sources.http import HttpSource
from loom_tui.plan.sources.postgres import PostgresSource, Query
from loom_tui.plan.sources.sentry import SentrySource
from loom_tui.plan.workflows import Workflow
from loom_tui.room.database import Activity, IndexUse, Statement, Statements
from loom_tui.room.errors import ErrorIssue, Listing, ReleaseHealth
from loom_tui.room.events import Event, IssueStatusSet, MarkerSet, NoteAdded, Payload, PlanAdopted, TaskTicked
from loom_tui.room.fold import fold
from loom_tui.room.signals import (
    Bucket,
    PollerReport,
    Reading,
    State,
    Stored,
)
from loom_tui.room.sketch import Sketch
from loom_tui.room.snapshot import CollectorView, Observations, Snapshot

NOW = datetime(2025, 11, 11, 13, 46, tzinfo=UTC).timestamp()  # Tuesday, the plan's day 4, 14:46 in Berlin
DEPLOYED_AT = NOW - 2 * 3600
MIGRATED_AT = NOW - 600

_REGISTRATION = ("User registration", "Sign-in with MFA", "Coach onboarding", "Client booking")


def sample_plan() -> Plan:
    """The Sprint 07 plan, shortened, over three sources."""
    return Plan(
        plan=About(
            title="Sprint 07: Production Deployment Plan",
            id="sprint-07",
            sprint="Sprint 07",
            goal="Deploy Loom to production with full monitoring and validation",
            start=date(2025, 11, 6),
            target=date(2025, 11, 13),
            environment="production",
            release="v1.7.0",
            last_stable="v1.6.3",
        ),
        calendar=Calendar(zone="Europe/Berlin", day_count=DayCount.WORKING),
        issues=_issues(),
        targets=(
            Target(name="Dashboard queries", baseline_ms=100, target_ms=Range(low=5, high=10), factor=10),
            Target(name="Coach clients list", baseline_ms=300, target_ms=Range(low=15, high=15), factor=20),
            Target(name="User statistics", baseline_ms=250, target_ms=Range(low=10, high=10), factor=25),
        ),
        workflows=tuple(Workflow(name=name) for name in _REGISTRATION),
        phases=(
            Phase(name="Pre-Deployment Configuration", first_day=1, last_day=2, issues=(145, 144, 146)),
            Phase(name="Quality Assurance", first_day=3, last_day=4, issues=(147, 148)),
            Phase(name="Deployment", first_day=5, last_day=5, activities=("Production deployment", "Alert setup")),
            Phase(name="Post-Deployment", weeks=(2, 3), issues=(150, 151, 152)),
        ),
        criteria=Criteria(
            go=tuple(
                Criterion(text=text, issues=ids)
                for text, ids in (
                    ("All critical path issues complete", (145, 146, 147, 144)),
                    ("Smoke testing passed", ()),
                    ("No critical bugs in staging", ()),
                    ("Sentry configured and tested", ()),
                    ("Database migrations validated", ()),
                    ("Team agreement on readiness", ()),
                )
            ),
            no_go=tuple(
                Criterion(text=text)
                for text in (
                    "Critical bug found in staging",
                    "Environment variables not configured",
                    "Database performance degraded",
                    "Security concerns identified",
                    "Infrastructure not ready",
                )
            ),
            deployment=(Criterion(text="Monitoring systems active", claimed=True),),
            post_deployment=(Criterion(text="User feedback positive", claimed=True),),
        ),
        risks=(
            Risk(
                text="Database performance degraded",
                likelihood=3,
                impact=4,
                owner="DBA",
                response="Apply the indexes, or roll back",
                trigger=Rule(signal="db.user_statistics.p95_ms", at_least=10.01),
            ),
            Risk(text="Network restrictions: E2E tests can run in CI/CD when available", kind=RiskKind.MITIGATED),
            Risk(text="Google Fonts: System font workaround in place", kind=RiskKind.MITIGATED),
            Risk(text="Security audit 9.5/10", kind=RiskKind.LOW, claimed=True),
            Risk(text="~15 any types (will fix in maintenance)", kind=RiskKind.LIMITATION),
        ),
        stakeholders=tuple(Stakeholder(name=name) for name in ("Product Manager", "Engineering Team", "QA/Testing")),
        cadences=(Cadence(what="Daily Standup", when="10:00", topics=("Deployment progress review",)),),
        rollback=(
            RollbackStep(name="Immediate", text="Revert to last stable version"),
            RollbackStep(name="Communication", text="Notify all stakeholders"),
        ),
        sources={
            "app": HttpSource(
                url="https://loom.example/api/health",
                label="health",
                interval_s=15,
                version_field="version",
                fields={"auth": "checks.auth", "realtime": "checks.realtime", "storage": "checks.storage"},
            ),
            "db": PostgresSource(
                dsn="postgresql://loom@db.example/coaching",
                interval_s=15,
                queries=(
                    Query(name="dashboard", sql="select 1", target="Dashboard queries"),
                    Query(name="coach_clients", sql="select 1", label="coach clients", target="Coach clients list"),
                    Query(name="user_statistics", sql="select 1", label="user statistics", target="User statistics"),
                ),
            ),
            "sentry": SentrySource(org="loom", project="coaching", environment="production", label="Sentry"),
        },
    )


def _issues() -> tuple[Issue, ...]:
    def issue(number: int, title: str, owners: str, low: float, high: float, **more: object) -> Issue:
        body = {
            "id": number,
            "title": title,
            "url": f"https://github.com/Tomerg91/Loom/issues/{number}",
            "effort_hours": {"low": low, "high": high},
            "owners": owners.split("/"),
            "status": "ready",
            "priority": "critical",
            **more,
        }
        return msgspec.convert(body, Issue)

    def tasks(*texts: str) -> list[dict[str, str]]:
        return [{"text": text} for text in texts]

    return (
        issue(
            145,
            "Configure Sentry DSN",
            "DevOps/Backend",
            2,
            3,
            tasks=tasks("Create Sentry project", "Configure DSN and auth token", "Test in staging"),
        ),
        issue(146, "Run Database Migrations", "DBA/Backend", 1, 2, blockers=["Staging environment ready"]),
        issue(
            147,
            "Smoke Testing",
            "QA/Developer",
            4,
            6,
            depends_on=[145, 146, 144],
            tasks=tasks(*_REGISTRATION),
            goal="Smoke test critical user journeys in staging",
        ),
        issue(
            144,
            "Verify Supabase Configuration",
            "DevOps/Backend",
            2,
            3,
            tasks=tasks("Production database connection", "Auth endpoints responding", "RLS policies enforced"),
        ),
        issue(148, "ESLint Cleanup", "Frontend Developer", 3, 4, priority="high"),
        issue(150, "Sentry Monitoring", "DevOps/Monitoring", 1, 2, priority="post"),
        issue(151, "Database Performance Validation", "DBA/Backend", 2, 3, priority="post"),
        issue(152, "User Acceptance Testing", "Product/QA", 5, 10, priority="post", participants="5-10 beta users"),
        issue(153, "Social Authentication", "Backend", 15, 20, priority="backlog"),
    )


def sample_events() -> tuple[Event, ...]:
    """Three issues done, one under way, one deploy and one migration."""
    told: list[tuple[float, str, Payload]] = [
        (
            NOW - 90_000,
            "ana",
            PlanAdopted(plan_hash="0" * 64, version="1.0", release="v1.7.0", environment="production"),
        ),
        (NOW - 80_000, "ana", IssueStatusSet(issue=144, status=Status.IN_PROGRESS)),
        (NOW - 76_000, "ana", TaskTicked(issue=144, task=0, text="Production database connection", done=True)),
        (NOW - 72_000, "ana", IssueStatusSet(issue=144, status=Status.DONE)),
        (NOW - 70_000, "bo", IssueStatusSet(issue=145, status=Status.DONE)),
        (NOW - 9_000, "bo", IssueStatusSet(issue=146, status=Status.DONE)),
        (DEPLOYED_AT, "ana", MarkerSet(marker="deploy", text="v1.7.0")),
        (NOW - 5_000, "bo", TaskTicked(issue=147, task=0, text=_REGISTRATION[0], done=True)),
        (NOW - 4_000, "bo", NoteAdded(text="CDN purged")),
        (MIGRATED_AT, "ana", MarkerSet(marker="migration", text="20251106_02 indexes")),
        (NOW - 300, "bo", TaskTicked(issue=147, task=1, text=_REGISTRATION[1], done=True)),
    ]
    return tuple(
        Event(seq=seq, at=at, actor=actor, payload=payload, hash=f"{seq:064x}")
        for seq, (at, actor, payload) in enumerate(told, 1)
    )


def sample_errors() -> tuple[ErrorIssue, ...]:
    """Four grouped errors, one of them new since the deploy."""
    return (
        ErrorIssue(
            id="1",
            short_id="LOOM-4F",
            title="TypeError: session is null",
            culprit="app/booking/page.tsx in BookingForm",
            substatus="new",
            count=41,
            users=12,
            first_seen=NOW - 900,
            last_seen=NOW - 30,
            release="v1.7.0",
            url="https://sentry.example/issues/1",
            per_hour=(0, 2, None, 9, 30),
        ),
        ErrorIssue(
            id="2",
            short_id="LOOM-3A",
            title="RLS denied on resources",
            culprit="lib/resources.ts in list",
            level="fatal",
            substatus="regressed",
            count=17,
            users=3,
            first_seen=NOW - 900_000,
            last_seen=NOW - 4_000,
            release="v1.7.0",
        ),
        ErrorIssue(id="3", short_id="LOOM-2B", title="NetworkError: load failed", level="warning", count=9, users=4),
        ErrorIssue(id="4", short_id="LOOM-1C", title="Hydration mismatch [/en/boo", count=6, users=None),
    )


def sample_series(signal: str, value_ms: float, before_ms: float) -> tuple[Bucket, ...]:
    """Ten-second buckets over a quarter of an hour: `before_ms` until the migration, then `value_ms`."""
    out = []
    for start in range(int(NOW) - 900, int(NOW), 10):
        base = before_ms if start < MIGRATED_AT else value_ms
        values = [base * (0.96 + 0.02 * ((start // 10 + step) % 5)) for step in range(3)]
        out.append(
            Bucket(
                start=float(start),
                step_s=10,
                count=len(values),
                total=sum(values),
                low=min(values),
                high=max(values),
                sketch=Sketch(values).encode(),
            )
        )
    return tuple(out)


def sample_catalogue() -> dict[str, bytes]:
    """What the database's catalogue tells: a calm one, whose new index is used."""
    texts = (("dashboard", 1204, 7.8), ("coach_clients", 911, 13.0), ("user_statistics", 640, 11.7))
    heaviest = tuple(
        Statement(id=name, text="SELECT client.id, …", calls=calls, total_ms=calls * mean, rows=calls, query=name)
        for name, calls, mean in texts
    )
    total_ms = sum(each.total_ms for each in heaviest)
    told = {
        "db.activity": Activity(by_state={"idle": 38, "active": 3}),
        "db.statements": Statements(since=MIGRATED_AT, changed=True, total_ms=total_ms, heaviest=heaviest),
        "db.indexes": (IndexUse(name="session_client_idx", table="session", scans=2064),),
    }
    return {signal: msgspec.json.encode(body) for signal, body in told.items()}


def sample_observations(*, now: float = NOW) -> Observations:
    """Every source live at `now`; storage is down, and user statistics lie over their target."""
    plan = sample_plan()
    values = {
        "app.latency_ms": 41.0,
        "db.dashboard.ms": 7.9,
        "db.coach_clients.ms": 13.1,
        "db.user_statistics.ms": 11.8,
        "db.sessions": 41.0,
        "db.sessions_active": 3.0,
        "db.max_sessions": 200.0,
        "db.locks_waiting": 0.0,
        "db.longest_s": 0.2,
        "db.cache_hits": 99.4,
        "db.dashboard.mean_ms": 7.8,
        "db.dashboard.calls": 1204.0,
        "db.coach_clients.mean_ms": 13.0,
        "db.coach_clients.calls": 911.0,
        "db.user_statistics.mean_ms": 11.7,
        "db.user_statistics.calls": 640.0,
        "sentry.new": 1.0,
        "sentry.regressed": 1.0,
        "sentry.critical": 1.0,
        "sentry.errors_per_minute": 4.1,
    }
    details = {"app.version": "v1.7.0", "app.storage": "answered 503"}
    bodies = {
        **sample_catalogue(),
        "sentry.issues": msgspec.json.encode(Listing(issues=sample_errors())),
        "sentry.health": msgspec.json.encode(
            (
                ReleaseHealth(
                    release="v1.7.0", sessions=1840, users=412, crash_free_sessions=99.13, crash_free_users=98.3
                ),
                ReleaseHealth(
                    release="v1.6.3", sessions=90_410, users=6120, crash_free_sessions=99.87, crash_free_users=99.6
                ),
            )
        ),
    }
    latest = {}
    for name in signals_of(plan):
        at = now - 3
        body = bodies.get(name, b"")
        if name.startswith("feed."):
            body = msgspec.json.encode(PollerReport(last_success_at=at, next_try_at=now + 12))
        reading = Reading(
            signal=name,
            observed_at=at,
            state=State.BAD if name == "app.storage" else State.OK,
            value=values.get(name),
            detail=details.get(name, ""),
            body=body,
            environment="production",
            release="v1.7.0",
        )
        if not name.endswith(("p50_ms", "p95_ms", "p99_ms")):
            latest[name] = Stored(reading=reading, recorded_at=at)
    return Observations(
        latest=latest,
        series={
            "db.dashboard.ms": sample_series("db.dashboard.ms", 7.9, 104),
            "db.coach_clients.ms": sample_series("db.coach_clients.ms", 13.1, 305),
            "db.user_statistics.ms": sample_series("db.user_statistics.ms", 11.8, 251),
            "sentry.errors_per_minute": tuple(
                Bucket(start=float(start), step_s=60, count=1, total=value, low=value, high=value)
                for start in range(int(NOW) - 3600, int(NOW), 60)
                for value in [float((start // 60) % 7)]
            ),
        },
        collector=CollectorView(alive=True, holder="ana@bastion", why=""),
    )


def ok_snapshot() -> Snapshot:
    """A room in the middle of its day, all feeds live."""
    return fold(sample_plan(), sample_events(), sample_observations(), NOW)


def stale_snapshot() -> Snapshot:
    """The same room seventeen minutes later; nobody has asked the world since."""
    observations = sample_observations()
    silent = CollectorView(alive=False, holder="ana@bastion", why="the collector went silent")
    later = msgspec.structs.replace(observations, collector=silent)
    return fold(sample_plan(), sample_events(), later, NOW + 17 * 60)


def unknown_snapshot() -> Snapshot:
    """A room that was just opened: a plan, and not one event or reading."""
    return fold(sample_plan(), (), Observations(), NOW)


def bare_snapshot() -> Snapshot:
    """The smallest plan there can be: a title."""
    return fold(Plan(plan=About(title="Friday")), (), Observations(), NOW)
