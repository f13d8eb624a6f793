"""A Supabase project's outside on loopback: Phoenix frames over a real websocket, canned answers for the rest.

No Supabase runs without containers, so its answers are those that its interfaces document; the websocket's handshake,
frames and closes are the `websockets` library's.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

Behaviour = Callable[[ServerConnection, dict[str, Any]], Awaitable[None]]
REALTIME = "/realtime/v1/websocket"
SETTINGS = {"external": {"email": True, "google": True, "phone": False}, "disable_signup": False}


def usual() -> dict[str, tuple[int, Any]]:
    """Give each path's status and body on a good day."""
    return {
        "/auth/v1/health": (200, {"version": "v2.180.0", "name": "GoTrue", "description": "GoTrue is a user API"}),
        "/auth/v1/settings": (200, {**SETTINGS, "mailer_autoconfirm": False, "sms_provider": "twilio"}),
        "/storage/v1/status": (200, ""),
    }


async def phoenix(socket: ServerConnection, frame: dict[str, Any]) -> None:
    """Answer a join and a heartbeat as realtime does, with what it says unasked between."""
    reply = {"topic": frame["topic"], "event": "phx_reply", "payload": {"status": "ok", "response": {}}}
    if frame["event"] == "phx_join":
        assert frame["payload"]["config"]["broadcast"] == {"ack": False, "self": False}
        await socket.send(json.dumps({**reply, "event": "presence_state", "payload": {}, "ref": None}))
    await socket.send(json.dumps({**reply, "ref": frame["ref"]}))


class Project:
    """What the project was asked, and where it is."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self.frames: list[dict[str, Any]] = []


@asynccontextmanager
async def project(
    answers: dict[str, tuple[int, Any]] | None = None,
    *,
    realtime: Behaviour = phoenix,
    handshake: tuple[int, dict[str, str], str] | None = None,
) -> AsyncIterator[Project]:
    """Have a project. `answers` are more or other paths; `handshake` refuses the websocket: status, headers, body."""
    known = {**usual(), **(answers or {})}
    it = Project()

    async def talk(socket: ServerConnection) -> None:
        async for message in socket:
            it.frames.append(json.loads(message))
            await realtime(socket, it.frames[-1])

    def respond(socket: ServerConnection, request: Request) -> Response | None:
        it.requests.append(request)
        path = request.path.partition("?")[0]
        if path == REALTIME:
            if handshake is None:
                return None
            status, headers, text = handshake
            return Response(status, "No", Headers({**headers, "Content-Length": str(len(text))}), text.encode())
        status, body = known.get(path, (404, {"message": "no such path"}))
        text = body if isinstance(body, str) else json.dumps(body)
        headers = {"Content-Length": str(len(text)), "Connection": "close"}
        if status == 302:
            headers["Location"], text = text, ""
            headers["Content-Length"] = "0"
        return Response(status, "As Asked", Headers(headers), text.encode())

    async with serve(talk, "127.0.0.1", 0, process_request=respond) as server:
        host, port = next(iter(server.sockets)).getsockname()[:2]
        it.url = f"http://{host}:{port}"
        yield it
