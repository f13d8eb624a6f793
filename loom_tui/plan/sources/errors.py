"""An error tracker as a plan names it, whatever API it speaks: the signals that every one of them gives."""

from collections.abc import Iterator
from typing import ClassVar

from loom_tui.plan.kinds import Kind, Row
from loom_tui.plan.sources.base import Asked, Secret, url_faults

LEVELS = ("fatal", "error", "warning", "info", "debug")
ROUNDTRIP = "roundtrip"


class ErrorFeed(Asked, frozen=True, kw_only=True):
    """An error tracker. `dsn` is where the round trip's test event goes; without one there is no round trip.

    An error is critical at `critical_levels`, and at `critical_unhandled_levels` where nothing handled it.
    """

    GROUP: ClassVar[str] = "errors"
    ANSWERS: ClassVar[frozenset[str]] = frozenset({"event"})

    url: str
    project: str = ""
    token: Secret | None = None
    dsn: Secret | None = None
    roundtrip_timeout_s: float = 60.0
    critical_levels: tuple[str, ...] = ("fatal",)
    critical_unhandled_levels: tuple[str, ...] = ("error",)
    interval_s: float = 30.0
    timeout_s: float = 10.0

    def rows(self) -> Iterator[Row]:
        """List the feed's own check, its grouped errors, their counts and rate, the releases' health, the alerts."""
        yield Row("", Kind.CHECK)
        yield Row(".issues", Kind.BODY, "issues")
        yield Row(".new", Kind.NUMBER, "new")
        yield Row(".regressed", Kind.NUMBER, "regressed")
        yield Row(".escalating", Kind.NUMBER, "escalating")
        yield Row(".critical", Kind.NUMBER, "critical")
        yield Row(".errors_per_minute", Kind.NUMBER, "per minute")
        yield Row(".health", Kind.BODY, "release health")
        yield Row(".crash_free_sessions", Kind.NUMBER, "crash-free sessions", "%")
        yield Row(".crash_free_users", Kind.NUMBER, "crash-free users", "%")
        yield Row(".alerts", Kind.CHECK, "alert rules")

    def parts(self) -> Iterator[tuple[str, Asked]]:
        """Give the round trip, where the plan says where an event is sent to."""
        if self.dsn is not None:
            yield (
                ROUNDTRIP,
                RoundTrip(
                    feed=self,
                    dsn=self.dsn,
                    label=f"{self.label or 'error tracker'} round trip",
                    group=self.group,
                    environment=self.environment,
                    interval_s=0,
                    timeout_s=self.roundtrip_timeout_s,
                ),
            )

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold its address to be one, and its levels to be Sentry's."""
        yield from url_faults("url", self.url)
        for key in ("critical_levels", "critical_unhandled_levels"):
            for level in getattr(self, key):
                if level not in LEVELS:
                    yield key, f"`{level}` is no level; write one of {', '.join(LEVELS)}"
        if self.roundtrip_timeout_s <= 0:
            yield "roundtrip_timeout_s", "must be above 0"


class RoundTrip(Asked, frozen=True, kw_only=True):
    """A test event sent to the tracker's DSN and waited for in its API, on demand. Named by the feed, never in TOML."""

    GROUP: ClassVar[str] = "errors"

    feed: ErrorFeed
    dsn: Secret

    def rows(self) -> Iterator[Row]:
        """List the check and how long the event took."""
        yield Row("", Kind.CHECK)
        yield Row(".delay_s", Kind.NUMBER, "round trip", "s")
