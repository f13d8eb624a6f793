"""What holds besides the gate, as lines: a stop, a freeze, the action under way, what is left to do, who is down."""

from __future__ import annotations

from collections.abc import Iterator

from loom_tui.plan.freezes import frozen_at, frozen_words
from loom_tui.room.guard import UNDER_WAY
from loom_tui.room.locks import held
from loom_tui.room.nogo import stays_words
from loom_tui.room.snapshot import Snapshot
from loom_tui.widgets.standing import off_words
from loom_tui.widgets.text import age

MOST_NAMED = 5  # feeds


def standing_lines(snapshot: Snapshot) -> Iterator[str]:
    """Write what holds up or is under way; nothing where nothing does."""
    now, stop = snapshot.now, snapshot.actions_of.stop
    frozen = frozen_at(snapshot.plan, now)
    if stays := stays_words(snapshot):
        yield stays
    if stop is not None:
        which = "all actions" if stop.everything else "all actions but rollbacks"
        yield f"Stopped: {which}, by {stop.by} for {age(now - stop.at)}: {stop.reason}"
    if frozen is not None:
        yield f"Freeze: {frozen_words(snapshot.plan, frozen)}"
    for view in snapshot.actions:
        if view.state in UNDER_WAY:
            yield f"Under way: “{view.armed.label}” ({view.id}) is {view.state.value}. {held(view, now)}"
    after = snapshot.aftermath
    left = [step.name for step in after.steps if not step.done] if after is not None else []
    if after is not None and left:
        yield f"After rollback {after.action} there is left: {', '.join(left)} (loom aftermath)"
    for automation in snapshot.automation:
        if automation.off:
            yield f"Off: {off_words(automation, now)}"
    yield from _down(snapshot)


def _down(snapshot: Snapshot) -> Iterator[str]:
    """Say which feeds tell nothing, and why: what the gate lacks is often theirs. One never asked is no trouble yet."""
    asked = [feed for feed in snapshot.feeds if feed.report is not None]
    if asked and not snapshot.collector.alive:
        yield f"Nobody asks the world: {snapshot.collector.why}"
        return
    down = [feed for feed in asked if not feed.live]
    for feed in down[:MOST_NAMED]:
        heard = feed.report.last_success_at if feed.report is not None else None
        since = f"heard {age(snapshot.now - heard)} ago" if heard is not None else "never heard"
        yield f"Down: {feed.label} ({since}): {feed.why}"
    if len(down) > MOST_NAMED:
        yield f"Down: {len(down) - MOST_NAMED} more (loom doctor)"
