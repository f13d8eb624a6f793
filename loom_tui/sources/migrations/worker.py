"""The study's own process: `python -P -m loom_tui.sources.migrations.worker < job`, a line of JSON out for each text.

The parser takes 40 MB and a core for many seconds, where migrations are many: that is no collector's to spend.
"""

from __future__ import annotations

import os
import sys
from hashlib import sha256
from pathlib import Path

import msgspec

from loom_tui.sources.migrations.statements import Unreadable, tokenized
from loom_tui.sources.migrations.studied import Studied
from loom_tui.sources.migrations.studies import Job, Line
from loom_tui.sources.migrations.suspicion import study, unread


def main() -> None:
    """Study the job's files, then the words of its other texts."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    os.nice(10)
    for path in job.files:
        try:
            body = Path(path).read_bytes()
        except OSError:
            continue  # gone since it was listed; whoever asks lists it anew
        text = body.decode("utf-8", errors="replace")
        _tell(Line(sha256(body).hexdigest(), essence(text), studied(text)))
    for text in job.texts:
        _tell(Line(sha256(text.encode()).hexdigest(), essence(text)))


def essence(sql: str) -> str:
    """Give a figure that is the same for texts of the same words: blanks, comments and semicolons do not count."""
    try:
        words = [token.text for token in tokenized(sql) if token.text != ";"]
    except Unreadable:
        words = sql.replace(";", " ").split()
    return sha256(msgspec.json.encode(words)).hexdigest()


def studied(text: str) -> Studied:
    """Study a text; one on which the parser fails is told to be unreadable."""
    try:
        return study(text)
    except Exception as error:  # noqa: BLE001 - a defect of the parser in one text must not hide the others
        return unread(f"cannot be read: the parser failed ({type(error).__name__})")


def _tell(line: Line) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
