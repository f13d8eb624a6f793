"""`loom check`: the plan's checks run now, from a shell or from CI."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from loom_tui.cli import store_option
from loom_tui.commands.printing import Styled, echo, echo_json, speaks_unicode
from loom_tui.commands.rooms import Room, find_room
from loom_tui.config.operator import whoami
from loom_tui.gathering import collector_view, read_once
from loom_tui.plan.faults import suggestion
from loom_tui.plan.kinds import Kind
from loom_tui.plan.model import Plan
from loom_tui.plan.signals import Signal, asked_of, signals_of
from loom_tui.refusal import Refusal
from loom_tui.room.checks import CheckResult, decode_result, worst
from loom_tui.room.door import Person, may_ask
from loom_tui.room.events import Event, MarkerSet
from loom_tui.room.mail import decode_reply
from loom_tui.room.signals import Freshness, Reading, State
from loom_tui.room.snapshot import Snapshot
from loom_tui.room.verdicts import Verdict
from loom_tui.store.base import Store, StoreError, StoreMissing
from loom_tui.widgets.lines import clean
from loom_tui.widgets.text import SIGN_OF_STATE, Pen, age, milliseconds, number

EXIT = {State.OK: 0, State.BAD: 1, State.UNKNOWN: 3}
WORD = {State.OK: "ok", State.BAD: "failed", State.UNKNOWN: "unknown"}
LOOK_EVERY_S = 0.1
_COLOURS = {State.OK: "green", State.BAD: "red", State.UNKNOWN: "yellow"}
_STATE_OF_VERDICT = {Verdict.MET: State.OK, Verdict.NOT_MET: State.BAD}


class Unasked(Refusal):
    """Nothing could be asked, so that nothing is known."""

    exit_code = EXIT[State.UNKNOWN]


class Answer(Struct, frozen=True, kw_only=True):
    """What is known of one signal: `why` says what was wrong, or what a source told beside its ok."""

    signal: Signal
    state: State
    why: str
    reading: Reading | None
    result: CheckResult | None
    now: float


@click.command("check")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Also what runs on demand only (workflows, scans).")
@click.option("--room", "in_room", is_flag=True, help="Have the room's collector run them, and show the room's answer.")
@click.option("--within", "within_s", type=click.FloatRange(min=0.1), metavar="SECONDS", help="Give up on the rest.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@click.option("--plan", "plan_file", metavar="PLAN", type=click.Path(path_type=Path), help="The plan's file.")
@store_option
def check(
    names: tuple[str, ...],
    *,
    everything: bool,
    in_room: bool,
    within_s: float | None,
    as_json: bool,
    plan_file: Path | None,
    store_directory: Path | None,
) -> None:
    """Run the plan's checks now: exit 0 all ok, 1 one failed, 3 one is unknown.

    A NAME is a source (all its checks), a group (`loom check "critical workflows"`) or a single signal. Without names
    all checks run that are asked regularly; what runs on demand only runs when it is named, or with --all.

    \b
    Here or in the room?
      Plain, this process asks the world itself with its own credentials, needs no
      room and writes nothing: for CI, and to try a plan or a token.
      With --room the room's collector asks, everybody there sees the answer with
      its history, the gate judges by it, and figures over many samples (p95) are
      known: for deploy day. It needs a running collector.

    Example: loom check app secrets --json
    """  # noqa: D301 - click wants the control character
    room = find_room(plan_file, store_directory)
    chosen = chosen_signals(room.plan, names, everything=everything, file=room.path.name)
    if not chosen:
        raise Unasked(f"{room.path.name} has no checks to run: add [sources.NAME] (docs/plan.md), or give --all")
    sources = list(dict.fromkeys(signal.source for signal in chosen))
    waiting = Waiting()
    try:
        if in_room:
            snapshots = asked_in_room(room, sources, within_s=within_s, waiting=waiting)
        else:
            snapshots = asked_here(room, sources, within_s=within_s, waiting=waiting)
    finally:
        waiting.clear()
    answers = [answer_of(snapshots[signal.source], signal) for signal in chosen]
    state = worst(answer.state for answer in answers)
    if as_json:
        echo_json({"state": state.value, "checks": [as_plain(answer) for answer in answers]})
    else:
        tell(answers, in_room=in_room)
    sys.exit(EXIT[state])


def chosen_signals(plan: Plan, names: Sequence[str], *, everything: bool, file: str) -> list[Signal]:
    """List the signals that are meant, each once, in the order of names and plan. Raises a usage error."""
    signals = {name: signal for name, signal in signals_of(plan).items() if not name.startswith("feed.")}
    asked = asked_of(plan)
    checks = [signal for signal in signals.values() if signal.kind is Kind.CHECK]
    if not names:
        return [signal for signal in checks if everything or asked[signal.source].interval_s]
    groups = {signal.group.casefold(): signal.group for signal in checks}
    found: dict[str, Signal] = {}
    for name in names:
        if name in asked:
            meant = [signal for signal in checks if signal.source == name]
        elif name in signals:
            meant = [signals[name]]
        elif name.casefold() in groups:
            meant = [signal for signal in checks if signal.group.casefold() == name.casefold()]
        else:
            known = {*asked, *signals, *groups.values()}
            raise click.UsageError(f"{file} has no check {name!r}{suggestion(name, known)}")
        found |= {signal.id: signal for signal in meant}
    return list(found.values())


def asked_here(
    room: Room, sources: Sequence[str], *, within_s: float | None, waiting: Waiting
) -> Mapping[str, Snapshot]:
    """Ask the sources in this process; gives a snapshot by source."""
    from loom_tui.collector.ground import Ground
    from loom_tui.collector.once import ask_once, fold_once

    logging.getLogger("loom").addHandler(logging.NullHandler())  # what it would log is told in the answer
    kept, events = remembered(room)
    markers = ((event.payload, event.at) for event in events)
    changes: dict[str, float] = {payload.marker: at for payload, at in markers if isinstance(payload, MarkerSet)}
    ground = Ground(
        plan=room.plan,
        directory=room.path.parent,
        environ=os.environ,
        clock=time.time,
        kept=kept,
        changes=lambda: changes,
    )
    return fold_once(ground, events, asyncio.run(ask_once(ground, sources, within_s=within_s, told=waiting.tell)))


def remembered(room: Room) -> tuple[Mapping[str, Reading], Sequence[Event]]:
    """Read what the room's store remembers: sources measure from the last deploy. Nothing where there is no room."""
    try:
        store = room.open(read_only=True)
    except StoreMissing:
        return {}, ()
    except StoreError as error:
        raise Unasked(f"{error} Without it nobody knows what was deployed when; another place: --store DIR") from error
    try:
        return {name: stored.reading for name, stored in store.latest().items()}, store.events()
    finally:
        store.close()


