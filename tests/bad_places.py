"""What can be wrong with what is asked on this host: files, clones, commands."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from loom_tui.plan.sources.environment import EnvironmentSource, Origin, Variable
from loom_tui.plan.sources.report import EslintReport, PlaywrightReport, ReportSource
from tests.bad_days import SECRET

Words = tuple[str, ...]
Cases = Mapping[str, tuple[Words, str]]  # what is asked, and what its panel must say
NEVER, DRIPS = "never", "drips"  # pipes: one that nobody writes into, one that somebody does for ever
JSON_OUT = {"wrong types": "[{}]", "truncated": '[{"filePath": "a', "HTML": "<!doctype html><title>Sign in</title>"}
GIT_SECRET = "planted-4712-secret"  # which stands in no plan: nobody is told of it
GIT_URL = f"https://deployer:{GIT_SECRET}@git.example/acme/web.git"

COMMAND_CASES = (*JSON_OUT, "401", "403", "404", "429", "500", "redirect loop", "hang", "slow drip", "deaf to SIGTERM")
ENVIRONMENT_CASES = (
    "wrong types", "truncated", "401", "403", "404", "429", "500", "HTML", "redirect loop", "hang", "a pipe",
    "slow drip",
)  # fmt: skip
SECRETS_CASES = ("wrong types", "truncated", "403", "404", "500", "HTML", "redirect loop", "hang", "slow drip", "found")
GIT_CASES = ("wrong types", "truncated", "403", "404", "500", "HTML", "redirect loop", "hang", "slow drip")
REPORT_CASES = (
    "wrong types", "truncated", "403", "404", "429", "500", "HTML", "redirect loop", "hang", "slow drip",
    "connection refused",
)  # fmt: skip


@asynccontextmanager
async def pipes(place: Path) -> AsyncIterator[None]:
    """Have two pipes lie there: one that nobody writes into, and one into which something drips for ever."""
    for name in (NEVER, DRIPS):
        os.mkfifo(place / name)
    handle = os.open(place / DRIPS, os.O_RDWR | os.O_NONBLOCK)

    async def drip() -> None:
        while True:
            with suppress(BlockingIOError):
                os.write(handle, b"#")
            await asyncio.sleep(0.02)

    task = asyncio.create_task(drip())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        os.close(handle)


def _shell(script: str) -> Words:
    return ("sh", "-c", f'echo "$PLANTED"; echo "$PLANTED" >&2; {script}')


def commands(place: Path) -> Cases:
    """Give commands that print their credential, and end badly or never."""
    locked, loop = place / "locked.sh", place / "loop.sh"
    locked.write_text("#!/bin/sh\n", encoding="utf-8")
    locked.chmod(0o600)
    loop.symlink_to(loop)
    return {
        **{
            name: (("printf", "%s", text), "not what ESLint|is no JSON|is HTML|is not there")
            for name, text in JSON_OUT.items()
        },
        "401": (_shell("exit 77"), "77"),
        "403": ((str(locked),), "cannot be started"),
        "404": ((str(place / "nothing"),), "cannot be started"),
        "429": (_shell("exit 75"), "75"),
        "500": (_shell("kill -SEGV $$"), "signal 11|exit -11"),
        "redirect loop": ((str(loop),), "cannot be started"),
        "hang": (_shell("sleep 1000"), "did not end within|no answer within"),
        "slow drip": (_shell('while :; do printf "$PLANTED"; sleep 0.05; done'), "did not end within|no answer within"),
        "deaf to SIGTERM": (_shell("trap '' TERM; exit 3"), "3"),
    }


def environment(_: str, words: Words, within_s: float) -> EnvironmentSource:
    """Ask for a variable in a dotenv file or a command's output."""
    origin = Origin(dotenv=words[1]) if words[0] == "dotenv" else Origin(command=words)
    return EnvironmentSource(origin=origin, variables=(Variable(name="PLANTED", secret=True),), timeout_s=within_s)


def environments(place: Path) -> Cases:
    """Give dotenv files and commands that hold a secret, and cannot be read."""
    loop, cut = place / "loop.env", place / "cut.env"
    loop.symlink_to(loop)
    cut.write_text(f'PLANTED="{SECRET}', encoding="utf-8")
    return {
        "wrong types": (("sh", "-c", """printf '{"%s": [7]}' "$PLANTED" """), "printed no variables"),
        "truncated": (("dotenv", str(cut)), "PLANTED: is not set"),
        "401": (_shell("exit 1"), "failed with code 1"),
        "403": (("dotenv", str(place)), "Is a directory"),
        "404": (("dotenv", str(place / "none.env")), "No such file"),
        "429": (_shell("exit 75"), "failed with code 75"),
        "500": (_shell("kill -SEGV $$"), "failed with code -11"),
        "HTML": (("echo", "<!doctype html>"), "printed no variables"),
        "redirect loop": (("dotenv", str(loop)), "Too many levels of symbolic links"),
        "hang": (_shell("sleep 1000"), "did not end within|no answer within"),
        "a pipe": (("dotenv", str(place / NEVER)), "no plain file"),
        "slow drip": (_shell('while :; do printf "$PLANTED"; sleep 0.05; done'), "did not end within|no answer within"),
    }


def report(_: str, words: Words, within_s: float) -> ReportSource:
    """Ask for a report of a format at a path."""
    kinds = {"eslint": EslintReport, "playwright": PlaywrightReport}
    return ReportSource(report=kinds[words[0]](path=words[1]), timeout_s=within_s)


