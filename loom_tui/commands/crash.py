"""Loom's own crashes, sent to a DSN of Loom's own: only where LOOM_SENTRY_DSN names one, and stripped.

What goes out: the exception's type, its words without secrets and home directories, and the frames' module, function,
line and source. No local variables, no arguments, no host, no user. sentry-sdk is imported by nothing before.
"""

from __future__ import annotations

import re
from typing import Any

import sentry_sdk
from sentry_sdk.utils import BadDsn, event_from_exception

from loom_tui import __version__
from loom_tui.sources.scrub import scrub

SEND_TIMEOUT_S = 3.0  # a person waits for their shell
_HOMES = re.compile(r"(?:/home|/Users|/root|[A-Z]:\\Users)(?:[/\\][^/\\\s'\":]+)?")
_KEPT = frozenset({"filename", "module", "function", "lineno", "in_app", "context_line"})


def send_crash(error: Exception, dsn: str) -> bool:
    """Send a crash, within a few seconds; gives whether the DSN was one."""
    try:
        client = sentry_sdk.Client(
            dsn=dsn,
            default_integrations=False,
            auto_enabling_integrations=False,
            auto_session_tracking=False,
            send_client_reports=False,
            include_local_variables=False,
            max_breadcrumbs=0,
            server_name="loom",
            release=f"loom-tui@{__version__}",
            environment="",
            before_send=stripped,
        )
    except BadDsn:
        return False
    event, hint = event_from_exception(error, client_options=client.options)
    client.capture_event(event, hint=hint)
    client.flush(timeout=SEND_TIMEOUT_S)
    client.close(timeout=0)
    return True


def stripped(event: Any, _hint: Any) -> Any:
    """Keep of an event what is named above, and nothing else."""
    thrown = []
    for value in event.get("exception", {}).get("values", []):
        frames = [_frame(frame) for frame in (value.get("stacktrace") or {}).get("frames", [])]
        words = {"type": value.get("type"), "value": _clean(value.get("value"))}
        thrown.append({**words, "stacktrace": {"frames": frames}})
    kept = ("event_id", "timestamp", "level", "platform", "release", "sdk")
    return {**{key: event[key] for key in kept if key in event}, "exception": {"values": thrown}}


def _frame(frame: Any) -> Any:
    return {key: _clean(value) if isinstance(value, str) else value for key, value in frame.items() if key in _KEPT}


def _clean(text: object) -> str:
    return _HOMES.sub("~", scrub(text))
