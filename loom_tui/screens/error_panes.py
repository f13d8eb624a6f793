"""The panes of screen 5: the rate, the health, the feed and the chosen error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from loom_tui.room.errors import ErrorEvent, ErrorIssue
from loom_tui.room.signals import Freshness
from loom_tui.room.snapshot import ErrorsView, Snapshot
from loom_tui.screens import error_rows
from loom_tui.screens.error_rows import ALL, deployed_at, view_of
from loom_tui.screens.glance.world import asked, count, no_source
from loom_tui.screens.silence import silence
from loom_tui.widgets.chart import axis_of, braille, gather, marks_line, peak_of, scale_of, time_labels
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean, fit, wrap
from loom_tui.widgets.panel import ListPanel, Panel, heading
from loom_tui.widgets.scroll import Scroll
from loom_tui.widgets.text import age, age_of, number

if TYPE_CHECKING:
    from loom_tui.screens.errors import ErrorsScreen

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
        shown = [span for word, signal, ink in counted for span in count(word, signal, ink)]
        return (*shown, *asked(self.snapshot, [view.signal], self.snapshot.now))

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Draw the chart with its marks and times."""
        view = self.view
        if view is None:
            return no_source("error feed", "sentry")
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
