"""Screen 5, through its keys."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from textual import events

from loom_tui.messages import ReplyArrived
from loom_tui.plan.sources.git import GitSource
from loom_tui.room.commits import Commit, Commits
from loom_tui.room.errors import Crumb, ErrorEvent, ErrorIssue, Frame, Listing, Requested, Thrown
from loom_tui.room.events import ErrorAcknowledged, ErrorBlocking, ErrorNoted, Event, Payload
from loom_tui.room.fold import fold
from loom_tui.room.mail import Reply
from loom_tui.room.signals import State
from loom_tui.room.snapshot import Observations, Snapshot
from loom_tui.room.verdicts import GateState
from loom_tui.screens.error_rows import error_lines
from loom_tui.screens.errors import ErrorsScreen
from loom_tui.screens.guarded import Guarded, Typed
from loom_tui.widgets.panel import Panel
from loom_tui.widgets.text import Pen
from tests.rooms import Room, open_room, text_of, widths_of
from tests.samples import (
    NOW,
    bare_snapshot,
    ok_snapshot,
    sample_errors,
    sample_events,
    sample_observations,
    sample_plan,
    stale_snapshot,
    unknown_snapshot,
)

FEED, DETAIL, RATE, HEALTH = "#feed", "#error-detail", "#rate", "#crash-free"
FIRST = "LOOM-4F TypeError: session is null"
HOSTILE = "[/] [red] \x1b[31m \u202e 漢字 👩‍👩‍👧 \n\t" + "x" * 10_000


def after(*payloads: Payload, by: str = "bo") -> Snapshot:
    """The sample room after some more was said in it."""
    past = sample_events()
    more = tuple(
        Event(seq=len(past) + index, at=NOW - 60, actor=by, payload=payload, hash="0" * 64)
        for index, payload in enumerate(payloads, 1)
    )
    return fold(sample_plan(), past + more, sample_observations(), NOW)


def with_body(signal: str, body: Any, observations: Observations | None = None, **more: Any) -> Observations:
    observations = observations or sample_observations()
    stored = observations.latest[signal]
    reading = replace(stored.reading, body=msgspec.json.encode(body), **more)
    return replace(observations, latest={**observations.latest, signal: replace(stored, reading=reading)})


def event(**more: Any) -> ErrorEvent:
    told: dict[str, Any] = {
        "id": "9",
        "title": "TypeError: session is null",
        "at": NOW - 30,
        "release": "v1.7.0",
        "thrown": (
            Thrown(
                type="TypeError",
                value="session is null",
                handled=False,
                frames=(
                    Frame(function="render", file="node_modules/react.js", line=200),
                    Frame(function="useSession", file="src/use-session.ts", line=47, in_app=True, source="session.id"),
                ),
            ),
            Thrown(type="NetworkError", value="load failed"),
        ),
        "crumbs": (Crumb(at=NOW - 33, category="xhr", message="GET /api/session 401", level="error"),),
        "tags": (("browser", "Safari"),),
        "request": Requested(method="GET", url="https://app.example/?token=••••", headers=(("User-Agent", "Safari"),)),
        **more,
    }
    return ErrorEvent(**told)


async def answered(room: Room, what: str, subject: str, body: Any = None, *, why: str = "") -> None:
    reply = Reply(why=why) if why else Reply(body=msgspec.Raw(msgspec.json.encode(body)))
    room.app.post_message(ReplyArrived(what, subject, reply))
    await room.pilot.pause()


def row(room: Room, words: str) -> str:
    return next(line for line in room.text(FEED).split("\n") if words in line)


async def test_what_is_new_since_the_deploy_comes_first_with_its_figures():
    async with open_room(ok_snapshot(), key="5") as room:
        rows = room.text(FEED).split("\n")[2:6]
    words = ("session", "RLS", "Network", "Hydration")
    assert [word for word, line in zip(words, rows, strict=True) if word in line] == list(words)
    assert [word for word in rows[0].split() if word in {"new", "error", "41", "12", "15", "30", "v1.7.0"}] == [
        "new",
        "error",
        "41",
        "12",
        "15",
        "30",
        "v1.7.0",
    ]


async def test_this_release_s_health_stands_beside_the_last_stable_one():
    async with open_room(ok_snapshot(), key="5") as room:
        text = room.text(HEALTH)
    assert "99.13 %    99.87 %" in text
    assert "0.74 points below" in text


async def test_too_few_sessions_are_not_compared():
    few = [
        {"release": "v1.7.0", "sessions": 3, "crash_free_sessions": 66.7},
        {"release": "v1.6.3", "sessions": 9000, "crash_free_sessions": 99.9},
    ]
    snapshot = fold(sample_plan(), sample_events(), with_body("sentry.health", few), NOW)
    async with open_room(snapshot, key="5") as room:
        assert "too few sessions to compare" in room.text(HEALTH)


async def test_health_that_nobody_knows_says_why():
    observations = with_body("sentry.health", [], state=State.UNKNOWN, detail="Bugsink counts no sessions")
    async with open_room(fold(sample_plan(), sample_events(), observations, NOW), key="5") as room:
        assert "Unknown: Bugsink counts no" in room.text(HEALTH)


async def test_the_rate_is_marked_where_the_world_was_changed():
    async with open_room(ok_snapshot(), key="5") as room:
        assert "◆ migration" in room.text(RATE)


async def test_a_part_of_a_long_list_is_told_as_a_part():
    part = Listing(issues=sample_errors(), complete=False, total=10_000)
    snapshot = fold(sample_plan(), sample_events(), with_body("sentry.issues", part), NOW)
    async with open_room(snapshot, key="5") as room:
        assert "first 4 of 10,000" in room.text(FEED)


async def test_enter_opens_an_error_and_asks_for_its_latest_event():
    async with open_room(ok_snapshot(), key="5") as room:
        await room.press("enter")
        assert room.app.source.asked == [("event", "sentry 1")]  # type: ignore[attr-defined] # a Still
        assert "Asking for its latest event" in room.text(DETAIL)
        await answered(room, "event", "sentry 1", event())
        text = room.text(DETAIL)
        order = [
            "unhandled",
            "src/use-session.ts:47",
            "session.id",
            "1 frame of libraries",
            "node_modules",
            "caused by",
        ]
        assert [words in text for words in order] == [True] * len(order)
        assert [text.index(words) for words in order] == sorted(text.index(words) for words in order)
        for words in ("GET /api/session 401", "browser", "https://app.example/?token=••••", "User-Agent"):
            assert words in text
        await room.press("escape")
        assert isinstance(room.app.screen, ErrorsScreen)
        assert not room.app.screen.has_class("open")


def test_a_long_title_keeps_away_from_the_error_s_name():
    long = replace(ok_snapshot().errors[0].issues[0], title="x" * 200, short_id="LOOM-1F")
    for width in (40, 76, 118):
        head = text_of(error_lines(long, ok_snapshot().errors[0], Pen(), width, now=NOW)).split("\n")[0]
        assert "…  LOOM-1F  " in head


async def test_a_trace_longer_than_the_screen_scrolls():
    frames = tuple(Frame(function=f"step{n}", file="src/deep.ts", line=n, in_app=True) for n in range(100))
    deep = event(thrown=(Thrown(type="E", value="deep", frames=frames),))
    async with open_room(ok_snapshot(), key="5", size=(80, 24)) as room:
        await room.press("enter")
        await answered(room, "event", "sentry 1", deep)
        assert "step99" not in room.text(DETAIL)
        await room.press("G")
        assert "User-Agent" in room.text(DETAIL)
        await room.press("g")
        assert "TypeError: session is null" in room.text(DETAIL)


async def test_an_event_that_cannot_be_had_says_why():
    async with open_room(ok_snapshot(), key="5") as room:
        await room.press("enter")
        await answered(room, "event", "sentry 1", why="Sentry did not answer within 10 s")
        assert "No event: Sentry did not answer within 10 s" in room.text(DETAIL)


async def test_an_event_of_an_error_that_was_left_is_not_shown_at_another():
    async with open_room(ok_snapshot(), key="5") as room:
        await room.press("enter", "escape", "j", "enter")
        await answered(room, "event", "sentry 1", event())
        assert "use-session" not in room.text(DETAIL)
        assert "Asking" in room.text(DETAIL)


async def test_an_event_that_comes_while_a_dialog_is_open_is_there_when_it_closes():
    async with open_room(ok_snapshot(), key="5") as room:
        await room.press("enter", "n")
        await answered(room, "event", "sentry 1", event())
        await room.press("escape")
        assert "src/use-session.ts:47" in room.text(DETAIL)


async def test_an_answer_of_another_version_is_told():
    async with open_room(ok_snapshot(), key="5") as room:
        await room.press("enter")
        await answered(room, "event", "sentry 1", {"neither": "nor"})
        assert "another version of Loom" in room.text("#news")


async def test_a_acknowledges_and_takes_it_back():
    async with open_room(ok_snapshot(), key="5") as room:
        await room.press("a")
        assert room.sent == [ErrorAcknowledged(source="sentry", error="1", title=FIRST, done=True)]
        await room.show(after(ErrorAcknowledged(source="sentry", error="1", title=FIRST, done=True)))
        assert "◐ ack bo" in row(room, "session is null")
        await room.press("a")
        assert room.sent[-1] == ErrorAcknowledged(source="sentry", error="1", title=FIRST, done=False)


async def test_n_notes_and_the_note_is_shown():
    async with open_room(ok_snapshot(), key="5") as room:
        await room.press("n")
        await room.type("only on safari")
        note = ErrorNoted(source="sentry", error="1", title=FIRST, text="only on safari")
        assert room.sent == [note]
        await room.show(after(note))
        assert "1 note · TypeError" in row(room, "session is null")
        await room.press("enter")
        assert "noted: only on safari" in room.text(DETAIL)


async def test_an_empty_note_is_none():
    async with open_room(ok_snapshot(), key="5") as room:
        await room.press("n", "space", "enter")
        assert room.sent == []


async def test_b_starts_on_cancel_and_needs_a_reason():
    async with open_room(ok_snapshot(), key="5") as room:
        await room.press("B", "enter")
        assert not isinstance(room.app.screen, Guarded)
        assert room.sent == []
        await room.press("B", "tab", "enter")
        assert not isinstance(room.app.screen, Guarded)
        assert room.sent == []
        assert "reason" in room.text("#news")
        await room.press("B", "shift+tab")
        assert isinstance(room.app.focused, Typed)
        await room.type("clients see others' data")
        assert room.sent == []  # enter in the field goes on, and decides nothing
        await room.press("tab", "enter")
        block = ErrorBlocking(source="sentry", error="1", title=FIRST, blocks=True, reason="clients see others' data")
        assert room.sent == [block]
        await room.show(after(block))
        assert "✖ blocker" in row(room, "session is null")


async def test_a_blocker_is_lifted_with_a_reason_as_well():
    block = ErrorBlocking(source="sentry", error="1", title=FIRST, blocks=True, reason="data leaks")
    async with open_room(after(block), key="5") as room:
        await room.press("B", "shift+tab")
        await room.type("fixed in 4711")
        await room.press("tab", "enter")
        assert room.sent == [replace(block, blocks=False, reason="fixed in 4711")]
    assert after(block).gate.state is GateState.NO_GO
    assert FIRST in after(block).gate.why
    lifted = after(block, replace(block, blocks=False, reason="fixed"))
    assert lifted.errors[0].standings["1"].blocking is None
    assert FIRST not in lifted.gate.why


async def test_what_is_pasted_into_a_guarded_dialog_is_not_taken():
    async with open_room(ok_snapshot(), key="5") as room:
        await room.press("B", "shift+tab")
        field = room.app.screen.query_one(Typed)
        field.post_message(events.Paste("pasted reason"))
        await room.pilot.pause()
        assert field.value == ""


async def test_a_read_only_room_writes_and_asks_nothing():
    async with open_room(ok_snapshot(), key="5", read_only=True) as room:
        for key in ("a", "B", "c"):
            await room.press(key)
            assert "read-only" in room.text("#news") or key == "c"
        await room.press("enter")
        assert "asks nothing of the collector" in room.text(DETAIL)
        assert room.sent == []
        assert room.app.source.asked == []  # type: ignore[attr-defined] # a Still


@pytest.mark.parametrize(
    ("word", "left"),
    [
        ("level fatal", ["RLS"]),
        ("release v1.7.0", ["session", "RLS"]),
        ("new", ["session"]),
        ("level warning", ["Network"]),
    ],
)
async def test_f_filters_by_level_release_and_status(word, left):
    async with open_room(ok_snapshot(), key="5") as room:
        await room.press("f")
        choices = room.app.screen.query("_Words").first()
        while choices.cursor != word:  # type: ignore[attr-defined] # a list
            await room.press("j")
        await room.press("enter")
        text = room.text(FEED)
        assert f"Feed  {word}" in text
        assert [words for words in ("session", "RLS", "Network", "Hydration") if words in text] == left
        await room.press("escape")
        assert "Feed  all" in room.text(FEED)


async def test_f_goes_to_another_environment_s_feed():
    plan = sample_plan()
    staging = replace(plan.sources["sentry"], environment="staging", label="Sentry staging")
    both = replace(plan, sources={**plan.sources, "errors-staging": staging})
    snapshot = fold(both, sample_events(), sample_observations(), NOW)
    async with open_room(snapshot, key="5") as room:
        await room.press("f", "G", "enter")
        assert "never read" in room.text(FEED)
        await room.press("f", "G", "enter")
        assert "session is null" in room.text(FEED)


async def test_c_lists_the_commits_between_the_releases():
    plan = sample_plan()
    cloned = replace(plan, sources={**plan.sources, "code": GitSource(path="../app")})
    found = Commits(
        base="v1.6.3",
        head="v1.7.0",
        commits=(Commit(id="a" * 40, subject="Book once [/", author="Ana", at=NOW - 9000),),
        total=12,
    )
    async with open_room(fold(cloned, sample_events(), sample_observations(), NOW), key="5") as room:
        await room.press("c")
        assert room.app.source.asked == [("commits", "code v1.6.3..v1.7.0")]  # type: ignore[attr-defined] # a Still
        await answered(room, "commits", "code v1.6.3..v1.7.0", found)
        text = room.text("Page")
        assert "12 commits from v1.6.3 to v1.7.0" in text
        assert "aaaaaaaaa" in text
        assert "Book once [/" in text
        assert "and 11 more" in text


async def test_without_a_clone_c_says_what_to_write():
    async with open_room(ok_snapshot(), key="5") as room:
        await room.press("c")
        assert 'kind = "git"' in room.text("#news")


async def test_no_errors_and_no_telemetry_are_different_words():
    none = fold(sample_plan(), sample_events(), with_body("sentry.issues", Listing(issues=())), NOW)
    for snapshot, words in (
        (none, "No errors since the deploy 2 h ago"),
        (unknown_snapshot(), "Unknown: never read"),
        (bare_snapshot(), "No error feed in the plan"),
    ):
        async with open_room(snapshot, key="5") as room:
            assert words in room.text(FEED)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_hostile_texts_neither_break_the_lines_nor_reach_the_terminal(size, ascii_only):
    issue = ErrorIssue(
        id="1",
        short_id=HOSTILE,
        title=HOSTILE,
        culprit=HOSTILE,
        level=HOSTILE,
        substatus=HOSTILE,
        release=HOSTILE,
        url=HOSTILE,
    )
    said: tuple[Payload, ...] = (
        ErrorNoted(source="sentry", error="1", title=HOSTILE, text=HOSTILE),
        ErrorAcknowledged(source="sentry", error="1", title=HOSTILE, done=True),
    )
    past = sample_events()
    more = tuple(
        Event(seq=len(past) + n, at=NOW - 60, actor=HOSTILE, payload=payload, hash="0" * 64)
        for n, payload in enumerate(said, 1)
    )
    observations = with_body("sentry.issues", Listing(issues=(issue,)))
    snapshot = fold(sample_plan(), past + more, observations, NOW)
    frame = Frame(function=HOSTILE, file=HOSTILE, in_app=True, source=HOSTILE)
    hostile = ErrorEvent(
        id=HOSTILE,
        title=HOSTILE,
        message=HOSTILE,
        release=HOSTILE,
        environment=HOSTILE,
        thrown=(Thrown(type=HOSTILE, value=HOSTILE, frames=(frame,)),),
        crumbs=(Crumb(category=HOSTILE, message=HOSTILE),),
        tags=((HOSTILE, HOSTILE),),
        request=Requested(method=HOSTILE, url=HOSTILE, headers=((HOSTILE, HOSTILE),)),
    )
    async with open_room(snapshot, key="5", size=size, ascii_only=ascii_only) as room:
        await room.press("enter")
        await answered(room, "event", "sentry 1", hostile)
        for keys in ((), ("G",), ("escape",), ("B",), ("escape", "f")):
            await room.press(*keys)
            for panel in room.app.screen.query(Panel):
                if panel.size.height:
                    lines = list(panel.paint(*panel.size))
                    assert widths_of(lines) == {panel.size.width}
                    assert not set("\x1b\u202e\n\t") & {char for line in lines for span in line for char in span.text}


async def test_a_stale_feed_is_greyed_and_says_so():
    async with open_room(stale_snapshot(), key="5") as room:
        assert "Unknown: stale" in room.text(HEALTH)
