"""The director: does to the world what the script says, sees when the room shows it, and ends the drill."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping

from loom_tui.demo.world import ACTOR, World, switch
from loom_tui.drill.scenario import Ask, Cue, Happening, Scenario, Sign, Switch
from loom_tui.drill.score import Happened, Score, score
from loom_tui.gathering import Gathering, collector_view
from loom_tui.plan.acts import ActionKind
from loom_tui.room.drills import DrillBegan, DrillEnded
from loom_tui.room.fold import Folder
from loom_tui.room.signals import Freshness
from loom_tui.room.snapshot import Snapshot
from loom_tui.store.base import Store

LOOK_EVERY_S = 0.25
MACHINES = frozenset({ACTOR, "loom"})  # who writes without a person: the world's maker, and the collector


class Director:
    """Directs one drill in a world. `pace` stretches the script's times; `drop` hangs the room's terminal up."""

    def __init__(self, scenario: Scenario, made: World, *, pace: float, drop: Callable[[], None]) -> None:
        self._scenario = scenario
        self._made = made
        self._pace = pace
        self._drop = drop
        self._began_at = 0.0
        self._done: dict[Switch, Happened] = {}
        self.leave = threading.Event()  # set by whoever wants it to end

    def begin(self, rehearsed: DrillEnded | None, *, told_as: str) -> None:
        """Say in its own room that this is a drill, by a name, and what the last rollback took. Raises StoreError."""
        self._began_at = time.time()
        store = self._made.open_store()
        try:
            if rehearsed is not None:
                store.append(rehearsed, actor=ACTOR, at=self._began_at)
            store.append(DrillBegan(scenario=told_as), actor=ACTOR, at=self._began_at)
        finally:
            store.close()

    def direct(self, *, for_s: float | None = None) -> Score:
        """Play the script to its end, or until somebody leaves; gives the score. Raises StoreError, CallFailed."""
        lasts_s = for_s if for_s is not None else lasting_s(self._scenario, pace=self._pace)
        store = self._made.open_store()
        try:
            folder, gathering = Folder(self._made.plan()), Gathering(self._made.plan(), store)
            while True:
                now = time.time()
                snapshot = _look(store, folder, gathering, now=now)
                self._play(snapshot)
                found = self._score(snapshot)
                if self.leave.is_set() or now - self._began_at >= lasts_s or _is_told(found):
                    store.append(found.ended(), actor=ACTOR, at=now)
                    return found
                self.leave.wait(LOOK_EVERY_S)
        finally:
            store.close()

    def _play(self, snapshot: Snapshot) -> None:
        """Do what is due, and see whether what was done shows."""
        cues = cues_of(snapshot, began_at=self._began_at)
        for happening in due(self._scenario, cues, self._done, now=snapshot.now, pace=self._pace):
            self._do(happening.switch)
            self._done[happening.switch] = Happened(switch=happening.switch, at=time.time())
        fault, sign = self._scenario.fault, self._scenario.sign
        done = self._done.get(fault) if fault is not None else None
        if done is not None and done.shown_at is None and sign is not None and shows(sign, snapshot):
            self._done[done.switch] = Happened(switch=done.switch, at=done.at, shown_at=max(snapshot.now, done.at))

    def _do(self, what: Switch) -> None:
        if what is Switch.DROP:
            self._drop()
        else:
            switch(self._made, what.value, is_on=True)

    def _score(self, snapshot: Snapshot) -> Score:
        return score(self._scenario, snapshot.events, self._done.values(), began_at=self._began_at, machines=MACHINES)


def lasting_s(scenario: Scenario, *, pace: float) -> float:
    """Give how long a drill lasts at most; a rollback takes its time at any pace."""
    return scenario.lasts_s if Ask.VERIFIED in scenario.asks else scenario.lasts_s * pace


def cues_of(snapshot: Snapshot, *, began_at: float) -> Mapping[Cue, float]:
    """Give when each cue came, of those that came."""
    cues = {Cue.BEGIN: began_at}
    for view in snapshot.actions:
        if view.armed.what is ActionKind.ROLLBACK and view.steps and view.steps[0].started_at is not None:
            cues.setdefault(Cue.ROLLBACK_RUNS, view.steps[0].started_at)
    return cues


def due(
    scenario: Scenario, cues: Mapping[Cue, float], done: Mapping[Switch, Happened], *, now: float, pace: float
) -> Iterator[Happening]:
    """Give what is to happen now, and has not."""
    for happening in scenario.happenings:
        cue = cues.get(happening.cue)
        if cue is not None and happening.switch not in done and now - cue >= happening.after_s * pace:
            yield happening


def shows(sign: Sign, snapshot: Snapshot) -> bool:
    """Say whether a room shows a fault by its sign."""
    if sign.at_least is None:
        return any(feed.source == sign.signal and feed.report is not None and not feed.live for feed in snapshot.feeds)
    view = snapshot.signals.get(sign.signal)
    if view is None or view.freshness is not Freshness.FRESH or view.reading is None or view.reading.value is None:
        return False
    return view.reading.value >= sign.at_least


def _look(store: Store, folder: Folder, gathering: Gathering, *, now: float) -> Snapshot:
    folder.take(store.events(after=folder.ledger.seq))
    gathering.read(folder.ledger.marks, now=now)
    return folder.snapshot(gathering.observations(collector_view(store, now=now)), now)


def _is_told(found: Score) -> bool:
    """Say whether a drill that ends with a rollback has come to its end; the others last as long as they last."""
    return found.passed and Ask.VERIFIED in found.scenario.asks
