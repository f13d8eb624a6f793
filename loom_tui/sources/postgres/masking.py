"""Statements as others may see them: without the literals, which hold people's data, and without comments."""

from __future__ import annotations

import re

SHOWN = 500  # characters of a statement that are kept

# What a quote may open must be read in one pass: a quote within an identifier or a comment opens nothing.
_PARTS = re.compile(
    r"""
      (?P<name>"(?:[^"]|"")*"?)
    | (?P<literal>
        \b[eE]'(?:[^'\\]|\\.|'')*(?:'|$)
      | (?:\b[bBxXnN]|\b[uU]&)?'(?:[^']|'')*(?:'|$)
      | (?P<dollar>(?<![\w$])\$(?:[^\W\d]\w*)?\$).*?(?:(?P=dollar)|$)
      | (?<![\w$])\.?\d(?:[eE][+-]\d|[\w.])*
      )
    | (?P<comment>--[^\n]*|/\*.*?(?:\*/|$))
    """,
    re.VERBOSE | re.DOTALL,
)


def masked(statement: str) -> str:
    """Write a statement in one line with `?` for each literal; one that was cut short within a literal is masked too.

    Parameters ($1) stay. Comments go: tools write users and requests into them.
    """
    text = _PARTS.sub(_replacement, statement[: 20 * SHOWN])
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _replacement(match: re.Match[str]) -> str:
    if match["name"] is not None:
        return match["name"]
    return "?" if match["literal"] is not None else " "
