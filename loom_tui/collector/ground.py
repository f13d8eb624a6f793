"""What all pollers of a plan stand on, and one of them made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random

from msgspec import Struct, field

from loom_tui.collector.poller import Poller
from loom_tui.plan.model import Plan
from loom_tui.plan.signals import asked_of
from loom_tui.plan.sources.base import secrets_of
from loom_tui.room.signals import Reading, decode_report
from loom_tui.sources.base import Asker, Clock, Errand
from loom_tui.sources.build import build
from loom_tui.sources.mask import Mask

_RANDOM = Random()  # noqa: S311 - jitter


class Ground(Struct, frozen=True, kw_only=True):
    """The plan and its directory, the credentials' environment, the clock, and what the room's store remembers.

    `kept` gives the newest reading of each signal from before, `changes` the moment of the last marker of each kind.
    `mask` knows the credentials that any of its sources found.
    """

    plan: Plan
    directory: Path
    environ: Mapping[str, str]
    clock: Clock
    kept: Mapping[str, Reading] = {}
    changes: Callable[[], Mapping[str, float]] = dict
    mask: Mask = field(default_factory=Mask)


def poller_of(
    ground: Ground, name: str, *, keep: Callable[[Sequence[Reading]], None], wall_s: float | None = None
) -> Poller:
    """Make the poller of one of the plan's sources. Raises KeyError where it has none of that name.

    `wall_s` ends a try that takes longer, instead of the source's own wall.
    """
    source = asked_of(ground.plan)[name]
    about = ground.plan.plan
    environment = source.environment or about.environment
    named = frozenset(secret for _, secret in secrets_of("", ground.plan))

    def make(progress: Callable[[str], None]) -> Asker:
        errand = Errand(
            name=name,
            environment=environment,
            release=about.release,
            last_stable=about.last_stable,
            directory=ground.directory,
            environ=ground.environ,
            clock=ground.clock,
            issues=frozenset(issue.id for issue in ground.plan.issues if isinstance(issue.id, int)),
            named=named,
            mask=ground.mask,
            progress=progress,
            recall=lambda suffix: ground.kept.get(f"{name}{suffix}"),
            changes=ground.changes,
        )
        return build(source, errand)

    before = decode_report(ground.kept.get(f"feed.{name}"))  # by another collector, or under the plan before its edit
    return Poller(
        name,
        make,
        last_success_at=before.last_success_at if before is not None else None,
        environment=environment,
        release=about.release,
        interval_s=source.interval_s,
        fresh_for_s=source.fresh_for_s,
        keep=keep,
        clock=ground.clock,
        random=_RANDOM,
        wall_s=source.wall_s if wall_s is None else wall_s,
    )
