"""Who sits before this terminal."""

from __future__ import annotations

import os
import pwd
from contextlib import suppress
from pathlib import Path

_LOGIN = Path("/proc/self/loginuid")  # Linux with audit: who logged in, kept through su and sudo
_UNSET = 2**32 - 1


def whoami() -> str:
    """Name the operator by the system's own account, not by an environment variable that anybody can set.

    Where the kernel keeps the login, that counts: an account that one changed to is not another person.
    """
    uid = os.getuid()
    with suppress(OSError, ValueError):
        login = int(_LOGIN.read_text(encoding="ascii"))
        uid = uid if login == _UNSET else login
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return f"uid {uid}"
