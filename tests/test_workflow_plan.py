"""Workflows as a plan writes them: what is taken, and what is a fault, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from loom_tui.plan.check import check_plan
from loom_tui.plan.criteria import checks_of
from loom_tui.plan.faults import PlanFaults
from loom_tui.plan.kinds import Kind
from loom_tui.plan.signals import asked_of, signals_of
from loom_tui.plan.toml import dump_plan, parse_plan
from loom_tui.plan.workflows import named

PLAN = Path(__file__).parent / "plans" / "workflows.toml"
HEAD = 'plan = { title = "x" }\nsites = { staging = { url = "https://staging.loom.example" } }\n'


def faults_of(text: str) -> list[str]:
    with pytest.raises(PlanFaults) as caught:
        parse_plan(HEAD + text)
    return [str(fault) for fault in caught.value.faults]


def of_step(step: str, *, more: str = 'site = "staging"') -> list[str]:
    return faults_of(f'[[workflows]]\nname = "Book"\n{more}\nsteps = [{{ name = "one", {step} }}]')


def test_a_plan_of_workflows_survives_being_written():
    plan = parse_plan(PLAN.read_text())
    assert parse_plan(dump_plan(plan)) == plan


def test_each_workflow_with_steps_is_a_check_that_is_run_on_demand_and_speaks_of_its_site():
    plan = parse_plan(PLAN.read_text())
    signal = signals_of(plan)["workflow.registration"]
    assert (signal.kind, signal.environment, signal.group) == (Kind.CHECK, "staging", "critical workflows")
    assert signal.label == "User registration & email verification"
    assert {asked.interval_s for asked in asked_of(plan).values()} == {0}


def test_a_workflow_without_a_site_runs_at_the_one_of_the_plans_environment():
    text = """
        plan = { title = "x", environment = "preview" }
        [sites.staging]
        url = "https://staging.loom.example"
        [sites.pr-7]
        url = "https://pr-7.loom.example"
        environment = "preview"
        [[workflows]]
        name = "Book"
        steps = [{ kind = "http", name = "one" }]
    """
    workflow = parse_plan(text).workflows[0]
    [asked] = asked_of(parse_plan(text)).values()
    assert workflow.url == ""
    assert (asked.environment, getattr(asked, "url", "")) == ("preview", "https://pr-7.loom.example")


def test_an_issue_is_proved_by_its_tasks_workflows():
    plan = parse_plan(PLAN.read_text())
    [issue] = plan.issues
    assert [f"workflow.{workflow.key}" for workflow in plan.workflows] == list(checks_of(issue))


def test_a_workflow_of_a_name_alone_is_no_check():
    assert asked_of(parse_plan(HEAD + '[[workflows]]\nname = "Book"')) == {}


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        ('kind = "htp"', "kind `htp` is not known; did you mean `http`?"),
        ('kind = "http", method = "FETCH"', "method: `FETCH` is none"),
        ('kind = "http", path = "api"', "path: begins with /"),
        ('kind = "http", pth = "/"', "has an unknown key `pth`; did you mean `path`?"),
        ('kind = "http", json = { a = 1 }, form = { a = "1" }', "form: stands beside json"),
        ('kind = "http", expect = [{ path = "a" }]', "expect[1]: says nothing"),
        ('kind = "http", expect = [{ path = "a", matches = "(" }]', "`(` is no regular expression"),
        ('kind = "http", capture = { a = {} }', "capture.a: says nothing"),
        ('kind = "http", capture = { A = { path = "a" } }', "`A`: a variable's name is small letters"),
        ('kind = "http", path = "/{nme}"', "path: speaks of {nme}, which nothing before it gives"),
        ('kind = "http", json = { deep = ["{code}"] }', "json.deep[1]: speaks of {code}"),
        ('kind = "http", expect_status = "200"', "expected a whole number or a list"),
        ('kind = "http", timeout_s = 0', "timeout_s: must be above 0"),
        ('kind = "command", command = []', "command: names no program"),
        ('kind = "command", command = "npm test"', "expected a list"),
        ('kind = "totp", secret = "JBSWY3DPEHPK3PXP"', "secret: is a credential: name one of the workflow's"),
        ('kind = "totp", secret = "{run}", algorithm = "md5"', "algorithm: `md5` is none"),
        ('kind = "mail", to = "a@b.c"', "name exactly one of imap and catcher"),
        (
            'kind = "mail", to = "a@b.c", imap = { host = "h", user = "u", password = "hunter2" }',
            "imap.password: is a credential",
        ),
        (
            'kind = "mail", to = "a@b.c", catcher = "http://h", capture = { a = { path = "x" } }',
            "capture from it by regex",
        ),
        ('kind = "roles", roles = []', "roles: names nobody"),
        ('kind = "roles", roles = [{ name = "a", status = 1 }, { name = "a", status = 2 }]', "`a` is there 2 times"),
    ],
)
def test_what_is_wrong_with_a_step_is_a_fault_with_its_place(step, fault):
    found = of_step(step)
    assert any(fault in each for each in found), found
    assert all("Book" in each or "workflows[1].steps[1]" in each for each in found)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('name = "Book"\nsite = "stagin"', "runs at site `stagin`, which does not exist; did you mean `staging`?"),
        ('name = "🚀"', "needs an id of small letters"),
        ('name = "A"\n[[workflows]]\nname = "a"', "`a` is there 2 times; give each an id of its own"),
        ('name = "Book"\nsteps = [{ kind = "http", name = "one" }]', "needs the address before it"),
        (
            'name = "B"\ncredentials = { a = { env = "A", file = "b" } }\nsteps = [{ kind = "manual", name = "one" }]',
            "name exactly one of env, file or command",
        ),
        (
            'name = "Book"\nsite = "staging"\nvariables = { run = "x" }\nsteps = [{ kind = "http", name = "one" }]',
            "`run` is there already",
        ),
        (
            'name = "Book"\nsteps = [{ kind = "manual", name = "one" }, { kind = "manual", name = "one" }]',
            "`one` is there 2 times; a step is known by its name",
        ),
    ],
)
def test_what_is_wrong_with_a_workflow_is_a_fault(text, fault):
    assert any(fault in each for each in faults_of(f"[[workflows]]\n{text}"))


def test_a_value_that_a_later_step_captures_is_not_known_before():
    use = '{ kind = "http", name = "use", path = "/{id}" }'
    get = '{ kind = "http", name = "get", capture = { id = { path = "id" } } }'
    head = '[[workflows]]\nname = "Book"\nsite = "staging"'
    assert any("{id}" in each for each in faults_of(f"{head}\nsteps = [{use}, {get}]"))
    assert parse_plan(f"{HEAD}{head}\nsteps = [{get}, {use}]").workflows[0].steps


def test_names_of_an_import_become_ids_that_differ():
    keys = [workflow.key for workflow in named(["Sign in", "Sign-in", "🚀", "🎉", "Sign in", "sign in 2"])]
    assert len(set(keys)) == len(keys) == 5
    assert keys[0] == "sign-in"
    assert all(key.isascii() for key in keys)


@pytest.mark.parametrize("name", ["workflow", "uat", "feed"])
def test_a_source_has_none_of_the_names_that_begin_signals_of_their_own(name):
    assert any("none of" in each for each in faults_of(f'[sources.{name}]\nkind = "http"\nurl = "https://a.example"'))


def test_a_credential_among_a_commands_arguments_is_warned_of():
    plan = parse_plan(
        HEAD
        + """
        [[workflows]]
        name = "Book"
        site = "staging"
        variables = { login = "ana:{pw}", who = "ana" }
        credentials = { pw = { env = "PW" } }
        steps = [
            { kind = "command", name = "tells", command = ["book", "{who}", "--as={login}", "-p{pw}{pw}"] },
            { kind = "command", name = "keeps", command = ["book", "{who}"], env = { PW = "{pw}" } },
        ]
        """
    )
    words = "has the credential {%s} among its arguments, which everybody on the host sees: use env"
    assert [str(fault) for fault in check_plan(plan) if "arguments" in fault.what] == [
        f"warning: workflow `Book`: `tells` {words % name}" for name in ("login", "pw")
    ]
