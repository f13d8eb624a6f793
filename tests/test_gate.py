"""The gate, sentence by sentence as the design says it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from loom_tui.plan.model import Criterion, Gate, Issue, Operator, Right, Risk, Rule, Stakeholder, Status
from loom_tui.plan.sources.sentry import SentrySource
from loom_tui.room.events import (
    IssueStatusSet,
    MarkerSet,
    NoGoCleared,
    NoGoLifted,
    NoGoShown,
    RiskAccepted,
    Voted,
    VoteWithdrawn,
    Waived,
    WaiverAgreed,
    WaiverEnded,
    decode_payload,
    encode_payload,
)
from loom_tui.room.fold import fold
from loom_tui.room.nogo import stays_words
from loom_tui.room.signals import State
from loom_tui.room.sketch import Sketch
from loom_tui.room.verdicts import Choice, Evidence, GateState, Says, Verdict
from tests.gates import (
    CALM,
    HOT,
    NOW,
    OURS,
    adopted,
    bad,
    events,
    go_view,
    history,
    no_go_view,
    plan,
    read,
    reading,
    room,
    signed,
    vote,
)

ENG, OPS = Stakeholder(name="Eng", votes=True, who=("ana", "bo")), Stakeholder(name="Ops", votes=True)
CALM_GO = Criterion(text="No critical errors", rules=(CALM,))
HOT_NO_GO = Criterion(text="Critical bug", rules=(HOT,))
ZERO, TWO = reading("sentry.critical", 0.0), reading("sentry.critical", 2.0)


# A criterion is MET, NOT MET, UNKNOWN or WAIVED


def test_a_rule_that_holds_of_a_fresh_reading_meets_its_criterion():
    snapshot = room(plan(go=[CALM_GO]), seen=read(ZERO))
    assert go_view(snapshot).verdict is Verdict.MET
    assert snapshot.gate.state is GateState.GO


def test_a_rule_that_does_not_hold_is_not_met_with_its_figure():
    snapshot = room(plan(go=[CALM_GO]), seen=read(TWO))
    assert (go_view(snapshot).verdict, go_view(snapshot).why) == (Verdict.NOT_MET, "2, not ≤ 0")
    assert snapshot.gate.state is GateState.HOLD
    assert snapshot.gate.why == "needs sentry.critical ≤ 0"


@pytest.mark.parametrize(
    ("stored", "why", "need"),
    [
        (None, "never read", "sentry.critical read"),
        (reading("sentry.critical", 0.0, age_s=61), "stale", "sentry.critical read again"),
        (
            reading("sentry.critical", 0.0, age_s=-60),
            "read in the future: a clock is wrong",
            "the clock of sentry.critical put right",
        ),
        (
            reading("sentry.critical", 0.0, recorded_age_s=-60),
            "read in the future: a clock is wrong",
            "the clock of sentry.critical put right",
        ),
        (reading("sentry.critical", 0.0, release="v1"), "of v1", "sentry.critical of v2"),
        (reading("sentry.critical", 0.0, release=""), "of no named release", "sentry.critical of v2"),
        (reading("sentry.critical", 0.0, environment="staging"), "of staging", "sentry.critical of production"),
        (reading("sentry.critical", 0.0, state=State.UNKNOWN, detail="401"), "401", "sentry.critical known"),
        (reading("sentry.critical", None), "has no figure", "a figure of sentry.critical"),
        (reading("sentry.critical", float("nan")), "has no figure", "a figure of sentry.critical"),
        (reading("sentry.critical", float("-inf")), "has no figure", "a figure of sentry.critical"),
    ],
)
def test_what_is_not_known_is_unknown_and_says_why_and_what_would_mend_it(stored, why, need):
    seen = read(*([stored] if stored else []))
    for snapshot, view in (
        (room(plan(go=[CALM_GO]), seen=seen), go_view),
        (room(plan(go=[Criterion(text="auth", checks=("app.auth",))], no_go=[HOT_NO_GO]), seen=seen), no_go_view),
    ):
        assert view(snapshot).verdict is Verdict.UNKNOWN
        assert view(snapshot).why == why
        assert snapshot.gate.state is GateState.HOLD
        assert need in snapshot.gate.needs


def test_a_stale_reading_says_that_its_source_is_down():
    down = reading("sentry", state=State.UNKNOWN, detail="Sentry did not answer within 5 s")
    snapshot = room(plan(go=[CALM_GO]), seen=read(down, reading("sentry.critical", 0.0, age_s=100)))
    assert go_view(snapshot).why == "source down: Sentry did not answer within 5 s"


def test_what_was_never_read_of_a_source_that_is_down_says_so():
    down = reading("sentry", state=State.UNKNOWN, detail="Sentry did not answer within 5 s")
    snapshot = room(plan(go=[CALM_GO]), seen=read(down))
    assert go_view(snapshot).why == "source down: Sentry did not answer within 5 s"


def test_an_unknown_reading_tells_its_reason_before_what_it_speaks_of():
    unknown = reading("sentry.critical", state=State.UNKNOWN, detail="Sentry refused", environment="", release="")
    snapshot = room(plan(go=[CALM_GO]), seen=read(unknown))
    assert (go_view(snapshot).why, snapshot.gate.why) == ("Sentry refused", "needs sentry.critical known")


def test_a_criterion_without_a_rule_is_unknown_until_somebody_signs_it_off_by_name():
    a_plan = plan(go=[Criterion(text="Feedback positive")])
    assert (go_view(room(a_plan)).verdict, go_view(room(a_plan)).why) == (Verdict.UNKNOWN, "no rule yet")
    assert room(a_plan).gate.needs == ("a rule or a sign-off for “Feedback positive”",)
    signed_off = room(a_plan, ("bo", 60, signed("go/feedback positive", holds=True)))
    assert (go_view(signed_off).verdict, go_view(signed_off).why) == (Verdict.MET, "signed off by bo")


def test_what_the_document_claims_proves_nothing():
    claimed = Criterion(text="Done", claimed=True)
    assert go_view(room(plan(go=[claimed]))).verdict is Verdict.UNKNOWN
    done = Issue(id=1, title="i", status=Status.DONE, claimed=True, owners=("QA",))
    snapshot = room(plan(go=[Criterion(text="All done", issues=(1,))], issues=[done]))
    assert go_view(snapshot).verdict is Verdict.NOT_MET
    assert snapshot.gate.needs == ("#1 (QA) done",)


def test_a_failing_check_beats_a_tick():
    a_plan = plan(
        go=[Criterion(text="Auth verified", issues=(1,), checks=("app.auth",))], issues=[Issue(id=1, title="i")]
    )
    done = ("ana", 60, IssueStatusSet(issue=1, status=Status.DONE))
    assert go_view(room(a_plan, done, seen=read(reading("app.auth")))).verdict is Verdict.MET
    failing = go_view(room(a_plan, done, seen=read(bad(reading("app.auth")))))
    assert (failing.verdict, failing.why) == (Verdict.NOT_MET, "app.auth: bad, not ok")


def test_issues_are_counted_until_all_are_done_and_a_dropped_one_is_not_done():
    a_plan = plan(
        go=[Criterion(text="Path complete", issues=(1, 2, 3))], issues=[Issue(id=n, title="i") for n in (1, 2, 3)]
    )
    told = [("ana", 60, IssueStatusSet(issue=n, status=Status.DONE)) for n in (1, 2)]
    view = go_view(room(a_plan, *told, ("ana", 50, IssueStatusSet(issue=3, status=Status.DROPPED))))
    assert (view.verdict, view.why, view.failed) == (Verdict.NOT_MET, "2 of 3 done", False)
    assert go_view(room(a_plan, *told, ("bo", 50, IssueStatusSet(issue=3, status=Status.DONE)))).verdict is Verdict.MET


def test_an_issue_that_the_plan_no_longer_has_is_unknown():
    assert go_view(room(plan(go=[Criterion(text="c", issues=(9,))]))).verdict is Verdict.UNKNOWN


def test_a_source_of_another_environment_proves_what_the_plan_asks_of_it_and_nothing_else():
    a_plan = plan(go=[CALM_GO])
    staged = replace(a_plan, sources={"sentry": SentrySource(org="o", project="p", ttl_s=60, environment="staging")})
    staging = reading("sentry.critical", 0.0, environment="staging")
    assert go_view(room(staged, seen=read(staging))).verdict is Verdict.MET
    assert go_view(room(staged, seen=read(ZERO))).verdict is Verdict.UNKNOWN
    assert go_view(room(a_plan, seen=read(staging))).verdict is Verdict.UNKNOWN


def test_a_version_is_compared_as_a_word():
    a_plan = plan(go=[Criterion(text="Deployed", rules=(Rule(signal="app.version", is_="v2"),))])
    assert go_view(room(a_plan, seen=read(reading("app.version", detail="v2")))).verdict is Verdict.MET
    old = go_view(room(a_plan, seen=read(reading("app.version", detail="v1"))))
    assert (old.verdict, old.why) == (Verdict.NOT_MET, "v1, not v2")


# A percentile over fewer samples than min_samples is UNKNOWN


def with_list(samples: int, *, age_s: float = 100.0):
    sketch = Sketch([7.0] * samples).encode()
    bucket = history([(age_s, 7.0)])[0]
    series = (replace(bucket, count=samples, total=7.0 * samples, sketch=sketch),) if samples else ()
    return replace(read(reading("db.list.ms", 7.0)), series={"db.list.ms": series})


def p95(**more: object) -> Criterion:
    return Criterion(text="Fast", rules=(Rule(signal="db.list.p95_ms", at_most=10, **more),))  # type: ignore[arg-type]


def test_a_percentile_over_too_few_samples_is_unknown():
    assert go_view(room(plan(go=[p95()]), seen=with_list(20))).verdict is Verdict.MET
    few = go_view(room(plan(go=[p95()]), seen=with_list(19)))
    assert (few.verdict, few.why) == (Verdict.UNKNOWN, "19 samples are too few")
    asked = go_view(room(plan(go=[p95(min_samples=50)]), seen=with_list(40)))
    assert (asked.verdict, asked.why) == (Verdict.UNKNOWN, "40 of 50 samples")


def test_a_percentile_from_before_a_deploy_or_of_the_release_before_is_no_evidence():
    assert (
        go_view(room(plan(go=[p95()]), ("ana", 50, MarkerSet(marker="deploy")), seen=with_list(40))).verdict
        is Verdict.UNKNOWN
    )
    renamed = events(adopted(release="v1"), adopted(age_s=50))
    assert go_view(fold(plan(go=[p95()]), renamed, with_list(40), NOW)).verdict is Verdict.UNKNOWN
    assert go_view(fold(plan(go=[p95()]), (), with_list(40), NOW)).verdict is Verdict.UNKNOWN


# for_s: it must have held that long


STEADY = Criterion(text="Steady", rules=(Rule(signal="sentry.critical", at_most=0, for_s=300),))
MINUTES = [(float(age), 0.0) for age in range(330, 0, -10)]


def test_a_rule_with_a_duration_is_met_once_it_held_so_long():
    held = read(ZERO, past={"sentry.critical": history(MINUTES)})
    assert go_view(room(plan(go=[STEADY]), seen=held)).verdict is Verdict.MET
    short = read(ZERO, past={"sentry.critical": history(MINUTES[20:])})
    view = go_view(room(plan(go=[STEADY]), seen=short))
    assert (view.verdict, view.failed) == (Verdict.NOT_MET, False)
    assert view.why.endswith("of 300 s")


@pytest.mark.parametrize(
    "values",
    [
        [],
        [(age, 1.0 if age == 100 else 0.0) for age, _ in MINUTES],  # broken
        [(age, value) for age, value in MINUTES if not 100 <= age <= 200],  # silent
        [(age, value) for age, value in MINUTES if age > 120],  # no longer written
    ],
)
def test_a_break_or_a_hole_in_the_telemetry_starts_the_time_anew(values):
    seen = read(ZERO, past={"sentry.critical": history(values)})
    assert go_view(room(plan(go=[STEADY]), seen=seen)).verdict is Verdict.NOT_MET


def test_a_duration_does_not_reach_back_over_a_deploy_or_another_release():
    seen = read(ZERO, past={"sentry.critical": history(MINUTES)})
    deployed = ("ana", 200, MarkerSet(marker="deploy"))
    assert go_view(room(plan(go=[STEADY]), deployed, seen=seen)).verdict is Verdict.NOT_MET
    renamed = events(adopted(release="v1"), adopted(age_s=100))
    assert go_view(fold(plan(go=[STEADY]), renamed, seen, NOW)).verdict is Verdict.NOT_MET


def test_a_duration_over_too_few_readings_is_unknown():
    rule = replace(STEADY.rules[0], min_samples=100)
    seen = read(ZERO, past={"sentry.critical": history(MINUTES)})
    view = go_view(room(plan(go=[replace(STEADY, rules=(rule,))]), seen=seen))
    assert view.verdict is Verdict.UNKNOWN
    assert view.why.endswith("of 100 readings")


def test_a_no_go_that_has_not_held_for_long_enough_is_not_known_not_to_hold():
    rule = replace(HOT, for_s=300)
    seen = read(TWO, past={"sentry.critical": history([(age, 2.0) for age, _ in MINUTES[25:]])})
    a_plan = plan(go=[Criterion(text="auth", checks=("app.auth",))], no_go=[replace(HOT_NO_GO, rules=(rule,))])
    assert no_go_view(room(a_plan, seen=seen)).verdict is Verdict.UNKNOWN
    long = read(TWO, past={"sentry.critical": history([(age, 2.0) for age, _ in MINUTES])})
    assert room(a_plan, seen=long).gate.state is GateState.NO_GO


# NO-GO if any no-go criterion is shown to hold, or a required stakeholder votes no-go


def test_a_no_go_that_is_shown_to_hold_is_no_go_and_says_why():
    snapshot = room(plan(go=[CALM_GO], no_go=[HOT_NO_GO]), seen=read(TWO))
    assert snapshot.gate.state is GateState.NO_GO
    assert snapshot.gate.why == "Critical bug (2 ≥ 1)"
    assert room(plan(go=[CALM_GO], no_go=[HOT_NO_GO]), seen=read(ZERO)).gate.state is GateState.GO


def test_a_no_go_holds_when_any_of_its_rules_or_checks_shows_it_and_is_known_not_to_only_when_all_are():
    no_go = Criterion(text="Not ready", rules=(HOT,), checks=("app",))
    a_plan = plan(go=[CALM_GO], no_go=[no_go])
    assert no_go_view(room(a_plan, seen=read(ZERO, reading("app")))).verdict is Verdict.NOT_MET
    assert no_go_view(room(a_plan, seen=read(ZERO, bad(reading("app"))))).verdict is Verdict.MET
    assert no_go_view(room(a_plan, seen=read(TWO))).verdict is Verdict.MET
    assert no_go_view(room(a_plan, seen=read(ZERO))).verdict is Verdict.UNKNOWN


def test_a_required_stakeholder_s_no_go_is_no_go_and_another_s_go_does_not_silence_it():
    a_plan = plan(go=[CALM_GO], voters=[ENG])
    told = (("ana", 60, vote("Eng", Choice.NO_GO, reason="too risky")), ("bo", 50, vote("Eng")))
    snapshot = room(a_plan, *told, seen=read(ZERO))
    assert snapshot.gate.state is GateState.NO_GO
    assert snapshot.gate.why == "Eng votes no-go (ana: too risky)"
    assert room(a_plan, *told, ("ana", 40, vote("Eng")), seen=read(ZERO)).gate.state is GateState.GO


def test_a_stakeholder_whose_vote_is_not_required_does_not_stop_the_launch():
    a_plan = plan(go=[CALM_GO], voters=[replace(ENG, votes=False)])
    told = ("ana", 60, vote("Eng", Choice.NO_GO, reason="no"))
    assert room(a_plan, told, seen=read(ZERO)).gate.state is GateState.GO


# It latches


def shown(key: str = "no_go/critical bug", *, release: str = "v2") -> NoGoShown:
    evidence = Evidence(kind="rule", subject="sentry.critical", says=Says.AGAINST, words="2 ≥ 1")
    return NoGoShown(
        criterion=key, text="Critical bug", evidence=(evidence,), release=release, environment="production"
    )


LATCHING = plan(go=[CALM_GO], no_go=[HOT_NO_GO])


def test_silence_does_not_turn_no_go_into_hold():
    for seen in (
        read(),
        read(reading("sentry.critical", 2.0, age_s=600)),
        read(reading("sentry.critical", 0.0, age_s=600)),
    ):
        snapshot = room(LATCHING, ("loom", 600, shown()), seen=seen)
        assert snapshot.gate.state is GateState.NO_GO
        assert no_go_view(snapshot).latched_at == NOW - 600
    assert room(LATCHING, seen=read()).gate.state is GateState.HOLD


def test_fresh_proof_to_the_contrary_lifts_a_no_go_and_silence_after_it_is_hold():
    assert room(LATCHING, ("loom", 600, shown()), seen=read(ZERO)).gate.state is GateState.GO
    cleared = NoGoCleared(criterion="no_go/critical bug", text="Critical bug", evidence=(), **OURS)
    assert room(LATCHING, ("loom", 600, shown()), ("loom", 300, cleared), seen=read()).gate.state is GateState.HOLD


def test_a_person_s_word_with_a_reason_lifts_a_no_go_to_hold_but_not_one_that_holds_now():
    lifted = ("bo", 300, NoGoLifted(reason="false alarm", criterion="no_go/critical bug", **OURS))
    assert room(LATCHING, ("loom", 600, shown()), lifted, seen=read()).gate.state is GateState.HOLD
    assert room(LATCHING, ("loom", 600, shown()), lifted, seen=read(TWO)).gate.state is GateState.NO_GO
    again = ("loom", 100, shown())
    assert room(LATCHING, ("loom", 600, shown()), lifted, again, seen=read()).gate.state is GateState.NO_GO


def test_a_no_go_ends_with_its_release():
    assert room(LATCHING, ("loom", 600, shown(release="v1")), seen=read()).gate.state is GateState.HOLD


def test_no_edit_of_the_plan_lifts_a_no_go():
    edited = plan(go=[CALM_GO], no_go=[replace(HOT_NO_GO, text="Serious bug")])
    snapshot = room(edited, ("loom", 600, shown()), seen=read(ZERO))
    assert snapshot.gate.state is GateState.NO_GO
    assert "the plan no longer names it" in snapshot.gate.why
    lifted = ("bo", 300, NoGoLifted(reason="reworded", criterion="no_go/critical bug", **OURS))
    assert room(edited, ("loom", 600, shown()), lifted, seen=read(ZERO)).gate.state is GateState.GO
    renamed = plan(go=[CALM_GO], voters=[replace(ENG, name="Engineering")])
    against = ("ana", 60, vote("Eng", Choice.NO_GO, reason="no"))
    assert room(renamed, against, ("ana", 50, vote("Engineering")), seen=read(ZERO)).gate.state is GateState.NO_GO


def test_a_criterion_with_an_id_stays_itself_when_its_text_is_edited():
    no_go = replace(HOT_NO_GO, id="bug", text="Any wording")
    assert (
        room(plan(go=[CALM_GO], no_go=[no_go]), ("loom", 600, shown("bug")), seen=read()).gate.state is GateState.NO_GO
    )


def test_a_no_go_vote_does_not_run_out_but_can_be_taken_back_or_lifted_with_a_reason():
    a_plan = plan(go=[CALM_GO], voters=[ENG])
    old = ("ana", 3 * 86_400, vote("Eng", Choice.NO_GO, reason="no"))
    assert room(a_plan, old, seen=read(ZERO)).gate.state is GateState.NO_GO
    back = ("ana", 60, VoteWithdrawn(role="Eng", reason="mended", **OURS))
    assert room(a_plan, old, back, seen=read(ZERO)).gate.state is GateState.HOLD
    lifted = ("bo", 60, NoGoLifted(reason="ana is away", role="Eng", **OURS))
    assert room(a_plan, old, lifted, seen=read(ZERO)).gate.state is GateState.HOLD


def test_a_person_may_say_that_a_no_go_holds_where_the_readings_do_not_see_it():
    says = ("bo", 60, signed("no_go/critical bug", holds=True, no_go=True))
    snapshot = room(LATCHING, says, seen=read(ZERO))
    assert snapshot.gate.state is GateState.NO_GO
    assert snapshot.gate.why == "Critical bug (bo: denied by bo)"
    lifted = ("ana", 30, NoGoLifted(reason="seen: a typo", criterion="no_go/critical bug", **OURS))
    assert room(LATCHING, says, lifted, seen=read(ZERO)).gate.state is GateState.GO


def test_a_no_go_says_of_which_release_it_is_and_what_ends_it():
    shows = room(LATCHING, seen=read(TWO))
    older = replace(ZERO.reading, detail="v1")  # as a version's reading tells it
    runs = replace(shows.signals["sentry.critical"], reading=older, state=State.OK)
    assert stays_words(shows) == "v2 stays NO-GO until: sentry.critical not ≥ 1"
    assert stays_words(replace(shows, version=runs)) == "v2 (v1 runs) stays NO-GO until: sentry.critical not ≥ 1"
    silent = room(LATCHING, ("loom", 600, shown()), seen=read())
    assert stays_words(silent) == "v2 stays NO-GO until: sentry.critical read, or lifted with a reason"
    said = room(LATCHING, ("bo", 60, signed("no_go/critical bug", holds=True, no_go=True)), seen=read(ZERO))
    assert stays_words(said) == "v2 stays NO-GO until: bo to sign “no_go/critical bug” off, or lifted with a reason"
    gone = plan(go=[CALM_GO], no_go=[replace(HOT_NO_GO, text="Serious bug")])
    edited = room(gone, ("loom", 600, shown()), seen=read(ZERO))
    assert stays_words(edited) == "v2 stays NO-GO until: “Critical bug” lifted"
    against = room(
        plan(go=[CALM_GO], voters=[ENG]), ("ana", 9, vote("Eng", Choice.NO_GO, reason="no")), seen=read(ZERO)
    )
    assert stays_words(against) == "v2 stays NO-GO until: Eng's vote taken back or lifted"
    assert stays_words(room(LATCHING, seen=read(ZERO))) == ""


def test_a_no_go_without_a_rule_is_unknown_until_somebody_signs_off_that_it_does_not_hold():
    a_plan = plan(go=[CALM_GO], no_go=[Criterion(text="Security concern")])
    assert room(a_plan, seen=read(ZERO)).gate.state is GateState.HOLD
    word = ("bo", 60, signed("no_go/security concern", holds=False, no_go=True))
    assert room(a_plan, word, seen=read(ZERO)).gate.state is GateState.GO
    later = ("bo", 30, signed("no_go/security concern", holds=True, no_go=True))
    assert room(a_plan, word, later, seen=read(ZERO)).gate.state is GateState.NO_GO


# GO if there is at least one go criterion, …


def test_absence_of_criteria_of_rules_or_of_a_named_release_is_hold():
    assert room(plan()).gate.state is GateState.HOLD
    assert room(plan(no_go=[HOT_NO_GO]), seen=read(ZERO)).gate.state is GateState.HOLD
    nameless = replace(ZERO, reading=replace(ZERO.reading, release=""))
    snapshot = fold(plan(go=[CALM_GO], release=""), (), read(nameless), NOW)
    assert snapshot.gate.state is GateState.HOLD
    assert snapshot.gate.why == "needs the plan to name its release"


def test_every_go_criterion_must_be_met_and_every_no_go_known_not_to_hold():
    auth = Criterion(text="auth", checks=("app.auth",))
    a_plan = plan(go=[CALM_GO, auth], no_go=[HOT_NO_GO])
    assert room(a_plan, seen=read(ZERO)).gate.state is GateState.HOLD
    assert room(a_plan, seen=read(ZERO, reading("app.auth"))).gate.state is GateState.GO
    down = Criterion(text="down", rules=(Rule(signal="app", is_="bad"),))
    assert room(plan(go=[CALM_GO], no_go=[down]), seen=read(ZERO)).gate.state is GateState.HOLD


def test_every_required_vote_must_be_go_for_this_release_and_environment():
    a_plan = plan(go=[CALM_GO], voters=[ENG, OPS, Stakeholder(name="Beta")])
    assert room(a_plan, ("ana", 60, vote("Eng")), seen=read(ZERO)).gate.why == "needs the vote from Ops"
    both = (("ana", 60, vote("Eng")), ("cy", 50, vote("Ops")))
    assert room(a_plan, *both, seen=read(ZERO)).gate.state is GateState.GO
    for other in (vote("Ops", release="v1"), vote("Ops", environment="staging")):
        assert room(a_plan, both[0], ("cy", 50, other), seen=read(ZERO)).gate.state is GateState.HOLD


def test_votes_run_out_after_a_day_or_the_plan_s_word_and_one_from_the_future_does_not_count():
    a_plan = plan(go=[CALM_GO], voters=[OPS])
    for age_s, state in ((86_400, GateState.GO), (86_401, GateState.HOLD), (-60, GateState.HOLD)):
        assert room(a_plan, ("cy", age_s, vote("Ops")), seen=read(ZERO)).gate.state is state
    short = plan(go=[CALM_GO], voters=[OPS], gate=Gate(vote_hours=1))
    snapshot = room(short, ("cy", 3601, vote("Ops")), seen=read(ZERO))
    assert snapshot.gate.state is GateState.HOLD
    assert snapshot.gate.votes[0].expired


def test_a_vote_by_one_who_does_not_speak_for_the_role_or_may_only_look_does_not_count():
    assert room(plan(go=[CALM_GO], voters=[ENG]), ("cy", 60, vote("Eng")), seen=read(ZERO)).gate.state is GateState.HOLD
    looking = plan(go=[CALM_GO], voters=[OPS], operators=[Operator(login="cy", may=Right.VIEWER)])
    assert room(looking, ("cy", 60, vote("Ops")), seen=read(ZERO)).gate.state is GateState.HOLD


def test_agreement_is_all_required_votes():
    a_plan = plan(go=[CALM_GO, Criterion(text="Team agreement", votes=True)], voters=[ENG, OPS])
    view = room(a_plan, ("ana", 60, vote("Eng")), seen=read(ZERO)).gate.go[1]
    assert (view.verdict, view.why, view.failed) == (Verdict.NOT_MET, "1 of 2 votes", False)
    both = room(a_plan, ("ana", 60, vote("Eng")), ("cy", 50, vote("Ops")), seen=read(ZERO))
    assert (both.gate.go[1].verdict, both.gate.go[1].why) == (Verdict.MET, "2 of 2 votes")


def test_a_green_light_expires_as_its_evidence_ages():
    a_plan, seen = plan(go=[CALM_GO]), read(ZERO)
    assert room(a_plan, seen=seen, now=NOW + 50).gate.state is GateState.GO
    assert room(a_plan, seen=seen, now=NOW + 58).gate.state is GateState.HOLD


def test_a_sign_off_is_by_the_named_role_or_person_and_ages_and_ends_with_its_release():
    a_plan = plan(
        go=[Criterion(text="Reviewed", id="review", signoffs=("Eng", "dora"))], voters=[replace(ENG, votes=False)]
    )
    assert room(a_plan).gate.needs == ("the sign-off of Eng", "the sign-off of dora")
    dora = ("dora", 60, signed("review", holds=True))
    assert room(a_plan, ("bo", 60, signed("review", holds=True)), dora).gate.state is GateState.GO
    assert room(a_plan, ("cy", 60, signed("review", holds=True, role="Eng")), dora).gate.state is GateState.HOLD
    for age_s, release in ((90_000, "v2"), (60, "v1")):
        word = signed("review", holds=True, release=release)
        assert room(a_plan, ("bo", age_s, word), dora).gate.state is GateState.HOLD


def test_a_person_s_word_that_a_criterion_fails_counts_against_its_rules():
    view = go_view(room(plan(go=[CALM_GO]), ("bo", 60, signed("go/no critical errors", holds=False)), seen=read(ZERO)))
    assert (view.verdict, view.failed) == (Verdict.NOT_MET, True)


def test_a_word_does_not_open_what_a_rule_decides():
    word = ("bo", 60, signed("go/no critical errors", holds=True))
    assert room(plan(go=[CALM_GO]), word, seen=read(TWO)).gate.state is GateState.HOLD


# A waiver needs a second person


def waived(key: str = "go/no critical errors", *, until: float = NOW + 3600, release: str = "v2") -> Waived:
    return Waived(criterion=key, text=key, reason="known noise", until=until, release=release, environment="production")


def test_a_waiver_counts_when_a_second_person_agreed_and_until_its_end():
    a_plan, seen = plan(go=[CALM_GO]), read(TWO)
    alone = room(a_plan, ("ana", 60, waived()), seen=seen)
    assert (go_view(alone).verdict, alone.gate.state) == (Verdict.NOT_MET, GateState.HOLD)
    assert go_view(alone).waiver is not None
    agreed = (("ana", 60, waived()), ("bo", 30, WaiverAgreed(waiver=2)))
    snapshot = room(a_plan, *agreed, seen=seen)
    view = go_view(snapshot)
    assert (view.verdict, snapshot.gate.state) == (Verdict.WAIVED, GateState.GO)
    assert view.why == "waived by ana and bo: known noise"
    assert view.waiver is not None
    assert (view.waiver.by, view.waiver.agreed_by, view.waiver.until) == ("ana", "bo", NOW + 3600)
    assert go_view(room(a_plan, *agreed, seen=seen, now=NOW + 3600)).verdict is not Verdict.WAIVED
    ended = ("cy", 10, WaiverEnded(waiver=2, reason="fixed"))
    assert go_view(room(a_plan, *agreed, ended, seen=seen)).verdict is Verdict.NOT_MET


def test_nobody_agrees_to_their_own_waiver_nor_one_without_the_right():
    a_plan, seen = plan(go=[CALM_GO]), read(TWO)
    assert (
        room(a_plan, ("ana", 60, waived()), ("ana", 30, WaiverAgreed(waiver=2)), seen=seen).gate.state is GateState.HOLD
    )
    two = [Operator(login="ana"), Operator(login="bo")]
    told = (("ana", 60, waived()), ("bo", 30, WaiverAgreed(waiver=2)))
    assert room(plan(go=[CALM_GO], operators=two), *told, seen=seen).gate.state is GateState.HOLD
    two[1] = replace(two[1], may=Right.APPROVER)
    assert room(plan(go=[CALM_GO], operators=two), *told, seen=seen).gate.state is GateState.GO


def test_a_waiver_ends_with_its_release_and_waives_no_no_go():
    agreed = ("bo", 30, WaiverAgreed(waiver=2))
    assert (
        room(plan(go=[CALM_GO]), ("ana", 60, waived(release="v1")), agreed, seen=read(TWO)).gate.state is GateState.HOLD
    )
    told = (("ana", 60, waived("no_go/critical bug")), agreed)
    assert room(LATCHING, *told, seen=read(TWO)).gate.state is GateState.NO_GO


# The room says what GO still needs, and from whom


def test_the_sentence_says_what_go_still_needs_and_from_whom():
    a_plan = plan(
        go=[
            Criterion(text="Path", issues=(146, 147)),
            Criterion(text="Migrations", checks=("db",)),
            Criterion(text="Security"),
        ],
        issues=[Issue(id=146, title="m"), Issue(id=147, title="s", owners=("QA",))],
        voters=[ENG, OPS],
    )
    told = ("ana", 60, IssueStatusSet(issue=146, status=Status.DONE))
    assert room(a_plan, told, seen=read(reading("db", age_s=1000))).gate.why == (
        "needs #147 (QA) done · db read again · a rule or a sign-off for “Security” · votes from Eng and Ops"
    )


def test_a_long_list_of_needs_is_cut_in_the_sentence_and_whole_for_scripts():
    rules = tuple(Criterion(text=name, checks=(name,)) for name in ("app", "app.auth", "db", "sentry"))
    signed = tuple(Criterion(text=name, signoffs=(name,)) for name in ("Legal", "Sales", "Support", "Design"))
    gate = room(plan(go=(*rules, CALM_GO, p95(), *signed), voters=[OPS])).gate
    assert gate.why.startswith("needs app and 5 other signals read · ")
    assert gate.why.endswith("and 1 more")
    assert len(gate.needs) == 11


def test_percentiles_that_all_lack_samples_are_one_thing_that_the_sentence_needs():
    rules = tuple(Rule(signal=f"db.list.{name}_ms", at_most=10) for name in ("p50", "p95", "p99"))
    rules = tuple(replace(rule, min_samples=50) for rule in rules)
    gate = room(plan(go=[Criterion(text="Fast", rules=rules)]), seen=with_list(5)).gate
    assert gate.why == "needs more samples of db.list.p50_ms and 2 other signals"
    assert len(gate.needs) == 3


def test_a_no_go_that_several_readings_deny_is_not_counted_like_something_done():
    calm = Criterion(text="Degraded", rules=tuple(Rule(signal="sentry.critical", at_least=top) for top in (5.0, 9.0)))
    view = room(plan(go=[CALM_GO], no_go=[calm]), seen=read(reading("sentry.critical", 0.0))).gate.no_go[0]
    assert (view.verdict, view.why) == (Verdict.NOT_MET, "none of 2 holds")


def test_each_criterion_carries_the_readings_and_words_that_decided_it_with_their_times():
    view = go_view(room(plan(go=[CALM_GO]), seen=read(reading("sentry.critical", 0.0, age_s=40))))
    (item,) = view.evidence
    assert (item.kind, item.subject, item.value, item.at, item.release) == (
        "rule",
        "sentry.critical",
        0.0,
        NOW - 40,
        "v2",
    )
    assert view.observed_at == NOW - 40


def test_a_risk_lights_by_the_same_rule_and_stays_lit_when_somebody_accepts_it():
    a_plan = plan(risks=[Risk(text="Errors rise", trigger=HOT)])
    accepted = ("bo", 60, RiskAccepted(risk="errors rise", owner="cy", reason="known", **OURS))
    (risk,) = room(a_plan, accepted, seen=read(TWO)).risks
    assert (risk.lit, risk.accepted_by, risk.risk.owner) == (True, "bo", "cy")
    (unseen,) = room(a_plan, seen=read()).risks
    assert (unseen.lit, unseen.why) == (None, "never read")


def test_votes_are_events_of_the_journal_and_survive_being_stored():
    for payload in (vote("Eng"), shown(), waived()):
        assert decode_payload(encode_payload(payload)) == payload
    assert isinstance(decode_payload(encode_payload(vote("Eng"))), Voted)
