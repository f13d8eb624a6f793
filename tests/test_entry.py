"""How `loom` begins: which words open a room without click, and what such a start leaves out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from loom_tui.commands.room import room
from loom_tui.main import FLAGS, PlainRoom, plain_room

# What a room's start imports; the rest is for other screens, other commands, or for what goes wrong.
OPENING = """
import sys
import loom_tui.entry, loom_tui.main, loom_tui.commands.opening, loom_tui.reader, loom_tui.spawn, loom_tui.store.sqlite
import loom_tui.app, loom_tui.screens.room
print(*sys.modules)
"""
LEFT_OUT = {
    "argparse",
    "click",
    "httpx",
    "loom_tui.cli",
    "loom_tui.commands.errors",
    "loom_tui.commands.printing",
    "loom_tui.inspection",
    "loom_tui.plan.check",
    "loom_tui.plan.importer",
    "loom_tui.plan.toml",
    "loom_tui.room.commits",
    "loom_tui.room.preview",
    "loom_tui.runner",
    "loom_tui.screens.dialogs",
    "loom_tui.screens.over",
    "loom_tui.screens.palette",
    "loom_tui.screens.path",
    "loom_tui.sources",
    "loom_tui.tailing",
    "loom_tui.widgets.graph",
    "loom_tui.widgets.scroll",
    "markdown_it",
    "psycopg",
    "sentry_sdk",
    "shlex",
    "sqlglot",
    "tomli",
    "tomli_w",
}


def test_a_room_s_start_imports_nothing_that_its_first_screen_does_not_need() -> None:
    done = subprocess.run([sys.executable, "-c", OPENING], capture_output=True, text=True, timeout=60, check=True)
    imported = set(done.stdout.split())
    assert "loom_tui.screens.room" in imported
    assert not LEFT_OUT & imported


def test_loom_begins_with_nothing_in_which_waste_could_be_looked_for() -> None:
    told = "import sys; before = set(sys.modules); import loom_tui.entry; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, timeout=60, check=True)
    assert set(done.stdout.split()) <= {"__future__", "gc", "loom_tui", "loom_tui.entry"}


def test_a_room_asked_for_plainly_is_read_without_click(tmp_path: Path) -> None:
    plan = tmp_path / "loom.toml"
    plan.write_text("")
    assert plain_room([], {}) == PlainRoom(None, None, frozenset())
    assert plain_room([str(plan)], {"LOOM_STORE": ""}) == PlainRoom(plan, None, frozenset())
    assert plain_room([], {"LOOM_STORE": str(tmp_path)}) == PlainRoom(None, tmp_path, frozenset())
    words = ["--light", str(plan), "--store", str(tmp_path), "--ascii", "--read-only"]
    assert plain_room(words, {"LOOM_STORE": "/elsewhere"}) == PlainRoom(plan, tmp_path, frozenset(FLAGS.values()))


@pytest.mark.parametrize(
    "words",
    [
        ["demo"],
        ["--help"],
        ["--debug"],
        ["--frobnicate"],
        ["--light=yes"],
        ["--store"],
        ["--store", "nowhere"],
        ["--store", "loom.toml"],
        ["nowhere.toml"],
        ["--store=."],
        ["loom.toml", "loom.toml"],
        ["."],
        ["status", "loom.toml"],
    ],
)
def test_of_any_other_words_click_judges(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("loom.toml").write_text("")
    assert plain_room(words, {}) is None


def test_a_shell_that_completes_words_is_answered_by_click() -> None:
    assert plain_room([], {"_LOOM_COMPLETE": "bash_source"}) is None


def test_what_is_read_plainly_means_the_same_to_click() -> None:
    options = {name: option.name for option in room.params for name in option.opts if name.startswith("--")}
    assert options == {**FLAGS, "--store": "store_directory"}
