"""The demo's world as others see it: made, found, broken, mended and gone again.

A world is one directory and one process, its keeper (`demo/keeper.py`), which holds all that runs. The keeper lives
as long as a pipe from the process that asked for the world: however that one ends, kill -9 included, the
pipe closes and the world is taken down. A world whose keeper was killed itself is removed by the next demo.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from loom_tui.config.plans import load_plan
from loom_tui.demo.call import call
from loom_tui.plan.model import Plan
from loom_tui.refusal import Refusal
from loom_tui.store.base import Store
from loom_tui.store.sqlite import open_store

ACTOR = "demo"
Message = TypeVar("Message", bound="Wish | World | Answered")
START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 15.0
_AT_WORK = re.compile(r"\bwatch\b|\bloom_tui\.runner\b")


class DemoError(Refusal):
    """The demo cannot be had; the message is a sentence that says why and what to do."""


class Wish(Struct, frozen=True, kw_only=True):
    """What a keeper is asked for, on its standard input: a DSN may hold a password, so it is no argument."""

    directory: Path
    postgres_dsn: str | None = None
    shipped: bool = False  # after the deploy: migrated, the release serves, and a step that fails waits for a person

    def __repr__(self) -> str:
        return f"Wish({self.directory})"


class World(Struct, frozen=True, kw_only=True):
    """A running world; `world.json` in its directory says the same."""

    directory: Path
    plan_path: Path
    store_directory: Path
    dsn_path: Path
    sentry_url: str
    app_url: str
    platform_url: str
    platform_token_path: Path
    chat_url: str
    keeper_pid: int
    collector_pid: int

    @property
    def dsn(self) -> str:
        """Read where the database is; it may hold a password, so it is kept apart."""
        return self.dsn_path.read_text(encoding="utf-8")

    def open_store(self) -> Store:
        """Open the world's room. Raises StoreError."""
        return open_store(self.store_directory, plan_id=self.plan().plan.id)

    def plan(self) -> Plan:
        """Read the world's plan as it is now. Raises PlanFaults, OSError."""
        return load_plan(self.plan_path)


class Answered(Struct, frozen=True, kw_only=True):
    """What a keeper says on its standard output, once: its world, or why there is none."""

    world: World | None = None
    why: str = ""


def encode(value: Wish | World | Answered) -> bytes:
    """Write one of a world's messages as JSON."""
    return msgspec.json.encode(value, enc_hook=str)  # paths are the only foreign type


def decode(body: bytes, kind: type[Message]) -> Message:
    """Read one of a world's messages. Raises msgspec.DecodeError."""
    return msgspec.json.decode(body, type=kind, dec_hook=lambda path, text: path(text))


