"""What a person is shown before a rollback: what is known of its target, of migrations since, of how long it takes."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from loom_tui.plan.model import Plan, Rule
from loom_tui.plan.sources.migrations import MigrationsSource
from loom_tui.room.acting import ActionFailed, ActionVerified, Outcome, StepEnded, StepStarted, VerificationStarted
from loom_tui.room.database import Migration, Suspicion, Where
from loom_tui.room.drills import DrilledStep, DrillEnded, Times
from loom_tui.room.errors import ReleaseHealth
from loom_tui.room.events import ClockRan, MarkerSet
from loom_tui.room.guard import ActionState
from loom_tui.room.ledger import Ledger, advance
from loom_tui.room.preview import Preview, preview
from loom_tui.room.sightings import version_sightings
from loom_tui.room.signals import State, Stored
from loom_tui.room.versions import VersionSeen
from loom_tui.widgets.standing import drill_words, run_words, step_words, target_words
from tests.gates import ENVIRONMENT, NOW, RELEASE, bad, read, reading
from tests.guards import ACTIONS, Stage, guarded_plan

HOUR_S = 3600.0
WELL = (Rule(signal="app.version", is_="{to}"), Rule(signal="app", is_="ok"))


def healthy_plan() -> Plan:
    return guarded_plan(actions={**ACTIONS, "rollback": replace(ACTIONS["rollback"], verify=WELL)})


def shown(stage: Stage) -> Preview:
    return preview(stage.snapshot(), "rollback")


def runs(version: str, *more: Stored) -> tuple[Stored, ...]:
    return (reading("app.version", detail=version), *more)


def sighted(stage: Stage, *readings: Stored) -> list[VersionSeen]:
    """What a collector would write down of these readings."""
    stage.seen = read(*(replace(each, reading=replace(each.reading, observed_at=stage.now - 3)) for each in readings))
    ledger = advance(Ledger(), stage.events)
    found = list(version_sightings(stage.snapshot(), ledger, stage.seen))
    for sighting in found:
        stage.write("loom", sighting)
    return found


def test_a_target_that_nobody_saw_run_is_the_plans_word():
    stage = Stage()
    known = shown(stage).target
    assert known is not None
    assert (known.verified_at, known.healthy_at, known.served_s) == (None, None, None)
    assert target_words(known, NOW) == ""


def test_a_target_that_ran_and_was_seen_healthy_says_how_long_it_served():
    stage = Stage(healthy_plan())
    (seen,) = sighted(stage, *runs("v1"))
    assert (seen.version, seen.healthy) == ("v1", False)
    stage.now += 60
    (well,) = sighted(stage, *runs("v1", reading("app")))
    assert well.healthy
    stage.now += 150 * HOUR_S
    assert [each.version for each in sighted(stage, *runs("v2", reading("app")))] == ["v2"]
    stage.now += HOUR_S
    seen_now = shown(stage)
    assert not any("never" in warning for warning in seen_now.warnings)
    assert seen_now.target is not None
    assert target_words(seen_now.target, stage.now) == "seen healthy 6 d 8 h ago, served up to 6 d 7 h"


def test_a_target_that_ran_and_was_never_healthy_is_warned_of():
    stage = Stage(healthy_plan())
    sighted(stage, *runs("v1"))
    stage.now += 100
    assert sighted(stage, *runs("v1", bad(reading("app")))) == []
    sighted(stage, *runs("v2"))
    assert (
        "v1 ran here and was never seen healthy: what would verify it did not hold while it did"
        in shown(stage).warnings
    )


def test_a_version_of_another_environment_or_one_that_is_not_told_says_nothing_of_the_target():
    stage = Stage(healthy_plan())
    stage.write("loom", VersionSeen(version="v1", environment="staging", seen_at=NOW - 100, healthy=True))
    assert "v1 is the plan's word" in shown(stage).warnings[0]
    silent = reading("app.version", detail="the answer has no version", state=State.UNKNOWN)
    assert sighted(stage, silent) == []
    assert shown(stage).from_release == RELEASE


def test_instances_that_are_replaced_one_by_one_do_not_flood_the_journal():
    stage = Stage(healthy_plan())
    written = []
    for turn in range(60):
        stage.now += 2
        written += sighted(stage, *runs(f"v{turn % 2 + 1}"))
    assert [each.version for each in written] == ["v1", "v2"]


def test_what_is_sighted_is_sighted_once():
    stage = Stage(healthy_plan())
    sighted(stage, *runs("v1", reading("app")))
    sighted(stage, *runs("v1", reading("app")))
    assert sighted(stage, *runs("v1", reading("app"))) == []


def test_a_clock_that_ran_out_for_a_release_shows_that_it_was_well():
    stage = Stage()
    stage.write(
        "loom", ClockRan(criterion="c", text="calm", deployed_at=0, since=0, release="v1", environment=ENVIRONMENT)
    )
    assert not any("never" in warning for warning in shown(stage).warnings)


def test_a_target_that_was_itself_rolled_back_from_is_warned_of():
    stage = Stage()
    action = rolled_back(stage)
    assert stage.state(action) is ActionState.DONE
    stage.plan = replace(stage.plan, plan=replace(stage.plan.plan, release="v3", last_stable="v2"))
    stage.plan = replace(stage.plan, actions={"rollback": ACTIONS["rollback"]})
    seen = preview(stage.snapshot(), "rollback")
    assert seen.to_release == "v1"
    stage.plan = replace(stage.plan, plan=replace(stage.plan.plan, release="v1"))
    seen = preview(stage.snapshot(), "rollback")
    assert (seen.to_release, "v2 was itself rolled back from: errors" in seen.warnings) == ("v2", True)


def rolled_back(stage: Stage, outcome: Outcome = Outcome.OK) -> int:
    action = stage.begun()
    for index in range(2):
        stage.run(StepStarted(action=action, run="r1", step=index))
        stage.now += 20
        stage.alive(action)
        stage.run(StepEnded(action=action, run="r1", step=index, outcome=outcome))
        if outcome is not Outcome.OK:
            stage.run(ActionFailed(action=action, run="r1", why="exit 1"))
            return action
    stage.run(VerificationStarted(action=action, run="r1"))
    stage.now += 10
    stage.run(ActionVerified(action=action, run="r1", evidence=("v1",)))
    return action


def test_it_says_how_long_the_last_run_and_the_last_drill_took_step_by_step():
    stage = Stage()
    assert shown(stage).last_run is None
    stage.write(
        "ana",
        DrillEnded(
            scenario="regression", began_at=stage.now - 60, people=("ana",), times=Times(roll_back_s=38), passed=True,
            steps=(DrilledStep(name="Revert", took_s=38.0),),
        ),
    )  # fmt: skip
    action = rolled_back(stage)
    stage.now += HOUR_S
    seen = shown(stage)
    assert seen.last_run is not None
    assert (seen.last_run.action, seen.last_run.took_s, seen.last_run.steps_s) == (action, 50.0, (20.0, 20.0))
    assert run_words(seen.last_run, stage.now) == "last run 50 s, done, 1 h 1 m ago"
    assert seen.last_drill is not None
    assert drill_words(seen.last_drill, stage.now) == "last drill 1 h 2 m ago (regression): 38 s to roll back"
    assert step_words(seen, 0) == "last drill 38 s, last run 20 s"
    assert step_words(seen, 1) == "last run 20 s"


def test_a_run_that_failed_is_the_last_one_too_and_one_that_never_began_is_none():
    stage = Stage()
    rolled_back(stage, Outcome.FAILED)
    stage.arm()
    seen = shown(stage)
    assert seen.last_run is not None
    assert (seen.last_run.state, seen.last_run.steps_s) == (ActionState.FAILED, (20.0, None))


def migrations(*rows: Migration, age_s: float = 3.0) -> Stored:
    return reading("schema.suspect", 1.0, age_s=age_s, body=msgspec.json.encode(rows))


DROPS = Migration(
    version="20251106_02", name="lean", where=Where.APPLIED,
    suspicions=(Suspicion(line=1, what="drops column client.phone"), Suspicion(line=2, what="drops table x")),
)  # fmt: skip


def migrating() -> Plan:
    a_plan = guarded_plan()
    schema = MigrationsSource(directory="migrations", dsn="host=db", ttl_s=60)
    return replace(a_plan, sources={**a_plan.sources, "schema": schema})


def test_the_migration_that_an_older_version_may_not_stand_is_named_with_what_it_drops():
    stage = Stage(migrating(), read(*runs("v2"), migrations(DROPS, replace(DROPS, version="3", where=Where.PENDING))))
    stage.write("bo", MarkerSet(marker="migration"))
    said = [warning for warning in shown(stage).warnings if "older version" in warning]
    assert said == [
        "a migration was applied since v1; an older version may not stand that",
        "20251106_02 lean drops column client.phone; drops table x: an older version may not stand that",
    ]


@pytest.mark.parametrize(
    ("stored", "sentence"),
    [
        ((), "which migrations were applied is not known: schema was never read"),
        ((migrations(DROPS, age_s=500.0),), "what schema says of migrations is stale"),
        ((reading("schema.suspect", 1.0, body=b"{"),), "which migrations were applied is not known: schema"),
    ],
)
def test_migrations_that_are_not_known_are_said_to_be_so(stored, sentence):
    stage = Stage(migrating(), read(*runs("v2"), *stored))
    assert any(sentence in warning for warning in shown(stage).warnings)


def test_many_migrations_are_summed_up():
    rows = [replace(DROPS, version=str(number)) for number in range(9)]
    stage = Stage(migrating(), read(*runs("v2"), migrations(*rows)))
    assert "and 4 more migrations that an older version may not stand" in shown(stage).warnings


def test_the_error_trackers_word_on_the_target_is_shown():
    health = msgspec.json.encode(
        [ReleaseHealth(release="shop@v1", sessions=1204, crash_free_sessions=99.8), ReleaseHealth(release="v2")]
    )
    stage = Stage(seen=read(*runs("v2"), reading("sentry.health", body=health)))
    known = shown(stage).target
    assert known is not None
    assert target_words(known, NOW) == "99.80 % of 1,204 sessions crash-free"


def test_what_is_known_of_the_target_does_not_change_what_was_seen():
    stage = Stage()
    arming = stage.arming()
    stage.write("loom", VersionSeen(version="v1", environment=ENVIRONMENT, seen_at=NOW, healthy=True))
    stage.do("ana", arming)


def test_only_the_plans_rollback_looks_at_versions():
    stage = Stage(guarded_plan(actions={"deploy": ACTIONS["deploy"]}))
    assert sighted(stage, *runs("v1")) == []
