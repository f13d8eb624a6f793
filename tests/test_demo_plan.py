"""The bundled plan is the document's, and the demo's plan puts its Day 5 on today."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from loom_tui.config.plans import bundled_plan
from loom_tui.config.zone import local_zone
from loom_tui.demo.addresses import Addresses
from loom_tui.demo.plan import demo_plan
from loom_tui.plan.acts import OnFailure
from loom_tui.plan.check import check_plan
from loom_tui.plan.criteria import proof_is_named
from loom_tui.plan.model import Plan, Priority, RiskKind
from loom_tui.plan.sources.postgres import PostgresSource
from loom_tui.plan.timeline import milestones_of, planned_at, planned_day
from loom_tui.plan.toml import dump_plan, parse_plan

ADDRESSES = Addresses(
    rooms=Path("/w/rooms"),
    dsn_file=Path("/w/dsn"),
    token_file=Path("/w/token"),
    sentry_url="http://127.0.0.1:1",
    app_url="http://127.0.0.1:2",
    platform_url="http://127.0.0.1:3",
    platform_token_file=Path("/w/platform-token"),
    chat_url="http://127.0.0.1:4",
    webhook_file=Path("/w/webhook"),
    staging_url="http://127.0.0.1:5",
    mailbox_url="http://127.0.0.1:6",
    password_file=Path("/w/password"),
    totp_file=Path("/w/totp"),
)
ZONE = ZoneInfo("Europe/Berlin")


def plan_at(now: datetime) -> Plan:
    return demo_plan(ADDRESSES, now=now.replace(tzinfo=ZONE), zone="Europe/Berlin")


def test_the_bundled_plan_has_everything_that_the_document_has() -> None:
    plan = bundled_plan()
    assert plan.plan.id == "sprint-07"
    assert [issue.id for issue in plan.issues] == [145, 146, 147, 144, 148, 149, 150, 151, 152, 153, 154, 155]
    assert all(issue.url.endswith(f"/issues/{issue.id}") for issue in plan.issues)
    assert [issue.id for issue in plan.issues if issue.priority is Priority.CRITICAL] == [145, 146, 147, 144]
    smoke = next(issue for issue in plan.issues if issue.id == 147)
    assert set(smoke.depends_on) == {144, 145, 146}
    assert [task.text for task in smoke.tasks] == [workflow.name for workflow in plan.workflows]
    assert len(plan.workflows) == 8
    assert [(t.baseline_ms, t.factor) for t in plan.targets] == [(100, 10), (300, 20), (250, 25)]
    assert len(plan.phases) == 4
    criteria = plan.criteria
    sizes = [len(part) for part in (criteria.go, criteria.no_go, criteria.deployment, criteria.post_deployment)]
    assert sizes == [6, 5, 5, 4]
    assert [sum(risk.kind is kind for risk in plan.risks) for kind in list(RiskKind)] == [4, 3, 3, 0]
    assert len(plan.stakeholders) == 5
    assert len(plan.rollback) == 5
    assert len(plan.references) == 5
    assert plan.cadences[0].when == "10:00"


def test_the_bundled_plan_has_no_faults() -> None:
    assert [fault for fault in check_plan(bundled_plan()) if fault.level == "fault"] == []


@pytest.mark.parametrize("day", [date(2025, 12, 22) + timedelta(days=n) for n in range(14)])
def test_day_five_is_today_whatever_weekday_that_is(day: date) -> None:
    plan = plan_at(datetime.combine(day, time(14, 30)))
    opens, closes = planned_day(plan, 5)
    assert datetime.fromtimestamp(opens, ZONE).date() == day
    now = datetime.combine(day, time(14, 30), ZONE).timestamp()
    assert opens <= now <= closes
    assert plan.plan.target is not None
    assert plan.plan.target > day


@pytest.mark.parametrize("hour", range(24))
def test_working_hours_hold_the_time_at_which_the_demo_is_opened(hour: int) -> None:
    plan = plan_at(datetime(2025, 11, 12, hour, 45))
    opens, closes = planned_day(plan, 5)
    assert opens <= datetime(2025, 11, 12, hour, 45, tzinfo=ZONE).timestamp() <= closes


@pytest.mark.parametrize(("hour", "minute"), [(0, 0), (9, 20), (14, 46), (22, 30), (23, 58)])
def test_the_decision_and_the_deployment_are_still_to_come_today(hour: int, minute: int) -> None:
    now = datetime(2025, 11, 12, hour, minute, tzinfo=ZONE)
    decision, deployment = milestones_of(plan := plan_at(now))
    assert set(decision.after) == {144, 145, 146, 147}
    moments = [planned_at(plan, decision), planned_at(plan, deployment)]
    assert all(moment is not None and moment > now.timestamp() for moment in moments)
    assert moments == sorted(moments, key=lambda moment: moment or 0)


def test_the_demos_plan_is_a_plan_without_faults_and_survives_its_file() -> None:
    plan = plan_at(datetime(2025, 11, 15, 23, 59))
    assert [fault for fault in check_plan(plan) if fault.level == "fault"] == []
    assert parse_plan(dump_plan(plan)) == plan


def test_each_query_of_the_demo_names_a_target_and_holds_no_secret() -> None:
    plan = plan_at(datetime(2025, 11, 12, 10, 0))
    source = plan.sources["db"]
    assert isinstance(source, PostgresSource)
    assert {query.target for query in source.queries} == {target.name for target in plan.targets}
    assert source.dsn == ""
    assert source.dsn_from is not None
    assert source.dsn_from.file == "/w/dsn"


def test_the_zone_is_the_machines_or_utc(tmp_path: Path) -> None:
    nowhere = tmp_path / "localtime"
    assert local_zone({"TZ": "Asia/Tokyo"}, nowhere) == "Asia/Tokyo"
    assert local_zone({"TZ": "nonsense"}, nowhere) == "UTC"
    zone = tmp_path / "zoneinfo" / "Europe" / "Oslo"
    zone.parent.mkdir(parents=True)
    zone.touch()
    nowhere.symlink_to(zone)
    assert local_zone({}, nowhere) == "Europe/Oslo"


def test_the_demo_s_criteria_are_proved_by_its_own_world() -> None:
    plan = plan_at(datetime(2025, 12, 22, 14, 30))
    assert [fault for fault in check_plan(plan) if fault.level == "fault"] == []
    assert all(proof_is_named(criterion) for criterion in plan.criteria.go)
    open_still = [criterion.text for criterion in plan.criteria.no_go if not proof_is_named(criterion)]
    assert open_still == ["Security concerns identified"]  # a person must look
    clocks = [criterion.clock_hours for criterion in plan.criteria.post_deployment]
    assert clocks == [24, None, None, None]
    assert sum(stakeholder.votes for stakeholder in plan.stakeholders) == 4


def test_the_demo_s_actions_are_verified_by_the_world_and_a_rollback_wants_two_people() -> None:
    plan = plan_at(datetime(2025, 11, 12, 10, 0))
    assert {name: action.kind.value for name, action in plan.actions.items()} == {
        "migrate": "migrate",
        "deploy": "deploy",
        "rollback": "rollback",
    }
    assert {name: action.people for name, action in plan.actions.items()} == {"migrate": 1, "deploy": 1, "rollback": 2}
    assert all(action.verify for action in plan.actions.values())
    assert plan.actions["rollback"].steps[1].on_failure is OnFailure.GO_ON
