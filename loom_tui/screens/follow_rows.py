"""What a person sees of an armed action: who wants it, how far it came, what it writes, what to do next. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from loom_tui.plan.acts import ActionKind
from loom_tui.plan.criteria import may
from loom_tui.plan.model import Right
from loom_tui.room.acting import Answer, Outcome
from loom_tui.room.announcing import known_action
from loom_tui.room.guard import ACTIVE, UNDER_WAY, WAITING, ActionState, ActionView, StepView, asked_now
from loom_tui.room.presence import names
from loom_tui.room.signals import Freshness
from loom_tui.room.snapshot import SignalView, Snapshot
from loom_tui.room.tail import Tail
from loom_tui.room.way import values_of
from loom_tui.screens.act_rows import (
    SHARED,
    StepRow,
    approvers,
    is_shared,
    proof_words,
    seconds,
    step_lines,
    told,
    way_line,
)
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean, rule, wrap
from loom_tui.widgets.text import Pen, Sign, age_of, number

_S = ActionState
SIGN_OF_ACTION = {
    _S.ARMED: Sign.WARN,
    _S.APPROVED: Sign.HALF,
    _S.COUNTING_DOWN: Sign.HALF,
    _S.RUNNING: Sign.HALF,
    _S.VERIFYING: Sign.HALF,
    _S.DONE: Sign.OK,
    _S.DONE_UNVERIFIED: Sign.UNKNOWN,
    _S.EXPIRED: Sign.OPEN,
    _S.FAILED: Sign.BAD,
    _S.UNKNOWN: Sign.UNKNOWN,
    _S.INTERRUPTED: Sign.BAD,
    _S.ABORTED: Sign.WARN,
}
_SIGN_OF_OUTCOME = {Outcome.OK: Sign.OK, Outcome.FAILED: Sign.BAD, Outcome.UNKNOWN: Sign.UNKNOWN}
_INK_OF_SIGN = {Sign.OK: Ink.OK, Sign.BAD: Ink.BAD, Sign.WARN: Ink.WARN}


class Standing(NamedTuple):
    """Where an action stands in a sentence, and what a person does next."""

    sign: Sign
    text: str
    then: str = ""


def follow_lines(
    view: ActionView, snapshot: Snapshot, tail: Tail | None, pen: Pen, width: int, *, actor: str, roomy: bool, rows: int
) -> list[Line]:
    """Draw an action; of what its steps write the last `rows` lines."""
    gap = [EMPTY] if roomy else []
    armed = view.armed
    before = "now" if view.state in WAITING else "before"
    after = "last stable" if armed.what is ActionKind.ROLLBACK else "this plan's release"
    target = armed.to_release if armed.what.changes_release else ""
    where = standing(view, snapshot, actor)
    return [
        *way_line(armed.from_release, target, before=before, after=after, pen=pen, width=width),
        *now_lines(snapshot, width),
        *gap,
        *(line for text in _people(view, pen, snapshot) for line in _plain(text, width)),
        *(line for text in _warnings(view) for line in told(Sign.WARN, text, pen, width)),
        *gap,
        *step_lines([*_steps(view, snapshot, pen), *_proof(view, snapshot, pen)], width),
        *_whys(view, pen, width),
        *_output(view, tail, width, rows),
        *gap,
        *told(where.sign, where.text, pen, width, _INK_OF_SIGN.get(where.sign, Ink.INK)),
        *_plain(where.then, width),
        *_aftermath(view, snapshot, pen, width),
    ]


def now_lines(snapshot: Snapshot, width: int) -> list[Line]:
    """Write what the world says now: the version, and each feed's errors a minute."""
    words = []
    if snapshot.version is not None:
        reading = snapshot.version.reading
        words.append(("version", reading.detail if reading is not None else "?", snapshot.version))
    for errors in snapshot.errors:
        reading = errors.per_minute.reading
        words.append(
            ("errors", f"{number(reading.value if reading is not None else None)} a minute", errors.per_minute)
        )
    line: Line = EMPTY
    for label, text, view in words:
        ink = Ink.INK if view.freshness is Freshness.FRESH else Ink.FAINT
        when = age_of(view, snapshot.now)
        line = (
            *line,
            Span(f"{label} ", Ink.FAINT),
            Span(clean(text, limit=40), ink),
            Span(f"  {when if when == 'never' else f'{when} ago'}     ", Ink.FAINT),
        )
    return [line] if line and width else []


