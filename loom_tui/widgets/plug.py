"""A terminal that may be pulled out at any moment: what is written to one that is gone is dropped.

Textual 8.2.8 writes on a thread of its own, behind a queue of 30. A write that fails ends the thread, the queue fills,
and the next one waits for ever: a room whose connection dropped would hang in the middle of its leaving.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, TextIO, cast

from textual.drivers.linux_driver import LinuxDriver


class Outlet:
    """A file that takes whatever is written, also when nobody reads it any more."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write a text, or drop it."""
        with suppress(OSError):
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        """Send what was written, or drop it."""
        with suppress(OSError):
            self._file.flush()

    def fileno(self) -> int:
        """Give the file's number."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """Say whether it is, or was, a terminal."""
        return self._file.isatty()


class PluggedDriver(LinuxDriver):
    """Textual's driver, writing to an outlet."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._file = cast("Any", Outlet(cast("TextIO", self._file)))
