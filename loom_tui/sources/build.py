"""A plan's source made ready to be asked: its kind's asker chosen, its library imported where one is used."""

from __future__ import annotations

from importlib import import_module

from loom_tui.plan.sources.base import Asked
from loom_tui.plan.sources.bugsink import BugsinkSource
from loom_tui.plan.sources.command import CommandSource
from loom_tui.plan.sources.environment import EnvironmentSource
from loom_tui.plan.sources.errors import RoundTrip
from loom_tui.plan.sources.git import GitSource
from loom_tui.plan.sources.github import GithubSource
from loom_tui.plan.sources.host import HostSource
from loom_tui.plan.sources.http import HttpSource
from loom_tui.plan.sources.migrations import MigrationsSource
from loom_tui.plan.sources.postgres import PostgresSource
from loom_tui.plan.sources.report import ReportSource
from loom_tui.plan.sources.secrets import SecretsSource
from loom_tui.plan.sources.sentry import SentrySource
from loom_tui.plan.sources.supabase import SupabaseSource
from loom_tui.plan.workflows import Workflow
from loom_tui.sources.base import Asker, Errand

# Each module gives `make(source, errand) -> Asker`, which finds the credentials.
_MODULES: dict[type[Asked], str] = {
    BugsinkSource: "bugsink",
    CommandSource: "command",
    EnvironmentSource: "environment",
    GithubSource: "github",
    HostSource: "host",
    GitSource: "git",
    HttpSource: "http",
    MigrationsSource: "migrations",
    PostgresSource: "postgres",
    ReportSource: "report",
    RoundTrip: "roundtrip",
    SecretsSource: "secret_scan",
    SentrySource: "sentry",
    SupabaseSource: "supabase",
    Workflow: "workflow",
}


def build(source: Asked, errand: Errand) -> Asker:
    """Make a source's asker. Raises CredentialMissing. Blocks while a credential's command runs."""
    module = import_module(f"loom_tui.sources.{_MODULES[type(source)]}")
    asker = module.make(source, errand)
    assert isinstance(asker, Asker)  # noqa: S101 - the table above is ours
    return asker
