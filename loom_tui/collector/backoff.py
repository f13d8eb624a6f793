"""How long a poller waits: its interval while all is well, longer and longer while it is not. Pure."""

from __future__ import annotations

FIRST_STEP_S = 30.0  # of whoever is asked seldom: one bad moment must not leave an hourly check unknown for an hour
CAP_S = 300.0
JITTER = 0.1  # a tenth either way, so that twenty collectors do not ask in step


def delay_s(
    interval_s: float, *, failures: int, fresh_for_s: float, rest_s: float, chance: float, answered: bool = False
) -> float:
    """Give the seconds to the next try.

    `failures` in a row double the interval each (or half a minute, where the interval is longer), up to what the
    source's readings stay fresh, five minutes at most, or the interval itself, if that is longer: so a service that
    has recovered is seen about when its last word went stale, and one that struggles is asked less than before.
    `answered`: it did answer, but could not tell all: it is tried sooner, never later than its interval.
    `rest_s` is what the source asked for (Retry-After, its own load); it is never undercut. `chance` is in [0, 1).
    """
    base = interval_s
    if failures:
        cap_s = interval_s if answered else max(interval_s, min(fresh_for_s, CAP_S))
        first_s = min(2 * interval_s, FIRST_STEP_S)
        base = min(first_s * 2.0 ** min(failures - 1, 32), cap_s)
    return max(rest_s, base * (1 - JITTER + 2 * JITTER * chance))
