"""The plan as frozen values: one struct for each noun that a deployment plan speaks of.

The TOML file has the same shape as these structs (`[plan]`, `[[issues]]`, `[sources.NAME]`, …), so that
decoding is validation: unknown keys and wrong types are faults, never silently taken (see `plan/toml.py`).
Hours are working hours of the plan's calendar; durations carry their unit in their name.
"""

import re
from datetime import date, datetime, time
from enum import StrEnum

from loom_tui.plan.acts import ActionKind, AnyActStep, NotifyAct
from loom_tui.plan.channels import Approvals, Channel
from loom_tui.plan.sources import Source
from loom_tui.plan.value import Value
from loom_tui.plan.workflows import Site, Workflow

IssueId = int | str


class Priority(StrEnum):
    """How much an issue matters to the launch."""

    CRITICAL = "critical"
    HIGH = "high"
    POST = "post"
    BACKLOG = "backlog"


class Status(StrEnum):
    """Where an issue stands. `ready` is a status like another: nothing has been done yet."""

    OPEN = "open"
    READY = "ready"
    IN_PROGRESS = "in_progress"
    BLOCKED = "blocked"
    DONE = "done"
    DROPPED = "dropped"


class RiskKind(StrEnum):
    """What the plan's author thinks of a risk."""

    LOW = "low"
    MITIGATED = "mitigated"
    LIMITATION = "limitation"
    OPEN = "open"


class Range(Value, frozen=True):
    """A closed range; a single figure has both ends equal."""

    low: float
    high: float


class Task(Value, frozen=True):
    """One box to tick. `claimed`: `done` is only what a document's author said, which proves nothing.

    `checks` are check signals that prove it: a failing one beats a tick. Without any, whoever ticks it attests it.
    """

    text: str
    done: bool = False
    claimed: bool = False
    checks: tuple[str, ...] = ()


class Issue(Value, frozen=True):
    """One piece of work. `blockers` are words for what is not an issue ("Staging environment ready")."""

    id: IssueId
    title: str
    url: str = ""
    priority: Priority | None = None  # None: its author never said; the launch waits for it
    phase: str = ""
    effort_hours: Range | None = None
    effort_likely_hours: float | None = None  # the plan's own word; without it the middle of the range
    effort_text: str = ""  # as written where no range says it all: "Ongoing", "initially blocked"
    owners: tuple[str, ...] = ()
    depends_on: tuple[IssueId, ...] = ()
    blockers: tuple[str, ...] = ()
    status: Status = Status.OPEN
    status_text: str = ""  # as written where the status does not say it all
    claimed: bool = False  # the status is a document's claim
    goal: str = ""
    scope: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    participants: str = ""
    milestone: str = ""
    timeline: str = ""
    tasks: tuple[Task, ...] = ()
    checks: tuple[str, ...] = ()  # check signals that prove it whole, beside those of its tasks
    notes: tuple[str, ...] = ()


class Grade(Value, frozen=True):
    """A word for how good a figure is: `at_most` so many targets (1: on it), `at_most_ms`; neither takes the rest."""

    name: str
    at_most: float | None = None
    at_most_ms: float | None = None


class Target(Value, frozen=True):
    """A performance target. `factor` is the gain that the plan promises (10 = ten times faster).

    In the file `target_ms` may be a single figure. `grades`, best first, take the place of the plan's.
    """

    name: str
    baseline_ms: float | None = None
    target_ms: Range | None = None
    factor: float | None = None
    percentile: int = 95  # which percentile of real executions must lie under `target_ms.high`
    grades: tuple[Grade, ...] = ()


class Phase(Value, frozen=True):
    """A stretch of the timeline: days of the plan (1 is the first), or weeks ([2, 3])."""

    name: str
    when: str = ""  # as written where days and weeks do not say it: "Nov 12, 09:00"
    first_day: int | None = None
    last_day: int | None = None
    weeks: tuple[int, int] | None = None
    issues: tuple[IssueId, ...] = ()
    activities: tuple[str, ...] = ()


class Milestone(Value, frozen=True):
    """A moment of the plan: reached when the issues it waits for are done, not before its date."""

    name: str
    when: str = ""  # as written where `day` and `at` do not say it
    after: tuple[IssueId, ...] = ()
    after_milestones: tuple[str, ...] = ()
    day: int | None = None
    at: time | None = None  # of that day, in the calendar's zone


