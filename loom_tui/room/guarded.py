"""The guard: what a person may have done, and what a runner may do next, decided on the room as it is.

A person's right, and whether their room may write at all, is the door's to say (`door.py`). What is said here is
decided inside the transaction that appends it, so that of two rooms that arm at once one is refused, and a runner that
was declared gone writes nothing more.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from loom_tui.plan.acts import ActionKind, SqlAct
from loom_tui.plan.criteria import may
from loom_tui.plan.freezes import HELD_UP, Frozen, frozen_at, frozen_words
from loom_tui.plan.model import Action, Plan, Right
from loom_tui.room.acting import (
    AbortAsked,
    ActionAborted,
    ActionApproved,
    ActionArmed,
    ActionInterrupted,
    ActionPayload,
    ActionResumed,
    ActionTakenOver,
    Answer,
    CountdownStarted,
    OfAction,
    StepAnswered,
    StepStarted,
    StopCalled,
    StopLifted,
)
from loom_tui.room.announcing import action_of
from loom_tui.room.deeds import Refused, words_of
from loom_tui.room.door import require
from loom_tui.room.guard import (
    ACTIVE,
    UNDER_WAY,
    WAITING,
    ActionState,
    ActionView,
    Illegal,
    next_step,
    question_of,
    step,
)
from loom_tui.room.locks import held
from loom_tui.room.presence import shared_accounts
from loom_tui.room.preview import Preview, preview
from loom_tui.room.snapshot import Snapshot
from loom_tui.room.verdicts import Choice, GateState


class Arm(Struct, frozen=True, kw_only=True):
    """Have an action done, after one saw this preview of it and typed its environment's name.

    `override`: past a freeze, or a deploy without a GO that is fresh; it takes a reason and a second person. `glass`:
    the reason for doing a rollback alone, with which it is approved at once (`guarding.have_done`). `scripts`: the
    sha256 of each step's file of SQL, "" for a step without one, or whose file cannot be read.
    """

    seen: Preview
    environment: str
    plan_hash: str
    reason: str = ""
    override: bool = False
    glass: str = ""
    scripts: tuple[str, ...] = ()


class Approve(Struct, frozen=True):
    """Let an armed action begin. `glass` is the reason for doing a rollback alone."""

    action: int
    glass: str = ""


class Abort(Struct, frozen=True):
    """End an action: at once in the countdown and before, else before its next step."""

    action: int
    reason: str


class AnswerStep(Struct, frozen=True):
    """Say how it goes on with the step that waits for a person."""

    action: int
    answer: Answer
    reason: str = ""


class Resume(Struct, frozen=True):
    """Have an interrupted action go on. `answer` says of a step in the middle: REPEAT it, or GO_ON after it.

    Decided twice: the first time it writes down that the runner has gone, the second time that it goes on.
    """

    action: int
    reason: str
    answer: Answer | None = None


class CallStop(Struct, frozen=True):
    """Stop all actions but rollbacks; or `everything`."""

    reason: str
    everything: bool = False


class LiftStop(Struct, frozen=True):
    """Lift the stop."""

    reason: str


Intent = Arm | Approve | Abort | AnswerStep | Resume | CallStop | LiftStop
_WRITES: dict[type[Intent], type[ActionPayload]] = {  # what each becomes, for the right that it takes
    Arm: ActionArmed,
    Approve: ActionApproved,
    Abort: ActionAborted,
    AnswerStep: StepAnswered,
    Resume: ActionResumed,
    CallStop: StopCalled,
    LiftStop: StopLifted,
}


def deed_of(intent: Intent) -> Callable[[Snapshot, str], ActionPayload]:
    """Make an intent a deed (see `gathering.append_deed`)."""
    return lambda snapshot, actor: decide(intent, snapshot, actor)


def decide(intent: Intent, snapshot: Snapshot, actor: str) -> ActionPayload:
    """Say what an intent is written down as. Raises Refused with a sentence, and nothing is written."""
    require(snapshot.plan, actor, _WRITES[type(intent)])
    match intent:
        case Arm():
            return _arm(intent, snapshot)
        case Approve():
            return _approve(intent, snapshot, actor)
        case Abort():
            return _abort(intent, snapshot)
        case AnswerStep():
            return _answer(intent, snapshot)
        case Resume():
            return _resume(intent, snapshot)
        case CallStop():
            why = words_of(intent.reason, "A stop needs a reason")
            return StopCalled(reason=why, everything=intent.everything)
        case LiftStop():
            if snapshot.actions_of.stop is None:
                raise Refused("No stop is in force")
            return StopLifted(reason=words_of(intent.reason, "To lift a stop needs a reason"))


def permit(payload: OfAction, snapshot: Snapshot, actor: str) -> OfAction:
    """Let a runner write its next event, or not. Raises Refused; what it would have done is then not done."""
    view = find_action(snapshot, payload.action)
    if isinstance(payload, CountdownStarted):
        _may_begin(view, snapshot)
    elif isinstance(payload, StepStarted):
        if view.abort_by:
            raise Refused(f"{view.abort_by} aborted it: {view.abort_why}")
        if view.written is ActionState.COUNTING_DOWN and view.armed.what is not ActionKind.ROLLBACK:
            _may_begin(view, snapshot)  # the world may have changed in the countdown
        _not_stopped(view.armed.what, snapshot)
    elif isinstance(payload, ActionTakenOver):
        _may_take_over(view, snapshot, payload.by_action)
    try:
        step(view, payload, by=actor, at=snapshot.now)
    except Illegal as illegal:
        raise Refused(f"{str(illegal)[:1].upper()}{str(illegal)[1:]}") from None
    return payload


def find_action(snapshot: Snapshot, action: int) -> ActionView:
    """Find an action by its number. Raises Refused."""
    for view in snapshot.actions:
        if view.id == action:
            return view
    under_way = [str(view.id) for view in snapshot.actions if view.state in UNDER_WAY]
    raise Refused(f"There is no action {action}; under way: {', '.join(under_way) or 'none'}")


def why_held_up(what: ActionKind, name: str, snapshot: Snapshot) -> str:
    """Say what an action needs an override for: a freeze, a pre-flight, a GO that is not there; empty for nothing."""
    try:
        if what in HELD_UP:
            _not_frozen(frozen_at(snapshot.plan, snapshot.now), snapshot.plan)
        _preflight_holds(what, name, snapshot)
        if what is ActionKind.DEPLOY:
            _go_is_fresh(snapshot)
    except Refused as refusal:
        return str(refusal)
    return ""


def _arm(intent: Arm, snapshot: Snapshot) -> ActionArmed:
    seen, plan = intent.seen, snapshot.plan
    now = preview(snapshot, seen.name, seen.announcement)
    if now.barred:
        raise Refused(now.barred)
    if intent.environment != now.environment:
        raise Refused(f"Type the environment's name, {now.environment}, to arm; found {intent.environment!r}")
    if snapshot.plan_hash != intent.plan_hash:
        raise Refused("The room has taken another version of the plan since; look again")
    if now.digest != seen.digest:
        raise Refused("What was shown has changed since; look again")
    _not_stopped(now.what, snapshot)
    for other in snapshot.actions:
        over = now.what is ActionKind.ROLLBACK and other.armed.what is not ActionKind.ROLLBACK
        if other.state in UNDER_WAY and not over and not is_apart(now.what, other):
            raise Refused(
                f"“{other.armed.label}” ({other.id}) is {other.state.value}: one action at a time. "
                f"{held(other, snapshot.now)}"
            )
    frozen = frozen_at(plan, snapshot.now) if now.what in HELD_UP else None
    held_up = "" if intent.override else why_held_up(now.what, now.name, snapshot)
    if held_up:
        raise Refused(held_up)
    why = intent.reason.strip()
    if intent.override or now.what is ActionKind.ROLLBACK:
        why = words_of(intent.reason, "An override, and a rollback, need a reason")
    action = action_of(plan, seen.name, seen.announcement)
    scripts = _pinned(intent, action)
    return ActionArmed(
        release=plan.plan.release,
        environment=now.environment,
        name=now.name,
        what=now.what,
        label=now.label,
        plan_hash=intent.plan_hash,
        reason=why,
        from_release=now.from_release,
        to_release=now.to_release,
        steps=now.steps,
        shown=tuple(
            f"{shown}  # sha256 {digest[:12]}" if digest else shown
            for shown, digest in zip(now.shown, scripts, strict=True)
        ),
        warnings=now.warnings,
        people=2 if intent.override else now.people,
        expires_at=snapshot.now + action.expires_s,
        repeatable=now.repeatable,
        override=intent.override,
        freeze=frozen.why if frozen is not None else "",
        announcement=now.announcement,
        scripts=scripts,
    )


def _pinned(intent: Arm, action: Action) -> tuple[str, ...]:
    """Say what each step's file of SQL held. A rollback may be armed without; it reads the file when the step comes."""
    scripts = intent.scripts or ("",) * len(action.steps)
    for step_, digest in zip(action.steps, scripts, strict=True):
        if isinstance(step_, SqlAct) and not digest and action.kind is not ActionKind.ROLLBACK:
            raise Refused(f"“{step_.name}”: {step_.file} cannot be read here, so that nobody knows what it would do")
    return scripts


