"""Estimates and the projected finish: the formulas against brute force, the simulation against known answers."""

from datetime import date, time
from math import sqrt
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loom_tui.plan.calendar import WEEKDAYS
from loom_tui.plan.estimate import Estimate, estimate_of
from loom_tui.plan.model import About, Calendar, DayCount, Issue, Milestone, Phase, Plan, Priority, Range, Status
from loom_tui.plan.schedule import Progress, project, schedule, with_projection

NOW = 1_762_419_600.0
HOUR = 3600.0
ROUND_THE_CLOCK = Calendar(days=WEEKDAYS, opens=time(0), closes=time(0))

estimates = st.tuples(*[st.integers(0, 400)] * 3).map(lambda points: Estimate(*(p / 10 for p in sorted(points))))


def plan_of(*issues: Issue, **more) -> Plan:
    return Plan(plan=About(title="A plan"), calendar=ROUND_THE_CLOCK, issues=issues, **more)


def issue(id_, low, high, **more) -> Issue:
    return Issue(id=id_, title="An issue", priority=Priority.CRITICAL, effort_hours=Range(low=low, high=high), **more)


def in_hours(moments) -> list[float]:
    return [(at - NOW) / HOUR for at in moments]


@given(estimates, st.floats(0, 50))
def test_what_remains_is_the_mean_of_all_that_may_remain(estimate, spent):
    possible = estimate.quantiles(2000, spent=spent)
    assert possible == sorted(possible)
    assert 0 <= possible[0] <= possible[-1] <= max(0, estimate.high - spent) + 1e-9
    assert estimate.remaining(spent) == pytest.approx(fmean(possible), abs=0.01)


@given(estimates)
def test_work_that_has_not_begun_has_its_whole_mean_before_it(estimate):
    assert estimate.remaining(0) == pytest.approx((estimate.low + estimate.likely + estimate.high) / 3)


@given(estimates, st.floats(0, 50), st.floats(0, 10))
def test_working_on_never_adds_to_what_remains(estimate, spent, more):
    assert estimate.remaining(spent + more) <= estimate.remaining(spent) + 1e-9


def test_an_estimate_takes_the_plans_word_for_the_likely_hours_within_the_range():
    assert estimate_of(issue(1, 2, 8)) == Estimate(2, 5, 8)
    assert estimate_of(issue(1, 2, 8, effort_likely_hours=3)) == Estimate(2, 3, 8)
    assert estimate_of(issue(1, 2, 8, effort_likely_hours=30)) == Estimate(2, 8, 8)
    assert estimate_of(Issue(id=1, title="No range", effort_likely_hours=3)) == Estimate(3, 3, 3)
    assert estimate_of(Issue(id=1, title="No effort", effort_text="Ongoing")) == Estimate(0, 0, 0)


def test_the_projection_of_one_issue_is_its_triangles_own_percentiles():
    p50, p80, p95 = in_hours(project(plan_of(issue(1, 0, 10)), now=NOW, runs=20_000))
    assert p50 == pytest.approx(5, abs=0.1)
    assert p80 == pytest.approx(10 - sqrt(0.20 * 50), abs=0.1)
    assert p95 == pytest.approx(10 - sqrt(0.05 * 50), abs=0.1)


def test_two_issues_at_once_finish_with_the_later_one():
    p50, p80, p95 = in_hours(project(plan_of(issue(1, 0, 10), issue(2, 0, 10)), now=NOW, runs=20_000))
    assert p50 == pytest.approx(10 - sqrt((1 - sqrt(0.50)) * 50), abs=0.1)  # both are done in sqrt(0.5) of cases each
    assert p80 == pytest.approx(10 - sqrt((1 - sqrt(0.80)) * 50), abs=0.1)
    assert p95 == pytest.approx(10 - sqrt((1 - sqrt(0.95)) * 50), abs=0.15)


def test_a_long_chain_of_issues_spreads_less_than_its_worst_cases_add_up_to():
    chain = plan_of(*(issue(n, 0, 10, depends_on=(n - 1,)) for n in range(1, 25)))
    p50, p80, p95 = in_hours(project(chain, now=NOW))
    sigma = sqrt(24 * 100 / 24)  # a symmetric triangle over ten hours has a variance of 100 / 24
    assert p50 == pytest.approx(120, abs=0.2 * sigma)
    assert p80 == pytest.approx(120 + 0.8416 * sigma, abs=0.2 * sigma)
    assert p95 == pytest.approx(120 + 1.6449 * sigma, abs=0.25 * sigma)


