"""A host that a service answers on, as a plan names it: its name and its certificate."""

import re
from collections.abc import Iterator
from ipaddress import ip_address

from loom_tui.plan.kinds import Kind, Row
from loom_tui.plan.sources.base import Asked


class HostSource(Asked, frozen=True, kw_only=True, tag="host"):
    """A host whose name is resolved and whose certificate is looked at, hourly: neither changes within seconds.

    `addresses` are those that it may resolve to; without them any will do. `certificate_bad_days` is when a
    certificate that still holds is called bad; below `certificate_soon_days` the check says so in words.
    """

    host: str
    port: int = 443
    addresses: tuple[str, ...] = ()
    tls: bool = True
    ca_file: str = ""  # the certificate authority of an internal service; the system's where it is empty
    certificate_bad_days: float = 7.0
    certificate_soon_days: float = 21.0
    interval_s: float = 3600.0
    timeout_s: float = 10.0

    def rows(self) -> Iterator[Row]:
        """List the host's own check (the worst of the others), its name's and its certificate's, and its days left."""
        label = self.label or self.host
        yield Row("", Kind.CHECK)
        yield Row(".dns", Kind.CHECK, f"{label}: name resolves")
        if self.tls:
            yield Row(".tls", Kind.CHECK, f"{label}: certificate")
            yield Row(".tls_days", Kind.NUMBER, "certificate", "days")

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold the host to be a name without a scheme, and its addresses to be some."""
        if not re.fullmatch(r"[A-Za-z0-9._:-]+", self.host):
            yield "host", f"expected a host's name such as app.example.com, found {self.host!r}"
        if not 0 < self.port < 65_536:
            yield "port", f"{self.port} is no port"
        for address in self.addresses:
            try:
                ip_address(address)
            except ValueError:
                yield "addresses", f"{address!r} is no IP address"
        if self.certificate_soon_days < self.certificate_bad_days:
            yield "certificate_soon_days", "is less than certificate_bad_days; the warning comes first"
