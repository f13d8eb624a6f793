"""What a team made of a drill: a pure function of the scenario, the journal and what was done to the world.

notice   from the fault to the first thing that a person wrote down about it, once the room showed it
decide   from there to the first arming of a rollback, call of NO-GO, or stop
roll back   from there to the end of the last step of the rollback that came to its verification
verify   from there to the world's word that it is done
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from msgspec import Struct

from loom_tui.drill.scenario import Ask, Scenario, Switch
from loom_tui.plan.acts import ActionKind
from loom_tui.room.acting import (
    AbortAsked,
    ActionArmed,
    ActionInterrupted,
    ActionPayload,
    ActionResumed,
    Outcome,
    StepAnswered,
    StepEnded,
    StopCalled,
)
from loom_tui.room.drills import DrilledStep, DrillEnded, Times
from loom_tui.room.events import (
    DecisionCalled,
    ErrorAcknowledged,
    ErrorBlocking,
    ErrorNoted,
    Event,
    IssueBlocked,
    MarkerSet,
    NoteAdded,
    Payload,
    RiskAccepted,
    SignedOff,
    Voted,
    VoteWithdrawn,
)
from loom_tui.room.guard import Actions, ActionState, ActionView, Illegal, after
from loom_tui.room.verdicts import Choice

Judge = Callable[["Facts"], tuple[bool | None, str]]


class Happened(Struct, frozen=True, kw_only=True):
    """What the script did, when, and since when the room has shown it (None: not so far, or it has no sign)."""

    switch: Switch
    at: float
    shown_at: float | None = None


class Judged(Struct, frozen=True):
    """Whether what a scenario asks for was seen; None: it did not come to it."""

    ask: Ask
    held: bool | None
    words: str


class Score(Struct, frozen=True, kw_only=True):
    """A drill as it went. Each moment is an event of the journal, or None where it did not come to it."""

    scenario: Scenario
    began_at: float
    people: tuple[str, ...]
    judged: tuple[Judged, ...]
    fault: Happened | None = None
    noticed: Event | None = None
    decided: Event | None = None
    rollback: ActionView | None = None  # the one that came furthest

    @property
    def passed(self) -> bool:
        """Whether all was seen that the scenario asks for."""
        return all(judged.held for judged in self.judged)

    @property
    def times(self) -> Times:
        """Give what each part took."""
        fault_at = self.fault.at if self.fault is not None else None
        noticed_at, decided_at = _at(self.noticed), _at(self.decided)
        steps_ended_at, done_at = _ends_of(self.rollback)
        return Times(
            notice_s=_between(fault_at, noticed_at),
            decide_s=_between(noticed_at, decided_at),
            roll_back_s=_between(decided_at, steps_ended_at),
            verify_s=_between(steps_ended_at, done_at),
        )

    def ended(self) -> DrillEnded:
        """Write it as an event."""
        return DrillEnded(
            scenario=self.scenario.name,
            began_at=self.began_at,
            people=self.people,
            times=self.times,
            passed=self.passed,
            steps=_steps_of(self.rollback),
            missed=tuple(judged.ask.value for judged in self.judged if not judged.held),
        )


class Facts(Struct, frozen=True, kw_only=True):
    """What is judged: what people and runners wrote since the drill began, and what the script did."""

    events: tuple[Event, ...]
    people: tuple[Event, ...]  # of the events those that a person wrote
    happened: Mapping[Switch, Happened]
    noticed: Event | None
    rollback: ActionView | None


def score(
    scenario: Scenario,
    events: Sequence[Event],
    happened: Iterable[Happened],
    *,
    began_at: float,
    machines: frozenset[str],
) -> Score:
    """Score a drill. `events` are the whole journal; what `machines` wrote is nobody's reaction."""
    done = {each.switch: each for each in happened}
    fault = done.get(scenario.fault) if scenario.fault is not None else None
    since = tuple(event for event in events if event.at >= began_at)
    people = tuple(event for event in since if event.actor not in machines)
    noticed = decided = rollback = None
    if fault is not None:
        noticed = next((event for event in people if _is_of(event, fault)), None)
        if noticed is not None:
            decided = next((event for event in people if event.seq >= noticed.seq and decides(event.payload)), None)
        rollback = _rollback(since, not_before=fault.at)
    facts = Facts(events=since, people=people, happened=done, noticed=noticed, rollback=rollback)
    return Score(
        scenario=scenario,
        began_at=began_at,
        people=tuple(sorted({event.actor for event in people if reacts(event.payload)})),
        judged=tuple(Judged(ask, *_JUDGES[ask](facts)) for ask in scenario.asks),
        fault=fault,
        noticed=noticed,
        decided=decided,
        rollback=rollback,
    )


def _is_of(event: Event, fault: Happened) -> bool:
    """Say whether an event answers a fault: a remark may do so once the room shows it, a decision at once."""
    shown_at = fault.shown_at if fault.shown_at is not None else fault.at
    return (event.at >= shown_at and reacts(event.payload)) or (event.at >= fault.at and decides(event.payload))


