"""The whole program in a real pseudo-terminal: opened, hung up, killed, starved, and refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from loom_tui.commands.rooms import open_room_store
from loom_tui.plan.toml import dump_plan
from loom_tui.room.events import TaskTicked
from loom_tui.store.base import Store
from tests.samples import sample_plan
from tests.terminal import Terminal

LOOM = (sys.executable, "-m", "loom_tui")
HERE = Path(__file__).resolve().parent.parent


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory with a plan that asks nothing of the world, so that no network is touched."""
    plan = replace(sample_plan(), sources={}, risks=())
    (tmp_path / "loom.toml").write_text(dump_plan(plan), encoding="utf-8")
    yield tmp_path
    for process in psutil.process_iter(["cmdline"]):
        if str(tmp_path) in " ".join(process.info["cmdline"] or ()):
            process.kill()


def opened(place: Path, *options: str, columns: int = 120, rows: int = 40, **environ: str) -> Terminal:
    command = (*LOOM, "room", "loom.toml", "--store", str(place / "state"), *options)
    return Terminal(command, columns=columns, rows=rows, directory=place, environ={"PYTHONPATH": str(HERE), **environ})


def store_of(place: Path) -> Store:
    return open_room_store(sample_plan(), place / "state")


def run(place: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (*LOOM, *words),
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(HERE), "LOOM_STORE": str(place / "state"), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_the_room_opens_and_is_left_with_q(place):
    with opened(place) as terminal:
        terminal.wait_for("Critical path")
        assert "HOLD" in terminal.text()
        terminal.press("q")
        assert terminal.wait_for_exit() == 0
        assert b"\x1b[?1049l" in terminal.raw  # the screen that was there before is back


def test_every_screen_answers_to_its_number(place):
    with opened(place) as terminal:
        terminal.wait_for("Critical path")
        for key, word in (
            ("2", "Issues"),
            ("3", "Timeline"),
            ("4", "Matrix"),
            ("5", "Errors per minute"),
            ("6", "Sessions"),
        ):
            terminal.press(key)
            terminal.wait_for(word)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_ends_the_room_cleanly(place, number):
    with opened(place) as terminal:
        terminal.wait_for("Critical path")
        os.kill(terminal.pid, number)
        assert terminal.wait_for_exit() == 0
        assert b"Traceback" not in terminal.raw


@pytest.mark.parametrize("attempt", range(6))  # what it once waited for hung on when the plug was pulled
def test_a_vanished_terminal_ends_the_room_without_a_spin(place, attempt):
    terminal = opened(place)
    try:
        terminal.wait_for("Critical path")
        began = time.monotonic()
        process = psutil.Process(terminal.pid)
        terminal.hang_up()
        terminal.wait_for_exit(timeout_s=10)
        assert time.monotonic() - began < 10
        assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    finally:
        terminal.close()


def test_a_killed_room_loses_no_tick(place):
    with opened(place) as terminal:
        terminal.wait_for("Critical path")
        terminal.press("2")
        terminal.wait_for("Issues")
        store = store_of(place)
        try:
            store.append(TaskTicked(issue=147, task=0, text="User registration", done=True), actor="bo", at=time.time())
            terminal.wait_for("1 of 4", timeout_s=5)  # another's tick shows here
            os.kill(terminal.pid, signal.SIGKILL)
            assert terminal.wait_for_exit() == -signal.SIGKILL
            store.verify()
            assert any(isinstance(event.payload, TaskTicked) for event in store.events())
        finally:
            store.close()


def test_a_tick_in_one_room_shows_in_another(place):
    with opened(place) as one, opened(place) as other:
        one.wait_for("Critical path")
        other.wait_for("Critical path")
        one.press("m")
        one.wait_for("enter writes it")
        one.press(*"purged", "enter")
        one.wait_for("noted purged")
        other.wait_for("noted purged", timeout_s=5)


@pytest.mark.parametrize(("columns", "rows", "words"), [(80, 24, "risks"), (40, 10, "Widen to 80x24")])
def test_a_small_terminal_still_shows_the_gate(place, columns, rows, words):
    with opened(place, columns=columns, rows=rows) as terminal:
        terminal.wait_for(words)
        assert "HOLD" in terminal.text()


def test_a_resized_terminal_is_drawn_anew(place):
    with opened(place) as terminal:
        terminal.wait_for("Critical path")
        terminal.resize(columns=80, rows=24)
        terminal.wait_for("no-go")
        terminal.wait_for(lambda text: "Last events" not in text)


def test_ascii_alone_is_enough(place):
    with opened(place, "--ascii") as terminal:
        terminal.wait_for("Critical path")
        terminal.settle()
        assert terminal.text().isascii()


def test_a_terminal_without_colours_shows_the_cursor_and_the_gate(place):
    with opened(place, NO_COLOR="1") as terminal:
        terminal.wait_for("Critical path")
        terminal.settle()
        assert "HOLD" in terminal.text()
        cells = [cell for line in terminal.screen.buffer.values() for cell in line.values()]
        assert {cell.fg for cell in cells} == {cell.bg for cell in cells} == {"default"}
        for text in ("#144", "HOLD"):
            row = next(y for y, line in enumerate(terminal.screen.display) if text in line)
            column = terminal.screen.display[row].index(text)
            assert terminal.screen.buffer[row][column].reverse


def test_a_dumb_terminal_is_refused_in_a_sentence(place):
    with opened(place, TERM="dumb") as terminal:
        assert terminal.wait_for_exit() == 2
        assert "TERM is dumb" in terminal.text().replace("\n", " ")


def test_no_terminal_is_refused_in_a_sentence(place):
    done = run(place, "room", "loom.toml")
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_plan_with_faults_is_refused_before_the_screen_is_taken(place):
    (place / "loom.toml").write_text("[plan", encoding="utf-8")
    with opened(place) as terminal:
        assert terminal.wait_for_exit() == 1
        terminal.pump(0.2)
        assert b"not valid TOML" in terminal.raw
        assert b"\x1b[?1049h" not in terminal.raw


def test_a_store_that_is_not_ours_is_refused_before_the_screen_is_taken(place):
    (place / "state").mkdir(mode=0o777)
    (place / "state").chmod(0o777)
    with opened(place) as terminal:
        assert terminal.wait_for_exit() == 1
        terminal.pump(0.2)
        assert b"can be written by everybody" in terminal.raw
        assert b"Traceback" not in terminal.raw