def test_the_same_seed_gives_the_same_projection_and_another_seed_another():
    plan = plan_of(issue(1, 1, 9), issue(2, 1, 9, depends_on=(1,)))
    assert project(plan, now=NOW, seed=7) == project(plan, now=NOW, seed=7)
    assert project(plan, now=NOW, seed=7) != project(plan, now=NOW, seed=8)


@st.composite
def certain_plans(draw) -> Plan:
    """A plan in office hours whose efforts are certain, with phases and milestones on any day and at any hour."""
    days = st.none() | st.integers(1, 9)
    count = draw(st.integers(1, 8))
    issues = []
    for number in range(count):
        hours = draw(st.integers(0, 20)) / 2
        waits = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else ()
        phase, status = draw(st.sampled_from(["A", "B", ""])), draw(st.sampled_from(list(Status)))
        issues.append(issue(number, hours, hours, depends_on=tuple(waits), phase=phase, status=status))
    at = st.none() | st.times().map(lambda moment: moment.replace(microsecond=0))
    decision = Milestone(name="Decision", after=tuple(range(0, count, 2)), day=draw(days), at=draw(at))
    launch = Milestone(name="Launch", after_milestones=("Decision",), day=draw(days), at=draw(at))
    return Plan(
        plan=About(title="A plan", start=date(2025, 11, draw(st.integers(1, 20)))),
        calendar=Calendar(zone="Europe/Berlin", day_count=draw(st.sampled_from(list(DayCount)))),
        issues=tuple(issues),
        phases=(Phase(name="A", first_day=draw(days)), Phase(name="B", first_day=draw(days))),
        milestones=draw(st.sampled_from([(), (decision,), (decision, launch)])),
    )


@settings(max_examples=150, deadline=None)
@given(certain_plans(), st.integers(0, 14 * 24 * 60))
def test_without_uncertainty_the_projection_is_the_schedule(plan, minutes):
    solved = with_projection(plan, now=NOW + minutes * 60)
    assert solved.p50_at == solved.p80_at == solved.p95_at == solved.finish_at


def test_with_projection_adds_the_projection_and_changes_nothing_else():
    plan = plan_of(issue(1, 1, 9))
    plain, full = schedule(plan, now=NOW), with_projection(plan, now=NOW)
    assert (full.items, full.milestones, full.chain, full.finish_at) == (
        plain.items,
        plain.milestones,
        plain.chain,
        plain.finish_at,
    )
    assert (full.p50_at, full.p80_at, full.p95_at) == project(plan, now=NOW)


def test_work_under_way_is_drawn_from_what_it_can_still_take():
    progress = Progress(started_at={1: NOW - 9 * HOUR})
    p50, _, p95 = in_hours(project(plan_of(issue(1, 0, 10)), now=NOW, progress=progress, runs=20_000))
    assert p50 == pytest.approx(1 - sqrt(0.5), abs=0.02)
    assert p95 == pytest.approx(1 - sqrt(0.05), abs=0.02)


def test_what_lies_behind_the_launch_does_not_move_its_projection():
    launch = plan_of(issue(1, 1, 3))
    more = plan_of(
        issue(1, 1, 3), Issue(id=2, title="After", priority=Priority.POST, effort_hours=Range(low=9, high=99))
    )
    assert project(launch, now=NOW) == project(more, now=NOW)


def test_a_launch_on_a_saturday_is_projected_for_the_saturday():
    office = Plan(
        plan=About(title="A plan", start=date(2025, 11, 8)),
        calendar=Calendar(day_count=DayCount.CALENDAR),
        issues=(issue(1, 0, 0),),
        milestones=(Milestone(name="Launch", after=(1,), day=1, at=time(22)),),
    )
    saturday = project(office, now=NOW)
    assert saturday == (schedule(office, now=NOW).finish_at,) * 3


def test_nothing_to_finish_has_no_projection_and_what_is_finished_has_its_own_time():
    assert project(plan_of(), now=NOW) is None
    done = Plan(plan=About(title="A plan"), issues=(Issue(id=1, title="Done", priority=Priority.HIGH),))
    assert project(done, now=NOW, progress=Progress(done_at={1: NOW - 5})) == (NOW - 5,) * 3
