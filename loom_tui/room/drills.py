"""A drill's events: that a room is a drill's, and what its team took. Pure.

A drill's own room is gone with its world, so what it took is also written into a journal that stays; there the times
of the last one are found.
"""

from msgspec import Struct
from msgspec.structs import replace

from loom_tui.room.payload import PayloadBase


class Times(Struct, frozen=True, kw_only=True):
    """What a team took, each from the end of the one before, the first from the fault; None: it did not come to it."""

    notice_s: float | None = None
    decide_s: float | None = None
    roll_back_s: float | None = None
    verify_s: float | None = None


class DrilledStep(Struct, frozen=True):
    """A step of the drill's rollback, and how long it took when it last ended well."""

    name: str
    took_s: float


class DrillBegan(PayloadBase, frozen=True, tag="drill_began"):
    """This room is a drill's: nothing in it speaks of the real world."""

    scenario: str


class DrillEnded(PayloadBase, frozen=True, tag="drill_ended"):
    """A team drilled in a world that began at `began_at`. `passed`: all that the scenario asks of a team was seen."""

    scenario: str
    began_at: float
    people: tuple[str, ...]
    times: Times
    passed: bool
    steps: tuple[DrilledStep, ...] = ()
    missed: tuple[str, ...] = ()  # what the scenario asked for, and was not seen


DrillPayload = DrillBegan | DrillEnded


class Drills(Struct, frozen=True):
    """What the journal says of drills: the scenario that this room is a drill of, and the last that rolled back."""

    scenario: str = ""
    rehearsed: DrillEnded | None = None
    is_over: bool = False  # the drill that this room is one of


def take(drills: Drills, payload: object) -> Drills:
    """Fold one event's payload in."""
    match payload:
        case DrillBegan():
            return replace(drills, scenario=payload.scenario, is_over=False)
        case DrillEnded():
            rehearsed = payload if payload.steps else drills.rehearsed
            return replace(drills, rehearsed=rehearsed, is_over=bool(drills.scenario))
        case _:
            return drills


def told_of_drill(payload: DrillPayload) -> str:
    """Tell an event of a drill, after its actor's name."""
    if isinstance(payload, DrillBegan):
        return f"began a drill: {payload.scenario}"
    missed = f"; not seen: {', '.join(payload.missed)}" if payload.missed else ""
    return f"drilled {payload.scenario}: {told_of_times(payload.times)}{missed}"


def told_of_times(times: Times) -> str:
    """Write what a team took: "21 s to notice, 1 m 05 s to decide"; what it did not come to is left out."""
    each = {
        "notice": times.notice_s,
        "decide": times.decide_s,
        "roll back": times.roll_back_s,
        "verify": times.verify_s,
    }
    return ", ".join(f"{took(s)} to {what}" for what, s in each.items() if s is not None) or "nothing was timed"


def took(seconds: float) -> str:
    """Write how long something took: "0.4 s", "38 s", "1 m 05 s", "2 h 05 m"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02} m"
    return f"{minutes} m {rest:02} s" if minutes else f"{rest} s"
