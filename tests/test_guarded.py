"""What a person may have done under guard, what a runner may do next, and the sentences that refuse."""

from __future__ import annotations

from typing import get_args

import pytest
from msgspec.structs import replace

from loom_tui.plan.model import Operator, Right, RollbackStep
from loom_tui.room.acting import (
    ActionApproved,
    ActionArmed,
    ActionTakenOver,
    ActionUnverified,
    ActionVerified,
    Answer,
    CountdownStarted,
    Outcome,
    StepEnded,
    StepStarted,
    VerificationStarted,
)
from loom_tui.room.deeds import Refused
from loom_tui.room.events import DecisionAgreed, DecisionCalled, MarkerSet, PlanAdopted
from loom_tui.room.guard import ActionState
from loom_tui.room.guarded import Abort, AnswerStep, Approve, Arm, CallStop, Intent, LiftStop, Resume
from loom_tui.room.preview import preview
from loom_tui.room.verdicts import Choice
from tests.gates import ENVIRONMENT, NOW, OURS, RELEASE, bad, read, reading, signed
from tests.guards import ACTIONS, PURGE, Stage, guarded_plan


def go(stage: Stage) -> None:
    stage.write("qa", signed("go/feedback positive", holds=True))


def test_arming_pins_what_was_seen_and_a_second_person_approves():
    stage = Stage()
    action = stage.arm()
    armed = stage.payloads()[-1]
    assert isinstance(armed, ActionArmed)
    assert (armed.plan_hash, armed.from_release, armed.to_release) == ("p1", "v2", "v1")
    assert armed.shown == ("vercel rollback v1", "notify v2")
    assert armed.warnings == ("v1 is the plan's word: its verification never held in this room",)
    assert (armed.people, armed.expires_at, armed.repeatable) == (2, NOW + 900, (1,))
    stage.do("bo", Approve(action))
    assert stage.state(action) is ActionState.APPROVED
    assert "there is nothing to approve" in stage.refused("cy", Approve(action))


def test_who_armed_it_cannot_approve_from_another_session_but_may_break_the_glass_of_a_rollback():
    stage = Stage()
    action = stage.arm()
    assert "another person must approve" in stage.refused("ana", Approve(action))
    stage.do("ana", Approve(action, glass="alone at 3 am"))
    approved = stage.payloads()[-1]
    assert isinstance(approved, ActionApproved)
    assert (approved.how, approved.reason) == ("glass", "alone at 3 am")


def test_no_glass_is_broken_for_a_deploy():
    stage = Stage()
    go(stage)
    action = stage.arm("deploy")
    assert "another person must approve" in stage.refused("ana", Approve(action, glass="hurry"))


def test_an_action_of_one_person_is_begun_by_that_person():
    stage = Stage()
    action = stage.arm("purge")
    stage.do("ana", Approve(action))
    assert stage.state(action) is ActionState.APPROVED


def test_of_two_rooms_that_arm_at_once_one_is_refused():
    stage = Stage()
    first, second = stage.arming(), stage.arming()
    stage.do("ana", first)
    assert "one action at a time" in stage.refused("bo", second)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"environment": "prod"}, "Type the environment's name, production"),
        ({"environment": "production "}, "Type the environment's name, production"),
        ({"plan_hash": "p0"}, "another version of the plan"),
        ({"reason": "  "}, "need a reason"),
    ],
)
def test_arming_is_meant_and_explained(changes, sentence):
    stage = Stage()
    assert sentence in stage.refused("ana", stage.arming(**changes))


def test_a_world_that_changed_since_it_was_shown_sends_the_person_back():
    stage = Stage()
    arming = stage.arming()
    stage.seen = read(reading("app.version", detail="v2.1"))
    assert "What was shown has changed" in stage.refused("ana", arming)


def test_a_warning_that_flaps_does_not_hold_up_a_rollback():
    stage = Stage()
    arming = stage.arming()
    stage.write("cy", MarkerSet(marker="migration"))
    assert "an older version may not stand that" in preview(stage.snapshot(), "rollback").warnings[1]
    stage.do("ana", arming)


