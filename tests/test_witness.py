"""The collector writes into the journal what readings showed: a no-go latches although its reading is overwritten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from loom_tui.collector.witness import Witness
from loom_tui.gathering import Gathering, append_deed, read_once
from loom_tui.plan.acts import ActionKind, ManualAct
from loom_tui.plan.model import Action, Criterion, Plan, Rule, Stakeholder
from loom_tui.plan.signals import signals_of
from loom_tui.room.deeds import Deed, Refused
from loom_tui.room.door import Person
from loom_tui.room.events import ClockRan, MarkerSet, NoGoCleared, NoGoShown, PlanAdopted
from loom_tui.room.fold import Folder
from loom_tui.room.gate_deeds import call_decision, cast_vote
from loom_tui.room.signals import Reading, State
from loom_tui.room.snapshot import CollectorView, Observations
from loom_tui.room.verdicts import Choice, GateState, Verdict
from loom_tui.room.versions import VersionSeen
from loom_tui.store.base import Lease
from loom_tui.store.sqlite import SqliteStore
from tests.gates import CALM, ENVIRONMENT, HOT, RELEASE, plan
from tests.stores import AT, collector_lease, new_store

PLAN = plan(
    go=[Criterion(text="calm", rules=(CALM,))],
    no_go=[Criterion(text="hot", rules=(HOT,))],
    post=[Criterion(text="clean", rules=(CALM,), clock_hours=0.05)],
)


class Bench:
    def __init__(self, store: SqliteStore, lease: Lease) -> None:
        self.store, self.lease, self.now = store, lease, AT
        store.define(signals_of(PLAN).values())
        adopted = PlanAdopted(plan_hash="0", release=RELEASE, environment=ENVIRONMENT)
        store.append(adopted, actor="ana", at=AT)

    def read(self, value: float | None, *, after_s: float = 5.0) -> None:
        self.now += after_s
        state = State.UNKNOWN if value is None else State.OK
        reading = Reading(
            signal="sentry.critical",
            observed_at=self.now,
            value=value,
            state=state,
            release=RELEASE,
            environment=ENVIRONMENT,
        )
        self.store.record([reading], lease=self.lease, now=self.now)

    def state(self, a_plan: Plan = PLAN) -> GateState:
        return read_once(a_plan, self.store, now=self.now).gate.state

    def written(self) -> list[str]:
        return [type(event.payload).__name__ for event in self.store.events(after=1)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    store = new_store(tmp_path, "friday")
    try:
        yield Bench(store, collector_lease(store))
    finally:
        store.close()


def test_a_no_go_that_readings_showed_stays_after_the_source_fell_silent(bench):
    witness = Witness(PLAN, bench.store)
    bench.read(2.0)
    witness.look(now=bench.now)
    bench.read(None)
    assert bench.written() == ["NoGoShown"]
    assert bench.state() is GateState.NO_GO
    bench.now += 86_400
    assert bench.state() is GateState.NO_GO


def test_fresh_proof_to_the_contrary_is_written_too_and_silence_after_it_is_hold(bench):
    witness = Witness(PLAN, bench.store)
    bench.read(2.0)
    witness.look(now=bench.now)
    bench.read(0.0)
    assert bench.state() is GateState.GO
    witness.look(now=bench.now)
    bench.now += 600
    assert bench.written() == ["NoGoShown", "NoGoCleared"]
    assert bench.state() is GateState.HOLD


def test_it_is_written_once_however_often_and_by_however_many_it_is_seen(bench, tmp_path):
    other = new_store(tmp_path, "friday")
    bench.read(2.0)
    one, two = Witness(PLAN, bench.store), Witness(PLAN, other)
    two.look(now=bench.now - 100)  # has read the journal already
    for witness in (one, two, one, two):
        witness.look(now=bench.now)
    other.close()
    assert bench.written() == ["NoGoShown"]


def test_the_event_holds_the_readings_that_showed_it(bench):
    bench.read(2.0)
    Witness(PLAN, bench.store).look(now=bench.now)
    (event,) = bench.store.events(after=1)
    assert isinstance(event.payload, NoGoShown)
    assert (event.actor, event.payload.evidence[0].value, event.payload.evidence[0].at) == ("loom", 2.0, bench.now)


def test_a_reading_of_another_release_shows_nothing(bench):
    bench.read(2.0)
    later = plan(go=PLAN.criteria.go, no_go=PLAN.criteria.no_go, release="v3")
    assert Witness(later, bench.store).look(now=bench.now) == []


def test_a_clock_that_ran_out_over_real_readings_is_written_once(bench):
    witness = Witness(PLAN, bench.store)
    bench.store.append(MarkerSet(marker="deploy"), actor="ana", at=bench.now)
    for _ in range(40):
        bench.read(0.0)
        witness.look(now=bench.now)
    assert bench.written() == ["MarkerSet", "ClockRan"]
    payload = bench.store.events(after=2)[0].payload
    assert isinstance(payload, ClockRan)
    assert bench.now - payload.since >= 180
    assert not isinstance(payload, NoGoCleared)


def test_a_running_clock_is_known_so_that_the_collector_does_not_leave(bench):
    witness = Witness(PLAN, bench.store)
    running = []
    for _ in range(5):
        bench.read(0.0)
        witness.look(now=bench.now)
        running.append(witness.clock_runs)
    assert not any(running)  # nothing was deployed
    bench.store.append(MarkerSet(marker="deploy"), actor="ana", at=bench.now)
    for _ in range(40):
        bench.read(0.0)
        witness.look(now=bench.now)
        running.append(witness.clock_runs)
    assert running[15]
    assert not running[-1]


def test_a_reading_that_was_written_late_still_breaks_the_time(bench):
    steady = plan(go=[Criterion(text="calm", rules=(replace(CALM, for_s=100),))])
    gathering, folder = Gathering(steady, bench.store), Folder(steady)
    for _ in range(30):
        bench.read(0.0)
    folder.take(bench.store.events())

    def verdict() -> Verdict:
        gathering.read((), now=bench.now)
        return (
            folder.snapshot(gathering.observations(CollectorView(alive=True, holder="", why="")), bench.now)
            .gate.go[0]
            .verdict
        )

    assert verdict() is Verdict.MET
    late = Reading(
        signal="sentry.critical", observed_at=bench.now - 50, value=1.0, release=RELEASE, environment=ENVIRONMENT
    )
    bench.store.record([late], lease=bench.lease, now=bench.now)
    assert verdict() is Verdict.NOT_MET


def test_a_plan_without_anything_to_see_costs_no_look(bench):
    bench.read(2.0)
    quiet = plan(go=[Criterion(text="calm", rules=(CALM,))])
    assert Witness(quiet, bench.store).look(now=bench.now) == []


def test_the_collector_adopts_the_plan_so_that_a_room_need_not_be_open(bench):
    later = plan(go=PLAN.criteria.go, release="v3")
    for _ in range(2):
        Witness(later, bench.store).adopt(now=bench.now)
    (event,) = bench.store.events(after=1)
    assert isinstance(event.payload, PlanAdopted)
    assert (event.payload.release, event.actor) == ("v3", "loom")


def test_a_deed_is_decided_against_the_journal_as_it_is_when_it_is_written(bench):
    """Ana calls GO on what she saw; Bo's no-go came between, so that hers is refused without a reason."""
    a_plan = plan(
        go=[Criterion(text="up", rules=(Rule(signal="sentry.critical", at_most=9),))],
        voters=[Stakeholder(name="Eng", votes=True), Stakeholder(name="Ops", votes=True)],
    )
    bench.read(0.0)
    for who, role in (("ana", "Eng"), ("bo", "Ops")):
        _append(bench, a_plan, cast_vote(role, Choice.GO), who)
    assert bench.state(a_plan) is GateState.GO
    behind = Folder(a_plan)
    behind.take(bench.store.events())
    _append(bench, a_plan, cast_vote("Ops", Choice.NO_GO, reason="wait"), "bo")
    before = len(bench.store.events())
    with pytest.raises(Refused, match="The gate is NO-GO"):
        append_deed(
            bench.store,
            call_decision(Choice.GO),
            folder=behind,
            observations=Observations(),
            person=Person("ana"),
            at=bench.now,
        )
    assert len(bench.store.events()) == before