def _approve(intent: Approve, snapshot: Snapshot, actor: str) -> ActionApproved:
    view = find_action(snapshot, intent.action)
    if view.state is not ActionState.ARMED:
        raise Refused(f"Action {view.id} is {view.state.value}; there is nothing to approve")
    _not_stopped(view.armed.what, snapshot)
    if actor != view.by:
        if not may(snapshot.plan, actor, Right.APPROVER):
            raise Refused(f"{actor} may not approve what {view.by} armed: a second person is an approver")
        return ActionApproved(action=view.id, how="second", reason=intent.glass.strip())
    if view.armed.people == 1:
        return ActionApproved(action=view.id, how="own")
    other = f"{actor} armed it; another person must approve"
    if actor in shared_accounts(snapshot.present):
        other += f" ({actor} is open in several places: Loom cannot tell people on one account apart)"
    if view.armed.what is not ActionKind.ROLLBACK:
        raise Refused(other)
    why = words_of(intent.glass, f"{other}. When alone: --break-glass with a reason")
    return ActionApproved(action=view.id, how="glass", reason=why)


def _abort(intent: Abort, snapshot: Snapshot) -> ActionPayload:
    view = find_action(snapshot, intent.action)
    why = words_of(intent.reason, "To abort needs a reason")
    if view.state in WAITING or view.state is ActionState.COUNTING_DOWN or view.written is ActionState.INTERRUPTED:
        return ActionAborted(action=view.id, why=why)
    if view.lost:
        return ActionInterrupted(action=view.id, seen_at=snapshot.runners.get(view.id))
    if view.state is ActionState.RUNNING:
        return AbortAsked(action=view.id, reason=why)
    raise Refused(f"Action {view.id} is {view.state.value}; there is nothing to abort")


