"""What every expected error has in common: its message is a sentence for a person, and it has an exit code."""

from __future__ import annotations


class Refusal(Exception):
    """Loom will not or cannot do something; the message says what is wrong and what to do."""

    exit_code = 1
