"""An HTTP service: its status, its latency, the checks and the version in its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from loom_tui.plan.sources.http import HttpSource
from loom_tui.room.checks import CheckResult, Step, encode_result
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import Asker, Errand
from loom_tui.sources.mask import LOOKED_THROUGH, Masked
from loom_tui.sources.redirects import is_own, leads_to
from loom_tui.sources.web import Answer, Web

SHOWN_CHARACTERS = 500  # of an answer that was not hoped for; cut last: half a secret would not be known for one
_WELL = frozenset({"ok", "healthy", "pass", "passing", "up", "true", "green", "operational", "connected", "available"})
_ILL = frozenset({"error", "fail", "failed", "failing", "down", "unhealthy", "false", "red", "critical", "unavailable"})


def make(source: HttpSource, errand: Errand) -> HttpAsker:
    """Make an asker with its headers' credentials. Raises CredentialMissing and CredentialUnfit."""
    return HttpAsker(source, {key: errand.token(secret) for key, secret in source.headers.items()}, errand)


class HttpAsker(Asker):
    """Asks one URL."""

    def __init__(self, source: HttpSource, headers: Mapping[str, Masked], errand: Errand) -> None:
        self._source = source
        self._headers = headers
        self._errand = errand
        self._web = Web(source.label or errand.name, timeout_s=source.timeout_s)

    async def ask(self) -> Sequence[Reading]:
        """Ask once. A status other than the expected one is a bad reading, not an error: the service has spoken.

        Where a redirect ends at a place that the plan does not expect, nothing of the answer is believed: a login page
        is 200. The check is unknown there, or bad where a wrong status came from the url's own origin.

        Raises SourceError; SourceLimited while it wants to be left alone.
        """
        source, reading = self._source, self._errand.reading
        headers = {key: secret.reveal() for key, secret in self._headers.items()}
        answer = await self._web.get(source.url, headers=headers)
        now = self._errand.clock()
        strange = self._strange(answer)
        state, detail = self._judged(answer, strange)
        told = b"" if state is State.OK else self._told(answer, state, detail)
        latency = reading(".latency_ms", at=now, value=answer.latency_ms)
        if strange:
            latency = reading(".latency_ms", at=now, state=State.UNKNOWN, detail=strange)
        readings = [reading("", at=now, state=state, detail=detail, body=told), latency]
        if source.fields or source.version_field:
            readings += self._fields(self._errand.mask.hide_json(answer.body), now, strange)
        return readings

    def _judged(self, answer: Answer, strange: str) -> tuple[State, str]:
        """Judge the service by its status; of another origin's no status speaks of it, of its own a wrong one does."""
        wanted = self._source.expect_status
        if answer.status == wanted:
            return (State.UNKNOWN, strange) if strange else (State.OK, "")
        if not strange:
            return State.BAD, f"answered {answer.status}, expected {wanted}"
        if is_own(answer.url, self._source.url):
            return State.BAD, f"answered {answer.status} at {answer.url[:SHOWN_CHARACTERS]}, expected {wanted}"
        return State.UNKNOWN, strange

    def _strange(self, answer: Answer) -> str:
        """Say where a redirect led, if the plan names no such place; else nothing."""
        if not answer.url or leads_to(answer.url, self._source.url, self._source.redirects_to):
            return ""
        return f"redirected to {answer.url[:SHOWN_CHARACTERS]}, which the plan does not expect (redirects_to)"

    def rest_s(self) -> float:
        """Give the rest that it asked for."""
        return self._web.rest_s()

    async def close(self) -> None:
        """Close the connections."""
        await self._web.close()

    def _told(self, answer: Answer, state: State, detail: str) -> bytes:
        """Keep what was sent and got, for whoever has to find out why."""
        got = self._errand.mask.hide(answer.body[:LOOKED_THROUGH].decode("utf-8", "replace"))[:SHOWN_CHARACTERS]
        step = Step(
            name="request",
            state=state,
            detail=detail,
            sent=f"GET {self._source.url}",
            got=f"{answer.status}\n{got}",
            duration_ms=answer.latency_ms,
        )
        return encode_result(CheckResult(steps=(step,), duration_ms=answer.latency_ms))

    def _fields(self, body: bytes, now: float, strange: str) -> list[Reading]:
        """Read the answer's fields. A strange one, or one that is no JSON, makes them unknown, each with the reason."""
        why = strange
        try:
            answer = msgspec.json.decode(body) if not strange else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            answer = None
            why = "the answer is HTML, not JSON" if body.lstrip()[:1] == b"<" else "the answer is no JSON"
        readings = []
        for name, path in self._source.fields.items():
            state, detail = judge(find(answer, path)) if not why else (State.UNKNOWN, why)
            readings.append(self._errand.reading(f".{name}", at=now, state=state, detail=detail))
        if self._source.version_field:
            version = find(answer, self._source.version_field)
            known = isinstance(version, str | int | float)
            state = State.OK if known else State.UNKNOWN
            detail = str(version)[:100] if known else why or "the answer has no version"
            readings.append(self._errand.reading(".version", at=now, state=state, detail=detail))
        return readings


def find(answer: Any, path: str) -> Any:
    """Follow a dotted path into a JSON value; None where it leads nowhere."""
    for step in path.split("."):
        if isinstance(answer, dict):
            answer = answer.get(step)
        elif isinstance(answer, list) and step.isdigit() and int(step) < len(answer):
            answer = answer[int(step)]
        else:
            return None
    return answer


def judge(value: Any) -> tuple[State, str]:
    """Read a health word: what is known as well is ok, what is known as ill is bad, anything else is unknown."""
    if isinstance(value, dict):
        value = value.get("status", value.get("ok", value.get("healthy")))
    if value is None:
        return State.UNKNOWN, "the answer does not speak of it"
    word = str(value).strip().casefold()
    if word in _WELL:
        return State.OK, ""
    if word in _ILL:
        return State.BAD, str(value)[:100]
    return State.UNKNOWN, f"what {str(value)[:60]!r} means is not known"
