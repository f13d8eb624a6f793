"""A decision as it stood: from its event alone, whatever became of the plan, the people and the readings since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loom_tui.reports.markdown import code, facts, moment, plain, table
from loom_tui.room.events import DecisionAgreed, DecisionCalled, Event
from loom_tui.room.verdicts import Choice, CriterionView, Evidence, GateView, Verdict
from loom_tui.widgets.text import age

_WORDS = {Choice.GO: "GO", Choice.NO_GO: "NO-GO"}
_VERDICTS = {Verdict.MET: "met", Verdict.NOT_MET: "not met", Verdict.UNKNOWN: "unknown", Verdict.WAIVED: "waived"}


def decision_report(event: Event, called: DecisionCalled, agreed: Sequence[Event]) -> Iterator[str]:
    """Write a decision with all that it was called on. `agreed` are the agreements that came later."""
    gate = called.gate
    yield f"# {_WORDS[called.choice]} for {plain(called.release) or 'no named release'} in {plain(called.environment)}"
    yield ""
    yield from facts(
        (
            ("called by", f"{plain(event.actor)}, {moment(event.at)}"),
            ("reason", plain(called.reason)),
            ("the gate then", f"{gate.state.value}: {plain(gate.why)}"),
            ("GO still needed", "; ".join(map(plain, gate.needs))),
            *(("agreed by", f"{plain(each.actor)}, {moment(each.at)}") for each in agreed),
            ("event", f"{event.seq}, {code(event.hash)}"),
        )
    )
    for title, criteria in (
        ("GO needs all of", gate.go),
        ("NO-GO if any of", gate.no_go),
        ("The deployment succeeded if", gate.deployment),
        ("It was a success if", gate.post_deployment),
    ):
        if criteria:
            yield from ("", f"## {title}")
        for view in criteria:
            yield from _criterion(view, event.at)
    yield from _votes(gate, event.at)


def agreements(decision: int, events: Sequence[Event]) -> list[Event]:
    """Find who agreed to a decision."""
    return [
        event for event in events if isinstance(event.payload, DecisionAgreed) and event.payload.decision == decision
    ]


def _criterion(view: CriterionView, at: float) -> Iterator[str]:
    yield ""
    yield f"### {plain(view.text)}"
    yield ""
    claimed = " (the plan's author had ticked it, which proves nothing)" if view.claimed else ""
    yield f"**{_VERDICTS[view.verdict]}**: {plain(view.why) or 'no word on it'}{claimed}"
    waiver, clock = view.waiver, view.clock
    if waiver is not None:
        agreed = f"agreed by {plain(waiver.agreed_by)}" if waiver.agreed_by else "which nobody had agreed to"
        yield ""
        yield f"Waiver by {plain(waiver.by)}, {agreed}, until {moment(waiver.until)}: {plain(waiver.reason)}"
    if clock is not None:
        yield ""
        yield f"Its clock had run for {age(clock.ran_s)} of {age(clock.of_s)}. {plain(clock.broken)}".rstrip()
    if view.evidence:
        yield ""
        yield from table(
            ("what", "said", "value", "read or said", "of", "by"), (_row(item, at) for item in view.evidence)
        )


def _row(item: Evidence, at: float) -> Sequence[str]:
    when = f"{moment(item.at)}, {age(at - item.at)} before" if item.at is not None else ""
    said = plain(": ".join(filter(None, (item.words, item.detail))))
    of = plain(" ".join(filter(None, (item.release, item.environment))))
    value = f"{item.value:.6g}" if item.value is not None else ""
    return (f"{item.kind} {code(item.subject)}", f"{item.says.value}: {said}", value, when, of, plain(item.by))


def _votes(gate: GateView, at: float) -> Iterator[str]:
    if not gate.votes:
        return
    yield from ("", "## Votes", "")
    yield from table(
        ("role", "vote", "by", "when", "reason"),
        (
            (
                f"{plain(vote.role)}{'' if vote.required else ' (not required)'}",
                "ran out" if vote.expired else _WORDS[vote.choice] if vote.choice is not None else "none",
                plain(vote.by),
                f"{moment(vote.at)}, {age(at - vote.at)} before" if vote.at is not None else "",
                plain(vote.reason),
            )
            for vote in gate.votes
        ),
    )
