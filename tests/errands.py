"""What an asker is told in a test, with what a test says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loom_tui.sources.base import Errand


def errand_of(name: str, *, environ: Mapping[str, str] = {}, now: float = 1.0, **more: Any) -> Errand:
    told: dict[str, Any] = {"environment": "production", "release": "v1.7.0", "directory": Path(), **more}
    return Errand(name=name, environ=environ, clock=lambda: now, **told)
