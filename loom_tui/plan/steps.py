"""The steps of a workflow, as a plan writes them: one struct a kind, named by `kind`."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from loom_tui.plan.template import NAME, texts_in, variables_in
from loom_tui.plan.value import Value

READING = frozenset({"GET", "HEAD", "OPTIONS"})
_METHODS = READING | {"POST", "PUT", "PATCH", "DELETE"}
_ALGORITHMS = ("sha1", "sha256", "sha512")


class Expect(Value, frozen=True):
    """What must hold of an answer: of a JSON path, of a header, or of the whole text where neither is named.

    A JSON null counts as absent. `length` counts a list's items, a table's keys or a text's characters.
    """

    path: str = ""
    header: str = ""
    equals: Any = None
    exists: bool | None = None
    matches: str = ""
    contains: Any = None
    length: int | None = None

    def faults(self) -> Iterator[str]:
        """Hold it to speak of one thing, and to say something of it."""
        if self.path and self.header:
            yield "names both a path and a header; write two"
        said = (self.equals, self.exists, self.contains, self.length)
        if all(each is None for each in said) and not self.matches:
            yield "says nothing; write equals, exists, matches, contains or length"
        yield from pattern_faults(self.matches)


class Capture(Value, frozen=True):
    """A value to keep for later steps: from a JSON path, a header or a cookie, or the whole text; `regex` cuts it out.

    A regex gives its first group, or all that it matched. What is kept is masked wherever it could be seen, unless
    `show` says that it is no secret.
    """

    path: str = ""
    header: str = ""
    cookie: str = ""
    regex: str = ""
    show: bool = False

    def faults(self) -> Iterator[str]:
        """Hold it to speak of one thing."""
        if sum(map(bool, (self.path, self.header, self.cookie))) > 1:
            yield "names more than one of path, header and cookie"
        if not any((self.path, self.header, self.cookie, self.regex)):
            yield "says nothing; write path, header, cookie or regex"
        yield from pattern_faults(self.regex)


class StepBase(Value, frozen=True, kw_only=True, tag_field="kind"):
    """What every step has. Without a `timeout_s` of its own it has the workflow's for a step."""

    name: str
    timeout_s: float | None = None

    @property
    def captured(self) -> tuple[str, ...]:
        """The variables that it leaves behind."""
        return ()

    @property
    def writes(self) -> bool:
        """Whether it may change something; what cannot be told counts as writing."""
        return False

    def texts(self) -> Iterator[tuple[str, str]]:
        """Find the texts that variables are put into, each with its key."""
        for key, text in texts_in(self):
            if key != "name":
                yield key, text

    def faults(self) -> Iterator[tuple[str, str]]:
        """List what is wrong with it, each with the key that holds it."""
        if not self.name.strip():
            yield "name", "is empty; it is what people see of the step"
        if self.timeout_s is not None and self.timeout_s <= 0:
            yield "timeout_s", "must be above 0"


class _Request(StepBase, frozen=True, kw_only=True):
    """A request: `path` begins at the site's address, or is a whole URL. At most one body: `json` or `form`."""

    method: str = "GET"
    path: str = "/"
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    json: Any = None
    form: dict[str, str] = {}

    @property
    def writes(self) -> bool:
        """Whether its method may change something."""
        return self.method not in READING

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold its method, path and body to be some."""
        yield from super().faults()
        if self.method not in _METHODS:
            yield "method", f"`{self.method}` is none; write one of {', '.join(sorted(_METHODS))}"
        if not self.path.startswith(("/", "http://", "https://", "{")):
            yield "path", f"begins with / (the site's address goes before it) or is a URL; found {self.path!r}"
        if self.json is not None and self.form:
            yield "form", "stands beside json; a request has one body"


class HttpStep(_Request, frozen=True, kw_only=True, tag="http"):
    """One request, and what its answer must be. The workflow's cookies go with it."""

    expect_status: int | tuple[int, ...] = 200
    expect: tuple[Expect, ...] = ()
    capture: dict[str, Capture] = {}
    follow: bool = True  # redirects

    @property
    def captured(self) -> tuple[str, ...]:
        """The variables that it leaves behind."""
        return tuple(self.capture)

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold its request, expectations and captures to make sense."""
        yield from super().faults()
        yield from _of_answer(self.expect, self.capture)


class Role(Value, frozen=True):
    """Who asks, by headers of their own, and the status that they must get."""

    name: str
    status: int | tuple[int, ...]
    headers: dict[str, str] = {}


class RolesStep(_Request, frozen=True, kw_only=True, tag="roles"):
    """The same request as each of several people: who may, and who must be refused. No cookies go with it."""

    roles: tuple[Role, ...]

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold it to name somebody, each once."""
        yield from super().faults()
        names = [role.name for role in self.roles]
        if not names:
            yield "roles", "names nobody"
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield "roles", f"`{name}` is there {names.count(name)} times"


