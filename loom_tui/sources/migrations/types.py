"""Which change of a column's type an older version stands: one that takes all that the old type held."""

from __future__ import annotations

from sqlglot import exp

# Each takes all values of those before it, and reads them back the same.
_LADDERS = (
    (exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT),
    (exp.DType.FLOAT, exp.DType.DOUBLE),
)
_TEXTS = (exp.DType.CHAR, exp.DType.VARCHAR, exp.DType.TEXT)


def is_wider(old: exp.DataType, new: exp.DataType) -> bool:
    """Say whether the new type is the old one, or takes all of it."""
    if old == new:
        return True
    if old.this in _TEXTS and new.this in _TEXTS:
        return _length(new) is None or (_length(old) or _ENDLESS) <= (_length(new) or _ENDLESS)
    if old.this is exp.DType.DECIMAL and new.this is exp.DType.DECIMAL:
        return not new.expressions
    return any(
        old.this in ladder and new.this in ladder and ladder.index(old.this) <= ladder.index(new.this)
        for ladder in _LADDERS
    )


_ENDLESS = 1 << 30


def _length(kind: exp.DataType) -> int | None:
    return int(kind.expressions[0].name) if kind.expressions and kind.expressions[0].name.isdecimal() else None
