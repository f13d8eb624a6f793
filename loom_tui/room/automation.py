"""What would undo an action by itself, and whether it is off: by its signal, by the step that turned it off, by a word.

It stays known after the action is over: what was turned off for a rollback must not be forgotten. Pure.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from loom_tui.room.payload import PayloadBase


class AutomationSaid(PayloadBase, frozen=True, tag="automation_said"):
    """A person said that an automation which would undo an action is off, or on again."""

    action: str  # its name in the plan
    text: str  # the automation's
    off: bool
    reason: str = ""


class AutomationWord(Struct, frozen=True):
    """Who said last of an automation whether it is off, and when."""

    off: bool
    by: str
    at: float


Automations = Mapping[tuple[str, str], AutomationWord]  # by action and text


class AutomationView(Struct, frozen=True, kw_only=True):
    """An automation that would undo an action. `off` is None where nobody said and no signal tells."""

    action: str
    text: str
    off: bool | None
    why: str
    since: float | None = None  # when it was turned off, where that is known
    by: str = ""
    step: str = ""  # of the action, that turns it off
    on_again: str = ""


def take(automations: Automations, payload: object, *, by: str, at: float) -> Automations:
    """Fold one event's payload in."""
    if not isinstance(payload, AutomationSaid):
        return automations
    return {**automations, (payload.action, payload.text): AutomationWord(payload.off, by, at)}


def told_of_automation(payload: AutomationSaid) -> str:
    """Tell a word on an automation, after its actor's name."""
    because = f": {payload.reason}" if payload.reason else ""
    return f"says that it is {'off' if payload.off else 'on again'}: {payload.text}{because}"


def automation_warnings(views: tuple[AutomationView, ...], name: str) -> Iterator[str]:
    """Say what would undo an action, unless it is known to be off."""
    for view in views:
        if view.action == name and view.off is not True:
            how = f"step “{view.step}” turns it off" if view.step else "turn it off first"
            known = "" if view.off is False else f", and whether it is on is not known ({view.why})"
            yield f"{view.text}: it would undo this{known}; {how}"
