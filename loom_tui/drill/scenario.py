"""What can be drilled: scripts of what happens to the demo's world, as data."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Switch(StrEnum):
    """What can be done to the world, by the names of its own switches, or to a person's line to the room."""

    REGRESSION = "errors"  # the release that runs throws on each booking
    SILENCE = "silence"  # Sentry takes connections, and answers none
    SLOW = "slow"  # a job of the release that runs locks a table again and again
    STEP_FAILS = "channel"  # the team's channel refuses the rollback's second step, once
    DROP = "line"  # the room's terminal hangs up


class Cue(StrEnum):
    """What a happening waits for."""

    BEGIN = "begin"
    ROLLBACK_RUNS = "rollback_runs"  # a rollback's first step has begun


class Happening(Struct, frozen=True, kw_only=True):
    """One thing that the script does, so many seconds after its cue."""

    switch: Switch
    after_s: float = 0.0
    cue: Cue = Cue.BEGIN


class Sign(Struct, frozen=True):
    """How the room shows a fault: a signal that reaches a figure, or (None) one that goes silent."""

    signal: str
    at_least: float | None = None


class Ask(StrEnum):
    """What a scenario asks of a team, beside being quick."""

    NO_ALARM = "no false alarm was raised"
    NOTICED = "somebody noticed, and said so"
    HELD = "nobody went ahead on stale evidence"
    ANSWERED = "the step that failed was answered"
    OUTLIVED = "the rollback outlived the connection"
    VERIFIED = "a rollback was carried out and verified"


class Scenario(Struct, frozen=True, kw_only=True):
    """A drill: what happens when, how the room shows the fault, what is asked, and how long it lasts at most.

    The fault is the first happening that has `sign`'s switch, `fault`; a calm world has none.
    """

    name: str
    title: str
    teaches: str
    asks: tuple[Ask, ...]
    happenings: tuple[Happening, ...] = ()
    fault: Switch | None = None
    sign: Sign | None = None
    lasts_s: float = 420.0


_CRITICAL = Sign("sentry.critical", at_least=1)
_REGRESSION = Happening(switch=Switch.REGRESSION, after_s=25)

SCENARIOS = (
    Scenario(
        name="calm",
        title="Nothing happens",
        teaches="to read a quiet room, and to leave it alone",
        asks=(Ask.NO_ALARM,),
        lasts_s=120,
    ),
    Scenario(
        name="regression",
        title="A regression after the deploy",
        teaches="to see errors rise after a deploy, and to roll back before the inbox does",
        asks=(Ask.NOTICED, Ask.VERIFIED),
        happenings=(_REGRESSION,),
        fault=Switch.REGRESSION,
        sign=_CRITICAL,
    ),
    Scenario(
        name="silence",
        title="Sentry goes silent",
        teaches="that no errors and no telemetry are different readings, and that silence is no GO",
        asks=(Ask.NOTICED, Ask.HELD),
        happenings=(Happening(switch=Switch.SILENCE, after_s=25),),
        fault=Switch.SILENCE,
        sign=Sign("sentry"),
        lasts_s=180,
    ),
    Scenario(
        name="slow-database",
        title="The database slows",
        teaches="to tell a slow database from a slow app, and to find who holds the lock",
        asks=(Ask.NOTICED, Ask.VERIFIED),
        happenings=(Happening(switch=Switch.SLOW, after_s=25),),
        fault=Switch.SLOW,
        sign=Sign("db.coach_clients.p95_ms", at_least=100),
    ),
    Scenario(
        name="failed-step",
        title="The rollback's second step fails",
        teaches="to answer a step that failed, instead of starting over or walking away",
        asks=(Ask.NOTICED, Ask.ANSWERED, Ask.VERIFIED),
        happenings=(Happening(switch=Switch.STEP_FAILS), _REGRESSION),
        fault=Switch.REGRESSION,
        sign=_CRITICAL,
    ),
    Scenario(
        name="ssh-drop",
        title="The connection drops in the middle of the rollback",
        teaches="that an action outlives its terminal: come back, look, and do not start it again",
        asks=(Ask.NOTICED, Ask.OUTLIVED, Ask.VERIFIED),
        happenings=(_REGRESSION, Happening(switch=Switch.DROP, cue=Cue.ROLLBACK_RUNS)),
        fault=Switch.REGRESSION,
        sign=_CRITICAL,
    ),
)


SURPRISE = "surprise"  # one of them, which is told at the end


def scenario_of(name: str) -> Scenario | None:
    """Find a scenario by its name."""
    return next((scenario for scenario in SCENARIOS if scenario.name == name), None)
