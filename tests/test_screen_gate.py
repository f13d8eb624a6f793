"""Screen 8, through its keys: criteria, votes, evidence, the sentence; and the dialogs that start on Cancel."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from textual import events as textual_events

from loom_tui.plan.model import Criteria, Criterion, Rule, Stakeholder
from loom_tui.room.events import (
    DecisionCalled,
    Event,
    NoGoLifted,
    NoGoShown,
    Payload,
    SignedOff,
    Voted,
    Waived,
    WaiverAgreed,
)
from loom_tui.room.fold import fold
from loom_tui.room.signals import Bucket
from loom_tui.room.snapshot import Snapshot
from loom_tui.room.verdicts import Choice, Evidence, GateState, Says
from loom_tui.screens.gate_rows import criterion_row
from loom_tui.screens.glance.gate import gate_lines
from loom_tui.screens.guarded import Guarded, Push
from loom_tui.widgets.canvas import Canvas
from loom_tui.widgets.text import Pen
from tests.gates import Ours
from tests.rooms import Room, open_room, text_of, widths_of
from tests.samples import (
    DEPLOYED_AT,
    NOW,
    bare_snapshot,
    ok_snapshot,
    sample_events,
    sample_observations,
    sample_plan,
    unknown_snapshot,
)

OURS: Ours = {"release": "v1.7.0", "environment": "production"}
LIST, EVIDENCE, SENTENCE = "#gate-list", "#gate-evidence", "#gate-sentence"
FOREIGN = "[/bold] \u202e\x1b[31m 漢字 \x07" + "x" * 10_000


def rich_snapshot(*more: Payload, foreign: str = "", latched: bool = False) -> Snapshot:
    """The sample room with a gate that has one of everything: met, not met, unknown, waived, votes, a clock."""
    plan = sample_plan()
    calm = Rule(signal="sentry.critical", at_most=0)
    criteria = Criteria(
        go=(
            plan.criteria.go[0],
            Criterion(text=f"Smoke testing passed{foreign}", checks=("app", "app.auth", "app.storage")),
            Criterion(text="No critical bugs in staging", rules=(calm,)),
            Criterion(text="Database migrations validated", rules=(Rule(signal="db.dashboard.p95_ms", at_most=10),)),
            Criterion(text="Documents translated", claimed=True),
            Criterion(text="Team agreement on readiness", votes=True),
        ),
        no_go=(
            Criterion(text="Critical bug found in staging", rules=(Rule(signal="sentry.critical", at_least=5),)),
            Criterion(text="Database performance degraded", rules=(Rule(signal="db.locks_waiting", at_least=9),)),
            Criterion(text="Security concerns identified", signoffs=("QA/Testing",)),
        ),
        deployment=(Criterion(text="Monitoring systems active", checks=("app",)),),
        post_deployment=(
            Criterion(
                text="Few errors in the first 24 hours",
                rules=(Rule(signal="sentry.errors_per_minute", at_most=10),),
                clock_hours=24,
            ),
            Criterion(text="User feedback positive", claimed=True),
        ),
    )
    voters = (
        Stakeholder(name="Product Manager", votes=True, who=("ana",)),
        Stakeholder(name="Engineering Team", votes=True),
        Stakeholder(name="QA/Testing", votes=True),
    )
    plan = replace(plan, criteria=criteria, stakeholders=voters)
    told: list[tuple[float, str, Payload]] = [
        (900, "ana", Voted(role="Product Manager", choice=Choice.GO, **OURS)),
        (800, "bo", Voted(role="QA/Testing", choice=Choice.GO, **OURS)),
        (700, "ana", waiver(f"the feed counts test errors{foreign}")),
        (600, "bo", WaiverAgreed(waiver=14)),
    ]
    if latched:
        told.append((500, "loom", shown()))
    told += [(100 - place, "ana", payload) for place, payload in enumerate(more)]
    first = len(sample_events()) + 1
    events = [
        *sample_events(),
        *(
            Event(seq=seq, at=NOW - age, actor=who, payload=payload, hash="")
            for seq, (age, who, payload) in enumerate(told, first)
        ),
    ]
    buckets = tuple(
        Bucket(start=float(start), step_s=60, count=1, total=4.0, low=4.0, high=4.0)
        for start in range(int(DEPLOYED_AT), int(NOW), 60)
    )
    seen = replace(sample_observations(), past={"sentry.errors_per_minute": buckets})
    return fold(plan, events, seen, NOW)


def waiver(reason: str) -> Waived:
    key = "go/no critical bugs in staging"
    return Waived(criterion=key, text="No critical bugs in staging", reason=reason, until=NOW + 7200, **OURS)


def shown() -> NoGoShown:
    evidence = Evidence(kind="rule", subject="db.locks_waiting", says=Says.AGAINST, words="12 ≥ 9")
    key = "no_go/critical bug found"
    return NoGoShown(criterion=key, text="Critical bug found", evidence=(evidence,), **OURS)


async def go_to(room: Room, text: str) -> None:
    """Put the cursor on the row with this text."""
    await room.press("slash")
    await room.type(text)
    await room.press("g")


async def answer(room: Room, button: str, **fields: str) -> None:
    """Type into an open dialog's fields, and push a button."""
    for name, text in fields.items():
        room.app.screen.query_one(f"#field-{name}").focus()
        await room.pilot.pause()
        await room.press(*("space" if c == " " else c for c in text))
    room.app.screen.query_one(f"#push-{button}", Push).focus()
    await room.pilot.pause()
    await room.press("enter")


