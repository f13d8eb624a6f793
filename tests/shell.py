"""Commands as a shell runs them: `python -m loom_tui` in a directory with a plan and a store of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from loom_tui.plan.toml import dump_plan
from tests.samples import sample_plan

HERE = Path(__file__).resolve().parent.parent


def loom(place: Path, *words: str, stdin: bytes = b"", **environ: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        (sys.executable, "-m", "loom_tui", *words),
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(HERE), "LOOM_STORE": str(place / "state"), **environ},
        capture_output=True,
        input=stdin,
        timeout=60,
        check=False,
    )
    text = subprocess.CompletedProcess(words, done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in text.stderr
    return text


def with_sample_plan(place: Path) -> Path:
    """Write the sample's plan into a directory."""
    (place / "loom.toml").write_text(dump_plan(sample_plan()), encoding="utf-8")
    return place
