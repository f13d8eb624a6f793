"""What a reading says of a rule, now and over time. Anything but a fresh one of the right release is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from msgspec import Struct
from msgspec.structs import replace

from loom_tui.plan.model import Plan, Rule
from loom_tui.plan.signals import is_percentile
from loom_tui.room.ledger import Ledger
from loom_tui.room.signals import CLOCK_TOLERANCE_S, Bucket, Freshness, State, Stored
from loom_tui.room.snapshot import SignalView
from loom_tui.room.verdicts import Awaits

# What is needed of a signal, or of several that the gate tells as one.
NEEDED: Mapping[Awaits, str] = {"read": "{} read", "read again": "{} read again", "samples": "more samples of {}"}


class Facts(Struct, frozen=True, kw_only=True):
    """All that the gate is judged by. The plan's issues are as they stand."""

    plan: Plan
    ledger: Ledger
    signals: Mapping[str, SignalView]
    latest: Mapping[str, Stored]
    past: Mapping[str, tuple[Bucket, ...]]
    changed_at: float | None  # the last deploy, migration or rollback
    deployed_at: float | None  # the last deploy, unless it was rolled back
    now: float

    @property
    def release_since(self) -> float | None:
        """Since when the room's plan has been of this release and environment; None where it never adopted them."""
        adopted = self.ledger.ballot.adoption
        if adopted is None or not self.is_ours(adopted.release, adopted.environment):
            return None
        return adopted.since

    def is_ours(self, release: str, environment: str) -> bool:
        """Say whether something speaks of this release in this environment."""
        return release == self.plan.plan.release and environment == self.plan.plan.environment


class Finding(Struct, frozen=True, kw_only=True):
    """Whether a rule holds: None is unknown, and `pending` that it holds, but not yet for long enough."""

    holds: bool | None
    words: str
    need: str = ""  # of an unknown one: what would make it known
    awaits: Awaits = ""
    pending: bool = False
    view: SignalView | None = None


class Stretch(Struct, frozen=True):
    """The last unbroken stretch in which a rule held, and why the one before it ended."""

    since: float | None
    samples: int
    broken: str = ""


def find(rule: Rule, facts: Facts) -> Finding:
    """Hold a rule against what is known at `facts.now`."""
    view = facts.signals.get(rule.signal)
    if view is None:
        return Finding(holds=None, words="no source gives it", need=f"a source of {rule.signal}")
    trouble = _trouble(rule, view, facts)
    if trouble is not None:
        return trouble
    holds = _compare(rule, view)
    if holds is None:
        return _unknown("has no figure", f"a figure of {rule.signal}", view)
    words = _words(rule, view, holds=holds)
    if rule.for_s is None or not holds:
        return Finding(holds=holds, words=words, view=view)
    return _find_over_time(rule, view, facts, words)


def _find_over_time(rule: Rule, view: SignalView, facts: Facts, words: str) -> Finding:
    span_s = rule.for_s or 0.0
    start = max(facts.changed_at or 0.0, facts.release_since or 0.0)
    stretch = stretch_of(rule, view, facts, start=start)
    held_s = held(stretch, view)
    if held_s < span_s:
        words = f"{words} for {held_s:.0f} of {span_s:.0f} s"
        return Finding(holds=False, pending=True, words=words, view=view)
    if rule.min_samples is not None and stretch.samples < rule.min_samples:
        return _unknown(f"{stretch.samples} of {rule.min_samples} readings", f"more readings of {rule.signal}", view)
    return Finding(holds=True, words=f"{words} for {span_s:.0f} s", view=view)


def condition(rule: Rule) -> str:
    """Write what a rule says of its signal: "≤ 10", "is ok"."""
    parts = [f"is {rule.is_}"] if rule.is_ is not None else []
    parts += [f"≥ {rule.at_least:g}"] if rule.at_least is not None else []
    parts += [f"≤ {rule.at_most:g}"] if rule.at_most is not None else []
    return " and ".join(parts)


def _trouble(rule: Rule, view: SignalView, facts: Facts) -> Finding | None:
    """Say why a signal proves nothing, and what would mend that; None for a reading that may be believed."""
    name, reading = rule.signal, view.reading
    environment, release = view.signal.environment, facts.plan.plan.release
    if view.freshness is Freshness.NEVER:
        return _awaiting("read", _silence(view, facts, "never read"), view)
    if view.freshness is Freshness.FUTURE or _recorded_at(name, facts) > facts.now + CLOCK_TOLERANCE_S:
        return _unknown("read in the future: a clock is wrong", f"the clock of {name} put right", view)
    if view.freshness is Freshness.STALE:
        return _awaiting("read again", _silence(view, facts, "stale"), view)
    if reading is None:
        return _awaiting("samples", view.why, view)
    if view.state is State.UNKNOWN:
        return _unknown(view.why[:80] or "unknown", f"{name} known", view)
    if reading.environment != environment:
        return _unknown(f"of {reading.environment or 'no named environment'}", f"{name} of {environment}", view)
    if reading.release != release:
        return _unknown(f"of {reading.release or 'no named release'}", f"{name} of {release}", view)
    if is_percentile(name) and rule.min_samples is not None and (view.samples or 0) < rule.min_samples:
        return _awaiting("samples", f"{view.samples or 0} of {rule.min_samples} samples", view)
    if (is_percentile(name) or rule.for_s is not None) and facts.release_since is None:
        return _unknown(
            "this release was not adopted by the room", "the collector or a room to take this plan up", view
        )
    return None


