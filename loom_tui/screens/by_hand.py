"""A workflow's steps by hand: a checklist with a timer, a tester's name and a note a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from loom_tui.room.checks import Step
from loom_tui.room.deeds import Refused
from loom_tui.room.hand_deeds import Outcome, begin_workflow, do_step
from loom_tui.room.manual import ManualStepView, ManualView
from loom_tui.room.snapshot import CheckView
from loom_tui.screens.check_rows import time_taken
from loom_tui.screens.dialogs import Prompt
from loom_tui.screens.over import Over
from loom_tui.widgets.frame import NewsLine
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean, fit, spread, wrap
from loom_tui.widgets.panel import ListPanel, heading
from loom_tui.widgets.text import SIGN_OF_STATE, Sign, age

_SIGNS: Mapping[Outcome, Sign] = {"ok": Sign.OK, "failed": Sign.BAD, "skipped": Sign.UNKNOWN}
_WORDS_LINES = 4
_KEYS = "o ok · f failed · s skipped · n note · t tester · b anew · esc closes"


class StepList(ListPanel):
    """All steps of a workflow, those of the collector among them; the cursor's is told whole below."""

    def __init__(self, check: str) -> None:
        super().__init__()
        self._check = check
        self.tester = ""

    @property
    def manual(self) -> ManualView | None:
        """The workflow's steps by hand; None where an edited plan no longer has them."""
        view = self._view()
        return view.manual if view is not None else None

    def _view(self) -> CheckView | None:
        return next((each for each in self.snapshot.checks if each.signal.signal.id == self._check), None)

    def step(self) -> ManualStepView | None:
        """Give the step under the cursor, where it is one by hand."""
        return self._by_hand().get(self.cursor)

    def _by_hand(self) -> Mapping[str, ManualStepView]:
        manual = self.manual
        return {each.step.name: each for each in manual.steps} if manual is not None else {}

    def _ran(self) -> Mapping[str, Step]:
        view = self._view()
        return {step.name: step for step in view.result.steps} if view is not None and view.result is not None else {}

    def title(self) -> Line:
        """Name the workflow."""
        manual = self.manual
        return heading(clean(manual.workflow.name, limit=60) if manual is not None else "Steps by hand")

    def figures(self) -> Line:
        """Count what is done, and the time since the beginning."""
        manual = self.manual
        if manual is None:
            return EMPTY
        count = f"{len(manual.done)} of {len(manual.steps)} by hand"
        return (Span(count, Ink.OK if len(manual.done) == len(manual.steps) else Ink.FAINT),)

    def head(self, width: int) -> Sequence[Line]:
        """Say of which release it speaks, who began it, and how long it takes."""
        manual = self.manual
        if manual is None:
            return ()
        where = f"{manual.release or 'no release named'} in {manual.environment}"
        tester = f"tester {self.tester}" if self.tester else ""
        left = " · ".join(filter(None, (where, tester)))
        return (spread((Span(clean(left), Ink.FAINT),), (self._timer(manual),), width), EMPTY)

    def _timer(self, manual: ManualView) -> Span:
        if manual.begun_at is None:
            return Span("not begun", Ink.FAINT)
        since = (
            f"begun {self.pen.day_clock(manual.begun_at, now=self.snapshot.now)} by {clean(manual.begun_by, limit=20)}"
        )
        if manual.ended_at is not None:
            return Span(f"{since} · took {age(manual.ended_at - manual.begun_at)}", Ink.FAINT)
        return Span(f"{since} · {age(self.snapshot.now - manual.begun_at)} so far", Ink.WARN)

    def keys(self) -> Sequence[str]:
        """List the steps, in the plan's order."""
        manual = self.manual
        return [step.name for step in manual.workflow.steps] if manual is not None else ()

    def row(self, key: str, width: int) -> Line:
        """Draw a step: its state, its name, who did it and when."""
        number = list(self.keys()).index(key) + 1
        by_hand, ran = self._by_hand().get(key), self._ran().get(key)
        if by_hand is None:
            sign = SIGN_OF_STATE[ran.state] if ran is not None else Sign.OPEN
            right = (
                f"by the collector {time_taken(ran.duration_ms)}" if ran is not None else "by the collector, not yet"
            )
        elif by_hand.done is None:
            sign, right = Sign.OPEN, by_hand.step.tester
        else:
            done = by_hand.done
            sign = _SIGNS[done.payload.outcome]
            right = f"{done.payload.outcome}, {done.tester}, {age(self.snapshot.now - done.at)} ago"
        named = (self.pen.sign(sign), Span(f" {number} {clean(key, limit=200)}"))
        return spread(named, (Span(f" {clean(right, limit=60)}", Ink.FAINT),), width)

    def foot(self, width: int) -> Sequence[Line]:
        """Tell the step under the cursor whole, and the keys."""
        by_hand, ran = self._by_hand().get(self.cursor), self._ran().get(self.cursor)
        told: list[Line] = []
        if by_hand is not None:
            told += [(Span(part),) for part in wrap(by_hand.step.words, width)][:_WORDS_LINES]
            note = by_hand.done.payload.note if by_hand.done is not None else ""
            told += [(Span(part, Ink.FAINT),) for part in wrap(f"note: {note}" if note else "", width)][:_WORDS_LINES]
        elif ran is not None:
            for text in (ran.detail, f"sent {ran.sent}" if ran.sent else "", f"got {ran.got}" if ran.got else ""):
                told += [(Span(part, Ink.FAINT),) for part in wrap(text, width)][:2]
        return (EMPTY, *told, EMPTY, (Span(fit(_KEYS, width), Ink.FAINT),))

    def empty(self) -> Sequence[Line]:
        """Say that the plan was edited."""
        return ((Span("The plan no longer has this workflow.", Ink.FAINT),),)


