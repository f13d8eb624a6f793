"""A store for tests that need one: SQLite in a temporary directory opens in a few milliseconds."""

from __future__ import annotations

from pathlib import Path

from loom_tui.store.base import Lease
from loom_tui.store.sqlite import SqliteStore, open_store

AT = 1_760_000_000.0  # a moment to count from


def new_store(directory: Path, plan_id: str = "a plan") -> SqliteStore:
    """Open a room's store in a directory of its own; opening it again gives a second connection. Close it."""
    return open_store(directory / "loom", plan_id=plan_id)


def collector_lease(store: SqliteStore, *, now: float = AT, holder: str = "collector") -> Lease:
    """Take the collector's lease for a year."""
    lease = store.acquire("collector", holder=holder, ttl_s=365 * 86_400, now=now)
    assert lease is not None
    return lease