def test_without_a_last_stable_release_it_says_so_cannot_be_armed_and_offers_the_plans_other_steps():
    a_plan = guarded_plan(rollback=(RollbackStep(name="Fix", text="forward"),))
    stage = Stage(replace(a_plan, plan=replace(a_plan.plan, last_stable="")))
    seen = preview(stage.snapshot(), "rollback")
    assert seen.barred.startswith("There is nothing to go back to")
    assert (seen.to_release, seen.target, [step.name for step in seen.instead]) == ("", None, ["Fix"])
    assert stage.refused("ana", stage.arming()) == seen.barred


def test_a_deploy_of_no_release_is_refused():
    a_plan = guarded_plan()
    stage = Stage(replace(a_plan, plan=replace(a_plan.plan, release="")))
    with pytest.raises(Refused, match="nothing to deploy"):
        preview(stage.snapshot(), "deploy")


def test_the_last_stable_release_is_the_last_one_whose_verification_held():
    stage = Stage()
    action = stage.begun("deploy", step=0, override=True)
    stage.run(StepEnded(action=action, run="r1", step=0, outcome=Outcome.OK))
    stage.run(VerificationStarted(action=action, run="r1"))
    stage.run(ActionVerified(action=action, run="r1", evidence=("v2",)))
    stage.plan = replace(stage.plan, plan=replace(stage.plan.plan, release="v3"))
    stage.write("ana", PlanAdopted(plan_hash="p3", release="v3", environment=ENVIRONMENT))
    shown = preview(stage.snapshot(), "rollback")
    assert (shown.to_release, shown.warnings) == ("v2", ("v2 is what runs now",))


def test_an_approval_that_is_not_given_in_time_is_void():
    stage = Stage()
    action = stage.arm()
    stage.now += 900
    assert stage.state(action) is ActionState.EXPIRED
    assert "is expired" in stage.refused("bo", Approve(action))
    stage.arm()


def test_an_approval_that_is_not_used_in_time_is_void():
    stage = Stage()
    action = stage.arm()
    stage.do("bo", Approve(action))
    stage.now += 900
    assert "expired" in stage.barred(CountdownStarted(action=action, run="r", host="h", ends_at=stage.now))


def test_two_runners_claim_one_action_and_one_is_refused():
    stage = Stage()
    action = stage.begun()
    assert "is counting down" in stage.barred(CountdownStarted(action=action, run="r2", host="h", ends_at=0))
    assert "another runner" in stage.barred(StepStarted(action=action, run="r2", step=0))


def test_a_deploy_needs_a_go_that_is_fresh_when_it_is_armed_and_when_it_starts():
    stage = Stage()
    assert "The gate is HOLD" in stage.refused("ana", stage.arming("deploy"))
    go(stage)
    action = stage.arm("deploy")
    stage.do("bo", Approve(action))
    stage.write("cy", signed("go/feedback positive", holds=False))
    assert "The gate is HOLD" in stage.barred(CountdownStarted(action=action, run="r", host="h", ends_at=0))


def test_a_gate_that_closes_in_the_countdown_stops_a_deploy_before_its_first_step():
    stage = Stage()
    go(stage)
    action = stage.begun("deploy")
    step = StepStarted(action=action, run="r1", step=0)
    stage.write("cy", signed("go/feedback positive", holds=False))
    assert "The gate is HOLD" in stage.barred(step)
    stage.write("cy", signed("go/feedback positive", holds=True))
    stage.write("ana", PlanAdopted(plan_hash="p2", release=RELEASE, environment=ENVIRONMENT))
    assert "The plan was edited" in stage.barred(step)
    stage.write("ana", PlanAdopted(plan_hash="p1", release=RELEASE, environment=ENVIRONMENT))
    stage.run(step)


def test_what_changes_in_the_countdown_does_not_stop_a_rollback():
    stage = Stage()
    action = stage.begun()
    stage.write("ana", PlanAdopted(plan_hash="p2", release=RELEASE, environment=ENVIRONMENT))
    stage.write("cy", signed("go/feedback positive", holds=False))
    stage.run(StepStarted(action=action, run="r1", step=0))


