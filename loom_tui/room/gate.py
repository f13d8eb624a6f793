"""The gate: GO, HOLD or NO-GO from the criteria. Absence of proof, of rules or of criteria is HOLD, never GO."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from msgspec.structs import replace

from loom_tui.plan.criteria import Named, Part, checks_of, clock_rules, criteria_of, proof_is_named
from loom_tui.plan.model import Issue, IssueId, Rule, Status
from loom_tui.plan.words import issue_name
from loom_tui.room.consent import anybody, attestations, denials, vote_evidence, vote_views, waiver_of, word_evidence
from loom_tui.room.events import IssueStatusSet, NoGoShown, SignedOff
from loom_tui.room.poll import poll_view
from loom_tui.room.proof import NEEDED, Facts, condition, find, held, stretch_of
from loom_tui.room.proved import findings_of, state_of, why_of
from loom_tui.room.signals import State
from loom_tui.room.verdicts import (
    Choice,
    Clock,
    CriterionView,
    Evidence,
    GateState,
    GateView,
    Says,
    Verdict,
    VoteView,
)

_NEEDS_NAMED = 5  # in the sentence; all of them are in `needs`
_ALIKE_NAMED = 2  # of those that await the same


def judge(facts: Facts) -> GateView:
    """Judge the plan's criteria and the votes on what is known at `facts.now`."""
    votes = vote_views(facts)
    views: dict[Part, list[CriterionView]] = {part: [] for part in Part}
    for named in criteria_of(facts.plan):
        views[named.part].append(_criterion(named, facts, votes))
    views[Part.NO_GO] += [*_orphans(facts), *_blocking_errors(facts)]
    gate = GateView(
        state=GateState.HOLD,
        why="",
        go=tuple(views[Part.GO]),
        no_go=tuple(views[Part.NO_GO]),
        deployment=tuple(views[Part.DEPLOYMENT]),
        post_deployment=tuple(views[Part.POST_DEPLOYMENT]),
        votes=votes,
        poll=poll_view(facts),
        release=facts.plan.plan.release,
        environment=facts.plan.plan.environment,
    )
    against = _against(gate)
    needs = _needs(gate)
    gate = replace(gate, needs=tuple(needs))
    if against:
        return replace(gate, state=GateState.NO_GO, why=" · ".join(against))
    if needs:
        return replace(gate, why=f"needs {' · '.join(_shown(needs))}")
    return replace(gate, state=GateState.GO, why=_go_words(gate))


def _against(gate: GateView) -> list[str]:
    """Say what makes it NO-GO: each no-go criterion that holds, each vote against going."""
    criteria = [f"{view.text} ({view.why})" for view in gate.no_go if view.verdict is Verdict.MET]
    votes = [vote for vote in gate.votes if vote.choice is Choice.NO_GO]
    return criteria + [
        f"{vote.role} votes no-go ({vote.by}{': ' + vote.reason if vote.reason else ''})" for vote in votes
    ]


def _go_words(gate: GateView) -> str:
    waived = sum(view.verdict is Verdict.WAIVED for view in gate.go)
    parts = [f"{len(gate.go)} of {len(gate.go)} criteria met{f', {waived} of them waived' if waived else ''}"]
    if gate.no_go:
        parts.append(f"none of {len(gate.no_go)} no-go criteria holds")
    if gate.votes:
        parts.append(f"{len(gate.votes)} of {len(gate.votes)} votes are go")
    return " · ".join(parts)


def _needs(gate: GateView) -> dict[str, Evidence | None]:
    """List what GO still needs and from whom, and the evidence that says so; empty only where nothing is in its way."""
    if not gate.go:
        return {"go criteria: the plan has none, and nothing proves that it is safe to go": None}
    open_views = [view for view in gate.go if view.verdict not in (Verdict.MET, Verdict.WAIVED)]
    open_views += [view for view in gate.no_go if view.verdict is not Verdict.NOT_MET]
    found = [item for view in open_views for item in view.evidence if item.says is not Says.FOR]
    undone = dict.fromkeys(item.need for item in found if _is_undone(item))
    needs: dict[str, Evidence | None] = {} if gate.release else {"the plan to name its release": None}
    if undone:
        needs[f"{_listed(undone)} done"] = None
    for item in found:
        if item.need and not _is_undone(item):
            needs.setdefault(item.need, item)
    unproved = [view.text for view in open_views if not view.evidence]
    if len(unproved) == 1:
        needs[f"a rule or a sign-off for “{unproved[0]}”"] = None
    elif unproved:
        needs[f"rules or sign-offs for {len(unproved)} criteria"] = None
    silent = [vote.role for vote in gate.votes if vote.choice is None]
    if silent:
        needs[f"{'votes' if silent[1:] else 'the vote'} from {_listed(silent)}"] = None
    return needs or {view.text: None for view in open_views}


