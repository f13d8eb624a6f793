"""What is known of the release that a rollback goes back to: whether it ever ran here, and was ever healthy. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from loom_tui.plan.acts import ActionKind
from loom_tui.room.database import Where
from loom_tui.room.errors import ReleaseHealth
from loom_tui.room.events import ClockRan
from loom_tui.room.guard import ActionState, ActionView
from loom_tui.room.signals import Freshness
from loom_tui.room.snapshot import MigrationsView, Snapshot

MOST_NAMED = 5  # migrations that a warning names one by one


class Standing(Struct, frozen=True, kw_only=True):
    """A release's record here. None: nothing is known, which is no word against it and none for it."""

    release: str
    verified_at: float | None = None  # its verification held, or a clock of it ran out
    healthy_at: float | None = None  # it was seen to run, and all that verifies it held
    served_s: float | None = None  # at most: between the first and the last word of each time that it ran
    seen_at: float | None = None  # when it was seen last: now, where it runs
    fell_at: float | None = None  # it was itself rolled back from
    fell_why: str = ""
    health: ReleaseHealth | None = None  # as the error tracker counts it


def standing(snapshot: Snapshot, release: str) -> Standing:
    """Gather what the journal and the readings say of a release in the plan's environment."""
    environment = snapshot.plan.plan.environment
    served = [each for each in snapshot.versions if (each.version, each.environment) == (release, environment)]
    fallen = [view for view in _began(snapshot) if view.armed.from_release == release]
    health = next(
        (each for feed in snapshot.errors for each in feed.releases if _is_of(each.release, release)),
        None,
    )
    return Standing(
        release=release,
        verified_at=max(_verified(snapshot, release), default=None),
        healthy_at=max((each.healthy_at for each in served if each.healthy_at is not None), default=None),
        served_s=sum((each.until or snapshot.now) - each.since for each in served) if served else None,
        seen_at=max((each.until or snapshot.now for each in served), default=None),
        fell_at=fallen[-1].at if fallen else None,
        fell_why=fallen[-1].armed.reason if fallen else "",
        health=health,
    )


def target_warnings(known: Standing) -> Iterator[str]:
    """Say what speaks against a target; a person may go on past it."""
    release = known.release
    if known.verified_at is None and known.healthy_at is None:
        if known.seen_at is None:
            yield f"{release} is the plan's word: its verification never held in this room"
        else:
            yield f"{release} ran here and was never seen healthy: what would verify it did not hold while it did"
    if known.fell_at is not None and known.fell_at > (known.verified_at or 0.0):
        yield f"{release} was itself rolled back from: {known.fell_why}"


def last_well(known: Standing | None) -> float:
    """Give the last moment at which a release is known to have been well; 0 where it never is."""
    moments = (known.verified_at, known.healthy_at) if known is not None else ()
    return max((at for at in moments if at is not None), default=0.0)


def migration_warnings(snapshot: Snapshot, target: str, *, since: float) -> Iterator[str]:
    """Say what was migrated since a target was known to be well, and which of it an older version may not stand."""
    marks = [mark for mark in snapshot.marks if mark.kind == "migration" and mark.at > since]
    if marks:
        what = "a migration was" if len(marks) == 1 else f"{len(marks)} migrations were"
        yield f"{what} applied since{f' {target}' if target else ''}; an older version may not stand that"
    for view in snapshot.migrations:
        yield from _suspicious(view)


def _suspicious(view: MigrationsView) -> Iterator[str]:
    rows = view.rows.body
    if rows is None or view.rows.view.freshness is Freshness.NEVER:
        yield f"which migrations were applied is not known: {view.source} was never read"
        return
    found = [row for row in rows if row.suspicions and row.where in (Where.APPLIED, Where.CHANGED)]
    for row in found[:MOST_NAMED]:
        whats = "; ".join(dict.fromkeys(suspicion.what for suspicion in row.suspicions))
        yield f"{row.version} {row.name} {whats}: an older version may not stand that"
    if len(found) > MOST_NAMED:
        yield f"and {len(found) - MOST_NAMED} more migrations that an older version may not stand"
    if found and view.rows.view.freshness is not Freshness.FRESH:
        yield f"what {view.source} says of migrations is {view.rows.view.freshness}"


def _verified(snapshot: Snapshot, release: str) -> Iterator[float]:
    environment = snapshot.plan.plan.environment
    for view in snapshot.actions_of.views.values():
        done = view.written is ActionState.DONE and view.armed.to_release == release
        if done and view.armed.environment == environment and view.ended_at is not None:
            yield view.ended_at
    for event in snapshot.events:
        ran = event.payload
        if isinstance(ran, ClockRan) and (ran.release, ran.environment) == (release, environment):
            yield event.at


def _began(snapshot: Snapshot) -> Iterator[ActionView]:
    for view in snapshot.actions_of.views.values():
        rolled = view.armed.what is ActionKind.ROLLBACK and view.armed.environment == snapshot.plan.plan.environment
        if rolled and any(step.started for step in view.steps):
            yield view


def _is_of(theirs: str, release: str) -> bool:
    """Say whether a tracker's release is one of ours: trackers put the project's name before it ("shop@v1.6.3")."""
    return theirs == release or theirs.rpartition("@")[2] == release
