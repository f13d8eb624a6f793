"""What the world said: readings of the plan's signals, and whether one may still be believed.

Times are Unix seconds, UTC.
"""

from enum import StrEnum

import msgspec
from msgspec import Struct

from loom_tui.plan.signals import Signal


class State(StrEnum):
    """What one reading says. `unknown` is a state of its own, never green."""

    OK = "ok"
    BAD = "bad"
    UNKNOWN = "unknown"


class Freshness(StrEnum):
    """Whether a reading still speaks of now."""

    FRESH = "fresh"
    STALE = "stale"
    NEVER = "never"
    FUTURE = "future"


class Reading(Struct, frozen=True, kw_only=True):
    """One observation of one signal; `observed_at` by the asker's clock, or when the report it is from was written."""

    signal: str
    observed_at: float
    state: State = State.OK
    value: float | None = None
    detail: str = ""  # a sentence or a word for people: the version, the reason
    body: bytes = b""  # JSON, for Kind.BODY
    environment: str = ""
    release: str = ""


class Stored(Struct, frozen=True, kw_only=True):
    """A reading with the store's own time: what is known at T is what was recorded by T."""

    reading: Reading
    recorded_at: float


class Bucket(Struct, frozen=True, kw_only=True):
    """A rolled-up stretch of readings that begins at `start`. `sketch` is empty but for latencies."""

    start: float
    step_s: float
    count: int
    total: float
    low: float
    high: float
    sketch: bytes = b""


class Health(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What asking a source costs, and what that taught of the other side; None where it does not say."""

    calls: int = 0  # in the last hour
    size_bytes: int = 0  # that came back in the last hour
    remaining: int | None = None  # calls that the other side's limit leaves until `resets_at`
    limit: int | None = None
    resets_at: float | None = None
    skew_s: float | None = None  # its clock minus ours


class PollerReport(Struct, frozen=True, kw_only=True):
    """A poller's own account of itself."""

    last_success_at: float | None = None
    failing_since: float | None = None  # the first failure since then
    next_try_at: float | None = None  # None where it is asked on demand only
    failures: int = 0
    why: str = ""
    asking_since: float | None = None  # while it is being asked, where that takes long enough to be told
    progress: str = ""  # how far it has come: "312 of 1,500 files"
    health: Health = Health()


_REPORTS: msgspec.json.Decoder[PollerReport] = msgspec.json.Decoder(PollerReport)


def decode_report(reading: Reading | None) -> PollerReport | None:
    """Read a poller's account from its feed's reading; None where there is none that can be read."""
    try:
        return _REPORTS.decode(reading.body) if reading is not None and reading.body else None
    except msgspec.DecodeError:
        return None


CLOCK_TOLERANCE_S = 5.0


def freshness(stored: Stored | None, signal: Signal, now: float) -> Freshness:
    """Say whether a reading may be believed at `now`. One from the future may not."""
    if stored is None:
        return Freshness.NEVER
    age_s = now - stored.reading.observed_at
    if age_s < -CLOCK_TOLERANCE_S:
        return Freshness.FUTURE
    return Freshness.FRESH if age_s <= signal.ttl_s else Freshness.STALE
