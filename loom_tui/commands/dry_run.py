"""`--dry-run`: an action gone through from a shell, without arming it. Nothing of it is written down."""

from __future__ import annotations

import asyncio
import os
import time

from loom_tui.commands.printing import echo
from loom_tui.commands.rooms import Room
from loom_tui.config.operator import whoami
from loom_tui.gathering import read_once
from loom_tui.room.acting import Announcement
from loom_tui.room.announcing import action_of
from loom_tui.room.preview import preview
from loom_tui.room.way import values_of
from loom_tui.runner.dry_run import Rehearsed, dry_run
from loom_tui.widgets.lines import clean


def go_through(room: Room, name: str, *, reason: str = "", said: Announcement | None = None) -> int:
    """Say what an action would do, and what is in its way; gives the exit code. Raises Refused, StoreError."""
    store = room.open(read_only=True)
    try:
        seen = preview(read_once(room.plan, store, now=time.time()), name, said)
        head = store.head()
    finally:
        store.close()
    values = values_of(room.plan, from_release=seen.from_release, to_release=seen.to_release)
    of = Rehearsed(
        label=seen.label,
        plan=room.plan,
        directory=room.path.parent,
        environ=dict(os.environ),
        values={**values, "by": whoami(), "reason": reason},
        head=head,
    )
    action = action_of(room.plan, name, said)
    well = asyncio.run(dry_run(action, of, lambda line: echo(clean(line, limit=4000))))
    echo("All that it needs is there; nothing was done." if well else "Something is in its way; nothing was done.")
    return 0 if well else 1
