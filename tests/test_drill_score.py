"""What a team made of a drill, worked out from the journal alone and what was done to the world."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from loom_tui.drill.scenario import SCENARIOS, Ask, Scenario, Switch, scenario_of
from loom_tui.drill.score import Happened, Score, score
from loom_tui.plan.acts import ActionKind
from loom_tui.plan.model import Status
from loom_tui.room.acting import (
    ActionApproved,
    ActionArmed,
    ActionFailed,
    ActionInterrupted,
    ActionResumed,
    ActionVerified,
    Answer,
    CountdownStarted,
    Outcome,
    StepAnswered,
    StepEnded,
    StepStarted,
    StopCalled,
    VerificationStarted,
)
from loom_tui.room.drills import DrillBegan, DrilledStep, DrillEnded, Drills, Times, take, told_of_drill
from loom_tui.room.events import (
    DecisionCalled,
    ErrorAcknowledged,
    ErrorBlocking,
    Event,
    IssueBlocked,
    IssueStatusSet,
    MarkerSet,
    NoteAdded,
    Payload,
    PlanAdopted,
    SignedOff,
    TaskTicked,
    Voted,
    decode_payload,
    encode_payload,
)
from loom_tui.room.verdicts import Choice, GateState, GateView
from tests.gates import OURS

BEGAN = 1000.0
GATE = GateView(state=GateState.HOLD, why="")
NOTE = NoteAdded(text="bookings fail")
Told = tuple[float, str, Payload]


def armed(kind: ActionKind = ActionKind.ROLLBACK) -> ActionArmed:
    return ActionArmed(
        **OURS,
        name=kind.value,
        what=kind,
        label=kind.value,
        plan_hash="p",
        reason="errors",
        from_release="v2",
        to_release="v1",
        steps=("Revert", "Tell"),
        shown=("a", "b"),
        warnings=(),
        people=2,
        expires_at=9999.0,
    )


def decision(choice: Choice) -> DecisionCalled:
    return DecisionCalled(**OURS, choice=choice, reason="r", gate=GATE)


def step(index: int, start: float, end: float, outcome: Outcome = Outcome.OK, *, action: int) -> list[Told]:
    return [
        (start, "ana", StepStarted(action=action, run="r", step=index)),
        (end, "ana", StepEnded(action=action, run="r", step=index, outcome=outcome)),
    ]


def rollback(at: float, *, number: int) -> list[Told]:
    """A rollback as a whole: armed, two steps of 4 s and 6 s, verified 15 s later. `number`: its place."""
    return [
        (at, "ana", armed()),
        (at + 3, "bo", ActionApproved(action=number, how="second")),
        (at + 4, "ana", CountdownStarted(action=number, run="r", host="h", ends_at=at + 5)),
        *step(0, at + 5, at + 9, action=number),
        *step(1, at + 9, at + 15, action=number),
        (at + 15, "ana", VerificationStarted(action=number, run="r")),
        (at + 30, "ana", ActionVerified(action=number, run="r", evidence=("app: v1",))),
    ]


def scored(name: str, told: list[Told], *happened: Happened) -> Score:
    scenario = scenario_of(name)
    assert scenario is not None
    events = [
        Event(seq=seq, at=BEGAN + at, actor=actor, payload=payload, hash="")
        for seq, (at, actor, payload) in enumerate(told, 1)
    ]
    return score(scenario, events, happened, began_at=BEGAN, machines=frozenset({"demo", "loom"}))


def bad(switch: Switch = Switch.REGRESSION, *, at: float = 20, shown: float | None = 26) -> Happened:
    return Happened(switch=switch, at=BEGAN + at, shown_at=None if shown is None else BEGAN + shown)


def held(found: Score) -> dict[Ask, bool | None]:
    return {judged.ask: judged.held for judged in found.judged}


def test_each_part_is_timed_from_the_end_of_the_one_before() -> None:
    found = scored("regression", [(41, "ana", NOTE), *rollback(60, number=2)], bad())
    assert found.times == Times(notice_s=21, decide_s=19, roll_back_s=15, verify_s=15)
    assert (found.people, found.passed) == (("ana",), True)
    ended = found.ended()
    assert ended.steps == (DrilledStep("Revert", 4), DrilledStep("Tell", 6))
    assert decode_payload(encode_payload(ended)) == ended
    assert (
        told_of_drill(ended) == "drilled regression: 21 s to notice, 19 s to decide, 15 s to roll back, 15 s to verify"
    )


@pytest.mark.parametrize(
    ("told", "times"),
    [
        ([], Times()),
        ([(41, "ana", NOTE)], Times(notice_s=21)),
        ([(41, "ana", NOTE), (50, "bo", armed())], Times(notice_s=21, decide_s=9)),
        ([(41, "ana", NOTE), (50, "bo", decision(Choice.NO_GO))], Times(notice_s=21, decide_s=9)),
        ([(41, "ana", StopCalled(reason="odd"))], Times(notice_s=21, decide_s=0)),
        (rollback(41, number=1)[:-1], Times(notice_s=21, decide_s=0, roll_back_s=15)),
        ([(22, "ana", NOTE)], Times()),  # before the room showed anything, a remark is about something else
        ([(22, "ana", armed())], Times(notice_s=2, decide_s=0)),  # but a rollback is no accident: seen elsewhere
        ([(10, "ana", armed())], Times()),
        ([(41, "demo", NOTE), (42, "loom", NOTE)], Times()),
    ],
)
def test_what_a_team_did_not_come_to_has_no_time(told: list[Told], times: Times) -> None:
    assert scored("regression", told, bad()).times == times


def test_a_fault_that_the_room_never_showed_is_noticed_by_any_word_after_it() -> None:
    assert scored("regression", [(22, "ana", NOTE)], bad(shown=None)).times == Times(notice_s=2)


@pytest.mark.parametrize(
    "payload",
    [
        NOTE,
        ErrorAcknowledged(source="s", error="1", title="t", done=True),
        ErrorBlocking(source="s", error="1", title="t", blocks=True, reason="r"),
        IssueBlocked(issue=1, reason="errors"),
        SignedOff(**OURS, criterion="c", text="c", holds=False),
        SignedOff(**OURS, criterion="c", text="c", holds=True, no_go=True),
        Voted(**OURS, role="QA", choice=Choice.NO_GO),
    ],
)
def test_whoever_says_that_something_is_the_matter_has_noticed(payload: Payload) -> None:
    assert held(scored("regression", [(30, "ana", payload)], bad()))[Ask.NOTICED] is True


@pytest.mark.parametrize(
    "payload",
    [
        TaskTicked(issue=1, task=0, text="t", done=True),
        IssueStatusSet(issue=1, status=Status.DONE),
        IssueBlocked(issue=1, reason=""),
        ErrorAcknowledged(source="s", error="1", title="t", done=False),
        SignedOff(**OURS, criterion="c", text="c", holds=True),
        Voted(**OURS, role="QA", choice=Choice.GO),
        MarkerSet(marker="deploy"),
        PlanAdopted(plan_hash="p"),
        armed(ActionKind.MIGRATE),
    ],
)
def test_work_on_other_things_is_no_sign_of_having_noticed(payload: Payload) -> None:
    found = scored("regression", [(30, "ana", payload)], bad())
    assert (held(found)[Ask.NOTICED], found.people) == (False, ())


@pytest.mark.parametrize(
    ("payload", "quiet"),
    [
        (NOTE, True),
        (decision(Choice.GO), True),
        (armed(), False),
        (decision(Choice.NO_GO), False),
        (StopCalled(reason="r"), False),
        (Voted(**OURS, role="QA", choice=Choice.NO_GO), False),
        (ErrorBlocking(source="s", error="1", title="t", blocks=True, reason="r"), False),
    ],
)
def test_in_a_calm_world_every_call_to_do_something_is_a_false_alarm(payload, quiet):
    found = scored("calm", [(30, "ana", payload)])
    assert (held(found), found.passed, found.times) == ({Ask.NO_ALARM: quiet}, quiet, Times())


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([], True),
        ([(41, "ana", decision(Choice.NO_GO))], True),
        ([(10, "ana", decision(Choice.GO))], True),  # the world still spoke
        ([(22, "ana", decision(Choice.GO))], False),  # silent, though nothing showed it yet
        ([(41, "ana", armed(ActionKind.DEPLOY))], False),
    ],
)
def test_to_go_ahead_while_the_telemetry_is_silent_is_not_to_hold(told, expected):
    assert held(scored("silence", told, bad(Switch.SILENCE)))[Ask.HELD] is expected


FAILED = [*rollback(41, number=1)[:5], *step(1, 50, 52, Outcome.FAILED, action=1)]


@pytest.mark.parametrize(
    ("after", "expected", "words"),
    [
        ([], False, "nobody said how to go on"),
        ([(60, "bo", StepAnswered(action=1, step=1, answer=Answer.REPEAT))], True, "bo did, after 8 s"),
        ([(53, "ana", ActionFailed(action=1, run="r", why="w")), (59, "ana", armed())], True, "ana did, after 7 s"),
        ([(60, "bo", NOTE)], False, "nobody said"),
    ],
)
def test_a_step_that_failed_waits_for_somebodys_answer(after, expected, words):
    found = scored("failed-step", [*FAILED, *after], bad())
    answered = next(judged for judged in found.judged if judged.ask is Ask.ANSWERED)
    assert (answered.held, words in answered.words) == (expected, True)
    assert scored("failed-step", FAILED[:-1], bad()).judged[1].held is None


def test_a_repeated_step_counts_as_it_ended_last() -> None:
    told: list[Told] = [
        *FAILED,
        (60, "bo", StepAnswered(action=1, step=1, answer=Answer.REPEAT)),
        *step(1, 61, 63, action=1),
        (63, "ana", VerificationStarted(action=1, run="r")),
        (70, "ana", ActionVerified(action=1, run="r", evidence=())),
    ]
    found = scored("failed-step", told, bad())
    assert found.passed
    assert found.ended().steps == (DrilledStep("Revert", 4), DrilledStep("Tell", 2))
    assert found.times.roll_back_s == 22


def test_of_several_rollbacks_the_one_that_came_furthest_is_timed_from_the_first_decision() -> None:
    told: list[Told] = [
        (41, "ana", armed()),
        (50, "ana", ActionFailed(action=1, run="", why="w")),
        *rollback(60, number=3),
    ]
    assert scored("regression", told, bad()).times == Times(notice_s=21, decide_s=0, roll_back_s=34, verify_s=15)


def test_a_rollback_outlives_a_dropped_connection_unless_somebody_had_to_pick_it_up() -> None:
    drop = bad(Switch.DROP, at=48, shown=None)
    whole = rollback(41, number=1)
    assert held(scored("ssh-drop", whole, bad(), drop))[Ask.OUTLIVED] is True
    assert held(scored("ssh-drop", whole[:-1], bad(), drop))[Ask.OUTLIVED] is None
    assert held(scored("ssh-drop", whole, bad()))[Ask.OUTLIVED] is None
    picked_up: list[Told] = [
        (50, "ana", ActionInterrupted(action=1, seen_at=None)),
        (51, "ana", ActionResumed(action=1, step=0, reason="r")),
    ]
    assert held(scored("ssh-drop", [*whole[:4], *picked_up], bad(), drop))[Ask.OUTLIVED] is False


def test_nothing_is_judged_before_anything_happened() -> None:
    for scenario in SCENARIOS:
        found = scored(scenario.name, [])
        assert found.times == Times()
        assert [judged.held for judged in found.judged] == [
            True if judged.ask is Ask.NO_ALARM else None for judged in found.judged
        ]
        assert found.passed is (scenario.name == "calm")


def test_a_scenarios_fault_is_among_what_happens_and_has_a_sign() -> None:
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS) == 6
    for scenario in SCENARIOS:
        faults = [happening for happening in scenario.happenings if happening.switch is scenario.fault]
        assert len(faults) == (scenario.fault is not None) == (scenario.sign is not None)
    assert scenario_of("nothing") is None


def test_the_journal_keeps_the_last_drilled_rollback_beside_the_drill_under_way() -> None:
    first = scored("calm", []).ended()
    second = replace(first, scenario="silence", steps=(DrilledStep("Revert", 4),))
    assert isinstance(first, DrillEnded)
    drills = Drills()
    for payload in (second, first, NOTE):
        drills = take(drills, payload)
    assert drills == Drills(rehearsed=second)
    drills = take(drills, DrillBegan(scenario="calm"))
    assert (drills.scenario, drills.is_over) == ("calm", False)
    assert take(drills, second) == Drills("calm", second, is_over=True)
    assert isinstance(scored("calm", []).scenario, Scenario)