def _answer(intent: AnswerStep, snapshot: Snapshot) -> StepAnswered:
    view = find_action(snapshot, intent.action)
    question = question_of(view) if view.state is ActionState.RUNNING else None
    if question is None:
        raise Refused(f"Action {view.id} is {view.state.value}, and asks nothing")
    index, answers = question
    if intent.answer not in answers:
        raise Refused(f"“{view.steps[index].name}” wants one of: {', '.join(answer.value for answer in answers)}")
    return StepAnswered(action=view.id, step=index, answer=intent.answer, reason=intent.reason.strip())


def _resume(intent: Resume, snapshot: Snapshot) -> ActionInterrupted | ActionResumed:
    view = find_action(snapshot, intent.action)
    if view.state is not ActionState.INTERRUPTED:
        raise Refused(f"Action {view.id} is {view.state.value}; only an interrupted one is resumed")
    why = words_of(intent.reason, "To resume needs a reason")
    _not_stopped(view.armed.what, snapshot)
    under_way = next((index for index, each in enumerate(view.steps) if each.is_open), None)
    begin = next_step(view)
    if under_way is not None:
        begin = _begin_again(view, under_way, intent)
    if view.lost:
        return ActionInterrupted(action=view.id, seen_at=snapshot.runners.get(view.id))
    return ActionResumed(action=view.id, step=len(view.steps) if begin is None else begin, reason=why)


def _begin_again(view: ActionView, index: int, intent: Resume) -> int:
    """Say where it goes on after an interruption in the middle of a step; a person chooses, or the plan has."""
    if intent.answer is Answer.GO_ON:
        return index + 1
    if intent.answer is Answer.REPEAT or index in view.armed.repeatable:
        return index
    raise Refused(
        f"It was interrupted in the middle of “{view.steps[index].name}”, which may have been done in part: look, "
        "then say --repeat or --skip"
    )


