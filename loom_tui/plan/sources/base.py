"""What every source of a plan has, and where credentials are found."""

import re
from collections.abc import Iterator
from typing import ClassVar
from urllib.parse import urlsplit

from loom_tui.plan.kinds import Kind, Row
from loom_tui.plan.value import Value, leaves

ON_DEMAND_TTL_S = 3600.0  # what was asked by hand is believed for an hour, unless the plan says otherwise


# Both are compiled when a URL first has what they look for, 0.4 ms: most have not.
_LOGIN_IN_URL = r"://[^/@:\[]*:(?!\d*(?:[/?#]|$))[^@]+@"  # digits alone up to a path are a port
_CREDENTIAL = r"(?i)[?&]((?:\w+[_-])?(?:token|api[_-]?key|key|secret|password|passwd|pwd|sig|signature|auth))=[^&#{]"


class Secret(Value, frozen=True):
    """Where a credential is found; never the credential itself. Exactly one is set."""

    env: str = ""
    file: str = ""
    command: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Name where it is found."""
        if self.env:
            return f"the environment's {self.env}"
        return f"the file {self.file}" if self.file else f"the command `{self.command[0] if self.command else ''}`"


class Asked(Value, frozen=True, kw_only=True, tag_field="kind"):
    """Something that is asked. Names of its checks' group, its rhythm, and of which environment it speaks.

    `interval_s = 0` asks on demand only. `environment` is the plan's where it is empty: evidence from staging says
    so here, and proves nothing of production.
    """

    GROUP: ClassVar[str] = "services"
    ANSWERS: ClassVar[frozenset[str]] = frozenset()  # the questions that a room may ask of it (see `Asker.reply`)

    label: str = ""
    group: str = ""
    environment: str = ""
    interval_s: float = 15.0
    timeout_s: float = 5.0
    ttl_s: float | None = None

    def rows(self) -> Iterator[Row]:
        """List the signals that it gives, its own check first."""
        yield Row("", Kind.CHECK)

    def parts(self) -> Iterator[tuple[str, "Asked"]]:
        """List what of it is asked apart, in a rhythm of its own, each with the word that follows its name."""
        yield from ()

    def faults(self) -> Iterator[tuple[str, str]]:
        """List what is wrong with it, each with the key that holds it ("" for the whole)."""
        yield from ()

    @property
    def fresh_for_s(self) -> float:
        """How long its readings stay fresh: the plan's word, or three intervals and a deadline."""
        if self.ttl_s is not None:
            return self.ttl_s
        return 3 * self.interval_s + self.timeout_s if self.interval_s else ON_DEMAND_TTL_S

    @property
    def wall_s(self) -> float:
        """How long one whole asking may take: several requests or steps, each within `timeout_s`."""
        return max(30.0, 10 * self.timeout_s)


def url_faults(key: str, url: str, *, schemes: tuple[str, ...] = ("https", "http")) -> Iterator[tuple[str, str]]:
    """Say where a URL is none, or holds a credential."""
    if not url.startswith(tuple(f"{scheme}://" for scheme in schemes)):
        yield key, f"expected a URL that begins with {schemes[0]}://, found {url!r}"
    elif has_password(url):
        yield key, "holds a password; name it where a credential belongs, so that the plan can be shared"
    elif "=" in url and (found := re.search(_CREDENTIAL, url)):
        yield key, f"holds a credential (`{found[1]}=…`); name it where one belongs, so that the plan can be shared"
    elif not _has_host(url):
        yield key, f"expected a URL with a host, found {url!r}"


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # half an IPv6 address, or a port that is no number
        return False


def has_password(url: str) -> bool:
    """Say whether a URL holds a password, whatever is in it: people write one with a slash without escaping it."""
    return "@" in url and re.search(_LOGIN_IN_URL, url) is not None


def secrets_of(where: str, value: object) -> Iterator[tuple[str, Secret]]:
    """Find every credential's place in a value of the plan, however deep."""
    return leaves(where, value, Secret)
