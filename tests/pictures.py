"""Pictures of screens as SVG, held against accepted ones.

`make pictures` accepts what the screens look like now; look at each that changed before you commit it. An SVG and not a
text, because colours and weights carry meaning here: one red thing on a calm ground. Own drawing instead of Textual's
export, whose runs, classes and ids change with what nobody sees: here the same cells give the same lines, one a run.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from html import escape
from itertools import chain, groupby
from pathlib import Path
from typing import NamedTuple

from rich.cells import get_character_cell_size
from rich.segment import Segment
from textual._compositor import LayoutUpdate
from textual.widgets import Input

from loom_tui.app import LoomApp
from loom_tui.widgets.theme import hues

ACCEPTED = Path(__file__).parent / "pictures"
SEEN = Path(__file__).parent.parent / "build" / "pictures"
ACCEPTS = os.environ.get("LOOM_PICTURES") == "accept"
X, Y, BASE = 10, 20, 15  # a cell in pixels, and how far down in it letters stand


class Cell(NamedTuple):
    """A character, and what it looks like. A blank has the ink of what stands before it: nobody sees which."""

    text: str
    x: int
    size: int
    ground: str
    ink: str  # as an SVG's attributes


def picture(app: LoomApp) -> str:
    """Draw what an app shows."""
    palette = hues(dark=app.dark)
    update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    width, height = app.size
    font = 'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="16.6"'
    box = f'viewBox="0 0 {X * width} {Y * height}"'
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} {font}>',
        f'<rect width="100%" height="100%" fill="{palette.ground}"/>',
    ]
    assert isinstance(update, LayoutUpdate)
    for y, strips in enumerate(update.strips):
        cells = list(_cells(chain.from_iterable(strips), ground=palette.ground, ink=palette.ink))
        out += _grounds(cells, y, but=palette.ground)
        out += _texts(cells, y)
    return "\n".join([*out, "</svg>", ""])


def _cells(segments: Iterable[Segment], *, ground: str, ink: str) -> Iterator[Cell]:
    x, last = 0, f'fill="{ink}"'
    for text, style, _ in segments:
        front = style.color.get_truecolor().hex if style is not None and style.color is not None else ink
        back = style.bgcolor.get_truecolor().hex if style is not None and style.bgcolor is not None else ground
        if style is not None and style.reverse:
            front, back = back, front
        weight = ' font-weight="bold"' if style is not None and style.bold else ""
        for character in text:
            if character != " ":
                last = f'fill="{front}"{weight}'
            size = get_character_cell_size(character)
            yield Cell(character, x, size, back, last)
            x += size


def _grounds(cells: list[Cell], y: int, *, but: str) -> Iterator[str]:
    for ground, group in groupby(cells, key=lambda cell: cell.ground):
        run = list(group)
        if ground != but:
            width = X * sum(cell.size for cell in run)
            yield f'<rect x="{X * run[0].x}" y="{Y * y}" width="{width}" height="{Y}" fill="{ground}"/>'


def _texts(cells: list[Cell], y: int) -> Iterator[str]:
    """Draw a row's runs of one ink and weight, without the blanks around them."""
    for ink, group in groupby(cells, key=lambda cell: cell.ink):
        run = list(group)
        while run and run[-1].text == " ":
            run.pop()
        while run and run[0].text == " ":
            run.pop(0)
        if run:
            width = X * sum(cell.size for cell in run)
            words = escape("".join(cell.text for cell in run), quote=False).replace(" ", "\u00a0")
            yield f'<text x="{X * run[0].x}" y="{Y * y + BASE}" {ink} textLength="{width}">{words}</text>'


def still(app: LoomApp) -> None:
    """Let no cursor blink."""
    for field in app.screen.query(Input):
        field.cursor_blink = False


def hold(name: str, svg: str) -> None:
    """Hold a picture against the accepted one. Raises AssertionError with the path of the new one."""
    accepted, seen = ACCEPTED / f"{name}.svg", SEEN / f"{name}.svg"
    if ACCEPTS:
        accepted.parent.mkdir(exist_ok=True)
        accepted.write_text(svg, encoding="utf-8")
        return
    if accepted.exists() and accepted.read_text(encoding="utf-8") == svg:
        return
    seen.parent.mkdir(parents=True, exist_ok=True)
    seen.write_text(svg, encoding="utf-8")
    known = f"differs from {accepted}" if accepted.exists() else "was never accepted"
    raise AssertionError(f"{seen} {known}: look at it, then mend the screen, or accept it with `make pictures`")
