"""What an action would do if it were armed now: what a person must have seen before they mean it."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import msgspec
from msgspec import Struct

from loom_tui.plan.acts import ActionKind
from loom_tui.plan.freezes import HELD_UP, frozen_at, frozen_words
from loom_tui.plan.model import Action, RollbackStep
from loom_tui.plan.template import variables_in
from loom_tui.room.acting import Announcement
from loom_tui.room.announcing import action_of
from loom_tui.room.automation import AutomationView, automation_warnings
from loom_tui.room.deeds import Refused
from loom_tui.room.drills import DrillEnded
from loom_tui.room.runs import LastRun, drilled, last_run
from loom_tui.room.signals import Freshness
from loom_tui.room.snapshot import AftermathView, Snapshot, Tried
from loom_tui.room.standing import Standing, last_well, migration_warnings, standing, target_warnings
from loom_tui.room.way import seen_release, way_of

_NOWHERE = "There is nothing to go back to: the plan names no last stable release, and none was verified in this room"


class Preview(Struct, frozen=True, kw_only=True):
    """An action as it would be done now. `digest` names what is done; warnings may come and go without changing it."""

    name: str
    announcement: Announcement | None = None  # what a person wants told, in place of an action of the plan's
    what: ActionKind
    label: str
    environment: str
    release: str
    from_release: str
    to_release: str
    steps: tuple[str, ...]
    shown: tuple[str, ...]
    warnings: tuple[str, ...]
    people: int
    repeatable: tuple[int, ...] = ()  # the steps (from 0) that may be done twice
    target: Standing | None = None  # what is known of the release that a rollback goes back to
    preflight: tuple[Tried, ...] = ()
    undone_by: tuple[AutomationView, ...] = ()  # what would undo it by itself, and whether that is off
    last_run: LastRun | None = None
    drilled_s: tuple[float | None, ...] = ()  # what each step took in the last drill
    last_drill: DrillEnded | None = None  # of a rollback
    barred: str = ""  # why it cannot be armed at all: a rollback that has nothing to go back to
    instead: tuple[RollbackStep, ...] = ()  # what a team can do then

    @property
    def digest(self) -> str:
        """Name what will be done, from where to where."""
        said = (self.name, self.what, self.environment, self.from_release, self.to_release, self.shown)
        return sha256(msgspec.json.encode(said)).hexdigest()


def preview(snapshot: Snapshot, name: str, said: Announcement | None = None) -> Preview:
    """Say what an action would do now. Raises Refused for one that there is not, and a deploy of nothing."""
    plan = snapshot.plan
    action = action_of(plan, name, said)
    way = way_of(plan, action, snapshot.actions_of, snapshot.version)
    target = way.to_release
    rollback = action.kind is ActionKind.ROLLBACK
    lost = action.kind.changes_release and not target and _speaks_of_target(action)
    if lost and not rollback:
        raise Refused("There is nothing to deploy: the plan names no release (plan.release)")
    values = way.values(plan)
    return Preview(
        name=name,
        announcement=said,
        what=action.kind,
        label=action.label or name,
        environment=plan.plan.environment,
        release=plan.plan.release,
        from_release=way.from_release,
        to_release=target,
        steps=tuple(step.name for step in action.steps),
        shown=tuple(step.shown(values) for step in action.steps),
        warnings=tuple(_warnings(snapshot, name, action, target)),
        people=action.people,
        repeatable=tuple(index for index, step in enumerate(action.steps) if step.idempotent),
        preflight=snapshot.preflights.get(name, ()),
        undone_by=tuple(view for view in snapshot.automation if view.action == name),
        target=standing(snapshot, target) if rollback and target else None,
        last_run=last_run(snapshot.actions_of, name),
        drilled_s=drilled(snapshot.drills, [step.name for step in action.steps]),
        last_drill=snapshot.drills.rehearsed if rollback else None,
        barred=_NOWHERE if lost else "",
        instead=plan.rollback if lost else (),
    )


def _speaks_of_target(action: Action) -> bool:
    texts = [text for step in action.steps for _, text in step.texts()]
    texts += [rule.is_ or "" for rule in action.verify]
    return any(name in ("to", "last_stable") for text in texts for name in variables_in(text))


def _warnings(snapshot: Snapshot, name: str, action: Action, target: str) -> Iterator[str]:
    """Say what may go wrong; a person may go on past each of these."""
    if action.kind is ActionKind.ROLLBACK:
        known = standing(snapshot, target) if target else None
        if known is not None:
            yield from target_warnings(known)
        yield from migration_warnings(snapshot, target, since=last_well(known))
        if target and target == seen_release(snapshot.version):
            yield f"{target} is what runs now"
        if snapshot.version is not None and snapshot.version.freshness is not Freshness.FRESH:
            yield f"which version runs now is not known: {snapshot.version.signal.id} is {snapshot.version.freshness}"
    yield from automation_warnings(snapshot.automation, name)
    for tried in snapshot.preflights.get(name, ()):
        if tried.holds is not True:
            yield f"pre-flight: {tried.signal}: {tried.words}"
    frozen = frozen_at(snapshot.plan, snapshot.now) if action.kind in HELD_UP else None
    if frozen is not None:
        yield f"a freeze is in force: {frozen_words(snapshot.plan, frozen)}"
    if action.kind is ActionKind.DEPLOY and snapshot.aftermath is not None:
        yield from _unstable(snapshot.aftermath)
    if not action.verify and not action.tells_only:
        yield "the plan names no signals that verify it: it can only end as done, unverified"
    if not snapshot.collector.alive and action.verify:
        yield f"nobody asks the world ({snapshot.collector.why}); a collector is started to verify it"


def _unstable(view: AftermathView) -> Iterator[str]:
    """Say that one deploys again before what the plan calls stable was seen."""
    for step in view.steps:
        for tried in step.stable if not step.done else ():
            if tried.holds is not True:
                yield f"not stable since rollback {view.action}: {tried.signal}: {tried.words}"
