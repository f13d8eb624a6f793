"""How Supabase's realtime answers on a bad day, in a project that is well otherwise."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from tests.supabase import REALTIME


async def _no_frames(socket: ServerConnection, _: dict[str, Any]) -> None:
    await socket.send('[{"topic": 7}]')


async def _cut(socket: ServerConnection, _: dict[str, Any]) -> None:
    socket.transport.abort()


async def _silent(socket: ServerConnection, _: dict[str, Any]) -> None:
    await socket.wait_closed()


async def _chatter(socket: ServerConnection, _: dict[str, Any]) -> None:
    frame = json.dumps({"topic": "realtime:others", "event": "broadcast", "payload": {}, "ref": None})
    with suppress(ConnectionClosed):
        while True:
            await socket.send(frame)
            await asyncio.sleep(0.02)


async def _torn(socket: ServerConnection, _: dict[str, Any]) -> None:
    await socket.send('{"topic": "phoenix", "event": "phx_re')


DAYS: dict[str, tuple[dict[str, Any], str]] = {
    "wrong types": ({"realtime": _no_frames}, "no Phoenix frame"),
    "truncated": ({"realtime": _torn}, "no Phoenix frame"),
    "cut off": ({"realtime": _cut}, "the connection was closed"),
    "401": ({"handshake": (401, {}, "no")}, "refused the key \\(401\\)"),
    "403": ({"handshake": (403, {}, "no")}, "refused the key \\(403\\)"),
    "404": ({"handshake": (404, {}, "no")}, "no realtime at this address"),
    "429": ({"handshake": (429, {"Retry-After": "17"}, "no")}, "left alone for 17 s"),
    "500": ({"handshake": (500, {}, "no")}, "answered 500"),
    "HTML": ({"handshake": (200, {"Content-Type": "text/html"}, "<!doctype html>")}, "answered 200"),
    "redirect loop": ({"handshake": (302, {"Location": REALTIME}, "")}, "redirects in a circle"),
    "hang": ({"realtime": _silent}, "within"),
    "slow drip": ({"realtime": _chatter}, "within"),
}