class CommandStep(StepBase, frozen=True, kw_only=True, tag="command"):
    """A command: an argument list, no shell, in the plan's directory. `env` adds to the collector's environment.

    Credentials belong in `env`: arguments are seen by everybody on the host. Expectations speak of its output.
    """

    command: tuple[str, ...]
    env: dict[str, str] = {}
    expect_exit: int = 0
    expect: tuple[Expect, ...] = ()
    capture: dict[str, Capture] = {}

    @property
    def captured(self) -> tuple[str, ...]:
        """The variables that it leaves behind."""
        return tuple(self.capture)

    @property
    def writes(self) -> bool:
        """Nobody can tell what a command does."""
        return True

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold it to name a command."""
        yield from super().faults()
        if not self.command or not self.command[0].strip():
            yield "command", 'names no program; write a list such as ["npm", "run", "smoke"]'
        if any(each.header for each in self.expect):
            yield "expect", "speaks of a header; a command's output has none"
        yield from _of_answer(self.expect, self.capture)


class TotpStep(StepBase, frozen=True, kw_only=True, tag="totp"):
    """A one-time code (RFC 6238) of a secret in base32, kept as the variable `into`."""

    secret: str  # "{name}" of a credential or of a captured value
    into: str = "code"
    digits: int = 6
    period_s: int = 30
    algorithm: str = "sha1"

    @property
    def captured(self) -> tuple[str, ...]:
        """The variable that holds the code."""
        return (self.into,)

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold it to name a secret, and an algorithm that there is."""
        yield from super().faults()
        yield from _is_reference("secret", self.secret)
        yield from _is_name("into", self.into)
        if self.algorithm not in _ALGORITHMS:
            yield "algorithm", f"`{self.algorithm}` is none; write one of {', '.join(_ALGORITHMS)}"
        if not 6 <= self.digits <= 10 or self.period_s < 1:
            yield "digits", "a code has 6 to 10 digits, and a period of at least 1 s"


class Imap(Value, frozen=True):
    """A mailbox that is read by IMAP, and left as it was found. `password` is the `{name}` of a credential."""

    host: str
    user: str
    password: str
    port: int = 993
    folder: str = "INBOX"
    tls: bool = True


class MailStep(StepBase, frozen=True, kw_only=True, tag="mail"):
    """Waits for a message that came since the workflow began, and follows a link in it.

    `subject` is a part of the subject, in any case. `link` is a pattern; without one no link is followed. The mailbox
    is read by IMAP, or from a catcher that speaks Mailpit's API at this address.
    """

    to: str
    subject: str = ""
    imap: Imap | None = None
    catcher: str = ""
    timeout_s: float | None = 60.0
    link: str = ""
    expect_status: int | tuple[int, ...] = 200
    expect: tuple[Expect, ...] = ()  # of the page that the link leads to
    capture: dict[str, Capture] = {}  # from the message's text

    @property
    def captured(self) -> tuple[str, ...]:
        """The variables that it leaves behind."""
        return tuple(self.capture)

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold it to name one mailbox."""
        yield from super().faults()
        if (self.imap is None) == (not self.catcher):
            yield "", "name exactly one of imap and catcher"
        if self.imap is not None:
            yield from _is_reference("imap.password", self.imap.password)
        if any(capture.path or capture.header or capture.cookie for capture in self.capture.values()):
            yield "capture", "a message is text: capture from it by regex"
        if self.expect and not self.link:
            yield "expect", "speaks of the page behind the link, and there is no link"
        for what in pattern_faults(self.link):
            yield "link", what
        yield from _of_answer(self.expect, self.capture)


class ManualStep(StepBase, frozen=True, kw_only=True, tag="manual"):
    """Something that a person does and judges, in the room. `tester` is who should."""

    words: str = ""
    tester: str = ""

    def texts(self) -> Iterator[tuple[str, str]]:
        """Nothing is put into a person's words."""
        yield from ()


Step = HttpStep | RolesStep | CommandStep | TotpStep | MailStep | ManualStep


def statuses(expected: int | tuple[int, ...]) -> tuple[int, ...]:
    """Give the statuses that are well, as a tuple."""
    return (expected,) if isinstance(expected, int) else expected


def pattern_faults(pattern: str) -> Iterator[str]:
    """Say where a pattern is none."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError) as error:
        yield f"`{pattern}` is no regular expression: {error}"


def _of_answer(expect: Iterable[Expect], capture: dict[str, Capture]) -> Iterator[tuple[str, str]]:
    for index, each in enumerate(expect, 1):
        for what in each.faults():
            yield f"expect[{index}]", what
    for name, each_capture in capture.items():
        yield from _is_name(f"capture.{name}", name)
        for what in each_capture.faults():
            yield f"capture.{name}", what


def _is_name(key: str, name: str) -> Iterator[tuple[str, str]]:
    if re.fullmatch(NAME, name) is None:
        yield key, f"`{name}`: a variable's name is small letters, digits and _"


def _is_reference(key: str, text: str) -> Iterator[tuple[str, str]]:
    if variables_in(text) != [text[1:-1]]:
        yield key, 'is a credential: name one of the workflow\'s, such as "{password}", and keep its value elsewhere'
