"""A team's own plan, started from the bundled one: valid, at its own addresses, without secrets, claims and dates."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from loom_tui.cli import loom
from loom_tui.config.files import write_whole
from loom_tui.config.plans import bundled_plan, load_plan
from loom_tui.plan.acts import RequestAct
from loom_tui.plan.check import check_plan
from loom_tui.plan.narrow import narrowed
from loom_tui.plan.sources.github import GithubSource
from loom_tui.plan.sources.http import HttpSource
from loom_tui.plan.start import Answers, credentials_of, started
from loom_tui.plan.toml import dump_plan, parse_plan

FULL = Answers(
    title="Release 42",
    release="v42",
    last_stable="v41",
    zone="Europe/Berlin",
    app_url="https://app.acme.test",
    staging_url="https://staging.acme.test",
    repo="acme/web",
    sentry_org="acme",
    sentry_project="web",
    supabase_url="https://acme.supabase.test",
)
BARE = Answers(title="Friday", database=False)


def init(directory: Path, *arguments: str) -> Result:
    return CliRunner().invoke(loom, ["init", "-o", str(directory / "loom.toml"), *arguments])


@pytest.mark.parametrize("answers", [FULL, BARE])
def test_a_started_plan_has_no_faults_and_survives_its_file(answers):
    plan = started(bundled_plan(), answers)
    assert [str(fault) for fault in check_plan(plan) if fault.level == "fault"] == []
    assert parse_plan(dump_plan(plan)) == plan


def test_it_speaks_of_the_team_s_own_addresses():
    plan = started(bundled_plan(), FULL)
    assert (plan.plan.id, plan.plan.title, plan.plan.release) == ("release-42", "Release 42", "v42")
    app, github = plan.sources["app"], plan.sources["github"]
    assert isinstance(app, HttpSource)
    assert isinstance(github, GithubSource)
    assert (app.url, github.repo) == ("https://app.acme.test/api/health", "acme/web")
    assert plan.sites["staging"].url == "https://staging.acme.test"
    assert "loom.example" not in dump_plan(plan).replace("@loom.example", "").replace("imap.loom.example", "")


def test_nothing_of_the_bundled_team_s_claims_and_dates_is_taken_over():
    plan = started(bundled_plan(), FULL)
    assert (plan.plan.start, plan.plan.target, plan.plan.claimed, plan.plan.status) == (None, None, False, "")
    assert not any(issue.claimed for issue in plan.issues)
    assert all(issue.url == f"https://github.com/acme/web/issues/{issue.id}" for issue in plan.issues)


def test_what_a_team_does_not_have_is_left_out_with_all_that_named_it():
    plan = started(bundled_plan(), BARE)
    assert set(plan.sources) & {"app", "host", "sentry", "supabase", "db", "migrations", "github"} == set()
    assert not any(workflow.steps for workflow in plan.workflows)
    sentry = next(criterion for criterion in plan.criteria.go if "Sentry" in criterion.text)
    assert sentry.checks == ()
    assert credentials_of(plan) == []


def test_a_criterion_that_loses_part_of_its_proof_is_left_to_a_person_and_not_to_the_rest():
    bundled = bundled_plan()
    without = narrowed(parse_plan(dump_plan(started(bundled, FULL))))
    blockers = next(criterion for criterion in without.criteria.go if criterion.text.startswith("No critical bugs"))
    assert len(blockers.rules) == 2
    no_github = started(bundled, Answers(title="t", sentry_org="o", sentry_project="p"))
    left = next(criterion for criterion in no_github.criteria.go if criterion.text.startswith("No critical bugs"))
    assert left.rules == ()


def test_init_writes_a_plan_and_names_where_credentials_are_looked_for(tmp_path):
    done = init(tmp_path, "--yes", "--set", "title=Release 42", "--set", "repo=acme/web")
    assert done.exit_code == 0, done.output
    assert load_plan(tmp_path / "loom.toml").plan.title == "Release 42"
    assert "DATABASE_URL" in done.output
    assert "GITHUB_TOKEN" in done.output


def test_init_writes_over_nothing_unless_it_is_told_to(tmp_path):
    (tmp_path / "loom.toml").write_text("mine", encoding="utf-8")
    done = init(tmp_path, "--yes")
    assert done.exit_code == 2
    assert "--force" in done.output
    assert (tmp_path / "loom.toml").read_text(encoding="utf-8") == "mine"
    assert init(tmp_path, "--yes", "--force").exit_code == 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("colour=red", "the keys are title"),
        ("title", "takes KEY=VALUE"),
        ("database=perhaps", "yes or no"),
        ("chat=perhaps", "yes or no"),
        ("repo=acme", "expected OWNER/NAME"),
        ("app_url=app.acme.test", "begins with https://"),
        ("zone=Mars/Olympus", "Mars/Olympus"),
    ],
)
def test_a_wrong_answer_is_refused_and_nothing_is_written(tmp_path, given, words):
    done = init(tmp_path, "--yes", "--set", given)
    assert done.exit_code == 2
    assert words in done.output
    assert not (tmp_path / "loom.toml").exists()


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "loom.toml"
    write_whole(path, "old")
    path.chmod(0o640)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "new" * 1000)
    assert path.read_text(encoding="utf-8") == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["loom.toml"]
    monkeypatch.undo()
    write_whole(path, "new")
    assert (path.read_text(encoding="utf-8"), path.stat().st_mode & 0o777) == ("new", 0o640)


VERCEL = {"vercel_project": "prj_1", "vercel_release": "dpl_42", "vercel_stable": "dpl_41"}


def test_the_actions_speak_of_the_team_s_own_deployments_and_name_their_credentials():
    plan = started(bundled_plan(), replace(FULL, chat=True, **VERCEL))
    assert [str(fault) for fault in check_plan(plan) if fault.level == "fault"] == []
    assert parse_plan(dump_plan(plan)) == plan
    back, deploy = plan.actions["rollback"].steps[0], plan.actions["deploy"].steps[0]
    assert isinstance(back, RequestAct)
    assert isinstance(deploy, RequestAct)
    assert (back.url, deploy.url) == (
        "https://api.vercel.com/v1/projects/prj_1/rollback/dpl_41",
        "https://api.vercel.com/v10/projects/prj_1/promote/dpl_42",
    )
    assert {"VERCEL_TOKEN", "SUPABASE_ACCESS_TOKEN", "SLACK_WEBHOOK_URL"} <= set(credentials_of(plan))


def test_what_a_team_has_no_tool_for_is_done_by_a_person_and_an_action_still_has_its_order():
    plan = started(bundled_plan(), replace(FULL, supabase_url="", vercel_project="prj_1", vercel_stable="dpl_41"))
    kinds = {name: [type(step).__name__ for step in action.steps] for name, action in plan.actions.items()}
    assert kinds == {
        "migrate": ["ManualAct"],
        "deploy": ["ManualAct", "ManualAct"],
        "rollback": ["RequestAct", "ManualAct"],
    }
    assert (plan.channels, plan.approvals.channels) == ({}, ())
    assert set(started(bundled_plan(), BARE).actions) == {"deploy", "rollback"}


def test_an_action_that_loses_the_rule_of_what_runs_can_only_end_unverified():
    without_app = started(bundled_plan(), replace(FULL, app_url=""))
    assert [without_app.actions[name].verify for name in ("deploy", "rollback")] == [(), ()]
    without_sentry = started(bundled_plan(), replace(FULL, sentry_org=""))
    assert [rule.signal for rule in without_sentry.actions["rollback"].verify] == ["app.version", "app"]
    assert {rule.signal for rule in started(bundled_plan(), FULL).actions["migrate"].verify} == {
        "production_migrations",
        "db.dashboard.p95_ms",
        "db.coach_clients.p95_ms",
        "db.user_statistics.p95_ms",
    }
