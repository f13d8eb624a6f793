"""Screen 6: each named query's real executions against its baseline and target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import Resize

from loom_tui.room.database import Explained, Migration, Statement, decode_body
from loom_tui.room.mail import Reply
from loom_tui.room.snapshot import DatabaseView, QueryView, Snapshot
from loom_tui.screens import database_rows as rows
from loom_tui.screens.base import RoomScreen
from loom_tui.screens.glance.world import asked, no_source
from loom_tui.screens.query_chart import QueryChart
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean
from loom_tui.widgets.panel import MARGIN, ListPanel, Panel, heading
from loom_tui.widgets.text import SIGN_OF_STATE, Sign, age_of, stale_note

WINDOWS = ((300, "5 m"), (900, "15 m"), (3600, "1 h"), (21_600, "6 h"), (86_400, "24 h"), (604_800, "7 d"))
SHORT, NARROW = 34, 100  # rows and cells below which queries are rows, not charts
CHART = 6  # rows of a chart, frame and all, that is still worth its place; where more are there, they scroll
MOST_ROWS = 8  # queries that are seen at once there


class QueryRows(ListPanel):
    """All named queries, a line each with their executions as bars, where there is no room for charts."""

    window_s = 900.0

    def title(self) -> Line:
        """Name the pane, and the window."""
        words = next(words for seconds, words in WINDOWS if seconds == self.window_s)
        return (*heading("Queries"), Span(f"  last {words}", Ink.FAINT))

    def figures(self) -> Line:
        """Say who was asked, and how long ago."""
        database = rows.shown_database(self.snapshot)
        return asked(self.snapshot, [database.sessions], self.snapshot.now) if database is not None else EMPTY

    def query_of(self, key: str) -> QueryView | None:
        """Find a query by its name."""
        database = rows.shown_database(self.snapshot)
        return next((query for query in database.queries if query.query.name == key), None) if database else None

    def keys(self) -> Sequence[str]:
        """List the queries, in the plan's order."""
        database = rows.shown_database(self.snapshot)
        return [query.query.name for query in database.queries] if database is not None else ()

    def row(self, key: str, width: int) -> Line:
        """Draw a query: its executions, its percentile, the gain, the verdict."""
        query = self.query_of(key)
        return rows.query_row(query, self.snapshot, self.pen, self.window_s, width) if query is not None else EMPTY

    def empty(self) -> Sequence[Line]:
        """Say how to get some."""
        if rows.shown_database(self.snapshot) is None:
            return no_source("database", "postgres")
        return ((Span("No named queries: add [[sources.NAME.queries]]", Ink.FAINT),),)


class Sessions(Panel):
    """Sessions by state, locks, the longest transaction, the cache, the replicas."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Sessions")

    def figures(self) -> Line:
        """Say who was asked, and how long ago."""
        database = rows.shown_database(self.snapshot)
        return asked(self.snapshot, [database.sessions], self.snapshot.now) if database is not None else EMPTY

    def body(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - cut by the panel
        """Draw what is known of the sessions."""
        database = rows.shown_database(self.snapshot)
        if database is None:
            return ((Span("No database in the plan.", Ink.FAINT),),)
        return list(rows.session_lines(database, self.snapshot, self.pen, width))


class Heaviest(ListPanel):
    """The statements that took most time since the last change."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Heaviest statements")

    def figures(self) -> Line:
        """Say since when, and how old it is."""
        database = rows.shown_database(self.snapshot)
        return (
            rows.statements_title(database.statements, self.pen, self.snapshot.now) if database is not None else EMPTY
        )

    def statement(self, key: str) -> Statement | None:
        """Find a statement by the server's id."""
        database = rows.shown_database(self.snapshot)
        body = database.statements.body if database is not None else None
        return next((each for each in body.heaviest if each.id == key), None) if body is not None else None

    def keys(self) -> Sequence[str]:
        """List the statements' ids, the heaviest first."""
        database = rows.shown_database(self.snapshot)
        body = rows.known_body(database.statements) if database is not None else None
        return [each.id for each in body.heaviest] if body is not None else ()

    def matches(self, key: str, needle: str) -> bool:
        """Look in the text and the plan's name."""
        statement = self.statement(key)
        return statement is not None and needle in f"{statement.query} {statement.text}".casefold()

    def head(self, width: int) -> Sequence[Line]:
        """Name the columns."""
        return (rows.statement_head(width),)

    def row(self, key: str, width: int) -> Line:
        """Draw a statement."""
        statement, database = self.statement(key), rows.shown_database(self.snapshot)
        if statement is None or database is None:
            return EMPTY
        return rows.statement_row(statement, database.statements, width)

    def empty(self) -> Sequence[Line]:
        """Say why there are none."""
        database = rows.shown_database(self.snapshot)
        if database is None:
            return ()
        width = self.size.width - 2 * MARGIN
        unknown = rows.unknown_lines(database.statements.view, self.snapshot.now, width)
        return unknown or [(Span("No statement was executed since.", Ink.FAINT),)]


