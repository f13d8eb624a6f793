"""What is asked before one votes, waives, signs off, lifts, decides or accepts. A refusal is said above the keys."""

from __future__ import annotations

from collections.abc import Callable

from loom_tui.room.deeds import Deed
from loom_tui.room.events import Payload
from loom_tui.room.gate_deeds import (
    NOBODY_VOTES,
    accept_risk,
    agree_to_decision,
    agree_to_waiver,
    call_decision,
    call_poll,
    cast_vote,
    end_poll,
    end_waiver,
    lift_no_go,
    propose_waiver,
    sign_off,
    withdraw_vote,
)
from loom_tui.room.lead import give_lead
from loom_tui.room.presence import names
from loom_tui.room.snapshot import RiskView, Snapshot
from loom_tui.room.verdicts import Choice, CriterionView, GateState, Polled
from loom_tui.screens.base import RoomScreen
from loom_tui.screens.gate_rows import decision_line, poll_line, sign_of_criterion, sign_of_no_go
from loom_tui.screens.guarded import Answer, Field, Guarded, Question
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean, wrap
from loom_tui.widgets.poll import heard_words
from loom_tui.widgets.text import INK_OF_GATE, Sign

WIDTH = 84  # cells that facts are wrapped for, where the terminal has them

_REASON = Field("reason", "reason", hint="the journal keeps it")


def ask_vote(screen: RoomScreen, role: str) -> None:
    """Ask for a role's vote."""
    snapshot = _room_of(screen)
    if snapshot is None:
        return

    def deed(answer: Answer) -> Deed:
        role, reason = answer.fields["role"], answer.fields["reason"]
        if answer.button == "withdraw":
            return withdraw_vote(role, reason=reason)
        return cast_vote(role, Choice(answer.button), reason=reason)

    voters = ", ".join(vote.role for vote in snapshot.gate.votes) or "the plan names nobody who votes"
    facts = (*_gate_facts(screen, snapshot), EMPTY, *_wrapped(screen, f"Roles: {voters}"))
    fields = (
        Field("role", "role", role, hint="one of them, or a part of its name"),
        Field("reason", "reason", hint="a no-go, and taking a vote back, need one"),
    )
    buttons = (("go", "Vote GO"), ("no_go", "Vote NO-GO"), ("withdraw", "Take back"))
    _ask(screen, Question("Vote", facts, fields, buttons), deed)


def ask_waiver(screen: RoomScreen, view: CriterionView) -> None:
    """Ask for a waiver; where one was proposed for the agreement to it, and for its end."""
    snapshot = _room_of(screen)
    if snapshot is None:
        return

    def deed(answer: Answer) -> Deed:
        if answer.button == "agree":
            return agree_to_waiver(view.key)
        if answer.button == "end":
            return end_waiver(view.key, reason=answer.fields["reason"])
        return _proposal(view.key, answer)

    facts = _criterion_facts(screen, view, no_go=view in snapshot.gate.no_go)
    waiver = view.waiver
    if waiver is None:
        fields = (_REASON, Field("hours", "for how many hours", "4", hint="a second person must agree"))
        _ask(screen, Question("Waive a criterion", facts, fields, (("propose", "Propose"),)), deed)
        return
    until = screen.loom.pen.day_clock(waiver.until, now=snapshot.now)
    agreed = f"agreed by {waiver.agreed_by}" if waiver.agreed_by else "waits for a second person"
    facts = (
        *facts,
        EMPTY,
        *_wrapped(screen, f"{waiver.by} waives it until {until}, {agreed}: {waiver.reason}", Ink.WAIVED),
    )
    agree = () if waiver.agreed_by else (("agree", "Agree"),)
    end = Field("reason", "reason", hint="to end it needs one")
    _ask(screen, Question("A waiver", facts, (end,), (*agree, ("end", "End it"))), deed)