def asked_in_room(
    room: Room, sources: Sequence[str], *, within_s: float | None, waiting: Waiting
) -> Mapping[str, Snapshot]:
    """Have the room's collector ask the sources, and wait for it; gives the room's snapshot for each."""
    nobody = Unasked(
        "No collector runs for this room, so that nobody would answer. Open the room or start one: "
        f"loom watch {room.path}. Or leave --room out, and this process asks by itself."
    )
    try:
        room.open(read_only=True).close()
    except StoreMissing as error:
        raise nobody from error
    may_ask(room.plan, Person(whoami()))
    store = room.open()
    try:
        if not collector_view(store, now=time.time()).alive:
            raise nobody
        for name in sources:
            waiting.tell(name, "")
        asked = {store.ask("poll", name, asked_by=whoami(), at=time.time()): name for name in sources}
        walls = asked_of(room.plan)
        wait_s = max(walls[name].wall_s for name in sources) + 5 if within_s is None else within_s
        trouble = replies(store, asked, wait_s=wait_s, waiting=waiting)
        snapshot = read_once(room.plan, store, now=time.time())
    finally:
        store.close()
    return {name: unknown_for(snapshot, name, trouble.get(name, "")) for name in sources}


def replies(store: Store, asked: Mapping[int, str], *, wait_s: float, waiting: Waiting) -> Mapping[str, str]:
    """Wait for the collector's replies; gives a sentence for each source that it could not, or did not, ask."""
    missing, trouble = dict(asked), {}
    ends_at = time.monotonic() + wait_s
    while missing and time.monotonic() < ends_at:
        for request in store.requests(after=min(missing) - 1):
            if request.id in missing and request.answered_at is not None:
                name = missing.pop(request.id)
                trouble[name] = decode_reply(request.answer).why
                waiting.tell(name, None)
        if missing:
            time.sleep(LOOK_EVERY_S)
    return trouble | dict.fromkeys(missing.values(), f"the room's collector did not answer within {wait_s:g} s")


def unknown_for(snapshot: Snapshot, source: str, why: str) -> Snapshot:
    """Take back what is shown of a source that was not asked anew: an older answer is none to this question."""
    from msgspec.structs import replace

    if not why:
        return snapshot
    signals = {
        name: replace(view, state=State.UNKNOWN, freshness=Freshness.STALE, why=why)
        if view.signal.source == source
        else view
        for name, view in snapshot.signals.items()
    }
    return replace(snapshot, signals=signals, databases=())


