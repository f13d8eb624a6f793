"""Sentry, or a server that speaks its web API (version 0): the grouped errors and their rate."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from loom_tui.plan.sources.sentry import SentrySource
from loom_tui.room.signals import ErrorIssue, Reading, State
from loom_tui.sources.base import Asker, Errand, SourceAnswered, SourceError
from loom_tui.sources.secrets import Masked, resolve
from loom_tui.sources.web import Answer, Web

PAGE_SIZE = 100
MAX_PAGES = 3  # 300 groups: more is a fire that no list puts out, and polling costs the budget
PERIOD = "24h"
RATE_PERIOD = "1h"
LOW_BUDGET = 5  # remaining calls below which the next one waits for the limit's reset


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


def make(source: SentrySource, errand: Errand) -> SentryAsker:
    """Make an asker with its token. Raises CredentialMissing."""
    token = resolve(source.token, errand.environ) if source.token is not None else Masked("")
    return SentryAsker(source, token, errand)


class SentryAsker(Asker):
    """Asks one project of an organization."""

    def __init__(self, source: SentrySource, token: Masked, errand: Errand) -> None:
        self._source = source
        self._token = token
        self._errand = errand
        self._rest_s = 0.0
        self._told_hour = False
        self._web = Web(
            source.label or "Sentry", timeout_s=source.timeout_s, needs="a token with event:read and project:read"
        )

    async def ask(self) -> Sequence[Reading]:
        """Read the unresolved errors and the rate. Raises SourceError; an unsupported rate leaves the rest alive."""
        self._rest_s = 0.0
        issues = await self._issues()
        now = self._errand.clock()
        readings = [
            self._errand.reading("", at=now),
            self._errand.reading(
                ".issues", at=now, value=float(len(issues)), body=msgspec.json.encode([_shown(i) for i in issues])
            ),
            self._errand.reading(".new", at=now, value=_count(issues, "new")),
            self._errand.reading(".regressed", at=now, value=_count(issues, "regressed")),
            self._errand.reading(".critical", at=now, value=float(sum(map(_is_critical, issues)))),
        ]
        try:
            minutes = await self._minutes()
        except SourceError as error:
            return [
                *readings,
                self._errand.reading(".errors_per_minute", at=now, state=State.UNKNOWN, detail=str(error)),
            ]
        return [*readings, *self._rates(minutes, now)]

    def _rates(self, minutes: Sequence[float], now: float) -> list[Reading]:
        """Read the last whole minute as of now; the first time, the hour before it too, each minute at its time."""
        last = minutes[-1] if minutes else 0.0
        earlier = list(enumerate(reversed(minutes[:-1]), 1)) if not self._told_hour else []
        self._told_hour = True
        past = [
            self._errand.reading(".errors_per_minute", at=now - 60 * ago, value=value)
            for ago, value in reversed(earlier)
        ]
        return [*past, self._errand.reading(".errors_per_minute", at=now, value=last)]

    def rest_s(self) -> float:
        """Give the rest that the rate limit asks for."""
        return self._rest_s

    async def close(self) -> None:
        """Close the connections."""
        await self._web.close()

    async def _issues(self) -> list[_Issue]:
        params: dict[str, str | int] = {
            "query": "is:unresolved",
            "statsPeriod": PERIOD,
            "sort": "date",
            "limit": PAGE_SIZE,
        }
        if self._source.project:
            params["project"] = self._source.project
        if self._source.environment:
            params["environment"] = self._source.environment
        issues: list[_Issue] = []
        for _ in range(MAX_PAGES):
            answer = await self._get("issues/", params)
            issues += self._decoded(answer)
            cursor = next_cursor(answer.headers.get("link", ""))
            if cursor is None:
                break
            params["cursor"] = cursor
        return issues

    async def _minutes(self) -> list[float]:
        """Read the errors of each whole minute of the last hour; a hole in the series is nothing that was counted."""
        params: dict[str, str | int] = {
            "field": "sum(quantity)",
            "groupBy": "category",
            "category": "error",
            "interval": "1m",
            "statsPeriod": RATE_PERIOD,
        }
        if self._source.project:
            params["project"] = self._source.project
        answer = await self._get("stats_v2/", params)
        try:
            body = msgspec.json.decode(answer.body)
            series = body["groups"][0]["series"]["sum(quantity)"] if body["groups"] else []
            return [float(value or 0) for value in series][:-1]
        except (msgspec.DecodeError, KeyError, IndexError, TypeError, ValueError):
            raise SourceAnswered("Sentry's statistics are not in the form that its API promises") from None

    async def _get(self, path: str, params: Mapping[str, str | int]) -> Answer:
        base = self._source.url.rstrip("/")
        url = f"{base}/api/0/organizations/{self._source.org}/{path}"
        headers = {"authorization": f"Bearer {self._token.reveal()}"} if self._token else {}
        answer = await self._web.get(url, params=params, headers=headers)
        self._web.expect_ok(answer)
        self._heed(answer.headers)
        return answer

    def _heed(self, headers: Mapping[str, str]) -> None:
        """Rest until the limit is reset when few calls remain."""
        remaining, reset = (
            headers.get("x-sentry-rate-limit-remaining", ""),
            headers.get("x-sentry-rate-limit-reset", ""),
        )
        if remaining.isdigit() and reset.isdigit() and int(remaining) < LOW_BUDGET:
            self._rest_s = min(3600.0, max(0.0, float(reset) - self._errand.clock()))

    def _decoded(self, answer: Answer) -> list[_Issue]:
        try:
            return msgspec.json.decode(answer.body, type=list[_Issue])
        except (msgspec.DecodeError, UnicodeDecodeError):
            html = answer.body.lstrip()[:1] == b"<"
            what = "a page of HTML; the url in the plan may be the website's" if html else "issues in another form"
            raise SourceAnswered(f"{self._source.label or 'Sentry'} answered {what}") from None


def next_cursor(link: str) -> str | None:
    """Read a Link header: the next page's cursor where `results` says that there is one. Mangled ones are tolerated."""
    for part in re.split(r",\s*(?=[\"'{]*\s*<)", link):
        words: dict[str, str] = dict(re.findall(r"(\w+)=\"?([^\";,'}]*)\"?", part.partition(">")[2]))
        if words.get("rel") == "next" and words.get("results") == "true" and words.get("cursor"):
            return words["cursor"]
    return None


