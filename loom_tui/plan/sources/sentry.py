"""An error tracker that speaks Sentry's API, as a plan names it."""

from loom_tui.plan.sources.errors import ErrorFeed


class SentrySource(ErrorFeed, frozen=True, kw_only=True, tag="sentry"):
    """A Sentry organization's project, or a server that speaks its API. `project` is its slug or its number."""

    url: str = "https://sentry.io"
    org: str = ""
