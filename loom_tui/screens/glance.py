"""What screen 1 draws, pane by pane: pure functions from a snapshot to lines."""

from __future__ import annotations

from collections.abc import Sequence

from loom_tui.plan.kinds import Kind
from loom_tui.plan.model import Status
from loom_tui.plan.timeline import awaited
from loom_tui.room.signals import Freshness, State
from loom_tui.room.snapshot import DatabaseView, IssueView, QueryView, RiskView, SignalView, Snapshot
from loom_tui.room.verdicts import Verdict
from loom_tui.screens.error_rows import error_sign, standing_of
from loom_tui.screens.gate_rows import criterion_row
from loom_tui.screens.news import told
from loom_tui.screens.silence import read_when, silence
from loom_tui.widgets.chart import axis_of, braille, gather, peak_of, scale_of, spark
from loom_tui.widgets.frame import feeds_line, gate_counts
from loom_tui.widgets.gantt import launch_view, phase_gantt
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean, fit, spread, wrap
from loom_tui.widgets.text import (
    INK_OF_GATE,
    SIGN_OF_GATE,
    SIGN_OF_STATE,
    SIGN_OF_STATUS,
    SIGN_OF_VERDICT,
    WORD_OF_STATUS,
    Pen,
    Sign,
    age,
    hours,
    issue_name,
    milliseconds,
    number,
    span_of,
    stale_note,
    times,
)


def critical_issues(snapshot: Snapshot) -> Sequence[IssueView]:
    """List the issues that the launch waits for, by id."""
    before = set(awaited(snapshot.plan))
    found = [view for view in snapshot.issues if view.issue.id in before]
    return sorted(found, key=lambda view: (isinstance(view.issue.id, str), str(view.issue.id).zfill(9)))


def path_count(snapshot: Snapshot) -> Line:
    """Count the critical issues that are done."""
    found = critical_issues(snapshot)
    done = sum(view.issue.status is Status.DONE for view in found)
    return (Span(f"{done} of {len(found)} done", Ink.OK if found and done == len(found) else Ink.FAINT),)


def issue_row(view: IssueView, pen: Pen, width: int) -> Line:
    """Draw an issue in a line: sign, id, title, owner, effort, where it stands."""
    issue = view.issue
    owner_width = 10 if width >= 54 else 0
    word = f"{view.tasks_done} of {len(view.tasks)}" if _under_way(view) else WORD_OF_STATUS[issue.status]
    if is_claim(view):
        word = "claimed"
    if is_beaten(view):
        word = "check fails"
    right: Line = (
        Span(" " + fit(issue.owners[0] if issue.owners else "", owner_width) if owner_width else "", Ink.FAINT),
        Span(fit(hours(issue.effort_hours) or clean(issue.effort_text, limit=8), 7, right=True), Ink.FAINT),
        Span(fit(word, 12, right=True), _status_ink(view)),
    )
    open_ink = Ink.FAINT if issue.status is Status.DONE else Ink.INK
    left: Line = (
        pen.sign(sign_of(view)),
        Span(f" {fit(issue_name(issue.id), 5)} ", Ink.ACCENT),
        Span(clean(issue.title), open_ink, bold=_under_way(view)),
    )
    return spread(left, right, width)


def sign_of(view: IssueView) -> Sign:
    """Give the sign of where an issue stands: half where it is only claimed, bad where a check beats the word."""
    if is_beaten(view):
        return Sign.BAD
    return Sign.HALF if is_claim(view) else SIGN_OF_STATUS[view.issue.status]


def is_beaten(view: IssueView) -> bool:
    """Say whether somebody called it done, and one of its checks fails."""
    return view.issue.status is Status.DONE and view.proof is State.BAD


def is_claim(view: IssueView) -> bool:
    """Say whether only a document says that work was begun or done; that something is ready claims nothing."""
    return view.issue.claimed and view.issue.status not in (Status.OPEN, Status.READY)


def _under_way(view: IssueView) -> bool:
    return view.issue.status is Status.IN_PROGRESS and bool(view.tasks)


