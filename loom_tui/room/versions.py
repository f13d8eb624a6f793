"""Which versions ran here, and whether they were healthy, as the journal remembers it. Pure.

A reading is overwritten by the next one, so the collector writes down when the service tells another version, and when
one was first seen healthy: when all that verifies a rollback to it held while it ran.
"""

from msgspec import Struct
from msgspec.structs import replace

from loom_tui.room.payload import PayloadBase


class VersionSeen(PayloadBase, frozen=True, tag="version_seen"):
    """The service told another version than before, or one was first seen healthy. Written by the collector."""

    version: str
    environment: str
    seen_at: float
    healthy: bool = False


class Served(Struct, frozen=True, kw_only=True):
    """A stretch in which one version answered; `until` is None for the one that was seen last."""

    version: str
    environment: str
    since: float
    until: float | None = None
    healthy_at: float | None = None  # when it was first seen healthy


Versions = tuple[Served, ...]  # oldest first


def take(versions: Versions, payload: object) -> Versions:
    """Fold one event's payload in."""
    if not isinstance(payload, VersionSeen):
        return versions
    healthy_at = payload.seen_at if payload.healthy else None
    if not versions:
        return (_begun(payload, healthy_at),)
    *before, last = versions
    if (last.version, last.environment) == (payload.version, payload.environment):
        return (*before, replace(last, healthy_at=healthy_at if last.healthy_at is None else last.healthy_at))
    return (*before, replace(last, until=payload.seen_at), _begun(payload, healthy_at))


def _begun(payload: VersionSeen, healthy_at: float | None) -> Served:
    return Served(
        version=payload.version, environment=payload.environment, since=payload.seen_at, healthy_at=healthy_at
    )


def told_of_version(payload: VersionSeen) -> str:
    """Tell that a version was seen, after its actor's name."""
    return f"saw {payload.version} {'healthy' if payload.healthy else 'run'} in {payload.environment}"
