"""A Supabase project, as a plan names it."""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import ClassVar

from loom_tui.plan.kinds import Kind, Row
from loom_tui.plan.sources.base import Asked, Secret, url_faults


class Signup(StrEnum):
    """Whether strangers may sign up, as the plan wants it."""

    ANY = "any"
    OPEN = "open"
    CLOSED = "closed"


class SupabaseSource(Asked, frozen=True, kw_only=True, tag="supabase"):
    """A Supabase project: its APIs asked as any visitor could (with the anon key), its catalogue over a connection.

    `private_tables` are those of which a visitor must see no row ("profiles", or "schema.table" in an exposed schema).
    `rls_exempt` are tables that may do without row-level security or without policies. `providers` are all that may
    be enabled. The service key is looked at and never sent.
    """

    GROUP: ClassVar[str] = "supabase"

    url: str
    anon_key: Secret
    service_key: Secret | None = None
    database: Secret | None = None  # a connection string, direct
    pooler: Secret | None = None  # one through the pooler
    signup: Signup = Signup.ANY
    providers: tuple[str, ...] | None = None
    confirm_email: bool | None = None
    storage: bool = True
    realtime: bool = True
    channel: str = "loom"
    private_tables: tuple[str, ...] = ()
    schemas: tuple[str, ...] = ("public",)  # that the API exposes
    rls_exempt: tuple[str, ...] = ()  # "spatial_ref_sys", "schema.table"
    interval_s: float = 60.0
    timeout_s: float = 10.0

    def rows(self) -> Iterator[Row]:
        """List the project's own check (the worst of the others), and one for each of its parts."""
        yield Row("", Kind.CHECK)
        yield Row(".keys", Kind.CHECK, "API keys")
        yield Row(".auth", Kind.CHECK, "auth responds")
        yield Row(".settings", Kind.CHECK, "auth settings")
        if self.storage:
            yield Row(".storage", Kind.CHECK, "storage")
        if self.realtime:
            yield Row(".realtime", Kind.CHECK, "realtime")
            yield Row(".realtime_ms", Kind.LATENCY, "realtime round trip", "ms")
        if self.private_tables:
            yield Row(".private", Kind.CHECK, "private tables from outside")
        if self.database is not None:
            yield Row(".database", Kind.CHECK, "database connection")
            yield Row(".rls", Kind.CHECK, "row-level security")
            yield Row(".functions", Kind.CHECK, "security definer functions")
        if self.pooler is not None:
            yield Row(".pooler", Kind.CHECK, "connection through the pooler")

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold its address to be one, and its tables and schemas to be names."""
        yield from url_faults("url", self.url)
        for key, names in (("private_tables", self.private_tables), ("rls_exempt", self.rls_exempt)):
            for name in names:
                if not re.fullmatch(r"[^\s./?&#]+(\.[^\s./?&#]+)?", name):
                    yield key, f"{name!r} is no table's name, with or without its schema"
        if not self.schemas:
            yield "schemas", "names none; the API exposes at least one"
