"""What docs/plan.md and the editors' schema say of a plan is what Loom reads."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tomli
from jsonschema import Draft202012Validator

from loom_tui.plan.schema import plan_schema
from loom_tui.plan.toml import dump_plan, parse_plan
from tests.samples import sample_plan
from tests.shell import loom

HERE = Path(__file__).resolve().parent.parent
PAGE = HERE / "docs" / "plan.md"
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
BUNDLED = HERE / "loom_tui" / "config" / "sprint07.toml"


def whole(example: str) -> str:
    """Give an example the one table that every plan must have."""
    return example if "[plan]" in example else f'[plan]\ntitle = "Example"\n\n{example}'


def as_json(text: str) -> Any:
    """Read TOML as an editor's schema checker does: dates and times are text."""
    return json.loads(json.dumps(tomli.loads(text), default=lambda value: value.isoformat()))


def test_every_key_of_every_kind_is_documented_and_none_is_that_is_not_there() -> None:
    done = subprocess.run(
        (sys.executable, "docs/plan_tables.py", "--check"),
        cwd=HERE,
        env={"PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_key_without_meaning_and_a_stale_default_are_told(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    for before, after, told in (
        ("| What is asked with GET. |", "| |", "does not say what `url` of HttpSource means"),
        ("| `expect_status` | whole number | `200` |", "| `expect_status` | whole number | `201` |", "is stale"),
        ("<!-- keys of HttpSource -->", "", "is stale"),
    ):
        assert before in text
        (tmp_path / "plan.md").write_text(text.replace(before, after, 1), encoding="utf-8")
        script = tmp_path / "plan_tables.py"
        script.write_bytes((HERE / "docs" / "plan_tables.py").read_bytes())
        done = subprocess.run(
            (sys.executable, str(script), "--check"),
            env={"PYTHONPATH": str(HERE)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1
        assert told in done.stderr


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.strip().partition("\n")[0])
def test_each_example_of_the_page_is_a_plan(example: str) -> None:
    parse_plan(whole(example))


@pytest.mark.parametrize(
    "text",
    [BUNDLED.read_text(encoding="utf-8"), dump_plan(sample_plan()), *map(whole, EXAMPLES)],
)
def test_the_schema_takes_what_loom_takes(text: str) -> None:
    schema = plan_schema()
    Draft202012Validator.check_schema(schema)
    assert list(Draft202012Validator(schema).iter_errors(as_json(text))) == []


@pytest.mark.parametrize(
    "text",
    [
        '[plan]\ntitle = "t"\ncolour = "red"',
        "[plan]\ntitle = 3",
        '[plan]\nsprint = "no title"',
        '[plan]\ntitle = "t"\n[sources.app]\nkind = "telepathy"',
        '[plan]\ntitle = "t"\n[sources.app]\nkind = "http"',
        '[plan]\ntitle = "t"\n[[risks]]\ntext = "r"\ntrigger = { signal = "app", is_ = "bad" }',
    ],
)
def test_the_schema_refuses_what_loom_refuses(text: str) -> None:
    assert list(Draft202012Validator(plan_schema()).iter_errors(as_json(text)))


def test_the_schema_is_printed_for_an_editor(tmp_path: Path) -> None:
    assert json.loads(loom(tmp_path, "plan", "schema").stdout) == json.loads(json.dumps(plan_schema()))
