"""What a plan's words must agree on: references, ranges, clocks; and where a document contradicts itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from loom_tui.plan.check_actions import check_actions
from loom_tui.plan.check_channels import check_channels
from loom_tui.plan.check_gate import check_gate
from loom_tui.plan.faults import Fault, suggestion
from loom_tui.plan.freezes import moment_in, week_times
from loom_tui.plan.model import DayCount, Grade, Issue, IssueId, Phase, Plan, Priority, Range
from loom_tui.plan.network import find_cycle
from loom_tui.plan.signals import asked_of, at_site
from loom_tui.plan.sources.base import secrets_of, url_faults
from loom_tui.plan.sources.postgres import PostgresSource
from loom_tui.plan.timeline import milestones_of
from loom_tui.plan.words import issue_name
from loom_tui.plan.workflows import Workflow, is_refused

_RESERVED = ("feed", "workflow", "uat")  # these begin signals' names of their own
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def check_plan(plan: Plan) -> list[Fault]:
    """List every fault and warning of a plan whose shape is right; faults first, each in the plan's order."""
    found = [fault for rule in _RULES for fault in rule(plan)]
    return sorted(found, key=lambda fault: fault.level != "fault")


def _warning(where: str, what: str) -> Fault:
    return Fault(where, what, "warning")


def _place(issue: Issue) -> str:
    return f"issue #{issue.id}"


def _ids(plan: Plan) -> Iterator[Fault]:
    for issue_id, times in Counter(issue.id for issue in plan.issues).items():
        if times > 1:
            yield Fault(f"issue #{issue_id}", f"is there {times} times; an id names one issue")
    for kind, names in (
        ("targets", [target.name for target in plan.targets]),
        ("phases", [phase.name for phase in plan.phases]),
        ("milestones", [milestone.name for milestone in plan.milestones]),
    ):
        for name, times in Counter(names).items():
            if times > 1:
                yield Fault(kind, f"`{name}` is there {times} times")


def _issue_references(plan: Plan) -> Iterator[Fault]:
    known = {issue.id for issue in plan.issues}

    def missing(where: str, verb: str, ids: Iterable[IssueId]) -> Iterator[Fault]:
        for issue_id in ids:
            if issue_id not in known:
                yield Fault(where, f"{verb} {issue_name(issue_id)}, which does not exist")

    for issue in plan.issues:
        yield from missing(_place(issue), "depends on", issue.depends_on)
    for phase in plan.phases:
        yield from missing(f"phase `{phase.name}`", "holds", phase.issues)
    for milestone in plan.milestones:
        yield from missing(f"milestone `{milestone.name}`", "waits for", milestone.after)
    for criterion in (
        *plan.criteria.go,
        *plan.criteria.no_go,
        *plan.criteria.deployment,
        *plan.criteria.post_deployment,
    ):
        yield from missing(f"criterion `{criterion.text}`", "names", criterion.issues)


def _milestone_references(plan: Plan) -> Iterator[Fault]:
    names = {milestone.name for milestone in plan.milestones}
    for milestone in plan.milestones:
        for name in milestone.after_milestones:
            if name not in names:
                yield Fault(
                    f"milestone `{milestone.name}`",
                    f"waits for milestone `{name}`, which does not exist{suggestion(name, names)}",
                )


def _cycle(plan: Plan) -> Iterator[Fault]:
    cycle = find_cycle(plan)
    if cycle is not None:
        chain = " → ".join(issue_name(issue_id) for issue_id in (*cycle, cycle[0]))
        yield Fault(f"issue #{cycle[0]}", f"waits for itself: {chain} (each waits for the next)")


def _ranges(plan: Plan) -> Iterator[Fault]:
    for issue in plan.issues:
        effort, likely = issue.effort_hours, issue.effort_likely_hours
        if effort is not None:
            yield from _range(_place(issue), "effort_hours", effort)
            if likely is not None and not effort.low <= likely <= effort.high:
                yield Fault(
                    _place(issue), f"effort_likely_hours {likely:g} lies outside {effort.low:g} to {effort.high:g}"
                )
    for target in plan.targets:
        if target.target_ms is not None:
            yield from _range(f"target `{target.name}`", "target_ms", target.target_ms)
        if not 1 <= target.percentile <= 99:
            yield Fault(f"target `{target.name}`", f"percentile {target.percentile} is not between 1 and 99")
        yield from _grades(f"target `{target.name}`", target.grades)
    yield from _grades("grades", plan.grades)
    for phase in plan.phases:
        first, last = phase.weeks or (phase.first_day, phase.last_day)
        unit = "week" if phase.weeks else "day"
        if first is not None and first < 1:
            yield Fault(f"phase `{phase.name}`", f"begins at {unit} {first}; the first {unit} is 1")
        if first is not None and last is not None and last < first:
            yield Fault(f"phase `{phase.name}`", f"ends at {unit} {last}, before it begins at {unit} {first}")
    for index, risk in enumerate(plan.risks, 1):
        for word, level in (("likelihood", risk.likelihood), ("impact", risk.impact)):
            if level is not None and not 1 <= level <= 5:
                yield Fault(f"risks[{index}]", f"{word} {level} is not between 1 and 5")


