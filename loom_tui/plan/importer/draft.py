"""A plan while it is being gathered from a document, and how the gathered facts become a `Plan`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from msgspec.structs import replace

from loom_tui.plan.importer.dates import find_dates
from loom_tui.plan.importer.refs import as_id, find_ids
from loom_tui.plan.model import (
    About,
    Cadence,
    Calendar,
    Criteria,
    Criterion,
    Issue,
    IssueId,
    Milestone,
    Note,
    Phase,
    Plan,
    Priority,
    Range,
    Reference,
    Risk,
    RiskKind,
    RollbackStep,
    Stakeholder,
    Status,
    Target,
    Task,
)
from loom_tui.plan.workflows import named

_ROOT_CAUSE = re.compile(r"\broot[ -]?cause|\bursache", re.IGNORECASE)
_STEP = re.compile(r"(?:(?:work )?item|step|task|issue|ticket|schritt|nr\.?|no\.?)?\s*(\d{1,9})", re.IGNORECASE)


@dataclass(slots=True)
class IssueDraft:
    """One issue so far. `names` are all titles that the document gives it; `id` is None until it is numbered."""

    id: IssueId | None
    title: str = ""
    step: tuple[int, int] | None = None  # the list it stood in, and its number there
    names: list[str] = field(default_factory=list)
    url: str = ""
    priority: Priority | None = None
    phase: str = ""
    effort_hours: Range | None = None
    effort_text: str = ""
    owners: list[str] = field(default_factory=list)
    depends_on: list[IssueId] = field(default_factory=list)
    waits_for: list[str] = field(default_factory=list)  # words under "depends on": an issue's title, or a blocker
    blockers: list[str] = field(default_factory=list)
    status: Status | None = None
    status_text: str = ""
    goal: str = ""
    scope: list[str] = field(default_factory=list)
    features: list[str] = field(default_factory=list)
    participants: str = ""
    milestone: str = ""
    timeline: str = ""
    tasks: list[Task] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def once(self, name: str, value: Any, words: str) -> None:
        """Set a field that is still empty; a second, different value is kept as a note in its own `words`."""
        if not getattr(self, name):
            setattr(self, name, value)
        elif getattr(self, name) != value:
            self.add("notes", words)

    def add(self, name: str, value: Any) -> None:
        """Add to one of the lists what it does not hold yet."""
        values = getattr(self, name)
        if value not in values:
            values.append(value)


@dataclass(slots=True)
class PhaseDraft:
    """One phase so far."""

    name: str
    when: str = ""
    first_day: int | None = None
    last_day: int | None = None
    weeks: tuple[int, int] | None = None
    activities: list[str] = field(default_factory=list)
    items: list[tuple[str, tuple[IssueId, ...]]] = field(default_factory=list)  # a line's words and the ids in it


@dataclass(slots=True)
class RiskDraft:
    """One risk so far."""

    text: str
    kind: RiskKind
    claimed: bool = False
    likelihood: int | None = None
    impact: int | None = None
    owner: str = ""
    response: str = ""


@dataclass(slots=True)
class CadenceDraft:
    """One recurring conversation so far."""

    what: str
    when: str = ""
    topics: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Draft:
    """Everything gathered so far, in the document's order."""

    about: dict[str, Any] = field(default_factory=dict)
    zone: str = ""
    issues: list[IssueDraft] = field(default_factory=list)
    by_id: dict[IssueId, IssueDraft] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)
    workflows: list[str] = field(default_factory=list)
    phases: list[PhaseDraft] = field(default_factory=list)
    milestones: list[tuple[str, str, tuple[IssueId, ...], int | None]] = field(default_factory=list)
    criteria: dict[str, list[tuple[str, bool]]] = field(default_factory=dict)
    risks: list[RiskDraft] = field(default_factory=list)
    stakeholders: dict[str, list[str]] = field(default_factory=dict)  # a name and its roles
    cadences: list[CadenceDraft] = field(default_factory=list)
    rollback: list[tuple[str, str]] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def issue(self, issue_id: IssueId | None) -> IssueDraft:
        """Give the issue of that id, new if it is the first mention; without an id always a new one."""
        known = None if issue_id is None else self.by_id.get(issue_id)
        if known is not None:
            return known
        issue = IssueDraft(id=issue_id)
        self.issues.append(issue)
        if issue_id is not None:
            self.by_id[issue_id] = issue
        return issue

    def plan(self, *, name: str) -> Plan:
        """Freeze it all: what has no id is numbered, what names another issue refers to it."""
        given = set(self.by_id)
        self._number()
        self._issues_of_phases()
        titles = {_folded(word): issue.id for issue in self.issues for word in (issue.title, *issue.names)}
        known = set(self.by_id)
        steps = {issue.step: issue.id for issue in self.issues if issue.step is not None}
        issues = tuple(_frozen(issue, _Names(titles, given, steps)) for issue in self.issues)
        title = self.about.get("title") or name.replace("_", " ").strip() or "Plan"
        about = {**self.about, "title": title, "id": slug(title)}
        return Plan(
            plan=About(**about),
            calendar=Calendar(zone=self.zone) if self.zone else Calendar(),
            issues=issues,
            targets=_uniquely_named(self.targets),
            workflows=named(self.workflows),
            phases=_uniquely_named([_frozen_phase(phase, known, self.about.get("start")) for phase in self.phases]),
            milestones=_uniquely_named([self._milestone(item, known) for item in self.milestones]),
            criteria=Criteria(
                **{
                    group: tuple(
                        Criterion(text=text, claimed=claimed, issues=_known(text, known)) for text, claimed in items
                    )
                    for group, items in self.criteria.items()
                }
            ),
            risks=tuple(Risk(**{name: getattr(risk, name) for name in risk.__slots__}) for risk in self.risks),
            stakeholders=tuple(
                Stakeholder(name=person, role="; ".join(dict.fromkeys(roles)))
                for person, roles in self.stakeholders.items()
            ),
            cadences=tuple(Cadence(what=one.what, when=one.when, topics=tuple(one.topics)) for one in self.cadences),
            rollback=tuple(
                RollbackStep(name=step, text=text, root_cause=bool(_ROOT_CAUSE.search(step)))
                for step, text in self.rollback
            ),
            references=tuple(dict.fromkeys(self.references)),
            notes=tuple(sorted(self.notes, key=lambda note: note.line)),
        )

    def _number(self) -> None:
        taken = max((one for one in self.by_id if isinstance(one, int)), default=0)
        named = {one for issue in self.issues for one in issue.depends_on if isinstance(one, int)}
        taken = max([taken, *named])  # a dependency on an issue that is not there must not find a new one
        for issue in self.issues:
            if issue.id is None:
                taken += 1
                issue.id = taken
                self.by_id[taken] = issue

    def _issues_of_phases(self) -> None:
        """Take an issue that only the timeline names ("UAT with beta users (#152)") from there."""
        for phase in self.phases:
            for text, ids in phase.items:
                if len(ids) == 1 and ids[0] not in self.by_id:
                    issue = self.issue(ids[0])
                    issue.title = _without_ids(text)
                    issue.phase = phase.name

    @staticmethod
    def _milestone(item: tuple[str, str, tuple[IssueId, ...], int | None], known: set[IssueId]) -> Milestone:
        name, when, after, day = item
        return Milestone(name=name, when=when, after=tuple(one for one in after if one in known), day=day)


