"""A line from this terminal to a room, as SSH is one to a bastion: it can drop, and the room does not see why."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

_GULP_BYTES = 1 << 16
_LEAVE_S = 10.0
_NO_SIZE = b"\0" * 8
# What the program would have taken back itself: mouse, focus, paste, resize, keyboard, colours, cursor, screen.
_AS_BEFORE = (
    b"\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[?2048l\x1b[<u\x1b[0m\x1b[?25h\x1b[?1049l"
)


class Line:
    """Relays between this terminal and `loom` on a pseudo-terminal of its own. `drop` may come from another thread."""

    def __init__(self) -> None:
        self._hears, self._says = os.pipe()

    def close(self) -> None:
        """Close what this line holds."""
        os.close(self._hears)
        os.close(self._says)

    def drop(self) -> None:
        """Hang up."""
        os.write(self._says, b"x")

    def open(self, words: Sequence[str]) -> int | None:
        """Run `loom` with these words until it ends; gives its exit code, or None where the line dropped first."""
        near, far = pty.openpty()
        try:
            _copy_size(near)
            program = subprocess.Popen(
                [sys.executable, "-P", "-m", "loom_tui.drill.seat", *words],
                stdin=far,
                stdout=far,
                stderr=far,
                start_new_session=True,
            )
        except OSError:
            os.close(near)
            raise
        finally:
            os.close(far)
        dropped = True
        try:
            with _raw(near):
                dropped = self._relay(near)
        finally:
            os.close(near)  # the kernel hangs up on whoever has the other end as their terminal
            code = _end(program)
            if dropped:
                with suppress(OSError):  # this terminal may be gone too
                    os.write(1, _AS_BEFORE)
        return None if dropped else code

    def _relay(self, near: int) -> bool:
        """Carry bytes to and fro until either end closes or the line drops; says whether it dropped."""
        ears = [0, near, self._hears]
        while True:
            ready, _, _ = select.select(ears, [], [])
            if self._hears in ready:
                os.read(self._hears, _GULP_BYTES)
                return True
            if near in ready:
                told = _read(near)
                if not told:
                    return False
                _write(1, told)
            if 0 in ready:
                typed = _read(0)
                if not typed:
                    return True  # this terminal itself is gone
                _write(near, typed)


def _read(descriptor: int) -> bytes:
    """Read what is there; empty where the other side is closed, which Linux tells by an error."""
    try:
        return os.read(descriptor, _GULP_BYTES)
    except OSError:
        return b""


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _end(program: subprocess.Popen[bytes]) -> int:
    """Wait for a program that has lost its terminal, or left it."""
    try:
        return program.wait(timeout=_LEAVE_S)
    except subprocess.TimeoutExpired:
        program.kill()
        return program.wait()


@contextmanager
def _raw(near: int) -> Iterator[None]:
    """Hand each key on as it is typed, and each change of this terminal's size."""
    before = termios.tcgetattr(0)
    resized = signal.signal(signal.SIGWINCH, lambda *_: _copy_size(near))
    tty.setraw(0)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, resized)
        with suppress(termios.error):  # this terminal is gone
            termios.tcsetattr(0, termios.TCSAFLUSH, before)


def _copy_size(near: int) -> None:
    fcntl.ioctl(near, termios.TIOCSWINSZ, fcntl.ioctl(0, termios.TIOCGWINSZ, _NO_SIZE))
