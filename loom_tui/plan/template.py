"""Texts with variables: `{name}` stands for a value that is known when the text is used."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from loom_tui.plan.value import leaves

NAME = r"[a-z][a-z0-9_]*"
_VARIABLE = r"\{([a-z][a-z0-9_]*)\}"


def variables_in(text: str) -> list[str]:
    """List the names that a text speaks of, in its order. A quantifier such as `{3}` is none."""
    return re.findall(_VARIABLE, text) if "{" in text else []


def fill(text: str, value_of: Callable[[str], str]) -> str:
    """Put the values in. `value_of` may raise for a name that has none."""
    return re.sub(_VARIABLE, lambda found: value_of(found[1]), text)


def fill_all(value: Any, value_of: Callable[[str], str]) -> Any:
    """Put the values into every text of a table or list, keys left as they are."""
    if isinstance(value, str):
        return fill(value, value_of)
    if isinstance(value, dict):
        return {key: fill_all(item, value_of) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fill_all(item, value_of) for item in value]
    return value


def texts_in(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Find every text in a value of the plan, however deep, each with the key that holds it."""
    return leaves(where, value, str)
