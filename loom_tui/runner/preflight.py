"""What a step needs, and what can be asked of its target, looked at before the start: nothing is done yet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from loom_tui.plan.acts import AnyActStep, CommandAct, SqlAct
from loom_tui.room.acting import Outcome
from loom_tui.sources.acts import credentials_of, do, try_out
from loom_tui.sources.base import SourceError
from loom_tui.sources.mask import Masked
from loom_tui.sources.scene import Scene

HURRY_S = 5.0  # so long a rollback's pre-flight may take: it only warns, and people wait
ASK_S = 30.0


class Found(Struct, frozen=True, kw_only=True):
    """What a step has, and lacks. With something `missing` it cannot be done; past a `doubt` a person may go on."""

    credentials: Mapping[str, Masked] = {}
    script: bytes | None = None  # what a `sql` step is to run
    missing: str = ""
    doubt: str = ""  # what its target answered

    @property
    def trouble(self) -> str:
        """Either, in a sentence."""
        return self.missing or self.doubt


async def look(
    step: AnyActStep,
    scene: Scene,
    *,
    script: Callable[[Scene], Awaitable[bytes]],
    limit_s: float | None = None,
    asks: bool = False,
) -> Found:
    """Resolve a step's credentials, which the scene lacks, try what it needs, and ask its target where it `asks`.

    `script` gives what a `sql` step is to run. Raises what it raises, but for SourceError.
    """
    credentials: Mapping[str, Masked] = {}
    try:
        async with asyncio.timeout(limit_s):
            if isinstance(step, SqlAct):  # first: a credential that is missing, or is waited for, keeps no edit out
                scene = replace(scene, script=await script(scene))
            credentials = await credentials_of(step, scene.environ, scene.directory)
            scene = replace(scene, credentials=credentials)
            await try_out(step, scene)
            doubt = await _asked(step, scene) if asks and isinstance(step, CommandAct) and step.ask else ""
    except SourceError as error:
        return Found(credentials=credentials, missing=str(error))
    except TimeoutError:
        why = f"“{step.name}”: what it needs did not answer within {limit_s:g} s"
        return Found(credentials=credentials, missing=why)
    return Found(credentials=credentials, script=scene.script, doubt=doubt)


async def _asked(step: CommandAct, scene: Scene) -> str:
    """Run what asks of a step's target whether it is there and well; gives why not."""
    asking = replace(step, run=step.ask, expect_exit=0, timeout_s=min(step.timeout_s, ASK_S))
    try:
        await try_out(asking, scene)
        ended = await do(asking, scene, len)
    except SourceError as error:
        return str(error)
    asked = asking.shown(scene.values)
    return "" if ended.outcome is Outcome.OK else f"“{step.name}”: its target was asked (`{asked}`): {ended.why}"
