"""A command of the team's, as a plan names it."""

from collections.abc import Iterator
from typing import ClassVar

from loom_tui.plan.kinds import Kind, Row
from loom_tui.plan.sources.base import Asked, Secret
from loom_tui.plan.sources.report import AnyReport, SizeReport


class CommandSource(Asked, frozen=True, kw_only=True, tag="command"):
    """A command, run on demand unless it has an interval. `run` is a list of arguments; `shell` a line for sh.

    It is ok when it ends with `expect_exit`, or when the report that it writes is.
    """

    GROUP: ClassVar[str] = "commands"

    run: tuple[str, ...] = ()
    shell: str = ""
    directory: str = ""  # from the plan's directory
    environ: dict[str, str] = {}
    secrets: dict[str, Secret] = {}  # environment variables that hold a credential
    expect_exit: int = 0
    report: AnyReport | None = None
    interval_s: float = 0.0
    timeout_s: float = 300.0

    def rows(self) -> Iterator[Row]:
        """List the command's own check, and its report's figures."""
        yield Row("", Kind.CHECK)
        if self.report is not None:
            yield from self.report.rows()

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold it to one command."""
        if bool(self.run) == bool(self.shell):
            yield "", "name the command by exactly one of run (a list of arguments) and shell (a line for sh)"
        if isinstance(self.report, SizeReport) and not self.report.path:
            yield "report.path", "is empty; name the files whose size counts"
        for key, what in self.report.faults() if self.report is not None else ():
            yield f"report.{key}", what
