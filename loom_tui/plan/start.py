"""A team's own plan, started from the bundled one: its addresses put in, what the team does not have left out. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from loom_tui.plan.acts import ActionKind, AnyActStep, CommandAct, ManualAct, NotifyAct, RequestAct
from loom_tui.plan.channels import Approvals
from loom_tui.plan.model import Action, Calendar, Issue, Plan
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
    vercel_project: str = ""  # Vercel's ids: the project's, and of what it built of either release
    vercel_release: str = ""
    vercel_stable: str = ""
    chat: bool = False


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
        channels=bundled.channels if answers.chat else {},
        approvals=bundled.approvals if answers.chat else Approvals(),
        actions=dict(_actions(bundled, answers)),
        sources={name: fitted for name, source in bundled.sources.items() if (fitted := _fitted(source, answers))},
    )
    return narrowed(plan)


def credentials_of(plan: Plan) -> list[str]:
    """List the environment variables in which a plan looks for credentials, each once."""
    return sorted({secret.env for _, secret in secrets_of("", plan) if secret.env})


def _unclaimed(issue: Issue, repo: str) -> Issue:
    url = f"https://github.com/{repo}/issues/{issue.id}" if repo and issue.url else ""
    return replace(issue, claimed=False, url=url)


def _actions(bundled: Plan, answers: Answers) -> Iterator[tuple[str, Action]]:
    """Give the actions with the team's names; what it has no tool for, a person does, once."""
    for name, action in bundled.actions.items():
        if action.kind is ActionKind.MIGRATE and not answers.database:
            continue
        steps: list[AnyActStep] = []
        for step in (_done_by(each, answers) for each in action.steps):
            again = steps and isinstance(step, ManualAct) and step == replace(steps[-1], name=step.name)
            steps += [] if again else [step]
        undone_by = action.undone_by if answers.vercel_project else ()
        yield name, replace(action, steps=tuple(steps), undone_by=undone_by)


def _done_by(step: AnyActStep, answers: Answers) -> AnyActStep:
    """Put the team's names into a step of an action, or give it to a person."""
    names = {
        "prj_loom": answers.vercel_project,
        "dpl_release": answers.vercel_release,
        "dpl_stable": answers.vercel_stable,
    }
    match step:
        case RequestAct():
            parts = step.url.split("/")
            if "" not in [names[part] for part in parts if part in names]:
                return replace(step, url="/".join(names.get(part, part) for part in parts))
            by_hand = "put {to} in the place of {from}"
        case CommandAct() if not answers.supabase_url:
            by_hand = "apply the migrations that are pending"
        case NotifyAct() if not answers.chat:
            by_hand = "tell all stakeholders that {environment} goes from {from} to {to}, and why"
        case _:
            return step
    return ManualAct(name=step.name, text=by_hand, on_failure=step.on_failure)


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
