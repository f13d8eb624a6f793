"""The plan that the server would take for a statement. Nothing is executed."""

from __future__ import annotations

import psycopg

from loom_tui.room.database import Explained
from loom_tui.sources.base import SourceAnswered
from loom_tui.sources.postgres.masking import masked
from loom_tui.sources.postgres.session import Session, many, words

_GENERIC = (160000, "EXPLAIN of a statement whose literals are gone needs PostgreSQL 16")


async def explain(session: Session, title: str, statement: str, *, whole: bool) -> Explained:
    """EXPLAIN a statement; one that is not `whole` has parameters ($1) for its literals. Raises SourceError."""
    try:
        async with session.reading() as connection:
            if whole:
                async with connection.cursor(binary=True) as cursor:  # the protocol that takes one statement alone
                    await cursor.execute(b"EXPLAIN " + statement.encode())
                    rows = await cursor.fetchall()
            else:
                needed, why = _GENERIC
                if connection.info.server_version < needed:
                    raise SourceAnswered(why)
                if ";" in statement:  # only the simple protocol takes parameters without values, and it takes many
                    raise SourceAnswered("This statement holds a semicolon, and is not explained")
                rows = await many(connection, b"EXPLAIN (GENERIC_PLAN) " + statement.encode())
    except psycopg.Error as error:
        raise SourceAnswered(f"{session.label} does not explain it: {words(error)}") from None
    return Explained(title=title, statement=masked(statement), lines=tuple(str(row[0])[:500] for row in rows[:500]))
