"""What the gate's sentence makes of its needs, whatever words people and sources put at the ends of theirs."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from loom_tui.plan.model import Criterion, Issue, Rule, Status
from loom_tui.room.events import ErrorBlocking, NoGoShown, decode_payload, encode_payload
from loom_tui.room.gate_deeds import call_decision
from loom_tui.room.nogo import stays_words
from loom_tui.room.signals import State
from loom_tui.room.verdicts import Choice, Evidence, Says
from tests.gates import CALM, HOT, OURS, plan, read, reading, room

SIGNALS = ("app", "app.auth", "db")
CALM_GO = Criterion(text="No critical errors", rules=(CALM,))
HOT_NO_GO = Criterion(text="Critical bug", rules=(HOT,))
ZERO = reading("sentry.critical", 0.0)
ALL_DONE = Criterion(text="All done", issues=(1, 2, 3))
DONE = [Issue(id=number, title="i", status=Status.DONE, checks=("db",)) for number in ALL_DONE.issues]


def checked(names: Iterable[str] = SIGNALS) -> list[Criterion]:
    """Go criteria of a check each."""
    return [Criterion(text=name, checks=(name,)) for name in names]


def test_done_issues_whose_checks_were_never_read_are_issues_and_not_signals():
    gate = room(plan(go=[ALL_DONE], issues=DONE)).gate
    assert gate.why == "needs #1 proved: db: never read · #2 proved: db: never read · #3 proved: db: never read"


def test_issues_are_not_counted_among_the_signals_that_were_never_read():
    gate = room(plan(go=[ALL_DONE, *checked()], issues=DONE)).gate
    assert gate.why == (
        "needs #1 proved: db: never read · #2 proved: db: never read · #3 proved: db: never read"
        " · app and 2 other signals read"
    )


@pytest.mark.parametrize("end", ["read", "read again"])
def test_people_whose_roles_end_like_a_need_are_not_signals(end):
    roles = tuple(f"{name} {end}" for name in ("Docs", "Terms", "Notes"))
    gate = room(plan(go=[Criterion(text="Papers", signoffs=roles)])).gate
    assert gate.why == f"needs {' · '.join(f'the sign-off of {role}' for role in roles)}"


def test_signals_that_were_read_and_do_not_say_what_a_rule_wants_are_not_told_as_never_read():
    rules = tuple(Rule(signal=name, is_="read") for name in SIGNALS)
    gate = room(plan(go=[Criterion(text="Seen", rules=rules)]), seen=read(*map(reading, SIGNALS))).gate
    assert gate.why == "needs app read · app.auth read · db read"
    assert {item.says for item in gate.go[0].evidence} == {Says.AGAINST}


def test_signals_that_are_all_stale_are_one_thing_that_the_sentence_needs():
    seen = read(*(reading(name, age_s=1000) for name in SIGNALS))
    gate = room(plan(go=checked()), seen=seen).gate
    assert gate.why == "needs app and 2 other signals read again"
    assert gate.needs == ("app read again", "app.auth read again", "db read again")


def test_a_signal_that_several_criteria_wait_for_is_counted_once():
    twice = [*checked(), *(replace(view, text=f"{view.text} too") for view in checked())]
    assert room(plan(go=twice)).gate.why == "needs app and 2 other signals read"
    two = [*checked(("app", "db")), Criterion(text="app too", checks=("app",))]
    assert room(plan(go=two)).gate.why == "needs app read · db read"


# What ends a NO-GO


def shown(*evidence: Evidence) -> NoGoShown:
    return NoGoShown(criterion="no_go/critical bug", text="Critical bug", evidence=evidence, **OURS)


def test_a_reading_that_speaks_of_something_lifted_does_not_hide_that_a_person_can_lift_the_no_go():
    rule = Rule(signal="app.auth", is_="ban lifted", for_s=300)
    lifting = plan(go=[CALM_GO], no_go=[replace(HOT_NO_GO, rules=(rule,))])
    seen = read(ZERO, reading("app.auth", detail="ban lifted"))
    words = stays_words(room(lifting, ("loom", 600, shown()), seen=seen))
    assert words == "v2 stays NO-GO until: app.auth no longer ban lifted, or lifted with a reason"


def test_an_issue_that_waits_for_something_lifted_does_not_hide_it_either():
    unproved = plan(go=[CALM_GO], no_go=[Criterion(text="Critical bug", issues=(1,))], issues=DONE)
    seen = read(ZERO, reading("db", state=State.UNKNOWN, detail="freeze not lifted"))
    words = stays_words(room(unproved, ("loom", 600, shown()), seen=seen))
    assert words == "v2 stays NO-GO until: #1 proved: db: freeze not lifted, or lifted with a reason"


def test_a_no_go_that_only_a_person_ends_says_so_once():
    blocks = ErrorBlocking(source="sentry", error="1", title="Leak", blocks=True, reason="data leaks")
    blocked = room(plan(go=[CALM_GO]), ("bo", 60, blocks), seen=read(ZERO))
    assert stays_words(blocked) == "v2 stays NO-GO until: bo's blocker lifted"
    never_read = Evidence(kind="rule", subject="db", says=Says.UNKNOWN, words="never read", awaits="read")
    held = Evidence(kind="rule", subject="sentry.critical", says=Says.AGAINST, words="2 ≥ 1")
    gone = room(plan(go=[CALM_GO]), ("loom", 600, shown(never_read, held)), seen=read(ZERO))
    assert stays_words(gone) == "v2 stays NO-GO until: “Critical bug” lifted"
    assert gone.gate.needs == ("“Critical bug” lifted",)
    bare = room(plan(go=[CALM_GO]), ("loom", 600, shown()), seen=read(ZERO))
    assert stays_words(bare) == "v2 stays NO-GO until: lifted with a reason"


# The journal


def test_what_was_stored_before_evidence_said_what_it_awaits_is_read_and_still_ends_alike():
    held = Evidence(kind="rule", subject="sentry.critical", says=Says.AGAINST, words="2 ≥ 1")
    body = encode_payload(shown(held))
    before = body.replace(b'"awaits":"",', b"")
    assert before != body
    gone = room(plan(go=[CALM_GO]), ("loom", 600, decode_payload(before)), seen=read(ZERO))
    assert decode_payload(before) == shown(held)
    assert stays_words(gone) == "v2 stays NO-GO until: “Critical bug” lifted"


def test_a_decision_keeps_what_its_evidence_awaited():
    called = call_decision(Choice.NO_GO, reason="too early")(room(plan(go=checked())), "ana")
    assert decode_payload(encode_payload(called)) == called
    assert encode_payload(called).count(b'"awaits":"read"') == len(SIGNALS)
