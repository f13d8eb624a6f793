"""A chat's webhook: a real HTTP server in a thread, for what processes of their own tell it."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event as Flag
from threading import Thread

PATH = "/services/T0/B0/planted4711secret"


class Chat:
    """A webhook that keeps what it is told. It answers with `status`, and hangs while `held`."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.status = 200
        self.asked, self.held = Flag(), Flag()
        self.held.set()
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                chat.told.append(json.loads(body)["text"])
                chat.asked.set()
                chat.held.wait(timeout=60)
                self.send_response(chat.status)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()
        self.environ = {"HOOK": f"http://127.0.0.1:{self._server.server_port}{PATH}"}

    def close(self) -> None:
        self.held.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
