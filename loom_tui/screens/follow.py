"""An armed action, live: approved by a second person, followed, answered, aborted, resumed. Esc leaves it be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from loom_tui.plan.acts import ActionKind
from loom_tui.room.acting import Answer
from loom_tui.room.guard import ACTIVE, UNDER_WAY, ActionState, ActionView
from loom_tui.room.guarded import Abort, AnswerStep, Approve, Intent, Resume
from loom_tui.room.mail import Reply
from loom_tui.room.snapshot import Snapshot
from loom_tui.room.tail import OUTPUT, Tail
from loom_tui.screens.follow_rows import ABORT, AFTER, AGAIN, APPROVE, BUTTONS, GLASS, RESUME, follow_lines, offers
from loom_tui.screens.guarded import Push, Typed
from loom_tui.screens.sheet import Entry, Sheet
from loom_tui.widgets.lines import Ink, Line, Span, clean
from loom_tui.widgets.text import Sign

if TYPE_CHECKING:
    from loom_tui.app import LoomApp

AT_ONCE = "in the countdown"  # why an action was aborted for which there was no time to type


def follow_action(app: LoomApp, action: int = 0) -> None:
    """Show an action; 0: the one under way, else the last one."""
    if app.snapshot is None:
        return
    under_way = app.snapshot.action
    if not action and under_way is not None:
        action = under_way.id
    elif not action and app.snapshot.actions:
        action = app.snapshot.actions[-1].id
    if action:
        app.push_screen(Follow(action))
    else:
        app.say("No action was armed in this room yet; R rolls back, : finds the others.")


class Follow(Sheet):
    """One action as it stands now."""

    ENTRIES = (Entry("reason", "reason", 56),)
    BUTTONS = BUTTONS
    CLOSES = "Close"

    def __init__(self, action: int) -> None:
        super().__init__()
        self._action = action
        self._tail: Tail | None = None

    def on_mount(self) -> None:
        """Have its output told."""
        self.loom.source.ask(OUTPUT, str(self._action))  # of the room's own reader, also where one only looks

    def on_unmount(self) -> None:
        """Have it told no longer."""
        self.loom.source.ask(OUTPUT, "")

    def replied(self, what: str, subject: str, reply: Reply) -> None:
        """Show what its steps wrote."""
        if what == OUTPUT and subject == str(self._action):
            self._tail = msgspec.json.decode(reply.body, type=Tail)
            self.draw()

    def view(self) -> ActionView | None:
        """Find the action; None where the journal that was read does not have it yet."""
        snapshot = self.loom.snapshot
        return next((view for view in snapshot.actions if view.id == self._action), None) if snapshot else None

    def show(self, snapshot: Snapshot) -> None:
        """Draw what is new. Red is for a rollback as long as it is under way."""
        view = self.view()
        rollback = view is not None and view.armed.what is ActionKind.ROLLBACK and view.state in UNDER_WAY
        self.INK = Ink.BAD if rollback else Ink.ACCENT
        super().show(snapshot)

    def caption(self) -> str:
        """Name the action."""
        view = self.view()
        return clean(f"{view.armed.label} · {view.armed.environment}", limit=60) if view else f"Action {self._action}"

    def state(self) -> Line:
        """Say where it stands."""
        view = self.view()
        if view is None:
            return ()
        at = [index for index, step in enumerate(view.steps, 1) if step.started]
        place = f" {at[-1]} of {len(view.steps)}" if at and view.state is ActionState.RUNNING else ""
        return (Span(f"{view.state.value}{place}", bold=True), Span(f"  {self._action}", Ink.FAINT))

    def facts(self, width: int, *, roomy: bool) -> Sequence[Line]:
        """Draw the action."""
        view, snapshot = self.view(), self.loom.snapshot
        if view is None or snapshot is None:
            return ((Span(f"Action {self._action} is not read from the journal yet.", Ink.FAINT),),)
        rows = max(3, min(12, self.size.height - 28))
        return follow_lines(
            view, snapshot, self._tail, self.loom.pen, width, actor=self.loom.person.login, roomy=roomy, rows=rows
        )

    def hint(self, entry: str) -> Line:  # noqa: ARG002 - there is one
        """Say what a reason is for."""
        return (Span("to abort, or to go on", Ink.FAINT),)

    def shown(self) -> Sequence[str]:
        """List what this person may say now."""
        view, snapshot = self.view(), self.loom.snapshot
        if view is None or snapshot is None:
            return ()
        found = offers(view, snapshot, self.loom.person.login)
        return ["reason", *found] if found else ()

    def keys(self) -> Line:
        """Say what closing does."""
        view = self.view()
        goes_on = view is not None and view.state in (*ACTIVE, ActionState.APPROVED)
        return (Span("esc", Ink.ACCENT), Span(" closes; it goes on" if goes_on else " closes", Ink.FAINT))

    def _stops(self) -> list[Push | Typed]:
        """Go to an approval first: it needs no reason."""
        stops = super()._stops()
        return sorted(stops, key=lambda stop: (stop is not stops[0], stop.id != f"push-{APPROVE}"))

    def pushed(self, value: str) -> None:
        """Have the guard decide on what the button says."""
        reason = self.typed("reason")
        self.loom.ask_guard(self._intent(value, reason), self._decided)

    def _intent(self, value: str, reason: str) -> Intent:
        view = self.view()
        match value:
            case _ if value == APPROVE:
                return Approve(self._action)
            case _ if value == GLASS:
                return Approve(self._action, reason)
            case _ if value == ABORT:
                hurried = view is not None and view.state is ActionState.COUNTING_DOWN
                return Abort(self._action, reason or (AT_ONCE if hurried else ""))
            case _ if value in (RESUME, AGAIN, AFTER):
                said = {AGAIN: Answer.REPEAT, AFTER: Answer.GO_ON}.get(value)
                return Resume(self._action, reason, said)
            case _:
                return AnswerStep(self._action, Answer(value), reason)

    def _decided(self, _: int, why: str) -> None:
        if not self.is_attached:
            self.loom.say(why or "The guard has it.", Sign.WARN if why else Sign.OK)
            return
        self.note = (why, Ink.BAD)
        if not why:
            self.query_one("#field-reason", Typed).value = ""
        self.draw()
