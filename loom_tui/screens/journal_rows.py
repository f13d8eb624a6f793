"""What screen 9 draws: pure functions from events and rows of the journal to lines."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import overload

import msgspec

from loom_tui.plan.model import IssueId
from loom_tui.plan.words import issue_name
from loom_tui.room.acting import ActionArmed, OfAction
from loom_tui.room.events import Event, Payload, decode_payload
from loom_tui.room.record import ChainView, Record, fields_of, flat, kind_of
from loom_tui.room.told import told
from loom_tui.widgets.lines import EMPTY, Column, Ink, Line, Span, broken, cells, clean, fit, wrap
from loom_tui.widgets.text import Pen, Sign, age

ALL = "every kind"
REMOVED = "removed"
WIDE = 100  # cells: below it the time goes without its seconds, and the issue goes
LABEL = 12

Entry = Event | Record  # a row that no fold shows stays a record


class Listed(Sequence[str]):
    """The numbers of entries as keys, newest first: a view of rows in their order, which lists nothing anew."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...
    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        return str(self._entries[-1 - place if place >= 0 else -1 - place - len(self)].seq)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and find(self._entries, key) is not None

    def index(self, value: str, start: int = 0, stop: int | None = None) -> int:
        """Find a key's place. Raises ValueError."""
        place = _place(self._entries, value)
        if place is None:
            raise ValueError(value)
        found = len(self) - 1 - place
        if not start <= found < (len(self) if stop is None else stop):
            raise ValueError(value)
        return found


def find(entries: Sequence[Entry], key: str) -> Entry | None:
    """Find an entry by its key."""
    place = _place(entries, key)
    return None if place is None else entries[place]


def _place(entries: Sequence[Entry], key: str) -> int | None:
    if not key.isascii() or not key.isdigit():
        return None
    seq = int(key)
    place = bisect_left(entries, seq, key=_seq)
    return place if place < len(entries) and entries[place].seq == seq else None


def _seq(entry: Entry) -> int:
    return entry.seq


def entries_of(events: Sequence[Event], strays: Sequence[Record]) -> Sequence[Entry]:
    """Put the folded events and the rows that no fold shows in their order; without such rows nothing is copied."""
    if not strays:
        return events
    known = {event.seq for event in events}
    others = [_read(record) for record in strays if record.seq not in known]
    return sorted([*events, *others], key=_seq)


def _read(record: Record) -> Entry:
    """Read a row where its kind is known: the fold has stopped before it."""
    if record.body is None:
        return record
    try:
        payload = decode_payload(record.body)
    except msgspec.DecodeError:
        return record
    return Event(seq=record.seq, at=record.at, actor=record.actor, payload=payload, hash=record.hash)


def action_in(entry: Entry | None) -> int:
    """Give the number of the action that an event tells of; 0 for none."""
    payload = entry.payload if isinstance(entry, Event) else None
    if isinstance(payload, ActionArmed) and entry is not None:
        return entry.seq
    return payload.action if isinstance(payload, OfAction) else 0


def kind_word(entry: Entry) -> str:
    """Name an entry's kind in words: "task ticked"; a row without a payload is "removed"."""
    if isinstance(entry, Event):
        return _word_of(type(entry.payload))
    if entry.body is None:
        return REMOVED
    return clean(kind_of(fields_of(entry.body)), limit=60).replace("_", " ") or "unreadable"


@cache
def _word_of(kind: type[Payload]) -> str:
    return str(kind.__struct_config__.tag).replace("_", " ")


def kinds_of(entries: Sequence[Entry]) -> Mapping[str, int]:
    """Count the entries by kind, the most frequent first."""
    return {ALL: len(entries), **dict(Counter(map(kind_word, entries)).most_common())}


def issue_of(entry: Entry) -> str:
    """Name the issue that an entry is about, or nothing."""
    issue: IssueId | None = getattr(entry.payload, "issue", None) if isinstance(entry, Event) else None
    return issue_name(issue) if issue is not None else ""


def words_of(entry: Entry) -> str:
    """Tell an entry in words; what cannot be read is shown as it is stored."""
    if isinstance(entry, Event):
        return told(entry)
    if entry.body is None:
        return "its payload was removed; its place in the chain holds"
    stored = entry.body[:2000].decode("utf-8", "replace")
    kind = kind_of(fields_of(entry.body))
    return f"a later version's {kind}: {stored}" if kind else f"cannot be read: {stored}"


def passes(entry: Entry, words: Sequence[str], kind: str, pen: Pen) -> bool:
    """Say whether an entry is of a kind and has all words (small letters) in person, kind, issue or what was done.

    A word with a colon may also be its time as the list writes it: "14:4" is all from 14:40 to 14:49.
    """
    if kind not in (ALL, kind_word(entry)):
        return False
    if not words:
        return True
    text = f"{entry.actor} {kind_word(entry)} {issue_of(entry)} {words_of(entry)}".casefold()
    return all(word in text or (":" in word and _moment(entry.at, pen, "%H:%M:%S").startswith(word)) for word in words)


