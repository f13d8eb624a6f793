"""The guard's table, whole: every event in every state, and what an event says beside its kind."""

from __future__ import annotations

from typing import get_args

import pytest

from loom_tui.plan.acts import ActionKind
from loom_tui.room.acting import (
    AbortAsked,
    ActionAborted,
    ActionApproved,
    ActionArmed,
    ActionExpired,
    ActionFailed,
    ActionInterrupted,
    ActionPayload,
    ActionResumed,
    ActionTakenOver,
    ActionUnknown,
    ActionUnverified,
    ActionVerified,
    Answer,
    CountdownStarted,
    OfAction,
    Outcome,
    PreflightFailed,
    StepAnswered,
    StepEnded,
    StepStarted,
    StopCalled,
    VerificationStarted,
)
from loom_tui.room.guard import ACTIVE, TABLE, UNDER_WAY, Actions, ActionState, ActionView, Illegal, after, as_of, step

S = ActionState
ARMED = ActionArmed(
    release="v2",
    environment="production",
    name="rollback",
    what=ActionKind.ROLLBACK,
    label="Roll back",
    plan_hash="p",
    reason="",
    from_release="v2",
    to_release="v1",
    steps=("one", "two"),
    shown=("a", "b"),
    warnings=(),
    people=2,
    expires_at=900.0,
)
APPROVED = ActionApproved(action=1, how="second")
CLAIMED = CountdownStarted(action=1, run="r", host="h", ends_at=15.0)
ONE = StepStarted(action=1, run="r", step=0)
ONE_OK = StepEnded(action=1, run="r", step=0, outcome=Outcome.OK)
TWO = StepStarted(action=1, run="r", step=1)
TWO_OK = StepEnded(action=1, run="r", step=1, outcome=Outcome.OK)
VERIFYING = VerificationStarted(action=1, run="r")
GONE = ActionInterrupted(action=1, seen_at=None)
EVENTS: tuple[OfAction, ...] = (
    APPROVED,
    ActionExpired(action=1),
    CLAIMED,
    ONE,
    ONE_OK,
    StepAnswered(action=1, step=0, answer=Answer.DONE),
    AbortAsked(action=1, reason="r"),
    VERIFYING,
    ActionVerified(action=1, run="r", evidence=("app.version: v1",)),
    ActionUnverified(action=1, run="r", why="w"),
    ActionFailed(action=1, run="r", why="w"),
    ActionUnknown(action=1, run="r", why="w"),
    ActionAborted(action=1, why="w"),
    GONE,
    ActionResumed(action=1, step=0, reason="r"),
    ActionTakenOver(action=1, by_action=2),
    PreflightFailed(action=1, run="r", step=1, why="no token"),
)
WAYS: dict[ActionState, tuple[OfAction, ...]] = {
    S.ARMED: (),
    S.APPROVED: (APPROVED,),
    S.COUNTING_DOWN: (APPROVED, CLAIMED),
    S.RUNNING: (APPROVED, CLAIMED, ONE),
    S.VERIFYING: (APPROVED, CLAIMED, ONE, ONE_OK, TWO, TWO_OK, VERIFYING),
    S.DONE: (APPROVED, CLAIMED, ONE, ONE_OK, TWO, TWO_OK, VERIFYING, EVENTS[8]),
    S.DONE_UNVERIFIED: (APPROVED, CLAIMED, ONE, ONE_OK, TWO, TWO_OK, VERIFYING, EVENTS[9]),
    S.EXPIRED: (EVENTS[1],),
    S.FAILED: (EVENTS[10],),
    S.UNKNOWN: (APPROVED, CLAIMED, ONE, EVENTS[11]),
    S.INTERRUPTED: (APPROVED, CLAIMED, ONE, GONE),
    S.ABORTED: (EVENTS[12],),
}
LEGAL = {  # written out once more, and not taken from the table
    S.ARMED: {ActionApproved, PreflightFailed, ActionExpired, ActionFailed, ActionAborted, ActionTakenOver},
    S.APPROVED: {CountdownStarted, PreflightFailed, ActionExpired, ActionFailed, ActionAborted, ActionTakenOver},
    S.COUNTING_DOWN: {StepStarted, ActionAborted, ActionTakenOver, ActionInterrupted},
    S.RUNNING: {
        PreflightFailed,
        StepEnded,
        StepAnswered,
        AbortAsked,
        ActionFailed,
        ActionUnknown,
        ActionAborted,
        ActionTakenOver,
        ActionInterrupted,
    },
    S.VERIFYING: {ActionVerified, ActionUnverified, ActionFailed, ActionTakenOver, ActionInterrupted},
    S.INTERRUPTED: {ActionResumed, ActionAborted, ActionTakenOver},
}


def told(*events: ActionPayload, by: str = "bo", at: float = 20.0) -> ActionView:
    actions = after(Actions(), ARMED, by="ana", at=10.0, seq=1)
    for event in events:
        actions = after(actions, event, by=by, at=at, seq=2)
    return actions.views[1]


@pytest.mark.parametrize("state", WAYS)
def test_each_event_in_each_state_is_legal_or_raises_and_changes_nothing(state):
    view = told(*WAYS[state])
    assert view.state is state
    for event in EVENTS:
        if type(event) in LEGAL.get(state, ()):
            assert step(view, event, by="bo", at=21.0).state is TABLE[state, type(event)]
        else:
            with pytest.raises(Illegal):
                step(view, event, by="bo", at=21.0)
    assert view == told(*WAYS[state])


