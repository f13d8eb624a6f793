"""Requests of a workflow: any method, the run's cookies, redirects that carry no credential elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import msgspec
from msgspec import Struct

from loom_tui.plan.steps import READING, Capture, Expect, HttpStep, RolesStep, statuses
from loom_tui.sources.base import SourceAnswered, SourceUnreachable
from loom_tui.sources.redirects import is_own, leads_to
from loom_tui.sources.steps.expect import Found, NotFound, capture, first_fault
from loom_tui.sources.steps.run import Outcome, Run
from loom_tui.sources.web import MAX_REDIRECTS, Web, address, origin


class Call(Struct, frozen=True, kw_only=True):
    """A request with its variables put in."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    json: Any = None
    form: Mapping[str, str] = {}
    follow: bool = True

    def __str__(self) -> str:
        """Write it as a person would: never its headers' values."""
        body = self.json if self.json is not None else dict(self.form) if self.form else None
        query = "&".join(f"{key}={value}" for key, value in self.query.items())
        parts = [
            f"{self.method} {self.url}{f'?{query}' if query else ''}",
            f"headers {', '.join(self.headers)}" if self.headers else "",
            msgspec.json.encode(body).decode() if body is not None else "",
        ]
        return " · ".join(part for part in parts if part)


class Got(Found):
    """An answer: its status beside what can be looked into.

    `url` is where a redirect led, without its query; empty where none did.
    """

    def __init__(self, response: httpx.Response, body: bytes, cookies: Mapping[str, str], *, url: str) -> None:
        super().__init__(body, {key.lower(): value for key, value in response.headers.items()}, cookies)
        self.status = response.status_code
        self.url = url

    def __str__(self) -> str:
        """Say its status, what it is and how large; of one that may be wrong, callers add the text."""
        kind = self.headers.get("content-type", "").partition(";")[0]
        return " · ".join(filter(None, (str(self.status), kind, f"{len(self.body):,} bytes")))


class Browser(Web):
    """A client that keeps cookies, for one run."""

    async def send(self, call: Call) -> Got:
        """Send a request and follow its redirects. Raises SourceError; any status that came back is an answer."""
        try:
            request = self._client.build_request(
                call.method,
                call.url,
                headers=dict(call.headers),
                params=dict(call.query) or None,
                json=call.json,
                data=dict(call.form) or None,
            )
            self._name = request.url.host  # the deadline is the step's, and the sentences speak of who was asked
            return await self._led(request, call)
        except httpx.HTTPError as error:
            raise self._translated(error) from None
        except (httpx.InvalidURL, httpx.CookieConflict, ValueError, TypeError):
            raise SourceUnreachable(f"`{call.method}` of an address or headers that cannot be sent") from None

    def forget(self) -> None:
        """Drop the cookies."""
        self._client.cookies.clear()

    async def _led(self, request: httpx.Request, call: Call) -> Got:
        asked = request.url
        for _ in range(MAX_REDIRECTS + 2):
            response = await self._client.send(request, stream=True, follow_redirects=False)
            try:
                body = await self._read(response)
            finally:
                await response.aclose()
            following = response.next_request
            if not call.follow or following is None:
                cookies = {cookie.name: cookie.value or "" for cookie in self._client.cookies.jar}
                return Got(response, body, cookies, url=address(response.url) if response.url != asked else "")
            if origin(following.url) != origin(request.url):
                if following.method not in READING:
                    raise SourceAnswered(
                        f"{self._name} sends a {call.method} on to another host; it was not sent there"
                    )
                for name in call.headers:  # httpx itself takes away no more than Authorization
                    following.headers.pop(name, None)
            request = following
        raise SourceAnswered(f"{self._name} redirects in a circle")


async def http(step: HttpStep, run: Run, browser: Browser) -> Outcome:
    """Send one request, and hold its answer to what is expected."""
    call = call_of(step, run, follow=step.follow)
    got = await browser.send(call)
    for value in got.cookies.values():
        run.mask.add_cookie(value)
    return judged(
        got, str(call), run, asked=call.url, status=step.expect_status, expect=step.expect, wanted=step.capture
    )


async def roles(step: RolesStep, run: Run) -> Outcome:
    """Send the same request as each of several people; all are asked, and every wrong answer is told."""
    browser = Browser(step.name, timeout_s=run.workflow.timeout_s)
    lines, wrong = [], []
    try:
        for role in step.roles:
            browser.forget()
            got = await browser.send(call_of(step, run, headers=role.headers))
            well = statuses(role.status)
            lines.append(f"{role.name} {got.status}")
            if got.status not in well:
                wrong.append(f"{role.name} got {got.status}, wanted {_either(well)}")
    finally:
        await browser.close()
    sent = str(call_of(step, run))
    sent = f"{sent} · as {', '.join(role.name for role in step.roles)}"
    return Outcome(sent=sent, got=", ".join(lines), what="roles" if wrong else "", why="; ".join(wrong))


def call_of(step: HttpStep | RolesStep, run: Run, *, headers: Mapping[str, str] = {}, follow: bool = False) -> Call:
    """Put the run's variables into a step's request. `headers` go over the step's own."""
    path = run.fill(step.path)
    return Call(
        method=step.method,
        url=f"{run.workflow.url.rstrip('/')}{path}" if path.startswith("/") else path,
        headers=run.fill_all({**step.headers, **headers}),
        query=run.fill_all(step.query),
        json=run.fill_all(step.json),
        form=run.fill_all(step.form),
        follow=follow,
    )


def judged(
    got: Got,
    sent: str,
    run: Run,
    *,
    asked: str,
    status: int | tuple[int, ...],
    expect: tuple[Expect, ...],
    wanted: Mapping[str, Capture],
) -> Outcome:
    """Keep what is to be captured, then hold an answer to its status and expectations; a wrong one is shown.

    Of what a redirect led to only expectations and captures can tell whether it is what was meant: a login page is 200.
    """
    well = statuses(status)
    missing = ""
    try:
        for name, value in capture(got, wanted, run.value).items():
            run.keep(name, value, show=wanted[name].show)
    except NotFound as error:
        missing = str(error)
    fault = first_fault(got, expect, run.value)
    if not expect and not wanted and _strays(got, asked, well):
        why = f"redirected to {got.url}, and the step expects nothing of what answers there"
        return Outcome(sent=sent, got=f"{got} · {got.text}", doubt=why)
    if got.status not in well:
        return Outcome(sent=sent, got=f"{got} · {got.text}", what=str(got.status), why=f"wanted {_either(well)}")
    if fault is not None:
        return Outcome(sent=sent, got=f"{got} · {got.text}", what=fault[0], why=fault[1])
    if missing:
        return Outcome(sent=sent, got=f"{got} · {got.text}", what="nothing to capture", why=missing)
    return Outcome(sent=sent, got=str(got))


def _strays(got: Got, asked: str, well: tuple[int, ...]) -> bool:
    """Say whether an answer is another place's, and no error of the asked origin's own."""
    if not got.url or leads_to(got.url, asked, ()):
        return False
    return got.status in well or not is_own(got.url, asked)


def _either(well: tuple[int, ...]) -> str:
    return " or ".join(map(str, well))
