"""One request to a service of the demo's, for its own commands."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from loom_tui.refusal import Refusal

TIMEOUT_S = 10.0


class CallFailed(Refusal):
    """The service did not do what was asked; the message says why."""


def call(url: str, *, token: str, body: object = None) -> Any:
    """GET, or with a body POST it as JSON; gives the answer. Raises CallFailed."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, headers=headers, data=data)  # noqa: S310 - the demo's own address
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - an address of the demo itself
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            raise CallFailed(f"{url} answered {error.code}: {error.read(500).decode(errors='replace')}") from None
    except (OSError, ValueError) as error:
        raise CallFailed(f"{url} cannot be reached: {error}") from None
