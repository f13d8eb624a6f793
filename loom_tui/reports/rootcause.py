"""The record of a root cause: the evidence as it stood when a rollback was carried out, from its event alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loom_tui.reports.markdown import code, facts, moment, plain, table
from loom_tui.room.aftermath import RootCauseOpened, SeenError, SeenFigure, SeenSeries, Tick
from loom_tui.room.events import Event
from loom_tui.widgets.text import age


def rootcause_report(event: Event, opened: RootCauseOpened, ticks: Sequence[tuple[str, Tick]]) -> Iterator[str]:
    """Write the evidence whole. `ticks` are the plan's steps that people did since, oldest first."""
    way = f"{plain(opened.from_release)} → {plain(opened.to_release)}"
    yield f"# Root cause: rollback {opened.action} in {plain(opened.environment)}, {way}"
    yield ""
    yield from facts(
        (
            ("rolled back because", plain(opened.reason)),
            ("evidence gathered", f"{moment(event.at)}, by {plain(event.actor)}"),
            ("from", f"{moment(opened.since)}, {age(event.at - opened.since)} before"),
            ("the version that answered", plain(opened.version) or "not known"),
            *(("warned of", plain(warning)) for warning in opened.warnings),
            *((f"“{plain(name)}”", _ticked(tick)) for name, tick in ticks),
            ("event", f"{event.seq}, {code(event.hash)}"),
            ("the journal's head then", f"{opened.head_seq}, {code(opened.head_hash)}" if opened.head_hash else ""),
        )
    )
    yield from ("", f"## Errors ({len(opened.errors) + opened.errors_left_out})", "")
    yield from _errors(opened)
    yield from ("", "## Figures", "")
    yield from _figures(opened.figures, event.at)
    for series in opened.series:
        yield from ("", f"## {code(series.signal)}", "")
        yield from _chart(series)
    yield from ("", "## Journal", "")
    if opened.events_left_out:
        yield f"{opened.events_left_out} earlier events are left out."
        yield ""
    rows = ((str(each.seq), moment(each.at), plain(each.actor), plain(each.words)) for each in opened.journal)
    yield from table(("event", "when", "who", "what"), rows)


def _ticked(tick: Tick) -> str:
    note = f": {plain(tick.note)}" if tick.note else ""
    return f"{'done' if tick.done else 'taken back'} by {plain(tick.by)}, {moment(tick.at)}{note}"


def _errors(opened: RootCauseOpened) -> Iterator[str]:
    if not opened.errors:
        yield "None was known to be new, escalating or fatal."
        return
    head = ("error", "level", "state", "count", "users", "first seen", "last seen", "release")
    yield from table(head, map(_error, opened.errors))
    if opened.errors_left_out:
        yield ""
        yield f"{opened.errors_left_out} more are left out."


def _error(error: SeenError) -> Sequence[str]:
    name = plain(" ".join(filter(None, (error.short_id, error.title, error.culprit and f"in {error.culprit}"))))
    users = str(error.users) if error.users is not None else "not known"
    times = (moment(error.first_seen), moment(error.last_seen))
    return (name, plain(error.level), plain(error.substatus), str(error.count), users, *times, plain(error.release))


def _figures(figures: Sequence[SeenFigure], at: float) -> Iterator[str]:
    if not figures:
        yield "None had been read."
        return
    rows = (
        (
            code(each.signal),
            each.state,
            f"{each.value:.6g} {plain(each.unit)}".strip() if each.value is not None else "",
            plain(each.detail),
            f"{age(at - each.at)} before{'' if each.freshness == 'fresh' else f', {each.freshness}'}",
        )
        for each in figures
    )
    yield from table(("signal", "state", "value", "detail", "read"), rows)


def _chart(series: SeenSeries) -> Iterator[str]:
    rows = ((moment(start), f"{mean:.6g}", f"{high:.6g}") for start, mean, high in series.points)
    yield from table(("from", f"mean {plain(series.unit)}".strip(), "highest"), rows)
