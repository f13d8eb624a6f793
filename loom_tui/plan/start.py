"""A team's own plan, started from the bundled one: its addresses put in, what the team does not have left out. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from loom_tui.plan.model import Calendar, Issue, Plan
from loom_tui.plan.narrow import narrowed
from loom_tui.plan.sources import Source
from loom_tui.plan.sources.base import secrets_of
from loom_tui.plan.sources.github import GithubSource
from loom_tui.plan.sources.host import HostSource
from loom_tui.plan.sources.http import HttpSource
from loom_tui.plan.sources.sentry import SentrySource
from loom_tui.plan.sources.supabase import SupabaseSource
from loom_tui.plan.workflows import Site, names_only, slug


class Answers(Struct, frozen=True, kw_only=True):
    """What a team says of itself. An empty answer leaves out what hangs on it (`database`: whether there is one)."""

    title: str
    environment: str = "production"
    release: str = ""
    last_stable: str = ""
    zone: str = "UTC"
    app_url: str = ""
    staging_url: str = ""
    repo: str = ""
    sentry_org: str = ""
    sentry_project: str = ""
    supabase_url: str = ""
    database: bool = True


def started(bundled: Plan, answers: Answers) -> Plan:
    """Make the plan. Dates and claims of the bundled one are not the team's, and go."""
    about = replace(
        bundled.plan,
        title=answers.title,
        id=slug(answers.title) or "plan",
        status="",
        claimed=False,
        start=None,
        target=None,
        created=None,
        updated=None,
        summary="",
        version="",
        sprint="",
        goal="",
        environment=answers.environment,
        release=answers.release,
        last_stable=answers.last_stable,
    )
    sites = {
        name: Site(url=url)
        for name, url in (("staging", answers.staging_url), (answers.environment, answers.app_url))
        if url
    }
    plan = replace(
        bundled,
        plan=about,
        calendar=Calendar(zone=answers.zone, day_count=bundled.calendar.day_count),
        issues=tuple(_unclaimed(issue, answers.repo) for issue in bundled.issues),
        sites=sites,
        workflows=bundled.workflows if "staging" in sites else names_only(bundled.workflows),
        sources={name: fitted for name, source in bundled.sources.items() if (fitted := _fitted(source, answers))},
    )
    return narrowed(plan)


def credentials_of(plan: Plan) -> list[str]:
    """List the environment variables in which a plan looks for credentials, each once."""
    return sorted({secret.env for _, secret in secrets_of("", plan) if secret.env})


def _unclaimed(issue: Issue, repo: str) -> Issue:
    url = f"https://github.com/{repo}/issues/{issue.id}" if repo and issue.url else ""
    return replace(issue, claimed=False, url=url)


def _fitted(source: Source, answers: Answers) -> Source | None:
    """Put the team's address into a source; None for one that the team does not have."""
    if isinstance(source, HttpSource):
        return replace(source, url=f"{answers.app_url.rstrip('/')}/api/health") if answers.app_url else None
    if isinstance(source, HostSource):
        return replace(source, host=urlsplit(answers.app_url).hostname or "") if answers.app_url else None
    if isinstance(source, SentrySource):
        known = answers.sentry_org and answers.sentry_project
        return replace(source, org=answers.sentry_org, project=answers.sentry_project) if known else None
    if isinstance(source, SupabaseSource):
        return replace(source, url=answers.supabase_url) if answers.supabase_url else None
    if isinstance(source, GithubSource):
        return replace(source, repo=answers.repo) if answers.repo else None
    if source.GROUP in ("performance", "migrations"):
        return source if answers.database else None
    return source