def slug(text: str) -> str:
    """Make a plan's id of its title: small letters, digits and hyphens."""
    return re.sub(r"[^\w]+", "-", text.casefold().replace("_", "-")).strip("-")[:60].strip("-") or "plan"


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _without_ids(text: str) -> str:
    return re.sub(r"\(\s*\)|\[\s*\]", "", find_ids(text).left).strip(" :–—-") or text


def _known(text: str, known: set[IssueId]) -> tuple[IssueId, ...]:
    return tuple(one for one in find_ids(text).ids if one in known)


@dataclass(frozen=True, slots=True)
class _Names:
    """By what words an issue can be meant: its title, the id that the document gave it, its number in a list."""

    titles: dict[str, IssueId | None]
    given: set[IssueId]
    steps: dict[tuple[int, int], IssueId | None]

    def meant(self, words: str, by: IssueDraft) -> IssueId | None:
        """Find the other issue that `by` means; None where the words name none."""
        found = self.titles.get(_folded(words))
        number = _STEP.fullmatch(words.strip())
        if found is None and as_id(words) in self.given:
            found = as_id(words)
        if found is None and number is not None:
            of = int(number[1])
            in_list = self.steps.get((by.step[0], of)) if by.step is not None else None
            found = in_list or (of if of in self.given else None)
        return None if found == by.id else found


