"""The gate at a glance."""

from __future__ import annotations

from collections.abc import Sequence

from loom_tui.room.nogo import stays_words
from loom_tui.room.snapshot import Snapshot
from loom_tui.room.verdicts import Verdict
from loom_tui.screens.gate_rows import criterion_row, within
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean, fit, rule, spread
from loom_tui.widgets.text import (
    INK_OF_GATE,
    Pen,
    Sign,
)


def gate_lines(snapshot: Snapshot, pen: Pen, width: int, height: int) -> Sequence[Line]:
    """Draw the go criteria, a line for the no-go ones, the gate's sentence, and where it fits what ends a NO-GO."""
    gate = snapshot.gate
    rows = [criterion_row(view, pen, width, now=snapshot.now) for view in gate.go]
    if not rows:
        rows = [(Span("The plan has no go criteria: [criteria] go = […]", Ink.FAINT),)]
    no_go = spread(
        (pen.sign(_no_go_sign(snapshot)), Span(" no-go ", Ink.FAINT), Span(_no_go_words(snapshot))), EMPTY, width
    )
    room = height - 3
    free = max(0, room - len(rows))
    words = within(gate.why, width, 1 + free)
    words += within(stays_words(snapshot), width, 1 + free - len(words))
    why: list[Line] = [(Span(fit(text, width), INK_OF_GATE[gate.state]),) for text in words]
    return [*rows[:room], *[EMPTY] * (free + 1 - len(why)), no_go, rule(width), *why]


def _no_go_sign(snapshot: Snapshot) -> Sign:
    verdicts = {view.verdict for view in snapshot.gate.no_go}
    if Verdict.MET in verdicts:
        return Sign.BAD
    return Sign.UNKNOWN if Verdict.UNKNOWN in verdicts or not verdicts else Sign.OK


def _no_go_words(snapshot: Snapshot) -> str:
    views = snapshot.gate.no_go
    holding = [view.text for view in views if view.verdict is Verdict.MET]
    if holding:
        return clean(", ".join(holding))
    unknown = sum(view.verdict is Verdict.UNKNOWN for view in views)
    return f"{unknown} of {len(views)} unknown" if unknown else f"{len(views)} known not to hold"
