"""Who sits before this terminal."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from loom_tui.room.presence import Terminal

_LOGIN = Path("/proc/self/loginuid")  # Linux with audit: who logged in, kept through su and sudo
_UNSET = 2**32 - 1


def terminal(environ: Mapping[str, str]) -> Terminal:
    """Say where the operator sits, and how sure it is who they are."""
    words = environ.get("SSH_CONNECTION", "").split()
    return Terminal(host=os.uname().nodename, client=words[0][:45] if words else "", sure=_kept_login() is not None)


def whoami() -> str:
    """Name the operator by the system's own account, not by an environment variable that anybody can set.

    Where the kernel keeps the login, that counts: an account that one changed to is not another person.
    """
    login = _kept_login()
    uid = os.getuid() if login is None else login
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return f"uid {uid}"


def _kept_login() -> int | None:
    """Give the user id that logged in, where the kernel keeps it."""
    with suppress(OSError, ValueError):
        login = int(_LOGIN.read_text(encoding="ascii"))
        return None if login == _UNSET else login
    return None
