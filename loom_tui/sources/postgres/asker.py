"""One database asked: each thing in its own rhythm, all of them within the plan's share of the time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from time import monotonic, perf_counter

import msgspec
import psycopg
from msgspec import Struct

from loom_tui.plan.sources.postgres import CATALOGUE_EVERY, PostgresSource, Query
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import Asker, Errand, SourceAnswered
from loom_tui.sources.mask import Masked
from loom_tui.sources.meter import meter
from loom_tui.sources.postgres.catalogue import Indexes, Vitals, read_activity
from loom_tui.sources.postgres.explain import explain
from loom_tui.sources.postgres.pace import Pace
from loom_tui.sources.postgres.session import Connection, Session, words
from loom_tui.sources.postgres.statements import Watch


class Job(Struct, frozen=True):
    """Something that is read in one transaction; `suffixes` are told to be unknown where that fails."""

    every_s: float
    read: Callable[[Connection], Awaitable[list[Reading]]]
    suffixes: tuple[str, ...]


def make(source: PostgresSource, errand: Errand) -> PostgresAsker:
    """Make an asker with its connection string. Raises CredentialMissing."""
    dsn = errand.credential(source.dsn_from) if source.dsn_from is not None else Masked(source.dsn)
    return PostgresAsker(source, dsn, errand)


class PostgresAsker(Asker):
    """Asks one database on one connection."""

    def __init__(self, source: PostgresSource, dsn: Masked, errand: Errand) -> None:
        self._source = source
        self._errand = errand
        self._session = Session(dsn, label=source.label or errand.name, timeout_s=source.timeout_s)
        self._watch = Watch(errand, source.queries)
        self._indexes = Indexes(errand, source.indexes, source.migrations)
        self._jobs = self._plan_jobs()
        self._pace = Pace({name: job.every_s for name, job in self._jobs.items()}, max_load=source.max_load)

    def _plan_jobs(self) -> dict[str, Job]:
        every_s = self._source.interval_s or 1.0
        seldom_s = CATALOGUE_EVERY * every_s
        errand = self._errand
        jobs = {
            query.name: Job(every_s, partial(self._timed, query), (f".{query.name}.ms",))
            for query in self._source.queries
        }
        activity = (".sessions", ".sessions_active", ".max_sessions", ".locks_waiting", ".longest_s", ".activity")
        jobs |= {
            "(activity)": Job(every_s, lambda connection: read_activity(connection, errand), activity),
            "(vitals)": Job(seldom_s, Vitals(errand).read, (".cache_hits", ".lag_s")),
            "(statements)": Job(seldom_s, self._watch.read, self._watch.suffixes),
        }
        if self._source.indexes or self._source.migrations:
            jobs["(indexes)"] = Job(seldom_s, self._indexes.read, (".indexes",))
        return jobs

    async def ask(self) -> Sequence[Reading]:
        """Do what is due, the quick things first. Raises SourceError where the database is not there.

        A thing that fails is unknown, with the reason; the others go on.
        """
        await self._indexes.look(within_s=self._source.timeout_s / 2)
        round_trip_s, clock = await self._session.ping()
        meter().saw_clock(clock)
        told: list[Reading] = [self._errand.reading()]
        costs_s: dict[str, float] = {}
        try:
            for name in self._pace.due(monotonic()):
                began = perf_counter()
                told += await self._done(self._jobs[name])
                costs_s[name] = max(0.0, perf_counter() - began - 3 * round_trip_s)  # begin, statement, rollback
        finally:
            self._pace.ran(costs_s, monotonic())
        return told

    async def reply(self, what: str, subject: str) -> bytes:
        """Explain a named query, or a listed statement by its id. Nothing is executed. Raises SourceError."""
        if what != "explain":
            return await super().reply(what, subject)
        query = next((query for query in self._source.queries if query.name == subject), None)
        text = query.sql if query is not None else self._watch.text(subject)
        if not text:
            raise SourceAnswered(f"{self._session.label} has no statement {subject!r} on its list any more")
        title = (query.label or query.name) if query is not None else "statement"
        return msgspec.json.encode(await explain(self._session, title, text, whole=query is not None))

    def rest_s(self) -> float:
        """Give the seconds in which nothing may be asked, so that its load stays within `max_load`."""
        return self._pace.rest_s(monotonic())

    async def close(self) -> None:
        """Close the connection, and end the study of the migrations."""
        await self._indexes.close()
        await self._session.close()

    async def _done(self, job: Job) -> list[Reading]:
        try:
            async with self._session.reading() as connection:
                return await job.read(connection)
        except psycopg.Error as error:
            why = words(error)
            return [self._errand.reading(suffix, state=State.UNKNOWN, detail=why) for suffix in job.suffixes]

    async def _timed(self, query: Query, connection: Connection) -> list[Reading]:
        """Execute a query and receive its rows. It speaks of when it began: what was changed meanwhile is not in it."""
        at, began = self._errand.clock(), perf_counter()
        async with connection.cursor(binary=True) as cursor:  # the protocol that takes one statement alone
            await cursor.execute(query.sql.encode())
        return [self._errand.reading(f".{query.name}.ms", at=at, value=(perf_counter() - began) * 1000)]
