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
        self._said, self._complained = _Stream(self._mask), _Stream(self._mask)
        self._kept_bytes = 0
        self._tail = ""
        self.size_bytes = 0

    def write(self, part: bytes) -> None:
        """Take some of what it says in."""
        self._take(self._said, part)

    def complain(self, part: bytes) -> None:
        """Take some of what it complains of (stderr) in."""
        self._take(self._complained, part)

    def close(self) -> None:
        """Write what was held back; a disk that is full loses the output, and never the action."""
        streams = (self._said, self._complained)
        for stream in streams:
            self._keep(stream, stream.rest())
        if any(stream.end for stream in streams):
            words = f"\n… {self.size_bytes:,} bytes in all; only the first {MAX_BYTES:,} are kept. They ended:\n"
            ends = (self._end_of(stream.end) for stream in streams)
            self._append(words + "\n".join(end for end in ends if end))
        if self._file is not None:
            os.close(self._file)

    @property
    def tail(self) -> str:
        """Give the end of it, masked."""
        return self._tail.strip()

    def _take(self, stream: _Stream, part: bytes) -> None:
        self.size_bytes += len(part)
        if self._kept_bytes >= MAX_BYTES:
            stream.pass_over(part)
        else:
            self._keep(stream, stream.take(part))

    def _keep(self, stream: _Stream, text: str) -> None:
        """Write a masked text as far as there is room; the rest is a part of its stream's end."""
        body = text.encode()
        kept = body[: max(0, MAX_BYTES - self._kept_bytes)].decode("utf-8", errors="ignore")
        self._kept_bytes += len(body)
        self._append(kept)
        stream.ends_in(body[len(kept.encode()) :])

    def _end_of(self, body: bytes) -> str:
        end = self.hide(body.decode("utf-8", errors="replace"))
        if len(body) == _END_BYTES:
            end = end[_HELD:]  # it was cut there, perhaps through a secret
        return end[-4 * TAIL_CHARACTERS :]

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


class _Stream:
    """One of a step's two streams, held back by itself: the other's words may come between two halves of a secret."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""
        self.end = b""  # of what came after the cap, not masked yet

    def take(self, part: bytes) -> str:
        """Take some of it in, and give what can be written by now."""
        ended, self._held = self._mask.ended(self._held + self._decoder.decode(part))
        text = self._mask.hide(ended)
        if len(self._held) > _HELD and "\n" not in self._held:  # its end alone may be half a secret
            line = self._mask.hide(self._held)
            text, self._held = text + line[:-_HELD], line[-_HELD:]
        return text

    def rest(self) -> str:
        """Give what was held back, at its end."""
        held, self._held = self._held, ""
        return self._mask.hide(held + self._decoder.decode(b"", final=True))

    def pass_over(self, part: bytes) -> None:
        """Take some of it in of which the end alone is kept."""
        before = self._held.encode() + self._decoder.getstate()[0]  # a secret may lie across the cap
        self._decoder.reset()
        self._held = ""
        self.ends_in(before + part)

    def ends_in(self, body: bytes) -> None:
        """Keep the end of what there is no room for."""
        self.end = (self.end + body)[-_END_BYTES:]


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