def chain_line(view: ChainView | None, pen: Pen) -> Line:
    """Say how far the chain holds."""
    if view is None:
        return (Span("not verified yet", Ink.FAINT),)
    if view.bad:
        return (pen.sign(Sign.BAD), Span(f" broken at event {view.bad:,}: {view.why}", Ink.BAD))
    if view.seq < view.of:
        return (Span(f"verified {view.seq:,} of {view.of:,} events …", Ink.FAINT),)
    return (Span(f"verified {view.seq:,} event{'' if view.seq == 1 else 's'}", Ink.OK),)


def _moment(at: float, pen: Pen, form: str) -> str:
    try:
        return pen.local(at).strftime(form)
    except (ValueError, OverflowError, OSError):  # the row was tampered with
        return "no time"


def _columns(width: int, pen: Pen) -> tuple[Column, ...]:
    wide = width >= WIDE
    fixed = (
        Column(pen.sign_width),
        Column(7, right=True),
        Column(15 if wide else 12),
        Column(12 if wide else 8),
        Column(7 * wide),
    )
    return (*fixed, Column(max(10, width - sum(each.width for each in fixed) - len(fixed))))


def head_line(width: int, pen: Pen) -> Line:
    """Name the columns."""
    return cells(
        _columns(width, pen), [Span(name, Ink.FAINT) for name in ("", "event", "time", "who", "issue", "what")]
    )


def entry_row(entry: Entry, view: ChainView | None, pen: Pen, width: int) -> Line:
    """Draw an entry: where the chain breaks, and what no fold shows, stands out."""
    at = _moment(entry.at, pen, "%d %b %H:%M:%S" if width >= WIDE else "%d %b %H:%M")
    bad = view is not None and view.bad == entry.seq
    mark, ink = Span(""), Ink.INK
    if isinstance(entry, Record):
        ink = Ink.FAINT if entry.body is None else Ink.WARN
        mark = Span(pen.sign(Sign.UNKNOWN).text, ink)
    if bad:
        mark, ink = pen.sign(Sign.BAD), Ink.BAD
    return cells(
        _columns(width, pen),
        (
            mark,
            Span(f"{entry.seq:,}", Ink.FAINT),
            Span(at, Ink.FAINT),
            Span(clean(entry.actor, limit=20), Ink.ACCENT),
            Span(issue_of(entry), Ink.FAINT),
            Span(clean(words_of(entry), limit=300), ink),
        ),
    )


def entry_lines(entry: Entry, view: ChainView | None, pen: Pen, width: int, *, now: float) -> Iterator[Line]:
    """Draw one entry whole: its place in the chain, what it says in words, and every field."""
    ago = f"  {age(now - entry.at)} ago" if entry.at <= now else ""
    facts = (
        ("event", f"{entry.seq:,}"),
        ("time", f"{_moment(entry.at, pen, '%a %d %b %Y %H:%M:%S %z')}{ago}"),
        ("who", entry.actor),
        ("kind", kind_word(entry)),
        ("chain", _standing(entry, view)),
        ("hash", entry.hash),
    )
    for label, value in facts:
        yield from _field(label, value, width, LABEL)
    yield EMPTY
    yield from ((Span(part),) for part in wrap(words_of(entry), width))
    yield EMPTY
    fields = _fields(entry)
    room = max(LABEL, min(max(map(len, fields), default=0) + 2, width // 3))
    for name, field in fields.items():
        yield from _field(name, field, width, room)


def _fields(entry: Entry) -> Mapping[str, object]:
    if isinstance(entry, Event):
        return dict(flat(msgspec.to_builtins(entry.payload)))
    if entry.body is None:
        return {}
    return dict(flat(fields_of(entry.body))) or {"stored": entry.body.decode("utf-8", "replace")}


def _field(name: str, value: object, width: int, label: int) -> Iterator[Line]:
    """Draw a field's name and its value, over as many lines as it takes."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    for index, part in enumerate(broken(text, max(10, width - label)) if text else ("",)):
        yield (Span(fit(name if not index else "", label), Ink.FAINT), Span(part))


def _standing(entry: Entry, view: ChainView | None) -> str:
    if view is None:
        return "not verified yet"
    if view.bad == entry.seq:
        return f"broken here: {view.why}"
    if view.bad and view.bad < entry.seq:
        return f"not verified: the chain is broken at event {view.bad:,}"
    return "verified" if entry.seq <= view.seq else "not verified yet"
