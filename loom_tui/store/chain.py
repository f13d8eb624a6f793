r"""The journal's hash chain: how one event's hash follows from its predecessor's.

    digest_n = sha256(payload_n)
    hash_n   = sha256("loom-event-1\0" | hash_(n-1) | seq | at | length of actor | actor | digest_n)

with hashes and digests as 32 raw bytes, seq as 8 bytes and the length as 4, big-endian, `at` as an IEEE double,
big-endian, the actor in UTF-8, and 32 zero bytes before the first event. The chain covers digests, so that a
payload that must go can be removed and the rest still holds.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from hashlib import sha256

from loom_tui.room.record import Record
from loom_tui.store.base import ChainBroken, Head

EMPTY = Head(0, "0" * 64)
_TAG = b"loom-event-1\0"


def digest_of(payload: bytes) -> bytes:
    """Digest a payload's stored bytes (32 bytes)."""
    return sha256(payload).digest()


def link(previous: str, *, seq: int, at: float, actor: str, digest: bytes) -> str:
    """Hash one event onto its predecessor's hash; both in hexadecimal."""
    name = actor.encode()
    return sha256(_TAG + bytes.fromhex(previous) + struct.pack(">QdI", seq, at, len(name)) + name + digest).hexdigest()


def follow(head: Head, records: Iterable[Record]) -> Head:
    """Check the rows after `head`, in the order of their numbers. Raises ChainBroken with the first bad event."""
    for record in records:
        seq, digest = record.seq, record.digest
        if seq != head.seq + 1:
            raise ChainBroken(head.seq + 1, "it is missing")
        if not _well_formed(record.at, record.actor, record.body, digest):
            raise ChainBroken(seq, "its columns were changed into something else")
        if record.body is not None and digest_of(record.body) != digest:
            raise ChainBroken(seq, "its payload was changed")
        if link(head.hash, seq=seq, at=record.at, actor=record.actor, digest=digest) != record.hash:
            raise ChainBroken(
                seq, "its hash does not follow from the event before it: it was changed, moved or replaced"
            )
        head = Head(seq, record.hash)
    return head


def verify(records: Iterable[Record], *, given: int) -> Head:
    """Check all rows. `given` is the highest number ever given: fewer rows than that means that the tail was cut."""
    return whole(follow(EMPTY, records), given=given)


def whole(head: Head, *, given: int) -> Head:
    """Give the head back where no event is missing after it. Raises ChainBroken."""
    if head.seq < given:
        raise ChainBroken(head.seq + 1, "it is missing")
    return head


def _well_formed(at: object, actor: object, payload: object, digest: object) -> bool:
    """SQLite keeps whatever type a tamperer stores."""
    kinds_hold = isinstance(at, float) and isinstance(actor, str) and isinstance(digest, bytes)
    return kinds_hold and (payload is None or isinstance(payload, bytes))
