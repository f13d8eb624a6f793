"""Framed panes: a title in the top line, figures at its right end, lines within; and lists with a cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from loom_tui.room.snapshot import Snapshot
from loom_tui.widgets.canvas import Canvas
from loom_tui.widgets.lines import EMPTY, Ground, Ink, Line, Span, clip, fit, on, spread, width_of

MARGIN = 2  # cells between the edge and the text: the frame and a blank


class Panel(Canvas, can_focus=True):
    """A framed pane that shows a snapshot. Subclasses give title, figures and body."""

    source = ""  # the source that `r` asks, where the pane shows one

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id, classes=classes)
        self._snapshot: Snapshot | None = None

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot that is shown; only to be asked for once there is one."""
        assert self._snapshot is not None  # noqa: S101 - body() is not called before
        return self._snapshot

    def show(self, snapshot: Snapshot) -> None:
        """Show a snapshot."""
        self._snapshot = snapshot
        self.redraw()

    def title(self) -> Line:
        """Give the title, at the left of the top line."""
        return EMPTY

    def figures(self) -> Line:
        """Give the figures at the right end of the top line."""
        return EMPTY

    def body(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - for subclasses
        """Draw what is within the frame."""
        return ()

    def paint(self, width: int, height: int) -> Sequence[Line]:
        """Draw frame and body; nothing but the frame before the first snapshot."""
        ink = Ink.ACCENT if self.has_focus else Ink.RULE
        inner = max(0, width - 2 * MARGIN)
        ready = self._snapshot is not None
        body = list(self.body(inner, height - 2))[: height - 2] if ready and inner and height > 2 else []
        body += [EMPTY] * (height - 2 - len(body))
        title, figures = (self.title(), self.figures()) if ready else (EMPTY, EMPTY)
        side = Span("│", ink)
        return [
            edge(title, figures, width, ink),
            *((side, Span(" "), *clip(line, inner), Span(" "), side) for line in body),
            (Span("╰" + "─" * (width - 2) + "╯", ink),),
        ]

    def watch_has_focus(self, _has_focus: bool) -> None:  # noqa: FBT001 - Textual's signature
        """Take or lose the accent; `on_blur` would come before the focus is gone."""
        super().watch_has_focus(_has_focus)
        self.redraw()


def edge(title: Line, figures: Line, width: int, ink: Ink, *, ends: str = "╭╮") -> Line:
    """Draw a frame's top line (or with other `ends` its bottom) with what sits in it; the figures give way."""
    named: Line = (Span(" "), *title, Span(" ")) if title else EMPTY
    valued: Line = (Span(" "), *figures, Span(" ")) if figures else EMPTY
    space = width - 4
    named = clip(named, space) if width_of(named) > space else named
    if width_of(named) + width_of(valued) > space:
        valued = EMPTY
    rule = "─" * max(0, space - width_of(named) - width_of(valued))
    return (Span(f"{ends[0]}─", ink), *named, Span(rule, ink), *valued, Span(f"─{ends[1]}", ink))


def heading(text: str) -> Line:
    """Write a pane's title."""
    return (Span(text, bold=True),)


class ListPanel(Panel):
    """A pane of rows with a cursor that stays on its key when rows come and go. Only the visible rows are drawn."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="list.down"),
        Binding("k,up", "move(-1)", "Up", show=False, id="list.up"),
        Binding("g,home", "jump(False)", "First", show=False, id="list.first"),
        Binding("G,end", "jump(True)", "Last", show=False, id="list.last"),
        Binding("ctrl+d,pagedown", "page(1)", "Half a page down", show=False, id="list.page_down"),
        Binding("ctrl+u,pageup", "page(-1)", "Half a page up", show=False, id="list.page_up"),
        Binding("enter", "open", "Open", show=False, id="list.open"),
    ]

    class Opened(Message):
        """Enter was pressed on a row."""

        def __init__(self, panel: ListPanel, key: str) -> None:
            super().__init__()
            self.panel = panel
            self.key = key

    class Moved(Message):
        """The cursor went to another row."""

        def __init__(self, panel: ListPanel, key: str) -> None:
            super().__init__()
            self.panel = panel
            self.key = key

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id, classes=classes)
        self._key = ""
        self._index = 0
        self._top = 0
        self.needle = ""
        self._found: tuple[Sequence[str], str, Sequence[str]] | None = None  # what passed, of which keys

    def keys(self) -> Sequence[str]:
        """List the rows' keys, in order."""
        return ()

    def row(self, key: str, width: int) -> Line:
        """Draw one row."""
        return (Span(fit(key, width)),)

    def head(self, width: int) -> Sequence[Line]:  # noqa: ARG002 - for subclasses
        """Draw what stays above the rows."""
        return ()

    def foot(self, width: int) -> Sequence[Line]:  # noqa: ARG002 - for subclasses
        """Draw what stays below the rows."""
        return ()

    def empty(self) -> Sequence[Line]:
        """Say what would be here, and how to get it."""
        return ((Span("Nothing here yet.", Ink.FAINT),),)

    def matches(self, key: str, needle: str) -> bool:
        """Say whether a row passes the filter (small letters)."""
        return needle in key.casefold()

    @property
    def moves(self) -> bool:
        """Whether keys move this list's cursor now, so that it is shown."""
        return self.has_focus

    @property
    def cursor(self) -> str:
        """The key under the cursor; empty where there are no rows."""
        keys = self.shown_keys()
        if not keys:
            return ""
        return self._key if self._key in keys else keys[min(self._index, len(keys) - 1)]

    def shown_keys(self) -> Sequence[str]:
        """List the keys that pass the filter; rows are looked through once for a list and a filter, not once a key."""
        keys, needle = self.keys(), self.needle.casefold()
        if not needle:
            return keys
        if self._found is None or self._found[0] is not keys or self._found[1] != needle:
            self._found = (keys, needle, [key for key in keys if self.matches(key, needle)])
        return self._found[2]

    def show(self, snapshot: Snapshot) -> None:
        """Show a snapshot; its rows may say something else under the same keys."""
        self._found = None
        super().show(snapshot)

    def select(self, key: str) -> None:
        """Put the cursor on a row, where it is there."""
        keys = self.shown_keys()
        if key in keys:
            self._put(keys, keys.index(key))

    def filter(self, needle: str) -> None:
        """Show only the rows with this text in them; an empty one shows all."""
        self.needle = needle
        self.redraw()

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Draw head, the visible rows and foot."""
        head, foot = list(self.head(width)), list(self.foot(width))
        keys = self.shown_keys()
        room = max(1, height - len(head) - len(foot))
        if not keys:
            none: list[Line] = [(Span(f"Nothing matches {self.needle!r}; esc shows all.", Ink.FAINT),)]
            rows = none if self.needle else list(self.empty())
            return [*head, *rows[:room], *[EMPTY] * (room - len(rows)), *foot]
        index = self._find(keys)
        self._top = min(max(self._top, index - room + 1), index, max(0, len(keys) - room))
        rows = []
        for place in range(self._top, min(len(keys), self._top + room)):
            line = clip(self.row(keys[place], width), width)
            rows.append(on(line, Ground.SELECTED) if place == index and self.moves else line)
        return [*head, *rows, *[EMPTY] * (room - len(rows)), *foot]

    def _find(self, keys: Sequence[str]) -> int:
        if self._index < len(keys) and keys[self._index] == self._key:
            return self._index
        if self._key in keys:
            self._index = keys.index(self._key)
        else:
            self._index = min(self._index, len(keys) - 1)
        return self._index

    def _put(self, keys: Sequence[str], index: int) -> None:
        index = min(max(index, 0), len(keys) - 1)
        self._index, self._key = index, keys[index]
        self.redraw()
        self.post_message(self.Moved(self, self._key))

    def action_move(self, by: int) -> None:
        """Move the cursor by rows."""
        keys = self.shown_keys()
        if keys:
            self._put(keys, self._find(keys) + by)

    def action_jump(self, last: bool) -> None:  # noqa: FBT001 - an action's argument in a binding
        """Go to the first or the last row."""
        keys = self.shown_keys()
        if keys:
            self._put(keys, len(keys) - 1 if last else 0)

    def action_page(self, by: int) -> None:
        """Move the cursor by half a page."""
        self.action_move(by * max(1, self.size.height // 2))

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if self.cursor:
            self.post_message(self.Opened(self, self.cursor))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where a mouse, if there is one, points."""
        keys = self.shown_keys()
        row = self._top + event.y - 1 - len(list(self.head(max(1, self.size.width - 2 * MARGIN))))
        if keys and 0 <= row < len(keys):
            self._put(keys, row)


def labelled(label: str, value: Span, width: int) -> Line:
    """Write a faint label at the left and a value at the right."""
    return spread((Span(fit(label, max(0, width - width_of((value,)) - 1)), Ink.FAINT),), (value,), width)