def standing(view: ActionView, snapshot: Snapshot, actor: str) -> Standing:
    """Say where an action stands, and what to do next."""
    sign, why = SIGN_OF_ACTION[view.state], f": {view.why}" if view.why else ""
    match view.state:
        case _S.ARMED:
            return _armed(view, snapshot, actor)
        case _S.APPROVED:
            return Standing(sign, f"Approved by {view.approved_by}. Its runner tries credentials, then counts down.")
        case _S.COUNTING_DOWN:
            left = max(0.0, (view.ends_at or snapshot.now) - snapshot.now)
            return Standing(
                sign, f"The first step begins in {seconds(left)}.", "An abort is at once now, and needs no reason."
            )
        case _S.RUNNING:
            return _running(view, snapshot)
        case _S.VERIFYING:
            return Standing(sign, "All steps are behind it. Now the world is asked whether it is done.")
        case _S.DONE:
            return Standing(sign, f"Done, and the world shows it: {' · '.join(view.evidence)}", _after(view))
        case _S.DONE_UNVERIFIED:
            return Standing(
                sign, f"Done, unverified{why}", f"Look for yourself, and note what you see (m). {_after(view)}"
            )
        case _S.FAILED:
            then = "What its steps did stays done. Look at the output; then R, or by hand: loom rollback --print"
            return Standing(sign, f"Failed{why}", then)
        case _S.UNKNOWN:
            then = "It may have been done. Look at the world first; then R, or by hand: loom rollback --print"
            return Standing(sign, f"How it ended is not known{why}", then)
        case _S.ABORTED:
            return Standing(sign, f"Aborted{why}", "Steps that had ended stay done; no other began.")
        case _S.EXPIRED:
            return Standing(
                sign, "Expired: the approval was not given, or not used, in time. Nothing was done.", "Arm it anew."
            )
        case _S.INTERRUPTED:
            return _interrupted(view)
        case _S.IDLE:
            return Standing(sign, "Nothing was armed.")


def _armed(view: ActionView, snapshot: Snapshot, actor: str) -> Standing:
    left = seconds(view.armed.expires_at - snapshot.now)
    others = approvers(snapshot, view.by)
    who = " or ".join(others) if others and snapshot.plan.operators else "another person"
    if view.armed.people == 1:
        return Standing(Sign.HALF, f"Armed by {view.by}, and about to begin.")
    text = f"Waits for {who} to approve it; void in {left}."
    if actor != view.by:
        return Standing(Sign.WARN, text, "Read what will be done, then approve it, or close this and leave it.")
    shared = f": {SHARED}" if is_shared(snapshot, actor) else ""
    return Standing(Sign.WARN, text, f"{actor} armed it and may not approve it{shared}.")


def _running(view: ActionView, snapshot: Snapshot) -> Standing:
    question = asked_now(view, now=snapshot.now)
    if view.abort_by:
        return Standing(Sign.WARN, f"{view.abort_by} aborts it: {view.abort_why}. It ends before its next step.")
    if question is not None:
        step = view.steps[question[0]]
        by_hand = step.outcome is None
        text = f"“{step.name}” is done by a person" if by_hand else f"“{step.name}” ended {step.outcome}: {step.why}"
        return Standing(Sign.WARN, text, "Say whether it is done." if by_hand else "Say how it goes on.")
    under_way = view.step
    if under_way is None:
        return Standing(Sign.HALF, "Between two steps.")
    return Standing(Sign.HALF, f"“{under_way.name}” is under way. It goes on without this view, and without this room.")


def _interrupted(view: ActionView) -> Standing:
    step = view.step
    at = f" in the middle of “{step.name}”, which may have been done in part" if step is not None else ""
    then = "Look at the world, then say how it goes on." if step is not None else "Go on with it, or abort it."
    return Standing(Sign.BAD, f"Interrupted{at}: its runner has gone. Nothing of it is done again by itself.", then)


def _after(view: ActionView) -> str:
    return (
        "The rest of the plan's steps is yours: tell people, find the cause."
        if view.armed.what is ActionKind.ROLLBACK
        else ""
    )


