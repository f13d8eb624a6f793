"""What an action would do if it were armed now: what a person must have seen before they mean it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256

import msgspec
from msgspec import Struct

from loom_tui.plan.acts import ActionKind
from loom_tui.plan.freezes import HELD_UP, frozen_at, frozen_words
from loom_tui.plan.model import Action, Plan, RollbackStep
from loom_tui.plan.template import variables_in
from loom_tui.room.acting import Announcement
from loom_tui.room.announcing import action_of
from loom_tui.room.automation import AutomationView, automation_warnings
from loom_tui.room.deeds import Refused
from loom_tui.room.drills import DrillEnded
from loom_tui.room.guard import Actions, ActionState
from loom_tui.room.runs import LastRun, drilled, last_run
from loom_tui.room.signals import Freshness, State
from loom_tui.room.snapshot import AftermathView, SignalView, Snapshot, Tried
from loom_tui.room.standing import Standing, last_well, migration_warnings, standing, target_warnings

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


class Way(Struct, frozen=True):
    """From which release to which an action leads."""

    from_release: str
    to_release: str

    def values(self, plan: Plan) -> Mapping[str, str]:
        """Give the values of the variables."""
        return values_of(plan, from_release=self.from_release, to_release=self.to_release)


def way_of(plan: Plan, action: Action, actions: Actions, version: SignalView | None) -> Way:
    """Say from where to where an action leads; empty where that is not known."""
    rollback = action.kind is ActionKind.ROLLBACK
    return Way(_version(version) or plan.plan.release, last_stable(plan, actions) if rollback else plan.plan.release)


def values_of(plan: Plan, *, from_release: str, to_release: str) -> Mapping[str, str]:
    """Give the values of the variables that steps and rules may speak of."""
    about = plan.plan
    return {
        "from": from_release,
        "to": to_release,
        "release": about.release,
        "last_stable": about.last_stable,
        "environment": about.environment,
    }


def rollback_of(plan: Plan) -> str:
    """Name the plan's action that rolls back: the first of its kind. Raises Refused."""
    for name, action in plan.actions.items():
        if action.kind is ActionKind.ROLLBACK:
            return name
    raise Refused('The plan has no action that rolls back: write [actions.rollback] with kind = "rollback"')


def last_stable(plan: Plan, actions: Actions) -> str:
    """Name what one can go back to: the last release whose verification held, or the one that the plan names."""
    for view in reversed(tuple(actions.views.values())):
        if (
            view.written is ActionState.DONE
            and view.armed.what.changes_release
            and view.armed.environment == plan.plan.environment
        ):
            release = view.armed.to_release
            if release and release != plan.plan.release:
                return release
    return plan.plan.last_stable


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
        if target and target == _version(snapshot.version):
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


def _version(view: SignalView | None) -> str:
    known = view is not None and view.state is State.OK and view.reading is not None
    return view.reading.detail if known and view is not None and view.reading is not None else ""
