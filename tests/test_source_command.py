"""A team's command as a check: judged by its end or its report, masked, bounded, and ended by its deadline."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from loom_tui.plan.sources.base import Secret
from loom_tui.plan.sources.command import CommandSource
from loom_tui.plan.sources.report import EslintReport, LastRunReport
from loom_tui.room.checks import decode_result
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import SourceTimeout, SourceUnreachable
from loom_tui.sources.build import build
from tests.errands import errand_of

PLANTED = "planted-4711-secret"


async def ask(directory: Path, source: CommandSource) -> dict[str, Reading]:
    asker = build(source, errand_of("lint", directory=directory, environ={"TOKEN": PLANTED, "PATH": "/usr/bin:/bin"}))
    try:
        return {reading.signal: reading for reading in await asker.ask()}
    finally:
        await asker.close()


def python(script: str, **more: object) -> CommandSource:
    return CommandSource(run=(sys.executable, "-c", script), **more)  # type: ignore[arg-type] # a test's own words


async def test_a_command_that_ends_well_is_ok_and_keeps_what_it_wrote(tmp_path):
    reading = (await ask(tmp_path, python("print('no type errors')")))["lint"]
    assert reading.state is State.OK
    result = decode_result(reading.body)
    assert result is not None
    assert result.steps[0].got.strip() == "no type errors"
    assert result.duration_ms is not None


@pytest.mark.parametrize(
    ("script", "detail"),
    [
        (
            "import sys; print('3 errors', file=sys.stderr); sys.exit(2)",
            "ended with 2, expected 0: 3 errors",
        ),
        ("import os; os.kill(os.getpid(), 9)", "ended by signal 9, expected 0: it wrote nothing"),
    ],
)
async def test_a_command_that_ends_badly_says_how_and_its_last_word(tmp_path, script, detail):
    reading = (await ask(tmp_path, python(script)))["lint"]
    assert (reading.state, reading.detail) == (State.BAD, detail)


async def test_another_exit_code_may_be_the_right_one(tmp_path):
    assert (await ask(tmp_path, python("raise SystemExit(3)", expect_exit=3)))["lint"].state is State.OK


async def test_a_line_for_the_shell_is_run_by_it_in_its_directory(tmp_path):
    (tmp_path / "web").mkdir()
    reading = (await ask(tmp_path, CommandSource(shell="pwd | grep -c web", directory="web")))["lint"]
    assert reading.state is State.OK


async def test_arguments_meet_no_shell(tmp_path):
    await ask(tmp_path, CommandSource(run=("echo", "$(touch pwned)", ";", "touch", "pwned")))
    assert list(tmp_path.iterdir()) == []


async def test_a_credential_reaches_the_command_and_no_output(tmp_path):
    script = "import os, sys; print(os.environ['KEY'], os.environ['TOKEN']); sys.exit(os.environ['KEY'])"
    readings = await ask(tmp_path, python(script, secrets={"KEY": Secret(env="TOKEN")}))
    assert readings["lint"].state is State.BAD
    assert b"\xe2\x80\xa2\xe2\x80\xa2" in readings["lint"].body
    assert PLANTED not in f"{readings}"
    assert PLANTED.encode() not in readings["lint"].body


async def test_a_report_on_its_output_is_the_verdict(tmp_path):
    report = '[{"filePath": "a.ts", "messages": [{"ruleId": "no-console", "severity": 1, "message": "m", "line": 3}]}]'
    script = f"import sys; print({report!r}); sys.exit(1)"
    source = python(script, report=EslintReport(rules={"console_calls": "no-console"}))
    readings = await ask(tmp_path, source)
    assert readings["lint"].state is State.OK
    assert readings["lint.console_calls"].value == 1.0


async def test_a_good_report_beside_a_bad_end_is_unknown(tmp_path):
    script = 'import sys; print(\'[{"filePath": "a", "messages": []}]\'); sys.exit(2)'
    reading = (await ask(tmp_path, python(script, report=EslintReport())))["lint"]
    assert reading.state is State.UNKNOWN
    assert "ended with 2" in reading.detail


async def test_a_command_that_crashed_before_its_report_is_unknown_and_shows_what_it_wrote(tmp_path):
    script = "import sys; print('Oops! No config', file=sys.stderr); sys.exit(2)"
    reading = (await ask(tmp_path, python(script, report=EslintReport())))["lint"]
    assert reading.state is State.UNKNOWN
    assert b"Oops! No config" in reading.body


async def test_a_report_of_an_earlier_run_is_not_this_run_s(tmp_path):
    import os

    (tmp_path / "last.json").write_text('{"status": "passed", "failedTests": []}', encoding="utf-8")
    os.utime(tmp_path / "last.json", (-1000, -1000))
    reading = (await ask(tmp_path, python("pass", report=LastRunReport(path="last.json"))))["lint"]
    assert reading.state is State.UNKNOWN
    assert "older than this run" in reading.detail


async def test_a_command_that_never_ends_is_ended_so_that_its_deadline_leaves_time_to_say_so(tmp_path):
    with pytest.raises(SourceTimeout, match=r"did not end within 0\.45 s"):
        await ask(tmp_path, python("import time; time.sleep(600)", timeout_s=0.5))


async def test_a_command_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(SourceUnreachable, match="`no-such-command-4711` cannot be started"):
        await ask(tmp_path, CommandSource(run=("no-such-command-4711",)))
