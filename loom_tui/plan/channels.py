"""How people are told: `[channels.NAME]`, one struct a kind, named by `kind`.

A channel's address is a credential where who knows it may speak there (a webhook's): it is named, never written.
"""

import re
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, Literal

from loom_tui.plan.sources.base import Secret
from loom_tui.plan.template import NAME, texts_in, variables_in
from loom_tui.plan.value import AbstractMeta, Value

FIELDS = frozenset(
    {"text", "subject", "room", "environment", "release", "journal"}
)  # of a message, in a webhook's JSON
_ADDRESS = r"[^\s@<>,;:\"()]+@[^\s@<>,;:\"()]+"


class _Channel(Value, frozen=True, kw_only=True, tag_field="kind", metaclass=AbstractMeta):
    """What every channel has. `timeout_s` is one try's; the same message is not sent again within `again_after_s`."""

    timeout_s: float = 10.0
    again_after_s: float = 600.0

    @abstractmethod
    def place(self) -> str:
        """Say where it leads, without a secret."""

    @abstractmethod
    def credentials(self) -> Iterator[tuple[str, Secret]]:
        """List the credentials that it needs, each with its key."""

    def faults(self) -> Iterator[tuple[str, str]]:
        """List what is wrong with it, each with the key that holds it."""
        if self.timeout_s <= 0:
            yield "timeout_s", "must be above 0"
        if self.again_after_s < 0:
            yield "again_after_s", "must not be below 0"
        for key, secret in self.credentials():
            if sum(map(bool, (secret.env, secret.file, secret.command))) != 1:
                yield key, "name exactly one of env, file or command; a credential itself is never written here"


class SlackChannel(_Channel, frozen=True, kw_only=True, tag="slack"):
    """An incoming webhook as Slack has it; Mattermost, Rocket.Chat and Discord (`/slack`) understand it too."""

    url: Secret

    def place(self) -> str:
        """Name the kind: the address is a secret."""
        return "a Slack webhook"

    def credentials(self) -> Iterator[tuple[str, Secret]]:
        """Give the address."""
        yield "url", self.url


class WebhookChannel(_Channel, frozen=True, kw_only=True, tag="webhook"):
    """Any address that takes JSON. Without `json` it gets the message's fields, all of them."""

    url: Secret
    headers: dict[str, str] = {}
    json: Any = None
    secrets: dict[str, Secret] = {}

    def place(self) -> str:
        """Name the kind: the address is a secret."""
        return "a webhook"

    def credentials(self) -> Iterator[tuple[str, Secret]]:
        """Give the address, and what its texts speak of."""
        yield "url", self.url
        for name, secret in self.secrets.items():
            yield f"secrets.{name}", secret

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold its texts to speak of what there is."""
        yield from super().faults()
        for name in self.secrets:
            if not re.fullmatch(NAME, name) or name in FIELDS:
                yield "secrets", f"`{name}`: a variable is small letters, digits and _, and none of a message's own"
        known = FIELDS | self.secrets.keys()
        for key, text in (*texts_in(self.headers, "headers"), *texts_in(self.json, "json")):
            for name in variables_in(text):
                if name not in known:
                    yield key, f"speaks of {{{name}}}, which is none of {', '.join(sorted(known))}"


class EmailChannel(_Channel, frozen=True, kw_only=True, tag="email"):
    """Mail, handed to an SMTP server. `port` is 587 with STARTTLS, 465 with TLS, 25 without either."""

    server: str
    sender: str
    to: tuple[str, ...]
    tls: Literal["starttls", "tls", "none"] = "starttls"
    port: int | None = None
    user: str = ""
    password: Secret | None = None

    def place(self) -> str:
        """Name the people."""
        return f"mail to {', '.join(self.to)}"

    def credentials(self) -> Iterator[tuple[str, Secret]]:
        """Give the password."""
        if self.password is not None:
            yield "password", self.password

    @property
    def number(self) -> int:
        """The port."""
        return self.port if self.port is not None else {"starttls": 587, "tls": 465, "none": 25}[self.tls]

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold addresses to be addresses, and a password to travel hidden."""
        yield from super().faults()
        if not re.fullmatch(r"[\w.:-]+", self.server, re.ASCII):
            yield "server", f"expected a host's name, found {self.server!r}"
        if not 1 <= self.number <= 65_535:
            yield "port", f"{self.port} is no port"
        if not self.to:
            yield "to", "is empty; name who gets it"
        for key, address in (("sender", self.sender), *(("to", each) for each in self.to)):
            if not re.fullmatch(_ADDRESS, address, re.ASCII):
                yield key, f"expected an address such as ops@example.com, found {address!r}"
        if (self.password is not None) != bool(self.user):
            yield "user", "and password go together"
        if self.password is not None and self.tls == "none":
            yield "tls", 'is "none": the password would travel in the clear'


class CommandChannel(_Channel, frozen=True, kw_only=True, tag="command"):
    """A command as a list of arguments that reads the message on its stdin; exit 0 acknowledges it."""

    run: tuple[str, ...]
    directory: str = ""  # from the plan's directory
    secrets: dict[str, Secret] = {}

    def place(self) -> str:
        """Name the command."""
        return f"the command `{self.run[0] if self.run else ''}`"

    def credentials(self) -> Iterator[tuple[str, Secret]]:
        """List the credentials in its environment."""
        for name, secret in self.secrets.items():
            yield f"secrets.{name}", secret

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold it to name a command."""
        yield from super().faults()
        if not self.run or not self.run[0].strip():
            yield "run", "is empty; write the command as a list of arguments"


Channel = SlackChannel | WebhookChannel | EmailChannel | CommandChannel


class Approvals(Value, frozen=True):
    """How a second person is asked: which channels tell that an action waits for them."""

    channels: tuple[str, ...] = ()
