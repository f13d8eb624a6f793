"""What a person sees of an action before it is done: from where to where, its steps, what may go wrong. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from loom_tui.plan.acts import ActionKind, filled
from loom_tui.plan.criteria import may
from loom_tui.plan.model import Plan, Right, Rule
from loom_tui.room.announcing import known_action
from loom_tui.room.guard import UNDER_WAY
from loom_tui.room.guarded import is_apart
from loom_tui.room.presence import names, shared_accounts
from loom_tui.room.preview import Preview
from loom_tui.room.proof import condition
from loom_tui.room.signals import Freshness
from loom_tui.room.snapshot import Snapshot
from loom_tui.room.way import values_of
from loom_tui.widgets.lines import EMPTY, Ink, Line, Span, clean, fit, rule, spread, width_of, wrap
from loom_tui.widgets.standing import drill_words, run_words, step_words, target_words
from loom_tui.widgets.text import Pen, Sign, age, age_of

NAME_WIDTH = 28
_TABLE = 60  # cells from which on commands stand beside the names
SHARED = "people who share an account cannot be told apart: it takes another login"


class StepRow(NamedTuple):
    """A step as it is drawn: what stands before it, its name, exactly what it does, and what stands at the right."""

    mark: Line
    name: str
    shown: str
    right: Line = EMPTY


def way_line(from_release: str, to_release: str, *, before: str, after: str, pen: Pen, width: int) -> list[Line]:
    """Write from which version to which, each with what is known of it."""
    left: Line = (Span(clean(from_release, limit=40) or "?", bold=True), Span(f"  {before}", Ink.FAINT))
    if not to_release:
        return [left]
    to = Span(clean(to_release, limit=40), bold=True)
    arrow = Span("   -->   " if pen.ascii_only else "   ──▶   ", Ink.FAINT)
    whole = (*left, arrow, to, Span(f"  {after}", Ink.FAINT))
    if width_of(whole) <= width:
        return [whole]
    head: Line = (Span(arrow.text.lstrip(), Ink.FAINT), to)
    indent = width_of(head) + 2
    first, *rest = wrap(after, max(20, width - indent)) or [""]
    return [
        left,
        (*head, Span(f"  {first}", Ink.FAINT)),
        *((Span(" " * indent), Span(part, Ink.FAINT)) for part in rest),
    ]


def step_lines(rows: Sequence[StepRow], width: int) -> list[Line]:
    """Lay steps as a table; a command that does not fit beside its step's name stands whole beneath it."""
    if not rows:
        return []
    mark = max(width_of(row.mark) for row in rows) + 2
    name = min(NAME_WIDTH, max(cell_len(clean(row.name)) for row in rows))
    right = max(width_of(row.right) for row in rows)
    room = width - mark - name - right - 4 if width >= _TABLE else 0
    lines: list[Line] = []
    for row in rows:
        text, head = clean(row.shown), (*row.mark, Span(" " * (mark - width_of(row.mark))))
        tail = (*row.right, Span(" " * (right - width_of(row.right))))
        if cell_len(text) <= room and cell_len(clean(row.name)) <= name:
            lines.append(spread((*head, Span(fit(row.name, name)), Span("  "), Span(text, Ink.FAINT)), tail, width))
            continue
        lines.append(spread((*head, Span(clean(row.name))), tail, width))
        lines += [(Span(" " * mark), Span(part, Ink.FAINT)) for part in folded(text, max(1, width - mark))]
    return lines


def folded(text: str, width: int) -> Iterator[str]:
    """Break a text into lines at its blanks, and words that are too long anywhere: nothing of a command is hidden."""
    for part in wrap(text, width):
        rest = part
        while cell_len(rest) > width:
            head = set_cell_size(rest, width).rstrip() or rest[0]
            yield head
            rest = rest[len(head) :].lstrip()
        yield rest


def told(sign: Sign, text: str, pen: Pen, width: int, ink: Ink = Ink.INK) -> list[Line]:
    """Write a sentence behind a sign."""
    indent = pen.sign_width + 1
    first, *rest = wrap(text, max(1, width - indent)) or [""]
    return [
        (pen.sign(sign), Span(f" {first}", ink)),
        *((Span(" " * indent), Span(part, ink)) for part in rest),
    ]


def seconds(value: float) -> str:
    """Write a span of time exactly as far as people care: "38 s", "2 m 5 s", "15 m"."""
    whole = round(max(0.0, value))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} m {rest} s" if rest else f"{minutes} m"


def arm_lines(seen: Preview, snapshot: Snapshot, pen: Pen, width: int, *, roomy: bool) -> list[Line]:
    """Draw an action as it would be done now."""
    gap = [EMPTY] if roomy else []
    plan = snapshot.plan
    action = known_action(plan, seen.name, seen.announcement)
    limits = [step.timeout_s for step in action.steps] if action is not None else []
    rows = [
        StepRow((Span(str(index + 1), Ink.ACCENT),), name, shown, (Span(_right(seen, index, limit), Ink.FAINT),))
        for index, (name, shown, limit) in enumerate(zip(seen.steps, seen.shown, limits, strict=False))
    ]
    proof = verify_words(plan, seen)
    if proof and action is not None:
        right: Line = (Span(f"within {seconds(action.verify_s)}", Ink.FAINT),)
        rows.append(StepRow((Span(str(len(rows) + 1), Ink.ACCENT),), "Prove it", " · ".join(proof), right))
    return [
        *way_line(
            seen.from_release,
            seen.to_release if seen.what.changes_release else "",
            before=_now(snapshot),
            after=_target(seen, snapshot),
            pen=pen,
            width=width,
        ),
        *gap,
        *(line for text in warnings(seen, snapshot) for line in told(Sign.WARN, text, pen, width)),
        *gap,
        *step_lines(rows, width),
        *_known(seen, snapshot, width),
        *([EMPTY, rule(width)] if roomy else []),
    ]


