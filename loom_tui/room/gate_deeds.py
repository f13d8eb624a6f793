"""What a person may say at the gate. Each deed is decided against the room as it is when it is written down.

The journal's store calls a deed inside the transaction that appends its payload, with the snapshot of that moment
and the person; it gives the payload, or refuses with a sentence. The fold does not rely on it: a word by somebody who
may not give it, or an agreement of the same person, counts for nothing there either (`room/consent.py`).
"""

from __future__ import annotations

from typing import TypedDict

from loom_tui.plan.criteria import Named, Part, criteria_of, folded, proof_is_named, speaks_for
from loom_tui.plan.model import Plan, Stakeholder
from loom_tui.room.deeds import Deed, Refused, words_of
from loom_tui.room.door import require
from loom_tui.room.events import (
    DecisionAgreed,
    DecisionCalled,
    NoGoLifted,
    Payload,
    PollCalled,
    PollEnded,
    RiskAccepted,
    SignedOff,
    Voted,
    VoteWithdrawn,
    Waived,
    WaiverAgreed,
    WaiverEnded,
)
from loom_tui.room.snapshot import Snapshot
from loom_tui.room.verdicts import Choice, CriterionView, GateState, Says, Verdict, Waiver

LONGEST_WAIVER_S = 30 * 86_400.0
NOBODY_VOTES = "Nobody votes in this plan: write votes = true for the stakeholders whose go is needed"


class _Ours(TypedDict):
    release: str
    environment: str


def cast_vote(role: str, choice: Choice, *, reason: str = "") -> Deed:
    """Vote for a role. A no-go says why."""

    def deed(snapshot: Snapshot, actor: str) -> Payload:
        require(snapshot.plan, actor, Voted)
        voter = voter_of(snapshot.plan, role)
        if not speaks_for(voter, actor):
            raise Refused(f"{actor} does not speak for {voter.name}; {' or '.join(voter.who)} does")
        why = words_of(reason, "A no-go vote needs a reason") if choice is Choice.NO_GO else reason.strip()
        return Voted(role=voter.name, choice=choice, reason=why, **_ours(snapshot))

    return deed


def withdraw_vote(role: str, *, reason: str) -> Deed:
    """Take back one's own vote."""

    def deed(snapshot: Snapshot, actor: str) -> Payload:
        require(snapshot.plan, actor, VoteWithdrawn)
        view = next((vote for vote in snapshot.gate.votes if folded(vote.role) == folded(role)), None)
        if view is None or view.by != actor:
            raise Refused(f"{actor} has no vote for {role} to take back")
        why = words_of(reason, "To take a vote back needs a reason")
        return VoteWithdrawn(role=view.role, reason=why, **_ours(snapshot))

    return deed


def sign_off(criterion: str, *, against: bool = False, words: str = "", role: str = "") -> Deed:
    """Attest a criterion by name: that a go condition holds and a no-go one does not. `against` says the contrary."""

    def deed(snapshot: Snapshot, actor: str) -> Payload:
        require(snapshot.plan, actor, SignedOff)
        named = _named(snapshot, criterion)
        no_go = named.part is Part.NO_GO
        said, as_role = words.strip(), role
        if against:
            what = f"“{named.criterion.text}” {'holds' if no_go else 'fails'}"
            said = words_of(words, f"To say that {what} needs a reason")
        else:
            as_role = _signing_role(snapshot.plan, named, actor, role)
        return SignedOff(
            criterion=named.key,
            text=named.criterion.text,
            holds=no_go is against,
            no_go=no_go,
            words=said,
            role=as_role,
            **_ours(snapshot),
        )

    return deed


def propose_waiver(criterion: str, *, reason: str, until: float) -> Deed:
    """Propose that a criterion need not hold until a moment. A second person must agree."""

    def deed(snapshot: Snapshot, actor: str) -> Payload:
        require(snapshot.plan, actor, Waived)
        view, named = find_criterion(snapshot, criterion), _named(snapshot, criterion)
        if named.part is Part.NO_GO:
            raise Refused(f"“{view.text}” is a no-go: it is not waived, but shown not to hold, or lifted with a reason")
        if view.verdict is Verdict.MET:
            raise Refused(f"“{view.text}” is met; there is nothing to waive")
        if view.waiver is not None:
            raise Refused(f"“{view.text}” has a waiver by {view.waiver.by} already; agree to it, or end it first")
        if not 0 < until - snapshot.now <= LONGEST_WAIVER_S:
            raise Refused("A waiver ends later than now, and within 30 days")
        why = words_of(reason, "A waiver needs a reason")
        return Waived(criterion=view.key, text=view.text, reason=why, until=until, **_ours(snapshot))

    return deed


