"""Plans that other teams wrote, in other styles; the facts were read off the documents by eye."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import msgspec
import pytest

from loom_tui.plan.importer import Imported, import_plan
from loom_tui.plan.model import Issue, IssueId, Milestone, Phase, Priority, Range, RiskKind, Status, Task
from loom_tui.plan.toml import dump_plan, parse_plan

PLANS = Path(__file__).parent / "plans"


def read(name: str) -> Imported:
    return import_plan((PLANS / f"{name}.md").read_bytes(), name=name)


def issues(imported: Imported) -> dict[IssueId, Issue]:
    return {issue.id: issue for issue in imported.plan.issues}


def one(text: str) -> Issue:
    (issue,) = import_plan(text).plan.issues
    return issue


# A terse runbook


def test_a_runbooks_steps_are_issues_numbered_in_their_order():
    plan = read("terse_runbook").plan
    assert plan.plan.title == "payments-api 4.2 — runbook"
    assert (plan.plan.target, plan.plan.version) == (date(2026, 3, 17), "4.2.0")
    assert plan.plan.environment == "production"
    found = [(i.id, i.title, i.owners, i.effort_hours) for i in plan.issues]
    assert found == [
        (1, "Announce in #payments", ("@mira",), Range(low=0.0833, high=0.0833)),
        (2, "Put the API into drain mode", ("@jon",), Range(low=0.1667, high=0.1667)),
        (3, "Run migration 0093", ("@jon",), Range(low=0.3333, high=0.5)),
        (4, "Deploy 4.2.0", ("@mira",), Range(low=0.25, high=0.25)),
        (5, "Smoke test a card payment", ("@lea", "@jon"), Range(low=0.5, high=0.5)),
    ]
    assert plan.issues[2].depends_on == (2,)
    assert plan.issues[1].notes == ("kubectl scale deploy/payments --replicas=0",)
    assert plan.issues[3].notes == ("check the pods come up", "check the logs for `OutOfMemory`")


def test_a_runbooks_abort_criteria_and_backout():
    plan = read("terse_runbook").plan
    assert [c.text for c in plan.criteria.no_go] == ["error rate above 2 %", "migration runs longer than 45 minutes"]
    assert plan.plan.rollback_when == "If anything on the abort list happens"
    assert [(step.name, step.text) for step in plan.rollback] == [
        ("Scale down", "kubectl scale deploy/payments --replicas=0"),
        ("Restore the snapshot taken before step 3", ""),
        ("Deploy 4.1.7", ""),
    ]


def test_what_a_runbook_says_beyond_a_plan_is_kept_with_its_line():
    imported = read("terse_runbook")
    assert [(note.line, note.text) for note in imported.notes] == [
        (4, "When: 2026-03-17, 21:00 UTC"),  # the date is taken, its hour is not the plan's to hold
        (38, "## Gotchas"),
        (40, "The vault token expires at 22:30. Renew it first."),
    ]
    assert imported.summary() == "22 of 25 blocks understood; 3 kept as notes: lines 4, 38, 40"


# A table-heavy change request


def test_a_change_request_keeps_its_particulars_in_front_matter_and_a_table():
    about = read("change_request").plan.plan
    assert about.title == "CHG0048213 ERP Upgrade to Release 22B"
    assert (about.version, about.status, about.environment) == ("0.9", "Pending CAB approval", "Production")
    assert (about.created, about.updated) == (date(2026, 1, 12), date(2026, 2, 3))
    assert (about.start, about.target) == (date(2026, 2, 14), date(2026, 2, 15))
    assert about.rollback_when == "Trigger: conversion not finished by Sunday 06:00."


def test_a_table_of_issues():
    found = issues(read("change_request"))
    assert list(found) == ["ERP-101", "ERP-102", "ERP-103", "ERP-104", "ERP-105"]
    assert found["ERP-101"].owners == ("DBA", "Storage")
    assert found["ERP-101"].effort_hours == Range(low=2, high=3)
    assert found["ERP-102"].effort_hours == Range(low=12, high=12)  # 1.5 days of 8 hours
    assert found["ERP-104"].effort_hours == Range(low=24, high=24)
    assert (found["ERP-105"].effort_hours, found["ERP-105"].effort_text) == (None, "M")
    assert found["ERP-103"].depends_on == ("ERP-101", "ERP-102")
    assert found["ERP-105"].depends_on == ("ERP-103",)
    assert found["ERP-105"].blockers == ("Firewall change approved",)
    assert [issue.status for issue in found.values()] == [
        Status.READY,
        Status.OPEN,
        Status.OPEN,
        Status.BLOCKED,
        Status.OPEN,
    ]


def test_tables_of_risks_phases_rollback_criteria_and_approvals():
    plan = read("change_request").plan
    assert [(r.text, r.likelihood, r.impact, r.owner, r.response) for r in plan.risks] == [
        ("R1: Conversion overruns the window", 3, 4, "DBA", "Rehearsed twice, checkpoint at 14:00"),
        ("R2: Interface partners not ready", 2, 3, "Integration", "Queue messages for 48 hours"),
    ]
    assert [(p.name, p.when, p.activities) for p in plan.phases] == [
        ("System freeze", "14 Feb 2026 06:00", ("Responsible: App Support",)),
        ("Upgrade", "14 Feb 2026 08:00", ("Responsible: DBA",)),
        ("Release to users", "15 Feb 2026 18:00", ("Responsible: Change Manager",)),
    ]
    assert [(s.name, s.text) for s in plan.rollback] == [
        ("Stop the application servers", "Owner: App Support"),
        ("Restore the backup of ERP-101", "Owner: DBA"),
        ("Restart release 21A", "Owner: App Support"),
    ]
    assert [(c.text, c.claimed) for c in plan.criteria.go] == [
        ("Trial balance agrees to the cent", False),
        ("All 14 interfaces reopened", False),
        ("Rehearsal signed off", True),
    ]
    assert [(s.name, s.role) for s in plan.stakeholders] == [
        ("Helen Marsh", "Requested by; Finance Director"),
        ("Tom Okafor", "Change Manager"),
    ]
    assert [(note.line, note.text) for note in plan.notes] == [(12, "| Change ID | CHG0048213 |")]


# A launch checklist in the style of a GitHub issue


def test_a_launch_checklist_numbers_what_has_no_id_beyond_those_that_have():
    found = issues(read("launch_checklist"))
    assert {number: issue.title for number, issue in found.items()} == {
        812: "Guest session tokens",
        815: "Merge guest carts on sign-in",
        820: "Load test the checkout at 3x peak",
        821: "Feature flag `guest_checkout` off by default",
        822: "Blog post drafted",
        823: "Help centre article",
    }
    assert found[812].url == "https://github.com/acme/shop/issues/812"
    assert (found[812].status, found[812].claimed) == (Status.DONE, True)
    assert (found[815].owners, found[815].effort_hours) == (("@tomas",), Range(low=3, high=5))
    assert (found[820].depends_on, found[820].owners) == ((812, 815), ("@li",))
    assert {found[number].phase for number in (812, 815, 820, 821)} == {"Engineering"}
    assert (found[822].status, found[822].phase) == (Status.DONE, "Marketing")
    assert found[815].blockers == ("#815 waits for the design of the merge dialog",)


def test_a_launch_checklists_criteria_blockers_and_comment():
    plan = read("launch_checklist").plan
    assert plan.plan.target == date(2025, 11, 19)
    assert [(c.text, c.claimed) for c in plan.criteria.go] == [
        ("p95 of checkout below 400 ms in staging", True),
        ("Fraud rules reviewed", False),
    ]
    assert [c.text for c in plan.criteria.no_go] == ["payment provider has an open incident"]
    assert [(r.text, r.kind) for r in plan.risks] == [("Legal has not answered about the terms page", RiskKind.OPEN)]
    assert [s.name for s in plan.rollback] == ["Turn the flag `guest_checkout` off", "Tell #support"]
    assert [(r.name, r.text) for r in plan.references] == [
        ("Design doc", "https://docs.example.com/guest-checkout"),
        ("Dashboard", "https://grafana.example.com/d/checkout"),
    ]
    assert (7, "<!-- keep this issue pinned until the launch -->") in [(n.line, n.text) for n in plan.notes]


# A German plan


def test_a_german_plan():
    imported = read("einfuehrung")
    plan, found = imported.plan, issues(imported)
    assert (plan.plan.start, plan.plan.target) == (date(2025, 12, 2), date(2025, 12, 5))
    assert plan.plan.updated == date(2025, 11, 28)
    assert found["LVS-21"].owners == ("Jana Weiß", "Karl Böhm")
    assert found["LVS-21"].effort_hours == Range(low=3, high=4)
    assert found["LVS-22"].effort_hours == Range(low=16, high=16)
    assert found["LVS-23"].effort_hours == Range(low=1.5, high=1.5)
    assert (found["LVS-21"].depends_on, found["LVS-21"].blockers) == ((), ())
    assert (found["LVS-23"].depends_on, found["LVS-23"].blockers) == (("LVS-22",), ("Schulung abgeschlossen",))
    assert [issue.status for issue in found.values()] == [Status.READY, Status.OPEN, Status.IN_PROGRESS]
    assert [(p.first_day, p.last_day, p.issues) for p in plan.phases] == [
        (1, 1, ("LVS-21",)),
        (2, 3, ("LVS-22",)),
        (4, 4, ("LVS-23",)),
    ]
    assert [risk.kind for risk in plan.risks] == [RiskKind.OPEN, RiskKind.OPEN, RiskKind.LIMITATION]
    assert [step.name for step in plan.rollback] == ["Scanner sperren", "Sicherung vom Vortag einspielen"]
    assert [(s.name, s.role) for s in plan.stakeholders] == [
        ("Jana Weiß", "Projektleitung"),
        ("Karl Böhm", "Datenbank"),
    ]
    assert imported.notes == ()


# RACI and known issues


def test_work_items_by_heading_and_dependencies_by_title():
    found = issues(read("raci_release"))
    assert [(i.id, i.title) for i in found.values()] == [
        (1, "Cut the release branch"),
        (2, "Submit to the stores"),
        (3, "Staged rollout"),
    ]
    assert found[2].depends_on == (1,)  # "Work item 1"
    assert found[3].depends_on == (2,)  # "Submit to the stores"
    assert found[2].effort_hours == Range(low=8, high=16)
    assert found[2].notes == ("Review by Apple usually takes a day.",)
    assert found[3].owners == ("Mobile", "SRE")
    assert found[3].priority is Priority.HIGH
    assert found[3].notes == ("Priority: P1",)


def test_a_raci_grid_gives_each_party_its_part():
    roles = {one.name: one.role for one in read("raci_release").plan.stakeholders}
    assert roles["Mobile"] == (
        "Responsible: Submit to the stores, Staged rollout; Accountable: Staged rollout; Consulted: Halt the rollout"
    )
    assert roles["Support"] == "Informed: Submit to the stores, Staged rollout, Halt the rollout"


def test_known_issues_are_limitations_with_their_workaround():
    plan = read("raci_release").plan
    assert [(r.text, r.kind, r.impact, r.response) for r in plan.risks] == [
        ("KI-1: Widgets blank after update on Android 11", RiskKind.LIMITATION, 3, "Re-add the widget"),
        ("KI-2: Dark mode flickers", RiskKind.LIMITATION, 2, ""),
    ]


def test_an_ambiguous_date_is_not_guessed():
    imported = read("raci_release")
    assert imported.plan.plan.target is None
    assert (3, "- Release date: 11/06/2025") in [(note.line, note.text) for note in imported.notes]


def test_milestones_meetings_and_the_definition_of_done():
    plan = read("raci_release").plan
    assert plan.milestones == (
        Milestone(name="Branch cut", day=1),
        Milestone(name="Submitted to the stores", day=3),
        Milestone(name="100 % of users", day=10),
    )
    assert [(c.text, c.claimed) for c in plan.criteria.deployment] == [
        ("Crash-free sessions above 99.5 %", False),
        ("Release notes translated", True),
    ]
    assert [(c.what, c.when, c.topics) for c in plan.cadences] == [
        ("Release sync", "09:30", ()),
        ("Meetings", "weekly", ("Metrics review",)),
    ]


# All of them

# Labels, column names, markup and units: what became the plan's structure or its figures.
_STRUCTURE = {
    "terse_runbook": "after backout env min sh steps 5h",
    "change_request": "3rd action activity approvals assessment back criterion d date estimate exit february field h "
    "implementation medium met mitigation out purpose risk schedule started step value yes",
    "launch_checklist": "19th 5h date nov x if it goes wrong",
    "einfuehrung": "abhängigkeiten aktualisiert ansprechpartner arbeit aufgaben aufwand bekannte bereit dezember "
    "einschränkungen hinweis keine live min offen risiken rückfallplan startdatum std tag tage und verantwortlich "
    "zeitplan zusammenfassung",
    "raci_release": "activity c definition done estimate i issue item items known medium min none r raci severity work "
    "workaround x",
}


@pytest.mark.parametrize("name", _STRUCTURE)
def test_no_word_of_any_plan_is_lost(name):
    document = (PLANS / f"{name}.md").read_text(encoding="utf-8").casefold()
    kept = msgspec.json.encode(read(name).plan).decode().casefold()
    words = set(re.findall(r"[^\W_]+", document)) - set(re.findall(r"[^\W_]+", kept))
    assert {word for word in words if not word.isdigit()} <= set(_STRUCTURE[name].split())


@pytest.mark.parametrize("name", _STRUCTURE)
def test_every_imported_plan_is_a_plan_that_can_be_written_and_read(name):
    plan = read(name).plan
    assert parse_plan(dump_plan(plan)) == plan


# Small shapes


def test_a_document_that_says_nothing_is_a_plan_named_after_its_file():
    imported = import_plan("", name="release_9")
    assert imported.plan.plan.title == "release 9"
    assert (imported.understood, imported.blocks, imported.notes) == (0, 0, ())
    assert imported.summary() == "0 of 0 blocks understood"


def test_runs_of_notes_are_summed_up_as_spans():
    imported = import_plan("# T\n\n## Notes\n\nfirst\n\n```\na\nb\n```\n\nlast\n")
    assert imported.summary() == "2 of 5 blocks understood; 3 kept as notes: lines 5, 7–10, 12"


def test_a_ticked_task_is_done_by_claim_only():
    issue = one("## #7: Do it\n\n- [x] first\n- [ ] second\n")
    assert issue.tasks == (Task(text="first", done=True, claimed=True), Task(text="second"))


@pytest.mark.parametrize(
    "line",
    [
        "- **Owner:** Ana",
        "- Owner: Ana",
        "- *Owner*: Ana",
        "- __Owner__: Ana",
        "**Owner:** Ana",
        "Owner: Ana",
        "- ASSIGNEE: Ana",
    ],
)
def test_a_label_may_be_written_in_many_ways(line):
    assert one(f"## Ticket 7: Do it\n\n{line}\n").owners == ("Ana",)


@pytest.mark.parametrize(
    ("heading", "number"),
    [
        ("Issue #145: Do it", 145),
        ("#145 Do it", 145),
        ("OPS-12: Do it", "OPS-12"),
        ("[OPS-12] Do it", "OPS-12"),
        ("🔧 LOOM-147 – Do it", "LOOM-147"),
        ("[#12](https://github.com/o/r/issues/12) Do it", 12),
        ("[Do it](https://github.com/o/r/issues/12)", 12),
        ("Do it (#9)", 9),
        ("3.2 #9 Do it", 9),
    ],
)
def test_a_headings_id_may_be_written_in_many_ways(heading, number):
    issue = one(f"# T\n\n## Tickets\n\n### {heading}\n\n- Owner: Ana\n")
    assert (issue.id, issue.title) == (number, "Do it")


def test_what_looks_like_a_trackers_key_and_is_none_is_no_issue():
    assert import_plan("# T\n\n## Notes\n\n- UTF-8 and SHA-256 everywhere\n").plan.issues == ()


def test_a_dependency_on_an_issue_that_is_not_there_is_kept_for_the_check_to_report():
    issue = one("## Issues\n\n### #1: A\n\n- Depends on: #999\n")
    assert issue.depends_on == (999,)


def test_a_numbered_issue_never_takes_the_id_of_a_missing_dependency():
    plan = import_plan("## Tasks\n\n- A (after #4)\n- B\n").plan
    assert [issue.id for issue in plan.issues] == [5, 6]
    assert plan.issues[0].depends_on == (4,)


def test_a_range_of_ids_stands_for_all_of_them():
    assert one("## #9: A\n\nDepends on: #5-#7\n").depends_on == (5, 6, 7)


def test_two_tables_that_both_number_their_steps_from_one_do_not_merge():
    table = "| # | Step | Owner |\n|---|---|---|\n| 1 | {} | Ana |\n"
    text = f"## Before\n\n### Tasks\n\n{table.format('Drain')}\n## After steps\n\n{table.format('Refill')}\n"
    plan = import_plan(text).plan
    assert [issue.title for issue in plan.issues] == ["Drain", "Refill"]
    assert len({issue.id for issue in plan.issues}) == 2


def test_bare_figures_take_their_unit_from_the_tables_header():
    text = "## Tickets\n\n| ID | Title | Effort (days) |\n|---|---|---|\n| A-1 | x | 2 |\n"
    assert one(text).effort_hours == Range(low=16, high=16)


def test_a_second_effort_that_disagrees_is_kept_as_a_note():
    issue = one("## #1: A\n\n- Effort: 2 h\n- Effort: 5 h\n")
    assert (issue.effort_hours, issue.notes) == (Range(low=2, high=2), ("Effort: 5 h",))


def test_phases_with_dates_become_working_days_of_a_plan_that_has_a_start():
    head = "# T\n\nStart: 2025-11-06\n\n## Schedule\n\n"
    text = head + "- 2025-11-06: Prepare\n- November 10, 2025 – Deploy\n- Nov 15, 2025: Rest\n"
    assert import_plan(text).plan.phases == (
        Phase(name="Prepare", when="2025-11-06", first_day=1, last_day=1),
        Phase(name="Deploy", when="November 10, 2025", first_day=3, last_day=3),
        Phase(name="Rest", when="Nov 15, 2025"),  # a Saturday: which working day that is stays open
    )


def test_a_link_definition_and_what_lies_too_deep_are_notes():
    deep = "\n".join("  " * depth + f"- level {depth}" for depth in range(80))
    imported = import_plan(f"[ref]: https://example.com/x\n\n{deep}\n")
    kept = msgspec.json.encode(imported.plan).decode()
    assert "https://example.com/x" in kept
    assert "level 79" in kept


def test_mixed_encodings_in_one_document_are_read_line_by_line():
    document = b"# Caf\xe9\r\n\r\n**Goal:** \xe2\x9c\x85 fertig\r\n"
    about = import_plan(b"\xef\xbb\xbf" + document[0:0] + document).plan.plan
    assert "Caf" in about.title
    assert import_plan(document).plan.plan.title == "Café"
    assert import_plan(document).plan.plan.goal == "✅ fertig"


STEPS = """# Guide