def _proposal(key: str, answer: Answer) -> Deed:
    """Make the proposal: its end counts from the moment at which it is written."""
    try:
        hours = float(answer.fields["hours"].strip().removesuffix("h"))
    except ValueError:
        hours = 0.0  # refused by the deed, with the sentence that says what a waiver's end is

    def deed(snapshot: Snapshot, actor: str) -> Payload:
        until = snapshot.now + hours * 3600
        return propose_waiver(key, reason=answer.fields["reason"], until=until)(snapshot, actor)

    return deed


def ask_sign_off(screen: RoomScreen, view: CriterionView, *, no_go: bool) -> None:
    """Ask for a person's word on a criterion."""
    if _room_of(screen) is None:
        return

    def deed(answer: Answer) -> Deed:
        fields = answer.fields
        return sign_off(view.key, against=answer.button == "against", words=fields["words"], role=fields["role"])

    fields = (
        Field("words", "what was seen", hint="needed to speak against it"),
        Field("role", "for which role", hint="empty: for oneself, or one's only role"),
    )
    labels = ("It does not hold", "It holds: NO-GO") if no_go else ("It is met", "It is not met")
    buttons = (("for", labels[0]), ("against", labels[1]))
    facts = _criterion_facts(screen, view, no_go=no_go)
    _ask(screen, Question("Sign off by name", facts, fields, buttons), deed)


def ask_lift(screen: RoomScreen, what: str, text: str) -> None:
    """Ask for the reason to lift a no-go."""
    if _room_of(screen) is None:
        return
    facts = _wrapped(screen, f"{text}: what was shown or said until now no longer counts; what holds now still does.")
    question = Question("Lift a no-go", facts, (_REASON,), (("lift", "Lift it"),))
    _ask(screen, question, lambda answer: lift_no_go(what, reason=answer.fields["reason"]))


def ask_decision(screen: RoomScreen) -> None:
    """Ask for GO or NO-GO; for a GO against the gate that waits, for the agreement to it."""
    snapshot = _room_of(screen)
    if snapshot is None:
        return

    def deed(answer: Answer) -> Deed:
        if answer.button == "agree":
            return agree_to_decision()
        return call_decision(Choice(answer.button), reason=answer.fields["reason"])

    facts, decision = _gate_facts(screen, snapshot), snapshot.decision
    if decision is not None:
        facts = (*facts, EMPTY, decision_line(decision, screen.loom.pen, now=snapshot.now))
    open_gate = snapshot.gate.state is GateState.GO
    hint = "a NO-GO needs one" if open_gate else "needed; a GO against the gate also needs a second person"
    agree = (("agree", "Agree to the GO"),) if decision is not None and decision.pending else ()
    buttons = (("go", "Call GO"), ("no_go", "Call NO-GO"), *agree)
    _ask(screen, Question("Decide", facts, (Field("reason", "reason", hint=hint),), buttons), deed)


def ask_poll(screen: RoomScreen) -> None:
    """Ask whether to call each role in turn; where that is under way, for the reason to end it."""
    snapshot = _room_of(screen)
    if snapshot is None:
        return
    poll = snapshot.gate.poll
    if poll is not None and poll.calls:
        facts = (poll_line(poll, now=snapshot.now), *(_polled(screen, polled) for polled in poll.roles))
        question = Question("The launch poll", facts, (_REASON,), (("end", "End it"),))
        _ask(screen, question, lambda answer: end_poll(reason=answer.fields["reason"]))
        return
    roles = ", ".join(vote.role for vote in snapshot.gate.votes) or NOBODY_VOTES
    facts = _wrapped(screen, f"Each is called in turn, and their vote moves it on: {roles}")
    _ask(screen, Question("The launch poll", facts, (), (("call", "Call them"),)), lambda _: call_poll())


