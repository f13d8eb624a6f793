"""A Supabase project's database: that it can be reached, also through its pooler, and what its catalogue says.

A pooler in transaction mode knows no prepared statements and keeps no session, so nothing is set for one: each look
is a read-only transaction of its own with SET LOCAL, over a connection that is closed again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from time import perf_counter

import psycopg
from msgspec import Struct
from psycopg.conninfo import conninfo_to_dict

from loom_tui.room.checks import Step
from loom_tui.room.signals import State
from loom_tui.sources.base import SourceTimeout
from loom_tui.sources.mask import Masked
from loom_tui.sources.meter import meter
from loom_tui.sources.postgres.session import Connection, connected, translated, typed

_WHO = b"select current_user::text, current_setting('server_version'), pg_is_in_recovery()"
_MISSING = (
    b"select s from unnest(%(schemas)s::text[]) s"
    b" where not exists (select from pg_catalog.pg_namespace where nspname = s)"
)
_TABLES = (files("loom_tui.sources") / "supabase_tables.sql").read_bytes()
_FUNCTIONS = (files("loom_tui.sources") / "supabase_functions.sql").read_bytes()
_Table = tuple[str, str, bool, int]  # schema, name, row-level security, policies
_Function = tuple[str, str, bool]  # schema, signature, whether its search_path is fixed
POOLER_PORT = "6543"  # of Supabase's transaction mode


class Catalogue(Struct, frozen=True, kw_only=True):
    """What the direct connection told: each a check's steps."""

    connection: tuple[Step, ...]
    tables: tuple[Step, ...]
    functions: tuple[Step, ...]


async def look(dsn: Masked, *, schemas: Sequence[str], exempt: Sequence[str], timeout_s: float, name: str) -> Catalogue:
    """Connect, and read the catalogue. Raises SourceError."""
    async with _transaction(dsn, timeout_s=timeout_s, name=name) as (connection, connected):
        exposed = {"schemas": list(schemas)}
        missing = await typed(connection, _MISSING, list[tuple[str]], exposed)
        tables = await typed(connection, _TABLES, list[_Table], exposed)
        functions = await typed(connection, _FUNCTIONS, list[_Function], exposed)
    absent = [
        Step(name=schema, state=State.UNKNOWN, detail="there is no such schema; does the plan name the right ones?")
        for (schema,) in missing
    ]
    return Catalogue(
        connection=(connected,), tables=(*absent, *_table_steps(tables, exempt)), functions=_function_steps(functions)
    )


async def through_pooler(dsn: Masked, *, timeout_s: float, name: str) -> list[Step]:
    """Connect through the pooler and read in one transaction. Raises SourceError."""
    async with _transaction(dsn, timeout_s=timeout_s, name=name) as (_, connected):
        return [connected]


@asynccontextmanager
async def _transaction(dsn: Masked, *, timeout_s: float, name: str) -> AsyncIterator[tuple[Connection, Step]]:
    """Give a read-only transaction, and the step that tells of its connection; all within one deadline."""
    began = perf_counter()
    meter().called()
    try:
        async with asyncio.timeout(timeout_s):
            connection = await connected(dsn)
            async with connection, connection.transaction():
                await connection.execute("set transaction read only")
                await connection.execute(f"set local statement_timeout = {max(1, int(timeout_s * 1000))}".encode())
                [(who, version, replica)] = await typed(connection, _WHO, list[tuple[str, str, bool]])
                role = ", a replica" if replica else ""
                step = Step(
                    name="connection",
                    state=State.OK,
                    detail=f"PostgreSQL {version}{role}, as {who}{_by(dsn)}",
                    sent="connect; begin read only",
                    duration_ms=(perf_counter() - began) * 1000,
                )
                yield connection, step
    except TimeoutError:
        raise SourceTimeout(f"{name}: the database did not answer within {timeout_s:g} s") from None
    except psycopg.Error as error:
        raise translated(error, f"{name}: the database") from None


def _by(dsn: Masked) -> str:
    """Say through what the connection went."""
    port = str(conninfo_to_dict(dsn.reveal()).get("port") or "")
    return f" (port {POOLER_PORT}: transaction pooling)" if port == POOLER_PORT else ""


def _table_steps(rows: Sequence[_Table], exempt: Sequence[str]) -> list[Step]:
    """Hold each table to have row-level security on, and policies."""
    steps, well = [], 0
    for schema, table, enabled, policies in rows:
        excused = table in exempt or f"{schema}.{table}" in exempt
        if excused or (enabled and policies):
            well += 1
        elif not enabled:
            detail = "row-level security is off: whoever has the anon key may do what its grants allow"
            steps.append(Step(name=f"{schema}.{table}", state=State.BAD, detail=detail))
        else:
            detail = "row-level security is on, but it has no policy: only the service role sees its rows"
            steps.append(Step(name=f"{schema}.{table}", state=State.BAD, detail=detail))
    if well:
        detail = f"{well} of {len(rows)} have row-level security on, and policies (or are exempt by the plan)"
        steps.append(Step(name="tables", state=State.OK, detail=detail))
    if not rows:
        steps.append(Step(name="tables", state=State.UNKNOWN, detail="the exposed schemas hold no table"))
    return steps


def _function_steps(rows: Sequence[_Function]) -> tuple[Step, ...]:
    """Hold each security definer function to fix its search_path."""
    open_ = [f"{schema}.{function}" for schema, function, fixed in rows if not fixed]
    detail = "runs with its owner's rights, and looks names up wherever its caller says: set its search_path"
    steps = [Step(name=name, state=State.BAD, detail=detail) for name in open_]
    counted = f"{len(rows) - len(open_)} of {len(rows)} security definer functions fix their search_path"
    if len(open_) < len(rows) or not rows:
        steps.append(Step(name="functions", state=State.OK, detail=counted if rows else "none is security definer"))
    return tuple(steps)