@contextmanager
def world(
    *, postgres_dsn: str | None = None, shipped: bool = False, timeout_s: float = START_TIMEOUT_S
) -> Iterator[World]:
    """Make a world, with its collector already asking, and take it down at the end. Raises DemoError."""
    remove_dead_worlds()
    directory = Path(tempfile.mkdtemp(prefix=_prefix()))
    keeper = subprocess.Popen(
        [sys.executable, "-P", "-m", "loom_tui.demo.keeper"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # the terminal's ctrl+c and hangup are for the room, not for its world
    )
    assert keeper.stdin is not None  # noqa: S101 - asked for above
    assert keeper.stdout is not None  # noqa: S101 - as above
    try:
        keeper.stdin.write(encode(Wish(directory=directory, postgres_dsn=postgres_dsn, shipped=shipped)) + b"\n")
        keeper.stdin.flush()
        made = _made(keeper, timeout_s)
    except BaseException:
        keeper.terminate()  # it looks at its pipe only when all is made: somebody who pressed ctrl+c need not wait
        _end(keeper, directory)
        raise
    try:
        yield made
    finally:
        _end(keeper, directory)


def _end(keeper: subprocess.Popen[bytes], directory: Path) -> None:
    """Let the keeper take its world down, and see to it that nothing is left."""
    for pipe in (keeper.stdin, keeper.stdout):
        with suppress(BrokenPipeError):
            if pipe is not None:
                pipe.close()
    try:
        keeper.wait(timeout=STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        keeper.kill()
        keeper.wait()
    clear(directory)


def _made(keeper: subprocess.Popen[bytes], timeout_s: float) -> World:
    assert keeper.stdout is not None  # noqa: S101 - a pipe, see `world`
    alarm = threading.Timer(timeout_s, keeper.kill)  # ends the read below
    alarm.start()
    try:
        line = keeper.stdout.readline()
    finally:
        alarm.cancel()
    if not line:
        raise DemoError(f"The demo's world did not start within {timeout_s:.0f} s, or died on the way. Try again.")
    answer = decode(line, Answered)
    if answer.world is None:
        raise DemoError(answer.why)
    return answer.world


def running_world() -> World:
    """Find the running world in whose directory one is, or this user's newest one. Raises DemoError."""
    here = [place / "world.json" for place in (Path.cwd(), *Path.cwd().parents)]
    found = [path for path in _directories("world.json") if is_kept(path.parent)]
    found.sort(key=lambda path: (path in here, path.stat().st_mtime), reverse=True)
    for path in found:
        with suppress(msgspec.DecodeError):  # another version's
            return decode(path.read_bytes(), World)
    raise DemoError("No demo is running here. Open one in another terminal: loom demo")


def switch(found: World, name: str, *, is_on: bool) -> None:
    """Break something in a world, or mend it. Raises CallFailed."""
    token = found.platform_token_path.read_text(encoding="utf-8")
    call(f"{found.platform_url}/switches/{name}", token=token, body={"on": is_on})


def hold(directory: Path) -> int:
    """Take a world's lock for as long as this process lives; gives the descriptor."""
    handle = os.open(directory / "kept", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return handle


def is_kept(directory: Path) -> bool:
    """Say whether a world's keeper lives: a lock ends with its process, a number may be somebody else's by now."""
    try:
        handle = os.open(directory / "kept", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def remove_dead_worlds(*, older_than_s: float = 60.0) -> None:
    """Remove this user's worlds whose keeper is dead. One that is just being made has no lock yet: it is left alone."""
    for path in _directories():
        if time.time() - path.stat().st_mtime > older_than_s and not is_kept(path):
            clear(path)


def clear(directory: Path) -> None:
    """End the collectors and runners that were started for this world, and remove its directory."""
    for pid in _at_work(directory):
        try:
            os.kill(pid, signal.SIGTERM)
        except (ProcessLookupError, PermissionError):
            continue  # it left by itself, or is another user's, who will see it idle
    shutil.rmtree(directory, ignore_errors=True)


def _at_work(directory: Path) -> list[int]:
    """Find a world's collectors and runners: its directory has a random name, and stands among their arguments."""
    return [pid for pid, line in _command_lines() if str(directory) in line and _AT_WORK.search(line) is not None]


def _command_lines() -> Iterator[tuple[int, str]]:
    """List the running processes from /proc, or where there is none (macOS) from ps."""
    if Path("/proc/self/cmdline").exists():
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                yield int(path.parent.name), path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue  # it ended meanwhile
        return
    try:
        listed = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, timeout=5, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return
    for line in listed.decode(errors="replace").splitlines():
        pid, _, rest = line.strip().partition(" ")
        yield int(pid), rest


def _prefix() -> str:
    return f"loom-demo-{os.getuid()}-"


def _directories(name: str = "") -> list[Path]:
    """List this user's worlds, or the file `name` of each that has it; what another user put there is not ours."""
    found = []
    for directory in Path(tempfile.gettempdir()).glob(f"{_prefix()}*"):
        status = directory.lstat()
        if directory.is_symlink() or status.st_uid != os.getuid():
            continue
        if not name:
            found.append(directory)
        elif (directory / name).is_file():
            found.append(directory / name)
    return found