def reports(place: Path) -> Cases:
    """Give reports that prove nothing, and what is none."""
    texts = {
        "wrong types": ("eslint", '[{"filePath": 7, "messages": {}}]', "not what ESLint"),
        "truncated": ("eslint", '[{"filePath": "a.ts", "mess', "not what ESLint"),
        "HTML": ("eslint", "<!doctype html>", "not what ESLint"),
        "500": (
            "playwright",
            f'{{"suites": [], "stats": {{}}, "errors": [{{"message": "no login with {SECRET}"}}]}}',
            "set-up that failed",
        ),
    }
    for name, (_, text, _) in texts.items():
        (place / f"{name}.json").write_text(text, encoding="utf-8")
    loop, large, door = place / "loop.json", place / "large.json", place / "door.json"
    loop.symlink_to(loop)
    large.touch()
    os.truncate(large, 60_000_000)
    with socket.socket(socket.AF_UNIX) as closed:
        closed.bind(str(door))
    return {
        **{name: ((kind, str(place / f"{name}.json")), says) for name, (kind, _, says) in texts.items()},
        "403": (("eslint", str(place)), "Is a directory"),
        "404": (("eslint", str(place / "none.json")), "has not run here"),
        "429": (("eslint", str(large)), "larger than 50 MB"),
        "redirect loop": (("eslint", str(loop)), "Too many levels of symbolic links"),
        "hang": (("eslint", str(place / NEVER)), "no plain file"),
        "slow drip": (("eslint", str(place / DRIPS)), "no plain file"),
        "connection refused": (("eslint", str(door)), "No such device"),
    }


def scanned(place: Path) -> Cases:
    """Give repositories with a credential in them, or such that cannot be scanned."""
    usual = _clone(place / "usual")
    baselines = {"wrong types": '{"results": []}', "truncated": '{"results": {', "HTML": "<!doctype html>"}
    found: dict[str, tuple[Words, str]] = {}
    for name, text in baselines.items():
        _baseline(_copied(usual, name)).write_text(text, encoding="utf-8")
        found[name] = ((str(place / name),), "no detect-secrets baseline")
    _baseline(_copied(usual, "403")).mkdir()
    loop = _baseline(_copied(usual, "redirect loop"))
    loop.symlink_to(loop)
    (_copied(usual, "500") / ".git" / "index").write_bytes(b"no index")
    for name, pipe in (("hang", NEVER), ("slow drip", DRIPS)):
        _configured_by(_copied(usual, name), place / pipe)
    (place / "404").mkdir()
    told = {
        "403": "Is a directory",
        "404": "cannot list the files",
        "500": "cannot list the files",
        "redirect loop": "Too many levels of symbolic links",
        "hang": "did not end within",
        "slow drip": "did not end within",
        "usual": "Secret Keyword",
    }
    found |= {name: ((str(place / name),), says) for name, says in told.items()}
    found["found"] = found.pop("usual")
    return found


def clones(place: Path) -> Cases:
    """Give clones whose origin's address holds a password, and of which no commits can be told."""
    usual = _clone(place / "usual")
    wrong = place / "wrong types"
    wrong.mkdir()
    (wrong / ".git").write_text("no gitdir", encoding="utf-8")
    for path in (_copied(usual, "truncated") / ".git" / "objects").rglob("*/*"):
        path.chmod(0o600)
        os.truncate(path, 5)
    shutil.rmtree(_copied(usual, "500") / ".git" / "objects")
    (place / "403").write_text("a file", encoding="utf-8")
    (place / "404").mkdir()
    (_copied(usual, "HTML") / ".git" / "config").write_text("<!doctype html>", encoding="utf-8")
    tag = _copied(usual, "redirect loop") / ".git" / "refs" / "tags" / "v1"
    tag.write_text("ref: refs/tags/v1\n", encoding="utf-8")
    for name, pipe in (("hang", NEVER), ("slow drip", DRIPS)):
        _configured_by(_copied(usual, name), place / pipe)
    told = {
        "wrong types": "git failed|no clone",
        "truncated": "git failed",
        "403": "cannot be started",
        "404": "no clone of a git repository",
        "500": "no clone of a git repository",
        "HTML": "git failed",
        "redirect loop": "git failed|knows no v1",
        "hang": "did not end within",
        "slow drip": "did not end within",
    }
    return {name: ((str(place / name),), says) for name, says in told.items()}


def _clone(path: Path) -> Path:
    """Make a repository with a credential in its one file, two releases, and a password in its origin's address."""
    path.mkdir()

    def git(*words: str) -> None:
        who = ("-c", "user.name=qa", "-c", "user.email=qa@loom.example", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *words], cwd=path, check=True, capture_output=True)

    git("init", "--quiet")
    git("remote", "add", "origin", GIT_URL)
    for release in ("v1", "v2"):
        (path / "settings.py").write_text(f'# {release}\npassword = "{SECRET}"\n', encoding="utf-8")
        git("add", ".")
        git("commit", "--quiet", "-m", release)
        git("tag", release)
    return path


def _copied(repository: Path, name: str) -> Path:
    return Path(shutil.copytree(repository, repository.with_name(name), symlinks=True))


def _baseline(repository: Path) -> Path:
    return repository / ".secrets.baseline"


def _configured_by(repository: Path, pipe: Path) -> None:
    """Have git read its settings of a repository from a pipe."""
    config = repository / ".git" / "config"
    config.unlink()
    config.symlink_to(pipe)
