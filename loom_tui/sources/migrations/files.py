"""The migrations of a directory, each read once for as long as its file stays the same."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from loom_tui.sources.base import SourceAnswered, SourceUnreachable

MAX_BYTES = 20_000_000
_NAMED = re.compile(r"(?P<version>[^_]+)_(?P<name>.+)\.sql")


class MigrationFile(Struct, frozen=True):
    """One file."""

    version: str
    name: str
    path: Path
    digest: str  # SHA-256 of its bytes, in hex


class Directory:
    """Reads a directory again and again. Blocks: for a thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mark: tuple[tuple[str, int, int], ...] = ()
        self._files: tuple[MigrationFile, ...] = ()

    def files(self) -> tuple[MigrationFile, ...]:
        """Give the migrations by version; read anew only when a file changed. Raises SourceError."""
        try:
            paths = sorted(path for path in self.path.iterdir() if _NAMED.fullmatch(path.name) and path.is_file())
            stats = [path.stat() for path in paths]
            mark = tuple((path.name, stat.st_mtime_ns, stat.st_size) for path, stat in zip(paths, stats, strict=True))
            if mark != self._mark:
                if sum(stat.st_size for stat in stats) > MAX_BYTES:
                    raise SourceAnswered(f"The migrations in {self.path} are more than {MAX_BYTES // 1_000_000} MB")
                self._files = tuple(map(_read, paths))
                self._mark = mark
        except OSError as error:
            raise SourceUnreachable(f"The migrations cannot be read: {error.strerror}: {self.path}") from None
        return self._files


def _read(path: Path) -> MigrationFile:
    named = _NAMED.fullmatch(path.name)
    assert named is not None  # noqa: S101 - chosen by it
    return MigrationFile(
        version=named["version"],
        name=named["name"],
        path=path.absolute(),
        digest=sha256(path.read_bytes()).hexdigest(),
    )
