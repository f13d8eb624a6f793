"""What is measured: signals, readings of them, and whether a reading may still be believed.

A signal's name is its source's name and what is measured there, joined by dots:

    http      NAME (check)  NAME.latency_ms  NAME.version (text)  NAME.FIELD
    postgres  NAME (check)  NAME.QUERY.ms (latency)  NAME.QUERY.p50_ms .p95_ms .p99_ms (worked out by the fold)
              NAME.sessions  NAME.sessions_active  NAME.max_sessions  NAME.locks_waiting  NAME.longest_s
    sentry    NAME (check)  NAME.issues (body: list[ErrorIssue])  NAME.new  NAME.regressed  NAME.critical
              NAME.errors_per_minute

Every source also has `feed.NAME`: its poller's own account (body: PollerReport).
Times are Unix seconds, UTC.
"""

from __future__ import annotations

from enum import StrEnum
from math import inf

from msgspec import Struct

from loom_tui.plan.model import HttpSource, Plan, PostgresSource, Source


class State(StrEnum):
    """What one reading says. `unknown` is a state of its own, never green."""

    OK = "ok"
    BAD = "bad"
    UNKNOWN = "unknown"


class Kind(StrEnum):
    """How a signal's readings are kept and shown. Only latencies keep a quantile sketch."""

    CHECK = "check"
    NUMBER = "number"
    LATENCY = "latency"
    TEXT = "text"
    BODY = "body"


class Freshness(StrEnum):
    """Whether a reading still speaks of now."""

    FRESH = "fresh"
    STALE = "stale"
    NEVER = "never"
    FUTURE = "future"


class Signal(Struct, frozen=True, kw_only=True):
    """Something measurable that the plan names. A reading is fresh for `ttl_s`."""

    id: str
    source: str
    kind: Kind
    label: str
    unit: str = ""
    ttl_s: float = 60.0


class Reading(Struct, frozen=True, kw_only=True):
    """One observation of one signal. `observed_at` is the source's time, corrected for its clock's skew."""

    signal: str
    observed_at: float
    state: State = State.OK
    value: float | None = None
    detail: str = ""  # a sentence or a word for people: the version, the reason
    body: bytes = b""  # JSON, for Kind.BODY
    environment: str = ""
    release: str = ""


class Stored(Struct, frozen=True, kw_only=True):
    """A reading with the store's own time: what is known at T is what was recorded by T."""

    reading: Reading
    recorded_at: float


class Bucket(Struct, frozen=True, kw_only=True):
    """A rolled-up stretch of readings that begins at `start`. `sketch` is empty but for latencies."""

    start: float
    step_s: float
    count: int
    total: float
    low: float
    high: float
    sketch: bytes = b""


class ErrorIssue(Struct, frozen=True, kw_only=True):
    """An error as a Sentry-compatible server groups it, decoded at the edge."""

    id: str
    short_id: str
    title: str
    culprit: str = ""
    level: str = "error"  # fatal, error, warning, info, debug
    substatus: str = "ongoing"  # new, regressed, escalating, ongoing
    count: int = 0
    users: int | None = None
    first_seen: float | None = None
    last_seen: float | None = None
    release: str = ""
    url: str = ""
    per_hour: tuple[int | None, ...] = ()  # newest last; None where the server left a hole


class PollerReport(Struct, frozen=True, kw_only=True):
    """A poller's own account of itself."""

    last_success_at: float | None = None
    next_try_at: float | None = None
    failures: int = 0
    why: str = ""


CLOCK_TOLERANCE_S = 5.0
PERCENTILES = (50, 95, 99)  # of each named query; worked out by the fold, never stored


def freshness(stored: Stored | None, signal: Signal, now: float) -> Freshness:
    """Say whether a reading may be believed at `now`. One from the future may not."""
    if stored is None:
        return Freshness.NEVER
    age_s = now - stored.reading.observed_at
    if age_s < -CLOCK_TOLERANCE_S:
        return Freshness.FUTURE
    return Freshness.FRESH if age_s <= signal.ttl_s else Freshness.STALE


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
