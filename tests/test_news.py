"""What the line above the keys tells: the worst and newest, until it is dismissed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from loom_tui.room.automation import AutomationView
from loom_tui.room.errors import ErrorIssue
from loom_tui.room.events import NoteAdded
from loom_tui.room.signals import PollerReport
from loom_tui.room.snapshot import CollectorView, Snapshot
from loom_tui.screens.news import ERROR_NEWS_S, alarms, news_of
from loom_tui.widgets.text import Sign
from tests.rooms import open_room
from tests.samples import NOW, ok_snapshot


def error(substatus: str, *, level: str = "error", first: float | None = None, last: float | None = None) -> ErrorIssue:
    return ErrorIssue(
        id=f"{substatus}-{level}",
        short_id="LOOM-1",
        title="It broke",
        level=level,
        substatus=substatus,
        first_seen=None if first is None else NOW - first,
        last_seen=None if last is None else NOW - last,
    )


def with_errors(*issues: ErrorIssue) -> Snapshot:
    snapshot = ok_snapshot()
    (errors,) = snapshot.errors
    return replace(snapshot, errors=(replace(errors, issues=issues),))


def with_feed(report: PollerReport | None, *, live: bool = False, alive: bool = True) -> Snapshot:
    snapshot = with_errors()
    first, *rest = snapshot.feeds
    collector = CollectorView(alive=alive, holder="h", why="" if alive else "no collector runs")
    feed = replace(first, live=live, report=report, why="" if live else "refused (401)")
    return replace(snapshot, feeds=(feed, *rest), collector=collector)


def texts(snapshot: Snapshot) -> Sequence[str]:
    return [news.text for news in alarms(snapshot)]


DAY = 86_400.0


@pytest.mark.parametrize("substatus", ["regressed", "escalating"])
def test_an_old_error_that_comes_back_is_news(substatus):
    assert texts(with_errors(error(substatus, first=30 * DAY, last=60)))
    assert texts(with_errors(error(substatus, first=30 * DAY, last=ERROR_NEWS_S + 1))) == []
    assert texts(with_errors(error(substatus, first=60))) == []  # nobody says when it was seen last


def test_a_new_error_is_news_for_an_hour_from_when_it_was_first_seen():
    assert texts(with_errors(error("new", first=ERROR_NEWS_S - 1, last=1)))
    assert texts(with_errors(error("new", first=ERROR_NEWS_S + 1, last=1))) == []
    assert texts(with_errors(error("new", last=1))) == []


def test_what_goes_on_and_what_only_warns_is_no_news():
    assert texts(with_errors(error("ongoing", first=60, last=1), error("new", level="warning", first=60))) == []


def test_a_fatal_error_comes_before_a_newer_one_and_the_newer_of_two_comes_first():
    fatal, newer, older = (
        error("new", level="fatal", first=900),
        error("regressed", last=10, first=DAY),
        error("new", first=60),
    )
    found = news_of(with_errors(older, fatal, newer), since=0)
    assert found is not None
    assert (found.sign, found.at) == (Sign.BAD, NOW - 900)
    found = news_of(with_errors(older, newer), since=0)
    assert found is not None
    assert (found.sign, found.at) == (Sign.WARN, NOW - 10)


def test_a_feed_that_is_silent_is_news_while_somebody_asks_it():
    failing = PollerReport(failing_since=NOW - 120, failures=3, why="refused (401)")
    (news,) = alarms(with_feed(failing))
    assert (news.sign, news.at) == (Sign.WARN, NOW - 120)
    assert news.text.endswith("is silent: refused (401)")
    assert texts(with_feed(failing, alive=False)) == []
    assert texts(with_feed(failing, live=True)) == []
    assert texts(with_feed(None)) == []


def test_what_was_dismissed_gives_way_to_the_next_event_until_it_happens_anew():
    failing = PollerReport(failing_since=NOW - 120, failures=3)
    snapshot = with_feed(failing)
    dismissed = {news.key for news in alarms(snapshot)}
    assert news_of(snapshot, since=NOW, dismissed=dismissed) is None
    (event,) = snapshot.events[-1:]
    later = replace(event, at=NOW + 1, actor="bo", payload=NoteAdded(text="CDN purged"))
    told = news_of(replace(snapshot, events=(*snapshot.events, later)), since=NOW, dismissed=dismissed)
    assert told is not None
    assert (told.sign, told.text, told.at) == (Sign.OPEN, "bo noted CDN purged", NOW + 1)
    again = with_feed(replace(failing, failing_since=NOW - 5))
    assert news_of(again, since=NOW, dismissed=dismissed) is not None


def test_an_error_that_goes_on_happening_stays_dismissed():
    before = with_errors(error("escalating", first=DAY, last=60))
    dismissed = {news.key for news in alarms(before)}
    assert news_of(with_errors(error("escalating", first=DAY, last=1)), since=NOW, dismissed=dismissed) is None


def test_what_was_turned_off_for_an_action_is_news_for_as_long_as_it_is_off():
    off = AutomationView(
        action="rollback", text="[/ every push", off=True, why="", since=NOW - 30 * DAY, on_again="ci resume"
    )
    snapshot = replace(with_errors(), automation=(off,))
    assert texts(snapshot) == ["still off: [/ every push (on again: ci resume)"]
    for other in (replace(off, off=False), replace(off, off=None), replace(off, since=None)):
        assert texts(replace(snapshot, automation=(other,))) == []
    (news,) = alarms(snapshot)
    shown = news_of(snapshot, since=NOW, dismissed={news.key})
    assert shown is None or shown.key != news.key


async def test_x_dismisses_a_feed_that_never_answered():
    snapshot = with_feed(PollerReport(failing_since=NOW - 120, failures=3))
    async with open_room(snapshot, key="1") as room:
        assert "is silent" in room.text("#news")
        await room.press("x")
        assert "is silent" not in room.text("#news")
