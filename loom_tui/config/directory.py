"""Where Loom keeps what is its user's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_state_dir


def default_directory(environ: Mapping[str, str]) -> Path:
    """Give the user's state directory for Loom; it need not exist yet."""
    home = environ.get("XDG_STATE_HOME", "")
    return Path(home) / "loom" if home.startswith("/") else Path(user_state_dir("loom", appauthor=False))
