"""What holds of the gate over any readings and words: no path to GO but over fresh proof of this release."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from loom_tui.plan.model import Criterion, Issue, Operator, Plan, Right, Rule, Stakeholder, Status
from loom_tui.room.events import (
    Event,
    IssueStatusSet,
    MarkerSet,
    NoGoCleared,
    NoGoLifted,
    NoGoShown,
    VoteWithdrawn,
    Waived,
    WaiverAgreed,
)
from loom_tui.room.fold import Folder, fold
from loom_tui.room.signals import Bucket, State, Stored
from loom_tui.room.sketch import Sketch
from loom_tui.room.snapshot import Observations
from loom_tui.room.verdicts import Choice, GateState, Verdict
from tests.gates import (
    CALM,
    ENVIRONMENT,
    HOT,
    NOW,
    OURS,
    Ours,
    adopted,
    events,
    history,
    plan,
    read,
    reading,
    signed,
    vote,
)

FAST = Rule(signal="db.list.p95_ms", at_most=10, min_samples=20)
STEADY = Rule(signal="db.sessions", at_most=50, for_s=120)
TTL_S = 60.0
PLAN = plan(
    go=[
        Criterion(text="calm", rules=(CALM,)),
        Criterion(text="fast", rules=(FAST, STEADY)),
        Criterion(text="up", checks=("app", "app.auth"), issues=(1,)),
        Criterion(text="reviewed"),
        Criterion(text="agreed", votes=True),
    ],
    no_go=[Criterion(text="hot", rules=(HOT,), checks=("sentry",)), Criterion(text="concern")],
    voters=[Stakeholder(name="Eng", votes=True, who=("ana",)), Stakeholder(name="Ops", votes=True)],
    issues=[Issue(id=1, title="i")],
    operators=[Operator(login=name, may=Right.APPROVER) for name in ("ana", "bo")],
)
HELD = history([(float(age), 4.0) for age in range(150, 0, -10)])


def samples(number: int, *, age_s: float = 100.0) -> tuple[Bucket, ...]:
    (bucket,) = history([(age_s, 7.0)])
    return (replace(bucket, count=number, total=7.0 * number, sketch=Sketch([7.0] * number).encode()),)


def good() -> Observations:
    seen = read(
        reading("sentry.critical", 0.0),
        reading("sentry"),
        reading("app"),
        reading("app.auth"),
        reading("db.sessions", 4.0),
        reading("db.list.ms", 7.0),
        past={"db.sessions": HELD},
    )
    return replace(seen, series={"db.list.ms": samples(30)})


GOOD_WORDS = (
    ("ana", 600, IssueStatusSet(issue=1, status=Status.DONE)),
    ("ana", 500, signed("go/reviewed", holds=True)),
    ("bo", 500, signed("no_go/concern", holds=False, no_go=True)),
    ("ana", 400, vote("Eng")),
    ("bo", 400, vote("Ops")),
)
NEEDED = tuple(good().latest)


def state(seen: Observations, *words: tuple[str, float, object], a_plan: Plan = PLAN) -> GateState:
    return fold(a_plan, events(adopted(), *words), seen, NOW).gate.state  # type: ignore[arg-type]


def test_the_good_room_is_go():
    assert state(good(), *GOOD_WORDS) is GateState.GO


def with_reading(seen: Observations, name: str, **changes: object) -> Observations:
    stored = seen.latest[name]
    changed = Stored(reading=replace(stored.reading, **changes), recorded_at=stored.recorded_at)
    return replace(seen, latest={**seen.latest, name: changed})


spoiling = st.one_of(
    st.builds(lambda age: {"observed_at": NOW - age}, st.floats(TTL_S + 0.1, 1e8)),
    st.builds(lambda ahead: {"observed_at": NOW + ahead}, st.floats(5.1, 1e8)),
    st.builds(lambda word: {"release": word}, st.text(max_size=5).filter(lambda word: word != "v2")),
    st.builds(lambda word: {"environment": word}, st.text(max_size=5).filter(lambda word: word != "production")),
    st.just({"state": State.UNKNOWN}),
)


@given(st.sampled_from(NEEDED), spoiling)
@settings(max_examples=150, deadline=None)
def test_one_reading_that_is_stale_or_of_the_future_or_of_another_release_closes_the_gate(name, changes):
    assert state(with_reading(good(), name, **changes), *GOOD_WORDS) is not GateState.GO


@given(st.integers(0, 19), st.floats(0, 200))
@settings(max_examples=60, deadline=None)
def test_too_few_samples_or_samples_from_before_a_reset_close_the_gate(number, reset_age_s):
    assert state(replace(good(), series={"db.list.ms": samples(number)}), *GOOD_WORDS) is not GateState.GO
    for kind in ("deploy", "migration", "rollback"):
        reset = ("ana", reset_age_s, MarkerSet(marker=kind))
        if reset_age_s < 100:  # the samples, and what held for two minutes, are of before
            assert state(good(), *GOOD_WORDS, reset) is not GateState.GO


@given(st.lists(st.tuples(st.integers(1, 30), st.sampled_from([0.0, 4.0, 50.0, 51.0, 1e9])), max_size=30))
@settings(max_examples=100, deadline=None)
def test_a_rule_over_time_opens_only_over_an_unbroken_past(made):
    values = {ten * 10.0: value for ten, value in made}
    past = history(sorted(values.items(), reverse=True))
    seen = replace(good(), past={"db.sessions": past})
    if state(seen, *GOOD_WORDS) is GateState.GO:
        covered = [age for age, value in values.items() if value <= 50]
        assert all(value <= 50 for age, value in values.items() if age <= 120)
        assert max(covered) >= 120
        ages = sorted(age for age in covered if age <= max(covered))
        assert all(later - earlier <= TTL_S for earlier, later in pairwise(ages) if earlier < 120)


people = st.sampled_from(["ana", "bo", "mallory"])
releases = st.sampled_from(["v1", "v2"])


def claim(release: str) -> Ours:
    return {"release": release, "environment": ENVIRONMENT}


words = st.one_of(
    st.builds(
        lambda role, choice, r: vote(role, choice, release=r),
        st.sampled_from(["Eng", "Ops", "Gone"]),
        st.sampled_from(Choice),
        releases,
    ),
    st.builds(lambda role: VoteWithdrawn(role=role, **OURS), st.sampled_from(["Eng", "Ops"])),
    st.builds(
        lambda key, holds, r: signed(key, holds=holds, no_go=key.startswith("no_go"), release=r),
        st.sampled_from(["go/reviewed", "go/calm", "no_go/concern", "no_go/hot", "no_go/gone"]),
        st.booleans(),
        releases,
    ),
    st.builds(
        lambda key, r, s: Waived(criterion=key, text=key, reason="r", until=NOW + s, **claim(r)),
        st.sampled_from(["go/calm", "go/reviewed", "no_go/hot"]),
        releases,
        st.sampled_from([-1.0, 600.0]),
    ),
    st.builds(WaiverAgreed, waiver=st.integers(1, 8)),
    st.builds(
        lambda key, r: NoGoShown(criterion=key, text=key, evidence=(), **claim(r)),
        st.sampled_from(["no_go/hot", "no_go/gone"]),
        releases,
    ),
    st.builds(lambda r: NoGoCleared(criterion="no_go/hot", text="hot", evidence=(), **claim(r)), releases),
    st.builds(
        lambda key: NoGoLifted(criterion=key, reason="r", **OURS), st.sampled_from(["no_go/hot", "no_go/concern"])
    ),
    st.builds(IssueStatusSet, issue=st.just(1), status=st.sampled_from(Status)),
)
ages = st.floats(-100, 200_000)


def _spoilt(names: set[str], changes: list[tuple[str, dict[str, object]]]) -> Observations:
    seen = good()
    for name, change in changes:
        seen = with_reading(seen, name, **change)
    return replace(seen, latest={name: stored for name, stored in seen.latest.items() if name not in names})


seen_somehow = st.builds(
    _spoilt,
    st.sets(st.sampled_from(NEEDED)),
    st.lists(st.tuples(st.sampled_from(NEEDED), spoiling), max_size=2),
)


counted = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 89)), max_size=4)  # samples, and 10 s ago how often
resets = st.lists(st.tuples(st.floats(0, 1000), st.sampled_from(["deploy", "migration", "rollback"])), max_size=2)


@given(counted, resets, st.one_of(st.builds(good), seen_somehow))
@settings(max_examples=300, deadline=None)
def test_go_rests_on_enough_samples_since_the_last_reset_whatever_was_read(made, reset, seen):
    buckets = {ago * 10.0: samples(number, age_s=ago * 10.0) for number, ago in made if number}
    seen = replace(seen, series={"db.list.ms": tuple(bucket for _, (bucket,) in sorted(buckets.items(), reverse=True))})
    marks = [("ana", age_s, MarkerSet(marker=kind)) for age_s, kind in reset]
    if state(seen, *GOOD_WORDS, *marks) is GateState.GO:
        since = min((age_s for age_s, _ in reset), default=1e9)
        assert sum(bucket.count for age, (bucket,) in buckets.items() if age <= since) >= 20
        assert since >= 120  # what has to hold for two minutes has to hold for two since


@given(st.lists(st.tuples(people, ages, words), max_size=8), st.booleans(), seen_somehow)
@settings(max_examples=300, deadline=None)
def test_whatever_is_said_go_rests_on_fresh_proof_or_on_two_people_and_on_every_required_vote(told, agreed, seen):
    told = (*told, *(GOOD_WORDS if agreed else ()))
    gate = fold(PLAN, events(adopted(), *told), seen, NOW).gate
    if gate.state is not GateState.GO:
        assert gate.needs or gate.state is GateState.NO_GO
        return
    assert all(vote.choice is Choice.GO and 0 <= NOW - (vote.at or 0) + 5 <= 86_405 for vote in gate.votes)
    for view in gate.go:
        if view.verdict is Verdict.WAIVED:
            assert view.waiver is not None
            assert view.waiver.until > NOW
            assert view.waiver.agreed_by not in ("", view.waiver.by, "mallory")
            continue
        assert view.verdict is Verdict.MET
        for item in view.evidence:
            if item.kind in ("rule", "check"):
                assert (item.release, item.environment) == ("v2", "production")
                assert item.at is not None
                assert -5 <= NOW - item.at <= TTL_S
    assert all(view.verdict is Verdict.NOT_MET for view in gate.no_go)


@given(
    st.lists(st.tuples(people, ages, words), max_size=6),
    seen_somehow,
    st.sets(st.sampled_from(NEEDED), min_size=1),
)
@settings(max_examples=200, deadline=None)
def test_to_take_readings_away_never_turns_hold_or_no_go_into_go(told, seen, gone):
    told = (*GOOD_WORDS, *told)
    before = state(seen, *told)
    fewer = replace(seen, latest={name: stored for name, stored in seen.latest.items() if name not in gone})
    after = state(fewer, *told)
    assert not (before is not GateState.GO and after is GateState.GO)


OPENING = tuple(range(len(GOOD_WORDS)))


@given(st.sets(st.sampled_from(OPENING), min_size=1), seen_somehow)
@settings(max_examples=80, deadline=None)
def test_to_take_words_for_going_away_never_opens_the_gate(gone, seen):
    fewer = [word for place, word in enumerate(GOOD_WORDS) if place not in gone]
    assert state(seen, *fewer) is not GateState.GO


@given(st.lists(st.tuples(people, ages, words), max_size=8), st.integers(0, 8))
@settings(max_examples=60, deadline=None)
def test_the_gate_is_the_same_folded_at_once_or_step_by_step(told, cut):
    all_events: tuple[Event, ...] = events(adopted(), *told)
    folder = Folder(PLAN)
    folder.take(all_events[:cut])
    folder.snapshot(good(), NOW - 30)
    folder.take(all_events[cut:])
    assert folder.snapshot(good(), NOW).gate == fold(PLAN, all_events, good(), NOW).gate