def test_every_kind_of_event_and_every_state_is_tried():
    assert {type(event) for event in EVENTS} == set(get_args(OfAction))
    assert set(WAYS) | {S.IDLE} == set(ActionState)
    assert {state for state, _ in TABLE} == UNDER_WAY | {S.IDLE}


def test_an_action_that_is_over_stays_so():
    for state in set(WAYS) - UNDER_WAY:
        assert told(*WAYS[state]).ended_at == 20.0


@pytest.mark.parametrize(
    ("before", "event", "by", "at", "why"),
    [
        ((), APPROVED, "ana", 20.0, "another person must approve"),
        ((), ActionApproved(action=1, how="own"), "ana", 20.0, "needs a second person"),
        ((), APPROVED, "bo", 900.0, "expired"),
        ((APPROVED,), CLAIMED, "ana", 900.0, "expired"),
        ((APPROVED, CLAIMED), StepStarted(action=1, run="other", step=0), "ana", 21.0, "another runner"),
        ((APPROVED, CLAIMED), TWO, "ana", 21.0, "not the next"),
        ((APPROVED, CLAIMED), StepStarted(action=1, run="r", step=7), "ana", 21.0, "has no step 8"),
        ((APPROVED, CLAIMED, ONE), ONE, "ana", 21.0, "in the middle of a step"),
        ((APPROVED, CLAIMED, ONE, ONE_OK), ONE, "ana", 21.0, "not the next"),
        ((APPROVED, CLAIMED, ONE, ONE_OK), ONE_OK, "ana", 21.0, "not under way"),
        ((APPROVED, CLAIMED, ONE, ONE_OK), VERIFYING, "ana", 21.0, "steps to come"),
        ((APPROVED, CLAIMED, ONE, GONE), ActionResumed(action=1, step=9, reason=""), "ana", 21.0, "no step 10"),
        ((), StepEnded(action=4, run="r", step=0, outcome=Outcome.OK), "ana", 21.0, "no action 4"),
    ],
)
def test_what_the_table_allows_is_also_held_to_what_it_says(before, event, by, at, why):
    actions = after(Actions(), ARMED, by="ana", at=10.0, seq=1)
    for each in before:
        actions = after(actions, each, by="bo", at=20.0, seq=2)
    with pytest.raises(Illegal, match=why):
        after(actions, event, by=by, at=at, seq=3)


def test_a_glass_is_broken_for_a_rollback_alone():
    assert told(ActionApproved(action=1, how="glass", reason="alone"), by="ana").state is S.APPROVED


def test_a_resumed_action_belongs_to_nobody_until_a_runner_claims_it_and_then_to_that_one():
    resumed = (APPROVED, CLAIMED, ONE, GONE, ActionResumed(action=1, step=1, reason="looked"))
    view = told(*resumed)
    assert (view.state, view.run, view.steps[0].outcome) == (S.RUNNING, "", Outcome.UNKNOWN)
    for late in (StepEnded(action=1, run="r", step=0, outcome=Outcome.OK), StepStarted(action=1, run="r", step=1)):
        with pytest.raises(Illegal, match="r was found gone"):
            step(view, late, by="ana", at=21.0)
    with pytest.raises(Illegal, match="not claimed"):
        step(view, StepEnded(action=1, run="r2", step=0, outcome=Outcome.OK), by="ana", at=21.0)
    view = step(view, StepStarted(action=1, run="r2", step=1), by="ana", at=21.0)
    assert view.run == "r2"
    with pytest.raises(Illegal, match="another runner"):
        step(view, StepEnded(action=1, run="r3", step=1, outcome=Outcome.OK), by="ana", at=22.0)


def test_a_step_is_repeated_only_where_a_person_says_so():
    failed = StepEnded(action=1, run="r", step=0, outcome=Outcome.FAILED, why="exit 1")
    view = told(APPROVED, CLAIMED, ONE, failed)
    with pytest.raises(Illegal):
        step(view, ONE, by="ana", at=21.0)
    view = step(view, StepAnswered(action=1, step=0, answer=Answer.REPEAT), by="bo", at=21.0)
    view = step(view, ONE, by="ana", at=22.0)
    assert (view.steps[0].started, view.steps[0].outcome) == (2, None)


def test_time_alone_expires_and_a_runner_s_silence_interrupts_until_it_is_heard_again():
    assert as_of(told(), now=899.0, runner_until=None).state is S.ARMED
    assert as_of(told(), now=900.0, runner_until=None).state is S.EXPIRED
    assert as_of(told(APPROVED), now=900.0, runner_until=None).state is S.EXPIRED
    running = told(APPROVED, CLAIMED, ONE)
    assert as_of(running, now=5000.0, runner_until=5001.0).state is S.RUNNING
    lost = as_of(running, now=5000.0, runner_until=4999.0)
    assert (lost.state, lost.written, lost.lost) == (S.INTERRUPTED, S.RUNNING, True)
    assert as_of(running, now=20.0, runner_until=None).state is S.INTERRUPTED


def test_a_stop_stands_until_it_is_lifted():
    actions = after(Actions(), StopCalled(reason="freeze"), by="ana", at=1.0, seq=1)
    assert actions.stop is not None
    assert (actions.stop.by, actions.stop.everything) == ("ana", False)


def test_active_states_are_those_that_a_runner_s_silence_interrupts():
    assert {state for state, event in TABLE if event is ActionInterrupted} == ACTIVE
