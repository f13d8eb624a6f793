"""What a person may write down of steps by hand and of acceptance testing: each deed checks its words, or refuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from loom_tui.plan.faults import suggestion
from loom_tui.plan.model import Plan, Uat
from loom_tui.plan.signals import at_site
from loom_tui.plan.workflows import Workflow
from loom_tui.room.deeds import TEXT_LIMIT, Refused, words_of
from loom_tui.room.events import (
    FeedbackGiven,
    FeedbackSettled,
    ManualStepDone,
    ParticipantJoined,
    SessionHeld,
    WorkflowBegun,
)
from loom_tui.room.uat import UatView

NO_UAT = "The plan has no acceptance testing; add [uat] with features = […] to it (docs/workflows.md)"
Outcome = Literal["ok", "failed", "skipped"]
Severity = Literal["none", "minor", "major", "blocker"]


def workflow_of(plan: Plan, word: str) -> Workflow:
    """Find a workflow that has steps by hand, by its id or name. Raises Refused with what there is."""
    manual = {workflow.key: workflow for workflow in plan.workflows if workflow.manual_steps}
    wanted = word.strip().casefold().removeprefix("workflow.")
    for key, workflow in manual.items():
        if wanted in (key, workflow.name.casefold()):
            return workflow
    raise Refused(f"The plan has no workflow {word!r} with steps by hand{suggestion(wanted, manual)}")


def begin_workflow(plan: Plan, workflow: Workflow) -> WorkflowBegun:
    """Begin a workflow's steps by hand, anew."""
    return WorkflowBegun(workflow=workflow.key, release=plan.plan.release, environment=_environment(plan, workflow))


def do_step(
    plan: Plan, workflow: Workflow, step: str, outcome: Outcome, *, note: str = "", tester: str = ""
) -> ManualStepDone:
    """Judge a step, named or numbered from 1 among those by hand. One that failed says why."""
    names = [each.name for each in workflow.manual_steps]
    name = names[int(step) - 1] if step.isdecimal() and 1 <= int(step) <= len(names) else step
    if name not in names:
        raise Refused(f"{workflow.name} has no step {step!r} by hand{suggestion(step, names)}")
    if outcome == "failed" and not note.strip():
        raise Refused(f"Say in a note what went wrong with {name!r}: whoever reads it was not there")
    return ManualStepDone(
        workflow=workflow.key,
        step=name,
        outcome=outcome,
        note=_short(note),
        tester=_short(tester),
        release=plan.plan.release,
        environment=_environment(plan, workflow),
    )


def join_uat(plan: Plan, name: str, *, about: str = "") -> ParticipantJoined:
    """Take somebody into the acceptance testing."""
    _uat_of(plan)
    return ParticipantJoined(name=words_of(name, "A participant needs a name"), about=_short(about))


def hold_session(
    plan: Plan, participant: str, *, features: Sequence[str] = (), minutes: float | None = None, note: str = ""
) -> SessionHeld:
    """Note that a participant tried features of the plan's release."""
    uat = _uat_of(plan)
    if minutes is not None and not 0 < minutes <= 24 * 60:
        raise Refused(f"A session takes more than 0 and at most {24 * 60} minutes; found {minutes:g}")
    return SessionHeld(
        participant=words_of(participant, "A session needs a participant"),
        features=tuple(_feature(uat, each) for each in features if each.strip()),
        minutes=minutes,
        note=_short(note),
        release=plan.plan.release,
        environment=plan.plan.environment,
    )


def give_feedback(
    plan: Plan, participant: str, rating: int, *, severity: Severity = "none", feature: str = "", text: str = ""
) -> FeedbackGiven:
    """Note what a participant said of the plan's release. A blocker says what it is."""
    uat = _uat_of(plan)
    if not 1 <= rating <= 5:
        raise Refused(f"A rating is from 1 (poor) to 5 (good); found {rating}")
    if severity == "blocker" and not text.strip():
        raise Refused("Say what the blocker is: somebody has to settle it")
    return FeedbackGiven(
        participant=words_of(participant, "Feedback needs a participant"),
        rating=rating,
        severity=severity,
        feature=_feature(uat, feature) if feature.strip() else "",
        text=_short(text),
        release=plan.plan.release,
        environment=plan.plan.environment,
    )


def settle_feedback(view: UatView | None, feedback: int, *, reason: str) -> FeedbackSettled:
    """Say that what feedback spoke of no longer stands, and why."""
    if view is None:
        raise Refused(NO_UAT)
    said = next((each for each in (*view.feedback, *view.blockers) if each.id == feedback), None)
    if said is None:
        raise Refused(f"There is no feedback {feedback} on {view.release}; `loom uat show` lists it with its numbers")
    if not said.open:
        raise Refused(f"Feedback {feedback} was settled by {said.settled_by} already: nothing was written")
    return FeedbackSettled(feedback=feedback, reason=words_of(reason, "Say why it no longer stands"))


def _uat_of(plan: Plan) -> Uat:
    if plan.uat is None:
        raise Refused(NO_UAT)
    return plan.uat


def _feature(uat: Uat, word: str) -> str:
    """Find a feature by its name, or the beginning of it that no other has."""
    wanted = word.strip().casefold()
    found = [name for name in uat.features if name.casefold() == wanted] or [
        name for name in uat.features if name.casefold().startswith(wanted)
    ]
    if len(found) != 1:
        raise Refused(f"The plan's acceptance testing has no feature {word!r}{suggestion(word, uat.features)}")
    return found[0]


def _environment(plan: Plan, workflow: Workflow) -> str:
    return at_site(plan, workflow).environment or plan.plan.environment


def _short(text: str) -> str:
    if len(text.strip()) > TEXT_LIMIT:
        raise Refused(f"A text has at most {TEXT_LIMIT} characters; this one has {len(text.strip())}")
    return text.strip()