class NewIndexes(Panel):
    """The indexes that the plan names or its migrations make, with their scans."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("New indexes")

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Draw the indexes; what does not fit is counted."""
        database = rows.shown_database(self.snapshot)
        if database is None:
            return ()
        if database.indexes.view.reading is None:
            return ((Span("None known: name indexes, or migrations = a directory, under the source.", Ink.FAINT),),)
        lines = list(rows.index_lines(database.indexes, self.snapshot.now, self.pen, width))
        if len(lines) > height:
            lines = [*lines[: height - 1], (Span(f"  and {len(lines) - height + 1} more", Ink.FAINT),)]
        return lines or ((Span("The migrations make no index.", Ink.FAINT),),)


class Migrations(ListPanel):
    """The migrations: applied, pending, unknown to the repo, changed since; the newest first."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Migrations")

    def figures(self) -> Line:
        """Give the check's sentence, or its age where it is well."""
        view = rows.shown_migrations(self.snapshot)
        if view is None:
            return EMPTY
        note = stale_note(view.signal, self.snapshot.now)
        lamp = self.pen.sign(SIGN_OF_STATE[view.signal.state])
        words = clean(note or view.signal.why, limit=24)
        return (lamp, Span(f" {words}  ", lamp.ink), Span(age_of(view.signal, self.snapshot.now), Ink.FAINT))

    def migration(self, key: str) -> Migration | None:
        """Find a migration."""
        view = rows.shown_migrations(self.snapshot)
        body = view.rows.body if view is not None else None
        return next((each for each in body or () if _key(each) == key), None)

    def keys(self) -> Sequence[str]:
        """List the migrations, the newest first."""
        view = rows.shown_migrations(self.snapshot)
        return [_key(each) for each in view.rows.body or ()] if view is not None else ()

    def row(self, key: str, width: int) -> Line:
        """Draw a migration."""
        migration = self.migration(key)
        return rows.migration_row(migration, self.pen, width) if migration is not None else EMPTY

    def empty(self) -> Sequence[Line]:
        """Say why there are none."""
        view = rows.shown_migrations(self.snapshot)
        if view is None:
            return no_source("migrations", "migrations")
        unknown = rows.unknown_lines(view.signal, self.snapshot.now, self.size.width - 2 * MARGIN)
        return unknown or [(Span("None.", Ink.FAINT),)]


def _key(migration: Migration) -> str:
    return f"{migration.version}_{migration.name}"


def _charts(database: DatabaseView | None) -> int:
    return max(1, len(database.queries) if database is not None else 0)