## Checklist

- [ ] Back up

## Deployment steps

### Step 1: Stop

**Owner:** Ops

### Step 2: Migrate

**Owner:** DBA
**Depends on:** Step 1

### Step 3: Start
"""


def test_a_step_waits_for_the_step_of_its_own_list_not_for_another_lists_first():
    found = import_plan(STEPS).plan.issues
    assert [issue.title for issue in found] == ["Back up", "Step 1: Stop", "Step 2: Migrate", "Step 3: Start"]
    assert found[2].depends_on == (found[1].id,)


def test_a_section_that_says_none_is_understood():
    imported = import_plan("# T\n\n## Blockers\n\nNone\n")
    assert (imported.understood, imported.blocks) == (3, 3)


def test_a_table_of_steps_with_boxes_and_numbers_for_what_blocks_them():
    text = (
        "# T\n\n## Work items\n\n| # | Task | Blocked by | Done |\n|---|---|---|---|\n"
        "| 1 | Schema | - | [x] |\n| 2 | Backfill | 1 | [ ] |\n| 3 | Switch | 1, 2 | |\n"
    )
    found = import_plan(text).plan.issues
    assert [(issue.id, issue.depends_on) for issue in found] == [(1, ()), (2, (1,)), (3, (1, 2))]
    assert [(issue.status, issue.claimed) for issue in found] == [
        (Status.DONE, True),
        (Status.OPEN, False),
        (Status.OPEN, False),
    ]


def test_a_timeline_of_bold_lines_with_lists_below():
    text = "# T\n\n## Timeline\n\n**Week 1:** Build\n- Schema\n\n**Week 2:** Launch\n- Flip the flag\n"
    assert import_plan(text).plan.phases == (
        Phase(name="Build", weeks=(1, 1), activities=("Schema",)),
        Phase(name="Launch", weeks=(2, 2), activities=("Flip the flag",)),
    )


def test_what_a_launch_depends_on_is_an_open_risk_and_what_it_requires_a_criterion():
    plan = import_plan("# T\n\n## Dependencies\n\n- Sandbox\n\n## Prerequisites\n\n- [x] VPN access\n").plan
    assert [(risk.text, risk.kind) for risk in plan.risks] == [("Sandbox", RiskKind.OPEN)]
    assert [(one.text, one.claimed) for one in plan.criteria.go] == [("VPN access", True)]
    assert plan.issues == ()


@pytest.mark.parametrize("no_go", ["No-Go", "NO GO", "**no-go**", "NoGo"])
def test_a_table_of_go_and_no_go_rows_gives_each_its_own_side_of_the_gate(no_go):
    rows = f"| Go | all green |\n| {no_go} | any P1 open |\n| Go | QA signed off |\n"
    criteria = import_plan(f"# T\n\n## Go/No-Go\n\n| Decision | Condition |\n|---|---|\n{rows}").plan.criteria
    assert [one.text for one in criteria.go] == ["all green", "QA signed off"]
    assert [one.text for one in criteria.no_go] == ["any P1 open"]


def test_a_priority_that_the_document_never_states_is_not_made_up():
    text = (
        "# T\n\n## Tasks\n\n| # | Task | Priority |\n|---|---|---|\n| 1 | A | P0 |\n| 2 | B | |\n| 3 | C | Medium |\n"
    )
    plan = import_plan(text).plan
    assert [issue.priority for issue in plan.issues] == [Priority.CRITICAL, None, Priority.HIGH]
    assert parse_plan(dump_plan(plan), file="plan.toml") == plan


def test_an_issues_own_workflows_are_tasks_that_can_be_ticked_and_workflows_of_the_plan():
    text = "# T\n\n## Issues\n\n### #7: Smoke test\n\n- Owner: QA\n\n#### Critical workflows\n\n1. Log in\n2. Book\n"
    plan = import_plan(text).plan
    assert plan.issues[0].tasks == (Task(text="Log in"), Task(text="Book"))
    assert [workflow.name for workflow in plan.workflows] == ["Log in", "Book"]


def test_blockers_are_taken_apart_at_semicolons():
    words = "- Owner: Bo\n- Blocked by: #2; vendor sign-off, in writing\n"
    first, _ = import_plan(f"# T\n\n## Tasks\n\n### #1 A\n\n{words}\n### #2 B\n\n- Owner: Cy\n").plan.issues
    assert (first.depends_on, first.blockers) == ((2,), ("vendor sign-off, in writing",))


def test_what_a_step_comes_after_may_be_named_beside_its_owner_and_effort():
    steps = "1. Reindex (owner: Bo, 30m)\n2. Switch (owner: Ines, 45m, after Reindex)\n3. Party (after work)\n"
    reindex, switch, party = import_plan(f"# T\n\n## Tasks\n\n{steps}").plan.issues
    assert (switch.title, switch.owners, switch.depends_on) == ("Switch", ("Ines",), (reindex.id,))
    assert switch.effort_hours == Range(low=0.75, high=0.75)
    assert (party.title, party.depends_on, party.blockers) == ("Party (after work)", (), ())


def test_a_german_head_gives_the_plans_dates_and_who_answers_for_it():
    plan = import_plan("# T\n\nStand: 03.11.2026 · Verantwortlich: Jana Weiß\n\nGeplanter Termin: 12.11.2026\n").plan
    assert (plan.plan.status, plan.plan.updated, plan.plan.target) == ("", date(2026, 11, 3), date(2026, 11, 12))
    assert [(one.name, one.role) for one in plan.stakeholders] == [("Jana Weiß", "Verantwortlich")]
    assert plan.notes == ()
    assert import_plan("# T\n\nStatus: ready · for review\n").plan.plan.status == "ready · for review"


def test_a_go_live_with_a_clock_sets_the_target_and_keeps_the_clock_as_a_note():
    plan = import_plan("# T\n\nGo-live: Thu 12 Nov 2026, 06:00 UTC\n").plan
    assert plan.plan.target == date(2026, 11, 12)
    assert ["06:00 UTC" in note.text for note in plan.notes] == [True]


@pytest.mark.parametrize("steps", ["Step 1: stop\n\nStep 2: restore", "### Step 1\n\nstop\n\n### Step 2\n\nrestore"])
def test_what_to_do_if_it_goes_wrong_is_the_way_back(steps):
    plan = import_plan(f"# T\n\n## If it goes wrong\n\n{steps}\n").plan
    assert [(step.name, step.text) for step in plan.rollback] == [("Step 1", "stop"), ("Step 2", "restore")]
    assert plan.notes == ()


def test_a_meeting_of_one_line_has_a_name_a_time_and_a_rhythm():
    plan = import_plan("# T\n\n## Comms\n\nStandup at 09:15 daily\n\n- Status mail at 18:00\n").plan
    assert [(one.what, one.when, one.topics) for one in plan.cadences] == [
        ("Standup", "09:15", ("daily",)),
        ("Status mail", "18:00", ()),
    ]
