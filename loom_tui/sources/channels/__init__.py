"""Telling people: a message handed to a channel of the plan, and what the channel said to it.

Each kind is a module with `written`, exactly what would be sent, and `send`. What may have been sent is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from types import ModuleType
from urllib.parse import urlsplit

from msgspec.structs import replace

from loom_tui.plan.channels import Channel, CommandChannel, EmailChannel, SlackChannel, WebhookChannel
from loom_tui.room.acting import Outcome
from loom_tui.room.messages import Message
from loom_tui.sources.base import SourceError
from loom_tui.sources.credentials import resolve
from loom_tui.sources.mask import Mask, Masked
from loom_tui.sources.scene import Ended, Scene
from loom_tui.sources.scrub import DOTS

_MODULES: Mapping[type[Channel], str] = {
    SlackChannel: "web",
    WebhookChannel: "web",
    EmailChannel: "mail",
    CommandChannel: "command",
}
_LONG = 8  # characters of an address's part that may be a secret of its own: /services/T0/B0/XXXXXXXX
WHY = 200


async def send(channel: Channel, message: Message, scene: Scene, *, within_s: float) -> Ended:
    """Hand a message to a channel once, within a time; gives its acknowledgement, or why there is none.

    A limit that ends within that time is waited out.
    """
    mask = Mask()
    try:
        credentials = {
            key: await resolve(secret, scene.environ, scene.directory) for key, secret in channel.credentials()
        }
        for text in secrets_in(credentials):
            mask.add(text)
        own = replace(scene, credentials=credentials)
        ended: Ended = await _module(channel).send(channel, message, own, within_s=within_s)
    except SourceError as error:  # nothing was sent
        ended = Ended(Outcome.FAILED, str(error))
    return Ended(ended.outcome, mask.foreign(ended.why, limit=WHY))


def written(channel: Channel, message: Message) -> str:
    """Write exactly what would be sent, with dots for every credential."""
    hidden = {key: Masked(DOTS) for key, _ in channel.credentials()}
    text: str = _module(channel).written(channel, message, hidden)
    return text


def secrets_in(credentials: Mapping[str, Masked]) -> Iterable[str]:
    """Give what must not be shown of a channel's credentials: of an address its long parts too."""
    for credential in credentials.values():
        text = credential.reveal()
        yield text
        if "://" in text:
            path = urlsplit(text).path
            yield from (part for part in (path, *path.split("/")) if len(part) >= _LONG)


def _module(channel: Channel) -> ModuleType:
    return import_module(f"{__name__}.{_MODULES[type(channel)]}")  # mail's library costs 0.2 s to import
