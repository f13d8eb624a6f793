"""The guard: one table that says which event takes an action from which state to which. Pure.

What is not in the table is illegal: it raises, and changes nothing. So a journal that somebody forged, or in which two
runners wrote, folds to the same states as one without their words.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from loom_tui.plan.acts import BY_HAND, ActionKind
from loom_tui.room.acting import (
    AbortAsked,
    ActionAborted,
    ActionApproved,
    ActionArmed,
    ActionExpired,
    ActionFailed,
    ActionInterrupted,
    ActionPayload,
    ActionResumed,
    ActionTakenOver,
    ActionUnknown,
    ActionUnverified,
    ActionVerified,
    Answer,
    CountdownStarted,
    OfAction,
    Outcome,
    PreflightFailed,
    StepAnswered,
    StepEnded,
    StepStarted,
    StopCalled,
    StopLifted,
    VerificationStarted,
)
from loom_tui.room.alive import is_alive


class ActionState(StrEnum):
    """Where an action stands."""

    IDLE = "idle"
    ARMED = "armed"
    APPROVED = "approved"
    COUNTING_DOWN = "counting down"
    RUNNING = "running"
    VERIFYING = "verifying"
    DONE = "done"
    DONE_UNVERIFIED = "done, unverified"
    EXPIRED = "expired"
    FAILED = "failed"
    UNKNOWN = "unknown"
    INTERRUPTED = "interrupted"
    ABORTED = "aborted"


_S = ActionState
TABLE: Mapping[tuple[ActionState, type[ActionPayload]], ActionState] = {
    (_S.IDLE, ActionArmed): _S.ARMED,
    (_S.ARMED, ActionApproved): _S.APPROVED,
    (_S.ARMED, PreflightFailed): _S.ARMED,
    (_S.ARMED, ActionExpired): _S.EXPIRED,
    (_S.ARMED, ActionFailed): _S.FAILED,  # the pre-flight, while people still read
    (_S.ARMED, ActionAborted): _S.ABORTED,
    (_S.ARMED, ActionTakenOver): _S.ABORTED,
    (_S.APPROVED, PreflightFailed): _S.APPROVED,
    (_S.APPROVED, ActionExpired): _S.EXPIRED,
    (_S.APPROVED, ActionFailed): _S.FAILED,
    (_S.APPROVED, ActionAborted): _S.ABORTED,
    (_S.APPROVED, ActionTakenOver): _S.ABORTED,
    (_S.APPROVED, CountdownStarted): _S.COUNTING_DOWN,
    (_S.COUNTING_DOWN, StepStarted): _S.RUNNING,
    (_S.COUNTING_DOWN, ActionAborted): _S.ABORTED,
    (_S.COUNTING_DOWN, ActionTakenOver): _S.ABORTED,
    (_S.COUNTING_DOWN, ActionInterrupted): _S.INTERRUPTED,
    (_S.RUNNING, PreflightFailed): _S.RUNNING,  # of one that was resumed
    (_S.RUNNING, StepStarted): _S.RUNNING,
    (_S.RUNNING, StepEnded): _S.RUNNING,
    (_S.RUNNING, StepAnswered): _S.RUNNING,
    (_S.RUNNING, AbortAsked): _S.RUNNING,
    (_S.RUNNING, VerificationStarted): _S.VERIFYING,
    (_S.RUNNING, ActionFailed): _S.FAILED,
    (_S.RUNNING, ActionUnknown): _S.UNKNOWN,
    (_S.RUNNING, ActionAborted): _S.ABORTED,
    (_S.RUNNING, ActionTakenOver): _S.ABORTED,
    (_S.RUNNING, ActionInterrupted): _S.INTERRUPTED,
    (_S.VERIFYING, ActionVerified): _S.DONE,
    (_S.VERIFYING, ActionUnverified): _S.DONE_UNVERIFIED,
    (_S.VERIFYING, ActionFailed): _S.FAILED,
    (_S.VERIFYING, ActionTakenOver): _S.ABORTED,
    (_S.VERIFYING, ActionInterrupted): _S.INTERRUPTED,
    (_S.INTERRUPTED, ActionResumed): _S.RUNNING,
    (_S.INTERRUPTED, ActionAborted): _S.ABORTED,
    (_S.INTERRUPTED, ActionTakenOver): _S.ABORTED,
}
WAITING = frozenset({_S.ARMED, _S.APPROVED})
ACTIVE = frozenset({_S.COUNTING_DOWN, _S.RUNNING, _S.VERIFYING})  # a runner is at work, or should be
RUNNER_TTL_S = 10.0
UNDER_WAY = WAITING | ACTIVE | {_S.INTERRUPTED}
SETTLED_S = 0.5  # after which a step that did not end well waits, if its action did not end with it
_ENDS = {
    Outcome.FAILED: (Answer.GO_ON, Answer.REPEAT, Answer.STOP),
    Outcome.UNKNOWN: (Answer.GO_ON, Answer.REPEAT, Answer.STOP),
    None: (Answer.DONE, Answer.FAILED),  # by hand
}


class Illegal(Exception):
    """An event that the table, or what hangs on it, does not allow; the message says why."""


class StepView(Struct, frozen=True, kw_only=True):
    """One step of an action, as far as it came. `started` counts how often it began."""

    name: str
    shown: str
    started: int = 0
    started_at: float | None = None
    ended_at: float | None = None
    outcome: Outcome | None = None
    why: str = ""
    tail: str = ""
    size_bytes: int = 0
    answer: Answer | None = None
    answered_by: str = ""
    missing: str = ""  # what the pre-flight found amiss: what it lacks, or what its target answered

    @property
    def is_open(self) -> bool:
        """Whether it began, and nobody wrote down how it ended."""
        return self.started_at is not None and self.ended_at is None


class ActionView(Struct, frozen=True, kw_only=True):
    """An action. `written` is its state by the journal; `state` also knows the time, and whether its runner lives."""

    id: int
    armed: ActionArmed
    by: str
    at: float
    state: ActionState
    written: ActionState
    steps: tuple[StepView, ...]
    approved_by: str = ""
    approved_how: str = ""
    approved_reason: str = ""
    run: str = ""  # of the runner that has it; empty: none yet, or none since it was resumed
    former: tuple[str, ...] = ()  # of runners that were found gone; what they still write is refused
    host: str = ""
    ends_at: float | None = None  # of the countdown
    resumed_at: int | None = None  # the step from which it goes on, until that began
    abort_by: str = ""
    abort_why: str = ""
    steps_ended_at: float | None = None
    evidence: tuple[str, ...] = ()
    why: str = ""
    ended_at: float | None = None

    @property
    def step(self) -> StepView | None:
        """The step that is under way."""
        return next((step for step in self.steps if step.is_open), None)

    def is_of(self, run: str) -> bool:
        """Whether a runner may still think that the action is its own, or may become so."""
        return run not in self.former and self.run in ("", run)

    @property
    def lost(self) -> bool:
        """Whether its runner has gone, and nobody wrote that down yet."""
        return self.state is _S.INTERRUPTED and self.written in ACTIVE


class StopView(Struct, frozen=True, kw_only=True):
    """A stop of all actions but rollbacks, or of `everything`."""

    by: str
    at: float
    reason: str
    everything: bool


class Actions(Struct, frozen=True, kw_only=True):
    """All actions of the journal by id, and the stop that is in force."""

    views: Mapping[int, ActionView] = {}
    stop: StopView | None = None


def after(actions: Actions, payload: ActionPayload, *, by: str, at: float, seq: int) -> Actions:
    """Fold one event in. Raises Illegal, and nothing has changed."""
    match payload:
        case ActionArmed():
            return replace(actions, views={**actions.views, seq: _armed(payload, by=by, at=at, seq=seq)})
        case StopCalled():
            stop = StopView(by=by, at=at, reason=payload.reason, everything=payload.everything)
            return replace(actions, stop=stop)
        case StopLifted():
            return replace(actions, stop=None)
    view = actions.views.get(payload.action)
    if view is None:
        raise Illegal(f"there is no action {payload.action}")
    return replace(actions, views={**actions.views, view.id: step(view, payload, by=by, at=at)})


def step(view: ActionView, payload: OfAction, *, by: str, at: float) -> ActionView:
    """Take an action on by one event. Raises Illegal, and nothing has changed."""
    state = TABLE.get((view.written, type(payload)))
    if state is None:
        raise Illegal(f"action {view.id} is {view.written.value}")
    _hold(view, payload, by=by, at=at)
    view = _told(replace(view, state=state, written=state), payload, by=by, at=at)
    return view if state in UNDER_WAY else replace(view, ended_at=at)


def is_heard(runner_until: float | None, now: float) -> bool:
    """Say whether a runner whose lease ends then is known to live."""
    return runner_until is not None and is_alive(runner_until, ttl_s=RUNNER_TTL_S, now=now)


def as_of(view: ActionView, *, now: float, runner_until: float | None) -> ActionView:
    """Show an action as it is at `now`: what ran out is expired, and what lost its runner is interrupted.

    `runner_until` is when the runner's lease ends; None where there is none.
    """
    if view.written in WAITING and now >= view.armed.expires_at:
        return replace(view, state=TABLE[view.written, ActionExpired])
    if view.written in ACTIVE and not is_heard(runner_until, now):
        return replace(view, state=TABLE[view.written, ActionInterrupted])
    return view


def _armed(payload: ActionArmed, *, by: str, at: float, seq: int) -> ActionView:
    state = TABLE[_S.IDLE, ActionArmed]
    steps = tuple(StepView(name=name, shown=shown) for name, shown in zip(payload.steps, payload.shown, strict=False))
    return ActionView(id=seq, armed=payload, by=by, at=at, state=state, written=state, steps=steps)


def _hold(view: ActionView, payload: OfAction, *, by: str, at: float) -> None:
    """Hold an event that the table knows to what it says: the second person, the time, the runner, the step."""
    if isinstance(payload, ActionApproved | CountdownStarted) and at >= view.armed.expires_at:
        raise Illegal(f"action {view.id} expired")
    if isinstance(payload, ActionApproved):
        _hold_approval(view, payload, by=by)
    run = getattr(payload, "run", "")
    if run in view.former:
        raise Illegal(f"{run} was found gone, and action {view.id} is no longer its own")
    if run and run != view.run and view.run:
        raise Illegal(f"action {view.id} belongs to another runner, {view.run}")
    if run and not view.run and not isinstance(payload, _CLAIMS):
        raise Illegal(f"action {view.id} was not claimed by {run}")
    if isinstance(payload, PreflightFailed | StepStarted | StepEnded | StepAnswered) and not 0 <= payload.step < len(
        view.steps
    ):
        raise Illegal(f"action {view.id} has no step {payload.step + 1}")
    match payload:
        case PreflightFailed() if view.armed.what is not ActionKind.ROLLBACK:
            raise Illegal("only a rollback goes on past a pre-flight that failed")
        case StepStarted():
            _hold_start(view, payload)
        case StepEnded():
            if not view.steps[payload.step].is_open:
                raise Illegal(f"step {payload.step + 1} is not under way")
        case VerificationStarted():
            if next_step(view) is not None or view.step is not None:
                raise Illegal(f"action {view.id} has steps to come")
        case ActionResumed():
            if not 0 <= payload.step <= len(view.steps):
                raise Illegal(f"action {view.id} has no step {payload.step + 1}")


_CLAIMS = (PreflightFailed, CountdownStarted, StepStarted, VerificationStarted, ActionFailed, ActionAborted)


def _hold_approval(view: ActionView, payload: ActionApproved, *, by: str) -> None:
    if payload.how == "second" and by == view.by:
        raise Illegal(f"{by} armed action {view.id}; another person must approve it")
    if payload.how == "own" and view.armed.people > 1:
        raise Illegal(f"action {view.id} needs a second person")
    if payload.how == "glass" and view.armed.what is not ActionKind.ROLLBACK:
        raise Illegal("only a rollback may be done alone by breaking the glass")


def _hold_start(view: ActionView, payload: StepStarted) -> None:
    if view.step is not None and view.resumed_at is None:
        raise Illegal(f"action {view.id} is in the middle of a step")
    if payload.step != next_step(view):
        raise Illegal(f"step {payload.step + 1} is not the next of action {view.id}")


def next_step(view: ActionView) -> int | None:
    """Give the step that comes next (from 0); None where all are behind it."""
    if view.resumed_at is not None:
        return view.resumed_at if view.resumed_at < len(view.steps) else None
    for index, each in enumerate(view.steps):
        if each.answer is Answer.REPEAT or each.ended_at is None:
            return index
    return None


def question_of(view: ActionView) -> tuple[int, tuple[Answer, ...]] | None:
    """Give the step that may wait for a person, with what they may say."""
    for index, each in reversed(list(enumerate(view.steps))):
        if each.started_at is None or each.answer is not None:
            continue
        return None if each.outcome is Outcome.OK else (index, _ENDS[each.outcome])
    return None


def asked_now(view: ActionView, *, now: float) -> tuple[int, tuple[Answer, ...]] | None:
    """Give the step that waits for a person at `now`, with what they may say.

    One that did not end well waits only where the plan has it ask: else its runner writes the end at once.
    """
    question = question_of(view) if view.state is ActionState.RUNNING else None
    if question is None:
        return None
    step_view = view.steps[question[0]]
    if step_view.ended_at is None:
        return question if step_view.shown.startswith(BY_HAND) else None
    return question if view.step is None and now - step_view.ended_at >= SETTLED_S else None


def _told(view: ActionView, payload: OfAction, *, by: str, at: float) -> ActionView:
    """Take over what an event tells besides the state."""
    match payload:
        case ActionApproved():
            return replace(view, approved_by=by, approved_how=payload.how, approved_reason=payload.reason)
        case PreflightFailed():
            return _with_step(view, payload.step, replace(view.steps[payload.step], missing=payload.why))
        case CountdownStarted():
            return replace(view, run=payload.run, host=payload.host, ends_at=payload.ends_at)
        case StepStarted():
            started = replace(
                view.steps[payload.step],
                started=view.steps[payload.step].started + 1,
                started_at=at,
                ended_at=None,
                outcome=None,
                answer=None,
                why="",
                tail="",
                missing="",
            )
            return replace(_with_step(view, payload.step, started), run=payload.run, resumed_at=None)
        case StepEnded():
            ended = replace(
                view.steps[payload.step],
                ended_at=at,
                outcome=payload.outcome,
                answer=None,
                why=payload.why,
                tail=payload.tail,
                size_bytes=payload.size_bytes,
            )
            return _with_step(view, payload.step, ended)
        case StepAnswered():
            answered = replace(view.steps[payload.step], answer=payload.answer, answered_by=by)
            return _with_step(view, payload.step, answered)
        case AbortAsked():
            return replace(view, abort_by=by, abort_why=payload.reason)
        case VerificationStarted():
            return replace(view, run=payload.run, steps_ended_at=at, resumed_at=None)
        case ActionVerified():
            return replace(view, evidence=payload.evidence)
        case ActionUnverified() | ActionFailed() | ActionUnknown() | ActionAborted():
            return replace(view, why=payload.why)
        case ActionResumed():
            return _resumed(view, payload, at=at)
        case ActionTakenOver():
            return replace(view, why=f"stopped by rollback {payload.by_action}{_midway(view)}")
        case ActionInterrupted():
            return replace(view, run="", former=(*view.former, view.run) if view.run else view.former)
        case ActionExpired():
            return view


def _resumed(view: ActionView, payload: ActionResumed, *, at: float) -> ActionView:
    """Leave a step behind of which nobody saw the end, unless it is the one that begins anew."""
    view = replace(view, resumed_at=payload.step, abort_by="", abort_why="", steps_ended_at=None)
    for index, each in enumerate(view.steps[: payload.step]):
        if each.is_open:
            view = _with_step(view, index, replace(each, ended_at=at, outcome=Outcome.UNKNOWN, why="interrupted"))
    return view


def _midway(view: ActionView) -> str:
    under_way = view.step
    return f" in the middle of “{under_way.name}”: what that did is not known" if under_way is not None else ""


def _with_step(view: ActionView, index: int, step_view: StepView) -> ActionView:
    return replace(view, steps=(*view.steps[:index], step_view, *view.steps[index + 1 :]))