def _grades(where: str, grades: Sequence[Grade]) -> Iterator[Fault]:
    """Hold grades to stand best first: one that none can reach, since an earlier one takes all, is a slip."""
    for before, grade in pairwise(grades):
        pairs = ((before.at_most, grade.at_most), (before.at_most_ms, grade.at_most_ms))
        if before.at_most is None and before.at_most_ms is None:
            yield Fault(where, f"grade `{grade.name}` is never reached: `{before.name}` before it has no at_most")
        elif any(one is not None and other is not None and other <= one for one, other in pairs):
            yield Fault(where, f"grade `{grade.name}` is never reached: write the best grade first")


def _range(where: str, name: str, value: Range) -> Iterator[Fault]:
    if value.low < 0:
        yield Fault(where, f"has a negative {name} ({value.low:g})")
    if value.high < value.low:
        yield Fault(where, f"{name} runs from {value.low:g} down to {value.high:g}; low comes first")


def _dates(plan: Plan) -> Iterator[Fault]:
    about = plan.plan
    if about.start and about.target and about.target < about.start:
        yield Fault("plan", f"target {about.target} lies before start {about.start}")


def _calendar(plan: Plan) -> Iterator[Fault]:
    calendar = plan.calendar
    try:
        ZoneInfo(calendar.zone)
    except (KeyError, ValueError, OSError):
        hint = suggestion(calendar.zone, available_timezones())
        yield Fault("calendar.zone", f"`{calendar.zone}` is no time zone{hint or '; write one such as Europe/Berlin'}")
    if not calendar.days:
        yield Fault("calendar.days", "names no working day; the schedule would never end")
    for day in calendar.days:
        if day not in _DAYS:
            yield Fault("calendar.days", f"`{day}` is no day; write one of {', '.join(_DAYS)}")
    if calendar.closes < calendar.opens:
        span = f"{calendar.opens:%H:%M} to {calendar.closes:%H:%M}"
        yield _warning("calendar", f"works from {span} of the next day; is that a night shift, or the wrong way round?")


def _freezes(plan: Plan) -> Iterator[Fault]:
    for index, freeze in enumerate(plan.freezes, 1):
        where = f"freezes[{index}]"
        if not freeze.why.strip():
            yield Fault(f"{where}.why", "is empty; whoever is held up by it wants to know")
        if bool(freeze.weekly) == (freeze.from_ is not None or freeze.until is not None):
            yield Fault(where, 'write from and until, or weekly = "Fri 16:00 – Mon 08:00"')
        elif freeze.weekly:
            times = week_times(freeze.weekly)
            if times is None:
                yield Fault(f"{where}.weekly", f"`{freeze.weekly}` is not written as Fri 16:00 – Mon 08:00")
            elif times[0] == times[1]:
                yield Fault(f"{where}.weekly", f"`{freeze.weekly}` would never end")
        elif freeze.from_ is None or freeze.until is None:
            yield Fault(where, "has one end only; write both from and until")
        elif moment_in(UTC, freeze.until) <= moment_in(UTC, freeze.from_):
            yield Fault(where, f"ends at {freeze.until}, before it begins at {freeze.from_}")


def _sources(plan: Plan) -> Iterator[Fault]:
    for name in plan.sources:
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", name) or name in _RESERVED:
            yield Fault(
                f"sources.{name}",
                "a source's name is small letters, digits, - and _, and none of "
                f"{', '.join(f'`{word}`' for word in _RESERVED)}; it begins its signals' names",
            )
    parts = {f"{name}.{word}" for name, source in plan.sources.items() for word, _ in source.parts()}
    for name, source in asked_of(plan).items():
        if name in parts:  # its words are its source's
            continue
        where = f"workflow `{source.name}`" if isinstance(source, Workflow) else f"sources.{name}"
        if source.interval_s < 0 or source.timeout_s <= 0:
            yield Fault(where, "timeout_s must be above 0, and interval_s too, or 0 for a check that is run by hand")
        for place, secret in secrets_of(where, source):
            if sum(map(bool, (secret.env, secret.file, secret.command))) != 1:
                yield Fault(
                    place, "name exactly one of env, file or command; a credential itself is never written here"
                )
        for key, what in source.faults():
            yield Fault(f"{where}.{key}" if key else where, what)


