"""What is measured: the signals that a plan's sources give, and their names.

A signal's name is its source's name and what is measured there, joined by dots:

    http      NAME (check)  NAME.latency_ms  NAME.version (text)  NAME.FIELD
    postgres  NAME (check)  NAME.QUERY.ms (latency)  NAME.QUERY.p50_ms .p95_ms .p99_ms (worked out by the fold)
              NAME.sessions  NAME.sessions_active  NAME.max_sessions  NAME.locks_waiting  NAME.longest_s
    sentry    NAME (check)  NAME.issues (body: list[ErrorIssue])  NAME.new  NAME.regressed  NAME.critical
              NAME.errors_per_minute

Every source also has `feed.NAME`: its poller's own account (body: PollerReport).
"""

from __future__ import annotations

from enum import StrEnum
from math import inf

from msgspec import Struct

from loom_tui.plan.model import HttpSource, Plan, PostgresSource, Source

PERCENTILES = (50, 95, 99)  # of each named query; worked out by the fold, never stored


class Kind(StrEnum):
    """How a signal's readings are kept and shown. Only latencies keep a quantile sketch."""

    CHECK = "check"
    NUMBER = "number"
    LATENCY = "latency"
    TEXT = "text"
    BODY = "body"


class Signal(Struct, frozen=True, kw_only=True):
    """Something measurable that the plan names. A reading is fresh for `ttl_s`."""

    id: str
    source: str
    kind: Kind
    label: str
    unit: str = ""
    ttl_s: float = 60.0


def ttl_of(source: Source) -> float:
    """Give the seconds for which a source's readings stay fresh: the plan's word, or three intervals and a deadline."""
    return source.ttl_s if source.ttl_s is not None else 3 * source.interval_s + source.timeout_s


def signals_of(plan: Plan) -> dict[str, Signal]:
    """List every signal that the plan's sources give, by id, in the plan's order."""
    signals: dict[str, Signal] = {}

    def add(name: str, kind: Kind, label: str, unit: str = "", *, source: str, ttl_s: float) -> None:
        signals[name] = Signal(id=name, source=source, kind=kind, label=label, unit=unit, ttl_s=ttl_s)

    for name, source in plan.sources.items():
        ttl_s = ttl_of(source)
        for suffix, kind, label, unit in _suffixes(source):
            add(f"{name}{suffix}", kind, label or source.label or name, unit, source=name, ttl_s=ttl_s)
        add(f"feed.{name}", Kind.BODY, source.label or name, source=name, ttl_s=inf)
    return signals


def _suffixes(source: Source) -> list[tuple[str, Kind, str, str]]:
    if isinstance(source, HttpSource):
        rows = [("", Kind.CHECK, "", ""), (".latency_ms", Kind.LATENCY, "latency", "ms")]
        if source.version_field:
            rows.append((".version", Kind.TEXT, "version", ""))
        return rows + [(f".{field}", Kind.CHECK, field, "") for field in source.fields]
    if isinstance(source, PostgresSource):
        queries = [
            (f".{q.name}.{word}", kind, q.label or q.name, "ms")
            for q in source.queries
            for word, kind in (("ms", Kind.LATENCY), *((f"p{p}_ms", Kind.NUMBER) for p in PERCENTILES))
        ]
        return [
            ("", Kind.CHECK, "", ""),
            *queries,
            (".sessions", Kind.NUMBER, "sessions", ""),
            (".sessions_active", Kind.NUMBER, "active", ""),
            (".max_sessions", Kind.NUMBER, "max sessions", ""),
            (".locks_waiting", Kind.NUMBER, "locks", ""),
            (".longest_s", Kind.NUMBER, "longest", "s"),
        ]
    return [
        ("", Kind.CHECK, "", ""),
        (".issues", Kind.BODY, "issues", ""),
        (".new", Kind.NUMBER, "new", ""),
        (".regressed", Kind.NUMBER, "regressed", ""),
        (".critical", Kind.NUMBER, "critical", ""),
        (".errors_per_minute", Kind.NUMBER, "per minute", ""),
    ]
