"""A process that writes to a store until it is killed, and says on stdout what was acknowledged.

    python -m tests.store_writer DIRECTORY NAME events [COUNT [LIMIT_BYTES]]
    python -m tests.store_writer DIRECTORY NAME readings [COUNT]

Each line is an event's number and hash, or how many ticks of readings were kept. LIMIT_BYTES is the largest file
that the process may write, as on a full disk; it ends with exit code 28 when the store says that it is full. Where
it says that it is busy, as on a loaded machine, the writer does what it is told: it tries again.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeVar

from loom_tui.room.events import NoteAdded
from loom_tui.room.signals import Reading
from loom_tui.store.base import StoreBusy, StoreFull
from tests.stores import AT, collector_lease, new_store

Result = TypeVar("Result")


def patiently(write: Callable[[], Result]) -> Result:
    while True:
        try:
            return write()
        except StoreBusy:
            continue


def main() -> int:
    directory, name, what, *rest = sys.argv[1:]
    signal.alarm(60)  # whatever becomes of the test, this ends
    numbers = range(int(rest[0])) if rest else count()
    store = patiently(partial(new_store, Path(directory)))
    if len(rest) > 1:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(rest[1]), resource.RLIM_INFINITY))
    lease = collector_lease(store, holder=name) if what == "readings" else None
    try:
        for number in numbers:
            if lease is not None:
                reading = Reading(signal=name, observed_at=AT + number, value=1)
                patiently(partial(store.record, [reading], lease=lease, now=AT + number))
                said = f"{number + 1}\n"
            else:
                note = NoteAdded(text=f"{number} {'x' * 200}")
                event = patiently(partial(store.append, note, actor=name, at=AT + number))
                said = f"{event.seq} {event.hash}\n"
            os.write(1, said.encode())
    except StoreFull as full:
        sys.stderr.write(f"{full}\n")
        return 28
    finally:
        store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