def agree_to_waiver(criterion: str) -> Deed:
    """Agree, as a second person, to the waiver of a criterion."""

    def deed(snapshot: Snapshot, actor: str) -> Payload:
        require(snapshot.plan, actor, WaiverAgreed)
        view, waiver = _waiver(snapshot, criterion)
        if waiver.agreed_by:
            raise Refused(f"“{view.text}” is waived already: {waiver.agreed_by} agreed")
        if waiver.by == actor:
            raise Refused(f"{actor} proposed this waiver; another person must agree")
        return WaiverAgreed(waiver=waiver.id)

    return deed


def end_waiver(criterion: str, *, reason: str) -> Deed:
    """End a criterion's waiver, agreed to or not."""

    def deed(snapshot: Snapshot, actor: str) -> Payload:
        require(snapshot.plan, actor, WaiverEnded)
        _, waiver = _waiver(snapshot, criterion)
        return WaiverEnded(waiver=waiver.id, reason=words_of(reason, "To end a waiver needs a reason"))

    return deed


def lift_no_go(what: str, *, reason: str) -> Deed:
    """Lift a no-go that was shown or said: a criterion, or a role's no-go vote. Not one that holds now."""

    def deed(snapshot: Snapshot, actor: str) -> Payload:
        require(snapshot.plan, actor, NoGoLifted)
        why = words_of(reason, "To lift a no-go needs a reason")
        vote = next((vote for vote in snapshot.gate.votes if folded(vote.role) == folded(what)), None)
        if vote is not None and vote.choice is Choice.NO_GO:
            return NoGoLifted(reason=why, role=vote.role, **_ours(snapshot))
        view = _find(snapshot.gate.no_go, what)
        if view.verdict is not Verdict.MET:
            raise Refused(f"“{view.text}” is no no-go that holds; there is nothing to lift")
        now = [item for item in view.evidence if item.kind in ("rule", "check") and item.says is Says.AGAINST]
        if now and view.latched_at is None:
            raise Refused(f"“{view.text}” holds now ({now[0].subject}: {now[0].words}); a word cannot lift it")
        return NoGoLifted(reason=why, criterion=view.key, **_ours(snapshot))

    return deed


def call_decision(choice: Choice, *, reason: str = "") -> Deed:
    """Call GO or NO-GO on the evidence as it stands. A GO against the gate needs a reason, and a second person."""

    def deed(snapshot: Snapshot, actor: str) -> Payload:
        require(snapshot.plan, actor, DecisionCalled)
        gate, why = snapshot.gate, reason.strip()
        if choice is Choice.NO_GO:
            why = words_of(reason, "To call NO-GO needs a reason")
        elif gate.state is not GateState.GO:
            why = words_of(reason, f"The gate is {gate.state.value}: {gate.why}. A GO against it needs a reason")
        return DecisionCalled(choice=choice, reason=why, gate=gate, **_ours(snapshot))

    return deed


def agree_to_decision() -> Deed:
    """Agree, as a second person, to a GO that was called against the gate, as long as it has not become worse."""

    def deed(snapshot: Snapshot, actor: str) -> Payload:
        require(snapshot.plan, actor, DecisionAgreed)
        decision = snapshot.decision
        if decision is None or not decision.pending:
            raise Refused("No decision waits for a second person")
        if decision.by == actor:
            raise Refused(f"{actor} called this GO; another person must agree")
        if snapshot.gate.state is GateState.NO_GO and decision.gate.state is not GateState.NO_GO:
            raise Refused(f"The gate has become NO-GO since: {snapshot.gate.why}. Decide anew")
        return DecisionAgreed(decision=decision.id)

    return deed


def call_poll() -> Deed:
    """Call each voting role in turn, in the plan's order; what was voted before counts on, and is asked again."""

    def deed(snapshot: Snapshot, actor: str) -> Payload:
        require(snapshot.plan, actor, PollCalled)
        under_way = snapshot.gate.poll
        if under_way is not None and under_way.calls:
            raise Refused(f"A poll is under way, and calls {under_way.calls}; end it first")
        roles = tuple(stakeholder.name for stakeholder in snapshot.plan.stakeholders if stakeholder.votes)
        if not roles:
            raise Refused(NOBODY_VOTES)
        return PollCalled(roles=roles, **_ours(snapshot))

    return deed


