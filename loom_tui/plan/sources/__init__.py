"""The systems that a plan has asked, one module a kind: how each is written in TOML, and which signals it gives."""

from __future__ import annotations

from loom_tui.plan.sources.bugsink import BugsinkSource
from loom_tui.plan.sources.command import CommandSource
from loom_tui.plan.sources.environment import EnvironmentSource
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

Source = (
    BugsinkSource
    | CommandSource
    | EnvironmentSource
    | GitSource
    | GithubSource
    | HostSource
    | HttpSource
    | MigrationsSource
    | PostgresSource
    | ReportSource
    | SecretsSource
    | SentrySource
    | SupabaseSource
)
