"""The plan's own dates: what its days, weeks, phases and milestones are in Unix seconds.

Day 1 is the plan's start, or the first day worked after it. Where only a target is known, the day on which the plan
deploys falls on the target, and day 1 so much earlier. Days are working days of the calendar unless
the plan says `day_count = "calendar"`. Week N is the Nth stretch of seven days from day 1: for a five-day week
that is the same as working days 5N-4 to 5N, so that a "Day 5" always comes before a "Week 2".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from loom_tui.plan.calendar import WorkDays, shifted
from loom_tui.plan.model import DayCount, IssueId, Milestone, Phase, Plan, Priority

GO_NO_GO = "Go/No-Go"
DEPLOYMENT = "Deployment"

_DEPLOYS = re.compile(r"(?<![\w-])(?:deploy|launch|releas(?:e|ing)\b|go[ -]?live|ship)", re.IGNORECASE)
_FOLLOWS = re.compile(r"\b(?:post|after|nach)\b|\bfollow[ -]?up", re.IGNORECASE)
_PREPARES = re.compile(r"\b(?:pre|post|after|before)[ -]?\w*(?:deploy|launch|releas|live)", re.IGNORECASE)


def milestones_of(plan: Plan) -> tuple[Milestone, ...]:
    """Give the plan's milestones, or those that every launch has: the decision, then the deployment.

    Derived: Go/No-Go waits for what `awaited` gives; Deployment waits for Go/No-Go and the first day of the phase
    that deploys, or the plan's target. A plan without either has no Deployment.
    """
    if plan.milestones:
        return plan.milestones
    before = awaited(plan)
    day = _launch_day(plan)
    found = []
    if before:
        found.append(Milestone(name=GO_NO_GO, after=before))
    if before or day is not None:
        found.append(Milestone(name=DEPLOYMENT, after_milestones=(GO_NO_GO,) if before else (), day=day))
    return tuple(found)


def awaited(plan: Plan) -> tuple[IssueId, ...]:
    """List the issues without which nobody launches: the critical ones, and those of no stated priority.

    Of the latter those are left out that the plan puts into a phase behind the one that deploys. High ones are wanted
    before the launch, and not waited for.
    """
    unstated = {issue.id for issue in plan.issues if issue.priority is None}
    if unstated:
        later = _phases_after_launch(plan)
        names = {phase.name for phase in later}
        unstated -= {issue_id for phase in later for issue_id in phase.issues}
        unstated -= {issue.id for issue in plan.issues if issue.phase in names}
    return tuple(issue.id for issue in plan.issues if issue.priority is Priority.CRITICAL or issue.id in unstated)


def launch_of(milestones: Sequence[Milestone]) -> Milestone | None:
    """Find the milestone that is the launch: the last that speaks of deployment, or else the last of all."""
    deploying = [milestone for milestone in milestones if _deploys(milestone.name)]
    return next(reversed(deploying or milestones), None)


def planned_day(plan: Plan, day: int) -> tuple[float, float]:
    """Give the Unix seconds at which the plan's day N opens and closes. Raises ValueError for a plan without dates."""
    first = first_date(plan)
    if first is None:
        raise ValueError("the plan has neither a start nor a target, so its days have no dates")
    days = WorkDays(plan.calendar)
    return days.span(_date_of_day(plan, days, first, day))


def phase_span(plan: Plan, phase: Phase) -> tuple[float, float] | None:
    """Give the Unix seconds at which a phase opens and closes; None where phase or plan has no dates."""
    dates = _phase_dates(plan, phase)
    if dates is None:
        return None
    days = WorkDays(plan.calendar)
    return days.span(dates[0])[0], days.span(dates[1])[1]


def planned_at(plan: Plan, milestone: Milestone) -> float | None:
    """Give the moment (Unix seconds) before which a milestone is not reached; None where the plan names none."""
    first = first_date(plan)
    if milestone.day is None or first is None:
        return None
    days = WorkDays(plan.calendar)
    day = _date_of_day(plan, days, first, milestone.day)
    if milestone.at is None:
        return days.span(day)[0]
    return datetime.combine(day, milestone.at, days.zone).timestamp()


def first_date(plan: Plan) -> date | None:
    """Give the date of the plan's day 1; None for a plan without dates."""
    days = WorkDays(plan.calendar)
    by_calendar = plan.calendar.day_count is DayCount.CALENDAR
    if plan.plan.start is not None:
        return plan.plan.start if by_calendar else days.nth(plan.plan.start, 1)
    if plan.plan.target is None:
        return None
    phase = _launch_phase(plan)
    earlier = max(1, phase.first_day or 1) - 1 if phase is not None else 0
    if by_calendar:
        return shifted(plan.plan.target, timedelta(days=-earlier))
    return days.nth(plan.plan.target, -1 - earlier)


def _phase_dates(plan: Plan, phase: Phase) -> tuple[date, date] | None:
    first = first_date(plan)
    if first is None:
        return None
    days = WorkDays(plan.calendar)
    if phase.weeks is not None:
        return _week_dates(days, first, *phase.weeks)
    begin = phase.first_day if phase.first_day is not None else phase.last_day
    if begin is None:
        return None
    end = max(begin, phase.last_day or begin)
    return _date_of_day(plan, days, first, begin), _date_of_day(plan, days, first, end)


def _week_dates(days: WorkDays, first: date, begin: int, end: int) -> tuple[date, date]:
    """Give the first and the last day worked in weeks `begin` to `end`; their edges where none is."""
    begin = max(1, begin)
    opens = shifted(first, timedelta(weeks=min(begin, 10_000) - 1))
    closes = shifted(first, timedelta(weeks=min(max(begin, end), 10_000), days=-1))
    worked, last_worked = days.nth(opens, 1), days.nth(closes, -1)
    return (worked, last_worked) if worked <= last_worked else (opens, closes)


def _date_of_day(plan: Plan, days: WorkDays, first: date, day: int) -> date:
    if plan.calendar.day_count is DayCount.CALENDAR:
        return shifted(first, timedelta(days=min(max(1, day), 100_000) - 1))
    return days.nth(first, max(1, day))


def _launch_day(plan: Plan) -> int | None:
    """Tell the number of the day on which a plan without milestones deploys."""
    first = first_date(plan)
    if first is None:
        return None
    phase = _launch_phase(plan)
    dates = _phase_dates(plan, phase) if phase is not None else None
    day = dates[0] if dates is not None else plan.plan.target
    if day is None:
        return None
    if plan.calendar.day_count is DayCount.CALENDAR:
        return max(1, (day - first).days + 1)
    return WorkDays(plan.calendar).number(first, day)


def _launch_phase(plan: Plan) -> Phase | None:
    """Find the phase that deploys, by its name or else by what is done in it; the last, as staging comes before."""
    dated = [phase for phase in reversed(plan.phases) if phase.weeks or phase.first_day or phase.last_day]
    by_name = (phase for phase in dated if _deploys(phase.name))
    by_activity = (phase for phase in dated if any(map(_deploys, phase.activities)))
    return next(by_name, None) or next(by_activity, None)


def _phases_after_launch(plan: Plan) -> Sequence[Phase]:
    """Find the phases behind the one that deploys, and those whose names say so."""
    launch = _launch_phase(plan)
    last = len(plan.phases) if launch is None else plan.phases.index(launch)
    return [phase for at, phase in enumerate(plan.phases) if at > last or _FOLLOWS.search(phase.name)]


def _deploys(text: str) -> bool:
    """Say whether a text speaks of the deployment itself, not of what comes before or after it."""
    return bool(_DEPLOYS.search(text)) and not _PREPARES.search(text)
