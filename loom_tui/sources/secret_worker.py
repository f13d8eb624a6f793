"""The scanner's own process: `python -P secret_worker.py < job`, a line of JSON out for each file.

It imports nothing of Loom: it runs by its path, in an environment without credentials. A job is `{root, config,
files}`; a line is `[number of the file, [[line, type, hash], …]]`, or `[number, null]` for one that cannot be read.
The secrets that it finds never leave it, and none is tried out: verification would send them to strangers.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import AbstractContextManager
from typing import Any

from detect_secrets.core.scan import scan_file
from detect_secrets.settings import Settings, default_settings, transient_settings

_VERIFYING = "detect_secrets.filters.common.is_ignored_due_to_verification_policies"


def main() -> None:
    """Scan the job's files, in their order."""
    job = json.load(sys.stdin.buffer)
    os.nice(10)
    os.chdir(job["root"])
    settings: AbstractContextManager[Settings] = (
        transient_settings(job["config"]) if job["config"] else default_settings()
    )
    with settings as used:
        used.disable_filters(_VERIFYING)
        for number, path in enumerate(job["files"]):
            sys.stdout.write(f"{json.dumps([number, _findings(path)])}\n")
            sys.stdout.flush()


def _findings(path: str) -> list[list[Any]] | None:
    if not os.access(path, os.R_OK):
        return None
    found = {(secret.line_number, secret.type, secret.secret_hash) for secret in scan_file(path)}
    return [list(finding) for finding in sorted(found)]


if __name__ == "__main__":
    main()
