"""The lines that are on every screen: what they say, and what gives way where it is narrow."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from loom_tui.room.drills import DrillBegan, DrillEnded, Times
from loom_tui.room.guarded import Abort, CallStop
from loom_tui.room.snapshot import CollectorView, Snapshot
from loom_tui.room.verdicts import GateState, Verdict
from loom_tui.widgets.frame import feeds_line, gate_counts, header_line, key_line, next_milestone, versions
from loom_tui.widgets.lines import Ground, Ink
from loom_tui.widgets.text import GROUND_OF_GATE, Pen
from tests.guards import Stage
from tests.rooms import text_of, widths_of
from tests.samples import NOW, bare_snapshot, ok_snapshot, unknown_snapshot

PEN = Pen()


def header(snapshot: Snapshot, width: int, *, read_only: bool = False) -> str:
    line = header_line(snapshot, PEN, width, read_only=read_only)
    assert widths_of([line]) == {width}
    return text_of([line])


def test_a_wide_header_says_plan_environment_versions_gate_milestone_and_clock():
    snapshot = ok_snapshot()
    told = header(snapshot, 160)
    about = snapshot.plan.plan
    milestone = next_milestone(snapshot)
    assert milestone is not None
    for words in (
        " LOOM ",
        f"{about.sprint or about.title} → production",
        versions(snapshot),
        snapshot.gate.state.value,
        gate_counts(snapshot.gate),
        milestone.milestone.name,
        PEN.clock(NOW),
    ):
        assert words in told


def test_a_drills_room_says_on_every_screen_that_it_is_one():
    stage = Stage()
    assert "DRILL" not in header(stage.snapshot(), 160)
    stage.write("ana", DrillBegan(scenario="calm"))
    stage.begun(step=0)
    for width in (80, 160):
        assert " DRILL " in header(stage.snapshot(), width, read_only=True)
    stage.write("demo", DrillEnded(scenario="calm", began_at=stage.now, people=(), times=Times(), passed=True))
    assert " DRILL OVER: q " in header(stage.snapshot(), 80)


def test_the_action_under_way_is_on_every_screen_at_any_width_and_so_is_a_stop():
    stage = Stage()
    assert "rollback" not in header(stage.snapshot(), 160)
    action = stage.begun(step=0)
    for width in (40, 80, 160):
        told = header(stage.snapshot(), width)
        assert " rollback running 1/2" in told
        assert stage.snapshot().gate.state.value in told
    stage.now += 60
    assert " rollback interrupted" in header(stage.snapshot(), 160)
    for _ in range(2):
        stage.do("bo", Abort(action, "enough"))
    assert "rollback" not in header(stage.snapshot(), 160)
    stage.do("cy", CallStop("odd"))
    assert " STOPPED" in header(stage.snapshot(), 40)


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_the_gate_is_the_last_to_go_from_a_narrow_header(width):
    assert ok_snapshot().gate.state.value in header(ok_snapshot(), width)


def test_where_it_is_narrow_counts_go_first_and_versions_before_the_plans_name():
    snapshot = ok_snapshot()
    seen = [
        [words in header(snapshot, width) for words in (gate_counts(snapshot.gate), versions(snapshot), " LOOM ")]
        for width in range(160, 20, -1)
    ]
    gone = [next((at for at, row in enumerate(seen) if not row[which]), len(seen)) for which in range(3)]
    assert gone == sorted(gone)
    assert gone[0] < gone[1] < gone[2]


def test_a_read_only_room_says_so_and_production_has_a_ground_of_its_own():
    snapshot = ok_snapshot()
    assert "READ-ONLY" in header(snapshot, 160, read_only=True)
    assert "READ-ONLY" not in header(snapshot, 160)
    staging = replace(snapshot, plan=replace(snapshot.plan, plan=replace(snapshot.plan.plan, environment="staging")))
    grounds = {
        name: {span.ground for span in header_line(shown, PEN, 160, read_only=False)}
        for name, shown in (("production", snapshot), ("staging", staging))
    }
    lamp = GROUND_OF_GATE[snapshot.gate.state]
    assert grounds == {"production": {Ground.PRODUCTION, lamp}, "staging": {Ground.STAGING, lamp}}


def test_the_counts_tell_what_is_met_and_what_holds_and_what_nobody_knows():
    gate = ok_snapshot().gate
    (first, *_) = gate.no_go
    for verdict, told in ((Verdict.MET, "1 holds"), (Verdict.UNKNOWN, "1 unknown"), (Verdict.NOT_MET, "none")):
        judged = replace(gate, go=(), no_go=(replace(first, verdict=verdict),))
        assert gate_counts(judged) == f"go 0 of 0 · no-go {told}"
    views = tuple(replace(first, verdict=verdict) for verdict in (Verdict.MET, Verdict.WAIVED, Verdict.UNKNOWN))
    assert gate_counts(replace(gate, go=views, no_go=())) == "go 2 of 3 · no-go none"


def test_the_next_milestone_is_the_first_that_is_not_reached_and_has_a_moment():
    snapshot = ok_snapshot()
    one = snapshot.milestones[0]
    undated = replace(one, reached=False, planned_at=None, projected_at=None)
    ahead = replace(one, reached=False, planned_at=None, projected_at=NOW + 60)
    reached = replace(one, reached=True)
    assert next_milestone(replace(snapshot, milestones=(reached, undated, ahead))) is ahead
    assert next_milestone(replace(snapshot, milestones=(reached, undated))) is None


def test_the_feeds_are_faint_only_while_all_are_live():
    snapshot = ok_snapshot()
    count = len(snapshot.feeds)
    (all_live,) = feeds_line(snapshot, PEN)
    assert (all_live.text, all_live.ink) == (f"feeds {count} of {count} live ", Ink.FAINT)
    one_off = replace(snapshot, feeds=(replace(snapshot.feeds[0], live=False), *snapshot.feeds[1:]))
    (some,) = feeds_line(one_off, PEN)
    assert (some.text, some.ink) == (f"feeds {count - 1} of {count} live ", Ink.WARN)
    idle = replace(snapshot.feeds[0], on_demand=True, report=None)
    (unasked,) = feeds_line(replace(snapshot, feeds=(idle, *snapshot.feeds[1:])), PEN)
    assert (unasked.text, unasked.ink) == (f"feeds {count - 1} of {count - 1} live ", Ink.FAINT)
    (alone,) = feeds_line(replace(snapshot, feeds=(idle,)), PEN)
    assert (alone.text, alone.ink) == ("feeds on demand only ", Ink.FAINT)
    (failed,) = feeds_line(replace(snapshot, feeds=(replace(idle, live=False), *snapshot.feeds[1:])), PEN)
    assert (failed.text, failed.ink) == (f"feeds {count - 1} of {count - 1} live, 1 on demand failed ", Ink.WARN)
    silent = feeds_line(replace(snapshot, collector=CollectorView(alive=False, holder="", why="")), PEN)
    assert "no collector" in text_of([silent])
    assert text_of([feeds_line(bare_snapshot(), PEN)]) == "no feeds in the plan"


def test_a_room_that_knows_nothing_holds():
    assert GateState.HOLD.value in header(unknown_snapshot(), 80)


@pytest.mark.parametrize(
    ("width", "words"),
    [(160, ("note", "filter", "Path")), (80, ("R rollback", "keys", "leave")), (60, ("Room", "R rollback"))],
)
def test_the_keys_fit_at_any_width_and_the_numbers_stay(width, words):
    line = key_line("1", width)
    told = text_of([line])
    assert widths_of([line]) == {width}
    assert all(word in told for word in words)
    assert all(f" {number}" in told for number in range(1, 8))
    assert [span.text.strip() for span in line if span.bold] == ["1", "Room", "R"]
