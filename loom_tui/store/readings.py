"""The readings: each signal's newest whole, and all of them rolled up."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Mapping
from itertools import groupby
from math import inf, isfinite, nextafter

import msgspec

from loom_tui.plan.kinds import Kind
from loom_tui.plan.signals import Signal
from loom_tui.room.checks import HISTORY, Run
from loom_tui.room.signals import CLOCK_TOLERANCE_S, Bucket, Reading, State, Stored
from loom_tui.store import rollup
from loom_tui.store.base import Lease, StoreBroken
from loom_tui.store.database import Database
from loom_tui.store.leases import hold
from loom_tui.store.text import storable

_MOST_PRUNED_S = 2 * rollup.HOUR_S

_KEEP_LATEST = """
INSERT INTO latest (sid, recorded_at, observed_at, state, value, detail, environment, release, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (sid) DO UPDATE SET
  recorded_at = excluded.recorded_at, observed_at = excluded.observed_at, state = excluded.state,
  value = excluded.value, detail = excluded.detail, environment = excluded.environment,
  release = excluded.release, body = excluded.body
WHERE excluded.observed_at >= latest.observed_at OR latest.observed_at > ?
"""

_ADD_BUCKET = """
INSERT INTO buckets (sid, step, start, count, total, low, high, sketch) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (sid, step, start) DO UPDATE SET
  count = count + excluded.count, total = total + excluded.total, low = min(low, excluded.low),
  high = max(high, excluded.high), sketch = excluded.sketch
"""


class Readings:
    """The signals, their newest readings and their buckets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def define(self, signals: Iterable[Signal]) -> None:
        """Say which signals there are and of what kind; writes only what is new."""
        kinds = {storable(signal.id): signal.kind.value for signal in signals}
        with self._database.read() as connection:
            known = dict(connection.execute("SELECT name, kind FROM signals"))
        changed = [(name, kind) for name, kind in kinds.items() if known.get(name) != kind]
        if changed:
            with self._database.write() as connection:
                connection.executemany(
                    "INSERT INTO signals (name, kind) VALUES (?, ?) "
                    "ON CONFLICT (name) DO UPDATE SET kind = excluded.kind",
                    changed,
                )

    def record(self, readings: Iterable[Reading], *, lease: Lease, now: float) -> None:
        """Keep a tick's readings in one transaction, under one `recorded_at` later than all before it.

        A reading older than the newest of its signal enters the buckets only, unless that newest came from the
        future, as it does after a clock was put right. Of a tick's own readings of a signal, one is left by the same
        rule before it meets the newest. Raises LeaseLost; ValueError for a reading without a time.
        """
        kept = list(readings)
        if not all(isfinite(reading.observed_at) for reading in kept):
            raise ValueError("a reading without a time of observation cannot be kept")
        with self._database.write() as connection:
            hold(connection, lease)
            if not kept:
                return
            recorded_at = _tick(connection, now)
            ids, kinds = _signals(connection, {reading.signal for reading in kept})
            horizon = now + CLOCK_TOLERANCE_S
            connection.executemany(
                _KEEP_LATEST,
                [
                    _latest_row(ids[signal], reading, recorded_at, horizon)
                    for signal, reading in _newest(kept, horizon).items()
                ],
            )
            _add(connection, ids, rollup.roll_up(kept, kinds, now=now).items())
            _keep_runs(connection, ids, [reading for reading in kept if kinds[reading.signal] == Kind.CHECK])

    def latest(self, *, changed_after: float) -> dict[str, Stored]:
        """Give each signal's newest reading, of those recorded after `changed_after`."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT name, recorded_at, observed_at, state, value, detail, environment, release, body "
                "FROM latest JOIN signals USING (sid) WHERE recorded_at > ?",
                (changed_after,),
            ).fetchall()
        return {
            row[0]: Stored(
                reading=Reading(
                    signal=row[0],
                    observed_at=row[2],
                    state=State(row[3]),
                    value=row[4],
                    detail=row[5],
                    environment=row[6],
                    release=row[7],
                    body=row[8],
                ),
                recorded_at=row[1],
            )
            for row in rows
        }

    def history(self) -> dict[str, tuple[Run, ...]]:
        """Give each check's last runs, newest last."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT name, observed_at, state, detail FROM runs JOIN signals USING (sid) ORDER BY sid, observed_at"
            ).fetchall()
        return {
            name: tuple(Run(observed_at=at, state=State(state), detail=detail) for _, at, state, detail in group)
            for name, group in groupby(rows, key=lambda row: row[0])
        }

    def series(self, signal: str, *, start: float, end: float, step_s: int) -> list[Bucket]:
        """Give the buckets that begin in [start, end), in the order of time. Raises ValueError for an unknown step."""
        if step_s not in rollup.KEEP_S:
            raise ValueError(f"readings are rolled up by 1, 10 and 60 seconds, not {step_s}")
        with self._database.read() as connection:
            row = connection.execute("SELECT sid FROM signals WHERE name = ?", (signal,)).fetchone()
            if row is None:
                return []
            # One transaction, or a prune between the two reads would move an hour past us.
            connection.execute("BEGIN")
            try:
                hours = connection.execute(
                    "SELECT hour, body FROM hours WHERE sid = ? AND step = ? AND hour > ? AND hour < ? ORDER BY hour",
                    (row[0], step_s, start - rollup.HOUR_S, end),
                ).fetchall()
                rows = _rows(connection, row[0], step_s, start, end)
            finally:
                connection.execute("COMMIT")
        packed = [bucket for hour, body in hours for bucket in self._unpack(body, hour, step_s)]
        found = rollup.merge_all([*packed, *rows]) if packed else rows
        return [bucket for bucket in found if start <= bucket.start < end]

    def prune(self, *, now: float) -> None:
        """Pack the hours before the last full one, and drop what is older than its keep; a transaction a signal.

        What is dropped moves on by two hours a call at most, so that a clock which leaps ahead for a while takes no
        month of history with it. Call it once an hour or more often.
        """
        with self._database.write() as connection:
            ids = [sid for (sid,) in connection.execute("SELECT sid FROM signals")]
            (pruned_at,) = connection.execute("SELECT pruned_at FROM clock").fetchone()
            until = min(now, pruned_at + _MOST_PRUNED_S) if pruned_at else now
            connection.execute("UPDATE clock SET pruned_at = ?", (until,))
        this_hour = int(now) - int(now) % rollup.HOUR_S
        for sid in ids:
            with self._database.write() as connection:
                for step in rollup.PACKED_STEPS:
                    self._pack(connection, sid, step, before=this_hour - rollup.HOUR_S)
                _drop(connection, sid, until)

    def _pack(self, connection: sqlite3.Connection, sid: int, step: int, *, before: int) -> None:
        loose = _rows(connection, sid, step, -inf, before)
        for hour, group in groupby(loose, key=lambda bucket: int(bucket.start) // rollup.HOUR_S * rollup.HOUR_S):
            key = (sid, step, hour)
            row = connection.execute("SELECT body FROM hours WHERE sid = ? AND step = ? AND hour = ?", key).fetchone()
            packed = self._unpack(row[0], hour, step) if row else []  # late readings come after their hour was packed
            body = rollup.pack(rollup.merge_all([*packed, *group]), hour=hour, step=step)
            connection.execute("INSERT OR REPLACE INTO hours (sid, step, hour, body) VALUES (?, ?, ?, ?)", (*key, body))
        if loose:
            connection.execute("DELETE FROM buckets WHERE sid = ? AND step = ? AND start < ?", (sid, step, before))

    def _unpack(self, body: bytes, hour: int, step: int) -> list[Bucket]:
        try:
            return rollup.unpack(body, hour=hour, step=step)
        except (zlib.error, msgspec.DecodeError, ValueError) as error:
            raise StoreBroken(
                f"{self._database.path}: the readings of an hour cannot be unpacked ({error})."
            ) from error


def _keep_runs(connection: sqlite3.Connection, ids: Mapping[str, int], runs: Iterable[Reading]) -> None:
    """Put each run into the place of its check's oldest. One that is told again (a report) takes its own place."""
    for run in runs:
        sid = ids[run.signal]
        places = connection.execute(
            "SELECT place, observed_at FROM runs WHERE sid = ? ORDER BY observed_at", (sid,)
        ).fetchall()
        oldest = places[0][0] if len(places) >= HISTORY else len(places)
        place = next((place for place, at in places if at == run.observed_at), oldest)
        connection.execute(
            "INSERT OR REPLACE INTO runs (sid, place, observed_at, state, detail) VALUES (?, ?, ?, ?, ?)",
            (sid, place, run.observed_at, run.state.value, storable(run.detail)),
        )


def _drop(connection: sqlite3.Connection, sid: int, until: float) -> None:
    for step, keep_s in rollup.KEEP_S.items():
        connection.execute(
            "DELETE FROM buckets WHERE sid = ? AND step = ? AND start <= ?", (sid, step, until - keep_s - step)
        )
        connection.execute(
            "DELETE FROM hours WHERE sid = ? AND step = ? AND hour <= ?",
            (sid, step, until - keep_s - rollup.HOUR_S),
        )


def _tick(connection: sqlite3.Connection, now: float) -> float:
    """Move the store's clock on: it never goes back, so that `changed_after` misses nothing."""
    (last,) = connection.execute("SELECT recorded_at FROM clock").fetchone()
    recorded_at = max(now, nextafter(last, inf))
    connection.execute("UPDATE clock SET recorded_at = ?", (recorded_at,))
    return recorded_at


def _signals(connection: sqlite3.Connection, names: set[str]) -> tuple[dict[str, int], dict[str, str]]:
    """Give the ids and kinds of signals, by the names that readings use; new ones are taken in."""
    known = {name: (sid, kind) for name, sid, kind in connection.execute("SELECT name, sid, kind FROM signals")}
    ids: dict[str, int] = {}
    kinds: dict[str, str] = {}
    for name in names:
        stored = storable(name)
        if stored not in known:
            new = connection.execute("INSERT INTO signals (name, kind) VALUES (?, '')", (stored,))
            known[stored] = (new.lastrowid or 0, "")
        ids[name], kinds[name] = known[stored]
    return ids, kinds


def _newest(readings: Iterable[Reading], horizon: float) -> dict[str, Reading]:
    newest: dict[str, Reading] = {}
    for reading in readings:
        before = newest.get(reading.signal)
        if before is None or reading.observed_at >= before.observed_at or before.observed_at > horizon:
            newest[reading.signal] = reading
    return newest


def _latest_row(sid: int, reading: Reading, recorded_at: float, horizon: float) -> tuple[object, ...]:
    return (
        sid,
        recorded_at,
        reading.observed_at,
        reading.state.value,
        reading.value,
        storable(reading.detail),
        storable(reading.environment),
        storable(reading.release),
        reading.body,
        horizon,
    )


def _add(connection: sqlite3.Connection, ids: Mapping[str, int], made: Iterable[tuple[rollup.Key, Bucket]]) -> None:
    rows = []
    for (signal, step, start), bucket in made:
        key = (ids[signal], step, start)
        sketch = bucket.sketch
        if sketch:
            row = connection.execute("SELECT sketch FROM buckets WHERE sid = ? AND step = ? AND start = ?", key)
            sketch = rollup.merge_sketches((row.fetchone() or (b"",))[0], sketch)
        rows.append((*key, bucket.count, bucket.total, bucket.low, bucket.high, sketch))
    connection.executemany(_ADD_BUCKET, rows)


def _rows(connection: sqlite3.Connection, sid: int, step: int, start: float, end: float) -> list[Bucket]:
    rows = connection.execute(
        "SELECT start, count, total, low, high, sketch FROM buckets "
        "WHERE sid = ? AND step = ? AND start >= ? AND start < ? ORDER BY start",
        (sid, step, start, end),
    ).fetchall()
    return [
        Bucket(start=at, step_s=step, count=count, total=total, low=low, high=high, sketch=sketch)
        for at, count, total, low, high, sketch in rows
    ]
