"""User acceptance testing: who takes part, what they tried, what they said of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from loom_tui.plan.model import Plan
from loom_tui.room.events import Event, FeedbackGiven, FeedbackSettled, ParticipantJoined, SessionHeld


class Participant(Struct, frozen=True):
    """Somebody who takes part, what is known of them, and since when."""

    about: str
    at: float


class Session(Struct, frozen=True):
    """One sitting of a participant."""

    payload: SessionHeld
    by: str
    at: float


class Feedback(Struct, frozen=True, kw_only=True):
    """What a participant said. `id` is its place in the journal; a blocker is open until somebody settles it."""

    id: int
    payload: FeedbackGiven
    by: str
    at: float
    settled_by: str = ""
    settled_at: float | None = None
    settled_why: str = ""

    @property
    def open(self) -> bool:
        """Whether nobody has settled it."""
        return self.settled_at is None


class UatLog(Struct, frozen=True, kw_only=True):
    """What the journal says of acceptance testing, of every release."""

    participants: Mapping[str, Participant] = {}  # by name
    sessions: tuple[Session, ...] = ()
    feedback: Mapping[int, Feedback] = {}


class FeatureView(Struct, frozen=True):
    """A feature that is to be tried, and who has."""

    name: str
    tried_by: tuple[str, ...]


class ParticipantView(Struct, frozen=True):
    """A participant, and how often they were heard of this release."""

    name: str
    about: str
    sessions: int
    feedback: int


class UatView(Struct, frozen=True, kw_only=True):
    """Acceptance testing of the plan's release in its environment.

    `rating` is the mean of 1 to 5, None without feedback. `blockers` are open ones of any release: what stood in the
    way of rc1 does until somebody says that it no longer does. `elsewhere` counts feedback on other releases.
    """

    release: str
    environment: str
    participants: tuple[ParticipantView, ...]
    sessions: tuple[Session, ...]
    feedback: tuple[Feedback, ...]  # newest first
    features: tuple[FeatureView, ...]
    rating: float | None
    blockers: tuple[Feedback, ...]
    elsewhere: int
    last_at: float | None

    @property
    def covered(self) -> int:
        """How many features somebody has tried."""
        return sum(bool(feature.tried_by) for feature in self.features)


def take(log: UatLog, event: Event) -> UatLog:
    """Fold an event in."""
    payload = event.payload
    match payload:
        case ParticipantJoined():
            return replace(log, participants={**log.participants, payload.name: Participant(payload.about, event.at)})
        case SessionHeld():
            log = _known(log, payload.participant, event.at)
            return replace(log, sessions=(*log.sessions, Session(payload, event.actor, event.at)))
        case FeedbackGiven():
            log = _known(log, payload.participant, event.at)
            said = Feedback(id=event.seq, payload=payload, by=event.actor, at=event.at)
            return replace(log, feedback={**log.feedback, event.seq: said})
        case FeedbackSettled() if payload.feedback in log.feedback:
            said = log.feedback[payload.feedback]
            said = replace(said, settled_by=event.actor, settled_at=event.at, settled_why=payload.reason)
            return replace(log, feedback={**log.feedback, payload.feedback: said})
        case _:
            return log


def uat_view(plan: Plan, log: UatLog) -> UatView | None:
    """Sum up the plan's acceptance testing; None where it has none."""
    if plan.uat is None:
        return None
    about = plan.plan
    ours = (about.release, about.environment)
    sessions = tuple(each for each in log.sessions if (each.payload.release, each.payload.environment) == ours)
    said = [each for each in log.feedback.values() if (each.payload.release, each.payload.environment) == ours]
    rating = sum(each.payload.rating for each in said) / len(said) if said else None
    tried = [(name, each.payload.participant) for each in sessions for name in each.payload.features]
    tried += [(each.payload.feature, each.payload.participant) for each in said if each.payload.feature]
    blockers = tuple(each for each in log.feedback.values() if each.payload.severity == "blocker" and each.open)
    moments = [each.at for each in sessions] + [each.at for each in said] + [each.at for each in blockers]
    moments += [each.at for each in log.participants.values()]
    return UatView(
        release=about.release,
        environment=about.environment,
        participants=tuple(
            ParticipantView(
                name,
                known.about,
                sum(each.payload.participant == name for each in sessions),
                sum(each.payload.participant == name for each in said),
            )
            for name, known in log.participants.items()
        ),
        sessions=sessions,
        feedback=tuple(sorted(said, key=lambda each: -each.id)),
        features=tuple(
            FeatureView(name, tuple(dict.fromkeys(who for tried_name, who in tried if tried_name == name)))
            for name in plan.uat.features
        ),
        rating=rating,
        blockers=blockers,
        elsewhere=len(log.feedback) - len(said),
        last_at=max(moments, default=None),
    )


def _known(log: UatLog, name: str, at: float) -> UatLog:
    """Count somebody who was heard as taking part."""
    if name in log.participants:
        return log
    return replace(log, participants={**log.participants, name: Participant("", at)})
