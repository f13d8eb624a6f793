"""Screen 5: the error feed. What was first seen since the deploy comes first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize

from loom_tui.room import deeds
from loom_tui.room.commits import Commits
from loom_tui.room.errors import ErrorEvent, ErrorIssue
from loom_tui.room.mail import Reply
from loom_tui.room.signals import Freshness
from loom_tui.room.snapshot import ErrorsView, Snapshot
from loom_tui.screens import error_rows, glance
from loom_tui.screens.base import RoomScreen
from loom_tui.screens.error_rows import ALL, deployed_at, view_of
from loom_tui.screens.silence import silence
from loom_tui.widgets.chart import axis_of, braille, gather, marks_line, peak_of, scale_of, time_labels
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean, fit, wrap
from loom_tui.widgets.panel import ListPanel, Panel, heading
from loom_tui.widgets.scroll import Scroll
from loom_tui.widgets.text import Sign, age, age_of, number

ALL_COUNTS_WIDTH = 72  # of the rate's pane: the title and three counts


class _OfFeed(Panel):
    """A pane that shows the screen's feed."""

    @property
    def view(self) -> ErrorsView | None:
        """The feed that the screen shows."""
        return view_of(self.snapshot, cast("ErrorsScreen", self.screen).feed)


class Rate(_OfFeed):
    """Errors per minute over an hour, with what was done to the world marked on top."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Errors per minute")

    def figures(self) -> Line:
        """Give the counts and the age."""
        view = self.view
        if view is None:
            return EMPTY
        counts = (
            ("new", view.new, Ink.WARN),
            ("regressed", view.regressed, Ink.WARN),
            ("critical", view.critical, Ink.BAD),
        )
        counted = counts if self.size.width >= ALL_COUNTS_WIDTH else counts[-1:]
        shown = [span for word, signal, ink in counted for span in glance.count(word, signal, ink)]
        return (*shown, *glance.asked(self.snapshot, [view.signal], self.snapshot.now))

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Draw the chart with its marks and times."""
        view = self.view
        if view is None:
            return glance.no_source("error feed", "sentry")
        why = silence(self.snapshot, view.signal)
        if why and not view.series:
            return (EMPTY, (Span(why, Ink.WARN),))
        label = 6
        axis = axis_of(self.snapshot.now, window_s=3600, columns=2 * (width - label))
        values = gather(view.series, axis, peak_of)
        peak = max((value for value in values if value is not None), default=0.0)
        scale = scale_of([peak] if peak else [])
        ink = Ink.ACCENT if view.signal.freshness is Freshness.FRESH else Ink.FAINT
        rows = braille(values, height - 2, scale, ascii_only=self.pen.ascii_only)
        labels = [
            number(scale.high) if index == 0 else "0" if index == len(rows) - 1 else "" for index in range(len(rows))
        ]
        drawn: list[Line] = [
            (Span(f"{text:>{label - 1}} ", Ink.FAINT), Span(row, ink)) for text, row in zip(labels, rows, strict=True)
        ]
        indent = Span(" " * label)
        marks = (indent, *marks_line(self.snapshot.marks, axis, cells_per_column=0.5))
        return [marks, *drawn, (indent, *time_labels(axis, self.pen, cells_per_column=0.5))]


