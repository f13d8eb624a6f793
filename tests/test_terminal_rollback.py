"""A rollback in real terminals: armed in one room that is killed in its first step, seen to its end in another."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from loom_tui.gathering import read_once
from loom_tui.plan.model import Plan
from loom_tui.room.guard import ActionState, ActionView
from loom_tui.store.sqlite import open_store
from tests.running import DEADLINE_S, action, waits, writes
from tests.shell import loom
from tests.terminal import Terminal
from tests.test_guard_commands import as_other, guarded, place_of, until
from tests.test_terminal import opened


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory; the collectors and runners that work on it are ended with the test."""
    yield tmp_path
    for process in psutil.process_iter(["cmdline"]):
        if any(str(tmp_path) in word for word in process.info["cmdline"] or ()):
            process.kill()


def armed(place: Path, a_plan: Plan) -> ActionView | None:
    store = open_store(place / "state", plan_id="friday")
    try:
        return next(iter(read_once(a_plan, store, now=time.time()).actions), None)
    finally:
        store.close()


def arm(terminal: Terminal) -> None:
    """Roll back as a person does it: a reason, the environment's name, and Arm."""
    terminal.wait_for("rollback", timeout_s=DEADLINE_S)
    terminal.press("R")
    terminal.wait_for("nothing has run yet", timeout_s=DEADLINE_S)
    terminal.press("tab", *"errors", "enter", *"production", "enter")
    terminal.wait_for("▶ Arm ◀", timeout_s=DEADLINE_S)
    terminal.press("enter")
    terminal.wait_for("Waits for another person to approve it", timeout_s=DEADLINE_S)


def test_a_rollback_outlives_the_terminal_it_was_armed_in_and_is_seen_to_its_end_in_another_room(place):
    a_plan = guarded(rollback=action(waits("one"), writes("two")))
    place_of(place, a_plan)
    with opened(place) as ana:
        arm(ana)
        view = armed(place, a_plan)
        assert view is not None
        as_other(place, a_plan, view.id)
        ana.wait_for("“one” is under way", timeout_s=DEADLINE_S)
        until((place / "one.done").exists)
        with opened(place) as bo:
            bo.wait_for("rollback running 1/2", timeout_s=DEADLINE_S)
            os.kill(ana.pid, signal.SIGKILL)
            ana.hang_up()
            assert ana.wait_for_exit() == -signal.SIGKILL
            bo.press("A")
            bo.wait_for("“one” is under way", timeout_s=DEADLINE_S)
            assert (found := armed(place, a_plan)) is not None
            assert found.state is ActionState.RUNNING
            (place / "go").touch()
            bo.wait_for("Done, and the world shows it", timeout_s=DEADLINE_S)
            assert "output of step" in bo.text()
    assert [(place / f"{name}.done").read_text() for name in ("one", "two")] == ["x", "x"]
    assert loom(place, "journal", "verify").returncode == 0