class DatabaseScreen(RoomScreen):
    """The sixth screen."""

    NUMBER = "6"
    DISMISSES = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,equals_sign", "window(1)", "A longer window", show=False, id="database.longer"),
        Binding("minus", "window(-1)", "A shorter window", show=False, id="database.shorter"),
        Binding("x", "explain", "How the server would execute it (EXPLAIN)", show=False, id="database.explain"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._window = 1

    def compose_body(self) -> ComposeResult:
        """Lay a chart for each query of the plan, and below what the catalogue tells."""
        snapshot = self.loom.snapshot
        database = rows.shown_database(snapshot) if snapshot is not None else None
        with Vertical(id="database-body"):
            with VerticalScroll(id="charts", can_focus=False):
                for index in range(_charts(database)):
                    yield QueryChart(index)
            yield QueryRows(id="query-rows")
            with Horizontal(id="database-lower"):
                with Vertical(id="database-left"):
                    yield Sessions(id="sessions")
                    yield Migrations(id="migrations")
                with Vertical(id="database-right"):
                    yield Heaviest(id="heaviest")
                    yield NewIndexes(id="indexes")

    def on_resize(self, event: Resize) -> None:
        """Draw rows instead of charts where there is little room."""
        self.set_class(event.size.height < SHORT or event.size.width < NARROW, "short")

    def show(self, snapshot: Snapshot) -> None:
        """Let each pane know its source for `r`, and the window."""
        database, migrations = rows.shown_database(snapshot), rows.shown_migrations(snapshot)
        self._fit_charts(_charts(database))
        for panel in self.query(Panel):
            panel.source = database.source if database is not None else ""
        self.query_one(Migrations).source = migrations.source if migrations is not None else ""
        charts = self.query(QueryChart)
        fits = len(charts) * CHART <= self.query_one("#charts").size.height
        for chart in charts:
            chart.styles.height = "1fr" if fits else CHART
            chart.window_s = float(WINDOWS[self._window][0])
        self.query_one(QueryRows).styles.height = 2 + min(max(1, len(database.queries) if database else 1), MOST_ROWS)
        self.query_one(QueryRows).window_s = float(WINDOWS[self._window][0])
        super().show(snapshot)

    def _fit_charts(self, wanted: int) -> None:
        """Follow the plan where it was read, or edited, after the screen was made."""
        charts = list(self.query(QueryChart))
        for index in range(len(charts), wanted):
            self.query_one("#charts").mount(QueryChart(index))
        for chart in charts[wanted:]:
            chart.remove()

    def action_window(self, by: int) -> None:
        """Choose the next longer or shorter window."""
        self._window = min(max(self._window + by, 0), len(WINDOWS) - 1)
        seconds, words = WINDOWS[self._window]
        self.loom.set_window(float(seconds))
        self.loom.say(f"The last {words}")
        if self.loom.snapshot is not None:
            self.show(self.loom.snapshot)

    def action_explain(self) -> None:
        """Ask for the plan of what the cursor is on: a query, or a heavy statement."""
        snapshot = self.loom.snapshot
        database = rows.shown_database(snapshot) if snapshot is not None else None
        subject = self._chosen() or (database.queries[0].query.name if database and database.queries else "")
        if database is None or not subject:
            self.loom.say("There is no query to explain: the plan names none.")
            return
        self.loom.say("Asking how the server would execute it …")
        self.loom.ask_question("explain", f"{database.source} {subject}")

    def _chosen(self) -> str:
        panel = self.focused
        if isinstance(panel, QueryChart):
            return panel.shown.query.name if panel.shown is not None else ""
        return panel.cursor if isinstance(panel, QueryRows | Heaviest) else ""

    def replied(self, what: str, subject: str, reply: Reply) -> None:  # noqa: ARG002 - the answer names it
        """Show the plan of execution, or say why there is none."""
        explained = decode_body(bytes(reply.body), Explained) if what == "explain" and not reply.why else None
        if explained is None:
            self.loom.say(reply.why or "That answer cannot be read", Sign.WARN)
            return
        self.loom.say("")
        title = clean(f"EXPLAIN {explained.title}", limit=60)
        self._read(title, rows.explained_page(explained))

    def on_list_panel_opened(self, message: ListPanel.Opened) -> None:
        """Open a migration; of a query or a statement, how it would be executed."""
        if isinstance(message.panel, Migrations):
            migration = message.panel.migration(message.key)
            if migration is not None:
                self._read(clean(message.key, limit=70), list(rows.migration_page(migration, self.loom.pen)))
        else:
            self.action_explain()

    def _read(self, title: str, lines: Sequence[Line]) -> None:
        from loom_tui.screens.dialogs import Page, Reading  # noqa: PLC0415 - Textual's Input costs 30 ms

        self.loom.push_screen(Reading(Page(title, lines, empty="Nothing is known.")))
