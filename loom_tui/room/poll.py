"""The launch poll: each role is called in turn, in the plan's order, until all were heard. Pure.

Nothing is written but that it was called, and that somebody ended it: who is called now follows from the votes since.
"""

from __future__ import annotations

from loom_tui.plan.criteria import may, speaks_for
from loom_tui.plan.model import Right
from loom_tui.room.ballot import Said
from loom_tui.room.events import Voted, VoteWithdrawn
from loom_tui.room.proof import Facts
from loom_tui.room.verdicts import Choice, Polled, PollView, VoteWord

Word = Said[Voted] | Said[VoteWithdrawn]


def poll_view(facts: Facts) -> PollView | None:
    """Show the last poll of this release: whom it heard, and whom it calls now and since when."""
    poll = facts.ledger.ballot.poll
    if poll is None or not facts.is_ours(poll.called.payload.release, poll.called.payload.environment):
        return None
    since, calls, roles = poll.called.at, "", []
    for role in poll.called.payload.roles:
        heard = _heard(role, poll.called.seq, facts)
        roles.append(Polled(role=role, heard=tuple(map(_word, heard))))
        if heard and not calls:
            since = max(since, heard[0].at)
        calls = calls or ("" if heard else role)
    return PollView(
        id=poll.called.seq,
        by=poll.called.by,
        at=poll.called.at,
        roles=tuple(roles),
        calls="" if poll.ended is not None else calls,
        since=since,
        ended_by=poll.ended.by if poll.ended is not None else "",
        ended_why=poll.ended.payload.reason if poll.ended is not None else "",
    )


def _heard(role: str, after: int, facts: Facts) -> list[Word]:
    """List what the poll heard of a role, oldest first; a go only of somebody who may give it."""
    words = (said for said in facts.ledger.ballot.words.get(role, ()) if said.seq > after)
    return [said for said in words if isinstance(said.payload, Voted) and _counts(role, said, facts)]


def _counts(role: str, said: Word, facts: Facts) -> bool:
    payload = said.payload
    if not facts.is_ours(payload.release, payload.environment):
        return False
    if isinstance(payload, Voted) and payload.choice is Choice.NO_GO:
        return True
    stakeholder = next((each for each in facts.plan.stakeholders if each.name == role), None)
    return stakeholder is not None and speaks_for(stakeholder, said.by) and may(facts.plan, said.by, Right.OPERATOR)


def history_of(role: str, facts: Facts) -> tuple[VoteWord, ...]:
    """Give all that was said for a role of this release, oldest first: a changed vote keeps its history."""
    words = facts.ledger.ballot.words.get(role, ())
    return tuple(_word(said) for said in words if facts.is_ours(said.payload.release, said.payload.environment))


def _word(said: Word) -> VoteWord:
    choice = said.payload.choice if isinstance(said.payload, Voted) else None
    return VoteWord(choice=choice, by=said.by, at=said.at, reason=said.payload.reason)
