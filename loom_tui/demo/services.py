"""The demo's loopback services: a function from a request and the time to an answer; `serve` gives it a port."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from msgspec import Struct

MAX_BODY_BYTES = 1_000_000


class Request(Struct, frozen=True, kw_only=True):
    """What was asked: `base` is the service's own address, `query` the first value of each parameter."""

    base: str
    path: str
    method: str = "GET"
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}  # their names in small letters
    bearer: str = ""
    body: bytes = b""


class Answer(Struct, frozen=True, kw_only=True):
    """What is answered: a status, bytes of some kind or what JSON is made of, and headers beside the content type."""

    body: Any = b""
    status: int = 200
    kind: str = "application/json"
    headers: Mapping[str, str] = {}


Service = Callable[[Request, float], Answer]


@contextmanager
def serve(service: Service, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve on a thread of its own, at a free port unless one is given; gives the address."""
    server = ThreadingHTTPServer((host, port), _handler(service))
    server.daemon_threads = True
    base = f"http://{host}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name=base, daemon=True)
    thread.start()
    try:
        yield base
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def _handler(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60.0  # an idle connection is closed, so that its thread ends

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_DELETE(self) -> None:
            self._answer()

        def _answer(self) -> None:
            length = self.headers.get("Content-Length", "0")
            body = self.rfile.read(min(int(length), MAX_BODY_BYTES)) if length.isdecimal() else b""
            parts = urlsplit(self.path)
            scheme, _, secret = self.headers.get("Authorization", "").partition(" ")
            request = Request(
                base=f"http://{self.headers.get('Host', '127.0.0.1')}",
                path=parts.path,
                method=self.command,
                query={name: values[0] for name, values in parse_qs(parts.query).items()},
                headers={name.lower(): value for name, value in self.headers.items()},
                bearer=secret if scheme.lower() == "bearer" else "",
                body=body,
            )
            answer = service(request, time.time())
            told = answer.body if isinstance(answer.body, bytes) else msgspec.json.encode(answer.body)
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(told)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
            """Keep quiet: the room has the terminal."""

    return Handler
