"""The gate from a shell: votes, sign-offs, waivers, decisions, and the status with its exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from loom_tui.config.operator import whoami
from loom_tui.plan.model import Criterion, Risk, Stakeholder
from loom_tui.plan.toml import dump_plan
from loom_tui.room.events import Waived, WaiverAgreed
from loom_tui.room.signals import PollerReport, Reading, State
from loom_tui.store.sqlite import open_store
from tests.gates import ENVIRONMENT, RELEASE, plan
from tests.shell import loom

ME = whoami()
PLAN = plan(
    go=[Criterion(text="Feedback positive"), Criterion(text="Smoke testing passed", checks=("app",))],
    no_go=[Criterion(text="Security concern")],
    voters=[Stakeholder(name="QA", votes=True), Stakeholder(name="Ops", votes=True, who=("nobody-here",))],
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write(tmp_path)
    return tmp_path


def write(place: Path, **changes: object) -> None:
    (place / "loom.toml").write_text(dump_plan(replace(PLAN, **changes)), encoding="utf-8")


def test_what_is_said_in_a_shell_is_in_the_journal_and_in_the_gate(place):
    done = loom(place, "vote", "qa", "go")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"{ME} voted GO (QA)")
    assert loom(place, "signoff", "feedback", "--words", "twelve testers").returncode == 0
    assert loom(place, "signoff", "security").returncode == 0
    gate = json.loads(loom(place, "status", "--json").stdout)["gate"]
    assert gate["state"] == "HOLD"
    assert gate["needs"] == ["app read", "the vote from Ops"]
    assert [(vote["role"], vote["choice"], vote["by"]) for vote in gate["votes"]] == [
        ("QA", "go", ME),
        ("Ops", None, None),
    ]
    feedback = gate["go"][0]
    assert (feedback["key"], feedback["verdict"]) == ("go/feedback positive", "met")
    assert (feedback["evidence"][0]["by"], feedback["evidence"][0]["detail"]) == (ME, "twelve testers")
    assert gate["no_go"][0]["verdict"] == "not_met"


def test_a_no_go_vote_is_exit_1_and_can_be_taken_back_or_lifted(place):
    refused = loom(place, "vote", "QA", "no-go")
    assert (refused.returncode, refused.stderr.strip()) == (1, "A no-go vote needs a reason")
    done = loom(place, "vote", "QA", "no-go", "--reason", "booking [/ is broken")
    assert done.stdout.splitlines()[1] == f"NO-GO: QA votes no-go ({ME}: booking [/ is broken)"
    assert loom(place, "status").returncode == 1
    assert loom(place, "vote", "QA", "withdraw", "--reason", "mended").returncode == 0
    assert loom(place, "status").returncode == 3
    loom(place, "signoff", "security", "--against", "--words", "a leak")
    assert loom(place, "status").returncode == 1
    assert loom(place, "lift", "security", "--reason", "a test key").returncode == 0
    assert loom(place, "status").returncode == 3


def test_nonsense_is_refused_with_a_sentence_and_writes_nothing(place):
    for words, code, sentence in (
        (("vote", "Ops", "go"), 1, f"{ME} does not speak for Ops"),
        (("vote", "Legal", "go"), 1, "write one of: QA, Ops"),
        (("signoff", "smoke"), 1, "a word does not"),
        (("waive", "smoke", "--hours", "-1", "--reason", "r"), 1, "within 30 days"),
        (("waive", "smoke"), 2, "Say one of --hours"),
        (("waive", "smoke", "--agree"), 1, "has no waiver"),
        (("lift", "smoke", "--reason", "r"), 1, "names no criterion; write one of: no_go/security concern"),
        (("lift", "security", "--reason", "r"), 1, "nothing to lift"),
        (("decide", "go"), 1, "The gate is HOLD"),
        (("decide", "agree"), 1, "No decision waits"),
        (("accept", "storms", "--reason", "r"), 1, "names no risk"),
    ):
        done = loom(place, *words)
        assert (done.returncode, sentence in done.stderr) == (code, True), (words, done.stderr)
    assert "empty" in loom(place, "journal", "verify").stdout


def test_a_waiver_is_proposed_here_and_counts_when_another_person_agreed(place):
    done = loom(place, "waive", "smoke", "--hours", "4", "--reason", "staging is down")
    assert "another person" in done.stdout
    assert "another person must agree" in loom(place, "waive", "smoke", "--agree").stderr
    store = open_store(place / "state", plan_id="friday")
    event = store.events()[-1]
    assert isinstance(event.payload, Waived)
    store.append(WaiverAgreed(waiver=event.seq), actor="bo", at=event.at + 1)
    store.close()
    smoke = json.loads(loom(place, "status", "--json").stdout)["gate"]["go"][1]
    assert smoke["verdict"] == "waived"
    assert (smoke["waiver"]["by"], smoke["waiver"]["agreed_by"]) == (ME, "bo")
    assert loom(place, "waive", "smoke", "--end", "--reason", "it is up").returncode == 0


def test_go_is_exit_0_and_a_decision_is_told(place):
    write(place, criteria=replace(PLAN.criteria, go=PLAN.criteria.go[:1]), stakeholders=PLAN.stakeholders[:1])
    for words in (("vote", "QA", "go"), ("signoff", "feedback"), ("signoff", "security")):
        assert loom(place, *words).returncode == 0
    done = loom(place, "status")
    assert (done.returncode, done.stdout) == (
        0,
        "GO: 1 of 1 criteria met · none of 1 no-go criteria holds · 1 of 1 votes are go\n",
    )
    assert loom(place, "decide", "go").stdout.splitlines()[0] == f"{ME} called GO while the gate was GO"
    decision = json.loads(loom(place, "status", "--json").stdout)["gate"]["decision"]
    assert (decision["choice"], decision["by"], decision["pending"], decision["gate_then"]) == ("go", ME, False, "GO")


def test_a_word_that_waits_for_a_second_person_says_so_and_an_end_names_what_it_ended(place):
    write(place, risks=(Risk(text="Late launch"),))
    proposed = loom(place, "waive", "smoke", "--hours", "4", "--reason", "staging is down").stdout.splitlines()
    assert proposed[0] == f"{ME} proposes to waive Smoke testing passed: staging is down"
    assert re.fullmatch(r"It waives nothing until another person agrees, and ends (\w+ \d+ )?\d\d:\d\d", proposed[1])
    ended = loom(place, "waive", "smoke", "--end", "--reason", "it is up").stdout.splitlines()
    assert re.fullmatch(rf"{ME} ended waiver \d+: it is up", ended[0])
    assert ended[1] == f"  {proposed[0]}"
    called = loom(place, "decide", "go", "--reason", "we must").stdout.splitlines()
    assert called[0] == f"{ME} called GO while the gate was HOLD: we must"
    assert called[1] == "It counts for nothing until another person agrees: loom decide agree"
    accepted = loom(place, "accept", "late", "--owner", "cy", "--reason", "known").stdout.splitlines()
    assert accepted[:2] == [f"{ME} accepted a risk: late launch: known", "cy has it from now on"]


def _heed_interrupts() -> None:
    """Undo what a shell does to a test run in its background: there, SIGINT is ignored, and children inherit it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_watched_status_writes_a_line_for_each_change(place):
    with subprocess.Popen(
        (sys.executable, "-m", "loom_tui", "status", "--watch"),
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), "LOOM_STORE": str(place / "state")},
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_interrupts,  # noqa: PLW1509 - these tests have no threads
    ) as watching:
        assert watching.stdout is not None
        try:
            assert "  HOLD: needs " in watching.stdout.readline()
            assert loom(place, "vote", "QA", "no-go", "--reason", "wait").returncode == 0
            assert "  NO-GO: QA votes no-go" in watching.stdout.readline()
            watching.send_signal(signal.SIGINT)
            assert watching.wait(timeout=60) == 130
        finally:
            watching.kill()


def test_the_status_says_which_source_is_down_and_why(place):
    store = open_store(place / "state", plan_id="friday")
    lease = store.acquire("collector", holder="h", ttl_s=600, now=time.time())
    assert lease is not None
    now = time.time()
    for last, told in ((now - 180, r"heard \d+ m ago"), (None, "never heard")):
        report = PollerReport(last_success_at=last, failures=2, why="app did not answer within 5 s")
        store.record(
            [Reading(signal="feed.app", observed_at=time.time(), state=State.BAD, body=msgspec.json.encode(report))],
            lease=lease,
            now=time.time(),
        )
        [line] = loom(place, "status").stdout.splitlines()[1:]
        assert re.fullmatch(rf"Down: app \({told}\): {report.why}", line)
    store.release(lease)
    assert loom(place, "status").stdout.splitlines()[1:] == ["Nobody asks the world: no collector runs"]
    store.close()


def test_the_plan_s_release_and_environment_are_those_of_every_claim(place):
    loom(place, "vote", "QA", "go")
    store = open_store(place / "state", plan_id="friday")
    payload = store.events()[-1].payload
    store.close()
    assert (payload.release, payload.environment) == (RELEASE, ENVIRONMENT)  # type: ignore[union-attr]
