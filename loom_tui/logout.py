"""What becomes of this user's processes at logout, and how a runner is started so that it outlives one.

logind may end all that a login's session started when that session ends (KillUserProcesses), whether or not it has a
session in the kernel's sense (setsid). What the user's own systemd starts lies outside; it ends with the user's last
session, unless the user lingers. A scope keeps the environment, and with it the credentials: a unit would need them
among the arguments.
"""

from __future__ import annotations

import pwd
import re
import subprocess
from pathlib import Path

from msgspec import Struct

SCOPE = ("systemd-run", "--user", "--scope", "--quiet", "--collect", "--")
_CGROUP = Path("/proc/self/cgroup")
_LOGIN = re.compile(r"user-(\d+)\.slice/(?:session-[^/\n]+\.scope|(user@\d+\.service))")
_RULES = ("KillUserProcesses", "KillOnlyUsers", "KillExcludeUsers")
_WITHIN_S = 2.0


class Outliving(Struct, frozen=True, kw_only=True):
    """How a runner is started here: the words before its command, what was found, and why it may end all the same."""

    prefix: tuple[str, ...] = ()
    found: str
    doubt: str = ""
    do: str = ""


def outliving() -> Outliving:
    """Ask logind what it does at logout, and systemd-run whether it can start something outside of the session."""
    try:
        login = _LOGIN.search(_CGROUP.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        login = None
    if login is None:
        return Outliving(found="no login's session holds this process: no logout ends what it starts")
    user = _name(int(login[1]))
    linger = f"have {user}'s processes stay: loginctl enable-linger {user}"
    if login[2]:
        return _until_the_last(user, (), f"{user}'s own systemd holds this process", linger)
    ends = _ends_at_logout(user)
    if ends is False:
        return Outliving(found=f"logind leaves what {user} started alone at logout")
    found = "logind does not say what it ends at logout" if ends is None else f"logind ends what {user} started"
    _, trouble = _asked(*SCOPE, "true")
    if not trouble:
        return _until_the_last(user, SCOPE, f"{found}; a runner is started outside of the session", linger)
    doubt = f"{found}, and systemd-run cannot start a runner outside of the session: {trouble}"
    return Outliving(found=found, doubt=doubt, do=f"stay logged in until an action is over, or {linger}")


def _until_the_last(user: str, prefix: tuple[str, ...], found: str, do: str) -> Outliving:
    """Say of what the user's systemd holds whether it outlives the user's last session."""
    told, trouble = _asked("loginctl", "show-user", user, "--property=Linger")
    if told.get("Linger") == "yes":
        return Outliving(prefix=prefix, found=f"{found}, and {user} lingers")
    known = f"whether {user} lingers is not known ({trouble})" if trouble else f"{user} does not linger"
    return Outliving(prefix=prefix, found=found, doubt=f"{found}, but {known}: it may end with the last session", do=do)


def _ends_at_logout(user: str) -> bool | None:
    """Say whether logind ends a user's processes with their session; None where it does not answer."""
    told, _ = _asked("loginctl", "show-user", *(f"--property={name}" for name in _RULES))
    if told.get(_RULES[0]) not in ("yes", "no"):
        return None
    only, spared = (told.get(name, "").split() for name in _RULES[1:])
    return told[_RULES[0]] == "yes" and user not in spared and (not only or user in only)


def _asked(*command: str) -> tuple[dict[str, str], str]:
    """Run a command for its NAME=VALUE lines; gives them and "", or nothing and why not."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_WITHIN_S, check=False, text=True,
            errors="replace",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {}, f"{command[0]} did not answer within {_WITHIN_S:g} s"
    except OSError as error:
        return {}, f"{command[0]}: {error.strerror}"
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return {}, lines[-1][:200] if lines else f"{command[0]} ended with {done.returncode}"
    lines = done.stdout.splitlines()
    return {name: value for name, found, value in (line.partition("=") for line in lines) if found}, ""


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return str(uid)
