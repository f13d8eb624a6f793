"""One SQLite file of a store: made whole or not at all, opened with its rules, its errors turned into sentences.

A database file is never opened and closed here but by SQLite itself: closing any descriptor of it drops this
process's POSIX locks on it, also those of another thread's connection (https://sqlite.org/howtocorrupt.html).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from msgspec import Struct

from loom_tui.store.base import StoreBroken, StoreBusy, StoreError, StoreFull, StoreMissing, StoreRefused, StoreTooNew
from loom_tui.store.place import Place, check_file, make_file, os_errors, sync_directory

BUSY_S = 3.0
_MIGRATIONS = Path(__file__).with_name("migrations")  # importlib.resources costs 10 ms of each start
_READ_TROUBLE = {sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS}


class Schema(Struct, frozen=True):
    """A kind of database: its file's stem, its application id, the version this Loom writes, and its pragmas."""

    name: str
    application_id: int
    version: int
    pragmas: tuple[str, ...]


JOURNAL = Schema(
    "journal",
    0x4C4F4F4A,  # "LOOJ"
    1,
    # An acknowledged event survives a power cut: the WAL is synced at each commit, on macOS to the platter.
    ("PRAGMA synchronous = FULL", "PRAGMA fullfsync = ON"),
)
READINGS = Schema(
    "readings",
    0x4C4F4F52,  # "LOOR"
    3,
    # The last ticks before a power cut may go (a killed process loses none); deleted readings need no wiping.
    ("PRAGMA synchronous = NORMAL", "PRAGMA secure_delete = OFF", "PRAGMA journal_size_limit = 16777216"),
)


class Database:
    """An open file. `connection` is for reading; writes go through `write()`."""

    def __init__(self, path: Path, connection: sqlite3.Connection, *, read_only: bool, frozen: bool = False) -> None:
        self.path = path
        self.frozen = frozen
        self.connection = connection
        self._read_only = read_only
        self._inode = path.stat().st_ino

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Turn SQLite's errors into the store's."""
        try:
            yield self.connection
        except sqlite3.Error as error:
            raise translate(error, self.path) from error

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock from the first statement to the commit; any exception takes everything back."""
        if self._read_only:
            raise StoreError(f"{self.path.parent} was opened read-only: nothing is written to it from here.")
        with self.read() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # SQLite takes back by itself what fails for want of space
                    connection.execute("ROLLBACK")
                raise

    def still_there(self) -> None:
        """Refuse to write into a file that was deleted or replaced under us. Raises StoreBroken."""
        with os_errors(self.path):
            try:
                same = os.stat(self.path).st_ino == self._inode  # noqa: PTH116  (on each append: half the cost)
            except FileNotFoundError:
                same = False
        if not same:
            raise StoreBroken(f"{self.path} was moved, deleted or replaced while it was open. Open the room again.")

    def version(self) -> int:
        """Count the writes that this connection knows of, its own and everybody's."""
        (others,) = self.connection.execute("PRAGMA data_version").fetchone()
        return int(others) + self.connection.total_changes

    def close(self) -> None:
        """Close the file."""
        self.connection.close()


def open_database(place: Place, schema: Schema, *, read_only: bool) -> Database:
    """Open a store's file, making or migrating it first. Raises StoreError and its kinds."""
    path = place.directory / f"{schema.name}.db"
    if not path.exists() and not path.is_symlink():
        if read_only:
            raise StoreMissing(f"there is no {path} yet: open the room once without --read-only.")
        with os_errors(path):
            _create(path, place, schema)
    check_file(path, place)
    try:
        connection = _open(path, schema, "ro" if read_only else "rw")
    except StoreFull:
        if not read_only or _has_wal(path):
            raise
        # To read a WAL database SQLite makes files beside it. Without a WAL all there is lies in the file itself.
        return Database(path, _open(path, schema, "ro&immutable=1"), read_only=True, frozen=True)
    return Database(path, connection, read_only=read_only)


