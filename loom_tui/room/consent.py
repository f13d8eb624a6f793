"""Whether people's words count: votes, sign-offs, waivers and decisions, held against the plan and the time.

A word against going counts until it is taken back or lifted; silence never turns it into anything else. A word for
going counts for its release and environment alone, from a person who may give it, and for as long as the plan says.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from loom_tui.plan.criteria import Named, Part, may, speaks_for
from loom_tui.plan.model import Plan, Right, Stakeholder
from loom_tui.room.ballot import Ballot, Call, Proposal, Said
from loom_tui.room.events import SignedOff, Voted
from loom_tui.room.poll import history_of
from loom_tui.room.proof import Facts
from loom_tui.room.signals import CLOCK_TOLERANCE_S
from loom_tui.room.verdicts import Choice, DecisionView, Evidence, GateState, Says, VoteView, Waiver


def vote_views(facts: Facts) -> tuple[VoteView, ...]:
    """Show what each voting role says; of a role that the plan no longer has, a no-go that still stands."""
    known = {stakeholder.name for stakeholder in facts.plan.stakeholders}
    views = [_vote(stakeholder, facts) for stakeholder in facts.plan.stakeholders if stakeholder.votes]
    gone = [said for said in _votes(facts) if said.payload.role not in known and said.payload.choice is Choice.NO_GO]
    said_of = (*views, *(_said(said.payload.role, said) for said in gone))
    return tuple(replace(view, history=history_of(view.role, facts)) for view in said_of)


def _vote(stakeholder: Stakeholder, facts: Facts) -> VoteView:
    """Judge a role's vote: any of its people's no-go stands; else the newest go that has not run out."""
    own = sorted((said for said in _votes(facts) if said.payload.role == stakeholder.name), key=lambda said: said.seq)
    against = [said for said in own if said.payload.choice is Choice.NO_GO]
    if against:
        return _said(stakeholder.name, against[-1])
    counted = [said for said in own if speaks_for(stakeholder, said.by) and may(facts.plan, said.by, Right.OPERATOR)]
    if not counted:
        return VoteView(role=stakeholder.name, choice=None)
    newest = _said(stakeholder.name, counted[-1])
    lasts = _lasts(counted[-1].at, facts.plan.gate.vote_hours, facts.now)
    return newest if lasts else VoteView(role=stakeholder.name, choice=None, by=newest.by, at=newest.at, expired=True)


def _votes(facts: Facts) -> Iterator[Said[Voted]]:
    for said in facts.ledger.ballot.votes.values():
        if facts.is_ours(said.payload.release, said.payload.environment):
            yield said


def _said(role: str, said: Said[Voted]) -> VoteView:
    return VoteView(role=role, choice=said.payload.choice, by=said.by, at=said.at, reason=said.payload.reason)


def vote_evidence(view: VoteView) -> Evidence:
    """Show a role's vote as evidence of agreement."""
    says = {Choice.GO: Says.FOR, Choice.NO_GO: Says.AGAINST, None: Says.AWAITED}[view.choice]
    words = {Choice.GO: "go", Choice.NO_GO: "no-go", None: "ran out" if view.expired else "no vote yet"}[view.choice]
    return Evidence(kind="vote", subject=view.role, says=says, words=words, at=view.at, by=view.by, detail=view.reason)


def _lasts(at: float, hours: float, now: float) -> bool:
    """Say whether a word is not too old, and not from the future."""
    return -CLOCK_TOLERANCE_S <= now - at <= hours * 3600


def denials(named: Named, facts: Facts) -> Iterator[Evidence]:
    """Give the words that speak against going: that a go criterion does not hold, or that a no-go one does."""
    for said in _signoffs(named, facts):
        if said.payload.holds == (named.part is Part.NO_GO):
            yield word_evidence(said)


def word_evidence(said: Said[SignedOff]) -> Evidence:
    """Show a word against going."""
    return _word(said.payload.role or said.by, said, Says.AGAINST)


def attestations(named: Named, facts: Facts) -> Iterator[Evidence]:
    """Give, for each role or login that must sign a criterion off, its word or that it is awaited."""
    roles = {stakeholder.name: stakeholder for stakeholder in facts.plan.stakeholders}
    words = [said for said in _signoffs(named, facts) if _opens(said, named, facts)]
    for who in named.criterion.signoffs:
        own = [said for said in words if _is_by(said, who, roles.get(who))]
        if own:
            yield _word(who, own[-1], Says.FOR)
        else:
            need = f"the sign-off of {who}"
            yield Evidence(kind="signoff", subject=who, says=Says.AWAITED, words="not signed off", need=need)


