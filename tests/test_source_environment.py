"""The environment's variables: what is wrong with them is told, what they hold never."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loom_tui.plan.faults import PlanFaults
from loom_tui.plan.sources.environment import EnvironmentSource, Variable
from loom_tui.plan.toml import parse_plan
from loom_tui.room.checks import decode_result
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import SourceError
from loom_tui.sources.build import build
from loom_tui.sources.forms import faults_of
from tests.errands import errand_of
from tests.keys import jwt

PLANTED = "planted-4711-secret"
NOW = 1_760_000_000.0


def source_of(**words: Any) -> EnvironmentSource:
    return msgspec.convert({"kind": "environment", "timeout_s": 5.0, **words}, EnvironmentSource)


async def ask(source: EnvironmentSource, environ: dict[str, str], directory: Path = Path()) -> dict[str, Reading]:
    asker = build(source, errand_of("env", environ=environ, now=NOW, directory=directory))
    readings = {reading.signal: reading for reading in await asker.ask()}
    shown = f"{readings!r} {msgspec.json.encode(readings)!r} {asker!r}"
    assert not [value for value in environ.values() if len(value) > 8 and value in shown]
    return readings


def details(reading: Reading) -> dict[str, str]:
    result = decode_result(reading.body)
    assert result is not None
    return {step.name: step.detail for step in result.steps}


@pytest.mark.parametrize(
    ("form", "well", "ill"),
    [
        ("url", "https://app.loom.test/x", "app.loom.test"),
        ("url", "http://10.0.0.7:3000", "postgres://h/d"),
        ("url", "https://[::1]:3000", "https://[::1"),
        ("dsn", "postgresql://u:p@db.loom.test:6543/postgres?sslmode=require", "db.loom.test"),
        ("sentry_dsn", "https://0a1b2c@o4507.ingest.sentry.io/4507", "https://o4507.ingest.sentry.io/4507"),
        ("sentry_dsn", "https://0a1b2c@o4507.ingest.sentry.io/4507", "https://0a1b2c@o4507.ingest.sentry.io/"),
        ("jwt", jwt(role="anon", exp=NOW + 9), "ey.ey.ey"),
        ("jwt", jwt(role="anon"), jwt(role="anon", exp=NOW - 9)),
        ("hex", "0aFF31", "0aFG31"),
        ("base64", "aGVsbG8td29ybGQ=", "hello world"),
        ("uuid", "0b6e9a1e-93c7-4f44-9c27-5a3a1a2b3c4d", "0b6e9a1e"),
        ("number", "-12.5", "12px"),
        ("boolean", "TRUE", "maybe"),
        ("email", "no-reply@loom.test", "no-reply"),
        ("json", '{"a": [1]}', "{a: 1}"),
        ("json", "1", "[" * 100_000),
    ],
)
def test_a_value_is_held_to_its_form(form, well, ill):
    variable = msgspec.convert({"name": "V", "form": form}, Variable)
    assert faults_of(variable, well, now=NOW) == []
    assert len(faults_of(variable, ill, now=NOW)) == 1


@pytest.mark.parametrize(
    "value",
    [
        "changeme",
        "CHANGE_ME",
        "your-key-here",
        "your_api_key",
        "sk_xxxxxxxx",
        "xxx",
        "https://example.com",
        "https://abc.example.com/path",
        "postgres://u:p@db.example/x",
        "<your dsn>",
        "${SECRET}",
        "{{ secret }}",
        "my-placeholder",
        "TODO",
        "undefined",
        "00000000",
        "********",
        "put_your_key",
    ],
)
def test_a_placeholder_is_recognised_and_not_repeated(value):
    faults = faults_of(Variable(name="V"), value, now=NOW)
    assert len(faults) == 1
    assert faults[0].startswith("is a placeholder (")
    assert value.casefold() not in faults[0].casefold()


@pytest.mark.parametrize(
    "value",
    [
        "Find your coach",
        "https://my-example.company.test",
        "a3f8xXx91bQ",
        "https://xexampled.test",
        "s3cr3t-Hq8",
        "https://loom.test/todos",
        "1",
        "production",
        "Enter your name",
    ],
)
def test_what_is_no_placeholder_is_not_called_one(value):
    assert faults_of(Variable(name="V"), value, now=NOW) == []


def test_length_pattern_and_spaces_around_are_told():
    variable = Variable(name="V", min_length=20, pattern="sk_.*")
    assert faults_of(variable, " pk_4711\n", now=NOW) == [
        "has spaces or a line's end around it",
        "is shorter than the 20 characters that the plan wants",
        "does not fit the plan's pattern",
    ]


@pytest.mark.parametrize("key", ["sb_secret_planted4711secret", jwt(role="service_role", exp=NOW + 9)])
def test_a_service_key_in_a_variable_that_browsers_get_is_told(key):
    assert "sent to every browser" in faults_of(Variable(name="NEXT_PUBLIC_KEY"), key, now=NOW)[0]
    assert faults_of(Variable(name="SUPABASE_SERVICE_ROLE_KEY"), key, now=NOW) == []


async def test_each_variable_is_a_step_that_says_what_is_wrong():
    source = source_of(
        variables=[
            {"name": "GOOD", "form": "hex", "min_length": 4, "secret": True},
            {"name": "MISSING"},
            {"name": "EMPTY"},
            {"name": "OPTIONAL", "required": False},
            {"name": "BAD", "form": "url"},
        ]
    )
    readings = await ask(source, {"GOOD": "0a1b2c3d4e5f", "EMPTY": " ", "BAD": PLANTED})
    assert readings["env"].state is State.BAD
    assert readings["env"].detail == "MISSING: is not set · EMPTY: is empty · BAD: is no http(s) URL"
    assert details(readings["env"])["GOOD"] == "is set and well-formed (hex)"
    assert details(readings["env"])["OPTIONAL"] == "is not set, and may be"


async def test_all_well_is_ok_and_counts_them():
    readings = await ask(source_of(variables=[{"name": "A"}, {"name": "B", "required": False}]), {"A": "4711aBc"})
    assert (readings["env"].state, readings["env"].detail) == (State.OK, "2 variables, 1 of them required")


async def test_a_dotenv_file_is_read_as_applications_read_it(tmp_path):
    (tmp_path / ".env.production").write_text(
        f"# comment\nexport A=\"{PLANTED}\" # end\nB='multi word'\nC=${{A}}\nbroken line\n", encoding="utf-8"
    )
    source = source_of(
        origin={"dotenv": ".env.production"},
        variables=[{"name": "A", "pattern": PLANTED}, {"name": "B"}, {"name": "C"}],
    )
    readings = await ask(source, {}, tmp_path)
    assert details(readings["env"]) == {
        "A": "is set and well-formed (text)",
        "B": "is set and well-formed (text)",
        "C": "is a placeholder (a hole to be filled in)",
    }


async def test_a_secret_that_is_the_same_in_staging_is_found_under_whatever_name(tmp_path):
    (tmp_path / "staging").write_text(f"KEY=other-{PLANTED}\nOLD={PLANTED}\nSAME=loom\n", encoding="utf-8")
    source = source_of(
        other={"label": "staging", "dotenv": "staging"},
        variables=[{"name": "KEY", "secret": True}, {"name": "NEW", "secret": True}, {"name": "SAME"}],
    )
    readings = await ask(source, {"KEY": f"ours-{PLANTED}", "NEW": PLANTED, "SAME": "loom"}, tmp_path)
    assert readings["env"].state is State.OK
    assert readings["env.reused"].state is State.BAD
    assert readings["env.reused"].detail == "NEW: is the same secret as OLD in staging"
    assert details(readings["env.reused"])["KEY"] == "is not there"
    assert PLANTED not in str(readings)


async def test_different_secrets_are_well_and_another_place_without_them_proves_nothing(tmp_path):
    (tmp_path / "staging").write_text("KEY=theirs\n", encoding="utf-8")
    (tmp_path / "wrong").write_text("UNRELATED=1\n", encoding="utf-8")
    variables = [{"name": "KEY", "secret": True}]
    well = await ask(source_of(other={"dotenv": "staging"}, variables=variables), {"KEY": PLANTED}, tmp_path)
    none = await ask(source_of(other={"dotenv": "wrong"}, variables=variables), {"KEY": PLANTED}, tmp_path)
    gone = await ask(source_of(other={"dotenv": "gone"}, variables=variables), {"KEY": PLANTED}, tmp_path)
    assert (well["env.reused"].state, well["env.reused"].detail) == (State.OK, "secrets compared: 1")
    assert (none["env.reused"].state, gone["env.reused"].state) == (State.UNKNOWN, State.UNKNOWN)
    assert "is it the right place?" in none["env.reused"].detail
    assert "gone cannot be read: No such file" in gone["env.reused"].detail
    assert gone["env"].state is State.OK


async def test_a_command_may_print_them():
    command = [sys.executable, "-c", f"print('A={PLANTED}')"]
    readings = await ask(source_of(origin={"command": command}, variables=[{"name": "A"}]), {"PATH": "/usr/bin"})
    assert readings["env"].state is State.OK
    assert PLANTED not in str(readings)


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        ({"dotenv": "gone"}, "gone cannot be read: No such file"),
        ({"dotenv": "binary"}, "binary cannot be read: it is not text"),
        ({"command": ["sh", "-c", f"echo A={PLANTED}; echo {PLANTED} >&2; exit 3"]}, "`sh` failed with code 3"),
        ({"command": ["true"]}, "`true` printed no variables"),
        ({"command": ["no-such-command-4711"]}, "cannot be started"),
        ({"command": ["sleep", "60"]}, "did not end within"),
    ],
)
async def test_a_place_that_cannot_be_read_is_told_and_nothing_of_it(tmp_path, caplog, capfd, origin, words):
    caplog.set_level(logging.DEBUG)
    (tmp_path / "binary").write_bytes(b"A=\xff\xfe")
    asker = build(
        source_of(origin=origin, variables=[{"name": "A"}], timeout_s=0.5),
        errand_of("env", environ={"PATH": "/usr/bin:/bin"}, directory=tmp_path),
    )
    with pytest.raises(SourceError, match=words) as caught:
        await asker.ask()
    assert PLANTED not in f"{caught.value!r} {caught.value.__cause__!r} {caplog.text} {capfd.readouterr()}"


async def test_nothing_of_a_hostile_file_is_shown(tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    text = f"A='{PLANTED}\n[/ {PLANTED}\nB=\x00\x1b[31m{PLANTED}\nC={'x' * 10_000}{PLANTED}\n={PLANTED}\n"
    (tmp_path / "env").write_text(text, encoding="utf-8")
    source = source_of(
        origin={"dotenv": "env"},
        other={"dotenv": "env", "label": "twin"},
        variables=[{"name": name, "form": "url", "secret": True} for name in "ABC"],
    )
    readings = await ask(source, {}, tmp_path)
    assert readings["env"].state is State.BAD
    assert PLANTED not in f"{readings!r} {caplog.text} {capfd.readouterr()}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names none"),
        ('variables = [{ name = "A" }, { name = "A" }]', "`A` is there 2 times"),
        ('variables = [{ name = "A B" }]', "cannot be a variable's name"),
        ('variables = [{ name = "A", pattern = "[" }]', "no regular expression"),
        ('variables = [{ name = "A", form = "jwz" }]', "did you mean `jwt`"),
        ('variables = [{ name = "A" }]\norigin = { dotenv = "a", command = ["b"] }', "not both"),
        ('variables = [{ name = "A" }]\nother = { dotenv = "a" }', "none is marked `secret = true`"),
        ('variables = [{ name = "A", secret = true }]\nother = {}', "the same place as origin"),
    ],
)
def test_a_plan_that_would_prove_nothing_is_told(text, words):
    with pytest.raises(PlanFaults) as caught:
        parse_plan(f'[plan]\nid = "p"\ntitle = "P"\n[sources.env]\nkind = "environment"\n{text}\n')
    assert words in str(caught.value)
