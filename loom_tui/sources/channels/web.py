"""A message as a webhook takes it: Slack's form, or the plan's own JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from loom_tui.plan.channels import SlackChannel, WebhookChannel
from loom_tui.plan.template import fill_all
from loom_tui.room.acting import Outcome
from loom_tui.room.messages import Message
from loom_tui.sources.base import SourceAnswered, SourceLimited, SourceTimeout, SourceUnreachable
from loom_tui.sources.mask import Masked
from loom_tui.sources.scene import Ended, Scene
from loom_tui.sources.scrub import DOTS
from loom_tui.sources.steps.web import Browser, Call, Got
from loom_tui.sources.web import Answer

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})  # all that Slack asks for: `<!channel>` is a call


def call_of(channel: SlackChannel | WebhookChannel, message: Message, credentials: Mapping[str, Masked]) -> Call:
    """Make the request. Raises SourceUnreachable for an address that is none."""
    url = credentials["url"].reveal()
    if not url.startswith(("https://", "http://", DOTS)):
        raise SourceUnreachable("The channel's address is no URL that can be asked")
    if isinstance(channel, SlackChannel):
        return Call(
            method="POST", url=url, json={"text": message.whole.translate(_ESCAPES), "mrkdwn": False}, follow=False
        )
    fields = {
        "text": message.whole,
        "subject": message.subject,
        "room": message.room,
        "environment": message.environment,
        "release": message.release,
        "journal": message.journal,
    }
    secrets = {key.removeprefix("secrets."): each.reveal() for key, each in credentials.items()}
    body = fields if channel.json is None else fill_all(channel.json, {**secrets, **fields}.__getitem__)
    headers = fill_all(
        channel.headers, {**{key: _in_header(text) for key, text in fields.items()}, **secrets}.__getitem__
    )
    return Call(method="POST", url=url, headers=headers, json=body, follow=False)


def written(channel: SlackChannel | WebhookChannel, message: Message, credentials: Mapping[str, Masked]) -> str:
    """Write the request as it would be sent."""
    call = call_of(channel, message, credentials)
    head = [
        f"POST {call.url}",
        "content-type: application/json",
        *(f"{key}: {text}" for key, text in call.headers.items()),
    ]
    return "\n".join((*head, "", msgspec.json.encode(call.json).decode()))


async def send(channel: SlackChannel | WebhookChannel, message: Message, scene: Scene, *, within_s: float) -> Ended:
    """Send it; a limit that ends in time is waited out. Raises SourceError where nothing was sent."""
    call = call_of(channel, message, scene.credentials)
    ends_at = asyncio.get_running_loop().time() + within_s
    browser = Browser("the channel", timeout_s=channel.timeout_s, missing="its webhook was revoked, or never was")
    try:
        while True:
            left_s = ends_at - asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(min(left_s, channel.timeout_s)):
                    got = await browser.send(call)
            except (TimeoutError, SourceTimeout):
                return Ended(Outcome.UNKNOWN, f"no answer within {channel.timeout_s:g} s: it may have been sent")
            except SourceAnswered as error:
                return Ended(Outcome.UNKNOWN, f"{error}: it may have been sent")
            try:
                return _judged(got, browser)
            except SourceLimited as limit:
                if limit.retry_after_s >= ends_at - asyncio.get_running_loop().time():
                    raise
                await asyncio.sleep(limit.retry_after_s)
    finally:
        await browser.close()


def _judged(got: Got, browser: Browser) -> Ended:
    """Read an answer. Raises SourceError where it says that nothing was taken."""
    if got.status >= 500 and "retry-after" not in got.headers:
        return Ended(Outcome.UNKNOWN, f"answered {got.status}: it may have been sent")
    if not 200 <= got.status < 300:
        browser.expect_ok(Answer(status=got.status, headers=got.headers, body=got.body, latency_ms=0.0))
    text = got.text.strip()
    if text.startswith("<") or "html" in got.headers.get("content-type", ""):
        return Ended(Outcome.UNKNOWN, f"answered {got.status} with a page (HTML) in the place of an acknowledgement")
    refused = _refused(text)
    return Ended(Outcome.FAILED, refused) if refused else Ended(Outcome.OK, f"{got.status} {text[:60]}".strip())


def _refused(text: str) -> str:
    """Say why, where an answer of 200 says no all the same: `{"ok": false, "error": "no_text"}`."""
    try:
        told: Any = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return ""
    if isinstance(told, dict) and (told.get("ok") is False or told.get("success") is False):
        return f"refused: {told.get('error', 'it does not say why')}"
    return ""


def _in_header(text: str) -> str:
    """Write a message's field so that a header can hold it, in one line."""
    return " ".join(text.split()).encode("ascii", "replace").decode()
