"""The clocks of success criteria: so many hours of fresh telemetry since the deploy, and not one of silence."""

from __future__ import annotations

import pytest

from loom_tui.plan.model import Criterion, Rule
from loom_tui.room.events import ClockRan, MarkerSet
from loom_tui.room.fold import fold
from loom_tui.room.ledger import Ledger, advance
from loom_tui.room.sightings import sightings
from loom_tui.room.signals import State
from loom_tui.room.verdicts import CriterionView, Verdict
from tests.gates import CALM, NOW, OURS, adopted, bad, events, history, plan, read, reading, room

HOUR = 3600.0
CLEAN = Criterion(text="Zero critical errors in the first 24 hours", rules=(CALM,), clock_hours=24)
KEY = "post_deployment/zero critical errors in the first 24 hours"
PLAN = plan(post=[CLEAN])
ZERO = reading("sentry.critical", 0.0)


def minutes(hours: float, *, value: float = 0.0, until_h: float = 0.0) -> list[tuple[float, float]]:
    """A bucket a minute, from so many hours ago."""
    return [(float(age), value) for age in range(int(hours * HOUR), int(until_h * HOUR), -60)]


def judged(*values: tuple[float, float], deployed_h: float = 30, seen: object = ZERO) -> CriterionView:
    observations = read(seen, past={"sentry.critical": history(values, step_s=60)})  # type: ignore[arg-type]
    told = ("ana", deployed_h * HOUR, MarkerSet(marker="deploy"))
    return room(PLAN, told, seen=observations).gate.post_deployment[0]


def test_it_is_met_after_a_whole_day_of_fresh_telemetry_since_the_deploy():
    view = judged(*minutes(24.1))
    assert (view.verdict, view.why) == (Verdict.MET, "held for 24 h")


def test_it_runs_until_then_and_says_how_far_it_came():
    view = judged(*minutes(9.2), deployed_h=9.25)
    assert (view.verdict, view.failed) == (Verdict.NOT_MET, False)
    assert view.clock is not None
    assert view.clock.ran_s == pytest.approx(9.2 * HOUR, abs=120)
    assert view.clock.of_s == 24 * HOUR
    assert view.clock.ran_s <= 9.2 * HOUR  # never longer than it was


def test_it_does_not_run_before_the_deploy_nor_on_readings_from_before_it():
    observations = read(ZERO, past={"sentry.critical": history(minutes(30), step_s=60)})
    view = room(PLAN, seen=observations).gate.post_deployment[0]
    assert (view.verdict, view.why) == (Verdict.NOT_MET, "not deployed yet")
    deployed = judged(*minutes(30), deployed_h=2)
    assert deployed.clock is not None
    assert deployed.clock.ran_s <= 2 * HOUR


def test_a_hole_in_the_telemetry_starts_it_anew_and_says_so():
    view = judged(*minutes(28, until_h=12), *minutes(11.5))
    assert view.verdict is Verdict.NOT_MET
    assert view.clock is not None
    assert view.clock.ran_s <= 11.5 * HOUR
    assert view.clock.broken == "silent for 1800 s"


def test_an_error_starts_it_anew_and_says_what_it_was():
    values = [(age, 3.0 if age == 6 * HOUR else 0.0) for age, _ in minutes(28)]
    view = judged(*values)
    assert view.clock is not None
    assert view.clock.ran_s <= 6 * HOUR
    assert view.clock.broken == "was 3"


def test_it_stands_at_zero_while_there_is_an_error_now():
    view = judged(*minutes(28, until_h=0.1), *minutes(0.1, value=2.0), seen=reading("sentry.critical", 2.0))
    assert (view.verdict, view.failed) == (Verdict.NOT_MET, True)
    assert view.clock is not None
    assert view.clock.ran_s == 0


def test_silence_now_does_not_let_it_run_out():
    view = judged(*minutes(28, until_h=5), seen=reading("sentry.critical", 0.0, age_s=5 * HOUR))
    assert view.verdict is Verdict.NOT_MET
    assert view.clock is not None
    assert view.clock.ran_s <= 23 * HOUR


def test_checks_run_on_the_clock_too():
    criterion = Criterion(text="Up", checks=("app",), clock_hours=1)
    told = ("ana", 3 * HOUR, MarkerSet(marker="deploy"))
    up = {"app": history(minutes(2, value=1.0), step_s=60)}
    assert (
        room(plan(post=[criterion]), told, seen=read(reading("app"), past=up)).gate.post_deployment[0].verdict
        is Verdict.MET
    )
    down = {"app": history([(age, 0.0 if age == 1800 else 1.0) for age, _ in minutes(2)], step_s=60)}
    for app in (reading("app"), bad(reading("app")), reading("app", state=State.UNKNOWN)):
        view = room(plan(post=[criterion]), told, seen=read(app, past=down)).gate.post_deployment[0]
        assert view.verdict is Verdict.NOT_MET


def test_once_it_ran_the_journal_remembers_it_for_that_deploy():
    deployed = ("ana", 60 * HOUR, MarkerSet(marker="deploy"))
    ran = ClockRan(criterion=KEY, text=CLEAN.text, deployed_at=NOW - 60 * HOUR, since=NOW - 60 * HOUR, **OURS)
    told = (deployed, ("loom", 36 * HOUR, ran))
    assert room(PLAN, *told, seen=read()).gate.post_deployment[0].verdict is Verdict.MET
    again = ("ana", HOUR, MarkerSet(marker="deploy"))
    assert room(PLAN, *told, again, seen=read()).gate.post_deployment[0].verdict is not Verdict.MET


def test_a_rollback_or_another_release_ends_it():
    told = [("ana", 30 * HOUR, MarkerSet(marker="deploy")), ("ana", HOUR, MarkerSet(marker="rollback"))]
    observations = read(ZERO, past={"sentry.critical": history(minutes(28), step_s=60)})
    assert room(PLAN, *told, seen=observations).gate.post_deployment[0].verdict is Verdict.NOT_MET
    renamed = events(adopted(release="v1"), told[0], adopted(age_s=2 * HOUR))
    assert fold(PLAN, renamed, observations, NOW).gate.post_deployment[0].verdict is Verdict.NOT_MET


def test_the_collector_is_told_once_that_it_ran():
    observations = read(ZERO, past={"sentry.critical": history(minutes(24.1), step_s=60)})
    deployed = ("ana", 30 * HOUR, MarkerSet(marker="deploy"))
    snapshot = room(PLAN, deployed, seen=observations)
    told = events(adopted(), deployed)
    (sighting,) = sightings(snapshot, advance(Ledger(), told).ballot)
    assert isinstance(sighting, ClockRan)
    assert sighting.deployed_at == NOW - 30 * HOUR
    known = advance(Ledger(), events(adopted(), deployed, ("loom", 1, sighting))).ballot
    assert list(sightings(snapshot, known)) == []


def test_a_rule_of_the_clock_may_be_a_lower_bound():
    criterion = Criterion(text="Calls", rules=(Rule(signal="db.sessions", at_least=1),), clock_hours=1)
    told = ("ana", 3 * HOUR, MarkerSet(marker="deploy"))
    seen = read(reading("db.sessions", 4.0), past={"db.sessions": history(minutes(2, value=4.0), step_s=60)})
    assert room(plan(post=[criterion]), told, seen=seen).gate.post_deployment[0].verdict is Verdict.MET
