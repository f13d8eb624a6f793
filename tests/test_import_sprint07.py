"""The shared Sprint 07 plan, fact by fact: every figure here was read off the document, not off the importer."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import ftfy
import msgspec
import pytest

from loom_tui.plan.check import check_plan
from loom_tui.plan.importer import Imported, import_plan
from loom_tui.plan.model import Issue, Plan, Priority, Range, RiskKind, Status
from loom_tui.plan.toml import dump_plan, parse_plan

DOCUMENT = Path(__file__).parent / "plans" / "SPRINT_07_DEPLOYMENT_PLAN.md"

# Words of headings and labels that became the plan's structure, and units that became figures.
STRUCTURE = set(
    """am appendix assessment breakdown checklist date decision dependencies documents executive expected faster links
    none note november objectives reference success 100ms 10ms 15ms 250ms 300ms 10x 20x""".split()  # noqa: SIM905
)


@pytest.fixture(scope="module")
def imported() -> Imported:
    return import_plan(DOCUMENT.read_bytes(), name="SPRINT_07_DEPLOYMENT_PLAN")


@pytest.fixture(scope="module")
def plan(imported: Imported) -> Plan:
    return imported.plan


@pytest.fixture(scope="module")
def by_id(plan: Plan) -> dict[int | str, Issue]:
    return {issue.id: issue for issue in plan.issues}


def test_the_copy_under_test_still_carries_its_mojibake():
    assert "ðŸš€ Ready for Deployment".encode() in DOCUMENT.read_bytes()


def test_the_plans_particulars(plan):
    about = plan.plan
    assert about.title == "Sprint 07: Production Deployment Plan"
    assert about.id == "sprint-07-production-deployment-plan"
    assert about.sprint == "Sprint 07"
    assert about.goal == "Deploy Loom to production with full monitoring and validation"
    assert about.status == "🚀 Ready for Deployment"
    assert about.claimed
    assert (about.start, about.target) == (date(2025, 11, 6), date(2025, 11, 13))
    assert (about.created, about.updated) == (date(2025, 11, 6), date(2025, 11, 6))
    assert about.version == "1.0"
    assert about.summary.startswith("Sprint 06 delivered 91% of planned work (50/55 story points).")
    assert "production-ready" in about.summary
    assert about.summary.endswith("immediate post-launch monitoring.")


def test_the_second_status_at_the_documents_end_is_kept(plan):
    assert (354, "**Status:** ✅ Ready for Sprint 07 Execution") in [(note.line, note.text) for note in plan.notes]


def test_twelve_issues_with_their_titles_and_links(plan):
    assert {issue.id: issue.title for issue in plan.issues} == {
        144: "Verify Supabase Configuration",
        145: "Configure Sentry DSN",
        146: "Run Database Migrations",
        147: "Smoke Testing",
        148: "ESLint Cleanup",
        149: "E2E Testing",
        150: "Sentry Monitoring",
        151: "Database Performance Validation",
        152: "User Acceptance Testing",
        153: "Social Authentication",
        154: "Advanced MFA",
        155: "Bundle Optimization",
    }
    for issue in plan.issues:
        assert issue.url == f"https://github.com/Tomerg91/Loom/issues/{issue.id}"


def test_the_longer_names_of_the_critical_path_list_are_kept(by_id):
    assert by_id[145].goal == "Configure Sentry DSN for production error tracking"
    assert by_id[148].goal == "Fix ESLint warnings (any types and unused variables)"
    assert by_id[150].notes == ("Monitor Sentry for production errors",)  # it has a goal of its own
    assert by_id[150].goal == "Validate error tracking, alert configuration"


@pytest.mark.parametrize(
    ("number", "owners"),
    [
        (144, ("DevOps", "Backend")),
        (145, ("DevOps", "Backend")),
        (146, ("DBA", "Backend")),
        (147, ("QA", "Developer")),
        (148, ("Frontend Developer",)),
        (149, ("QA",)),
        (150, ("DevOps", "Monitoring")),
        (151, ("DBA", "Backend")),
        (152, ("Product", "QA")),
        (153, ()),
    ],
)
def test_owners(by_id, number, owners):
    assert by_id[number].owners == owners


@pytest.mark.parametrize(
    ("number", "low", "high"),
    [
        (144, 2, 3),
        (145, 2, 3),
        (146, 1, 2),
        (147, 4, 6),
        (148, 3, 4),
        (149, 4, 6),
        (151, 2, 3),
        (152, 5, 10),
        (153, 15, 20),
        (154, 20, 25),
        (155, 10, 15),
    ],
)
def test_effort_ranges(by_id, number, low, high):
    assert by_id[number].effort_hours == Range(low=low, high=high)


def test_what_an_effort_says_beyond_its_hours_is_kept(by_id):
    assert by_id[149].effort_text == "4-6 hours (initially blocked)"
    assert by_id[152].effort_text == "5-10 hours (distributed)"
    assert by_id[150].effort_text == "Ongoing"
    assert by_id[150].effort_hours is None
    assert by_id[145].effort_text == ""


def test_dependencies_in_the_documents_order_and_blockers_that_are_no_issues(by_id):
    assert by_id[147].depends_on == (145, 146, 144)
    assert by_id[146].blockers == ("Staging environment ready",)
    assert by_id[149].blockers == ("Staging environment", "Network restrictions (development)")
    assert [number for number, issue in by_id.items() if issue.depends_on] == [147]


def test_priorities(by_id):
    for priority, numbers in (
        (Priority.CRITICAL, (144, 145, 146, 147)),
        (Priority.HIGH, (148, 149)),
        (Priority.POST, (150, 151, 152)),
        (Priority.BACKLOG, (153, 154, 155)),
    ):
        assert {by_id[number].priority for number in numbers} == {priority}
    assert by_id[153].notes == ("Priority: Medium",)
    assert by_id[155].notes == ("Priority: Low",)


def test_each_issue_stands_in_the_phase_of_its_heading(by_id):
    assert {by_id[number].phase for number in (144, 145, 146, 147)} == {"Pre-Deployment"}
    assert {by_id[number].phase for number in (148, 149)} == {"Quality Assurance"}
    assert {by_id[number].phase for number in (150, 151, 152)} == {"Post-Deployment Monitoring"}
    assert {by_id[number].phase for number in (153, 154, 155)} == {"Future Enhancements"}


def test_a_status_is_its_authors_claim(by_id):
    for number in range(144, 150):
        assert by_id[number].status is Status.READY
        assert by_id[number].claimed
    assert by_id[149].status_text == "Ready (when environment unblocked)"
    assert by_id[150].status is Status.OPEN
    assert not by_id[150].claimed


def test_the_checklists_and_the_critical_workflows_are_tasks_that_nobody_ticked(by_id):
    assert [task.text for task in by_id[145].tasks] == [
        "Create Sentry project",
        "Configure DSN and auth token",
        "Set environment variables",
        "Test in staging",
        "Document setup",
    ]
    assert [task.text for task in by_id[144].tasks] == [
        "Production database connection",
        "Auth endpoints responding",
        "Real-time subscriptions",
        "RLS policies enforced",
        "No hardcoded credentials",
    ]
    assert not any(task.done or task.claimed for issue in by_id.values() for task in issue.tasks)
    assert len(by_id[147].tasks) == 8  # its critical workflows
    assert {number for number, issue in by_id.items() if issue.tasks} == {144, 145, 147}


def test_scope_features_participants_milestones_timelines_and_notes(by_id):
    assert by_id[148].scope == ("~15 `any` types", "~15 unused variables", "Improve type safety")
    assert by_id[148].notes == ("Non-blocking for deployment, but recommended",)
    assert by_id[149].notes == ("14 test cases written, ready to execute",)
    assert by_id[152].participants == "5-10 beta users"
    assert {by_id[number].timeline for number in (150, 151, 152)} == {"Weeks 2-4 of Sprint 07"}
    assert {by_id[number].milestone for number in (153, 154, 155)} == {"Backlog"}
    assert by_id[153].features == ("Google & GitHub OAuth",)
    assert by_id[154].features == ("SMS OTP", "WebAuthn", "Biometric")
    assert by_id[155].goal == "30% size reduction"


def test_three_targets_with_baseline_goal_and_factor(plan):
    assert [(t.name, t.baseline_ms, t.target_ms, t.factor) for t in plan.targets] == [
        ("Dashboard queries", 100, Range(low=5, high=10), 10),
        ("Coach clients list", 300, Range(low=15, high=15), 20),
        ("User statistics", 250, Range(low=10, high=10), 25),
    ]


def test_eight_workflows(plan):
    assert [workflow.name for workflow in plan.workflows] == [
        "User registration & email verification",
        "Sign-in with MFA",
        "Coach onboarding",
        "Client booking",
        "Resource library access",
        "Practice journal",
        "Admin dashboard",
        "RBAC validation",
    ]


def test_four_phases_with_their_days_issues_and_activities(plan):
    assert [(p.name, p.first_day, p.last_day, p.weeks, p.issues) for p in plan.phases] == [
        ("Pre-Deployment Configuration", 1, 2, None, (145, 144, 146)),
        ("Quality Assurance", 3, 4, None, (147, 148)),
        ("Deployment", 5, 5, None, ()),
        ("Post-Deployment", None, None, (2, 3), (150, 151, 152, 149)),
    ]
    assert plan.phases[1].activities == ("Smoke testing (#147)", "ESLint cleanup (#148)", "Fix any critical issues")
    assert plan.phases[2].activities == ("Production deployment", "Monitor systems", "Alert setup")


def test_six_go_and_five_no_go_criteria(plan):
    go = plan.criteria.go
    assert [criterion.text for criterion in go] == [
        "All critical path issues complete (#145, #146, #147, #144)",
        "Smoke testing passed",
        "No critical bugs in staging",
        "Sentry configured and tested",
        "Database migrations validated",
        "Team agreement on readiness",
    ]
    assert go[0].issues == (145, 146, 147, 144)
    assert not any(criterion.claimed for criterion in go)
    assert [criterion.text for criterion in plan.criteria.no_go] == [
        "Critical bug found in staging",
        "Environment variables not configured",
        "Database performance degraded",
        "Security concerns identified",
        "Infrastructure not ready",
    ]


def test_the_check_marks_of_the_success_criteria_are_claims(plan):
    assert [(criterion.text, criterion.claimed) for criterion in plan.criteria.deployment] == [
        ("All critical path issues completed", True),
        ("Smoke testing passed", True),
        ("No critical bugs in staging", True),
        ("Environment variables configured", True),
        ("Monitoring systems active", True),
    ]
    assert [(criterion.text, criterion.claimed) for criterion in plan.criteria.post_deployment] == [
        ("Zero critical errors in Sentry (first 24 hours)", True),
        ("Performance metrics met (10-25x improvements)", True),
        ("User feedback positive", True),
        ("All monitored metrics within acceptable ranges", True),
    ]


def test_risks_of_three_kinds(plan):
    kinds = {kind: [risk.text for risk in plan.risks if risk.kind is kind] for kind in RiskKind}
    assert kinds[RiskKind.LOW] == [
        "TypeScript compilation passing",
        "Security audit 9.5/10",
        "Auth flows verified",
        "RLS policies comprehensive",
    ]
    assert kinds[RiskKind.MITIGATED] == [
        "Network restrictions: E2E tests can run in CI/CD when available",
        "Google Fonts: System font workaround in place, removable later",
        "Supabase CLI: Migrations can run via dashboard",
    ]
    assert kinds[RiskKind.LIMITATION] == [
        "55 remaining console calls (all intentional)",
        "~15 any types (will fix in maintenance)",
        "~15 unused variables (will fix in maintenance)",
    ]
    assert kinds[RiskKind.OPEN] == []
    assert {risk.kind for risk in plan.risks if risk.claimed} == {RiskKind.LOW}  # the heading says ✅


def test_stakeholders_standup_and_reports(plan):
    assert [(one.name, one.role) for one in plan.stakeholders] == [
        ("Product Manager", ""),
        ("Engineering Team", ""),
        ("DevOps/Infrastructure", ""),
        ("QA/Testing", ""),
        ("Beta Users", ""),
    ]
    assert [(one.what, one.when, one.topics) for one in plan.cadences] == [
        ("Daily Standup", "10:00", ("Deployment progress review", "Blockers and decisions", "Risk updates")),
        ("Status Reports", "daily", ("Progress on critical path",)),
        ("Status Reports", "weekly", ("Sprint completion review",)),
    ]


def test_five_rollback_steps_and_when_to_take_them(plan):
    assert plan.plan.rollback_when == "If critical issues arise post-deployment"
    assert [step.name for step in plan.rollback if step.root_cause] == ["Root Cause"]
    assert [(step.name, step.text) for step in plan.rollback] == [
        ("Immediate", "Revert to last stable version"),
        ("Communication", "Notify all stakeholders"),
        ("Root Cause", "Identify issue in staging"),
        ("Fix", "Develop and test fix"),
        ("Re-deployment", "Redeploy when stable"),
    ]


def test_five_references(plan):
    assert [(one.name, one.text) for one in plan.references] == [
        ("STATE.md", "Current project state and completion status"),
        ("GIT_FLOW_GUIDE.md", "Git workflow and branching strategy"),
        ("REPOSITORY_SETUP_SUMMARY.md", "Repository organization"),
        ("Security Audit Report", "docs/reports/SPRINT_06_SECURITY_AUDIT.md"),
        ("Auth Verification Report", "docs/reports/SPRINT_06_AUTH_VERIFICATION_REPORT.md"),
    ]


def test_only_qualifiers_of_headings_and_the_second_status_stay_notes(imported):
    assert [(note.line, note.text) for note in imported.notes] == [
        (20, "### Critical Path (Must Complete Before Deployment)"),
        (27, "### High Priority (Recommended Before Launch)"),
        (32, "### Post-Deployment (Week 2-3)"),
        (249, "### Known Limitations (Non-blocking)"),
        (294, "### Go Criteria (All Must Be Met)"),
        (303, "### No-Go Criteria (Any Met = Delay)"),
        (354, "**Status:** ✅ Ready for Sprint 07 Execution"),
    ]


def test_every_line_that_says_something_is_a_block(imported):
    lines = DOCUMENT.read_text(encoding="utf-8").split("\n")
    saying = [number for number, line in enumerate(lines, 1) if line.strip("- ")]
    assert imported.blocks == len(saying)  # in this document each such line is a leaf block
    assert imported.understood == len(saying) - 7
    assert imported.summary() == (
        f"{len(saying) - 7} of {len(saying)} blocks understood; 7 kept as notes: lines 20, 27, 32, 249, 294, 303, 354"
    )


def test_no_word_and_no_figure_of_the_document_is_lost(plan):
    document = ftfy.fix_text(DOCUMENT.read_text(encoding="utf-8")).casefold()
    kept = msgspec.json.encode(plan).decode().casefold()
    words = set(re.findall(r"[^\W_]+", document)) - set(re.findall(r"[^\W_]+", kept)) - STRUCTURE
    figures = {float(figure) for figure in re.findall(r"\d+(?:\.\d+)?", kept)}
    # "8." numbers the eighth workflow, which its place tells
    assert {word for word in words if not (word.isdigit() and float(word) in figures)} <= {"8"}


def test_the_plan_has_no_faults_and_survives_its_file(plan):
    assert [str(fault) for fault in check_plan(plan) if fault.level == "fault"] == []
    assert parse_plan(dump_plan(plan)) == plan


def test_the_documents_contradictions_reach_the_check(plan):
    warnings = "\n".join(str(fault) for fault in check_plan(plan))
    assert "#149" in warnings
    assert "Weeks 2-4 of Sprint 07" in warnings
    assert "working days" in warnings
