"""A Supabase project: each part of it asked at the same time, each a check of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from time import perf_counter
from typing import Any

from msgspec import Struct

from loom_tui.plan.sources.base import Secret
from loom_tui.plan.sources.supabase import SupabaseSource
from loom_tui.room.checks import Step
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import (
    Asker,
    CredentialMissing,
    Errand,
    SourceError,
    SourceLimited,
    SourceRefused,
)
from loom_tui.sources.checked import checked
from loom_tui.sources.mask import Masked
from loom_tui.sources.realtime import HEARTBEAT, talk
from loom_tui.sources.supabase_api import Api, key_steps
from loom_tui.sources.supabase_database import look, through_pooler


class _Part(Struct, frozen=True):
    """One check's outcome: its steps, and the error that left nothing else to say."""

    suffix: str
    steps: Sequence[Step]
    duration_ms: float
    error: SourceError | None = None


def make(source: SupabaseSource, errand: Errand) -> SupabaseAsker:
    """Make an asker. Raises CredentialMissing for the anon key; without another credential its own checks say so."""
    return SupabaseAsker(source, errand.token(source.anon_key), errand)


class SupabaseAsker(Asker):
    """Asks one project."""

    def __init__(self, source: SupabaseSource, anon: Masked, errand: Errand) -> None:
        self._source = source
        self._errand = errand
        self._anon = anon
        self._name = source.label or "Supabase"
        self._service = self._found(source.service_key)
        self._database = self._found(source.database)
        self._pooler = self._found(source.pooler)
        self._api = Api(source, anon, name=self._name, mask=errand.mask)
        self._rest_s = 0.0

    async def ask(self) -> Sequence[Reading]:
        """Ask every part. One that fails leaves the others alive.

        Raises SourceError where none of them could be asked; it brings the check of the keys, which asks nobody.
        """
        began = perf_counter()
        self._rest_s = 0.0
        keys = _Part(".keys", self._keys(), 0.0)
        groups = await asyncio.gather(*self._work())
        parts = [keys, *(part for group in groups for part in group)]
        down = self._heed([part.error for part in parts[1:]])
        if down is not None:
            down.readings = [checked(self._errand, keys.suffix, keys.steps, detail=_told(keys.steps))]
            raise down
        labels = {row.suffix: row.label for row in self._source.rows()}
        readings = [
            checked(
                self._errand, part.suffix, part.steps, detail=_told(part.steps), duration_ms=part.duration_ms or None
            )
            for part in parts
        ]
        whole = [
            Step(name=labels[part.suffix], state=reading.state, detail=reading.detail, duration_ms=part.duration_ms)
            for part, reading in zip(parts, readings, strict=True)
        ]
        if self._source.realtime:
            readings.append(self._round_trip(next(part for part in parts if part.suffix == ".realtime")))
        detail = f"{len(parts)} checks"
        return [
            checked(self._errand, "", whole, detail=detail, duration_ms=(perf_counter() - began) * 1000),
            *readings,
        ]

    def rest_s(self) -> float:
        """Give the rest that the project asked for."""
        return max(self._rest_s, self._api.rest_s())

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    def _round_trip(self, part: _Part) -> Reading:
        beaten = [step.duration_ms for step in part.steps if step.name == HEARTBEAT and step.state is State.OK]
        if not beaten:
            return self._errand.reading(".realtime_ms", state=State.UNKNOWN, detail="no heartbeat came back")
        return self._errand.reading(".realtime_ms", value=beaten[0])

    def _work(self) -> list[Coroutine[Any, Any, list[_Part]]]:
        """List what is to be asked."""
        source = self._source
        work = [self._part(".auth", self._api.auth), self._part(".settings", self._api.settings)]
        if source.storage:
            work.append(self._part(".storage", self._api.storage))
        if source.realtime:
            work.append(self._part(".realtime", self._realtime))
        if source.private_tables:
            work.append(self._part(".private", self._api.private))
        if self._database is not None:
            work.append(self._catalogue(self._database))
        if self._pooler is not None:
            work.append(self._part(".pooler", self._through_pooler))
        return work

    async def _part(self, suffix: str, ask: Callable[[], Awaitable[Sequence[Step]]]) -> list[_Part]:
        """Ask one part, which has its own deadline, behind a wall of its own."""
        began = perf_counter()
        steps: Sequence[Step] = ()
        error: SourceError | None = None
        try:
            steps = await ask()
        except SourceError as raised:
            error = raised
        if error is not None:
            steps = [_failed(error)]
        return [_Part(suffix, steps, (perf_counter() - began) * 1000, error)]

    async def _realtime(self) -> Sequence[Step]:
        source = self._source
        return await talk(
            source.url,
            self._anon,
            channel=source.channel,
            timeout_s=source.timeout_s,
            name=self._name,
            mask=self._errand.mask,
        )

    async def _through_pooler(self) -> Sequence[Step]:
        return await through_pooler(_there(self._pooler), timeout_s=self._source.timeout_s, name=self._name)

    async def _catalogue(self, dsn: Masked | CredentialMissing) -> list[_Part]:
        """Ask the database, over one connection, for its three checks."""
        source = self._source
        began = perf_counter()
        try:
            found = await look(
                _there(dsn),
                schemas=source.schemas,
                exempt=source.rls_exempt,
                timeout_s=source.timeout_s,
                name=self._name,
            )
        except SourceError as error:
            unread = Step(name="catalogue", state=State.UNKNOWN, detail="there was no connection to read it by")
            return [
                _Part(".database", [_failed(error)], (perf_counter() - began) * 1000, error),
                _Part(".rls", [unread], 0.0, error),
                _Part(".functions", [unread], 0.0, error),
            ]
        took_ms = (perf_counter() - began) * 1000
        return [
            _Part(".database", found.connection, took_ms),
            _Part(".rls", found.tables, took_ms),
            _Part(".functions", found.functions, took_ms),
        ]

    def _keys(self) -> list[Step]:
        service = self._service
        steps = key_steps(
            self._source, self._anon, service if isinstance(service, Masked) else None, now=self._errand.clock()
        )
        if isinstance(service, CredentialMissing):
            steps.append(Step(name="service key", state=State.UNKNOWN, detail=str(service)))
        return steps

    def _found(self, secret: Secret | None) -> Masked | CredentialMissing | None:
        """Find a credential that only some checks need; they say themselves where it is missing."""
        if secret is None:
            return None
        try:
            return self._errand.credential(secret)
        except CredentialMissing as error:
            return error

    def _heed(self, errors: Sequence[SourceError | None]) -> SourceError | None:
        """Rest as long as any part was told to. Gives why no part could be asked: the project is out of reach."""
        limits = [error for error in errors if isinstance(error, SourceLimited)]
        self._rest_s = max((error.retry_after_s for error in limits), default=0.0)
        failed = [error for error in errors if error is not None]
        if len(failed) < len(errors):
            return None
        return max(limits, key=lambda error: error.retry_after_s) if limits else failed[0]


def _there(dsn: Masked | CredentialMissing | None) -> Masked:
    if isinstance(dsn, Masked):
        return dsn
    raise dsn or CredentialMissing("the plan names no connection string")


def _failed(error: SourceError) -> Step:
    """Tell why a part could not be asked. A refused credential is the answer to whether the configuration holds."""
    state = State.BAD if isinstance(error, SourceRefused) else State.UNKNOWN
    name = "credential" if isinstance(error, CredentialMissing) else "request"
    return Step(name=name, state=state, detail=str(error))


def _told(steps: Sequence[Step]) -> str:
    """Give the line of a check that is well: what its steps say of themselves."""
    return " · ".join(step.detail for step in steps if step.detail)[:200]
