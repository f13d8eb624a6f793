"""When things can be done: the critical path over issues and milestones, in working hours."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from loom_tui.plan.model import IssueId


class Progress(Struct, frozen=True, kw_only=True):
    """What actually happened (Unix seconds): it replaces what was planned."""

    started_at: Mapping[IssueId, float] = {}
    done_at: Mapping[IssueId, float] = {}


class Item(Struct, frozen=True, kw_only=True):
    """One issue's or milestone's place. Times are Unix seconds; slack is in working hours."""

    earliest_start: float
    earliest_finish: float
    latest_start: float
    latest_finish: float
    slack_hours: float
    critical: bool


class Schedule(Struct, frozen=True, kw_only=True):
    """The schedule of a plan. `chain` is the longest chain of issue ids and milestone names, in order."""

    items: Mapping[IssueId, Item]
    milestones: Mapping[str, Item]
    chain: tuple[IssueId | str, ...]
    finish_at: float | None
    p50_at: float | None = None
    p80_at: float | None = None
    p95_at: float | None = None
