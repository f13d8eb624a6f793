"""`loom demo`: a room over a small real world, the same without a screen, and a second person to practise with."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loom_tui.demo.story import tell
from loom_tui.demo.world import DemoError, World, running_world, world
from loom_tui.gathering import read_once, write_deed
from loom_tui.room.door import Person
from loom_tui.room.guard import ActionState
from loom_tui.room.guarded import Approve, deed_of
from loom_tui.room.summary import as_json

FIRST_READINGS_TIMEOUT_S = 8.0
COLLEAGUE = "demo-colleague"  # practice: a second person where there is none, and named for what it is
HOW_TO_PLAY = "What there is to play: loom demo story, in another terminal"


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
        say(HOW_TO_PLAY)
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


def approve(action: int | None) -> str:
    """Approve the action that waits in this user's newest demo as `COLLEAGUE`; gives a sentence. Raises Refusal."""
    made = running_world()
    store = made.open_store()
    try:
        plan, now = made.plan(), time.time()
        waiting = [
            view
            for view in read_once(plan, store, now=now).actions
            if view.state is ActionState.ARMED and action in (None, view.id)
        ]
        if not waiting:
            raise DemoError("No action of the demo waits for an approval")
        view = waiting[-1]
        write_deed(plan, store, deed_of(Approve(view.id)), person=Person(COLLEAGUE), now=now)
    finally:
        store.close()
    return f"{COLLEAGUE} approved “{view.armed.label}” ({view.id})"


def story(*, ascii_only: bool = False) -> list[str]:
    """Tell the story of this user's newest demo, or of the one in whose directory one is. Raises DemoError."""
    made = running_world()
    store = made.open_store()
    try:
        return tell(read_once(made.plan(), store, now=time.time()), made.directory, ascii_only=ascii_only)
    finally:
        store.close()


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
