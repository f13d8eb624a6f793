"""Screen 9: every event, newest first, and how far the chain holds. `enter` shows one whole, `r` verifies all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Resize, ScreenResume
from textual.timer import Timer

from loom_tui.room.mail import Reply
from loom_tui.room.record import CHAIN, ChainView
from loom_tui.room.snapshot import Snapshot
from loom_tui.screens.base import RoomScreen
from loom_tui.screens.journal_rows import (
    ALL,
    Entry,
    Listed,
    action_in,
    chain_line,
    entries_of,
    entry_lines,
    entry_row,
    find,
    head_line,
    kinds_of,
    passes,
)
from loom_tui.widgets.lines import Ink, Line, Span, clean, wrap
from loom_tui.widgets.panel import ListPanel, heading
from loom_tui.widgets.scroll import Scroll

SHORT = 30  # rows: below it the detail takes the list's place
SLICE = 500  # events that a filter looks through at a time: some 3 ms, so that keys come in between
BREATH_S = 0.005  # between two slices


class Events(ListPanel):
    """The journal's events. A filter looks through them from the newest on, slice by slice."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.chain: ChainView | None = None
        self.kind = ALL
        self._entries: Sequence[Entry] = ()
        self._passed: list[Entry] = []
        self._unseen = 0  # so many of the oldest were not looked through yet
        self._search: Timer | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Take the events in."""
        self._take(entries_of(snapshot.events, self.chain.strays if self.chain is not None else ()))
        super().show(snapshot)

    def hold(self, chain: ChainView) -> None:
        """Show how far the chain holds."""
        strays = self.chain.strays if self.chain is not None else ()
        self.chain = chain
        if self._snapshot is not None and chain.strays != strays:
            self._take(entries_of(self._snapshot.events, chain.strays))
        self.redraw()

    def _take(self, entries: Sequence[Entry]) -> None:
        old, self._entries = self._entries, entries
        if not self._narrowed:
            return
        if old and len(entries) >= len(old) and entries[len(old) - 1].seq == old[-1].seq:
            self._passed += self._those_of(entries[len(old) :])
        else:
            self._look_anew()

    @property
    def _narrowed(self) -> bool:
        return bool(self.needle.strip()) or self.kind != ALL

    def filter(self, needle: str) -> None:
        """Show only the events with these words in them."""
        self.needle = needle
        self._look_anew()

    def narrow(self, kind: str) -> None:
        """Show only the events of a kind."""
        self.kind = kind
        self._look_anew()

    def _look_anew(self) -> None:
        self._passed, self._unseen = [], len(self._entries) if self._narrowed else 0
        self._look_on()

    def _look_on(self) -> None:
        """Look through the next slice, and go on with the next when keys had their turn."""
        if self._search is not None:
            self._search.stop()
            self._search = None
        start = max(0, self._unseen - SLICE)
        self._passed = [*self._those_of(self._entries[start : self._unseen]), *self._passed]
        self._unseen = start
        if start:
            self._search = self.set_timer(BREATH_S, self._look_on)
        self.redraw()

    def _those_of(self, entries: Sequence[Entry]) -> list[Entry]:
        words = self.needle.casefold().split()
        return [entry for entry in entries if passes(entry, words, self.kind, self.pen)]

    @property
    def moves(self) -> bool:
        """Also beside an opened event: its row stands out."""
        return self.has_focus or self.screen.has_class("open")

    def title(self) -> Line:
        """Name the pane, how far the chain holds, and the filters."""
        kind = (Span(f"  {clean(self.kind)}", Ink.ACCENT),) if self.kind != ALL else ()
        words = (Span(f"  /{clean(self.needle, limit=20)}", Ink.ACCENT),) if self.needle else ()
        return (*heading("Journal"), *kind, *words, Span("  "), *chain_line(self.chain, self.pen))

    def figures(self) -> Line:
        """Count what is shown; while a filter still looks, say so."""
        count = len(self._entries)
        if not self._narrowed:
            return (Span(f"{count:,} event{'' if count == 1 else 's'}", Ink.FAINT),)
        more = f" so far, {self._unseen:,} to look through" if self._unseen else ""
        return (Span(f"{len(self._passed):,} of {count:,}{more}", Ink.FAINT),)

    def keys(self) -> Sequence[str]:
        """List the events that pass, newest first."""
        return Listed(self._passed if self._narrowed else self._entries)

    def shown_keys(self) -> Sequence[str]:
        """List the same: the filter is applied slice by slice."""
        return self.keys()

    def entry(self, key: str) -> Entry | None:
        """Find an event."""
        return find(self._entries, key)

    def kinds(self) -> Sequence[Entry]:
        """Give all events, to be counted by kind."""
        return self._entries

    def head(self, width: int) -> Sequence[Line]:
        """Name the columns."""
        return (head_line(width, self.pen),)

    def row(self, key: str, width: int) -> Line:
        """Draw an event."""
        entry = self.entry(key)
        return entry_row(entry, self.chain, self.pen, width) if entry is not None else ()

    def foot(self, width: int) -> Sequence[Line]:
        """Say the whole of what is wrong with the chain."""
        if self.chain is None or not self.chain.bad:
            return ()
        text = f"The chain is broken at event {self.chain.bad:,}: {self.chain.why}."
        return [(Span(part, Ink.BAD),) for part in wrap(text, width)]

    def empty(self) -> Sequence[Line]:
        """Say why there is nothing: nobody did anything, or nothing of the kind."""
        if self.kind != ALL:
            return ((Span(f"No event is of the kind {clean(self.kind)}; esc shows all.", Ink.FAINT),),)
        return ((Span("Nothing has been done yet; m stamps a note.", Ink.FAINT),),)


class EventDetail(Scroll):
    """One event, whole."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._entry: Entry | None = None
        self._chain: ChainView | None = None

    def choose(self, entry: Entry | None, chain: ChainView | None) -> None:
        """Show an event; another one from its first line."""
        changed = entry is None or self._entry is None or entry.seq != self._entry.seq
        if entry is self._entry and chain == self._chain:
            return
        self._entry, self._chain = entry, chain
        self.again()
        if changed:
            self.action_jump(last=False)

    def show(self, snapshot: Snapshot) -> None:
        """Keep the lines: an event does not change."""
        laid = self._laid
        super().show(snapshot)
        self._laid = laid

    def title(self) -> Line:
        """Name the pane."""
        return heading(f"Event {self._entry.seq:,}" if self._entry is not None else "Event")

    def figures(self) -> Line:
        """Say how to go back."""
        return (Span("esc goes back", Ink.FAINT),)

    def lines(self, width: int) -> Sequence[Line]:
        """Lay the event's facts and fields."""
        if self._entry is None:
            return ()
        return list(entry_lines(self._entry, self._chain, self.pen, width, now=self.snapshot.now))


