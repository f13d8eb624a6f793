"""The room where it is narrow: the gate and a line for each of the rest, or the gate alone."""

from __future__ import annotations

from collections.abc import Sequence

from loom_tui.plan.kinds import Kind
from loom_tui.plan.words import issue_name
from loom_tui.room.snapshot import Snapshot
from loom_tui.room.verdicts import Verdict
from loom_tui.screens.glance.gate import gate_lines
from loom_tui.screens.glance.path import critical_issues, has_launched, launch_words, path_count
from loom_tui.screens.glance.risks import risk_order, risks_figures
from loom_tui.screens.glance.world import asked, count, figures_signal, query_ink
from loom_tui.screens.silence import read_when
from loom_tui.widgets.frame import feeds_line, gate_counts
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean, fit, rule, spread, wrap
from loom_tui.widgets.text import (
    INK_OF_GATE,
    SIGN_OF_GATE,
    SIGN_OF_STATE,
    SIGN_OF_STATUS,
    SIGN_OF_VERDICT,
    Pen,
    Sign,
    milliseconds,
)


def compact_lines(snapshot: Snapshot, pen: Pen, width: int, height: int) -> Sequence[Line]:
    """Draw the gate's criteria, then a line each for path, errors, database, timeline, risks and feeds."""
    summary = [line for line in summary_lines(snapshot, pen, width) if line]
    above = height - len(summary) - 1
    gate = gate_lines(snapshot, pen, width, max(4, min(above, len(snapshot.gate.go) + 3)))
    return [*gate[:above], *[EMPTY] * (above - len(gate)), rule(width), *summary]


def summary_lines(snapshot: Snapshot, pen: Pen, width: int) -> Sequence[Line]:
    """Draw a line for each pane of the wide form."""

    def line(word: str, body: Line, right: Line = EMPTY) -> Line:
        return spread((Span(fit(word, 10), Ink.FAINT), *body), right, width)

    views = critical_issues(snapshot)
    path: Line = tuple(
        span
        for view in views[:6]
        for span in (pen.sign(SIGN_OF_STATUS[view.issue.status]), Span(f" {issue_name(view.issue.id)}  "))
    )
    out = [line("path", path, path_count(snapshot))]
    for errors in snapshot.errors[:1]:
        counts = (*count("new", errors.new, Ink.WARN), *count("critical", errors.critical, Ink.BAD))
        out.append(line("errors", counts, asked(snapshot, [errors.signal], snapshot.now)))
    for database in snapshot.databases[:1]:
        figures: Line = tuple(
            span
            for query in database.queries[:3]
            for span in (
                pen.sign({Verdict.NOT_MET: Sign.WARN}.get(query.verdict, SIGN_OF_VERDICT[query.verdict])),
                Span(f" {milliseconds(query.p95_ms)}  ", query_ink(query)),
            )
        )
        out.append(
            line("database", figures, (Span("p95  ", Ink.FAINT), read_when(figures_signal(database), snapshot.now)))
        )
    if snapshot.services:
        checks: Line = tuple(
            span
            for view in snapshot.services
            if view.signal.kind is Kind.CHECK
            for span in (pen.sign(SIGN_OF_STATE[view.state]), Span(f" {clean(view.signal.label, limit=12)}  "))
        )
        out.append(line("service", checks, (read_when(snapshot.services[0], snapshot.now),)))
    finish, words = snapshot.schedule.finish_at, launch_words(snapshot, pen)
    launch = f"launch {pen.day_clock(finish, now=snapshot.now)}" if finish is not None else "no dates"
    out.append(line("timeline", words) if has_launched(snapshot) else line("timeline", (Span(launch),), words))
    lit = [view for view in sorted(snapshot.risks, key=risk_order) if view.lit]
    first = clean(lit[0].risk.text, limit=60) if lit else "none lit"
    out.append(line("risks", (Span(first, Ink.WARN if lit else Ink.INK),), risks_figures(snapshot)))
    return out


def tiny_lines(snapshot: Snapshot, pen: Pen, width: int, height: int) -> Sequence[Line]:
    """Draw the gate, and say that the rest needs room."""
    gate = snapshot.gate
    lamp = pen.sign(SIGN_OF_GATE[gate.state])
    words = wrap(gate.why, width)
    lines: list[Line] = [(lamp, Span(f" {gate.state.value}", INK_OF_GATE[gate.state], bold=True))]
    lines += [(Span(gate_counts(gate), Ink.FAINT),), *((Span(word),) for word in words)]
    return [*lines[: height - 2], feeds_line(snapshot, pen), (Span("Widen to 80x24 for the room.", Ink.FAINT),)]
