"""The demo's database: a coaching schema whose three named queries are slow for want of two indexes.

Each query looks up something for every client of one coach, and reads a whole table for each of them until
the migration makes the indexes. How long that takes is set by how many clients the coach has, so the number is
fitted to the machine when the world is made.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from statistics import fmean, median
from uuid import uuid4

import psycopg
from msgspec import Struct
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from loom_tui.plan.model import Rule, Target
from loom_tui.plan.sources.postgres import Query

Connection = psycopg.Connection[tuple[object, ...]]

CLIENTS = 2000
CONNECT_TIMEOUT_S = 10
MIGRATION = "20251106120000_lookup_indexes"
MIGRATIONS = {  # each with its file here; all but the last are applied when a world begins
    "20250901090000_coaching": "coaching.sql",
    "20251031093000_client_phone": "client_phone.sql",
    MIGRATION: "migration.sql",
}
KNOWN_TO_LAST_STABLE = "20250901090000"
PROBED = 15
MIN_SAMPLES = 12  # at one execution a second, a p95 is known again within 30 s of the migration


class Slow(Struct, frozen=True, kw_only=True):
    """A named query, the plan's target for it, the coach that it is asked for, and how long it is to take."""

    name: str
    target: str
    coach: int
    slow_ms: float

    @property
    def statement(self) -> str:
        """The query's SQL."""
        return _text(f"{self.name}.sql").strip()


SLOW = (
    Slow(name="dashboard", target="Dashboard queries", coach=1, slow_ms=100),
    Slow(name="coach_clients", target="Coach clients list", coach=2, slow_ms=300),
    Slow(name="user_statistics", target="User statistics", coach=3, slow_ms=250),
)


def queries() -> tuple[Query, ...]:
    """Give the plan's named queries."""
    return tuple(
        Query(name=slow.name, sql=slow.statement, label=slow.target, target=slow.target, min_samples=MIN_SAMPLES)
        for slow in SLOW
    )


def fast_queries(targets: Iterable[Target]) -> tuple[Rule, ...]:
    """Hold each named query to its target, as the plan's document sets it."""
    limits = {target.name: target.target_ms.high for target in targets if target.target_ms is not None}
    return tuple(
        Rule(signal=f"db.{slow.name}.p95_ms", at_most=limits[slow.target]) for slow in SLOW if slow.target in limits
    )


@contextmanager
def coaching(dsn: str, *, migrated: bool = False) -> Iterator[str]:
    """Make the schema under a name of its own in any database, fit it to the machine, and drop it at the end.

    Gives the DSN that sees this schema alone, without parallel workers and JIT: one core decides what a query takes.
    """
    schema = f"loom_demo_{uuid4().hex[:12]}"
    with _connect(dsn) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    inside = _inside(dsn, schema)
    try:
        with _connect(inside) as connection:
            for name in tuple(MIGRATIONS)[:-1]:
                _apply(connection, name)
            _calibrate(connection)
            if migrated:
                _apply(connection, MIGRATION)
        yield inside
    finally:
        with _connect(dsn) as connection:
            connection.execute("SET lock_timeout = '5s'")
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))


def write_migrations(directory: Path, apply: Path) -> None:
    """Write the migrations' files, as a repository would hold them, and in `apply` the one that is left to do.

    That one is as a migration tool would send it: with the row that says that it was applied, in one transaction.
    """
    directory.mkdir()
    for name, file in MIGRATIONS.items():
        (directory / f"{name}.sql").write_text(_text(file), encoding="utf-8")
    apply.write_text(_whole(MIGRATION), encoding="utf-8")


def count_statements(dsn: str) -> None:
    """Have a server of the demo's own count its statements."""
    with _connect(dsn) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")


def _apply(connection: Connection, name: str) -> None:
    connection.execute(_whole(name).encode())


def _whole(name: str) -> str:
    """Give a migration with the row that records it."""
    text = _text(MIGRATIONS[name])
    checksum = sha256(text.encode()).hexdigest()
    return f"{text}\nINSERT INTO schema_migrations (version, checksum) VALUES ('{name}', '{checksum}');\n"


def _connect(dsn: str) -> Connection:
    return psycopg.connect(dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, application_name="loom demo")


def _inside(dsn: str, schema: str) -> str:
    given = str(conninfo_to_dict(dsn).get("options") or "")
    options = f"{given} -c search_path={schema} -c jit=off -c max_parallel_workers_per_gather=0".strip()
    return make_conninfo(dsn, options=options)


def _calibrate(connection: Connection) -> None:
    """Give each coach as many clients as make its query slow enough on this machine.

    The time is proportional to the clients (one or two scans each): a few are measured, then as many as that
    gives, and what both rounds say of one client counts, since a shared machine is not equally fast all the time.
    """
    for slow in SLOW:
        count, found = PROBED, list[float]()
        for runs in (5, 2):
            _give_clients(connection, slow.coach, count)
            found.append(median(_timed_ms(connection, slow.statement) for _ in range(runs)) / count)
            count = min(CLIENTS, max(PROBED, round(slow.slow_ms / fmean(found))))
        _give_clients(connection, slow.coach, count)


def _give_clients(connection: Connection, coach: int, count: int) -> None:
    connection.execute("DELETE FROM coach_client WHERE coach_id = %s", [coach])
    connection.execute("INSERT INTO coach_client SELECT %s, i FROM generate_series(1, %s) AS i", [coach, count])
    connection.execute("ANALYZE coach_client")


def _timed_ms(connection: Connection, statement: str) -> float:
    began = time.perf_counter()
    connection.execute(statement.encode()).fetchall()
    return (time.perf_counter() - began) * 1000


def _text(name: str) -> str:
    return files("loom_tui.demo").joinpath(name).read_text(encoding="utf-8")
