"""A PostgreSQL, as a plan names it."""

import re
from collections import Counter
from collections.abc import Iterator
from math import inf
from typing import ClassVar

from loom_tui.plan.kinds import PERCENTILES, Kind, Row
from loom_tui.plan.sources.base import Asked, Secret, has_password
from loom_tui.plan.value import Value

CATALOGUE_EVERY = 4  # intervals between two looks at what changes slowly: statements, indexes, cache, replicas
_SLOW_S = 1.0  # a query that takes so long, asked as seldom as `max_load` wants it, does not go stale between


class Query(Value, frozen=True):
    """A named read whose real executions are timed. `target` names one of the plan's targets."""

    name: str
    sql: str
    label: str = ""
    target: str = ""
    min_samples: int = 20


class PostgresSource(Asked, frozen=True, kw_only=True, tag="postgres"):
    """A PostgreSQL, read under read-only transactions on one connection."""

    GROUP: ClassVar[str] = "performance"

    dsn: str = ""  # without a password; use `dsn_from` for one that holds a secret
    dsn_from: Secret | None = None
    max_load: float = 0.01  # the share of time that Loom's own executions may take; it asks less often by itself
    queries: tuple[Query, ...] = ()
    indexes: tuple[str, ...] = ()  # whose scans are counted, besides those that `migrations` make
    migrations: str = ""  # a directory of migrations (VERSION_name.sql), from the plan's directory

    def rows(self) -> Iterator[Row]:
        """List the database's own check, each query's figures, its sessions, and what its catalogue tells."""
        asked_within_s = 3 * _SLOW_S / max(self.max_load, 0.001)
        often_s = max(self.fresh_for_s, asked_within_s) if self.ttl_s is None else self.ttl_s
        seldom_s = CATALOGUE_EVERY * self.fresh_for_s
        yield Row("", Kind.CHECK)
        for query in self.queries:
            label = query.label or query.name
            yield Row(f".{query.name}.ms", Kind.LATENCY, label, "ms", ttl_s=often_s)
            for percentile in PERCENTILES:
                yield Row(f".{query.name}.p{percentile}_ms", Kind.NUMBER, label, "ms", ttl_s=often_s)
            yield Row(f".{query.name}.mean_ms", Kind.NUMBER, f"{label}, mean", "ms", ttl_s=seldom_s)
            yield Row(f".{query.name}.calls", Kind.NUMBER, f"{label}, calls", ttl_s=seldom_s)
        yield Row(".sessions", Kind.NUMBER, "sessions")
        yield Row(".sessions_active", Kind.NUMBER, "active")
        yield Row(".max_sessions", Kind.NUMBER, "max sessions")
        yield Row(".locks_waiting", Kind.NUMBER, "locks")
        yield Row(".longest_s", Kind.NUMBER, "longest", "s")
        yield Row(".activity", Kind.BODY, "sessions and locks")
        yield Row(".cache_hits", Kind.NUMBER, "cache hits", "%", ttl_s=seldom_s)
        yield Row(".lag_s", Kind.NUMBER, "replication lag", "s", ttl_s=seldom_s)
        yield Row(".statements", Kind.BODY, "heaviest statements", ttl_s=seldom_s)
        yield Row(".statements_base", Kind.BODY, "where statements are counted from", ttl_s=inf)
        yield Row(".indexes", Kind.BODY, "index scans", ttl_s=seldom_s)

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold it to name one database without a password, and each query once."""
        yield from database_faults(self.dsn, self.dsn_from)
        if not 0 < self.max_load <= 1:
            yield "max_load", f"{self.max_load:g} is not a share of the time: above 0, at most 1"
        for index in self.indexes:
            if not re.fullmatch(r'(?:[A-Za-z_][\w$]*|"[^"]+")(?:\.(?:[A-Za-z_][\w$]*|"[^"]+"))?', index):
                yield "indexes", f"`{index}` is no index's name"
        for name, times in Counter(query.name for query in self.queries).items():
            if times > 1:
                yield "queries", f"`{name}` is there {times} times"
            if not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
                yield "queries", f"`{name}`: a query's name is small letters, digits, - and _"


def database_faults(dsn: str, dsn_from: Secret | None) -> Iterator[tuple[str, str]]:
    """Hold a source to name one database, without a password."""
    if bool(dsn) == (dsn_from is not None):
        yield "", "name the database by exactly one of dsn (no password) and dsn_from"
    if has_password(dsn) or re.search(r"password\s*=", dsn):
        yield "dsn", 'holds a password; use dsn_from = { env = "…" } so that the plan can be shared'
