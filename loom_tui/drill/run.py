"""`loom drill`: a world, its script beside it, the room over it on a line that can drop, and the score at the end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from types import FrameType
from typing import Never

from msgspec import Struct

from loom_tui.demo.run import FIRST_READINGS_TIMEOUT_S, wait_for_readings
from loom_tui.demo.world import World, world
from loom_tui.drill.director import Director
from loom_tui.drill.line import Line
from loom_tui.drill.scenario import Scenario
from loom_tui.drill.score import Score
from loom_tui.room.drills import DrillEnded

FAST = 0.2  # of the script's times
BRIEFING = """
{title}
It teaches {teaches}.

v1.7.0 has just gone out, and you are on call. The room says DRILL: nothing in it touches anything real.
Write down what you see (m), decide, and act (R rolls back): it is timed. q leaves, and the score is told.
In another terminal: cd "$(loom demo where)", and every command speaks to this room: loom rollback --reason WHY.
When you are alone, a second person approves by: loom demo approve.
"""
UNTOLD = ("A surprise", "to expect nothing in particular: what happens, and whether anything does, is told at the end")
DROPPED = """\
Your connection dropped: this drill hung up your terminal. Whatever was under way on the other side is under way still.
"""


class Terms(Struct, frozen=True, kw_only=True):
    """How a drill is played: told by which name, at which pace, after which rollback, over whose PostgreSQL."""

    scenario: Scenario
    told_as: str
    pace: float
    rehearsed: DrillEnded | None
    postgres_dsn: str | None

    @property
    def briefing(self) -> str:
        """What is said before it begins."""
        told = self.told_as == self.scenario.name
        title, teaches = (self.scenario.title, self.scenario.teaches) if told else UNTOLD
        return BRIEFING.format(title=title, teaches=teaches)


def play(
    terms: Terms,
    *,
    options: Sequence[str],
    say: Callable[[str], None],
    wait: Callable[[str], None],
    tell: Callable[[Score], int],
) -> int:
    """Play a drill in this terminal until its person leaves, then tell the score (`tell` gives the exit code).

    The world is taken down after that. `wait` asks them to go on. Raises DemoError, StoreError, CallFailed.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    say("Making a small real world: PostgreSQL, Sentry's API, the app and the platform that ships it …")
    with _ready_world(terms.postgres_dsn) as made, closing(Line()) as line:
        say(terms.briefing)
        wait("Press enter to begin")
        director = Director(terms.scenario, made, pace=terms.pace, drop=line.drop)
        director.begin(terms.rehearsed, told_as=terms.told_as)
        with _directing(director) as told:
            words = ["room", str(made.plan_path), "--store", str(made.store_directory), *options]
            while line.open(words) is None:
                say(DROPPED)
                wait("Press enter to connect again")
        return tell(told.result())


def play_headless(terms: Terms, *, for_s: float | None, tell: Callable[[Score], int]) -> int:
    """Play a drill without a room of its own, for a team in other terminals. Raises as `play` does."""
    with _ready_world(terms.postgres_dsn) as made:
        director = Director(terms.scenario, made, pace=terms.pace, drop=lambda: None)
        signal.signal(signal.SIGINT, lambda *_: director.leave.set())  # ctrl+c is how one leaves here
        director.begin(terms.rehearsed, told_as=terms.told_as)
        return tell(director.direct(for_s=for_s))


def _leave(number: int, _frame: FrameType | None) -> Never:
    sys.exit(128 + number)  # through all that is open: the terminal is put back, and the world taken down


@contextmanager
def _ready_world(postgres_dsn: str | None) -> Iterator[World]:
    with world(postgres_dsn=postgres_dsn, shipped=True) as made:
        wait_for_readings(made, timeout_s=FIRST_READINGS_TIMEOUT_S)
        yield made


@contextmanager
def _directing(director: Director) -> Iterator[Future[Score]]:
    """Direct on a thread beside the room; however that is left, the drill ends with it."""
    with ThreadPoolExecutor(1, "director") as thread:
        try:
            yield thread.submit(director.direct)
        finally:
            director.leave.set()
