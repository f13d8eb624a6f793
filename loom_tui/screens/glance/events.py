"""The last events at a glance."""

from __future__ import annotations

from collections.abc import Sequence

from loom_tui.room.snapshot import Snapshot
from loom_tui.room.told import told
from loom_tui.widgets.lines import Ink, Line, Span, clean, fit
from loom_tui.widgets.text import (
    Pen,
)


def events_lines(snapshot: Snapshot, pen: Pen, width: int, height: int) -> Sequence[Line]:
    """Draw the last events, newest first."""
    if not snapshot.events:
        return ((Span("Nothing has been done yet; m stamps a note.", Ink.FAINT),),)
    lines: list[Line] = []
    for event in reversed(snapshot.events[-height:]):
        at = pen.day_clock(event.at, now=snapshot.now)
        lines.append(
            (
                Span(fit(at, 12 if " " in at else 5) + "  ", Ink.FAINT),
                Span(fit(clean(event.actor, limit=20), 8) + "  ", Ink.ACCENT),
                Span(clean(told(event), limit=300)),
            )
        )
    del width
    return lines