def _polled(screen: RoomScreen, polled: Polled) -> Line:
    sign = screen.loom.pen.sign(Sign.OK if polled.heard else Sign.OPEN)
    return (sign, Span(f" {clean(polled.role, limit=40)}"), Span(f"  {clean(heard_words(polled))}", Ink.FAINT))


def ask_lead(screen: RoomScreen) -> None:
    """Ask who leads from now on."""
    snapshot = _room_of(screen)
    if snapshot is None:
        return
    leads = f"{snapshot.lead} leads the room." if snapshot.lead else "Nobody leads the room yet."
    fields = (
        Field("to", "who leads from now on", hint=clean(", ".join(names(snapshot.present)), limit=60)),
        Field("reason", "reason", hint="needed where another one leads, and is not in the room"),
    )
    question = Question("The lead", _wrapped(screen, leads), fields, (("give", "Hand it over"),))
    _ask(screen, question, lambda answer: give_lead(answer.fields["to"], reason=answer.fields["reason"]))


def ask_acceptance(screen: RoomScreen, view: RiskView) -> None:
    """Ask who takes a risk on, and why."""
    if _room_of(screen) is None:
        return

    def deed(answer: Answer) -> Deed:
        return accept_risk(view.risk.text, owner=answer.fields["owner"], reason=answer.fields["reason"])

    lit = "It is lit, and stays lit." if view.lit else "Should its trigger light it, it is lit all the same."
    facts = (
        *((Span(part, bold=True),) for part in _lines(screen, view.risk.text)),
        *_wrapped(screen, view.risk.response or "No response planned.", Ink.FAINT),
        *(_wrapped(screen, lit, Ink.WARN if view.lit else Ink.FAINT) if view.risk.trigger is not None else ()),
    )
    if view.accepted_by:
        said = f"{view.accepted_by} accepted it: {view.accepted_why}"
        facts = (*facts, EMPTY, *_wrapped(screen, said, Ink.WAIVED))
    fields = (_REASON, Field("owner", "who has it from now on", hint="empty: you"))
    _ask(screen, Question("Accept a risk", facts, fields, (("accept", "Accept"),)), deed)


def _room_of(screen: RoomScreen) -> Snapshot | None:
    """Give what the room shows; None, and a sentence, where nothing may be written."""
    return screen.loom.snapshot if screen.loom.may_write() else None


def _ask(screen: RoomScreen, question: Question, deed: Callable[[Answer], Deed]) -> None:
    """Open the dialog, and write down what it gives."""

    def answered(answer: Answer | None) -> None:
        if answer is not None:
            screen.loom.act(deed(answer))

    screen.loom.push_screen(Guarded(question), answered)


def _gate_facts(screen: RoomScreen, snapshot: Snapshot) -> tuple[Line, ...]:
    gate = snapshot.gate
    state: Line = (
        Span(gate.state.value, INK_OF_GATE[gate.state], bold=True),
        Span(clean(f"  {gate.release or 'no release named'} → {gate.environment}", limit=60), Ink.FAINT),
    )
    return (state, *_wrapped(screen, gate.why))


def _criterion_facts(screen: RoomScreen, view: CriterionView, *, no_go: bool) -> tuple[Line, ...]:
    lamp = screen.loom.pen.sign(sign_of_no_go(view) if no_go else sign_of_criterion(view))
    first, *rest = wrap(view.text, _width(screen) - 4) or [""]
    title: Line = (lamp, Span(f" {first}", bold=True))
    return (title, *((Span(f"  {part}", bold=True),) for part in rest), *_wrapped(screen, view.why, Ink.FAINT))


def _wrapped(screen: RoomScreen, text: str, ink: Ink = Ink.INK) -> tuple[Line, ...]:
    return tuple((Span(part, ink),) for part in _lines(screen, text))


def _lines(screen: RoomScreen, text: str) -> list[str]:
    return wrap(text, _width(screen))[:8]


def _width(screen: RoomScreen) -> int:
    return max(20, min(WIDTH, screen.size.width - 12))