class CrashFree(_OfFeed):
    """Crash-free sessions and users of this release beside the last stable one."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Crash-free")

    def body(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - cut by the panel
        """Draw the figures."""
        view = self.view
        return error_rows.health_lines(self.snapshot, view, width) if view is not None else ()


class Feed(_OfFeed, ListPanel):
    """The grouped errors."""

    chosen = ALL

    def title(self) -> Line:
        """Name the pane, and the filter."""
        return (*heading("Feed"), Span(f"  {clean(self.chosen)}", Ink.ACCENT if self.chosen != ALL else Ink.FAINT))

    def figures(self) -> Line:
        """Count what is shown, and say where that is not all there is."""
        view = self.view
        if view is None:
            return EMPTY
        extent: Line = (Span(f"  {view.extent}", Ink.WARN),) if view.extent else EMPTY
        return (Span(f"{len(self.shown_keys())} of {len(view.issues)}", Ink.FAINT), *extent)

    def keys(self) -> Sequence[str]:
        """List the errors that pass the filter."""
        view = self.view
        if view is None:
            return ()
        return [issue.id for issue in view.issues if self.chosen in error_rows.words_of(view, issue)]

    def issue(self, key: str) -> ErrorIssue | None:
        """Find an error."""
        view = self.view
        return next((issue for issue in view.issues if issue.id == key), None) if view is not None else None

    def matches(self, key: str, needle: str) -> bool:
        """Look in title, culprit and ids."""
        issue = self.issue(key)
        return (
            issue is not None and needle in f"{issue.title} {issue.culprit} {issue.short_id} {issue.release}".casefold()
        )

    def head(self, width: int) -> Sequence[Line]:
        """Name the columns."""
        return (error_rows.head_line(width, self.pen),)

    def row(self, key: str, width: int) -> Line:
        """Draw an error."""
        issue, view = self.issue(key), self.view
        if issue is None or view is None:
            return EMPTY
        return error_rows.error_row(issue, view, self.pen, width, now=self.snapshot.now)

    def empty(self) -> Sequence[Line]:
        """Say that there are no errors, or that nobody knows: never the same words."""
        return no_errors(self.snapshot, self.view, self.chosen)

    def foot(self, width: int) -> Sequence[Line]:
        """Say why the rows are of another time, where they are."""
        why = silence(self.snapshot, self.view.signal) if self.view is not None and self.view.issues else ""
        return ((Span(fit(why, width), Ink.WARN),),) if why else ()

    def narrow(self, word: str) -> None:
        """Show only the errors of a word."""
        self.chosen = word
        self.redraw()


def no_errors(snapshot: Snapshot, view: ErrorsView | None, chosen: str) -> Sequence[Line]:
    """Say why the feed is empty: no errors, none that pass the filter, or no telemetry."""
    if view is None:
        return ((Span("No error feed in the plan.", Ink.FAINT),),)
    why = silence(snapshot, view.signal)
    if why and not view.issues:
        return ((Span(f"Unknown: {why[0].lower()}{why[1:]}", Ink.WARN),),)
    if view.issues:
        return ((Span(f"No error is {clean(chosen)} among {len(view.issues)}; f chooses another.", Ink.FAINT),),)
    deploy = deployed_at(snapshot)
    since = f"since the deploy {age(snapshot.now - deploy)} ago" if deploy is not None else "unresolved"
    return ((Span(f"No errors {since}. Asked {age_of(view.signal, snapshot.now)} ago."),),)


class ErrorDetail(_OfFeed, Scroll):
    """What is known of the chosen error; once it was opened, its latest event too."""

    key = ""
    waits = ""  # the error whose event was asked for
    event: ErrorEvent | None = None
    why = ""  # there is no event

    def title(self) -> Line:
        """Name the pane."""
        return heading("Detail")

    def figures(self) -> Line:
        """Say how to go on."""
        opened = self.screen.has_class("open")
        return (Span("esc goes back" if opened else "enter opens", Ink.FAINT),)

    def choose(self, key: str) -> None:
        """Show another error."""
        if key != self.key:
            self.key, self.waits, self.event, self.why = key, "", None, ""
            self.action_jump(last=False)
        self.again()

    def lines(self, width: int) -> Sequence[Line]:
        """Lay the error's facts, and its event where it came."""
        view = self.view
        issues = view.issues if view is not None else ()
        issue = next((issue for issue in issues if issue.id == self.key), issues[0] if issues else None)
        if issue is None or view is None:
            return ()
        now = self.snapshot.now
        lines = error_rows.error_lines(issue, view, self.pen, width, now=now)
        if self.event is not None:
            return [*lines, *error_rows.event_lines(self.event, self.pen, width, now=now)]
        if self.why:
            return [*lines, EMPTY, *((Span(text, Ink.WARN),) for text in wrap(f"No event: {self.why}", width))]
        return [*lines, EMPTY, (Span("Asking for its latest event …", Ink.FAINT),)] if self.waits else lines

    def empty(self) -> Sequence[Line]:
        """Say nothing: the feed says why there is none."""
        return ()


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
        from loom_tui.screens.confirm import Confirm  # noqa: PLC0415 - Textual's Input costs 30 ms

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

        def decided(reason: str | None) -> None:
            if reason is not None:
                self.loom.act(make(view.source, issue, reason))

        self.loom.push_screen(Confirm(title, lines, verb="Lift" if blocking else "Block"), decided)

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
