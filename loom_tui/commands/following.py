"""An action as lines, while it is under way: its events, and what its steps write."""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable, Iterator, Sequence

from loom_tui.gathering import Gathering, collector_view
from loom_tui.plan.acts import filled
from loom_tui.plan.model import Plan, Rule
from loom_tui.room.acting import (
    ActionArmed,
    ActionPayload,
    StepEnded,
    StopCalled,
    StopLifted,
    VerificationStarted,
)
from loom_tui.room.events import Event
from loom_tui.room.fold import Folder
from loom_tui.room.guard import UNDER_WAY, ActionState, ActionView, asked_now
from loom_tui.room.guarded import find_action
from loom_tui.room.messages import MessageSent
from loom_tui.room.proof import condition
from loom_tui.room.told import sentence
from loom_tui.room.way import values_of
from loom_tui.store.base import Store
from loom_tui.store.place import output_path
from loom_tui.widgets.lines import clean
from loom_tui.widgets.text import Pen

LOOK_EVERY_S = 0.1
MAX_READ_BYTES = 1_000_000
LOST_AFTER_S = 15.0  # a runner that is only just starting has no lease yet


def follow(store: Store, plan: Plan, action: int, *, say: Callable[[str], None]) -> ActionState:
    """Say what happens to an action until it is over, or its runner is gone for good. Raises Refused, StoreError."""
    folder, gathering = Folder(plan), Gathering(plan, store)
    pen, outputs, asked = Pen(zone=plan.calendar.zone), Outputs(store, action), None
    lost_since: float | None = None
    while True:
        now = time.time()
        events = store.events(after=folder.ledger.seq)
        folder.take(events)
        view = find_action(folder.snapshot(gathering.observations(collector_view(store, now=now)), now), action)
        for line in _lines(plan, view, [event for event in events if _is_of(event, action)], outputs, pen):
            say(line)
        question = asked_now(view, now=now)
        told, asked = question == asked, question
        if question is not None and not told:
            answers = " | ".join(answer.value for answer in question[1])
            say(f"It waits for a person: loom act {action} --answer {answers}")
        lost_since = (lost_since or now) if view.state is ActionState.INTERRUPTED else None
        if view.state not in UNDER_WAY or (lost_since is not None and now - lost_since >= LOST_AFTER_S):
            say(clean(f"{view.armed.label} ({action}): {view.state.value}{f' · {view.why}' if view.why else ''}"))
            return view.state
        time.sleep(LOOK_EVERY_S)


def _lines(plan: Plan, view: ActionView, events: Sequence[Event], outputs: Outputs, pen: Pen) -> Iterator[str]:
    """Write the events, what a step wrote before it ended, and what the verification waits for."""
    for event in events:
        payload = event.payload
        if isinstance(payload, StepEnded):
            yield from (f"    {clean(line)}" for line in outputs.new_lines(view, steps=payload.step + 1))
        yield f"{pen.local(event.at):%H:%M:%S} {clean(sentence(event))}"
        action = plan.actions.get(view.armed.name)
        if isinstance(payload, VerificationStarted) and action is not None and action.verify:
            values = values_of(plan, from_release=view.armed.from_release, to_release=view.armed.to_release)
            wanted = " · ".join(filled(_wanted(rule), values) for rule in action.verify)
            yield clean(f"    It is done when {wanted}; that is waited for up to {action.verify_s:g} s")
    yield from (f"    {clean(line)}" for line in outputs.new_lines(view))


def _wanted(rule: Rule) -> str:
    return f"{rule.signal} {condition(rule)}{f' for {rule.for_s:g} s' if rule.for_s is not None else ''}"


class Outputs:
    """The lines that an action's steps write, each given once."""

    def __init__(self, store: Store, action: int) -> None:
        self._directory = store.directory
        self._action = action
        self._read: dict[tuple[int, int], int] = {}  # bytes, by step and beginning
        self._rest = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def new_lines(self, view: ActionView, *, steps: int | None = None) -> Iterator[str]:
        """Give the whole lines that came since, of the first `steps`; the end of one only when its step has ended."""
        for index, step in enumerate(view.steps[:steps]):
            key = (index, step.started)
            if not step.started or self._read.get(key) == -1:
                continue
            path = output_path(self._directory, self._action, step=index, started=step.started)
            try:
                with path.open("rb") as file:
                    file.seek(self._read.get(key, 0))
                    part = file.read(MAX_READ_BYTES)
            except OSError:  # not begun to write, or written on another host
                part = b""
            self._read[key] = self._read.get(key, 0) + len(part)
            *lines, self._rest = (self._rest + self._decoder.decode(part)).split("\n")
            yield from lines
            if not step.is_open and len(part) < MAX_READ_BYTES:
                if self._rest:
                    yield self._rest
                self._rest, self._read[key] = "", -1
            else:
                return  # the next step's lines come after all of this one's


def _is_of(event: Event, action: int) -> bool:
    payload = event.payload
    if isinstance(payload, ActionArmed):
        return event.seq == action
    if isinstance(payload, StopCalled | StopLifted):
        return True
    return isinstance(payload, ActionPayload | MessageSent) and payload.action == action
