"""An action gone through without doing it: what each step needs is tried, dry runs are run, messages shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from loom_tui.plan.acts import AnyActStep, CommandAct, NotifyAct
from loom_tui.plan.model import Action, Plan
from loom_tui.room.acting import Outcome
from loom_tui.runner.notices import mask_of, message_of, notice_of
from loom_tui.runner.output import MAX_BYTES
from loom_tui.sources.acts import credentials_of, do, shown_secrets, try_out
from loom_tui.sources.base import SourceError
from loom_tui.sources.channels import written
from loom_tui.sources.credentials import resolve
from loom_tui.sources.mask import Mask
from loom_tui.sources.scene import Scene
from loom_tui.store.base import Head


class Rehearsed(Struct, frozen=True, kw_only=True):
    """What a dry run is made of. `directory` is the plan's, `head` the journal's, `values` those of the variables."""

    label: str  # of the action
    plan: Plan
    directory: Path
    environ: Mapping[str, str]
    values: Mapping[str, str]
    head: Head


async def dry_run(action: Action, of: Rehearsed, say: Callable[[str], None]) -> bool:
    """Go through an action's steps, and say what comes of each; says whether all is well. Nothing is sent."""
    well = True
    for number, step in enumerate(action.steps, 1):
        mask = mask_of(of.plan, of.environ)
        say(f"{number} {step.name}: {mask.hide(step.shown(of.values))}")
        for line in _messages(step, of, mask):
            say(f"    {line}")
        trouble = await _tried(step, of, mask, lambda line: say(f"    {line}"))
        if trouble:
            say(f"  ! {mask.hide(trouble)}")
            well = False
    return well


def _messages(step: AnyActStep, of: Rehearsed, mask: Mask) -> list[str]:
    """Write what would be sent, to each channel."""
    if not isinstance(step, NotifyAct):
        return []
    notice = notice_of(step, 0, label=of.label, values=of.values)
    message = message_of(of.plan, notice, of.head, mask)
    lines = []
    for name in notice.channels:
        channel = of.plan.channels[name]
        lines += [f"{name} ({channel.place()}):", *(f"  {line}" for line in written(channel, message).splitlines())]
    return lines


async def _tried(step: AnyActStep, of: Rehearsed, mask: Mask, say: Callable[[str], None]) -> str:
    """Try what a step needs, and run its own dry run; gives what is wrong."""
    said, complained = bytearray(), bytearray()  # apart: each is masked whole
    try:
        credentials = await credentials_of(step, of.environ, of.directory)
        for secret in shown_secrets(credentials):
            mask.add(secret)
        scene = Scene(directory=of.directory, environ=of.environ, values=of.values, credentials=credentials)
        await try_out(step, scene)
        if isinstance(step, NotifyAct):
            for name in step.channels:
                for _, wanted in of.plan.channels[name].credentials():
                    await resolve(wanted, of.environ, of.directory)
        if not isinstance(step, CommandAct) or not step.dry_run:
            return ""
        rehearsal = replace(step, run=step.dry_run, expect_exit=0)
        await try_out(rehearsal, scene)
        ended = await do(
            rehearsal,
            scene,
            lambda part: said.extend(part[: MAX_BYTES - len(said)]),
            complained=lambda part: complained.extend(part[: MAX_BYTES - len(complained)]),
        )
    except SourceError as error:
        return str(error)
    for words in (said, complained):
        for line in mask.hide(words.decode("utf-8", "replace")).splitlines():
            say(line)
    return "" if ended.outcome is Outcome.OK else f"its dry run: {ended.why}"
