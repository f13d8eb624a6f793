"""What is known of an action before it is armed, in words: of the release it goes back to, and of how long it takes."""

from __future__ import annotations

from loom_tui.room.automation import AutomationView
from loom_tui.room.drills import DrillEnded, told_of_times, took
from loom_tui.room.preview import Preview
from loom_tui.room.runs import LastRun
from loom_tui.room.snapshot import Tried
from loom_tui.room.standing import Standing
from loom_tui.widgets.text import age


def target_words(known: Standing, now: float) -> str:
    """Say how a release has done here; empty where nothing is known of it."""
    words = []
    if known.verified_at is not None:
        words.append(f"verified {age(now - known.verified_at)} ago")
    if known.healthy_at is not None:
        words.append(f"seen healthy {age(now - known.healthy_at)} ago")
    if known.served_s is not None:
        words.append(f"served up to {age(known.served_s)}")  # nobody may have watched for a part of it
    health = known.health
    if health is not None and health.crash_free_sessions is not None:
        words.append(f"{health.crash_free_sessions:.2f} % of {health.sessions:,} sessions crash-free")
    return ", ".join(words)


def run_words(run: LastRun, now: float) -> str:
    """Say how long an action took when it was done last, how it ended, and when that was."""
    how_long = f"{took(run.took_s)}, " if run.took_s is not None else ""
    return f"last run {how_long}{run.state.value}, {age(now - run.at)} ago"


def drill_words(drill: DrillEnded, now: float) -> str:
    """Say what the team took in its last drill of a rollback, and when that was."""
    return f"last drill {age(now - drill.began_at)} ago ({drill.scenario}): {told_of_times(drill.times)}"


def step_words(seen: Preview, index: int) -> str:
    """Say how long a step took in the last drill and in the last run; empty where it was never done."""
    last = seen.last_run.steps_s if seen.last_run is not None else ()
    drilled_s = seen.drilled_s[index] if index < len(seen.drilled_s) else None
    last_s = last[index] if index < len(last) else None
    words = [f"last drill {took(drilled_s)}"] if drilled_s is not None else []
    words += [f"last run {took(last_s)}"] if last_s is not None else []
    return ", ".join(words)


def off_words(view: AutomationView, now: float) -> str:
    """Say which automation is off, since when, by whom, and how it is turned on again."""
    since = f" for {age(now - view.since)}" if view.since is not None else ""
    by = f", by {view.by}" if view.by else f" ({view.why})"
    again = f"; on again: {view.on_again}" if view.on_again else ""
    return f"{view.text}{since}{by}{again}"


def tried_words(tried: Tried, now: float) -> str:
    """Say what a pre-flight rule found, and how old that is."""
    when = f", {age(now - tried.at)} ago" if tried.at is not None else ""
    return f"pre-flight {tried.signal}: {tried.words}{when}"
