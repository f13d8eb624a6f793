"""Who is in the room: each with their rights, where they sit, since when, and which screen they look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loom_tui.plan.criteria import right_of, roles_of
from loom_tui.room.presence import Seat, shared_accounts
from loom_tui.room.snapshot import Snapshot
from loom_tui.widgets.frame import SCREENS
from loom_tui.widgets.lines import Column, Ink, Line, Span, cells, clean, rule, wrap
from loom_tui.widgets.panel import ListPanel, heading
from loom_tui.widgets.text import WORD_OF_RIGHT, age

FOOT = 9  # lines for what is known of the chosen one, and of all
SCREEN_OF = dict(SCREENS)
_COLUMNS = ("who", "may", "host", "from", "looks at", "since")


class People(ListPanel):
    """A row for each open room; below, how one is known to be who one is."""

    def title(self) -> Line:
        """Name the pane."""
        return heading("In the room")

    def figures(self) -> Line:
        """Count the rooms."""
        leads = f"{clean(self.snapshot.lead, limit=20)} leads" if self.snapshot.lead else "nobody leads"
        return (Span(f"{leads} · {len(self.snapshot.present)} open  esc closes", Ink.FAINT),)

    def _seats(self) -> dict[str, Seat]:
        return {seat.room: seat for seat in self.snapshot.present}

    def keys(self) -> Sequence[str]:
        """List the rooms, who came first before."""
        return list(self._seats())

    def head(self, width: int) -> Sequence[Line]:
        """Name the columns."""
        return (cells(_columns(width), [Span(name, Ink.FAINT) for name in _COLUMNS]),)

    def row(self, key: str, width: int) -> Line:
        """Draw a seat in a line."""
        return seat_row(self._seats()[key], self.snapshot, width)

    def foot(self, width: int) -> Sequence[Line]:
        """Draw how sure it is who somebody is, and what nobody can see."""
        seat = self._seats().get(self.cursor)
        texts = [*(seat_words(seat) if seat is not None else ()), *room_words(self.snapshot)]
        lines: list[Line] = [(Span(part, Ink.FAINT),) for text in texts for part in wrap(text, width)]
        return (rule(width), *lines[: FOOT - 1], *[()] * (FOOT - 1 - len(lines)))

    def empty(self) -> Sequence[Line]:
        """Say why nobody is listed."""
        text = "Nobody is known to be here: whoever opens the room with --read-only is not listed."
        return ((Span(text, Ink.FAINT),),)


def _columns(width: int) -> Sequence[Column]:
    wide = width >= 90
    fixed = (Column(13), Column(16), Column(16 if wide else 0), Column(10), Column(7, right=True))
    name = width - sum(column.width for column in fixed) - len(fixed)
    return (Column(max(8, name)), *fixed)


def seat_row(seat: Seat, snapshot: Snapshot, width: int) -> Line:
    """Draw a seat: login and roles, right, host, where they came from, screen, how long."""
    roles = ", ".join(roles_of(snapshot.plan, seat.login))
    who = clean(f"{seat.login} ({roles})" if roles else seat.login, limit=60)
    words = (
        who,
        WORD_OF_RIGHT[right_of(snapshot.plan, seat.login)],
        clean(seat.terminal.host, limit=40),
        clean(seat.terminal.client, limit=45),
        SCREEN_OF.get(seat.screen, ""),
        age(snapshot.now - seat.since),
    )
    return cells(_columns(width), [Span(words[0]), *(Span(word, Ink.FAINT) for word in words[1:])])


def seat_words(seat: Seat) -> Iterator[str]:
    """Say how sure it is who somebody is."""
    login = clean(seat.login, limit=40)
    if seat.terminal.sure:
        yield f"The kernel keeps that {login} logged in, through su and sudo."
    else:
        yield f"{login} is the account: this host does not keep who logged in, so whoever may use it looks the same."
    if seat.terminal.client:
        yield f"That they came from {clean(seat.terminal.client)} is their environment's word, which anybody can set."


def room_words(snapshot: Snapshot) -> Iterator[str]:
    """Say whom nobody can tell apart, and what rights rest on."""
    for login in shared_accounts(snapshot.present):
        yield (
            f"{clean(login, limit=40)} is open in several places: perhaps several people, whom Loom cannot tell apart. "
            "For a second person they count as one."
        )
    yield (
        "Rights are the plan's word: whoever can edit its file, or write to the store's, can go past them. "
        "The journal shows what was done, and by which account."
    )
