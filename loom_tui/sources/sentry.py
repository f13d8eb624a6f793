"""Sentry, or a server that speaks its web API (version 0): grouped errors, their rate, releases' health, alerts."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Mapping, Sequence
from math import ceil
from urllib.parse import quote

from loom_tui.plan.sources.sentry import SentrySource
from loom_tui.room.errors import ErrorEvent, ErrorIssue, Listing
from loom_tui.room.signals import Reading, State
from loom_tui.sources import sentry_shapes as shapes
from loom_tui.sources.base import Asker, Errand, SourceAnswered, SourceError, SourceRefused
from loom_tui.sources.errors import Tracker, health_readings, listing_readings, of_the_product, unknown
from loom_tui.sources.events import sentry_event
from loom_tui.sources.mask import Masked
from loom_tui.sources.web import Answer, Params, Web

PAGE_SIZE = 100
MAX_PAGES = 3  # 300 groups: more is a fire that no list puts out, and polling costs the budget
MIN_PERIOD_H, MAX_PERIOD_H = 24, 14 * 24  # how far back errors are looked for: to the deploy, within these
HEALTH_PERIOD = "14d"  # the last stable release served before this one
RATE_PERIOD = "1h"
LOW_BUDGET = 5  # remaining calls below which the next one waits for the limit's reset
NEEDS = "a token with event:read and project:read"

# How Sentry's search names what is counted exactly where the list is longer than what is read of it.
_EXACT = {"new": "is:new", "regressed": "is:regressed", "escalating": "is:escalating"}


def make(source: SentrySource, errand: Errand) -> Asker:
    """Make an asker with its token. Raises CredentialMissing and CredentialUnfit."""
    token = errand.token(source.token)
    return SentryAsker(source, token, errand)


class SentryAsker(Tracker):
    """Asks one project of an organization."""

    def __init__(self, source: SentrySource, token: Masked, errand: Errand) -> None:
        self._source = source
        self._token = token
        self._errand = errand
        self._name = source.label or "Sentry"
        self._rest_s = 0.0
        self._told_hour = False
        self._project = source.project if source.project.isdecimal() else ""
        self._refused: SourceRefused | None = None
        self._web = Web(
            self._name, timeout_s=source.timeout_s, needs=NEEDS, missing="the plan's url, org or project may be wrong"
        )

    async def ask(self) -> Sequence[Reading]:
        """Read the unresolved errors, and what else the server tells. Raises SourceError where it tells no errors.

        A part that it does not support, or refuses, is unknown and leaves the others alive; a token that was revoked
        in between is told as that.
        """
        self._rest_s, self._refused = 0.0, None
        await self._learn_project()
        listing = await self._listing()
        exact = {} if listing.complete else await self._exact()
        now = self._errand.clock()
        parts = await asyncio.gather(
            self._part((".errors_per_minute",), self._rates(now)),
            self._part((".health", ".crash_free_sessions", ".crash_free_users"), self._health(now)),
            self._part((".alerts",), self._alerts(now)),
        )
        if self._refused is not None:
            raise self._refused
        return [
            self._errand.reading("", at=now, detail=listing.extent),
            *listing_readings(listing, self._source, self._errand, exact=exact, at=now),
            *(reading for part in parts for reading in part),
        ]

    async def latest_event(self, issue_id: str) -> ErrorEvent:
        """Fetch an error's latest event, stripped of secrets. Raises SourceError."""
        answer = await self._get(f"issues/{quote(issue_id, safe='')}/events/latest/", {})
        return sentry_event(answer.body, name=self._name)

    async def holds(self, event_id: str) -> bool:
        """Say whether an event has arrived. Raises SourceError."""
        answer = await self._ask(f"{self._projects}/events/{event_id}/", {})
        if answer.status == 404:
            return False
        self._web.expect_ok(answer)
        return True

    def rest_s(self) -> float:
        """Give the rest that the rate limit asks for."""
        return max(self._rest_s, self._web.rest_s())

    async def close(self) -> None:
        """Close the connections."""
        await self._web.close()

    async def _part(self, suffixes: Sequence[str], work: Awaitable[list[Reading]]) -> list[Reading]:
        """Do a part of the asking; where it fails, its signals are unknown and say why."""
        try:
            return await work
        except SourceError as error:
            if isinstance(error, SourceRefused):
                self._refused = error
            return unknown(self._errand, suffixes, str(error), at=self._errand.clock())

    async def _learn_project(self) -> None:
        """Learn the project's number, once: not every server filters by a slug."""
        if self._project or not self._source.project:
            return
        try:
            answer = await self._supported(f"{self._projects}/", {})
            self._project = shapes.project_id(answer.body, name=self._name)
        except SourceAnswered:
            self._project = self._source.project

    async def _listing(self) -> Listing:
        """Read pages within the budget of calls and one deadline; what is left unread is said."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._source.timeout_s
        params: dict[str, str | int | Sequence[str]] = {**self._about(), **self._window("is:unresolved")}
        issues: list[ErrorIssue] = []
        total: int | None = None
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            answer = await self._get("issues/", params)
            issues += shapes.issues(answer.body, environment=self._errand.environment, name=self._name)
            total = shapes.hits(answer.headers)
            cursor = next_cursor(answer.headers.get("link", ""))
            if cursor is None or loop.time() > ends_at:
                break
            params["cursor"] = cursor
        return Listing(issues=of_the_product(issues), complete=cursor is None, total=total if cursor else None)

    async def _exact(self) -> Mapping[str, int | None]:
        """Count what the list is too long to be counted in, by asking for one row of each and how many there are."""
        found: dict[str, int | None] = {}
        for word, query in _EXACT.items():
            try:
                answer = await self._supported("issues/", {**self._about(), **self._window(query), "limit": 1})
                found[word] = shapes.hits(answer.headers)
            except SourceAnswered:
                found[word] = None
        return found

    def _about(self) -> dict[str, str | int | Sequence[str]]:
        """Name project and environment."""
        about: dict[str, str | int | Sequence[str]] = {}
        if self._project:
            about["project"] = self._project
        if self._errand.environment:
            about["environment"] = self._errand.environment
        return about

    def _window(self, query: str) -> dict[str, str | int | Sequence[str]]:
        """Look back to the deploy, and a day at least."""
        deployed_at = self._errand.changes().get("deploy", 0.0)
        hours = ceil((self._errand.clock() - deployed_at) / 3600) + 1 if deployed_at else MIN_PERIOD_H
        period_h = min(MAX_PERIOD_H, max(MIN_PERIOD_H, hours))
        return {"query": query, "statsPeriod": f"{period_h}h", "groupStatsPeriod": "24h", "sort": "date",
                "limit": PAGE_SIZE}  # fmt: skip

    async def _rates(self, now: float) -> list[Reading]:
        """Read the last whole minute as of now; the first time, the hour before it too, each minute at its time."""
        minutes, note = await self._minutes()
        last = minutes[-1] if minutes else 0.0
        earlier = list(enumerate(reversed(minutes[:-1]), 1)) if not self._told_hour else []
        self._told_hour = True
        past = [
            self._errand.reading(".errors_per_minute", at=now - 60 * ago, value=value)
            for ago, value in reversed(earlier)
        ]
        return [*past, self._errand.reading(".errors_per_minute", at=now, value=last, detail=note)]

    async def _minutes(self) -> tuple[list[float], str]:
        """Count the errors of each whole minute of the last hour; older servers count all environments in one."""
        series: Params = {"dataset": "errors", "yAxis": "count()", "interval": 60, "statsPeriod": RATE_PERIOD}
        try:
            answer = await self._supported("events-timeseries/", {**self._about(), **series})
            return shapes.timeseries(answer.body, name=self._name), ""
        except SourceAnswered:
            params: dict[str, str | int | Sequence[str]] = {
                "field": "sum(quantity)",
                "groupBy": "category",
                "category": "error",
                "interval": "1m",
                "statsPeriod": RATE_PERIOD,
            }
            if self._project:
                params["project"] = self._project
            answer = await self._supported("stats_v2/", params)
            note = "all environments together" if self._errand.environment else ""
            return shapes.stats(answer.body, name=self._name), note

    async def _health(self, now: float) -> list[Reading]:
        """Read the health of this release and of the last stable one."""
        releases = [release for release in (self._errand.release, self._errand.last_stable) if release]
        if not releases:
            raise SourceAnswered("the plan names no release whose sessions could be counted")
        words = ",".join(f'"{release}"' for release in releases)
        params: Params = {
            **self._about(),
            "field": ["sum(session)", "count_unique(user)", "crash_free_rate(session)", "crash_free_rate(user)"],
            "groupBy": "release",
            "query": f"release:[{words}]",
            "statsPeriod": HEALTH_PERIOD,
            "interval": "1d",
            "includeSeries": 0,
        }
        answer = await self._supported("sessions/", params, needs="org:read")
        return health_readings(shapes.health(answer.body, name=self._name), self._errand, at=now)

    async def _alerts(self, now: float) -> list[Reading]:
        """Say whether an enabled rule tells anybody; older servers keep them under the project."""
        params: Params = {"project": self._project} if self._project else {}
        try:
            answer = await self._supported("workflows/", params, needs="alerts:read")
            told = shapes.workflows(answer.body, environment=self._errand.environment, name=self._name)
        except SourceAnswered:
            answer = await self._supported(f"{self._projects}/rules/", {}, needs="alerts:read")
            told = shapes.rules(answer.body, environment=self._errand.environment, name=self._name)
        state = State.OK if told else State.BAD
        detail = f"{told} enabled" if told else "no enabled alert rule tells anybody of an error"
        return [self._errand.reading(".alerts", at=now, state=state, detail=detail)]

    @property
    def _projects(self) -> str:
        return f"/projects/{quote(self._source.org, safe='')}/{quote(self._source.project, safe='')}"

    async def _get(self, path: str, params: Params) -> Answer:
        answer = await self._ask(path, params)
        self._web.expect_ok(answer)
        self._heed(answer.headers)
        return answer

    async def _supported(self, path: str, params: Params, *, needs: str = NEEDS) -> Answer:
        """Get what a server may not support or keep from the token: that is its answer, and the rest goes on."""
        answer = await self._ask(path, params)
        if answer.status == 403:
            raise SourceAnswered(f"{self._name} keeps this from the token (403): it needs {needs}")
        if answer.status == 404:
            raise SourceAnswered(f"{self._name} does not support this (404)")
        self._web.expect_ok(answer)
        self._heed(answer.headers)
        return answer

    async def _ask(self, path: str, params: Params) -> Answer:
        """Ask a path of the organization, or one that begins with / of the whole API."""
        place = path if path.startswith("/") else f"/organizations/{quote(self._source.org, safe='')}/{path}"
        headers = {"authorization": f"Bearer {self._token.reveal()}"} if self._token else {}
        return await self._web.get(f"{self._source.url.rstrip('/')}/api/0{place}", params=params, headers=headers)

    def _heed(self, headers: Mapping[str, str]) -> None:
        """Rest until the limit is reset when few calls remain."""
        remaining, reset = (
            headers.get("x-sentry-rate-limit-remaining", ""),
            headers.get("x-sentry-rate-limit-reset", ""),
        )
        if remaining.isdigit() and reset.isdigit() and int(remaining) < LOW_BUDGET:
            self._rest_s = max(self._rest_s, min(3600.0, float(reset) - self._errand.clock()))


def next_cursor(link: str) -> str | None:
    """Read a Link header: the next page's cursor where `results` says that there is one. Mangled ones are tolerated."""
    for part in re.split(r",\s*(?=[\"'{]*\s*<)", link):
        words: dict[str, str] = dict(re.findall(r"(\w+)=\"?([^\";,'}]*)\"?", part.partition(">")[2]))
        if words.get("rel") == "next" and words.get("results") == "true" and words.get("cursor"):
            return words["cursor"]
    return None
