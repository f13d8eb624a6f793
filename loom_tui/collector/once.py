"""Sources asked once, in this process and without a store to write to: for a shell, CI, and the doctor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from loom_tui.collector.ground import Ground, poller_of
from loom_tui.plan.signals import signals_of
from loom_tui.room.events import Event
from loom_tui.room.fold import Folder
from loom_tui.room.signals import Bucket, PollerReport, Reading, Stored
from loom_tui.room.snapshot import CollectorView, Observations, Snapshot
from loom_tui.store.rollup import roll_up


class Asking(Struct, frozen=True, kw_only=True):
    """What came of asking a source once: its readings as they came, its poller's account, what it failed of."""

    name: str
    readings: tuple[Stored, ...]
    report: PollerReport
    error: Exception | None


async def ask_once(
    ground: Ground,
    names: Iterable[str],
    *,
    within_s: float | None = None,
    told: Callable[[str, str | None], None] = lambda _name, _text: None,
) -> list[Asking]:
    """Ask sources, all at once; gives what came of each, in order. Whoever takes longer than `within_s` is unknown.

    Without it each has its own wall: several times the deadline of one request. `told` hears how far a source has
    come, and None when it is done.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_ask(ground, name, within_s, told), name=name) for name in names]
    return [task.result() for task in tasks]


async def _ask(ground: Ground, name: str, within_s: float | None, told: Callable[[str, str | None], None]) -> Asking:
    kept: list[Stored] = []

    def keep(readings: Sequence[Reading]) -> None:
        kept.extend(Stored(reading=reading, recorded_at=ground.clock()) for reading in readings)
        told(name, poller.report.progress)

    poller = poller_of(ground, name, keep=keep, wall_s=within_s)
    told(name, "")
    try:
        await poller.once()
    finally:
        await poller.close()
    told(name, None)
    return Asking(name=name, readings=tuple(kept), report=poller.report, error=poller.error)


def fold_once(ground: Ground, events: Iterable[Event], askings: Iterable[Asking]) -> dict[str, Snapshot]:
    """Fold each source's readings at the moment when the last of them came; gives a snapshot by the source's name.

    One moment for all would call stale what answered at once while another took minutes.
    """
    kinds = {signal.id: signal.kind.value for signal in signals_of(ground.plan).values()}
    folder = Folder(ground.plan)
    folder.take(events)
    collector = CollectorView(alive=True, holder="", why="")
    snapshots = {}
    for asking in sorted(askings, key=_ended_at):
        known = [stored for stored in asking.readings if stored.reading.signal in kinds]
        latest = {stored.reading.signal: stored for stored in sorted(known, key=lambda s: s.reading.observed_at)}
        at = _ended_at(asking) or ground.clock()
        buckets: dict[str, list[Bucket]] = {}
        for (signal, step_s, _), bucket in roll_up((s.reading for s in known), kinds, now=at).items():
            if step_s == 1:
                buckets.setdefault(signal, []).append(bucket)
        series = {signal: tuple(found) for signal, found in buckets.items()}
        snapshots[asking.name] = folder.snapshot(Observations(latest=latest, series=series, collector=collector), at)
    return snapshots


def _ended_at(asking: Asking) -> float:
    return max((stored.recorded_at for stored in asking.readings), default=0.0)
