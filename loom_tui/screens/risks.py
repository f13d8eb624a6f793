"""Screen 4: the register of risks beside the matrix. A risk with a trigger lights by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize

from loom_tui.room.snapshot import RiskView, Snapshot
from loom_tui.room.verdicts import CriterionView, Verdict
from loom_tui.screens.base import RoomScreen
from loom_tui.screens.gate_rows import sign_of_no_go
from loom_tui.screens.glance.risks import lit_figure, risk_order, risks_figures
from loom_tui.widgets.lines import EMPTY, Column, Ink, Line, Span, cells, clean, width_of, wrap
from loom_tui.widgets.matrix import matrix
from loom_tui.widgets.panel import ListPanel, Panel, heading, labelled
from loom_tui.widgets.text import Pen, Sign, age_of, span_of, stale_note

STATE_CELLS = 16
Item = RiskView | CriterionView


def items_of(snapshot: Snapshot) -> Mapping[str, Item]:
    """List the register by key: risks, lit ones first, then the no-go criteria."""
    risks = sorted(enumerate(snapshot.risks), key=lambda pair: risk_order(pair[1]))
    items: dict[str, Item] = {f"risk {index}": view for index, view in risks}
    return items | {f"no-go {index}": view for index, view in enumerate(snapshot.gate.no_go)}


def state_of(item: Item, pen: Pen) -> tuple[Span, str]:
    """Give an item's lamp and its state in a word or two."""
    if isinstance(item, CriterionView):
        word = {Verdict.MET: "holds", Verdict.NOT_MET: "does not hold"}.get(item.verdict, item.why)
        return pen.sign(sign_of_no_go(item)), word
    if item.risk.trigger is None:
        return pen.sign(Sign.OPEN), "claimed" if item.risk.claimed else "not judged"
    if item.lit is None:
        return pen.sign(Sign.UNKNOWN), item.why
    return (pen.sign(Sign.WARN), "lit") if item.lit else (pen.sign(Sign.OK), "calm")


def text_of(item: Item) -> str:
    """Give an item's words."""
    return item.text if isinstance(item, CriterionView) else item.risk.text


class Register(ListPanel):
    """The risks and the no-go criteria."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Risks")

    def figures(self) -> Line:
        """Count the lit ones."""
        return risks_figures(self.snapshot)

    def keys(self) -> Sequence[str]:
        """List the items."""
        return list(items_of(self.snapshot))

    def matches(self, key: str, needle: str) -> bool:
        """Look in an item's words and kind."""
        item = items_of(self.snapshot)[key]
        kind = "no-go" if isinstance(item, CriterionView) else item.risk.kind.value
        return needle in f"{text_of(item)} {kind}".casefold()

    def head(self, width: int) -> Sequence[Line]:
        """Name the columns."""
        names = ("", "risk", "kind", "l×i", "owner", "state")
        return (cells(_columns(width, self.pen), [Span(name, Ink.FAINT) for name in names]),)

    def row(self, key: str, width: int) -> Line:
        """Draw an item."""
        item = items_of(self.snapshot)[key]
        lamp, word = state_of(item, self.pen)
        if width_of((Span(word),)) > STATE_CELLS:
            word = "unknown"  # why is in the detail, whole; no other state has so many words
        ink = lamp.ink if lamp.ink in (Ink.WARN, Ink.BAD) else Ink.FAINT
        text = Span(text_of(item), Ink.INK)
        if isinstance(item, CriterionView):
            spans = (lamp, text, Span("no-go", Ink.FAINT), Span(""), Span(""), Span(word, ink))
        else:
            risk = item.risk
            placed = f"{risk.likelihood}×{risk.impact}" if risk.likelihood and risk.impact else "–"
            spans = (
                lamp,
                text,
                Span(risk.kind.value, Ink.FAINT),
                Span(placed, Ink.FAINT),
                Span(risk.owner or "–", Ink.FAINT),
                Span(word, ink),
            )
        return cells(_columns(width, self.pen), spans)

    def empty(self) -> Sequence[Line]:
        """Say how risks get here."""
        return ((Span("The plan names no risks: add [[risks]] text = …", Ink.FAINT),),)


