"""The dialogs before an action of the plan is armed, and before all are stopped. The guard decides, not they."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from loom_tui.plan.acts import ActionKind
from loom_tui.plan.model import Plan
from loom_tui.room.deeds import Refused
from loom_tui.room.guarded import Arm, CallStop, LiftStop, why_held_up
from loom_tui.room.preview import Preview, preview
from loom_tui.room.snapshot import Snapshot
from loom_tui.room.way import rollback_of
from loom_tui.screens.act_rows import approval_lines, arm_lines, changed, told
from loom_tui.screens.follow import follow_action
from loom_tui.screens.guarded import CANCEL, Answer, Field, Guarded, Question, Typed
from loom_tui.screens.sheet import Entry, Sheet
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean, wrap
from loom_tui.widgets.text import Sign

if TYPE_CHECKING:
    from loom_tui.app import LoomApp

ANSWER_S = 5.0  # a reader that says nothing for so long is stuck, and its store with it
STUCK = "The room does not answer: its store may be stuck. By hand: loom rollback --print"
_REASON = Entry("reason", "reason", 56)
_ENVIRONMENT = Entry("environment", "type", 24)


def ask_rollback(app: LoomApp) -> None:
    """Ask for the plan's rollback; one that is under way is shown."""
    if app.snapshot is None:
        return
    view = app.snapshot.action
    if view is not None and view.armed.what is ActionKind.ROLLBACK:
        follow_action(app, view.id)
        return
    plan = app.snapshot.plan
    try:
        seen = preview(app.snapshot, rollback_of(plan))
    except Refused as refusal:
        app.push_screen(NowhereToGo(str(refusal), plan))
        return
    app.push_screen(NowhereToGo(seen.barred, plan) if seen.barred else Arming(seen, plan_hash=app.snapshot.plan_hash))


def ask_action(app: LoomApp, name: str) -> None:
    """Ask for any action of the plan."""
    if app.snapshot is None:
        return
    try:
        seen = preview(app.snapshot, name)
    except Refused as refusal:
        app.say(str(refusal), Sign.WARN)
    else:
        app.push_screen(Arming(seen, plan_hash=app.snapshot.plan_hash))


def ask_stop(app: LoomApp) -> None:
    """Ask for a stop of all actions; where one is in force, for its end."""
    if app.snapshot is None or not app.may_write():
        return
    stop = app.snapshot.actions_of.stop
    text = "No action begins any more but a rollback, and what runs ends before its next step, until somebody lifts it."
    buttons: tuple[tuple[str, str], ...] = (("stop", "Stop all but rollbacks"), ("all", "Stop rollbacks too"))
    if stop is not None:
        text = f"{stop.by} stopped all actions{'' if stop.everything else ' but rollbacks'}: {stop.reason}"
        buttons = (("lift", "Lift it"),)
    facts = tuple((Span(part),) for part in wrap(text, max(20, min(84, app.size.width - 12)))[:8])

    def answered(answer: Answer | None) -> None:
        if answer is None:
            return
        reason = answer.fields["reason"]
        lift = answer.button == "lift"
        intent = LiftStop(reason) if lift else CallStop(reason, everything=answer.button == "all")
        done = "Lifted." if lift else "Stopped: no action begins until it is lifted (: lift)."
        app.ask_guard(intent, lambda _, why: app.say(why or done, Sign.WARN if why else Sign.OK))

    fields = (Field("reason", "reason", hint="the journal keeps it"),)
    app.push_screen(
        Guarded(Question("Lift the stop" if stop is not None else "Stop all actions", facts, fields, buttons)), answered
    )


