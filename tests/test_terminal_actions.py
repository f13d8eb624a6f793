"""An action begun in one real terminal and watched in another: the first is pulled out, or the runner is killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from loom_tui.plan.toml import dump_plan
from loom_tui.room.acting import ActionPayload
from loom_tui.store.sqlite import open_store
from tests.running import action, waits, writes
from tests.shell import loom
from tests.terminal import Terminal
from tests.test_guard_commands import GLASS, guarded
from tests.test_terminal import HERE, LOOM, opened

PATIENCE_S = 60.0
WHY = "looked: the platform has done it"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory with a plan whose rollback waits in its first step; all that works on it is ended with the test."""
    plan = guarded(rollback=replace(action(waits("one"), writes("two")), verify_s=30.0))
    (tmp_path / "loom.toml").write_text(dump_plan(plan), encoding="utf-8")
    yield tmp_path
    (tmp_path / "go").touch()
    for process in working_on(tmp_path):
        process.kill()


def shell(place: Path) -> Terminal:
    """A terminal in which somebody has typed `loom rollback`."""
    command = (*LOOM, "rollback", *GLASS, "--store", str(place / "state"))
    return Terminal(command, directory=place, environ={"PYTHONPATH": str(HERE)})


def working_on(place: Path, word: str = "") -> list[psutil.Process]:
    """The processes that have a directory, and a word, among their arguments."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if str(place) in line and word in line:
            found.append(process)
    return found


def until(room: Terminal, holds: Callable[[], object]) -> None:
    """Wait for something outside of the terminal, and go on reading from it: a full one would hold the room up."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, room.text()
        room.pump(0.05)


def count(place: Path, name: str) -> int:
    path = place / f"{name}.done"
    return len(path.read_text()) if path.exists() else 0


def kinds(place: Path) -> list[str]:
    """The action's events, in the journal's order; its chain is whole."""
    store = open_store(place / "state", plan_id="friday")
    try:
        events = store.events()
        assert store.verify().seq == len(events)
        return [type(event.payload).__name__ for event in events if isinstance(event.payload, ActionPayload)]
    finally:
        store.close()


BEGUN = ["ActionArmed", "ActionApproved", "CountdownStarted", "StepStarted"]
ENDED = ["StepEnded", "StepStarted", "StepEnded", "VerificationStarted", "ActionVerified"]


def test_a_rollback_goes_on_when_its_terminal_is_pulled_out_and_another_room_shows_it_to_its_end(place):
    with opened(place) as room, shell(place) as asking:
        room.wait_for("rollback running 1/2", timeout_s=PATIENCE_S)
        until(room, lambda: count(place, "one"))
        asking.hang_up()
        assert asking.wait_for_exit() != 0
        room.settle()
        assert "rollback running 1/2" in room.text()
        (place / "go").touch()
        room.wait_for(lambda text: "rollback running" not in text, timeout_s=PATIENCE_S)
        until(room, lambda: kinds(place)[-1] == "ActionVerified")
        room.press("9")
        room.wait_for("saw action", timeout_s=PATIENCE_S)
    assert (count(place, "one"), count(place, "two")) == (1, 1)
    assert kinds(place) == [*BEGUN, *ENDED]


def test_a_killed_runner_is_shown_as_interrupted_does_nothing_twice_and_goes_on_by_a_person_s_word(place):
    with opened(place) as room, shell(place) as asking:
        room.wait_for("rollback running 1/2", timeout_s=PATIENCE_S)
        until(room, lambda: count(place, "one"))
        (runner,) = working_on(place, "loom_tui.runner")
        os.kill(runner.pid, signal.SIGKILL)
        room.wait_for("rollback interrupted", timeout_s=PATIENCE_S)
        (place / "go").touch()  # the step's process, which outlived the runner, ends by itself
        asking.wait_for("Its runner has gone", timeout_s=PATIENCE_S)
        assert asking.wait_for_exit() == 1
        assert kinds(place) == BEGUN
        refused = loom(place, "act", number(place), "--resume", "--reason", WHY)
        assert "--repeat or --skip" in refused.stderr
        done = loom(place, "act", number(place), "--resume", "--skip", "--reason", WHY)
        assert done.returncode == 0, done.stdout + done.stderr
        room.wait_for(lambda text: "rollback interrupted" not in text, timeout_s=PATIENCE_S)
        room.press("9")
        room.wait_for(f"resumed action {number(place)} at step 2: {WHY}", timeout_s=PATIENCE_S)
    assert (count(place, "one"), count(place, "two")) == (1, 1)
    assert kinds(place) == [*BEGUN, "ActionInterrupted", "ActionResumed", *ENDED[1:]]


def number(place: Path) -> str:
    store = open_store(place / "state", plan_id="friday")
    try:
        (armed,) = [event.seq for event in store.events() if type(event.payload).__name__ == "ActionArmed"]
        return str(armed)
    finally:
        store.close()
