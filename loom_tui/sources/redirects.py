"""Where a redirect may lead: what answers elsewhere is not what was asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import httpx

from loom_tui.sources.web import origin


def leads_to(url: str, asked: str, expected: Sequence[str]) -> bool:
    """Say whether an address is the one that was asked (with TLS now, or another last slash), or an expected one.

    Raises InvalidURL for what httpx cannot ask; an expected address that is none leads nowhere.
    """
    found, own = httpx.URL(url), httpx.URL(asked)  # both as they are sent: `ü` and a space as a redirect writes them
    path = _path(found)
    if is_own(url, asked) and path == _path(own):
        return True
    return any(
        origin(found) == origin(wanted) and f"{path}/".startswith(f"{_path(wanted)}/") for wanted in _parsed(expected)
    )


def is_own(url: str, asked: str) -> bool:
    """Say whether an address is at the origin that was asked, or at the same with TLS. Raises InvalidURL."""
    found, own = httpx.URL(url), httpx.URL(asked)
    return origin(found) in (origin(own), origin(own.copy_with(scheme="https")))


def _path(url: httpx.URL) -> str:
    """Give an address's path as it is sent, without its last slash."""
    return url.raw_path.partition(b"?")[0].decode("ascii").rstrip("/")


def _parsed(urls: Sequence[str]) -> Iterator[httpx.URL]:
    for url in urls:
        with suppress(httpx.InvalidURL):  # a host that no name server could know
            yield httpx.URL(url)
