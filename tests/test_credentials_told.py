"""A credential that cannot be sent is told as that, and one that the other side repeats is hidden.

What else can befall a source: tests/misfortunes.py.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable

import pytest

from loom_tui.plan.sources.base import Asked, Secret
from loom_tui.plan.sources.bugsink import BugsinkSource
from loom_tui.plan.sources.github import GithubSource
from loom_tui.plan.sources.http import HttpSource
from loom_tui.plan.sources.sentry import SentrySource
from loom_tui.plan.sources.supabase import SupabaseSource
from loom_tui.plan.steps import Expect, HttpStep
from loom_tui.plan.workflows import Workflow
from loom_tui.room.signals import Reading
from loom_tui.sources.base import CredentialUnfit, SourceError
from loom_tui.sources.build import build
from tests.bad_days import SECRET, echoing
from tests.errands import errand_of
from tests.servers import answer, serving

TOKEN = Secret(env="TOKEN")
DEADLINE_S = 20.0

# Every source that asks over HTTP, pointed at a URL, with the planted credential.
SOURCES: dict[str, Callable[[str], Asked]] = {
    "bugsink": lambda url: BugsinkSource(url=url, project="1", token=TOKEN, timeout_s=DEADLINE_S),
    "http": lambda url: HttpSource(
        url=url, timeout_s=DEADLINE_S, version_field="version", fields={"auth": "auth"}, headers={"x-key": TOKEN}
    ),
    "workflow": lambda url: Workflow(
        name="Sign in",
        url=url,
        timeout_s=DEADLINE_S,
        credentials={"token": TOKEN},
        writes=False,
        steps=(
            HttpStep(
                name="sign in",
                method="POST",
                json={"password": "{token}"},
                headers={"authorization": "Bearer {token}"},
                expect=(Expect(path="status", equals="ok"),),
            ),
        ),
    ),
    "github": lambda url: GithubSource(url=url, repo="acme/web", token=TOKEN, timeout_s=DEADLINE_S),
    "sentry": lambda url: SentrySource(url=url, org="loom", project="web", token=TOKEN, timeout_s=DEADLINE_S),
    "supabase": lambda url: SupabaseSource(url=url, anon_key=TOKEN, private_tables=("profiles",), timeout_s=DEADLINE_S),
}


async def asked(source: Asked, *, token: str = SECRET) -> list[Reading] | SourceError:
    """Ask once."""
    asker = build(source, errand_of("app", environ={"TOKEN": token}))
    try:
        async with asyncio.timeout(20):
            return list(await asker.ask())
    except SourceError as error:
        return error
    finally:
        await asker.close()


def words(outcome: list[Reading] | SourceError) -> str:
    return f"{outcome!r} {outcome}" + ("" if isinstance(outcome, list) else f" {outcome.__cause__!r}")


@pytest.mark.parametrize("unfit", ["two\nlines", "lätters", "nul\x00"])
@pytest.mark.parametrize("kind", SOURCES)
async def test_a_credential_that_no_header_can_hold_is_told_as_that_and_with_its_place(kind, unfit):
    async with serving(answer(b"{}")) as server:
        outcome = await asked(SOURCES[kind](server.url), token=unfit)
        assert server.requests == []
    if kind == "workflow":  # whose steps are told one by one
        assert "header" in words(outcome)
        return
    assert isinstance(outcome, CredentialUnfit)
    assert "the credential from the environment's TOKEN cannot be sent" in str(outcome)
    assert unfit not in words(outcome)


@pytest.mark.parametrize("how", ["failing", "well"])
@pytest.mark.parametrize("kind", SOURCES)
async def test_a_server_that_repeats_what_it_was_sent_makes_no_source_tell_its_credential(kind, how):
    async with serving(echoing(SECRET)[how]) as server:
        outcome = await asked(SOURCES[kind](server.url))
    assert SECRET not in words(outcome)
    assert b64encode(SECRET.encode())[3:-5].decode() not in words(outcome)
    if how == "well" and kind != "workflow":
        assert "\u2022" in words(outcome) or "\\xe2\\x80\\xa2" in words(outcome), "it was repeated, and hidden"
