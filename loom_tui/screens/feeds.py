"""The feeds: who asks the world, how each source answers, what it costs, and when it is asked again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loom_tui.plan.signals import asked_of
from loom_tui.room.signals import Health, PollerReport
from loom_tui.room.snapshot import FeedView, Snapshot
from loom_tui.widgets.frame import feeds_line
from loom_tui.widgets.lines import Column, Ink, Line, Span, cells, clean, rule, wrap
from loom_tui.widgets.panel import ListPanel, heading
from loom_tui.widgets.text import Pen, Sign, age

FOOT = 6  # lines for what is known of the chosen feed
SKEW_TOLD_S = 1.0  # an answer's date is written in whole seconds


class Feeds(ListPanel):
    """A row for each source; the chosen one's reasons below."""

    def show(self, snapshot: Snapshot) -> None:
        """Let `r` know the source under the cursor."""
        super().show(snapshot)
        self.source = self.cursor

    def title(self) -> Line:
        """Name the pane."""
        return heading("Feeds")

    def figures(self) -> Line:
        """Count the live ones and those on demand."""
        waiting = sum(feed.on_demand for feed in self.snapshot.feeds)
        besides = f"· {waiting} on demand " if waiting else ""
        return (*feeds_line(self.snapshot, self.pen), Span(f"{besides} esc closes", Ink.FAINT))

    def feed(self, key: str) -> FeedView | None:
        """Find a feed."""
        return next((feed for feed in self.snapshot.feeds if feed.source == key), None)

    def keys(self) -> Sequence[str]:
        """List the sources."""
        return [feed.source for feed in self.snapshot.feeds]

    def head(self, width: int) -> Sequence[Line]:
        """Name the columns."""
        names = ("", "source", "state", "last", "next", "failed", "calls/h", "bytes/h", "limit left")
        return (cells(_columns(width, self.pen), [Span(name, Ink.FAINT) for name in names]),)

    def row(self, key: str, width: int) -> Line:
        """Draw a feed in a line."""
        feed = self.feed(key)
        return feed_row(feed, self.snapshot, self.pen, width) if feed is not None else ()

    def foot(self, width: int) -> Sequence[Line]:
        """Draw what is known of the chosen feed."""
        feed = self.feed(self.cursor)
        lines = list(feed_lines(feed, self.snapshot, width)) if feed is not None else []
        return (rule(width), *lines[: FOOT - 1], *[()] * (FOOT - 1 - len(lines)))

    def empty(self) -> Sequence[Line]:
        """Say how feeds get here."""
        return ((Span("The plan names nothing to ask: add [sources.NAME] (docs/plan.md).", Ink.FAINT),),)

    def action_move(self, by: int) -> None:
        """Move, and let `r` know."""
        super().action_move(by)
        self.source = self.cursor

    def action_jump(self, last: bool) -> None:  # noqa: FBT001 - an action's argument in a binding
        """Jump, and let `r` know."""
        super().action_jump(last)
        self.source = self.cursor


def _columns(width: int, pen: Pen) -> Sequence[Column]:
    wide = width >= 90
    fixed = (
        Column(10),
        Column(9, right=True),
        Column(9, right=True),
        Column(6 if wide else 0, right=True),
        Column(7, right=True),
        Column(8 if wide else 0, right=True),
        Column(11, right=True),
    )
    name = width - pen.sign_width - sum(column.width for column in fixed) - 8
    return (Column(pen.sign_width), Column(max(6, name)), *fixed)


def standing_of(feed: FeedView, snapshot: Snapshot) -> tuple[Sign, str]:
    """Say how a feed stands, by a sign and a word."""
    report = feed.report
    if report is not None and report.asking_since is not None and snapshot.collector.alive:
        return Sign.HALF, "asking"
    if not feed.live:
        return Sign.WARN, _silent(report, asked_of(snapshot.plan)[feed.source].fresh_for_s, snapshot.now)
    return (Sign.OPEN, "on demand") if feed.on_demand else (Sign.OK, "live")


