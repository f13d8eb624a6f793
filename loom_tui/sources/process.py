"""Running a command for its answer: no shell, no terminal, one deadline for it and all that it started."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import IO

from msgspec import Struct

from loom_tui.sources.base import SourceTimeout, SourceUnreachable

MAX_OUTPUT_BYTES = 20_000_000  # a report of a large project has 5 MB; what goes on longer is cut, not kept
GRACE_S = 2.0  # at most: between SIGTERM and SIGKILL, and for the last words of a command that ended
LOOK_EVERY_S = 0.02


class Finished(Struct, frozen=True, kw_only=True):
    """A command that ended: its exit code (negative: the signal that ended it) and what it wrote."""

    code: int
    stdout: bytes
    stderr: bytes
    cut: bool  # it wrote more than is kept
    duration_ms: float


async def run(
    command: Sequence[str],
    *,
    directory: Path,
    environ: Mapping[str, str],
    timeout_s: float,
    name: str,
    stdin: IO[bytes] | None = None,
    heard: Callable[[bytes], object] = len,
    complained: Callable[[bytes], object] = len,
    descriptors: Sequence[int] = (),
) -> Finished:
    """Run a command to its end; its process group ends with it, by the deadline, or when this is cancelled.

    Ending takes time, which the deadline includes: the command is asked to end when nine tenths of it have passed,
    or four seconds before it.

    `heard` is given what it writes to stdout as it comes, also where it is ended before its own end, and `complained`
    what it writes to stderr. `descriptors` are open files that it is to have as well.
    Raises SourceTimeout, and SourceUnreachable for a command that cannot be started.
    """
    began = perf_counter()
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=directory,
            env=dict(environ),
            stdin=asyncio.subprocess.DEVNULL if stdin is None else stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            pass_fds=tuple(descriptors),
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "its words cannot be passed on"
        raise SourceUnreachable(f"{name}: `{command[0]}` cannot be started in {directory}: {why}") from None
    grace_s = min(GRACE_S, timeout_s / 20)
    stdout, stderr = _Pipe(heard), _Pipe(complained)
    reading = asyncio.gather(stdout.read(process.stdout), stderr.read(process.stderr))
    try:
        async with asyncio.timeout(timeout_s - 2 * grace_s):
            await _ended(process)
            with suppress(TimeoutError):  # a child that it left behind may hold the pipes for ever
                async with asyncio.timeout(GRACE_S):
                    await asyncio.shield(reading)
    except TimeoutError:
        raise SourceTimeout(f"{name}: `{command[0]}` did not end within {timeout_s:g} s, and was ended") from None
    finally:
        await _end(process, grace_s)
        await _drained(reading, grace_s)
        process._transport.close()  # type: ignore[attr-defined] # noqa: SLF001 - nothing else closes pipes that a child holds
    return Finished(
        code=process.returncode or 0,
        stdout=bytes(stdout.kept),
        stderr=bytes(stderr.kept),
        cut=stdout.cut,
        duration_ms=(perf_counter() - began) * 1000,
    )


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Wait for the command itself; `Process.wait` also waits for its pipes (python/cpython#119710, until 3.12.4)."""
    while process.returncode is None:  # noqa: ASYNC110 - asyncio has no event for this
        await asyncio.sleep(LOOK_EVERY_S)


class _Pipe:
    """What a command writes to one of its pipes: all of it is heard, its beginning is kept."""

    def __init__(self, heard: Callable[[bytes], object]) -> None:
        self.kept = bytearray()
        self.cut = False
        self._heard = heard

    async def read(self, stream: asyncio.StreamReader | None) -> None:
        """Read it to its end; a command that writes for ever meets its deadline."""
        assert stream is not None  # noqa: S101 - pipes were asked for
        while part := await stream.read(65_536):
            self._heard(part)
            self.cut = self.cut or len(self.kept) + len(part) > MAX_OUTPUT_BYTES
            self.kept += part[: MAX_OUTPUT_BYTES - len(self.kept)]


async def _drained(reading: asyncio.Future[tuple[None, None]], grace_s: float) -> None:
    """Wait for the last words; a child that left the command's group may hold its pipes for ever, and is not heard."""
    await asyncio.wait((reading,), timeout=grace_s)
    reading.cancel()
    with suppress(asyncio.CancelledError):  # of the reading; one of ours was raised by the wait
        await reading


async def _end(process: asyncio.subprocess.Process, grace_s: float) -> None:
    """End the command and whatever it left behind in its process group: asked first, then made to."""
    for number, within_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, GRACE_S)):
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):  # none of the group is left; macOS says so of zombies
            break
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await _ended(process)
                break
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # children that outlived their parent
