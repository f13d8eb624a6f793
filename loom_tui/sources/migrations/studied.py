"""What the study of a migration's text gives, and what of it an older version may not stand beside those before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from loom_tui.room.database import Suspicion
from loom_tui.sources.migrations.types import ColumnType, is_wider


class Deed(Struct, frozen=True, array_like=True):
    """What a statement does that matters to an older version, or to the reading of later ones.

    With a `type`, the column is of it from here on; `what` is then a suspicion where the type before was not narrower.
    """

    line: int
    what: str = ""
    column: str = ""
    type: ColumnType | None = None


class Studied(Struct, frozen=True, array_like=True):
    """What a migration's text alone tells: its deeds in their order, and the indexes that it makes."""

    deeds: tuple[Deed, ...]
    indexes: tuple[str, ...] = ()


def judged(studies: Iterable[Studied | None]) -> list[tuple[Suspicion, ...]]:
    """Say of migrations in their order what is suspicious in each. One that was not studied is itself suspicious."""
    types: dict[str, ColumnType] = {}
    return [
        tuple(_doubts(studied, types)) if studied is not None else (Suspicion(line=1, what="is not studied yet"),)
        for studied in studies
    ]


def _doubts(studied: Studied, types: dict[str, ColumnType]) -> Iterator[Suspicion]:
    for deed in studied.deeds:
        what = deed.what
        if deed.type is not None:
            old = types.get(deed.column)
            types[deed.column] = deed.type
            if what and old is None:
                what = f"{what}; what it was is not in the files"
            elif what and old is not None:
                what = "" if is_wider(old, deed.type) else f"{what}, which was {old.sql}"
        if what:
            yield Suspicion(line=deed.line, what=what)