def _workflows(plan: Plan) -> Iterator[Fault]:
    """Hold sites to be addresses, and workflows to name what there is; a run that will be refused is warned of."""
    for name, site in plan.sites.items():
        yield from (Fault(f"sites.{name}.{key}", what) for key, what in url_faults("url", site.url))
    for key, times in Counter(workflow.key for workflow in plan.workflows).items():
        if times > 1:
            yield Fault("workflows", f"`{key}` is there {times} times; give each an id of its own")
    for workflow in plan.workflows:
        where = f"workflow `{workflow.name}`"
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", workflow.key):
            yield Fault(where, f"needs an id of small letters, digits, - and _; found `{workflow.key}`")
        if workflow.site and workflow.site not in plan.sites:
            yield Fault(
                where, f"runs at site `{workflow.site}`, which does not exist{suggestion(workflow.site, plan.sites)}"
            )
        for step, name in workflow.secret_arguments():
            words = (
                f"`{step}` has the credential {{{name}}} among its arguments, which everybody on the host sees: use env"
            )
            yield _warning(where, words)
        environment = at_site(plan, workflow).environment or plan.plan.environment
        if is_refused(workflow, environment):
            yield _warning(
                where,
                f"writes, and {environment} is production: its runs are refused; name another site, or write "
                "allow_production_writes = true, or writes = false if it changes nothing",
            )


def _uat(plan: Plan) -> Iterator[Fault]:
    uat = plan.uat
    if uat is None:
        return
    if uat.issue is not None and uat.issue not in {issue.id for issue in plan.issues}:
        yield Fault("uat", f"is the work of {issue_name(uat.issue)}, which does not exist")
    for name, times in Counter(name.casefold() for name in uat.features).items():
        if times > 1 or not name.strip():
            yield Fault("uat.features", f"`{name}` is there {times} times" if name.strip() else "holds an empty name")


def _query_targets(plan: Plan) -> Iterator[Fault]:
    targets = {target.name for target in plan.targets}
    for name, source in plan.sources.items():
        for query in source.queries if isinstance(source, PostgresSource) else ():
            if query.target and query.target not in targets:
                yield Fault(
                    f"sources.{name}.queries.{query.name}",
                    f"speaks of target `{query.target}`, which does not exist{suggestion(query.target, targets)}",
                )


def _launch_contradictions(plan: Plan) -> Iterator[Fault]:
    """Find issues that the plan wants before the launch and lists after it."""
    after = [phase for phase in plan.phases if _is_after_launch(plan, phase)]
    for issue in plan.issues:
        if issue.priority not in (Priority.CRITICAL, Priority.HIGH):
            continue
        for phase in after:
            if issue.id in phase.issues:
                yield _warning(
                    _place(issue),
                    f"is {issue.priority.value} priority, due before the launch, yet the timeline puts it into "
                    f"`{phase.name}` ({_span(phase)}), after it",
                )


def _is_after_launch(plan: Plan, phase: Phase) -> bool:
    days = [other.last_day or other.first_day or 0 for other in plan.phases]
    launch_day = max(days, default=0)
    if phase.weeks is not None:
        return launch_day > 0 and phase.weeks[0] > 1
    return "post" in phase.name.casefold() and any(
        "deploy" in milestone.name.casefold() for milestone in milestones_of(plan)
    )


def _timeline_contradictions(plan: Plan) -> Iterator[Fault]:
    """Find an issue whose own weeks are not those of the phase that holds it."""
    for issue in plan.issues:
        own = re.search(r"weeks?\s+(\d+)\s*(?:[-–—]|to)\s*(\d+)", issue.timeline, re.IGNORECASE)
        if own is None:
            continue
        weeks = (int(own[1]), int(own[2]))
        for phase in plan.phases:
            if issue.id in phase.issues and phase.weeks is not None and phase.weeks != weeks:
                yield _warning(
                    _place(issue),
                    f"says `{issue.timeline}`, but the timeline's `{phase.name}` is {_span(phase)}",
                )


def _span(phase: Phase) -> str:
    if phase.weeks is not None:
        return f"weeks {phase.weeks[0]}–{phase.weeks[1]}"
    return f"days {phase.first_day}–{phase.last_day}" if phase.first_day != phase.last_day else f"day {phase.first_day}"


def _open_days(plan: Plan) -> Iterator[Fault]:
    if plan.calendar.day_count is DayCount.OPEN and any((phase.last_day or 0) > 1 for phase in plan.phases):
        yield _warning(
            "phases",
            "the timeline counts days, but does not say whether they are working days; they are read as working days: "
            'write day_count = "working" or "calendar" under [calendar]',
        )


_RULES: tuple[Callable[[Plan], Iterable[Fault]], ...] = (
    _ids,
    _issue_references,
    _milestone_references,
    _cycle,
    _ranges,
    _dates,
    _calendar,
    _freezes,
    _sources,
    _workflows,
    _uat,
    _query_targets,
    check_gate,
    check_actions,
    check_channels,
    _launch_contradictions,
    _timeline_contradictions,
    _open_days,
)
