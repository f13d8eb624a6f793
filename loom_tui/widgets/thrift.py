"""Updates that send only what changed, and of each style only what differs from the one before.

Textual 8.2.8 keeps the regions that a widget asks to refresh, but sends each line from the widget's left edge to the
region's right one (`ChopsUpdate.render_segments` crops only at the right). On a wall whose figures stand at
the right that is most of what SSH carries. This cuts at the left as well. And Textual names both colours anew for each
run of cells and takes them back after it: 40 bytes a run, three fifths of a first screen. A pseudo-terminal of Linux
takes 8 kB and lets whoever writes more wait for its reader (docs/performance.md has the figures).

It leans on Textual's internals, which the pin to a minor version holds still; tests/test_thrift.py would notice.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct
from rich.color import ColorSystem
from rich.console import COLOR_SYSTEMS, Console
from rich.control import Control
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, Compositor, LayoutUpdate
from textual.strip import Strip

RESET = "\x1b[0m"
SEEN_ON_INK_ONLY = ("", "1", "2")  # plain, bold and dim do not show on a blank


class Codes(Struct, frozen=True):
    """What a terminal is told of a style: SGR parameters."""

    attributes: str
    ink: str
    ground: str


PLAIN = Codes("", "39", "49")


@lru_cache(maxsize=1024)
def codes_of(style: Style, system: ColorSystem) -> Codes:
    """Give a style's codes in a terminal of so many colours."""
    ink, ground = style.color, style.bgcolor
    return Codes(
        Strip.render_ansi(style.without_color, system),
        ";".join(ink.downgrade(system).get_ansi_codes()) if ink is not None else PLAIN.ink,
        ";".join(ground.downgrade(system).get_ansi_codes(foreground=False)) if ground is not None else PLAIN.ground,
    )


class Brush:
    """Writes runs of cells as a terminal wants them; `text` is what was written, its end plain again."""

    def __init__(self, console: Console) -> None:
        self._system = COLOR_SYSTEMS[console.color_system or "truecolor"]
        self._out: list[str] = []
        self._now = PLAIN

    def move_to(self, x: int, y: int) -> None:
        """Go on at a cell."""
        self._out.append(Control.move_to(x, y).segment.text)

    def paint(self, segments: Iterable[Segment]) -> None:
        """Write runs of cells."""
        for text, style, _ in segments:
            if style is None:
                self._turn(PLAIN)
                self._out.append(text)
            elif style.link:
                self._turn(PLAIN)
                self._out.append(style.render(text, color_system=self._system))
            else:
                wanted = codes_of(style, self._system)
                self._turn(self._on_blank(wanted) if text.isspace() else wanted)
                self._out.append(text)

    def text(self) -> str:
        """Give what was written."""
        self._turn(PLAIN)
        return "".join(self._out)

    def _on_blank(self, wanted: Codes) -> Codes:
        """Leave what does not show where nothing is written."""
        if wanted.attributes in SEEN_ON_INK_ONLY and self._now.attributes in SEEN_ON_INK_ONLY:
            return Codes(self._now.attributes, self._now.ink, wanted.ground)
        return wanted

    def _turn(self, wanted: Codes) -> None:
        """Tell the terminal what differs; attributes go off only all at once."""
        now = self._now
        if wanted == now:
            return
        self._now = wanted
        if wanted == PLAIN:
            self._out.append(RESET)
            return
        told = []
        if now.attributes and now.attributes != wanted.attributes:
            told, now = ["0"], PLAIN
        told += [wanted.attributes] if wanted.attributes != now.attributes else []
        told += [wanted.ink] if wanted.ink != now.ink else []
        told += [wanted.ground] if wanted.ground != now.ground else []
        self._out.append(f"\x1b[{';'.join(told)}m")


class ThriftyScreen(LayoutUpdate):
    """Writes a whole screen."""

    def render_segments(self, console: Console) -> str:
        """Render the lines as terminal sequences."""
        brush = Brush(console)
        for y, line in enumerate(self.strips, self.region.y):
            brush.move_to(self.region.x, y)
            for strip in line:
                brush.paint(strip)
        return brush.text()


class ThriftySpans(ChopsUpdate):
    """Writes each span from its own left edge to its right one."""

    def render_segments(self, console: Console) -> str:
        """Render the spans as terminal sequences."""
        brush = Brush(console)
        for y, x1, x2 in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is None or x >= x2 or end <= x1:
                    continue
                left, right = max(x, x1), min(end, x2)
                brush.move_to(left, y)
                brush.paint(strip.crop(left - x, right - x))
        return brush.text()


class ThriftyCompositor(Compositor):
    """A compositor of thrifty updates."""

    def render_full_update(self, simplify: bool = False) -> LayoutUpdate:  # noqa: FBT001, FBT002 - Textual's own form
        """Give the update of a whole screen."""
        update = super().render_full_update(simplify)
        return ThriftyScreen(update.strips, update.region)

    def render_partial_update(self) -> ChopsUpdate | None:
        """Give the update, if there is one."""
        update = super().render_partial_update()
        return ThriftySpans(update.chops, update.spans, update.chop_ends) if update is not None else None
