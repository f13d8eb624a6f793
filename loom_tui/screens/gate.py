"""Screen 8: the criteria and votes, the evidence of the chosen one, and what GO still needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize

from loom_tui.room.snapshot import Snapshot
from loom_tui.room.verdicts import CriterionView, VoteView
from loom_tui.screens.base import RoomScreen
from loom_tui.screens.gate_dialogs import ask_lift, ask_sign_off, ask_vote, ask_waiver
from loom_tui.screens.gate_rows import (
    criterion_row,
    evidence_lines,
    gate_figures,
    gate_sentence,
    head_lines,
    head_row,
    vote_lines,
    vote_row,
    word_of,
)
from loom_tui.widgets.frame import gate_counts
from loom_tui.widgets.lines import Ink, Line, Span, clean, width_of
from loom_tui.widgets.panel import ListPanel, Panel, heading
from loom_tui.widgets.scroll import Scroll
from loom_tui.widgets.text import INK_OF_GATE

NARROW = 104  # columns: below it the evidence takes the list's place
SHORT = 30  # rows
HEADS = {
    "head go": "GO needs all of",
    "head no_go": "NO-GO if any of",
    "head votes": "Votes",
    "head deployment": "Deployment success",
    "head post_deployment": "Post-deployment success",
}
_DEEDS = (
    ("V", "vote"),
    ("C", "poll"),
    ("W", "waive"),
    ("S", "sign off"),
    ("L", "lift"),
    ("D", "decide"),
    ("r", "ask"),
)
_VOTE = "vote "  # begins a vote's key; no criterion's key does, since it has no blank before its list's name


class Criteria(ListPanel):
    """The criteria by list, and the votes."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._criteria: dict[str, tuple[CriterionView, bool]] = {}
        self._votes: dict[str, VoteView] = {}
        self._keys: list[str] = []

    def show(self, snapshot: Snapshot) -> None:
        """Gather criteria and votes under their heads."""
        gate = snapshot.gate
        lists = {
            "head go": gate.go,
            "head no_go": gate.no_go,
            "head deployment": gate.deployment,
            "head post_deployment": gate.post_deployment,
        }
        self._criteria = {
            f"{head[5:]} {view.key}": (view, head == "head no_go") for head, views in lists.items() for view in views
        }
        self._votes = {f"{_VOTE}{vote.role} {index}": vote for index, vote in enumerate(gate.votes)}
        self._keys = []
        for head in HEADS:
            rows = list(self._votes) if head == "head votes" else [f"{head[5:]} {view.key}" for view in lists[head]]
            if rows or head == "head go":
                self._keys += [head, *dict.fromkeys(rows)]
        super().show(snapshot)

    def title(self) -> Line:
        """Name the pane, and the filter."""
        shown = (Span(f"  /{clean(self.needle, limit=20)}", Ink.ACCENT),) if self.needle else ()
        return (*heading("Gate"), *shown)

    def figures(self) -> Line:
        """Count what is met."""
        return (Span(gate_counts(self.snapshot.gate), Ink.FAINT),)

    def keys(self) -> Sequence[str]:
        """List heads, criteria and votes."""
        return self._keys

    @property
    def criterion(self) -> tuple[CriterionView, bool] | None:
        """The criterion under the cursor, and whether it is a no-go."""
        return self._criteria.get(self.cursor)

    @property
    def vote(self) -> VoteView | None:
        """The vote under the cursor."""
        return self._votes.get(self.cursor)

    def matches(self, key: str, needle: str) -> bool:
        """Look in a criterion's text and reason, and in a vote's role and person."""
        found, vote = self._criteria.get(key), self._votes.get(key)
        if found is not None:
            return needle in f"{found[0].text} {found[0].why} {word_of(found[0], no_go=found[1])}".casefold()
        return vote is not None and needle in f"{vote.role} {vote.by}".casefold()

    def row(self, key: str, width: int) -> Line:
        """Draw a head, a criterion or a vote."""
        found, vote, now = self._criteria.get(key), self._votes.get(key), self.snapshot.now
        if found is not None:
            return criterion_row(found[0], self.pen, width, now=now, no_go=found[1])
        if vote is not None:
            return vote_row(vote, self.pen, width, now=now)
        return head_row(HEADS[key], width)


class EvidencePane(Scroll):
    """What the chosen criterion was judged by, or what the chosen role said."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._criterion: tuple[CriterionView, bool] | None = None
        self._vote: VoteView | None = None
        self._head = ""

    def choose(self, criteria: Criteria) -> None:
        """Show what is under the list's cursor; another thing from its first line."""
        before = (self._criterion[0].key if self._criterion else "", self._vote.role if self._vote else "", self._head)
        self._criterion, self._vote, self._head = criteria.criterion, criteria.vote, criteria.cursor
        after = (self._criterion[0].key if self._criterion else "", self._vote.role if self._vote else "", self._head)
        self.again()
        if before != after and self._snapshot is not None and self.keys():
            self.select("0")

    def title(self) -> Line:
        """Name the pane."""
        return heading("Vote" if self._vote is not None else "Evidence")

    def figures(self) -> Line:
        """Show the verdict."""
        if self._criterion is None:
            return gate_figures(self.snapshot.gate)
        view, no_go = self._criterion
        return (Span(word_of(view, no_go=no_go), Ink.INK, bold=True),)

    def lines(self, width: int) -> Sequence[Line]:
        """Draw the criterion, the vote, or what a head stands for."""
        now = self.snapshot.now
        if self._criterion is not None:
            view, no_go = self._criterion
            return list(evidence_lines(view, self.pen, width, now=now, no_go=no_go))
        if self._vote is not None:
            return list(vote_lines(self._vote, self.snapshot.plan, self.pen, width, now=now))
        return head_lines(self._head, self.snapshot, width)

    def foot(self, width: int) -> Sequence[Line]:
        """Name what may be done, in as many lines as that takes."""
        lines: list[Line] = [()]
        for key, word in _DEEDS:
            deed = (Span(key, Ink.ACCENT), Span(f" {word}", Ink.FAINT))
            longer = (*lines[-1], Span("  "), *deed) if lines[-1] else deed
            if width_of(longer) <= width:
                lines[-1] = longer
            else:
                lines.append(deed)
        return lines

    def empty(self) -> Sequence[Line]:
        """Say that nothing is chosen."""
        return ((Span("No criterion is chosen.", Ink.FAINT),),)