def _is_undone(item: Evidence) -> bool:
    return item.kind == "issue" and item.says is Says.AWAITED


def _listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _shown(needs: Mapping[str, Evidence | None]) -> list[str]:
    """Choose what the sentence says of the needs: signals that all wait for the same as one, and no more than a few."""
    shown = list(needs)
    for awaits, words in NEEDED.items():
        alike = {need: item.subject for need, item in needs.items() if item is not None and item.awaits == awaits}
        if len(alike) > _ALIKE_NAMED:
            first, *others = alike
            as_one = words.format(f"{alike[first]} and {len(others)} other signals")
            shown = [as_one if need == first else need for need in shown if need not in others]
    more = [f"and {len(shown) - _NEEDS_NAMED} more"] if len(shown) > _NEEDS_NAMED else []
    return [*shown[:_NEEDS_NAMED], *more]


def _criterion(named: Named, facts: Facts, votes: Sequence[VoteView]) -> CriterionView:
    criterion = named.criterion
    clock, clock_evidence = _clock(named, facts) if criterion.clock_hours is not None else (None, None)
    evidence = [*denials(named, facts)]
    if not proof_is_named(criterion):
        word = anybody(named, facts)
        evidence += [word] if word is not None else []
    else:
        evidence += [_issue(issue_id, facts) for issue_id in criterion.issues]
        if clock_evidence is None or clock_evidence.says is not Says.FOR:
            evidence += _readings(named, facts)
        evidence += [clock_evidence] if clock_evidence is not None else []
        evidence += attestations(named, facts)
        evidence += [vote_evidence(vote) for vote in votes] if criterion.votes else []
    view = CriterionView(
        key=named.key,
        text=criterion.text,
        verdict=Verdict.UNKNOWN,
        why="no rule yet",
        claimed=criterion.claimed,
        observed_at=min((item.at for item in evidence if item.at is not None and item.kind != "issue"), default=None),
        evidence=tuple(evidence),
        clock=clock,
    )
    return _no_go(view, facts) if named.part is Part.NO_GO else _go(view, named, facts)


def _go(view: CriterionView, named: Named, facts: Facts) -> CriterionView:
    """Judge a go or success condition: all of its evidence must speak for it, or a waiver does."""
    says = {item.says for item in view.evidence}
    if says & {Says.AGAINST, Says.AWAITED}:
        view = replace(view, verdict=Verdict.NOT_MET, why=_why(view))
    elif Says.UNKNOWN in says:
        view = replace(view, why=_why(view))
    elif view.evidence:
        return replace(view, verdict=Verdict.MET, why=_why(view))
    waiver = waiver_of(named, facts)
    if waiver is None:
        return view
    if not waiver.agreed_by:
        return replace(view, waiver=waiver)
    why = f"waived by {waiver.by} and {waiver.agreed_by}: {waiver.reason}"
    return replace(view, waiver=waiver, verdict=Verdict.WAIVED, why=why)


def _no_go(view: CriterionView, facts: Facts) -> CriterionView:
    """Judge a no-go condition. It holds when anything shows it to, and until fresh proof or a person says otherwise."""
    says = {item.says for item in view.evidence}
    if Says.AGAINST in says:
        return replace(view, verdict=Verdict.MET, why=_why(view))
    if _readings_speak_for(view) is not True:
        latched = facts.ledger.ballot.shown.get(view.key)
        if latched is not None and facts.is_ours(latched.payload.release, latched.payload.environment):
            shown = next((item.words for item in latched.payload.evidence if item.says is Says.AGAINST), "held")
            why = f"{shown} when last seen; nothing fresh says otherwise"
            return replace(view, verdict=Verdict.MET, why=why, latched_at=latched.at)
    if view.evidence and says == {Says.FOR}:
        readings = len(view.evidence) > 1 and _readings_speak_for(view) is not None
        why = f"none of {len(view.evidence)} holds" if readings else _why(view)
        return replace(view, verdict=Verdict.NOT_MET, why=why)
    return replace(view, why=_why(view)) if view.evidence else view


