"""Nothing stands in a rollback's way.

Not a freeze, nor a stale gate, a global stop (`loom stop` refuses all else; `--all` includes it), a running check, a
plan edited since arming (the pinned version runs), a flapping pre-flight (a person may go on past a warning), nor a
broken store or full disk (`loom rollback --print` gives the exact commands to run by hand).

What does not stand in a rollback's way stands in that of a deploy or a command: the same room refuses those.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from loom_tui.gathering import adopt
from loom_tui.plan.acts import ActionKind
from loom_tui.plan.model import Freeze, Rule
from loom_tui.plan.sources.base import Secret
from loom_tui.room.acting import CountdownStarted
from loom_tui.room.events import PlanAdopted
from loom_tui.room.fold import Folder
from loom_tui.room.guard import ActionState as S
from loom_tui.room.guarded import Approve, CallStop
from loom_tui.room.signals import PollerReport
from loom_tui.room.verdicts import GateState
from tests.gates import ENVIRONMENT, RELEASE, bad, read, reading, signed
from tests.guards import ACTIONS, Stage, guarded_plan
from tests.running import action, waits, writes
from tests.shell import loom
from tests.test_guard_commands import GLASS, guarded, place_of

HERE = Path(__file__).resolve().parent.parent
VERSION = reading("app.version", detail=RELEASE)
ALWAYS = Freeze(why="the gala", weekly="Mon 00:00 – Sun 23:59")


def begins(stage: Stage, name: str = "rollback") -> None:
    """Arm it, have a second person approve it, and count it down."""
    number = stage.arm(name)
    stage.do("bo", Approve(number))
    stage.alive(number)
    stage.run(CountdownStarted(action=number, run="r", host="h", ends_at=stage.now))
    assert stage.state(number) is S.COUNTING_DOWN


def test_not_a_freeze():
    stage = Stage(replace(guarded_plan(), freezes=(ALWAYS,)))
    stage.write("qa", signed("go/feedback positive", holds=True))
    assert "A freeze is in force" in stage.refused("ana", stage.arming("deploy"))
    assert "A freeze is in force" in stage.refused("ana", stage.arming("purge"))
    begins(stage)


def test_nor_a_stale_gate():
    stage = Stage(seen=read(reading("app.version", detail=RELEASE, age_s=86_400.0)))
    assert stage.snapshot().gate.state is GateState.HOLD
    assert "The gate is HOLD" in stage.refused("ana", stage.arming("deploy"))
    begins(stage)


def test_nor_a_global_stop():
    stage = Stage()
    stage.do("cy", CallStop("something is off"))
    assert "cy stopped all actions" in stage.refused("ana", stage.arming("purge"))
    begins(stage)


def test_but_a_stop_with_all_includes_it():
    stage = Stage()
    stage.do("cy", CallStop("hands off", everything=True))
    assert "cy stopped all actions: hands off" in stage.refused("ana", stage.arming())


def test_nor_a_running_check():
    report = PollerReport(last_success_at=None, asking_since=1.0, progress="step 2 of 9")
    asking = reading("feed.app", body=msgspec.json.encode(report))
    stage = Stage(seen=read(VERSION, asking))
    assert [check.running_since for check in stage.snapshot().checks if check.signal.signal.id == "app"] == [1.0]
    begins(stage)


def test_nor_another_action_that_hangs(world):
    room = world(deploy=action(waits("one"), kind=ActionKind.DEPLOY), rollback=action(writes("back"), verify=()))
    deploy = room.begin("deploy", override=True)
    room.in_step(deploy, 0)
    rollback = room.begin()
    assert room.ended(rollback).state is S.DONE_UNVERIFIED
    assert (room.state(deploy), room.count("back")) == (S.ABORTED, 1)


def test_nor_a_plan_edited_since_arming():
    for name in ("rollback", "purge"):
        stage = Stage()
        number = stage.arm(name)
        stage.do("bo", Approve(number))
        stage.write("cy", PlanAdopted(plan_hash="p2", release=RELEASE, environment=ENVIRONMENT))
        claim = CountdownStarted(action=number, run="r", host="h", ends_at=stage.now)
        if name == "rollback":
            stage.run(claim)
        else:
            assert "The plan was edited since it was armed" in stage.barred(claim)


def test_and_it_is_the_pinned_version_that_runs(world):
    room = world(rollback=action(writes("armed"), verify=()))
    number = room.arm()
    edited = replace(room.plan, actions={"rollback": action(writes("edited"), verify=())})
    adopt(room.store, edited, Folder(edited), actor="cy", at=room.snapshot().now)
    room.do("bo", Approve(number))
    room.start(number)
    assert room.ended(number).state is S.DONE_UNVERIFIED
    assert (room.count("armed"), room.count("edited")) == (1, 0)


def test_nor_a_preflight_rule_that_flaps():
    rule = (Rule(signal="app.auth", is_="ok"),)
    actions = {name: replace(each, preflight=rule) for name, each in ACTIONS.items()}
    stage = Stage(guarded_plan(actions=actions), read(VERSION, reading("app.auth")))
    arming = stage.arming()
    stage.seen = read(VERSION, bad(reading("app.auth")))
    assert "The pre-flight does not hold" in stage.refused("ana", stage.arming("purge"))
    number = stage.do("ana", arming)  # what was shown had no warning yet: a warning sends nobody back
    stage.do("bo", Approve(number))
    stage.run(CountdownStarted(action=number, run="r", host="h", ends_at=stage.now))


def test_nor_a_preflight_of_its_steps_that_fails(world):
    lacking = writes("two", secrets={"HOOK": Secret(env="LOOM_NO_SUCH_HOOK")})
    room = world(rollback=action(writes("one"), lacking), it=action(lacking, kind=ActionKind.COMMAND))
    assert room.ended(room.begin("it")).why.startswith("before the start: ")
    room.ended(room.begin())
    assert room.count("one") == 1


# Nor a broken store or a full disk.


def printed(place: Path, *, blocks: str = "unlimited") -> subprocess.CompletedProcess[str]:
    """Have the commands printed by a process that may make no file longer than so many blocks: a full disk."""
    return subprocess.run(
        ("sh", "-c", f'ulimit -f {blocks}; exec "$@"', "sh", sys.executable, "-m", "loom_tui", "rollback", "--print"),
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(HERE), "LOOM_STORE": str(place / "state")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def printable(place: Path) -> None:
    place_of(place, guarded(rollback=replace(ACTIONS["rollback"], verify=())))


def test_nor_a_broken_store(tmp_path):
    printable(tmp_path)
    subprocess.run(
        (sys.executable, "-m", "loom_tui", "note", "a store", "--store", str(tmp_path / "state")),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(HERE)},
        capture_output=True,
        timeout=60,
        check=True,
    )
    for file in (tmp_path / "state").rglob("*.db"):
        file.write_bytes(b"no database" * 1000)
    done = printed(tmp_path)
    assert (done.returncode, "vercel rollback v1\n" in done.stdout) == (0, True), done.stderr
    refused = loom(tmp_path, "rollback", *GLASS)
    assert (refused.returncode, "by hand: loom rollback --print" in refused.stderr) == (1, True)


def test_nor_a_full_disk(tmp_path):
    printable(tmp_path)
    done = printed(tmp_path, blocks="0")
    assert (done.returncode, "vercel rollback v1\n" in done.stdout) == (0, True), done.stderr


def test_one_person_alone_is_enough_when_the_glass_is_broken():
    stage = Stage()
    number = stage.arm()
    stage.do("ana", Approve(number, glass="alone at night"))
    stage.run(CountdownStarted(action=number, run="r", host="h", ends_at=stage.now))


# Nor a plan's file that somebody broke while it burned: the room has a version without faults.


@pytest.mark.parametrize(
    "broken",
    [
        'title = "Friday"\nstart = 2026-01-02\ntarget = 2026-01-01',
        'title = "Friday"\nnonsense = 1',
        'title = "Friday"\n[[issues]\nid = oops',
    ],
)
def test_nor_a_plans_file_with_faults(tmp_path, broken):
    place_of(tmp_path, guarded(rollback=action(writes("back"), verify=())))
    assert loom(tmp_path, "rollback", *GLASS).returncode == 3  # the room takes the plan
    assert loom(tmp_path, "stop", "--reason", "odd").returncode == 0
    path = tmp_path / "loom.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('title = "Friday"', broken), encoding="utf-8")
    assert loom(tmp_path, "note", "x").returncode == 1
    done = printed(tmp_path)
    assert (done.returncode, "back.done" in done.stdout) == (0, True), done.stderr
    assert "The version of the plan that the room took last is used instead" in done.stderr
    (tmp_path / "back.done").unlink()
    done = loom(tmp_path, "rollback", *GLASS)
    assert (done.returncode, (tmp_path / "back.done").read_text()) == (3, "x"), done.stderr
    assert loom(tmp_path, "stop", "--lift", "--reason", "over").returncode == 0


def test_but_a_file_that_names_no_room_or_one_that_nobody_opened_is_its_faults(tmp_path):
    (tmp_path / "loom.toml").write_text('[plan]\ntitle = "Friday"\nnonsense = 1\n', encoding="utf-8")
    assert "nonsense" in printed(tmp_path).stderr
    (tmp_path / "loom.toml").write_text("[plan\n\x00", encoding="utf-8")
    done = printed(tmp_path)
    assert (done.returncode, "not valid TOML" in done.stderr) == (1, True)


def test_a_deploy_is_not_begun_on_a_plan_that_its_file_no_longer_holds(tmp_path):
    ship = action(writes("ship"), kind=ActionKind.COMMAND, verify=())
    place_of(tmp_path, guarded(rollback=action(writes("back"), verify=()), ship=ship))
    assert loom(tmp_path, "rollback", *GLASS).returncode == 3
    path = tmp_path / "loom.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('title = "Friday"', "nonsense = 1"), encoding="utf-8")
    done = loom(tmp_path, "act", "ship", "--environment", "production")
    assert (done.returncode, "nonsense" in done.stderr, (tmp_path / "ship.done").exists()) == (1, True, False)
