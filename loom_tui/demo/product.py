"""The demo's product and the platform that ships it: which version serves, and what has been broken in it.

What is so at a moment follows from what was asked until then, so that every service tells of the same world.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from math import inf
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from loom_tui.demo.errors import Fault, count_between, regression
from loom_tui.demo.services import Answer, Request, Service

RELEASE = "v1.7.0"
LAST_STABLE = "v1.6.3"
VERSIONS = (LAST_STABLE, RELEASE)
SHIP_S = 5.0  # from a deployment asked for to the version that serves
ERRORS_WINDOW_S = 5.0
MAX_ERRORS = 3  # in that window; an ordinary hour has a hundred
SWITCHES = {
    "errors": f"{RELEASE} has a bug: while it serves, nobody can book, and errors arrive three times a second",
    "booking": "staging refuses every booking, and a critical workflow with it",
    "silence": "Sentry takes connections, and answers none",
    "slow": f"a job of {RELEASE} locks the booked sessions again and again while it serves: who asks for them waits",
    "channel": "the team's channel refuses the next message, and is well again",
}


class Deployment(Struct, frozen=True, kw_only=True):
    """One version put in the place of another; one that is overtaken is never ready."""

    id: str
    version: str
    asked_at: float
    ready_at: float

    def told(self, now: float) -> dict[str, Any]:
        """Tell of it as the platform's API does."""
        state = "canceled" if self.ready_at == inf else "ready" if self.ready_at <= now else "building"
        return {"id": self.id, "version": self.version, "state": state}


class Switched(Struct, frozen=True):
    """Something broken, or mended."""

    name: str
    is_on: bool
    at: float


class Product:
    """What serves and what is broken, from the moment `born` on. Its services ask it from threads of their own."""

    def __init__(self, *, born: float, ship_s: float = SHIP_S, version: str = LAST_STABLE) -> None:
        self._lock = threading.Lock()
        self._born = born
        self._ship_s = ship_s
        first = Deployment(id="dpl_1", version=version, asked_at=born, ready_at=born)
        self._deployments: tuple[Deployment, ...] = (first,)
        self._switched: tuple[Switched, ...] = ()

    def serving(self, at: float) -> Deployment:
        """Give the deployment that serves at a moment."""
        ready = [deployment for deployment in self._deployments if deployment.ready_at <= at]
        return max(ready, key=lambda deployment: deployment.ready_at, default=self._deployments[0])

    def find(self, deployment_id: str) -> Deployment | None:
        """Find a deployment."""
        return next((each for each in self._deployments if each.id == deployment_id), None)

    def deploy(self, version: str, *, now: float) -> Deployment:
        """Begin to put a version in place; what was on its way is overtaken."""
        with self._lock:
            kept = tuple(each if each.ready_at <= now else replace(each, ready_at=inf) for each in self._deployments)
            made = Deployment(id=f"dpl_{len(kept) + 1}", version=version, asked_at=now, ready_at=now + self._ship_s)
            self._deployments = (*kept, made)
        return made

    def switch(self, name: str, *, is_on: bool, now: float) -> None:
        """Break something, or mend it."""
        with self._lock:
            self._switched = (*self._switched, Switched(name, is_on, now))

    def is_on(self, name: str, at: float) -> bool:
        """Say whether something is broken at a moment."""
        said = [each.is_on for each in self._switched if each.name == name and each.at <= at]
        return bool(said) and said[-1]

    def takes(self, name: str, now: float) -> bool:
        """Say whether something is broken, and mend it: it breaks once."""
        with self._lock:
            found = self.is_on(name, now)
            if found:
                self._switched = (*self._switched, Switched(name, is_on=False, at=now))
        return found

    def holds_up(self, at: float) -> bool:
        """Say whether the release's job is at work."""
        return self.is_on("slow", at) and self.serving(at).version == RELEASE

    def outbreak(self, now: float) -> tuple[Fault, ...]:
        """Give the release's bug, if it was ever awake while that release served."""
        spans = tuple(self._spans(now))
        return (regression(spans),) if spans else ()

    def errors(self, now: float) -> int:
        """Count what went wrong in the last seconds, but for what always does."""
        return sum(count_between(each, now - ERRORS_WINDOW_S, now, born=self._born) for each in self.outbreak(now))

    def _spans(self, now: float) -> Iterator[tuple[float, float]]:
        changes = {each.ready_at for each in self._deployments} | {each.at for each in self._switched}
        for start, end in pairwise(sorted({at for at in changes if at < now} | {now})):
            if self.serving(start).version == RELEASE and self.is_on("errors", start):
                yield start, end


