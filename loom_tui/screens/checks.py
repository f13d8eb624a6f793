"""Screen 7: every check by group, and the chosen one with its steps. `r` runs one, `ctrl+r` its group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Resize

from loom_tui.room.snapshot import CheckView, Snapshot
from loom_tui.screens.base import RoomScreen
from loom_tui.screens.check_rows import (
    check_head,
    check_lines,
    check_row,
    counts_line,
    group_lines,
    group_row,
    groups_of,
    reason_of,
    standing_of,
)
from loom_tui.widgets.lines import Ink, Line, Span, clean
from loom_tui.widgets.panel import ListPanel, heading
from loom_tui.widgets.scroll import Scroll

SHORT = 30  # rows: below it the detail takes the list's place
_GROUP = "group "  # begins the key of a group's head; no signal's name holds a blank


class Checks(ListPanel):
    """The checks under their groups' heads."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._groups: Mapping[str, Sequence[CheckView]] = {}
        self._views: dict[str, CheckView] = {}
        self._keys: list[str] = []

    def show(self, snapshot: Snapshot) -> None:
        """Gather the checks by group."""
        self._groups = groups_of(snapshot.checks)
        self._views = {view.signal.signal.id: view for view in snapshot.checks}
        self._keys = [
            key
            for name, checks in self._groups.items()
            for key in (f"{_GROUP}{name}", *(view.signal.signal.id for view in checks))
        ]
        super().show(snapshot)

    def title(self) -> Line:
        """Name the pane, and the filter."""
        shown = (Span(f"  /{clean(self.needle, limit=20)}", Ink.ACCENT),) if self.needle else ()
        return (*heading("Checks"), *shown)

    def figures(self) -> Line:
        """Count the checks by state."""
        return counts_line(self.snapshot.checks)

    def keys(self) -> Sequence[str]:
        """List heads and checks."""
        return self._keys

    def check(self, key: str) -> CheckView | None:
        """Find a check."""
        return self._views.get(key)

    def group(self, key: str) -> Sequence[CheckView]:
        """List the checks of the group that a head or a check belongs to."""
        view = self._views.get(key)
        return self._groups.get(view.group if view is not None else key.removeprefix(_GROUP), ())

    def matches(self, key: str, needle: str) -> bool:
        """Look in a check's names, group, word and reason; a head stays while one of its checks does."""
        view = self._views.get(key)
        if view is None:
            return any(self.matches(each.signal.signal.id, needle) for each in self.group(key))
        signal, (_, word) = view.signal.signal, standing_of(view, self.snapshot.now)
        words = (signal.id, signal.label, view.group, word, reason_of(view, self.snapshot))
        return needle in " ".join(words).casefold()

    def head(self, width: int) -> Sequence[Line]:
        """Name the columns."""
        return (check_head(width, self.pen),) if self._keys else ()

    def row(self, key: str, width: int) -> Line:
        """Draw a head or a check."""
        view = self._views.get(key)
        if view is None:
            return group_row(key.removeprefix(_GROUP), self.group(key), width)
        return check_row(view, self.snapshot, self.pen, width)

    def empty(self) -> Sequence[Line]:
        """Say how checks get here."""
        return (
            (Span("The plan has no checks yet. Each source that it names brings its own:"),),
            (Span('add [sources.NAME] and kind = "http" to loom.toml; docs/plan.md lists the kinds.', Ink.FAINT),),
        )


class CheckDetail(Scroll):
    """The chosen check with its steps, or the chosen group."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._view: CheckView | None = None
        self._group: Sequence[CheckView] = ()

    def choose(self, view: CheckView | None, group: Sequence[CheckView]) -> None:
        """Show a check, or its group where none is chosen; another one from its first line."""
        changed = _id_of(view) != _id_of(self._view) or (view is None and group[:1] != self._group[:1])
        self._view, self._group = view, group
        self.again()
        if changed and self._snapshot is not None and self.keys():
            self.select("0")

    def title(self) -> Line:
        """Name the check."""
        return heading(clean(self._view.signal.signal.label, limit=60) if self._view is not None else "Group")

    def lines(self, width: int) -> Sequence[Line]:
        """Draw the check or the group."""
        if self._view is not None:
            return list(check_lines(self._view, self.snapshot, self.pen, width))
        return list(group_lines(self._group[0].group, self._group, width)) if self._group else ()

    def empty(self) -> Sequence[Line]:
        """Say that no check is chosen."""
        return ((Span("No check is chosen.", Ink.FAINT),),)


def _id_of(view: CheckView | None) -> str:
    return view.signal.signal.id if view is not None else ""


class ChecksScreen(RoomScreen):
    """The seventh screen."""

    NUMBER = "7"
    AUTO_FOCUS = "#checks-list"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "ask_group", "Run this group's checks now", show=False, id="checks.group"),
    ]

    def compose_body(self) -> ComposeResult:
        """Lay list and detail."""
        with Vertical(id="checks-body"):
            yield Checks(id="checks-list")
            yield CheckDetail(id="check-detail")

    def on_resize(self, event: Resize) -> None:
        """Show the detail instead of the list where both do not fit."""
        self.set_class(event.size.height < SHORT, "short")

    def show(self, snapshot: Snapshot) -> None:
        """Keep the detail on the check under the cursor."""
        super().show(snapshot)
        self._follow()

    def _follow(self) -> None:
        checks = self.query_one(Checks)
        self.query_one(CheckDetail).choose(checks.check(checks.cursor), checks.group(checks.cursor))

    def on_list_panel_moved(self, message: ListPanel.Moved) -> None:
        """Show the check under the cursor."""
        if isinstance(message.panel, Checks):
            self._follow()

    def on_list_panel_opened(self, message: ListPanel.Opened) -> None:
        """Go into the check: its lines take the keys; one that people share opens its checklist."""
        if not isinstance(message.panel, Checks):
            return
        view = message.panel.check(message.key)
        if view is not None and view.manual is not None:
            self.loom.action_checklist(view.signal.signal.id)
        else:
            self.add_class("open")
            self.query_one(CheckDetail).focus()

    def action_back(self) -> None:
        """Go back to the list, then clear its filter."""
        if isinstance(self.focused, CheckDetail):
            self.remove_class("open")
            self.query_one(Checks).focus()
        else:
            super().action_back()

    def action_filter(self) -> None:
        """Filter the checks, wherever the cursor is."""
        if isinstance(self.focused, CheckDetail):
            self.action_back()
        super().action_filter()

    def action_ask(self) -> None:
        """Run the chosen check now; on a group's head all of it."""
        checks = self.query_one(Checks)
        view = checks.check(checks.cursor)
        self._run([view] if view is not None else checks.group(checks.cursor))

    def action_ask_group(self) -> None:
        """Run the chosen check's whole group now."""
        checks = self.query_one(Checks)
        self._run(checks.group(checks.cursor))

    def _run(self, views: Sequence[CheckView]) -> None:
        self.loom.ask_sources(list(dict.fromkeys(view.signal.signal.source for view in views)))

    def copied(self, panel: ListPanel) -> str:  # noqa: ARG002 - the detail's lines are no ids
        """Copy the check's id, as `loom check` takes it."""
        checks = self.query_one(Checks)
        return checks.cursor.removeprefix(_GROUP)
