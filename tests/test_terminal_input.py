"""What a real terminal may send besides keys: pastes, answers, halves. None of it acts, and the keys work after it."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import tty
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from loom_tui.widgets.intake import REST_S
from loom_tui.widgets.plug import read_some
from tests.running import DEADLINE_S, action, writes
from tests.samples import sample_plan
from tests.terminal import Terminal
from tests.test_guard_commands import guarded, place_of
from tests.test_intake import UNKNOWN
from tests.test_terminal import HERE, LOOM, opened

PASTED = ("\x1b[A", "R", "q", "\x1by", "production", "\x1b[B\r", "\x1bA\x1b", "1\x1b[200~R", "\x1bOA\x1b[99;99zR")
HALVES = (b"\x1b[", b"\x1bO", b"\x1b[1;", b"\x1b[M!", b"\x1b]11;rgb:", b"\x1bP1$r")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory with a plan that asks nothing of the world; whoever works on it is ended with the test."""
    yield place_of(tmp_path, replace(sample_plan(), sources={}, risks=()))
    for process in psutil.process_iter(["cmdline"]):
        if any(str(tmp_path) in word for word in process.info["cmdline"] or ()):
            process.kill()


def send(terminal: Terminal, *parts: bytes) -> None:
    for part in parts:
        os.write(terminal.fd, part)


def paste(terminal: Terminal, *texts: str) -> None:
    for text in texts:
        send(terminal, b"\x1b[200~" + text.encode() + b"\x1b[201~")


def seen(terminal: Terminal) -> str:
    """The screen without its clock and ages."""
    terminal.settle()
    return re.sub(r"[\d:\s]+", " ", terminal.text())


def keys_are_back(terminal: Terminal) -> None:
    """Ask for the keys until they are shown: what is held of a sequence may take some of the askings."""
    for _ in range(int(DEADLINE_S / REST_S)):
        terminal.press("?")
        terminal.settle(limit_s=REST_S)
        if "Keys" in terminal.text():
            return
    raise AssertionError(terminal.text())


def test_what_is_pasted_into_a_list_presses_no_key(place):
    with opened(place) as terminal:
        terminal.wait_for("Critical path")
        before = seen(terminal)
        paste(terminal, *PASTED)
        assert seen(terminal) == before
        terminal.press("2")
        terminal.wait_for("Issues")


def test_in_the_rollback_what_is_pasted_and_what_no_key_sends_presses_nothing_and_types_nothing(place):
    place_of(place, replace(guarded(rollback=action(writes("one"), verify=())), sources={}))  # nothing turns by itself
    with opened(place) as terminal:
        terminal.wait_for("rollback", timeout_s=DEADLINE_S)
        terminal.press("R")
        terminal.wait_for("nothing has run yet", timeout_s=DEADLINE_S)
        for _ in ("cancel", "reason", "environment"):
            before = seen(terminal)
            paste(terminal, *PASTED)
            assert seen(terminal) == before
            send(terminal, *UNKNOWN)
            assert seen(terminal) == before
            terminal.press("tab")
        terminal.press("tab", "tab", *"ok")
        terminal.wait_for("reason     ok ")


def test_what_is_pasted_into_a_note_is_its_text_in_one_line(place):
    with opened(place) as terminal:
        terminal.wait_for("Critical path")
        terminal.press("m")
        terminal.wait_for("enter writes it")
        paste(terminal, "purged\x1b[A the\r\ncache\x1b")
        terminal.settle()
        terminal.press("!", "enter")
        terminal.wait_for("noted purged [A the cache!")


def test_what_no_key_sends_does_nothing(place):
    with opened(place) as terminal:
        terminal.wait_for("Critical path")
        before = seen(terminal)
        send(terminal, *UNKNOWN, b"\x1b[I", b"\x1b[O", b"\x1b[I", b"\x1b[<35;9;9M", b"\x1b[9;9R")
        assert seen(terminal) == before
        terminal.press("2")
        terminal.wait_for("Issues")


@pytest.mark.parametrize("half", HALVES, ids=repr)
def test_after_half_a_sequence_and_silence_the_keys_are_back(place, half):
    with opened(place) as terminal:
        terminal.wait_for("Critical path")
        send(terminal, half)
        keys_are_back(terminal)


def test_an_arrow_that_the_link_splits_opens_nothing(place):
    with opened(place) as terminal:
        terminal.wait_for("Critical path")
        before = seen(terminal)
        send(terminal, b"\x1b")
        terminal.settle(quiet_s=0.2, limit_s=0.2)  # as long as the link is silent
        send(terminal, b"[A")
        assert seen(terminal) == before


def test_a_terminal_that_tells_its_size_without_pixels_is_followed_and_clicked(place):
    with opened(place) as terminal:
        terminal.wait_for("Critical path")
        send(terminal, b"\x1b[?2048;2$y")  # it can tell, and from now on is asked to
        terminal.wait_for(lambda _: b"\x1b[?2048h" in terminal.raw)
        terminal.screen.resize(24, 80)
        send(terminal, b"\x1b[48;24;80;0;0t")
        terminal.wait_for("1 Room  2  3  4")  # only so narrow a room leaves the names of the others out
        send(terminal, b"\x1b[<0;9;9M", b"\x1b[<0;9;9m")
        terminal.press("2")
        terminal.wait_for("Issues")


def test_a_terminal_that_holds_nothing_is_not_gone_and_one_that_is_closed_is():
    ours, its = pty.openpty()
    tty.setraw(its)
    os.set_blocking(its, False)  # as another process on it may
    assert read_some(its) == b""
    os.write(ours, b"q")
    assert read_some(its) == b"q"
    assert read_some(its) == b""
    os.close(ours)
    with pytest.raises(EOFError):
        read_some(its)
    os.close(its)


def test_the_end_of_a_file_is_the_end_and_another_error_is_told(tmp_path):
    (tmp_path / "empty").touch()
    for path, error in ((tmp_path / "empty", EOFError), (tmp_path, IsADirectoryError)):
        fd = os.open(path, os.O_RDONLY)
        with pytest.raises(error):
            read_some(fd)
        os.close(fd)


def test_a_terminal_that_vanishes_without_a_signal_ends_the_room(place):
    ours, its = pty.openpty()  # it is not the controlling one: nobody sends SIGHUP
    room = subprocess.Popen(
        (*LOOM, "room", "loom.toml", "--store", str(place / "state")),
        stdin=its,
        stdout=its,
        stderr=its,
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(HERE), "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(its)
    shown = b""
    while b"HOLD" not in shown:
        assert select.select([ours], [], [], DEADLINE_S)[0], shown
        shown += os.read(ours, 1 << 16)
    os.close(ours)
    assert room.wait(timeout=DEADLINE_S) == 0
