"""A journal's chain, checked in steps beside a room's other work: 100,000 events take a third of a second of a core."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from loom_tui.room.events import Event
from loom_tui.room.record import ChainView, Record, plain
from loom_tui.store import chain
from loom_tui.store.base import ChainBroken, Store

TOLD_STEPS = 10  # are told at once
STEP = 1000  # rows that are checked at a time: some 3 ms in which no key is answered


class Inspection:
    """How far one journal was checked. It goes on where it stopped, and holds a new check to the last head it saw."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._witness = chain.EMPTY  # the newest head that held
        self._token = -1  # of the journal, when the last step began
        self.restart()

    def restart(self) -> None:
        """Check from the first event again."""
        self._head = chain.EMPTY
        self._read = 0  # rows up to here were looked at; beyond the first bad one for their strays alone
        self._of = 0
        self._broken: ChainBroken | None = None
        self._strays: list[Record] = []
        self.done = False
        self.tell()

    def tell(self) -> None:
        """Tell how far it came after the next step, whatever that finds."""
        self._token, self._untold = -1, TOLD_STEPS

    def go_on(self, token: int, folded: Sequence[Event]) -> ChainView | None:
        """Check a step where more of it waits or the journal's token is another; tells of each tenth and of the last.

        Raises StoreError.
        """
        if self.done and token == self._token:
            return None
        self._token = token
        self.step(folded)
        self._untold += 1
        if not self.done and self._untold < TOLD_STEPS:
            return None
        self._untold = 0
        return self.view(folded)

    def step(self, folded: Sequence[Event]) -> None:
        """Check some more rows; those that are not among the folded events are kept as strays. Raises StoreError."""
        self._of = self._store.given()  # the number first: an event appended meanwhile must not look like a missing one
        records = self._store.records(after=self._read, limit=STEP)
        self.done = len(records) < STEP
        if self._broken is None:
            try:
                self._check(records)
            except ChainBroken as error:
                self._broken = error
        if records:
            self._read = records[-1].seq
            shown = {event.seq for event in _between(folded, records[0].seq, self._read)}
            self._strays += [plain(record) for record in records if record.seq not in shown]

    def _check(self, records: Sequence[Record]) -> None:
        self._head = chain.follow(self._head, records)
        known = self._witness
        if any(record.seq == known.seq and record.hash != known.hash for record in records):
            raise ChainBroken(known.seq, "it is not what this room verified before: the journal was written anew")
        if self.done:
            self._witness = chain.whole(self._head, given=max(self._of, known.seq))

    def view(self, folded: Sequence[Event]) -> ChainView:
        """Say how far the chain was checked. A stray that was folded since is none any more."""
        shown = {event.seq for record in self._strays for event in _between(folded, record.seq, record.seq)}
        self._strays = [record for record in self._strays if record.seq not in shown]
        bad, why = (self._broken.seq, self._broken.why) if self._broken is not None else (0, "")
        seq = bad - 1 if bad else self._head.seq
        return ChainView(seq=seq, of=max(self._of, self._head.seq), bad=bad, why=why, strays=tuple(self._strays))


def _between(events: Sequence[Event], first: int, last: int) -> Sequence[Event]:
    """Give the events numbered `first` to `last`: their numbers rise."""
    start = bisect_left(events, first, key=_seq)
    return events[start : bisect_right(events, last, lo=start, key=_seq)]


def _seq(event: Event) -> int:
    return event.seq
