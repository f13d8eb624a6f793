"""What the journal alone says of the gate, folded event by event: votes, sign-offs, waivers, latches, decisions.

It keeps what was said; whether it counts (the release, the person's right, its age) is judged against the plan and
the time, in `gate.py`.

A no-go latches, and a fold has no memory but the journal. Readings are overwritten and rolled up, so that what they
showed could not be folded from them afterwards. So the collector, of which there is one a room and without which there
are no readings, writes `NoGoShown` when readings show a no-go to hold, and `NoGoCleared` when fresh ones show that it
no longer does (`collector/witness.py`). What people say (a no-go vote, a 'this holds') is an event already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from loom_tui.room.events import (
    ClockRan,
    DecisionAgreed,
    DecisionCalled,
    Event,
    LeadGiven,
    NoGoCleared,
    NoGoLifted,
    NoGoShown,
    Payload,
    PlanAdopted,
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
from loom_tui.room.verdicts import Choice

P_co = TypeVar("P_co", bound=Payload, covariant=True)


class Said(Struct, Generic[P_co], frozen=True):
    """A payload with who said it, when, and its place in the journal."""

    payload: P_co
    by: str
    at: float
    seq: int


class Proposal(Struct, frozen=True):
    """A proposed waiver, and what became of it."""

    waived: Said[Waived]
    agreed: tuple[Said[WaiverAgreed], ...] = ()
    ended: bool = False


class Call(Struct, frozen=True):
    """A called decision, and who agreed to it."""

    called: Said[DecisionCalled]
    agreed: tuple[Said[DecisionAgreed], ...] = ()


class Poll(Struct, frozen=True):
    """A launch poll, and that it was ended."""

    called: Said[PollCalled]
    ended: Said[PollEnded] | None = None


class Adoption(Struct, frozen=True):
    """Since when the room's plan has been of this release and environment."""

    release: str
    environment: str
    since: float


class Ballot(Struct, frozen=True, kw_only=True):
    """All that was said of the gate. Of several words of one person on one thing, the last is kept."""

    votes: Mapping[tuple[str, str], Said[Voted]] = {}  # by role and person
    signoffs: Mapping[tuple[str, str, str], Said[SignedOff]] = {}  # by criterion, role and person
    waivers: Mapping[int, Proposal] = {}  # by the proposal's place
    shown: Mapping[str, Said[NoGoShown]] = {}  # by criterion: shown, and neither cleared nor lifted since
    ran: Mapping[str, Said[ClockRan]] = {}  # by criterion
    decisions: Mapping[int, Call] = {}  # by place, in order
    risks: Mapping[str, Said[RiskAccepted]] = {}  # by the risk's folded text
    words: Mapping[str, tuple[Said[Voted] | Said[VoteWithdrawn], ...]] = {}  # all that was said for a role, in order
    poll: Poll | None = None  # the last one
    lead: LeadGiven | None = None
    adoption: Adoption | None = None


def count(ballot: Ballot, event: Event) -> Ballot:
    """Fold one event in. An event of another kind changes nothing."""
    by, at, seq = event.actor, event.at, event.seq
    match event.payload:
        case PlanAdopted() as said:
            return _adopt(ballot, said, at)
        case Voted() as said:
            ballot = _heard(ballot, said.role, Said(said, by, at, seq))
            return replace(ballot, votes={**ballot.votes, (said.role, by): Said(said, by, at, seq)})
        case VoteWithdrawn() as said:
            ballot = _heard(ballot, said.role, Said(said, by, at, seq))
            return replace(ballot, votes={key: vote for key, vote in ballot.votes.items() if key != (said.role, by)})
        case SignedOff() as said:
            key = (said.criterion, said.role, by)
            return replace(ballot, signoffs={**ballot.signoffs, key: Said(said, by, at, seq)})
        case Waived() as said:
            return replace(ballot, waivers={**ballot.waivers, seq: Proposal(Said(said, by, at, seq))})
        case WaiverAgreed() as said if proposal := ballot.waivers.get(said.waiver):
            proposal = replace(proposal, agreed=(*proposal.agreed, Said(said, by, at, seq)))
            return replace(ballot, waivers={**ballot.waivers, said.waiver: proposal})
        case WaiverEnded() as said if proposal := ballot.waivers.get(said.waiver):
            return replace(ballot, waivers={**ballot.waivers, said.waiver: replace(proposal, ended=True)})
        case NoGoShown() as said:
            return replace(ballot, shown={**ballot.shown, said.criterion: Said(said, by, at, seq)})
        case NoGoCleared() as said:
            return replace(ballot, shown={key: no_go for key, no_go in ballot.shown.items() if key != said.criterion})
        case NoGoLifted() as said:
            return _lift(ballot, said)
        case ClockRan() as said:
            return replace(ballot, ran={**ballot.ran, said.criterion: Said(said, by, at, seq)})
        case DecisionCalled() as said:
            return replace(ballot, decisions={**ballot.decisions, seq: Call(Said(said, by, at, seq))})
        case DecisionAgreed() as said if call := ballot.decisions.get(said.decision):
            call = replace(call, agreed=(*call.agreed, Said(said, by, at, seq)))
            return replace(ballot, decisions={**ballot.decisions, said.decision: call})
        case PollCalled() as said:
            return replace(ballot, poll=Poll(Said(said, by, at, seq)))
        case PollEnded() as said if ballot.poll is not None and ballot.poll.called.seq == said.poll:
            return replace(ballot, poll=replace(ballot.poll, ended=Said(said, by, at, seq)))
        case LeadGiven() as said:
            return replace(ballot, lead=said)
        case RiskAccepted() as said:
            return replace(ballot, risks={**ballot.risks, said.risk: Said(said, by, at, seq)})
    return ballot


def _heard(ballot: Ballot, role: str, word: Said[Voted] | Said[VoteWithdrawn]) -> Ballot:
    return replace(ballot, words={**ballot.words, role: (*ballot.words.get(role, ()), word)})


def _adopt(ballot: Ballot, said: PlanAdopted, at: float) -> Ballot:
    known = ballot.adoption
    if known is not None and (known.release, known.environment) == (said.release, said.environment):
        return ballot
    return replace(ballot, adoption=Adoption(said.release, said.environment, at))


def _lift(ballot: Ballot, said: NoGoLifted) -> Ballot:
    """Take away what stood for a no-go until now; what is shown or said later stands again."""
    if said.role:
        return replace(
            ballot,
            votes={
                key: vote
                for key, vote in ballot.votes.items()
                if key[0] != said.role or vote.payload.choice is not Choice.NO_GO
            },
        )
    return replace(
        ballot,
        shown={key: no_go for key, no_go in ballot.shown.items() if key != said.criterion},
        signoffs={
            key: word for key, word in ballot.signoffs.items() if key[0] != said.criterion or not word.payload.holds
        },
    )
