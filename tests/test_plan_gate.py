"""The gate's words in a plan's file: every rule, role and name that does not fit is named, with what was meant."""

from __future__ import annotations

import pytest

from loom_tui.plan.check import check_plan
from loom_tui.plan.criteria import Part, criterion_key
from loom_tui.plan.faults import PlanFaults
from loom_tui.plan.model import Criterion, Operator, Right, Rule, Stakeholder
from loom_tui.plan.toml import dump_plan, parse_plan

HEAD = """
[plan]
title = "Friday"
release = "v2"
[sources.app]
kind = "http"
url = "https://app.test/"
version_field = "version"
fields = { auth = "auth" }
[sources.db]
kind = "postgres"
dsn = "host=db"
[[sources.db.queries]]
name = "list"
sql = "select 1"
[[stakeholders]]
name = "QA"
votes = true
who = ["ana"]
"""


def faults_of(criterion: str, *, part: str = "go", more: str = "") -> list[str]:
    text = f"{HEAD}\n{more}\n[[criteria.{part}]]\ntext = 'c'\n{criterion}"
    try:
        parse_plan(text)
    except PlanFaults as refusal:
        return [str(fault) for fault in refusal.faults]
    return []


@pytest.mark.parametrize(
    ("criterion", "part", "what"),
    [
        ('rules = [{ signal = "db.lst.p95_ms", at_most = 1 }]', "go", "did you mean `db.list.p95_ms`?"),
        ('rules = [{ signal = "db.list.p95_ms" }]', "go", "write is, at_most or at_least"),
        ('rules = [{ signal = "db.list.p95_ms", is = "ok" }]', "go", "is a number; write at_most or at_least"),
        ('rules = [{ signal = "app", at_most = 1 }]', "go", "is no number; write is"),
        ('rules = [{ signal = "app", is = "up" }]', "go", "is a check; write is"),
        ('rules = [{ signal = "feed.app", is = "ok" }]', "go", "is a document"),
        ('rules = [{ signal = "db.sessions", at_most = 1, at_least = 2 }]', "go", "could never hold"),
        ('rules = [{ signal = "db.sessions", at_most = 1, for_s = 0 }]', "go", "for_s 0 is not between"),
        ('rules = [{ signal = "db.list.p95_ms", at_most = 1, for_s = 60 }]', "go", "no for_s can run on it"),
        ('rules = [{ signal = "app.version", is = "v2", for_s = 60 }]', "go", "a word, whose past is not kept"),
        ('rules = [{ signal = "db.sessions", at_most = 1, min_samples = 5 }]', "go", "here is neither"),
        ('rules = [{ signal = "db.list.p95_ms", at_most = 1, min_samples = 0 }]', "go", "must be at least 1"),
        ('rules = [{ signal = "db.sessions", at_mots = 1 }]', "go", "did you mean `at_most`?"),
        ('checks = ["app.aut"]', "go", "check `app.aut` does not exist; did you mean `app.auth`?"),
        ('checks = ["db.sessions"]', "go", "is no check"),
        ('signoffs = ["QAA"]', "go", "who is no stakeholder; did you mean `QA`?"),
        ('id = "C 1"', "go", "an id is small letters"),
        ("votes = true", "no_go", "a no-go vote is NO-GO by itself"),
        ("issues = [9]", "go", "names #9, which does not exist"),
        ("clock_hours = 24", "post_deployment", "no rule or check that it could run on"),
        ('clock_hours = 24\nchecks = ["app"]', "go", "a clock runs from the deploy"),
        ('clock_hours = 0\nchecks = ["app"]', "post_deployment", "clock_hours 0 is not between"),
        (
            'clock_hours = 1\nrules = [{ signal = "db.list.p95_ms", at_most = 1 }]',
            "post_deployment",
            "no clock can run on it",
        ),
    ],
)
def test_a_criterion_that_does_not_fit_is_named(criterion, part, what):
    told = faults_of(criterion, part=part)
    assert any(what in line for line in told), told


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ("[gate]\nvote_hours = 0", "must be above 0"),
        ('[[operators]]\nlogin = "ana"\n[[operators]]\nlogin = "ana"', "`ana` is there 2 times"),
        ('[[operators]]\nlogin = "ana"\nmay = "leed"', "did you mean `lead`?"),
        ('[[stakeholders]]\nname = "QA"\nvotes = true', "`QA` votes 2 times"),
        ("[[criteria.go]]\ntext = 'C'\nissues = []\nvotes = true", "has the same text as another"),
        (
            "[[criteria.go]]\ntext = 'd'\nid = 'x'\n[[criteria.no_go]]\ntext = 'e'\nid = 'x'",
            "has the same id as another",
        ),
    ],
)
def test_people_and_identities_that_do_not_fit_are_named(more, what):
    told = faults_of("", more=more)
    assert any(what in line for line in told), told


def test_a_whole_gate_is_taken_and_written_back_as_it_was():
    criterion = """
id = "calm"
issues = []
rules = [{ signal = "db.sessions", at_most = 50, for_s = 120, min_samples = 3 }, { signal = "app.version", is = "v2" }]
checks = ["app", "app.auth"]
signoffs = ["QA", "ana"]
votes = true
"""
    more = "[gate]\nvote_hours = 8\n[[operators]]\nlogin = 'ana'\nmay = 'lead'\n"
    assert faults_of(criterion, more=more) == []
    plan = parse_plan(f"{HEAD}\n{more}\n[[criteria.go]]\ntext = 'c'\n{criterion}")
    assert parse_plan(dump_plan(plan)) == plan
    assert plan.criteria.go[0].rules[1] == Rule(signal="app.version", is_="v2")
    assert plan.operators == (Operator(login="ana", may=Right.LEAD),)
    assert plan.stakeholders == (Stakeholder(name="QA", votes=True, who=("ana",)),)


def test_votes_without_voters_are_a_fault_and_voters_without_people_or_a_release_a_warning():
    text = "[plan]\ntitle = 'Friday'\n[[criteria.go]]\ntext = 'agreed'\nvotes = true"
    with pytest.raises(PlanFaults, match="no stakeholder has votes = true"):
        parse_plan(text)
    plan = parse_plan(f"{text}\n[[stakeholders]]\nname = 'QA'\nvotes = true")
    told = [str(fault) for fault in check_plan(plan)]
    assert any("anybody may vote for it" in line for line in told)
    assert any("plan.release: is not named" in line for line in told)


def test_a_criterion_is_itself_by_its_id_or_by_its_text_without_case_and_spacing():
    assert criterion_key(Part.GO, Criterion(text=" No  Critical\tBugs ")) == "go/no critical bugs"
    assert criterion_key(Part.NO_GO, Criterion(text="No critical bugs")) == "no_go/no critical bugs"
    assert criterion_key(Part.GO, Criterion(text="any", id="bugs")) == "bugs"