async def test_every_criterion_shows_its_verdict_figure_and_age():
    async with open_room(rich_snapshot(), key="8") as room:
        text = room.text(LIST)
        assert "GO needs all of" in text
        assert "NO-GO if any of" in text
        rows = " ".join(text.split())
        assert "◐ All critical path issues complete 3 of 4 done" in rows
        assert "✖ Smoke testing passed app.storage: bad, not ok 5 s" in rows
        assert "◇ No critical bugs in staging waived by ana" in rows
        assert "● Database migrations validated" in rows
        assert "◌ Documents translated claimed · no rule yet" in rows
        assert "of 24 h" in rows
        assert "○ Engineering Team no vote yet" in rows
        assert "● Product Manager GO ana" in rows


def test_a_criterion_that_is_not_met_is_counted_where_its_reason_does_not_fit():
    gate = rich_snapshot().gate
    smoke, pen = gate.go[1], Pen()
    why = "app.storage: bad, not ok"
    for width, words in ((44, "   2 of 3"), (58, why), (80, f"{why} · 2 of 3")):
        line = text_of([criterion_row(smoke, pen, width, now=NOW)])
        assert "Smoke testing passed" in line
        assert words in line
        assert "…" not in line


@pytest.mark.parametrize("size", [(80, 24), (104, 30), (120, 40)])
async def test_no_key_of_screen_8_is_cut(size):
    async with open_room(rich_snapshot(), key="8", size=size) as room:
        await room.press("enter")
        page = room.text(EVIDENCE)
        assert all(
            word in page for word in ("V vote", "C poll", "W waive", "S sign off", "L lift", "D decide", "r ask")
        )


async def test_the_sentence_says_what_go_still_needs_and_from_whom():
    async with open_room(rich_snapshot(), key="8") as room:
        text = " ".join(room.text(SENTENCE).replace("│", " ").split())
        assert "needs #147 (QA/Developer) done · app.storage ok" in text
        assert "the vote from Engineering Team" in text


async def test_the_chosen_criterion_shows_what_it_was_judged_by():
    async with open_room(rich_snapshot(), key="8") as room:
        await go_to(room, "smoke")
        text = room.text(EVIDENCE)
        assert "NOT MET" in text
        assert "✖ app.storage" in text
        assert "answered 503" in text
        assert "● app.auth" in text
        await room.press("escape")
        await go_to(room, "no critical bugs")
        assert "waived by ana, agreed by bo, until" in room.text(EVIDENCE)
        await room.press("escape")
        await go_to(room, "few errors")
        assert "of 24 h" in room.text(EVIDENCE)
        await room.press("escape")
        await go_to(room, "engineering")
        assert "Anybody may vote for it" in room.text(EVIDENCE)


async def test_a_dialog_starts_on_cancel_and_enter_there_writes_nothing():
    async with open_room(rich_snapshot(), key="8") as room:
        for key in ("D", "V"):
            await room.press(key)
            assert isinstance(room.app.screen, Guarded)
            focused = room.app.screen.focused
            assert isinstance(focused, Push)
            assert focused.value == "cancel"
            await room.press("enter")
            assert not isinstance(room.app.screen, Guarded)
        assert room.sent == []


