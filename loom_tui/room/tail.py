"""The end of what an action's steps write, as a room shows it while somebody looks."""

from __future__ import annotations

from msgspec import Struct

OUTPUT = "output"  # what a room asks of itself: the tail of an action's output; the answer's body is a `Tail`


class Tail(Struct, frozen=True, kw_only=True):
    """The last lines of the step (from 0) that began last, masked as they were kept; of `size_bytes` in all.

    `step` is -1 before the first began. Lines are foreign text.
    """

    action: int
    step: int = -1
    started: int = 0
    size_bytes: int = 0
    lines: tuple[str, ...] = ()
