"""What a step writes: masked as it comes, capped, kept in a file that every room may read; its end for the journal."""

from __future__ import annotations

import codecs
import errno
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from loom_tui.sources.mask import Mask

MAX_BYTES = 10_000_000
TAIL_CHARACTERS = 2000
_HELD = 4096  # no secret is longer: so much is held back, lest half of one be written
_END_BYTES = 4 * (TAIL_CHARACTERS + _HELD)


class Output:
    """One step's output. Write bytes as they come; close it; then ask for its tail and its size."""

    def __init__(self, path: Path, secrets: Iterable[str], environ: Mapping[str, str]) -> None:
        self._file: int | None = None
        with suppress(OSError):  # as below: what it does matters more than what it says
            self._file = open_beneath(path, os.O_WRONLY | os.O_APPEND)
        self._mask = Mask()
        for secret in secrets:
            self._mask.add(secret)
        for name, value in environ.items():
            self._mask.add_variable(name, value)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""
        self._kept_bytes = 0
        self._end = b""  # of what came after the cap, not masked yet
        self._tail = ""
        self.size_bytes = 0

    def write(self, part: bytes) -> None:
        """Take some of it in."""
        self.size_bytes += len(part)
        if self._kept_bytes >= MAX_BYTES:
            before = self._held.encode() + self._decoder.getstate()[0]  # a secret may lie across the cap
            self._decoder.reset()
            self._held = ""
            self._end = (self._end + before + part)[-_END_BYTES:]
            return
        text = self.hide(self._held + self._decoder.decode(part))
        self._held = text[-_HELD:]
        newline = text.rfind("\n")
        if newline >= 0:  # a line that ended holds no half of a secret
            self._held = text[newline + 1 :][-_HELD:]
        self._keep(text[: len(text) - len(self._held)])

    def close(self) -> None:
        """Write what was held back; a disk that is full loses the output, and never the action."""
        self._keep(self.hide(self._held + self._decoder.decode(b"", final=True)))
        if self._end:
            words = f"\n… {self.size_bytes:,} bytes in all; only the first {MAX_BYTES:,} are kept. They ended:\n"
            end = self.hide(self._end.decode("utf-8", errors="replace"))
            if len(self._end) == _END_BYTES:
                end = end[_HELD:]  # it was cut there, perhaps through a secret
            self._append(f"{words}{end[-4 * TAIL_CHARACTERS :]}")
        if self._file is not None:
            os.close(self._file)

    @property
    def tail(self) -> str:
        """Give the end of it, masked."""
        return self._tail.strip()

    def _keep(self, text: str) -> None:
        room = max(0, MAX_BYTES - self._kept_bytes)
        body = text.encode()
        self._kept_bytes += len(body)
        self._append(body[:room].decode("utf-8", errors="ignore"))

    def _append(self, text: str) -> None:
        self._tail = (self._tail + text)[-TAIL_CHARACTERS:]
        with suppress(OSError):  # the journal keeps the tail, and says how the step ended
            if self._file is not None:
                os.write(self._file, text.encode())

    def hide(self, text: str) -> str:
        """Take the step's secrets, and those of the environment, out of a text."""
        return self._mask.hide(text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_beneath(path: Path, flags: int) -> int:
    """Open a file beneath the store's directory, made for those who may read the store whatever the umask.

    Raises OSError, also for a link: who shares the store would choose what another user's runner writes into.
    """
    make_directory(path.parent)
    mode = 0o660 if path.parent.stat().st_mode & 0o070 else 0o600
    file = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with suppress(PermissionError):  # another user of the room made it
        os.fchmod(file, mode)
    return file


def make_directory(path: Path) -> None:
    """Make a directory beneath the store's with the mode of the store's own. Raises OSError, also for a link."""
    if path.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(exist_ok=True)
    path.chmod(path.parent.stat().st_mode & 0o7777)
