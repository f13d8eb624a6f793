"""What looking for hard-coded credentials costs: 1,500 files the first time, and again with nothing changed.

    python -m benchmarks.credentials

The files are Python's own library and what is installed here, between 0.5 and 40 KB each, in a fresh git repository.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sysconfig
import tempfile
import time
from pathlib import Path
from random import Random

from loom_tui.plan.sources.secrets import SecretsSource
from loom_tui.sources.base import Errand
from loom_tui.sources.build import build

FILES = 1_500


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "repository"
        size_bytes = fill(root)
        environ = {**os.environ, "XDG_STATE_HOME": f"{scratch}/state"}
        print(f"{FILES:,} files, {size_bytes / 1e6:.1f} MB")
        for name in ("first time", "unchanged again"):
            print(f"{name:16} {asyncio.run(timed(root, environ)):8.2f} s")


def fill(root: Path) -> int:
    """Make the repository; gives its files' bytes."""
    found = []
    for place in {Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib")}:
        found += [(place, path) for path in sorted(place.rglob("*.py")) if 500 < path.stat().st_size < 40_000]
    Random(8).shuffle(found)
    for place, path in found[:FILES]:
        copy = root / path.relative_to(place)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    for words in (("init", "-q"), ("add", "-A")):
        subprocess.run(["git", *words], cwd=root, check=True)
    return sum(path.stat().st_size for _, path in found[:FILES])


async def timed(root: Path, environ: dict[str, str]) -> float:
    """Ask once, as the collector does; gives its seconds."""
    errand = Errand(name="secrets", environment="", release="", directory=root, environ=environ, clock=time.time)
    began = time.perf_counter()
    await build(SecretsSource(), errand).ask()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