def _may_begin(view: ActionView, snapshot: Snapshot) -> None:
    """Hold an approved action to the world as it is now, before its countdown and its first step. Raises Refused."""
    what = view.armed.what
    _not_stopped(what, snapshot)
    for other in snapshot.actions:
        if other.id == view.id or other.state not in UNDER_WAY or is_apart(what, other):
            continue
        if other.written in ACTIVE or other.state is ActionState.INTERRUPTED:
            is_what = f"“{other.armed.label}” ({other.id}) is {other.state.value}"
            raise Refused(f"{is_what}: one action at a time. {held(other, snapshot.now)}")
        if what is not ActionKind.ROLLBACK:
            raise Refused(f"“{other.armed.label}” ({other.id}) is {other.state.value}, and goes first")
    if what is not ActionKind.ROLLBACK and snapshot.plan_hash != view.armed.plan_hash:
        raise Refused("The plan was edited since it was armed; look again, and arm it anew")
    frozen = frozen_at(snapshot.plan, snapshot.now) if what in HELD_UP else None
    if frozen is not None and frozen.why != view.armed.freeze:  # it began since: nobody has gone past this one
        _not_frozen(frozen, snapshot.plan)
    if not view.armed.override:
        _preflight_holds(what, view.armed.name, snapshot)
        if what is ActionKind.DEPLOY:
            _go_is_fresh(snapshot)
    if view.armed.override and view.approved_how != "second":
        raise Refused("An override needs a second person")


def is_apart(what: ActionKind, other: ActionView) -> bool:
    """Say whether an action and another stand in no one's way: to tell people is no change of the world."""
    if ActionKind.NOTIFY not in (what, other.armed.what):
        return False
    return what is not other.armed.what or other.state is ActionState.INTERRUPTED


def _may_take_over(view: ActionView, snapshot: Snapshot, by_action: int) -> None:
    taker = find_action(snapshot, by_action)
    if taker.armed.what is not ActionKind.ROLLBACK or taker.state is not ActionState.APPROVED:
        raise Refused("Only a rollback that was approved may take over from another action")
    if view.armed.what is ActionKind.ROLLBACK:
        raise Refused(f"“{view.armed.label}” ({view.id}) is a rollback too; abort it first")


def _go_is_fresh(snapshot: Snapshot) -> None:
    """Hold a deploy to a GO: of the gate as it is now, or called against it by two people. Raises Refused."""
    gate, decision = snapshot.gate, snapshot.decision
    if decision is not None and decision.choice is Choice.NO_GO:
        raise Refused(f"{decision.by} called NO-GO: {decision.reason}. Decide anew, or override with a reason")
    if gate.state is GateState.GO:
        return
    called = decision is not None and not decision.pending and decision.gate.state is not GateState.GO
    worse = decision is None or (gate.state is GateState.NO_GO and decision.gate.state is not GateState.NO_GO)
    if not called or worse:
        raise Refused(
            f"The gate is {gate.state.value}: {gate.why}. A deploy needs a GO, or an override with a reason and a "
            "second person"
        )


def _not_frozen(frozen: Frozen | None, plan: Plan) -> None:
    if frozen is not None:
        raise Refused(
            f"A freeze is in force: {frozen_words(plan, frozen)}. Wait, or override with a reason and a second person"
        )


def _preflight_holds(what: ActionKind, name: str, snapshot: Snapshot) -> None:
    """Hold an action to its pre-flight. A rollback goes on past it: it was warned of. Raises Refused."""
    if what is ActionKind.ROLLBACK:
        return
    for tried in snapshot.preflights.get(name, ()):
        if tried.holds is not True:
            raise Refused(
                f"The pre-flight does not hold: {tried.signal}: {tried.words}. Mend it, or override with a reason and "
                "a second person"
            )


def _not_stopped(what: ActionKind, snapshot: Snapshot) -> None:
    stop = snapshot.actions_of.stop
    if stop is not None and (stop.everything or what is not ActionKind.ROLLBACK):
        raise Refused(f"{stop.by} stopped all actions: {stop.reason}. Lift it first: loom stop --lift --reason WHY")
