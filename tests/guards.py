"""A room with guarded actions, in which people and runners do one thing after another: no store, no processes."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from loom_tui.plan.acts import ActionKind, CommandAct
from loom_tui.plan.model import Action, Criterion, Plan, Rule
from loom_tui.room.acting import ActionPayload, CountdownStarted, OfAction, Outcome, StepEnded, StepStarted
from loom_tui.room.deeds import Refused
from loom_tui.room.door import Person, admitted
from loom_tui.room.events import Event, Payload, PlanAdopted, decode_payload, encode_payload
from loom_tui.room.fold import fold
from loom_tui.room.guard import ActionState
from loom_tui.room.guarded import Approve, Arm, Intent, decide, deed_of, permit
from loom_tui.room.preview import preview
from loom_tui.room.snapshot import Observations, Snapshot
from tests.gates import ENVIRONMENT, NOW, RELEASE, plan, read, reading

VERIFY = (Rule(signal="app.version", is_="{to}"),)
STEPS = (
    CommandAct(name="Revert", run=("vercel", "rollback", "{to}")),
    CommandAct(name="Tell", run=("notify", "{from}"), idempotent=True),
)
ROLLBACK = Action(kind=ActionKind.ROLLBACK, label="Roll back", steps=STEPS, verify=VERIFY)
DEPLOY = Action(kind=ActionKind.DEPLOY, label="Deploy", steps=STEPS[:1], verify=VERIFY)
PURGE = Action(kind=ActionKind.COMMAND, label="Purge", steps=STEPS[1:])
ACTIONS = {"rollback": ROLLBACK, "deploy": DEPLOY, "purge": PURGE}


def guarded_plan(a_plan: Plan | None = None, **changes: object) -> Plan:
    """A plan with these actions, and a last stable release."""
    base = a_plan or plan(go=[Criterion(text="Feedback positive")])
    about = replace(base.plan, last_stable="v1")
    return replace(base, plan=about, **{"actions": ACTIONS, **changes})


class Stage:
    """A room at NOW, which moves on only when it is told to."""

    def __init__(self, a_plan: Plan | None = None, seen: Observations | None = None) -> None:
        self.plan = a_plan or guarded_plan()
        self.seen = seen or read(reading("app.version", detail=RELEASE))
        self.now = NOW
        self.runners: dict[int, float] = {}
        self.events: list[Event] = []
        self.write("ana", PlanAdopted(plan_hash="p1", release=RELEASE, environment=ENVIRONMENT))

    def write(self, actor: str, payload: Payload) -> int:
        assert decode_payload(encode_payload(payload)) == payload
        seq = len(self.events) + 1
        self.events.append(Event(seq=seq, at=self.now, actor=actor, payload=payload, hash=""))
        return seq

    def snapshot(self) -> Snapshot:
        return fold(self.plan, self.events, replace(self.seen, runners=self.runners), self.now)

    def do(self, actor: str, intent: Intent) -> int:
        return self.write(actor, decide(intent, self.snapshot(), actor))

    def refused(self, actor: str, intent: Intent, *, read_only: bool = False) -> str:
        with pytest.raises(Refused) as refusal:
            admitted(deed_of(intent), Person(actor, read_only))(self.snapshot(), actor)
        return str(refusal.value)

    def arming(self, name: str = "rollback", **changes: object) -> Arm:
        seen = preview(self.snapshot(), name)
        given = {"seen": seen, "environment": ENVIRONMENT, "plan_hash": "p1", "reason": "errors", **changes}
        return Arm(**given)  # type: ignore[arg-type]

    def arm(self, name: str = "rollback", actor: str = "ana", **changes: object) -> int:
        return self.do(actor, self.arming(name, **changes))

    def run(self, payload: OfAction, actor: str = "ana") -> int:
        return self.write(actor, permit(payload, self.snapshot(), actor))

    def barred(self, payload: OfAction, actor: str = "ana") -> str:
        with pytest.raises(Refused) as refusal:
            permit(payload, self.snapshot(), actor)
        return str(refusal.value)

    def begun(self, name: str = "rollback", *, step: int = -1, override: bool = False) -> int:
        """Arm, approve and claim; with `step`, all before it done, and that one begun."""
        action = self.arm(name, override=override)
        self.do("bo", Approve(action))
        self.alive(action)
        self.run(CountdownStarted(action=action, run="r1", host="h", ends_at=self.now + 5))
        for index in range(step):
            self.run(StepStarted(action=action, run="r1", step=index))
            self.run(StepEnded(action=action, run="r1", step=index, outcome=Outcome.OK))
        if step >= 0:
            self.run(StepStarted(action=action, run="r1", step=step))
        return action

    def alive(self, action: int) -> None:
        self.runners[action] = self.now + 10

    def state(self, action: int) -> ActionState:
        return next(view.state for view in self.snapshot().actions if view.id == action)

    def payloads(self) -> list[ActionPayload]:
        return [event.payload for event in self.events if isinstance(event.payload, ActionPayload)]