def end_poll(*, reason: str) -> Deed:
    """End the poll before all were heard."""

    def deed(snapshot: Snapshot, actor: str) -> Payload:
        require(snapshot.plan, actor, PollEnded)
        poll = snapshot.gate.poll
        if poll is None or not poll.calls:
            raise Refused("No poll is under way")
        return PollEnded(poll=poll.id, reason=words_of(reason, "To end a poll needs a reason"))

    return deed


def accept_risk(risk: str, *, owner: str, reason: str) -> Deed:
    """Take a risk on. One that its trigger lights stays lit."""

    def deed(snapshot: Snapshot, actor: str) -> Payload:
        require(snapshot.plan, actor, RiskAccepted)
        text = _one([view.risk.text for view in snapshot.risks], risk, "risk")
        why = words_of(reason, "To accept a risk needs a reason")
        return RiskAccepted(risk=folded(text), owner=owner.strip() or actor, reason=why, **_ours(snapshot))

    return deed


def voter_of(plan: Plan, role: str) -> Stakeholder:
    """Find a voting role by its name or a part of it. Raises Refused."""
    voters = {stakeholder.name: stakeholder for stakeholder in plan.stakeholders if stakeholder.votes}
    if not voters:
        raise Refused(NOBODY_VOTES)
    return voters[_one(list(voters), role, "voting role")]


def find_criterion(snapshot: Snapshot, word: str) -> CriterionView:
    """Find a criterion by its key, its id, or a part of its text that no other has. Raises Refused."""
    return _find(snapshot.gate.criteria, word)


def _find(criteria: tuple[CriterionView, ...], word: str) -> CriterionView:
    views = {view.key: view for view in criteria}
    if word in views:
        return views[word]
    found = [view for view in views.values() if folded(word) == folded(view.text)] or [
        view for view in views.values() if folded(word) in folded(view.text)
    ]
    if len(found) == 1:
        return found[0]
    keys = ", ".join(view.key for view in found[:6] or list(views.values())[:12])
    raise Refused(f"{word!r} names {'several criteria' if found else 'no criterion'}; write one of: {keys or 'none'}")


def _named(snapshot: Snapshot, word: str) -> Named:
    key = find_criterion(snapshot, word).key
    for named in criteria_of(snapshot.plan):
        if named.key == key:
            return named
    raise Refused("The plan no longer names that criterion; it can only be lifted")


def _one(names: list[str], word: str, what: str) -> str:
    exact = [name for name in names if folded(name) == folded(word)]
    found = exact or [name for name in names if folded(word) and folded(word) in folded(name)]
    if len(found) != 1:
        raise Refused(f"{word!r} names {'several' if found else 'no'} {what}; write one of: {', '.join(names)}")
    return found[0]


def _waiver(snapshot: Snapshot, word: str) -> tuple[CriterionView, Waiver]:
    view = find_criterion(snapshot, word)
    if view.waiver is None:
        raise Refused(f"“{view.text}” has no waiver")
    return view, view.waiver


def _signing_role(plan: Plan, named: Named, actor: str, role: str) -> str:
    """Say for which role a person signs a criterion off; empty where it is for themselves. Raises Refused."""
    criterion = named.criterion
    if not criterion.signoffs:
        if proof_is_named(criterion):
            raise Refused(
                f"“{criterion.text}” is proved by what the plan names for it; a word does not, but a waiver may"
            )
        return role
    if not role and actor in criterion.signoffs:
        return ""
    open_to = [
        stakeholder.name
        for stakeholder in plan.stakeholders
        if stakeholder.name in criterion.signoffs
        and speaks_for(stakeholder, actor)
        and folded(role) in ("", folded(stakeholder.name))
    ]
    if not open_to:
        raise Refused(f"“{criterion.text}” is not for {actor} to sign off; {', '.join(criterion.signoffs)} must")
    if len(open_to) > 1:
        raise Refused(f"Say for which role {actor} signs: {', '.join(open_to)}")
    return open_to[0]


def _ours(snapshot: Snapshot) -> _Ours:
    about = snapshot.plan.plan
    return {"release": about.release, "environment": about.environment}
