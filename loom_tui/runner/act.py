"""The process of one runner: deaf to hangups, with a log for what it cannot write into the journal."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from loom_tui.refusal import Refusal
from loom_tui.room.events import NoteAdded
from loom_tui.room.guard import ActionState
from loom_tui.runner.output import open_beneath
from loom_tui.runner.record import patiently
from loom_tui.runner.runner import Place, Runner
from loom_tui.store.base import Store, StoreError
from loom_tui.store.place import output_directory


def run_action(
    store: Store, action: int, *, directory: Path, actor: str, start_collector: Callable[[], str], doubt: str
) -> ActionState:
    """Carry an action out in this process; gives the state that it was left in. Raises Refusal and its kinds.

    `doubt` says why it may end before its work: every room is told, while somebody can still do something about it.
    """
    log = output_directory(store.directory, action) / "runner.log"
    with suppress(OSError):  # a runner without a log does the same
        stream = os.fdopen(open_beneath(log, os.O_WRONLY | os.O_APPEND), "a", encoding="utf-8")
        logging.basicConfig(stream=stream, level=logging.INFO, format="%(asctime)s %(message)s")
    signal.signal(signal.SIGHUP, lambda *_: None)  # what is ignored would stay so in the steps' processes
    place = Place(
        store=store,
        directory=directory,
        environ=dict(os.environ),
        clock=time.time,
        actor=actor,
        start_collector=start_collector,
    )
    if doubt:
        with suppress(StoreError):
            store.append(NoteAdded(text=f"The runner of action {action}: {doubt}"), actor=actor, at=time.time())
    try:
        return asyncio.run(_main(place, action))
    except Refusal as refusal:
        logging.getLogger("loom.runner").warning("%s", refusal)
        raise


async def _main(place: Place, action: int) -> ActionState:
    """End with SIGTERM as one that was killed, but not before the step's processes have."""

    async def carry_out() -> ActionState:
        runner = await patiently(lambda: Runner(place, action))
        return await runner.run()

    task = asyncio.create_task(carry_out(), name="runner")
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task