def _columns(width: int, pen: Pen) -> Sequence[Column]:
    fixed = (Column(10), Column(3), Column(10 if width > 70 else 0), Column(STATE_CELLS))
    text = width - pen.sign_width - sum(column.width for column in fixed) - 5
    return (Column(pen.sign_width), Column(max(10, text)), *fixed)


class Matrix(Panel):
    """Likelihood against impact."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Matrix")

    def body(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - cut by the panel
        """Draw the matrix."""
        return matrix(self.snapshot.risks)


class Detail(Panel):
    """The chosen item, whole."""

    key = ""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Detail")

    def choose(self, key: str) -> None:
        """Show another item."""
        self.key = key
        self.redraw()

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Draw what is known of the item; where there are few rows, without the blank ones."""
        items = items_of(self.snapshot)
        item = items.get(self.key) or next(iter(items.values()), None)
        if item is None:
            return ()
        lamp, word = state_of(item, self.pen)
        first, *rest = wrap(word, width - self.pen.sign_width - 1) or [""]
        lines: list[Line] = [(lamp, Span(f" {first}", lamp.ink)), *((Span(part, lamp.ink),) for part in rest), EMPTY]
        lines += [(Span(part),) for part in wrap(text_of(item), width)]
        if isinstance(item, RiskView):
            lines += [EMPTY, *risk_facts(item, self.snapshot, width)]
        return lines if len(lines) <= height else [line for line in lines if line]


def risk_facts(view: RiskView, snapshot: Snapshot, width: int) -> Sequence[Line]:
    """Draw a risk's response, and the reading that its trigger watches with its age."""
    risk = view.risk
    accepted = f"Accepted by {view.accepted_by}: {view.accepted_why}" if view.accepted_by else ""
    lines: list[Line] = [(Span(part, Ink.WAIVED),) for part in wrap(accepted, width)]
    lines += [(Span(part, Ink.FAINT),) for part in wrap(risk.response or "No response planned.", width)]
    if risk.trigger is None or view.signal is None:
        return [*lines, EMPTY, (Span("No trigger: for a person to judge.", Ink.FAINT),)]
    rule = risk.trigger
    words = [f"is {rule.is_}"] if rule.is_ is not None else []
    words += [f"≥ {rule.at_least:g}"] if rule.at_least is not None else []
    words += [f"≤ {rule.at_most:g}"] if rule.at_most is not None else []
    note = stale_note(view.signal, snapshot.now)
    return [
        *lines,
        EMPTY,
        (Span("lights when", Ink.FAINT),),
        (Span(f"{clean(rule.signal)} {' and '.join(words)}"),),
        labelled("now", span_of(view.signal, lit_figure(view) if view.signal.reading else "never read"), width),
        labelled("read", Span(note or f"{age_of(view.signal, snapshot.now)} ago", Ink.FAINT), width),
    ]


class RisksScreen(RoomScreen):
    """The fourth screen."""

    NUMBER = "4"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "accept", "Accept this risk, with a reason and an owner", show=False, id="risks.accept"),
    ]

    def compose_body(self) -> ComposeResult:
        """Lay register, matrix and detail."""
        with Horizontal(id="risks-body"):
            yield Register(id="register")
            with Vertical(id="risks-side"):
                yield Matrix(id="matrix")
                yield Detail(id="risk-detail")

    def on_resize(self, event: Resize) -> None:
        """Give the register the width of a narrow terminal."""
        self.set_class(event.size.width < 110, "narrow")

    def on_list_panel_moved(self, message: ListPanel.Moved) -> None:
        """Show the item under the cursor."""
        self.query_one(Detail).choose(message.key)

    def action_accept(self) -> None:
        """Take the risk under the cursor on."""
        from loom_tui.screens.gate_dialogs import ask_acceptance  # noqa: PLC0415 - Textual's Input costs 30 ms

        register, snapshot = self.query_one(Register), self.loom.snapshot
        item = items_of(snapshot).get(register.cursor) if snapshot is not None else None
        if isinstance(item, RiskView):
            ask_acceptance(self, item)
        elif item is not None:
            self.loom.say("A no-go is not accepted: W on screen 8 waives a go, L lifts a no-go.", Sign.WARN)

    def copied(self, panel: ListPanel) -> str:
        """Copy the item's words."""
        return text_of(items_of(panel.snapshot)[panel.cursor])
