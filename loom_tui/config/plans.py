"""Where plans are found and how their files are read."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path

import msgspec

from loom_tui.config.compiled import recall, remember
from loom_tui.plan.faults import Fault, PlanFaults
from loom_tui.plan.model import Plan
from loom_tui.refusal import Refusal

PLAN_NAME = "loom.toml"
MAX_SIZE_BYTES = 20_000_000  # a plan of 10,000 issues has 3 MB; more than this is some other file


class PlanNotFound(Refusal):
    """There is no plan; the message says where it was looked for and how to get one."""

    exit_code = 2


class PlanUntrusted(Refusal):
    """A plan that was found, not named, and that somebody else wrote or could write: it would run commands as us."""

    exit_code = 2


class PlanUnwritten(Refusal):
    """A plan could not be written; whatever was in its place still is."""


def find_plan(given: Path | None, *, start: Path) -> Path:
    """Give the plan that was named, or `loom.toml` in `start` or the nearest directory above.

    Raises PlanNotFound; PlanUntrusted for one that was not named and is not safely ours.
    """
    if given is not None:
        path = given / PLAN_NAME if given.is_dir() else given
        if not path.exists():
            raise PlanNotFound(f"There is no plan at {path}. Start one: loom import PLAN.md -o {path}")
        return path
    for directory in (start, *start.parents):
        if (directory / PLAN_NAME).is_file():
            _trust(directory / PLAN_NAME)
            return directory / PLAN_NAME
    raise PlanNotFound(
        f"There is no {PLAN_NAME} here ({start}) nor in any directory above. Make one from your team's document: "
        f"loom import PLAN.md -o {PLAN_NAME}. Or look around first: loom demo"
    )


def _trust(path: Path) -> None:
    """Refuse a plan that others wrote or could write. Raises PlanUntrusted, OSError."""
    for place in dict.fromkeys((path, path.parent, path.resolve().parent)):
        status = place.stat()
        if status.st_uid not in (os.geteuid(), 0):
            what = f"{place} belongs to another user (uid {status.st_uid})"
        elif status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX:
            what = f"{place} can be written by everybody on this host"
        else:
            continue
        raise PlanUntrusted(
            f"{path} is the nearest plan, but {what}, and a plan runs commands as you. "
            f"If you trust it, name it: loom {path} (with tick, set, note and check: --plan {path})"
        )


def write_plan(path: Path, text: str) -> None:
    """Put a plan's text in a file's place, whole or not at all. Raises PlanUnwritten."""
    try:
        if path.exists() and not path.is_file():  # a pipe or a terminal
            path.write_text(text, encoding="utf-8")
        else:
            _replace(path.resolve(), text)  # a link stays one
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        why = "the disk is full, or the file larger than is allowed" if full else error.strerror or str(error)
        raise PlanUnwritten(f"{path} could not be written ({why}). What was there before still is.") from error


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        with draft.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            draft.chmod(stat.S_IMODE(path.stat().st_mode))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def same_room(one: Plan, other: Plan) -> bool:
    """Say whether two versions of a plan have one room: its name and where it is kept are the same."""
    return one.plan.room_id == other.plan.room_id and one.store == other.store


def load_plan(path: Path) -> Plan:
    """Read a plan's file. Raises PlanFaults with every fault, or OSError."""
    if path.is_dir():
        raise PlanFaults(path.name, [Fault("", "a directory, where a plan's file should be")])
    if path.stat().st_size > MAX_SIZE_BYTES:
        raise PlanFaults(path.name, [Fault("", f"larger than {MAX_SIZE_BYTES // 1_000_000} MB: this is no plan")])
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"not UTF-8 at byte {error.start}; save the file as UTF-8"
        raise PlanFaults(path.name, [Fault("", what)]) from error
    plan = recall(path, text, os.environ)
    if plan is None:
        from loom_tui.plan.toml import parse_plan  # noqa: PLC0415 - with what it checks by: 2 ms that a known plan spares

        plan = parse_plan(text, file=path.name)
        remember(path, text, plan, os.environ)
    return plan


def outline_of(path: Path) -> Plan | None:
    """Read of a file with faults only what names its room; None where not even that can be read. Raises OSError."""
    import tomli  # noqa: PLC0415 - as in load_plan

    text = path.read_bytes()[:MAX_SIZE_BYTES].decode("utf-8-sig", "replace")
    tables = {}
    for name in ("plan", "store"):
        found = re.search(rf"^\[{name}\][^\n]*\n(.*?)(?=^\s*\[|\Z)", text, re.MULTILINE | re.DOTALL)
        try:
            tables[name] = tomli.loads(found[1]) if found is not None else {}
        except tomli.TOMLDecodeError:
            return None
    about = {key: value for key, value in tables["plan"].items() if key in ("title", "id")}
    try:
        return msgspec.convert({"plan": about, "store": tables["store"]}, Plan)
    except msgspec.ValidationError:
        return None


def bundled_plan() -> Plan:
    """Read the Sprint 07 plan that comes with Loom."""
    return load_plan(Path(__file__).with_name("sprint07.toml"))


class PlanFile:
    """A plan's file that is read again when it changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int, int] | None = None

    def changed(self) -> bool:
        """Say whether the file differs from what was last read; one that is gone for a moment does not."""
        stamp = self._stat()
        return stamp is not None and stamp != self._stamp

    def gone(self) -> bool:
        """Say whether there is nothing in its place."""
        return self._stat() is None

    def read(self) -> Plan:
        """Read the file as it is now. Raises PlanFaults or OSError."""
        self._stamp = self._stat()
        return load_plan(self.path)

    def _stat(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino)
