"""What changes the world, from a shell: what is shown, who must say what, and with which exit code it ends."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from loom_tui.config.operator import whoami
from loom_tui.gathering import read_once, write_deed
from loom_tui.plan.acts import ActionKind, CommandAct, ManualAct, NotifyAct, RequestAct, SqlAct
from loom_tui.plan.channels import CommandChannel
from loom_tui.plan.model import Action, Operator, Plan, Right
from loom_tui.plan.sources.base import Secret
from loom_tui.plan.sources.command import CommandSource
from loom_tui.plan.toml import dump_plan
from loom_tui.room.door import Person
from loom_tui.room.guard import ActionState
from loom_tui.room.guarded import Approve, deed_of
from loom_tui.store.sqlite import open_store
from tests.gates import plan
from tests.running import DEADLINE_S, action, python, waits, writes
from tests.shell import loom

ME = whoami()
ALONE = ("--environment", "production", "--reason", "errors since noon")
GLASS = (*ALONE, "--break-glass", "alone at night")


def guarded(**actions: Action) -> Plan:
    base = plan()
    return replace(
        base,
        plan=replace(base.plan, last_stable="v1"),
        actions=actions,
        sources={
            "app": CommandSource(
                run=(sys.executable, "-c", "import os; assert os.path.exists('one.done')"), interval_s=1
            )
        },
    )


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory; the collectors and runners that work on it are ended with the test."""
    yield tmp_path
    for process in psutil.process_iter(["cmdline"]):
        if any(str(tmp_path) in word for word in process.info["cmdline"] or ()):
            process.kill()


def place_of(directory: Path, a_plan: Plan) -> Path:
    (directory / "loom.toml").write_text(dump_plan(a_plan), encoding="utf-8")
    return directory


def state(place: Path, a_plan: Plan, number: int = 2) -> ActionState:
    store = open_store(place / "state", plan_id="friday")
    try:
        return next(view.state for view in read_once(a_plan, store, now=time.time()).actions if view.id == number)
    finally:
        store.close()


def as_other(place: Path, a_plan: Plan, number: int) -> None:
    """Approve as another person, which one account cannot."""
    store = open_store(place / "state", plan_id="friday")
    try:
        write_deed(a_plan, store, deed_of(Approve(number)), person=Person("bo"), now=time.time())
    finally:
        store.close()


def until(holds: object) -> None:
    assert callable(holds)
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_rollback_alone_is_shown_done_verified_and_followed_to_its_end(place):
    place_of(place, guarded(rollback=action(writes("one"))))
    done = loom(place, "rollback", *GLASS)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "rollback in production  v2 → v1"
    assert "  ! v1 is the plan's word: its verification never held in this room" in lines
    told = [line.split(" ", 2)[2] for line in lines if line[2:3] == ":" and f" {ME} " in line]
    assert told[0] == "armed “rollback” v2 → v1 in production: errors since noon"
    assert told[1] == "broke the glass for action 2: alone at night"
    assert told[-1] == "saw action 2 done: app: ok"
    assert lines[-1] == "rollback (2): done"
    assert (place / "one.done").read_text() == "x"
    assert loom(place, "journal", "verify").returncode == 0


def test_who_armed_it_is_refused_and_a_second_person_has_it_begin(place):
    a_plan = guarded(rollback=action(writes("one"), verify=()))
    place_of(place, a_plan)
    with subprocess.Popen(
        (sys.executable, "-m", "loom_tui", "rollback", *ALONE, "--store", str(place / "state")),
        cwd=place, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
    ) as following:  # fmt: skip
        until(lambda: (place / "state").exists() and _armed(place, a_plan))
        refused = loom(place, "approve", "--yes")
        assert (refused.returncode, "another person must approve" in refused.stderr) == (1, True)
        as_other(place, a_plan, 2)
        out, _ = following.communicate(timeout=DEADLINE_S)
    assert "It waits for another person: loom approve 2" in out
    assert following.returncode == 3
    assert "rollback (2): done, unverified · the plan names no signals that would show it" in out