def _aftermath(view: ActionView, snapshot: Snapshot, pen: Pen, width: int) -> list[Line]:
    """Draw what is left of the plan's way back once this rollback is over."""
    after = snapshot.aftermath
    if after is None or after.action != view.id:
        return []
    lines: list[Line] = []
    for step in after.steps:
        words = f"{step.name}{f' · {step.how}' if step.how else ''}"
        lines += told(Sign.OK if step.done else Sign.OPEN, words, pen, width, Ink.FAINT if step.done else Ink.INK)
    for automation in after.off:
        lines += told(Sign.WARN, f"still off: {automation.text}", pen, width)
    return [*lines, *(_plain("loom aftermath --done STEP ticks one", width) if after.is_open else [])]


def _people(view: ActionView, pen: Pen, snapshot: Snapshot) -> Iterator[str]:
    armed = view.armed
    against = " against the gate" if armed.override else ""
    at = pen.day_clock(view.at, now=snapshot.now)
    yield f"{view.by} armed it{against} at {at}: {armed.reason or 'no reason given'}"
    if view.approved_how == "second":
        yield f"{view.approved_by} approved it"
    elif view.approved_how == "glass":
        yield f"{view.approved_by} broke the glass: {view.approved_reason}"
    if view.state in UNDER_WAY and snapshot.present:
        yield f"in the room: {', '.join(names(snapshot.present))}"


def _warnings(view: ActionView) -> Sequence[str]:
    return view.armed.warnings if view.state in WAITING else ()


def _steps(view: ActionView, snapshot: Snapshot, pen: Pen) -> Iterator[StepRow]:
    action = known_action(snapshot.plan, view.armed.name, view.armed.announcement)
    for index, step in enumerate(view.steps):
        limit = action.steps[index].timeout_s if action is not None and index < len(action.steps) else None
        sign, right = _state_of_step(step, view, limit, now=snapshot.now)
        mark = (pen.sign(sign), Span(f" {index + 1}", Ink.ACCENT))
        yield StepRow(mark, step.name, step.shown, (Span(right, Ink.INK if step.is_open else Ink.FAINT),))


def _state_of_step(step: StepView, view: ActionView, limit: float | None, *, now: float) -> tuple[Sign, str]:
    if step.started_at is None:
        return Sign.OPEN, f"limit {seconds(limit)}" if limit is not None else ""
    if step.ended_at is None:
        if view.state not in ACTIVE:
            return Sign.UNKNOWN, "not seen to end"
        of = f" of {seconds(limit)}" if limit is not None else ""
        return Sign.HALF, f"{seconds(now - step.started_at)}{of}"
    took = seconds(step.ended_at - step.started_at)
    word = "" if step.outcome is Outcome.OK else f"{step.outcome} after "
    again = f", {step.started}. time" if step.started > 1 else ""
    return _SIGN_OF_OUTCOME[step.outcome or Outcome.UNKNOWN], f"{word}{took}{again}"


def _proof(view: ActionView, snapshot: Snapshot, pen: Pen) -> Iterator[StepRow]:
    """Draw what proves it; once it is judged by that, with what the world says now."""
    action = known_action(snapshot.plan, view.armed.name, view.armed.announcement)
    if action is None or not action.verify:
        return
    armed, judged = view.armed, view.state is _S.VERIFYING
    values = values_of(snapshot.plan, from_release=armed.from_release, to_release=armed.to_release)
    words = []
    for proof in action.verify:
        told_now = f" (now {_now(snapshot.signals.get(proof.signal))})" if judged else ""
        words.append(f"{proof_words(proof, values)}{told_now}")
    limit = seconds(action.verify_s)
    spent = seconds(snapshot.now - view.steps_ended_at) if judged and view.steps_ended_at is not None else ""
    mark = (pen.sign(_sign_of_proof(view)), Span(f" {len(view.steps) + 1}", Ink.ACCENT))
    right = Span(f"{spent} of {limit}", Ink.INK) if spent else Span(f"within {limit}", Ink.FAINT)
    yield StepRow(mark, "Prove it", " · ".join(words), (right,))


