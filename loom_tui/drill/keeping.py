"""Where what a drill took is kept: in the journal of a room that stays, for a drill's own is gone with its world."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from loom_tui.gathering import append_payload
from loom_tui.plan.model import Plan
from loom_tui.room.door import Person, require
from loom_tui.room.drills import DrillEnded
from loom_tui.store.base import Store, StoreError, StoreMissing
from loom_tui.store.sqlite import open_store

DRILLS = "loom drills"  # the room that is none: it holds the drills that belong to no team's plan


class Keep(Struct, frozen=True, kw_only=True):
    """A room's journal: of the team's plan, or (None) of one's drills alone."""

    directory: Path
    plan: Plan | None = None

    def past(self) -> tuple[DrillEnded, ...]:
        """Give the drills that were kept here, oldest first. Raises StoreError."""
        try:
            store = self._open(read_only=True)
        except StoreMissing:
            return ()
        except StoreError:
            store = self._open()  # of an older version is made new; whatever else is wrong is said again
        try:
            return tuple(event.payload for event in store.events() if isinstance(event.payload, DrillEnded))
        finally:
            store.close()

    def hold(self, login: str) -> None:
        """Hold a person to the right to write here, before they drill. Raises Refused."""
        if self.plan is not None:
            require(self.plan, login, DrillEnded)

    def add(self, ended: DrillEnded, *, login: str, at: float) -> None:
        """Write a drill down. Raises StoreError, Refused."""
        store = self._open()
        try:
            if self.plan is None:
                store.append(ended, actor=login, at=at)
            else:
                append_payload(store, ended, plan=self.plan, person=Person(login), at=at)
        finally:
            store.close()

    def _open(self, *, read_only: bool = False) -> Store:
        if self.plan is None:
            return open_store(self.directory, plan_id=DRILLS, read_only=read_only)
        group = self.plan.store.group or None
        return open_store(self.directory, plan_id=self.plan.plan.room_id, group=group, read_only=read_only)
