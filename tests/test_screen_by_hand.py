"""Steps by hand and acceptance testing in the room, through their keys: what is seen, and what is written."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from loom_tui.plan.model import Plan, Uat
from loom_tui.plan.steps import HttpStep, ManualStep
from loom_tui.plan.workflows import Workflow
from loom_tui.room.events import (
    Event,
    FeedbackGiven,
    FeedbackSettled,
    ManualStepDone,
    ParticipantJoined,
    Payload,
    SessionHeld,
    WorkflowBegun,
)
from loom_tui.room.fold import fold
from loom_tui.room.snapshot import Snapshot
from loom_tui.screens.form import Saying
from tests.rooms import Room, open_room, text_of
from tests.samples import NOW, sample_events, sample_observations, sample_plan

FOREIGN = "[/bold] \u202e\x1b[31m 漢字 👩‍🚒 \x07" + "x" * 10_000
OURS: dict[str, Any] = {"release": "v1.7.0", "environment": "production"}
SIZES = [(120, 40), (80, 24)]


def plan_of(foreign: str = "") -> Plan:
    look = ManualStep(name=f"Look at the invitation{foreign}", words=f"Is the time zone right?{foreign}", tester="QA")
    sound = ManualStep(name="Join the call", words="Is there sound?")
    return replace(
        sample_plan(),
        workflows=(
            Workflow(name=f"Client booking{foreign}", id="booking", url="https://a.example", steps=(
                HttpStep(name="Book"), look, sound,
            )),
            Workflow(name="Coach onboarding", steps=(look, sound)),
        ),
        uat=Uat(features=("Booking", "Journal")),
    )  # fmt: skip


def snapshot_of(*payloads: tuple[float, Payload], foreign: str = "") -> Snapshot:
    events = list(sample_events())
    for age_s, payload in payloads:
        events.append(Event(seq=len(events) + 1, at=NOW - age_s, actor="ana", payload=payload, hash=""))
    return fold(plan_of(foreign), events, sample_observations(now=NOW), NOW)


def begun(workflow: str = "coach-onboarding") -> WorkflowBegun:
    return WorkflowBegun(workflow=workflow, **OURS)


def done(step: str, outcome: Any = "ok", **more: Any) -> ManualStepDone:
    return ManualStepDone(workflow="coach-onboarding", step=step, outcome=outcome, **OURS, **more)


def said(rating: int, severity: Any = "none", **more: Any) -> FeedbackGiven:
    return FeedbackGiven(participant="Maya", rating=rating, severity=severity, **OURS, **more)


async def open_checklist(room: Room, check: str = "workflow.coach-onboarding") -> str:
    from loom_tui.screens.checks import Checks

    room.app.screen.query_one(Checks).select(check)
    await room.press("enter")
    return room.text("StepList")


def dialog(room: Room) -> str:
    return room.text("StepList")


@pytest.mark.parametrize("size", SIZES)
async def test_a_workflow_by_hand_opens_as_a_checklist_at_its_first_open_step(size):
    async with open_room(
        snapshot_of((720, begun()), (600, done("Look at the invitation"))), key="7", size=size
    ) as room:
        text = await open_checklist(room)
        assert "Coach onboarding" in text
        assert "1 of 2 by hand" in text
        assert "v1.7.0 in production" in text
        assert "by ana · 12 m so far" in text
        assert "● 1 Look at the invitation" in text
        assert "ok, ana, 10 m ago" in text
        assert "○ 2 Join the call" in text
        assert "Is there sound?" in text, "the words of the step under the cursor"


async def test_a_key_judges_a_step_and_a_failed_one_asks_why():
    async with open_room(snapshot_of(), key="7") as room:
        await open_checklist(room)
        await room.press("o")
        assert room.sent == [done("Look at the invitation")]
        await room.press("f")
        await room.type("no sound")
        assert room.sent[-1] == done("Join the call", "failed", note="no sound")
        await room.press("f")
        await room.type("")
        assert "Say in a note what went wrong" in room.text("NewsLine")
        await room.press("t")
        await room.type("Bo")
        await room.press("s")
        assert room.sent[-1] == done("Join the call", "skipped", tester="Bo")
        assert len(room.sent) == 3
        assert "tester Bo" in dialog(room)


async def test_a_note_is_added_to_a_step_that_was_judged_and_to_no_other():
    async with open_room(snapshot_of((600, done("Look at the invitation", note="fine"))), key="7") as room:
        await open_checklist(room)
        await room.press("n")
        assert "Judge the step first" in room.text("NewsLine")
        await room.press("k", "n")
        await room.type("fine in Berlin")
        assert room.sent == [done("Look at the invitation", note="fine in Berlin")]


async def test_to_begin_anew_over_steps_that_are_done_is_asked_first():
    async with open_room(snapshot_of(), key="7") as room:
        await open_checklist(room)
        await room.press("b")
        assert room.sent == [begun()]
        await room.show(snapshot_of((60, done("Look at the invitation"))))
        await room.press("b")
        await room.press("enter")
        assert len(room.sent) == 1
        await room.press("b")
        await room.type("anew")
        assert room.sent == [begun(), begun()]


async def test_an_open_checklist_follows_the_room():
    async with open_room(snapshot_of(), key="7") as room:
        assert "0 of 2 by hand" in await open_checklist(room)
        await room.show(snapshot_of((4, done("Join the call", "failed", note="no sound"))))
        assert "✖ 2 Join the call" in dialog(room)
        await room.press("t")
        await room.show(snapshot_of((4, done("Join the call"))))
        await room.press("escape")
        assert "● 2 Join the call" in dialog(room)
        await room.press("escape")
        assert room.app.screen.query("#checks-list")


async def test_the_collectors_steps_are_shown_and_left_to_it():
    async with open_room(snapshot_of(), key="7") as room:
        text = await open_checklist(room, "workflow.booking")
        assert "by the collector, not yet" in text
        await room.press("g", "o")
        assert room.sent == []
        assert "The collector does this step" in room.text("NewsLine")


async def test_the_list_says_what_to_do_with_a_workflow_by_hand():
    async with open_room(snapshot_of(), key="7", size=(140, 40)) as room:
        assert "nobody has done its steps yet; enter opens" in room.text("#checks-list")


async def test_nothing_is_written_in_a_room_that_is_read_only():
    async with open_room(snapshot_of(), key="7", read_only=True) as room:
        await open_checklist(room)
        await room.press("o")
        assert room.sent == []
        assert "read-only" in room.text("NewsLine")


# Acceptance testing.


async def open_board(room: Room) -> str:
    await room.press("colon")
    await room.type("acceptance")
    await room.pilot.pause()
    return room.text("Board")


@pytest.mark.parametrize("size", SIZES)
async def test_the_board_shows_blockers_feedback_and_what_was_tried(size):
    snapshot = snapshot_of(
        (900, ParticipantJoined(name="Bo")),
        (800, SessionHeld(participant="Maya", features=("Booking",), **OURS)),
        (700, said(4, text="calm")),
        (600, said(1, "blocker", text="cannot cancel", feature="Booking")),
    )
    async with open_room(snapshot, key="1", size=size) as room:
        text = await open_board(room)
    assert "2.5 of 5 · 2 said something · 1 open blocker" in text
    assert "1 of 2 features tried" in text
    assert "taking part (2): Bo, Maya" in text
    assert text.index("1 of 5  blocker  cannot cancel") < text.index("4 of 5  none     calm")
    assert "● Booking" in text
    assert "○ Journal" in text


async def test_feedback_sessions_and_participants_are_written_down_in_forms():
    async with open_room(snapshot_of(), key="1") as room:
        await open_board(room)
        await room.press("p")
        await room.type("Maya")
        await room.type("coach")
        await room.press("s")
        for text in ("Maya", "book, journal", "40", ""):
            await room.type(text)
        session = SessionHeld(participant="Maya", features=("Booking", "Journal"), minutes=40, **OURS)
        await room.press("f")
        for text in ("Maya", "2", "", "book", "cannot cancel"):
            await room.type(text)
        feedback = said(2, feature="Booking", text="cannot cancel")
        assert room.sent == [ParticipantJoined(name="Maya", about="coach"), session, feedback]


async def test_a_form_that_is_refused_says_why_and_stays_as_it_was():
    async with open_room(snapshot_of(), key="1") as room:
        await open_board(room)
        await room.press("f")
        for text in ("Maya", "9", "", "", "fine"):
            await room.type(text)
        refusal = room.app.screen.query(Saying).last()
        assert "A rating is from 1" in text_of(refusal.paint(200, 1))
        assert room.sent == []
        await room.press("escape")
        assert "Acceptance testing" in room.text("Board")


async def test_a_blocker_is_settled_with_a_reason():
    snapshot = snapshot_of((600, said(1, "blocker", text="cannot cancel")))
    async with open_room(snapshot, key="1") as room:
        await open_board(room)
        await room.press("x")
        await room.type("fixed")
        assert room.sent == [FeedbackSettled(feedback=snapshot.events[-1].seq, reason="fixed")]


async def test_a_plan_without_acceptance_testing_says_how_to_get_it():
    async with open_room(replace(snapshot_of(), uat=None), key="1") as room:
        assert "The plan has no acceptance testing; add [uat]" in await open_board(room)
        await room.press("f")
        assert "no acceptance testing" in room.text("NewsLine")


@pytest.mark.parametrize("size", SIZES)
async def test_foreign_text_in_a_plan_and_in_feedback_is_only_text(size):
    snapshot = snapshot_of(
        (600, done("Join the call", "failed", note=FOREIGN[:1500], tester=FOREIGN[:200])),
        (500, said(1, "blocker", text=FOREIGN[:1900])),
        foreign=FOREIGN,
    )
    async with open_room(snapshot, key="7", size=size) as room:
        for check in ("workflow.coach-onboarding", "workflow.booking"):
            text = await open_checklist(room, check)
            assert "\x1b" not in text
            await room.press("escape")
        assert "\u202e" not in await open_board(room)
