"""The commands, as a shell sees them: what they say, where, and with which exit code."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from loom_tui.config.operator import whoami
from tests.shell import HERE, loom, with_sample_plan

SPRINT = HERE / "tests" / "plans" / "SPRINT_07_DEPLOYMENT_PLAN.md"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return with_sample_plan(tmp_path)


def test_an_imported_plan_is_checked_shown_and_scheduled(tmp_path):
    done = loom(tmp_path, "import", str(SPRINT), "-o", "loom.toml")
    assert done.returncode == 0
    assert "blocks understood" in done.stderr
    checked = loom(tmp_path, "plan", "check", "--json")
    assert checked.returncode == 0
    warnings = " ".join(fault["where"] for fault in json.loads(checked.stdout)["warnings"])
    assert "#149" in warnings
    assert "#150" in warnings
    shown = json.loads(loom(tmp_path, "plan", "show", "--json").stdout)
    assert sorted(issue["id"] for issue in shown["issues"]) == list(range(144, 156))
    assert "Critical chain" in loom(tmp_path, "plan", "path").stdout


def test_an_import_writes_over_nothing_unless_told(place):
    before = (place / "loom.toml").read_bytes()
    done = loom(place, "import", str(SPRINT), "-o", "loom.toml")
    assert done.returncode == 2
    assert "--force" in done.stderr
    assert (place / "loom.toml").read_bytes() == before


def test_a_document_comes_through_a_pipe_too(tmp_path):
    done = loom(tmp_path, "import", "-", stdin=SPRINT.read_bytes())
    assert done.returncode == 0
    assert "[[issues]]" in done.stdout


def test_all_faults_of_a_plan_are_told_with_exit_1(place):
    text = (place / "loom.toml").read_text(encoding="utf-8")
    (place / "loom.toml").write_text(text.replace("depends_on = [", "depends_on = [999, ", 1) + "\n[colour]\n", "utf-8")
    done = loom(place, "plan", "check")
    assert done.returncode == 1
    assert "has an unknown key `colour`" in done.stdout


def test_a_tick_a_status_and_a_note_are_events_of_the_journal(place):
    assert loom(place, "tick", "147", "1").stdout == "Ticked #147 · User registration\n"
    assert loom(place, "set", "147", "--status", "in_progress", "--owner", "QA", "--effort", "3-5").returncode == 0
    assert loom(place, "set", "146", "--blocked", "staging is down").returncode == 0
    assert loom(place, "note", "CDN purged").stdout == f"{whoami()} noted CDN purged\n"
    verified = loom(place, "journal", "verify")
    assert verified.returncode == 0
    assert verified.stdout.startswith("Verified 6 events. Head ")
    shown = json.loads(loom(place, "status", "--json").stdout)
    issue = next(issue for issue in shown["issues"] if issue["id"] == 147)
    assert issue["status"] == "in_progress"


def test_what_is_set_of_an_issue_is_said_as_it_was_and_as_it_is(place):
    told = loom(place, "set", "147", "--status", "done", "--owner", "Ana", "--owner", "Bo", "--effort", "3-5")
    assert told.stdout.splitlines() == [
        "#147 Smoke Testing",
        "  status: ready → done",
        "  owner: QA, Developer → Ana, Bo",
        "  effort: 4–6 h → 3–5 h",
    ]
    assert loom(place, "set", "147", "--effort", "3-5").stdout.splitlines()[1:] == ["  effort: 3–5 h, as before"]
    blocked = loom(place, "set", "146", "--blocked", "staging is down").stdout.splitlines()
    waits = "Staging environment ready"  # as the plan has it
    assert blocked[1:] == ["  status: ready → blocked", f"  blocked by: {waits} → {waits}, staging is down"]
    assert loom(place, "set", "146", "--status", "in_progress").stdout.splitlines()[1:] == [
        "  status: blocked, as before",
        "It stays blocked until what blocks it is gone: loom set 146 --unblocked",
    ]
    freed = loom(place, "set", "146", "--unblocked").stdout.splitlines()
    assert freed[1:] == ["  status: blocked → in progress", f"  blocked by: {waits}, staging is down → {waits}"]


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("tick", "999", "1"), "has no issue 999", 2),
        (("tick", "147", "99"), "there is no task 99", 1),
        (("tick", "147", "0"), "0 is not in the range", 2),
        (("set", "147"), "Say what to set", 2),
        (("set", "147", "--effort", "soon"), "written in hours", 1),
        (("set", "147", "--effort", "5-2"), "lower to its higher end", 1),
        (("note", "   "), "nothing to write down", 1),
        (("plan", "show", "nowhere.toml"), "There is no plan at", 2),
        (("room", "a.toml", "b.toml"), "A room holds one plan", 2),
        (("frobnicate",), "needs a terminal", 2),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(place, words, said, code):
    done = loom(place, *words)
    assert said in " ".join(done.stderr.split())
    assert done.returncode == code
    assert done.stdout == ""


def test_without_a_plan_one_is_told_how_to_get_one(tmp_path):
    done = loom(tmp_path, "plan", "check")
    assert done.returncode == 2
    assert "loom import" in done.stderr
    assert "loom demo" in done.stderr


def test_the_nearest_plan_above_is_taken(place):
    below = place / "a" / "b"
    below.mkdir(parents=True)
    assert loom(below, "plan", "check").returncode == 0


def test_the_status_of_a_room_that_nobody_opened_is_hold(place):
    done = loom(place, "status")
    assert done.returncode == 3
    assert done.stdout == (
        "HOLD: needs #145 (DevOps/Backend), #146 (DBA/Backend), #147 (QA/Developer) and #144 (DevOps/Backend) done "
        "· rules or sign-offs for 10 criteria\n"
    )
    assert not (place / "state").exists()  # a question leaves nothing behind


def test_a_journal_that_was_tampered_with_is_named_at_its_first_bad_event(place):
    import sqlite3

    for text in ("one", "two", "three"):
        loom(place, "note", text)
    journal = next((place / "state").rglob("journal.db"))
    with sqlite3.connect(journal) as connection:
        for (trigger,) in connection.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            connection.execute(f"drop trigger {trigger}")
        connection.execute("update events set actor = 'somebody' where seq = 2")
    connection.close()
    done = loom(place, "journal", "verify")
    assert done.returncode == 1
    assert "event 2" in done.stderr


@pytest.mark.parametrize(
    "body",
    [b"", b"\x00\xff\xfe", b"[plan", b"x" * 30_000_000, "title = 'ü'".encode("latin-1"), b"[" * 100_000],
    ids=["nothing", "binary", "half written", "30 MB", "latin-1", "nested"],
)
def test_garbage_for_a_plan_is_a_sentence(tmp_path, body):
    (tmp_path / "loom.toml").write_bytes(body)
    done = loom(tmp_path, "plan", "check")
    assert done.returncode == 1
    assert done.stdout.startswith("loom.toml: ")
    assert len(done.stdout) < 500


def test_a_crash_is_a_sentence_and_with_debug_a_file(place):
    broken = place / "sitecustomize.py"
    broken.write_text(
        "import loom_tui.config.plans as p\ndef boom(*a, **k): raise ZeroDivisionError\np.find_plan = boom\n"
    )
    path = f"{place}:{HERE}"
    done = loom(place, "plan", "check", PYTHONPATH=path)
    assert done.returncode == 70
    assert "ZeroDivisionError" in done.stderr
    debugged = loom(place, "--debug", "plan", "check", PYTHONPATH=path)
    file = Path(debugged.stderr.split("details are in ")[1].strip())
    assert "ZeroDivisionError" in file.read_text(encoding="utf-8")
    assert file.stat().st_mode & 0o077 == 0
    file.unlink()


def test_each_command_shows_an_example(place):
    for words in (
        ("import",),
        ("plan", "check"),
        ("tick",),
        ("set",),
        ("note",),
        ("status",),
        ("watch",),
        ("demo",),
        ("room",),
        ("rollback",),
        ("act",),
        ("approve",),
        ("abort",),
        ("stop",),
    ):
        done = loom(place, *words, "--help")
        assert done.returncode == 0
        assert "Example: loom" in done.stdout
        assert "\\b" not in done.stdout, "a mark for the help's layout, not for people"


def as_a_stranger(path: Path) -> None:
    """Give a path to nobody in particular: only root can, so whoever is not root lets everybody write instead."""
    if os.geteuid() == 0:
        os.chown(path, 54_321, -1)
    else:
        path.chmod(path.stat().st_mode | 0o002)


@pytest.mark.parametrize("strange", ["loom.toml", "."])
def test_a_plan_of_somebody_elses_is_opened_only_by_its_name(place, strange):
    below = place / "src"
    below.mkdir()
    as_a_stranger(place / strange)
    told = loom(below, "status")
    assert told.returncode == 2
    assert f"If you trust it, name it: loom {place / 'loom.toml'}" in told.stderr
    assert loom(below, "status", str(place / "loom.toml")).returncode == 3
    assert loom(place, "status").returncode == 2


@pytest.mark.parametrize("open_to_all", ["loom.toml", "."])
def test_a_plan_that_everybody_can_write_is_not_simply_found(place, open_to_all):
    (place / open_to_all).chmod(0o777)
    told = loom(place, "plan", "check")
    assert told.returncode == 2
    assert "can be written by everybody" in told.stderr
    (place / open_to_all).chmod(0o1777 if open_to_all == "." else 0o600)  # sticky: what is ours stays ours
    assert loom(place, "plan", "check").returncode == 0


def test_no_control_character_of_a_plan_reaches_the_terminal(place):
    text = '[plan]\ntitle = "safe \\u202Egnp.exe \\u001b[31m"\n[[issues]]\nid = 1\ntitle = "x\\u2066y"\n'
    (place / "loom.toml").write_text(text, encoding="utf-8")
    for words in (("plan", "show"), ("plan", "path"), ("plan", "check")):
        told = loom(place, *words)
        assert told.returncode == 0
        assert not {"\u202e", "\u2066", "\x1b"} & {*told.stdout, *told.stderr}
    (place / "loom.toml").write_text(text + 'depends_on = ["\\u202Ex"]\n', encoding="utf-8")
    told = loom(place, "status")
    assert told.returncode == 1
    assert "\u202e" not in told.stderr
