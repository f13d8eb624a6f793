"""What screen 8 draws: criteria, votes and evidence as lines. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from loom_tui.plan.model import Plan
from loom_tui.room.nogo import ends_of, stays_words
from loom_tui.room.snapshot import Snapshot
from loom_tui.room.verdicts import (
    Choice,
    Clock,
    CriterionView,
    DecisionView,
    Evidence,
    GateView,
    PollView,
    Says,
    Verdict,
    VoteView,
    Waiver,
)
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean, fit, spread, width_of, wrap
from loom_tui.widgets.poll import poll_words
from loom_tui.widgets.text import Pen, Sign, age

_ISSUES_NAMED = re.compile(r"\s*\((?:#\d+[,\s]*)+\)\s*$")  # "(#145, #146)": the evidence names them
_WHY_CELLS = 20  # left for the reason beside a long text; the evidence has it whole
_AGE_CELLS = 7

SIGN_OF_SAYS = {Says.FOR: Sign.OK, Says.AGAINST: Sign.BAD, Says.AWAITED: Sign.OPEN, Says.UNKNOWN: Sign.UNKNOWN}
WORD_OF_VERDICT = {
    Verdict.MET: "MET",
    Verdict.NOT_MET: "NOT MET",
    Verdict.UNKNOWN: "UNKNOWN",
    Verdict.WAIVED: "WAIVED",
}
_NO_GO_WORD = {Verdict.MET: "HOLDS", Verdict.NOT_MET: "DOES NOT HOLD", Verdict.UNKNOWN: "UNKNOWN"}


def sign_of_criterion(view: CriterionView) -> Sign:
    """Choose a go or success criterion's sign: red only where something speaks against it."""
    if view.verdict is Verdict.NOT_MET:
        begun = any(item.says is Says.FOR for item in view.evidence)
        return Sign.BAD if view.failed else Sign.HALF if begun else Sign.OPEN
    return {Verdict.MET: Sign.OK, Verdict.WAIVED: Sign.WAIVED}.get(view.verdict, Sign.UNKNOWN)


def sign_of_no_go(view: CriterionView) -> Sign:
    """Choose a no-go criterion's sign: red where it holds, calm where it is known not to."""
    return {Verdict.MET: Sign.BAD, Verdict.NOT_MET: Sign.OK}.get(view.verdict, Sign.UNKNOWN)


def word_of(view: CriterionView, *, no_go: bool) -> str:
    """Write a verdict in a word or two."""
    return _NO_GO_WORD.get(view.verdict, "UNKNOWN") if no_go else WORD_OF_VERDICT[view.verdict]


def criterion_row(view: CriterionView, pen: Pen, width: int, *, now: float, no_go: bool = False) -> Line:
    """Draw a criterion: sign, text, what decided it, and the age of its oldest reading or word."""
    sign = pen.sign(sign_of_no_go(view) if no_go else sign_of_criterion(view))
    text = clean(_ISSUES_NAMED.sub("", view.text))
    ink = sign.ink if sign.ink in (Ink.BAD, Ink.WAIVED) else Ink.FAINT if view.verdict is Verdict.UNKNOWN else Ink.INK
    room = width - pen.sign_width - width_of((Span(text),)) - _AGE_CELLS - 3
    whys = [clean(why) for why in _whys(view, no_go=no_go)]
    why = next((why for why in whys if width_of((Span(why),)) <= room), whys[-1])
    aged = view.observed_at is not None and view.clock is None
    shown = age(now - (view.observed_at or now)) if aged else ""
    right: Line = (
        Span("  " + fit(why, min(max(room, _WHY_CELLS), width_of((Span(why),)))), ink),
        Span(fit(shown, max(_AGE_CELLS, len(shown) + 1), right=True), Ink.FAINT),
    )
    return spread((sign, Span(f" {text}")), right, width)


