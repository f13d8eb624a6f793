"""The files of a directory against the rows of a table: applied, pending, unknown to the repo, changed since."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import msgspec
import psycopg
from msgspec import Struct
from psycopg import errors, sql

from loom_tui.plan.sources.migrations import MigrationsSource
from loom_tui.room.checks import CheckResult, Step, encode_result
from loom_tui.room.database import Migration, Where
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import Asker, Errand, SourceAnswered, SourceRefused
from loom_tui.sources.mask import Masked
from loom_tui.sources.migrations.files import Directory, MigrationFile, essence
from loom_tui.sources.postgres.session import Connection, Session, typed, words

_COLUMNS = b"""
SELECT /* loom */ attname, atttypid = 'text[]'::regtype
  FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
"""


_Row = tuple[str, str | None, list[str] | None]  # version, digest, statements


class Applied(Struct, frozen=True):
    """A row of the table: what was applied, where it tells."""

    version: str
    digest: str = ""
    essence: int | None = None


def make(source: MigrationsSource, errand: Errand) -> MigrationsAsker:
    """Make an asker with its connection string. Raises CredentialMissing."""
    dsn = errand.credential(source.dsn_from) if source.dsn_from is not None else Masked(source.dsn)
    return MigrationsAsker(source, dsn, errand)


class MigrationsAsker(Asker):
    """Asks for the migrations of one directory."""

    def __init__(self, source: MigrationsSource, dsn: Masked, errand: Errand) -> None:
        self._source = source
        self._errand = errand
        self._directory = Directory(errand.directory / source.directory)
        self._session = Session(dsn, label=source.label or errand.name, timeout_s=source.timeout_s)

    async def ask(self) -> Sequence[Reading]:
        """Read files and table. Raises SourceError."""
        files = await asyncio.to_thread(self._directory.files)
        if not files:
            raise SourceAnswered(f"No migration (VERSION_name.sql) lies in {self._source.directory}")
        try:
            async with self._session.reading() as connection:
                applied = await self._applied(connection)
        except errors.InsufficientPrivilege:
            raise SourceRefused(f"{self._session.label}: its role may not read {self._source.table}") from None
        except psycopg.Error as error:
            raise SourceAnswered(f"{self._session.label}: {words(error)}") from None
        return readings(compare(files, applied, since=self._source.since), files, self._errand)

    async def close(self) -> None:
        """Close the connection."""
        await self._session.close()

    async def _applied(self, connection: Connection) -> list[Applied]:
        source = self._source
        columns = dict(await typed(connection, _COLUMNS, list[tuple[str, bool]], [source.table]))
        for column in filter(None, (source.version_column, source.hash_column)):
            if column not in columns:
                missing = f"column {column} of {source.table}" if columns else f"table {source.table}"
                raise SourceAnswered(f"{self._session.label} has no {missing}; does the plan name the right one?")
        nothing = sql.SQL("NULL")
        query = sql.SQL("SELECT /* loom */ {version}::text, {digest}, {statements} FROM {table}").format(
            version=sql.Identifier(source.version_column),
            digest=sql.SQL("{}::text").format(sql.Identifier(source.hash_column)) if source.hash_column else nothing,
            statements=sql.Identifier("statements") if columns.get("statements") else nothing,
            table=sql.Identifier(*source.table.split(".")),
        )
        rows = await typed(connection, query.as_bytes(connection), list[_Row])
        return await asyncio.to_thread(_rows, rows)


def _rows(rows: Sequence[_Row]) -> list[Applied]:
    return [
        Applied(version, (digest or "").casefold(), essence(";\n".join(statements)) if statements else None)
        for version, digest, statements in rows
    ]


def compare(files: Sequence[MigrationFile], applied: Sequence[Applied], *, since: str) -> tuple[Migration, ...]:
    """Say of each migration where it stands, the newest first. A table may name a file by version or whole."""
    rows = {row.version: row for row in applied}
    times = Counter(file.version for file in files)
    found = []
    for file in files:
        row = rows.pop(file.stem, None) or rows.pop(file.version, None)
        where, why = (Where.PENDING, "") if row is None else _since_applied(file, row)
        if times[file.version] > 1:
            why = "another file has the same version"
        suspicions = file.studied.suspicions if _order(file.version) > _order(since) else ()
        found.append(Migration(version=file.version, name=file.name, where=where, why=why, suspicions=suspicions))
    for version in rows:
        number, _, name = version.partition("_")
        found.append(Migration(version=number, name=name, where=Where.UNKNOWN, why="applied; no file of this repo"))
    return tuple(sorted(found, key=lambda each: _order(each.version), reverse=True))


def _since_applied(file: MigrationFile, row: Applied) -> tuple[Where, str]:
    if row.digest and len(row.digest) == len(file.digest):
        changed = row.digest != file.digest
    elif row.essence is not None:
        changed = row.essence != file.essence
    else:
        return Where.APPLIED, "whether its file changed since is not known"
    return (Where.CHANGED, "the file is not what was applied") if changed else (Where.APPLIED, "")


def _order(version: str) -> tuple[int, str]:
    """Order versions as numbers where they are some."""
    number = version.partition("_")[0]
    return (int(number), "") if number.isdecimal() else (-1, version)


def readings(migrations: Sequence[Migration], files: Sequence[MigrationFile], errand: Errand) -> list[Reading]:
    """Tell the check, the counts, and all migrations with what is suspicious in them."""
    by_where = {where: [each for each in migrations if each.where is where] for where in Where}
    doubled = [each for each in migrations if each.why.startswith("another")]
    steps = (
        _step("pending", by_where[Where.PENDING]),
        _step("unknown to the repo", by_where[Where.UNKNOWN]),
        _step("changed since applied", by_where[Where.CHANGED]),
        _step("of one version", doubled),
    )
    wrong = [step for step in steps if step.state is State.BAD]
    detail = "; ".join(f"{step.detail} {step.name}" for step in wrong) or f"all {len(files)} applied"
    told = [
        errand.reading(
            state=State.BAD if wrong else State.OK,
            detail=detail,
            body=encode_result(CheckResult(steps=steps)),
        )
    ]
    told += [errand.reading(f".{where.value}", value=float(len(found))) for where, found in by_where.items()]
    suspect = sum(bool(each.suspicions) for each in migrations)
    told.append(errand.reading(".suspect", value=float(suspect), body=msgspec.json.encode(migrations)))
    return told


def _step(name: str, found: Sequence[Migration]) -> Step:
    names = [f"{each.version}_{each.name}" for each in found]
    return Step(
        name=name,
        state=State.BAD if names else State.OK,
        detail=str(len(names)) if names else "none",
        got="\n".join(names[:100]),
    )