def _status_ink(view: IssueView) -> Ink:
    if view.issue.status is Status.DONE and not view.issue.claimed:
        return Ink.OK
    return Ink.WARN if view.issue.status is Status.BLOCKED else Ink.INK if _under_way(view) else Ink.FAINT


def path_foot(snapshot: Snapshot, pen: Pen, width: int) -> Sequence[Line]:
    """Draw what is next on the path, and when the launch is projected."""
    following = [task.text for view in critical_issues(snapshot) for task in view.tasks if not task.done]
    begun = [
        task.text for view in critical_issues(snapshot) if _under_way(view) for task in view.tasks if not task.done
    ]
    names = ", ".join((begun or following)[:2]) or "nothing to tick"
    ahead: Line = (Span("next ", Ink.FAINT), Span(clean(names, limit=200)))
    schedule, now = snapshot.schedule, snapshot.now
    if has_launched(snapshot):
        return (rule(width), ahead, launch_words(snapshot, pen))
    if schedule.finish_at is None:
        return (rule(width), ahead, (Span("no finish: the plan gives no dates or efforts", Ink.FAINT),))
    late = schedule.p80_at if schedule.p80_at is not None else schedule.finish_at
    finish: Line = (
        Span("launch ", Ink.FAINT),
        Span(pen.day_clock(schedule.finish_at, now=now)),
        Span("  P80 ", Ink.FAINT),
        Span(pen.day_clock(late, now=now), Ink.FAINT),
    )
    return (rule(width), ahead, spread(finish, launch_words(snapshot, pen), width))


def has_launched(snapshot: Snapshot) -> bool:
    """Say whether the launch is over: its projections then are of no more use."""
    launch = launch_view(snapshot)
    return launch is not None and launch.reached and launch.projected_at is not None


def launch_words(snapshot: Snapshot, pen: Pen) -> Line:
    """Say where the launch stands: that it happened, how much time there is to it, or by how much it is late."""
    launch = launch_view(snapshot)
    if launch is not None and launch.reached and launch.projected_at is not None:
        return (Span(f"launched {pen.day_clock(launch.projected_at, now=snapshot.now)}", Ink.OK),)
    finish = snapshot.schedule.finish_at
    if launch is None or launch.planned_at is None or finish is None:
        return EMPTY
    spare = launch.planned_at - finish
    if spare < -60:
        return (Span(f"late by {age(-spare)}", Ink.WARN),)
    return (Span("on time", Ink.OK),) if spare < 900 else (Span(f"{age(spare)} to spare", Ink.OK),)


def rule(width: int) -> Line:
    """Draw a faint rule."""
    return (Span("┄" * width, Ink.RULE),)


def gate_lines(snapshot: Snapshot, pen: Pen, width: int, height: int) -> Sequence[Line]:
    """Draw the go criteria, a line for the no-go ones, and the gate's sentence."""
    gate = snapshot.gate
    rows = [criterion_row(view, pen, width, now=snapshot.now) for view in gate.go]
    if not rows:
        rows = [(Span("The plan has no go criteria: [criteria] go = […]", Ink.FAINT),)]
    no_go = spread(
        (pen.sign(_no_go_sign(snapshot)), Span(" no-go ", Ink.FAINT), Span(_no_go_words(snapshot))), EMPTY, width
    )
    why: Line = (Span(fit(gate.why, width), INK_OF_GATE[gate.state]),)
    room = height - 3
    return [*rows[:room], *[EMPTY] * (room - len(rows)), no_go, rule(width), why]


def _no_go_sign(snapshot: Snapshot) -> Sign:
    verdicts = {view.verdict for view in snapshot.gate.no_go}
    if Verdict.MET in verdicts:
        return Sign.BAD
    return Sign.UNKNOWN if Verdict.UNKNOWN in verdicts or not verdicts else Sign.OK


def _no_go_words(snapshot: Snapshot) -> str:
    views = snapshot.gate.no_go
    holding = [view.text for view in views if view.verdict is Verdict.MET]
    if holding:
        return clean(", ".join(holding))
    unknown = sum(view.verdict is Verdict.UNKNOWN for view in views)
    return f"{unknown} of {len(views)} unknown" if unknown else f"{len(views)} known not to hold"


