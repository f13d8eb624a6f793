"""The plan's file while a room is open: taken again when it was edited, missed when it is gone."""

from __future__ import annotations

from loom_tui.config.plans import PlanFile, same_room
from loom_tui.plan.faults import PlanFaults
from loom_tui.plan.model import Plan

GONE_AFTER_S = 5.0  # an editor that writes anew takes the file away for a moment


class Editing:
    """What became of one plan's file since it was read. `trouble` says what a person must know of it."""

    def __init__(self, file: PlanFile, *, now: float) -> None:
        self._file = file
        self._there_at = now  # when it was last seen
        self._fault = self._gone = ""

    @property
    def trouble(self) -> str:
        """Say that it is gone, or what is wrong with it; empty where all is well."""
        return self._gone or self._fault

    def look(self, plan: Plan, now: float) -> Plan | None:
        """Give the plan as it was edited; None where it is the same, or cannot be taken: then the old one stays."""
        if not self._file.gone():
            self._there_at, self._gone = now, ""
        elif now - self._there_at > GONE_AFTER_S:
            self._gone = f"{self._file.path} is gone; the plan as it was stays in force"
        if not self._file.changed():
            return None
        try:
            edited = self._file.read()
        except (PlanFaults, OSError) as error:
            told = f"{self._file.path}: {error.strerror}" if isinstance(error, OSError) else str(error)
            first, *more = told.splitlines()
            rest = f" (and {len(more)} more: loom plan check)" if more else ""
            self._fault = f"{first}{rest}; the plan as it was stays in force"
            return None
        if not same_room(edited, plan):
            self._fault = (
                f"{self._file.path.name} is another room's plan now (its id or its store changed): leave and open it; "
                "here the plan as it was stays in force"
            )
            return None
        self._fault = ""
        return edited if edited != plan else None