def _whys(view: CriterionView, *, no_go: bool) -> Iterator[str]:
    """Say what decided a criterion, in fewer words each time: the evidence has it whole."""
    claimed = view.claimed and view.verdict is Verdict.UNKNOWN
    if view.clock is not None and view.clock.since is not None and not view.failed:
        yield clock_words(view.clock)
        return
    count = _count(view, no_go=no_go)
    yield f"{'claimed · ' if claimed else ''}{view.why}{f' · {count}' if count and count not in view.why else ''}"
    yield f"{'claimed · ' if claimed else ''}{view.why}"
    if view.latched_at is not None and not view.failed:
        yield "held when last seen"
    elif claimed or count:
        yield count or "claimed"
    elif view.waiver is not None or view.verdict is Verdict.UNKNOWN:
        yield view.why.partition(": ")[0]  # "waived by ana and bo", "source down"


def _count(view: CriterionView, *, no_go: bool) -> str:
    """Count what is like that which decided: "6 of 8", of a no-go "1 of 3 unknown"; empty where it stands alone."""
    first = view.deciding
    if first is None:
        return ""
    kinds = {"rule", "check"} if first.kind in ("rule", "check") else {first.kind}
    says = [item.says for item in view.evidence if item.kind in kinds]
    if len(says) < 2:
        return ""
    if not no_go:
        return f"{says.count(Says.FOR)} of {len(says)}"
    word = {Says.AGAINST: "hold", Says.UNKNOWN: "unknown"}.get(first.says, "not yet")
    return f"{says.count(first.says)} of {len(says)} {word}"


def vote_row(vote: VoteView, pen: Pen, width: int, *, now: float) -> Line:
    """Draw a role's vote: what it is, whose, when, and why not."""
    sign = {Choice.GO: Sign.OK, Choice.NO_GO: Sign.BAD, None: Sign.OPEN}[vote.choice]
    word = {Choice.GO: "GO", Choice.NO_GO: "NO-GO", None: "ran out" if vote.expired else "no vote yet"}[vote.choice]
    said = f"{word} {vote.by} {pen.day_clock(vote.at, now=now)}" if vote.by and vote.at is not None else word
    ink = Ink.BAD if vote.choice is Choice.NO_GO else Ink.INK if vote.choice is Choice.GO else Ink.FAINT
    reason = f": {clean(vote.reason)}" if vote.reason and vote.choice is Choice.NO_GO else ""
    return spread((pen.sign(sign), Span(f" {clean(vote.role)}")), (Span(f"  {clean(said)}{reason}", ink),), width)


def gate_sentence(snapshot: Snapshot, pen: Pen, width: int, height: int) -> Sequence[Line]:
    """Draw what the gate needs, wrapped; then the decision, where there is one."""
    decision = snapshot.decision
    poll = snapshot.gate.poll
    below = [poll_line(poll, now=snapshot.now)] if poll is not None else []
    below += [decision_line(decision, pen, now=snapshot.now)] if decision is not None else []
    room = max(1, height - len(below))
    stays = within(stays_words(snapshot), width, max(0, room - 1))
    words = within(snapshot.gate.why, width, room - len(stays))
    return [*((Span(fit(text, width)),) for text in (*words, *stays)), *below]


def within(text: str, width: int, height: int) -> list[str]:
    """Wrap a text into no more lines than there is room for: the last one has all the rest, to be cut."""
    words = wrap(text, width)
    if len(words) <= height:
        return words
    return [*words[: height - 1], " ".join(words[height - 1 :])] if height else []


def poll_line(poll: PollView, *, now: float) -> Line:
    """Draw the launch poll: the role that is called now, and for how long it has been silent."""
    ink = Ink.WARN if poll.calls else Ink.FAINT
    return (Span(fit("poll", 10), Ink.FAINT), Span(clean(poll_words(poll, now)), ink, bold=bool(poll.calls)))