def _frozen(issue: IssueDraft, names: _Names) -> Issue:
    depends, blockers = list(issue.depends_on), list[str]()
    for words in issue.waits_for:
        meant = names.meant(words, issue)
        if meant is None:
            blockers.append(words)
        else:
            depends.append(meant)
    goal, notes = issue.goal, list(issue.notes)
    for words in issue.names:  # the other titles say more of the issue: nothing of them is lost
        if _folded(words) not in (_folded(issue.title), _folded(goal)) and words not in notes:
            goal, notes = (goal, [*notes, words]) if goal else (words, notes)
    assert issue.id is not None  # noqa: S101 - numbered just before
    return Issue(
        id=issue.id,
        title=issue.title or (issue.names[0] if issue.names else f"#{issue.id}"),
        url=issue.url,
        priority=issue.priority,
        phase=issue.phase,
        effort_hours=issue.effort_hours,
        effort_text=issue.effort_text,
        owners=tuple(issue.owners),
        depends_on=tuple(dict.fromkeys(depends)),
        blockers=tuple(dict.fromkeys([*blockers, *issue.blockers])),
        status=issue.status or Status.OPEN,
        status_text=issue.status_text,
        claimed=issue.status is not None or bool(issue.status_text),
        goal=goal,
        scope=tuple(issue.scope),
        features=tuple(issue.features),
        participants=issue.participants,
        milestone=issue.milestone,
        timeline=issue.timeline,
        tasks=tuple(issue.tasks),
        notes=tuple(notes),
    )


def _frozen_phase(phase: PhaseDraft, known: set[IssueId], start: date | None) -> Phase:
    ids = [one for _, found in phase.items for one in found if one in known]
    if phase.first_day is None and phase.weeks is None and start is not None:
        days = [_day_of(start, day) for day in find_dates(phase.when)[0]]
        if days and None not in days and len(days) <= 2:
            phase.first_day, phase.last_day = days[0], days[-1]
    return Phase(
        name=phase.name,
        when=phase.when,
        first_day=phase.first_day,
        last_day=phase.last_day,
        weeks=phase.weeks,
        issues=tuple(dict.fromkeys(ids)),
        activities=tuple(phase.activities),
    )


def _day_of(start: date, day: date) -> int | None:
    """Count working days, as a plan without a word on it is read; None where a weekend leaves it open."""
    if day < start or start.weekday() > 4 or day.weekday() > 4:
        return None
    weeks, rest = divmod((day - start).days + start.weekday(), 7)
    return weeks * 5 + rest - start.weekday() + 1


_Named = TypeVar("_Named", Target, Phase, Milestone)


def _uniquely_named(values: list[_Named]) -> tuple[_Named, ...]:
    """Drop what stands there twice word for word, and number what only shares a name."""
    taken: set[str] = set()
    unique: list[_Named] = []
    for value in dict.fromkeys(values):
        name, again = value.name, 1
        while name in taken:
            again += 1
            name = f"{value.name} ({again})"
        taken.add(name)
        unique.append(value if name == value.name else replace(value, name=name))
    return tuple(unique)
