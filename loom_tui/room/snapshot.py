"""What the screens show: one frozen value, made by the fold of plan, events, readings and the time.

Ages and figures are worked out here, so that a screen only draws. Times are Unix seconds, UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from msgspec import Struct

from loom_tui.plan.acts import ActionKind
from loom_tui.plan.model import Cadence, Issue, IssueId, Milestone, Phase, Plan, Risk, Target
from loom_tui.plan.schedule import Progress, Schedule
from loom_tui.plan.signals import Signal
from loom_tui.plan.sources.postgres import Query
from loom_tui.room.automation import AutomationView
from loom_tui.room.checks import CheckResult, Run
from loom_tui.room.database import Activity, IndexUse, Migration, Statements
from loom_tui.room.drills import Drills
from loom_tui.room.errors import ErrorIssue, ErrorStanding, ReleaseHealth
from loom_tui.room.events import Event
from loom_tui.room.guard import UNDER_WAY, Actions, ActionState, ActionView
from loom_tui.room.manual import ManualView
from loom_tui.room.presence import Seat
from loom_tui.room.signals import (
    Bucket,
    Freshness,
    PollerReport,
    Reading,
    State,
    Stored,
)
from loom_tui.room.tracker import LiveIssue
from loom_tui.room.uat import UatView
from loom_tui.room.verdicts import DecisionView, GateView, Verdict
from loom_tui.room.versions import Versions

T = TypeVar("T")


class _View(Struct, frozen=True, kw_only=True):
    """The base of what is shown."""


class TaskView(_View, frozen=True):
    """A box to tick: who ticked it and when, or that only the document says so (`claimed`).

    `proof` is what its checks say (None where it has none), `why` the first of them that does not say ok.
    """

    text: str
    done: bool
    claimed: bool = False
    by: str = ""
    at: float | None = None
    proof: State | None = None
    why: str = ""

    @property
    def holds(self) -> bool:
        """Whether it is done: by its checks where they know, else by its tick."""
        return self.done if self.proof in (None, State.UNKNOWN) else self.proof is State.OK


class IssueView(_View, frozen=True):
    """An issue as the journal left it: `issue` carries the changes (status, owners, effort, blockers)."""

    issue: Issue
    tasks: tuple[TaskView, ...]
    critical: bool  # lies on the schedule's critical chain
    waits_for: tuple[IssueId, ...]  # dependencies that are not done
    started_at: float | None = None
    done_at: float | None = None
    history: tuple[Event, ...] = ()  # newest last
    proof: State | None = None  # what its checks and its tasks' say together; None where it has none
    why: str = ""  # of the first that does not say ok
    live: LiveIssue | None = None  # as the tracker has it
    differences: tuple[str, ...] = ()  # where that is otherwise

    @property
    def tasks_done(self) -> int:
        """How many tasks are proved, ticked or claimed."""
        return sum(task.holds for task in self.tasks)


class SignalView(_View, frozen=True):
    """A signal and its newest reading. `state` is unknown for anything but a fresh reading."""

    signal: Signal
    reading: Reading | None
    freshness: Freshness
    state: State
    why: str = ""  # for people: why it is unknown or bad
    samples: int | None = None  # of a percentile


class Tried(_View, frozen=True):
    """What a reading says of a rule of an action's pre-flight. `holds` is None where that is not known."""

    signal: str
    holds: bool | None
    words: str
    at: float | None  # when it was observed


class AftermathStep(_View, frozen=True):
    """A step of the plan's way back, after a rollback. `how`: who ticked it, or the action that did it.

    `stable`: what must hold before one deploys again; empty where the step asks for nothing.
    """

    number: int
    name: str
    text: str
    done: bool
    how: str
    at: float | None
    note: str
    root_cause: bool = False
    stable: tuple[Tried, ...] = ()


class AftermathView(_View, frozen=True):
    """What follows the last rollback. `off`: the automation that is off; `record`: the event of its evidence."""

    action: int
    label: str
    from_release: str
    to_release: str
    state: ActionState
    ended_at: float
    steps: tuple[AftermathStep, ...]
    off: tuple[AutomationView, ...]
    record: int | None

    @property
    def is_open(self) -> bool:
        """Whether something is left to do."""
        return bool(self.off) or any(not step.done for step in self.steps)


class Told(_View, Generic[T], frozen=True):
    """A signal whose reading has a body; None where it has none that can be read."""

    view: SignalView
    body: T | None


class QueryView(_View, frozen=True):
    """A named query's real executions since `since` (the window's start, or the last marker if that is later).

    A percentile over too few samples is None. `verdict` compares the target's own percentile.
    """

    source: str
    query: Query
    target: Target | None
    samples: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    judged_ms: float | None  # the percentile that the target means
    factor: float | None  # baseline over the target's percentile
    verdict: Verdict
    grade: str  # as the plan names it; empty where it sets none
    why: str
    since: float
    signal: SignalView
    mean: SignalView  # of everybody's executions since the last change, as the server counts
    calls: SignalView
    series: tuple[Bucket, ...] = ()


class ErrorsView(_View, frozen=True):
    """The error feed of one source. `extent` says which part of the errors it lists; empty: all."""

    source: str
    signal: SignalView
    issues: tuple[ErrorIssue, ...]  # since the deploy first, then new, regressed, escalating, ongoing
    new: SignalView
    regressed: SignalView
    critical: SignalView
    per_minute: SignalView
    health: SignalView
    releases: tuple[ReleaseHealth, ...] = ()
    extent: str = ""
    standings: Mapping[str, ErrorStanding] = {}  # what people said, by the error's id
    series: tuple[Bucket, ...] = ()  # errors per minute