def _readings_speak_for(view: CriterionView) -> bool | None:
    """Say whether fresh readings show that a no-go does not hold; None where it has no rules or checks."""
    readings = [item.says for item in view.evidence if item.kind in ("rule", "check")]
    return all(says is Says.FOR for says in readings) if readings else None


def _orphans(facts: Facts) -> Iterator[CriterionView]:
    """Show the no-gos that were shown or said to hold, and that an edit took out of the plan: no edit lifts them."""
    known = {named.key for named in criteria_of(facts.plan)}
    ballot = facts.ledger.ballot
    found: dict[str, tuple[NoGoShown | SignedOff, tuple[Evidence, ...], float]] = {
        key: (said.payload, said.payload.evidence, said.at) for key, said in ballot.shown.items()
    }
    found |= {
        key: (said.payload, (word_evidence(said),), said.at)
        for (key, _, _), said in ballot.signoffs.items()
        if said.payload.no_go and said.payload.holds
    }
    for key, (payload, evidence, at) in found.items():
        if key not in known and facts.is_ours(payload.release, payload.environment):
            why = "held when last seen; the plan no longer names it"
            shown = tuple(replace(item, need=f"“{payload.text}” lifted", awaits="lifting") for item in evidence)
            yield CriterionView(key=key, text=payload.text, verdict=Verdict.MET, why=why, evidence=shown, latched_at=at)


def _blocking_errors(facts: Facts) -> Iterator[CriterionView]:
    """Show the errors that people put in the gate's way: for any release, until somebody lifts them."""
    for (source, error), standing in facts.ledger.errors.items():
        said = standing.blocking
        if said is None:
            continue
        word = Evidence(
            kind="signoff", subject=said.by, says=Says.AGAINST, words=said.text, need=f"{said.by}'s blocker lifted",
            awaits="lifting", at=said.at, by=said.by,
        )  # fmt: skip
        yield CriterionView(
            key=f"error {source} {error}",
            text=f"Blocking error {standing.title}",
            verdict=Verdict.MET,
            why=f"{said.by}: {said.text}",
            observed_at=said.at,
            evidence=(word,),
            latched_at=said.at,
        )


def _why(view: CriterionView) -> str:
    """Say in a few words what decided a criterion: what speaks against it, else what is not known, else the count."""
    evidence, first = view.evidence, view.deciding
    kinds = {item.kind for item in evidence}
    good = sum(item.says is Says.FOR for item in evidence)
    if kinds in ({"issue"}, {"vote"}) and (first is None or first.says is Says.AWAITED):
        return f"{good} of {len(evidence)} {'done' if kinds == {'issue'} else 'votes'}"
    if len(evidence) == 1:
        return evidence[0].words
    if first is not None and first.kind == "clock":
        return first.words
    return f"{good} of {len(evidence)}" if first is None else f"{first.subject}: {first.words}"


def _issue(issue_id: IssueId, facts: Facts) -> Evidence:
    """Show an issue: done is what a person said is done; what only the document claims is awaited."""
    name = issue_name(issue_id)
    issue = next((issue for issue in facts.plan.issues if issue.id == issue_id), None)
    if issue is None:
        return Evidence(
            kind="issue", subject=name, says=Says.UNKNOWN, words="not in the plan", need=f"{name} (not in the plan)"
        )
    standing = facts.ledger.standing(issue_id)
    said = [event for event in standing.history if isinstance(event.payload, IssueStatusSet)]
    at, by = (said[-1].at, said[-1].actor) if said else (None, "")
    owners = f" ({'/'.join(issue.owners)})" if issue.owners else ""
    done = issue.status is Status.DONE and not issue.claimed
    words = "claimed by the document" if issue.status is Status.DONE and not done else issue.status.value
    if done and checks_of(issue):
        return _proved(issue, facts, at=at, by=by)
    return Evidence(
        kind="issue",
        subject=name,
        says=Says.FOR if done else Says.AWAITED,
        words=words.replace("_", " "),
        need="" if done else f"{name}{owners}",
        at=at,
        by=by,
        detail=issue.title,
    )