class Checklist(Over):
    """The checklist over the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o,space", "judge('ok')", "This step is well", id="by_hand.ok"),
        Binding("f", "judge('failed')", "This step failed: say why", id="by_hand.failed"),
        Binding("s", "judge('skipped')", "This step is skipped", id="by_hand.skipped"),
        Binding("n", "note", "Note on this step", id="by_hand.note"),
        Binding("t", "tester", "Who tests", id="by_hand.tester"),
        Binding("b", "begin", "Begin anew", id="by_hand.begin"),
    ]

    def __init__(self, check: str) -> None:
        self._steps = StepList(check)
        super().__init__(self._steps)

    def compose(self) -> ComposeResult:
        """Lay the list, and the line for a refusal."""
        with Vertical(classes="over"):
            yield self._steps
            yield NewsLine()

    def on_mount(self) -> None:
        """Begin at the first step that is not done."""
        if self.loom.snapshot is not None:
            self.show(self.loom.snapshot)
            manual = self._steps.manual
            left = [each.step.name for each in manual.steps if each.done is None] if manual is not None else []
            self._steps.select(left[0] if left else "")

    def action_judge(self, outcome: Outcome) -> None:
        """Judge the step under the cursor; one that failed asks why."""
        chosen = self._steps.step()
        if chosen is None:
            self.loom.say("The collector does this step; r on the check runs it.")
        elif outcome == "failed":
            self._ask_note(chosen, outcome, f"{chosen.step.name}: what went wrong?")
        else:
            self._write(chosen, outcome, "")

    def action_note(self) -> None:
        """Note something on a step that was judged."""
        chosen = self._steps.step()
        if chosen is None or chosen.done is None:
            self.loom.say("Judge the step first: o ok, f failed, s skipped.")
        else:
            payload = chosen.done.payload
            self._ask_note(chosen, payload.outcome, f"{chosen.step.name}: note", payload.note)

    def _ask_note(self, chosen: ManualStepView, outcome: Outcome, label: str, value: str = "") -> None:
        def answered(text: str | None) -> None:
            if text is not None:
                self._write(chosen, outcome, text)

        self.app.push_screen(Prompt(clean(label, limit=80), value=value), answered)

    def _write(self, chosen: ManualStepView, outcome: Outcome, note: str) -> None:
        manual = self._steps.manual
        if manual is None:
            return
        try:
            payload = do_step(
                self._steps.snapshot.plan,
                manual.workflow,
                chosen.step.name,
                outcome,
                note=note,
                tester=self._steps.tester,
            )
        except Refused as refusal:
            self.loom.say(str(refusal), Sign.WARN)
            return
        self.loom.act(payload)
        self._steps.action_move(1)

    def action_tester(self) -> None:
        """Say who tests, where that is not who writes."""

        def named(text: str | None) -> None:
            if text is not None:
                self._steps.tester = text.strip()
                self._steps.redraw()

        self.app.push_screen(Prompt("tester", value=self._steps.tester, hint="empty: yourself"), named)

    def action_begin(self) -> None:
        """Begin anew; what was done counts no more, so that it is asked first."""
        manual = self._steps.manual
        if manual is None:
            return
        payload = begin_workflow(self._steps.snapshot.plan, manual.workflow)
        if not manual.done:
            self.loom.act(payload)
            return

        def answered(text: str | None) -> None:
            if text is not None and text.strip().casefold() == "anew":
                self.loom.act(payload)

        label = f"{len(manual.done)} steps that are done will count no more"
        self.app.push_screen(Prompt(label, hint="type anew to begin anew, esc leaves it"), answered)
