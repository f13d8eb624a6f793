"""Who sits before this terminal."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from loom_tui.room.presence import Terminal

_PROC = Path("/proc")
_LOGIN = _PROC / "self/loginuid"  # Linux with audit: who logged in, kept through su and sudo
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
    """Give the user id that logged in, where the kernel keeps it and it can be believed."""
    with suppress(OSError, ValueError):
        login = int(_LOGIN.read_text(encoding="ascii"))
        if login != _UNSET and (os.getuid() in (0, login) or _vouched_for(login)):
            return login
    return None


def _vouched_for(login: int) -> bool:
    """Say whether root gave this process its login: whoever logged in has sshd, login or the like above them.

    Where nobody logs in (a container, a service), the kernel lets any process write one into itself, once
    (audit_set_loginuid_perm): one could approve as somebody else what one armed.
    """
    pid = os.getppid()
    while pid > 1:
        lines = (_PROC / f"{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
        told = {name: words.split() for name, _, words in (line.partition(":") for line in lines)}
        if told["Uid"][0] == "0" and int((_PROC / f"{pid}/loginuid").read_text(encoding="ascii")) == login:
            return True
        pid = int(told["PPid"][0])
    return False
