"""What follows a rollback: the plan's steps as a checklist, and the record in which its root cause is sought. Pure.

These are events: what is known of them is folded from the journal, and shown by `room/followed.py`.
"""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from loom_tui.room.payload import Claim, PayloadBase


class RollbackStepTicked(PayloadBase, frozen=True, tag="rollback_step_ticked"):
    """A person ticked a step of the plan's way back, after an action, or took the tick back."""

    action: int
    step: str
    done: bool
    note: str = ""


class _Seen(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The base of what a record holds: old journals hold these, so that new fields come with a default."""


class SeenError(_Seen, frozen=True):
    """An error as its tracker had it."""

    source: str
    id: str
    title: str
    short_id: str = ""
    culprit: str = ""
    level: str = ""
    substatus: str = ""
    count: int = 0
    users: int | None = None
    first_seen: float | None = None
    last_seen: float | None = None
    release: str = ""
    url: str = ""


class SeenFigure(_Seen, frozen=True):
    """A signal's newest reading."""

    signal: str
    state: str
    freshness: str
    at: float
    label: str = ""
    value: float | None = None
    unit: str = ""
    detail: str = ""


class SeenSeries(_Seen, frozen=True):
    """A chart's past: the mean of each stretch of `step_s` that begins at a moment, and the highest."""

    signal: str
    step_s: float
    points: tuple[tuple[float, float, float], ...]  # moment, mean, highest
    unit: str = ""


class SeenEvent(_Seen, frozen=True):
    """An event of the journal in a few words."""

    seq: int
    at: float
    actor: str
    words: str


class RootCauseOpened(Claim, frozen=True, tag="root_cause_opened"):
    """The evidence of what was rolled back from, as it stood: written by the rollback's runner, or for a person."""

    action: int
    reason: str
    from_release: str
    to_release: str
    version: str  # that answered then; empty: not known
    since: float  # where the evidence begins
    errors: tuple[SeenError, ...]
    figures: tuple[SeenFigure, ...]
    series: tuple[SeenSeries, ...]
    journal: tuple[SeenEvent, ...]
    warnings: tuple[str, ...] = ()  # that the rollback was armed under
    errors_left_out: int = 0
    events_left_out: int = 0
    head_seq: int = 0  # of the journal, before this event
    head_hash: str = ""


AftermathPayload = RollbackStepTicked | RootCauseOpened


class Tick(Struct, frozen=True):
    """Who ticked a step, when, and what they noted."""

    done: bool
    by: str
    at: float
    note: str


class Aftermaths(Struct, frozen=True, kw_only=True):
    """What the journal says of what followed rollbacks."""

    ticks: Mapping[tuple[int, str], Tick] = {}  # by action and step
    records: Mapping[int, int] = {}  # the newest record of each action


def take(known: Aftermaths, payload: object, *, by: str, at: float, seq: int) -> Aftermaths:
    """Fold one event's payload in."""
    match payload:
        case RollbackStepTicked():
            tick = Tick(payload.done, by, at, payload.note)
            return replace(known, ticks={**known.ticks, (payload.action, payload.step): tick})
        case RootCauseOpened():
            return replace(known, records={**known.records, payload.action: seq})
        case _:
            return known


def told_of_aftermath(payload: AftermathPayload) -> str:
    """Tell an event of what follows a rollback, after its actor's name."""
    if isinstance(payload, RollbackStepTicked):
        note = f": {payload.note}" if payload.note else ""
        return f"{'did' if payload.done else 'took back'} “{payload.step}” after action {payload.action}{note}"
    errors = f"{len(payload.errors)} errors" if len(payload.errors) != 1 else "an error"
    return f"opened a record of the root cause of action {payload.action}: {errors}, {len(payload.figures)} figures"
