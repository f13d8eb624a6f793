"""A command ends with its deadline, and so does all that it started."""

from __future__ import annotations

import asyncio
import gc
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from loom_tui.sources import process
from loom_tui.sources.base import SourceTimeout, SourceUnreachable

CHILD = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
BROOD = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], **{{}})
open(sys.argv[1], "w").write(str(child.pid))
time.sleep(float(sys.argv[2]))
"""


async def run(*command: str, timeout_s: float = 20, directory: Path = Path("/")) -> process.Finished:
    return await process.run(command, directory=directory, environ={"A": "b"}, timeout_s=timeout_s, name="lint")


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def until_gone(pid_file: Path) -> None:
    pid = int(pid_file.read_text())  # noqa: ASYNC240 - a few bytes on a local disk
    async with asyncio.timeout(10):
        while not gone(pid):
            await asyncio.sleep(0.01)


async def test_a_command_gives_its_exit_code_and_what_it_wrote(tmp_path):
    done = await run(
        sys.executable, "-c", "import os,sys; print(os.environ, os.getcwd()); sys.exit(3)", directory=tmp_path
    )
    assert done.code == 3
    assert b"'A': 'b'" in done.stdout
    assert str(tmp_path).encode() in done.stdout


async def test_a_command_that_writes_a_gigabyte_is_read_to_its_end_and_cut(monkeypatch):
    monkeypatch.setattr(process, "MAX_OUTPUT_BYTES", 100_000)
    done = await run(sys.executable, "-c", "import sys; [sys.stdout.write('x' * 100_000) for _ in range(50)]")
    assert (done.code, len(done.stdout), done.cut) == (0, 100_000, True)


async def test_a_command_that_never_ends_is_ended_by_its_deadline_with_children_that_ignore_sigterm(tmp_path):
    with pytest.raises(SourceTimeout, match="did not end within 2 s"):
        await run(sys.executable, "-c", BROOD, str(tmp_path / "pid"), "600", timeout_s=2)
    await until_gone(tmp_path / "pid")


@pytest.mark.parametrize("pipes", ["", "stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL"])
async def test_children_that_a_command_leaves_behind_end_with_it(tmp_path, pipes):
    brood = BROOD.replace("**{}", pipes)
    done = await run(sys.executable, "-c", brood, str(tmp_path / "pid"), "0")
    assert done.code == 0
    await until_gone(tmp_path / "pid")


async def test_a_cancelled_run_leaves_nothing_behind(tmp_path):
    task = asyncio.create_task(run(sys.executable, "-c", BROOD, str(tmp_path / "pid"), "600", timeout_s=600))
    async with asyncio.timeout(20):
        while not (tmp_path / "pid").is_file() or not (tmp_path / "pid").read_text():
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await until_gone(tmp_path / "pid")


@pytest.mark.parametrize("command", [("no-such-command-4711",), ("/",), ("a\0b",)])
async def test_a_command_that_cannot_be_started_is_a_sentence(command):
    with pytest.raises(SourceUnreachable, match="cannot be started in /"):
        await run(*command)


async def test_a_command_that_is_ended_leaves_no_failure_that_nobody_takes():
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["message"]))
    with suppress(SourceTimeout):  # an ExceptionInfo would keep what is looked for alive
        await run("sleep", "600", timeout_s=0.2)
    gc.collect()
    assert told == []


async def test_a_child_that_got_away_with_the_pipes_is_not_waited_for():
    code = "import subprocess as s; print(s.Popen(['sleep', '600'], start_new_session=True).pid)"
    async with asyncio.timeout(60):
        done = await run(sys.executable, "-c", code)
    psutil.Process(int(done.stdout)).kill()
    assert done.code == 0
