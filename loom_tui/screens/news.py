"""The newest thing that matters, for the line above the keys. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from loom_tui.room.guard import ActionState, asked_now
from loom_tui.room.snapshot import Snapshot
from loom_tui.room.told import sentence
from loom_tui.widgets.frame import News
from loom_tui.widgets.text import Sign

ERROR_NEWS_S = 3600.0
_ACTION = "action "  # so begins the key of news of an action


def news_of(snapshot: Snapshot, *, since: float, dismissed: Collection[str] = ()) -> News | None:
    """Choose what to tell: an action that waits for people, else the worst and newest alarm, else the last event.

    What was dismissed is not told again.
    """
    found = [news for news in (*wanted(snapshot), *alarms(snapshot)) if news.key not in dismissed]
    if found and found[0].key.startswith(_ACTION):
        return found[0]
    if found:
        return max(found, key=lambda news: (news.sign is Sign.BAD, news.at or 0.0))
    last = snapshot.events[-1] if snapshot.events else None
    if last is None or last.at <= since:
        return None
    return News(Sign.OPEN, sentence(last), last.at)


def wanted(snapshot: Snapshot) -> Iterator[News]:
    """Say for which person an action under way waits: for who approves it, answers it, or looks after it."""
    view = snapshot.action
    if view is None:
        return
    key = f"{_ACTION}{view.id} {view.state.value}"
    what = f"“{view.armed.label}” ({view.id})"
    if view.state is ActionState.ARMED and view.armed.people > 1:
        why = f": {view.armed.reason}" if view.armed.reason else ""
        yield News(Sign.WARN, f"A: {view.by} wants {what} approved by another person{why}", view.at, key)
    elif view.state is ActionState.INTERRUPTED:
        yield News(Sign.BAD, f"A: {what} is interrupted: its runner has gone, and somebody must look", None, key)
    elif (question := asked_now(view, now=snapshot.now)) is not None:
        step = view.steps[question[0]]
        yield News(
            Sign.WARN, f"A: {what} waits for a person at “{step.name}”", None, f"{key} {question[0]} {step.started}"
        )


def rings_for(snapshot: Snapshot, login: str) -> frozenset[str]:
    """Name what the terminal's bell calls a person for: an action that waits for them, and not for who armed it."""
    view = snapshot.action
    own = view is not None and view.state is ActionState.ARMED and view.by == login
    return frozenset() if own else frozenset(news.key for news in wanted(snapshot))


def alarms(snapshot: Snapshot) -> Iterator[News]:
    """List the errors that became news within the hour, the feeds that fell silent, and what an action turned off."""
    for errors in snapshot.errors:
        for issue in errors.issues:
            at = issue.first_seen if issue.substatus == "new" else issue.last_seen  # an old error may come back
            if issue.substatus not in {"new", "regressed", "escalating"} or issue.level not in {"fatal", "error"}:
                continue
            if at is None or snapshot.now - at > ERROR_NEWS_S:
                continue
            users = f", {issue.users} users" if issue.users else ""
            sign = Sign.BAD if issue.level == "fatal" else Sign.WARN
            key = f"{errors.source} {issue.id} {issue.substatus}"
            yield News(sign, f"{issue.substatus} error {issue.short_id} {issue.title}{users}", at, key)
    for feed in snapshot.feeds:
        report = feed.report
        if snapshot.collector.alive and not feed.live and report is not None:
            at = report.failing_since if report.failing_since is not None else report.last_success_at
            yield News(Sign.WARN, f"{feed.label} is silent: {feed.why}", at, f"{feed.source} silent {at}")
    for view in snapshot.automation:
        if view.off and view.since is not None:
            again = f" (on again: {view.on_again})" if view.on_again else ""
            yield News(Sign.WARN, f"still off: {view.text}{again}", view.since, f"off {view.text} {view.since}")