def _silent(report: PollerReport | None, fresh_for_s: float, now: float) -> str:
    if report is None:
        return "not asked"
    last = report.last_success_at
    return "failing" if report.failures and last is not None and now - last <= fresh_for_s else "silent"


def feed_row(feed: FeedView, snapshot: Snapshot, pen: Pen, width: int) -> Line:
    """Draw a feed: its state, last success, next try, failures in a row, calls and bytes, what its limit leaves."""
    sign, word = standing_of(feed, snapshot)
    lamp = pen.sign(sign)
    report, now = feed.report, snapshot.now
    health = report.health if report is not None else Health()
    last = report.last_success_at if report is not None else None
    spans = (
        lamp,
        Span(feed.label),
        Span(word, lamp.ink if sign in (Sign.WARN, Sign.HALF) else Ink.FAINT),
        Span("never" if last is None else age(now - last), Ink.FAINT),
        Span(next_try(feed, snapshot), Ink.FAINT),
        Span(f"{report.failures}×" if report is not None and report.failures else "", Ink.WARN),
        Span(f"{health.calls:,}" if report is not None else "–", Ink.FAINT),
        Span(size(health.size_bytes) if report is not None else "–", Ink.FAINT),
        limit_left(health),
    )
    return cells(_columns(width, pen), spans)


def next_try(feed: FeedView, snapshot: Snapshot) -> str:
    """Say when a source is asked again; a dash where it is not, or nobody would."""
    if feed.report is None or feed.report.next_try_at is None or not snapshot.collector.alive:
        return "–"
    wait_s = feed.report.next_try_at - snapshot.now
    return f"in {age(wait_s)}" if wait_s > 0 else "now"


def limit_left(health: Health) -> Span:
    """Write what the other side's limit leaves; a warning where it is nearly used up."""
    if health.remaining is None:
        return Span("–", Ink.FAINT)
    scarce = health.remaining <= (health.limit or 50) / 10
    of = "" if health.limit is None else f"/{health.limit:,}"
    return Span(f"{health.remaining:,}{of}", Ink.WARN if scarce else Ink.FAINT)


def size(size_bytes: int) -> str:
    """Write a number of bytes: "812 B", "81 kB", "1.2 MB"."""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    return f"{size_bytes / 1000:.0f} kB" if size_bytes < 1_000_000 else f"{size_bytes / 1_000_000:.1f} MB"


def feed_lines(feed: FeedView, snapshot: Snapshot, width: int) -> Iterator[Line]:
    """Draw what is known of a feed beyond its row: why it is silent, its rhythm, its limit's reset, its clock."""
    source = asked_of(snapshot.plan)[feed.source]
    yield (Span(clean(feed.label, limit=60), bold=True), Span(f"  {feed.source}", Ink.FAINT))
    report = feed.report
    why = feed.why or (report.progress if report is not None else "")
    for part in wrap(why, width):
        yield (Span(part, Ink.INK if feed.live else Ink.WARN),)
    by = f" by {snapshot.collector.holder}" if snapshot.collector.alive else ""
    rhythm = f"asked every {age(source.interval_s)}{by}"
    facts = [rhythm if source.interval_s else f"asked{by} on demand only: r asks it"]
    if report is not None and report.failures:
        facts.append(f"{report.failures} failures in a row: it is tried again by itself, r asks at once")
    health = report.health if report is not None else Health()
    if health.resets_at is not None:
        facts.append(f"its limit is reset in {age(health.resets_at - snapshot.now)}")
    if health.skew_s is not None and abs(health.skew_s) > SKEW_TOLD_S:
        facts.append(f"its clock is {abs(health.skew_s):.0f} s {'ahead of' if health.skew_s > 0 else 'behind'} ours")
    for part in wrap(" · ".join(facts), width):
        yield (Span(part, Ink.FAINT),)