def _proved(issue: Issue, facts: Facts, *, at: float | None, by: str) -> Evidence:
    """Show an issue that somebody called done by what its checks say: a failing one beats the word."""
    found = findings_of(issue, facts)
    state, why = state_of(found, found), why_of(found, found)
    says = {State.OK: Says.FOR, State.BAD: Says.AGAINST, State.UNKNOWN: Says.UNKNOWN}[state]
    return Evidence(
        kind="issue",
        subject=issue_name(issue.id),
        says=says,
        words="done and proved" if state is State.OK else f"done, but {why}",
        need="" if state is State.OK else f"{issue_name(issue.id)} proved: {why}",
        at=at,
        by=by,
        detail=issue.title,
    )


def _readings(named: Named, facts: Facts) -> Iterator[Evidence]:
    """Hold the rules and checks against the readings. A rule of a no-go says when it holds; a bad check shows it."""
    criterion = named.criterion
    for rule in criterion.rules:
        yield _reading("rule", rule, facts, bad=named.part is Part.NO_GO)
    for name in criterion.checks:
        yield _reading("check", Rule(signal=name, is_="ok"), facts, bad=False)


def _reading(kind: Literal["rule", "check"], rule: Rule, facts: Facts, *, bad: bool) -> Evidence:
    """Show what a reading says. `bad`: the rule says what must not be."""
    finding = find(rule, facts)
    reading = finding.view.reading if finding.view is not None else None
    wanted = condition(rule).removeprefix("is ")
    if finding.holds is None:
        says, need = Says.UNKNOWN, finding.need
    elif finding.pending:
        says = Says.AWAITED
        need = f"{rule.signal} no longer {wanted}" if bad else f"{rule.signal} {wanted} for longer"
    elif finding.holds is bad:
        says, need = Says.AGAINST, f"{rule.signal} {'not ' if bad else ''}{wanted}"
    else:
        says, need = Says.FOR, ""
    return Evidence(
        kind=kind,
        subject=rule.signal,
        says=says,
        words=finding.words,
        need=need,
        awaits=finding.awaits,
        at=reading.observed_at if reading is not None else None,
        value=reading.value if reading is not None else None,
        detail=reading.detail if reading is not None else "",
        environment=reading.environment if reading is not None else "",
        release=reading.release if reading is not None else "",
    )


def _clock(named: Named, facts: Facts) -> tuple[Clock, Evidence]:
    """Run a criterion's clock: how long its rules and checks have held, without a hole, since the deploy."""
    hours = named.criterion.clock_hours or 0.0
    of_s, subject = hours * 3600, f"{hours:g} h since the deploy"
    deployed_at, since = facts.deployed_at, facts.release_since
    ran = facts.ledger.ballot.ran.get(named.key)
    ours = ran is not None and facts.is_ours(ran.payload.release, ran.payload.environment)
    if ran is not None and ours and ran.payload.deployed_at == deployed_at:
        words = f"held for {hours:g} h"
        done = Evidence(kind="clock", subject=subject, says=Says.FOR, words=words, at=ran.payload.since)
        return Clock(ran_s=of_s, of_s=of_s, since=ran.payload.since), done
    if deployed_at is None or since is None or deployed_at < since:
        awaited = Evidence(
            kind="clock", subject=subject, says=Says.AWAITED, words="not deployed yet", need="the deploy"
        )
        return Clock(ran_s=0.0, of_s=of_s), awaited
    clock, runs = _run(named, facts, of_s=of_s, start=deployed_at)
    full = runs and clock.ran_s >= of_s
    words = f"held for {hours:g} h" if full else "the clock runs" if runs else "the clock stands"
    need = "" if full else f"{hours:g} h of “{named.criterion.text}”"
    says = Says.FOR if full else Says.AWAITED
    return clock, Evidence(kind="clock", subject=subject, says=says, words=words, need=need, at=clock.since)


def _run(named: Named, facts: Facts, *, of_s: float, start: float) -> tuple[Clock, bool]:
    """Give a clock's reading, the least of its rules', and whether all of them hold now."""
    clocks, runs = [], True
    for rule in clock_rules(named.criterion):
        finding = find(rule, facts)
        runs = runs and finding.holds is True
        if finding.view is None or finding.holds is False:
            clocks.append(Clock(ran_s=0.0, of_s=of_s, broken=finding.words))
            continue
        stretch = stretch_of(rule, finding.view, facts, start=start)
        ran_s = min(held(stretch, finding.view), of_s)
        clocks.append(Clock(ran_s=ran_s, of_s=of_s, since=stretch.since, broken=stretch.broken))
    return min(clocks, key=lambda clock: clock.ran_s), runs
