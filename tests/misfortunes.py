"""What can befall each kind of thing that a plan has asked: a row a kind, and in it a case for each misfortune.

What cannot befall a kind is said with its reason, and with the case that comes nearest to it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

from msgspec import Struct

from loom_tui.plan.sources.base import Asked, Secret
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
from loom_tui.plan.sources.report import EslintReport, ReportSource
from loom_tui.plan.sources.secrets import SecretsSource
from loom_tui.plan.sources.sentry import SentrySource
from loom_tui.plan.sources.supabase import SupabaseSource
from loom_tui.plan.steps import (
    CommandStep,
    Expect,
    HttpStep,
    Imap,
    MailStep,
    ManualStep,
    Role,
    RolesStep,
    Step,
    StepBase,
    TotpStep,
)
from loom_tui.plan.workflows import Workflow
from tests import bad_hosts, bad_mail, bad_places, bad_realtime
from tests.bad_days import MISFORTUNES as HTTP_MISFORTUNES
from tests.bad_days import SECRET, misfortune
from tests.supabase import project

# What every kind must have a test of, or a reason why not.
MISFORTUNES = (
    "wrong types", "truncated", "401", "403", "404", "429", "500", "HTML", "redirect loop", "hang", "slow drip",
    "connection refused", "TLS failure",
)  # fmt: skip
TOKEN = Secret(env="PLANTED")  # holds SECRET
LONG_S, SHORT_S = 30.0, 1.0  # a machine may be busy; what never answers is not waited for so long


class Never(Struct, frozen=True):
    """Why a misfortune cannot befall a kind, and the case that comes nearest (of another row, where it is named)."""

    why: str
    like: str
    of: str = ""


class Case(Struct, frozen=True):
    """Something that is asked on its bad day, and what its panel must say (a pattern).

    `proved`: what came still proves all that the plan asks.
    """

    asked: Asked
    says: str = ""
    proved: bool = False


class Row(Struct, frozen=True):
    """A kind's cases: which there are, and how they are made. `suffix` is the check that speaks of them."""

    of: type[Asked | StepBase]
    cases: tuple[str, ...]
    made: Callable[[Path], AbstractAsyncContextManager[dict[str, Case]]]
    never: Mapping[str, Never] = {}
    suffix: str = ""


def wait_of(name: str) -> float:
    """Give a case's deadline."""
    return SHORT_S if name.startswith(("hang", "slow")) else LONG_S


# HTTP -----------------------------------------------------------------------------------------------------------------

_HTTP_SAYS = {
    "401": "401", "403": "403", "404": "404", "429": "429", "500": "500", "redirect loop": "circle",
    "hang": "within", "slow drip": "within", "connection refused": "no connection", "TLS failure": "TLS",
}  # fmt: skip
_PROVED = {"HTML", "wrong types", "another form", "null", "truncated", "no text", "nested too deeply", "6 MB"}
_SENTRY_SAYS = {**_HTTP_SAYS, "404": "(404|knows no)"}


def over_http(
    asked: Callable[[str, float], Asked], *, says: Mapping[str, str] = _HTTP_SAYS, proved: frozenset[str] = frozenset()
) -> Callable[[Path], AbstractAsyncContextManager[dict[str, Case]]]:
    """Make the cases of whatever asks over HTTP: `asked` is given an address and a deadline."""

    @asynccontextmanager
    async def made(_: Path) -> AsyncIterator[dict[str, Case]]:
        async with AsyncExitStack() as stack:
            urls = {name: await stack.enter_async_context(misfortune(name)) for name in HTTP_MISFORTUNES}
            yield {
                name: Case(asked(url, wait_of(name)), says.get(name, ""), proved=name in proved)
                for name, url in urls.items()
            }

    return made


def workflow(*steps: Step, url: str = "", within_s: float = LONG_S) -> Workflow:
    """Make a workflow that holds the planted credential."""
    return Workflow(name="x", url=url, credentials={"token": TOKEN}, step_timeout_s=within_s, writes=False, steps=steps)


