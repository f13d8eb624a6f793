"""Who is in the room, and where they look: not events, but seats, which run out within seconds. Pure."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from loom_tui.room.alive import is_alive

SEAT_TTL_S = 8.0


class Terminal(Struct, frozen=True, kw_only=True):
    """Where somebody sits, as their system says it.

    `sure`: the kernel keeps who logged in, through su and sudo; otherwise whoever may use the account looks the same.
    `client` is where SSH says that they came from. It is the environment's word, which anybody can set.
    """

    host: str = ""
    client: str = ""
    sure: bool = False


class Seat(Struct, frozen=True, kw_only=True):
    """One open room: whose it is, which screen they look at, since when, and until when that is known."""

    room: str  # names it: host and process
    login: str
    terminal: Terminal
    screen: str  # its key
    since: float
    until: float


def present(seats: Iterable[Seat], now: float) -> tuple[Seat, ...]:
    """List who is here at `now`, who came first before."""
    here = (seat for seat in seats if is_alive(seat.until, ttl_s=SEAT_TTL_S, now=now))
    return tuple(sorted(here, key=lambda seat: (seat.since, seat.room)))


def names(seats: Iterable[Seat]) -> tuple[str, ...]:
    """List the logins of some seats, each once."""
    return tuple(dict.fromkeys(seat.login for seat in seats))


def shared_accounts(seats: Iterable[Seat]) -> Iterator[str]:
    """Give the accounts behind several seats of which the kernel does not say who logged in: perhaps two people."""
    unsure = [seat for seat in seats if not seat.terminal.sure]
    for login in names(unsure):
        if len({(seat.terminal.host, seat.terminal.client) for seat in unsure if seat.login == login}) > 1:
            yield login
