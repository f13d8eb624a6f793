"""Screen 5: the error feed. What was first seen since the deploy comes first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Resize

from loom_tui.room.errors import ErrorIssue
from loom_tui.room.signals import Freshness
from loom_tui.room.snapshot import ErrorsView, Snapshot
from loom_tui.screens import glance
from loom_tui.screens.base import RoomScreen
from loom_tui.widgets.chart import axis_of, braille, gather, marks_line, peak_of, scale_of, spark, time_labels
from loom_tui.widgets.lines import EMPTY, Column, Ink, Line, Span, cells, clean, spread
from loom_tui.widgets.panel import ListPanel, Panel, heading, labelled
from loom_tui.widgets.text import Pen, Sign, age, age_of, number, stale_note

FILTERS = ("all", "new", "regressed", "escalating", "fatal", "error", "warning")


def view_of(snapshot: Snapshot) -> ErrorsView | None:
    """Give the feed that is shown: the plan's first."""
    return snapshot.errors[0] if snapshot.errors else None


def deployed_at(snapshot: Snapshot) -> float | None:
    """Give the moment of the last deploy that was marked."""
    return max((mark.at for mark in snapshot.marks if mark.kind == "deploy"), default=None)


class Rate(Panel):
    """Errors per minute over an hour, with what was done to the world marked on top."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Errors per minute")

    def figures(self) -> Line:
        """Give the counts and the age."""
        view = view_of(self.snapshot)
        if view is None:
            return EMPTY
        counts = (
            ("new", view.new, Ink.WARN),
            ("regressed", view.regressed, Ink.WARN),
            ("critical", view.critical, Ink.BAD),
        )
        shown = [span for word, signal, ink in counts for span in glance.count(word, signal, ink)]
        return (*shown, *glance.asked(self.snapshot, [view.signal], self.snapshot.now))

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Draw the chart with its marks and times."""
        view = view_of(self.snapshot)
        if view is None:
            return glance.no_source("error feed", "sentry")
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


class Feed(ListPanel):
    """The grouped errors."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "narrow", "Next filter: new, regressed, escalating, by level", show=False, id="errors.narrow"),
    ]
    chosen = "all"

    def title(self) -> Line:
        """Name the pane, and the filter."""
        return (*heading("Feed"), Span(f"  {self.chosen}", Ink.ACCENT if self.chosen != "all" else Ink.FAINT))

    def figures(self) -> Line:
        """Count what is shown."""
        view = view_of(self.snapshot)
        return (Span(f"{len(self.shown_keys())} of {len(view.issues)}", Ink.FAINT),) if view is not None else EMPTY

    def keys(self) -> Sequence[str]:
        """List the errors that pass the filter."""
        view = view_of(self.snapshot)
        if view is None:
            return ()
        return [issue.id for issue in view.issues if self.chosen in ("all", issue.substatus, issue.level)]

    def issue(self, key: str) -> ErrorIssue | None:
        """Find an error."""
        view = view_of(self.snapshot)
        return next((issue for issue in view.issues if issue.id == key), None) if view is not None else None

    def matches(self, key: str, needle: str) -> bool:
        """Look in title, culprit and ids."""
        issue = self.issue(key)
        return (
            issue is not None and needle in f"{issue.title} {issue.culprit} {issue.short_id} {issue.release}".casefold()
        )

    def head(self, width: int) -> Sequence[Line]:
        """Name the columns."""
        names = ("", "status", "error", "last hour", "events", "users", "first", "last")
        return (cells(_columns(width, self.pen), [Span(name, Ink.FAINT) for name in names]),)

    def row(self, key: str, width: int) -> Line:
        """Draw an error."""
        issue, now = self.issue(key), self.snapshot.now
        view = view_of(self.snapshot)
        if issue is None or view is None:
            return EMPTY
        fresh = view.signal.freshness is Freshness.FRESH
        ink = Ink.INK if fresh else Ink.FAINT
        spans = (
            error_sign(issue, self.pen),
            Span(issue.substatus, Ink.FAINT),
            Span(f"{issue.title}  {issue.culprit}", ink),
            Span(spark(issue.per_hour[-10:], ascii_only=self.pen.ascii_only), Ink.ACCENT if fresh else Ink.FAINT),
            Span(f"{issue.count:,}", ink),
            Span(number(issue.users), Ink.FAINT),
            Span(age(now - issue.first_seen) if issue.first_seen else "–", Ink.FAINT),
            Span(age(now - issue.last_seen) if issue.last_seen else "–", Ink.FAINT),
        )
        return cells(_columns(width, self.pen), spans)

    def empty(self) -> Sequence[Line]:
        """Say that there are no errors, or that nobody knows: never the same words."""
        return no_errors(self.snapshot, self.chosen)

    def action_narrow(self) -> None:
        """Go to the next filter."""
        self.chosen = FILTERS[(FILTERS.index(self.chosen) + 1) % len(FILTERS)]
        self.redraw()


def no_errors(snapshot: Snapshot, chosen: str) -> Sequence[Line]:
    """Say why the feed is empty: no errors, none that pass the filter, or no telemetry."""
    view = view_of(snapshot)
    if view is None:
        return ((Span("No error feed in the plan.", Ink.FAINT),),)
    note = stale_note(view.signal, snapshot.now)
    if note:
        why = next((feed.why for feed in snapshot.feeds if feed.source == view.source), "") or "not asked yet"
        return ((Span(f"Unknown: {note}. {clean(why)}", Ink.WARN),),)
    if view.issues:
        return ((Span(f"No {chosen} errors among {len(view.issues)}; f goes on.", Ink.FAINT),),)
    deploy = deployed_at(snapshot)
    since = f"since the deploy {age(snapshot.now - deploy)} ago" if deploy is not None else "unresolved"
    return ((Span(f"No errors {since}. Asked {age_of(view.signal, snapshot.now)} ago."),),)


def error_sign(issue: ErrorIssue, pen: Pen) -> Span:
    """Give an error's lamp: fatal, changed for the worse, or known."""
    if issue.level == "fatal":
        return pen.sign(Sign.BAD)
    return pen.sign(Sign.OPEN if issue.substatus == "ongoing" else Sign.WARN)


