"""A plan's source made ready to be asked: its kind's asker chosen, its library imported where one is used."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module

from msgspec.structs import replace

from loom_tui.plan.sources.base import Asked, Secret, secrets_of
from loom_tui.plan.sources.bugsink import BugsinkSource
from loom_tui.plan.sources.command import CommandSource
from loom_tui.plan.sources.environment import EnvironmentSource
from loom_tui.plan.sources.errors import RoundTrip
from loom_tui.plan.sources.git import GitSource
from loom_tui.plan.sources.github import GithubSource
from loom_tui.plan.sources.host import HostSource
from loom_tui.plan.sources.http import HttpSource
from loom_tui.plan.sources.migrations import MigrationsSource
from loom_tui.plan.sources.postgres import PostgresSource
from loom_tui.plan.sources.report import ReportSource
from loom_tui.plan.sources.secrets import SecretsSource
from loom_tui.plan.sources.sentry import SentrySource
from loom_tui.plan.sources.supabase import SupabaseSource
from loom_tui.plan.workflows import Workflow
from loom_tui.room.signals import Reading
from loom_tui.sources.base import Asker, CredentialMissing, Errand, SourceError
from loom_tui.sources.credentials import resolve
from loom_tui.sources.mask import Masked

# Each module gives `make(source, errand) -> Asker`, which finds the credentials.
_MODULES: dict[type[Asked], str] = {
    BugsinkSource: "bugsink",
    CommandSource: "command",
    EnvironmentSource: "environment",
    GithubSource: "github",
    HostSource: "host",
    GitSource: "git",
    HttpSource: "http",
    MigrationsSource: "migrations.asker",
    PostgresSource: "postgres",
    ReportSource: "report",
    RoundTrip: "roundtrip",
    SecretsSource: "secret_scan",
    SentrySource: "sentry",
    SupabaseSource: "supabase",
    Workflow: "workflow",
}


# Of a deadline: what turned is written at once and seen at a room's next look, a quarter of a second later at most.
TELLING_S = 0.5


def build(source: Asked, errand: Errand) -> Asker:
    """Make a source's asker, which looks for its credentials when it is first asked, and tells none of them.

    The plan's deadline is the one that people see: the other side is given less, by what telling takes.
    """
    telling_s = min(TELLING_S, source.timeout_s / 10)
    return Discreet(replace(source, timeout_s=source.timeout_s - telling_s), errand)


def made(source: Asked, errand: Errand) -> Asker:
    """Make the bare asker of a source whose credentials were found. Raises CredentialMissing."""
    asker = import_module(_module(source)).make(source, errand)
    assert isinstance(asker, Asker)  # noqa: S101 - the table above is ours
    return asker


def _module(source: Asked) -> str:
    return f"loom_tui.sources.{_MODULES[type(source)]}"


class Discreet(Asker):
    """A source's asker behind a mask: whatever it tells has been through it, so that no source can forget to."""

    def __init__(self, source: Asked, errand: Errand) -> None:
        self._source = source
        self._errand = errand
        self._mask = errand.mask
        self._asker: Asker | None = None
        self._making = asyncio.Lock()

    async def ask(self) -> Sequence[Reading]:
        """Ask once. Raises SourceError."""
        with self._masked():
            return self._hidden(await (await self._made()).ask())

    async def reply(self, what: str, subject: str) -> bytes:
        """Answer a room's own question. Raises SourceError."""
        with self._masked():
            return self._mask.hide_json(await (await self._made()).reply(what, subject))

    def rest_s(self) -> float:
        """Give the rest that the source wants."""
        return self._asker.rest_s() if self._asker is not None else 0.0

    async def close(self) -> None:
        """Close what the source holds open."""
        if self._asker is not None:
            await self._asker.close()

    @contextmanager
    def _masked(self) -> Iterator[None]:
        """Take the secrets out of a failure's sentence."""
        try:
            yield
        except SourceError as error:
            error.args = (self._mask.hide(str(error)),)
            error.readings = self._hidden(error.readings)
            raise

    def _hidden(self, readings: Sequence[Reading]) -> list[Reading]:
        hide, hide_json = self._mask.hide, self._mask.hide_json
        return [replace(each, detail=hide(each.detail), body=hide_json(each.body)) for each in readings]

    async def _made(self) -> Asker:
        async with self._making:
            if self._asker is None:
                errand = self._errand
                credentials = await found(self._source, errand)
                await asyncio.to_thread(import_module, _module(self._source))  # psycopg alone takes 0.25 s
                self._asker = made(
                    self._source,
                    replace(
                        errand,
                        credentials=credentials,
                        progress=lambda text: errand.progress(self._mask.hide(text)),
                    ),
                )
            return self._asker


async def found(source: Asked, errand: Errand) -> Mapping[Secret, Masked | CredentialMissing]:
    """Look for a source's credentials, all at once, and give each or why it is not there; the mask learns them.

    So it does those of the plan's other places that can be looked at without running anything, and the variables
    whose names speak of a secret: a command inherits them all, and may print them.
    """
    own = dict.fromkeys(secret for _, secret in secrets_of("", source))
    others = [secret for secret in errand.named if secret not in own and not secret.command]
    for name, value in errand.environ.items():
        errand.mask.add_variable(name, value)

    async def look(secret: Secret) -> Masked | CredentialMissing:
        try:
            credential = await resolve(secret, errand.environ, errand.directory, within_s=source.timeout_s)
        except CredentialMissing as error:
            return error
        errand.mask.add(credential.reveal(), place=secret)
        return credential

    looked = await asyncio.gather(*map(look, (*own, *others)))
    return dict(zip(own, looked, strict=False))
