"""`loom drill`: practise on a world that is broken on purpose, and see what it took."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from random import choice
from typing import TYPE_CHECKING, Any

import click

from loom_tui.cli import store_option
from loom_tui.commands.printing import Styled, echo, echo_json, speaks_unicode

if TYPE_CHECKING:
    from loom_tui.drill.keeping import Keep
    from loom_tui.drill.scenario import Scenario
    from loom_tui.drill.score import Score
    from loom_tui.room.drills import DrillEnded
    from loom_tui.room.events import Event


@click.command("drill")
@click.argument("name", metavar="[SCENARIO]", required=False)
@click.option("--fast", is_flag=True, help="Have it happen five times sooner.")
@click.option("--headless", is_flag=True, help="Without a room: for a team in other terminals, or a script.")
@click.option("--for", "seconds", type=click.FloatRange(min=0), help="How long a headless drill lasts at most.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@click.option(
    "--plan",
    "plan_file",
    metavar="PLAN",
    type=click.Path(path_type=Path),
    help="Keep the score in this plan's journal.",
)
@store_option
@click.option("--postgres", "dsn", metavar="DSN", help="Use this PostgreSQL, in a schema of its own.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw with ASCII alone.")
@click.option("--light", is_flag=True, help="Dark ink on a light ground.")
def drill(
    name: str | None,
    *,
    fast: bool,
    headless: bool,
    seconds: float | None,
    as_json: bool,
    plan_file: Path | None,
    store_directory: Path | None,
    dsn: str | None,
    ascii_only: bool,
    light: bool,
) -> None:
    """Drill the team: a practice world that breaks by a script, and the times to notice, decide, roll back and verify.

    Without a scenario, lists them. Exit 0: all was seen that it asks of a team; 1: not all.

    Example: loom drill regression · loom drill regression --plan loom.toml
    """
    if name is None:
        _list(as_json=as_json)
        return
    if seconds is not None and not headless:
        raise click.UsageError("--for is how long a headless drill lasts; you leave yours with q")
    scenario = _scenario(name, headless=headless)
    keep, where = _keep(plan_file, store_directory)
    past = keep.past()
    before = next((each for each in reversed(past) if each.scenario == scenario.name), None)
    rehearsed = next((each for each in reversed(past) if each.steps), None)
    tell = partial(_tell, keep=keep, where=where, before=before, as_json=as_json)

    from loom_tui.drill.run import FAST, Terms, play, play_headless

    terms = Terms(scenario=scenario, told_as=name, pace=FAST if fast else 1.0, rehearsed=rehearsed, postgres_dsn=dsn)
    if headless:
        sys.exit(play_headless(terms, for_s=seconds, tell=tell))
    options = [word for word, given in (("--ascii", ascii_only), ("--light", light)) if given]
    sys.exit(play(terms, options=options, say=_say, wait=_wait, tell=tell))


def _list(*, as_json: bool) -> None:
    from loom_tui.drill.scenario import SCENARIOS, SURPRISE

    if as_json:
        echo_json([{"name": each.name, "title": each.title, "teaches": each.teaches} for each in SCENARIOS])
        return
    width = max(len(each.name) for each in SCENARIOS)
    for each in SCENARIOS:
        echo(Styled(each.name.ljust(width), bold=True), f"  {each.title}")
        echo(" " * width, f"  teaches {each.teaches}")
    echo(Styled(SURPRISE.ljust(width), bold=True), "  One of them, and nobody is told which")


def _scenario(name: str, *, headless: bool) -> Scenario:
    from loom_tui.commands.rooms import require_terminal
    from loom_tui.drill.scenario import SCENARIOS, SURPRISE, Switch, scenario_of

    drops = [each for each in SCENARIOS if any(happening.switch is Switch.DROP for happening in each.happenings)]
    if not headless:
        require_terminal()
    if name == SURPRISE:
        return choice([each for each in SCENARIOS if not headless or each not in drops])  # noqa: S311 - a surprise, no secret
    found = scenario_of(name)
    if found is None:
        known = ", ".join(each.name for each in SCENARIOS)
        raise click.UsageError(f"There is no drill {name!r}; there are {known}, and {SURPRISE}")
    if headless and found in drops:
        raise click.UsageError(f"{name} hangs up the room's terminal: without one there is nothing to drill")
    return found


def _keep(plan_file: Path | None, store_directory: Path | None) -> tuple[Keep, str]:
    """Find the journal that keeps the score, and words for it: the plan's that was named, or that of drills alone."""
    from loom_tui.commands.rooms import find_room
    from loom_tui.config.operator import whoami
    from loom_tui.drill.keeping import Keep
    from loom_tui.store.place import default_directory

    if plan_file is None:
        directory = store_directory.expanduser().resolve() if store_directory else default_directory(os.environ)
        return Keep(directory=directory), "among your drills"
    room = find_room(plan_file, store_directory)
    keep = Keep(directory=room.directory, plan=room.plan)
    keep.hold(whoami())
    return keep, f"in the journal of “{room.plan.plan.title}”"


