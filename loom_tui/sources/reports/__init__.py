"""Reports that other tools write, read for what they prove."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from loom_tui.plan.sources.report import (
    AnyReport,
    EslintReport,
    JunitReport,
    LastRunReport,
    LighthouseReport,
    PlaywrightReport,
)
from loom_tui.sources.reports.eslint import read_eslint
from loom_tui.sources.reports.evidence import Evidence, NoEvidence
from loom_tui.sources.reports.lighthouse import read_lighthouse
from loom_tui.sources.reports.suites import read_junit, read_last_run, read_playwright

__all__ = ["Evidence", "NoEvidence", "read_report"]

_READERS: dict[type[AnyReport], Callable[[bytes, Any], Evidence]] = {
    EslintReport: read_eslint,
    PlaywrightReport: read_playwright,
    JunitReport: read_junit,
    LastRunReport: read_last_run,
    LighthouseReport: read_lighthouse,
}


def read_report(report: AnyReport, body: bytes) -> Evidence:
    """Read a report's bytes. Raises NoEvidence. A size has none to read: see `sources/report.py`."""
    return _READERS[type(report)](body, report)
