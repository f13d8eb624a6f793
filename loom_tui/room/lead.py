"""Who leads the room: the plan's first lead, until the lead is handed over. Pure."""

from __future__ import annotations

from loom_tui.plan.criteria import may
from loom_tui.plan.model import Plan, Right
from loom_tui.room.deeds import Deed, Refused, words_of
from loom_tui.room.door import require
from loom_tui.room.events import LeadGiven, Payload
from loom_tui.room.presence import names
from loom_tui.room.snapshot import Snapshot


def lead_of(plan: Plan, given: LeadGiven | None) -> str:
    """Name who leads: whom the lead was given to last, as long as they may act; else the plan's; empty: nobody."""
    if given is not None and may(plan, given.to, Right.OPERATOR):
        return given.to
    return next((operator.login for operator in plan.operators if operator.may is Right.LEAD), "")


def give_lead(to: str, *, reason: str = "") -> Deed:
    """Hand the lead over. Only the lead may; where they are not in the room, an approver with a reason."""

    def deed(snapshot: Snapshot, actor: str) -> Payload:
        require(snapshot.plan, actor, LeadGiven)
        heir, lead = words_of(to, "Say who leads from now on"), snapshot.lead
        if not may(snapshot.plan, heir, Right.OPERATOR):
            raise Refused(f"{heir} may not lead: the plan's [[operators]] do not make them an operator")
        if heir == lead:
            raise Refused(f"{heir} leads already")
        why = reason.strip()
        if lead and lead != actor:
            if lead in names(snapshot.present):
                raise Refused(f"{lead} leads, and is in the room: it is theirs to hand over")
            why = words_of(reason, f"{lead} leads, and is not in the room: to pass the lead on needs a reason")
        if lead != actor and not may(snapshot.plan, actor, Right.APPROVER):
            raise Refused(f"{actor} may not pass the lead on: the lead may, or else an approver")
        return LeadGiven(to=heir, reason=why)

    return deed
