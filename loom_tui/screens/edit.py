"""What one may set of an issue, asked in a line: status, owner, effort, blocker, and what if it took longer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from loom_tui.plan.model import Issue, Status
from loom_tui.plan.words import WORD_OF_STATUS, issue_name
from loom_tui.room.deeds import Refused, block, estimate, hand_over, set_status
from loom_tui.room.events import Payload
from loom_tui.screens.base import RoomScreen
from loom_tui.screens.dialogs import Prompt
from loom_tui.widgets.text import Sign


def ask(
    screen: RoomScreen, issue: Issue, word: str, make: Callable[[str], Payload], *, value: str = "", hint: str = ""
) -> None:
    """Ask for a line about an issue, and write down what `make` makes of it; a refusal is said above the keys."""
    if not screen.loom.may_write():
        return

    def answered(text: str | None) -> None:
        if text is None:
            return
        try:
            screen.loom.act(make(text))
        except Refused as refusal:
            screen.loom.say(str(refusal), Sign.WARN)

    screen.loom.push_screen(Prompt(f"{issue_name(issue.id)} {word}", value=value, hint=hint), answered)


def ask_status(screen: RoomScreen, issue: Issue) -> None:
    """Ask where an issue stands."""
    words = ", ".join(WORD_OF_STATUS.values())
    ask(screen, issue, "status", lambda text: set_status(issue, status_of(text)), hint=words)


def ask_owner(screen: RoomScreen, issue: Issue) -> None:
    """Ask who has an issue."""

    def handed(text: str) -> Payload:
        payload = hand_over(issue, text.split(","))
        if payload.owners == issue.owners:
            raise Refused(f"{issue_name(issue.id)} is theirs already: nothing was written.")
        return payload

    value = ", ".join(issue.owners)
    ask(screen, issue, "owner", handed, value=value, hint="several with commas, empty for nobody")


def ask_effort(screen: RoomScreen, issue: Issue) -> None:
    """Ask how long an issue takes."""
    ask(screen, issue, "effort in hours", lambda text: estimate(issue, text), hint="3, or 2-4")


def ask_blocker(screen: RoomScreen, issue: Issue) -> None:
    """Ask what stands in an issue's way."""

    def blocked(text: str) -> Payload:
        if not text.strip() and issue.status is not Status.BLOCKED:
            raise Refused(f"Nothing blocks {issue_name(issue.id)}: nothing was written.")
        return block(issue, text)

    ask(screen, issue, "blocked by", blocked, hint="why; empty: nothing any more")


ASKS: Mapping[str, Callable[[RoomScreen, Issue], None]] = {
    "status": ask_status,
    "owner": ask_owner,
    "effort": ask_effort,
    "blocker": ask_blocker,
}


def status_of(text: str) -> Status:
    """Read a status as a person types it: a word or its beginning. Raises Refused."""
    wanted = text.strip().casefold().replace("_", " ")
    found = [status for status, word in WORD_OF_STATUS.items() if wanted and word.startswith(wanted)]
    if not found:
        raise Refused(f"{text!r} is no status; write one of {', '.join(WORD_OF_STATUS.values())}")
    return found[0]


def hours_of(text: str) -> float:
    """Read a delay in hours. Raises Refused."""
    try:
        value = float(text.strip().removesuffix("h"))
    except ValueError:
        raise Refused(f"A delay is written in hours, such as 4; found {text!r}") from None
    if not 0 < value <= 10_000:
        raise Refused(f"A delay is more than 0 hours and at most 10,000; found {text!r}")
    return value
