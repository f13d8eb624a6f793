"""Acceptance testing: events of people, counted for this release, and signals that rules can name."""

from __future__ import annotations

from typing import Any

import pytest

from loom_tui.plan.check import check_plan
from loom_tui.plan.model import About, Plan, Risk, Rule, Uat
from loom_tui.room.deeds import Refused
from loom_tui.room.events import Event, FeedbackGiven, FeedbackSettled, ParticipantJoined, Payload, SessionHeld
from loom_tui.room.fold import fold
from loom_tui.room.hand_deeds import give_feedback, hold_session, join_uat, settle_feedback
from loom_tui.room.signals import State
from loom_tui.room.snapshot import Observations, Snapshot
from loom_tui.room.uat import UatView

NOW = 1_762_900_000.0
FEATURES = ("Booking", "Journal", "Journal export")


def plan_of(**more: Any) -> Plan:
    return Plan(plan=About(title="x", release="v1.7.0"), uat=Uat(features=FEATURES), **more)


def said(rating: int, severity: Any = "none", **more: Any) -> FeedbackGiven:
    told = {"participant": "Maya", "release": "v1.7.0", "environment": "production", **more}
    return FeedbackGiven(rating=rating, severity=severity, **told)


def tried(*features: str, who: str = "Maya", release: str = "v1.7.0") -> SessionHeld:
    return SessionHeld(participant=who, features=features, release=release, environment="production")


def room(*payloads: Payload, plan: Plan | None = None) -> Snapshot:
    events = [
        Event(seq=seq, at=NOW + seq, actor="ana", payload=payload, hash="") for seq, payload in enumerate(payloads, 1)
    ]
    return fold(plan or plan_of(), events, Observations(), NOW + 100)


def figures(snapshot: Snapshot) -> dict[str, float | None]:
    out: dict[str, float | None] = {}
    for name in ("participants", "feedback", "rating", "blockers", "coverage"):
        view = snapshot.signals[f"uat.{name}"]
        known = view.state is State.OK and view.reading is not None
        out[name] = view.reading.value if known and view.reading is not None else None
    return out


def view_of(snapshot: Snapshot) -> UatView:
    assert snapshot.uat is not None
    return snapshot.uat


def test_nothing_said_is_no_praise():
    snapshot = room()
    assert figures(snapshot) == {"participants": 0, "feedback": 0, "rating": None, "blockers": None, "coverage": 0}
    assert snapshot.signals["uat.rating"].why == "no feedback on v1.7.0 yet"


def test_what_people_say_is_counted_for_this_release():
    snapshot = room(
        ParticipantJoined(name="Bo", about="client, Android"),
        tried("Booking"),
        tried("Booking", "Journal", who="Bo"),
        said(5),
        said(2, "major", participant="Cy", feature="Journal export"),
        said(1, release="v1.6.9"),
        said(1, environment="staging"),
    )
    assert figures(snapshot) == {"participants": 3, "feedback": 2, "rating": 3.5, "blockers": 0, "coverage": 100}
    view = view_of(snapshot)
    assert [(each.name, each.sessions, each.feedback) for each in view.participants] == [
        ("Bo", 1, 0),
        ("Maya", 1, 1),
        ("Cy", 0, 1),
    ]
    assert [each.tried_by for each in view.features] == [("Maya", "Bo"), ("Bo",), ("Cy",)]
    assert (view.elsewhere, [each.id for each in view.feedback]) == (2, [5, 4])


def test_a_blocker_stands_until_somebody_settles_it_whatever_the_release():
    blocker = said(1, "blocker", release="v1.6.9", text="cannot cancel")
    assert figures(room(blocker, tried("Booking")))["blockers"] == 1
    settled = FeedbackSettled(feedback=1, reason="fixed in v1.7.0")
    assert figures(room(blocker, tried("Booking"), settled))["blockers"] == 0
    assert figures(room(blocker, FeedbackSettled(feedback=7, reason="?")))["blockers"] == 1


def test_rules_can_name_the_figures():
    risk = Risk(text="Beta users are unhappy", trigger=Rule(signal="uat.rating", at_most=3))
    plan = plan_of(risks=(risk,))
    assert check_plan(plan) == []
    assert room(plan=plan).risks[0].lit is None
    assert room(said(5), plan=plan).risks[0].lit is False
    assert room(said(2), plan=plan).risks[0].lit is True


def test_a_plan_without_acceptance_testing_has_none():
    plan = Plan(plan=About(title="x"))
    assert room(said(5), plan=plan).uat is None
    for deed in (
        lambda: join_uat(plan, "Maya"),
        lambda: hold_session(plan, "Maya"),
        lambda: give_feedback(plan, "M", 5),
    ):
        with pytest.raises(Refused, match="no acceptance testing"):
            deed()


def test_deeds_find_a_feature_by_its_beginning():
    payload = hold_session(plan_of(), "Maya", features=["book", "journal", "Journal e"], minutes=40)
    assert payload.features == FEATURES
    assert (payload.release, payload.environment) == ("v1.7.0", "production")


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        (lambda: join_uat(plan_of(), " "), "needs a name"),
        (lambda: hold_session(plan_of(), "Maya", features=["Bookings"]), "did you mean `Booking`"),
        (lambda: hold_session(plan_of(), "Maya", minutes=0), "more than 0"),
        (lambda: hold_session(plan_of(), "Maya", minutes=float("nan")), "more than 0"),
        (lambda: give_feedback(plan_of(), "Maya", 6), "from 1"),
        (lambda: give_feedback(plan_of(), "Maya", 1, severity="blocker"), "Say what the blocker is"),
        (lambda: give_feedback(plan_of(), "Maya", 1, text="x" * 2001), "at most 2000"),
        (lambda: settle_feedback(room().uat, 3, reason="x"), "no feedback 3"),
        (lambda: settle_feedback(room(said(1)).uat, 1, reason=" "), "Say why"),
        (lambda: settle_feedback(room(said(1), FeedbackSettled(feedback=1, reason="x")).uat, 1, reason="x"), "already"),
    ],
)
def test_a_deed_that_makes_no_sense_is_refused(deed, words):
    with pytest.raises(Refused, match=words):
        deed()


def test_a_plan_names_each_feature_once_and_an_issue_that_there_is():
    plan = Plan(plan=About(title="x"), uat=Uat(issue=152, features=("A", "a", " ")))
    assert [str(fault) for fault in check_plan(plan)] == [
        "uat: is the work of #152, which does not exist",
        "uat.features: `a` is there 2 times",
        "uat.features: holds an empty name",
    ]
