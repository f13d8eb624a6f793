"""A plan's file: what it may say, and what is said of one that is wrong."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loom_tui.plan.check import check_plan
from loom_tui.plan.faults import PlanFaults
from loom_tui.plan.model import Calendar, DayCount, Plan
from loom_tui.plan.sources.base import has_password
from loom_tui.plan.toml import dump_plan, parse_plan
from tests.samples import sample_plan


def faults_of(text: str) -> list[str]:
    with pytest.raises(PlanFaults) as caught:
        parse_plan(text)
    return str(caught.value).splitlines()


PLAN = '[plan]\ntitle = "Friday"\n'


def test_a_title_is_plan_enough():
    assert parse_plan(PLAN).plan.title == "Friday"


def test_a_written_plan_is_read_back_as_it_was():
    plan = sample_plan()
    assert parse_plan(dump_plan(plan)) == plan


def test_all_faults_are_told_at_once_each_with_file_and_place():
    told = faults_of(
        PLAN
        + """
[[issues]]
id = 147
title = "Smoke testing"
depends_on = "145"
ownres = ["QA"]

[[issues]]
title = 3

[sources.db]
kind = "postgre"

[[risks]]
text = "r"
kind = "low-ish"
"""
    )
    assert told == [
        "loom.toml: issue #147.depends_on: expected a list, found '145'",
        "loom.toml: issue #147 has an unknown key `ownres`; did you mean `owners`?",
        "loom.toml: issues[2].title: expected text, found 3",
        "loom.toml: issues[2]: has no `id`, which it must have",
        "loom.toml: sources.db: kind `postgre` is not known; did you mean `postgres`?",
        "loom.toml: risks[1].kind: 'low-ish' is not known here; did you mean `low`?",
    ]


def test_a_dependency_on_nothing_is_named():
    told = faults_of(PLAN + '[[issues]]\nid = 147\ntitle = "Smoke"\ndepends_on = [999]\n')
    assert told == ["loom.toml: issue #147 depends on #999, which does not exist"]


def test_a_cycle_is_named_in_its_order():
    told = faults_of(
        PLAN
        + "".join(
            f'[[issues]]\nid = {issue}\ntitle = "t"\ndepends_on = [{other}]\n'
            for issue, other in ((1, 2), (2, 3), (3, 1), (4, 1))
        )
    )
    assert len(told) == 1
    assert "waits for itself" in told[0]
    chain = told[0].split(": ")[-1].split(" (")[0].split(" → ")
    assert chain[0] == chain[-1]
    assert set(chain) == {"#1", "#2", "#3"}
    assert ("#1", "#2") in list(pairwise(chain))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[calendar]\nzone = "Europe/Berln"', "did you mean `Europe/Berlin`?"),
        ('[calendar]\ndays = ["monday"]', "write one of mon, tue"),
        ('[sources.db]\nkind = "postgres"\ndsn = "postgresql://a:hunter2@h/d"', "holds a password"),
        ('[sources.db]\nkind = "postgres"\ndsn = "postgresql://a:hun/t?e#r2@h/d"', "holds a password"),
        ('[sources.db]\nkind = "postgres"\ndsn = "postgresql://:7hunter@h/d"', "holds a password"),
        ('[sources.app]\nkind = "http"\nurl = "https://a:hun/ter2@h/"', "holds a password"),
        ('[sources.app]\nkind = "http"\nurl = "https://h/?apikey=hunter2"', "holds a credential"),
        ('[sources.app]\nkind = "http"\nurl = "https://h/?a=b&token=hunter2"', "holds a credential"),
        ('[sources.db]\nkind = "postgres"', "exactly one of dsn"),
        ('[sources.s]\nkind = "sentry"\ntoken = {}', "exactly one of env, file or command"),
        ('[sources.app]\nkind = "http"\nurl = "loom.example"', "begins with https://"),
        ('[sources.app]\nkind = "http"\nurl = "https://["', "expected a URL with a host"),
        ('[sources.app]\nkind = "http"\nurl = "https://h"\nredirects_to = ["https://h:x/en"]', "URL with a host"),
        ('[sources.Feed]\nkind = "http"\nurl = "https://loom.example"', "small letters"),
        ('[[risks]]\ntext = "r"\ntrigger = { signal = "db.x", at_most = 1 }', "signal `db.x` does not exist"),
        ('[[issues]]\nid = 1\ntitle = "t"\neffort_hours = { low = 3, high = 2 }', "low comes first"),
        ('[[issues]]\nid = 1\ntitle = "t"\n[[issues]]\nid = 1\ntitle = "u"', "there 2 times"),
        ('[[phases]]\nname = "p"\nfirst_day = 3\nlast_day = 2', "before it begins"),
        ('[[phases]]\nname = "p"\nissues = [7]', "#7, which does not exist"),
    ],
)
def test_a_plan_that_does_not_agree_with_itself_is_refused(text, what):
    assert any(what in line for line in faults_of(PLAN + text))


def test_a_password_in_a_plan_is_not_repeated_in_the_fault():
    told = faults_of(PLAN + '[sources.db]\nkind = "postgres"\ndsn = "postgresql://a:hunter2@h/d"')
    assert "hunter2" not in "\n".join(told)


def test_text_that_is_no_toml_is_told_with_its_line():
    (told,) = faults_of("[plan\ntitle = 1")
    assert told.startswith("loom.toml: not valid TOML: ")
    assert "line 1" in told


def test_days_that_may_be_working_days_or_not_are_pointed_out():
    plan = sample_plan()
    open_days = Plan(plan=plan.plan, calendar=Calendar(), phases=plan.phases[:1], issues=plan.issues)
    assert any("working days" in fault.what for fault in check_plan(open_days))
    told = Plan(
        plan=plan.plan, calendar=Calendar(day_count=DayCount.CALENDAR), phases=plan.phases[:1], issues=plan.issues
    )
    assert not any("working days" in fault.what for fault in check_plan(told))


def test_a_night_shift_is_taken_and_asked_about():
    plan = parse_plan(PLAN + "[calendar]\nopens = 22:00:00\ncloses = 06:00:00")
    assert any("night shift" in fault.what for fault in check_plan(plan))


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_no_text_makes_the_reader_of_plans_crash(text):
    try:
        told = str(parse_plan(PLAN + text).plan.title)
    except PlanFaults as refusal:
        told = str(refusal)
    assert told


@pytest.mark.parametrize("query", ["token=abc", "x=1&apikey=abc", "api_key=abc#f", "access_token=abc", "sig=a"])
def test_a_credential_in_a_sources_address_is_a_fault(query):
    source = f'[sources.app]\nkind = "http"\nurl = "https://example.com/health?{query}"\n'
    (told,) = faults_of(PLAN + source)
    assert "holds a credential" in told
    assert "abc" not in told
    parse_plan(PLAN + source.replace(query, "token_type=open&keys=2&monkey=a"))


@pytest.mark.parametrize(
    "url", ["https://h:8080/@ana", "https://h:8080?to=a@b", "https://h/a:b@c", "https://[::1]:80/a@b", "http://u@h/"]
)
def test_a_port_or_a_path_is_no_password(url):
    assert not has_password(url)
