"""How often each thing is asked, so that all of it together stays under a share of the time. Pure.

Every job gets its share: what it needs for its own rhythm where that is little, and of what is left an equal part
(max-min fairness). So one query of 300 ms is asked less often, and does not cost the quick ones their samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

HEADROOM = 2.0  # a job may be asked twice in its rhythm: a tick that came early, or a person who asks now


class Pace:
    """Keeps what each job costs and when it may run again. Times are seconds of any steady clock."""

    def __init__(self, every_s: Mapping[str, float], *, max_load: float) -> None:
        self._every_s = dict(every_s)
        self._max_load = max_load
        self._costs_s: dict[str, float] = {}
        self._next_at: dict[str, float] = {}

    def due(self, now: float) -> list[str]:
        """List the jobs that may run, the cheapest first: what hangs behind a slow one is little."""
        ready = [job for job in self._every_s if now >= self._next_at.get(job, now)]
        return sorted(ready, key=lambda job: self._costs_s.get(job, 0.0))

    def ran(self, costs_s: Mapping[str, float], now: float) -> None:
        """Take in what a round of jobs cost, and let each rest until its share covers that."""
        self._costs_s |= costs_s
        shares = self.shares()
        for job, cost_s in costs_s.items():
            self._next_at[job] = now - cost_s + (cost_s / shares[job] if cost_s else 0.0)

    def shares(self) -> dict[str, float]:
        """Give each job's share of the time; together they are at most `max_load`."""
        wanted = {job: HEADROOM * cost_s / self._every_s[job] for job, cost_s in self._costs_s.items()}
        return fair_shares(wanted, self._max_load)

    def rest_s(self, now: float) -> float:
        """Give the seconds in which nothing may run."""
        return max(0.0, min((self._next_at.get(job, now) for job in self._every_s), default=now) - now)


def fair_shares(wanted: Mapping[str, float], total: float) -> dict[str, float]:
    """Divide `total` among those who want some: the modest get all they want, the others equal parts of the rest."""
    shares: dict[str, float] = {}
    left = total
    for count, (job, want) in zip(range(len(wanted), 0, -1), _by_size(wanted.items()), strict=True):
        shares[job] = min(want, left / count)
        left -= shares[job]
    return shares


def _by_size(items: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    return sorted(items, key=lambda item: item[1])
