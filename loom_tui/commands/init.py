"""`loom init`: a team's own plan, started from the bundled one by a few questions."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import click

_NONE = "-"  # what one types for "we have none"


class Question(NamedTuple):
    """What is asked: the answer's name, the words, and the answer for who just presses enter."""

    key: str
    words: str
    default: str


_QUESTIONS = (
    Question("title", "What is deployed (the plan's title)", "Production deployment"),
    Question("environment", "Environment", "production"),
    Question("release", "Release to ship", ""),
    Question("last_stable", "Last stable release", ""),
    Question("zone", "Time zone (IANA name)", ""),
    Question("app_url", "Application's address", "https://app.example.com"),
    Question("staging_url", "Staging's address", "https://staging.example.com"),
    Question("repo", "Repository on GitHub (OWNER/NAME)", _NONE),
    Question("sentry_org", "Sentry organization", _NONE),
    Question("sentry_project", "Sentry project", _NONE),
    Question("supabase_url", "Supabase project's address", _NONE),
    Question("database", "A PostgreSQL to watch (yes or no)", "yes"),
    Question("vercel_project", "Vercel project's id (prj_…)", _NONE),
    Question("vercel_release", "Vercel deployment of the release (dpl_…)", _NONE),
    Question("vercel_stable", "Vercel deployment of the last stable release (dpl_…)", _NONE),
    Question("chat", "A Slack-compatible webhook to tell people by (yes or no)", "no"),
)


@click.command("init")
@click.option("-o", "--output", default="loom.toml", show_default=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--set", "given", metavar="KEY=VALUE", multiple=True, help="Answer a question beforehand, by its key.")
@click.option("--yes", is_flag=True, help="Ask nothing: every other answer is the default.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def init(output: Path, *, given: tuple[str, ...], yes: bool, force: bool) -> None:
    """Start a plan of your own from the bundled Sprint 07 plan: its checks, criteria and risks, at your addresses.

    Asks for what it needs; `-` says that you have none of it. No credential is asked for or written: the plan names
    the environment variables in which Loom looks for them.

    Example: loom init --set title='Release 42' --set repo=acme/web
    """
    from loom_tui.commands.printing import echo
    from loom_tui.config.files import write_whole
    from loom_tui.config.plans import bundled_plan
    from loom_tui.plan.check import check_plan
    from loom_tui.plan.start import Answers, credentials_of, started
    from loom_tui.plan.toml import dump_plan

    if output.exists() and not force:
        raise click.UsageError(f"{output} is there already; --force writes over it")
    answers = _answers(dict(_pairs(given)), ask=not yes and sys.stdin.isatty())
    plan = started(bundled_plan(), Answers(**answers))
    faults = [fault for fault in check_plan(plan) if fault.level == "fault"]
    if faults:
        raise click.UsageError("; ".join(map(str, faults)))
    write_whole(output, dump_plan(plan))
    echo(f"Wrote {output}: {len(plan.issues)} issues, {len(plan.sources)} sources, {len(plan.workflows)} workflows.")
    names = credentials_of(plan)
    if names:
        echo(f"Credentials are looked for in: {', '.join(names)}.")
    echo(f"Next: make its issues yours, then loom plan check {output}, loom doctor {output}, loom {output}")


def _pairs(given: Iterable[str]) -> Iterable[tuple[str, str]]:
    known = [question.key for question in _QUESTIONS]
    for pair in given:
        key, equals, value = pair.partition("=")
        if not equals or key not in known:
            raise click.UsageError(f"--set takes KEY=VALUE; the keys are {', '.join(known)}. Found {pair!r}")
        yield key, value


def _answers(given: dict[str, str], *, ask: bool) -> dict[str, Any]:
    from loom_tui.config.zone import local_zone

    out: dict[str, Any] = {}
    for question in _QUESTIONS:
        default = local_zone() if question.key == "zone" else question.default
        answer = given.get(question.key)
        if answer is None:
            answer = click.prompt(question.words, default=default, show_default=bool(default)) if ask else default
        answer = answer.strip()
        out[question.key] = "" if answer == _NONE else answer
    for key in ("database", "chat"):
        word = out[key].casefold()
        if word not in ("yes", "no", "y", "n", ""):
            raise click.UsageError(f"{key} is yes or no, not {out[key]!r}")
        out[key] = word in ("yes", "y")
    return out