class DatabaseView(_View, frozen=True):
    """One PostgreSQL source."""

    source: str
    signal: SignalView
    queries: tuple[QueryView, ...]
    sessions: SignalView
    sessions_active: SignalView
    max_sessions: SignalView
    locks_waiting: SignalView
    longest_s: SignalView
    cache_hits: SignalView
    lag_s: SignalView
    activity: Told[Activity]
    statements: Told[Statements]
    indexes: Told[tuple[IndexUse, ...]]


class MigrationsView(_View, frozen=True):
    """One directory of migrations, the newest first."""

    source: str
    signal: SignalView
    rows: Told[tuple[Migration, ...]]


class RiskView(_View, frozen=True):
    """A risk; `lit` is None where its trigger cannot be judged, or where it has none and nobody said."""

    risk: Risk
    lit: bool | None
    why: str
    signal: SignalView | None = None
    accepted_by: str = ""  # who took it on; a lit risk stays lit
    accepted_at: float | None = None
    accepted_why: str = ""


class PhaseView(_View, frozen=True):
    """A stretch of the timeline: planned, actual and projected ends (Unix seconds)."""

    phase: Phase
    starts_at: float | None
    ends_at: float | None
    actual_start_at: float | None
    actual_end_at: float | None
    projected_end_at: float | None
    done: int
    of: int


class MilestoneView(_View, frozen=True):
    """A moment of the plan. `planned_at` is the plan's word, `projected_at` the schedule's."""

    milestone: Milestone
    planned_at: float | None
    projected_at: float | None
    reached: bool


class Mark(_View, frozen=True):
    """A deploy, migration, rollback or note on the time axis."""

    at: float
    kind: str
    text: str
    actor: str


class CheckView(_View, frozen=True):
    """A check: its newest result, the marks of its last runs (newest last), and whether it is being run just now."""

    signal: SignalView
    group: str
    result: CheckResult | None
    history: tuple[Run, ...] = ()
    running_since: float | None = None
    progress: str = ""
    manual: ManualView | None = None  # a workflow's steps by hand


class FeedView(_View, frozen=True):
    """A poller: live when its last try told what it was asked for, and that is fresh.

    One that is asked on demand only has no rhythm to keep: `live` says that its last try did not fail.
    """

    source: str
    label: str
    live: bool
    on_demand: bool
    report: PollerReport | None
    why: str


class CollectorView(_View, frozen=True):
    """Who asks the world, and whether they still do."""

    alive: bool
    holder: str
    why: str


class Snapshot(_View, frozen=True):
    """Everything that any screen shows, at one moment."""

    now: float
    plan: Plan
    gate: GateView
    decision: DecisionView | None
    issues: tuple[IssueView, ...]
    schedule: Schedule
    progress: Progress
    phases: tuple[PhaseView, ...]
    milestones: tuple[MilestoneView, ...]
    cadences: tuple[Cadence, ...]
    risks: tuple[RiskView, ...]
    errors: tuple[ErrorsView, ...]
    databases: tuple[DatabaseView, ...]
    migrations: tuple[MigrationsView, ...]
    checks: tuple[CheckView, ...]  # in the plan's order
    services: tuple[SignalView, ...]  # the HTTP sources' signals, in the plan's order
    signals: Mapping[str, SignalView]
    feeds: tuple[FeedView, ...]
    collector: CollectorView
    events: tuple[Event, ...]  # oldest first
    marks: tuple[Mark, ...]
    deployed_at: float | None  # the last deploy, unless it was rolled back since
    uat: UatView | None  # acceptance testing, where the plan has it
    version: SignalView | None  # the deployed version, where a source tells it
    actions_of: Actions = Actions()  # as the journal has them, and the stop in force
    actions: tuple[ActionView, ...] = ()  # the same as they stand at `now`, oldest first
    runners: Mapping[int, float] = {}  # until when the runner of an action is known to live
    plan_hash: str = ""  # of the version that the room took last
    present: tuple[Seat, ...] = ()  # who is in the room, who came first before
    lead: str = ""  # who leads it; empty: nobody
    drills: Drills = Drills()
    versions: Versions = ()  # that ran here, oldest first
    preflights: Mapping[str, tuple[Tried, ...]] = {}  # by the action's name
    automation: tuple[AutomationView, ...] = ()  # what would undo the plan's actions
    aftermath: AftermathView | None = None  # of the last rollback

    @property
    def action(self) -> ActionView | None:
        """The action under way; a rollback before all others."""
        views = [view for view in self.actions if view.state in UNDER_WAY]
        return next((view for view in views if view.armed.what is ActionKind.ROLLBACK), views[-1] if views else None)

    def issue(self, issue_id: IssueId) -> IssueView | None:
        """Find an issue by its id."""
        return next((view for view in self.issues if view.issue.id == issue_id), None)


class Observations(_View, frozen=True):
    """What the store knows of readings: each signal's newest, and series of those that are charted."""

    latest: Mapping[str, Stored] = {}
    series: Mapping[str, tuple[Bucket, ...]] = {}
    history: Mapping[str, tuple[Run, ...]] = {}  # of each check, newest last
    past: Mapping[str, tuple[Bucket, ...]] = {}  # the past of signals that rules with a duration speak of
    window_s: float = 900.0  # how far back the database's percentiles reach
    runners: Mapping[int, float] = {}  # until when each action's runner has its lease
    seats: tuple[Seat, ...] = ()  # who said that they are in the room, also those whose word has run out
    collector: CollectorView = CollectorView(alive=False, holder="", why="no collector has run yet")
