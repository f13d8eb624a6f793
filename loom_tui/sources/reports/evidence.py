"""What a report proves: a verdict, its figures and its own moment. Zero tests and set-up errors prove nothing."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from loom_tui.room.checks import Step
from loom_tui.room.signals import State

SHOWN = 50  # findings that a check's detail names; the figures count them all


class Evidence(Struct, frozen=True, kw_only=True):
    """A report as it was read. `written_at` is the report's own word (Unix seconds), where it says one."""

    state: State
    detail: str
    values: Mapping[str, float] = {}
    steps: tuple[Step, ...] = ()
    written_at: float | None = None


class NoEvidence(Exception):
    """A report that proves nothing; the message says why, after the report's name."""


def counted(number: float, noun: str) -> str:
    """Write "1 error", "2 errors"."""
    return f"{number:,.0f} {noun}{'' if number == 1 else 's'}"
