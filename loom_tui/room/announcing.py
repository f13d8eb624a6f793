"""What a person tells people in their own words: a guarded action of one step, which no plan names. Pure."""

from __future__ import annotations

from loom_tui.plan.acts import ActionKind, NotifyAct
from loom_tui.plan.faults import suggestion
from loom_tui.plan.model import Action, Plan
from loom_tui.room.acting import Announcement
from loom_tui.room.deeds import Refused, words_of
from loom_tui.room.messages import fit_to_send, one_line

NAME = "announcement"
SUBJECT = 80  # characters of the text that stand for it in a subject


def announce(plan: Plan, text: str, channels: tuple[str, ...] = ()) -> Announcement:
    """Make it of what a person wrote; no channels are all that the plan has. Raises Refused."""
    if not plan.channels:
        raise Refused("The plan names no channels: [channels.NAME] in loom.toml, see docs/plan.md")
    for name in channels:
        if name not in plan.channels:
            raise Refused(f"The plan has no channel {name!r}{suggestion(name, plan.channels)}")
    needed = "Nothing is said; write what people are to be told"
    text = words_of(fit_to_send(words_of(text, needed)), needed)  # what was only controls says nothing
    return Announcement(text=text, channels=tuple(dict.fromkeys(channels)) or tuple(plan.channels))


def action_of(plan: Plan, name: str, said: Announcement | None = None) -> Action:
    """Find the action that a name means, or make the one of somebody's own words. Raises Refused."""
    action = known_action(plan, name, said)
    if action is None:
        known = ", ".join(plan.actions)
        what = f"it has {known}" if known else "it names none: [actions]"
        raise Refused(f"The plan has no action {name!r}; {what}")
    return action


def known_action(plan: Plan, name: str, said: Announcement | None) -> Action | None:
    """Do the same; None for an action that this version of the plan does not have."""
    if said is None:
        return plan.actions.get(name)
    text = said.text
    step = NotifyAct(name="Tell people", channels=said.channels, text=text, subject=one_line(text, limit=SUBJECT))
    return Action(kind=ActionKind.NOTIFY, label="Tell people", steps=(step,), countdown_s=0.0)
