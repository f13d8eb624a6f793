"""The schedule's rules one by one, and its numbers on the Sprint 07 plan (see the docstring of plan/schedule.py)."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from loom_tui.plan.model import (
    About,
    Calendar,
    DayCount,
    Issue,
    IssueId,
    Milestone,
    Phase,
    Plan,
    Priority,
    Range,
    Status,
)
from loom_tui.plan.schedule import (
    CycleError,
    Progress,
    find_cycle,
    in_order,
    milestones_of,
    phase_span,
    planned_at,
    planned_day,
    schedule,
    what_if,
    with_projection,
)

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3600.0


def on(day: int, hour: float = 9) -> float:
    """A moment of November 2025: Thursday the 6th is day 1."""
    return datetime(2025, 11, day, tzinfo=BERLIN).timestamp() + hour * HOUR


def issue(id_, priority=Priority.HIGH, effort=None, **more) -> Issue:
    hours = None if effort is None else Range(low=effort[0], high=effort[1])
    return Issue(id=id_, title=f"Issue {id_}", priority=priority, effort_hours=hours, **more)


def plan_of(*issues: Issue, about=None, **more) -> Plan:
    about = about or About(title="A plan", start=date(2025, 11, 6))
    return Plan(plan=about, calendar=Calendar(zone="Europe/Berlin"), issues=issues, **more)


SPRINT_07 = plan_of(
    issue(144, Priority.CRITICAL, (2, 3)),
    issue(145, Priority.CRITICAL, (2, 3)),
    issue(146, Priority.CRITICAL, (1, 2), blockers=("Staging environment ready",)),
    issue(147, Priority.CRITICAL, (4, 6), depends_on=(145, 146, 144)),
    issue(148, Priority.HIGH, (3, 4)),
    issue(149, Priority.HIGH, (4, 6)),
    issue(150, Priority.POST, effort_text="Ongoing"),
    issue(151, Priority.POST, (2, 3)),
    issue(152, Priority.POST, (5, 10)),
    issue(153, Priority.BACKLOG, (15, 20)),
    issue(154, Priority.BACKLOG, (20, 25)),
    issue(155, Priority.BACKLOG, (10, 15)),
    about=About(title="Sprint 07", start=date(2025, 11, 6), target=date(2025, 11, 13)),
    phases=(
        Phase(name="Pre-Deployment Configuration", first_day=1, last_day=2, issues=(145, 144, 146)),
        Phase(name="Quality Assurance", first_day=3, last_day=4, issues=(147, 148)),
        Phase(name="Deployment", first_day=5, last_day=5, activities=("Production deployment", "Monitor systems")),
        Phase(name="Post-Deployment", weeks=(2, 3), issues=(150, 151, 152, 149)),
    ),
)
OPENING = on(6)


def span(item) -> tuple[float, float]:
    return item.earliest_start, item.earliest_finish


# Sprint 07


def test_sprint_07_opens_and_closes_its_phases_on_its_working_days():
    spans = [phase_span(SPRINT_07, phase) for phase in SPRINT_07.phases]
    assert spans == [(on(6), on(7, 17)), (on(10), on(11, 17)), (on(12), on(12, 17)), (on(13), on(26, 17))]
    assert planned_day(SPRINT_07, 5) == (on(12), on(12, 17))


def test_sprint_07_decides_after_its_critical_issues_and_deploys_on_day_5():
    assert milestones_of(SPRINT_07) == (
        Milestone(name="Go/No-Go", after=(144, 145, 146, 147)),
        Milestone(name="Deployment", after_milestones=("Go/No-Go",), day=5),
    )


def test_sprint_07_as_planned():
    plan = schedule(SPRINT_07, now=OPENING)
    assert {name: span(item) for name, item in plan.items.items()} == {
        144: (on(6), on(6, 11.5)),
        145: (on(6), on(6, 11.5)),
        146: (on(6), on(6, 10.5)),
        147: (on(10), on(10, 14)),
        148: (on(10), on(10, 12.5)),
        149: (on(13), on(13, 14)),
        150: (on(13), on(13)),
        151: (on(13), on(13, 11.5)),
        152: (on(13), on(13, 16.5)),
    }
    assert span(plan.milestones["Go/No-Go"]) == (on(10, 14), on(10, 14))
    assert plan.finish_at == plan.milestones["Deployment"].earliest_finish == on(12)
    assert plan.chain == (145, 147, "Go/No-Go", "Deployment")


def test_sprint_07_has_slack_until_the_launch():
    plan = schedule(SPRINT_07, now=OPENING)
    slack = {name: item.slack_hours for name, item in plan.items.items()}
    assert slack[147] == 11  # two days of eight hours, less five
    assert slack[144] == 13.5 + 11  # what is left of days 1 and 2, and what #147 can spare
    assert slack[146] == 14.5 + 11
    assert slack[148] == 12.5  # recommended before the launch
    assert plan.items[147].latest_finish == on(11, 17)
    assert plan.items[144].latest_start == on(11, 9.5)


def test_sprint_07_leaves_its_backlog_out():
    assert not {153, 154, 155} & schedule(SPRINT_07, now=OPENING).items.keys()


def test_sprint_07_projects_its_launch_for_day_5_while_there_is_slack():
    plan = with_projection(SPRINT_07, now=OPENING)
    assert plan.p50_at == plan.p80_at == plan.p95_at == plan.finish_at == on(12)


def test_sprint_07_on_day_4_with_smoke_testing_just_begun():
    progress = Progress(
        started_at={144: on(6), 145: on(6), 146: on(6, 13), 147: on(11, 16)},
        done_at={144: on(6, 12), 145: on(6, 15), 146: on(9, 3)},  # migrated on a Sunday night
    )
    plan = with_projection(SPRINT_07, now=on(11, 17), progress=progress)
    assert span(plan.items[144]) == (on(6), on(6, 12))
    assert span(plan.items[146]) == (on(6, 13), on(9, 3))
    assert span(plan.items[147]) == (on(11, 16), on(12, 13))  # one of five hours is spent
    assert plan.finish_at == on(12, 13)
    assert plan.chain == (146, 147, "Go/No-Go", "Deployment")
    projected = [at for at in (plan.p50_at, plan.p80_at, plan.p95_at) if at is not None]
    assert [on(12, 12), *projected, on(12, 14)] == sorted([on(12, 12), *projected, on(12, 14)])
    assert len(set(projected)) == 3


# What actually happened


def test_a_started_issue_has_what_is_left_of_its_estimate_before_it():
    plan = plan_of(issue(1, effort=(4, 6)))
    progress = Progress(started_at={1: on(6)})
    assert schedule(plan, now=on(6, 12), progress=progress).finish_at == on(6, 14)
    late = schedule(plan, now=on(6, 14.5), progress=progress)  # past the likely five: (6 - 5.5) / 3 hours are left
    assert late.finish_at == pytest.approx(on(6, 14.5) + HOUR / 6, abs=0.001)


def test_an_issue_that_used_up_its_worst_case_is_due_now():
    plan = plan_of(issue(1, effort=(4, 6)))
    for now in (on(7, 12), on(8, 12)):  # also on a Saturday
        assert schedule(plan, now=now, progress=Progress(started_at={1: on(6)})).finish_at == now


def test_a_start_said_by_a_clock_that_is_ahead_counts_as_now():
    plan = schedule(plan_of(issue(1, effort=(4, 6))), now=OPENING, progress=Progress(started_at={1: OPENING + 30}))
    assert span(plan.items[1]) == (OPENING, on(6, 14))


def test_nothing_unfinished_lies_before_now():
    plan = schedule(SPRINT_07, now=on(15, 12))  # a Saturday
    for item in plan.items.values():
        assert item.earliest_start >= on(17)
    assert plan.milestones["Deployment"].earliest_finish == on(17, 16.5)


def test_an_issue_that_began_early_does_not_wait_for_its_phase():
    plan = plan_of(issue(1, effort=(5, 5), phase="Later"), phases=(Phase(name="Later", first_day=3, last_day=3),))
    assert span(schedule(plan, now=on(6, 10), progress=Progress(started_at={1: on(6)})).items[1]) == (on(6), on(6, 14))


def test_what_is_left_of_an_issue_that_began_early_waits_for_what_it_depends_on():
    for now in (on(6, 10), on(7, 12), on(10)):  # with none of #144 to #146 done, #147 waits all the longer
        waiting = schedule(SPRINT_07, now=now)
        begun = schedule(SPRINT_07, now=now, progress=Progress(started_at={147: on(6)}))
        assert begun.items[147].earliest_start == on(6)
        assert begun.items[147].earliest_finish >= begun.items[146].earliest_finish + 5 * HOUR
        assert begun.finish_at == waiting.finish_at
        assert begun.items[146].critical == waiting.items[146].critical
        assert begun.items[146].slack_hours >= 0


def test_work_under_way_goes_on_once_what_it_depends_on_is_done():
    plan = plan_of(issue(1, effort=(2, 2)), issue(2, effort=(8, 8), depends_on=(1,)))
    begun: dict[IssueId, float] = {1: on(6), 2: on(6)}
    assert schedule(plan, now=on(6, 10), progress=Progress(started_at=begun)).finish_at == on(7, 11)
    progress = Progress(started_at=begun, done_at={1: on(6, 12)})
    assert schedule(plan, now=on(6, 14), progress=progress).finish_at == on(7, 12)


def test_work_that_only_a_document_calls_begun_has_not_begun():
    plan = plan_of(issue(1, effort=(5, 5), phase="Later"), phases=(Phase(name="Later", first_day=3, last_day=3),))
    (one,) = plan.issues
    for claimed, start in ((True, on(10)), (False, on(6, 10))):
        said = replace(plan, issues=(replace(one, status=Status.IN_PROGRESS, claimed=claimed),))
        assert schedule(said, now=on(6, 10)).items[1].earliest_start == start


def test_the_launch_waits_for_work_whose_priority_nobody_stated():
    plan = plan_of(issue(1, Priority.CRITICAL, (1, 1)), issue(2, None, (24, 24)), issue(3, Priority.HIGH, (40, 40)))
    assert milestones_of(plan)[0] == Milestone(name="Go/No-Go", after=(1, 2))
    assert schedule(plan, now=OPENING).finish_at == on(10, 17)


def test_the_launch_does_not_wait_for_unlabelled_work_of_a_phase_behind_it():
    phases = (
        Phase(name="Build", first_day=1, last_day=2),
        Phase(name="Launch", first_day=3, last_day=3),
        Phase(name="Tidy up", first_day=4, last_day=5, issues=(2,)),
        Phase(name="Post-launch", when="some day"),
    )
    unlabelled = (issue(1, None), issue(2, None), issue(3, None, phase="Post-launch"), issue(4, None, phase="Build"))
    assert milestones_of(plan_of(*unlabelled, phases=phases))[0].after == (1, 4)
    undated = plan_of(*unlabelled, phases=phases[3:])
    assert milestones_of(undated)[0].after == (1, 2, 4)


def test_an_issue_done_early_frees_what_waits_for_it():
    plan = plan_of(issue(1, effort=(8, 8)), issue(2, effort=(1, 1), depends_on=(1,)))
    done = schedule(plan, now=on(6, 11), progress=Progress(done_at={1: on(6, 10)}))
    assert span(done.items[2]) == (on(6, 11), on(6, 12))
    assert done.items[1].slack_hours == 0
    assert done.chain == (1, 2)


def test_a_done_status_without_a_time_counts_as_done_by_the_start():
    plan = schedule(plan_of(issue(1, effort=(8, 8), status=Status.DONE)), now=on(10))
    assert plan.items[1].earliest_finish == on(6)


def test_a_decision_is_reached_when_its_issues_are_done_but_a_launch_needs_an_act():
    done = Progress(done_at=dict.fromkeys((144, 145, 146, 147), on(10, 15)))
    plan = schedule(SPRINT_07, now=on(12, 11), progress=done)
    assert plan.milestones["Go/No-Go"].earliest_finish == on(10, 15)
    assert plan.milestones["Deployment"].earliest_finish == plan.finish_at == on(12, 11)
    launched = Progress(done_at={**done.done_at, "Deployment": on(12, 10)})
    plan = with_projection(SPRINT_07, now=on(12, 11), progress=launched)
    assert plan.finish_at == plan.p50_at == plan.p95_at == on(12, 10)


# Scope, priorities, milestones


def test_high_issues_hold_up_neither_decision_nor_launch():
    plan = plan_of(issue(1, Priority.CRITICAL, (1, 1)), issue(2, Priority.HIGH, (80, 80)))
    assert schedule(plan, now=OPENING).finish_at == on(6, 10)


def test_post_deployment_work_waits_for_the_launch():
    plan = schedule(plan_of(issue(1, Priority.CRITICAL, (3, 3)), issue(2, Priority.POST, (1, 1))), now=OPENING)
    assert plan.items[2].earliest_start == plan.finish_at == on(6, 12)
    assert not plan.items[2].critical


def test_post_work_that_the_launch_waits_for_does_not_wait_for_the_launch():
    plan = plan_of(issue(1, Priority.CRITICAL, (1, 1), depends_on=(2,)), issue(2, Priority.POST, (1, 1)))
    assert find_cycle(plan) is None
    assert schedule(plan, now=OPENING).finish_at == on(6, 11)


def test_an_issue_that_takes_no_time_is_a_moment_like_a_milestone():
    plan = plan_of(
        issue(1, effort=(8, 8)), issue(2, depends_on=(1,)), issue(3, effort=(1, 1), depends_on=(2,)), issue(4)
    )
    solved = schedule(plan, now=OPENING)
    assert span(solved.items[2]) == (on(6, 17), on(6, 17))
    assert solved.items[3].earliest_start == on(7)
    assert solved.items[4].latest_finish == on(7, 10)
    assert span(what_if(plan, now=OPENING, delays={2: 1}).items[2]) == (on(7, 10), on(7, 10))


def test_the_backlog_is_scheduled_where_something_in_scope_waits_for_it_or_it_has_begun():
    backlog = [issue(number, Priority.BACKLOG, (1, 1)) for number in (2, 3, 4)]
    plan = plan_of(issue(1, Priority.CRITICAL, (1, 1), depends_on=(2,)), *backlog)
    items = schedule(plan, now=OPENING, progress=Progress(started_at={3: OPENING})).items
    assert items.keys() == {1, 2, 3}


def test_a_dropped_issue_holds_nobody_up():
    plan = plan_of(
        issue(1, Priority.CRITICAL, (8, 8), status=Status.DROPPED), issue(2, Priority.CRITICAL, (1, 1), depends_on=(1,))
    )
    dropped = schedule(plan, now=OPENING)
    assert dropped.items.keys() == {2}
    assert dropped.finish_at == on(6, 10)


def test_a_milestone_keeps_its_hour_also_outside_working_time():
    saturday = Milestone(name="Deployment", after=(1,), day=3, at=time(22))
    calendar = Calendar(zone="Europe/Berlin", day_count=DayCount.CALENDAR)
    plan = replace(
        plan_of(issue(1, effort=(1, 1)), issue(2, Priority.POST, (1, 1))), milestones=(saturday,), calendar=calendar
    )
    assert planned_at(plan, saturday) == on(8, 22)
    ahead = with_projection(plan, now=OPENING)
    assert ahead.finish_at == ahead.p50_at == on(8, 22)
    assert ahead.items[2].earliest_start == on(10)


def test_the_launch_is_the_last_milestone_that_speaks_of_deployment():
    plan = plan_of(
        issue(1, effort=(1, 1)),
        issue(2, effort=(2, 2)),
        milestones=(
            Milestone(name="Deploy to staging", after=(1,)),
            Milestone(name="Production deployment", after=(2,)),
            Milestone(name="Post-deployment review", after=(1, 2), day=9),
        ),
    )
    assert schedule(plan, now=OPENING).chain == (2, "Production deployment")


def test_without_a_word_of_deployment_the_last_milestone_is_the_launch():
    plan = plan_of(
        issue(1, effort=(5, 5)),
        issue(2, effort=(1, 1)),
        milestones=(Milestone(name="Alpha", after=(1,)), Milestone(name="Beta", after=(2,))),
    )
    assert schedule(plan, now=OPENING).chain == (2, "Beta")


@pytest.mark.parametrize(
    ("first", "second"), [("Deploy to staging", "Production deployment"), ("Deployment", "Post-deployment monitoring")]
)
def test_the_launch_falls_on_the_last_phase_that_deploys(first, second):
    phases = (Phase(name=first, first_day=2, last_day=2), Phase(name=second, first_day=5, last_day=5))
    launch = milestones_of(plan_of(issue(1, Priority.CRITICAL), phases=phases))[-1]
    assert launch.day == (5 if second == "Production deployment" else 2)


def test_a_phase_deploys_by_what_is_done_in_it_where_no_name_says_so():
    phases = (
        Phase(name="Preparation", first_day=1, last_day=3, activities=("Prepare the release notes",)),
        Phase(name="The day", first_day=4, last_day=4, activities=("Go live", "Watch")),
    )
    assert milestones_of(plan_of(phases=phases)) == (Milestone(name="Deployment", day=4),)


def test_a_plan_without_a_launch_finishes_with_its_last_issue():
    plan = with_projection(
        plan_of(issue(1, effort=(2, 2)), issue(2, effort=(3, 3), depends_on=(1,)), issue(3, effort=(1, 1))), now=OPENING
    )
    assert not plan.milestones
    assert plan.finish_at == plan.p50_at == on(6, 14)
    assert plan.chain == (1, 2)
    assert plan.items[3].slack_hours == 4


def test_an_empty_plan_has_an_empty_schedule():
    plan = with_projection(plan_of(), now=OPENING)
    assert (plan.items, plan.chain, plan.finish_at, plan.p95_at) == ({}, (), None, None)


# Days and weeks


def test_the_start_on_a_weekend_makes_monday_the_first_day():
    plan = plan_of(about=About(title="A plan", start=date(2025, 11, 8)))
    assert planned_day(plan, 1) == (on(10), on(10, 17))


def test_calendar_days_are_counted_where_the_plan_says_so():
    plan = replace(SPRINT_07, calendar=Calendar(zone="Europe/Berlin", day_count=DayCount.CALENDAR))
    assert planned_day(plan, 4) == (on(9), on(9, 17))
    assert phase_span(plan, SPRINT_07.phases[3]) == (on(13), on(26, 17))


def test_a_plan_that_knows_only_its_target_deploys_on_it():
    plan = replace(SPRINT_07, plan=About(title="A plan", target=date(2025, 11, 13)))
    assert planned_day(plan, 1) == (on(7), on(7, 17))
    assert phase_span(plan, plan.phases[2]) == (on(13), on(13, 17))
    assert schedule(plan, now=OPENING).finish_at == on(13)


def test_a_target_without_a_timeline_is_the_day_of_the_launch():
    plan = plan_of(
        issue(1, Priority.CRITICAL, (1, 1)),
        about=About(title="A plan", start=date(2025, 11, 6), target=date(2025, 11, 13)),
    )
    assert schedule(plan, now=OPENING).finish_at == on(13)


def test_a_plan_without_dates_has_no_spans_and_begins_now():
    plan = replace(SPRINT_07, plan=About(title="A plan"))
    assert [phase_span(plan, phase) for phase in plan.phases] == [None] * 4
    with pytest.raises(ValueError, match="neither a start nor a target"):
        planned_day(plan, 1)
    assert schedule(plan, now=on(6, 12)).finish_at == on(7, 11.5)


def test_an_issue_names_its_phase_where_the_phase_does_not_list_it():
    plan = plan_of(issue(1, effort=(1, 1), phase="Later"), phases=(Phase(name="Later", first_day=3, last_day=3),))
    assert schedule(plan, now=OPENING).items[1].earliest_start == on(10)


# What if


def test_a_delay_within_the_slack_moves_no_launch_and_one_beyond_it_does():
    assert what_if(SPRINT_07, now=OPENING, delays={147: 11}).finish_at == on(12)
    late = what_if(SPRINT_07, now=OPENING, delays={147: 12})
    assert span(late.items[147]) == (on(11, 13), on(12, 10))
    assert late.finish_at == on(12, 10)
    assert late.items[147].slack_hours == 0


def test_delays_along_a_chain_add_up_and_done_work_cannot_be_delayed():
    plan = plan_of(*(issue(n, effort=(1, 1), depends_on=(n - 1,)) for n in (1, 2, 3)))
    delays: dict[IssueId, float] = {1: 1.0, 2: 1.0, 3: 1.0, "no such": 5.0}
    assert what_if(plan, now=OPENING, delays=delays).finish_at == on(6, 15)
    done = Progress(done_at={1: OPENING})
    assert what_if(plan, now=OPENING, progress=done, delays=delays).finish_at == on(6, 13)
    begun = Progress(done_at={1: OPENING}, started_at={2: OPENING})
    assert what_if(plan, now=OPENING, progress=begun, delays={2: 2.0}).finish_at == on(6, 13)


# Cycles and other faults: a room opens on any plan


def test_a_cycle_is_named_in_order_and_cut():
    plan = plan_of(
        issue(1, effort=(1, 1), depends_on=(4,)),
        issue(2, effort=(1, 1), depends_on=(3,)),
        issue(3, effort=(1, 1), depends_on=(4,)),
        issue(4, effort=(1, 1), depends_on=(2,)),
    )
    assert find_cycle(plan) == (4, 2, 3)
    with pytest.raises(CycleError, match="4 → 2 → 3 → 4") as caught:
        in_order(plan)
    assert caught.value.chain == (4, 2, 3)
    assert schedule(plan, now=OPENING).items.keys() == {1, 2, 3, 4}


def test_an_issue_that_waits_for_itself_is_a_cycle():
    plan = plan_of(issue("OPS-1", effort=(1, 1), depends_on=("OPS-1",)))
    assert find_cycle(plan) == ("OPS-1",)
    assert schedule(plan, now=OPENING).finish_at == on(6, 10)


def test_milestones_that_wait_for_one_another_are_a_cycle():
    plan = plan_of(
        milestones=(Milestone(name="A", after_milestones=("B",)), Milestone(name="B", after_milestones=("A",)))
    )
    assert find_cycle(plan) == ("A", "B")
    assert with_projection(plan, now=OPENING).finish_at == OPENING


def test_an_order_puts_everything_after_what_it_waits_for():
    assert in_order(plan_of(issue(1, depends_on=(2,)), issue(2), issue(3, depends_on=(1,)))) == (2, 1, 3)


@pytest.mark.parametrize(
    "effort", [(float("nan"), 1), (1, float("nan")), (-5, 1), (6, 4), (0, float("inf")), (1e300, 1e300)]
)
def test_no_effort_is_too_odd_for_a_schedule(effort):
    plan = plan_of(issue(1, Priority.CRITICAL, effort), issue(2, Priority.POST, (1, 1)))
    odd = with_projection(plan, now=OPENING)
    assert odd.finish_at is not None
    assert OPENING <= odd.finish_at <= odd.items[2].earliest_finish <= on(6) + 41 * 366 * 24 * HOUR


def test_no_day_is_too_odd_for_a_schedule():
    phases = (
        Phase(name="Deployment", first_day=10**12, last_day=-4, issues=(1, 99)),
        Phase(name="Zero", first_day=0, issues=(1,)),
        Phase(name="Weeks", weeks=(9, 2), issues=(2,)),
        Phase(name="Far weeks", weeks=(-1, 10**12)),
    )
    for start in (date.min, date(2025, 11, 6), date.max):
        plan = plan_of(
            issue(1, effort=(1, 1)),
            issue(2, effort=(1, 1), depends_on=(1, "nobody")),
            about=About(title="A plan", start=start, target=date.min),
            phases=phases,
        )
        assert with_projection(plan, now=OPENING).items.keys() == {1, 2}
