"""What scripts are told is what the room shows: unknown is null, ages round up."""

from __future__ import annotations

import json

import msgspec
import pytest

from loom_tui.config.plans import bundled_plan
from loom_tui.plan.model import Plan, Status
from loom_tui.plan.narrow import narrowed
from loom_tui.plan.sources.http import HttpSource
from loom_tui.plan.sources.postgres import PostgresSource, Query
from loom_tui.plan.sources.sentry import SentrySource
from loom_tui.plan.workflows import names_only
from loom_tui.room.errors import ErrorIssue, Listing
from loom_tui.room.events import Event, IssueStatusSet
from loom_tui.room.fold import fold
from loom_tui.room.signals import PollerReport, Reading, State, Stored
from loom_tui.room.snapshot import CollectorView, Observations
from loom_tui.room.summary import as_json

NOW = 1_762_862_400.0  # 2025-11-11 12:00 UTC


@pytest.fixture(scope="module")
def plan() -> Plan:
    bundled = bundled_plan()
    sources = {
        "sentry": SentrySource(org="loom", project="web", interval_s=10),
        "db": PostgresSource(
            dsn="host=nowhere",
            interval_s=10,
            queries=(Query(name="dashboard", sql="SELECT 1", target="Dashboard queries"),),
        ),
        "app": HttpSource(url="https://app.test/health", interval_s=10),
    }
    workflows = names_only(bundled.workflows)
    return narrowed(msgspec.structs.replace(bundled, sources=sources, workflows=workflows, uat=None))


def stored(signal: str, *, age_s: float = 1.2, value: float | None = None, body: bytes = b"") -> tuple[str, Stored]:
    at = NOW - age_s
    return signal, Stored(
        reading=Reading(signal=signal, observed_at=at, state=State.OK, value=value, body=body), recorded_at=at
    )


def told(plan: Plan, *latest: tuple[str, Stored]) -> dict[str, object]:
    done = Event(seq=1, at=NOW - 60, actor="ana", payload=IssueStatusSet(issue=144, status=Status.DONE), hash="")
    collector = CollectorView(alive=True, holder="ana", why="")
    summary = as_json(fold(plan, [done], Observations(latest=dict(latest), collector=collector), NOW))
    return json.loads(msgspec.json.encode(summary))  # type: ignore[no-any-return]


def test_the_top_level_is_what_scripts_rely_on(plan: Plan) -> None:
    assert list(told(plan)) == [
        "gate",
        "issues",
        "schedule",
        "risks",
        "errors",
        "signals",
        "feeds",
        "on_demand",
        "actions",
        "stop",
        "freeze",
        "automation_off",
        "aftermath",
    ]


def test_a_room_without_readings_tells_nulls_and_unknowns_never_zeros(plan: Plan) -> None:
    summary = told(plan)
    assert summary["errors"] == {"issues": [], "new": None, "regressed": None, "critical": None, "per_minute": None}
    signals = summary["signals"]
    assert isinstance(signals, dict)
    assert {(s["state"], s["value"], s["age_s"], s["freshness"]) for s in signals.values()} == {
        ("unknown", None, None, "never")
    }
    assert signals["db.dashboard.ms"]["p95"] is None
    assert isinstance(summary["feeds"], list)
    assert [feed["live"] for feed in summary["feeds"]] == [False, False, False]


def test_what_is_asked_on_demand_only_is_no_feed_and_failed_where_its_last_try_was_one(plan: Plan) -> None:
    sources = {**plan.sources, "app": msgspec.structs.replace(plan.sources["app"], interval_s=0)}
    quiet = msgspec.structs.replace(plan, sources=sources)
    report = PollerReport(failures=1, why="refused")
    for latest, failed in ((), False), ((stored("feed.app", body=msgspec.json.encode(report)),), True):
        summary = told(quiet, *latest)
        assert isinstance(summary["feeds"], list)
        assert isinstance(summary["on_demand"], list)
        assert [feed["source"] for feed in summary["feeds"]] == ["sentry", "db"]
        assert [(feed["source"], feed["failed"]) for feed in summary["on_demand"]] == [("app", failed)]


def test_the_gate_holds_and_lists_each_criterion(plan: Plan) -> None:
    gate = told(plan)["gate"]
    assert isinstance(gate, dict)
    assert gate["state"] == "HOLD"
    assert "rules or sign-offs for 8 criteria" in gate["why"]
    assert [len(gate[part]) for part in ("go", "no_go", "deployment", "post_deployment")] == [6, 5, 5, 4]
    assert [criterion["verdict"] for criterion in gate["go"]] == ["not_met", *["unknown"] * 3, "not_met", "not_met"]


def test_issues_stand_as_the_journal_left_them(plan: Plan) -> None:
    issues = told(plan)["issues"]
    assert isinstance(issues, list)
    by_id = {issue["id"]: issue for issue in issues}
    assert len(by_id) == 12
    assert by_id[144]["status"] == "done"
    assert by_id[147]["waits_for"] == [145, 146]
    assert (by_id[147]["tasks_done"], by_id[147]["tasks"]) == (0, 8)


def test_errors_and_feeds_are_told_with_ages_that_round_up(plan: Plan) -> None:
    issue = ErrorIssue(id="7", short_id="LOOM-7", title="[/boom] <b>", count=41, users=12, last_seen=NOW - 5)
    summary = told(
        plan,
        stored("sentry.issues", body=msgspec.json.encode(Listing(issues=(issue,)))),
        stored("sentry.new", value=2.0),
        stored("sentry.errors_per_minute", value=1.5),
        stored("sentry.critical", value=0.0, age_s=3600),
        stored("feed.sentry", body=msgspec.json.encode(PollerReport(last_success_at=NOW - 1.2))),
    )
    errors, signals, feeds = summary["errors"], summary["signals"], summary["feeds"]
    assert isinstance(errors, dict)
    assert isinstance(signals, dict)
    assert isinstance(feeds, list)
    assert (errors["new"], errors["per_minute"]) == (2.0, 1.5)
    assert errors["critical"] is None  # stale
    assert errors["issues"][0]["title"] == "[/boom] <b>"
    assert errors["issues"][0]["last_seen"] == "2025-11-11T11:59:55Z"
    assert signals["sentry.new"]["age_s"] == 2
    assert feeds[0] == {
        "source": "sentry",
        "label": "sentry",
        "live": True,
        "why": "",
        "last_success_age_s": 2,
        "failures": 0,
    }


def test_the_schedule_tells_its_chain_and_when_it_ends(plan: Plan) -> None:
    schedule = told(plan)["schedule"]
    assert isinstance(schedule, dict)
    assert 147 in schedule["chain"]
    assert schedule["finish"] <= schedule["p95"]
    assert schedule["p50"] <= schedule["p80"] <= schedule["p95"]
