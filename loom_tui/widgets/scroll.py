"""A pane of text to read: laid for its width, with a cursor to scroll by."""

from __future__ import annotations

from collections.abc import Sequence

from loom_tui.room.snapshot import Snapshot
from loom_tui.widgets.lines import Line
from loom_tui.widgets.panel import MARGIN, ListPanel


class Scroll(ListPanel):
    """Lines that are laid once a snapshot and a width. Subclasses give `lines`, and call `again` when they change."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id, classes=classes)
        self._laid: tuple[int, list[Line]] = (0, [])

    def lines(self, width: int) -> Sequence[Line]:  # noqa: ARG002 - for subclasses
        """Lay the lines for a width in cells."""
        return ()

    def again(self) -> None:
        """Lay the lines anew."""
        self._laid = (0, [])
        self.redraw()

    def show(self, snapshot: Snapshot) -> None:
        """Show a snapshot."""
        self._laid = (0, [])
        super().show(snapshot)

    def laid(self) -> list[Line]:
        """Give the lines as they were laid for this width."""
        width = max(1, self.size.width - 2 * MARGIN)
        if self._laid[0] != width:
            self._laid = (width, list(self.lines(width)))
        return self._laid[1]

    def keys(self) -> Sequence[str]:
        """Give each line its number."""
        return [str(index) for index in range(len(self.laid()))]

    def row(self, key: str, width: int) -> Line:  # noqa: ARG002 - laid for the width already
        """Draw a line."""
        return self.laid()[int(key)]

    def matches(self, key: str, needle: str) -> bool:
        """Look in a line's words."""
        return needle in "".join(span.text for span in self.laid()[int(key)]).casefold()
