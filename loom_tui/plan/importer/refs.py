"""Issue ids as they stand in text: #147, OPS-12, https://github.com/team/app/issues/12."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from loom_tui.plan.model import IssueId

# What looks like a tracker's key and is none.
_NO_KEYS = frozenset(
    [
        "UTF",
        "ISO",
        "SHA",
        "RFC",
        "CVE",
        "HTTP",
        "TLS",
        "SSL",
        "MD",
        "AES",
        "RSA",
        "CP",
        "P",
        "V",
        "COVID",
        "ASCII",
        "IPV",
        "WIN",
        "ES",
        "UTC",
        "GMT",
        "Q",
        "KW",
        "T",
    ]
)
_URL = r"https?://[^\s<>()|]{1,200}/(?:issues|pull|browse|issue|merge_requests|work_items)/(?P<NAME>[A-Z][A-Z0-9]{1,9}-\d{1,7}|\d{1,9})\b"
_ID = re.compile(
    _URL.replace("NAME", "url")
    + r"|(?<![\w#&/])#(?P<number>\d{1,9})\b(?:\s?[-–—]\s?#?(?P<last>\d{1,9})\b(?!\s*(?:h|d|min|ms|hours|days)\b))?"
    r"|(?<![\w-])(?P<key>[A-Z][A-Z0-9]{1,9}-\d{1,7})(?![\w-])"
)
_ADDRESS = re.compile(_URL.replace("NAME", "id"))
_JOINTS = re.compile(
    r"\b(?:and|und|issues?|tickets?|tasks?|steps?|after|needs?|depends on|requires|done|complete[d]?|see|nach)\b|[\W_]",
    re.IGNORECASE,
)


class Found(Struct, frozen=True):
    """The ids of a text in its order, each once; `left` is the text without them, `bare` whether words are left."""

    ids: tuple[IssueId, ...]
    left: str

    @property
    def bare(self) -> bool:
        """Whether nothing but ids and joining words is there."""
        return not _JOINTS.sub("", self.left)


def find_ids(text: str) -> Found:
    """Find the issue ids of a text. '#145-#147' stands for all three."""
    ids: list[IssueId] = []
    left: list[str] = []
    at = 0
    for match in _ID.finditer(text):
        key = match["key"]
        if key is not None and key.rsplit("-", 1)[0] in _NO_KEYS:
            continue
        ids.extend(_named(match))
        left.append(text[at : match.start()])
        at = match.end()
    return Found(tuple(dict.fromkeys(ids)), "".join([*left, text[at:]]))


def _named(match: re.Match[str]) -> Iterable[IssueId]:
    if match["number"] is None:
        return (as_id(match["key"] or match["url"]),)
    first, last = int(match["number"]), int(match["last"] or match["number"])
    return range(first, last + 1) if 0 <= last - first <= 50 else (first, last)


def as_id(text: str) -> IssueId:
    """Make an id of a text that is known to be one: `12` and `#12` are the number 12."""
    bare = text.strip().removeprefix("#")
    return int(bare) if bare.isascii() and bare.isdigit() and len(bare) <= 9 else bare


def id_of_address(address: str) -> IssueId | None:
    """Give the id that a tracker's address ends with, or None."""
    match = _ADDRESS.match(address)
    return None if match is None else as_id(match["id"])
