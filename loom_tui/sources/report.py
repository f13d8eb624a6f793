"""A report's file: read when it changed, and believed only if it is younger than the deploy that it should prove."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from glob import glob
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from loom_tui.files import read_file
from loom_tui.plan.sources.report import AnyReport, ReportSource, SizeReport
from loom_tui.room.checks import CheckResult, Step, encode_result
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import Asker, Errand
from loom_tui.sources.reports import Evidence, NoEvidence, read_report

MAX_REPORT_BYTES = 50_000_000
MAX_FILES = 100_000  # that a pattern may match


def make(source: ReportSource, errand: Errand) -> ReportAsker:
    """Make an asker; it needs no credential."""
    return ReportAsker(source, errand)


class ReportAsker(Asker):
    """Reads one report."""

    def __init__(self, source: ReportSource, errand: Errand) -> None:
        self._source = source
        self._errand = errand

    async def ask(self) -> Sequence[Reading]:
        """Read the report as it is now. One that is not there, or proves nothing, is unknown."""
        found = await asyncio.to_thread(found_report, self._source.report, self._errand.directory)
        return told(found, self._source.report, self._errand)


class Found(Struct, frozen=True, kw_only=True):
    """What a report was found to say, and when it was written (None where there is no report)."""

    evidence: Evidence
    written_at: float | None


def found_report(report: AnyReport, directory: Path) -> Found:
    """Read a report's file, or add up the sizes of those that its pattern matches. Blocks."""
    try:
        if isinstance(report, SizeReport):
            return _measured(report, directory)
        path = directory / report.path
        body = read_file(path, most_bytes=MAX_REPORT_BYTES)
        return weighed(report, body, written_at=path.stat().st_mtime, name=report.path)
    except FileNotFoundError:
        return _nothing(f"There is no {report.path} yet; the tool that writes it has not run here")
    except OSError as error:
        return _nothing(f"{report.path} cannot be read: {error.strerror}")
    except NoEvidence as error:
        return _nothing(f"{report.path} {error}")


def weighed(report: AnyReport, body: bytes, *, written_at: float, name: str) -> Found:
    """Read a report's bytes. Its own word on when it was written comes before that of its file."""
    try:
        evidence = read_report(report, body)
    except NoEvidence as error:
        unknown = Evidence(state=State.UNKNOWN, detail=f"{name} {error}")
        return Found(evidence=unknown, written_at=written_at)
    own = evidence.written_at
    return Found(evidence=evidence, written_at=min(own, written_at) if own is not None else written_at)


def told(
    found: Found,
    report: AnyReport,
    errand: Errand,
    *,
    steps: tuple[Step, ...] = (),
    duration_ms: float | None = None,
) -> list[Reading]:
    """Tell what a report says as readings of the moment at which it was written; one before the deploy is unknown."""
    evidence, at = found.evidence, found.written_at
    deployed_at = errand.changes().get("deploy")
    if at is not None and deployed_at is not None and at < deployed_at and evidence.state is not State.UNKNOWN:
        detail = f"written before the deploy, of which it proves nothing ({evidence.detail})"
        evidence = replace(evidence, state=State.UNKNOWN, detail=detail)
    body = encode_result(CheckResult(steps=(*steps, *evidence.steps), duration_ms=duration_ms))
    known = evidence.state is not State.UNKNOWN
    return [
        errand.reading(at=at, state=evidence.state, detail=evidence.detail, body=body),
        *(
            errand.reading(
                row.suffix,
                at=at,
                state=State.OK if known and row.suffix in evidence.values else State.UNKNOWN,
                value=evidence.values.get(row.suffix) if known else None,
                detail="" if known else evidence.detail,
            )
            for row in report.rows()
        ),
    ]


def _measured(report: SizeReport, directory: Path) -> Found:
    paths = [path for path in _matching(report.path, directory) if path.is_file()]
    if not paths:
        return _nothing(f"Nothing matches {report.path}; the build has not run here")
    stats = [path.stat() for path in paths]
    size = sum(stat.st_size for stat in stats)
    state = State.OK if size <= report.max_bytes else State.BAD
    detail = f"{size:,} bytes in {len(paths):,} files, at most {report.max_bytes:,} are wanted"
    return Found(
        evidence=Evidence(state=state, detail=detail, values={".bytes": float(size)}),
        written_at=max(stat.st_mtime for stat in stats),
    )


def _matching(pattern: str, directory: Path) -> list[Path]:
    found = glob(pattern, root_dir=directory, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    if len(found) > MAX_FILES:
        raise NoEvidence(f"matches more than {MAX_FILES:,} files")
    return [directory / name for name in found]


def _nothing(why: str) -> Found:
    return Found(evidence=Evidence(state=State.UNKNOWN, detail=why), written_at=None)
