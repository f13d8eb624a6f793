"""A message on the stdin of a command; exit 0 acknowledges it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from tempfile import TemporaryFile

from loom_tui.plan.channels import CommandChannel
from loom_tui.room.acting import Outcome
from loom_tui.room.messages import Message
from loom_tui.sources.base import SourceTimeout
from loom_tui.sources.mask import Masked
from loom_tui.sources.process import run
from loom_tui.sources.scene import Ended, Scene


def written(channel: CommandChannel, message: Message, credentials: Mapping[str, Masked]) -> str:
    """Write the command, and what it would read."""
    words = [f"{key.removeprefix('secrets.')}={each.reveal()}" for key, each in credentials.items()]
    line = " ".join((*words, shlex.join(channel.run)))
    where = f"cd {shlex.quote(channel.directory)} && " if channel.directory else ""
    return f"{where}{line}\n\n{_read_by_it(message)}"


async def send(channel: CommandChannel, message: Message, scene: Scene, *, within_s: float) -> Ended:
    """Run it to its end. Raises SourceUnreachable where it cannot be started."""
    secret = {key.removeprefix("secrets."): each.reveal() for key, each in scene.credentials.items()}
    with TemporaryFile() as file:
        file.write(_read_by_it(message).encode())
        file.seek(0)
        try:
            done = await run(
                channel.run,
                directory=scene.directory / channel.directory,
                environ={**scene.environ, **secret},
                timeout_s=min(within_s, channel.timeout_s),
                name="the channel",
                stdin=file,
                descriptors=scene.descriptors,
            )
        except SourceTimeout as error:
            return Ended(Outcome.UNKNOWN, f"{error}: it may have been sent")
    said = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
    if done.code < 0:
        return Ended(Outcome.UNKNOWN, f"signal {-done.code} ended it in the middle")
    if done.code:
        return Ended(Outcome.FAILED, f"exit {done.code}: {said}" if said else f"exit {done.code}")
    return Ended(Outcome.OK, f"exit 0 {said[:60]}".strip())


def _read_by_it(message: Message) -> str:
    return f"{message.subject}\n\n{message.whole}\n"
