"""Sentry's answers, decoded: each function takes a body and raises SourceAnswered where it is of another form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from loom_tui.room.errors import ErrorIssue, ReleaseHealth
from loom_tui.sources.base import SourceAnswered
from loom_tui.sources.events import form_of
from loom_tui.sources.scrub import scrub
from loom_tui.sources.times import moment

T = TypeVar("T")
TITLE_LIMIT = 300  # a line on a screen has no more; three hundred of them are kept at each asking


class _Release(Struct):
    version: str = ""


class _Issue(Struct, rename="camel"):
    """An issue as Sentry answers it. `count` is a string; any of the rest may be missing or null."""

    id: str
    title: str | None = None
    short_id: str | None = None
    culprit: str | None = None
    level: str | None = None
    substatus: str | None = None
    count: str | int | None = None
    user_count: int | None = None
    first_seen: str | None = None
    last_seen: str | None = None
    permalink: str | None = None
    is_unhandled: bool | None = None
    first_release: _Release | str | None = None
    stats: dict[str, list[tuple[float, float | None]]] | None = None


class _Project(Struct):
    id: str


class _Value(Struct):
    value: float | None = None
    incomplete: bool = False


class _Series(Struct):
    values: list[_Value]


class _TimeSeries(Struct, rename="camel"):
    time_series: list[_Series]


class _Group(Struct):
    by: dict[str, Any] = {}
    totals: dict[str, float | None] = {}
    series: dict[str, list[float | None]] = {}


class _Groups(Struct):
    groups: list[_Group]


class _Filter(Struct):
    actions: list[dict[str, Any]] = []


class _Workflow(Struct, rename="camel"):
    enabled: bool = True
    environment: str | None = None
    action_filters: list[_Filter] = []


class _Rule(Struct):
    status: str = "active"
    environment: str | None = None
    actions: list[dict[str, Any]] = []


def _decoded(body: bytes, kind: type[T], *, name: str) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        hint = "; the url in the plan may be the website's" if body.lstrip()[:1] == b"<" else ""
        raise SourceAnswered(f"{name} answered {form_of(body)} not what its API promises{hint}") from None


def issues(body: bytes, *, environment: str, name: str) -> list[ErrorIssue]:
    """Read a page of issues, of the environment that was asked for."""
    return [_shown(issue, environment) for issue in _decoded(body, list[_Issue], name=name)]


def hits(headers: Mapping[str, str]) -> int | None:
    """Read how many there are in all."""
    text = headers.get("x-hits", "")
    return int(text) if text.isdecimal() and len(text) < 12 else None


def project_id(body: bytes, *, name: str) -> str:
    """Read a project's number."""
    return _decoded(body, _Project, name=name).id


def timeseries(body: bytes, *, name: str) -> list[float]:
    """Read the counts of whole minutes, oldest first; the running one, and what is marked incomplete, is left out."""
    found = _decoded(body, _TimeSeries, name=name).time_series
    values = found[0].values if found else []
    return [value.value or 0.0 for value in values[:-1] if not value.incomplete]


def stats(body: bytes, *, name: str) -> list[float]:
    """Read the counts of whole minutes, oldest first; a hole in the series is nothing that was counted."""
    found = _decoded(body, _Groups, name=name).groups
    series = found[0].series.get("sum(quantity)", []) if found else []
    return [value or 0.0 for value in series][:-1]


def health(body: bytes, *, name: str) -> list[ReleaseHealth]:
    """Read the releases' health; rates come as shares of one, or null where nothing was counted."""
    return [
        ReleaseHealth(
            release=group.by["release"],
            sessions=int(group.totals.get("sum(session)") or 0),
            users=int(group.totals.get("count_unique(user)") or 0),
            crash_free_sessions=_percent(group.totals.get("crash_free_rate(session)")),
            crash_free_users=_percent(group.totals.get("crash_free_rate(user)")),
        )
        for group in _decoded(body, _Groups, name=name).groups
        if isinstance(group.by.get("release"), str)
    ]


def workflows(body: bytes, *, environment: str, name: str) -> int:
    """Count the alerts that are enabled, hold for the environment, and tell somebody."""
    return sum(
        workflow.enabled
        and workflow.environment in (None, environment)
        and any(
            action.get("status", "active") == "active" for part in workflow.action_filters for action in part.actions
        )
        for workflow in _decoded(body, list[_Workflow], name=name)
    )


def rules(body: bytes, *, environment: str, name: str) -> int:
    """Count the older form of alerts."""
    return sum(
        rule.status == "active" and rule.environment in (None, environment) and bool(rule.actions)
        for rule in _decoded(body, list[_Rule], name=name)
    )


def _shown(issue: _Issue, environment: str) -> ErrorIssue:
    release = issue.first_release
    return ErrorIssue(
        id=issue.id,
        short_id=scrub(issue.short_id) or issue.id,
        title=scrub(issue.title)[:TITLE_LIMIT] or "(no title)",
        culprit=scrub(issue.culprit)[:TITLE_LIMIT],
        level=issue.level or "error",
        substatus=issue.substatus or "ongoing",
        handled=None if issue.is_unhandled is None else not issue.is_unhandled,
        count=_whole(issue.count),
        users=issue.user_count,
        first_seen=moment(issue.first_seen),
        last_seen=moment(issue.last_seen),
        release=release.version if isinstance(release, _Release) else release or "",
        environment=environment,
        url=issue.permalink or "",
        per_hour=_hours(issue.stats),
    )


def _hours(stats: Mapping[str, list[tuple[float, float | None]]] | None) -> tuple[int | None, ...]:
    series: Sequence[tuple[float, float | None]] = next(iter(stats.values()), []) if stats else []
    return tuple(None if value is None else int(value) for _, value in series[-24:])


def _whole(value: str | int | None) -> int:
    text = str(value or 0)
    return int(text) if text.isdecimal() and len(text) < 16 else 0


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 3)