async def test_pasted_text_is_ignored_where_something_is_decided():
    async with open_room(rich_snapshot(), key="8") as room:
        await room.press("D")
        field = room.app.screen.query_one("#field-reason")
        field.focus()
        await room.pilot.pause()
        field.post_message(textual_events.Paste("rm -rf; yes"))
        await room.pilot.pause()
        await room.press("o", "k")
        assert field.value == "ok"  # type: ignore[attr-defined]
        await room.press("enter")  # in a field it goes on, and decides nothing
        assert isinstance(room.app.screen, Guarded)
        assert room.sent == []


async def test_one_votes_for_the_chosen_role_and_a_no_go_says_why():
    async with open_room(rich_snapshot(), key="8") as room:
        await go_to(room, "engineering")
        await room.press("V")
        await answer(room, "go")
        assert room.sent == [Voted(role="Engineering Team", choice=Choice.GO, **OURS)]
        await room.press("V")
        await answer(room, "no_go")
        assert "A no-go vote needs a reason" in room.news
        await room.press("V")
        await answer(room, "no_go", reason="too risky")
        assert room.sent[1:] == [Voted(role="Engineering Team", choice=Choice.NO_GO, reason="too risky", **OURS)]


async def test_one_proposes_a_waiver_and_it_says_that_another_must_agree():
    async with open_room(rich_snapshot(), key="8") as room:
        await go_to(room, "smoke")
        await room.press("W")
        assert "a second person must agree" in words(room)
        await answer(room, "propose", reason="staging is down")
        (sent,) = room.sent
        assert isinstance(sent, Waived)
        assert (sent.criterion, sent.reason, sent.until) == (
            "go/smoke testing passed",
            "staging is down",
            NOW + 4 * 3600,
        )


async def test_one_cannot_agree_to_one_s_own_waiver():
    mine = replace(waiver("noise"), criterion="go/smoke testing passed")
    async with open_room(rich_snapshot(mine), key="8") as room:
        await go_to(room, "smoke")
        assert "W agrees" in room.text(EVIDENCE)
        await room.press("W")
        await answer(room, "agree")
        assert room.sent == []
        assert "another person must agree" in room.news


async def test_one_signs_a_criterion_off_by_name_or_speaks_against_it():
    async with open_room(rich_snapshot(), key="8") as room:
        await go_to(room, "security")
        await room.press("S")
        await answer(room, "for", words="audit read")
        (sent,) = room.sent
        assert isinstance(sent, SignedOff)
        assert (sent.holds, sent.no_go, sent.words, sent.role) == (False, True, "audit read", "QA/Testing")
        await room.press("S")
        await answer(room, "against", words="a leak")
        assert isinstance(room.sent[1], SignedOff)
        assert room.sent[1].holds


async def test_a_latched_no_go_is_shown_with_its_reason_and_lifted_with_one():
    async with open_room(rich_snapshot(latched=True), key="8") as room:
        assert "NO-GO" in room.text(SENTENCE)
        await go_to(room, "critical bug found")
        await room.press("j")
        assert "the plan no longer names it" in " ".join(room.text(EVIDENCE).split())
        await room.press("L")
        await answer(room, "lift", reason="false alarm")
        assert room.sent == [NoGoLifted(criterion="no_go/critical bug found", reason="false alarm", **OURS)]


async def test_a_no_go_is_not_waived_and_a_go_criterion_is_not_lifted():
    async with open_room(rich_snapshot(), key="8") as room:
        await go_to(room, "smoke")
        await room.press("L")
        assert "This is no no-go" in room.news
        await room.press("escape")
        await go_to(room, "security")
        await room.press("W")
        assert "A no-go is not waived" in room.news


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_no_go_says_beneath_its_reason_what_ends_it(size):
    against = Voted(role="QA/Testing", choice=Choice.NO_GO, reason="booking is broken " * 20, **OURS)
    async with open_room(rich_snapshot(against), key="8", size=size) as room:
        page = " ".join(room.text(SENTENCE).replace("│", " ").split())
        assert "QA/Testing votes no-go (ana: booking is broken" in page
        assert "v1.7.0 stays NO-GO until: QA/Testing's vote taken back or lifted" in page


