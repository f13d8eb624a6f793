"""Which time zone this machine is in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import available_timezones


def local_zone(environ: Mapping[str, str] = os.environ, localtime: Path = Path("/etc/localtime")) -> str:
    """Name this machine's time zone as IANA does; UTC where it does not say."""
    known = available_timezones()
    for candidate in (environ.get("TZ", "").removeprefix(":"), str(localtime.resolve()).rpartition("/zoneinfo/")[2]):
        if candidate in known:
            return candidate
    return "UTC"
