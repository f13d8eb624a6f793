"""The launch poll calls each role in turn; and who leads the room, until they hand it over."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from loom_tui.plan.model import Operator, Right, Stakeholder
from loom_tui.room.deeds import Deed, Refused
from loom_tui.room.door import Person, admitted
from loom_tui.room.events import PollCalled, Voted
from loom_tui.room.gate_deeds import call_poll, cast_vote, end_poll, withdraw_vote
from loom_tui.room.lead import give_lead
from loom_tui.room.presence import Seat, Terminal
from loom_tui.room.verdicts import Choice, GateState, PollView
from loom_tui.screens.gate import Criteria
from loom_tui.widgets.poll import heard_words, poll_words
from tests.gates import ENVIRONMENT, RELEASE, plan
from tests.guards import Stage
from tests.rooms import open_room
from tests.test_read_only import here, room_of, say
from tests.test_screen_gate import EVIDENCE, OURS, SENTENCE, rich_snapshot

__all__ = ["here"]  # a fixture
VOTERS = [
    Stakeholder(name="Product", votes=True, who=("ana",)),
    Stakeholder(name="Eng", votes=True, who=("bo", "cy")),
    Stakeholder(name="Coaches"),
    Stakeholder(name="QA", votes=True),
]


class Room(Stage):
    """A stage in which deeds come through the door."""

    def does(self, actor: str, deed: Deed, *, after_s: float = 60.0) -> PollView | None:
        self.now += after_s
        self.write(actor, admitted(deed, Person(actor))(self.snapshot(), actor))
        return self.snapshot().gate.poll

    def barred_from(self, actor: str, deed: Deed) -> str:
        with pytest.raises(Refused) as refusal:
            admitted(deed, Person(actor))(self.snapshot(), actor)
        return str(refusal.value)


def room(*, operators: tuple[Operator, ...] = ()) -> Room:
    return Room(plan(voters=VOTERS, operators=operators))


def words(poll: PollView | None, now: float) -> str:
    assert poll is not None
    return poll_words(poll, now)


def test_roles_are_called_in_the_plan_s_order_and_a_vote_moves_it_on_to_the_next():
    at = room()
    poll = at.does("ana", call_poll())
    assert poll is not None
    assert [polled.role for polled in poll.roles] == ["Product", "Eng", "QA"]
    assert words(poll, at.now + 30) == "Product, go or no-go?  silent for 30 s, 0 of 3 heard"
    poll = at.does("ana", cast_vote("Product", Choice.GO))
    assert words(poll, at.now + 300) == "Eng, go or no-go?  silent for 5 m, 1 of 3 heard", "silent since it is called"
    poll = at.does("dee", cast_vote("QA", Choice.GO))
    assert words(poll, at.now).startswith("Eng, go or no-go?"), "who speaks before their turn is heard"
    assert words(poll, at.now).endswith("1 m, 2 of 3 heard"), "and does not make the called one's silence younger"
    poll = at.does("bo", cast_vote("Eng", Choice.NO_GO, reason="the queue grows"))
    assert words(poll, at.now) == "poll by ana: all 3 heard"
    assert at.snapshot().gate.state is GateState.NO_GO


def test_a_vote_from_before_the_poll_counts_and_is_asked_for_again():
    at = room()
    at.does("ana", cast_vote("Product", Choice.GO))
    poll = at.does("ana", call_poll())
    assert words(poll, at.now).startswith("Product, go or no-go?")
    assert at.snapshot().gate.votes[0].choice is Choice.GO


def test_a_changed_vote_keeps_its_history_in_the_poll_and_after_it():
    at = room()
    at.does("ana", call_poll())
    at.does("ana", cast_vote("Product", Choice.GO))
    poll = at.does("ana", cast_vote("Product", Choice.NO_GO, reason="sign-in fails"))
    assert poll is not None
    assert heard_words(poll.roles[0]) == "GO ana, then NO-GO ana"
    assert poll.calls == "Eng"
    at.does("ana", withdraw_vote("Product", reason="it was my proxy"))
    at.does("ana", cast_vote("Product", Choice.GO))
    (product, *_) = at.snapshot().gate.votes
    assert product.choice is Choice.GO
    told = [(word.choice, word.reason) for word in product.history]
    assert told == [
        (Choice.GO, ""), (Choice.NO_GO, "sign-in fails"), (None, "it was my proxy"), (Choice.GO, "")
    ]  # fmt: skip


def test_a_vote_of_one_who_may_not_is_not_heard():
    at = room()
    at.does("ana", call_poll())
    at.write("mallory", Voted(role="Product", choice=Choice.GO, release=RELEASE, environment=ENVIRONMENT))
    at.write("ana", Voted(role="Product", choice=Choice.GO, release="v1", environment=ENVIRONMENT))
    poll = at.snapshot().gate.poll
    assert poll is not None
    assert poll.calls == "Product"


def test_a_poll_is_ended_with_a_reason_and_a_second_one_is_not_begun_beside_it():
    at = room()
    assert "No poll is under way" in at.barred_from("ana", end_poll(reason="x"))
    at.does("ana", call_poll())
    assert "calls Product; end it first" in at.barred_from("bo", call_poll())
    assert "needs a reason" in at.barred_from("bo", end_poll(reason=" "))
    poll = at.does("bo", end_poll(reason="we wait for the fix"))
    assert words(poll, at.now) == "poll ended by bo, 0 of 3 heard: we wait for the fix"
    assert words(at.does("ana", call_poll()), at.now).startswith("Product")


def test_a_poll_ends_with_its_release_and_needs_somebody_who_votes():
    at = room()
    at.does("ana", call_poll())
    at.plan = replace(at.plan, plan=replace(at.plan.plan, release="v3"))
    assert at.snapshot().gate.poll is None
    at.plan = replace(at.plan, stakeholders=())
    assert "Nobody votes" in at.barred_from("ana", call_poll())


PEOPLE = (
    Operator(login="ana", may=Right.LEAD),
    Operator(login="bo"),
    Operator(login="cy", may=Right.APPROVER),
    Operator(login="vi", may=Right.VIEWER),
)


def seated(at: Room, *logins: str) -> None:
    at.seen = replace(
        at.seen,
        seats=tuple(
            Seat(room=login, login=login, terminal=Terminal(), screen="1", since=at.now, until=at.now + 5)
            for login in logins
        ),
    )


def test_the_plan_s_lead_leads_until_they_hand_it_over():
    at = room(operators=PEOPLE)
    assert at.snapshot().lead == "ana"
    at.does("ana", give_lead("bo"))
    assert at.snapshot().lead == "bo"
    at.does("bo", give_lead("ana"))
    assert at.snapshot().lead == "ana"


def test_an_absent_lead_s_is_passed_on_by_an_approver_with_a_reason_and_nobody_else_takes_it():
    at = room(operators=PEOPLE)
    seated(at, "ana", "cy")
    assert "ana leads, and is in the room" in at.barred_from("cy", give_lead("cy", reason="x"))
    seated(at, "cy")
    assert "needs a reason" in at.barred_from("cy", give_lead("cy"))
    assert "bo may not pass the lead on" in at.barred_from("bo", give_lead("bo", reason="x"))
    assert "vi may not do this" in at.barred_from("vi", give_lead("vi", reason="x"))
    at.does("cy", give_lead("cy", reason="ana has lost her connection"))
    assert at.snapshot().lead == "cy"


def test_the_lead_is_for_somebody_who_may_act():
    at = room(operators=PEOPLE)
    for nobody in ("vi", "stranger"):
        assert f"{nobody} may not lead" in at.barred_from("ana", give_lead(nobody))
    assert "ana leads already" in at.barred_from("ana", give_lead("ana"))
    assert "Say who leads" in at.barred_from("ana", give_lead(" "))
    at.does("ana", give_lead("bo"))
    at.plan = replace(at.plan, operators=PEOPLE[:1])
    assert at.snapshot().lead == "ana", "the edited plan no longer has the other"


def test_a_plan_that_names_nobody_has_no_lead_until_somebody_takes_it():
    at = room()
    assert at.snapshot().lead == ""
    at.does("ana", give_lead("ana"))
    assert at.snapshot().lead == "ana"


async def test_screen_8_calls_the_poll_shows_who_is_called_and_ends_it_with_a_reason():
    async with open_room(rich_snapshot(), key="8") as shown:
        await shown.press("C", "enter")
        assert shown.sent == [], "it starts on Cancel"
        await shown.press("C", "tab", "enter")
        (called,) = shown.sent
        assert called == PollCalled(roles=("Product Manager", "Engineering Team", "QA/Testing"), **OURS)
        await shown.show(rich_snapshot(called))
        assert "Product Manager, go or no-go?" in shown.text(SENTENCE)
        assert "0 of 3 heard" in shown.text(SENTENCE)
        await shown.press("C")
        assert "Engineering Team  not heard yet" in shown.text("Facts")
        await shown.press("escape")


async def test_screen_8_shows_what_was_said_for_a_role_before():
    changed = Voted(role="Product Manager", choice=Choice.NO_GO, reason="sign-in fails", **OURS)
    async with open_room(rich_snapshot(changed), key="8") as shown:
        shown.app.screen.query_one(Criteria).select("vote Product Manager 0")
        await shown.pilot.pause()
        page = shown.text(EVIDENCE)
        assert "sign-in fails" in page
        assert "before: GO ana" in page


def test_the_poll_and_the_lead_from_a_shell(here):
    room_of(here, Right.LEAD)
    assert say("poll", "call") == (0, "")
    assert "calls QA" in say("poll", "call")[1]
    assert say("vote", "QA", "go") == (0, "")
    assert say("poll", "show") == (0, "")
    assert "No poll is under way" in say("poll", "end", "--reason", "x")[1]
    assert say("lead", "give", "lee") == (0, "")
    assert say("who") == (0, "")
