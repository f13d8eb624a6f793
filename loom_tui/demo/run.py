"""`loom demo`: a room over a small real world, the same without a screen, and the migration from another terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loom_tui.demo.world import World, apply_migration, running_world, world
from loom_tui.gathering import read_once
from loom_tui.room.summary import as_json

FIRST_READINGS_TIMEOUT_S = 8.0
HOW_TO_MIGRATE = "Apply the optimisation migration from another terminal, and see the charts fall: loom demo migrate"


def run_demo(
    *,
    postgres_dsn: str | None,
    open_room: Callable[[Path, Path], int],
    say: Callable[[str], None] = lambda _: None,
) -> int:
    """Open a room (`open_room(plan, store)`) on a fresh world; gives its exit code. Raises DemoError."""
    say("Making a small real world: PostgreSQL, Sentry's API, the app's health …")
    with world(postgres_dsn=postgres_dsn) as made:
        wait_for_readings(made, timeout_s=FIRST_READINGS_TIMEOUT_S)
        say(HOW_TO_MIGRATE)
        return open_room(made.plan_path, made.store_directory)


def run_headless(*, seconds: float, postgres_dsn: str | None) -> dict[str, Any]:
    """Run a world and its collector for so long; gives what the room would have shown then. Raises DemoError."""
    with world(postgres_dsn=postgres_dsn) as made:
        time.sleep(seconds)
        return shown(made, now=time.time())


def shown(made: World, *, now: float) -> dict[str, Any]:
    """Give what a room would show of a world at `now`. Raises StoreError, PlanFaults."""
    plan = made.plan()
    store = made.open_store()
    try:
        return as_json(read_once(plan, store, now=now))
    finally:
        store.close()


def migrate() -> str:
    """Apply the migration to this user's newest running demo; gives a sentence. Raises DemoError."""
    if apply_migration(running_world()):
        return "Migrated: two indexes made and marked on the time axis. The new window's p95 is known in about 15 s."
    return "The migration was applied already; nothing was done."


def wait_for_readings(made: World, *, timeout_s: float) -> bool:
    """Wait until every source was read once, so that the room opens on a live wall; says whether it is."""
    wanted = {f"feed.{name}" for name in made.plan().sources}
    deadline = time.monotonic() + timeout_s
    store = made.open_store()
    try:
        while not wanted <= store.latest().keys():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
    finally:
        store.close()
    return True