def _say(text: str) -> None:
    for line in text.splitlines():
        echo(line, err=True)


def _wait(text: str) -> None:
    click.prompt(text, default="", show_default=False, prompt_suffix=" ", err=True)


def _tell(score: Score, *, keep: Keep, where: str, before: DrillEnded | None, as_json: bool) -> int:
    """Tell a score and keep it; gives the exit code. What cannot be kept was told all the same."""
    from loom_tui.config.operator import whoami
    from loom_tui.store.base import StoreError

    if as_json:
        echo_json(_as_json(score))
    else:
        for parts in _table(score, before):
            echo(*parts)
    try:
        keep.add(score.ended(), login=whoami(), at=time.time())
    except StoreError as error:
        echo(f"The score could not be kept: {error}", err=True)
        return 1
    echo(f"Kept {where}.", err=True)
    return 0 if score.passed else 1


def _table(score: Score, before: DrillEnded | None) -> Iterator[Sequence[str | Styled]]:
    """Write a score as a table: when each thing was, what it took, who did it; then what was asked."""
    from loom_tui.room.drills import Times, told_of_times
    from loom_tui.widgets.text import Pen, Sign

    pen = Pen(ascii_only=not speaks_unicode())
    yield [Styled(score.scenario.title, bold=True)]
    for at, took, what, words in _rows(score):
        clock = time.strftime("%H:%M:%S", time.localtime(at)) if at is not None else ""
        yield [f"  {clock:8}  {took:>8}  ", Styled(f"{what:20}", bold=bool(took)), words]
    signs = {True: (Sign.OK, "green"), False: (Sign.BAD, "red"), None: (Sign.UNKNOWN, None)}
    for judged in score.judged:
        sign, colour = signs[judged.held]
        said = f": {judged.words}" if judged.words else ""
        yield ["  ", Styled(pen.sign(sign).text, colour), f" {judged.ask.value}{said}"]
    if before is not None and before.times != Times():
        yield [f"  The time before: {told_of_times(before.times)}"]


def _rows(score: Score) -> Iterator[tuple[float | None, str, str, str]]:
    """Give the rows of a drill that had a fault: its moments, what each took, and the words of who did it."""
    from loom_tui.drill.scenario import Ask
    from loom_tui.room.drills import took

    fault, times, view = score.fault, score.times, score.rollback
    if fault is None:
        return
    yield fault.at, "", "the fault", ""
    if fault.shown_at is not None:
        yield fault.shown_at, "", "the room showed it", f"{took(fault.shown_at - fault.at)} later"
    else:
        yield None, "", "the room showed it", "not while it lasted"
    rolled_back_at = view.steps_ended_at if view is not None else None
    rows = (
        (times.notice_s, score.noticed.at if score.noticed else None, "noticed", _told(score.noticed)),
        (times.decide_s, score.decided.at if score.decided else None, "decided", _told(score.decided)),
        (times.roll_back_s, rolled_back_at, "rolled back", ""),
        (times.verify_s, view.ended_at if view is not None else None, "verified", ""),
    )
    for took_s, at, what, words in rows:
        known = took_s is not None
        if not known and what != "noticed" and Ask.VERIFIED not in score.scenario.asks:
            continue  # nobody was asked for it
        yield at if known else None, took(took_s) if took_s is not None else "", what if known else f"not {what}", words


def _told(event: Event | None) -> str:
    from loom_tui.room.told import sentence

    return sentence(event) if event is not None else ""


def _as_json(score: Score) -> dict[str, Any]:
    """Give a score as scripts are told it; times in seconds, moments in Unix seconds."""
    import msgspec

    ended: dict[str, Any] = msgspec.to_builtins(score.ended())
    return {
        **{key: value for key, value in ended.items() if key not in ("kind", "missed")},
        "fault": msgspec.to_builtins(score.fault),
        "asked": [{"ask": each.ask.value, "seen": each.held, "why": each.words} for each in score.judged],
    }
