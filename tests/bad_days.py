"""How a server on a bad day answers: one handler a misfortune, for every source that asks over HTTP."""

from __future__ import annotations

import json
from asyncio import StreamWriter
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.servers import Handler, answer, circle, closed, drip, hang, serving, slam, speaking_no_tls

SECRET = "planted-4711-secret"

BAD_DAYS: dict[str, Handler] = {
    "401": answer(b'{"detail": "Invalid token"}', status="401 Unauthorized"),
    "403": answer(b'{"detail": "No permission"}', status="403 Forbidden"),
    "404": answer(b'{"detail": "Not found"}', status="404 Not Found"),
    "429": answer(b"{}", status="429 Too Many Requests", headers="retry-after: 17\r\n"),
    "500": answer(b"Internal Server Error", status="500 Internal Server Error"),
    "HTML": answer(b"<!doctype html><title>Sign in</title>"),
    "wrong types": answer(b'[{"id": {}, "version": [], "results": 7}]'),
    "another form": answer(b'"well"'),
    "null": answer(b"null"),
    "truncated": answer(b'[{"id": "7", "tit'),
    "cut off": answer(b"{}", length=5000),
    "nested too deeply": answer(b"[" * 100_000),
    "no text": answer(b"\xff\xfe\x00\x01"),
    "6 MB": answer(b"x" * 6_000_000),
    "redirect loop": circle,
    "hang": hang,
    "slow drip": drip,
    "slammed": slam,
}
MISFORTUNES = (*BAD_DAYS, "connection refused", "TLS failure")


@asynccontextmanager
async def misfortune(name: str) -> AsyncIterator[str]:
    """Have a server on such a day; gives its URL."""
    if name == "TLS failure":
        async with speaking_no_tls() as url:
            yield url
    elif name == "connection refused":
        with closed() as port:
            yield f"http://127.0.0.1:{port}"
    else:
        async with serving(BAD_DAYS[name]) as server:
            yield server.url


def echoing(secret: str) -> dict[str, Handler]:
    """Answer with whatever was sent, as careless servers do: the secret must not come out on our side.

    "failing" does so with 500, "well" in every text of an answer that is well-formed, whoever asks.
    """

    def said(head: str) -> str:
        return f"{secret} {b64encode(f'loom:{secret}'.encode()).decode()} {head}"

    async def failing(head: str, writer: StreamWriter) -> None:
        await answer(said(head).encode(), status="500 Internal Server Error")(head, writer)

    async def well(head: str, writer: StreamWriter) -> None:
        word = said(head)
        issue = {"number": 7, "id": word, "title": word, "state": "open", "shortId": word, "culprit": word}
        health = dict.fromkeys(("version", "auth", "status"), word) | {"name": "GoTrue"}
        page = {"results": [_bugsink_issue(word)]}
        bodies = {"/issues/?project=1": page, "/issues": [issue], "/projects/1/": {"digested_event_count": 7}}
        body = next((body for path, body in bodies.items() if path in head.partition("\n")[0]), health)
        await answer(json.dumps(body).encode())(head, writer)

    return {"failing": failing, "well": well}


def _bugsink_issue(word: str) -> dict[str, object]:
    texts = dict.fromkeys(("id", "friendly_id", "calculated_type", "calculated_value", "transaction"), word)
    return {**texts, "first_seen": "2026-01-01T00:00:00Z", "last_seen": word, "digested_event_count": 7}
