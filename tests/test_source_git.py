"""Asking a real clone for the commits between two releases."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loom_tui.plan.sources.git import GitSource
from loom_tui.room.commits import Commits
from loom_tui.room.signals import Reading
from loom_tui.sources.base import Asker, SourceAnswered, SourceUnreachable
from loom_tui.sources.build import build
from loom_tui.sources.git import MAX_COMMITS
from tests.errands import errand_of

AUTHOR = {"GIT_AUTHOR_NAME": "Ana", "GIT_AUTHOR_EMAIL": "ana@example.org", "GIT_AUTHOR_DATE": "2025-11-10T10:00:00Z"}
COMMITTER = {key.replace("AUTHOR", "COMMITTER"): value for key, value in AUTHOR.items()}


def git(clone: Path, *words: str) -> None:
    environ = {"PATH": os.environ["PATH"], "HOME": str(clone), **AUTHOR, **COMMITTER}
    subprocess.run(["git", *words], cwd=clone, env=environ, check=True, capture_output=True)


def commit(clone: Path, subject: str) -> None:
    git(clone, "commit", "--allow-empty", "-m", subject)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    place = tmp_path / "clone"
    place.mkdir()
    git(place, "init", "-b", "main")
    commit(place, "Begin")
    git(place, "tag", "v1.6.3")
    commit(place, "Book a seat once [/ \x1b[31m")
    commit(place, "Take the key sk_live_abcdefghijkl from ana@example.org away")
    git(place, "tag", "v1.7.0")
    commit(place, "After the release")
    return place


def asker_of(clone: Path, **more: Any) -> Asker:
    told: dict[str, Any] = {"last_stable": "v1.6.3", "directory": clone.parent, **more}
    return build(GitSource(path=clone.name, label="code"), errand_of("code", environ=dict(os.environ), **told))


async def commits(asker: Asker, subject: str = "v1.6.3..v1.7.0") -> Commits:
    return msgspec.json.decode(await asker.reply("commits", subject), type=Commits)


async def test_the_commits_between_the_releases_are_counted(clone):
    readings: dict[str, Reading] = {reading.signal: reading for reading in await asker_of(clone).ask()}
    assert readings["code"].detail == "2 commits from v1.6.3 to v1.7.0"
    assert readings["code.commits"].value == 2.0


async def test_the_commits_are_listed_newest_first_without_addresses_and_secrets(clone):
    found = await commits(asker_of(clone))
    assert [commit.subject for commit in found.commits] == [
        "Take the key •••• from ••••@•••• away",
        "Book a seat once [/ \x1b[31m",  # what draws it cleans it
    ]
    assert {commit.author for commit in found.commits} == {"Ana"}
    assert found.commits[0].at == 1_762_768_800.0
    assert (found.base, found.head, found.total) == ("v1.6.3", "v1.7.0", 2)


async def test_of_many_commits_the_newest_are_listed_and_all_are_counted(clone):
    for number in range(MAX_COMMITS + 5):
        commit(clone, f"Step {number}")
    found = await commits(asker_of(clone), "v1.7.0..main")
    assert (len(found.commits), found.total) == (MAX_COMMITS, MAX_COMMITS + 6)
    assert found.commits[0].subject == f"Step {MAX_COMMITS + 4}"


async def test_a_release_that_the_clone_does_not_know_is_told(clone):
    with pytest.raises(SourceAnswered, match=r"knows no v9\.9: fetch its tags"):
        await asker_of(clone, release="v9.9").ask()
    with pytest.raises(SourceAnswered, match="names no release and last_stable"):
        await asker_of(clone, last_stable="").ask()


@pytest.mark.parametrize("subject", ["--output=/tmp/x..v1.7.0", "v1.6.3..--all", "-p..-p"])
async def test_a_release_s_name_is_never_an_option_of_git(clone, subject):
    with pytest.raises(SourceAnswered, match="knows no"):
        await asker_of(clone).reply("commits", subject)


async def test_a_directory_that_is_no_clone_is_told(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceAnswered, match="is no clone"):
        await asker_of(tmp_path / "empty").ask()
    with pytest.raises(SourceUnreachable, match="cannot be started"):
        await asker_of(tmp_path / "missing").ask()


async def test_a_shell_s_own_repository_is_not_taken_for_the_plan_s(clone, tmp_path):
    environ = {**os.environ, "GIT_DIR": str(tmp_path / "elsewhere")}
    errand = errand_of("code", environ=environ, last_stable="v1.6.3", directory=clone.parent)
    readings = await build(GitSource(path=clone.name), errand).ask()
    assert readings[0].detail.startswith("2 commits")


@pytest.mark.parametrize("subject", ["v1.6.3", "..", "v1.6.3..", ""])
async def test_a_question_that_is_none_is_told(clone, subject):
    with pytest.raises(SourceAnswered, match="There is no commits"):
        await asker_of(clone).reply("commits", subject)
