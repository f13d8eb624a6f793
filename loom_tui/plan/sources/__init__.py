"""The systems that a plan has asked, one module a kind: how each is written in TOML, and which signals it gives."""

from __future__ import annotations

from loom_tui.plan.sources.bugsink import BugsinkSource
from loom_tui.plan.sources.command import CommandSource
from loom_tui.plan.sources.github import GithubSource
from loom_tui.plan.sources.http import HttpSource
from loom_tui.plan.sources.postgres import PostgresSource
from loom_tui.plan.sources.report import ReportSource
from loom_tui.plan.sources.sentry import SentrySource

Source = BugsinkSource | CommandSource | GithubSource | HttpSource | PostgresSource | ReportSource | SentrySource
