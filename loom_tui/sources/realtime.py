"""Supabase realtime: a real websocket, a channel joined, a heartbeat answered (Phoenix frames, version 1.0.0)."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from time import perf_counter, time
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, SecurityError, WebSocketException

from loom_tui.room.checks import Step
from loom_tui.room.signals import State
from loom_tui.sources.base import SourceAnswered, SourceLimited, SourceTimeout, SourceUnreachable
from loom_tui.sources.mask import Mask, Masked
from loom_tui.sources.meter import meter
from loom_tui.sources.web import retry_after_s

MAX_FRAME_BYTES = 1_000_000
MAX_FRAMES = 100  # of others' talk, before the answer to ours
CLOSE_TIMEOUT_S = 0.5
HEARTBEAT = "heartbeat"
_LOG = logging.getLogger("loom.realtime")
_LOG.setLevel(logging.WARNING)  # below it the client writes its request line, and the key is in that
_REFUSED = {
    401: "refused the key (401)",
    403: "refused the key (403): realtime may be switched off, or the key another project's",
    404: "there is no realtime at this address (404); the plan's url may be wrong",
}
_CONFIG = {
    "broadcast": {"ack": False, "self": False},
    "presence": {"key": ""},
    "postgres_changes": [],
    "private": False,
}


class _Frame(Struct):
    topic: str
    event: str
    payload: Any = None
    ref: str | int | None = None


class _Message(Struct, frozen=True, kw_only=True):
    """What is sent, and the step that tells of it."""

    step: str
    topic: str
    event: str
    payload: Mapping[str, Any]
    ref: str


class _Broken(Exception):
    """The talk ended; the message says why."""

    def __init__(self, message: str, *, state: State) -> None:
        super().__init__(message)
        self.state = state


async def talk(url: str, key: Masked, *, channel: str, timeout_s: float, name: str, mask: Mask) -> list[Step]:
    """Shake hands, join, beat once, leave. A refusal is a bad step; SourceError where nothing can be said.

    The heartbeat's step is named HEARTBEAT; its duration is the round trip.
    """
    address = f"{url.rstrip('/').replace('http', 'ws', 1)}/realtime/v1/websocket"
    began = perf_counter()
    meter().called()
    steps: list[Step] = []
    try:
        async with asyncio.timeout(timeout_s), _connecting(address, key) as socket:
            opened_ms = (perf_counter() - began) * 1000
            steps.append(
                Step(name="handshake", state=State.OK, sent=f"GET {address}", got="101", duration_ms=opened_ms)
            )
            join = _Message(
                step="join", topic=f"realtime:{channel}", event="phx_join", payload={"config": _CONFIG}, ref="1"
            )
            beat = _Message(step=HEARTBEAT, topic="phoenix", event="heartbeat", payload={}, ref="2")
            for message in (join, beat):
                steps.append(await _say(socket, message, mask))
                if steps[-1].state is not State.OK:
                    break
    except InvalidStatus as error:
        steps.append(_refused(error, address, mask, name))
    except TimeoutError:
        raise SourceTimeout(f"{name}: realtime did not answer within {timeout_s:g} s") from None
    except ssl.SSLError:
        raise SourceUnreachable(f"{name}: realtime's certificate does not hold, or it speaks no TLS there") from None
    except OSError:
        raise SourceUnreachable(f"{name}: no connection to realtime's address") from None
    except SecurityError:
        raise SourceAnswered(
            f"{name}: realtime redirects in a circle, or away from TLS; the url may be an old one"
        ) from None
    except WebSocketException:
        raise SourceAnswered(f"{name}: what answered at realtime's address speaks no websocket") from None
    return steps


def _connecting(address: str, key: Masked) -> connect:
    return connect(
        f"{address}?apikey={quote(key.reveal(), safe='')}&vsn=1.0.0",
        open_timeout=None,  # one deadline for all of it
        ping_interval=None,
        close_timeout=CLOSE_TIMEOUT_S,
        max_size=MAX_FRAME_BYTES,
        compression=None,
        proxy=None,
        user_agent_header="loom",
        logger=_LOG,
    )


def _refused(error: InvalidStatus, address: str, mask: Mask, name: str) -> Step:
    """Tell a refused handshake for what it is. Raises SourceLimited for 429."""
    response = error.response
    status = response.status_code
    if status == 429:
        headers = {field.lower(): value for field, value in response.headers.raw_items()}
        wait_s = retry_after_s(headers, now=time())
        raise SourceLimited(
            f"{name}: realtime has too many connections, and asks to be left alone for {wait_s:.0f} s (429)",
            retry_after_s=wait_s,
        ) from None
    said = mask.hide((response.body or b"").decode("utf-8", "replace"))[:300]
    detail = _REFUSED.get(status, f"answered {status} instead of opening a websocket")
    return Step(name="handshake", state=State.BAD, detail=detail, sent=f"GET {address}", got=f"{status}\n{said}")


async def _say(socket: ClientConnection, message: _Message, mask: Mask) -> Step:
    """Send one message and wait for the reply that bears its reference."""
    words = {"topic": message.topic, "event": message.event, "payload": message.payload, "ref": message.ref}
    sent = msgspec.json.encode(words).decode()
    began = perf_counter()
    got = ""
    try:
        await socket.send(sent)
        reply = await _reply(socket, message)
        got = msgspec.json.encode(reply.payload).decode()
        state, detail = _judged(reply, message.event)
    except ConnectionClosed as error:
        closed = error.rcvd
        why = " ".join(filter(None, (str(closed.code), closed.reason))) if closed is not None else "without a word"
        state, detail = State.BAD, f"the connection was closed: {why}"
    except _Broken as error:
        state, detail = error.state, str(error)
    return Step(
        name=message.step,
        state=state,
        detail=mask.hide(detail)[:300],
        sent=sent,
        got=mask.hide(got)[:500],
        duration_ms=(perf_counter() - began) * 1000,
    )


async def _reply(socket: ClientConnection, message: _Message) -> _Frame:
    """Wait for our reply, past what else is said. Raises _Broken, or ConnectionClosed."""
    for _ in range(MAX_FRAMES):
        try:
            frame = msgspec.json.decode(await socket.recv(), type=_Frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _Broken("what came back is no Phoenix frame", state=State.UNKNOWN) from None
        if frame.event == "phx_reply" and str(frame.ref) == message.ref:
            return frame
        if frame.event in ("phx_error", "phx_close") and frame.topic == message.topic:
            raise _Broken(f"the server ended the channel ({frame.event})", state=State.BAD)
    raise _Broken(f"{MAX_FRAMES} messages came, and none was the answer", state=State.UNKNOWN)


def _judged(reply: _Frame, event: str) -> tuple[State, str]:
    payload = reply.payload if isinstance(reply.payload, dict) else {}
    status = payload.get("status")
    if status == "ok":
        return State.OK, ""
    if status != "error":
        return State.UNKNOWN, f"the reply to {event} has no status"
    response = payload.get("response")
    reason = response.get("reason", "") if isinstance(response, dict) else response
    return State.BAD, f"{event} was refused: {reason or 'no reason was given'}"
