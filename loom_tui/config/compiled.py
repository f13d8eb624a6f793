"""A plan as it was last read, kept beside its text's hash as Python keeps bytecode beside a module.

To parse and check a plan that is what it was takes 6 ms of a start. What is kept is believed for the same text only,
and only while the code that reads plans is the same: a check that Loom learnt since is made.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Raw, Struct

import loom_tui.plan
from loom_tui.config import cache
from loom_tui.plan.model import Plan

KEPT_PLANS = 20  # of so many files; a demo's and a drill's are new each time


class Compiled(Struct, frozen=True):
    """A plan in JSON, and the hash of what it was made from."""

    made_from: str
    plan: Raw


def recall(path: Path, text: str, environ: Mapping[str, str]) -> Plan | None:
    """Give the plan that this text was when it was last read from this file, if that is kept."""
    kept = cache.load(cache.cache_path("plan", path, environ), Compiled)
    with suppress(OSError, msgspec.DecodeError):
        if kept is not None and kept.made_from == _made_from(text):
            return msgspec.json.decode(kept.plan, type=Plan)
    return None


def remember(path: Path, text: str, plan: Plan, environ: Mapping[str, str]) -> None:
    """Keep a plan that was parsed and checked, unless JSON does not hold it whole (a date in a request's body).

    Where the code that read it cannot be looked at (a zipped program), nothing is kept.
    """
    place = cache.cache_path("plan", path, environ)
    body = msgspec.json.encode(plan)
    with suppress(OSError, msgspec.DecodeError):
        if msgspec.json.decode(body, type=Plan) == plan:
            cache.save(place, Compiled(_made_from(text), Raw(body)))
            _forget(place.parent)


def _made_from(text: str) -> str:
    hashed = sha256(text.encode())
    for name, status in _readers():
        hashed.update(f"\0{name}\0{status.st_mtime_ns}\0{status.st_ctime_ns}\0{status.st_size}".encode())
    return hashed.hexdigest()


def _readers() -> Iterator[tuple[str, os.stat_result]]:
    """List the modules that make a plan of a text. Where images pin each file's mtime, its ctime still tells."""
    for directory in loom_tui.plan.__path__:
        for place in (directory, os.path.join(directory, "sources")):  # noqa: PTH118 - 0.1 ms less of a start
            for entry in sorted(os.scandir(place), key=lambda entry: entry.name):
                if entry.name.endswith((".py", ".pyc")):
                    yield entry.name, entry.stat()


def _forget(directory: Path) -> None:
    """Remove what was kept the longest ago."""
    with suppress(OSError):
        kept = sorted(directory.glob("plan-*.json"), key=lambda path: path.stat().st_mtime)
        for path in kept[:-KEPT_PLANS]:
            path.unlink(missing_ok=True)
