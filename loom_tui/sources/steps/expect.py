"""What must hold of an answer, and what is kept of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

import msgspec

from loom_tui.plan.steps import Capture, Expect
from loom_tui.plan.template import fill, fill_all, variables_in
from loom_tui.sources.http import find

TEXT_LIMIT = 200_000  # a pattern is not let loose on more than this


class Found:
    """An answer to look into: its body, its headers (small letters) and its cookies."""

    def __init__(self, body: bytes, headers: Mapping[str, str] = {}, cookies: Mapping[str, str] = {}) -> None:
        self.body = body
        self.headers = headers
        self.cookies = cookies

    @cached_property
    def text(self) -> str:
        """The body as text, its beginning."""
        return self.body[: 4 * TEXT_LIMIT].decode("utf-8", errors="replace")[:TEXT_LIMIT]

    @cached_property
    def json(self) -> Any:
        """The body as JSON; raises ValueError with what it is instead."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            kind = "HTML" if self.body.lstrip()[:1] == b"<" else "no JSON" if self.body.strip() else "empty"
            raise ValueError(f"the answer is {kind}") from None


class NotFound(Exception):
    """A value that was to be captured is not there; the message says which."""


def first_fault(found: Found, expected: Iterable[Expect], value_of: Callable[[str], str]) -> tuple[str, str] | None:
    """Find the first expectation that does not hold: what it speaks of, and how that differs. None: all hold."""
    for each in expected:
        what = each.path or (f"header {each.header}" if each.header else "the answer")
        try:
            why = _fault(found, each, value_of)
        except ValueError as error:
            why = str(error)
        if why:
            return what, why
    return None


def capture(found: Found, wanted: Mapping[str, Capture], value_of: Callable[[str], str]) -> dict[str, str]:
    """Keep what later steps need. Raises NotFound."""
    return {name: _captured(name, found, each, value_of) for name, each in wanted.items()}


def text_of(value: Any) -> str:
    """Write a JSON value as a text that can stand in a path or a body."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _captured(name: str, found: Found, wanted: Capture, value_of: Callable[[str], str]) -> str:
    value: Any = found.text
    place = "the answer"
    if wanted.path:
        place = wanted.path
        try:
            value = find(found.json, fill(wanted.path, value_of))
        except ValueError as error:
            raise NotFound(f"{name} was to come from {wanted.path}, but {error}") from None
    elif wanted.header:
        place = f"header {wanted.header}"
        value = found.headers.get(wanted.header.lower())
    elif wanted.cookie:
        place = f"cookie {wanted.cookie}"
        value = found.cookies.get(wanted.cookie)
    if value is None:
        raise NotFound(f"{name} was to come from {place}, which is not there")
    text = text_of(value)
    if not wanted.regex:
        return text
    match = re.search(fill(wanted.regex, _quoted(value_of)), text)
    if match is None:
        raise NotFound(f"{name} was to come from {place}, where nothing matches {wanted.regex}")
    return next((group for group in match.groups() if group is not None), match[0])


def _fault(found: Found, each: Expect, value_of: Callable[[str], str]) -> str:
    """Say how an answer differs from what is expected of it; "" where it does not. Raises ValueError: no JSON."""
    value: Any = found.text
    if each.path:
        value = find(found.json, fill(each.path, value_of))
    elif each.header:
        value = found.headers.get(each.header.lower())
    if each.exists is not None:
        return "" if (value is not None) == each.exists else f"is {'not ' if each.exists else ''}there"
    if value is None:
        return "is not there"
    if each.equals is not None and not _equal(value, each.equals, value_of):
        return f"is {_shown(value)}, wanted {_shown(fill_all(each.equals, value_of))}"
    if each.matches and re.search(fill(each.matches, _quoted(value_of)), text_of(value)) is None:
        return f"is {_shown(value)}, which does not match {each.matches}"
    if each.contains is not None and not _contains(value, fill_all(each.contains, value_of)):
        return f"does not contain {_shown(fill_all(each.contains, value_of))}"
    if each.length is not None:
        if not isinstance(value, str | list | dict):
            return f"is {_shown(value)}, which has no length"
        if len(value) != each.length:
            return f"has {len(value)}, wanted {each.length}"
    return ""


def _equal(value: Any, wanted: Any, value_of: Callable[[str], str]) -> bool:
    if isinstance(wanted, str) and variables_in(wanted):  # what was captured is text, whatever it was
        return text_of(value) == fill(wanted, value_of)
    return _same(value, fill_all(wanted, value_of))


def _same(value: Any, wanted: Any) -> bool:
    return isinstance(value, bool) == isinstance(wanted, bool) and bool(value == wanted)


def _contains(value: Any, wanted: Any) -> bool:
    """Look for a part of a text, an item of a list (or one that has these fields), a key of a table."""
    if isinstance(value, str):
        return text_of(wanted) in value
    if isinstance(value, dict):
        return isinstance(wanted, str) and wanted in value
    return isinstance(value, list) and any(_same(item, wanted) or _has(item, wanted) for item in value)


def _has(item: Any, wanted: Any) -> bool:
    if not isinstance(item, dict) or not isinstance(wanted, dict):
        return False
    return all(key in item and _same(item[key], part) for key, part in wanted.items())


def _quoted(value_of: Callable[[str], str]) -> Callable[[str], str]:
    return lambda name: re.escape(value_of(name))


def _shown(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else text_of(value)
