"""A terminal that may be pulled out at any moment: what is written to one that is gone is dropped.

Textual 8.2.8 writes on a thread of its own, behind a queue of 30. A write that fails ends the thread, the queue fills,
and the next one waits for ever: a room whose connection dropped would hang in the middle of its leaving.
"""

from __future__ import annotations

import os
from contextlib import suppress
from errno import EIO
from selectors import EVENT_READ, SelectSelector
from time import monotonic
from typing import Any, TextIO, cast

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

from loom_tui.widgets.intake import Intake

_LOOK_S = 0.1  # how often it is looked whether the app leaves
_GULP_BYTES = 4096


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


def read_some(fd: int) -> bytes:
    """Read what a terminal holds: nothing where another process was faster. Raises EOFError once it is gone."""
    try:
        data = os.read(fd, _GULP_BYTES)
    except BlockingIOError:  # whoever shares the terminal may have set O_NONBLOCK
        return b""
    except OSError as error:
        if error.errno != EIO:  # Linux's word for a terminal whose other side is closed
            raise
        data = b""
    if not data:
        raise EOFError
    return data


class PluggedDriver(LinuxDriver):
    """Textual's driver, writing to an outlet and reading through an intake."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._file = cast("Any", Outlet(cast("TextIO", self._file)))

    def run_input_thread(self) -> None:
        """Hand on what arrives, till the app leaves or the terminal is gone.

        Nothing lapses while there is something to read: on a busy machine this thread may come late itself.
        """
        intake = Intake(XTermParser(self._debug))
        with SelectSelector() as selector:
            selector.register(self.fileno, EVENT_READ)
            while not self.exit_event.is_set():
                if not selector.select(max(0.0, min(_LOOK_S, intake.due - monotonic()))):
                    messages = intake.lapse(monotonic())
                else:
                    try:
                        data = read_some(self.fileno)
                    except EOFError:
                        self._app.call_later(self._app.exit)
                        return
                    messages = intake.feed(data, monotonic())
                for message in messages:
                    self.process_message(message)
