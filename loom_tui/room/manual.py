"""Steps by hand: what people did of a workflow, for one release in one environment. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from loom_tui.plan.model import Plan
from loom_tui.plan.signals import at_site
from loom_tui.plan.steps import ManualStep
from loom_tui.plan.workflows import Workflow
from loom_tui.room.events import Event, ManualStepDone, WorkflowBegun


class RunKey(Struct, frozen=True):
    """Whose steps: a workflow's, for a release in an environment. What was done for another proves nothing here."""

    workflow: str
    release: str
    environment: str


class Done(Struct, frozen=True):
    """What somebody did of one step. `tester` is who did it, where that is not who wrote it down."""

    payload: ManualStepDone
    by: str
    at: float

    @property
    def tester(self) -> str:
        """Name who did it."""
        return self.payload.tester or self.by


class ManualRun(Struct, frozen=True):
    """One going through of a workflow's steps by hand; a new one begins with no step done."""

    begun_at: float
    begun_by: str
    done: Mapping[str, Done] = {}  # by the step's name


Runs = Mapping[RunKey, ManualRun]


class ManualStepView(Struct, frozen=True):
    """A step and what was done of it; None where nobody has, or where that has aged out."""

    step: ManualStep
    done: Done | None


class ManualView(Struct, frozen=True, kw_only=True):
    """A workflow's steps by hand as they stand. `ended_at` is the last step's, once all of them are done."""

    workflow: Workflow
    release: str
    environment: str
    steps: tuple[ManualStepView, ...]
    begun_at: float | None = None
    begun_by: str = ""
    ended_at: float | None = None

    @property
    def alone(self) -> bool:
        """Whether the collector has no part in it."""
        return len(self.steps) == len(self.workflow.steps)

    @property
    def done(self) -> tuple[Done, ...]:
        """What was done, in the plan's order."""
        return tuple(step.done for step in self.steps if step.done is not None)


def take(runs: Runs, event: Event) -> Runs:
    """Fold an event in. A step that is done before anybody began begins the run."""
    payload = event.payload
    if not isinstance(payload, WorkflowBegun | ManualStepDone):
        return runs
    key = RunKey(payload.workflow, payload.release, payload.environment)
    if isinstance(payload, WorkflowBegun):
        return {**runs, key: ManualRun(event.at, event.actor)}
    run = runs.get(key, ManualRun(event.at, event.actor))
    done = {**run.done, payload.step: Done(payload, event.actor, event.at)}
    return {**runs, key: replace(run, done=done)}


def manual_views(plan: Plan, runs: Runs, *, now: float) -> Iterator[tuple[str, ManualView]]:
    """Show each workflow that has steps by hand, by its check's name."""
    for workflow in plan.workflows:
        if workflow.manual_steps:
            environment = at_site(plan, workflow).environment or plan.plan.environment
            run = runs.get(RunKey(workflow.key, plan.plan.release, environment))
            yield f"workflow.{workflow.key}", _view(workflow, run, plan.plan.release, environment, now)


def _view(workflow: Workflow, run: ManualRun | None, release: str, environment: str, now: float) -> ManualView:
    found = run.done if run is not None else {}
    old = now - workflow.ttl_s if workflow.ttl_s is not None else None
    steps = []
    for step in workflow.manual_steps:
        done = found.get(step.name)
        steps.append(ManualStepView(step, done if done is None or old is None or done.at >= old else None))
    ended = [step.done.at for step in steps if step.done is not None]
    return ManualView(
        workflow=workflow,
        release=release,
        environment=environment,
        steps=tuple(steps),
        begun_at=run.begun_at if run is not None else None,
        begun_by=run.begun_by if run is not None else "",
        ended_at=max(ended) if len(ended) == len(steps) else None,
    )
