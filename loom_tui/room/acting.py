"""The events of a guarded action. An action is known by the place in the journal at which it was armed.

What carries a `run` was written by the runner that claimed the action under that word; nobody else may write it.
"""

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from loom_tui.plan.acts import ActionKind
from loom_tui.room.payload import Claim, PayloadBase


class Outcome(StrEnum):
    """How a step ended. At its deadline, or where its runner did not see it end, nobody knows."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Answer(StrEnum):
    """What a person says of a step that waits for them: of one by hand, or of one that did not end well."""

    DONE = "done"
    FAILED = "failed"
    GO_ON = "go_on"
    REPEAT = "repeat"
    STOP = "stop"


class Announcement(Struct, frozen=True):
    """What a person wants people told, in their own words, and through which channels."""

    text: str
    channels: tuple[str, ...]


class ActionArmed(Claim, frozen=True, tag="action_armed"):
    """A person asked for an action, and saw this: the version of the plan, from which release to which, each step."""

    name: str
    what: ActionKind
    label: str
    plan_hash: str
    reason: str
    from_release: str
    to_release: str
    steps: tuple[str, ...]  # their names
    shown: tuple[str, ...]  # exactly what each will do
    warnings: tuple[str, ...]
    people: int
    expires_at: float
    repeatable: tuple[int, ...] = ()  # the steps (from 0) that may be done twice
    override: bool = False  # without a GO that is fresh, or in a freeze
    freeze: str = ""  # why the freeze that was in force, which the override went past
    announcement: Announcement | None = None  # in place of an action of the plan's
    scripts: tuple[str, ...] = ()  # the sha256 of each step's file of SQL as it was; "" for a step without one


class _OfAction(PayloadBase, frozen=True):
    """The base of what is said of one action."""

    action: int


class ActionApproved(_OfAction, frozen=True, tag="action_approved"):
    """An action may begin: by a second person, by its own where the plan asks for one, or by breaking the glass."""

    how: Literal["second", "own", "glass"]
    reason: str = ""


class ActionExpired(_OfAction, frozen=True, tag="action_expired"):
    """An approval was not given, or not used, in time."""


class PreflightFailed(_OfAction, frozen=True, tag="preflight_failed"):
    """A rollback's step lacked something before the start, or its target did not answer well. It goes on."""

    run: str
    step: int
    why: str


class CountdownStarted(_OfAction, frozen=True, tag="countdown_started"):
    """A runner claimed an approved action; the first step begins at `ends_at`."""

    run: str
    host: str
    ends_at: float


class StepStarted(_OfAction, frozen=True, tag="step_started"):
    """A step begins. Written before it does, so that nothing runs unseen."""

    run: str
    step: int


class StepEnded(_OfAction, frozen=True, tag="step_ended"):
    """A step ended, or was ended. `tail` is the end of what it wrote, secrets masked."""

    run: str
    step: int
    outcome: Outcome
    why: str = ""
    tail: str = ""
    size_bytes: int = 0


class StepAnswered(_OfAction, frozen=True, tag="step_answered"):
    """A person said how it goes on with a step that waits for them."""

    step: int
    answer: Answer
    reason: str = ""


class AbortAsked(_OfAction, frozen=True, tag="abort_asked"):
    """A person wants a running action to end before its next step."""

    reason: str


class VerificationStarted(_OfAction, frozen=True, tag="verification_started"):
    """All steps are behind it; from now on the world is asked whether it is done."""

    run: str


class ActionVerified(_OfAction, frozen=True, tag="action_verified"):
    """The world says that it is done; `evidence` is what it said."""

    run: str
    evidence: tuple[str, ...]


class ActionUnverified(_OfAction, frozen=True, tag="action_unverified"):
    """All steps ended, and nothing shows whether it is done."""

    run: str
    why: str


class ActionFailed(_OfAction, frozen=True, tag="action_failed"):
    """A pre-flight check or a step failed, or the world says that it is not done."""

    run: str
    why: str


class ActionUnknown(_OfAction, frozen=True, tag="action_unknown"):
    """A step was ended at its deadline: what it did is not known."""

    run: str
    why: str


class ActionAborted(_OfAction, frozen=True, tag="action_aborted"):
    """Ended by a person, or by its runner for a person: nothing more of it is done."""

    why: str
    run: str = ""


class ActionInterrupted(_OfAction, frozen=True, tag="action_interrupted"):
    """A person found that its runner had gone. Nothing of it is done again by itself."""

    seen_at: float | None  # when the runner's lease ran out


class ActionResumed(_OfAction, frozen=True, tag="action_resumed"):
    """A person has an interrupted action go on, from this step."""

    step: int
    reason: str


class ActionTakenOver(_OfAction, frozen=True, tag="action_taken_over"):
    """A rollback stopped another action to have the world for itself."""

    by_action: int


class StopCalled(PayloadBase, frozen=True, tag="stop_called"):
    """A person stopped all actions but rollbacks, or with `everything` those too, until somebody lifts it."""

    reason: str
    everything: bool = False


class StopLifted(PayloadBase, frozen=True, tag="stop_lifted"):
    """A person lifted the stop."""

    reason: str


OfAction = (
    ActionApproved
    | ActionExpired
    | PreflightFailed
    | CountdownStarted
    | StepStarted
    | StepEnded
    | StepAnswered
    | AbortAsked
    | VerificationStarted
    | ActionVerified
    | ActionUnverified
    | ActionFailed
    | ActionUnknown
    | ActionAborted
    | ActionInterrupted
    | ActionResumed
    | ActionTakenOver
)
ActionPayload = ActionArmed | OfAction | StopCalled | StopLifted
