"""What ends a NO-GO, in words. Pure."""

from __future__ import annotations

from loom_tui.room.snapshot import Snapshot
from loom_tui.room.verdicts import Choice, CriterionView, GateState, Says, Verdict
from loom_tui.room.way import seen_release


def stays_words(snapshot: Snapshot) -> str:
    """Say of which release a NO-GO is, which may not be the one that runs, and what ends it; empty for another gate."""
    gate = snapshot.gate
    if gate.state is not GateState.NO_GO:
        return ""
    ends = [ends_of(view) for view in gate.no_go if view.verdict is Verdict.MET]
    ends += [f"{vote.role}'s vote taken back or lifted" for vote in gate.votes if vote.choice is Choice.NO_GO]
    runs = seen_release(snapshot.version)
    besides = f" ({runs} runs)" if runs and runs != gate.release else ""
    return f"{gate.release or 'It'}{besides} stays NO-GO until: {' · '.join(dict.fromkeys(ends))}"


def ends_of(view: CriterionView) -> str:
    """Say what ends a no-go that holds: fresh readings by themselves, else a person's word with a reason."""
    against = [item for item in view.evidence if item.says is not Says.FOR and item.need]
    ends = ", ".join(dict.fromkeys(item.need for item in against))
    shown = any(item.says is Says.AGAINST and item.kind in ("rule", "check") for item in against)
    lifted = any(item.awaits == "lifting" for item in against)
    return ends if shown or lifted else ", or ".join(filter(None, (ends, "lifted with a reason")))
