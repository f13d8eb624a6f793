"""What people are told through channels: how a message reads, and whether a channel has it already. Pure."""

import re
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from loom_tui.room.acting import Outcome
from loom_tui.room.guard import ActionView
from loom_tui.room.payload import PayloadBase
from loom_tui.room.told_of_actions import way_of

if TYPE_CHECKING:
    from loom_tui.room.events import Event

MAX_TEXT = 3000  # characters; Slack itself cuts at 4,000
MAX_SUBJECT = 200
_CONTROL = r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+"


class MessageSent(PayloadBase, frozen=True, tag="message_sent"):
    """A channel was given a message, and this came of it; `why` is its acknowledgement, or what went wrong.

    `key` names subject and text, with which the same message is known again. `action` and `step` say whose it was; a
    message without a step asks for the action's approval.
    """

    channel: str
    to: str
    subject: str
    text: str
    key: str
    outcome: Outcome
    why: str = ""
    action: int | None = None
    step: int | None = None


class Message(Struct, frozen=True, kw_only=True):
    """A message as it leaves: with the room, the environment and release it speaks of, and the journal's head."""

    subject: str
    text: str
    room: str
    environment: str
    release: str
    seq: int
    head: str

    @property
    def key(self) -> str:
        """Name what it says, so that it is known again."""
        return sha256(msgspec.json.encode((self.subject, self.text))).hexdigest()[:16]

    @property
    def journal(self) -> str:
        """Name the journal's head, as who holds it can check it later."""
        return f"{self.seq} {self.head}"

    @property
    def whole(self) -> str:
        """Give its text with the line beneath it that says whence it comes."""
        of = " · ".join(filter(None, (self.room, self.environment, self.release)))
        return f"{self.text}\n\n{of}\njournal {self.journal}"


def one_line(text: str, *, limit: int = MAX_SUBJECT) -> str:
    """Make a text one line without controls, cut."""
    return _cut(" ".join(re.sub(_CONTROL, " ", text).split()), limit)


def fit_to_send(text: str) -> str:
    """Take controls out of a text, but for its lines, and cut it."""
    return _cut(re.sub(_CONTROL, " ", text.replace("\r\n", "\n")).strip(), MAX_TEXT)


def sent_before(
    events: Sequence["Event"], message: Message, channel: str, *, action: int | None, now: float, again_after_s: float
) -> "Event | None":
    """Find the event that a channel acknowledged this message: for the same action, or within `again_after_s`."""
    for event in reversed(events):
        sent = event.payload
        if not isinstance(sent, MessageSent) or sent.channel != channel or sent.key != message.key:
            continue
        ours = action is not None and sent.action == action
        if sent.outcome is Outcome.OK and (ours or now - event.at < again_after_s):
            return event
    return None


def approval_asked(view: ActionView, *, zone: str) -> tuple[str, str]:
    """Write subject and text of what a second person is told: who wants what where, why, until when, what to type."""
    armed = view.armed
    way = way_of(armed.what, armed.from_release, armed.to_release)
    until = datetime.fromtimestamp(armed.expires_at, ZoneInfo(zone))
    lines = [
        f"{view.by} wants in {armed.environment}: {armed.label}{way}",
        f"Why: {armed.reason or 'no reason given'}",
        *(f"! {warning}" for warning in armed.warnings),
        f"It waits for another person until {until:%H:%M} {zone}. Look, and approve:",
        f"loom approve {view.id}",
    ]
    return f"Approval wanted in {armed.environment}: {armed.label}", "\n".join(lines)


def told_of_message(sent: MessageSent) -> str:
    """Tell a message in a few words, after its actor's name."""
    what = one_line(sent.subject or sent.text, limit=80)
    if sent.outcome is Outcome.OK:
        return f"told {sent.channel} “{what}”"
    verb = "could not tell" if sent.outcome is Outcome.FAILED else "does not know whether it told"
    return f"{verb} {sent.channel} “{what}”{f': {sent.why}' if sent.why else ''}"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
