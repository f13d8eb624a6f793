"""A plan's source made ready to be asked: its credential found, its kind's asker chosen."""

from __future__ import annotations

from collections.abc import Mapping

from loom_tui.plan.model import HttpSource, PostgresSource, Source
from loom_tui.sources.base import Asker, Clock, Speaks
from loom_tui.sources.secrets import Masked, resolve


def build(name: str, source: Source, *, speaks: Speaks, environ: Mapping[str, str], clock: Clock) -> Asker:
    """Make a source's asker. Raises CredentialMissing. The kinds' libraries are imported where one is used."""
    if isinstance(source, HttpSource):
        from loom_tui.sources.http import HttpAsker  # noqa: PLC0415 - httpx takes 0.25 s

        headers = {key: resolve(secret, environ) for key, secret in source.headers.items()}
        return HttpAsker(name, source, headers, speaks=speaks, clock=clock)
    if isinstance(source, PostgresSource):
        from loom_tui.sources.postgres import PostgresAsker  # noqa: PLC0415 - psycopg takes 0.25 s

        dsn = resolve(source.dsn_from, environ) if source.dsn_from is not None else Masked(source.dsn)
        return PostgresAsker(name, source, dsn, speaks=speaks, clock=clock)
    from loom_tui.sources.sentry import SentryAsker  # noqa: PLC0415 - httpx takes 0.25 s

    token = resolve(source.token, environ) if source.token is not None else Masked("")
    return SentryAsker(name, source, token, speaks=speaks, clock=clock)