def reacts(payload: Payload) -> bool:
    """Say whether a person says by this that something is the matter: to tick a task says nothing of the kind."""
    match payload:
        case NoteAdded() | ErrorNoted() | RiskAccepted() | VoteWithdrawn() | AbortAsked():
            return True
        case MarkerSet():
            return payload.marker == "rollback"
        case ErrorAcknowledged():
            return payload.done
        case IssueBlocked():
            return bool(payload.reason)
        case SignedOff():
            return payload.holds is payload.no_go
        case _:
            return alarms(payload)


def alarms(payload: Payload) -> bool:
    """Say whether a person calls the others to do something, or not to go."""
    match payload:
        case Voted():
            return payload.choice is Choice.NO_GO
        case ErrorBlocking():
            return payload.blocks
        case _:
            return decides(payload)


def decides(payload: Payload) -> bool:
    """Say whether a person decides that it does not go on as it is."""
    match payload:
        case DecisionCalled():
            return payload.choice is Choice.NO_GO
        case ActionArmed():
            return payload.what is ActionKind.ROLLBACK
        case _:
            return isinstance(payload, StopCalled)


def _rollback(events: Sequence[Event], *, not_before: float) -> ActionView | None:
    """Find the rollback since the fault that came furthest: verified before verifying before any other."""
    actions = Actions()
    for event in events:
        if isinstance(event.payload, ActionPayload):
            with suppress(Illegal):
                actions = after(actions, event.payload, by=event.actor, at=event.at, seq=event.seq)
    views = [
        view for view in actions.views.values() if view.armed.what is ActionKind.ROLLBACK and view.at >= not_before
    ]
    return max(views, key=_how_far, default=None)


def _how_far(view: ActionView) -> tuple[bool, bool, int]:
    return view.written is ActionState.DONE, view.steps_ended_at is not None, view.id


def _no_alarm(facts: Facts) -> tuple[bool | None, str]:
    alarm = next((event for event in facts.people if alarms(event.payload)), None)
    return alarm is None, "" if alarm is None else f"{alarm.actor} raised one in event {alarm.seq}"


def _noticed(facts: Facts) -> tuple[bool | None, str]:
    if not facts.happened:
        return None, "nothing had happened yet"
    return facts.noticed is not None, "" if facts.noticed is not None else "nobody wrote a word"


def _held(facts: Facts) -> tuple[bool | None, str]:
    silence = facts.happened.get(Switch.SILENCE)
    if silence is None:
        return None, "nothing was silent yet"
    for event in facts.people:
        payload = event.payload
        if event.at < silence.at:
            continue
        if isinstance(payload, DecisionCalled) and payload.choice is Choice.GO:
            return False, f"{event.actor} called GO in event {event.seq}"
        if isinstance(payload, ActionArmed) and payload.what is ActionKind.DEPLOY:
            return False, f"{event.actor} armed a deploy in event {event.seq}"
    return True, ""


def _answered(facts: Facts) -> tuple[bool | None, str]:
    failed = None
    for event in facts.events:
        payload = event.payload
        if isinstance(payload, StepEnded) and payload.outcome is Outcome.FAILED:
            failed = failed or event
        elif failed is not None and isinstance(payload, StepAnswered | ActionResumed | ActionArmed):
            return True, f"{event.actor} did, after {event.at - failed.at:.0f} s"
    return (None, "no step failed yet") if failed is None else (False, "it stood there, and nobody said how to go on")


def _outlived(facts: Facts) -> tuple[bool | None, str]:
    drop = facts.happened.get(Switch.DROP)
    if drop is None:
        return None, "the connection never dropped"
    view = facts.rollback
    if view is None or any(isinstance(event.payload, ActionInterrupted) for event in facts.events):
        return False, "it was interrupted"
    if view.ended_at is None or view.ended_at <= drop.at:
        return None, "its end was not seen"
    return True, f"it went on for {view.ended_at - drop.at:.0f} s without that terminal"


def _verified(facts: Facts) -> tuple[bool | None, str]:
    view = facts.rollback
    if view is None:
        return (False, "nobody armed one") if facts.happened else (None, "nothing had happened yet")
    return view.written is ActionState.DONE, "" if view.written is ActionState.DONE else f"it is {view.written.value}"


_JUDGES: Mapping[Ask, Judge] = {
    Ask.NO_ALARM: _no_alarm,
    Ask.NOTICED: _noticed,
    Ask.HELD: _held,
    Ask.ANSWERED: _answered,
    Ask.OUTLIVED: _outlived,
    Ask.VERIFIED: _verified,
}


def _at(event: Event | None) -> float | None:
    return event.at if event is not None else None


def _ends_of(view: ActionView | None) -> tuple[float | None, float | None]:
    """Give when a rollback's steps ended, and when the world said that it is done."""
    if view is None:
        return None, None
    return view.steps_ended_at, view.ended_at if view.written is ActionState.DONE else None


def _between(start: float | None, end: float | None) -> float | None:
    return max(0.0, end - start) if start is not None and end is not None else None


def _steps_of(view: ActionView | None) -> tuple[DrilledStep, ...]:
    if view is None:
        return ()
    return tuple(
        DrilledStep(step.name, step.ended_at - step.started_at)
        for step in view.steps
        if step.started_at is not None and step.ended_at is not None and step.outcome is Outcome.OK
    )
