"""The steps of a guarded action, as a plan writes them: one struct a kind, named by `kind`.

Texts may speak of `{from}` and `{to}` (the releases), `{release}`, `{last_stable}` and `{environment}`. A credential is
named, never written: a step's `secrets` are environment variables of a command, and variables of a request.
"""

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from loom_tui.plan.sources.base import Secret, url_faults
from loom_tui.plan.sources.postgres import database_faults
from loom_tui.plan.steps import statuses
from loom_tui.plan.template import NAME, fill, texts_in, variables_in
from loom_tui.plan.value import AbstractMeta, Value

VARIABLES = frozenset({"from", "to", "release", "last_stable", "environment"})
BY_HAND = "# by hand:"  # so begins what is shown of a step that a person does
_GITHUB = "https://api.github.com"
_METHODS = ("POST", "PUT", "PATCH", "DELETE", "GET")


class ActionKind(StrEnum):
    """What an action is for; a rollback is let through where others are held up."""

    ROLLBACK = "rollback"
    DEPLOY = "deploy"
    MIGRATE = "migrate"
    NOTIFY = "notify"
    COMMAND = "command"

    @property
    def changes_release(self) -> bool:
        """Whether another release serves afterwards."""
        return self in (ActionKind.ROLLBACK, ActionKind.DEPLOY)


class OnFailure(StrEnum):
    """What follows a step that failed, or of which nobody knows how it ended."""

    STOP = "stop"
    ASK = "ask"
    GO_ON = "go_on"


class ActStep(Value, frozen=True, kw_only=True, tag_field="kind", metaclass=AbstractMeta):
    """What every step has. `idempotent`: doing it twice does no more than once, so an interrupted one may be repeated.

    At `timeout_s` it is ended, and what it did is unknown.
    """

    name: str
    timeout_s: float = 300.0
    on_failure: OnFailure = OnFailure.STOP
    idempotent: bool = False

    def texts(self) -> Iterator[tuple[str, str]]:
        """Find the texts that variables are put into, each with its key."""
        for key, text in texts_in(self):
            if key != "name" and not key.startswith("secrets"):
                yield key, text

    def own_variables(self) -> frozenset[str]:
        """Name the variables that it brings along."""
        return frozenset()

    @abstractmethod
    def shown(self, values: Mapping[str, str]) -> str:
        """Write what will be done as a person would type it; a variable without a value stays open."""

    def credentials(self) -> Iterator[tuple[str, Secret]]:
        """List the credentials that it needs, each with its name."""
        yield from ()

    def faults(self) -> Iterator[tuple[str, str]]:
        """List what is wrong with it, each with the key that holds it."""
        if not self.name.strip():
            yield "name", "is empty; it is what people see of the step"
        if self.timeout_s <= 0:
            yield "timeout_s", "must be above 0"
        known = VARIABLES | self.own_variables()
        for key, text in self.texts():
            for name in variables_in(text):
                if name not in known:
                    yield key, f"speaks of {{{name}}}, which is none of {', '.join(sorted(known))}"


class CommandAct(ActStep, frozen=True, kw_only=True, tag="command"):
    """A command as a list of arguments; no shell reads it. `secrets` are environment variables."""

    run: tuple[str, ...]
    directory: str = ""  # from the plan's directory
    environ: dict[str, str] = {}
    secrets: dict[str, Secret] = {}
    expect_exit: int = 0
    dry_run: tuple[str, ...] = ()  # what `--dry-run` runs in the place of it
    ask: tuple[str, ...] = ()  # changes nothing, and ends with 0 where the target is there and well

    def shown(self, values: Mapping[str, str]) -> str:
        """Write the line that a shell would take."""
        words = [f"{name}={_quoted(filled(value, values))}" for name, value in self.environ.items()]
        line = " ".join([*words, *(_quoted(filled(word, values)) for word in self.run)])
        return f"cd {_quoted(self.directory)} && {line}" if self.directory else line

    def credentials(self) -> Iterator[tuple[str, Secret]]:
        """List the credentials in its environment."""
        yield from self.secrets.items()

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold it to name a command."""
        yield from super().faults()
        if not self.run or not self.run[0].strip():
            yield "run", "is empty; write the command as a list of arguments"


class RequestAct(ActStep, frozen=True, kw_only=True, tag="http"):
    """One request. It is done when the answer has an expected status; redirects are not followed."""

    method: str = "POST"
    url: str
    headers: dict[str, str] = {}
    json: Any = None
    secrets: dict[str, Secret] = {}
    expect_status: int | tuple[int, ...] = (200, 201, 202, 204)
    timeout_s: float = 30.0

    def own_variables(self) -> frozenset[str]:
        """Name its credentials."""
        return frozenset(self.secrets)

    def shown(self, values: Mapping[str, str]) -> str:
        """Write the line that curl would take."""
        words = ["curl", "-sS", "-X", self.method, self.url]
        for key, value in self.headers.items():
            words += ["-H", f"{key}: {value}"]
        if self.json is not None:
            words += ["-H", "content-type: application/json", "-d", msgspec.json.encode(self.json).decode()]
        return " ".join(_quoted(filled(word, values)) for word in words)

    def credentials(self) -> Iterator[tuple[str, Secret]]:
        """List the credentials in its texts."""
        yield from self.secrets.items()

    @property
    def expected(self) -> tuple[int, ...]:
        """The statuses that are well."""
        return statuses(self.expect_status)

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold it to be a request that can be sent."""
        yield from super().faults()
        if self.method not in _METHODS:
            yield "method", f"`{self.method}` is none; write one of {', '.join(_METHODS)}"
        for name in self.secrets:
            if not re.fullmatch(NAME, name) or name in VARIABLES:
                yield "secrets", f"`{name}`: a variable is small letters, digits and _, and none of Loom's own"
        if not self.url.startswith("{"):
            yield from url_faults("url", self.url)


