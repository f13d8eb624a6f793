"""A real Bugsink for a test module: its own process on a loopback port, SQLite in a directory of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

START_S = 90.0  # its migrations take 10 s alone, and several times that on a busy machine
BIN = Path(sys.executable).parent


class Bugsink(NamedTuple):
    """Where it answers, the token that reads it, its project's number and the DSN to send to."""

    url: str
    token: str
    project: str
    dsn: str

    def ask(self, path: str, body: Any = None, *, method: str | None = None) -> Any:
        return _ask(self.url, self.token, path, body, method=method)


@contextmanager
def running_bugsink() -> Iterator[Bugsink]:
    """Make a Bugsink with one project, and end it."""
    with tempfile.TemporaryDirectory(prefix="loom-bugsink-") as name:
        directory, port = Path(name), _free_port()
        environ = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": name,
            "DJANGO_SETTINGS_MODULE": "bugsink_conf",
            "HOME": name,
        }

        def run(*words: str) -> str:
            command = [str(BIN / words[0]), *words[1:]]
            done = subprocess.run(
                command, check=False, cwd=name, env=environ, capture_output=True, text=True, timeout=START_S
            )
            assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
            return done.stdout

        run("bugsink-create-conf", "--template=local", "--host=127.0.0.1", f"--port={port}")
        _configure(directory)
        run("bugsink-manage", "migrate", "snappea", "--database=snappea")
        run("bugsink-manage", "migrate")
        token = run("bugsink-manage", "create_auth_token").split()[-1]
        command = [str(BIN / "gunicorn"), "--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "4"]
        with (directory / "log").open("wb") as log:
            server = subprocess.Popen([*command, "bugsink.wsgi"], cwd=name, env=environ, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            _until_ready(url, server, directory / "log")
            team = _ask(url, token, "teams/", {"name": "loom"})["id"]
            _ask(url, token, "projects/", {"team": team, "name": "web"})
            told = _ask(url, token, "projects/")["results"][0]
            yield Bugsink(url, token, str(told["id"]), told["dsn"])
        finally:
            server.terminate()
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _configure(directory: Path) -> None:
    """Have it call nobody, and keep what it is sent in its own directory."""
    told = f'\nBUGSINK.update(PHONEHOME=False, INGEST_STORE_BASE_DIR="{directory / "ingest"}")\n'
    with (directory / "bugsink_conf.py").open("a", encoding="utf-8") as file:
        file.write(told)


def _until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    ends_at = time.monotonic() + START_S
    while time.monotonic() < ends_at:
        assert server.poll() is None, log.read_text(encoding="utf-8")
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=5):
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.1)
    raise AssertionError(log.read_text(encoding="utf-8"))


def _ask(url: str, token: str, path: str, body: Any = None, *, method: str | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    request = urllib.request.Request(f"{url}/api/canonical/0/{path}", data=data, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as response:
        text = response.read()
        return json.loads(text) if text else None


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
