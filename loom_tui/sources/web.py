"""Asking over HTTP: one bounded request within one deadline, every failure translated."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache

import httpx
from msgspec import Struct

from loom_tui.sources.base import (
    SourceAnswered,
    SourceError,
    SourceLimited,
    SourceRefused,
    SourceTimeout,
    SourceUnreachable,
)
from loom_tui.sources.meter import meter

MAX_BODY_BYTES = 5_000_000
MAX_REDIRECTS = 3
RETRY_AFTER_DEFAULT_S = 60.0

Params = Mapping[str, str | int | Sequence[str]]  # of a query; a sequence stands once for each of its words


class Answer(Struct, frozen=True, kw_only=True):
    """What came back: status, headers (small letters), body, and the time to its last byte (ms).

    `url` is where a redirect led, without its query; empty where none did.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    latency_ms: float
    url: str = ""


class Web:
    """A client for one source.

    `name` begins its sentences; `needs` ends the one about a refused credential, `missing` that about an address that
    is not there.
    Whoever asks to be left alone for a while (Retry-After) is: until then `get` raises SourceLimited and sends nothing.
    """

    def __init__(
        self, name: str, *, timeout_s: float, needs: str = "", missing: str = "the plan's url may be wrong"
    ) -> None:
        self._name = name
        self._timeout_s = timeout_s
        self._needs = needs
        self._missing = missing
        self._limit: SourceLimited | None = None
        self._limited_until = 0.0  # by the loop's clock
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(timeout_s),
            headers={"user-agent": "loom"},
            trust_env=False,  # a proxy of the shell's is no part of the plan
            verify=_trusted(),
            event_hooks={"request": [_count], "response": [_hear]},  # so that each redirect counts as well
        )

    async def get(self, url: str, *, params: Params | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Get a URL within the deadline. Raises SourceError; any status that came back is an answer."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._keep_away()
        try:
            async with asyncio.timeout(self._timeout_s):
                asked = self._client.build_request("GET", url, params=params, headers=headers)
                response = await self._followed(asked)
                try:
                    body = await self._read(response)
                finally:
                    await response.aclose()
            latency_ms = (loop.time() - began) * 1000
            found = {key.lower(): value for key, value in response.headers.items()}
            self._heed(response.status_code, found)
            led = address(response.url) if response.url != asked.url else ""
            return Answer(status=response.status_code, headers=found, body=body, latency_ms=latency_ms, url=led)
        except TimeoutError:
            raise SourceTimeout(f"{self._name} did not answer within {self._timeout_s:g} s") from None
        except httpx.HTTPError as error:
            raise self._translated(error) from None
        except (httpx.InvalidURL, ValueError):
            raise SourceUnreachable(f"{self._name}: its address in the plan is no URL that can be asked") from None

    def rest_s(self) -> float:
        """Give the seconds for which the other side still wants to be left alone."""
        return max(0.0, self._limited_until - asyncio.get_running_loop().time())

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _keep_away(self) -> None:
        left_s = self.rest_s()
        if self._limit is not None and left_s:
            raise SourceLimited(str(self._limit), retry_after_s=left_s)

    def _heed(self, status: int, headers: Mapping[str, str]) -> None:
        """Keep a limit in mind. Answers that cross may each bring one: the longest holds."""
        limit = self._limit_of(status, headers)
        if limit is not None:
            until = asyncio.get_running_loop().time() + limit.retry_after_s
            if until > self._limited_until:
                self._limit, self._limited_until = limit, until

    def _limit_of(self, status: int, headers: Mapping[str, str]) -> SourceLimited | None:
        """Read an answer that asks to be left alone: 429, or another refusal that says until when."""
        limited = status == 429 or (status == 503 and "retry-after" in headers)
        if limited or (status == 403 and ("retry-after" in headers or headers.get("x-ratelimit-remaining") == "0")):
            wait_s = retry_after_s(headers, now=datetime.now(UTC).timestamp())
            return SourceLimited(
                f"{self._name} asks to be left alone for {wait_s:.0f} s ({status})", retry_after_s=wait_s
            )
        return None

    async def _followed(self, request: httpx.Request) -> httpx.Response:
        """Send a request and follow its redirects. What was sent with it, credentials too, stays with its origin."""
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._client.send(request, stream=True)
            onward = response.next_request
            if onward is None:
                return response
            await response.aclose()
            if origin(onward.url) != origin(request.url):
                onward = httpx.Request("GET", onward.url, headers=self._client.headers)
            request = onward
        raise SourceAnswered(f"{self._name} redirects in a circle; its address in the plan may be an old one")

    async def _read(self, response: httpx.Response) -> bytes:
        parts: list[bytes] = []
        size = 0
        try:
            async for part in response.aiter_bytes():
                size += len(part)
                if size > MAX_BODY_BYTES:
                    raise SourceAnswered(
                        f"{self._name} answered more than {MAX_BODY_BYTES // 1_000_000} MB; it was cut off"
                    )
                parts.append(part)
        finally:
            meter().called(0, size_bytes=response.num_bytes_downloaded)
        return b"".join(parts)

    def _translated(self, error: httpx.HTTPError) -> SourceError:
        if isinstance(error, httpx.TimeoutException):
            return SourceTimeout(f"{self._name} did not answer within {self._timeout_s:g} s")
        if isinstance(error, httpx.ConnectError):
            if _is_tls(error):
                return SourceUnreachable(f"{self._name}'s certificate does not hold, or it speaks no TLS there")
            return SourceUnreachable(f"{self._name} cannot be reached: no connection to its address")
        if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.DecodingError):
            return SourceAnswered(f"{self._name} broke off in the middle of its answer")
        if isinstance(error, httpx.LocalProtocolError):
            return SourceUnreachable(f"{self._name} cannot be asked: a header holds a line break or another control")
        return SourceUnreachable(f"{self._name} cannot be asked ({type(error).__name__})")

    def expect_ok(self, answer: Answer) -> None:
        """Raise what a status other than 2xx means."""
        status = answer.status
        if 200 <= status < 300:
            return
        limit = self._limit_of(status, answer.headers)
        if limit is not None:
            raise limit
        if status in (401, 403):
            needs = f": it needs {self._needs}" if self._needs else ""
            raise SourceRefused(f"{self._name} refused the credential ({status}){needs}")
        if status == 404:
            raise SourceAnswered(f"{self._name} knows no such address (404); {self._missing}")
        raise SourceAnswered(f"{self._name} answered {status}")


