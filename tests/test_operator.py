"""Who one is: by the kernel's word where it has one, and never by an environment variable."""

from __future__ import annotations

import os
import pwd

import pytest

from loom_tui.config import operator
from loom_tui.config.operator import terminal, whoami
from loom_tui.room.presence import Terminal

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
    told = terminal({"SSH_CONNECTION": "10.0.0.5 51234 10.0.0.1 22"})
    assert told == Terminal(host=os.uname().nodename, client="10.0.0.5", sure=sure)
    assert terminal({}).client == ""
    assert len(terminal({"SSH_CONNECTION": "x" * 1000}).client) == 45