def _unknown(words: str, need: str, view: SignalView) -> Finding:
    return Finding(holds=None, words=words, need=need, view=view)


def _awaiting(awaits: Awaits, words: str, view: SignalView) -> Finding:
    return replace(_unknown(words, NEEDED[awaits].format(view.signal.id), view), awaits=awaits)


def _recorded_at(name: str, facts: Facts) -> float:
    base = f"{name.rpartition('.')[0]}.ms" if is_percentile(name) else name
    stored = facts.latest.get(base)
    return stored.recorded_at if stored is not None else 0.0


def _silence(view: SignalView, facts: Facts, otherwise: str) -> str:
    """Say why nothing is heard of a signal: its source's own account, where it gives one."""
    source = facts.signals.get(view.signal.source)
    down = source is not None and source.reading is not None and source.reading.state is State.UNKNOWN
    return f"source down: {source.reading.detail[:60]}" if down and source is not None and source.reading else otherwise


def _compare(rule: Rule, view: SignalView) -> bool | None:
    """Compare a believable reading; None where it has no figure, or an infinite one, to compare."""
    reading = view.reading
    if reading is None:
        return None
    verdicts = [rule.is_ in (reading.state.value, reading.detail)] if rule.is_ is not None else []
    if rule.at_most is not None or rule.at_least is not None:
        value = reading.value
        if value is None or not isfinite(value):
            return None
        verdicts.append(_within(rule, value, value))
    return all(verdicts) if verdicts else None


def _within(rule: Rule, low: float, high: float) -> bool:
    return (rule.at_most is None or high <= rule.at_most) and (rule.at_least is None or low >= rule.at_least)


def _words(rule: Rule, view: SignalView, *, holds: bool) -> str:
    reading = view.reading
    assert reading is not None  # noqa: S101 - it was compared
    if rule.is_ is not None:
        found = reading.detail if reading.detail and rule.is_ not in ("ok", "bad") else reading.state.value
        return found[:80] if holds else f"{found[:80]}, not {rule.is_}"
    unit = f" {view.signal.unit}" if view.signal.unit else ""
    value = reading.value or 0.0
    figure = f"{value:.4g}{unit}" if abs(value) < 10_000 else f"{value:,.0f}{unit}"
    return f"{figure} {condition(rule)}" if holds else f"{figure}, not {condition(rule)}"


def stretch_of(rule: Rule, view: SignalView, facts: Facts, *, start: float) -> Stretch:
    """Find the unbroken stretch that ends with the signal's newest reading, and begins at `start` at the earliest.

    Buckets tell a stretch's ends only to their step, and are read so that it never looks longer than it was.
    """
    since: float | None = None
    samples, broken, end, step_s = 0, "", None, 1.0
    for bucket in facts.past.get(rule.signal, ()):
        if bucket.start < start:
            continue
        step_s = bucket.step_s
        silent_s = _silent_s(end, bucket.start, step_s, view.signal.ttl_s)
        end = bucket.start + step_s
        if not _held_in(rule, bucket):
            since, samples, broken = None, 0, f"was {_worst(rule, bucket)}"
            continue
        if since is None or silent_s:
            broken = f"silent for {silent_s:.0f} s" if silent_s else broken
            since, samples = end, 0
        samples += bucket.count
    newest_at = view.reading.observed_at if view.reading is not None else facts.now
    if silent_s := _silent_s(end, newest_at, step_s, view.signal.ttl_s):
        return Stretch(None, 0, f"silent for {silent_s:.0f} s")
    return Stretch(since, samples, broken)


def held(stretch: Stretch, view: SignalView) -> float:
    """Give the seconds for which a stretch is proved: up to the newest reading, not up to now."""
    if stretch.since is None or view.reading is None:
        return 0.0
    return max(0.0, view.reading.observed_at - stretch.since)


def _silent_s(end: float | None, start: float, step_s: float, ttl_s: float) -> float:
    """Give the length of a hole between two buckets; 0 where readings may have been fresh throughout."""
    gap_s = 0.0 if end is None else start - end
    return gap_s if gap_s >= step_s and gap_s + 2 * step_s > ttl_s else 0.0


def _held_in(rule: Rule, bucket: Bucket) -> bool:
    """Say whether a rule held of every reading of a bucket. Of a check, ok counts 1 and bad 0."""
    if rule.is_ == "ok":
        return bucket.low == 1.0
    if rule.is_ == "bad":
        return bucket.high == 0.0
    return rule.is_ is None and _within(rule, bucket.low, bucket.high)


def _worst(rule: Rule, bucket: Bucket) -> str:
    if rule.is_ is not None:
        return "bad" if rule.is_ == "ok" else "ok"
    return f"{bucket.high if rule.at_most is not None and bucket.high > rule.at_most else bucket.low:.4g}"