def _shown(issue: _Issue) -> ErrorIssue:
    release = issue.first_release
    return ErrorIssue(
        id=issue.id,
        short_id=issue.short_id or issue.id,
        title=issue.title or "(no title)",
        culprit=issue.culprit or "",
        level=issue.level or "error",
        substatus=issue.substatus or "ongoing",
        count=_whole(issue.count),
        users=issue.user_count,
        first_seen=_moment(issue.first_seen),
        last_seen=_moment(issue.last_seen),
        release=release.version if isinstance(release, _Release) else release or "",
        url=issue.permalink or "",
        per_hour=_series(issue.stats),
    )


def _series(stats: Mapping[str, list[tuple[float, float | None]]] | None) -> tuple[int | None, ...]:
    series: Sequence[tuple[float, float | None]] = next(iter(stats.values()), []) if stats else []
    return tuple(None if value is None else int(value) for _, value in series[-24:])


def _whole(value: Any) -> int:
    text = str(value or 0)
    return int(text) if text.isdigit() else 0


def _moment(text: str | None) -> float | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def _count(issues: Sequence[_Issue], substatus: str) -> float:
    return float(sum(issue.substatus == substatus for issue in issues))


def _is_critical(issue: _Issue) -> bool:
    """Say whether an error is critical: fatal, or an error that nothing handled."""
    return issue.level == "fatal" or (issue.level == "error" and issue.is_unhandled is True)
