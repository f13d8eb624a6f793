"""ESLint's `-f json`: a list of files with their messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from loom_tui.plan.sources.report import EslintReport
from loom_tui.room.checks import Step
from loom_tui.room.signals import State
from loom_tui.sources.reports.evidence import SHOWN, Evidence, NoEvidence, counted

ERROR = 2


class _Message(Struct, rename="camel"):
    message: str
    severity: int
    rule_id: str | None = None  # null for a file that could not be parsed
    line: int = 0


class _File(Struct, rename="camel"):
    file_path: str
    messages: list[_Message]


_DECODER: msgspec.json.Decoder[list[_File]] = msgspec.json.Decoder(list[_File])


def read_eslint(body: bytes, report: EslintReport) -> Evidence:
    """Count errors, warnings and the rules that the plan counts apart. A run over no file proves nothing."""
    try:
        files = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NoEvidence("is not what ESLint writes with -f json") from None
    if not files:
        raise NoEvidence("tells of no file: nothing was linted")
    messages = [message for file in files for message in file.messages]
    errors = sum(message.severity == ERROR for message in messages)
    warnings = len(messages) - errors
    by_rule = Counter(message.rule_id for message in messages)
    good = errors <= report.max_errors and (report.max_warnings is None or warnings <= report.max_warnings)
    return Evidence(
        state=State.OK if good else State.BAD,
        detail=f"{counted(errors, 'error')}, {counted(warnings, 'warning')} in {counted(len(files), 'file')}",
        values={".errors": errors, ".warnings": warnings}
        | {f".{name}": by_rule[rule] for name, rule in report.rules.items()},
        steps=tuple(_steps(files, by_rule)),
    )


def _steps(files: Sequence[_File], by_rule: Counter[str | None]) -> Iterator[Step]:
    """Tell the rules by how often they were broken, then the first errors with their places."""
    for rule, count in by_rule.most_common(SHOWN):
        yield Step(name=rule or "could not be parsed", state=State.BAD, detail=counted(count, "finding"))
    errors = ((file, each) for file in files for each in file.messages if each.severity == ERROR)
    for _, (file, each) in zip(range(SHOWN), errors, strict=False):
        place = f"{file.file_path}:{each.line}"
        yield Step(name=place, state=State.BAD, detail=f"{each.message[:200]} ({each.rule_id or 'no rule'})")
