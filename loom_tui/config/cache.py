"""What was worked out of a user's files, kept from one run to the next in their cache directory (0700, a file 0600).

What others could have written is not believed.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct
from platformdirs import user_cache_dir

_LOG = logging.getLogger("loom.cache")
MAX_CACHE_BYTES = 100_000_000
T = TypeVar("T", bound=Struct)


def cache_path(kind: str, root: Path, environ: Mapping[str, str]) -> Path:
    """Name the cache of one kind of work on one file or directory."""
    name = sha256(os.fsencode(root.resolve())).hexdigest()[:16]
    home = environ.get("XDG_CACHE_HOME", "")
    directory = Path(home) / "loom" if home.startswith("/") else Path(user_cache_dir("loom", appauthor=False))
    return directory / f"{kind}-{name}.json"


def load(path: Path, kind: type[T]) -> T | None:
    """Read what is kept; None where there is nothing, or nothing to be believed."""
    try:
        status = path.stat()
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077 or status.st_size > MAX_CACHE_BYTES:
            return None
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def save(path: Path, kept: Struct) -> None:
    """Write it anew, whole or not at all. A disk that is full costs the next run its time, and nothing else."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        scratch.unlink(missing_ok=True)
        handle = os.open(scratch, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(kept))
        scratch.replace(path)
    except OSError as error:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)
        _LOG.info("what was worked out cannot be kept in %s: %s", path.parent, error.strerror)
