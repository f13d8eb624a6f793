"""The migrations of a directory, each studied once for as long as its file stays the same."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from loom_tui.sources.base import SourceAnswered, SourceUnreachable
from loom_tui.sources.migrations.statements import Unreadable, tokenized
from loom_tui.sources.migrations.suspicion import Studied, Study

MAX_BYTES = 20_000_000
_NAMED = re.compile(r"(?P<version>[^_]+)_(?P<name>.+)\.sql")


class MigrationFile(Struct, frozen=True):
    """One file: `essence` is its words without comments and blanks, for comparison with what was applied."""

    version: str
    name: str
    stem: str
    digest: str  # SHA-256 of its bytes, in hex
    essence: int
    studied: Studied


class Directory:
    """Reads a directory again and again. Blocks: for a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mark: tuple[tuple[str, int, int], ...] = ()
        self._files: tuple[MigrationFile, ...] = ()

    def files(self) -> tuple[MigrationFile, ...]:
        """Give the migrations by version; studied anew only when a file changed. Raises SourceError."""
        try:
            paths = sorted(path for path in self._path.iterdir() if _NAMED.fullmatch(path.name) and path.is_file())
            stats = [path.stat() for path in paths]
            mark = tuple((path.name, stat.st_mtime_ns, stat.st_size) for path, stat in zip(paths, stats, strict=True))
            if mark != self._mark:
                if sum(stat.st_size for stat in stats) > MAX_BYTES:
                    raise SourceAnswered(f"The migrations in {self._path} are more than {MAX_BYTES // 1_000_000} MB")
                study = Study()
                self._files = tuple(_read(path, study) for path in paths)
                self._mark = mark
        except OSError as error:
            raise SourceUnreachable(f"The migrations cannot be read: {error.strerror}: {self._path}") from None
        return self._files


def _read(path: Path, study: Study) -> MigrationFile:
    body = path.read_bytes()
    text = body.decode("utf-8", errors="replace")
    named = _NAMED.fullmatch(path.name)
    assert named is not None  # noqa: S101 - chosen by it
    return MigrationFile(
        version=named["version"],
        name=named["name"],
        stem=path.stem,
        digest=sha256(body).hexdigest(),
        essence=essence(text),
        studied=study.read(text),
    )


def essence(sql: str) -> int:
    """Give a figure that is the same for texts of the same words: blanks, comments and semicolons do not count."""
    try:
        return hash(tuple(token.text for token in tokenized(sql) if token.text != ";"))
    except Unreadable:
        return hash(tuple(sql.replace(";", " ").split()))
