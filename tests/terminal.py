"""A program in a real pseudo-terminal with a VT emulator behind it: looked at, typed at, hung up, measured."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import psutil
import pyte

# What a modern terminal answers when it is asked what it can do; a program that waits for an answer that
# never comes would look slow for a reason that no user meets.
_ANSWERS = {
    b"\x1b[c": b"\x1b[?62;c",
    b"\x1b[>c": b"\x1b[>1;10;0c",
    b"\x1b[6n": b"\x1b[1;1R",
    b"\x1b[?2026$p": b"\x1b[?2026;2$y",
    b"\x1b[?2048$p": b"\x1b[?2048;0$y",
    b"\x1b[?u": b"\x1b[?0u",
}
_GULP = 1 << 16
_KEYS = {"enter": b"\r", "esc": b"\x1b", "tab": b"\t", "space": b" ", "up": b"\x1b[A", "down": b"\x1b[B"}


class Terminal:
    """A child process on a pseudo-terminal of `columns` x `rows`. Use as a context manager: it ends the child."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 120,
        rows: int = 40,
        environ: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = bytearray()
        self.started_at = self.read_at = time.monotonic()
        self.alive = True
        self.status: int | None = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            self._become(command, environ or {}, directory)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    @staticmethod
    def _become(command: Sequence[str], environ: Mapping[str, str], directory: Path | None) -> None:
        try:
            if directory is not None:
                os.chdir(directory)
            base = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "COLUMNS", "LINES"}}
            base |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
            os.execvpe(command[0], list(command), base | dict(environ))
        finally:
            os._exit(127)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def pump(self, timeout_s: float) -> int:
        """Read what comes within `timeout_s`, to the end of what is there; gives the number of bytes."""
        data = self._read(timeout_s)
        while data and len(data) < _GULP and (more := self._read(0.0)):  # a pty hands on 4 kB at a time
            data += more
        if not data:
            return 0
        self.read_at = time.monotonic()
        for query, answer in _ANSWERS.items():
            if query in data:
                os.write(self.fd, answer)
        self.raw += data
        with contextlib.suppress(Exception):  # pyte rejects a few private sequences; the bytes still count
            self.stream.feed(data)
        return len(data)

    def _read(self, timeout_s: float) -> bytes:
        ready, _, _ = select.select([self.fd], [], [], max(0.0, timeout_s))
        if not ready:
            return b""
        data = b""
        with contextlib.suppress(OSError):  # Linux's word for the end: the child's side is closed
            data = os.read(self.fd, _GULP)
        self.alive = bool(data)
        return data

    def text(self) -> str:
        """Give the screen's text, a line a row."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def wait_for(self, found: str | Callable[[str], bool], *, timeout_s: float = 30.0) -> float:
        """Read until the screen shows a text; gives the seconds from the start till it came. Raises AssertionError.

        What the emulator needs to draw it (0.6 ms a kB) is not the program's.
        """
        shows = found if callable(found) else (lambda text: found in text)
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if shows(self.text()):
                return self.read_at - self.started_at
            if not self.pump(0.02) and not self.alive:
                break
        raise AssertionError(f"the screen never showed {found!r}; it shows:\n{self.text()}")

    def settle(self, *, quiet_s: float = 0.3, limit_s: float = 5.0) -> None:
        """Read until nothing came for `quiet_s`."""
        end = time.monotonic() + limit_s
        last = time.monotonic()
        while self.alive and time.monotonic() < end and time.monotonic() - last < quiet_s:
            if self.pump(0.02):
                last = time.monotonic()

    def resize(self, *, columns: int, rows: int) -> None:
        """Change the terminal's size; the kernel tells the child."""
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, *keys: str) -> None:
        """Type keys, by name or as themselves."""
        for key in keys:
            os.write(self.fd, _KEYS.get(key, key.encode()))

    def wait_for_exit(self, *, timeout_s: float = 10.0) -> int:
        """Read until the child has ended; gives its exit code, or minus the signal's number."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if self._reap():
                assert self.status is not None
                return self.status
            if self.alive:
                self.pump(0.02)
            else:
                time.sleep(0.01)  # the terminal is gone: only the child's end is waited for
        raise AssertionError(f"still running after {timeout_s} s; the screen shows:\n{self.text()}")

    def hang_up(self) -> None:
        """Pull the plug: the terminal's other end closes, as when a connection drops."""
        os.close(self.fd)
        self.fd = -1
        self.alive = False

    def processes(self) -> list[psutil.Process]:
        """List the child and its descendants."""
        with contextlib.suppress(psutil.Error):
            child = psutil.Process(self.pid)
            return [child, *child.children(recursive=True)]
        return []

    def cpu_s(self) -> float:
        """Give the CPU seconds that the child itself has used."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def rss_mb(self) -> float:
        """Give the child's resident memory in MB (10^6 bytes)."""
        return float(psutil.Process(self.pid).memory_info().rss) / 1e6

    def close(self) -> None:
        """End the child, hard if it does not leave."""
        if self.status is None and not self._reap():
            os.kill(self.pid, signal.SIGHUP)
            end = time.monotonic() + 5
            while not self._reap() and time.monotonic() < end:
                if self.alive:
                    self.pump(0.02)
                else:
                    time.sleep(0.01)
            if self.status is None:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _reap(self) -> bool:
        if self.status is not None:
            return True
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self.status = os.waitstatus_to_exitcode(status)
        return bool(pid)
