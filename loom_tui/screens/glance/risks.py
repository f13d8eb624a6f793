"""The risks at a glance."""

from __future__ import annotations

from collections.abc import Sequence

from loom_tui.room.snapshot import RiskView, Snapshot
from loom_tui.widgets.lines import Ink, Line, Span, clean, spread
from loom_tui.widgets.text import (
    Pen,
    Sign,
    milliseconds,
    number,
)


def risks_figures(snapshot: Snapshot) -> Line:
    """Count the risks that are lit."""
    lit = sum(view.lit is True for view in snapshot.risks)
    return (Span(f"{lit} lit", Ink.WARN),) if lit else (Span(f"{len(snapshot.risks)} known", Ink.FAINT),)


def risk_order(view: RiskView) -> tuple[bool, bool, str]:
    """Sort risks: lit ones first, then those that a signal watches, then by kind."""
    return (view.lit is not True, view.risk.trigger is None, view.risk.kind.value)


def risks_lines(snapshot: Snapshot, pen: Pen, width: int, height: int) -> Sequence[Line]:
    """Draw a line a risk, lit ones first."""
    if not snapshot.risks:
        return ((Span("The plan names no risks.", Ink.FAINT),),)
    lines = [risk_row(view, pen, width) for view in sorted(snapshot.risks, key=risk_order)]
    if len(lines) > height:
        more = len(lines) - height + 1
        lines = [*lines[: height - 1], (Span(f"  and {more} more on screen 4", Ink.FAINT),)]
    return lines


def risk_row(view: RiskView, pen: Pen, width: int) -> Line:
    """Draw a risk: lit, watched and calm, unknown, or for a person to judge."""
    if view.risk.trigger is None:
        sign, word, ink = Sign.OPEN, view.risk.kind.value, Ink.FAINT
    elif view.lit is None:
        sign, word, ink = Sign.UNKNOWN, view.why, Ink.FAINT
    elif view.lit:
        sign, word, ink = Sign.WARN, lit_figure(view), Ink.WARN
    else:
        sign, word, ink = Sign.OK, "calm", Ink.FAINT
    text = Span(f" {clean(view.risk.text)}", Ink.INK if view.lit else Ink.FAINT)
    return spread((pen.sign(sign), text), (Span(f"  {clean(word, limit=30)}", ink),), width)


def lit_figure(view: RiskView) -> str:
    """Give the reading that lit a risk."""
    if view.signal is None or view.signal.reading is None:
        return "lit"
    reading = view.signal.reading
    if reading.value is None:
        return reading.detail or reading.state.value
    return milliseconds(reading.value) if view.signal.signal.unit == "ms" else number(reading.value)
