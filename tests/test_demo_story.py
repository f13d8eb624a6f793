"""The whole story of a deploy day, on real parts and through the commands that a person types; and what it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from loom_tui.demo.call import call
from loom_tui.demo.database import SLOW
from loom_tui.demo.gate import VOTERS
from loom_tui.demo.product import LAST_STABLE, RELEASE
from loom_tui.demo.run import COLLEAGUE
from loom_tui.demo.story import STORY
from loom_tui.demo.world import World, world
from tests.demos import ENVIRONMENT, Shell, apart

# The story as its journal must tell it, from top to bottom; other events may lie between these.
TOLD: tuple[dict[str, Any], ...] = (
    {"kind": "issue_status_set", "issue": 146, "status": "in_progress"},
    {"kind": "action_armed", "name": "migrate"},
    {"kind": "action_approved", "how": "own"},
    {"kind": "countdown_started"},
    {"kind": "step_started", "step": 0},
    {"kind": "step_ended", "step": 0, "outcome": "ok"},
    {"kind": "marker_set", "marker": "migration"},
    {"kind": "verification_started"},
    {"kind": "action_verified"},
    {"kind": "issue_status_set", "issue": 146, "status": "done"},
    {"kind": "issue_status_set", "issue": 147, "status": "done"},
    {"kind": "signed_off"},
    *({"kind": "voted", "role": role, "choice": "go"} for role in VOTERS),
    {"kind": "decision_called", "choice": "go"},
    {"kind": "action_armed", "name": "deploy", "from_release": LAST_STABLE, "to_release": RELEASE},
    {"kind": "step_ended", "step": 0, "outcome": "ok"},
    {"kind": "marker_set", "marker": "deploy"},
    {"kind": "action_verified"},
    {"kind": "no_go_shown"},
    {"kind": "action_armed", "name": "rollback", "from_release": RELEASE, "to_release": LAST_STABLE},
    {"kind": "action_approved", "how": "second"},
    {"kind": "countdown_started"},
    {"kind": "step_started", "step": 0},
    {"kind": "step_ended", "step": 0, "outcome": "ok"},
    {"kind": "step_started", "step": 1},
    {"kind": "step_ended", "step": 1, "outcome": "ok"},
    {"kind": "marker_set", "marker": "rollback"},
    {"kind": "verification_started"},
    {"kind": "action_verified"},
)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with apart(monkeypatch), world() as found:
        yield found


def test_the_whole_story_plays_in_the_demo_and_its_journal_tells_it_from_top_to_bottom(made: World) -> None:
    shell = Shell(made)
    assert shell.status()["gate"]["state"] == "HOLD"
    assert "The gate is " in shell.refused("act", "deploy", *ENVIRONMENT)
    assert "●" not in shell.say("demo", "story")

    assert "saw action" in shell.say("act", "migrate", *ENVIRONMENT)
    signals = shell.status()["signals"]
    assert all(signals[f"db.{slow.name}.ms"]["p95"] < slow.slow_ms / 3 for slow in SLOW)
    shell.say("set", "146", "--status", "done")
    assert shell.say("check", "critical workflows", "--room").endswith("8 ok\n")
    shell.say("set", "147", "--status", "done")
    shell.say("signoff", "security concerns", "--words", "the audit is read, nothing is open")
    assert shell.status()["gate"]["state"] == "HOLD"
    for role in VOTERS:
        shell.say("vote", role, "go")
    shell.insist("decide", "go")
    assert shell.status()["gate"]["decision"]["choice"] == "go"

    shell.insist("act", "deploy", *ENVIRONMENT)
    assert served(made) == RELEASE
    shell.say("demo", "break", "errors")
    lit = shell.until(lambda shown: "Critical error in production" in risks(shown) and shown["gate"]["state"] != "GO")
    assert lit["gate"]["state"] == "NO-GO"
    shell.until_told("no_go_shown")  # the gate closes with the reading; the collector writes it down at its next tick

    back = shell.start("rollback", "--reason", "nobody can book", *ENVIRONMENT)
    shell.until(lambda shown: shell.ended(shell.start("demo", "approve"))[0] == 0)
    code, said = shell.ended(back)
    assert code == 0, said
    assert served(made) == LAST_STABLE
    told = call(f"{made.chat_url}/messages", token="")
    for words in (f"{RELEASE} serves production now", f"back from {RELEASE} to {LAST_STABLE}: nobody can book"):
        assert any(words in message for message in told), told

    events = shell.journal()
    missing = iter(events)
    for wanted in TOLD:
        assert any(wanted.items() <= event["payload"].items() for event in missing), (wanted, kinds(events))
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert all(one["at"] <= other["at"] + 1 for one, other in pairwise(events))  # two who write at once, either first
    (called,) = [event["payload"] for event in events if event["payload"]["kind"] == "decision_called"]
    assert {f"workflow.{workflow.key}" for workflow in made.plan().workflows} <= subjects(called)
    (second,) = [event for event in events if event["payload"].get("how") == "second"]
    assert second["actor"] == COLLEAGUE
    assert shell.say("journal", "verify").startswith("Verified ")
    played = [line for line in shell.say("demo", "story").splitlines() if " loom " in line]
    assert len(played) == len(STORY)
    assert all(line.startswith("●") for line in played[:-1]), played


def subjects(called: dict[str, Any]) -> set[str]:
    """List what the evidence of a decision speaks of."""
    return {item["subject"] for criterion in called["gate"]["go"] for item in criterion["evidence"]}


def served(made: World) -> str:
    version: str = call(f"{made.app_url}/api/version", token="")["version"]
    return version


def risks(shown: dict[str, Any]) -> list[str]:
    return [risk["text"] for risk in shown["risks"] if risk["lit"]]


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["payload"]["kind"] for event in events]
