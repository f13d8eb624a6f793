"""One source, asked again and again, or on demand only, behind a wall of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random

import msgspec
from msgspec.structs import replace

from loom_tui.collector.backoff import delay_s
from loom_tui.room.mail import Reply
from loom_tui.room.signals import PollerReport, Reading, State
from loom_tui.sources.base import (
    Asker,
    Clock,
    CredentialUnfit,
    SourceError,
    SourceLimited,
    SourceRefused,
    SourceTimeout,
)
from loom_tui.sources.meter import Meter, counting

_LOG = logging.getLogger("loom.poller")
PROGRESS_EVERY_S = 0.5


class Poller:
    """Asks, hands the readings on, waits. `nudge` has it ask at once; with an interval of 0 it asks only then.

    What fails is told of `environment` and `release`. `make` is given where progress is told. A try that takes longer
    than `wall_s` is ended, whatever its source waits for. `fresh_for_s` is how long a reading is believed: whoever
    fails is tried again by then. `last_success_at` is what is known from before. `error` is what the last try failed
    of, or None.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[Callable[[str], None]], Asker],
        *,
        environment: str,
        release: str,
        interval_s: float,
        fresh_for_s: float,
        keep: Callable[[Sequence[Reading]], None],
        clock: Clock,
        random: Random,
        wall_s: float | None = None,
        last_success_at: float | None = None,
    ) -> None:
        self.name = name
        self.polls = 0
        self.error: Exception | None = None
        self._make = make
        self._asker: Asker | None = None
        self._environment = environment
        self._release = release
        self._interval_s = interval_s
        self._fresh_for_s = fresh_for_s
        self._keep = keep
        self._clock = clock
        self._random = random
        self._wall_s = wall_s
        self._report = PollerReport(last_success_at=last_success_at)
        self._told_at = 0.0
        self._meter = Meter(clock)
        self._nudged = asyncio.Event()
        self._waiting: list[asyncio.Event] = []

    @property
    def report(self) -> PollerReport:
        """Its own account of itself."""
        return replace(self._report, health=self._meter.health())

    def nudge(self) -> None:
        """Ask at once instead of waiting."""
        self._nudged.set()

    async def asked(self) -> None:
        """Ask at once; returns when a try that began after this call is over, whatever came of it."""
        over = asyncio.Event()
        self._waiting.append(over)
        self.nudge()
        await over.wait()

    async def run(self) -> None:
        """Ask until cancelled. Nothing that a source does ends this."""
        try:
            if not self._interval_s:
                await self._rest(None)
            while True:
                rest_s = await self.once()
                await self._rest(self._delay_s(rest_s) if self._interval_s else None)
        finally:
            for over in self._waiting:
                over.set()
            await self.close()

    async def reply(self, what: str, subject: str, *, timeout_s: float) -> Reply:
        """Have the source answer a room's question; a failure is a sentence."""
        try:
            with counting(self._meter):
                async with asyncio.timeout(timeout_s):
                    return Reply(body=msgspec.Raw(await self._made().reply(what, subject)))
        except TimeoutError:
            return Reply(why=f"{self.name} did not answer within {timeout_s:g} s")
        except SourceError as error:
            return Reply(why=str(error))
        except Exception as error:  # noqa: BLE001 - the wall, as in `_try`
            _LOG.error("%s: %s", self.name, type(error).__name__)
            return Reply(why=f"Loom failed while it asked {self.name} ({type(error).__name__})")

    def _delay_s(self, rest_s: float) -> float:
        return delay_s(
            self._interval_s,
            failures=self._report.failures,
            fresh_for_s=self._fresh_for_s,
            rest_s=rest_s,
            chance=self._random.random(),
            answered=self.error is None,
        )

    def _made(self) -> Asker:
        if self._asker is None:
            self._asker = self._make(self._progress)
        return self._asker

    async def once(self) -> float:
        """Ask once; gives the rest that the source wants. Nothing that the source does raises."""
        self.polls += 1
        waiting, self._waiting = self._waiting, []
        try:
            with counting(self._meter):
                return await self._try()
        finally:
            for over in waiting:
                over.set()

    async def _try(self) -> float:
        if not self._interval_s:
            self._tell(replace(self._report, asking_since=self._clock(), next_try_at=None))
        try:
            readings = await self._within_wall()
        except SourceLimited as error:
            self._failed(str(error), error)
            return max(error.retry_after_s, self._owed_s())
        except (SourceRefused, CredentialUnfit) as error:
            self._failed(str(error), error)
            owed_s = self._owed_s()
            await self.close()  # so that the credential is looked for anew: it may have been replaced
            return owed_s
        except SourceError as error:
            self._failed(str(error), error)
            return self._owed_s()
        except Exception as error:  # noqa: BLE001 - the wall: a defect in one source must not silence the others
            _LOG.error("%s: %s", self.name, type(error).__name__)
            self._failed(f"Loom failed while it asked {self.name} ({type(error).__name__})", error)
            return 0.0
        self.error = None
        self._report = self._judged(readings)
        return self._owed_s()

    def _judged(self, readings: Sequence[Reading]) -> PollerReport:
        """Report a try that came back. One that leaves the source's own check unknown has to be made again soon."""
        own = next((reading for reading in readings if reading.signal == self.name), None)
        if not self._interval_s or own is None or own.state is not State.UNKNOWN:
            return PollerReport(last_success_at=self._clock())
        return PollerReport(last_success_at=self._clock(), failures=self._report.failures + 1, why=own.detail)

    def _owed_s(self) -> float:
        """Give the rest that the source wants, whatever came of asking it."""
        return self._asker.rest_s() if self._asker is not None else 0.0

    async def _within_wall(self) -> Sequence[Reading]:
        """Ask, and keep what was read. Raises SourceError."""
        wall = asyncio.timeout(self._wall_s)
        try:
            async with wall:
                readings = await self._made().ask()
                self._keep(readings)
        except TimeoutError:
            if not wall.expired():
                raise
            await self.close()
            raise SourceTimeout(f"{self.name} did not come to an end within {self._wall_s:g} s") from None
        return readings

    async def close(self) -> None:
        """Close what its source holds open."""
        asker, self._asker = self._asker, None
        if asker is not None:
            await asker.close()

    def _failed(self, why: str, error: Exception) -> None:
        """Count the failure, and say in the source's own check that nothing is known now."""
        self.error = error
        if self._report.why != why:
            _LOG.warning("%s", why)
        now, last = self._clock(), self._report
        since = last.failing_since if last.failing_since is not None else now
        self._report = replace(last, failures=last.failures + 1, failing_since=since, why=why)
        self._keep(
            [
                Reading(
                    signal=self.name,
                    observed_at=now,
                    state=State.UNKNOWN,
                    detail=why,
                    environment=self._environment,
                    release=self._release,
                ),
                *(error.readings if isinstance(error, SourceError) else ()),
            ]
        )

    def _progress(self, text: str) -> None:
        """Tell how far a long run has come, not more often than anybody can read."""
        now = self._clock()
        if 0 <= now - self._told_at < PROGRESS_EVERY_S:
            return
        self._told_at = now
        self._tell(replace(self._report, asking_since=self._report.asking_since or now, progress=text))

    def _tell(self, report: PollerReport) -> None:
        self._report = report
        body = msgspec.json.encode(self.report)
        state = State.OK if not report.failures else State.BAD
        self._keep(
            [Reading(signal=f"feed.{self.name}", observed_at=self._clock(), state=state, detail=report.why, body=body)]
        )

    async def _rest(self, delay: float | None) -> None:
        """Say when the next try is, and wait for it or a nudge; without a delay, for a nudge alone."""
        at = self._clock() + delay if delay is not None else None
        self._tell(replace(self._report, next_try_at=at, asking_since=None, progress=""))
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._nudged.wait()
        self._nudged.clear()
