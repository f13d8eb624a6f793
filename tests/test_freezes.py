"""Freeze windows: when they hold, what they hold up, and how a plan writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from loom_tui.plan.acts import ActionKind
from loom_tui.plan.faults import PlanFaults
from loom_tui.plan.freezes import frozen_at, frozen_between, frozen_words
from loom_tui.plan.model import Action, Freeze, Plan
from loom_tui.plan.toml import dump_plan, parse_plan
from loom_tui.room.acting import ActionArmed, CountdownStarted
from loom_tui.room.guard import ActionState
from loom_tui.room.guarded import Approve
from loom_tui.screens.timeline import Gantt
from tests.gates import NOW, signed
from tests.guards import ACTIONS, DEPLOY, PURGE, Stage, guarded_plan
from tests.rooms import open_room
from tests.samples import ok_snapshot

WEEKEND = Freeze(why="no deploys at the weekend", weekly="Fri 16:00 – Mon 08:00")
HOUR_S = 3600.0


def frozen_plan(*freezes: Freeze, zone: str = "UTC", actions: dict[str, Action] = ACTIONS) -> Plan:
    a_plan = guarded_plan(actions=actions)
    return replace(a_plan, freezes=freezes, calendar=replace(a_plan.calendar, zone=zone))


def lasting(hours: float, *, begins_in: float = -1.0, why: str = "the gala") -> Freeze:
    """A freeze around NOW."""
    start = datetime.fromtimestamp(NOW, UTC) + timedelta(hours=begins_in)
    return Freeze(why=why, from_=start, until=start + timedelta(hours=hours))


def local(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        ("2025-11-14T15:59:59+01:00", False),
        ("2025-11-14T16:00:00+01:00", True),
        ("2025-11-16T23:00:00+01:00", True),
        ("2025-11-17T07:59:59+01:00", True),
        ("2025-11-17T08:00:00+01:00", False),
        ("2026-03-30T06:30:00+02:00", True),  # the clocks went forward in that night
        ("2026-03-30T07:30:00+01:00", False),
    ],
)
def test_a_weekly_freeze_holds_from_its_time_to_its_time_on_the_clock_of_the_plans_zone(at, holds):
    a_plan = frozen_plan(WEEKEND, zone="Europe/Berlin")
    assert (frozen_at(a_plan, local(at)) is not None) is holds


def test_a_weekly_freeze_may_lie_within_a_day_or_wrap_around_the_week():
    lunch = Freeze(why="lunch", weekly="wed 12:00 - wed 13:00")
    nearly_all = Freeze(why="always", weekly="Wed 13:00 to Wed 12:00")
    noon = local("2025-11-12T12:30:00+00:00")
    assert frozen_at(frozen_plan(lunch), noon) is not None
    assert frozen_at(frozen_plan(lunch), noon + HOUR_S) is None
    assert frozen_at(frozen_plan(nearly_all), noon) is None
    assert frozen_at(frozen_plan(nearly_all), noon + HOUR_S) is not None


def test_a_date_without_an_offset_is_on_the_plans_clock_and_one_with_it_is_not():
    text = 'from = 2025-12-24T18:00:00\nuntil = 2025-12-27T00:00:00Z\nwhy = "Christmas"\n'
    a_plan = parse_plan(f'[plan]\ntitle = "t"\n[calendar]\nzone = "Europe/Berlin"\n[[freezes]]\n{text}')
    assert parse_plan(dump_plan(a_plan)) == a_plan
    (frozen,) = frozen_between(a_plan, 0.0, 2e9)
    assert frozen.start == local("2025-12-24T18:00:00+01:00")
    assert frozen.until == local("2025-12-27T00:00:00+00:00")
    assert frozen_words(a_plan, frozen) == "Christmas, until Sat 27 Dec 01:00"


def test_of_two_freezes_the_one_that_ends_last_is_told():
    a_plan = frozen_plan(lasting(2), lasting(5, why="the audit"), lasting(3))
    frozen = frozen_at(a_plan, NOW)
    assert frozen is not None
    assert frozen.why == "the audit"


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ('why = "x"', "freezes[1]: write from and until, or weekly"),
        ('why = "x"\nweekly = "Fri 16:00"', "is not written as Fri 16:00 – Mon 08:00"),
        ('why = "x"\nweekly = "Fru 16:00 - Mon 08:00"', "is not written as"),
        ('why = "x"\nweekly = "Fri 25:00 - Mon 08:00"', "is not written as"),
        ('why = "x"\nweekly = "Fri 16:00 - Fri 16:00"', "would never end"),
        ('why = "x"\nfrom = 2025-12-24T18:00:00', "has one end only"),
        ('why = "x"\nfrom = 2025-12-24T18:00:00\nuntil = 2025-12-24T17:00:00', "before it begins"),
        ('why = "x"\nfrom = 2025-12-24T18:00:00\nuntil = 2025-12-25T17:00:00\nweekly = "Fri 16:00 - Mon 8:00"', "or"),
        ('why = " "\nweekly = "Fri 16:00 - Mon 8:00"', "freezes[1].why: is empty"),
        ('why = "x"\nfrom = "noon"\nuntil = 3', "a date and time such as 2025-12-24T18:00:00"),
        ('why = "x"\nweekli = "Fri 16:00 - Mon 8:00"', "unknown key `weekli`"),
    ],
)
def test_a_freeze_that_makes_no_sense_is_a_fault_of_the_plan(lines, fault):
    with pytest.raises(PlanFaults) as faults:
        parse_plan(f'[plan]\ntitle = "t"\n[[freezes]]\n{lines}\n')
    assert fault in str(faults.value)


@pytest.mark.parametrize("kind", [ActionKind.DEPLOY, ActionKind.MIGRATE, ActionKind.COMMAND])
def test_what_changes_the_world_is_refused_in_a_freeze_and_says_until_when(kind):
    stage = Stage(frozen_plan(lasting(3), actions={"it": replace(PURGE, kind=kind)}))
    said = stage.refused("ana", stage.arming("it"))
    assert said.startswith("A freeze is in force: the gala, until Tue 11 Nov 14:00. Wait, or override")


def test_a_freeze_holds_up_no_word_to_people():
    stage = Stage(frozen_plan(lasting(3), actions={"it": replace(PURGE, kind=ActionKind.NOTIFY)}))
    stage.arm("it")


def test_a_freeze_is_gone_past_with_a_reason_and_a_second_person_and_the_journal_says_which():
    stage = Stage(frozen_plan(lasting(3)))
    assert "need a reason" in stage.refused("ana", stage.arming("purge", override=True, reason=" "))
    action = stage.arm("purge", override=True)
    armed = stage.payloads()[-1]
    assert isinstance(armed, ActionArmed)
    assert (armed.people, armed.freeze) == (2, "the gala")
    assert "a freeze is in force: the gala, until Tue 11 Nov 14:00" in armed.warnings
    assert "another person" in stage.refused("ana", Approve(action))
    stage.do("bo", Approve(action))
    stage.run(CountdownStarted(action=action, run="r", host="h", ends_at=stage.now))


@pytest.mark.parametrize("override", [False, True])
def test_a_freeze_that_began_since_the_arming_is_one_that_nobody_has_gone_past(override):
    stage = Stage(frozen_plan(lasting(3, begins_in=0.1), actions={**ACTIONS, "deploy": DEPLOY}))
    stage.write("qa", signed("go/feedback positive", holds=True))
    action = stage.arm("deploy", override=override)
    stage.do("bo", Approve(action))
    stage.now += 600
    claim = CountdownStarted(action=action, run="r", host="h", ends_at=stage.now)
    assert "A freeze is in force: the gala" in stage.barred(claim)
    assert stage.state(action) is ActionState.APPROVED


async def test_the_timeline_shades_the_freezes_of_its_days() -> None:
    snapshot = ok_snapshot()
    friday = Freeze(why="audit", weekly="Fri 13:00 – Fri 23:00")
    night = Freeze(why="backup", weekly="Mon 20:00 – Mon 21:00")
    async with open_room(snapshot, key="3") as room:
        assert "░" not in room.text("#timeline-gantt")
    frozen = replace(snapshot, plan=replace(snapshot.plan, freezes=(night,)))
    async with open_room(frozen, key="3") as room:
        assert "░" not in room.text("#timeline-gantt")  # nobody works then: it takes no room
    frozen = replace(snapshot, plan=replace(snapshot.plan, freezes=(night, friday)))
    async with open_room(frozen, key="3") as room:
        text = room.text("#timeline-gantt")
        assert "░ freeze" in text
        gantt = room.app.screen.query_one(Gantt)
        days, window = gantt.days, gantt.window
        assert days is not None
        assert window is not None
        first = days.column(local("2025-11-07T13:00:00+01:00"))
        shaded = gantt.shade(days, window)
        assert shaded[0] == first - window.offset
        assert shaded[: days.cells // 2] == list(range(shaded[0], shaded[0] + days.cells // 2))
