"""Reports that other tools write, as a plan names them: what is read in them, and what would be bad."""

from collections.abc import Iterator
from typing import ClassVar

from loom_tui.plan.kinds import Kind, Row
from loom_tui.plan.sources.base import Asked
from loom_tui.plan.value import Value


class Report(Value, frozen=True, kw_only=True, tag_field="format"):
    """A report. `path` begins at the plan's directory; a command's report may come on its standard output instead."""

    path: str = ""

    def rows(self) -> Iterator[Row]:
        """List the figures that it gives."""
        yield from ()

    def faults(self) -> Iterator[tuple[str, str]]:
        """List what is wrong with it, each with the key that holds it."""
        yield from ()


class EslintReport(Report, frozen=True, kw_only=True, tag="eslint"):
    """ESLint's `-f json`. `rules` counts some rules apart: `any_types = "@typescript-eslint/no-explicit-any"`."""

    max_errors: int = 0
    max_warnings: int | None = None
    rules: dict[str, str] = {}

    def rows(self) -> Iterator[Row]:
        """List errors, warnings, and each rule that is counted apart."""
        yield Row(".errors", Kind.NUMBER, "errors")
        yield Row(".warnings", Kind.NUMBER, "warnings")
        for name in self.rules:
            yield Row(f".{name}", Kind.NUMBER, name)


class _TestReport(Report, frozen=True, kw_only=True):
    """A test suite's report: fewer than `min_tests` that ran are no evidence."""

    min_tests: int = 1

    def rows(self) -> Iterator[Row]:
        """List the tests by their outcome."""
        for word in ("passed", "failed", "flaky", "skipped"):
            yield Row(f".{word}", Kind.NUMBER, word)


class PlaywrightReport(_TestReport, frozen=True, kw_only=True, tag="playwright"):
    """Playwright's JSON reporter."""


class JunitReport(_TestReport, frozen=True, kw_only=True, tag="junit"):
    """JUnit's XML, as most runners write it."""


class LastRunReport(Report, frozen=True, kw_only=True, tag="last-run"):
    """Playwright's `.last-run.json`: passed or failed, and nothing of how many."""


class LighthouseReport(Report, frozen=True, kw_only=True, tag="lighthouse"):
    """Lighthouse's JSON. `at_least` sets the scores (0 to 100) that its categories must reach."""

    at_least: dict[str, float]

    def rows(self) -> Iterator[Row]:
        """List the scores that are asked for."""
        for category in self.at_least:
            yield Row(f".{category.replace('-', '_')}", Kind.NUMBER, category)

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold it to ask for a score."""
        if not self.at_least:
            yield "at_least", "is empty; name a category and the score (0 to 100) that it must reach"


class SizeReport(Report, frozen=True, kw_only=True, tag="size"):
    """The size of what a build wrote: `path` may be a pattern ("dist/**/*.js"), whose files are added up."""

    max_bytes: int

    def rows(self) -> Iterator[Row]:
        """List the size."""
        yield Row(".bytes", Kind.NUMBER, "size", "B")


AnyReport = EslintReport | PlaywrightReport | JunitReport | LastRunReport | LighthouseReport | SizeReport


class ReportSource(Asked, frozen=True, kw_only=True, tag="report"):
    """A report that another tool writes into a file. It speaks of the moment at which it was written."""

    GROUP: ClassVar[str] = "reports"

    report: AnyReport
    ttl_s: float | None = 86_400.0

    def rows(self) -> Iterator[Row]:
        """List the report's verdict and its figures."""
        yield Row("", Kind.CHECK)
        yield from self.report.rows()

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold it to name a file."""
        if not self.report.path:
            yield "report.path", "is empty; name the file that the tool writes"
        for key, what in self.report.faults():
            yield f"report.{key}", what
