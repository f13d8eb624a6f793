"""One source, asked again and again, behind a wall of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from random import Random

import msgspec
from msgspec.structs import replace

from loom_tui.collector.backoff import delay_s
from loom_tui.room.signals import PollerReport, Reading, State
from loom_tui.sources.base import Asker, Clock, SourceError, SourceLimited

_LOG = logging.getLogger("loom.poller")


class Poller:
    """Asks, hands the readings on, waits. `nudge` has it ask at once."""

    def __init__(
        self,
        name: str,
        make: Callable[[], Asker],
        *,
        interval_s: float,
        keep: Callable[[Sequence[Reading]], None],
        clock: Clock,
        random: Random,
    ) -> None:
        self.name = name
        self.polls = 0
        self._make = make
        self._asker: Asker | None = None
        self._interval_s = interval_s
        self._keep = keep
        self._clock = clock
        self._random = random
        self._report = PollerReport()
        self._nudged = asyncio.Event()

    def nudge(self) -> None:
        """Ask at once instead of waiting."""
        self._nudged.set()

    async def run(self) -> None:
        """Ask until cancelled. Nothing that a source does ends this."""
        try:
            while True:
                rest_s = await self._once()
                delay = delay_s(
                    self._interval_s, failures=self._report.failures, rest_s=rest_s, chance=self._random.random()
                )
                self._tell(replace(self._report, next_try_at=self._clock() + delay))
                await self._wait(delay)
        finally:
            if self._asker is not None:
                await self._asker.close()

    async def _once(self) -> float:
        """Ask once; gives the rest that the source wants."""
        self.polls += 1
        try:
            if self._asker is None:
                self._asker = self._make()
            self._keep(await self._asker.ask())
        except SourceLimited as error:
            self._failed(str(error))
            return error.retry_after_s
        except SourceError as error:
            self._failed(str(error))
            return 0.0
        except Exception as error:  # noqa: BLE001 - the wall: a defect in one source must not silence the others
            _LOG.error("%s: %s", self.name, type(error).__name__)
            self._failed(f"Loom failed while it asked {self.name} ({type(error).__name__})")
            return 0.0
        self._report = PollerReport(last_success_at=self._clock())
        return self._asker.rest_s()

    def _failed(self, why: str) -> None:
        """Count the failure, and say in the source's own check that nothing is known now."""
        if self._report.why != why:
            _LOG.warning("%s", why)
        self._report = replace(self._report, failures=self._report.failures + 1, why=why)
        now = self._clock()
        self._keep([Reading(signal=self.name, observed_at=now, state=State.UNKNOWN, detail=why)])

    def _tell(self, report: PollerReport) -> None:
        self._report = report
        body = msgspec.json.encode(report)
        state = State.OK if not report.failures else State.BAD
        self._keep(
            [Reading(signal=f"feed.{self.name}", observed_at=self._clock(), state=state, detail=report.why, body=body)]
        )

    async def _wait(self, delay: float) -> None:
        try:
            async with asyncio.timeout(delay):
                await self._nudged.wait()
        except TimeoutError:
            pass
        self._nudged.clear()
