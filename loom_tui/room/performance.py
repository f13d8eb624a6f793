"""The databases' side of the fold: percentiles against targets, grades, what the catalogue tells, migrations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from loom_tui.plan.kinds import PERCENTILES
from loom_tui.plan.model import Grade, Plan, Target
from loom_tui.plan.signals import Signal
from loom_tui.plan.sources.migrations import MigrationsSource
from loom_tui.plan.sources.postgres import Query
from loom_tui.room.database import Activity, IndexUse, Migration, Statements, decode_body
from loom_tui.room.signals import Bucket, Freshness, State
from loom_tui.room.sketch import percentiles
from loom_tui.room.snapshot import DatabaseView, MigrationsView, QueryView, SignalView, Told
from loom_tui.room.verdicts import Verdict

T = TypeVar("T")
JUDGED = 95  # the percentile that a target means where there is no target to say it


class QueryFigures(Struct, frozen=True):
    """Percentiles (ms) by number over `samples` executions since `since`."""

    samples: int
    values: Mapping[int, float]
    since: float


def judged_percentile(target: Target | None) -> int:
    """Say which percentile must lie under the target."""
    return target.percentile if target is not None else JUDGED


def needed_samples(percentile: int, min_samples: int) -> int:
    """Say how many executions a percentile needs: the plan's word for p95, at least a hundred for p99.

    A 99th percentile of fewer is the maximum by another name.
    """
    if percentile <= 50:
        return 1
    return min_samples if percentile <= 95 else max(min_samples, ceil(100 / (100 - percentile)))


def query_figures(series: Sequence[Bucket], target: Target | None, *, since: float) -> QueryFigures:
    """Merge the sketches of the buckets that begin at `since` or later."""
    taken = [bucket for bucket in series if bucket.start >= since]
    samples = sum(bucket.count for bucket in taken)
    if not samples:
        return QueryFigures(0, {}, since)
    wanted = sorted({*PERCENTILES, judged_percentile(target)})
    found = percentiles((bucket.sketch for bucket in taken), [p / 100 for p in wanted]).values
    values = {p: value for p, value in zip(wanted, found, strict=True) if value is not None}
    return QueryFigures(samples, values, since)


def query_view(
    source: str,
    query: Query,
    target: Target | None,
    grades: Sequence[Grade],
    *,
    figures: QueryFigures,
    signals: Mapping[str, SignalView],
    series: tuple[Bucket, ...],
) -> QueryView:
    """Show a named query: its percentiles where there are samples enough, against its target."""
    signal = signals[f"{source}.{query.name}.ms"]
    known = {p: value for p, value in figures.values.items() if figures.samples >= needed_samples(p, query.min_samples)}
    judged = judged_percentile(target)
    value = known.get(judged)
    grade = grade_of(value, target, grades)
    verdict, why = _verdict(value, target, signal, query, figures.samples)
    return QueryView(
        source=source,
        query=query,
        target=target,
        samples=figures.samples,
        p50_ms=known.get(50),
        p95_ms=known.get(95),
        p99_ms=known.get(99),
        judged_ms=value,
        factor=target.baseline_ms / value if target is not None and target.baseline_ms and value else None,
        verdict=verdict,
        grade=grade if verdict is not Verdict.UNKNOWN else "",
        why=why,
        since=figures.since,
        signal=signal,
        mean=signals[f"{source}.{query.name}.mean_ms"],
        calls=signals[f"{source}.{query.name}.calls"],
        series=series,
    )


def _verdict(
    value: float | None, target: Target | None, signal: SignalView, query: Query, samples: int
) -> tuple[Verdict, str]:
    percentile = judged_percentile(target)
    if signal.freshness is not Freshness.FRESH or signal.state is State.UNKNOWN:
        return Verdict.UNKNOWN, signal.why or "unknown"
    if value is None:
        return Verdict.UNKNOWN, f"p{percentile}: {samples} of {needed_samples(percentile, query.min_samples)} samples"
    if target is None or target.target_ms is None:
        return Verdict.UNKNOWN, "the plan sets no target"
    limit = target.target_ms.high
    if value <= limit:
        return Verdict.MET, f"p{percentile} of {samples} samples"
    return Verdict.NOT_MET, f"p{percentile} of {samples} samples is over {limit:g} ms"


def grade_of(value: float | None, target: Target | None, grades: Sequence[Grade]) -> str:
    """Name the first grade that a figure reaches, of the target's own or the plan's; empty where none is to be had."""
    if value is None or target is None:
        return ""
    for grade in target.grades or grades:
        limits = [grade.at_most_ms] if grade.at_most_ms is not None else []
        if grade.at_most is not None:
            if target.target_ms is None:
                return ""
            limits.append(grade.at_most * target.target_ms.high)
        if all(value <= limit for limit in limits):
            return grade.name
    return ""


def percentile_views(view: QueryView, signals: Mapping[str, Signal]) -> dict[str, SignalView]:
    """Show a query's percentiles as signals of their own, so that rules can speak of them."""
    out: dict[str, SignalView] = {}
    for percentile, value in zip(PERCENTILES, (view.p50_ms, view.p95_ms, view.p99_ms), strict=True):
        signal = signals[f"{view.source}.{view.query.name}.p{percentile}_ms"]
        base = view.signal
        if value is None or base.reading is None:
            why = base.why if base.reading is None else f"{view.samples} samples are too few"
            out[signal.id] = SignalView(
                signal=signal,
                reading=None,
                freshness=base.freshness,
                state=State.UNKNOWN,
                why=why,
                samples=view.samples,
            )
            continue
        reading = replace(base.reading, signal=signal.id, value=value, detail="", state=State.OK)
        known = base.state is not State.UNKNOWN
        out[signal.id] = SignalView(
            signal=signal,
            reading=reading,
            freshness=base.freshness,
            state=State.OK if known else State.UNKNOWN,
            why="" if known else base.why or "unknown",
            samples=view.samples,
        )
    return out


