"""What every error tracker's asker gives, whatever API it speaks: a listing as readings, and its event on demand."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence

import msgspec

from loom_tui.plan.sources.errors import ErrorFeed
from loom_tui.room.errors import ErrorEvent, ErrorIssue, Listing, ReleaseHealth
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import Asker, Errand

ROUNDTRIP_TITLE = "Loom round trip"  # how a round trip's own events begin: no error of the product's
COUNTED = ("new", "regressed", "escalating", "critical")


class Tracker(Asker):
    """An error tracker that can be asked for one event."""

    async def reply(self, what: str, subject: str) -> bytes:
        """Answer "event" with the latest one of an error, by the error's id."""
        if what != "event":
            return await super().reply(what, subject)
        return msgspec.json.encode(await self.latest_event(subject))

    @abstractmethod
    async def latest_event(self, issue_id: str) -> ErrorEvent:
        """Fetch an error's latest event, stripped of secrets. Raises SourceError."""

    @abstractmethod
    async def holds(self, event_id: str) -> bool:
        """Say whether an event has arrived. Raises SourceError where nobody can tell."""


def of_the_product(issues: Sequence[ErrorIssue]) -> tuple[ErrorIssue, ...]:
    """Leave a round trip's own events out, and what a page gave a second time."""
    unique = {issue.id: issue for issue in issues}
    return tuple(issue for issue in unique.values() if not issue.title.startswith(ROUNDTRIP_TITLE))


def is_critical(issue: ErrorIssue, feed: ErrorFeed) -> bool | None:
    """Say whether an error is critical as the plan defines it; None while its level is not known."""
    if not issue.level:
        return None
    unhandled = issue.level in feed.critical_unhandled_levels and issue.handled is False
    return issue.level in feed.critical_levels or unhandled


def listing_readings(
    listing: Listing, feed: ErrorFeed, errand: Errand, *, exact: Mapping[str, int | None], at: float
) -> list[Reading]:
    """Give the errors and their counts. A count over a part of them, with no exact one beside it, is unknown."""
    body = msgspec.json.encode(listing)
    readings = [
        errand.reading(".issues", at=at, value=float(len(listing.issues)), detail=listing.extent, body=body),
    ]
    verdicts = [is_critical(issue, feed) for issue in listing.issues]
    found = {word: sum(issue.substatus == word for issue in listing.issues) for word in COUNTED[:-1]}
    found["critical"] = verdicts.count(True)
    for word, count in found.items():
        known = exact.get(word)
        unread = verdicts.count(None) if word == "critical" else 0
        if listing.complete and not unread:
            readings.append(errand.reading(f".{word}", at=at, value=float(count)))
        elif known is not None:
            readings.append(errand.reading(f".{word}", at=at, value=float(known)))
        else:
            part = listing.extent or f"the levels of {unread} are not read yet"
            detail = f"at least {count}: {part}"
            readings.append(errand.reading(f".{word}", at=at, state=State.UNKNOWN, value=float(count), detail=detail))
    return readings


def health_readings(found: Sequence[ReleaseHealth], errand: Errand, *, at: float) -> list[Reading]:
    """Give the releases' health, and the crash-free figures of this one (percent)."""
    mine = next((health for health in found if health.release == errand.release), ReleaseHealth(release=errand.release))
    readings = [errand.reading(".health", at=at, body=msgspec.json.encode(found))]
    for word, value in (("sessions", mine.crash_free_sessions), ("users", mine.crash_free_users)):
        known = value is not None
        readings.append(
            errand.reading(
                f".crash_free_{word}",
                at=at,
                state=State.OK if known else State.UNKNOWN,
                value=value,
                detail="" if known else f"no {word} of {errand.release or 'this release'} counted",
            )
        )
    return readings


def unknown(errand: Errand, suffixes: Sequence[str], why: str, *, at: float) -> list[Reading]:
    """Say of some signals why nothing is known of them."""
    return [errand.reading(suffix, at=at, state=State.UNKNOWN, detail=why) for suffix in suffixes]
