"""Why a pane shows no figures of now: never the words of a pane that is empty because all is well. Pure."""

from __future__ import annotations

from loom_tui.room.signals import State
from loom_tui.room.snapshot import SignalView, Snapshot
from loom_tui.widgets.lines import Ink, Span, clean
from loom_tui.widgets.text import age_of, stale_note


def silence(snapshot: Snapshot, view: SignalView) -> str:
    """Say why a signal tells nothing now: "Stale 7 m: 401, the token is not accepted"; empty where it does."""
    note = stale_note(view, snapshot.now)
    if note:
        feed = next((feed for feed in snapshot.feeds if feed.source == view.signal.source), None)
        why = "its source says nothing of it" if feed is None or feed.live else feed.why
        return f"{note.capitalize()}: {clean(why, limit=300)}"
    return clean(view.why, limit=300) if view.state is not State.OK else ""


def read_when(view: SignalView, now: float) -> Span:
    """Write a reading's age for a pane's edge; one that proves nothing any more says so."""
    note = stale_note(view, now)
    return Span(note or age_of(view, now), Ink.WARN if note else Ink.FAINT)
