"""The demo's plan: the bundled Sprint 07 plan, moved so that its Day 5 is today, and pointed at the demo's world."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from msgspec.structs import replace

from loom_tui.config.plans import bundled_plan
from loom_tui.demo.actions import actions
from loom_tui.demo.addresses import Addresses
from loom_tui.demo.database import KNOWN_TO_LAST_STABLE, queries
from loom_tui.demo.gate import with_gate
from loom_tui.demo.product import LAST_STABLE, RELEASE
from loom_tui.demo.tracker import ENVIRONMENT, ORG, PROJECT
from loom_tui.plan.calendar import WEEKDAYS
from loom_tui.plan.channels import SlackChannel
from loom_tui.plan.model import Calendar, DayCount, Grade, Keeping, Milestone, Plan, Priority, Risk, RiskKind, Rule
from loom_tui.plan.narrow import narrowed
from loom_tui.plan.sources import Source
from loom_tui.plan.sources.base import Secret
from loom_tui.plan.sources.http import HttpSource
from loom_tui.plan.sources.migrations import MigrationsSource
from loom_tui.plan.sources.postgres import PostgresSource
from loom_tui.plan.sources.sentry import SentrySource
from loom_tui.plan.steps import MailStep
from loom_tui.plan.timeline import DEPLOYMENT, GO_NO_GO
from loom_tui.plan.workflows import Site, Workflow

MIGRATIONS_DIRECTORY = "migrations"  # beside the plan's file
_GRADES = (
    Grade(name="optimal", at_most=0.5),
    Grade(name="good", at_most=1),
    Grade(name="fair", at_most=1.5),
    Grade(name="needs work"),
)
_DAY = timedelta(days=1)


def demo_plan(addresses: Addresses, *, now: datetime, zone: str) -> Plan:
    """Make the demo's plan for `now`, a local time in the IANA zone `zone`."""
    bundled = bundled_plan()
    days = _days(now.date())
    about = replace(
        bundled.plan,
        start=_workdays_from(now.date(), days, back=4),
        target=_workdays_from(now.date(), days, ahead=1),
        environment=ENVIRONMENT,
        release=RELEASE,
        last_stable=LAST_STABLE,
    )
    opens, closes = _hours(now.time())
    moved = replace(
        bundled,
        plan=about,
        store=Keeping(directory=str(addresses.rooms)),
        calendar=Calendar(zone=zone, day_count=DayCount.WORKING, days=days, opens=opens, closes=closes),
        milestones=_milestones(bundled, now),
        sites={"staging": Site(url=addresses.staging_url), "production": Site(url=addresses.app_url)},
        workflows=tuple(_at_staging(workflow, addresses) for workflow in bundled.workflows),
        risks=_risks(bundled.risks),
        grades=_GRADES,
        channels={"launch": SlackChannel(url=Secret(file=str(addresses.webhook_file)))},
        actions=actions(bundled.targets, addresses),
        sources=_sources(addresses),
    )
    return with_gate(narrowed(moved))


def _days(today: date) -> tuple[str, ...]:
    """Give the working days of a team that works today: Monday to Friday, and today's weekday."""
    return tuple(day for number, day in enumerate(WEEKDAYS) if number < 5 or number == today.weekday())


def _workdays_from(today: date, days: tuple[str, ...], *, back: int = 0, ahead: int = 0) -> date:
    left, step = (back, -_DAY) if back else (ahead, _DAY)
    while left:
        today += step
        left -= WEEKDAYS[today.weekday()] in days
    return today


def _hours(now: time) -> tuple[time, time]:
    """Give working hours that `now` lies in: nine to five, or eight hours around a later or earlier one."""
    if 9 <= now.hour < 17:
        return time(9), time(17)
    opens = min(max(now.hour - 4, 0), 15)
    return time(opens), time(opens + 8) if now.hour < 23 else time(23, 59)


def _milestones(bundled: Plan, now: datetime) -> tuple[Milestone, ...]:
    """Set the decision and the deployment for this day, an hour and two from now, on a quarter of an hour."""
    critical = tuple(issue.id for issue in bundled.issues if issue.priority is Priority.CRITICAL)
    return (
        Milestone(name=GO_NO_GO, after=critical, day=5, at=_later(now, minutes=75)),
        Milestone(name=DEPLOYMENT, after_milestones=(GO_NO_GO,), day=5, at=_later(now, minutes=135)),
    )


