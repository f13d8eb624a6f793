"""What the catalogue tells besides statements: sessions and locks, the cache and the replicas, the scans of indexes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from loom_tui.room.database import Activity, IndexUse, Other
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import Errand, SourceError
from loom_tui.sources.migrations.files import Directory
from loom_tui.sources.migrations.studies import Studies
from loom_tui.sources.postgres.masking import masked
from loom_tui.sources.postgres.session import Connection, many, one, text_of

NEEDS_MONITOR = "its role may not see the sessions of others: GRANT pg_monitor TO …"
_ACTIVITY, _SESSIONS, _VITALS, _INDEXES = (text_of(name) for name in ("activity", "sessions", "vitals", "indexes"))
_LONGEST = 5
_INDEXES_SHOWN = 30


async def read_activity(connection: Connection, errand: Errand) -> list[Reading]:
    """Count the sessions by state, and look at those that wait, make wait, or are in a transaction for long.

    Without the right to see the sessions of others only their number is known: no lock seen is not no lock held.
    """
    rows = await many(connection, _ACTIVITY)
    sessions = float(sum(row[3] for row in rows))
    if not rows:  # nobody is here but us
        limit, may_see = await one(
            connection,
            b"SELECT /* loom */ current_setting('max_connections')::int,"
            b" pg_has_role(current_user, 'pg_read_all_stats', 'usage')",
        )
    else:
        limit, may_see = rows[0][:2]
    told = [errand.reading(".sessions", value=sessions), errand.reading(".max_sessions", value=float(limit))]
    hidden = (".sessions_active", ".locks_waiting", ".longest_s", ".activity")
    if not may_see:
        return [*told, *(errand.reading(each, state=State.UNKNOWN, detail=NEEDS_MONITOR) for each in hidden)]
    by_state = {row[2]: row[3] for row in rows}
    figures = (
        float(by_state.get("active", 0)),
        float(sum(row[4] for row in rows)),
        max((row[5] for row in rows), default=0.0),
    )
    told += [errand.reading(suffix, value=value) for suffix, value in zip(hidden, figures, strict=False)]
    activity = _activity(by_state, await many(connection, _SESSIONS))
    return [*told, errand.reading(".activity", body=msgspec.json.encode(activity))]


def _activity(by_state: dict[str, int], rows: Sequence[Sequence[object]]) -> Activity:
    others = [(_other(row), bool(row[8])) for row in rows]
    longest = sorted(
        (other for other, _ in others if other.transaction_s is not None), key=lambda other: -(other.transaction_s or 0)
    )
    return Activity(
        by_state=by_state,
        locked=tuple(other for other, locked in others if locked),
        longest=tuple(longest[:_LONGEST]),
    )


def _other(row: Sequence[object]) -> Other:
    pid, user, application, state, text, transaction_s, statement_s, blocked_by, _ = row
    return msgspec.convert(
        {
            "pid": pid,
            "user": user,
            "application": application,
            "state": state,
            "text": masked(str(text or "")),
            "transaction_s": transaction_s,
            "statement_s": statement_s,
            "blocked_by": blocked_by,
        },
        Other,
    )


class Vitals:
    """The share of blocks found in the cache since the last look, and how far the replicas are behind."""

    def __init__(self, errand: Errand) -> None:
        self._errand = errand
        self._before = (0, 0)

    async def read(self, connection: Connection) -> list[Reading]:
        """Read both. The first look tells of all that the server counts; one since which no block was read, nothing."""
        hit, read, may_see, *replication = await one(connection, _VITALS)
        new = (hit - self._before[0], read - self._before[1])
        hits, misses = new if min(new) >= 0 else (hit, read)
        told = [self._lag(replication, may_see=may_see)]
        if hits + misses:
            self._before = (hit, read)
            told.append(self._errand.reading(".cache_hits", value=100.0 * hits / (hits + misses)))
        return told

    def _lag(self, replication: Sequence[float | int | None], *, may_see: bool) -> Reading:
        in_recovery, behind_s, replicas, replicas_behind_s = replication
        if in_recovery:
            if behind_s is None:
                return self._errand.reading(".lag_s", state=State.UNKNOWN, detail="nothing was replayed yet")
            return self._errand.reading(".lag_s", value=float(behind_s), detail="itself a replica")
        if not replicas:
            return self._errand.reading(".lag_s", detail="no replica")
        detail = "1 replica" if replicas == 1 else f"{replicas} replicas"
        if not may_see:
            return self._errand.reading(".lag_s", state=State.UNKNOWN, detail=f"{detail}; {NEEDS_MONITOR}")
        if replicas_behind_s is None:
            return self._errand.reading(".lag_s", state=State.UNKNOWN, detail=f"{detail}, not streaming yet")
        return self._errand.reading(".lag_s", value=float(replicas_behind_s), detail=detail)


class Indexes:
    """The scans of the indexes that the plan names, and of those that a directory of migrations makes."""

    def __init__(self, errand: Errand, names: Sequence[str], migrations: str) -> None:
        self._errand = errand
        self._names = tuple(names)
        self._directory = Directory(errand.directory / migrations) if migrations else None
        self._studies = Studies(errand.directory / migrations, errand)
        self._made: tuple[str, ...] = ()
        self._trouble = ""

    async def look(self, *, within_s: float) -> None:
        """Learn the names from the migrations, the newest first; what takes longer is known at a later look."""
        if self._directory is None:
            return
        ends_at = asyncio.get_running_loop().time() + within_s
        try:
            files = await asyncio.to_thread(self._directory.files)
        except SourceError as error:
            self._trouble = str(error)
            return
        self._trouble = await self._studies.learn({file.digest: file.path for file in files}, {}, ends_at=ends_at)
        if not self._trouble:
            studied = self._studies.studied
            made = dict.fromkeys(index for file in reversed(files) for index in studied[file.digest].indexes)
            self._made = tuple(made)[:_INDEXES_SHOWN]

    async def close(self) -> None:
        """End the study."""
        await self._studies.close()

    async def read(self, connection: Connection) -> list[Reading]:
        """Count the scans. An index that is not there is told as that."""
        if self._trouble:
            return [self._errand.reading(".indexes", state=State.UNKNOWN, detail=self._trouble)]
        names = list(dict.fromkeys((*self._names, *self._made)))
        found = tuple(
            IndexUse(name=name, table=table, scans=scans, size_bytes=size, valid=valid)
            for name, table, scans, size, valid in await many(connection, _INDEXES, [names])
        )
        return [self._errand.reading(".indexes", body=msgspec.json.encode(found))]
