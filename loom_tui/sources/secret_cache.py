"""What the scanner found in each file, kept by git blob, so that only changed files are scanned again.

The file lies in the user's state directory (0700, the file 0600). It holds places, types and hashes, never a secret;
one that others could have written is not believed.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from loom_tui.store.place import default_directory

_LOG = logging.getLogger("loom.secrets")
MAX_CACHE_BYTES = 100_000_000

Finding = tuple[int, str, str]  # line, type, the secret's SHA-1 as baselines write it


class Scanned(Struct, frozen=True, array_like=True):
    """A file's blob, and what was found in it; None for one that could not be read."""

    blob: str
    findings: tuple[Finding, ...] | None


class _Kept(Struct, frozen=True):
    config: str
    files: dict[str, Scanned]


def cache_path(root: Path, environ: Mapping[str, str]) -> Path:
    """Name the cache of one scanned directory."""
    name = sha256(os.fsencode(root.resolve())).hexdigest()[:16]
    return default_directory(environ) / "cache" / f"secrets-{name}.json"


def load(path: Path, *, config: str) -> dict[str, Scanned]:
    """Read what is kept under the same configuration; nothing where there is none, or none to be believed."""
    try:
        status = path.stat()
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077 or status.st_size > MAX_CACHE_BYTES:
            return {}
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return kept.files if kept.config == config else {}


def save(path: Path, files: Mapping[str, Scanned], *, config: str) -> None:
    """Write it anew, whole or not at all. A disk that is full costs the next scan its time, and nothing else."""
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        scratch.unlink(missing_ok=True)
        handle = os.open(scratch, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(_Kept(config=config, files=dict(files))))
        scratch.replace(path)
    except OSError as error:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)
        _LOG.warning("what was scanned cannot be kept in %s: %s", path.parent, error.strerror)
