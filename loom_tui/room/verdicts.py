"""What is known of the gate, as values that a screen shows and a decision stores whole.

Times are Unix seconds, UTC.
"""

from enum import StrEnum
from typing import Literal

from msgspec import Struct

# What evidence waits for, where others may wait for the same: its signal's readings, or somebody who lifts it.
Awaits = Literal["", "read", "read again", "samples", "lifting"]


class _Value(Struct, frozen=True, kw_only=True):
    """The base of what is known: old journals hold these, so that new fields come with a default."""


class Verdict(StrEnum):
    """What is known of a criterion. A no-go criterion that is MET holds, and stands in the way."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"
    WAIVED = "waived"


class GateState(StrEnum):
    """The criteria together."""

    GO = "GO"
    HOLD = "HOLD"
    NO_GO = "NO-GO"


class Choice(StrEnum):
    """What a role votes, and what is decided."""

    GO = "go"
    NO_GO = "no_go"


class Says(StrEnum):
    """Which way one piece of evidence points: for going, against it, or neither yet."""

    FOR = "for"
    AGAINST = "against"
    AWAITED = "awaited"  # known to be missing: work, a vote, a clock that runs
    UNKNOWN = "unknown"


class Evidence(_Value, frozen=True):
    """One thing that a criterion was judged by: a reading, an issue, a person's word."""

    kind: Literal["rule", "check", "issue", "signoff", "vote", "clock"]
    subject: str  # the signal, the issue, the role or login
    says: Says
    words: str  # what it says, in a few words: "7.9 ≤ 10", "stale", "done"
    need: str = ""  # what would make it speak for going, in words
    awaits: Awaits = ""  # the same for code, which never reads the words
    at: float | None = None  # when it was observed or said
    by: str = ""  # who said it
    value: float | None = None
    detail: str = ""
    environment: str = ""
    release: str = ""


class Waiver(_Value, frozen=True):
    """A person's decision that a criterion need not hold. `id` is the proposal's place in the journal."""

    id: int
    reason: str
    by: str
    at: float
    until: float
    agreed_by: str = ""  # empty: it waits for a second person, and waives nothing


class Clock(_Value, frozen=True):
    """How long a criterion has held since the deploy, of how long it must."""

    ran_s: float
    of_s: float
    since: float | None = None  # None: it does not run now
    broken: str = ""  # why it began anew, last


class CriterionView(_Value, frozen=True):
    """A criterion, what is known of it, why in a few words, and all that it was judged by."""

    text: str
    verdict: Verdict
    why: str
    key: str = ""
    claimed: bool = False
    observed_at: float | None = None  # of its oldest reading or word: nothing is older than it says
    evidence: tuple[Evidence, ...] = ()
    waiver: Waiver | None = None
    clock: Clock | None = None
    latched_at: float | None = None  # when a no-go was last shown to hold, while nothing fresh speaks against it

    @property
    def failed(self) -> bool:
        """Say whether something speaks against it, rather than only being awaited."""
        return any(item.says is Says.AGAINST for item in self.evidence)

    @property
    def deciding(self) -> Evidence | None:
        """Give what decides where not all speaks for going: what is against it, else not known, else awaited."""
        order = (Says.AGAINST, Says.UNKNOWN, Says.AWAITED)
        return next((item for says in order for item in self.evidence if item.says is says), None)


class VoteWord(_Value, frozen=True):
    """Something that was said for a role, once; `choice` is None where a vote was taken back."""

    choice: Choice | None
    by: str
    at: float
    reason: str = ""


class Polled(_Value, frozen=True):
    """A role in a launch poll, and what it heard of it, oldest first."""

    role: str
    heard: tuple[VoteWord, ...] = ()


class PollView(_Value, frozen=True):
    """The last launch poll. `calls` names the role that is asked since `since`; empty: all were heard, or it ended."""

    id: int
    by: str
    at: float
    roles: tuple[Polled, ...]
    calls: str
    since: float
    ended_by: str = ""
    ended_why: str = ""


class VoteView(_Value, frozen=True):
    """What a role says. `choice` is None while it has not voted, or its vote has run out."""

    role: str
    choice: Choice | None
    required: bool = True
    by: str = ""
    at: float | None = None
    reason: str = ""
    expired: bool = False
    history: tuple[VoteWord, ...] = ()  # all that was said for it of this release, oldest first


class GateView(_Value, frozen=True):
    """The gate: its state, the sentence that explains it, each criterion and each vote."""

    state: GateState
    why: str
    go: tuple[CriterionView, ...] = ()
    no_go: tuple[CriterionView, ...] = ()
    deployment: tuple[CriterionView, ...] = ()
    post_deployment: tuple[CriterionView, ...] = ()
    votes: tuple[VoteView, ...] = ()
    poll: PollView | None = None
    needs: tuple[str, ...] = ()  # what GO still needs, and from whom
    release: str = ""
    environment: str = ""

    @property
    def criteria(self) -> tuple[CriterionView, ...]:
        """List all criteria, list by list."""
        return (*self.go, *self.no_go, *self.deployment, *self.post_deployment)


class DecisionView(_Value, frozen=True):
    """What was decided last for this release. One that needs a second person is pending until that person agrees."""

    id: int
    choice: Choice
    by: str
    at: float
    reason: str
    gate: GateView  # as it stood
    agreed_by: str = ""
    pending: bool = False