def _armed(place: Path, a_plan: Plan) -> bool:
    store = open_store(place / "state", plan_id="friday")
    try:
        return bool(read_once(a_plan, store, now=time.time()).actions)
    finally:
        store.close()


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("rollback", "--reason", "r"), 2, "name the environment by --environment production"),
        (("rollback", "--reason", "r", "--environment", "prod"), 1, "Type the environment's name, production"),
        (("rollback", "--environment", "production"), 1, "need a reason"),
        (("act", "nothing"), 1, "The plan has no action 'nothing'; it has rollback"),
        (("act", "7"), 1, "There is no action 7"),
        (("act", "rollback", "--resume"), 2, "write its number"),
        (("approve",), 1, "No action is under way"),
        (("abort", "--reason", "r"), 1, "No action is under way"),
        (("stop",), 1, "A stop needs a reason"),
        (("stop", "--lift", "--reason", "r"), 1, "No stop is in force"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(place, words, code, sentence):
    place_of(place, guarded(rollback=action(writes("one"))))
    loom(place, "note", "the room exists")
    done = loom(place, *words)
    assert (done.returncode, sentence in done.stderr) == (code, True), done.stderr
    assert not (place / "one.done").exists()


def test_a_failing_step_is_exit_1_and_the_journal_says_why(place):
    place_of(place, guarded(rollback=action(python("print('[/ nope'); raise SystemExit(4)", name="Revert"))))
    done = loom(place, "rollback", *GLASS)
    assert done.returncode == 1
    assert "    [/ nope" in done.stdout
    assert done.stdout.splitlines()[-1] == "rollback (2): failed · “Revert”: exit 4, wanted 0"


def test_a_stop_refuses_all_but_a_rollback_and_is_lifted(place):
    place_of(
        place,
        guarded(
            rollback=action(writes("one"), verify=()), purge=action(writes("two"), kind=ActionKind.COMMAND, verify=())
        ),
    )
    assert loom(place, "stop", "--reason", "odd").stdout == "Stopped: no action begins but a rollback\n"
    refused = loom(place, "act", "purge", "--environment", "production")
    assert (refused.returncode, "stopped all actions: odd" in refused.stderr) == (1, True)
    assert loom(place, "rollback", *GLASS).returncode == 3
    assert loom(place, "stop", "--lift", "--reason", "over").stdout == "The stop is lifted: actions may begin again\n"
    assert loom(place, "act", "purge", "--environment", "production").returncode == 3
    assert (place / "two.done").exists()


def test_an_abort_between_steps_is_told_and_ends_it(place):
    a_plan = guarded(it=action(waits("one"), writes("two"), kind=ActionKind.COMMAND))
    place_of(place, a_plan)
    with subprocess.Popen(
        (sys.executable, "-m", "loom_tui", "act", "it", *ALONE, "--store", str(place / "state")),
        cwd=place, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
    ) as following:  # fmt: skip
        until((place / "one.done").exists)
        assert loom(place, "abort", "--reason", "wrong one").stdout == "It ends before its next step\n"
        (place / "go").touch()
        out, _ = following.communicate(timeout=DEADLINE_S)
    assert following.returncode == 1
    assert out.splitlines()[-1] == f"command (2): aborted · {ME} aborted it: wrong one"
    assert not (place / "two.done").exists()


def test_a_step_by_hand_is_asked_for_and_answered_from_another_shell(place):
    a_plan = guarded(it=action(ManualAct(name="CDN", text="purge it"), kind=ActionKind.COMMAND, verify=()))
    place_of(place, a_plan)
    with subprocess.Popen(
        (sys.executable, "-m", "loom_tui", "act", "it", *ALONE, "--store", str(place / "state")),
        cwd=place, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
    ) as following:  # fmt: skip
        assert following.stdout is not None
        while "It waits for a person: loom act 2 --answer done | failed" not in following.stdout.readline():
            assert following.poll() is None
        assert loom(place, "act", "2", "--answer", "done").returncode == 3
        assert "said “done” of step 1 of action 2" in following.stdout.read()
        assert following.wait(timeout=DEADLINE_S) == 3


def test_a_killed_terminal_leaves_the_rollback_going_and_another_one_follows_it(place):
    a_plan = guarded(rollback=action(waits("one"), verify=()))
    place_of(place, a_plan)
    with subprocess.Popen(
        (sys.executable, "-m", "loom_tui", "rollback", *GLASS, "--store", str(place / "state")),
        cwd=place, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, start_new_session=True,
    ) as following:  # fmt: skip
        until((place / "one.done").exists)
        following.kill()
    assert state(place, a_plan) is ActionState.RUNNING
    (place / "go").touch()
    done = loom(place, "act", "2")
    assert (done.returncode, (place / "one.done").read_text()) == (3, "x")


STEPS = (
    CommandAct(
        name="Revert [/", run=("vercel", "rollback", "{to}", "a b"), secrets={"TOKEN": Secret(env="VERCEL_TOKEN")}
    ),
    RequestAct(name="Tell", url="{hook}", json={"text": "{to}"}, secrets={"hook": Secret(file="/run/hook")}),
    SqlAct(name="Undo", file="down.sql", dsn="host=db"),
)
PRINTED = """\
# Back in production  v2 → v1
# v1 is the plan's word: its verification never held in this room
# Revert [/
# TOKEN: $VERCEL_TOKEN
vercel rollback v1 'a b'
# Tell
# hook: /run/hook
curl -sS -X POST {hook} -H 'content-type: application/json' -d '{"text":"v1"}'
# Undo
psql -v ON_ERROR_STOP=1 --single-transaction -f down.sql host=db
"""


@pytest.mark.parametrize("trouble", ["no store", "garbage", "a store that others may write"])
def test_the_commands_are_printed_whatever_became_of_the_store(place, trouble):
    place_of(place, guarded(rollback=Action(kind=ActionKind.ROLLBACK, label="Back", steps=STEPS)))
    if trouble == "garbage":
        loom(place, "note", "a store")
        next((place / "state").rglob("journal.db")).write_bytes(b"no database" * 1000)
    elif trouble == "a store that others may write":
        (place / "state").mkdir()
        (place / "state").chmod(0o777)
    done = loom(place, "rollback", "--print")
    assert done.returncode == 0
    lines = [line for line in done.stdout.splitlines(keepends=True) if "verif" not in line or "never held" in line]
    assert "".join(lines) == PRINTED
    assert done.stderr.startswith("# ")


def test_a_printed_notice_says_who_and_why_as_a_shell_takes_it(place):
    tell = NotifyAct(name="Tell", channels=("team",), text="{by} rolls back: {reason}")
    a_plan = guarded(rollback=Action(kind=ActionKind.ROLLBACK, label="Back", steps=(tell,)))
    place_of(place, replace(a_plan, channels={"team": CommandChannel(run=("cat",))}))
    done = loom(place, "rollback", "--print", "--reason", "it's broken")
    assert shlex.split(done.stdout.splitlines()[-1]) == [
        "loom", "notify", f"{ME} rolls back: it's broken", "--channel", "team",
    ]  # fmt: skip
    assert "no reason given" in loom(place, "rollback", "--print").stdout


def test_a_viewer_is_refused_every_command(place):
    viewers = (Operator(login=ME, may=Right.VIEWER),)
    a_plan = guarded(rollback=action(writes("one")))
    place_of(place, replace(a_plan, operators=viewers))
    for words in (("rollback", *GLASS), ("act", "rollback", *ALONE), ("stop", "--reason", "r")):
        done = loom(place, *words)
        assert (done.returncode, f"{ME} may not do this" in done.stderr) == (1, True), words
    assert not (place / "one.done").exists()