class Rule(Value, frozen=True, rename={"is_": "is"}):
    """What is said of a signal. `is_` compares words, the others numbers, inclusive; all that are written must hold.

    `for_s`: it holds once it has held for so long without a break or a hole in the telemetry.
    `min_samples`: over so many executions (of a percentile) or readings (of `for_s`); with fewer it is unknown.
    """

    signal: str
    is_: str | None = None
    at_most: float | None = None
    at_least: float | None = None
    for_s: float | None = None
    min_samples: int | None = None


class Criterion(Value, frozen=True):
    """A go, no-go or success condition, and what proves it: all that is named here, or else somebody's sign-off.

    A go or success condition is met when every rule holds; a no-go condition holds when any of its rules does.
    `claimed`: its author ticked it, which proves nothing.
    """

    text: str
    id: str = ""  # who it is when its text is edited; without one an edited text is another criterion
    claimed: bool = False
    issues: tuple[IssueId, ...] = ()  # all done
    rules: tuple[Rule, ...] = ()
    checks: tuple[str, ...] = ()  # check signals that must be ok
    signoffs: tuple[str, ...] = ()  # roles or logins who must attest it by name
    votes: bool = False  # all required votes are go
    clock_hours: float | None = None  # rules and checks must have held so long since the deploy


class Criteria(Value, frozen=True):
    """The gate's conditions: all of `go`, none of `no_go`; then what success will mean."""

    go: tuple[Criterion, ...] = ()
    no_go: tuple[Criterion, ...] = ()
    deployment: tuple[Criterion, ...] = ()
    post_deployment: tuple[Criterion, ...] = ()


class Risk(Value, frozen=True):
    """Something that may go wrong. With a `trigger` it lights by itself when the rule is met."""

    text: str
    kind: RiskKind = RiskKind.OPEN
    likelihood: int | None = None  # 1 (rare) to 5 (expected)
    impact: int | None = None  # 1 (a shrug) to 5 (an outage)
    owner: str = ""
    response: str = ""
    trigger: Rule | None = None
    claimed: bool = False


class Stakeholder(Value, frozen=True):
    """A role that is told, asked or votes. `who`: the logins that speak for it; without any, everybody may."""

    name: str
    role: str = ""
    votes: bool = False  # GO needs its go
    who: tuple[str, ...] = ()


class Right(StrEnum):
    """What an operator may: look; write down work, votes and sign-offs; agree and decide; lead the room."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    LEAD = "lead"


class Operator(Value, frozen=True):
    """A person by login. A plan that names no operators lets everybody do everything."""

    login: str
    name: str = ""
    may: Right = Right.OPERATOR


class Gate(Value, frozen=True):
    """How long people's words open the gate, in hours of the clock. A word against going does not expire."""

    vote_hours: float = 24.0
    signoff_hours: float = 24.0


class Cadence(Value, frozen=True):
    """A recurring conversation: what, when ("10:00", "daily"), and what it is about."""

    what: str
    when: str = ""
    topics: tuple[str, ...] = ()


class RollbackStep(Value, frozen=True):
    """One step back, in the plan's order: after a rollback they are a checklist.

    `step` names the step of the rollback's action that does it; `stable` is what must hold before one deploys again.
    """

    name: str
    text: str = ""
    step: str = ""
    root_cause: bool = False  # the rollback opens a record with the evidence for it
    stable: tuple[Rule, ...] = ()


class Automation(Value, frozen=True):
    """Something that would undo an action by itself: a pipeline that deploys each push, an operator of a cluster.

    It is off while `off` holds, or else since `step` of the action ended well, or a person said so.
    """

    text: str
    off: Rule | None = None
    step: str = ""  # of the action, by its name
    on_again: str = ""  # how one turns it on again


