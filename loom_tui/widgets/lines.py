"""Lines of text as values: what every pane is drawn with before a terminal is thought of.

A drawing is a list of `Line`s; a line is a tuple of `Span`s, each a text, a meaning (`Ink`) and a weight.
No hue is named here: `widgets/canvas.py` turns meanings into the theme's colours. Foreign text goes through
`clean`, so that no control character, bidirectional override or newline reaches a terminal; it is never markup.
Widths are terminal cells, not characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct
from rich.cells import cell_len, chop_cells, set_cell_size


class Ink(StrEnum):
    """What a text means. The theme says how it looks."""

    INK = "ink"
    FAINT = "faint"
    RULE = "rule"  # frames and rules: never a text
    ACCENT = "accent"
    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    WAIVED = "waived"


class Ground(StrEnum):
    """What a text lies on."""

    PANE = "pane"  # the pane's own ground
    SELECTED = "selected"  # the cursor's row in the focused pane
    FIELD = "field"  # an input
    PRODUCTION = "production"  # the environment's band
    STAGING = "staging"
    OK = "ok"  # a filled lamp: the gate's state in the header
    WARN = "warn"
    BAD = "bad"


class Span(NamedTuple):
    """A run of text with one meaning."""

    text: str
    ink: Ink = Ink.INK
    bold: bool = False
    ground: Ground = Ground.PANE


Line = tuple[Span, ...]
EMPTY: Line = ()

# C0 and C1 controls, soft hyphens, zero-width and bidirectional controls, line and paragraph separators, interlinear
# marks, tags and unpaired surrogates: nothing that moves a cursor, hides text or turns its direction.
FOREIGN_LIMIT = 20_000  # characters of one foreign text: some 250 lines, which nobody reads to their end
UNSAFE = (  # a text: to compile it takes 0.6 ms, and most rooms never meet one
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]+"
)


def clean(text: str, *, limit: int = 2000) -> str:
    """Make foreign text safe for one line: controls become a space, and it ends after `limit` characters."""
    if len(text) > limit:
        text = text[:limit] + "…"
    if text.isprintable():  # then there is none of them in it, and ASCII is normal
        return text if text.isascii() else unicodedata.normalize("NFC", text)
    return re.sub(UNSAFE, " ", unicodedata.normalize("NFC", text))


def width_of(line: Iterable[Span]) -> int:
    """Give a line's width in cells."""
    return sum(cell_len(span.text) for span in line)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Make a text exactly `width` cells wide: padded, or cut with an ellipsis. Cleans it first."""
    if width <= 0:
        return ""
    text = clean(text)
    size = cell_len(text)
    if size > width:
        return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width)
    pad = " " * (width - size)
    return pad + text if right else text + pad


def clip(line: Line, width: int) -> Line:
    """Make a line exactly `width` cells wide, cutting or padding its last spans."""
    out: list[Span] = []
    left = width
    for span in line:
        size = cell_len(span.text)
        if size > left:
            if left > 0:
                out.append(span._replace(text=fit(span.text, left)))
            return tuple(out)
        out.append(span)
        left -= size
    if left > 0:
        out.append(Span(" " * left))
    return tuple(out)


def spread(left: Line, right: Line, width: int) -> Line:
    """Put `left` at the left edge and `right` at the right one; the left gives way."""
    room = max(0, width - width_of(right))
    return clip((*clip(left, room), *right), width)


def rule(width: int) -> Line:
    """Draw a faint rule."""
    return (Span("┄" * width, Ink.RULE),)


class Column(Struct, frozen=True):
    """A table's column: its width in cells, and whether its figures stand at the right."""

    width: int
    right: bool = False


def cells(columns: Sequence[Column], spans: Sequence[Span], *, gap: int = 1) -> Line:
    """Lay one span a column, each made to fit, with `gap` blank cells between."""
    out: list[Span] = []
    for index, (column, span) in enumerate(zip(columns, spans, strict=True)):
        if index and gap:
            out.append(Span(" " * gap))
        out.append(span._replace(text=fit(span.text, column.width, right=column.right)))
    return tuple(out)


def on(line: Line, ground: Ground) -> Line:
    """Lay a whole line on another ground (the cursor's row)."""
    return tuple(span._replace(ground=ground) if span.ground is Ground.PANE else span for span in line)


def wrap(text: str, width: int) -> list[str]:
    """Break a text into lines of at most `width` cells, at its blanks."""
    lines: list[str] = []
    line = ""
    for word in clean(text).split():
        joined = f"{line} {word}".strip()
        if line and width_of((Span(joined),)) > width:
            lines.append(line)
            line = word
        else:
            line = joined
    return [*lines, line] if line else lines


def broken(text: str, width: int) -> Iterator[str]:
    """Break a foreign text of several lines into pieces of at most `width` cells; its own line ends stay."""
    for line in text[:FOREIGN_LIMIT].splitlines():
        yield from chop_cells(clean(line.expandtabs(4), limit=FOREIGN_LIMIT).rstrip(), max(1, width)) or [""]
    if len(text) > FOREIGN_LIMIT:
        yield f"… and {len(text) - FOREIGN_LIMIT:,} more characters"[: max(1, width)]
