"""Who sits before this terminal."""

from __future__ import annotations

import os
import pwd


def whoami() -> str:
    """Name the operator by the system's own account, not by an environment variable that anybody can set."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
