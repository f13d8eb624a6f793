"""A demo's world for a test, apart from any that somebody has open, and a shell in its directory."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from loom_tui.demo.world import World

PATIENCE_S = 60.0  # on a loaded machine
CROSSING_S = 180.0  # a quiet machine takes 20 s; a busy one executes seldom, and an outlier must drown in samples
ACTION_S = 330.0  # the longest that an action of the demo waits for its verification, and what comes before
ENVIRONMENT = ("--environment", "production")


@contextmanager
def apart(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make worlds where no other demo of this user is."""
    with tempfile.TemporaryDirectory(prefix="loom-test-") as directory:
        Path(directory).chmod(0o711)  # where root runs the tests, the server is another user
        monkeypatch.setenv("TMPDIR", directory)
        monkeypatch.setattr(tempfile, "tempdir", directory)
        yield


class Shell:
    """Another terminal, in a world's directory."""

    def __init__(self, made: World) -> None:
        self._made = made

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "loom_tui", *words], cwd=self._made.directory, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def ended(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        """Wait for a command to end; gives its exit code and all that it said."""
        try:
            said, complained = process.communicate(timeout=ACTION_S)
        finally:
            process.kill()
        return process.returncode, said + complained

    def say(self, *words: str) -> str:
        """Run a command that must succeed; gives what it said."""
        code, said = self.ended(self.start(*words))
        assert code == 0, said
        return said

    def insist(self, *words: str) -> str:
        """Run a command until the gate lets it through: on a loaded machine a latency may cross its target back."""
        deadline = time.monotonic() + CROSSING_S
        while True:
            code, said = self.ended(self.start(*words))
            if code == 0:
                return said
            assert "The gate is HOLD: needs db." in said, said
            assert time.monotonic() < deadline, said

    def refused(self, *words: str) -> str:
        """Run a command that must not succeed; gives what it said."""
        code, said = self.ended(self.start(*words))
        assert code == 1, said
        return said

    def status(self) -> dict[str, Any]:
        """Give what the room shows."""
        shown: dict[str, Any] = json.loads(self.ended(self.start("status", "--json"))[1])
        return shown

    def until(self, holds: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Wait until what the room shows is so."""
        deadline = time.monotonic() + PATIENCE_S
        while not holds(shown := self.status()):
            assert time.monotonic() < deadline, shown["gate"]
        return shown

    def journal(self) -> list[dict[str, Any]]:
        """Give the journal's events, oldest first."""
        lines = [json.loads(line) for line in self.say("journal", "export").splitlines() if line.startswith('{"seq"')]
        return [line for line in lines if "payload" in line]

    def until_told(self, kind: str) -> None:
        """Wait until the journal holds an event of a kind."""
        deadline = time.monotonic() + PATIENCE_S
        while kind not in (told := [event["payload"]["kind"] for event in self.journal()]):
            assert time.monotonic() < deadline, told
