"""A directory of migrations and the database that they were applied to, as a plan names them."""

import re
from collections.abc import Iterator
from typing import ClassVar

from loom_tui.plan.kinds import Kind, Row
from loom_tui.plan.sources.base import Asked, Secret
from loom_tui.plan.sources.postgres import database_faults

SUPABASE = "supabase_migrations.schema_migrations"
_NAME = r"[A-Za-z_][\w$]*"


class MigrationsSource(Asked, frozen=True, kw_only=True, tag="migrations"):
    """Files named VERSION_name.sql, against a table with a row for each that was applied.

    `since` is the newest migration that the last stable version knows: only later ones are searched for what that
    version may not stand. Files are compared with what was applied by Supabase's column `statements`, or by
    `hash_column`, a SHA-256 of the file (Prisma's `checksum`, Drizzle's `hash`).
    """

    GROUP: ClassVar[str] = "migrations"

    directory: str  # from the plan's directory
    dsn: str = ""  # without a password; use `dsn_from` for one that holds a secret
    dsn_from: Secret | None = None
    table: str = SUPABASE
    version_column: str = "version"
    hash_column: str = ""
    since: str = ""
    interval_s: float = 60.0

    def rows(self) -> Iterator[Row]:
        """List the check that all are applied and none is foreign or changed, the counts, and the migrations."""
        yield Row("", Kind.CHECK)
        for word in ("applied", "pending", "unknown", "changed"):
            yield Row(f".{word}", Kind.NUMBER, f"migrations {word}")
        yield Row(".suspect", Kind.BODY, "migrations that an older version may not stand")

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold it to name a directory, one database, and a table and columns by plain names."""
        yield from database_faults(self.dsn, self.dsn_from)
        if not self.directory:
            yield "directory", "is empty; name the directory of the .sql files"
        if not all(re.fullmatch(_NAME, part) for part in self.table.split(".")) or self.table.count(".") > 1:
            yield "table", f"`{self.table}` is no table; write a name, or schema.name"
        for key, column in (("version_column", self.version_column), ("hash_column", self.hash_column or "hash")):
            if not re.fullmatch(_NAME, column):
                yield key, f"`{column}` is no column's name"
