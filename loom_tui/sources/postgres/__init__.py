"""A PostgreSQL: named queries really executed and timed, and what its catalogue tells. Read-only, one connection."""

from __future__ import annotations

from loom_tui.sources.postgres.asker import make

__all__ = ["make"]