def _posted(url: str, within_s: float) -> Workflow:
    step = HttpStep(
        name="sign in",
        method="POST",
        json={"password": "{token}"},
        headers={"authorization": "Bearer {token}"},
        expect=(Expect(path="status", equals="ok"),),
    )
    return workflow(step, url=url, within_s=within_s)


def _as_roles(url: str, within_s: float) -> Workflow:
    ana = Role(name="ana", status=204, headers={"authorization": "Bearer {token}"})
    return workflow(RolesStep(name="who may", roles=(ana,)), url=url, within_s=within_s)


def _caught(url: str, within_s: float) -> Workflow:
    return workflow(MailStep(name="mail", to="qa@loom.example", catcher=url), within_s=within_s)


@asynccontextmanager
async def _round_trips(place: Path) -> AsyncIterator[dict[str, Case]]:
    def asked(url: str, _: float) -> SentrySource:
        file = place / f"{url.rpartition(':')[2]}.dsn"
        file.write_text(url.replace("://", f"://{SECRET}@") + "/1", encoding="utf-8")
        return SentrySource(url="http://127.0.0.1:1", org="loom", project="web", dsn=Secret(file=str(file)))

    unreached = dict.fromkeys(("connection refused", "TLS failure"), "cannot be reached")
    async with over_http(asked, says={**_HTTP_SAYS, **unreached})(place) as cases:
        yield cases


# Databases ------------------------------------------------------------------------------------------------------------

DATABASE_SAYS = {
    "wrong types": "answers with other types",
    "truncated": "closed the connection",
    "401": "refused the login",
    "403": "does not let this role connect",
    "404": "the database named in the plan is not",
    "429": "too many connections",
    "500": "terminating connection",
    "HTML": "invalid response",
    "hang": "within",
    "hang before the login": "within",
    "slow drip": "within",
    "connection refused": "refused",
    "TLS failure": "does not support SSL",
    "foreign certificate": "certificate verify failed",
}
NO_REDIRECTS = {"redirect loop": Never("its protocol leads nobody elsewhere", like="connection refused")}


def over_postgres(
    asked: Callable[[Path, Secret, float], Asked],
) -> Callable[[Path], AbstractAsyncContextManager[dict[str, Case]]]:
    """Make the cases of whatever asks a PostgreSQL: `asked` is given the place, a connection string, a deadline.

    The strings lie in files beside the place, for all kinds the same (`bad_databases.strings`).
    """

    @asynccontextmanager
    async def made(place: Path) -> AsyncIterator[dict[str, Case]]:
        yield {
            name: Case(asked(place, Secret(file=str(place.parent / f"{name}.dsn")), wait_of(name)), says)
            for name, says in DATABASE_SAYS.items()
        }

    return made


def _migrations(place: Path, dsn: Secret, within_s: float) -> MigrationsSource:
    directory = place / "migrations"
    directory.mkdir(exist_ok=True)
    (directory / "20250101000000_one.sql").write_text("create table t (id int);\n", encoding="utf-8")
    return MigrationsSource(dsn_from=dsn, directory=str(directory), timeout_s=within_s)


@asynccontextmanager
async def beside_a_project(
    key: str, made: Callable[[Path], AbstractAsyncContextManager[dict[str, Case]]], place: Path
) -> AsyncIterator[dict[str, Case]]:
    """Have the databases be those of a Supabase project that is well otherwise."""
    async with project() as it, made(place) as cases:
        found = {}
        for name, case in cases.items():
            assert isinstance(case.asked, PostgresSource)
            source = SupabaseSource(
                url=it.url,
                anon_key=TOKEN,
                timeout_s=case.asked.timeout_s,
                **{key: case.asked.dsn_from},  # type: ignore[arg-type] # the name of one of its two databases
            )
            found[name] = Case(source, case.says)
        yield found


def _postgres(_: Path, dsn: Secret, within_s: float) -> PostgresSource:
    return PostgresSource(dsn_from=dsn, timeout_s=within_s)


# What is asked on this host, and the rest -----------------------------------------------------------------------------

_ALONE = "nobody else is asked"
_NO_CREDENTIAL = "it needs no credential"
_NO_CONNECTION = "nothing is connected to"
_OWN_WORDS = "whatever goes wrong within is told by how it ends"


