"""Each line of the Sprint 07 document that a machine can see has its check, and docs/plan.md says which."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from loom_tui.config.plans import bundled_plan
from loom_tui.plan.criteria import checks_of, criteria_of, proof_is_named
from loom_tui.plan.model import RiskKind
from loom_tui.plan.signals import signals_of

PLAN = bundled_plan()
PAGE = Path(__file__).parent.parent / "docs" / "plan.md"
ATTESTED = {"Document setup"}
ROWS = re.findall(
    r"^\| ([^|]+?) \| ([^|]+?) \|$", PAGE.read_text().partition("## Sprint 07: what proves")[2], re.MULTILINE
)


def test_every_task_of_the_checklists_has_its_check_but_what_no_machine_can_see():
    bare = {task.text for issue in PLAN.issues for task in issue.tasks if not task.checks}
    assert bare == ATTESTED


def test_every_issue_of_the_sprint_is_proved_by_a_check_or_counted_by_name():
    bare = {issue.id for issue in PLAN.issues if not checks_of(issue)}
    assert PLAN.uat is not None
    assert bare - {PLAN.uat.issue} == {153, 154}, "the backlog's features"


def test_every_criterion_names_what_proves_it():
    assert [named.criterion.text for named in criteria_of(PLAN) if not proof_is_named(named.criterion)] == []


def test_every_risk_lights_by_itself():
    assert [risk.text for risk in PLAN.risks if risk.trigger is None] == []


@pytest.mark.parametrize(("line", "proof"), ROWS[1:])
def test_the_page_names_signals_that_there_are(line, proof):
    known = signals_of(PLAN)
    named = re.findall(r"`([^`]+)`", proof)
    assert [name for name in named if name not in known] == []
    assert named or "attested" in proof


def test_the_page_speaks_of_every_task_and_of_each_with_the_plan_s_own_checks():
    told = {line: tuple(re.findall(r"`([^`]+)`", proof)) for line, proof in ROWS}
    for issue in PLAN.issues:
        for task in issue.tasks:
            assert told[f"#{issue.id} {task.text}"] == task.checks


def test_the_page_names_for_each_risk_and_limitation_the_signal_that_lights_it():
    words = {RiskKind.LOW: "low risk", RiskKind.MITIGATED: "mitigated", RiskKind.LIMITATION: "limitation"}
    told = dict(ROWS)
    for risk in PLAN.risks:
        assert risk.trigger is not None
        assert f"`{risk.trigger.signal}`" in told[f"{words[risk.kind]}: {risk.text}"]