def app(product: Product) -> Service:
    """Make the shipped app's health API: `/api/health` with a check for each part, and `/api/version`."""

    def answer(request: Request, now: float) -> Answer:
        serving = product.serving(now)
        if request.path == "/api/version":
            return Answer(body={"version": serving.version})
        if request.path != "/api/health":
            return Answer(status=404, body={"error": "not found"})
        failing = product.errors(now) > MAX_ERRORS
        checks = {name: {"status": "ok"} for name in ("auth", "realtime", "storage")}
        checks["errors"] = {"status": "failing" if failing else "ok"}
        return Answer(
            body={
                "status": "degraded" if failing else "ok",
                "version": serving.version,
                "uptime_s": int(now - serving.ready_at),
                "time": datetime.fromtimestamp(now, UTC).isoformat(),
                "checks": checks,
            }
        )

    return answer


class _Wish(Struct):
    version: str


class _Switch(Struct):
    on: bool


def platform(product: Product, *, token: str) -> Service:
    """Make the platform's API, /v1/deployments and /v1/deployments/ID, and beside it the demo's own /switches/NAME."""

    def answer(request: Request, now: float) -> Answer:
        if request.bearer != token:
            return Answer(status=401, body={"error": "a bearer token is needed"})
        kind, _, name = request.path.removeprefix("/").rpartition("/")
        try:
            if (request.method, request.path) == ("POST", "/v1/deployments"):
                return _deploy(product, request, now)
            if (request.method, kind) == ("POST", "switches") and name in SWITCHES:
                wished = msgspec.json.decode(request.body, type=_Switch)
                product.switch(name, is_on=wished.on, now=now)
                return Answer(body={"name": name, "on": wished.on})
        except msgspec.DecodeError as error:
            return Answer(status=400, body={"error": str(error)})
        found = product.find(name) if kind == "v1/deployments" else None
        return Answer(status=404, body={"error": "not found"}) if found is None else Answer(body=found.told(now))

    return answer


def _deploy(product: Product, request: Request, now: float) -> Answer:
    version = msgspec.json.decode(request.body, type=_Wish).version
    if version not in VERSIONS:
        return Answer(status=404, body={"error": f"there is no build of {version}"})
    return Answer(status=201, body=product.deploy(version, now=now).told(now))


class Chat:
    """The team's channel: takes messages as Slack's webhooks do, and shows them to whoever looks."""

    def __init__(self) -> None:
        self._messages: tuple[str, ...] = ()

    def answer(self, request: Request, now: float) -> Answer:
        """Take a message at /hooks/launch, or list what was said at /messages."""
        if (request.method, request.path) == ("GET", "/messages"):
            return Answer(body=self._messages)
        if (request.method, request.path) != ("POST", "/hooks/launch"):
            return Answer(status=404, body={"error": "no such channel"})
        try:
            text = msgspec.json.decode(request.body, type=_Message).text
        except msgspec.DecodeError:
            return Answer(status=400, body="invalid_payload")
        self._messages = (*self._messages, f"{datetime.fromtimestamp(now, UTC):%H:%M:%S} {text}")
        return Answer(body="ok")


class _Message(Struct):
    text: str
