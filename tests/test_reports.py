"""What other tools' reports prove: recorded reports (tests/reports), and all the ways in which one proves nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loom_tui.plan.sources.report import (
    AnyReport,
    EslintReport,
    JunitReport,
    LastRunReport,
    LighthouseReport,
    PlaywrightReport,
    ReportSource,
    SizeReport,
)
from loom_tui.room.checks import decode_result
from loom_tui.room.signals import Reading, State
from loom_tui.sources.build import build
from loom_tui.sources.reports import NoEvidence, read_report
from tests.errands import errand_of

RECORDED = Path(__file__).parent / "reports"
ESLINT = EslintReport(
    rules={"any_types": "@typescript-eslint/no-explicit-any", "unused": "@typescript-eslint/no-unused-vars"}
)
SEO = LighthouseReport(at_least={"seo": 50})
WRITTEN_AT = 1_700_000_000.0


def recorded(name: str) -> bytes:
    return (RECORDED / name).read_bytes()


def lighthouse(**more: object) -> bytes:
    told = {"fetchTime": "2025-11-06T10:00:00.000Z", "categories": {"performance": {"score": 0.91}}, **more}
    return msgspec.json.encode(told)


def test_eslint_s_rules_are_counted_apart():
    evidence = read_report(ESLINT, recorded("eslint.json"))
    assert evidence.state is State.BAD
    assert evidence.values == {".errors": 4, ".warnings": 1, ".any_types": 2, ".unused": 1}
    assert evidence.detail == "4 errors, 1 warning in 2 files"
    assert any("no-explicit-any" in step.name and step.detail == "2 findings" for step in evidence.steps)
    assert any(step.name == "/app/src/b.js:1" and "Parsing error" in step.detail for step in evidence.steps)


@pytest.mark.parametrize(
    ("report", "state"),
    [
        (EslintReport(max_errors=4), State.OK),
        (EslintReport(max_errors=3), State.BAD),
        (EslintReport(max_errors=4, max_warnings=1), State.OK),
        (EslintReport(max_errors=4, max_warnings=0), State.BAD),
    ],
)
def test_the_plan_says_how_many_findings_are_too_many(report, state):
    assert read_report(report, recorded("eslint.json")).state is state


def test_playwright_s_tests_are_counted_by_outcome_and_the_failed_ones_told():
    evidence = read_report(PlaywrightReport(), recorded("playwright.json"))
    assert (evidence.state, evidence.detail) == (State.BAD, "1 passed, 1 failed, 1 flaky, 1 skipped")
    assert evidence.values == {".passed": 1, ".failed": 1, ".flaky": 1, ".skipped": 1}
    failed, flaky = evidence.steps
    assert failed.name == "login.spec.mjs › sign-in › refuses a wrong one"
    assert "login.spec.mjs:4  Error: expect(received)" in failed.detail
    assert "\x1b" not in failed.detail
    assert (flaky.state, flaky.detail.split()[0]) == (State.OK, "flaky")


def test_junit_tells_the_same_run_with_its_flaky_test_as_passed():
    evidence = read_report(JunitReport(), recorded("playwright.xml"))
    assert (evidence.state, evidence.detail) == (State.BAD, "2 passed, 1 failed, 1 skipped")
    assert evidence.steps[0].name == "login.spec.mjs › sign-in › refuses a wrong one"


def test_a_rerun_that_passed_is_flaky_where_junit_says_so():
    body = b'<testsuite><testcase name="a"><flakyFailure message="once"/></testcase><testcase name="b"/></testsuite>'
    evidence = read_report(JunitReport(), body)
    assert (evidence.state, evidence.detail) == (State.OK, "1 passed, 1 flaky")


def test_a_failed_last_run_is_bad_and_a_passed_one_good():
    assert read_report(LastRunReport(), recorded("last-run.json")).detail == "1 test failed in the last run"
    assert read_report(LastRunReport(), b'{"status": "passed", "failedTests": []}').state is State.OK


@pytest.mark.parametrize(
    ("least", "state"), [({"performance": 90}, State.OK), ({"performance": 92}, State.BAD), ({"seo": 1}, State.UNKNOWN)]
)
def test_lighthouse_s_scores_are_held_against_their_least(least, state):
    evidence = read_report(LighthouseReport(at_least=least), lighthouse())
    assert evidence.state is state
    assert evidence.written_at == 1_762_423_200.0


@pytest.mark.parametrize(
    ("report", "body", "why"),
    [
        (ESLINT, b"[]", "nothing was linted"),
        (ESLINT, b"Oops! Something went wrong", "not what ESLint writes"),
        (ESLINT, b'[{"filePath": 7}]', "not what ESLint writes"),
        (PlaywrightReport(), recorded("playwright-no-tests.json"), "No tests found"),
        (PlaywrightReport(), recorded("playwright-set-up.json"), "cannot set up"),
        (PlaywrightReport(min_tests=14), recorded("playwright.json"), "3 tests that ran; at least 14"),
        (PlaywrightReport(), b'{"suites": [], "stats": {"expected": 14}}', "0 tests that ran"),
        (PlaywrightReport(), recorded("playwright.json")[:-200], "not what Playwright"),
        (LastRunReport(), b'{"status": "failed", "failedTests": []}', "proves nothing"),
        (LastRunReport(), b'{"status": "passed", "failedTests": ["a"]}', "proves nothing"),
        (LastRunReport(), b'{"status": "interrupted", "failedTests": []}', "proves nothing"),
        (JunitReport(), b"<testsuites/>", "0 tests that ran"),
        (JunitReport(), b'<testsuite><testcase name="a"><skipped/></testcase></testsuite>', "0 tests that ran"),
        (JunitReport(), b"<html><body>busy</body></html>", "not JUnit"),
        (JunitReport(), b"<testsuites><testsuite", "no XML"),
        (JunitReport(), b"\xff\xfe<", "no XML"),
        (JunitReport(), b'<!DOCTYPE a [<!ENTITY b "c">]><testsuites>&b;</testsuites>', "document type"),
        (SEO, lighthouse(runtimeError={"code": "NO_FCP", "message": "no paint"}), "no paint"),
        (SEO, b"{}", "not what Lighthouse"),
    ],
)
def test_what_proves_nothing_says_why(report, body, why):
    with pytest.raises(NoEvidence, match=why):
        read_report(report, body)


@pytest.mark.parametrize("report", [ESLINT, PlaywrightReport(), JunitReport(), LastRunReport(), SEO])
@pytest.mark.parametrize(
    "body", [b"", b"null", b"[" * 50_000, b"\x00" * 100, b"<" * 50_000, b'{"suites": [{"specs": 1}]}']
)
def test_odd_bytes_are_no_evidence_and_no_crash(report, body):
    with pytest.raises(NoEvidence):
        read_report(report, body)


def test_a_null_score_is_unknown_and_never_zero():
    evidence = read_report(SEO, lighthouse(categories={"seo": {"score": None}}))
    assert (evidence.state, dict(evidence.values)) == (State.UNKNOWN, {})


async def ask(report: AnyReport, directory: Path, **errand: Any) -> dict[str, Reading]:
    asker = build(ReportSource(report=report), errand_of("e2e", directory=directory, now=WRITTEN_AT + 60, **errand))
    return {reading.signal: reading for reading in await asker.ask()}


def written(directory: Path, name: str, body: bytes) -> Path:
    path = directory / name
    path.write_bytes(body)
    os.utime(path, (WRITTEN_AT, WRITTEN_AT))
    return path


async def test_a_report_speaks_of_the_moment_at_which_it_was_written(tmp_path):
    written(tmp_path, "eslint.json", recorded("eslint.json"))
    readings = await ask(msgspec.structs.replace(ESLINT, path="eslint.json"), tmp_path)
    assert {reading.observed_at for reading in readings.values()} == {WRITTEN_AT}
    assert readings["e2e.any_types"].value == 2
    assert decode_result(readings["e2e"].body) is not None


async def test_a_report_s_own_time_comes_before_that_of_a_file_that_was_copied_later(tmp_path):
    body = b'<testsuite timestamp="2023-11-01T00:00:00Z"><testcase name="a"/></testsuite>'
    written(tmp_path, "junit.xml", body)
    readings = await ask(JunitReport(path="junit.xml"), tmp_path)
    assert readings["e2e"].observed_at == 1_698_796_800.0


@pytest.mark.parametrize(("deployed_at", "state"), [(WRITTEN_AT - 1, State.OK), (WRITTEN_AT + 1, State.UNKNOWN)])
async def test_a_report_from_before_the_deploy_proves_nothing_of_it(tmp_path, deployed_at, state):
    written(tmp_path, "last.json", b'{"status": "passed", "failedTests": []}')
    readings = await ask(LastRunReport(path="last.json"), tmp_path, changes=lambda: {"deploy": deployed_at})
    assert readings["e2e"].state is state


async def test_figures_of_a_report_from_before_the_deploy_are_not_told(tmp_path):
    written(tmp_path, "pw.json", recorded("playwright.json"))
    later = WRITTEN_AT * 2
    readings = await ask(PlaywrightReport(path="pw.json"), tmp_path, changes=lambda: {"deploy": later})
    assert readings["e2e.failed"].value is None
    assert "written before the deploy" in readings["e2e"].detail


async def test_a_report_that_is_not_there_or_cannot_be_read_is_unknown(tmp_path):
    readings = await ask(LastRunReport(path="last.json"), tmp_path)
    assert readings["e2e"].state is State.UNKNOWN
    assert readings["e2e"].detail == "There is no last.json yet; the tool that writes it has not run here"
    readings = await ask(LastRunReport(path="."), tmp_path)
    assert readings["e2e"].detail == ". cannot be read: Is a directory"


async def test_a_secret_in_a_report_is_masked(tmp_path):
    planted = "planted-4711-secret"
    body = f'<testsuite><testcase name="{planted}"><failure message="Bearer {planted}"/></testcase></testsuite>'
    written(tmp_path, "junit.xml", body.encode())
    readings = await ask(JunitReport(path="junit.xml"), tmp_path, environ={"API_TOKEN": planted})
    assert readings["e2e"].state is State.BAD
    assert planted not in f"{readings}"
    assert planted.encode() not in readings["e2e"].body


async def test_sizes_of_a_build_are_added_up(tmp_path):
    (tmp_path / "dist" / "deep").mkdir(parents=True)
    written(tmp_path, "dist/a.js", b"x" * 300)
    written(tmp_path, "dist/deep/b.js", b"x" * 700)
    written(tmp_path, "dist/c.css", b"x" * 5000)
    readings = await ask(SizeReport(path="dist/**/*.js", max_bytes=1000), tmp_path)
    assert (readings["e2e"].state, readings["e2e.bytes"].value) == (State.OK, 1000.0)
    readings = await ask(SizeReport(path="dist/**/*.js", max_bytes=999), tmp_path)
    assert readings["e2e"].state is State.BAD
    readings = await ask(SizeReport(path="build/**/*.js", max_bytes=999), tmp_path)
    assert (readings["e2e"].state, readings["e2e.bytes"].value) == (State.UNKNOWN, None)
