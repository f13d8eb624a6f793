"""Ships a version on the demo's platform: `python -m loom_tui.demo.ship VERSION`, the platform's command line.

PLATFORM_URL and PLATFORM_TOKEN say where and with what right. Ended in the middle, the platform goes on.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from loom_tui.demo.call import CallFailed, call

PATIENCE_S = 60.0
LOOK_EVERY_S = 1.0


def main() -> int:
    """Ask for the version, and tell what becomes of it until it serves."""
    version = sys.argv[1]
    try:
        asked = _call("/v1/deployments", {"version": version})
        _say(f"{asked['id']} {version} asked for")
        deadline = time.monotonic() + PATIENCE_S
        while (told := _call(f"/v1/deployments/{asked['id']}"))["state"] == "building":
            if time.monotonic() > deadline:
                sys.stderr.write(f"{asked['id']} is not ready after {PATIENCE_S:g} s\n")
                return 1
            _say(f"{asked['id']} building")
            time.sleep(LOOK_EVERY_S)
    except CallFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    _say(f"{asked['id']} {told['state']}")
    return 0 if told["state"] == "ready" else 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _call(path: str, body: object = None) -> Any:
    return call(os.environ["PLATFORM_URL"] + path, token=os.environ["PLATFORM_TOKEN"], body=body)


if __name__ == "__main__":
    sys.exit(main())