class Bodies:
    """Decodes the bodies of signals, each anew only when it changed."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[bytes, object]] = {}

    def told(self, view: SignalView, kind: type[T]) -> Told[T]:
        """Give a signal with what its reading's body says; one of another version's making says nothing."""
        body = view.reading.body if view.reading is not None else b""
        known = self._known.get(view.signal.id)
        if known is None or known[0] is not body:
            known = self._known[view.signal.id] = (body, decode_body(body, kind))
        found = known[1]
        if found is None and view.state is State.OK:
            view = replace(view, state=State.UNKNOWN, why="written by another version of Loom")
        return Told(view=view, body=found)  # type: ignore[arg-type] # kept under the id of a signal of this kind


def database_view(
    name: str, queries: tuple[QueryView, ...], signals: Mapping[str, SignalView], bodies: Bodies
) -> DatabaseView:
    """Show one PostgreSQL source."""
    return DatabaseView(
        source=name,
        signal=signals[name],
        queries=queries,
        sessions=signals[f"{name}.sessions"],
        sessions_active=signals[f"{name}.sessions_active"],
        max_sessions=signals[f"{name}.max_sessions"],
        locks_waiting=signals[f"{name}.locks_waiting"],
        longest_s=signals[f"{name}.longest_s"],
        cache_hits=signals[f"{name}.cache_hits"],
        lag_s=signals[f"{name}.lag_s"],
        activity=bodies.told(signals[f"{name}.activity"], Activity),
        statements=bodies.told(signals[f"{name}.statements"], Statements),
        indexes=bodies.told(signals[f"{name}.indexes"], tuple[IndexUse, ...]),
    )


def migrations_views(plan: Plan, signals: Mapping[str, SignalView], bodies: Bodies) -> tuple[MigrationsView, ...]:
    """Show each migrations source, in the plan's order."""
    return tuple(
        MigrationsView(
            source=name,
            signal=signals[name],
            rows=bodies.told(signals[f"{name}.suspect"], tuple[Migration, ...]),
        )
        for name, source in plan.sources.items()
        if isinstance(source, MigrationsSource)
    )
