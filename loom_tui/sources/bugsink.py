"""Bugsink, by its own API (`/api/canonical/0/`, versions 2.6 and later): grouped errors, their rate, alerts.

It counts no sessions and no users, and an issue's level is told by its events alone: those are looked at within a
budget of calls, the newest first, and an error whose level was not read yet counts as unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from loom_tui.plan.sources.bugsink import BugsinkSource
from loom_tui.room.errors import ErrorEvent, ErrorIssue, Listing
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import Asker, Errand, SourceAnswered, SourceError, SourceRefused
from loom_tui.sources.errors import Tracker, listing_readings, of_the_product, unknown
from loom_tui.sources.events import decode_object, form_of, inner, rows, sdk_event
from loom_tui.sources.mask import Masked
from loom_tui.sources.scrub import scrub
from loom_tui.sources.times import moment
from loom_tui.sources.web import Answer, Params, Web

T = TypeVar("T")
MAX_PAGES = 2  # of 250 issues
MAX_LOOKS = 10  # errors whose newest event is read in one asking, three calls each
NEW_FOR_S = 24 * 3600.0  # without a deploy to count from
LOG_MESSAGE = "Log Message"  # Bugsink's type of an event without an exception
NO_SESSIONS = "Bugsink counts no sessions"


class _Issue(Struct):
    """An issue as Bugsink lists it."""

    id: str
    first_seen: str
    last_seen: str
    digested_event_count: int
    friendly_id: str = ""
    calculated_type: str = ""
    calculated_value: str = ""
    transaction: str = ""
    is_resolved: bool = False
    is_muted: bool = False
    fixed_at: list[str] = []
    events_at: list[str] = []


class _Page(Struct):
    results: list[_Issue]
    next: str | None = None


class _Project(Struct):
    digested_event_count: int
    alert_on_new_issue: bool = False
    alert_on_regression: bool = False


class _Look(Struct, frozen=True):
    """What an issue's newest event tells of it, when it had so many events."""

    count: int
    level: str
    handled: bool | None
    per_hour: tuple[int | None, ...]


def make(source: BugsinkSource, errand: Errand) -> Asker:
    """Make an asker with its token. Raises CredentialMissing and CredentialUnfit."""
    token = errand.token(source.token)
    return BugsinkAsker(source, token, errand)


