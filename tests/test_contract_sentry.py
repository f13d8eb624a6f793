"""What Loom asks of Sentry is what Sentry's own specification allows, and its examples are understood."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from loom_tui.plan.sources.base import Secret
from loom_tui.plan.sources.sentry import SentrySource
from loom_tui.room.errors import ErrorEvent, Listing
from loom_tui.room.signals import State
from loom_tui.sources.base import Asker, SourceRefused
from loom_tui.sources.build import build
from tests.errands import errand_of
from tests.prism import running_prism

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("prism-sentry")]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running_prism("sentry-openapi.json") as address:
        yield address


def asker_of(url: str, **more: Any) -> Asker:
    told: dict[str, Any] = {"org": "acme", "project": "pump-station", "token": Secret(env="TOKEN"), **more}
    source = SentrySource(url=url, timeout_s=30, **told)
    return build(source, errand_of("sentry", environ={"TOKEN": "sntrys_4711"}, last_stable="v1.6.3", now=1.7e9))


async def test_every_question_is_one_that_the_specification_allows(url):
    asker = asker_of(url)
    readings = {reading.signal: reading for reading in await asker.ask()}
    await asker.close()
    unknown = {signal: reading.detail for signal, reading in readings.items() if reading.state is not State.OK}
    assert unknown == {
        "sentry.crash_free_sessions": "no sessions of v1.7.0 counted",  # the example groups by status, not by release
        "sentry.crash_free_users": "no users of v1.7.0 counted",
    }
    listing = msgspec.json.decode(readings["sentry.issues"].body, type=Listing)
    assert [(issue.short_id, issue.count, issue.level) for issue in listing.issues] == [
        ("PUMP-STATION-1", 150, "error")
    ]
    assert len(listing.issues[0].per_hour) == 24
    assert readings["sentry.alerts"].detail == "3 enabled"
    assert readings["sentry.errors_per_minute"].value == 5.0


async def test_the_example_of_an_event_is_understood(url):
    asker = asker_of(url)
    event = msgspec.json.decode(await asker.reply("event", "1341191803"), type=ErrorEvent)
    await asker.close()
    assert event.thrown[0].type == "ForbiddenError"
    assert [frame.line for frame in event.thrown[0].frames] == [74, 71]
    assert [crumb.category for crumb in event.crumbs] == ["tracing", "xhr", "sentry.transaction"]
    assert event.request is not None
    assert event.request.url == "https://sentry.io/organizations/hellboy-meowmeow/issues/?project=5236886"
    assert "hell@boy.cat" not in repr(event)


async def test_without_a_token_the_specification_refuses(url):
    asker = asker_of(url, token=None)
    with pytest.raises(SourceRefused, match=r"401.*event:read and project:read"):
        await asker.ask()
    await asker.close()
