"""An HTTP service, as a plan names it."""

from collections.abc import Iterator

from loom_tui.plan.kinds import Kind, Row
from loom_tui.plan.sources.base import Asked, Secret, url_faults


class HttpSource(Asked, frozen=True, kw_only=True, tag="http"):
    """An HTTP service asked with GET; `fields` maps a signal's last word to a path in the answer.

    `redirects_to` are the addresses, each with all beneath it, at which a redirect may end: what answers elsewhere
    (a login page) proves nothing.
    """

    url: str
    expect_status: int = 200
    redirects_to: tuple[str, ...] = ()
    version_field: str = ""
    fields: dict[str, str] = {}  # { auth = "checks.auth.status" }
    headers: dict[str, Secret] = {}

    def rows(self) -> Iterator[Row]:
        """List the service's own check, its latency, its version and the fields of its answer."""
        yield Row("", Kind.CHECK)
        yield Row(".latency_ms", Kind.LATENCY, "latency", "ms")
        if self.version_field:
            yield Row(".version", Kind.TEXT, "version")
        for field in self.fields:
            yield Row(f".{field}", Kind.CHECK, field)

    def faults(self) -> Iterator[tuple[str, str]]:
        """Hold its address to be one."""
        yield from url_faults("url", self.url)
        for url in self.redirects_to:
            yield from url_faults("redirects_to", url)
