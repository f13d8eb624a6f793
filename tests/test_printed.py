"""What commands print of a plan, a person or a server: no terminal obeys any of it."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

import loom_tui
from loom_tui.commands.printing import escaped
from loom_tui.store.sqlite import open_store
from tests.servers import answer, serving
from tests.shell import loom

WORDS = "safe\x1b[2J\x1b]0;owned\x07\x9b31m\u202egnp.exe\u2066 [/red]"
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
PLAN = """
plan = { title = W, id = "t", release = W, last_stable = W, environment = W, status = W, sprint = W }
uat = { features = [W] }
rollback = [{ name = W, text = W }]
notes = [{ line = 1, text = W }]
references = [{ name = W, text = W }]
stakeholders = [{ name = W, role = W }]
cadences = [{ what = W, when = W, topics = [W] }]
risks = [{ kind = "open", text = W, response = W, owner = W }]
[[issues]]
id = 1
title = W
owners = [W]
effort_text = W
goal = W
tasks = [{ text = W }]
[[issues]]
id = W
title = W
depends_on = [1]
effort_hours = { low = 1, high = 2 }
[criteria]
go = [{ text = W, checks = ["app"] }]
no_go = [{ text = W }]
[[workflows]]
name = W
url = "http://127.0.0.1:1"
steps = [{ kind = "manual", name = W, words = W, tester = W }]
[sources.app]
kind = "http"
label = W
url = "URL"
fields = { part = "part" }
"""


def plan_of(url: str) -> str:
    return re.sub(r"\bW\b", lambda _: json.dumps(WORDS), PLAN).replace("URL", url)


@pytest.fixture
def place(tmp_path):
    (tmp_path / "loom.toml").write_text(plan_of("http://127.0.0.1:1"), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "show"),
        ("plan", "show", "--json"),
        ("plan", "path"),
        ("plan", "check"),
        ("status",),
        ("status", "--json"),
        ("check", "--json"),
        ("check", "no-such-check"),
        ("doctor",),
        ("tick", "1", "1"),
        ("tick", "4711", "1"),
        ("set", "1", "--owner", WORDS),
        ("note", WORDS),
        ("signoff", WORDS),
        ("step", "safe"),
        ("step", "safe", "1", "failed", "--note", WORDS, "--tester", WORDS),
        ("step", "safe", "9", "ok"),
        ("uat", "participant", WORDS, "--about", WORDS),
        ("uat", "feedback", WORDS, "1", WORDS, "--severity", "blocker"),
        ("uat", "session", "Maya", "--feature", "none"),
        ("uat", "show"),
        ("uat", "show", "--json"),
        ("journal", "verify"),
        ("journal", "verify", "--json"),
    ],
)
def test_no_word_of_a_plan_or_a_person_reaches_a_terminal_as_a_command(place, words):
    open_store(place / "state", plan_id="t").close()
    loom(place, "uat", "feedback", WORDS, "2", WORDS)
    told = loom(place, *words)
    assert told.stdout + told.stderr, "something was said"
    assert not UNSAFE.findall(told.stdout + told.stderr)


@pytest.mark.parametrize("words", [("check",), ("check", "--json"), ("doctor",), ("doctor", "--json")])
async def test_no_word_of_a_server_reaches_a_terminal_as_a_command(tmp_path, words):
    async with serving(answer(json.dumps({"part": WORDS}).encode(), status="500 Oops")) as server:
        (tmp_path / "loom.toml").write_text(plan_of(server.url), encoding="utf-8")
        told = await asyncio.to_thread(lambda: loom(tmp_path, *words))
    assert "answered 500" in told.stdout
    assert not UNSAFE.findall(told.stdout + told.stderr)


def test_every_command_prints_through_the_one_place():
    commands = Path(loom_tui.__file__).parent / "commands"
    found = [path.name for path in commands.glob("*.py") for _ in re.findall(r"click\.echo\b", path.read_text())]
    assert sorted(found) == ["plan.py", "printing.py", "printing.py"], "plan.py writes TOML, for a file"


def test_what_is_escaped_in_json_reads_as_before():
    value = [WORDS, "\U000e0041 tag", "部署🚀"]
    text = escaped(json.dumps(value, ensure_ascii=False))
    assert not UNSAFE.findall(text)
    assert json.loads(text) == value


def test_a_source_is_shown_by_the_word_that_a_plan_has_for_it(place):
    assert "app  http\n" in loom(place, "plan", "show").stdout
