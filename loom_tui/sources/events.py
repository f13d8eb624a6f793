"""One event of an error tracker, decoded at the edge: Sentry's API has one spelling, the SDK's own event another.

Both are taken as they come: whatever is missing or of another form is left out, and the rest is shown. Every text
passes `scrub`; local variables, cookies and bodies are never taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from loom_tui.room.errors import Crumb, ErrorEvent, Frame, Requested, Thrown
from loom_tui.sources.base import SourceAnswered
from loom_tui.sources.scrub import kept_headers, scrub, scrub_pair, scrub_url
from loom_tui.sources.times import moment

MAX_FRAMES = 100
MAX_CRUMBS = 50
MAX_TAGS = 60


def sentry_event(body: bytes, *, name: str) -> ErrorEvent:
    """Decode an event of Sentry's API. Raises SourceAnswered where it is none."""
    event = decode_object(body, name=name)
    entries = {
        entry["type"]: entry.get("data") for entry in rows(event.get("entries")) if isinstance(entry.get("type"), str)
    }
    tags = dict(pair for tag in rows(event.get("tags")) for pair in [(tag.get("key"), tag.get("value"))])
    message = inner(entries.get("message")).get("formatted") or event.get("message")
    return _event(
        event,
        id=scrub(event.get("eventID") or event.get("id")),
        at=moment(event.get("dateCreated")),
        title=scrub(event.get("title")),
        message=scrub(message),
        exception=entries.get("exception"),
        breadcrumbs=entries.get("breadcrumbs"),
        request=entries.get("request"),
        tags=tags,
    )


def sdk_event(event: Mapping[str, Any], *, title: str) -> ErrorEvent:
    """Decode an event as an SDK sent it."""
    tags = event.get("tags")
    pairs = tags if isinstance(tags, dict) else dict(pair for pair in tags or () if len(pair) == 2)
    told = {key: event[key] for key in ("environment", "release", "level") if isinstance(event.get(key), str)}
    entry = event.get("logentry")
    message = inner(entry).get("formatted") or inner(entry).get("message") or event.get("message")
    return _event(
        event,
        id=scrub(event.get("event_id")),
        at=moment(event.get("timestamp")),
        title=title,
        message=scrub(message),
        exception=event.get("exception"),
        breadcrumbs=event.get("breadcrumbs"),
        request=event.get("request"),
        tags={**told, **pairs},
    )


def _event(
    event: Mapping[str, Any],
    *,
    id: str,  # noqa: A002 - the event's word
    at: float | None,
    title: str,
    message: str,
    exception: Any,
    breadcrumbs: Any,
    request: Any,
    tags: Mapping[Any, Any],
) -> ErrorEvent:
    release = inner(event.get("release")).get("version") or tags.get("release")
    return ErrorEvent(
        id=id,
        title=title,
        at=at,
        message=message if message != title else "",
        level=scrub(tags.get("level") or event.get("level")),
        release=scrub(release),
        environment=scrub(tags.get("environment")),
        thrown=tuple(_thrown(value) for value in reversed(_values(exception))),
        crumbs=tuple(_crumb(crumb) for crumb in _values(breadcrumbs)[-MAX_CRUMBS:]),
        tags=tuple(scrub_pair(key, value) for key, value in list(tags.items())[:MAX_TAGS] if isinstance(key, str)),
        request=_request(request) if isinstance(request, dict) else None,
    )


def _values(data: Any) -> list[dict[str, Any]]:
    """Read Sentry's `{"values": […]}`, or the list itself as older SDKs sent it."""
    return rows(data.get("values") if isinstance(data, dict) else data)


def _thrown(value: Mapping[str, Any]) -> Thrown:
    handled = inner(value.get("mechanism")).get("handled")
    frames = [_frame(frame) for frame in reversed(rows(inner(value.get("stacktrace")).get("frames")))]
    return Thrown(
        type=scrub(value.get("type")) or "(no type)",
        value=scrub(value.get("value")),
        handled=handled if isinstance(handled, bool) else None,
        frames=tuple(frames[:MAX_FRAMES]),
    )


def _frame(frame: Mapping[str, Any]) -> Frame:
    line = frame.get("lineNo", frame.get("lineno"))
    source = frame.get("context_line")
    for row in frame.get("context") or () if isinstance(frame.get("context"), list) else ():
        if isinstance(row, list) and len(row) == 2 and row[0] == line:
            source = row[1]
    return Frame(
        function=scrub(frame.get("function")) or "(anonymous)",
        file=scrub(frame.get("filename") or frame.get("absPath") or frame.get("abs_path") or frame.get("module")),
        line=line if isinstance(line, int) else None,
        in_app=frame.get("inApp", frame.get("in_app")) is True,
        source=scrub(source).strip(),
    )


def _crumb(crumb: Mapping[str, Any]) -> Crumb:
    data = inner(crumb.get("data"))
    message = scrub(crumb.get("message"))
    if isinstance(data.get("url"), str):
        words = (scrub(data.get("method")), scrub_url(data["url"]), str(data.get("status_code") or ""))
        message = " ".join(word for word in (*words, message) if word)
    return Crumb(
        at=moment(crumb.get("timestamp")),
        category=scrub(crumb.get("category") or crumb.get("type")),
        level=scrub(crumb.get("level")),
        message=message,
    )


def _request(data: Mapping[str, Any]) -> Requested:
    return Requested(
        method=scrub(data.get("method")),
        url=scrub_url(data.get("url"), data.get("query") or data.get("query_string")),
        headers=kept_headers(data.get("headers")),
    )


def decode_object(body: bytes, *, name: str) -> dict[str, Any]:
    """Read a JSON object. Raises SourceAnswered where the answer is none."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise SourceAnswered(f"{name} answered {form_of(body)} where an object was promised")
    return found


def form_of(body: bytes) -> str:
    """Say what an answer is that cannot be read."""
    return "a page of HTML" if body.lstrip()[:1] == b"<" else "JSON of another form, or none,"


def rows(value: Any) -> list[dict[str, Any]]:
    """Give the objects of a list; whatever else is in it, or stands in its place, is left out."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def inner(value: Any) -> dict[str, Any]:
    """Give an object; an empty one in the place of anything else."""
    return value if isinstance(value, dict) else {}
