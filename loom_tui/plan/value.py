"""What every value of a plan is made of.

Modules whose structs are decoded while a room opens go without `from __future__ import annotations`: msgspec compiles
each annotation that is a text, one by one, when it first decodes. Of a plan that was 5.5 ms of the start, now 1.7 ms.
For the same reason patterns are texts here: `re` compiles one when it is first matched, and keeps it.
"""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Iterator
from typing import TypeVar

from msgspec import Struct, StructMeta

_Leaf = TypeVar("_Leaf")


class Value(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=False):
    """The base of everything in a plan: frozen, keyword-only, and strict about unknown keys."""


class AbstractMeta(StructMeta, ABCMeta):
    """The type of a struct that leaves something to those that are made of it."""


def leaves(where: str, value: object, kind: type[_Leaf]) -> Iterator[tuple[str, _Leaf]]:
    """Find every value of a kind in a value of the plan, however deep, each with its place.

    The names come from the struct itself: msgspec.structs.fields evaluates all annotations anew, 0.2 ms a struct.
    """
    if isinstance(value, kind):
        yield where, value
        return
    for place, item in _within(where, value):
        if isinstance(item, kind):
            yield place, item
        elif item and isinstance(item, Struct | dict | list | tuple):
            yield from leaves(place, item, kind)


def _within(where: str, value: object) -> Iterator[tuple[str, object]]:
    """Give what a value is made of, each with its place."""
    if isinstance(value, Struct):
        for name, key in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            yield f"{where}.{key}" if where else key, getattr(value, name)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield f"{where}.{key}" if where else str(key), item
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value, 1):
            yield f"{where}[{index}]", item
