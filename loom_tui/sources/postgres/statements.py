"""The statements that weigh on the database since the last change, and the means of the plan's own queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from psycopg import Error, errors, sql

from loom_tui.plan.sources.postgres import Query
from loom_tui.room.database import Statement, Statements, decode_body
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import Errand
from loom_tui.sources.postgres.masking import masked
from loom_tui.sources.postgres.session import Connection, many, text_of
from loom_tui.sources.postgres.tally import Counts, Sample, Tally, advance, begin

HEAVIEST = 20
BASE = ".statements_base"
_OWN = "/* loom */"  # stands in each of our statements, and is kept in what pg_stat_statements shows of them
_INSTALLED = b"""
SELECT /* loom */ nspname, extversion, pg_has_role(current_user, 'pg_read_all_stats', 'usage')
  FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
 WHERE extname = 'pg_stat_statements'
"""
_ENTRIES, _TEXTS = (text_of(name).decode() for name in ("entries", "texts"))


class Unavailable(Exception):
    """pg_stat_statements cannot be read; the message is a sentence."""


class _Text(Struct, frozen=True):
    masked: str
    raw: str
    own: bool


class Watch:
    """Follows pg_stat_statements. What it counts from is a reading of its own, so that a restart counts on."""

    def __init__(self, errand: Errand, queries: Sequence[Query]) -> None:
        self._errand = errand
        self._queries = queries
        self._ids: dict[str, str] = {}  # a query's name in the plan: the server's id of the statement
        self._texts: dict[str, _Text] = {}  # by the server's id
        self._schema = sql.Identifier("public")
        kept = errand.recall(BASE)
        self._tally = decode_body(kept.body, Tally) if kept is not None else None

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The signals that are read here."""
        means = (f".{query.name}.{what}" for query in self._queries for what in ("mean_ms", "calls"))
        return (".statements", *means)

    def _unknown(self, why: str) -> list[Reading]:
        return [self._errand.reading(each, state=State.UNKNOWN, detail=why) for each in self.suffixes]

    async def read(self, connection: Connection) -> list[Reading]:
        """Read all counters, and count on from the last time; from anew where the world was changed since."""
        try:
            sample = await self._sample(connection)
        except Unavailable as error:
            return self._unknown(str(error))
        except errors.ObjectNotInPrerequisiteState:
            return self._unknown("pg_stat_statements is not loaded: add it to shared_preload_libraries, and restart")
        before = self._tally
        changed_at = max(self._errand.changes().values(), default=None)
        anew = before is None or before.changed_at != changed_at
        tally = self._tally = begin(sample, changed_at) if before is None or anew else advance(before, sample)
        counted = _by_statement(tally)
        heaviest = sorted(counted, key=lambda each: -counted[each].total_ms)[:HEAVIEST]
        await self._learn_texts(connection, heaviest)
        await self._learn_ids(connection)
        told = [self._statements(tally, counted, heaviest), *self._means(counted)]
        if before is None or before.base is not tally.base:
            told.append(self._errand.reading(BASE, body=msgspec.json.encode(replace(tally, last={}))))
        return told

    def text(self, statement: str) -> str:
        """Give a statement's text by the server's id, as the server keeps it; empty where it was never listed."""
        known = self._texts.get(statement)
        return known.raw if known is not None else ""

    async def _sample(self, connection: Connection) -> Sample:
        """Read all counters, by "role/statement/toplevel". Raises Unavailable."""
        rows = await many(connection, _INSTALLED)
        if not rows:
            raise Unavailable("pg_stat_statements is not here: CREATE EXTENSION pg_stat_statements")
        schema, version, may_see = rows[0]
        if not may_see:
            raise Unavailable("its role may not see the statements of others: GRANT pg_monitor TO …")
        numbers = tuple(int(part) for part in version.split("."))
        if numbers < (1, 9):
            raise Unavailable(f"pg_stat_statements {version} is too old: PostgreSQL 14 brings one that can be read")
        self._schema = sql.Identifier(schema)
        since = "extract(epoch FROM stats_since)::float8" if numbers >= (1, 11) else "NULL::float8"
        query = sql.SQL(_ENTRIES).format(schema=self._schema, since=sql.SQL(since))
        at = self._errand.clock()
        rows = await many(connection, query.as_bytes(connection))
        entries = {row[1]: Counts(*row[2:]) for row in rows if row[2] is not None}
        return Sample(at=at, entries=entries, reset_at=rows[0][0])

    async def _learn_texts(self, connection: Connection, statements: Sequence[str]) -> None:
        """Read the texts of statements that were not listed before."""
        if all(each in self._texts for each in statements):
            return
        query = sql.SQL(_TEXTS).format(schema=self._schema).as_bytes(connection)
        found: dict[str, str] = dict(await many(connection, query, [list(statements)]))
        self._texts = {
            each: _Text(masked=masked(text), raw=text, own=_OWN in text)
            for each in statements
            if (text := found.get(each, ""))
        }

    async def _learn_ids(self, connection: Connection) -> None:
        """Ask the server for the ids under which it counts the plan's own queries; EXPLAIN executes nothing."""
        for query in self._queries:
            if query.name in self._ids:
                continue
            try:
                async with connection.transaction(force_rollback=True), connection.cursor(binary=True) as cursor:
                    await cursor.execute(b"EXPLAIN /* loom */ (VERBOSE, FORMAT JSON) " + query.sql.encode())
                    row = await cursor.fetchone()
            except Error:
                if connection.closed:
                    raise
                continue  # its executions fail too, and say why
            found = row[0][0].get("Query Identifier") if row is not None else None
            if found is not None:
                self._ids[query.name] = str(found)

    def _statements(self, tally: Tally, counted: Mapping[str, Counts], heaviest: Sequence[str]) -> Reading:
        names = {statement: name for name, statement in self._ids.items()}
        body = Statements(
            since=tally.since,
            changed=tally.changed_at is not None,
            total_ms=sum(counts.total_ms for counts in counted.values()),
            heaviest=tuple(
                Statement(
                    id=each,
                    text=self._texts[each].masked if each in self._texts else "",
                    calls=counted[each].calls,
                    total_ms=counted[each].total_ms,
                    rows=counted[each].rows,
                    query=names.get(each, ""),
                    own=each in self._texts and self._texts[each].own,
                )
                for each in heaviest
            ),
        )
        return self._errand.reading(".statements", body=msgspec.json.encode(body))

    def _means(self, counted: Mapping[str, Counts]) -> list[Reading]:
        told = []
        for query in self._queries:
            statement = self._ids.get(query.name)
            if statement is None:
                why = "the server gives this query no id (compute_query_id)"
                told += [
                    self._errand.reading(f".{query.name}.{what}", state=State.UNKNOWN, detail=why)
                    for what in ("mean_ms", "calls")
                ]
                continue
            counts = counted.get(statement, Counts())
            told.append(self._errand.reading(f".{query.name}.calls", value=float(counts.calls)))
            mean = self._errand.reading(f".{query.name}.mean_ms", state=State.UNKNOWN, detail="no calls since")
            told.append(
                replace(mean, state=State.OK, detail="", value=counts.total_ms / counts.calls) if counts.calls else mean
            )
        return told


def _by_statement(tally: Tally) -> dict[str, Counts]:
    """Sum the entries of one statement up, over the roles that ran it."""
    found: dict[str, Counts] = {}
    for key in tally.base.keys() | tally.last.keys():
        counts = tally.counted(key)
        if counts.calls > 0:
            _role, statement, _toplevel = key.split("/")
            found[statement] = found.get(statement, Counts()).plus(counts)
    return found