def _sign_of_proof(view: ActionView) -> Sign:
    """Give the sign of what proves an action: nothing that was read before its last step does."""
    if view.steps_ended_at is None:
        return Sign.OPEN
    return {_S.DONE: Sign.OK, _S.FAILED: Sign.BAD, _S.VERIFYING: Sign.HALF}.get(view.state, Sign.UNKNOWN)


def _now(signal: SignalView | None) -> str:
    reading = signal.reading if signal is not None else None
    if reading is None:
        return "never read"
    told_now = reading.detail or (number(reading.value) if reading.value is not None else reading.state.value)
    return clean(told_now, limit=24)


def _whys(view: ActionView, pen: Pen, width: int) -> list[Line]:
    """Say why steps did not end well, and what people answered."""
    lines: list[Line] = []
    for index, step in enumerate(view.steps, 1):
        if step.outcome not in (None, Outcome.OK):
            lines += told(_SIGN_OF_OUTCOME[step.outcome], f"step {index}: {step.why}", pen, width)
        if step.answer is not None:
            lines += _plain(f"{step.answered_by} said of step {index}: {step.answer.value.replace('_', ' ')}", width)
    return lines


def _output(view: ActionView, tail: Tail | None, width: int, rows: int) -> list[Line]:
    """Draw the end of what the newest step writes; where the file is not on this host, what the journal kept of it."""
    if not any(step.started for step in view.steps):
        return []
    index = tail.step if tail is not None and tail.step >= 0 else _newest(view)
    if not 0 <= index < len(view.steps):
        return []
    written = tail.lines if tail is not None and tail.lines else tuple(view.steps[index].tail.splitlines())
    shown = [clean(line, limit=500).rstrip() for line in written if line.strip()][-rows:]
    head = f"output of step {index + 1} "
    title: Line = (Span("┄ ", Ink.RULE), Span(head, Ink.FAINT), *rule(max(0, width - len(head) - 2)))
    body: list[Line] = [(Span(line),) for line in shown] or [(Span("nothing written yet", Ink.FAINT),)]
    return [title, *body, *rule_line(width)]


def rule_line(width: int) -> list[Line]:
    """Draw a rule as a list of lines."""
    return [rule(width)]


def _newest(view: ActionView) -> int:
    begun = [index for index, step in enumerate(view.steps) if step.started_at is not None]
    return max(begun, key=lambda index: view.steps[index].started_at or 0.0) if begun else -1


def _plain(text: str, width: int) -> list[Line]:
    return [(Span(part, Ink.FAINT),) for part in wrap(text, width)]


APPROVE, GLASS, ABORT = "approve", "glass", "abort"
RESUME, AGAIN, AFTER = "resume", "again", "after"
BUTTONS = (
    (APPROVE, "Approve"),
    (GLASS, "Break the glass"),
    *((answer.value, label) for answer, label in (
        (Answer.DONE, "Done"),
        (Answer.FAILED, "Not done"),
        (Answer.GO_ON, "Go on"),
        (Answer.REPEAT, "Repeat"),
        (Answer.STOP, "End here"),
    )),
    (RESUME, "Go on with it"),
    (AGAIN, "Repeat the step"),
    (AFTER, "Go on after it"),
    (ABORT, "Abort"),
)  # fmt: skip


def offers(view: ActionView, snapshot: Snapshot, actor: str) -> list[str]:
    """List what this person may say of an action now; the guard decides again."""
    if view.state is _S.ARMED:
        return [*_approvals(view, snapshot, actor), ABORT]
    if view.state in (_S.APPROVED, _S.COUNTING_DOWN):
        return [ABORT]
    if view.state is _S.RUNNING:
        question = asked_now(view, now=snapshot.now)
        answers = [answer.value for answer in question[1]] if question is not None else []
        return [*answers, *([] if view.abort_by else [ABORT])]
    if view.state is _S.INTERRUPTED:
        return [*([AGAIN, AFTER] if view.step is not None else [RESUME]), ABORT]
    return []


def _approvals(view: ActionView, snapshot: Snapshot, actor: str) -> list[str]:
    if view.by != actor:
        return [APPROVE] if may(snapshot.plan, actor, Right.APPROVER) else []
    return [GLASS] if view.armed.what is ActionKind.ROLLBACK and view.armed.people > 1 else []
