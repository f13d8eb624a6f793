"""The demo's error tracker: Sentry's web API (version 0) over the demo's errors.

Shapes are Sentry's: counts are strings, lists are paged by `Link`, errors are `{"detail": …}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from loom_tui.demo.errors import FAULTS, HOUR_S, Fault, count_between, first_seen, last_seen
from loom_tui.demo.services import Answer, Request, Service

ORG = "loom"
PROJECT = "loom-web"
ENVIRONMENT = "production"


def sentry(*, token: str, born: float, outbreak: Callable[[float], Sequence[Fault]] = lambda _: ()) -> Service:
    """Make the error tracker of a world that began at `born`; `outbreak` gives what has broken in it by now."""

    def answer(request: Request, now: float) -> Answer:
        if request.bearer != token:
            return Answer(status=401, body={"detail": "Authentication credentials were not provided."})
        if request.path == f"/api/0/projects/{ORG}/{PROJECT}/":
            return Answer(body={"id": "2", "slug": PROJECT, "name": PROJECT}, headers=_limits(now))
        found = re.fullmatch(r"/api/0/organizations/([^/]+)/(.+)", request.path)
        if found is None or found[1] != ORG:
            return _not_found()
        rest = found[2]
        faults = (*FAULTS, *outbreak(now))
        if rest == "issues/":
            return _issues(request, now, faults, born=born)
        if rest == "stats_v2/":
            return _stats(request, now, faults, born=born)
        if rest == "events-timeseries/":
            return _timeseries(now, faults, born=born)
        if rest == "sessions/":
            return _sessions(request, now, born=born)
        if rest == "workflows/":
            return Answer(body=[_ALERT], headers=_limits(now))
        if latest := re.fullmatch(r"issues/(\d+)/events/latest/", rest):
            return _latest_event(latest[1], now, faults, born=born)
        return _not_found()

    return answer


def _not_found() -> Answer:
    return Answer(status=404, body={"detail": "The requested resource does not exist"})


def _bad_request(why: str) -> Answer:
    return Answer(status=400, body={"detail": why})


_SORTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "date": lambda issue: issue["lastSeen"],
    "new": lambda issue: issue["firstSeen"],
    "freq": lambda issue: int(issue["count"]),
    "user": lambda issue: issue["userCount"],
}


def _issues(request: Request, now: float, faults: Sequence[Fault], *, born: float) -> Answer:
    try:
        limit = min(100, max(1, int(request.query.get("limit", "100"))))
        _, offset, _ = map(int, request.query.get("cursor", "0:0:0").split(":"))
    except ValueError:
        return _bad_request("Invalid cursor or limit parameter.")
    sort = _SORTS.get(request.query.get("sort", "date"))
    if sort is None:
        return _bad_request("Invalid sort parameter.")
    words = dict(re.findall(r"(\w+):(\S+)", request.query.get("query", "is:unresolved")))
    rows = [
        _issue(fault, now, born=born, base=request.base)
        for fault in faults
        if last_seen(fault, now, born=born) is not None and _matches(fault, words)
    ]
    if request.query.get("environment", ENVIRONMENT) != ENVIRONMENT:
        rows = []
    rows.sort(key=sort, reverse=True)
    links = [
        _link(request, "previous", f"0:{max(0, offset - limit)}:1", more=offset > 0),
        _link(request, "next", f"0:{offset + limit}:0", more=offset + limit < len(rows)),
    ]
    return Answer(
        body=rows[offset : offset + limit], headers={"Link": ", ".join(links), **_limits(now), "X-Hits": str(len(rows))}
    )


def _matches(fault: Fault, words: Mapping[str, str]) -> bool:
    told = {"level": fault.level, "release": fault.release}
    if words.get("is", "unresolved") not in {"unresolved", fault.substatus}:
        return False
    return all(words[name] == value for name, value in told.items() if name in words)


def _link(request: Request, rel: str, cursor: str, *, more: bool) -> str:
    query = urlencode({**request.query, "cursor": cursor})
    results = "true" if more else "false"
    return f'<{request.base}{request.path}?{query}>; rel="{rel}"; results="{results}"; cursor="{cursor}"'


def _limits(now: float) -> dict[str, str]:
    return {
        "X-Sentry-Rate-Limit-Limit": "40",
        "X-Sentry-Rate-Limit-Remaining": "39",
        "X-Sentry-Rate-Limit-Reset": str(int(now) + 1),
        "X-Sentry-Rate-Limit-ConcurrentLimit": "25",
        "X-Sentry-Rate-Limit-ConcurrentRemaining": "24",
    }


def _issue(fault: Fault, now: float, *, born: float, base: str) -> dict[str, Any]:
    first = first_seen(fault, born)
    count = count_between(fault, first, now, born=born)
    this_hour = int(now // HOUR_S) * HOUR_S
    hours = [this_hour - back * HOUR_S for back in range(23, -1, -1)]
    stats = [[hour, count_between(fault, hour, min(hour + HOUR_S, now), born=born)] for hour in hours]
    kind, _, value = fault.title.partition(": ")
    return {
        "id": fault.id,
        "shortId": fault.short_id,
        "title": fault.title,
        "culprit": fault.culprit,
        "level": fault.level,
        "status": "unresolved",
        "substatus": fault.substatus,
        "count": str(count),
        "userCount": round(count / fault.events_per_user + 0.5),
        "firstSeen": _iso(first),
        "lastSeen": _iso(last_seen(fault, now, born=born) or first),
        "firstRelease": {"version": fault.release, "shortVersion": fault.release},
        "lastRelease": {"version": fault.release, "shortVersion": fault.release},
        "permalink": f"{base}/organizations/{ORG}/issues/{fault.id}/",
        "platform": "javascript",
        "priority": "high" if fault.substatus in {"new", "escalating"} else "medium",
        "project": {"id": "2", "name": PROJECT, "slug": PROJECT, "platform": "javascript-nextjs"},
        "type": "error",
        "issueType": "error",
        "issueCategory": "error",
        "isUnhandled": fault.level == "error",
        "metadata": {"type": kind, "value": value or fault.title},
        "logger": None,
        "assignedTo": None,
        "annotations": [],
        "numComments": 0,
        "isBookmarked": False,
        "isPublic": False,
        "isSubscribed": False,
        "hasSeen": True,
        "shareId": None,
        "statusDetails": {},
        "subscriptionDetails": None,
        "stats": {"24h": stats},
    }


_PERIOD_S = {"m": 60, "h": 3600, "d": 86400, "w": 604800}


def _seconds(text: str) -> int | None:
    found = re.fullmatch(r"(\d+)([mhdw])", text)
    return int(found[1]) * _PERIOD_S[found[2]] if found else None


def _stats(request: Request, now: float, faults: Sequence[Fault], *, born: float) -> Answer:
    for required in ("field", "groupBy"):
        if required not in request.query:
            return _bad_request(f'At least one "{required}" is required.')
    field = request.query["field"]
    if field not in {"sum(quantity)", "sum(times_seen)"}:
        return _bad_request(f'Invalid field: "{field}"')
    period_s, step_s = (_seconds(request.query.get(name, "1h")) for name in ("statsPeriod", "interval"))
    if not period_s or not step_s or period_s // step_s > 10_000:
        return _bad_request("Invalid statsPeriod or interval.")
    end = (int(now) // step_s + 1) * step_s
    starts = range(end - max(period_s, step_s), end, step_s)
    series = [
        sum(count_between(fault, start, min(start + step_s, now), born=born) for fault in faults) for start in starts
    ]
    told = {"outcome": "accepted", "category": "error", "project": 2, "reason": "none"}
    group = {
        "by": {request.query["groupBy"]: told.get(request.query["groupBy"], "")},
        "totals": {field: sum(series)},
        "series": {field: series},
    }
    body = {"start": _iso(starts[0]), "end": _iso(end), "intervals": [_iso(at) for at in starts], "groups": [group]}
    return Answer(body=body, headers=_limits(now))


def _timeseries(now: float, faults: Sequence[Fault], *, born: float) -> Answer:
    """Count the errors of each minute of the last hour; the running one is not whole."""
    end = (int(now) // 60 + 1) * 60
    values = [
        {
            "timestamp": start * 1000,
            "value": sum(count_between(fault, start, min(start + 60, now), born=born) for fault in faults),
            "incomplete": start + 60 > now,
        }
        for start in range(end - 3600, end, 60)
    ]
    series = {"yAxis": "count()", "values": values, "meta": {"interval": 60_000}}
    return Answer(body={"timeSeries": [series], "meta": {"dataset": "errors"}}, headers=_limits(now))


# Sessions an hour, hours of service before the world began, and the share of sessions and users without a crash.
_SERVED = {"v1.6.3": (620, 148.0, 0.9982, 0.9961), "v1.7.0": (540, 3.4, 0.9931, 0.9874)}

_ALERT = {
    "id": "1",
    "name": "Tell the team of new errors",
    "enabled": True,
    "environment": None,
    "actionFilters": [{"actions": [{"type": "email", "status": "active"}]}],
}


def _sessions(request: Request, now: float, *, born: float) -> Answer:
    """Tell the health of the releases that the query names."""
    groups = []
    for release in re.findall(r'"([^"]+)"', request.query.get("query", "")):
        if release not in _SERVED:
            continue
        per_hour, before_h, sessions_well, users_well = _SERVED[release]
        sessions = int(per_hour * (before_h + (now - born) / HOUR_S))
        totals = {
            "sum(session)": sessions,
            "count_unique(user)": sessions // 4,
            "crash_free_rate(session)": sessions_well,
            "crash_free_rate(user)": users_well,
        }
        groups.append({"by": {"release": release}, "totals": totals})
    return Answer(body={"groups": groups, "query": request.query.get("query", "")}, headers=_limits(now))


def _latest_event(issue_id: str, now: float, faults: Sequence[Fault], *, born: float) -> Answer:
    fault = next((fault for fault in faults if fault.id == issue_id), None)
    seen = last_seen(fault, now, born=born) if fault is not None else None
    if fault is None or seen is None:
        return _not_found()
    kind, _, value = fault.title.partition(": ")
    function, _, module = fault.culprit.rstrip(")").partition("(")
    frames = [
        {"filename": "node_modules/next/dist/client/index.js", "function": "render", "lineNo": 211, "inApp": False},
        {"filename": f"./src/{module or function}.tsx", "function": function, "lineNo": 47, "inApp": True},
    ]
    exception = {
        "type": kind,
        "value": value or fault.title,
        "mechanism": {"handled": fault.level != "error"},
        "stacktrace": {"frames": frames},
    }
    crumbs = [
        {"category": "navigation", "message": "/coach → /booking", "timestamp": _iso(seen - 14), "level": "info"},
        {
            "category": "xhr",
            "timestamp": _iso(seen - 2),
            "level": "error",
            "data": {"method": "GET", "url": "/api/session?access_token=4711", "status_code": 401},
        },
    ]
    asked = {
        "method": "GET",
        "url": "https://loom.example/booking",
        "query": [["week", "46"]],
        "headers": [["User-Agent", "Safari/19.1"], ["Cookie", "sid=4711"]],
    }
    tags = {"environment": ENVIRONMENT, "release": fault.release, "level": fault.level, "browser": "Safari 19.1"}
    return Answer(
        body={
            "id": f"{int(seen * 1000):032x}",
            "eventID": f"{int(seen * 1000):032x}",
            "groupID": fault.id,
            "title": fault.title,
            "message": "",
            "culprit": fault.culprit,
            "platform": "javascript",
            "type": "error",
            "metadata": {"type": kind, "value": value or fault.title},
            "dateCreated": _iso(seen),
            "dateReceived": _iso(seen),
            "tags": [{"key": key, "value": text} for key, text in tags.items()],
            "user": None,
            "errors": [],
            "entries": [
                {"type": "exception", "data": {"values": [exception]}},
                {"type": "breadcrumbs", "data": {"values": crumbs}},
                {"type": "request", "data": asked},
            ],
        },
        headers=_limits(now),
    )


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
