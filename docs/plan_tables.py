"""Keep the tables of docs/plan.md true: keys, types and defaults are taken from the plan's types, meanings stay.

python docs/plan_tables.py            write the tables anew; what is new gets a section at the end, to move and fill
python docs/plan_tables.py --check    say what is stale or has no meaning yet, and change nothing (exit 1)
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin

from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields

from loom_tui.plan.model import Plan
from loom_tui.plan.sources.base import Asked

PAGE = Path(__file__).with_name("plan.md")
HEAD = ("| key | type | default | meaning |", "|---|---|---|---|")
_TABLE = re.compile(r"<!-- keys of (?P<name>\w+) -->\n(?P<rows>(?:\|.*\n)*)")
_WORDS = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    date: "date",
    datetime: "date and time",
    time: "time",
    Any: "anything",
}


def structs_of(kind: Any, known: dict[str, type[Struct]]) -> dict[str, type[Struct]]:
    """Find every struct of the plan, in the order in which it speaks of them."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        if kind.__name__ not in known:
            known[kind.__name__] = kind
            for field in fields(kind):
                structs_of(field.type, known)
    else:
        for part in get_args(kind):
            structs_of(part, known)
    return known


def shown_fields(kind: type[Struct]) -> Sequence[FieldInfo]:
    """List a struct's keys; of a source's those that are its own, or whose default is."""
    if kind is Asked or not issubclass(kind, Asked):
        return fields(kind)
    common = {field.name: field.default for field in fields(Asked)}
    return [field for field in fields(kind) if field.name not in common or field.default != common[field.name]]


def type_words(kind: Any) -> str:
    """Say in words what a key takes."""
    origin, parts = get_origin(kind), [part for part in get_args(kind) if part is not type(None)]
    if origin is UnionType:
        if parts and all(isinstance(part, type) and issubclass(part, Struct) for part in parts) and len(parts) > 1:
            return f"table, by its `{parts[0].__struct_config__.tag_field}`"
        return " or ".join(type_words(part) for part in parts)
    if origin is Literal:
        return "one of " + ", ".join(f"`{part}`" for part in parts)
    if origin is tuple:
        return (
            f"list of {type_words(parts[0])}" if Ellipsis in parts else f"list of {len(parts)}: {type_words(parts[0])}"
        )
    if origin is dict:
        return f"table of {type_words(parts[1])}".replace("table of table,", "tables,")
    if issubclass(kind, Enum):
        return "one of " + ", ".join(f"`{member.value}`" for member in kind)
    return f"[{kind.__name__}](#{kind.__name__.lower()})" if issubclass(kind, Struct) else _WORDS[kind]


def default_words(field: FieldInfo) -> str:
    """Say what a key is without being written."""
    if field.required:
        return "needed"
    default = field.default if field.default is not NODEFAULT else field.default_factory()
    if default is None or default in ("", (), {}) or isinstance(default, Struct):
        return ""
    if isinstance(default, Enum):
        return f"`{default.value}`"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple):
        return ", ".join(f"`{item}`" for item in default)
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def table_of(kind: type[Struct], meanings: Mapping[str, str]) -> str:
    """Write a struct's table with the meanings that are known."""
    rows = []
    if kind.__struct_config__.tag is not None and kind is not Asked:
        rows.append(f"| `{kind.__struct_config__.tag_field}` | text | needed | `{kind.__struct_config__.tag}` |")
    for field in shown_fields(kind):
        key = f"`{field.encode_name}`"
        cells = (key, type_words(field.type), default_words(field), meanings.get(key, ""))
        rows.append("| " + " | ".join(cells).replace("  ", " ") + " |")
    return "\n".join((*HEAD, *rows)) + "\n"


def meanings_of(rows: str) -> dict[str, str]:
    """Read a table's last column by its first."""
    found = {}
    for row in rows.splitlines()[2:]:
        key, _, _, meaning = (part.strip() for part in re.split(r"(?<!\\)\|", row.strip("|"), maxsplit=3))
        found[key] = meaning
    return found


def written_anew(text: str) -> str:
    """Write all tables anew; a struct without one gets a section at the end."""
    structs = structs_of(Plan, {"Asked": Asked})

    def anew(match: re.Match[str]) -> str:
        kind = structs.get(match["name"])
        return "" if kind is None else f"<!-- keys of {match['name']} -->\n{table_of(kind, meanings_of(match['rows']))}"

    text = _TABLE.sub(anew, text)
    there = {match["name"] for match in _TABLE.finditer(text)}
    for name, kind in structs.items():
        if name not in there:
            about = (kind.__doc__ or "").partition("\n")[0]
            text += f"\n### {name}\n\n{about}\n\n<!-- keys of {name} -->\n{table_of(kind, {})}"
    return text


def faults(text: str) -> Iterator[str]:
    """Say what is stale or not said yet."""
    anew = written_anew(text)
    if anew != text:
        yield "docs/plan.md is stale: run `python docs/plan_tables.py`"
    for match in _TABLE.finditer(anew):
        for key, meaning in meanings_of(match["rows"]).items():
            if not meaning:
                yield f"docs/plan.md does not say what {key} of {match['name']} means"


if __name__ == "__main__":
    found = PAGE.read_text(encoding="utf-8")
    if "--check" in sys.argv:
        told = list(faults(found))
        sys.exit("\n".join(told) or None)
    PAGE.write_text(written_anew(found), encoding="utf-8")