async def test_the_decision_stores_the_gate_and_a_go_against_it_waits_for_a_second_person():
    async with open_room(rich_snapshot(), key="1") as room:
        await room.press("D")  # from any screen
        assert "a GO against the gate also needs a second person" in words(room)
        await answer(room, "go", reason="we looked")
        (sent,) = room.sent
        assert isinstance(sent, DecisionCalled)
        assert (sent.choice, sent.reason, sent.gate.state) == (Choice.GO, "we looked", GateState.HOLD)
        await room.press("8")
        await room.show(rich_snapshot(sent))
        assert "waits for a second person (D)" in room.text(SENTENCE)
        await room.press("D")
        assert room.app.screen.query("#push-agree")


async def test_a_room_that_is_read_only_opens_no_dialog():
    async with open_room(rich_snapshot(), key="8", read_only=True) as room:
        await go_to(room, "smoke")
        for key in ("V", "W", "S", "L", "D"):
            await room.press(key)
            assert not isinstance(room.app.screen, Guarded)
            assert "read-only" in room.news


async def test_r_asks_the_sources_of_the_chosen_criterion_again():
    async with open_room(rich_snapshot(), key="8") as room:
        await go_to(room, "migrations")
        await room.press("r")
        assert room.asked == [("poll", "db")]


async def test_on_a_narrow_terminal_the_evidence_opens_over_the_list_and_esc_goes_back():
    async with open_room(rich_snapshot(), key="8", size=(80, 24)) as room:
        assert "GO needs all of" in room.text(LIST)
        assert not room.app.screen.query_one(EVIDENCE).display
        await room.press("j", "j", "enter")
        assert "app.storage" in room.text(EVIDENCE)
        await room.press("escape")
        assert not room.app.screen.query_one(EVIDENCE).display
        for key in ("D", "V", "W", "S"):
            await room.press(key)
            assert room.app.screen.query_one("#push-cancel").region.bottom <= 24
            assert "…" not in words(room)
            await room.press("escape")


@pytest.mark.parametrize("snapshot", [ok_snapshot(), unknown_snapshot(), bare_snapshot()])
@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 18)])
async def test_any_room_is_drawn_at_any_size(snapshot, size):
    async with open_room(snapshot, key="8", size=size) as room:
        assert "GO needs all of" in room.text(LIST)
        for selector in (LIST, SENTENCE):
            widget = room.app.screen.query_one(selector)
            assert widths_of(widget.paint(*widget.size)) <= {widget.size.width}  # type: ignore[attr-defined]


async def test_foreign_text_is_drawn_as_text_in_every_pane_and_dialog():
    async with open_room(rich_snapshot(foreign=FOREIGN), key="8", ascii_only=True) as room:
        await room.press("j", "j")
        for selector in (LIST, EVIDENCE, SENTENCE):
            assert "\x1b" not in room.text(selector)
            assert "\u202e" not in room.text(selector)
        for key in ("W", "S", "D", "V"):
            await room.press(key)
            assert isinstance(room.app.screen, Guarded)
            await room.press("escape")


async def test_the_overview_s_gate_pane_shows_verdict_figure_and_age():
    async with open_room(rich_snapshot(), key="1") as room:
        text = " ".join(room.text("#gate").split())
        assert "✖ Smoke testing passed" in text
        assert "bad, not ok 5 s" in text


def words(room: Room) -> str:
    """Give all that an open dialog says."""
    lines = [line for canvas in room.app.screen.query(Canvas) for line in canvas.paint(*canvas.size)]
    return " ".join("".join(span.text for span in line) for line in lines)


def test_the_overview_s_gate_pane_says_what_ends_a_no_go_where_there_is_room():
    against = Voted(role="QA/Testing", choice=Choice.NO_GO, reason="booking is broken", **OURS)
    snapshot = rich_snapshot(against)
    for height in (9, 13):
        lines = gate_lines(snapshot, Pen(), 76, height)
        assert len(lines) == height
        assert "QA/Testing votes no-go (ana: booking is broken)" in text_of(lines)
        ends = "v1.7.0 stays NO-GO until: QA/Testing's vote taken back or lifted" in text_of(lines)
        assert ends is (height == 13)
