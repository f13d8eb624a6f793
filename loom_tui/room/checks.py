"""What a check leaves behind: its steps with what was sent and got, and the marks of its last runs."""

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from loom_tui.room.signals import State

HISTORY = 10  # marks that a check keeps


class Step(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step of a check: what was sent, what came back, and why that is good, bad or unknown. Secrets are masked."""

    name: str
    state: State
    detail: str = ""
    sent: str = ""
    got: str = ""
    duration_ms: float | None = None


class CheckResult(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of a check's reading, where it has more to tell than its state: how long it took, and its steps."""

    duration_ms: float | None = None
    steps: tuple[Step, ...] = ()


class Run(Struct, frozen=True, kw_only=True):
    """One of a check's last runs."""

    observed_at: float
    state: State
    detail: str = ""


_DECODER: msgspec.json.Decoder[CheckResult] = msgspec.json.Decoder(CheckResult)


def worst(states: Iterable[State]) -> State:
    """Give the state of all together: bad beats unknown, unknown beats ok; nothing at all proves nothing."""
    found = set(states)
    if State.BAD in found:
        return State.BAD
    return State.OK if found == {State.OK} else State.UNKNOWN


def encode_result(result: CheckResult) -> bytes:
    """Write a result as a reading's body."""
    return msgspec.json.encode(result)


def decode_result(body: bytes) -> CheckResult | None:
    """Read a reading's body; None where there is none, or another version's."""
    if not body:
        return None
    try:
        return _DECODER.decode(body)
    except msgspec.DecodeError:
        return None
