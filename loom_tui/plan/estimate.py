"""How long work takes: a three-point estimate as a triangular distribution over hours.

Triangular rather than PERT's beta (Malcolm et al., Operations Research 7, 1959): over the same three points the two
differ little (D. Johnson, The Statistician 46, 1997, pp. 387–398), and its inverse has a closed form, so that
work under way is judged under the condition that it has already taken so long (Kotz & van Dorp, Beyond Beta, 2004,
chapter 1).
"""

from __future__ import annotations

from math import sqrt

from msgspec import Struct

from loom_tui.plan.model import Issue

_MOST_HOURS = 100_000.0  # some fifty years of work; what a plan says beyond that is a slip of the pen


class Estimate(Struct, frozen=True, gc=False):
    """Hours of work: optimistic, likely and pessimistic, in this order."""

    low: float
    likely: float
    high: float

    @property
    def mean(self) -> float:
        """The expected hours."""
        return (self.low + self.likely + self.high) / 3

    def remaining(self, spent: float) -> float:
        """Give the hours still expected of work that has taken `spent` hours; none once the worst case is used up."""
        low, likely, high = self.low, self.likely, self.high
        if spent <= low:
            return self.mean - spent
        if spent >= high:
            return 0.0
        if spent >= likely:  # the falling leg from here on is a triangle again
            return (high - spent) / 3
        passed = self._share(spent)
        mean_of_passed = low + 2 * (spent - low) / 3
        return (self.mean - passed * mean_of_passed) / (1 - passed) - spent

    def quantiles(self, count: int, *, spent: float = 0.0) -> list[float]:
        """Give so many remaining hours, ascending and equally likely, of work that has taken `spent` hours."""
        low, likely, high = self.low, self.likely, self.high
        if spent >= high or low == high:
            return [max(0.0, high - spent)] * count
        passed, turn = self._share(spent), self._share(likely)
        rising, falling = (high - low) * (likely - low), (high - low) * (high - likely)
        shares = (passed + (1 - passed) * (index + 0.5) / count for index in range(count))
        return [
            (low + sqrt(share * rising) if share < turn else high - sqrt((1 - share) * falling)) - spent
            for share in shares
        ]

    def _share(self, hours: float) -> float:
        """Give the probability that the work takes at most so long."""
        low, likely, high = self.low, self.likely, self.high
        if hours <= low:
            return 0.0
        if hours >= high:
            return 1.0
        if hours < likely:
            return (hours - low) ** 2 / ((high - low) * (likely - low))
        return 1 - (high - hours) ** 2 / ((high - low) * (high - likely))


NOTHING = Estimate(0.0, 0.0, 0.0)


def estimate_of(issue: Issue) -> Estimate:
    """Read an issue's effort; one without an effort takes no time. Figures out of order are put in order."""
    effort, likely = issue.effort_hours, issue.effort_likely_hours
    if effort is None:
        hours = _sane(likely or 0.0)
        return Estimate(hours, hours, hours)
    low, high = effort.low, effort.high
    if not 0 <= low <= high <= _MOST_HOURS:
        low, high = sorted((_sane(low), _sane(high)))
    return Estimate(low, (low + high) / 2 if likely is None else min(max(low, likely), high), high)


def _sane(hours: float) -> float:
    return hours if 0 <= hours <= _MOST_HOURS else _MOST_HOURS if hours > 0 else 0.0