class Action(Value, frozen=True):
    """Something that changes the world, under guard: `[actions.NAME]`.

    `approvals` counts people, the one who arms it among them; None: two for a rollback and a deploy, else one. It is
    done when all of `verify` holds on readings taken after its last step, within `verify_s`.
    """

    kind: ActionKind
    steps: tuple[AnyActStep, ...]
    label: str = ""
    approvals: int | None = None
    countdown_s: float = 5.0
    expires_s: float = 900.0  # an approval that is not given or not used by then is void
    preflight: tuple[Rule, ...] = ()  # must hold before it begins; of a rollback it is a warning
    undone_by: tuple[Automation, ...] = ()
    verify: tuple[Rule, ...] = ()
    verify_s: float = 300.0
    ask: tuple[str, ...] | None = None  # the channels that ask for the second person; None: those of [approvals]

    @property
    def tells_only(self) -> bool:
        """Whether all that it does is to tell people, so that the channels' word is the proof of it."""
        return self.kind is ActionKind.NOTIFY and all(isinstance(step, NotifyAct) for step in self.steps)

    @property
    def people(self) -> int:
        """How many people it needs."""
        if self.approvals is not None:
            return self.approvals
        return 2 if self.kind in (ActionKind.ROLLBACK, ActionKind.DEPLOY) else 1


class Reference(Value, frozen=True):
    """A document that the plan points at."""

    name: str
    text: str = ""


class Note(Value, frozen=True):
    """What an import did not understand, kept word for word with its line in the document."""

    line: int
    text: str


class Uat(Value, frozen=True):
    """User acceptance testing: the issue that it is work on, and the features that somebody must have tried."""

    issue: IssueId | None = None
    features: tuple[str, ...] = ()


class About(Value, frozen=True):
    """The plan's own particulars. `release` is what is shipped, `last_stable` what one can go back to."""

    title: str
    id: str = ""  # names the room wherever the file is cloned; empty: made from the title
    sprint: str = ""
    goal: str = ""
    status: str = ""
    claimed: bool = False
    start: date | None = None
    target: date | None = None
    version: str = ""
    created: date | None = None
    updated: date | None = None
    summary: str = ""
    environment: str = "production"
    release: str = ""
    last_stable: str = ""
    rollback_when: str = ""

    @property
    def room_id(self) -> str:
        """Name the room: the id, or the title in small letters and hyphens."""
        return self.id or re.sub(r"[^a-z0-9]+", "-", self.title.casefold()).strip("-") or "plan"


class Keeping(Value, frozen=True):
    """Where the room's store lies, if not in the user's state directory, and the Unix group that shares it."""

    directory: str = ""
    group: str = ""


class DayCount(StrEnum):
    """How "Day 3" is counted. A plan that leaves it open is read in working days, with a warning."""

    OPEN = "open"
    WORKING = "working"
    CALENDAR = "calendar"


class Calendar(Value, frozen=True):
    """Working time. The schedule counts only these hours; `zone` is an IANA name."""

    zone: str = "UTC"
    day_count: DayCount = DayCount.OPEN
    days: tuple[str, ...] = ("mon", "tue", "wed", "thu", "fri")
    opens: time = time(9, 0)
    closes: time = time(17, 0)
    holidays: tuple[date, ...] = ()


class Freeze(Value, frozen=True, rename={"from_": "from"}):
    """When nothing but a rollback may change the world: `from` to `until`, or `weekly` ("Fri 16:00 – Mon 08:00").

    Times without an offset, and weekly ones, are on the clock of the calendar's zone.
    """

    why: str
    from_: datetime | None = None
    until: datetime | None = None
    weekly: str = ""


class Plan(Value, frozen=True):
    """Everything that a team intends for one deployment."""

    plan: About
    store: Keeping = Keeping()
    calendar: Calendar = Calendar()
    freezes: tuple[Freeze, ...] = ()
    issues: tuple[Issue, ...] = ()
    targets: tuple[Target, ...] = ()
    grades: tuple[Grade, ...] = ()  # of all targets, best first
    sites: dict[str, Site] = {}
    workflows: tuple[Workflow, ...] = ()
    uat: Uat | None = None
    phases: tuple[Phase, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    criteria: Criteria = Criteria()
    gate: Gate = Gate()
    risks: tuple[Risk, ...] = ()
    stakeholders: tuple[Stakeholder, ...] = ()
    operators: tuple[Operator, ...] = ()
    cadences: tuple[Cadence, ...] = ()
    rollback: tuple[RollbackStep, ...] = ()  # what a team does besides; the first action of the kind rolls back
    actions: dict[str, Action] = {}
    channels: dict[str, Channel] = {}
    approvals: Approvals = Approvals()
    references: tuple[Reference, ...] = ()
    sources: dict[str, Source] = {}
    notes: tuple[Note, ...] = ()
