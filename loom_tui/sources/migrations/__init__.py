"""Migrations: the files of a directory against what a database says was applied."""

from __future__ import annotations

from loom_tui.sources.migrations.asker import make

__all__ = ["make"]
