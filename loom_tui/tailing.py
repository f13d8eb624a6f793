"""Reads the end of what an action's steps write, for a room in which somebody looks at it."""

from __future__ import annotations

import os
from pathlib import Path

from loom_tui.room.guard import ActionView
from loom_tui.room.tail import Tail
from loom_tui.store.place import output_path

TAIL_BYTES = 16_384
TAIL_LINES = 200


class Tailing:
    """One action's output. `look` tells of it where it grew."""

    def __init__(self, store_directory: Path, action: int) -> None:
        self._directory = store_directory
        self.action = action
        self._told: Tail | None = None

    def look(self, view: ActionView | None) -> Tail | None:
        """Read the end of the newest step's output; None while it is what was told last."""
        tail = self._read(view) if view is not None else Tail(action=self.action)
        if tail == self._told:
            return None
        self._told = tail
        return tail

    def _read(self, view: ActionView) -> Tail:
        begun = [index for index, step in enumerate(view.steps) if step.started_at is not None]
        if not begun:
            return Tail(action=self.action)
        index = max(begun, key=lambda each: view.steps[each].started_at or 0.0)
        step = view.steps[index]
        path = output_path(self._directory, self.action, step=index, started=step.started)
        told = self._told
        try:
            size = path.stat().st_size
            same = told is not None and (told.step, told.started, told.size_bytes) == (index, step.started, size)
            part = b"" if same else _end_of(path)
        except OSError:  # nothing was written yet, or on another host: the journal has the end of it
            return Tail(action=self.action, step=index, started=step.started)
        if told is not None and same:
            return told
        lines = tuple(part.decode("utf-8", errors="replace").splitlines()[-TAIL_LINES:])
        return Tail(action=self.action, step=index, started=step.started, size_bytes=size, lines=lines)


def _end_of(path: Path) -> bytes:
    """Read a file's last bytes; a line of which only the end was read is left out."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size - TAIL_BYTES))
        part = file.read(TAIL_BYTES)
    _, newline, rest = part.partition(b"\n") if size > TAIL_BYTES else (b"", b"", b"")
    return rest if newline else part
