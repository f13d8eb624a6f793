"""Files that the plan names, read."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

MAX_BYTES = 50_000_000


def read_file(path: Path, *, most_bytes: int = MAX_BYTES, follow: bool = True) -> bytes:
    """Read a plain file. Blocks, but not for ever: a pipe or a device that lies in its place is refused.

    Raises OSError, whose `strerror` says what is there instead; also for a link, unless it is to `follow` it.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe would be waited for at once
    handle = os.open(path, flags if follow else flags | os.O_NOFOLLOW)
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no plain file", str(path))
        body = file.read(most_bytes + 1)
    if len(body) > most_bytes:
        raise OSError(errno.EFBIG, f"it is larger than {most_bytes // 1_000_000} MB", str(path))
    return body
