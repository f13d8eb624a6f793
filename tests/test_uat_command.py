"""`loom step` and `loom uat`, as a shell sees them; and `loom check` of a workflow that people and machines share."""

from __future__ import annotations

import asyncio
import json

import pytest

from loom_tui.config.operator import whoami
from tests.servers import answer, serving
from tests.shell import loom

PLAN = """
plan = { title = "t", id = "t", release = "v1.7.0" }
uat = { features = ["Booking", "Journal"] }
[[workflows]]
name = "Booking"
url = "URL"
steps = [
  { kind = "http", name = "Book" },
  { kind = "manual", name = "Look at the invitation", words = "Is the zone right?", tester = "QA" },
]
"""


@pytest.fixture
def place(tmp_path):
    (tmp_path / "loom.toml").write_text(PLAN.replace("URL", "http://127.0.0.1:1"))
    return tmp_path


def test_steps_by_hand_are_listed_done_and_begun_anew(place):
    assert loom(place, "step", "booking").stdout.splitlines() == [
        "Booking: 0 of 1 done, v1.7.0 in production",
        "  1  Look at the invitation  QA",
        "     Is the zone right?",
    ]
    done = loom(place, "step", "booking", "1", "ok", "--note", "Berlin", "--tester", "Bo")
    assert done.stdout.splitlines()[1] == "  1  Look at the invitation  ok, Bo: Berlin"
    assert "0 of 1 done" in loom(place, "step", "booking", "--begin").stdout


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("step", "bookng"), 1, "did you mean `booking`?"),
        (("step", "booking", "1"), 2, "Say what came of it"),
        (("step", "booking", "1", "failed"), 1, "Say in a note what went wrong"),
        (("uat", "feedback", "Maya", "6"), 2, "6 is not in the range"),
        (("uat", "feedback", "Maya", "1", "--severity", "blocker"), 1, "Say what the blocker is"),
        (("uat", "session", "Maya", "--feature", "x"), 1, "no feature 'x'"),
        (("uat", "settle", "7", "x"), 1, "There is no feedback 7"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(place, words, code, sentence):
    done = loom(place, *words)
    assert done.returncode == code
    assert sentence in done.stderr


async def test_a_check_that_people_share_is_unknown_until_they_have_done_their_part(tmp_path):
    async with serving(answer(b"{}")) as server:
        (tmp_path / "loom.toml").write_text(PLAN.replace("URL", server.url))
        before = await asyncio.to_thread(loom, tmp_path, "check", "workflow.booking")
        assert (before.returncode, "1 of 1 steps by hand are not done" in before.stdout) == (3, True)
        loom(tmp_path, "step", "booking", "1", "ok")
        after = await asyncio.to_thread(loom, tmp_path, "check", "workflow.booking")
        assert after.returncode == 0


def test_acceptance_testing_is_written_down_and_shown(place):
    joined = loom(place, "uat", "participant", "Maya", "--about", "coach, iPad")
    assert joined.stdout == f"{whoami()} added Maya to the acceptance testing\n"
    held = loom(place, "uat", "session", "Maya", "--feature", "book", "--minutes", "40")
    assert held.stdout == f"{whoami()} noted a session of Maya: Booking\n"
    said = loom(place, "uat", "feedback", "Maya", "2", "cannot cancel", "--severity", "blocker", "--feature", "Booking")
    assert said.stdout.startswith(f"{whoami()} noted Maya's 2 of 5, blocker: cannot cancel · feedback ")
    number = said.stdout.split()[-1]
    assert loom(place, "uat", "show").stdout.splitlines() == [
        "v1.7.0 in production: 2.0 of 5, 1 said something",
        "Features tried: 1 of 2",
        "  Booking  Maya",
        "  Journal  nobody yet",
        "Maya  coach, iPad  1 sessions, 1 feedback",
        f"  {number}  2  blocker  cannot cancel",
        f"Open blocker {number}: cannot cancel (Maya)",
    ]
    loom(place, "uat", "settle", number, "fixed")
    shown = json.loads(loom(place, "uat", "show", "--json").stdout)
    assert (shown["rating"], shown["blockers"]) == (2.0, [])
    assert json.loads(loom(place, "status", "--json").stdout)["signals"]["uat.blockers"]["value"] == 0