class SqlAct(ActStep, frozen=True, kw_only=True, tag="sql"):
    """A file of SQL, executed whole in one transaction: all of it happens, or nothing."""

    file: str  # from the plan's directory
    dsn: str = ""  # without a password; use `dsn_from` for one that holds a secret
    dsn_from: Secret | None = None

    def shown(self, values: Mapping[str, str]) -> str:
        """Write the line that psql would take."""
        where = _quoted(filled(self.dsn, values)) if self.dsn else "{dsn}"
        return f"psql -v ON_ERROR_STOP=1 --single-transaction -f {_quoted(filled(self.file, values))} {where}"

    def path(self, directory: Path, values: Mapping[str, str]) -> Path:
        """Name its file; `directory` is the plan's."""
        return directory / filled(self.file, values)

    def credentials(self) -> Iterator[tuple[str, Secret]]:
        """Give the database's, where it holds one."""
        if self.dsn_from is not None:
            yield "dsn", self.dsn_from

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold it to name a file, and one database."""
        yield from super().faults()
        yield from database_faults(self.dsn, self.dsn_from)
        if not self.file:
            yield "file", "is empty; name the file of SQL"


class DispatchAct(ActStep, frozen=True, kw_only=True, tag="github"):
    """A workflow of GitHub's, dispatched and followed to its end. At `timeout_s` GitHub is asked to cancel its run."""

    repo: str
    workflow: str  # its file's name: deploy.yml
    token: Secret
    ref: str = "main"
    inputs: dict[str, str] = {}
    url: str = _GITHUB
    timeout_s: float = 1800.0

    def shown(self, values: Mapping[str, str]) -> str:
        """Write the line that gh would take."""
        host = "" if self.url.rstrip("/") == _GITHUB else f"{urlsplit(self.url).netloc}/"
        words = ["gh", "workflow", "run", self.workflow, "-R", f"{host}{self.repo}", "--ref", self.ref]
        for name, value in self.inputs.items():
            words += ["-f", f"{name}={value}"]
        return " ".join(_quoted(filled(word, values)) for word in words)

    def credentials(self) -> Iterator[tuple[str, Secret]]:
        """Give the token."""
        yield "token", self.token

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold it to name a repository as GitHub does, and a workflow in it."""
        yield from super().faults()
        yield from url_faults("url", self.url)
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", self.repo):
            yield "repo", f"expected OWNER/NAME, found {self.repo!r}"
        if not re.fullmatch(r"[\w.-]+", self.workflow):
            yield "workflow", f"expected a workflow's file or number, such as deploy.yml, found {self.workflow!r}"
        if not self.ref.strip():
            yield "ref", "is empty; name the branch or tag that the workflow runs on"


class NotifyAct(ActStep, frozen=True, kw_only=True, tag="notify"):
    """A message to channels of the plan. One that a channel acknowledged already is not sent there again.

    It may speak of `{by}` and `{reason}` too. By itself a channel that is down holds nothing up.
    """

    channels: tuple[str, ...]
    text: str
    subject: str = ""  # empty: the action's label
    timeout_s: float = 30.0
    on_failure: OnFailure = OnFailure.GO_ON

    def own_variables(self) -> frozenset[str]:
        """Name who armed the action, and why."""
        return frozenset({"by", "reason"})

    def shown(self, values: Mapping[str, str]) -> str:
        """Write the line that says the same from a shell."""
        words = ["loom", "notify", self.text]
        for channel in self.channels:
            words += ["--channel", channel]
        return " ".join(_quoted(filled(word, values)) for word in words)

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold it to say something to somebody."""
        yield from super().faults()
        if not self.channels:
            yield "channels", "is empty; name channels of the plan ([channels.NAME])"
        if not self.text.strip():
            yield "text", "is empty; it is what people are told"
        if any(not letter.isprintable() for letter in self.subject):
            yield "subject", "holds a line break or another control; it is one line"


class ManualAct(ActStep, frozen=True, kw_only=True, tag="manual"):
    """Something that a person does, and says so: `loom act ID --answer done`."""

    text: str
    timeout_s: float = 1800.0

    def shown(self, values: Mapping[str, str]) -> str:
        """Write what is to be done."""
        return f"{BY_HAND} {filled(self.text, values)}"


AnyActStep = CommandAct | RequestAct | SqlAct | DispatchAct | NotifyAct | ManualAct


def filled(text: str, values: Mapping[str, str]) -> str:
    """Put the known values into a text; what is not known yet stays open."""
    return fill(text, lambda name: values.get(name, f"{{{name}}}"))


def _quoted(word: str) -> str:
    """Quote a word for a shell, but for one that only holds a variable in braces."""
    import shlex  # noqa: PLC0415 - 0.3 ms, and a room that opens shows no command

    return word if re.fullmatch(_PLAIN, word, re.ASCII) else shlex.quote(word)


_PLAIN = r"[\w@%+=:,./{}-]+"