def test_a_called_no_go_bars_a_deploy_and_a_go_called_by_two_opens_it():
    stage = Stage()
    gate = stage.snapshot().gate
    stage.write("ana", DecisionCalled(choice=Choice.NO_GO, reason="storm", gate=gate, **OURS))
    go(stage)
    assert "called NO-GO: storm" in stage.refused("ana", stage.arming("deploy"))
    called = stage.write("ana", DecisionCalled(choice=Choice.GO, reason="it must", gate=gate, **OURS))
    stage.write("cy", signed("go/feedback positive", holds=False))
    assert "The gate is HOLD" in stage.refused("ana", stage.arming("deploy"))
    stage.write("bo", DecisionAgreed(decision=called))
    stage.arm("deploy")


def test_an_override_takes_a_reason_and_a_second_person_whatever_the_plan_asks_for():
    stage = Stage(guarded_plan(actions={**ACTIONS, "deploy": replace(ACTIONS["deploy"], approvals=1)}))
    assert "need a reason" in stage.refused("ana", stage.arming("deploy", override=True, reason=""))
    action = stage.arm("deploy", override=True)
    assert "another person" in stage.refused("ana", Approve(action))
    stage.do("bo", Approve(action))
    stage.run(CountdownStarted(action=action, run="r", host="h", ends_at=0))


def test_a_plan_edited_since_arming_stops_all_but_a_rollback():
    for name in ("purge", "rollback"):
        stage = Stage()
        action = stage.arm(name)
        stage.do("bo", Approve(action))
        stage.write("ana", PlanAdopted(plan_hash="p2", release=RELEASE, environment=ENVIRONMENT))
        claim = CountdownStarted(action=action, run="r", host="h", ends_at=0)
        if name == "purge":
            assert "The plan was edited" in stage.barred(claim)
        else:
            stage.run(claim)


def test_a_stop_refuses_all_but_a_rollback_and_with_all_that_too():
    stage = Stage()
    action = stage.begun("purge")
    stage.do("cy", CallStop("something is off"))
    assert "cy stopped all actions" in stage.barred(StepStarted(action=action, run="r1", step=0))
    assert "cy stopped all actions" in stage.refused("ana", stage.arming("purge"))
    rollback = stage.arm()
    stage.do("cy", CallStop("really", everything=True))
    assert "cy stopped all actions: really" in stage.refused("bo", Approve(rollback))
    stage.do("cy", LiftStop("a false alarm"))
    stage.do("bo", Approve(rollback))
    assert "No stop" in stage.refused("cy", LiftStop("again"))


def test_a_rollback_takes_over_from_a_deploy_that_hangs_and_says_so():
    stage = Stage()
    go(stage)
    deploy = stage.begun("deploy", step=0)
    rollback = stage.arm()
    claim = CountdownStarted(action=rollback, run="r2", host="h", ends_at=0)
    take = ActionTakenOver(action=deploy, by_action=rollback)
    assert "Only a rollback that was approved" in stage.barred(take)
    stage.do("bo", Approve(rollback))
    assert "“Deploy” (" in stage.barred(claim)
    stage.run(take)
    view = next(view for view in stage.snapshot().actions if view.id == deploy)
    assert view.state is ActionState.ABORTED
    assert view.why == f"stopped by rollback {rollback} in the middle of “Revert”: what that did is not known"
    assert "is aborted" in stage.barred(StepEnded(action=deploy, run="r1", step=0, outcome=Outcome.OK))
    stage.run(claim)


def test_an_armed_deploy_waits_for_an_armed_rollback():
    stage = Stage()
    go(stage)
    deploy = stage.arm("deploy")
    stage.do("bo", Approve(deploy))
    stage.arm()
    assert "goes first" in stage.barred(CountdownStarted(action=deploy, run="r", host="h", ends_at=0))


def test_an_abort_is_at_once_in_the_countdown_and_between_steps_when_running():
    stage = Stage()
    action = stage.begun()
    assert "needs a reason" in stage.refused("cy", Abort(action, " "))
    stage.do("cy", Abort(action, "wrong target"))
    assert stage.state(action) is ActionState.ABORTED
    assert "nothing to abort" in stage.refused("cy", Abort(action, "again"))
    action = stage.begun(step=0)
    stage.do("cy", Abort(action, "wrong target"))
    assert stage.state(action) is ActionState.RUNNING
    stage.run(StepEnded(action=action, run="r1", step=0, outcome=Outcome.OK))
    assert "cy aborted it: wrong target" in stage.barred(StepStarted(action=action, run="r1", step=1))


