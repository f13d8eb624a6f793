"""Screen 2, through its keys: what it shows, and what it sends."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from loom_tui.plan.model import About, Issue, Milestone, Plan, Priority, Range, Status, Task
from loom_tui.room.events import (
    IssueBlocked,
    IssueEffortSet,
    IssueOwnersSet,
    IssueStatusSet,
    Payload,
    TaskTicked,
)
from loom_tui.room.fold import fold
from loom_tui.room.snapshot import Observations, Snapshot
from loom_tui.screens.path import Issues, PathScreen
from loom_tui.screens.path_rows import moved, nodes_of
from loom_tui.widgets.text import Pen
from tests.rooms import Room, open_room, text_of, widths_of
from tests.samples import (
    NOW,
    bare_snapshot,
    ok_snapshot,
    sample_events,
    sample_observations,
    sample_plan,
    unknown_snapshot,
)

GRAPH, ISSUES, DETAIL = "#path-graph", "#path-issues", "#path-detail"
PEN = Pen(zone="Europe/Berlin")


async def choose(room: Room, issue: int) -> None:
    """Put the cursor on an issue."""
    issues = room.app.screen.query_one(Issues)
    issues.select(str(issue))
    await room.pilot.pause()


async def test_it_draws_the_graph_the_issues_and_the_chosen_one() -> None:
    async with open_room(unknown_snapshot(), key="2") as room:
        graph = room.text(GRAPH)
        assert "○ #146 Run Database Migrations ───────┼─▶ ○ #147 Smoke Testing ──▶ ○ Go/No-Go ──▶ ○ Deployment" in graph
        assert "▶ ○ #150 #151 #152" in graph
        assert "finish: P50 Wed 12" in graph
        assert "P80" in graph
        assert "P95" in graph
        assert "#153" in room.text(ISSUES)
        assert "#146 Run Database Migrations" in room.text(DETAIL)


async def test_a_row_tells_owner_effort_finish_slack_and_what_it_waits_for() -> None:
    async with open_room(unknown_snapshot(), key="2", size=(170, 40)) as room:
        row = next(line for line in room.text(ISSUES).split("\n") if "#147" in line)
        assert row.strip("│ ").split() == [
            "○", "#147", "Smoke", "Testing", "QA/Developer", "4/5/6", "Wed", "09:16", "Wed", "14:16", "0.0", "h",
            "after", "#145,", "#146,", "#…",
        ]  # fmt: skip


async def test_once_the_deploy_is_marked_the_launch_has_happened() -> None:
    async with open_room(ok_snapshot(), key="2") as room:
        assert "launched 12:46" in room.text(GRAPH)
        assert "P80" not in room.text(GRAPH)


async def test_space_goes_to_the_tasks_and_ticks_the_first_open_one() -> None:
    async with open_room(ok_snapshot(), key="2") as room:
        await choose(room, 147)
        await room.press("space")
        assert room.sent == []
        await room.press("space", "j", "space")
        assert room.sent == [
            TaskTicked(issue=147, task=2, text="Coach onboarding", done=True),
            TaskTicked(issue=147, task=3, text="Client booking", done=True),
        ]


async def test_a_tick_is_taken_back_with_the_same_key() -> None:
    async with open_room(ok_snapshot(), key="2") as room:
        await choose(room, 147)
        await room.press("tab", "k", "space")
        assert room.sent == [TaskTicked(issue=147, task=1, text="Sign-in with MFA", done=False)]


async def test_nothing_but_a_task_is_ticked() -> None:
    async with open_room(ok_snapshot(), key="2") as room:
        await choose(room, 147)
        await room.press("enter", "g", "space", "G", "space")
        assert room.sent == []
        assert "Put the cursor on a task" in room.text("NewsLine")


def claimed_snapshot() -> Snapshot:
    tasks = (Task(text="Read the runbook", done=True, claimed=True), Task(text="Ship"))
    issue = Issue(
        id=1, title="Launch", status=Status.DONE, claimed=True, tasks=tasks, effort_hours=Range(low=1, high=2)
    )
    return fold(Plan(plan=About(title="Friday"), issues=(issue,)), (), Observations(), NOW)


async def test_what_only_a_document_says_is_shown_as_a_claim() -> None:
    async with open_room(claimed_snapshot(), key="2") as room:
        row = next(line for line in room.text(ISSUES).split("\n") if "#1 " in line)
        assert row.strip("│ ").startswith("◐")
        assert "claimed" in row
        detail = room.text(DETAIL)
        assert "status     claimed done" in detail
        assert "◐ Read the runbook" in detail
        assert "●" not in detail


async def test_ticking_a_claim_makes_it_ones_own() -> None:
    async with open_room(claimed_snapshot(), key="2") as room:
        await room.press("enter", "k", "space")
        assert room.sent == [TaskTicked(issue=1, task=0, text="Read the runbook", done=True)]


@pytest.mark.parametrize(
    ("key", "typed", "payload"),
    [
        ("s", "blocked", IssueStatusSet(issue=148, status=Status.BLOCKED)),
        ("s", "in prog", IssueStatusSet(issue=148, status=Status.IN_PROGRESS)),
        ("o", "Ana, Bo", IssueOwnersSet(issue=148, owners=("Ana", "Bo"))),
        ("e", "2-3", IssueEffortSet(issue=148, effort_hours=Range(low=2, high=3))),
        ("b", "CI is down", IssueBlocked(issue=148, reason="CI is down")),
    ],
)
async def test_a_key_sets_a_fact_of_the_chosen_issue(key: str, typed: str, payload: Payload) -> None:
    async with open_room(ok_snapshot(), key="2") as room:
        await choose(room, 148)
        await room.press(key)
        await room.press(*({" ": "space", ",": "comma", "-": "minus"}.get(c, c) for c in typed), "enter")
        assert room.sent == [payload]


@pytest.mark.parametrize(("key", "typed"), [("s", "nonsense"), ("e", "soon"), ("b", ""), ("o", ""), ("s", "")])
async def test_what_makes_no_sense_or_changes_nothing_is_refused_in_a_sentence(key: str, typed: str) -> None:
    async with open_room(ok_snapshot(), key="2") as room:
        await choose(room, 148)
        await room.press(key, *typed, "enter")
        assert room.sent == []
        assert room.app.headline is not None
        assert isinstance(room.app.screen, PathScreen)


async def test_esc_leaves_a_prompt_without_writing() -> None:
    async with open_room(ok_snapshot(), key="2") as room:
        await room.press("s", "d", "escape")
        assert room.sent == []
        assert isinstance(room.app.screen, PathScreen)


async def test_a_read_only_room_writes_nothing() -> None:
    async with open_room(ok_snapshot(), key="2", read_only=True) as room:
        await choose(room, 147)
        await room.press("space", "space")
        assert room.sent == []
        assert "read-only" in room.text("NewsLine")


async def test_what_if_shows_what_moves_and_records_nothing() -> None:
    async with open_room(unknown_snapshot(), key="2") as room:
        await choose(room, 144)
        await room.press("w", "6", "enter")
        page = room.text("Page")
        assert "If #144 began 6 h later" in page
        assert "Deployment" in page
        assert "+22 h" in page
        assert "#148" not in page
        await room.press("escape")
        assert room.sent == []


def test_a_delay_within_its_slack_moves_no_milestone() -> None:
    snapshot = unknown_snapshot()
    view = snapshot.issue(146)
    assert view is not None
    text = text_of(moved(snapshot, view, 0.5, PEN))
    assert "The milestones keep their times." in text
    assert "slack of #146: 1.0 h → 0.5 h" in text


async def test_what_if_of_what_nothing_hangs_on_says_so() -> None:
    async with open_room(ok_snapshot(), key="2") as room:
        await choose(room, 153)
        await room.press("w")
        assert isinstance(room.app.screen, PathScreen)
        assert "nothing hangs on it" in room.text("NewsLine")


async def test_y_copies_the_link_from_list_and_detail() -> None:
    async with open_room(ok_snapshot(), key="2") as room:
        await choose(room, 147)
        await room.press("y")
        assert room.app.clipboard == "https://github.com/Tomerg91/Loom/issues/147"
        await choose(room, 148)
        await room.press("enter", "y")
        assert room.app.clipboard == "https://github.com/Tomerg91/Loom/issues/148"


async def test_the_filter_finds_owners_and_esc_shows_all_again() -> None:
    async with open_room(ok_snapshot(), key="2") as room:
        await room.press("slash")
        await room.type("dba")
        text = room.text(ISSUES)
        assert "#146" in text
        assert "#151" in text
        assert "#147" not in text
        await room.press("escape")
        assert "#147" in room.text(ISSUES)


async def test_on_a_narrow_terminal_the_detail_takes_the_lists_place() -> None:
    async with open_room(ok_snapshot(), key="2", size=(80, 24)) as room:
        screen = room.app.screen
        assert not screen.query_one(DETAIL).display
        await room.press("enter")
        assert screen.query_one(DETAIL).display
        assert not screen.query_one(ISSUES).display
        await room.press("escape")
        assert screen.query_one(ISSUES).display
        assert screen.query_one(ISSUES).has_focus


async def test_an_issue_chosen_elsewhere_is_under_the_cursor_even_when_it_was_filtered_out() -> None:
    async with open_room(ok_snapshot(), key="2") as room:
        await room.press("slash")
        await room.type("dba")
        room.app.open_issue("147")
        await room.pilot.pause()
        assert "#147 Smoke Testing" in room.text(DETAIL)


async def test_the_detail_follows_what_others_do() -> None:
    plan, events = sample_plan(), sample_events()
    async with open_room(fold(plan, events[:-1], sample_observations(), NOW), key="2") as room:
        await choose(room, 147)
        assert "○ Sign-in with MFA" in room.text(DETAIL)
        await room.show(ok_snapshot())
        assert "● Sign-in with MFA" in room.text(DETAIL)
        assert "bo ticked #147" in room.text(DETAIL)


async def test_an_empty_plan_says_how_to_get_a_path() -> None:
    async with open_room(bare_snapshot(), key="2") as room:
        assert "No path" in room.text(GRAPH)
        assert "no issues" in room.text(ISSUES)
        await room.press("s", "o", "e", "b", "w", "y", "space", "enter", "j")
        assert room.sent == []


def big_plan(count: int) -> Plan:
    issues = tuple(
        Issue(
            id=number,
            title=f"Task {number}",
            priority=Priority.CRITICAL if number % 7 == 0 else Priority.HIGH,
            effort_hours=Range(low=1, high=2),
            depends_on=tuple(other for other in (number - 1, number - 3, number // 2) if 0 < other < number),
        )
        for number in range(1, count + 1)
    )
    return Plan(plan=About(title="Big", start=sample_plan().plan.start), issues=issues)


def test_of_a_large_plan_only_what_is_next_of_the_chain_is_drawn() -> None:
    nodes = nodes_of(fold(big_plan(2000), (), Observations(), NOW), PEN)
    assert len(nodes) <= 42
    assert sum(node.critical for node in nodes) >= 30


async def test_a_chain_that_does_not_fit_is_written_step_by_step() -> None:
    async with open_room(fold(big_plan(300), (), Observations(), NOW), key="2") as room:
        graph = room.text(GRAPH)
        assert "○ #1 ─▶ " in graph
        assert "… and on to the launch" in graph


async def test_milestones_that_wait_for_one_another_in_a_circle_do_not_stop_the_screen() -> None:
    plan = sample_plan()
    milestones = (
        Milestone(name="A", after_milestones=("B",)),
        Milestone(name="B", after=(147, 999), after_milestones=("A",)),
    )
    async with open_room(fold(replace(plan, milestones=milestones), (), Observations(), NOW), key="2") as room:
        assert "○ A" in room.text(GRAPH)


async def test_hostile_words_change_neither_widths_nor_lines() -> None:
    plan = sample_plan()
    title = "[/] [red]部署🚀\u202e\x1b[2J\n" + "x" * 10_000
    issues = tuple(
        replace(issue, title=title, owners=(title,), goal=title, url=title, tasks=(Task(text=title),))
        for issue in plan.issues
    )
    snapshot = fold(replace(plan, issues=issues), sample_events(), sample_observations(), NOW)
    for size in ((120, 40), (80, 24), (40, 10)):
        async with open_room(snapshot, key="2", size=size) as room:
            await room.press("j", "enter")
            for selector in (GRAPH, ISSUES, DETAIL):
                widget = room.app.screen.query_one(selector)
                if not widget.display:
                    continue
                lines = list(widget.paint(*widget.size))  # type: ignore[attr-defined]
                assert widths_of(lines) <= {widget.size.width}
                assert not any(set("\n\x1b\u202e") & set(span.text) for line in lines for span in line)


async def test_a_read_only_room_refuses_before_anybody_types():
    async with open_room(ok_snapshot(), key="2", read_only=True) as room:
        screen = room.app.screen
        for key in ("s", "o", "e", "b", "m"):
            room.app.say("")
            await room.press(key)
            assert room.app.screen is screen
            assert "read-only" in room.text("#news")
        assert room.sent == []
