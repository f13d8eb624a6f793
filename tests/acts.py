"""The sample room while it is rolled back, as snapshots: about to be armed, armed, in its second step, done."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from loom_tui.plan.acts import ActionKind, CommandAct, RequestAct
from loom_tui.plan.model import Action, Rule
from loom_tui.room.acting import ActionVerified, CountdownStarted, Outcome, StepEnded, StepStarted, VerificationStarted
from loom_tui.room.guarded import Approve
from loom_tui.room.snapshot import Snapshot
from tests.guards import Stage
from tests.samples import NOW, sample_observations, sample_plan

TAIL = (
    "Retrieving project …",
    "Fetching deployment dpl_8f2c",
    "Rolling back production to dpl_8f2c (v1.6.3)",
    "POST https://hooks.slack.com/services/••• 200 in 212 ms",
)
_STEPS = (
    CommandAct(name="Revert to last stable", run=("vercel", "rollback", "dpl_8f2c", "--yes")),
    RequestAct(name="Notify stakeholders", url="{hook}", json={"text": "rolled back to {to}"}),
)
_VERIFY = (Rule(signal="app.version", is_="{to}"), Rule(signal="sentry.errors_per_minute", at_most=1, for_s=300))
_ROLLBACK = Action(kind=ActionKind.ROLLBACK, label="Roll back", steps=_STEPS, verify=_VERIFY)
REASON = "sign-in fails for coaches since 14:45"


def stage() -> Stage:
    """The room as it is when somebody presses R."""
    made = Stage(replace(sample_plan(), actions={"rollback": _ROLLBACK}), sample_observations())
    made.now = NOW
    return made


def armed() -> Stage:
    """A room in which ana armed it 20 s ago."""
    made = stage()
    made.arm(reason=REASON)
    made.now += 20
    return made


def running() -> Stage:
    """A room in which its second step has begun 12 s ago."""
    made = armed()
    made.do("bo", Approve(2))
    made.alive(2)
    made.run(CountdownStarted(action=2, run="r1", host="bastion", ends_at=made.now + 5))
    made.now += 5
    made.run(StepStarted(action=2, run="r1", step=0))
    made.now += 38
    made.run(StepEnded(action=2, run="r1", step=0, outcome=Outcome.OK))
    made.run(StepStarted(action=2, run="r1", step=1))
    made.now += 12
    made.alive(2)
    return made


def done() -> Stage:
    """A room in which the world showed that it is done."""
    made = running()
    made.run(StepEnded(action=2, run="r1", step=1, outcome=Outcome.OK, tail="\n".join(TAIL)))
    made.run(VerificationStarted(action=2, run="r1"))
    made.now += 301
    evidence = ("app.version: is v1.6.3", "sentry.errors_per_minute: 0.2 for 300 s")
    made.run(ActionVerified(action=2, run="r1", evidence=evidence))
    made.now += 15
    return made


ACTS: Mapping[str, Callable[[], Snapshot]] = {
    "rollback": lambda: stage().snapshot(),
    "armed": lambda: armed().snapshot(),
    "running": lambda: running().snapshot(),
    "done": lambda: done().snapshot(),
}
