"""What checks say of the plan's issues and their tasks. A failing check beats a tick; an unknown one proves nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from loom_tui.plan.criteria import checks_of
from loom_tui.plan.model import Issue, Rule
from loom_tui.room.proof import Facts, Finding, find
from loom_tui.room.signals import State
from loom_tui.room.snapshot import IssueView


def proved_issues(issues: tuple[IssueView, ...], facts: Facts) -> tuple[IssueView, ...]:
    """Lay what checks say beside each issue and each task that names some."""
    return tuple(_proved(view, facts) if checks_of(view.issue) else view for view in issues)


def _proved(view: IssueView, facts: Facts) -> IssueView:
    found = findings_of(view.issue, facts)
    named = {task.text: task.checks for task in view.issue.tasks if task.checks}
    tasks = tuple(
        replace(task, proof=state_of(names, found), why=why_of(names, found))
        if (names := named.get(task.text)) is not None
        else task
        for task in view.tasks
    )
    return replace(view, tasks=tasks, proof=state_of(found, found), why=why_of(found, found))


def findings_of(issue: Issue, facts: Facts) -> dict[str, Finding]:
    """Ask each check of an issue whether it is ok."""
    return {name: find(Rule(signal=name, is_="ok"), facts) for name in checks_of(issue)}


def state_of(names: Iterable[str], found: Mapping[str, Finding]) -> State:
    """Judge checks together: one that fails is bad, else one that is unknown makes all unknown."""
    holds = {found[name].holds for name in names}
    return State.BAD if False in holds else State.UNKNOWN if None in holds else State.OK


def why_of(names: Iterable[str], found: Mapping[str, Finding]) -> str:
    """Say why the checks do not say ok: the first that fails, else the first that is unknown; empty where they do."""
    wrong = sorted((name for name in names if not found[name].holds), key=lambda name: found[name].holds is None)
    return f"{wrong[0]}: {found[wrong[0]].words}" if wrong else ""
