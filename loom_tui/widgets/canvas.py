"""The widget under every pane: it draws Lines, and on a change repaints only the cells that changed.

Textual repaints a widget's whole region when its content is updated; over SSH that is most of what a wall costs.
Here a new drawing is compared cell by cell with what is shown, and only the runs that differ are refreshed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Protocol, cast

from rich.cells import cell_len, get_character_cell_size
from rich.segment import Segment
from textual.events import Resize
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from loom_tui.widgets.lines import EMPTY, Line, clip
from loom_tui.widgets.text import Pen
from loom_tui.widgets.theme import style_of_span

_NEAR = 6  # two changed runs closer than this are cheaper as one: moving the cursor takes about as many bytes


class _Room(Protocol):
    """What a canvas needs of its app."""

    pen: Pen
    dark: bool
    no_color: bool


# Letters and signs none of which takes no cell: where such a text has as many cells as characters, each takes one.
_NO_MARKS = "[ -~\u00a0-\u00ac\u00ae-\u02ff\u2010-\u2027\u2030-\u205f\u2070-\u20cf\u2100-\u2bff]*"

# What the frames, rules and charts are drawn with, where a terminal has ASCII alone. One cell for one.
_PLAIN = str.maketrans(
    {
        sign: plain
        for signs, plain in (
            ("╭╮╰╯┌┐└┘├┤┬┴┼", "+"),
            ("─┄┅┈┉╌·–—−", "-"),
            ("│┃┆┊║", "|"),
            ("━═█", "="),
            ("╍", "~"),
            ("▼↓", "v"),
            ("▲↑", "^"),
            ("▶→", ">"),
            ("◀←", "<"),
            ("◆", "*"),
            ("◇○●", "o"),
            ("◐", "~"),
            ("◌", "?"),
            ("✖×", "x"),
            ("▁", "."),
            ("▂▃", ":"),
            ("▄▅", "+"),
            ("▆▇▓", "#"),
            ("░…", "."),
            ("▒", "%"),
            ("’‘", "'"),
            ("“”", '"'),
            ("\u2800", " "),
        )
        for sign in signs
    }
    | {"≤": "<", "≥": ">"}
)


class Canvas(Widget):
    """Draws what `paint` gives. Subclasses keep the values that `paint` reads, and call `redraw` when they change."""

    DEFAULT_CSS = "Canvas { background: $background; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id, classes=classes)
        self._drawn: list[Line] = []
        self._strips: dict[int, Strip] = {}
        self._dark = True  # the look of the strips

    @property
    def pen(self) -> Pen:
        """How this terminal is written on."""
        return cast("_Room", self.app).pen

    def paint(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - for subclasses
        """Draw the lines for a size in cells. Pure: reads the widget's values and changes nothing."""
        return ()

    def redraw(self) -> None:
        """Draw anew, and refresh the cells that differ from what is shown."""
        width, height = self.size
        if not (self.is_attached and width and height):
            return
        drawn = self._fitted(width, height)
        regions = []
        for y, (old, new) in enumerate(zip(self._drawn, drawn, strict=False)):
            if old != new:
                self._strips.pop(y, None)
                regions += [Region(x, y, end - x, 1) for x, end in changed_runs(old, new)]
        whole = len(self._drawn) != len(drawn)
        self._drawn = drawn
        if whole:
            self._strips.clear()
            self.refresh()
        elif regions:
            self.refresh(*regions)

    def on_resize(self, _: Resize) -> None:
        """Draw for the new size."""
        self._drawn = []
        self.redraw()

    def render_line(self, y: int) -> Strip:
        """Give one line to Textual."""
        dark = cast("_Room", self.app).dark
        if dark != self._dark:
            self._dark = dark
            self._strips.clear()
        strip = self._strips.get(y)
        if strip is None:
            if not self._drawn:
                self._drawn = self._fitted(*self.size)
            line = self._drawn[y] if y < len(self._drawn) else EMPTY
            strip = self._strips[y] = self._strip(line)
        return strip

    def _fitted(self, width: int, height: int) -> list[Line]:
        lines = list(self.paint(width, height))[:height]
        lines += [EMPTY] * (height - len(lines))
        return [clip(line, width) for line in lines]

    def _strip(self, line: Line) -> Strip:
        room = cast("_Room", self.app)
        plain = room.pen.ascii_only
        segments = [
            Segment(_ascii(span.text) if plain else span.text, style_of_span(span, dark=room.dark, plain=room.no_color))
            for span in line
        ]
        return Strip(segments)


def _ascii(text: str) -> str:
    """Write a text with ASCII alone, cell for cell."""
    if text.isascii():
        return text
    text = text.translate(_PLAIN)
    return text if text.isascii() else "".join(c if c.isascii() else "?" * cell_len(c) for c in text)


def changed_runs(old: Line, new: Line) -> list[tuple[int, int]]:
    """Find the runs of cells [start, end) in which two lines of one width differ; near ones are joined."""
    runs: list[tuple[int, int]] = []
    for x, (before, after) in enumerate(zip(_cells(old), _cells(new), strict=False)):
        if before == after:
            continue
        if runs and x - runs[-1][1] <= _NEAR:
            runs[-1] = (runs[-1][0], x + 1)
        else:
            runs.append((x, x + 1))
    return runs


def _cells(line: Line) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Give each cell as its character and its look. A wide character's second cell repeats it, so that both change."""
    for span in line:
        text, look = span.text, span[1:]
        if text.isascii() or (re.fullmatch(_NO_MARKS, text) and cell_len(text) == len(text)):
            yield from zip(text, repeat(look), strict=False)
            continue
        for character in text:
            for _ in range(get_character_cell_size(character)):
                yield character, look