def local(
    asked: Callable[[str, bad_places.Words, float], Asked], cases: Callable[[Path], bad_places.Cases]
) -> Callable[[Path], AbstractAsyncContextManager[dict[str, Case]]]:
    """Make the cases of what is asked on this host: `asked` is given a case's name, where or what, a deadline."""

    @asynccontextmanager
    async def made(place: Path) -> AsyncIterator[dict[str, Case]]:
        async with bad_places.pipes(place):
            yield {name: Case(asked(name, it, wait_of(name)), says) for name, (it, says) in cases(place).items()}

    return made


def _command(name: str, words: bad_places.Words, within_s: float) -> CommandSource:
    report = EslintReport() if name in bad_places.JSON_OUT else None
    return CommandSource(run=words, secrets={"PLANTED": TOKEN}, report=report, timeout_s=within_s)


def _command_step(name: str, words: bad_places.Words, within_s: float) -> Workflow:
    expect = (Expect(path="status", equals="ok"),) if name in bad_places.JSON_OUT else ()
    step = CommandStep(name="run it", command=words, env={"PLANTED": "{token}"}, expect=expect)
    return workflow(step, within_s=within_s)


@asynccontextmanager
async def _hosts(place: Path) -> AsyncIterator[dict[str, Case]]:
    async with bad_hosts.hosts(place) as cases:
        yield {name: Case(HostSource(**words, timeout_s=wait_of(name)), says) for name, (words, says) in cases.items()}


@asynccontextmanager
async def _realtime(_: Path) -> AsyncIterator[dict[str, Case]]:
    async with AsyncExitStack() as stack:
        cases = {}
        for name, (day, says) in bad_realtime.DAYS.items():
            it = await stack.enter_async_context(project(**day))
            cases[name] = Case(SupabaseSource(url=it.url, anon_key=TOKEN, timeout_s=wait_of(name)), says)
        yield cases


@asynccontextmanager
async def _mailboxes(_: Path) -> AsyncIterator[dict[str, Case]]:
    async with bad_mail.mailboxes() as cases:
        yield {
            name: Case(
                workflow(
                    MailStep(
                        name="mail",
                        to="qa@loom.example",
                        timeout_s=SHORT_S,
                        imap=Imap(host="127.0.0.1", user="qa", password="{token}", port=port, tls=tls),
                    ),
                    within_s=wait_of(name),
                ),
                says,
            )
            for name, (port, tls, says) in cases.items()
        }


@asynccontextmanager
async def _codes(_: Path) -> AsyncIterator[dict[str, Case]]:
    yield {"wrong types": Case(workflow(TotpStep(name="code", secret="{token}")), "no base32")}


@asynccontextmanager
async def _by_hand(_: Path) -> AsyncIterator[dict[str, Case]]:
    yield {"nobody came": Case(workflow(ManualStep(name="look at it")), "done by people")}


def _never(why: str, like: str, *names: str) -> dict[str, Never]:
    return {name: Never(why, like) for name in names}


