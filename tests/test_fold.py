"""The fold: what is true of a room, from its plan, its events, its readings and the time."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from loom_tui.plan.model import About, Issue, Plan, Range, Status, Task
from loom_tui.room.events import (
    Event,
    IssueBlocked,
    IssueEffortSet,
    IssueOwnersSet,
    IssueStatusSet,
    MarkerSet,
    NoteAdded,
    Payload,
    TaskTicked,
)
from loom_tui.room.fold import Folder, fold
from loom_tui.room.signals import Freshness, PollerReport, Reading, State, Stored
from loom_tui.room.snapshot import Observations
from loom_tui.room.verdicts import GateState, Verdict
from tests.samples import (
    MIGRATED_AT,
    NOW,
    bare_snapshot,
    ok_snapshot,
    sample_events,
    sample_observations,
    sample_plan,
    stale_snapshot,
    unknown_snapshot,
)


def told(*payloads: Payload) -> tuple[Event, ...]:
    return tuple(
        Event(seq=seq, at=NOW - 100 + seq, actor="ana", payload=payload, hash="")
        for seq, payload in enumerate(payloads, 1)
    )


def with_reading(name: str, **changes: object) -> Observations:
    observations = sample_observations()
    stored = observations.latest[name]
    changed = Stored(reading=replace(stored.reading, **changes), recorded_at=stored.recorded_at)
    return replace(observations, latest={**observations.latest, name: changed})


@pytest.mark.parametrize("snapshot", [ok_snapshot(), stale_snapshot(), unknown_snapshot(), bare_snapshot()])
def test_a_gate_without_rules_holds_and_says_so(snapshot):
    assert snapshot.gate.state is GateState.HOLD
    assert snapshot.gate.why.startswith("needs ")
    ruled = [view for view in (*snapshot.gate.go[1:], *snapshot.gate.no_go) if view.verdict is not Verdict.UNKNOWN]
    assert ruled == []


def test_a_document_s_tick_is_a_claim_until_a_person_ticks():
    plan = Plan(
        plan=About(title="t"), issues=(Issue(id=1, title="i", tasks=(Task(text="a", done=True, claimed=True),)),)
    )
    (before,) = fold(plan, (), Observations(), NOW).issues[0].tasks
    assert before.done
    assert before.claimed
    assert before.by == ""
    ticked = told(TaskTicked(issue=1, task=0, text="a", done=True))
    (after,) = fold(plan, ticked, Observations(), NOW).issues[0].tasks
    assert (after.done, after.claimed, after.by) == (True, False, "ana")


def test_a_tick_follows_its_task_when_the_plan_moves_it():
    plan = Plan(plan=About(title="t"), issues=(Issue(id=1, title="i", tasks=(Task(text="new"), Task(text="old"))),))
    snapshot = fold(plan, told(TaskTicked(issue=1, task=0, text="old", done=True)), Observations(), NOW)
    assert [task.done for task in snapshot.issues[0].tasks] == [False, True]


def test_the_last_word_on_an_issue_holds():
    snapshot = fold(
        sample_plan(),
        told(
            IssueStatusSet(issue=147, status=Status.DONE),
            IssueStatusSet(issue=147, status=Status.IN_PROGRESS),
            IssueOwnersSet(issue=147, owners=("bo",)),
            IssueEffortSet(issue=147, effort_hours=Range(low=1, high=2)),
        ),
        Observations(),
        NOW,
    )
    view = snapshot.issue(147)
    assert view is not None
    assert (view.issue.status, view.issue.owners) == (Status.IN_PROGRESS, ("bo",))
    assert view.issue.effort_hours == Range(low=1, high=2)
    assert view.done_at is None
    assert len(view.history) == 4


def test_a_blocked_issue_says_why_until_nothing_blocks_it():
    blocked = told(IssueBlocked(issue=147, reason="staging is down"))
    view = fold(sample_plan(), blocked, Observations(), NOW).issue(147)
    assert view is not None
    assert view.issue.status is Status.BLOCKED
    assert "staging is down" in view.issue.blockers
    freed = told(IssueBlocked(issue=147, reason="staging is down"), IssueBlocked(issue=147, reason=""))
    view = fold(sample_plan(), freed, Observations(), NOW).issue(147)
    assert view is not None
    assert view.issue.status is Status.READY
    assert "staging is down" not in view.issue.blockers


def test_an_event_on_an_issue_that_the_plan_dropped_is_kept_and_harms_nothing():
    snapshot = fold(sample_plan(), told(IssueStatusSet(issue=999, status=Status.DONE)), Observations(), NOW)
    assert snapshot.issue(999) is None
    assert len(snapshot.events) == 1


def test_a_stale_reading_keeps_its_value_and_proves_nothing():
    view = stale_snapshot().signals["app"]
    assert view.freshness is Freshness.STALE
    assert view.state is State.UNKNOWN
    assert view.reading is not None


def test_a_reading_from_the_future_proves_nothing():
    snapshot = fold(sample_plan(), (), with_reading("app", observed_at=NOW + 60), NOW)
    assert snapshot.signals["app"].freshness is Freshness.FUTURE
    assert snapshot.signals["app"].state is State.UNKNOWN


def test_a_signal_that_nobody_has_read_is_unknown():
    view = unknown_snapshot().signals["db"]
    assert (view.freshness, view.state, view.reading) == (Freshness.NEVER, State.UNKNOWN, None)


def test_a_marker_starts_a_new_window_for_percentiles():
    database = ok_snapshot().databases[0]
    assert {query.since for query in database.queries} == {MIGRATED_AT}
    dashboard = database.queries[0]
    assert dashboard.p95_ms is not None
    assert dashboard.p95_ms < 10  # the slow executions before the migration no longer count
    assert dashboard.verdict is Verdict.MET
    unmarked = fold(sample_plan(), (), sample_observations(), NOW).databases[0].queries[0]
    assert unmarked.verdict is Verdict.NOT_MET


def test_too_few_samples_are_unknown_with_their_count():
    (marker,) = told(MarkerSet(marker="deploy"))
    events = (*sample_events(), replace(marker, seq=len(sample_events()) + 1, at=NOW - 35))
    query = fold(sample_plan(), events, sample_observations(), NOW).databases[0].queries[0]
    assert query.samples < 20
    assert query.p95_ms is None
    assert query.verdict is Verdict.UNKNOWN
    assert query.why == f"p95: {query.samples} of 20 samples"


def test_a_query_whose_source_is_silent_keeps_its_figures_and_is_unknown_however_good_it_was():
    for query, was in zip(stale_snapshot().databases[0].queries, ok_snapshot().databases[0].queries, strict=True):
        assert query.verdict is Verdict.UNKNOWN
        assert query.p95_ms == was.p95_ms


def test_a_risk_with_a_trigger_lights_by_itself_and_only_on_fresh_readings():
    assert ok_snapshot().risks[0].lit is True
    assert stale_snapshot().risks[0].lit is None
    assert unknown_snapshot().risks[0].lit is None


def test_a_risk_without_a_trigger_is_for_a_person_to_judge():
    assert ok_snapshot().risks[1].lit is None


def test_errors_since_the_deploy_come_first():
    assert [issue.short_id for issue in ok_snapshot().errors[0].issues][:2] == ["LOOM-4F", "LOOM-3A"]


def test_no_errors_and_no_telemetry_are_different():
    clear = fold(sample_plan(), (), with_reading("sentry.issues", body=b'{"issues": []}', value=0.0), NOW).errors[0]
    assert clear.issues == ()
    assert clear.signal.state is State.OK
    assert unknown_snapshot().errors[0].signal.state is State.UNKNOWN


def test_a_feed_is_live_only_while_its_success_is_fresh_and_somebody_polls():
    assert all(feed.live for feed in ok_snapshot().feeds)
    assert [feed.why for feed in stale_snapshot().feeds] == ["the collector went silent"] * 3
    assert not any(feed.live for feed in unknown_snapshot().feeds)


def test_a_feed_whose_last_try_failed_is_not_live_however_fresh_its_success_is():
    name = "feed.app"
    report = PollerReport(last_success_at=NOW - 1, failures=1, why="app did not answer within 5 s")
    observed = with_reading(name, body=msgspec.json.encode(report))
    feed = next(feed for feed in fold(sample_plan(), (), observed, NOW).feeds if feed.source == "app")
    assert (feed.live, feed.why) == (False, "app did not answer within 5 s")


def test_a_reading_that_cannot_be_decoded_is_unknown_and_not_a_crash():
    snapshot = fold(sample_plan(), (), with_reading("sentry.issues", body=b'{"not": "a list"}'), NOW)
    assert snapshot.errors[0].issues == ()
    assert snapshot.errors[0].signal.state is State.UNKNOWN


payloads = st.one_of(
    st.builds(
        TaskTicked,
        issue=st.sampled_from([144, 145, 147]),
        task=st.just(0),
        text=st.just("Test in staging"),
        done=st.booleans(),
    ),
    st.builds(IssueStatusSet, issue=st.sampled_from([144, 146, 147, 150]), status=st.sampled_from(Status)),
    st.builds(IssueBlocked, issue=st.sampled_from([144, 147]), reason=st.sampled_from(["", "network"])),
    st.builds(NoteAdded, text=st.text(max_size=20)),
    st.builds(MarkerSet, marker=st.sampled_from(["deploy", "migration", "rollback"])),
)


@given(st.lists(payloads, max_size=12), st.integers(0, 12))
@settings(max_examples=40, deadline=None)
def test_folding_step_by_step_gives_what_folding_at_once_gives(made, cut):
    events = told(*made)
    folder = Folder(sample_plan())
    folder.take(events[:cut])
    folder.snapshot(Observations(), NOW - 5)
    folder.take(events[cut:])
    stepped = folder.snapshot(sample_observations(), NOW)
    whole = fold(sample_plan(), events, sample_observations(), NOW)
    assert replace(stepped, schedule=whole.schedule, milestones=(), phases=()) == replace(
        whole, milestones=(), phases=()
    )


def test_readings_of_every_signal_can_be_shown_without_a_crash():
    for name in sample_observations().latest:
        for state in State:
            snapshot = fold(sample_plan(), (), with_reading(name, state=state, detail="[/", value=None, body=b""), NOW)
            assert snapshot.signals[name].reading == msgspec.structs.replace(
                sample_observations().latest[name].reading, state=state, detail="[/", value=None, body=b""
            )


def test_the_reading_of_one_signal_is_not_shown_as_another_s():
    reading = Reading(signal="app", observed_at=NOW, state=State.BAD)
    observations = Observations(latest={"app": Stored(reading=reading, recorded_at=NOW)})
    signals = fold(sample_plan(), (), observations, NOW).signals
    assert [name for name, view in signals.items() if view.reading is not None] == ["app"]