def decision_line(decision: DecisionView, pen: Pen, *, now: float) -> Line:
    """Draw the last decision: what, by whom, when, why, and whether it waits for a second person."""
    word = "GO" if decision.choice is Choice.GO else "NO-GO"
    at = pen.day_clock(decision.at, now=now)
    text = f"{word} called by {decision.by} {at}, the gate was {decision.gate.state.value}"
    if decision.pending:
        text += "; waits for a second person (D)"
    elif decision.agreed_by:
        text += f"; {decision.agreed_by} agreed"
    reason = f": {clean(decision.reason)}" if decision.reason else ""
    return (
        Span(fit("decided", 10), Ink.FAINT),
        Span(clean(text), Ink.WARN if decision.pending else Ink.INK),
        Span(reason, Ink.FAINT),
    )


def evidence_lines(view: CriterionView, pen: Pen, width: int, *, now: float, no_go: bool) -> Iterator[Line]:
    """Draw a criterion whole: its text, why, each piece of evidence, its waiver, its clock."""
    yield from ((Span(part, bold=True),) for part in wrap(view.text, width))
    if not any(item.words in view.why for item in view.evidence):
        yield from ((Span(part, Ink.FAINT),) for part in wrap(view.why, width))
    if view.clock is not None:
        yield EMPTY
        yield from clock_lines(view.clock, pen, width, now=now)
    if no_go and view.verdict is Verdict.MET:
        yield EMPTY
        shown = "" if view.latched_at is None else f"Shown {pen.day_clock(view.latched_at, now=now)}. "
        yield from ((Span(part, Ink.WARN),) for part in wrap(f"{shown}It ends with: {ends_of(view)}", width))
    yield EMPTY
    if not view.evidence:
        yield from ((Span(part, Ink.FAINT),) for part in wrap(_unproved(view, no_go=no_go), width))
    for item in view.evidence:
        yield from _evidence(item, pen, width, now=now)
    if view.waiver is not None:
        yield EMPTY
        yield from _waiver(view.waiver, pen, width, now=now)


def _unproved(view: CriterionView, *, no_go: bool) -> str:
    claim = "The document's author ticked it, which proves nothing. " if view.claimed else ""
    word = "that it does not hold" if no_go else "it off"
    return (
        f"{claim}The plan names no proof: write rules, checks, issues or signoffs for it, or sign {word} by name (S)."
    )


