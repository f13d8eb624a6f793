"""The plan itself: its particulars, its people, its conversations, what it points at, what an import left over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from loom_tui.plan.model import About, Plan
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean, fit, wrap
from loom_tui.widgets.panel import heading
from loom_tui.widgets.scroll import Scroll

LABEL = 16


class Particulars(Scroll):
    """All that the plan says of itself."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("Plan")

    def figures(self) -> Line:
        """Say how to leave."""
        return (Span("/ filters  esc closes", Ink.FAINT),)

    def lines(self, width: int) -> Sequence[Line]:
        """Lay the plan."""
        return list(plan_lines(self.snapshot.plan, width))


def plan_lines(plan: Plan, width: int) -> Iterator[Line]:
    """Lay a plan's own words for a width in cells."""
    about = plan.plan
    for part in wrap(about.title, width):
        yield (Span(part, bold=True),)
    for text in (about.goal, about.summary):
        for part in wrap(text, width):
            yield (Span(part, Ink.FAINT),)
    yield EMPTY
    for label, value in _facts(about):
        yield from _labelled(Span(label, Ink.FAINT), Span(value), width)
    yield from _section(
        "Stakeholders", ((person.name, person.role) for person in plan.stakeholders), "[[stakeholders]] name = …", width
    )
    yield from _section(
        "Cadences",
        ((cadence.what, " · ".join(filter(None, (cadence.when, *cadence.topics)))) for cadence in plan.cadences),
        "[[cadences]] what = …",
        width,
    )
    yield from _section(
        "References",
        ((reference.name, reference.text) for reference in plan.references),
        "[[references]] name = …",
        width,
    )
    if plan.notes:
        told = ((f"line {note.line}", note.text) for note in plan.notes)
        yield from _section("Left over from the import", told, "", width)


def _facts(about: About) -> Iterator[tuple[str, str]]:
    dates = " → ".join(day.isoformat() for day in (about.start, about.target) if day)
    written = " · ".join(
        f"{word} {day.isoformat()}" for word, day in (("made", about.created), ("changed", about.updated)) if day
    )
    for label, value in (
        ("room", about.id),
        ("sprint", about.sprint),
        ("status", f"{about.status} (as the document says)" if about.claimed else about.status),
        ("from, to", dates),
        ("environment", about.environment),
        ("release", about.release),
        ("last stable", about.last_stable),
        ("roll back when", about.rollback_when),
        ("version", " · ".join(filter(None, (about.version, written)))),
    ):
        if value:
            yield label, value


def _section(title: str, pairs: Iterable[tuple[str, str]], how: str, width: int) -> Iterator[Line]:
    found = list(pairs)
    yield EMPTY
    yield (Span(title, bold=True), Span(f"  {len(found)}" if found else f"  none: add {how}", Ink.FAINT))
    for name, text in found:
        yield from _labelled(Span(name), Span(text, Ink.FAINT), width)


def _labelled(label: Span, value: Span, width: int) -> Iterator[Line]:
    """Write a label and its words beside it; a label that is too long takes a line of its own."""
    parts = wrap(value.text, max(10, width - LABEL)) or [""]
    name = clean(label.text, limit=200)
    if len(name) >= LABEL:
        for part in wrap(name, width):
            yield (label._replace(text=part),)
        if not value.text:
            return
        name = ""
    for index, part in enumerate(parts):
        yield (label._replace(text=fit("" if index else name, LABEL)), value._replace(text=part))