def asked(snapshot: Snapshot, views: Sequence[SignalView], now: float) -> Line:
    """Say who was asked and how long ago, for a pane's top line."""
    if not views:
        return EMPTY
    view = views[0]
    source = snapshot.plan.sources.get(view.signal.source)
    label = source.label if source is not None and source.label else view.signal.source
    when = read_when(view, now)
    return (Span(f"{clean(label, limit=16)}  ", when.ink), when)


def no_source(kind: str, table: str) -> Sequence[Line]:
    """Say what an empty pane would show, and how to get it."""
    return (
        (Span(f"No {kind} in the plan.", Ink.FAINT),),
        EMPTY,
        (Span("Add to loom.toml:", Ink.FAINT),),
        (Span("  [sources.NAME]", Ink.FAINT),),
        (Span(f'  kind = "{table}"', Ink.FAINT),),
    )


def errors_lines(snapshot: Snapshot, pen: Pen, width: int, height: int) -> Sequence[Line]:
    """Draw errors per minute over an hour, the counts, and the first errors."""
    if not snapshot.errors:
        return no_source("error feed", "sentry")
    view = snapshot.errors[0]
    fresh = view.signal.freshness is Freshness.FRESH
    axis = axis_of(snapshot.now, window_s=3600, columns=2 * width)
    values = gather(view.series, axis, peak_of)
    peak = max((value for value in values if value is not None), default=None)
    rows = braille(values, 3, scale_of([peak] if peak else []), ascii_only=pen.ascii_only)
    ink = Ink.ACCENT if fresh else Ink.FAINT
    chart: list[Line] = [(Span(row, ink),) for row in rows]
    axis_line = spread((Span("per minute, 1 h", Ink.FAINT),), (Span(f"peak {number(peak)}", Ink.FAINT),), width)
    counts: Line = (
        *count("new", view.new, Ink.WARN),
        *count("regressed", view.regressed, Ink.WARN),
        *count("critical", view.critical, Ink.BAD),
    )
    why = silence(snapshot, view.signal)
    lines: list[Line] = [*chart, axis_line, counts, (Span(fit(why, width), Ink.WARN),) if why else rule(width)]
    if not view.issues and not why:
        lines.append((Span("No errors in the feed.", Ink.FAINT),))
    for issue in view.issues[: height - len(lines)]:
        lamp = error_sign(issue, standing_of(view, issue), pen, fresh=fresh)
        users = f"{issue.users} u" if issue.users is not None else "– u"
        right: Line = (
            Span(f" ×{issue.count}", Ink.INK if fresh else Ink.FAINT),
            Span(fit(users, 7, right=True), Ink.FAINT),
        )
        left: Line = (lamp, Span(f" {clean(issue.title)}", Ink.INK if fresh else Ink.FAINT))
        lines.append(spread(left, right, width))
    return lines


def count(word: str, view: SignalView, alarming: Ink) -> Line:
    """Write a count with its word, in an alarming colour when there is any."""
    value = view.reading.value if view.reading is not None else None
    ink = alarming if value else Ink.INK
    return (Span(f"{word} ", Ink.FAINT), span_of(view, number(value), ink), Span("   "))


