"""A plan's actions: how they are written, shown and checked."""

from __future__ import annotations

import pytest

from loom_tui.plan.acts import ActionKind
from loom_tui.plan.check import check_plan
from loom_tui.plan.faults import PlanFaults
from loom_tui.plan.toml import dump_plan, parse_plan

HEAD = """
[plan]
title = "Friday"
[sources.app]
kind = "http"
url = "https://app.test/"
version_field = "version"
[actions.rollback]
kind = "rollback"
verify = [{ signal = "app.version", is = "{to}" }]
"""
GITHUB = '{ kind = "github", name = "a", token = { env = "T" }'
VALUES = {"from": "v2", "to": "v1", "environment": "production"}


def steps(*lines: str, head: str = HEAD) -> str:
    return f"{head}steps = [\n{''.join(f'  {line},{chr(10)}' for line in lines)}]\n"


def test_each_kind_of_step_is_shown_as_one_would_type_it():
    plan = parse_plan(
        steps(
            '{ kind = "command", name = "Revert", run = ["vercel", "rollback", "to {to}", "a b"] }',
            '{ kind = "command", name = "Cd", run = ["make"], directory = "web app", environ = { A = "{from}" } }',
            '{ kind = "http", name = "Tell", url = "{hook}", json = { text = "{to}" }, secrets.hook = { env = "H" } }',
            '{ kind = "sql", name = "Undo", file = "down.sql", dsn = "host=db" }',
            '{ kind = "sql", name = "Undo", file = "down.sql", dsn_from = { env = "DSN" } }',
            '{ kind = "github", name = "S", repo = "o/app", workflow = "s.yml", token = { env = "T" }, ref = "{to}" }',
            '{ kind = "manual", name = "CDN", text = "purge {environment}" }',
        )
    )
    assert [step.shown(VALUES) for step in plan.actions["rollback"].steps] == [
        "vercel rollback 'to v1' 'a b'",
        "cd 'web app' && A=v2 make",
        "curl -sS -X POST {hook} -H 'content-type: application/json' -d '{\"text\":\"v1\"}'",
        "psql -v ON_ERROR_STOP=1 --single-transaction -f down.sql host=db",
        "psql -v ON_ERROR_STOP=1 --single-transaction -f down.sql {dsn}",
        "gh workflow run s.yml -R o/app --ref v1",
        "# by hand: purge production",
    ]
    assert parse_plan(dump_plan(plan)) == plan
    assert check_plan(plan) == []


def test_a_rollback_and_a_deploy_need_two_people_unless_the_plan_says_one():
    for kind in ActionKind:
        text = steps('{ kind = "manual", name = "a", text = "b" }', head=HEAD.replace('"rollback"\n', f'"{kind}"\n'))
        plan = parse_plan(text)
        assert plan.actions["rollback"].people == (2 if kind in (ActionKind.ROLLBACK, ActionKind.DEPLOY) else 1)
    alone = parse_plan(steps('{ kind = "manual", name = "a", text = "b" }', head=f"{HEAD}approvals = 1\n"))
    assert alone.actions["rollback"].people == 1


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        ('{ kind = "command", name = "a", run = [] }', "actions.rollback.steps[1].run: is empty"),
        ('{ kind = "command", name = " ", run = ["a"] }', "steps[1].name: is empty"),
        ('{ kind = "command", name = "a", run = ["{too}"] }', "speaks of {too}, which is none of environment, from"),
        ('{ kind = "command", name = "a", run = ["a"], timeout_s = 0 }', "timeout_s: must be above 0"),
        ('{ kind = "command", name = "a", run = ["a"], secrets.T = {} }', "secrets.T: name exactly one of env"),
        ('{ kind = "http", name = "a", url = "ftp://a" }', "expected a URL"),
        ('{ kind = "http", name = "a", url = "https://a", method = "BREW" }', "`BREW` is none"),
        ('{ kind = "http", name = "a", url = "https://a", secrets.to = { env = "A" } }', "none of Loom's own"),
        ('{ kind = "sql", name = "a", file = "", dsn = "host=a" }', "file: is empty"),
        ('{ kind = "sql", name = "a", file = "a.sql" }', "exactly one of dsn"),
        ('{ kind = "sql", name = "a", file = "a.sql", dsn = "postgresql://a:b@c" }', "holds a password"),
        (f"{GITHUB}, repo = 'app', workflow = 'a.yml' }}", "repo: expected OWNER/NAME"),
        (f"{GITHUB}, repo = 'o/a', workflow = '../a' }}", "workflow: expected a workflow's file"),
        (f"{GITHUB}, repo = 'o/a', workflow = 'a.yml', ref = '' }}", "ref: is empty"),
        ('{ kind = "github", name = "a", repo = "o/a", workflow = "a.yml", token = {} }', "token: name exactly one"),
        ('{ kind = "teleport", name = "a" }', "teleport"),
    ],
)
def test_a_step_that_cannot_be_done_is_a_fault_of_the_plan(step, fault):
    with pytest.raises(PlanFaults) as faults:
        parse_plan(steps(step))
    assert fault in str(faults.value)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("approvals = 3", "approvals 3: 1 is who arms it"),
        ("countdown_s = -1", "countdown_s -1 is not between"),
        ("expires_s = 0", "expires_s 0 is not between"),
        ("verify_s = 0", "verify_s must be above 0"),
        ('verify = [{ signal = "app.versio", is = "x" }]', "signal `app.versio` does not exist; did you mean"),
        ('verify = [{ signal = "app.version", is = "{tp}" }]', "speaks of {tp}"),
        ('verify = [{ signal = "app", is = "ok", for_s = 400 }]', "for_s 400 does not fit into verify_s 300"),
    ],
)
def test_an_action_that_makes_no_sense_is_a_fault_of_the_plan(line, fault):
    head = "\n".join(
        each for each in HEAD.splitlines() if not (each.startswith("verify") and line.startswith("verify ="))
    )
    with pytest.raises(PlanFaults) as faults:
        parse_plan(steps('{ kind = "manual", name = "a", text = "b" }', head=f"{head}\n{line}\n"))
    assert fault in str(faults.value)


def test_what_can_never_be_verified_and_what_a_shell_would_read_are_warned_of():
    text = steps('{ kind = "command", name = "a", run = ["sh", "-c", "echo {to}"] }', head=HEAD.replace("verify", "#"))
    warnings = [str(fault) for fault in check_plan(parse_plan(text))]
    assert any("it can only ever end as done, unverified" in warning for warning in warnings)
    assert any("runs a shell" in warning for warning in warnings)
