"""Writing an answer where a shell reads it: any encoding, colours where they are wanted, JSON.

Whatever a command prints goes through here, and here alone foreign text (a plan's, a person's, a server's) is made
safe: a title must not clear the screen of whoever runs `loom plan show`.
"""

from __future__ import annotations

import os
import re
import sys
from typing import NamedTuple

import click


class Styled(NamedTuple):
    """A text with a look of Loom's own."""

    text: str
    fg: str | None = None
    bold: bool = False


def speaks_unicode() -> bool:
    """Say whether standard output takes more than ASCII."""
    return "utf" in (sys.stdout.encoding or "").casefold()


def echo(*parts: str | Styled, err: bool = False) -> None:
    """Write a line; what the encoding lacks becomes a question mark, and colours go where nobody wants them."""
    encoding = (sys.stderr if err else sys.stdout).encoding or "ascii"
    text = "".join(map(_written, parts)).encode(encoding, "replace").decode(encoding)
    click.echo(text, err=err, color=False if os.environ.get("NO_COLOR") else None)


def _written(part: str | Styled) -> str:
    if isinstance(part, Styled):
        return click.style(safe(part.text), fg=part.fg, bold=part.bold or None)
    return safe(part)


def safe(text: str) -> str:
    """Make foreign text safe for one line, at its full length."""
    from loom_tui.widgets.lines import clean

    return clean(text, limit=len(text))


def echo_json(value: object, *, lines: bool = False) -> None:
    """Write a value as JSON, indented or (`lines`) in one line."""
    import msgspec

    text = escaped(msgspec.json.encode(value).decode())
    click.echo(text if lines else msgspec.json.format(text, indent=2))


def escaped(text: str) -> str:
    """Escape in JSON without indents what JSON itself leaves as it is and a terminal obeys; it reads as before."""
    from loom_tui.widgets.lines import UNSAFE

    return re.sub(UNSAFE, lambda found: "".join(map(_unit, found[0])), text)


def _unit(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
