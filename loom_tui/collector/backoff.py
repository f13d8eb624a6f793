"""How long a poller waits: its interval while all is well, longer and longer while it is not. Pure."""

from __future__ import annotations

CAP_S = 300.0
JITTER = 0.1  # a tenth either way, so that twenty collectors do not ask in step


def delay_s(interval_s: float, *, failures: int, rest_s: float, chance: float) -> float:
    """Give the seconds to the next try.

    `failures` in a row double the interval each, up to five minutes (or the interval itself, if that is longer).
    `rest_s` is what the source asked for (Retry-After, its own load); it is never undercut. `chance` is in [0, 1).
    """
    base = min(interval_s * 2.0 ** min(failures, 32), max(CAP_S, interval_s)) if failures else interval_s
    return max(rest_s, base * (1 - JITTER + 2 * JITTER * chance))
