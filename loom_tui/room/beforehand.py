"""What readings say before an action begins: its pre-flight rules, and the automation that would undo it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from loom_tui.plan.model import Automation, Rule
from loom_tui.room.acting import Outcome
from loom_tui.room.automation import AutomationView, AutomationWord
from loom_tui.room.proof import Facts, find
from loom_tui.room.snapshot import SignalView, Tried
from loom_tui.room.verification import filled_rules
from loom_tui.room.way import way_of


def preflights(facts: Facts, version: SignalView | None) -> Mapping[str, tuple[Tried, ...]]:
    """Hold each action's pre-flight rules to the readings, by the action's name."""
    found = {}
    for name, action in facts.plan.actions.items():
        if action.preflight:
            values = way_of(facts.plan, action, facts.ledger.actions, version).values(facts.plan)
            found[name] = tuple(tried(rule, facts) for rule in filled_rules(action.preflight, values))
    return found


def automations(facts: Facts) -> tuple[AutomationView, ...]:
    """Say of each automation whether it is off: its signal knows it best, then who spoke or acted last."""
    return tuple(
        _automation(name, each, facts) for name, action in facts.plan.actions.items() for each in action.undone_by
    )


def tried(rule: Rule, facts: Facts) -> Tried:
    """Hold one rule to the readings. One that holds, but not yet for long enough, is not known to hold."""
    finding = find(rule, facts)
    reading = finding.view.reading if finding.view is not None else None
    return Tried(
        signal=rule.signal,
        holds=None if finding.pending else finding.holds,
        words=finding.words,
        at=reading.observed_at if reading is not None else None,
    )


def _automation(name: str, automation: Automation, facts: Facts) -> AutomationView:
    word = max(_words(name, automation, facts), key=lambda each: each.at, default=None)
    shown = tried(automation.off, facts) if automation.off is not None else None
    off = word.off if word is not None else None
    why = f"{word.by} said so" if word is not None else "nobody said"
    if shown is not None and shown.holds is not None:
        off, why = shown.holds, f"{shown.signal}: {shown.words}"
    elif shown is not None:
        why = f"{why}; {shown.signal}: {shown.words}"
    known = off and word is not None and word.off
    return AutomationView(
        action=name,
        text=automation.text,
        off=off,
        why=why,
        since=word.at if known and word is not None else None,
        by=word.by if known and word is not None else "",
        step=automation.step,
        on_again=automation.on_again,
    )


def _words(name: str, automation: Automation, facts: Facts) -> Iterator[AutomationWord]:
    """Give who said or did what of an automation: a person, or the step that turns it off."""
    said = facts.ledger.automations.get((name, automation.text))
    if said is not None:
        yield said
    for view in facts.ledger.actions.views.values():
        for step in view.steps if view.armed.name == name and automation.step else ():
            if step.name == automation.step and step.outcome is Outcome.OK and step.ended_at is not None:
                yield AutomationWord(off=True, by=f"action {view.id}", at=step.ended_at)
