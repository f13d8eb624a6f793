"""Which change of a column's type an older version stands: one that takes all that the old type held."""

from __future__ import annotations

from msgspec import Struct

# Each takes all values of those before it, and reads them back the same.
_LADDERS = (("SMALLINT", "INT", "BIGINT"), ("FLOAT", "DOUBLE"))
_TEXTS = ("CHAR", "VARCHAR", "TEXT")
_ENDLESS = 1 << 30


class ColumnType(Struct, frozen=True, array_like=True):
    """A column's type: the parser's word for its kind ("" for a database's own), as SQL writes it, its bounds."""

    kind: str
    sql: str
    length: int | None = None
    bounded: bool = False


def is_wider(old: ColumnType, new: ColumnType) -> bool:
    """Say whether the new type is the old one, or takes all of it."""
    if old == new:
        return True
    if old.kind in _TEXTS and new.kind in _TEXTS:
        return new.length is None or (old.length or _ENDLESS) <= (new.length or _ENDLESS)
    if old.kind == new.kind == "DECIMAL":
        return not new.bounded
    return any(
        old.kind in ladder and new.kind in ladder and ladder.index(old.kind) <= ladder.index(new.kind)
        for ladder in _LADDERS
    )
