"""The environment that a release runs in, as a plan names it: which variables, in which form."""

import re
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import ClassVar

from loom_tui.plan.kinds import Kind, Row
from loom_tui.plan.sources.base import Asked
from loom_tui.plan.value import Value


class Form(StrEnum):
    """What a variable's value looks like."""

    TEXT = "text"
    URL = "url"
    DSN = "dsn"  # scheme://user:password@host…
    SENTRY_DSN = "sentry_dsn"
    JWT = "jwt"
    HEX = "hex"
    BASE64 = "base64"
    UUID = "uuid"
    NUMBER = "number"
    BOOLEAN = "boolean"
    EMAIL = "email"
    JSON = "json"


class Origin(Value, frozen=True):
    """Where variables are found: a dotenv file, a command that prints one, or (with neither) Loom's own environment."""

    label: str = ""
    dotenv: str = ""
    command: tuple[str, ...] = ()


class Variable(Value, frozen=True):
    """A variable that the release needs. `pattern` is a regular expression that the whole value must fit.

    `secret` ones must differ from the other environment's; `required = false` may be absent, but not ill-formed.
    """

    name: str
    form: Form = Form.TEXT
    pattern: str = ""
    min_length: int = 1
    secret: bool = False
    required: bool = True


class EnvironmentSource(Asked, frozen=True, kw_only=True, tag="environment"):
    """The variables of one environment; their values are judged in memory and shown nowhere."""

    GROUP: ClassVar[str] = "environment variables"

    origin: Origin = Origin()
    other: Origin | None = None  # the environment whose secrets must not be ours: staging's, beside production's
    variables: tuple[Variable, ...] = ()
    interval_s: float = 300.0
    timeout_s: float = 30.0

    def rows(self) -> Iterator[Row]:
        """List the variables' own check, and that of secrets used twice."""
        yield Row("", Kind.CHECK)
        if self.other is not None:
            yield Row(".reused", Kind.CHECK, f"no secret shared with {self.other.label or 'the other environment'}")

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold it to name variables, each once, with patterns that are some, and places that are one."""
        if not self.variables:
            yield "variables", "names none; without any nothing is proved"
        for name, times in Counter(variable.name for variable in self.variables).items():
            if times > 1:
                yield "variables", f"`{name}` is there {times} times"
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
                yield "variables", f"`{name}` cannot be a variable's name"
        for variable in self.variables:
            try:
                re.compile(variable.pattern)
            except re.error as error:
                yield f"variables.{variable.name}.pattern", f"is no regular expression: {error}"
        for key, origin in (("origin", self.origin), ("other", self.other)):
            if origin is not None and origin.dotenv and origin.command:
                yield key, "name a dotenv file or a command, not both"
        if self.other is not None and self.other == self.origin:
            yield "other", "is the same place as origin; every secret would be found there again"
        if self.other is not None and not any(variable.secret for variable in self.variables):
            yield "variables", "none is marked `secret = true`, so there is nothing to compare with `other`"
