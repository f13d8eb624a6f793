"""A deploy goes only through a GO that is fresh in the transaction that starts it, or past it with a second person."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from loom_tui.gathering import adopt
from loom_tui.plan.acts import ActionKind
from loom_tui.plan.model import Criteria, Criterion, Gate
from loom_tui.room.deeds import Refused
from loom_tui.room.fold import Folder
from loom_tui.room.guard import ActionState as S
from loom_tui.room.guarded import Approve
from loom_tui.room.verdicts import GateState
from tests.gates import signed
from tests.running import World, action, writes


@pytest.fixture
def room(tmp_path: Path) -> Iterator[World]:
    """A room that one sign-off opens, with a deploy."""
    made = World(tmp_path / "room", deploy=action(writes("ship"), kind=ActionKind.DEPLOY, verify=()))
    made.plan = replace(made.plan, criteria=Criteria(go=(Criterion(text="Feedback positive"),)), gate=Gate())
    made.folder = Folder(made.plan)
    made.plan_hash = adopt(made.store, made.plan, made.folder, actor="ana", at=time.time())
    yield made
    made.close()


def say(room: World, *, holds: bool) -> None:
    room.store.append(signed("go/feedback positive", holds=holds), actor="qa", at=time.time())


def test_through_a_go_that_is_still_one_when_it_starts(room):
    say(room, holds=True)
    assert room.snapshot().gate.state is GateState.GO
    assert room.ended(room.begin("deploy")).state is S.DONE_UNVERIFIED
    assert room.count("ship") == 1


def test_a_gate_that_closed_between_the_approval_and_the_start_ends_it_and_nothing_is_shipped(room):
    say(room, holds=True)
    number = room.arm("deploy")
    room.do("bo", Approve(number))
    say(room, holds=False)  # after the last word of a person, before the runner's first
    room.start(number)
    view = room.ended(number)
    assert (view.state, room.count("ship")) == (S.ABORTED, 0)
    assert "The gate is HOLD" in view.why


def test_a_gate_that_closes_while_the_runner_waits_for_the_approval_ends_it_too(room):
    say(room, holds=True)
    number = room.arm("deploy")
    room.start(number)
    room.until(lambda: number in room.snapshot().runners)
    say(room, holds=False)
    room.do("bo", Approve(number))
    view = room.ended(number)
    assert (view.state, room.count("ship"), "CountdownStarted" in room.kinds()) == (S.ABORTED, 0, False)


def test_a_hold_is_gone_past_with_a_reason_and_a_second_person_alone(room):
    with pytest.raises(Refused, match="The gate is HOLD"):
        room.arm("deploy")
    with pytest.raises(Refused, match="need a reason"):
        room.arm("deploy", override=True, reason=" ")
    number = room.arm("deploy", override=True)
    with pytest.raises(Refused, match="another person"):
        room.do("ana", Approve(number))
    room.do("bo", Approve(number))
    room.start(number)
    assert room.ended(number).state is S.DONE_UNVERIFIED
    assert room.count("ship") == 1