def _later(now: datetime, *, minutes: int) -> time:
    minute = now.hour * 60 + now.minute + minutes
    minute -= minute % 15
    return time(minute // 60, minute % 60) if minute < 24 * 60 else time(23, 59)


def _at_staging(workflow: Workflow, addresses: Addresses) -> Workflow:
    """Point a workflow at the demo's staging: its people's credentials, and its mail catcher."""
    files = {"password": addresses.password_file, "seed": addresses.totp_file}
    return replace(
        workflow,
        credentials={name: Secret(file=str(files[name])) for name in workflow.credentials if name in files},
        steps=tuple(
            replace(step, imap=None, catcher=addresses.mailbox_url) if isinstance(step, MailStep) else step
            for step in workflow.steps
        ),
    )


def _sources(addresses: Addresses) -> dict[str, Source]:
    return {
        "sentry": SentrySource(
            url=addresses.sentry_url,
            org=ORG,
            project=PROJECT,
            environment=ENVIRONMENT,
            token=Secret(file=str(addresses.token_file)),
            label="Sentry",
            critical_unhandled_levels=(),  # the team knows its unhandled errors of old; a fatal one is critical
            interval_s=5,
            timeout_s=5,
        ),
        "db": PostgresSource(
            dsn_from=Secret(file=str(addresses.dsn_file)),
            label="PostgreSQL",
            interval_s=1,
            timeout_s=5,
            max_load=0.9,  # practice: a window of samples within half a minute matters more than the load
            queries=queries(),
            migrations=MIGRATIONS_DIRECTORY,
        ),
        "migrations": MigrationsSource(
            directory=MIGRATIONS_DIRECTORY,
            dsn_from=Secret(file=str(addresses.dsn_file)),
            table="schema_migrations",
            hash_column="checksum",
            since=KNOWN_TO_LAST_STABLE,
            label="Migrations",
            interval_s=5,
        ),
        "app": HttpSource(
            url=f"{addresses.app_url}/api/health",
            label="health",
            interval_s=5,
            timeout_s=5,
            version_field="version",
            fields={name: f"checks.{name}.status" for name in ("auth", "realtime", "storage", "errors")},
        ),
    }


# What the document leaves open, as the demo's team judges it: likelihood and impact of each of its risks.
_JUDGED = {
    "TypeScript compilation passing": (1, 2),
    "Security audit 9.5/10": (1, 5),
    "Auth flows verified": (1, 5),
    "RLS policies comprehensive": (1, 5),
    "Network restrictions": (3, 2),
    "Google Fonts": (2, 1),
    "Supabase CLI": (3, 2),
    "55 remaining console calls": (4, 1),
    "~15 any types": (3, 1),
    "~15 unused variables": (3, 1),
}

_TRIGGERED = (
    Risk(
        text="Database performance degraded",
        kind=RiskKind.OPEN,
        likelihood=4,
        impact=4,
        owner="DBA",
        response="Apply the optimisation migration (#146): loom act migrate",
        trigger=Rule(signal="db.coach_clients.p95_ms", at_least=15),
    ),
    Risk(
        text="Critical error in production",
        kind=RiskKind.OPEN,
        likelihood=2,
        impact=5,
        owner="DevOps",
        response="Roll back to the last stable version: loom rollback",
        trigger=Rule(signal="sentry.critical", at_least=1),
    ),
    Risk(
        text="Authentication not available",
        kind=RiskKind.OPEN,
        likelihood=1,
        impact=5,
        owner="Backend",
        response="Hold the deployment; look at the auth service first",
        trigger=Rule(signal="app.auth", is_="bad"),
    ),
)


def _risks(written: tuple[Risk, ...]) -> tuple[Risk, ...]:
    judged = []
    for risk in written:
        likelihood, impact = _JUDGED.get(risk.text, (risk.likelihood, risk.impact))
        judged.append(replace(risk, likelihood=likelihood, impact=impact))
    return (*_TRIGGERED, *judged)