def _columns(width: int, pen: Pen) -> Sequence[Column]:
    wide = width > 90
    fixed = (
        Column(10 if wide else 0),
        Column(7, right=True),
        Column(6, right=True),
        Column(9, right=True),
        Column(9, right=True),
    )
    taken = pen.sign_width + 10 + sum(column.width for column in fixed) + 7
    return (Column(pen.sign_width), Column(10), Column(max(12, width - taken)), *fixed)


class ErrorDetail(Panel):
    """What is known of the chosen error."""

    key = ""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Detail")

    def choose(self, key: str) -> None:
        """Show another error."""
        self.key = key
        self.redraw()

    def body(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - cut by the panel
        """Draw the error's facts."""
        view = view_of(self.snapshot)
        issues = view.issues if view is not None else ()
        issue = next((issue for issue in issues if issue.id == self.key), issues[0] if issues else None)
        if issue is None:
            return ()
        pen, now = self.pen, self.snapshot.now
        first = pen.day_clock(issue.first_seen, now=now) if issue.first_seen else "unknown"
        last = pen.day_clock(issue.last_seen, now=now) if issue.last_seen else "unknown"
        head: Line = (error_sign(issue, pen), Span(f" {clean(issue.title)}", bold=True))
        ident: Line = (
            Span(f"{clean(issue.short_id)}  {issue.level}  ", Ink.FAINT),
            Span(clean(issue.release), Ink.ACCENT),
        )
        half = max(20, width // 2 - 2)
        facts = (
            (labelled("status", Span(issue.substatus), half), labelled("first seen", Span(first), half)),
            (labelled("events", Span(f"{issue.count:,}"), half), labelled("last seen", Span(last), half)),
            (labelled("users", Span(number(issue.users)), half), EMPTY),
        )
        lines: list[Line] = [spread(head, ident, width), (Span(clean(issue.culprit), Ink.FAINT),)]
        lines += [(*left, Span("    "), *right) for left, right in facts]
        return [*lines, (Span(clean(issue.url) or "no link", Ink.ACCENT if issue.url else Ink.FAINT),)]


class ErrorsScreen(RoomScreen):
    """The fifth screen."""

    NUMBER = "5"

    def compose_body(self) -> ComposeResult:
        """Lay rate, feed and detail."""
        with Vertical(id="errors-body"):
            yield Rate(id="rate")
            yield Feed(id="feed")
            yield ErrorDetail(id="error-detail")

    def on_mount(self) -> None:
        """Start in the feed."""
        self.query_one(Feed).focus()

    def on_resize(self, event: Resize) -> None:
        """Leave the feed its rows where there are few."""
        self.set_class(event.size.height < 30, "short")

    def show(self, snapshot: Snapshot) -> None:
        """Let each pane know its source for `r`."""
        view = view_of(snapshot)
        for panel in self.query(Panel):
            panel.source = view.source if view is not None else ""
        super().show(snapshot)

    def on_list_panel_moved(self, message: ListPanel.Moved) -> None:
        """Show the error under the cursor."""
        self.query_one(ErrorDetail).choose(message.key)

    def copied(self, panel: ListPanel) -> str:
        """Copy the error's link."""
        issue = panel.issue(panel.cursor) if isinstance(panel, Feed) else None
        return (issue.url or issue.short_id) if issue is not None else super().copied(panel)
