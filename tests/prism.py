"""Prism on a contract: a real server that refuses requests which the contract does not allow."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

ROOT = Path(__file__).parent.parent
PRISM = ROOT / "build" / "node" / "node_modules" / ".bin" / "prism"
START_S = 60.0


@contextmanager
def running_prism(contract: str) -> Iterator[str]:
    """Serve a file of tests/contracts; gives the address. `make node` installs what this needs."""
    assert PRISM.exists(), f"{PRISM} is missing: `make node` installs it and runs these tests"
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [
        str(PRISM),
        "mock",
        "--errors",
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        str(ROOT / "tests/contracts" / contract),
    ]
    with TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _until_open(port, process)
            yield f"http://127.0.0.1:{port}"
        except BaseException:
            log.seek(0)
            print(log.read().decode(errors="replace")[-4000:])  # noqa: T201 - pytest shows it beside the failure
            raise
        finally:
            process.terminate()
            process.wait(timeout=10)


def _until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    ends_at = time.monotonic() + START_S
    while time.monotonic() < ends_at:
        assert process.poll() is None, "prism ended before it listened"
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"prism did not listen within {START_S:g} s")
