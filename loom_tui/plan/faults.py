"""All faults of a plan's file at once: what is wrong, where, and what was expected."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from enum import EnumMeta
from types import UnionType
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import Struct
from msgspec.structs import fields

from loom_tui.refusal import Refusal


class Fault(Struct, frozen=True):
    """One fault or warning. `where` is a place that a person can find: "issue #147", "sources.db.queries[2].sql"."""

    where: str
    what: str
    level: Literal["fault", "warning"] = "fault"

    def __str__(self) -> str:
        """Say it in one line; a place that is a noun reads on as a sentence ("issue #147 depends on …")."""
        joint = " " if self.where.startswith("issue #") and "." not in self.where else ": "
        sentence = f"{self.where}{joint if self.where else ''}{self.what}"
        return f"warning: {sentence}" if self.level == "warning" else sentence


class PlanFaults(Refusal):
    """A plan that cannot be taken. `faults` holds all of them; the message has a line for each, with the file."""

    def __init__(self, file: str, faults: Iterable[Fault]) -> None:
        self.file = file
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{file}: {fault}" for fault in self.faults))


def suggestion(word: str, known: Iterable[str]) -> str:
    """Give "; did you mean `X`?" for a near miss, else what is known here while that is a short list."""
    names = sorted(known)
    near = get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean `{near[0]}`?"
    return f"; known here: {', '.join(names)}" if 0 < len(names) <= 12 else ""


def shape_faults(value: object, target: type[Struct]) -> list[Fault]:
    """Hold decoded TOML against a struct: unknown keys, missing keys and wrong types, everywhere at once."""
    return list(_walk(value, target, ""))


def _walk(value: object, kind: Any, where: str) -> Iterator[Fault]:
    if get_origin(kind) is UnionType:
        yield from _walk_union(value, get_args(kind), kind, where)
    elif _is_struct(kind):
        yield from _walk_struct(value, kind, where)
    elif get_origin(kind) is tuple and get_args(kind)[-1] is Ellipsis and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, get_args(kind)[0], _item(where, index, item))
    elif get_origin(kind) is dict and isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, get_args(kind)[1], _join(where, str(key)))
    else:
        yield from _walk_leaf(value, kind, where)


def _walk_union(value: object, members: tuple[Any, ...], kind: Any, where: str) -> Iterator[Fault]:
    """Choose the struct that a table means: the only one, or the one that its `kind` (or other tag) names."""
    structs = [member for member in members if _is_struct(member)]
    if not structs:
        yield from _walk_leaf(value, kind, where)
    elif len(structs) == 1:
        yield from _walk_struct(value, structs[0], where)
    elif not isinstance(value, dict):
        yield Fault(where, f"should be a table, not {_noun(value)}")
    else:
        by_tag = {str(struct.__struct_config__.tag): struct for struct in structs}
        tag_field = str(structs[0].__struct_config__.tag_field)
        name = value.get(tag_field)
        if name is None:
            yield Fault(where, f"`{tag_field}` is missing; one of: {', '.join(sorted(by_tag))}")
        elif str(name) not in by_tag:
            yield Fault(where, f"{tag_field} `{name}` is not known{suggestion(str(name), by_tag)}")
        else:
            yield from _walk_struct(value, by_tag[str(name)], where)


def _walk_struct(value: object, kind: type[Struct], where: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield Fault(where, f"should be a table, not {_noun(value)}")
        return
    known = {field.encode_name: field for field in fields(kind)}
    for key, item in value.items():
        if key in known:
            yield from _walk(item, known[key].type, _join(where, key))
        elif key != kind.__struct_config__.tag_field:
            yield Fault(where, f"has an unknown key `{key}`{suggestion(key, known)}")
    for key, field in known.items():
        if field.required and key not in value:
            yield Fault(where, f"has no `{key}`, which it must have")


def _walk_leaf(value: object, kind: Any, where: str) -> Iterator[Fault]:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        if isinstance(kind, EnumMeta):
            yield Fault(where, f"{_noun(value)} is not known here{suggestion(str(value), _names(kind))}")
        else:
            yield Fault(where, _sentence(str(error), value))


def _names(kind: EnumMeta) -> list[str]:
    return [str(member) for member in list[object](kind)]


_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "date": "a date such as 2025-11-06",
    "time": "a time such as 10:00:00",
    "datetime": "a date and time such as 2025-12-24T18:00:00",
}


def _sentence(message: str, value: object) -> str:
    """Turn the decoder's "Expected `int | null`, got `str`" into a sentence with what was found."""
    expected = re.match(r"Expected `([^`]+)`(?:, got|$)", message)
    if expected is None:
        return f"{_noun(value)} does not fit here ({message.split(' - at ', maxsplit=1)[0]})"
    words = [_WORDS.get(word, word) for word in expected[1].split(" | ") if word != "null"]
    return f"expected {' or '.join(words)}, found {_noun(value)}"


def _noun(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    text = str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else text[:39] + "…"


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _item(where: str, index: int, item: object) -> str:
    """Name a list's item as a person would: an issue by its id, anything else by its place, from 1."""
    if where == "issues" and isinstance(item, dict) and isinstance(item.get("id"), int | str):
        return f"issue #{item['id']}"
    return f"{where}[{index + 1}]"
