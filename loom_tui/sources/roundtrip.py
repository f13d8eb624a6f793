"""The round trip of an error: a marked test event goes to the plan's DSN, and its arrival is waited for in the API.

The client is sentry-sdk's own, never initialised globally: nothing else of this process is ever sent there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Any
from uuid import uuid4

import sentry_sdk
import urllib3
from msgspec import Struct
from sentry_sdk.transport import HttpTransport
from sentry_sdk.utils import BadDsn, Dsn

from loom_tui.plan.sources.errors import RoundTrip
from loom_tui.room.checks import CheckResult, Step, encode_result
from loom_tui.room.signals import Reading, State
from loom_tui.sources.base import (
    Asker,
    CredentialMissing,
    Errand,
    SourceAnswered,
    SourceError,
    SourceLimited,
    SourceTimeout,
    SourceUnreachable,
)
from loom_tui.sources.build import made
from loom_tui.sources.errors import ROUNDTRIP_TITLE, Tracker
from loom_tui.sources.mask import Masked
from loom_tui.sources.meter import meter

SEND_TIMEOUT_S = 10.0
FIRST_LOOK_S, SLOWEST_LOOK_S = 0.25, 3.0


class _Sent(Struct, frozen=True):
    """An event on its way: its id, where it went, when (the loop's time), and why it was not taken, if so."""

    event_id: str
    host: str
    at: float
    dropped: str


def make(source: RoundTrip, errand: Errand) -> Asker:
    """Make an asker with DSN and token. Raises CredentialMissing."""
    tracker = made(source.feed, errand)
    assert isinstance(tracker, Tracker)  # noqa: S101 - every feed's asker is one
    return RoundTripAsker(source, errand.credential(source.dsn), tracker, errand)


class RoundTripAsker(Asker):
    """Sends one event an asking."""

    def __init__(self, source: RoundTrip, dsn: Masked, tracker: Tracker, errand: Errand) -> None:
        self._source = source
        self._dsn = dsn
        self._tracker = tracker
        self._errand = errand

    async def ask(self) -> Sequence[Reading]:
        """Send, and wait within the deadline. An event that was refused or did not arrive is bad, not unknown.

        Raises SourceError where nobody can tell: the DSN is none, or the API did not answer.
        """
        sent = await self._send()
        if sent.dropped:
            step = self._step(sent, State.BAD, sent.dropped)
            return [self._reading(State.BAD, f"{sent.host} {sent.dropped}", (step,))]
        taken = self._step(sent, State.OK, "taken")
        self._errand.progress("sent; waiting for it")
        delay_s = await self._arrival(sent)
        if delay_s is None:
            detail = f"{sent.host} took the event, but it did not arrive within {self._source.timeout_s:g} s"
            return [self._reading(State.BAD, detail, (taken, _arrived(sent, None)))]
        return [
            self._reading(State.OK, f"arrived after {delay_s:.1f} s", (taken, _arrived(sent, delay_s)), delay_s),
            self._errand.reading(".delay_s", value=delay_s),
        ]

    async def close(self) -> None:
        """Close the connections to the API."""
        await self._tracker.close()

    async def _send(self) -> _Sent:
        try:
            host = Dsn(self._dsn.reveal()).host
        except BadDsn:
            raise CredentialMissing("The DSN that the plan names is none: https://KEY@HOST/PROJECT") from None
        began = asyncio.get_running_loop().time()
        event_id = uuid4().hex
        meter().called()
        within_s = min(SEND_TIMEOUT_S, self._source.timeout_s)
        dropped = await asyncio.to_thread(_deliver, self._dsn, event_id, self._errand, within_s)
        if dropped == "network":
            raise SourceUnreachable(f"{host}, to which the DSN points, cannot be reached from here")
        if dropped == "redirects":
            raise SourceAnswered(f"{host}, to which the DSN points, redirects in a circle; the DSN may be an old one")
        told = {
            "": "",
            "timeout": f"did not take the event within {within_s:g} s",
            "status_429": "refused the event (429): the project is over its quota",
        }
        why = told.get(dropped, f"refused the event ({dropped.removeprefix('status_')}); the DSN may be an old one")
        return _Sent(event_id=event_id, host=host, at=began, dropped=why)

    async def _arrival(self, sent: _Sent) -> float | None:
        """Look until the event is there; gives the delay (s), None where it is not. Raises the API's last failure."""
        loop = asyncio.get_running_loop()
        ends_at = sent.at + self._source.timeout_s
        pause_s = FIRST_LOOK_S
        failure: SourceError | None = None
        while loop.time() < ends_at:
            try:
                async with asyncio.timeout_at(ends_at):
                    if await self._tracker.holds(sent.event_id):
                        return loop.time() - sent.at
                failure = None
            except TimeoutError:
                break
            except SourceLimited as error:
                failure, pause_s = error, error.retry_after_s
            except SourceTimeout as error:
                failure = error
            await asyncio.sleep(min(pause_s, max(0.0, ends_at - loop.time())))
            pause_s = min(SLOWEST_LOOK_S, pause_s * 1.5)
        if failure is not None:
            raise failure
        return None

    def _step(self, sent: _Sent, state: State, got: str) -> Step:
        return Step(name="send", state=state, sent=f"event {sent.event_id} to {sent.host}", got=got)

    def _reading(self, state: State, detail: str, steps: tuple[Step, ...], delay_s: float | None = None) -> Reading:
        result = CheckResult(duration_ms=None if delay_s is None else 1000 * delay_s, steps=steps)
        return self._errand.reading("", state=state, detail=detail, body=encode_result(result))


def _arrived(sent: _Sent, delay_s: float | None) -> Step:
    return Step(
        name="arrive",
        state=State.BAD if delay_s is None else State.OK,
        sent=f"asked the API for {sent.event_id}",
        got="not there" if delay_s is None else f"there after {delay_s:.1f} s",
        duration_ms=None if delay_s is None else 1000 * delay_s,
    )


def _deliver(dsn: Masked, event_id: str, errand: Errand, within_s: float) -> str:
    """Send one event and wait for the server's answer; gives "" or why it was dropped. Blocks."""
    dropped: list[str] = []

    class Told(HttpTransport):
        def on_dropped_event(self, reason: str) -> None:
            dropped.append(reason)

        def _request(self, *words: Any, **named: Any) -> Any:
            try:
                return super()._request(*words, **named)
            except urllib3.exceptions.MaxRetryError as error:  # the SDK calls whatever fails here "network"
                if isinstance(error.reason, urllib3.exceptions.ResponseError):
                    dropped.append("redirects")
                raise

    began = monotonic()
    client = sentry_sdk.Client(
        dsn=dsn.reveal(),
        transport=Told,
        default_integrations=False,
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        send_client_reports=False,
        max_breadcrumbs=0,
        server_name="loom",
        environment=errand.environment or None,
        release=errand.release or None,
        http_proxy="",  # as everywhere in Loom: a proxy of the shell's is no part of the plan
        https_proxy="",
    )
    try:
        client.capture_event(_event(event_id))
        client.flush(timeout=within_s)
    finally:
        client.close(timeout=0)
    if not dropped and monotonic() - began >= within_s:  # the SDK tells a flush that timed out to its log alone
        return "timeout"
    return dropped[0] if dropped else ""


def _event(event_id: str) -> Any:
    return {
        "event_id": event_id,
        "level": "info",
        "message": f"{ROUNDTRIP_TITLE}: a test event, sent to see that errors arrive",
        "logger": "loom.roundtrip",
        "fingerprint": ["loom-roundtrip"],
        "tags": {"loom.roundtrip": event_id},
    }