def _open(path: Path, schema: Schema, mode: str) -> sqlite3.Connection:
    connection = _connect(path, mode)
    read_only = mode != "rw"
    try:
        _check(connection, path, schema)
        if _version(connection) < schema.version:
            if read_only:
                raise StoreError(f"{path} is of an older version of Loom: open it once without --read-only.")  # noqa: TRY301 - closed below
            migrate(connection, schema)
        for pragma in schema.pragmas:
            connection.execute(pragma)
    except sqlite3.Error as error:
        connection.close()
        raise translate(error, path, reading=read_only) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _has_wal(path: Path) -> bool:
    """Say whether something was written that is not in the file itself yet."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size > 0
    except FileNotFoundError:
        return False


def migrate(connection: sqlite3.Connection, schema: Schema) -> None:
    """Bring a file to this version, each step in a transaction of its own."""
    while (version := _version(connection)) < schema.version:
        step = _MIGRATIONS / f"{schema.name}_{version + 1:04}.sql"
        statements = list(split(step.read_text(encoding="utf-8")))
        connection.execute("BEGIN IMMEDIATE")
        try:
            if _version(connection) == version:  # or else another process was quicker
                for statement in statements:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def split(script: str) -> Iterator[str]:
    """Split a script into its statements (executescript would commit an open transaction)."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise ValueError(f"a migration ends inside a statement: {statement!r}")


def translate(error: sqlite3.Error, path: Path, *, reading: bool = False) -> StoreError:
    """Say in a sentence what SQLite met."""
    code: int = getattr(error, "sqlite_errorcode", -1)
    match code & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreBusy(
                f"{path} has been held by another process for more than {BUSY_S:.0f} s; nothing was written. Try again."
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return _broken(path, str(error))
        case sqlite3.SQLITE_IOERR if code in _READ_TROUBLE:
            return _broken(path, str(error))
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
            if reading:
                return StoreFull(
                    f"the disk under {path} is full or fails ({error}): what was written last cannot even be read. "
                    "Free some space; nothing is lost."
                )
            return StoreFull(
                f"the disk under {path} is full or fails ({error}). Free some space: "
                "this was not written, all before it is kept."
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return StoreRefused(
                f"{path} cannot be opened and written by this user ({error}). Check its owner and mode."
            )
    return StoreError(f"{path}: {error}.")


def _broken(path: Path, why: str) -> StoreBroken:
    return StoreBroken(f"{path} is damaged or not a store ({why}). Move it away, or put a copy back in its place.")


def _create(path: Path, place: Place, schema: Schema) -> None:
    """Make a file under another name and link it in whole: nobody ever sees half a store, and one maker wins."""
    draft = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        make_file(draft, place)
        try:
            with closing(_connect(draft, "rw")) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute(f"PRAGMA application_id = {schema.application_id}")
                migrate(connection, schema)
        except sqlite3.Error as error:
            raise translate(error, path) from error
        path.hardlink_to(draft)
        sync_directory(path.parent)
    except FileExistsError:
        pass  # another process was quicker
    finally:
        for name in (draft.name, f"{draft.name}-wal", f"{draft.name}-shm"):
            draft.with_name(name).unlink(missing_ok=True)


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    try:
        # One thread at a time (base.Store); not always the one that opened it.
        return sqlite3.connect(
            f"{path.as_uri()}?mode={mode}", uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise translate(error, path) from error


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _check(connection: sqlite3.Connection, path: Path, schema: Schema) -> None:
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    if application_id != schema.application_id:
        raise _broken(path, f"it is no {schema.name} of Loom's")
    version = _version(connection)
    if version > schema.version:
        raise StoreTooNew(
            f"{path} was written by a later Loom ({schema.name} version {version}; this one knows {schema.version}). "
            "Update Loom on this host; nothing was changed."
        )
