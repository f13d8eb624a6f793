"""What a person may say at the gate, and the sentences with which nonsense is refused."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from loom_tui.plan.model import Criterion, Operator, Plan, Right, Risk, Stakeholder
from loom_tui.room.deeds import Deed, Refused
from loom_tui.room.events import (
    DecisionAgreed,
    DecisionCalled,
    NoGoLifted,
    NoGoShown,
    Payload,
    RiskAccepted,
    SignedOff,
    Voted,
    VoteWithdrawn,
    Waived,
    WaiverAgreed,
    WaiverEnded,
    decode_payload,
    encode_payload,
)
from loom_tui.room.fold import fold
from loom_tui.room.gate_deeds import (
    accept_risk,
    agree_to_decision,
    agree_to_waiver,
    call_decision,
    cast_vote,
    end_waiver,
    lift_no_go,
    propose_waiver,
    sign_off,
    withdraw_vote,
)
from loom_tui.room.snapshot import Observations, Snapshot
from loom_tui.room.verdicts import Choice, GateState, Says, Verdict
from tests.gates import CALM, HOT, NOW, OURS, adopted, events, plan, read, reading

ENG = Stakeholder(name="Engineering", votes=True, who=("ana", "bo"))
REVIEWED = Criterion(text="Security reviewed", signoffs=("Engineering", "Ops", "dora"))
PLAN = plan(
    go=[
        Criterion(text="No critical errors", id="calm", rules=(CALM,)),
        Criterion(text="Feedback positive"),
        REVIEWED,
    ],
    no_go=[Criterion(text="Critical bug", rules=(HOT,)), Criterion(text="Security concern")],
    voters=[ENG, Stakeholder(name="Ops", votes=True)],
    risks=[Risk(text="Errors rise")],
)
TWO = read(reading("sentry.critical", 2.0))
ZERO = read(reading("sentry.critical", 0.0))


class Scene:
    """A room in which people do one thing after another, a minute apart, up to now."""

    def __init__(self, a_plan: Plan = PLAN, seen: Observations | None = None) -> None:
        self.plan = a_plan
        self.seen = seen or ZERO
        self.told: list[tuple[str, float, Payload]] = [adopted()]

    def now(self) -> Snapshot:
        return fold(self.plan, events(*self.told), self.seen, NOW)

    def do(self, actor: str, deed: Deed | Payload) -> Payload:
        payload = deed(self.now(), actor) if callable(deed) else deed
        assert decode_payload(encode_payload(payload)) == payload
        self.told.append((actor, 0.0, payload))
        return payload

    def refused(self, actor: str, deed: Deed) -> str:
        with pytest.raises(Refused) as refusal:
            deed(self.now(), actor)
        return str(refusal.value)


def test_a_vote_is_for_a_role_of_one_s_own_by_its_name_or_a_part_of_it():
    scene = Scene()
    assert scene.do("ana", cast_vote("eng", Choice.GO)) == Voted(role="Engineering", choice=Choice.GO, **OURS)
    assert "cy does not speak for Engineering; ana or bo does" in scene.refused("cy", cast_vote("eng", Choice.GO))
    assert "names no voting role; write one of: Engineering, Ops" in scene.refused("ana", cast_vote("QA", Choice.GO))
    assert "Nobody votes in this plan" in Scene(plan()).refused("ana", cast_vote("QA", Choice.GO))


def test_a_no_go_vote_and_taking_a_vote_back_say_why():
    scene = Scene()
    assert "needs a reason" in scene.refused("ana", cast_vote("eng", Choice.NO_GO, reason="  "))
    scene.do("ana", cast_vote("eng", Choice.NO_GO, reason="too risky"))
    assert scene.now().gate.state is GateState.NO_GO
    assert "bo has no vote" in scene.refused("bo", withdraw_vote("Engineering", reason="x"))
    assert "needs a reason" in scene.refused("ana", withdraw_vote("Engineering", reason=""))
    assert isinstance(scene.do("ana", withdraw_vote("engineering", reason="mended")), VoteWithdrawn)
    assert scene.now().gate.state is GateState.HOLD


def test_a_sign_off_is_for_those_who_are_named_and_says_for_which_role():
    scene = Scene()
    assert scene.do("dora", sign_off("security reviewed")) == SignedOff(
        criterion="go/security reviewed", text="Security reviewed", holds=True, **OURS
    )
    assert "Say for which role ana signs: Engineering, Ops" in scene.refused("ana", sign_off("reviewed"))
    said = scene.do("ana", sign_off("reviewed", role="engineering"))
    assert isinstance(said, SignedOff)
    assert said.role == "Engineering"
    assert "is not for cy to sign off" in scene.refused("cy", sign_off("reviewed", role="engineering"))
    scene.do("cy", sign_off("reviewed"))
    assert scene.now().gate.go[2].verdict is Verdict.MET


def test_a_word_does_not_open_what_rules_prove_but_may_always_speak_against_going():
    scene = Scene()
    assert "a word does not" in scene.refused("ana", sign_off("calm"))
    assert "needs a reason" in scene.refused("ana", sign_off("calm", against=True))
    scene.do("ana", sign_off("calm", against=True, words="I see one"))
    assert scene.now().gate.go[0].verdict is Verdict.NOT_MET
    scene.do("bo", sign_off("concern", against=True, words="a leak"))
    assert scene.now().gate.state is GateState.NO_GO


def test_a_criterion_is_found_by_its_id_or_a_part_of_its_text_that_no_other_has():
    scene = Scene()
    told = scene.refused("ana", sign_off("security"))
    assert told == "'security' names several criteria; write one of: go/security reviewed, no_go/security concern"
    assert "names no criterion; write one of: calm, go/feedback" in scene.refused("ana", sign_off("[/"))


def test_a_waiver_needs_a_reason_an_end_and_a_second_person():
    scene = Scene(seen=TWO)
    later = NOW + 3600
    assert "needs a reason" in scene.refused("ana", propose_waiver("calm", reason="", until=later))
    for until in (NOW, NOW - 1, NOW + 31 * 86_400, float("nan")):
        assert "within 30 days" in scene.refused("ana", propose_waiver("calm", reason="r", until=until))
    assert "is a no-go" in scene.refused("ana", propose_waiver("bug", reason="r", until=later))
    assert "has no waiver" in scene.refused("bo", agree_to_waiver("calm"))
    assert isinstance(scene.do("ana", propose_waiver("calm", reason="known noise", until=later)), Waived)
    assert "has a waiver by ana already" in scene.refused("bo", propose_waiver("calm", reason="r", until=later))
    assert "another person must agree" in scene.refused("ana", agree_to_waiver("calm"))
    assert scene.do("bo", agree_to_waiver("calm")) == WaiverAgreed(waiver=2)
    assert scene.now().gate.go[0].verdict is Verdict.WAIVED
    assert "is waived already: bo agreed" in scene.refused("cy", agree_to_waiver("calm"))
    assert "needs a reason" in scene.refused("cy", end_waiver("calm", reason=""))
    assert isinstance(scene.do("cy", end_waiver("calm", reason="mended")), WaiverEnded)
    assert scene.now().gate.go[0].verdict is Verdict.NOT_MET


def test_what_is_met_is_not_waived():
    assert "is met" in Scene().refused("ana", propose_waiver("calm", reason="r", until=NOW + 60))


def test_a_no_go_that_holds_now_cannot_be_lifted_by_a_word_but_one_that_latched_can():
    scene = Scene(seen=TWO)
    assert "holds now (sentry.critical: 2 ≥ 1)" in scene.refused("bo", lift_no_go("bug", reason="r"))
    evidence = scene.now().gate.no_go[0].evidence
    scene.do("loom", NoGoShown(criterion="no_go/critical bug", text="Critical bug", evidence=evidence, **OURS))
    scene.seen = read()
    assert scene.now().gate.state is GateState.NO_GO
    assert "needs a reason" in scene.refused("bo", lift_no_go("bug", reason=" "))
    assert scene.do("bo", lift_no_go("bug", reason="false alarm")) == NoGoLifted(
        criterion="no_go/critical bug", reason="false alarm", **OURS
    )
    assert scene.now().gate.state is GateState.HOLD
    assert "nothing to lift" in scene.refused("bo", lift_no_go("bug", reason="r"))


def test_a_no_go_vote_is_lifted_by_its_role():
    scene = Scene()
    scene.do("ana", cast_vote("eng", Choice.NO_GO, reason="no"))
    scene.do("bo", lift_no_go("engineering", reason="ana is away"))
    assert scene.now().gate.state is GateState.HOLD


def ready() -> Scene:
    scene = Scene()
    scene.do("ana", cast_vote("eng", Choice.GO))
    scene.do("cy", cast_vote("ops", Choice.GO))
    scene.do("cy", sign_off("feedback"))
    scene.do("dora", sign_off("reviewed"))
    scene.do("ana", sign_off("reviewed", role="Engineering"))
    scene.do("cy", sign_off("reviewed", role="Ops"))
    scene.do("bo", sign_off("concern"))
    assert scene.now().gate.state is GateState.GO
    return scene


def test_a_decision_stores_the_whole_evidence_as_it_stood():
    scene = ready()
    said = scene.do("ana", call_decision(Choice.GO))
    assert isinstance(said, DecisionCalled)
    assert said.gate == scene.now().gate
    (item,) = said.gate.go[0].evidence
    assert (item.says, item.value, item.at, item.release) == (Says.FOR, 0.0, NOW - 3, "v2")
    assert [(vote.role, vote.by) for vote in said.gate.votes] == [("Engineering", "ana"), ("Ops", "cy")]
    decision = scene.now().decision
    assert decision is not None
    assert (decision.choice, decision.pending) == (Choice.GO, False)
    scene.seen = read()
    assert scene.now().decision == decision  # what was decided stays what it was, whatever becomes of the gate


def test_a_go_against_the_gate_needs_a_typed_reason_and_a_second_person():
    scene = Scene()
    assert "The gate is HOLD: needs" in scene.refused("ana", call_decision(Choice.GO))
    scene.do("ana", call_decision(Choice.GO, reason="the feed is down, we looked by hand"))
    decision = scene.now().decision
    assert decision is not None
    assert decision.pending
    assert "another person must agree" in scene.refused("ana", agree_to_decision())
    assert scene.do("bo", agree_to_decision()) == DecisionAgreed(decision=decision.id)
    decided = scene.now().decision
    assert decided is not None
    assert (decided.pending, decided.agreed_by) == (False, "bo")
    assert scene.now().gate.state is GateState.HOLD  # a decision is no evidence
    assert "No decision waits" in scene.refused("bo", agree_to_decision())


def test_nobody_agrees_to_a_go_after_the_gate_became_no_go():
    scene = Scene()
    scene.do("ana", call_decision(Choice.GO, reason="we looked"))
    scene.do("bo", cast_vote("eng", Choice.NO_GO, reason="booking is broken"))
    assert "has become NO-GO since" in scene.refused("cy", agree_to_decision())


def test_a_no_go_is_called_with_a_reason_by_one_person():
    scene = ready()
    assert "needs a reason" in scene.refused("ana", call_decision(Choice.NO_GO))
    scene.do("ana", call_decision(Choice.NO_GO, reason="a storm"))
    decision = scene.now().decision
    assert decision is not None
    assert (decision.choice, decision.pending, decision.reason) == (Choice.NO_GO, False, "a storm")


def test_a_decision_ends_with_its_release():
    scene = ready()
    scene.do("ana", call_decision(Choice.GO))
    scene.plan = replace(PLAN, plan=replace(PLAN.plan, release="v3"))
    assert scene.now().decision is None


def test_a_risk_is_accepted_with_a_reason_and_an_owner():
    scene = Scene()
    assert "needs a reason" in scene.refused("ana", accept_risk("errors", owner="", reason=""))
    assert scene.do("ana", accept_risk("errors", owner="", reason="known")) == RiskAccepted(
        risk="errors rise", owner="ana", reason="known", **OURS
    )
    assert scene.now().risks[0].accepted_why == "known"


def test_who_may_only_look_does_nothing_and_only_approvers_agree_and_decide():
    operators = [
        Operator(login="ana"),
        Operator(login="bo", may=Right.APPROVER),
        Operator(login="eve", may=Right.VIEWER),
    ]
    scene = Scene(replace(PLAN, operators=tuple(operators)), TWO)
    waive = propose_waiver("calm", reason="r", until=NOW + 60)
    for deed in (
        cast_vote("ops", Choice.GO),
        sign_off("feedback"),
        waive,
        accept_risk("err", owner="", reason="r"),
    ):
        for login in ("eve", "stranger"):
            assert "give it to an operator and above" in scene.refused(login, deed)
    scene.do("ana", waive)
    for deed in (agree_to_waiver("calm"), call_decision(Choice.NO_GO, reason="r"), lift_no_go("bug", reason="r")):
        assert "approver and above" in scene.refused("ana", deed)
    scene.do("bo", agree_to_waiver("calm"))


def test_words_are_limited():
    assert "at most 2000 characters" in Scene().refused("ana", cast_vote("eng", Choice.NO_GO, reason="x" * 2001))