class BugsinkAsker(Tracker):
    """Asks one project."""

    def __init__(self, source: BugsinkSource, token: Masked, errand: Errand) -> None:
        self._source = source
        self._token = token
        self._errand = errand
        self._name = source.label or "Bugsink"
        self._looks: dict[str, _Look] = {}
        self._counted: tuple[float, int] | None = None
        self._web = Web(
            self._name,
            timeout_s=source.timeout_s,
            needs="a token with read access to the project",
            missing="the plan's url or project may be wrong",
        )

    async def ask(self) -> Sequence[Reading]:
        """Read the open errors, the rate since the last asking, and whether anybody is told. Raises SourceError."""
        project = self._decoded(await self._get(f"projects/{self._source.project}/"), _Project)
        listing = await self._listing()
        now = self._errand.clock()
        return [
            self._errand.reading("", at=now, detail=listing.extent),
            *listing_readings(listing, self._source, self._errand, exact={}, at=now),
            self._rate(project.digested_event_count, now),
            *unknown(self._errand, (".health", ".crash_free_sessions", ".crash_free_users"), NO_SESSIONS, at=now),
            self._alerts(project, now),
        ]

    async def latest_event(self, issue_id: str) -> ErrorEvent:
        """Fetch an error's latest event, stripped of secrets. Raises SourceError."""
        issue = self._decoded(await self._get(f"issues/{quote(issue_id, safe='')}/"), _Issue)
        return sdk_event(await self._newest(issue.id), title=_title(issue))

    async def holds(self, event_id: str) -> bool:
        """Say whether an event has arrived. Raises SourceError."""
        answer = await self._ask("events/lookup/", {"project": self._source.project, "event_id": event_id})
        if answer.status == 404:
            return False
        self._web.expect_ok(answer)
        return True

    def rest_s(self) -> float:
        """Give the rest that it asked for."""
        return self._web.rest_s()

    async def close(self) -> None:
        """Close the connections."""
        await self._web.close()

    async def _listing(self) -> Listing:
        params: dict[str, str | int | Sequence[str]] = {
            "project": self._source.project,
            "state": "open",
            "sort": "last_seen",
            "order": "desc",
        }
        if self._errand.environment:
            params["q"] = f'environment:"{self._errand.environment}"'
        found: list[_Issue] = []
        cursor = ""
        for _ in range(MAX_PAGES):
            page = self._decoded(await self._get("issues/", params), _Page)
            found += [issue for issue in page.results if not issue.is_resolved and not issue.is_muted]
            cursor = _cursor(page.next)
            if not cursor:
                break
            params["cursor"] = cursor
        await self._look(found)
        return Listing(issues=of_the_product([self._shown(issue) for issue in found]), complete=not cursor)

    async def _look(self, issues: Sequence[_Issue]) -> None:
        """Look at the newest events of errors that were never looked at, or have new events; failures wait."""
        self._looks = {issue.id: self._looks[issue.id] for issue in issues if issue.id in self._looks}
        unseen = [issue for issue in issues if issue.id not in self._looks]
        moved = [
            issue for issue in issues
            if issue.id in self._looks and self._looks[issue.id].count != issue.digested_event_count
        ]  # fmt: skip
        chosen = [*unseen, *moved][:MAX_LOOKS]
        looks = await asyncio.gather(*(self._look_at(issue) for issue in chosen), return_exceptions=True)
        for issue, look in zip(chosen, looks, strict=True):
            if isinstance(look, _Look):
                self._looks[issue.id] = look
            elif isinstance(look, SourceRefused) or not isinstance(look, SourceError):
                raise look

    async def _look_at(self, issue: _Issue) -> _Look:
        event = await self._newest(issue.id)
        hours = decode_object((await self._get(f"issues/{issue.id}/event-counts/")).body, name=self._name)
        counts = [row.get("count") for row in rows(hours.get("buckets"))]
        values = rows(inner(event.get("exception")).get("values"))
        handled = inner(values[-1].get("mechanism")).get("handled") if values else None
        return _Look(
            count=issue.digested_event_count,
            level=scrub(event.get("level")) or "error",
            handled=handled if isinstance(handled, bool) else None,
            per_hour=tuple(count if isinstance(count, int) else None for count in counts[-24:]),
        )

    async def _newest(self, issue_id: str) -> dict[str, Any]:
        """Fetch the newest event of an error as its SDK sent it."""
        listed = decode_object((await self._get("events/", {"issue": issue_id, "order": "desc"})).body, name=self._name)
        newest = next((row["id"] for row in rows(listed.get("results")) if isinstance(row.get("id"), str)), None)
        if newest is None:
            raise SourceAnswered(f"{self._name} keeps no event of this error any more")
        answer = await self._get(f"events/{quote(newest, safe='')}/")
        return inner(decode_object(answer.body, name=self._name).get("data"))

    def _shown(self, issue: _Issue) -> ErrorIssue:
        look = self._looks.get(issue.id)
        first_seen = moment(issue.first_seen)
        shown = ErrorIssue(
            id=issue.id,
            short_id=scrub(issue.friendly_id) or issue.id[:8],
            title=_title(issue),
            culprit=scrub(issue.transaction),
            level="",
            substatus=self._substatus(issue, first_seen),
            count=issue.digested_event_count,
            first_seen=first_seen,
            last_seen=moment(issue.last_seen),
            release=next((release for release in issue.events_at if release), ""),
            environment=self._errand.environment,
            url=f"{self._source.url.rstrip('/')}/issues/issue/{quote(issue.id, safe='')}/event/last/",
        )
        if look is None:
            return shown
        return replace(shown, level=look.level, handled=look.handled, per_hour=look.per_hour)

    def _substatus(self, issue: _Issue, first_seen: float | None) -> str:
        """Read what Bugsink has no word for: open although it was fixed once, or not seen before the deploy."""
        if issue.fixed_at:
            return "regressed"
        since = self._errand.changes().get("deploy", self._errand.clock() - NEW_FOR_S)
        return "new" if first_seen is not None and first_seen >= since else "ongoing"

    def _rate(self, counted: int, now: float) -> Reading:
        """Make a rate of two counts; one that went backwards was reset, and begins anew."""
        before, self._counted = self._counted, (now, counted)
        if before is None or now <= before[0] or counted < before[1]:
            why = "the first count; a rate needs two"
            return unknown(self._errand, (".errors_per_minute",), why, at=now)[0]
        rate = (counted - before[1]) * 60 / (now - before[0])
        return self._errand.reading(".errors_per_minute", at=now, value=rate, detail="all environments together")

    def _alerts(self, project: _Project, now: float) -> Reading:
        pairs = ((project.alert_on_new_issue, "new errors"), (project.alert_on_regression, "regressions"))
        told = [what for enabled, what in pairs if enabled]
        detail = f"mail on {' and '.join(told)}" if told else "the project tells nobody of an error"
        return self._errand.reading(".alerts", at=now, state=State.OK if told else State.BAD, detail=detail)

    async def _get(self, path: str, params: Params | None = None) -> Answer:
        answer = await self._ask(path, params or {})
        self._web.expect_ok(answer)
        return answer

    async def _ask(self, path: str, params: Params) -> Answer:
        headers = {"authorization": f"Bearer {self._token.reveal()}"} if self._token else {}
        url = f"{self._source.url.rstrip('/')}/api/canonical/0/{path}"
        return await self._web.get(url, params=params, headers=headers)

    def _decoded(self, answer: Answer, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise SourceAnswered(f"{self._name} answered {form_of(answer.body)} not what its API promises") from None


def _title(issue: _Issue) -> str:
    """Write a title as Bugsink does: type and first line."""
    value = issue.calculated_value.strip().partition("\n")[0]
    if issue.calculated_type == LOG_MESSAGE:
        return scrub(value) or "(no title)"
    return scrub(": ".join(word for word in (issue.calculated_type, value) if word)) or "(no title)"


def _cursor(link: str | None) -> str:
    """Read the cursor of the next page's link; the link itself is never followed, for it gets the token."""
    if not link:
        return ""
    try:
        return next(iter(parse_qs(urlsplit(link).query).get("cursor", [])), "")
    except ValueError:
        return ""