class JournalScreen(RoomScreen):
    """The ninth screen."""

    NUMBER = "9"
    AUTO_FOCUS = "#journal-list"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "narrow", "Show one kind of event", show=False, id="journal.narrow"),
        Binding("A", "follow", "The action of this event, or the one under way", show=False, id="action"),
        Binding("r", "verify", "Verify the chain from its first event", show=False, id="journal.verify"),
    ]

    def compose_body(self) -> ComposeResult:
        """Lay list and detail."""
        with Vertical(id="journal-body"):
            yield Events(id="journal-list")
            yield EventDetail(id="journal-detail")

    def on_resize(self, event: Resize) -> None:
        """Show the detail instead of the list where both do not fit."""
        self.set_class(event.size.height < SHORT, "short")

    def on_screen_resume(self, event: ScreenResume) -> None:
        """Come up to date, the chain too."""
        super().on_screen_resume(event)
        self.loom.inspect_journal(whole=False)

    def replied(self, what: str, subject: str, reply: Reply) -> None:  # noqa: ARG002 - there is one journal
        """Show how far the chain holds."""
        if what == CHAIN:
            self.query_one(Events).hold(msgspec.json.decode(reply.body, type=ChainView))
            if self.has_class("open"):
                self._choose()

    def _choose(self) -> None:
        events = self.query_one(Events)
        self.query_one(EventDetail).choose(events.entry(events.cursor), events.chain)

    def on_list_panel_moved(self, message: ListPanel.Moved) -> None:
        """Show the event under the cursor, where one is opened."""
        if isinstance(message.panel, Events) and self.has_class("open"):
            self._choose()

    def on_list_panel_opened(self, message: ListPanel.Opened) -> None:
        """Show the event whole: its lines take the keys."""
        if isinstance(message.panel, Events):
            self.add_class("open")
            self._choose()
            self.query_one(EventDetail).focus()

    def action_back(self) -> None:
        """Close the event, then clear its filters."""
        events, detail = self.query_one(Events), self.query_one(EventDetail)
        if self.has_class("open") and not (detail.has_focus and detail.needle):
            self.remove_class("open")
            events.focus()
        elif not events.needle and events.kind != ALL:
            events.narrow(ALL)
        else:
            super().action_back()

    def action_narrow(self) -> None:
        """Choose the kind of event that is shown."""
        from loom_tui.screens.choose import Choose  # noqa: PLC0415 - only here

        events = self.query_one(Events)

        def chosen(kind: str | None) -> None:
            if kind is not None:
                events.narrow(kind)

        self.loom.push_screen(Choose("Show", kinds_of(events.kinds())), chosen)

    def action_follow(self) -> None:
        """Show the action that the event under the cursor tells of, else the one under way."""
        events = self.query_one(Events)
        self.loom.action_follow(action_in(events.entry(events.cursor)))

    def action_verify(self) -> None:
        """Verify the chain from its first event."""
        self.loom.inspect_journal(whole=True)
        self.loom.say("Verifying the journal from its first event …")

    def copied(self, panel: ListPanel) -> str:  # noqa: ARG002 - the detail's lines are no ids
        """Copy the event's number and hash: what one holds against a journal that was written anew."""
        events = self.query_one(Events)
        entry = events.entry(events.cursor)
        return f"{entry.seq} {entry.hash}" if entry is not None else ""
