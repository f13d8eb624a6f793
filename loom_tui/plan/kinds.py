"""What can be measured: kinds of signals, and the row in which a source names one that it gives."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

PERCENTILES = (50, 95, 99)  # of each named query; worked out by the fold, never stored


class Kind(StrEnum):
    """How a signal's readings are kept and shown. Latencies alone keep a quantile sketch, checks alone a history."""

    CHECK = "check"
    NUMBER = "number"
    LATENCY = "latency"
    TEXT = "text"
    BODY = "body"


class Row(Struct, frozen=True):
    """One signal that a source gives. `suffix` follows the source's name: "" or ".latency_ms"; `group` is of checks.

    `ttl_s` is how long it stays fresh, where that is not what holds for the whole source.
    """

    suffix: str
    kind: Kind
    label: str = ""
    unit: str = ""
    group: str = ""
    ttl_s: float | None = None
