"""Times as other systems write them, made Unix seconds."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from typing import Any

_END_OF_TIME = 1e11  # the year 5138: a clock face can still be drawn


def moment(value: Any, *, zone: tzinfo | None = UTC) -> float | None:
    """Read a time: ISO 8601 or Unix seconds. One that no calendar knows is none.

    `zone` is meant where it names none; None is this machine's, as a tool that ran here writes it.
    """
    at: float | None = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        at = float(value)
    elif isinstance(value, str):
        with suppress(ValueError, OverflowError):
            read = datetime.fromisoformat(value)
            at = (read if read.tzinfo is not None else read.replace(tzinfo=zone)).timestamp()
    return at if at is not None and 0 <= at < _END_OF_TIME else None
