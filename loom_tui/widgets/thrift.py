"""Partial updates that send only what changed.

Textual 8.2.8 keeps the regions that a widget asks to refresh, but sends each line from the widget's left edge to the
region's right one (`ChopsUpdate.render_segments` crops only at the right). On a wall whose figures stand at
the right that is most of what SSH carries. This cuts at the left as well (docs/performance.md has the figures).
It leans on Textual's internals, which the pin to a minor version holds still; tests/test_canvas.py would notice.
"""

from __future__ import annotations

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor


class CroppedUpdate(ChopsUpdate):
    """Writes each span from its own left edge to its right one."""

    def render_segments(self, console: Console) -> str:
        """Render the spans as terminal sequences."""
        out: list[str] = []
        for y, x1, x2 in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is None or x >= x2 or end <= x1:
                    continue
                left, right = max(x, x1), min(end, x2)
                out.extend((Control.move_to(left, y).segment.text, strip.crop(left - x, right - x).render(console)))
        return "".join(out)


class ThriftyCompositor(Compositor):
    """A compositor whose partial updates are cropped on both sides."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """Give the update, if there is one."""
        update = super().render_partial_update()
        return CroppedUpdate(update.chops, update.spans, update.chop_ends) if update is not None else None