def anybody(named: Named, facts: Facts) -> Evidence | None:
    """Give the newest word of anybody that opens a criterion, for one whose plan names no proof."""
    words = [said for said in _signoffs(named, facts) if _opens(said, named, facts)]
    return _word(words[-1].payload.role or words[-1].by, words[-1], Says.FOR) if words else None


def _signoffs(named: Named, facts: Facts) -> list[Said[SignedOff]]:
    """List what was said of a criterion for this release, oldest first."""
    words = [
        said
        for (key, _, _), said in facts.ledger.ballot.signoffs.items()
        if key == named.key
        and said.payload.no_go is (named.part is Part.NO_GO)
        and facts.is_ours(said.payload.release, said.payload.environment)
    ]
    return sorted(words, key=lambda said: said.seq)


def _opens(said: Said[SignedOff], named: Named, facts: Facts) -> bool:
    """Say whether a word speaks for going, by one who may, and still counts. After the launch a word stays."""
    if said.payload.holds == (named.part is Part.NO_GO) or not may(facts.plan, said.by, Right.OPERATOR):
        return False
    ages = named.part in (Part.GO, Part.NO_GO)
    return _lasts(said.at, facts.plan.gate.signoff_hours if ages else float("inf"), facts.now)


def _is_by(said: Said[SignedOff], who: str, role: Stakeholder | None) -> bool:
    if role is None:
        return said.by == who
    return speaks_for(role, said.by) and (said.payload.role == who or (not said.payload.role and said.by in role.who))


def _word(subject: str, said: Said[SignedOff], says: Says) -> Evidence:
    words = f"signed off by {said.by}" if says is Says.FOR else f"denied by {said.by}"
    need = "" if says is Says.FOR else f"{said.by} to sign “{said.payload.text}” off"
    return Evidence(
        kind="signoff",
        subject=subject,
        says=says,
        words=words,
        need=need,
        at=said.at,
        by=said.by,
        detail=said.payload.words,
    )


def waiver_of(named: Named, facts: Facts) -> Waiver | None:
    """Give the waiver of a criterion that counts, or else the newest one that waits for a second person."""
    found = [
        waiver
        for proposal in facts.ledger.ballot.waivers.values()
        if proposal.waived.payload.criterion == named.key and (waiver := _waiver(proposal, facts)) is not None
    ]
    return next((waiver for waiver in reversed(found) if waiver.agreed_by), found[-1] if found else None)


def _waiver(proposal: Proposal, facts: Facts) -> Waiver | None:
    said, plan = proposal.waived, facts.plan
    payload = said.payload
    over = proposal.ended or not said.at - CLOCK_TOLERANCE_S <= facts.now < payload.until
    if over or not facts.is_ours(payload.release, payload.environment) or not may(plan, said.by, Right.OPERATOR):
        return None
    agreed = second_person(plan, said.by, [agreement.by for agreement in proposal.agreed])
    return Waiver(id=said.seq, reason=payload.reason, by=said.by, at=said.at, until=payload.until, agreed_by=agreed)


def second_person(plan: Plan, first: str, others: list[str]) -> str:
    """Name the one of `others` who is another person than `first` and may agree; empty where nobody is."""
    return next((login for login in others if login != first and may(plan, login, Right.APPROVER)), "")


def decision_of(plan: Plan, ballot: Ballot) -> DecisionView | None:
    """Give the newest decision for this release and environment."""
    for call in reversed(list(ballot.decisions.values())):
        said = call.called.payload
        if (said.release, said.environment) == (plan.plan.release, plan.plan.environment):
            return _decision(plan, call)
    return None


def _decision(plan: Plan, call: Call) -> DecisionView:
    said = call.called.payload
    agreed_by = second_person(plan, call.called.by, [agreement.by for agreement in call.agreed])
    against_the_gate = said.choice is Choice.GO and said.gate.state is not GateState.GO
    return DecisionView(
        id=call.called.seq,
        choice=said.choice,
        by=call.called.by,
        at=call.called.at,
        reason=said.reason,
        gate=said.gate,
        agreed_by=agreed_by,
        pending=against_the_gate and not agreed_by,
    )
