"""A command of the team's: run to its end, judged by its exit code or by the report that it wrote."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from loom_tui.plan.sources.command import CommandSource
from loom_tui.room.checks import CheckResult, Step, encode_result
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import Asker, Errand
from loom_tui.sources.mask import LOOKED_THROUGH, Masked
from loom_tui.sources.process import Finished, run
from loom_tui.sources.report import Found, found_report, told, weighed
from loom_tui.sources.reports import Evidence

SHOWN_OUTPUT = 4000  # characters of the end of what it wrote: errors come last
MTIME_GRAIN_S = 2.0  # the coarsest file system's


def make(source: CommandSource, errand: Errand) -> CommandAsker:
    """Make an asker with the command's credentials. Raises CredentialMissing."""
    return CommandAsker(source, {name: errand.credential(secret) for name, secret in source.secrets.items()}, errand)


class CommandAsker(Asker):
    """Runs one command."""

    def __init__(self, source: CommandSource, secrets: Mapping[str, Masked], errand: Errand) -> None:
        self._source = source
        self._errand = errand
        self._command = source.run or ("/bin/sh", "-c", source.shell)
        self._shown = source.shell or shlex.join(source.run)
        self._environ = {
            **errand.environ,
            **source.environ,
            **{name: secret.reveal() for name, secret in secrets.items()},
        }
        self._hide = errand.mask.hide

    async def ask(self) -> Sequence[Reading]:
        """Run the command. Raises SourceTimeout at its deadline, SourceUnreachable where it cannot be started."""
        source = self._source
        directory = self._errand.directory / source.directory
        began = self._errand.clock()
        done = await run(
            self._command,
            directory=directory,
            environ=self._environ,
            timeout_s=source.timeout_s,
            name=source.label or self._errand.name,
        )
        step = self._step(done)
        if source.report is None:
            body = encode_result(CheckResult(steps=(step,), duration_ms=done.duration_ms))
            return [self._errand.reading(state=step.state, detail=step.detail, body=body)]
        found = self._believed(await asyncio.to_thread(self._found, done, began), done)
        return told(
            found,
            source.report,
            self._errand,
            steps=(step,),
            duration_ms=done.duration_ms,
        )

    def _believed(self, found: Found, done: Finished) -> Found:
        """Doubt a good report beside a bad end. 1 is how linters and test runners say that they found something."""
        if found.evidence.state is not State.OK or done.code in (self._source.expect_exit, 1):
            return found
        return _unknown(f"its report is good, but it ended with {done.code}: {found.evidence.detail}", found.written_at)

    def _step(self, done: Finished) -> Step:
        good = done.code == self._source.expect_exit
        how = f"ended by signal {-done.code}" if done.code < 0 else f"ended with {done.code}"
        output = b"\n".join(part for part in (done.stdout, done.stderr) if part.strip()).decode(errors="replace")
        return Step(
            name="run",
            state=State.OK if good else State.BAD,
            detail="" if good else f"{how}, expected {self._source.expect_exit}: {self._last_line(done)}",
            sent=self._shown,
            got=self._hide(output[-LOOKED_THROUGH:])[-SHOWN_OUTPUT:],
            duration_ms=done.duration_ms,
        )

    def _last_line(self, done: Finished) -> str:
        text = (done.stderr.strip() or done.stdout.strip()).decode(errors="replace")
        return self._hide(text[-LOOKED_THROUGH:]).splitlines()[-1][:200] if text else "it wrote nothing"

    def _found(self, done: Finished, began: float) -> Found:
        """Read the report that the command wrote in this run. Blocks."""
        report = self._source.report
        assert report is not None  # noqa: S101 - asked for by `ask`
        if not report.path:
            if done.cut:
                return _unknown("wrote more than can be read as a report", self._errand.clock())
            return weighed(report, done.stdout, written_at=self._errand.clock(), name="what it wrote")
        found = found_report(report, self._errand.directory / self._source.directory)
        if found.written_at is not None and found.written_at < began - MTIME_GRAIN_S:
            return _unknown(f"it wrote no new {report.path}: the one there is older than this run", None)
        return replace(found, written_at=found.written_at or self._errand.clock())


def _unknown(why: str, at: float | None) -> Found:
    return Found(evidence=Evidence(state=State.UNKNOWN, detail=why), written_at=at)
