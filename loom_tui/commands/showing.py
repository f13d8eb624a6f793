"""A plan and its schedule as plain lines, for a shell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from loom_tui.plan.model import Issue, Plan, Range
from loom_tui.plan.schedule import Item, Schedule
from loom_tui.plan.words import issue_name


def plan_lines(plan: Plan) -> Iterator[str]:
    """Write a plan as an outline."""
    about = plan.plan
    yield about.title
    dates = " → ".join(day.isoformat() for day in (about.start, about.target) if day)
    yield "  ".join(filter(None, (about.environment, about.release, dates, about.status)))
    yield from _section("Issues", (_issue_line(issue) for issue in plan.issues))
    yield from _section("Targets", (f"{t.name}: {_range(t.target_ms)} ms" for t in plan.targets))
    yield from _section("Workflows", (workflow.name for workflow in plan.workflows))
    yield from _section("Timeline", (phase.name for phase in plan.phases))
    criteria = plan.criteria
    yield from _section("Go needs all of", (criterion.text for criterion in criteria.go))
    yield from _section("No-go if any of", (criterion.text for criterion in criteria.no_go))
    yield from _section("Deployment success", (criterion.text for criterion in criteria.deployment))
    yield from _section("Post-deployment success", (criterion.text for criterion in criteria.post_deployment))
    yield from _section("Risks", (f"{risk.kind.value:<10}  {risk.text}" for risk in plan.risks))
    yield from _section("Stakeholders", (person.name for person in plan.stakeholders))
    yield from _section("Cadences", (f"{cadence.what}  {cadence.when}" for cadence in plan.cadences))
    yield from _section("Rollback", (f"{n}. {step.name}: {step.text}" for n, step in enumerate(plan.rollback, 1)))
    yield from _section("Sources", (f"{name}  {source.__struct_config__.tag}" for name, source in plan.sources.items()))
    yield from _section("References", (f"{ref.name}  {ref.text}" for ref in plan.references))
    yield from _section("Notes", (f"line {note.line}: {note.text}" for note in plan.notes))


def schedule_lines(plan: Plan, schedule: Schedule) -> Iterator[str]:
    """Write a schedule as a table: earliest start and finish, slack in working hours, the critical chain marked."""
    zone = ZoneInfo(plan.calendar.zone)

    def at(moment: float | None) -> str:
        return datetime.fromtimestamp(moment, zone).strftime("%a %d %b %H:%M") if moment is not None else "unknown"

    def row(name: str, item: Item) -> str:
        mark = "*" if item.critical else " "
        return f"{mark} {name:<44.44}  {at(item.earliest_start)}  {at(item.earliest_finish)}  {item.slack_hours:6.1f} h"

    yield f"  {'':<44}  {'start':<16}  {'finish':<16}   slack"
    for issue in plan.issues:
        if issue.id in schedule.items:
            yield row(f"{issue_name(issue.id)} {issue.title}", schedule.items[issue.id])
    for name, item in schedule.milestones.items():
        yield row(name, item)
    chain = " → ".join(issue_name(step) if isinstance(step, int) else step for step in schedule.chain)
    yield f"Critical chain: {chain or 'none'}"
    odds = f"P50 {at(schedule.p50_at)}, P80 {at(schedule.p80_at)}, P95 {at(schedule.p95_at)}"
    yield f"Finish {at(schedule.finish_at)}; {odds}"


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield ""
        yield f"{title} ({len(found)})"
        for line in found:
            yield f"  {line}"


def _issue_line(issue: Issue) -> str:
    effort = f"{_range(issue.effort_hours)} h" if issue.effort_hours else issue.effort_text
    priority = issue.priority.value if issue.priority is not None else ""
    parts = [f"{issue_name(issue.id):<6} {issue.title}", priority, effort, "/".join(issue.owners)]
    if issue.depends_on:
        parts.append("after " + ", ".join(issue_name(other) for other in issue.depends_on))
    return "  ".join(filter(None, parts))


def _range(value: Range | None) -> str:
    if value is None:
        return "unknown"
    return f"{value.low:g}" if value.low == value.high else f"{value.low:g}–{value.high:g}"