class Arming(Sheet):
    """An action as it would be done now; armed by a reason, the environment's name, and a push."""

    ENTRIES = (_REASON, _ENVIRONMENT)
    BUTTONS = (("arm", "Arm"), ("override", "Override"))
    INK = Ink.BAD
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+b", "glass", "Break the glass: roll back alone", id="arming.glass"),
    ]

    def __init__(self, seen: Preview, *, plan_hash: str) -> None:
        super().__init__()
        self._seen = seen
        self._plan_hash = plan_hash
        self._alone = False
        self._asks = False  # the guard, now
        self._gone = False  # nothing can be armed as things stand

    def caption(self) -> str:
        """Name the action and where it is done."""
        return clean(f"{self._seen.label} · {self._seen.environment}", limit=60)

    def state(self) -> Line:
        """Say that nothing was done, and where nothing can be, before somebody types for nothing."""
        if self.loom.read_only:
            return (Span("this room is read-only: it arms nothing", Ink.WARN),)
        return (Span("asking the guard …" if self._asks else "nothing has run yet", Ink.FAINT),)

    def facts(self, width: int, *, roomy: bool) -> Sequence[Line]:
        """Draw the action, what a deploy's gate lacks, and who must agree."""
        snapshot = self.loom.snapshot
        assert snapshot is not None  # noqa: S101 - the dialog is not opened before
        pen, seen = self.loom.pen, self._seen
        against = self._against(snapshot)
        lines = arm_lines(seen, snapshot, pen, width, roomy=roomy)
        if against:
            lines += [*told(Sign.HALF, against, pen, width, Ink.WARN), *([EMPTY] if roomy else [])]
        if self._alone:
            words = "alone: arming breaks the glass with the reason below, as the journal says · ctrl+b takes it back"
            return [*lines, *told(Sign.WAIVED, words, pen, width, Ink.WAIVED)]
        people = 2 if against else seen.people
        return [*lines, *approval_lines(seen, snapshot, self.loom.person.login, pen, width, people=people)]

    def hint(self, entry: str) -> Line:
        """Say what is to be typed."""
        if entry == "reason":
            needed = self._seen.what is ActionKind.ROLLBACK or "override" in self.shown()
            return (Span("needed; the journal keeps it" if needed else "the journal keeps it", Ink.FAINT),)
        name = Span(clean(self._seen.environment, limit=40), Ink.BAD, bold=True)
        return (Span("the environment, exactly: ", Ink.FAINT), name)

    def shown(self) -> Sequence[str]:
        """List what there is; while the guard is asked nothing can be pushed twice."""
        entries = [entry.name for entry in self.ENTRIES]
        if self._asks or self._gone or self.loom.snapshot is None:
            return entries
        return [*entries, "override" if self._against(self.loom.snapshot) else "arm"]

    def keys(self) -> Line:
        """Name the keys."""
        by_hand = (Span(" · ", Ink.FAINT), Span("loom rollback --print", Ink.ACCENT), Span(" by hand", Ink.FAINT))
        rollback = self._seen.what is ActionKind.ROLLBACK
        return (Span("tab", Ink.ACCENT), Span(" goes on, ", Ink.FAINT), *super().keys(), *(by_hand if rollback else ()))

    def show(self, snapshot: Snapshot) -> None:
        """Take in what is new; where it changes what would be done, the person reads and types again."""
        try:
            now = preview(snapshot, self._seen.name, self._seen.announcement)
        except Refused as refusal:
            self._gone, self.note = True, (str(refusal), Ink.BAD)
        else:
            self._hold(now, snapshot.plan_hash)
        super().show(snapshot)

    def _hold(self, now: Preview, plan_hash: str) -> None:
        before, self._seen, self._gone = self._seen, now, bool(now.barred)
        if now.barred:
            self.note = (now.barred, Ink.BAD)
            return
        if now.digest == before.digest and plan_hash == self._plan_hash:
            return
        self._plan_hash = plan_hash
        what = "; ".join(changed(before, now)) or "the room took another version of the plan"
        self._send_back(f"This changed while you read: {what}. Read it again, and type the name anew.")

    def _send_back(self, text: str) -> None:
        self.note = (text, Ink.WARN)
        self.query_one("#field-environment", Typed).value = ""
        self.set_focus(self.query_one(f"#push-{CANCEL}"))

    def _against(self, snapshot: Snapshot) -> str:
        """Say what it needs an override for; empty where nothing holds it up."""
        return why_held_up(self._seen.what, self._seen.name, snapshot)

    def pushed(self, value: str) -> None:
        """Have the guard arm what was seen."""
        reason = self.typed("reason")
        intent = Arm(
            seen=self._seen,
            environment=self.typed("environment"),
            plan_hash=self._plan_hash,
            reason=reason,
            override=value == "override",
            glass=reason if self._alone else "",
        )
        self._asks, self.note = True, ("", Ink.WARN)
        self.draw()
        self.set_timer(ANSWER_S, self._unanswered)
        self.loom.ask_guard(intent, self._decided)

    def _decided(self, action: int, why: str) -> None:
        """Go over to the action's own view; refused, say why, and show what changed."""
        self._asks = False
        if not self.is_attached:
            self.loom.say(why or f"Action {action} was armed all the same: A shows it.", Sign.WARN)
            return
        if not why:
            app = self.loom
            self.dismiss()
            follow_action(app, action)
            return
        self.note = (why, Ink.BAD)
        self.draw()

    def _unanswered(self) -> None:
        if self._asks:
            self.note = (STUCK, Ink.BAD)
            self.draw()

    def action_glass(self) -> None:
        """Roll back alone, or not."""
        if self._seen.what is ActionKind.ROLLBACK and self._seen.people > 1:
            self._alone = not self._alone
            self.draw()


class NowhereToGo(Sheet):
    """There is nothing to go back to: what the plan has besides."""

    CLOSES = "Close"
    INK = Ink.BAD

    def __init__(self, why: str, plan: Plan) -> None:
        super().__init__()
        self._why = why
        self._steps = plan.rollback
        others = [(name, each) for name, each in plan.actions.items() if each.kind is not ActionKind.ROLLBACK]
        self._names = {f"act{index}": name for index, (name, _) in enumerate(others[:4])}
        self.BUTTONS = tuple(  # type: ignore[misc] # this plan's own
            (f"act{index}", clean(each.label or name, limit=24)) for index, (name, each) in enumerate(others[:4])
        )

    def caption(self) -> str:
        """Name the dialog."""
        return "Roll back"

    def state(self) -> Line:
        """Say what is missing."""
        return (Span("nothing to go back to", Ink.WARN),)

    def facts(self, width: int, *, roomy: bool) -> Sequence[Line]:
        """Draw why, and the plan's other steps."""
        lines = told(Sign.WARN, self._why, self.loom.pen, width)
        if self._steps:
            lines += [*([EMPTY] if roomy else []), (Span("What the plan has besides:", Ink.FAINT),)]
        for number, step in enumerate(self._steps, 1):
            words = f"{clean(step.name, limit=60)}: {step.text}" if step.text else step.name
            lines += [
                (Span(f"{number} " if first else "  ", Ink.ACCENT), Span(part))
                for first, part in ((index == 0, part) for index, part in enumerate(wrap(words, max(1, width - 2))))
            ]
        return lines

    def pushed(self, value: str) -> None:
        """Ask for another of the plan's actions."""
        app = self.loom
        self.dismiss()
        ask_action(app, self._names[value])
