"""Test suites' reports: Playwright's JSON and `.last-run.json`, JUnit's XML."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

import msgspec
from msgspec import Struct

from loom_tui.plan.sources.report import JunitReport, LastRunReport, PlaywrightReport
from loom_tui.room.checks import Step
from loom_tui.room.signals import State
from loom_tui.sources.reports.evidence import SHOWN, Evidence, NoEvidence, counted
from loom_tui.sources.times import moment

MAX_DEPTH = 50  # of suites in suites
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class _Told(Struct):
    message: str = ""


class _Result(Struct):
    error: _Told | None = None


class _Test(Struct):
    status: str = "unexpected"  # expected, unexpected, flaky, skipped
    results: list[_Result] = []


class _Spec(Struct):
    title: str
    tests: list[_Test]
    file: str = ""
    line: int = 0


class _Suite(Struct):
    title: str = ""
    specs: list[_Spec] = []
    suites: list[_Suite] = []


class _Stats(Struct, rename="camel"):
    start_time: str = ""
    duration: float = 0.0  # ms


class _Playwright(Struct):
    suites: list[_Suite]
    stats: _Stats
    errors: list[_Told] = []


_OUTCOMES = {"expected": "passed", "unexpected": "failed", "flaky": "flaky", "skipped": "skipped"}
_PLAYWRIGHT: msgspec.json.Decoder[_Playwright] = msgspec.json.Decoder(_Playwright)


def read_playwright(body: bytes, report: PlaywrightReport) -> Evidence:
    """Count the specs' tests by outcome. Errors of the set-up, or too few tests, prove nothing."""
    try:
        found = _PLAYWRIGHT.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NoEvidence("is not what Playwright's JSON reporter writes") from None
    if found.errors:
        raise NoEvidence(f"tells of a set-up that failed: {_first_line(found.errors[0].message)}")
    tests = [
        _Case(f"{path} › {spec.title}", _OUTCOMES.get(test.status, "failed"), _words(spec, test))
        for path, spec in _specs(found.suites, "", MAX_DEPTH)
        for test in spec.tests
    ]
    started = moment(found.stats.start_time, zone=None)
    written_at = started + found.stats.duration / 1000 if started is not None else None
    return _evidence(tests, report.min_tests, written_at)


class _LastRun(Struct, rename="camel"):
    status: str
    failed_tests: list[str]


_LAST_RUN: msgspec.json.Decoder[_LastRun] = msgspec.json.Decoder(_LastRun)


def read_last_run(body: bytes, _: LastRunReport) -> Evidence:
    """Read whether the last run passed; how many tests ran, it does not say."""
    try:
        found = _LAST_RUN.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NoEvidence("is not Playwright's .last-run.json") from None
    failed = len(found.failed_tests)
    if found.status == "passed" and not failed:
        return Evidence(state=State.OK, detail="the last run passed; how many tests ran is not said")
    if found.status != "failed" or not failed:
        raise NoEvidence(f"says `{found.status[:40]}` with {counted(failed, 'failed test')}, which proves nothing")
    return Evidence(state=State.BAD, detail=f"{counted(failed, 'test')} failed in the last run")


def read_junit(body: bytes, report: JunitReport) -> Evidence:
    """Count the test cases by outcome. A flaky one (it failed, then passed) is neither a failure nor a skip."""
    try:
        text = body.decode()
        if "<!DOCTYPE" in text or "<!ENTITY" in text:  # no runner writes them, and they are how XML attacks
            raise NoEvidence("holds a document type, which no JUnit report does")
        root = ET.fromstring(text)  # noqa: S314 - entities are refused above
    except (UnicodeDecodeError, ET.ParseError, ValueError, RecursionError):
        raise NoEvidence("is no XML") from None
    if root.tag not in ("testsuites", "testsuite"):
        raise NoEvidence("is not JUnit's XML")
    tests = [
        _Case(f"{case.get('classname', '')} › {case.get('name', '')}", _junit_outcome(case), _junit_words(case))
        for case in root.iter("testcase")
    ]
    starts = [moment(suite.get("timestamp", ""), zone=None) for suite in root.iter("testsuite")]
    known = [at for at in starts if at is not None]
    return _evidence(tests, report.min_tests, max(known) if known else None)


class _Case(Struct, frozen=True):
    name: str
    outcome: str
    detail: str


def _evidence(tests: Sequence[_Case], min_tests: int, written_at: float | None) -> Evidence:
    count = Counter(test.outcome for test in tests)
    ran = len(tests) - count["skipped"]
    if ran < max(1, min_tests):
        raise NoEvidence(f"tells of {counted(ran, 'test')} that ran; at least {max(1, min_tests)} are wanted")
    shown = [test for test in tests if test.outcome in ("failed", "flaky")][:SHOWN]
    words = [f"{count[word]:,} {word}" for word in ("passed", "failed", "flaky", "skipped") if count[word]]
    return Evidence(
        state=State.BAD if count["failed"] else State.OK,
        detail=", ".join(words),
        values={f".{word}": float(count[word]) for word in ("passed", "failed", "flaky", "skipped")},
        steps=tuple(
            Step(
                name=test.name[:200],
                state=State.BAD if test.outcome == "failed" else State.OK,
                detail=f"{test.outcome}  {test.detail}",
            )
            for test in shown
        ),
        written_at=written_at,
    )


def _specs(suites: Sequence[_Suite], path: str, depth: int) -> Iterator[tuple[str, _Spec]]:
    for suite in suites if depth else ():
        inner = f"{path} › {suite.title}" if path else suite.title
        for spec in suite.specs:
            yield inner, spec
        yield from _specs(suite.suites, inner, depth - 1)


def _words(spec: _Spec, test: _Test) -> str:
    error = next((result.error for result in test.results if result.error is not None), None)
    return f"{spec.file}:{spec.line}" + (f"  {_first_line(error.message)}" if error is not None else "")


def _junit_outcome(case: ET.Element) -> str:
    tags = {child.tag for child in case}
    if tags & {"failure", "error"}:
        return "failed"
    if "skipped" in tags:
        return "skipped"
    return "flaky" if tags & {"flakyFailure", "flakyError"} else "passed"


def _junit_words(case: ET.Element) -> str:
    told = next((child for child in case if child.tag in ("failure", "error", "flakyFailure", "flakyError")), None)
    return _first_line(told.get("message") or told.text or "") if told is not None else ""


def _first_line(text: str) -> str:
    lines = _COLOURS.sub("", text).strip().splitlines()
    return lines[0][:200] if lines else "no words"