class Sentence(Panel):
    """The gate's state, what GO still needs and from whom, and the last decision."""

    def title(self) -> Line:
        """Show the state."""
        gate = self.snapshot.gate
        return (Span(gate.state.value, INK_OF_GATE[gate.state], bold=True),)

    def figures(self) -> Line:
        """Say for which release and environment."""
        return gate_figures(self.snapshot.gate)

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Draw sentence and decision."""
        return gate_sentence(self.snapshot, self.pen, width, height)


class GateScreen(RoomScreen):
    """The eighth screen."""

    NUMBER = "8"
    AUTO_FOCUS = "#gate-list"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("V", "vote", "Vote for a role", show=False, id="gate.vote"),
        Binding("W", "waive", "Waive this criterion, or agree to it", show=False, id="gate.waive"),
        Binding("C", "app.poll", "Call each role in turn: go or no-go", show=False, id="gate.poll"),
        Binding("S", "sign_off", "Sign this criterion off by name", show=False, id="gate.sign_off"),
        Binding("L", "lift", "Lift this no-go, with a reason", show=False, id="gate.lift"),
    ]

    def compose_body(self) -> ComposeResult:
        """Lay list, evidence and sentence."""
        with Vertical(id="gate-body"):
            with Horizontal(id="gate-upper"):
                yield Criteria(id="gate-list")
                yield EvidencePane(id="gate-evidence")
            yield Sentence(id="gate-sentence")

    def on_resize(self, event: Resize) -> None:
        """Show the evidence instead of the list where both do not fit."""
        self.set_class(event.size.width < NARROW, "narrow")
        self.set_class(event.size.height < SHORT, "short")

    def show(self, snapshot: Snapshot) -> None:
        """Keep the evidence on what is under the cursor."""
        super().show(snapshot)
        self._follow()

    def _follow(self) -> None:
        self.query_one(EvidencePane).choose(self.query_one(Criteria))

    def on_list_panel_moved(self, message: ListPanel.Moved) -> None:
        """Show what is under the cursor."""
        if isinstance(message.panel, Criteria):
            self._follow()

    def on_list_panel_opened(self, message: ListPanel.Opened) -> None:
        """Go into the evidence: its lines take the keys."""
        if isinstance(message.panel, Criteria):
            self.add_class("open")
            self.query_one(EvidencePane).focus()

    def action_back(self) -> None:
        """Go back to the list, then clear its filter."""
        if isinstance(self.focused, EvidencePane):
            self.remove_class("open")
            self.query_one(Criteria).focus()
        else:
            super().action_back()

    def action_ask(self) -> None:
        """Ask the sources of the chosen criterion's readings again."""
        found = self.query_one(Criteria).criterion
        snapshot = self.loom.snapshot
        if found is None or snapshot is None:
            super().action_ask()
            return
        signals = [snapshot.signals[item.subject] for item in found[0].evidence if item.subject in snapshot.signals]
        names = list(dict.fromkeys(view.signal.source for view in signals))
        if names:
            self.loom.ask_sources(names)
        else:
            self.loom.say("No source proves this criterion: there is nothing to ask.")

    def action_vote(self) -> None:
        """Ask for a role's vote."""
        vote = self.query_one(Criteria).vote
        ask_vote(self, vote.role if vote is not None else "")

    def action_waive(self) -> None:
        """Ask for a waiver of the chosen criterion, or for the agreement to it."""
        found = self._chosen()
        if found is None:
            return
        if not found[1]:
            ask_waiver(self, found[0])
        elif self.loom.may_write():
            self.loom.say("A no-go is not waived: it is shown not to hold, or lifted with a reason (L).")

    def action_sign_off(self) -> None:
        """Ask for the word on the chosen criterion."""
        found = self._chosen()
        if found is not None:
            ask_sign_off(self, found[0], no_go=found[1])

    def action_lift(self) -> None:
        """Ask for the reason to lift the chosen no-go."""
        criteria = self.query_one(Criteria)
        if criteria.vote is not None:
            ask_lift(self, criteria.vote.role, criteria.vote.role)
            return
        found = self._chosen()
        if found is None:
            return
        if found[1]:
            ask_lift(self, found[0].key, found[0].text)
        elif self.loom.may_write():
            self.loom.say("This is no no-go: what speaks against it counts until it is mended, or waived (W).")

    def _chosen(self) -> tuple[CriterionView, bool] | None:
        found = self.query_one(Criteria).criterion
        if found is None:
            self.loom.say("Choose a criterion first.")
        return found

    def copied(self, panel: ListPanel) -> str:  # noqa: ARG002 - the evidence's lines are no ids
        """Copy the criterion's key, as `loom signoff` takes it."""
        criteria = self.query_one(Criteria)
        found, vote = criteria.criterion, criteria.vote
        return found[0].key if found is not None else vote.role if vote is not None else criteria.cursor
