"""Screen 5: the error feed. What was first seen since the deploy comes first."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize

from loom_tui.room import deeds
from loom_tui.room.commits import Commits
from loom_tui.room.deeds import Refused
from loom_tui.room.errors import ErrorEvent, ErrorIssue
from loom_tui.room.mail import Reply
from loom_tui.room.snapshot import ErrorsView, Snapshot
from loom_tui.screens import error_rows
from loom_tui.screens.base import RoomScreen
from loom_tui.screens.error_panes import CrashFree, ErrorDetail, Feed, Rate
from loom_tui.screens.error_rows import ALL, view_of
from loom_tui.widgets.lines import Ink, Line, Span, clean
from loom_tui.widgets.panel import ListPanel, Panel
from loom_tui.widgets.text import Sign, number


class ErrorsScreen(RoomScreen):
    """The fifth screen. `feed` names the source that is shown; empty: the plan's first."""

    NUMBER = "5"
    AUTO_FOCUS = "#feed"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "acknowledge", "Acknowledge this error, or take that back", show=False, id="errors.acknowledge"),
        Binding("n", "note_error", "Note something of this error", show=False, id="errors.note"),
        Binding("f", "narrow", "Filter by status, level, release, environment", show=False, id="errors.narrow"),
        Binding("c", "commits", "Commits since the last stable release", show=False, id="errors.commits"),
        Binding("B", "block", "Make this error a blocker of the gate, or lift that", show=False, id="errors.block"),
    ]
    feed = ""

    def compose_body(self) -> ComposeResult:
        """Lay rate, health, feed and detail."""
        with Vertical(id="errors-body"):
            with Horizontal(id="errors-top"):
                yield Rate(id="rate")
                yield CrashFree(id="crash-free")
            yield Feed(id="feed")
            yield ErrorDetail(id="error-detail")

    def on_resize(self, event: Resize) -> None:
        """Leave the feed its rows where there are few."""
        self.set_class(event.size.height < 30, "short")

    def show(self, snapshot: Snapshot) -> None:
        """Let each pane know its source for `r`."""
        view = view_of(snapshot, self.feed)
        for panel in self.query(Panel):
            panel.source = view.source if view is not None else ""
        super().show(snapshot)

    def replied(self, what: str, subject: str, reply: Reply) -> None:
        """Show an event in the detail, commits on a page; one that cannot be read is another version's."""
        try:
            if what == "event":
                self._take_event(subject, reply)
            elif what == "commits":
                self._take_commits(reply)
        except msgspec.DecodeError:
            self.loom.say("The answer is of another version of Loom; leave all rooms and open them anew", Sign.WARN)

    def _take_event(self, subject: str, reply: Reply) -> None:
        detail = self.query_one(ErrorDetail)
        if subject.partition(" ")[2] != detail.waits:
            return  # another error was chosen meanwhile
        detail.waits, detail.why = "", reply.why
        detail.event = None if reply.why else msgspec.json.decode(reply.body, type=ErrorEvent)
        detail.again()

    def _take_commits(self, reply: Reply) -> None:
        from loom_tui.screens.dialogs import Page, Reading  # noqa: PLC0415 - Textual's Input costs 30 ms

        snapshot = self.loom.snapshot
        if reply.why or snapshot is None:
            self.loom.say(reply.why, Sign.WARN)
            return
        found = msgspec.json.decode(reply.body, type=Commits)
        count = found.total if found.total is not None else len(found.commits)
        title = f"{count:,} commit{'' if count == 1 else 's'} from {clean(found.base)} to {clean(found.head)}"
        lines = error_rows.commit_lines(found, self.loom.pen, now=snapshot.now)
        self.loom.push_screen(Reading(Page(title, lines, empty="No commits lie between the two releases.")))

    def on_list_panel_moved(self, message: ListPanel.Moved) -> None:
        """Show the error under the cursor."""
        if isinstance(message.panel, Feed):
            self.query_one(ErrorDetail).choose(message.key)

    def on_list_panel_opened(self, message: ListPanel.Opened) -> None:
        """Open an error: give it the room, and ask for its latest event."""
        view = self._view()
        if not isinstance(message.panel, Feed) or view is None:
            return
        detail = self.query_one(ErrorDetail)
        detail.choose(message.key)
        self.add_class("open")
        detail.focus()
        if detail.event is None and not self.loom.read_only:
            detail.waits, detail.why = message.key, ""
            self.loom.ask_question("event", f"{view.source} {message.key}")
        elif detail.event is None:
            detail.why = "this room is read-only, and asks nothing of the collector"
        detail.again()

    def action_back(self) -> None:
        """Close the opened error; else clear the filters."""
        feed = self.query_one(Feed)
        if self.has_class("open"):
            self.remove_class("open")
            feed.focus()
        elif feed.chosen != ALL and not feed.needle:
            feed.narrow(ALL)
        else:
            super().action_back()

    def action_narrow(self) -> None:
        """Choose which errors are shown, or another environment's feed."""
        from loom_tui.screens.choose import Choose  # noqa: PLC0415 - only here

        view, snapshot = self._view(), self.loom.snapshot
        if view is None or snapshot is None:
            return
        others = {error_rows.feed_word(other): other.source for other in snapshot.errors}

        def chosen(word: str | None) -> None:
            if word is None:
                return
            self.feed = others.get(word, self.feed)
            self.query_one(Feed).narrow(ALL if word in others else word)
            self.show(snapshot)

        self.loom.push_screen(Choose("Show", error_rows.choices_of(snapshot, view)), chosen)

    def action_acknowledge(self) -> None:
        """Say that one looks after the error, or take that back."""
        view, issue = self._view(), self._issue()
        if view is not None and issue is not None:
            done = error_rows.standing_of(view, issue).acknowledged is None
            self.loom.act(deeds.acknowledge(view.source, issue, done=done))

    def action_note_error(self) -> None:
        """Write a remark on the error."""
        from loom_tui.screens.dialogs import Prompt  # noqa: PLC0415 - Textual's Input costs 30 ms

        view, issue = self._view(), self._issue()
        if view is None or issue is None or not self.loom.may_write():
            return

        def noted(text: str | None) -> None:
            if text and text.strip():
                self.loom.act(deeds.note_error(view.source, issue, text))

        self.loom.push_screen(Prompt(f"note on {clean(issue.short_id)}"), noted)

    def action_block(self) -> None:
        """Put the error in the gate's way, or take it out, with a reason."""
        from loom_tui.screens.guarded import Answer, Field, Guarded, Question  # noqa: PLC0415 - Textual's Input: 30 ms

        view, issue = self._view(), self._issue()
        if view is None or issue is None:
            return
        if not self.loom.may_write():
            return
        blocking = error_rows.standing_of(view, issue).blocking
        lines: list[Line] = [
            (Span(f"{clean(issue.short_id)}  ", Ink.ACCENT), Span(clean(issue.title))),
            (Span(f"{issue.count:,} events, {number(issue.users)} users, level {clean(issue.level) or 'unknown'}"),),
        ]
        if blocking is not None:
            lines.append((Span(f"{clean(blocking.by)} made it one: {clean(blocking.text)}", Ink.FAINT),))
        title = "Lift this blocker of the gate" if blocking else "Make this error a blocker of the gate"
        make = deeds.unblock_gate if blocking else deeds.block_gate

        def decided(answer: Answer | None) -> None:
            if answer is None:
                return
            try:
                self.loom.act(make(view.source, issue, answer.fields["reason"]))
            except Refused as refusal:
                self.loom.say(str(refusal), Sign.WARN)

        reason = Field("reason", "reason", hint="needed; the journal keeps it")
        button = ("do", "Lift" if blocking else "Block")
        self.loom.push_screen(Guarded(Question(title, tuple(lines), (reason,), (button,))), decided)

    def action_commits(self) -> None:
        """Ask what lies between the last stable release and this one."""
        snapshot = self.loom.snapshot
        if snapshot is None:
            return
        about = snapshot.plan.plan
        source = next((name for name, each in snapshot.plan.sources.items() if "commits" in each.ANSWERS), "")
        if not source:
            self.loom.say('No source of the plan knows commits; name a clone: [sources.code] kind = "git"', Sign.WARN)
        elif not about.last_stable or not about.release:
            self.loom.say("The plan names no release and last_stable between which commits could lie.", Sign.WARN)
        else:
            self.loom.ask_question("commits", f"{source} {about.last_stable}..{about.release}")

    def _view(self) -> ErrorsView | None:
        return view_of(self.loom.snapshot, self.feed) if self.loom.snapshot is not None else None

    def _issue(self) -> ErrorIssue | None:
        """Give the error that is opened, or the one under the cursor."""
        feed, detail = self.query_one(Feed), self.query_one(ErrorDetail)
        return feed.issue(detail.key if self.has_class("open") else feed.cursor)

    def copied(self, panel: ListPanel) -> str:
        """Copy the error's link."""
        issue = self._issue()
        return (issue.url or issue.short_id) if issue is not None else super().copied(panel)
