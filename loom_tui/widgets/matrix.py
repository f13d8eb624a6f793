"""The 5x5 matrix of risks: likelihood upwards, impact to the right, a count in each cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from loom_tui.room.snapshot import RiskView
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, fit

CELL = 5
WIDTH = 3 + 5 * CELL


def matrix(views: Sequence[RiskView]) -> list[Line]:
    """Draw the matrix. Risks that nobody placed are counted below it."""
    placed = Counter(
        (view.risk.likelihood, view.risk.impact)
        for view in views
        if view.risk.likelihood is not None and view.risk.impact is not None
    )
    lit = {(view.risk.likelihood, view.risk.impact) for view in views if view.lit}
    lines: list[Line] = [(Span("likelihood", Ink.FAINT),)]
    for likelihood in range(5, 0, -1):
        cells = [
            _cell(placed[likelihood, impact], likelihood * impact, lit=(likelihood, impact) in lit)
            for impact in range(1, 6)
        ]
        lines.append((Span(f"{likelihood}  ", Ink.FAINT), *cells))
    lines.append((Span("   " + "".join(fit(f"  {impact}", CELL) for impact in range(1, 6)), Ink.FAINT),))
    lines.append((Span(fit("impact", WIDTH, right=True), Ink.FAINT),))
    missing = len(views) - placed.total()
    if missing:
        lines += [EMPTY, (Span(f"{missing} without likelihood and impact", Ink.FAINT),)]
    return lines


def _cell(count: int, severity: int, *, lit: bool) -> Span:
    """Draw a cell: its count, in the colour of its severity; a dot where there is no risk."""
    if not count:
        return Span(fit("  ·", CELL), Ink.RULE if severity < 10 else Ink.FAINT)
    ink = Ink.BAD if severity >= 15 else Ink.WARN if severity >= 8 else Ink.INK
    return Span(fit(f"  {count}{'▲' if lit else ''}", CELL), ink, bold=True)