@cache
def _trusted() -> ssl.SSLContext:
    """Give the authorities that all clients trust. Reading them takes 20 ms and 0.6 MB: once, not for each client."""
    return httpx.create_ssl_context(trust_env=False)


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Give what a credential must not leave: scheme, host and port."""
    return (url.scheme, url.host, url.port)


def address(url: httpx.URL) -> str:
    """Write an address without what a redirect may have put a token in: login, query, fragment."""
    return f"{url.scheme}://{url.netloc.decode()}{url.raw_path.partition(b'?')[0].decode('ascii', 'replace')}"


async def _count(_: httpx.Request) -> None:
    meter().called()


async def _hear(response: httpx.Response) -> None:
    meter().heard({key.lower(): value for key, value in response.headers.items()})


def retry_after_s(headers: Mapping[str, str], *, now: float) -> float:
    """Read Retry-After as seconds or an HTTP date, else the rate limit's reset (epoch seconds); at most an hour."""
    text = headers.get("retry-after", "").strip()
    if text.replace(".", "", 1).isdigit():
        return min(3600.0, max(1.0, float(text)))
    if text:
        try:
            return min(3600.0, max(1.0, parsedate_to_datetime(text).timestamp() - now))
        except (ValueError, TypeError):
            return RETRY_AFTER_DEFAULT_S
    reset = headers.get("x-sentry-rate-limit-reset", headers.get("x-ratelimit-reset", ""))
    if reset.isdigit():
        return min(3600.0, max(1.0, float(reset) - now))
    return RETRY_AFTER_DEFAULT_S


def _is_tls(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError) or "SSL" in str(error) or "CERTIFICATE" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
