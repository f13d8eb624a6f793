"""A disk that fills up while an action runs, in real processes: nothing is lost, nothing is done twice or unseen."""

from __future__ import annotations

import resource
from contextlib import closing
from pathlib import Path

from loom_tui.room.guard import ActionState as S
from tests.running import World, action, waits, writes


def test_a_disk_that_fills_up_in_the_middle_of_a_step_holds_the_next_one_up_and_loses_nothing(tmp_path: Path):
    with closing(World(tmp_path / "room", rollback=action(waits("one"), writes("two"), verify=()))) as room:
        number = room.begin()
        room.in_step(number, 0)
        runner = room.processes[-1].pid
        full = (room.store.directory / "journal.db-wal").stat().st_size  # no file of the runner's grows beyond that
        resource.prlimit(runner, resource.RLIMIT_FSIZE, (full, resource.RLIM_INFINITY))
        room.go()
        log = room.store.directory / "actions" / str(number) / "runner.log"
        room.until(lambda: "is full" in log.read_text())
        assert (room.view(number).steps[0].is_open, room.count("two")) == (True, 0)
        resource.prlimit(runner, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert room.ended(number).state is S.DONE_UNVERIFIED
        assert [type(payload).__name__ for payload in room.payloads()].count("StepEnded") == 2
        assert (room.count("one"), room.count("two")) == (1, 1)
