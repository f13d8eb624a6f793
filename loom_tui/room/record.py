"""The journal as it is stored: rows that can be told and exported also where their payload is gone, or is not ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

CHAIN = "journal"  # what a room asks of itself: how far the chain holds; the answer's body is a `ChainView`
NO_TIME = -1e15  # no clock tells it: a tamperer stored something else


class Record(Struct, frozen=True):
    """One row. `body` is its payload's JSON, None once it had to be removed; `digest` is the payload's, 32 bytes."""

    seq: int
    at: float
    actor: str
    body: bytes | None
    digest: bytes
    hash: str


class ChainView(Struct, frozen=True, kw_only=True):
    """How far the journal's chain was checked: events 1 to `seq` hold, of `of` that there are.

    `bad` is the first event that does not (0: none was found), with `why`. `strays` are the rows that no fold shows:
    their payload was removed, or a later version wrote them.
    """

    seq: int
    of: int
    bad: int = 0
    why: str = ""
    strays: tuple[Record, ...] = ()


def plain(record: Record) -> Record:
    """Give a row with the types its columns should have, whatever a tamperer stored; a time that is none `NO_TIME`."""
    columns: tuple[object, ...] = astuple(record)
    _, at, actor, body, digest, event_hash = columns
    return Record(
        record.seq,
        at if isinstance(at, float) else NO_TIME,
        actor if isinstance(actor, str) else repr(actor),
        body if body is None or isinstance(body, bytes) else repr(body).encode("utf-8", "replace"),
        digest if isinstance(digest, bytes) else repr(digest).encode("utf-8", "replace"),
        event_hash if isinstance(event_hash, str) else repr(event_hash),
    )


def fields_of(body: bytes | None) -> Mapping[str, object]:
    """Read a payload's JSON object; empty where it was removed or is none."""
    try:
        found: dict[str, object] = msgspec.json.decode(body or b"{}", type=dict[str, object])
    except msgspec.DecodeError:
        return {}
    return found


def kind_of(fields: Mapping[str, object]) -> str:
    """Name a payload's kind ("task_ticked"); empty where it tells none."""
    kind = fields.get("kind", "")
    return kind if isinstance(kind, str) else ""


def flat(fields: Mapping[str, object], *, under: str = "") -> Iterator[tuple[str, object]]:
    """Give a payload's fields by their paths ("gate.state"); lists stay whole, the kind is left out."""
    for name, value in fields.items():
        if isinstance(value, dict) and value:
            yield from flat(value, under=f"{under}{name}.")
        elif under or name != "kind":
            yield f"{under}{name}", value