def _append(bench: Bench, a_plan: Plan, deed: Deed, who: str) -> None:
    append_deed(bench.store, deed, folder=Folder(a_plan), observations=Observations(), person=Person(who), at=bench.now)


def test_the_version_that_runs_is_written_once_and_again_when_it_was_seen_healthy(bench, tmp_path):
    verify = (Rule(signal="app.version", is_="{to}"), Rule(signal="app", is_="ok"))
    rollback = Action(kind=ActionKind.ROLLBACK, steps=(ManualAct(name="back", text="go back"),), verify=verify)
    a_plan = replace(plan(), actions={"rollback": rollback})
    other = new_store(tmp_path, "friday")
    one, two = Witness(a_plan, bench.store), Witness(a_plan, other)

    def told(signal: str, detail: str = "") -> None:
        bench.now += 5
        reading = Reading(signal=signal, observed_at=bench.now, detail=detail, release=RELEASE, environment=ENVIRONMENT)
        bench.store.record([reading], lease=bench.lease, now=bench.now)

    for signal, detail in (("app.version", "v1"), ("app", ""), ("app.version", "v1"), ("app", "")):
        told(signal, detail)
        for witness in (one, two, one):
            witness.look(now=bench.now)
    other.close()
    seen = [event.payload for event in bench.store.events(after=1)]
    assert [(payload.version, payload.healthy) for payload in seen if isinstance(payload, VersionSeen)] == [
        ("v1", False),
        ("v1", True),
    ]
