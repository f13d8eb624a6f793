"""The launch poll in words."""

from __future__ import annotations

from loom_tui.room.verdicts import Choice, Polled, PollView
from loom_tui.widgets.text import age


def poll_words(poll: PollView, now: float) -> str:
    """Say whom the poll calls and for how long they have been silent, or how it ended."""
    heard = sum(bool(polled.heard) for polled in poll.roles)
    count = f"{heard} of {len(poll.roles)} heard"
    if poll.ended_by:
        return f"poll ended by {poll.ended_by}, {count}: {poll.ended_why}"
    if poll.calls:
        return f"{poll.calls}, go or no-go?  silent for {age(now - poll.since)}, {count}"
    return f"poll by {poll.by}: all {len(poll.roles)} heard"


def heard_words(polled: Polled) -> str:
    """Say what the poll heard of a role, the first word first."""
    words = [f"{'GO' if word.choice is Choice.GO else 'NO-GO'} {word.by}" for word in polled.heard]
    return ", then ".join(words) or "not heard yet"
