"""A local clone, asked with `git log`: the commits between two releases. Nothing is fetched and nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from loom_tui.plan.sources.git import GitSource
from loom_tui.room.commits import Commit, Commits
from loom_tui.room.signals import Reading
from loom_tui.sources.base import Asker, Errand, SourceAnswered
from loom_tui.sources.process import run
from loom_tui.sources.scrub import scrub
from loom_tui.sources.times import moment

MAX_COMMITS = 300
SUBJECT_LIMIT = 300
_FIELDS = "%H%x1f%an%x1f%cI%x1f%s"


def make(source: GitSource, errand: Errand) -> Asker:
    """Make an asker. It needs no credential."""
    return GitAsker(source, errand)


class GitAsker(Asker):
    """Asks one clone."""

    def __init__(self, source: GitSource, errand: Errand) -> None:
        self._source = source
        self._errand = errand
        self._name = source.label or errand.name
        self._directory = (errand.directory / Path(source.path).expanduser()).absolute()

    async def ask(self) -> Sequence[Reading]:
        """Count the commits between the plan's releases. Raises SourceError where the clone does not know them."""
        base, head = self._errand.last_stable, self._errand.release
        if not base or not head:
            raise SourceAnswered("the plan names no release and last_stable between which commits could lie")
        await self._known(base, head)
        count = await self._count(base, head)
        detail = f"{count:,} commit{'' if count == 1 else 's'} from {base} to {head}"
        return [self._errand.reading("", detail=detail), self._errand.reading(".commits", value=float(count))]

    async def reply(self, what: str, subject: str) -> bytes:
        """Answer "commits" of "BASE..HEAD". Raises SourceError."""
        base, dots, head = subject.partition("..")
        if what != "commits" or not (base and dots and head):
            return await super().reply(what, subject)
        await self._known(base, head)
        text = await self._git(
            "log", "-z", f"--max-count={MAX_COMMITS}", "--no-show-signature", "--no-color", f"--format={_FIELDS}",
            "--end-of-options", f"{base}..{head}",
        )  # fmt: skip
        commits = tuple(_commit(record) for record in text.split("\0") if record.count("\x1f") >= 3)
        total = await self._count(base, head)
        return msgspec.json.encode(Commits(base=base, head=head, commits=commits, total=total))

    async def _known(self, *releases: str) -> None:
        for release in releases:
            try:
                await self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{release}^{{commit}}")
            except _Failed as failed:
                if failed.told:
                    raise
                why = "fetch its tags, or name the release as they do"
                raise SourceAnswered(f"The clone {self._directory} knows no {scrub(release)}: {why}") from None

    async def _count(self, base: str, head: str) -> int:
        text = (await self._git("rev-list", "--count", "--end-of-options", f"{base}..{head}")).strip()
        if not text.isdecimal():
            raise SourceAnswered(f"{self._name}: git counted no commits in {self._directory}")
        return int(text)

    async def _git(self, *words: str) -> str:
        """Run git in the clone, untouched by what a shell's own variables say of repositories. Raises _Failed."""
        environ = {key: value for key, value in self._errand.environ.items() if not key.startswith("GIT_")}
        done = await run(
            ["git", *words],
            directory=self._directory,
            environ={"PATH": "/usr/local/bin:/usr/bin:/bin", **environ, **_QUIET},
            timeout_s=self._source.timeout_s,
            name=self._name,
        )
        if done.code:
            raise _Failed(_why(done.stderr.decode(errors="replace"), self._directory))
        return done.stdout.decode(errors="replace")


_QUIET = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}


class _Failed(SourceAnswered):
    """Git ended with an error. `told`: it said why."""

    def __init__(self, why: str) -> None:
        super().__init__(why or "git failed without a word")
        self.told = bool(why)


def _why(stderr: str, directory: Path) -> str:
    """Turn git's last words into a sentence; empty where it had none."""
    if "not a git repository" in stderr:
        return f"{directory} is no clone of a git repository"
    if "dubious ownership" in stderr:
        return f"The clone {directory} belongs to another user; git asks for it to be named a safe.directory"
    words = scrub(stderr.strip().rpartition("\n")[2])[:SUBJECT_LIMIT]
    return f"git failed in {directory}: {words}" if words else ""


def _commit(record: str) -> Commit:
    commit_id, author, at, subject = record.lstrip("\n").split("\x1f", 3)
    return Commit(id=commit_id, author=scrub(author)[:100], at=moment(at), subject=scrub(subject)[:SUBJECT_LIMIT])
