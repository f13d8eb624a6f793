"""What a refusal looks like on a terminal: a sentence and an exit code."""

from __future__ import annotations

import os
import tempfile
import traceback
from pathlib import Path

from msgspec import Struct

from loom_tui.refusal import Refusal


class Sentence(Struct, frozen=True):
    """What to say, and how to leave."""

    text: str
    exit_code: int


def sentence_of(error: Exception) -> Sentence | None:
    """Give the sentence of an error that Loom expects; None for one that it does not."""
    if isinstance(error, Refusal):
        return Sentence(str(error), error.exit_code)
    if isinstance(error, OSError) and error.filename is not None:
        return Sentence(f"{error.filename}: {error.strerror}", 2)
    return None


def write_traceback(error: Exception) -> Path:
    """Write a crash's traceback to a file that only its owner reads. It shows code lines, never values."""
    handle, name = tempfile.mkstemp(prefix="loom-crash-", suffix=".txt")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.writelines(traceback.format_exception(error))
    return Path(name)
