"""What the gate's words must agree on: rules with signals, criteria with roles, votes with voters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from loom_tui.plan.criteria import Named, Part, checks_of, criteria_of, logins_of, proof_is_named
from loom_tui.plan.faults import Fault, suggestion
from loom_tui.plan.kinds import Kind
from loom_tui.plan.model import Plan, Rule
from loom_tui.plan.signals import Signal, is_percentile, signals_of

_LONGEST_S = 30 * 86_400.0  # so long are readings kept by the minute
_NUMBERS = (Kind.NUMBER, Kind.LATENCY)


def check_gate(plan: Plan) -> Iterator[Fault]:
    """List the faults and warnings of criteria, risks' triggers, votes and operators."""
    signals = signals_of(plan)
    for index, risk in enumerate(plan.risks, 1):
        if risk.trigger is not None:
            yield from rule_faults(f"risks[{index}].trigger", risk.trigger, signals)
    for issue in plan.issues:
        yield from _checks(f"issue #{issue.id}", checks_of(issue), signals)
    for named in criteria_of(plan):
        yield from _criterion(plan, named, signals)
    yield from _identities(plan)
    yield from _people(plan)


def rule_faults(where: str, rule: Rule, signals: dict[str, Signal], *, clock: bool = False) -> Iterator[Fault]:
    """List what is wrong with what is said of a signal."""
    signal = signals.get(rule.signal)
    if signal is None:
        yield Fault(where, f"signal `{rule.signal}` does not exist{suggestion(rule.signal, signals)}")
    elif fault := _unfit(rule, signal):
        yield Fault(where, fault)
    low, high = rule.at_least, rule.at_most
    if rule.is_ is None and high is None and low is None:
        yield Fault(where, "says nothing of the signal; write is, at_most or at_least")
    if low is not None and high is not None and low > high:
        yield Fault(where, f"at_least {low:g} is more than at_most {high:g}; it could never hold")
    if rule.for_s is not None and not 0 < rule.for_s <= _LONGEST_S:
        yield Fault(where, f"for_s {rule.for_s:g} is not between 0 and {_LONGEST_S:.0f} seconds (30 days)")
    yield from _over_time(where, rule, signal, clock=clock)


def _unfit(rule: Rule, signal: Signal) -> str:
    """Say why a comparison does not fit a signal's kind; empty where it does."""
    compares = rule.at_most is not None or rule.at_least is not None
    if signal.kind is Kind.BODY:
        return f"signal `{signal.id}` is a document, which no rule can compare"
    if signal.kind in _NUMBERS and rule.is_ is not None:
        return f"signal `{signal.id}` is a number; write at_most or at_least"
    if signal.kind not in _NUMBERS and compares:
        return f"signal `{signal.id}` is no number; write is"
    if signal.kind is Kind.CHECK and rule.is_ not in (None, "ok", "bad"):
        return f'signal `{signal.id}` is a check; write is = "ok" or is = "bad", not {rule.is_!r}'
    return ""


def _over_time(where: str, rule: Rule, signal: Signal | None, *, clock: bool) -> Iterator[Fault]:
    percentile = signal is not None and is_percentile(signal.id)
    if (rule.for_s is not None or clock) and signal is not None and (percentile or signal.kind is Kind.TEXT):
        kind = "a percentile, which has a window of its own" if percentile else "a word, whose past is not kept"
        yield Fault(where, f"signal `{signal.id}` is {kind}; no {'clock' if clock else 'for_s'} can run on it")
    if rule.min_samples is None:
        return
    if rule.min_samples < 1:
        yield Fault(where, f"min_samples {rule.min_samples} must be at least 1")
    if not percentile and rule.for_s is None:
        yield Fault(where, "min_samples counts a percentile's executions or the readings of for_s; here is neither")


def _criterion(plan: Plan, named: Named, signals: dict[str, Signal]) -> Iterator[Fault]:
    criterion = named.criterion
    where = f"criterion `{criterion.text}`"
    clock = criterion.clock_hours is not None
    for rule in criterion.rules:
        yield from rule_faults(where, rule, signals, clock=clock)
    yield from _checks(where, criterion.checks, signals)
    people = {stakeholder.name for stakeholder in plan.stakeholders} | logins_of(plan)
    for name in criterion.signoffs:
        if name not in people:
            yield Fault(where, f"is to be signed off by `{name}`, who is no stakeholder{suggestion(name, people)}")
    if criterion.id and not re.fullmatch(r"[a-z][a-z0-9_-]*", criterion.id):
        yield Fault(where, f"id `{criterion.id}`: an id is small letters, digits, - and _")
    if criterion.votes and named.part is Part.NO_GO:
        yield Fault(where, "votes = true is for a go criterion; a no-go vote is NO-GO by itself")
    if criterion.votes and not any(stakeholder.votes for stakeholder in plan.stakeholders):
        yield Fault(where, "asks for votes, but no stakeholder has votes = true")
    if clock:
        yield from _clock(where, named)


def _checks(where: str, names: Iterable[str], signals: dict[str, Signal]) -> Iterator[Fault]:
    for name in names:
        signal = signals.get(name)
        if signal is None or signal.kind is not Kind.CHECK:
            what = "does not exist" if signal is None else "is no check"
            checks = {name for name, signal in signals.items() if signal.kind is Kind.CHECK}
            yield Fault(where, f"check `{name}` {what}{suggestion(name, checks)}")


def _clock(where: str, named: Named) -> Iterator[Fault]:
    criterion = named.criterion
    hours = criterion.clock_hours or 0.0
    if named.part in (Part.GO, Part.NO_GO):
        yield Fault(where, "a clock runs from the deploy, so it is for deployment and post_deployment criteria")
    if not 0 < hours * 3600 <= _LONGEST_S:
        yield Fault(where, f"clock_hours {hours:g} is not between 0 and {_LONGEST_S / 3600:.0f}")
    if not (criterion.rules or criterion.checks):
        yield Fault(where, "has a clock, but no rule or check that it could run on")


def _identities(plan: Plan) -> Iterator[Fault]:
    seen: dict[str, Named] = {}
    for named in criteria_of(plan):
        other = seen.setdefault(named.key, named)
        if other.criterion != named.criterion or other.part != named.part:
            what = "id" if named.criterion.id else "text"
            yield Fault(
                f"criterion `{named.criterion.text}`",
                f"has the same {what} as another; a vote or a waiver could not tell them apart: give each its own id",
            )


def _people(plan: Plan) -> Iterator[Fault]:
    voters = [stakeholder for stakeholder in plan.stakeholders if stakeholder.votes]
    for name, times in Counter(stakeholder.name for stakeholder in voters).items():
        if times > 1:
            yield Fault("stakeholders", f"`{name}` votes {times} times; a role has one vote")
    for stakeholder in voters:
        if not stakeholder.who:
            yield Fault(
                f"stakeholder `{stakeholder.name}`",
                'votes, but nobody is named: anybody may vote for it; write who = ["login"]',
                "warning",
            )
    for login, times in Counter(operator.login for operator in plan.operators).items():
        if times > 1:
            yield Fault("operators", f"`{login}` is there {times} times")
    if plan.gate.vote_hours <= 0 or plan.gate.signoff_hours <= 0:
        yield Fault("gate", "vote_hours and signoff_hours must be above 0")
    judged = voters or any(proof_is_named(named.criterion) for named in criteria_of(plan) if named.part is Part.GO)
    if judged and not plan.plan.release:
        yield Fault("plan.release", "is not named: votes and evidence are for a release, and GO needs one", "warning")
