"""`python -m loom_tui.runner`: how a runner is started. It reads no plan's file: the store keeps what was armed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from loom_tui.config.operator import whoami
from loom_tui.refusal import Refusal
from loom_tui.runner.act import run_action
from loom_tui.spawn import Spawner
from loom_tui.store.sqlite import open_store


def main() -> int:
    """Carry out the action that the arguments name: store's directory, room, group or "", plan's file, action, doubt.

    The last says why a logout may end it; "" where none can.
    """
    stores, room, group, plan_file, action, doubt = sys.argv[1:]
    plan_path, directory = Path(plan_file), Path(stores)
    try:
        store = open_store(directory, plan_id=room, group=group or None)
        spawner = Spawner(directory, store.directory / f"collector-{os.getuid()}.err")
        try:
            run_action(
                store,
                int(action),
                directory=plan_path.parent,
                actor=whoami(),
                start_collector=lambda: spawner.start(plan_path),
                doubt=doubt,
            )
        finally:
            store.close()
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return refusal.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
