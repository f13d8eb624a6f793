"""A decision as it stood, years later, from its event alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace

from loom_tui.plan.toml import dump_plan
from loom_tui.reports.decision import decision_report
from loom_tui.reports.markdown import plain, table
from loom_tui.room.events import DecisionAgreed, DecisionCalled, Event, decode_payload, encode_payload
from loom_tui.room.verdicts import (
    Choice,
    Clock,
    CriterionView,
    Evidence,
    GateState,
    GateView,
    Says,
    Verdict,
    VoteView,
    Waiver,
)
from loom_tui.store.sqlite import open_store
from tests.gates import NOW, OURS, plan
from tests.shell import loom

HOSTILE = "[/ **bold** <script>alert(1)</script> | a \x1b[2J\n# not a title `x` ![i](u) " + "long " * 2000
GATE = GateView(
    state=GateState.HOLD,
    why="smoke testing is unknown",
    needs=("app read",),
    release="v2",
    environment="production",
    go=(
        CriterionView(
            text="Smoke testing passed",
            verdict=Verdict.UNKNOWN,
            why="app: stale",
            claimed=True,
            evidence=(
                Evidence(
                    kind="check", subject="app", says=Says.UNKNOWN, words="stale", at=NOW - 1000, value=7.25, **OURS
                ),
                Evidence(kind="signoff", subject="QA", says=Says.FOR, words="signed off", by="bo", at=NOW - 60),
            ),
            waiver=Waiver(id=3, reason="the tester is ill", by="bo", at=NOW - 50, until=NOW + 3600, agreed_by="cy"),
            clock=Clock(ran_s=3600.0, of_s=86_400.0, broken="silent for 90 s"),
        ),
    ),
    no_go=(CriterionView(text="Critical bug", verdict=Verdict.NOT_MET, why="none"),),
    votes=(VoteView(role="QA", choice=Choice.GO, by="bo", at=NOW - 30), VoteView(role="Ops", choice=None)),
)


def called(**more: object) -> tuple[Event, DecisionCalled]:
    payload = DecisionCalled(choice=Choice.GO, reason="it must", gate=GATE, **OURS)
    payload = replace(payload, **more)
    again = decode_payload(encode_payload(payload))
    assert isinstance(again, DecisionCalled)
    return Event(seq=7, at=NOW, actor="ana", payload=again, hash="ab12"), again


def written(event: Event, payload: DecisionCalled) -> str:
    return "\n".join(decision_report(event, payload, ()))


def test_it_tells_all_that_the_decision_was_called_on():
    text = written(*called())
    for words in (
        "# GO for v2 in production",
        "- called by: ana, 2025-11-11 12:00:00 UTC",
        "- reason: it must",
        "- the gate then: HOLD: smoke testing is unknown",
        "- GO still needed: app read",
        "- event: 7, `ab12`",
        "**unknown**: app: stale (the plan's author had ticked it, which proves nothing)",
        "| check `app` | unknown: stale | 7.25 | 2025-11-11 11:43:20 UTC, 17 m before | v2 production |  |",
        "| signoff `QA` | for: signed off |  | 2025-11-11 11:59:00 UTC, 1 m before |  | bo |",
        "Waiver by bo, agreed by cy, until 2025-11-11 13:00:00 UTC: the tester is ill",
        "Its clock had run for 1 h of 24 h. silent for 90 s",
        "### Critical bug",
        "| QA | GO | bo | 2025-11-11 11:59:30 UTC, 30 s before |  |",
        "| Ops | none |  |  |  |",
    ):
        assert words in text


def test_whatever_people_wrote_is_text_and_breaks_no_table():
    view = replace(
        GATE.go[0],
        text=HOSTILE,
        why=HOSTILE,
        evidence=(Evidence(kind="rule", subject=HOSTILE, says=Says.AGAINST, words=HOSTILE, by=HOSTILE, at=1e300),),
    )
    text = written(*called(reason=HOSTILE, gate=replace(GATE, go=(view,), why=HOSTILE, needs=(HOSTILE,))))
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    kinds = {token.type for token in tokens} | {child.type for token in tokens for child in token.children or ()}
    assert not kinds & {"html_block", "html_inline", "link_open", "image", "em_open"}
    titles = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
    assert not any(title.startswith("not a title") for title in titles)
    cells = sum(token.type == "td_open" for token in tokens)
    assert cells == 6 + 5 * len(GATE.votes)


@pytest.mark.parametrize("text", ["a_b_c", "_a_", "x < y & z", "`", "a|b", "# t", "\\", "**b**", "[a](b)", "&amp;"])
def test_a_text_reads_as_it_was(text):
    (paragraph,) = [token for token in MarkdownIt("commonmark").parse(plain(text)) if token.type == "inline"]
    assert "".join(child.content for child in paragraph.children or ()) == text


def test_a_table_has_a_row_a_row():
    assert list(table(("a", "b"), [("1", "2")])) == ["| a | b |", "|---|---|", "| 1 | 2 |"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "loom.toml").write_text(dump_plan(plan()), encoding="utf-8")
    return tmp_path


def kept(place: Path, *payloads: DecisionCalled | DecisionAgreed) -> None:
    store = open_store(place / "state", plan_id="friday")
    for payload in payloads:
        store.append(payload, actor="ana", at=NOW)
    store.close()


def test_it_is_printed_from_the_journal_after_the_plan_has_changed_and_with_the_journals_head(place):
    kept(place, called()[1], DecisionAgreed(decision=1), called(choice=Choice.NO_GO, reason="storm")[1])
    (place / "loom.toml").write_text(dump_plan(plan(release="v9")), encoding="utf-8")
    done = loom(place, "report", "decision")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "# NO-GO for v2 in production")
    store = open_store(place / "state", plan_id="friday", read_only=True)
    head = store.head()
    store.close()
    assert done.stdout.splitlines()[-1] == f"Journal: 3 events, head `{head.hash}`"
    first = loom(place, "report", "decision", "1")
    assert "# GO for v2 in production" in first.stdout
    assert "- agreed by: ana, 2025-11-11 12:00:00 UTC" in first.stdout
    told = json.loads(loom(place, "report", "decision", "1", "--json").stdout)
    assert told["event"]["payload"]["gate"]["state"] == "HOLD"
    assert (told["event"]["payload"]["gate"]["go"][0]["evidence"][0]["value"], told["head"]["hash"]) == (
        7.25,
        head.hash,
    )
    assert told["agreed"][0]["seq"] == 2


def test_what_is_no_decision_is_said_and_names_those_that_there_are(place):
    loom(place, "note", "the room exists")
    done = loom(place, "report", "decision")
    assert (done.returncode, "The journal holds no decision" in done.stderr) == (1, True)
    kept(place, called()[1])
    done = loom(place, "report", "decision", "1")
    assert (done.returncode, "Event 1 is no decision; there are: 2" in done.stderr) == (1, True)


def test_a_broken_chain_is_printed_all_the_same_said_so_and_exit_1(place):
    kept(place, called()[1])
    loom(place, "note", "later")
    journal = next((place / "state").rglob("journal.db"))
    body = journal.read_bytes()
    assert body.count(b'"later"') >= 1
    journal.write_bytes(body.replace(b'"later"', b'"other"'))
    done = loom(place, "report", "decision")
    assert (done.returncode, "# GO for v2" in done.stdout) == (1, True)
    assert "chain is broken at event 2" in done.stderr