def _evidence(item: Evidence, pen: Pen, width: int, *, now: float) -> Iterator[Line]:
    shown = age(now - item.at) if item.at is not None else ""
    sign = pen.sign(SIGN_OF_SAYS[item.says])
    ink = sign.ink if item.says is Says.AGAINST else Ink.INK if item.says is Says.FOR else Ink.FAINT
    title = f" {clean(item.subject)}" + (f"  {clean(item.detail)}" if item.kind == "issue" else "")
    words = clean(item.words) + (f" · {clean(item.by)}" if item.by and item.by not in item.words else "")
    said = Span("  " + fit(words, min(max(12, width // 2), len(words))), ink)
    aged = Span(fit(shown, max(_AGE_CELLS, len(shown) + 1), right=True), Ink.FAINT)
    yield spread((sign, Span(title)), (said, aged), width)
    if item.detail and item.kind not in ("issue", "clock") and item.detail not in item.words:
        yield from ((Span(f"  {part}", Ink.FAINT),) for part in wrap(item.detail, width - 2)[:3])


def _waiver(waiver: Waiver, pen: Pen, width: int, *, now: float) -> Iterator[Line]:
    until = pen.day_clock(waiver.until, now=now)
    if waiver.agreed_by:
        text = f" waived by {waiver.by}, agreed by {waiver.agreed_by}, until {until}"
        yield (pen.sign(Sign.WAIVED), Span(clean(text), Ink.WAIVED))
    else:
        text = f" {waiver.by} proposes to waive it until {until}: W agrees"
        yield (pen.sign(Sign.OPEN), Span(clean(text), Ink.WARN))
    yield from ((Span(f"  {part}", Ink.FAINT),) for part in wrap(waiver.reason, width - 2)[:3])


def clock_words(clock: Clock) -> str:
    """Write how far a clock came: "9 h 12 m of 24 h". It is rounded down: it never ran longer than it says."""
    return f"{ran(clock.ran_s)} of {ran(clock.of_s)}"


def ran(seconds: float) -> str:
    """Write a stretch of time, rounded down to the minute."""
    hours, minutes = divmod(int(seconds // 60), 60)
    return f"{hours} h {minutes} m" if hours and minutes else f"{hours} h" if hours else f"{minutes} m"


def clock_lines(clock: Clock, pen: Pen, width: int, *, now: float) -> Iterator[Line]:
    """Draw a clock as a bar, since when it runs, and why it began anew."""
    cells = max(4, width - 24)
    full = int(cells * min(1.0, clock.ran_s / clock.of_s)) if clock.of_s else 0
    yield (Span("█" * full, Ink.OK), Span("░" * (cells - full), Ink.FAINT), Span(f"  {clock_words(clock)}"))
    if clock.since is not None:
        yield (Span(f"runs since {pen.day_clock(clock.since, now=now)}", Ink.FAINT),)
    if clock.broken:
        yield (Span(f"began anew: {clean(clock.broken)}", Ink.WARN),)


def gate_figures(gate: GateView) -> Line:
    """Say for which release and environment the gate is."""
    words = " → ".join(part for part in (gate.release, gate.environment) if part)
    return (Span(clean(words, limit=60), Ink.FAINT),)


def head_row(text: str, width: int) -> Line:
    """Draw a list's head, with a rule to its right."""
    return (Span(f"{text} ", Ink.FAINT, bold=True), Span("─" * max(0, width - len(text) - 1), Ink.RULE))


def head_lines(head: str, snapshot: Snapshot, width: int) -> Sequence[Line]:
    """Say under a list's head what GO still needs, or how the list comes to hold something."""
    if head == "head go" and not snapshot.gate.go:
        text = "The plan has no go criteria, and nothing proves that it is safe to go: write [criteria] go = […]."
        return [(Span(part, Ink.FAINT),) for part in wrap(text, width)]
    needs = snapshot.gate.needs
    if not needs:
        return [(Span("GO needs nothing more.", Ink.OK),)]
    lines: list[Line] = [(Span("GO still needs", Ink.FAINT),)]
    for need in needs:
        first, *rest = wrap(need, width - 2) or [""]
        lines += [(Span("· ", Ink.FAINT), Span(first)), *((Span(f"  {part}"),) for part in rest)]
    return lines


def vote_lines(vote: VoteView, plan: Plan, pen: Pen, width: int, *, now: float) -> Iterator[Line]:
    """Draw a role's vote whole: who may give it, what was said, until when it counts."""
    yield vote_row(vote, pen, width, now=now)
    yield EMPTY
    yield from ((Span(part),) for part in wrap(vote.reason, width))
    for word in reversed(vote.history[:-1]):
        said = {Choice.GO: "GO", Choice.NO_GO: "NO-GO", None: "took it back"}[word.choice]
        why = f": {word.reason}" if word.reason else ""
        text = f"before: {said} {word.by} {pen.day_clock(word.at, now=now)}{why}"
        yield from ((Span(part, Ink.FAINT),) for part in wrap(text, width))
    who = next((stakeholder.who for stakeholder in plan.stakeholders if stakeholder.name == vote.role), ())
    speaks = (
        f"{', '.join(who)} may vote for it." if who else "Anybody may vote for it: the plan names nobody (who = […])."
    )
    yield from ((Span(part, Ink.FAINT),) for part in wrap(speaks, width))
    if vote.choice is Choice.GO and vote.at is not None:
        until = pen.day_clock(vote.at + plan.gate.vote_hours * 3600, now=now)
        yield (Span(f"It counts until {until}, and for this release alone.", Ink.FAINT),)
    elif vote.choice is Choice.NO_GO:
        text = "It stands until it is taken back, or lifted with a reason (L)."
        yield from ((Span(part, Ink.FAINT),) for part in wrap(text, width))