def answer_of(snapshot: Snapshot, signal: Signal) -> Answer:
    """Judge one signal. A percentile is judged against its target, where it has one."""
    view = snapshot.signals[signal.id]
    state, why = view.state, view.why
    for query in (query for database in snapshot.databases for query in database.queries):
        percentile = query.target.percentile if query.target is not None else 0
        if signal.id == f"{query.source}.{query.query.name}.p{percentile}_ms":
            state, why = _STATE_OF_VERDICT.get(query.verdict, State.UNKNOWN), query.why
    if view.freshness is Freshness.NEVER and signal.source in snapshot.signals:
        why = snapshot.signals[signal.source].why or why  # the source failed before it came to this
    elif view.freshness is Freshness.STALE and view.reading is not None and view.why == "stale":
        why = f"stale: last read {age(snapshot.now - view.reading.observed_at)} ago ({WORD[view.reading.state]})"
    return Answer(
        signal=signal,
        state=state,
        why=why,
        reading=view.reading,
        result=decode_result(view.reading.body) if view.reading is not None else None,
        now=snapshot.now,
    )


def tell(answers: Sequence[Answer], *, in_room: bool) -> None:
    """Write a line for each answer, the steps that went wrong under it, and the count of all."""
    pen = Pen(ascii_only=not speaks_unicode())
    width = max(len(answer.signal.id) for answer in answers)
    for answer in answers:
        sign = Styled(pen.sign(SIGN_OF_STATE[answer.state]).text, fg=_COLOURS[answer.state])
        facts = "  ".join(filter(None, (f"{_took(answer):>8}", _figure(answer), clean(answer.why))))
        echo(sign, f" {answer.signal.id:<{width}}  {WORD[answer.state]:<7} {facts}".rstrip())
        for line in _step_lines(answer, pen):
            echo(f"    {line}")
    counts = {state: sum(answer.state is state for answer in answers) for state in State}
    echo(", ".join(f"{count} {WORD[state]}" for state, count in counts.items() if count))
    if not in_room and any(a.state is State.UNKNOWN and a.signal.kind is not Kind.CHECK for a in answers):
        echo("A figure over many samples is known only to a room that has watched for a while: --room", err=True)


def _took(answer: Answer) -> str:
    duration_ms = answer.result.duration_ms if answer.result is not None else None
    return "" if duration_ms is None else milliseconds(duration_ms)


def _figure(answer: Answer) -> str:
    value = answer.reading.value if answer.reading is not None and answer.state is not State.UNKNOWN else None
    return "" if value is None else f"{number(value)} {answer.signal.unit}".rstrip()


def _step_lines(answer: Answer, pen: Pen) -> Iterator[str]:
    for step in answer.result.steps if answer.result is not None else ():
        if step.state is not State.OK:
            sign = pen.sign(SIGN_OF_STATE[step.state]).text
            yield f"{sign} {clean(step.name, limit=200)}: {clean(step.detail or step.got, limit=400)}".rstrip(": ")


def as_plain(answer: Answer) -> dict[str, Any]:
    """Give an answer as JSON has it. What is not known is null."""
    reading, result = answer.reading, answer.result
    return {
        "name": answer.signal.id,
        "label": answer.signal.label,
        "group": answer.signal.group,
        "source": answer.signal.source,
        "environment": answer.signal.environment,
        "state": answer.state.value,
        "why": answer.why,
        "value": None if reading is None else reading.value,
        "unit": answer.signal.unit,
        "age_s": None if reading is None else max(0.0, answer.now - reading.observed_at),
        "duration_ms": None if result is None else result.duration_ms,
        "steps": result.steps if result is not None else (),
    }


class Waiting:
    """Says on a terminal's standard error who is still being asked, in one line that goes away."""

    def __init__(self) -> None:
        self._asked: dict[str, str] = {}
        self._shown = sys.stderr.isatty()

    def tell(self, name: str, text: str | None) -> None:
        """Hear how far a source has come; None when it is done."""
        if text is None:
            self._asked.pop(name, None)
        else:
            self._asked[name] = text
        if self._shown:
            parts = (f"{name} ({clean(far, limit=40)})" if far else name for name, far in self._asked.items())
            sys.stderr.write(f"\r\x1b[K{clean('asking ' + ', '.join(parts), limit=70)}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
