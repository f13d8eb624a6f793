"""Where a room's store lies, and who sits before this terminal."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import platformdirs


def state_directory() -> Path:
    """Give the user's state directory for Loom; it is not made here."""
    return Path(platformdirs.user_state_dir("loom", appauthor=False))


def whoami() -> str:
    """Name the operator by the system's own account, not by an environment variable that anybody can set."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