def test_an_interrupted_action_is_resumed_by_a_person_and_never_by_itself():
    stage = Stage()
    action = stage.begun(step=0)
    assert "only an interrupted one" in stage.refused("bo", Resume(action, "it hangs"))
    stage.now += 60
    assert stage.state(action) is ActionState.INTERRUPTED
    assert "--repeat or --skip" in stage.refused("bo", Resume(action, "looked"))
    stage.do("bo", Resume(action, "looked", Answer.GO_ON))
    stage.do("bo", Resume(action, "looked", Answer.GO_ON))
    stage.alive(action)
    assert "belongs to another" not in stage.barred(StepStarted(action=action, run="r1", step=0))
    stage.run(StepStarted(action=action, run="r2", step=1))


def test_an_idempotent_step_is_repeated_without_being_told():
    stage = Stage()
    action = stage.begun(step=1)
    stage.now += 60
    stage.do("bo", Resume(action, "looked"))
    stage.do("bo", Resume(action, "looked"))
    stage.run(StepStarted(action=action, run="r2", step=1))


def test_a_step_that_waits_takes_only_the_answers_that_fit():
    stage = Stage()
    action = stage.begun(step=0)
    assert "wants one of: done, failed" in stage.refused("cy", AnswerStep(action, Answer.REPEAT))
    stage.run(StepEnded(action=action, run="r1", step=0, outcome=Outcome.FAILED))
    assert "wants one of: go_on, repeat, stop" in stage.refused("cy", AnswerStep(action, Answer.DONE))
    stage.do("cy", AnswerStep(action, Answer.GO_ON))
    assert "asks nothing" in stage.refused("cy", AnswerStep(action, Answer.GO_ON))


def test_an_action_without_signals_ends_unverified():
    stage = Stage()
    action = stage.begun("purge", step=0)
    stage.run(StepEnded(action=action, run="r1", step=0, outcome=Outcome.OK))
    stage.run(VerificationStarted(action=action, run="r1"))
    stage.run(ActionUnverified(action=action, run="r1", why="no signals"))
    assert stage.state(action) is ActionState.DONE_UNVERIFIED


def intents(stage: Stage) -> list[Intent]:
    return [
        stage.arming(),
        Approve(2),
        Abort(2, "r"),
        AnswerStep(2, Answer.DONE),
        Resume(2, "r"),
        CallStop("r"),
        LiftStop("r"),
    ]


def test_a_read_only_room_and_a_viewer_are_refused_every_intent_by_the_guard_itself():
    viewers = (Operator(login="vi", may=Right.VIEWER), Operator(login="ana", may=Right.LEAD))
    stage = Stage(guarded_plan(operators=viewers))
    assert {type(intent) for intent in intents(stage)} == set(get_args(Intent))
    for intent in intents(stage):
        assert "read-only" in stage.refused("ana", intent, read_only=True)
        assert "vi may not do this" in stage.refused("vi", intent)
        assert "stranger may not do this" in stage.refused("stranger", intent)


def test_a_second_person_is_an_approver():
    people = (Operator(login="ana"), Operator(login="bo"), Operator(login="cy", may=Right.APPROVER))
    stage = Stage(guarded_plan(operators=people))
    action = stage.arm()
    assert "a second person is an approver" in stage.refused("bo", Approve(action))
    stage.do("cy", Approve(action))


def test_what_is_no_action_names_those_that_there_are():
    stage = Stage(guarded_plan(actions={"purge": PURGE}))
    with pytest.raises(Exception, match="it has purge"):
        preview(stage.snapshot(), "rollback")
    assert "There is no action 9" in stage.refused("bo", Approve(9))


def test_an_unknown_version_is_warned_of():
    stage = Stage(seen=read(bad(reading("app.version", age_s=500.0, detail="v9"))))
    shown = preview(stage.snapshot(), "rollback")
    assert shown.from_release == RELEASE
    assert "which version runs now is not known: app.version is stale" in shown.warnings
    assert isinstance(stage.arming(), Arm)
