"""The files of a directory against the rows of a table: applied, pending, unknown to the repo, changed since."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256

import msgspec
import psycopg
from msgspec import Struct
from msgspec.structs import replace
from psycopg import errors, sql

from loom_tui.plan.sources.migrations import MigrationsSource
from loom_tui.room.checks import CheckResult, Step, encode_result
from loom_tui.room.database import Migration, Where
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import Asker, Errand, SourceAnswered, SourceRefused
from loom_tui.sources.mask import Masked
from loom_tui.sources.migrations.files import Directory, MigrationFile
from loom_tui.sources.migrations.studied import judged
from loom_tui.sources.migrations.studies import Studies
from loom_tui.sources.postgres.session import Connection, Session, typed, words

_COLUMNS = b"""
SELECT /* loom */ attname, atttypid = 'text[]'::regtype
  FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
"""


_Row = tuple[str, str | None, list[str] | None]  # version, digest, statements


_UNSTUDIED = "whether its file changed since is not known yet"


class Applied(Struct, frozen=True):
    """A row of the table: what was applied, where it tells; `text` is the SHA-256 of its statements."""

    version: str
    digest: str = ""
    text: str = ""


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
        self._studies = Studies(self._directory.path, errand)
        self._session = Session(dsn, label=source.label or errand.name, timeout_s=source.timeout_s)

    async def ask(self) -> Sequence[Reading]:
        """Read files and table, and have both studied. Raises SourceError.

        What is not studied within the deadline is unknown, and known to one of the next askings.
        """
        ends_at = asyncio.get_running_loop().time() + self._source.timeout_s
        files = await asyncio.to_thread(self._directory.files)
        if not files:
            raise SourceAnswered(f"No migration (VERSION_name.sql) lies in {self._source.directory}")
        try:
            async with self._session.reading() as connection:
                rows = await self._applied(connection)
        except errors.InsufficientPrivilege:
            raise SourceRefused(f"{self._session.label}: its role may not read {self._source.table}") from None
        except psycopg.Error as error:
            raise SourceAnswered(f"{self._session.label}: {words(error)}") from None
        applied, texts = await asyncio.to_thread(_applied, rows)
        why = await self._studies.learn({file.digest: file.path for file in files}, texts, ends_at=ends_at)
        found = compare(files, applied, self._studies, since=self._source.since)
        return readings(found, why, self._errand)

    async def close(self) -> None:
        """Close the connection, and end the study."""
        await self._studies.close()
        await self._session.close()

    async def _applied(self, connection: Connection) -> list[_Row]:
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
        return await typed(connection, query.as_bytes(connection), list[_Row])


def _applied(rows: Sequence[_Row]) -> tuple[list[Applied], dict[str, str]]:
    """Give the rows, and the texts of those that are compared by their words, by SHA-256."""
    applied: list[Applied] = []
    texts: dict[str, str] = {}
    for version, digest, statements in rows:
        text = ";\n".join(statements or ())
        key = sha256(text.encode()).hexdigest() if text else ""
        applied.append(Applied(version, (digest or "").casefold(), key))
        texts |= {key: text} if key else {}
    return applied, texts


def compare(
    files: Sequence[MigrationFile], applied: Sequence[Applied], studies: Studies, *, since: str
) -> tuple[Migration, ...]:
    """Say of each migration where it stands, the newest first. A table may name a file by version or whole."""
    rows = {row.version: row for row in applied}
    times = Counter(file.version for file in files)
    found = []
    in_order = sorted(files, key=lambda file: _order(file.version))
    doubts = judged(studies.studied.get(file.digest) for file in in_order)
    for file, suspected in zip(in_order, doubts, strict=True):
        row = rows.pop(file.path.stem, None) or rows.pop(file.version, None)
        where, why = (Where.PENDING, "") if row is None else _since_applied(file, row, studies.essences)
        if times[file.version] > 1:
            why = "another file has the same version"
        suspicions = suspected if _order(file.version) > _order(since) else ()
        found.append(Migration(version=file.version, name=file.name, where=where, why=why, suspicions=suspicions))
    for version in rows:
        number, _, name = version.partition("_")
        found.append(Migration(version=number, name=name, where=Where.UNKNOWN, why="applied; no file of this repo"))
    return tuple(sorted(found, key=lambda each: _order(each.version), reverse=True))


def _since_applied(file: MigrationFile, row: Applied, essences: Mapping[str, str]) -> tuple[Where, str]:
    if row.digest and len(row.digest) == len(file.digest):
        changed = row.digest != file.digest
    elif row.text:
        was, now = essences.get(row.text), essences.get(file.digest)
        if was is None or now is None:
            return Where.APPLIED, _UNSTUDIED
        changed = was != now
    else:
        return Where.APPLIED, "whether its file changed since is not known"
    return (Where.CHANGED, "the file is not what was applied") if changed else (Where.APPLIED, "")


def _order(version: str) -> tuple[int, str]:
    """Order versions as numbers where they are some."""
    number = version.partition("_")[0]
    return (int(number), "") if number.isdecimal() else (-1, version)


def readings(migrations: Sequence[Migration], unstudied: str, errand: Errand) -> list[Reading]:
    """Tell the check, the counts, and all migrations with what is suspicious in them.

    `unstudied` says why not all is known. The check is unknown while a file that was applied may have changed since.
    """
    by_where = {where: [each for each in migrations if each.where is where] for where in Where}
    doubled = [each for each in migrations if each.why.startswith("another")]
    changed = _step("changed since applied", by_where[Where.CHANGED])
    unsure = changed.state is State.OK and any(each.why == _UNSTUDIED for each in migrations)
    steps = (
        _step("pending", by_where[Where.PENDING]),
        _step("unknown to the repo", by_where[Where.UNKNOWN]),
        replace(changed, state=State.UNKNOWN, detail=unstudied) if unsure else changed,
        _step("of one version", doubled),
    )
    wrong = [step for step in steps if step.state is State.BAD]
    well = unstudied if unsure else f"all {len(by_where[Where.APPLIED])} applied"
    told = [
        errand.reading(
            state=State.BAD if wrong else State.UNKNOWN if unsure else State.OK,
            detail="; ".join(f"{step.detail} {step.name}" for step in wrong) or well,
            body=encode_result(CheckResult(steps=steps)),
        )
    ]
    told += [errand.reading(f".{where.value}", value=float(len(found))) for where, found in by_where.items()]
    suspect = sum(bool(each.suspicions) for each in migrations)
    told.append(
        errand.reading(
            ".suspect",
            state=State.UNKNOWN if unstudied else State.OK,
            value=None if unstudied else float(suspect),
            detail=unstudied,
            body=msgspec.json.encode(migrations),
        )
    )
    return told


def _step(name: str, found: Sequence[Migration]) -> Step:
    names = [f"{each.version}_{each.name}" for each in found]
    return Step(
        name=name,
        state=State.BAD if names else State.OK,
        detail=str(len(names)) if names else "none",
        got="\n".join(names[:100]),
    )
