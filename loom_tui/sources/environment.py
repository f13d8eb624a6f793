"""The environment's variables: set, well-formed, no placeholders, no secret shared. Their values go nowhere."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Mapping, Sequence
from io import StringIO
from secrets import token_bytes
from time import perf_counter

from dotenv import dotenv_values

from loom_tui.files import read_file
from loom_tui.plan.sources.environment import EnvironmentSource, Origin, Variable
from loom_tui.room.checks import Step
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import Asker, Errand, SourceAnswered, SourceError
from loom_tui.sources.checked import checked
from loom_tui.sources.forms import faults_of
from loom_tui.sources.process import run

logging.getLogger("dotenv.main").setLevel(logging.ERROR)  # its warnings would say line numbers of a file that is ours


def make(source: EnvironmentSource, errand: Errand) -> EnvironmentAsker:
    """Make an asker; where it looks is looked at when it is asked."""
    return EnvironmentAsker(source, errand)


class EnvironmentAsker(Asker):
    """Reads the variables, judges them in memory, and forgets them."""

    def __init__(self, source: EnvironmentSource, errand: Errand) -> None:
        self._source = source
        self._errand = errand
        self._label = source.label or errand.name

    async def ask(self) -> Sequence[Reading]:
        """Judge each variable. Raises SourceError where they cannot be read; the other environment fails by itself."""
        began = perf_counter()
        ours = await self._read(self._source.origin)
        steps = [self._step(variable, ours) for variable in self._source.variables]
        required = sum(variable.required for variable in self._source.variables)
        duration_ms = (perf_counter() - began) * 1000
        detail = f"{len(steps)} variables, {required} of them required"
        readings = [checked(self._errand, "", steps, detail=detail, duration_ms=duration_ms)]
        if self._source.other is not None:
            readings.append(await self._reused(self._source.other, ours))
        return readings

    def _step(self, variable: Variable, values: Mapping[str, str]) -> Step:
        value = values.get(variable.name, "")
        if not value.strip():
            state = State.BAD if variable.required else State.OK
            what = "is empty" if variable.name in values else "is not set"
            return Step(name=variable.name, state=state, detail=what if variable.required else f"{what}, and may be")
        faults = faults_of(variable, value, now=self._errand.clock())
        detail = "; ".join(faults) or f"is set and well-formed ({variable.form})"
        return Step(name=variable.name, state=State.BAD if faults else State.OK, detail=detail)

    async def _reused(self, other: Origin, ours: Mapping[str, str]) -> Reading:
        """Compare the secrets by keyed hashes, under whatever name the other environment holds them."""
        began = perf_counter()
        label = other.label or "the other environment"
        try:
            theirs = await self._read(other)
        except SourceError as error:
            return self._errand.reading(".reused", state=State.UNKNOWN, detail=str(error))
        key = token_bytes(32)
        known = {_hashed(value, key): name for name, value in theirs.items() if value.strip()}
        steps = []
        for variable in self._source.variables:
            value = ours.get(variable.name, "").strip()
            if not variable.secret or not value:
                continue
            twin = known.get(_hashed(value, key))
            state = State.OK if twin is None else State.BAD
            detail = "is not there" if twin is None else f"is the same secret as {twin} in {label}"
            steps.append(Step(name=variable.name, state=state, detail=detail))
        secrets = [variable.name for variable in self._source.variables if variable.secret]
        if not any(theirs.get(name, "").strip() for name in secrets):
            why = f"{label} sets none of these secrets; is it the right place?"
            steps.append(Step(name=label, state=State.UNKNOWN, detail=why))
        duration_ms = (perf_counter() - began) * 1000
        return checked(
            self._errand, ".reused", steps, detail=f"secrets compared: {len(steps)}", duration_ms=duration_ms
        )

    async def _read(self, origin: Origin) -> Mapping[str, str]:
        """Read variables from where they are. Raises SourceError, whose words hold none of them."""
        if origin.dotenv:
            path = self._errand.directory / origin.dotenv
            try:
                return _parsed((await asyncio.to_thread(read_file, path)).decode("utf-8-sig"))
            except (OSError, UnicodeDecodeError) as error:
                why = error.strerror if isinstance(error, OSError) else "it is not text"
                raise SourceAnswered(f"{self._label}: {origin.dotenv} cannot be read: {why}") from None
        if not origin.command:
            return self._errand.environ
        done = await run(
            origin.command,
            directory=self._errand.directory,
            environ=self._errand.environ,
            timeout_s=self._source.timeout_s,
            name=self._label,
        )
        if done.code:
            raise SourceAnswered(f"{self._label}: `{origin.command[0]}` failed with code {done.code}")
        values = _parsed(done.stdout.decode("utf-8", "replace"))
        if not values:
            raise SourceAnswered(f"{self._label}: `{origin.command[0]}` printed no variables (NAME=value, one a line)")
        return values


def _parsed(text: str) -> dict[str, str]:
    values = dotenv_values(stream=StringIO(text), interpolate=False)
    return {name: value for name, value in values.items() if value is not None}


def _hashed(value: str, key: bytes) -> bytes:
    return hmac.digest(key, value.strip().encode("utf-8", "surrogatepass"), "sha256")