def database_lines(snapshot: Snapshot, pen: Pen, width: int, height: int) -> Sequence[Line]:
    """Draw each named query with its percentile, target, gain, verdict and a line of executions."""
    if not snapshot.databases:
        return no_source("database", "postgres")
    database = snapshot.databases[0]
    lines: list[Line] = []
    queries = database.queries
    tall = height >= 3 * len(queries) + 1
    for query in queries[: max(1, (height - 1) // 2)]:
        lines.append(query_row(query, pen, width))
        lines.append((Span(_executions(query, snapshot, pen, width), _query_ink(query)),))
        if tall:
            lines.append(EMPTY)
    if not queries:
        lines.append((Span("No named queries: add [[sources.NAME.queries]]", Ink.FAINT),))
    sessions: Line = (
        Span("sessions ", Ink.FAINT),
        span_of(database.sessions, f"{_value(database.sessions)} / {_value(database.max_sessions)}"),
        Span("   locks ", Ink.FAINT),
        span_of(database.locks_waiting, _value(database.locks_waiting)),
        Span("   longest ", Ink.FAINT),
        span_of(database.longest_s, f"{_value(database.longest_s)} s"),
    )
    why = silence(snapshot, database.signal)
    below: list[Line] = [(Span(fit(why, width), Ink.WARN),), sessions] if why else [sessions]
    room = height - len(below)
    return [*lines[:room], *[EMPTY] * (room - len(lines)), *below]


def figures_signal(database: DatabaseView) -> SignalView:
    """Give the signal whose age is that of a database's figures: its own check is read also where it fails."""
    return database.queries[0].signal if database.queries else database.sessions


def query_row(query: QueryView, pen: Pen, width: int) -> Line:
    """Draw a query's figures: its 95th percentile, the target, the gain, the verdict."""
    value = query.p95_ms
    known = value is not None and query.signal.freshness is Freshness.FRESH
    limit = query.target.target_ms if query.target is not None else None
    word = {Verdict.MET: "met", Verdict.NOT_MET: "over"}.get(query.verdict, stale_or_few(query))
    sign = {Verdict.NOT_MET: Sign.WARN}.get(query.verdict, SIGN_OF_VERDICT[query.verdict])
    lamp = pen.sign(sign)
    right: Line = (
        Span(fit(milliseconds(value), 9, right=True), Ink.INK if known else Ink.FAINT, bold=known),
        Span(fit(f"≤ {limit.high:g}" if limit is not None else "", 6, right=True), Ink.FAINT),
        Span(fit(times(query.factor), 5, right=True), Ink.FAINT),
        Span("  "),
        lamp,
        Span(fit(f" {word}", 7), lamp.ink),
    )
    return spread((Span(clean(query.query.label or query.query.name)),), right, width)


def stale_or_few(query: QueryView) -> str:
    """Say in a word why a query's verdict is unknown."""
    if query.signal.freshness is not Freshness.FRESH:
        return "stale" if query.signal.reading is not None else "never"
    return f"n {query.samples}" if query.p95_ms is None else "?"


def window_end(query: QueryView, now: float) -> float:
    """Give the moment at which a query's chart ends: now, or its last execution where the source fell silent."""
    if query.signal.reading is None or query.signal.freshness is Freshness.FRESH:
        return now
    return min(now, query.signal.reading.observed_at)


def _executions(query: QueryView, snapshot: Snapshot, pen: Pen, width: int) -> str:
    """Draw the executions' peaks over a quarter of an hour as bars on a logarithmic scale."""
    axis = axis_of(window_end(query, snapshot.now), window_s=900, columns=width)
    values = gather(query.series, axis, peak_of)
    scale = scale_of([value for value in values if value is not None])
    return spark(
        [None if value is None else scale.share(value) for value in values], top=1.0, ascii_only=pen.ascii_only
    )


def _query_ink(query: QueryView) -> Ink:
    if query.signal.freshness is not Freshness.FRESH:
        return Ink.FAINT
    return Ink.WARN if query.verdict is Verdict.NOT_MET else Ink.ACCENT


def _value(view: SignalView) -> str:
    return number(view.reading.value if view.reading is not None else None)


def service_lines(snapshot: Snapshot, pen: Pen, width: int) -> Sequence[Line]:
    """Draw a line a check; a service's latency stands beside its own check."""
    if not snapshot.services:
        return no_source("service", "http")
    latencies = {view.signal.source: view for view in snapshot.services if view.signal.kind is Kind.LATENCY}
    lines: list[Line] = []
    for view in snapshot.services:
        if view.signal.kind is Kind.LATENCY:
            continue
        note = stale_note(view, snapshot.now)
        figure = note or service_figure(view, latencies.get(view.signal.source))
        lamp = pen.sign(SIGN_OF_STATE[view.state])
        ink = Ink.FAINT if note or view.state is State.OK else lamp.ink
        label = clean(view.signal.label, limit=20)
        lines.append(spread((lamp, Span(f" {label}")), (Span(f" {clean(figure, limit=24)}", ink),), width))
    silent = {silence(snapshot, view) for view in snapshot.services if stale_note(view, snapshot.now)}
    return [*lines, EMPTY, *((Span(part, Ink.WARN),) for why in sorted(silent) for part in wrap(why, width))]


def service_figure(view: SignalView, latency: SignalView | None) -> str:
    """Give a check's figure: the latency of its own service, the version, or the word that came with it."""
    reading = view.reading
    if reading is None:
        return "never"
    if view.signal.kind is Kind.TEXT or reading.state is not State.OK:
        return reading.detail or reading.state.value
    if view.signal.id == view.signal.source and latency is not None and latency.reading is not None:
        return milliseconds(latency.reading.value)
    return reading.detail or "ok"


def timeline_figures(snapshot: Snapshot, pen: Pen) -> Line:
    """Say which of the plan's days this is, and whether the launch is on time."""
    late = launch_words(snapshot, pen)
    day = pen.day(snapshot.now)
    return (Span(f"{day}  ", Ink.FAINT), *late)


def timeline_lines(snapshot: Snapshot, pen: Pen, width: int, height: int) -> Sequence[Line]:
    """Draw the phases over the days."""
    return phase_gantt(snapshot, pen, width, height)


def risks_figures(snapshot: Snapshot) -> Line:
    """Count the risks that are lit."""
    lit = sum(view.lit is True for view in snapshot.risks)
    return (Span(f"{lit} lit", Ink.WARN),) if lit else (Span(f"{len(snapshot.risks)} known", Ink.FAINT),)


def risk_order(view: RiskView) -> tuple[bool, bool, str]:
    """Sort risks: lit ones first, then those that a signal watches, then by kind."""
    return (view.lit is not True, view.risk.trigger is None, view.risk.kind.value)


def risks_lines(snapshot: Snapshot, pen: Pen, width: int, height: int) -> Sequence[Line]:
    """Draw a line a risk, lit ones first."""
    if not snapshot.risks:
        return ((Span("The plan names no risks.", Ink.FAINT),),)
    lines = [risk_row(view, pen, width) for view in sorted(snapshot.risks, key=risk_order)]
    if len(lines) > height:
        more = len(lines) - height + 1
        lines = [*lines[: height - 1], (Span(f"  and {more} more: 4", Ink.FAINT),)]
    return lines


def risk_row(view: RiskView, pen: Pen, width: int) -> Line:
    """Draw a risk: lit, watched and calm, unknown, or for a person to judge."""
    if view.risk.trigger is None:
        sign, word, ink = Sign.OPEN, view.risk.kind.value, Ink.FAINT
    elif view.lit is None:
        sign, word, ink = Sign.UNKNOWN, view.why, Ink.FAINT
    elif view.lit:
        sign, word, ink = Sign.WARN, lit_figure(view), Ink.WARN
    else:
        sign, word, ink = Sign.OK, "calm", Ink.FAINT
    text = Span(f" {clean(view.risk.text)}", Ink.INK if view.lit else Ink.FAINT)
    return spread((pen.sign(sign), text), (Span(f"  {clean(word, limit=30)}", ink),), width)


def lit_figure(view: RiskView) -> str:
    """Give the reading that lit a risk."""
    if view.signal is None or view.signal.reading is None:
        return "lit"
    reading = view.signal.reading
    if reading.value is None:
        return reading.detail or reading.state.value
    return milliseconds(reading.value) if view.signal.signal.unit == "ms" else number(reading.value)


def events_lines(snapshot: Snapshot, pen: Pen, width: int, height: int) -> Sequence[Line]:
    """Draw the last events, newest first."""
    if not snapshot.events:
        return ((Span("Nothing has been done yet; m stamps a note.", Ink.FAINT),),)
    lines: list[Line] = []
    for event in reversed(snapshot.events[-height:]):
        at = pen.day_clock(event.at, now=snapshot.now)
        lines.append(
            (
                Span(fit(at, 12 if " " in at else 5) + "  ", Ink.FAINT),
                Span(fit(clean(event.actor, limit=20), 8) + "  ", Ink.ACCENT),
                Span(clean(told(event), limit=300)),
            )
        )
    del width
    return lines


def compact_lines(snapshot: Snapshot, pen: Pen, width: int, height: int) -> Sequence[Line]:
    """Draw the gate's criteria, then a line each for path, errors, database, timeline, risks and feeds."""
    summary = [line for line in summary_lines(snapshot, pen, width) if line]
    above = height - len(summary) - 1
    gate = gate_lines(snapshot, pen, width, max(4, min(above, len(snapshot.gate.go) + 3)))
    return [*gate[:above], *[EMPTY] * (above - len(gate)), rule(width), *summary]


def summary_lines(snapshot: Snapshot, pen: Pen, width: int) -> Sequence[Line]:
    """Draw a line for each pane of the wide form."""

    def line(word: str, body: Line, right: Line = EMPTY) -> Line:
        return spread((Span(fit(word, 10), Ink.FAINT), *body), right, width)

    views = critical_issues(snapshot)
    path: Line = tuple(
        span
        for view in views[:6]
        for span in (pen.sign(SIGN_OF_STATUS[view.issue.status]), Span(f" {issue_name(view.issue.id)}  "))
    )
    out = [line("path", path, path_count(snapshot))]
    for errors in snapshot.errors[:1]:
        counts = (*count("new", errors.new, Ink.WARN), *count("critical", errors.critical, Ink.BAD))
        out.append(line("errors", counts, asked(snapshot, [errors.signal], snapshot.now)))
    for database in snapshot.databases[:1]:
        figures: Line = tuple(
            span
            for query in database.queries[:3]
            for span in (
                pen.sign({Verdict.NOT_MET: Sign.WARN}.get(query.verdict, SIGN_OF_VERDICT[query.verdict])),
                Span(f" {milliseconds(query.p95_ms)}  ", _query_ink(query)),
            )
        )
        out.append(
            line("database", figures, (Span("p95  ", Ink.FAINT), read_when(figures_signal(database), snapshot.now)))
        )
    if snapshot.services:
        checks: Line = tuple(
            span
            for view in snapshot.services
            if view.signal.kind is Kind.CHECK
            for span in (pen.sign(SIGN_OF_STATE[view.state]), Span(f" {clean(view.signal.label, limit=12)}  "))
        )
        out.append(line("service", checks, (read_when(snapshot.services[0], snapshot.now),)))
    finish, words = snapshot.schedule.finish_at, launch_words(snapshot, pen)
    launch = f"launch {pen.day_clock(finish, now=snapshot.now)}" if finish is not None else "no dates"
    out.append(line("timeline", words) if has_launched(snapshot) else line("timeline", (Span(launch),), words))
    lit = [view for view in sorted(snapshot.risks, key=risk_order) if view.lit]
    first = clean(lit[0].risk.text, limit=60) if lit else "none lit"
    out.append(line("risks", (Span(first, Ink.WARN if lit else Ink.INK),), risks_figures(snapshot)))
    return out


def tiny_lines(snapshot: Snapshot, pen: Pen, width: int, height: int) -> Sequence[Line]:
    """Draw the gate, and say that the rest needs room."""
    gate = snapshot.gate
    lamp = pen.sign(SIGN_OF_GATE[gate.state])
    words = wrap(gate.why, width)
    lines: list[Line] = [(lamp, Span(f" {gate.state.value}", INK_OF_GATE[gate.state], bold=True))]
    lines += [(Span(gate_counts(gate), Ink.FAINT),), *((Span(word),) for word in words)]
    return [*lines[: height - 2], feeds_line(snapshot, pen), (Span("Widen to 80x24 for the room.", Ink.FAINT),)]
