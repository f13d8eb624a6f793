"""Foreign text in Markdown: shown as it reads, whatever it holds, and never markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

_MARKUP = re.compile(r"[\\`*\[\]<>|#~&]|(?<!\w)_|_(?!\w)")


def plain(text: str) -> str:
    """Write a text in one line, with what Markdown would take for markup escaped."""
    return _MARKUP.sub(lambda found: f"\\{found[0]}", " ".join(text.split()))


def code(text: str) -> str:
    """Write a name as code; it cannot end it early."""
    return f"`{' '.join(text.split()).replace('`', chr(39)).replace('|', '/')}`" if text.strip() else ""


def moment(at: float | None) -> str:
    """Write a moment in UTC, to the second: who reads it years later knows no zone of ours."""
    if at is None:
        return ""
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):  # a clock that was very wrong
        return f"{at:.0f} s"


def facts(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    """List what is known, a line each; what is empty is left out. The values are Markdown already."""
    for name, value in pairs:
        if value:
            yield f"- {name}: {value}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Draw a table. The cells are Markdown already."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join('---' for _ in head)}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
