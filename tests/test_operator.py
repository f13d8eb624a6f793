"""Who one is: by the kernel's word where it has one, and never by an environment variable."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys

import pytest

from loom_tui.config import operator
from loom_tui.config.operator import terminal, whoami
from loom_tui.room.presence import Terminal
from tests.shell import HERE

ACCOUNT = pwd.getpwuid(os.getuid()).pw_name
OTHER = next(entry for entry in pwd.getpwall() if entry.pw_uid != os.getuid())


@pytest.mark.parametrize(
    ("kept", "who"),
    [
        (str(OTHER.pw_uid), pwd.getpwuid(OTHER.pw_uid).pw_name),
        ("4294967295", ACCOUNT),
        ("4294967294", "uid 4294967294"),
        ("", ACCOUNT),
        ("none", ACCOUNT),
    ],
)
def test_the_login_counts_where_the_kernel_keeps_it_and_the_account_elsewhere(tmp_path, monkeypatch, kept, who):
    (tmp_path / "loginuid").write_text(kept)
    monkeypatch.setattr(operator, "_LOGIN", tmp_path / "loginuid")
    monkeypatch.setattr(operator, "_vouched_for", lambda _: True)
    monkeypatch.setenv("USER", "somebody")
    monkeypatch.setenv("LOGNAME", "somebody")
    assert whoami() == who


def test_a_system_without_logins_has_accounts(tmp_path, monkeypatch):
    monkeypatch.setattr(operator, "_LOGIN", tmp_path / "nowhere")
    assert whoami() == ACCOUNT


@pytest.mark.parametrize(("kept", "sure"), [(str(OTHER.pw_uid), True), ("4294967295", False), ("none", False)])
def test_where_one_sits_is_told_and_whether_the_kernel_says_who_it_is(tmp_path, monkeypatch, kept, sure):
    (tmp_path / "loginuid").write_text(kept)
    monkeypatch.setattr(operator, "_LOGIN", tmp_path / "loginuid")
    monkeypatch.setattr(operator, "_vouched_for", lambda _: True)
    told = terminal({"SSH_CONNECTION": "10.0.0.5 51234 10.0.0.1 22"})
    assert told == Terminal(host=os.uname().nodename, client="10.0.0.5", sure=sure)
    assert terminal({}).client == ""
    assert len(terminal({"SSH_CONNECTION": "x" * 1000}).client) == 45


FORGED = """
import os, sys
from contextlib import suppress
from loom_tui.config.operator import terminal, whoami
with suppress(OSError), open("/proc/self/loginuid", "w") as own:
    own.write(sys.argv[2])
whoami()  # loads what it needs while it may
os.setuid(int(sys.argv[1]))
print(whoami(), terminal({}).sure)
"""


def test_a_login_that_a_process_wrote_into_itself_makes_nobody_another_person():
    me = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    other = next(entry for entry in pwd.getpwall() if entry.pw_uid not in (0, me.pw_uid))
    done = subprocess.run(
        (sys.executable, "-c", FORGED, str(me.pw_uid), str(other.pw_uid)),
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split()[0] == me.pw_name


def test_an_account_that_one_changed_to_is_believed_where_root_gave_the_login(tmp_path, monkeypatch):
    monkeypatch.setattr(operator, "_PROC", tmp_path)
    monkeypatch.setattr(os, "getppid", lambda: 30)
    chain = {30: (20, 1000, 1000), 20: (10, 1000, 1000), 10: (1, 0, 1000), 1: (0, 0, 2**32 - 1)}
    for pid, (parent, uid, login) in chain.items():  # bash, su, sshd's monitor, init
        (tmp_path / str(pid)).mkdir()
        (tmp_path / f"{pid}/status").write_text(f"Name:\tx\nPPid:\t{parent}\nUid:\t{uid}\t0\t0\t0\n")
        (tmp_path / f"{pid}/loginuid").write_text(str(login))
    assert operator._vouched_for(1000)
    assert not operator._vouched_for(1001)
    (tmp_path / "10/status").write_text("Name:\tx\nPPid:\t1\nUid:\t1000\t0\t0\t0\n")
    assert not operator._vouched_for(1000)  # a program that runs as root for whoever starts it gives no login
