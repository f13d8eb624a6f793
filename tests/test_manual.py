"""Steps by hand: events of people, joined with what the collector ran, for this release and environment only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from loom_tui.plan.model import About, Plan
from loom_tui.plan.steps import HttpStep, ManualStep, Step
from loom_tui.plan.workflows import Site, Workflow
from loom_tui.room.checks import CheckResult, encode_result
from loom_tui.room.checks import Step as Told
from loom_tui.room.deeds import Refused
from loom_tui.room.events import Event, ManualStepDone, Payload, WorkflowBegun, decode_payload, encode_payload
from loom_tui.room.fold import Folder, fold
from loom_tui.room.hand_deeds import begin_workflow, do_step, workflow_of
from loom_tui.room.signals import Freshness, Reading, State, Stored
from loom_tui.room.snapshot import CheckView, Observations, Snapshot

NOW = 1_762_900_000.0
LOOK = ManualStep(name="Look at the invitation", words="Is the time zone right?", tester="QA")
CALL = ManualStep(name="Join the call")
BOOK = HttpStep(name="Book")
NOTHING = Observations()


def plan_of(*steps: Step, release: str = "v1.7.0", **more: Any) -> Plan:
    return Plan(
        plan=About(title="x", release=release),
        sites={"staging": Site(url="https://staging.loom.example")},
        workflows=(Workflow(name="Client booking", site="staging", steps=steps, **more),),
    )


def events_of(*payloads: tuple[float, Payload], actor: str = "ana") -> list[Event]:
    return [
        Event(seq=seq, at=NOW + at, actor=actor, payload=payload, hash="")
        for seq, (at, payload) in enumerate(payloads, 1)
    ]


def done(step: ManualStep, outcome: Any = "ok", **more: Any) -> ManualStepDone:
    told = {"release": "v1.7.0", "environment": "staging", **more}
    return ManualStepDone(workflow="client-booking", step=step.name, outcome=outcome, **told)


def begun(**more: Any) -> WorkflowBegun:
    return WorkflowBegun(**{"workflow": "client-booking", "release": "v1.7.0", "environment": "staging", **more})


def ran(state: State = State.OK, *, at: float = 0.0, detail: str = "") -> Observations:
    result = CheckResult(
        duration_ms=41.0, steps=(Told(name="Book", state=state), Told(name=LOOK.name, state=State.UNKNOWN))
    )
    reading = Reading(
        signal="workflow.client-booking",
        observed_at=NOW + at,
        state=state,
        detail=detail,
        body=encode_result(result),
        environment="staging",
        release="v1.7.0",
    )
    return Observations(latest={reading.signal: Stored(reading=reading, recorded_at=reading.observed_at)})


def check_of(snapshot: Snapshot) -> CheckView:
    [check] = snapshot.checks
    return check


def shown(plan: Plan, events: Sequence[Event], observations: Observations = NOTHING, at: float = 100.0) -> CheckView:
    return check_of(fold(plan, events, observations, NOW + at))


def test_a_workflow_by_hand_is_unknown_until_all_of_its_steps_are_done():
    plan = plan_of(LOOK, CALL)
    assert shown(plan, []).signal.freshness is Freshness.NEVER
    assert shown(plan, []).signal.why == "nobody has done its steps yet"
    one = shown(plan, events_of((0, begun()), (10, done(LOOK))))
    assert (one.signal.state, one.signal.why) == (State.UNKNOWN, "1 of 2 steps by hand are not done")
    both = shown(plan, events_of((0, begun()), (10, done(LOOK)), (30, done(CALL))))
    assert (both.signal.state, both.signal.why) == (State.OK, "")
    assert both.result is not None
    assert both.result.duration_ms == 30_000
    assert [step.detail for step in both.result.steps] == ["ok, by ana", "ok, by ana"]


def test_what_the_collector_says_of_a_workflow_that_is_all_by_hand_counts_for_nothing():
    check = shown(plan_of(LOOK), [], ran(State.OK))
    assert check.signal.state is State.UNKNOWN
    assert check.signal.reading is None


@pytest.mark.parametrize(
    ("machine", "hand", "state", "why"),
    [
        (State.OK, "ok", State.OK, ""),
        (State.OK, "failed", State.BAD, "Look at the invitation: wrong zone (ana)"),
        (State.OK, "skipped", State.UNKNOWN, "Look at the invitation: skipped, which proves nothing (ana)"),
        (State.OK, None, State.UNKNOWN, "1 of 1 steps by hand are not done"),
        (State.BAD, "ok", State.BAD, "409 at step 1: wanted 201"),
        (State.BAD, None, State.BAD, "409 at step 1: wanted 201"),
        (State.UNKNOWN, "ok", State.UNKNOWN, "409 at step 1: wanted 201"),
        (State.UNKNOWN, "failed", State.BAD, "Look at the invitation: wrong zone (ana)"),
    ],
)
def test_a_machines_steps_and_a_persons_make_one_result(machine, hand, state, why):
    detail = "" if machine is State.OK else "409 at step 1: wanted 201"
    events = events_of((10, done(LOOK, hand, note="wrong zone" if hand == "failed" else ""))) if hand else []
    check = shown(plan_of(BOOK, LOOK), events, ran(machine, at=50, detail=detail))
    assert (check.signal.state, check.signal.why) == (state, why)
    assert check.result is not None
    assert [step.name for step in check.result.steps] == ["Book", LOOK.name]


def test_a_joined_result_is_as_old_as_its_oldest_part():
    check = shown(plan_of(BOOK, LOOK), events_of((10, done(LOOK))), ran(at=50))
    assert check.signal.reading is not None
    assert check.signal.reading.observed_at == NOW + 10


def test_a_stale_run_of_the_machine_proves_nothing_whatever_people_did():
    check = shown(plan_of(BOOK, LOOK), events_of((10, done(LOOK))), ran(), at=4000)
    assert (check.signal.state, check.signal.freshness) == (State.UNKNOWN, Freshness.STALE)


@pytest.mark.parametrize("other", [{"release": "v1.6.9"}, {"environment": "production"}, {"release": ""}])
def test_what_was_done_for_another_release_or_environment_proves_nothing(other):
    check = shown(plan_of(LOOK), events_of((0, begun(**other)), (10, done(LOOK, **other))))
    assert check.signal.state is State.UNKNOWN
    assert check.signal.why == "nobody has done its steps yet"


def test_a_new_beginning_forgets_what_was_done_before():
    check = shown(plan_of(LOOK), events_of((0, begun()), (10, done(LOOK)), (20, begun())))
    assert (check.signal.state, check.signal.why) == (State.UNKNOWN, "begun by ana")


def test_the_last_word_on_a_step_counts():
    check = shown(plan_of(LOOK), events_of((0, done(LOOK, "failed", note="x")), (10, done(LOOK))))
    assert check.signal.state is State.OK


def test_steps_by_hand_age_where_the_plan_says_so():
    events = events_of((0, done(LOOK)))
    assert shown(plan_of(LOOK), events, at=10_000_000).signal.state is State.OK
    assert shown(plan_of(LOOK, ttl_s=3600), events, at=3600).signal.state is State.OK
    assert shown(plan_of(LOOK, ttl_s=3600), events, at=3601).signal.state is State.UNKNOWN


def test_a_step_that_the_plan_no_longer_has_counts_for_nothing():
    check = shown(plan_of(CALL), events_of((0, done(LOOK))))
    assert check.signal.state is State.UNKNOWN


def test_folding_step_by_step_gives_the_same():
    plan = plan_of(BOOK, LOOK, CALL)
    events = events_of((0, begun()), (10, done(LOOK)), (20, begun()), (30, done(CALL)), (40, done(LOOK, tester="Bo")))
    folder = Folder(plan)
    for event in events:
        folder.take([event])
        folder.snapshot(ran(), NOW + 50)
    assert folder.snapshot(ran(), NOW + 50) == fold(plan, events, ran(), NOW + 50)
    manual = check_of(folder.snapshot(ran(), NOW + 50)).manual
    assert manual is not None
    assert (manual.begun_at, manual.ended_at, manual.done[0].tester) == (NOW + 20, NOW + 40, "Bo")


def test_deeds_give_events_for_the_plans_release_and_the_workflows_environment():
    plan = plan_of(BOOK, LOOK, CALL)
    workflow = workflow_of(plan, "Client Booking")
    assert begin_workflow(plan, workflow) == begun()
    assert do_step(plan, workflow, "1", "ok") == done(LOOK)
    assert do_step(plan, workflow, CALL.name, "skipped", tester=" Bo ") == done(CALL, "skipped", tester="Bo")
    payload = do_step(plan, workflow, "2", "failed", note="no sound")
    assert decode_payload(encode_payload(payload)) == payload


@pytest.mark.parametrize(
    ("workflow", "step", "outcome", "words"),
    [
        ("booking", "1", "ok", "no workflow 'booking' with steps by hand"),
        ("client-booking", "3", "ok", "no step '3' by hand"),
        ("client-booking", "Book", "ok", "no step 'Book' by hand"),
        ("client-booking", "1", "failed", "Say in a note what went wrong"),
    ],
)
def test_a_deed_that_makes_no_sense_is_refused(workflow, step, outcome, words):
    plan = plan_of(BOOK, LOOK, CALL)
    with pytest.raises(Refused, match=words):
        do_step(plan, workflow_of(plan, workflow), step, outcome)
