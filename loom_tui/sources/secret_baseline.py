"""A detect-secrets baseline, as the repository holds it: which findings were accepted, and how to scan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from loom_tui.files import read_file
from loom_tui.sources.base import SourceAnswered


class _Result(Struct):
    type: str
    hashed_secret: str
    is_secret: bool | None = None


class _File(Struct):
    plugins_used: list[dict[str, Any]] = []
    filters_used: list[dict[str, Any]] = []
    results: dict[str, list[_Result]] = {}


class Baseline(Struct, frozen=True, kw_only=True):
    """What a baseline decides. `config` is the scanner's (None: its own); keys are (path, type, hash).

    `audited_real` were looked at and found to be secrets. `left_out` are plugins and filters that the repository
    would have run from code of its own, which a collector that holds credentials does not do.
    """

    there: bool = False
    config: dict[str, Any] | None = None
    accepted: frozenset[tuple[str, str, str]] = frozenset()
    audited_real: frozenset[tuple[str, str, str]] = frozenset()
    left_out: tuple[str, ...] = ()


def read_baseline(path: Path, *, name: str) -> Baseline:
    """Read a baseline; one that is not there accepts nothing. Blocks. Raises SourceAnswered."""
    try:
        file = msgspec.json.decode(read_file(path), type=_File)
    except FileNotFoundError:
        return Baseline()
    except OSError as error:
        raise SourceAnswered(f"{name}: the baseline {path.name} cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SourceAnswered(
            f"{name}: {path.name} is no detect-secrets baseline; write one: detect-secrets scan --no-verify"
        ) from None
    foreign = [str(entry.get("path")) for entry in (*file.plugins_used, *file.filters_used) if _is_foreign(entry)]
    config = {
        "plugins_used": [entry for entry in file.plugins_used if not _is_foreign(entry)],
        "filters_used": [entry for entry in file.filters_used if not _is_foreign(entry)],
    }
    known = {
        (file_path, one.type, one.hashed_secret): one.is_secret
        for file_path, all_ in file.results.items()
        for one in all_
    }
    return Baseline(
        there=True,
        config=config if config["plugins_used"] else None,
        accepted=frozenset(key for key, real in known.items() if not real),
        audited_real=frozenset(key for key, real in known.items() if real),
        left_out=tuple(foreign),
    )


def _is_foreign(entry: dict[str, Any]) -> bool:
    return "file:" in str(entry.get("path", ""))
