"""Where plans are found and how their files are read."""

from __future__ import annotations

from pathlib import Path

from loom_tui.plan.faults import Fault, PlanFaults
from loom_tui.plan.model import Plan
from loom_tui.plan.toml import parse_plan
from loom_tui.refusal import Refusal

PLAN_NAME = "loom.toml"
MAX_SIZE_BYTES = 20_000_000  # a plan of 10,000 issues has 3 MB; more than this is some other file


class PlanNotFound(Refusal):
    """There is no plan; the message says where it was looked for and how to get one."""

    exit_code = 2


def find_plan(given: Path | None, *, start: Path) -> Path:
    """Give the plan that was named, or `loom.toml` in `start` or the nearest directory above. Raises PlanNotFound."""
    if given is not None:
        path = given / PLAN_NAME if given.is_dir() else given
        if not path.exists():
            raise PlanNotFound(f"There is no plan at {path}. Start one: loom import PLAN.md -o {path}")
        return path
    for directory in (start, *start.parents):
        if (directory / PLAN_NAME).is_file():
            return directory / PLAN_NAME
    raise PlanNotFound(
        f"There is no {PLAN_NAME} here ({start}) nor in any directory above. Make one from your team's document: "
        f"loom import PLAN.md -o {PLAN_NAME}. Or look around first: loom demo"
    )


def load_plan(path: Path) -> Plan:
    """Read a plan's file. Raises PlanFaults with every fault, or OSError."""
    if path.stat().st_size > MAX_SIZE_BYTES:
        raise PlanFaults(path.name, [Fault("", f"larger than {MAX_SIZE_BYTES // 1_000_000} MB: this is no plan")])
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"not UTF-8 at byte {error.start}; save the file as UTF-8"
        raise PlanFaults(path.name, [Fault("", what)]) from error
    return parse_plan(text, file=path.name)


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