_DATABASES = tuple(DATABASE_SAYS)
_PORT = "its port is the project's own"
ROWS: dict[str, Row] = {
    "bugsink": Row(
        BugsinkSource,
        HTTP_MISFORTUNES,
        over_http(lambda url, s: BugsinkSource(url=url, project="1", token=TOKEN, timeout_s=s)),
    ),
    "sentry": Row(
        SentrySource,
        HTTP_MISFORTUNES,
        over_http(
            lambda url, s: SentrySource(url=url, org="loom", project="web", token=TOKEN, timeout_s=s), says=_SENTRY_SAYS
        ),
    ),
    "github": Row(
        GithubSource,
        HTTP_MISFORTUNES,
        over_http(lambda url, s: GithubSource(url=url, repo="acme/web", token=TOKEN, timeout_s=s), says=_SENTRY_SAYS),
    ),
    "http": Row(
        HttpSource,
        HTTP_MISFORTUNES,
        over_http(
            lambda url, s: HttpSource(
                url=url, version_field="version", fields={"auth": "auth"}, headers={"x-key": TOKEN}, timeout_s=s
            ),
            proved=frozenset(_PROVED),
        ),
    ),
    "supabase": Row(
        SupabaseSource,
        HTTP_MISFORTUNES,
        over_http(lambda url, s: SupabaseSource(url=url, anon_key=TOKEN, private_tables=("profiles",), timeout_s=s)),
    ),
    "supabase realtime": Row(
        SupabaseSource,
        tuple(bad_realtime.DAYS),
        _realtime,
        {name: Never(_PORT, like=name, of="supabase") for name in ("connection refused", "TLS failure")},
        suffix=".realtime",
    ),
    "supabase database": Row(
        SupabaseSource,
        _DATABASES,
        lambda place: beside_a_project("database", over_postgres(_postgres), place),
        NO_REDIRECTS,
        suffix=".database",
    ),
    "supabase pooler": Row(
        SupabaseSource,
        _DATABASES,
        lambda place: beside_a_project("pooler", over_postgres(_postgres), place),
        NO_REDIRECTS,
        suffix=".pooler",
    ),
    "round trip": Row(RoundTrip, HTTP_MISFORTUNES, _round_trips, suffix=".roundtrip"),
    "postgres": Row(PostgresSource, _DATABASES, over_postgres(_postgres), NO_REDIRECTS),
    "migrations": Row(MigrationsSource, _DATABASES, over_postgres(_migrations), NO_REDIRECTS),
    "host": Row(
        HostSource,
        bad_hosts.CASES,
        _hosts,
        {"redirect loop": Never("a handshake leads nobody elsewhere", like="403")},
    ),
    "environment": Row(
        EnvironmentSource,
        bad_places.ENVIRONMENT_CASES,
        local(bad_places.environment, bad_places.environments),
        {
            **_never(_NO_CONNECTION, "404", "connection refused"),
            **_never(_OWN_WORDS, "401", "TLS failure"),
        },
    ),
    "secrets": Row(
        SecretsSource,
        bad_places.SECRETS_CASES,
        local(lambda _, place, s: SecretsSource(directory=place[0], timeout_s=s), bad_places.scanned),
        {
            **_never(_NO_CREDENTIAL, "403", "401"),
            **_never(_ALONE, "500", "429", "connection refused", "TLS failure"),
        },
    ),
    "git": Row(
        GitSource,
        bad_places.GIT_CASES,
        local(lambda _, place, s: GitSource(path=place[0], timeout_s=s), bad_places.clones),
        {
            **_never(_NO_CREDENTIAL, "403", "401"),
            **_never(_ALONE, "500", "429", "connection refused", "TLS failure"),
        },
    ),
    "command": Row(
        CommandSource,
        bad_places.COMMAND_CASES,
        local(_command, bad_places.commands),
        {**_never(_NO_CONNECTION, "404", "connection refused"), **_never(_OWN_WORDS, "401", "TLS failure")},
    ),
    "report": Row(
        ReportSource,
        bad_places.REPORT_CASES,
        local(bad_places.report, bad_places.reports),
        {**_never(_NO_CREDENTIAL, "403", "401"), **_never("a file comes by no connection", "truncated", "TLS failure")},
    ),
    "step http": Row(HttpStep, HTTP_MISFORTUNES, over_http(_posted)),
    "step roles": Row(RolesStep, HTTP_MISFORTUNES, over_http(_as_roles, says={})),
    "step mail, catcher": Row(MailStep, HTTP_MISFORTUNES, over_http(_caught)),
    "step mail, IMAP": Row(MailStep, bad_mail.CASES, _mailboxes),
    "step command": Row(
        CommandStep,
        bad_places.COMMAND_CASES,
        local(_command_step, bad_places.commands),
        {**_never(_NO_CONNECTION, "404", "connection refused"), **_never(_OWN_WORDS, "401", "TLS failure")},
    ),
    "step code": Row(
        TotpStep,
        ("wrong types",),
        _codes,
        _never("a code is worked out here", "wrong types", *(name for name in MISFORTUNES if name != "wrong types")),
    ),
    "step by hand": Row(
        ManualStep, ("nobody came",), _by_hand, _never("a person does it", "nobody came", *MISFORTUNES)
    ),
}
