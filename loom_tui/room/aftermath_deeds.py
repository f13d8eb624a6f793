"""What a person may write down after a rollback: its steps, what is off or on again, a record of its root cause."""

from __future__ import annotations

from loom_tui.plan.criteria import folded
from loom_tui.plan.faults import suggestion
from loom_tui.room.aftermath import RollbackStepTicked, RootCauseOpened
from loom_tui.room.automation import AutomationSaid, AutomationView
from loom_tui.room.deeds import TEXT_LIMIT, Deed, Refused, words_of
from loom_tui.room.door import require
from loom_tui.room.root_cause import evidence
from loom_tui.room.snapshot import AftermathStep, AftermathView, Snapshot


def tick_rollback_step(step: str, *, done: bool, note: str = "") -> Deed:
    """Tick a step after the last rollback, by its name or its number from 1. A root cause is named in the note."""

    def deed(snapshot: Snapshot, actor: str) -> RollbackStepTicked:
        require(snapshot.plan, actor, RollbackStepTicked)
        view = _aftermath(snapshot)
        found = _step(view, step)
        if done and found.root_cause:
            words_of(note, "Say in a note what the root cause was: whoever reads it was not there")
        if len(note.strip()) > TEXT_LIMIT:
            raise Refused(f"A text has at most {TEXT_LIMIT} characters; this one has {len(note.strip())}")
        return RollbackStepTicked(action=view.action, step=found.name, done=done, note=note.strip())

    return deed


def say_automation(text: str, *, off: bool, reason: str = "") -> Deed:
    """Say that an automation which would undo an action is off, or on again. Its text, or a part of it, will do."""

    def deed(snapshot: Snapshot, actor: str) -> AutomationSaid:
        require(snapshot.plan, actor, AutomationSaid)
        found = _automation(snapshot, text)
        return AutomationSaid(action=found.action, text=found.text, off=off, reason=reason.strip()[:TEXT_LIMIT])

    return deed


def open_root_cause() -> Deed:
    """Open a record of the last rollback's root cause, with the evidence as it stands now."""

    def deed(snapshot: Snapshot, actor: str) -> RootCauseOpened:
        require(snapshot.plan, actor, RootCauseOpened)
        action = _aftermath(snapshot).action
        return evidence(snapshot, snapshot.actions_of.views[action])

    return deed


def _aftermath(snapshot: Snapshot) -> AftermathView:
    if snapshot.aftermath is None:
        raise Refused("No rollback was carried out here, or it is still under way")
    return snapshot.aftermath


def _step(view: AftermathView, word: str) -> AftermathStep:
    if not view.steps:
        raise Refused("The plan names no steps that follow a rollback: write [[rollback]]")
    for step in view.steps:
        if word.strip() == str(step.number) or folded(step.name) == folded(word):
            return step
    names = [step.name for step in view.steps]
    raise Refused(f"The plan's way back has no step {word!r}{suggestion(word, names)}")


def _automation(snapshot: Snapshot, word: str) -> AutomationView:
    found = [view for view in snapshot.automation if folded(word) in folded(view.text)]
    exact = [view for view in found if folded(view.text) == folded(word)]
    if len(exact or found) != 1:
        names = ", ".join(f"“{view.text}”" for view in found or snapshot.automation)
        raise Refused(f"Which automation is meant by {word!r}? The plan names {names or 'none: undone_by'}")
    return (exact or found)[0]