def verify_words(plan: Plan, seen: Preview) -> list[str]:
    """Write what must be seen for it to be done, each rule as "app.version is v1", "app.errors is ok for 10 s"."""
    action = known_action(plan, seen.name, seen.announcement)
    values = values_of(plan, from_release=seen.from_release, to_release=seen.to_release)
    return [proof_words(proof, values) for proof in action.verify] if action is not None else []


def proof_words(proof: Rule, values: Mapping[str, str]) -> str:
    """Write one rule of those that verify an action."""
    held = f" for {seconds(proof.for_s)}" if proof.for_s is not None else ""
    return f"{proof.signal} {filled(condition(proof), values)}{held}"


def warnings(seen: Preview, snapshot: Snapshot) -> Iterator[str]:
    """Say what may go wrong, and what stands in its way; the guard decides again."""
    rollback = seen.what is ActionKind.ROLLBACK
    stop = snapshot.actions_of.stop
    if stop is not None and (stop.everything or not rollback):
        yield f"{stop.by} stopped all actions: {stop.reason}. It is refused until that is lifted"
    for other in snapshot.actions:
        if other.state in UNDER_WAY and not is_apart(seen.what, other):
            over = rollback and other.armed.what is not ActionKind.ROLLBACK
            what = "this stops it first" if over else "one action at a time: this is refused until it has ended"
            yield f"“{other.armed.label}” ({other.id}) by {other.by} is {other.state.value}: {what}"
    yield from seen.warnings


def approval_lines(seen: Preview, snapshot: Snapshot, actor: str, pen: Pen, width: int, *, people: int) -> list[Line]:
    """Say who must agree besides the one who arms it."""
    if people == 1:
        return told(Sign.OK, "one person is enough, by the plan", pen, width)
    others = approvers(snapshot, actor)
    who = f": {', '.join(others)}" if others else ""
    alone = " · alone: ctrl+b breaks the glass" if seen.what is ActionKind.ROLLBACK else ""
    text = f"needs one more person{who} ({actor or 'you'} may not){alone}"
    shared = SHARED if is_shared(snapshot, actor) else ""
    return [*told(Sign.OPEN, text, pen, width), *((Span(part, Ink.FAINT),) for part in wrap(shared, width))]


def is_shared(snapshot: Snapshot, login: str) -> bool:
    """Say whether several people may sit at an account."""
    return login in shared_accounts(snapshot.present)


def approvers(snapshot: Snapshot, actor: str) -> list[str]:
    """Name who else may approve, and who of them is here; where the plan names nobody, who else is here."""
    here, plan = [login for login in names(snapshot.present) if login != actor], snapshot.plan
    if not plan.operators:
        return [f"{login} is here" for login in here]
    named = dict.fromkeys(
        each.login for each in plan.operators if each.login != actor and may(plan, each.login, Right.APPROVER)
    )
    return [f"{login} (here)" if login in here else login for login in named]


def changed(old: Preview, new: Preview) -> list[str]:
    """Say what of an action is otherwise than it was shown."""
    out = []
    for name, before, after in (
        ("it starts from", old.from_release, new.from_release),
        ("it goes to", old.to_release, new.to_release),
        ("the environment is", old.environment, new.environment),
    ):
        if before != after:
            out.append(f"{name} {after or 'nothing'}, not {before or 'nothing'}")
    for number, (before, after) in enumerate(zip(old.shown, new.shown, strict=False), 1):
        if before != after:
            out.append(f"step {number} is {after}, not {before}")
    if len(old.shown) != len(new.shown):
        out.append(f"it has {len(new.shown)} steps, not {len(old.shown)}")
    return out


def _now(snapshot: Snapshot) -> str:
    """Say how long the version that runs has been live, and when it was read."""
    live = f"live {age(snapshot.now - snapshot.deployed_at)}" if snapshot.deployed_at is not None else ""
    view = snapshot.version
    if view is None:
        read = "by the plan; no source tells the version"
    elif view.freshness is Freshness.FRESH:
        read = f"read {age_of(view, snapshot.now)} ago"
    else:
        read = f"by the plan; last read {age_of(view, snapshot.now)} ago" if view.reading else "by the plan; never read"
    return ", ".join(part for part in (live, read) if part)


def _target(seen: Preview, snapshot: Snapshot) -> str:
    """Say how the release has done here that it goes to."""
    if seen.what is not ActionKind.ROLLBACK:
        return "this plan's release"
    words = target_words(seen.target, snapshot.now) if seen.target is not None else ""
    return f"last stable: {words}" if words else "last stable, by the plan's word"


def _right(seen: Preview, index: int, limit: float) -> str:
    took = step_words(seen, index)
    return f"limit {seconds(limit)}{f', {took}' if took else ''}"


def _known(seen: Preview, snapshot: Snapshot, width: int) -> list[Line]:
    """Say how long it took before, and what the plan's team does besides."""
    words = [run_words(seen.last_run, snapshot.now)] if seen.last_run is not None else []
    words += [drill_words(seen.last_drill, snapshot.now)] if seen.last_drill is not None else []
    steps = snapshot.plan.rollback if seen.what is ActionKind.ROLLBACK else ()
    if steps:
        words.append(f"by the plan besides: {' · '.join(clean(step.name, limit=60) for step in steps)}")
    return [(Span("   "), Span(part, Ink.FAINT)) for text in words for part in wrap(text, max(1, width - 3))]
