"""A process that becomes another user, opens a shared store and appends one event.

python -m tests.store_as_user DIRECTORY GROUP UID:GID[:GID…]   (`-` for UID:GID stays who we are)
"""

from __future__ import annotations

import grp  # noqa: F401  (before we may no longer read the interpreter's own files)
import os
import pwd  # noqa: F401
import sys
from pathlib import Path

from loom_tui.room.events import NoteAdded
from loom_tui.store.base import StoreError
from loom_tui.store.sqlite import open_store
from tests.stores import AT


def main() -> int:
    directory, group, who = sys.argv[1:]
    os.umask(0o077)
    if who != "-":
        uid, *gids = map(int, who.split(":"))
        os.setgroups(gids[1:])
        os.setgid(gids[0])
        os.setuid(uid)
    try:
        store = open_store(Path(directory), plan_id="shared", group=group or None)
    except StoreError as error:
        sys.stdout.write(f"{type(error).__name__}: {error}\n")
        return 1
    event = store.append(NoteAdded(text="x"), actor=who, at=AT)
    modes = sorted({oct(path.stat().st_mode & 0o7777) for path in store.directory.iterdir()})
    sys.stdout.write(f"event {event.seq} {store.verify().seq} {' '.join(modes)}\n")
    sys.stdout.flush()
    os._exit(0)  # without a clean-up: the next user finds the -wal and -shm files that this one made


if __name__ == "__main__":
    sys.exit(main())
