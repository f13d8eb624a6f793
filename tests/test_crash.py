"""A crash of Loom's own: told in a sentence, sent only where a DSN of Loom's own is named, and stripped."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import brotli
import pytest

from tests.terminal import Terminal

ROOT = Path(__file__).parent.parent
# A command that fails as a defect would: with a secret in a local variable, and in its words.
CRASHING = """
import sys
from loom_tui.entry import main
import loom_tui.commands.record as record

def crash(*args, **kwargs):
    hunter_password = "hunter2-planted"
    token = "sntrys_planted4711"
    raise KeyError(f"{token} in /home/ana/plans/loom.toml for ana@example.org")

record.status.callback = crash
sys.argv = ["loom", "status", "/home/ana/secret-plan.toml"]
try:
    main()
finally:
    print("sentry_sdk" in sys.modules)
"""
CRASHING_ROOM = """
import sys
from loom_tui.app import LoomApp
from loom_tui.entry import main

def crash(self, name):
    hunter_password = "hunter2" + "-planted"
    raise KeyError("in the room")

LoomApp.action_go = crash
sys.argv = ["loom", sys.argv[1], "--store", sys.argv[2]]
main()
"""


@pytest.fixture
def taking() -> Iterator[tuple[str, list[bytes]]]:
    """Take envelopes on a loopback port; gives the DSN and what was sent there."""
    taken: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            unpack = {"gzip": gzip.decompress, "br": brotli.decompress}[self.headers["content-encoding"]]
            taken.append(unpack(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://{'1' * 32}@127.0.0.1:{server.server_address[1]}/1", taken
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)


def run(code: str, *args: str, dsn: str = "") -> subprocess.CompletedProcess[str]:
    environ = {key: value for key, value in os.environ.items() if key != "LOOM_SENTRY_DSN"}
    environ |= {"LOOM_SENTRY_DSN": dsn} if dsn else {}
    return subprocess.run(
        [sys.executable, "-c", code, *args],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_crash_is_sent_to_loom_s_own_dsn_without_locals_homes_and_secrets(taking):
    dsn, taken = taking
    done = run(CRASHING, dsn=dsn)
    assert done.returncode == 70
    assert "it was sent to LOOM_SENTRY_DSN" in done.stderr
    sent = b"".join(taken).decode()
    assert '"KeyError"' in sent
    assert '"crash"' in sent  # the function in which it happened
    assert "loom-tui@" in sent
    for planted in (
        "hunter2-planted",
        "sntrys_planted4711",
        "ana@example.org",
        "/home/ana",
        "secret-plan",
        "vars",
        str(ROOT),
    ):
        assert planted not in sent


def test_without_a_dsn_nothing_is_sent_and_the_sdk_is_not_even_imported():
    done = run(CRASHING)
    assert done.returncode == 70
    assert "Loom failed (KeyError" in done.stderr
    assert "sent" not in done.stderr
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("dsn", "words"), [("nonsense", "LOOM_SENTRY_DSN is no DSN"), ("http://k@127.0.0.1:9/1", "Loom failed (KeyError")]
)
def test_a_dsn_that_is_none_or_does_not_answer_hides_no_crash(dsn, words):
    done = run(CRASHING, dsn=dsn)
    assert done.returncode == 70
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_crash_in_the_room_ends_in_a_sentence_and_shows_no_local_variable(tmp_path):
    plan = tmp_path / "loom.toml"
    plan.write_text('[plan]\ntitle = "Friday"\n', encoding="utf-8")
    command = (sys.executable, "-c", CRASHING_ROOM, str(plan), str(tmp_path / "state"))
    with Terminal(command, directory=tmp_path, environ={"PYTHONPATH": str(ROOT)}) as terminal:
        terminal.wait_for("Friday")
        terminal.press("5")
        assert terminal.wait_for_exit() == 70
        assert "Loom failed (KeyError: 'in the room')" in terminal.text()
        assert b"hunter2-planted" not in terminal.raw
