"""Each drill as a team plays it: a real world that breaks, commands in other terminals, a line that drops."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psutil
import psycopg
import pytest

from loom_tui.config.operator import whoami
from loom_tui.demo.postgres import running_postgres
from loom_tui.demo.product import SWITCHES
from loom_tui.demo.world import World, decode
from loom_tui.drill.director import due, shows
from loom_tui.drill.keeping import Keep
from loom_tui.drill.scenario import SCENARIOS, Cue, Sign, Switch, scenario_of
from loom_tui.drill.score import Happened
from loom_tui.gathering import read_once
from loom_tui.plan.model import Operator, Right
from loom_tui.plan.toml import dump_plan
from loom_tui.room.acting import Outcome
from loom_tui.room.drills import DrillEnded
from loom_tui.room.guard import ActionState, question_of
from loom_tui.room.snapshot import Snapshot
from tests.guards import guarded_plan
from tests.terminal import Terminal

LOOM = (sys.executable, "-m", "loom_tui")
HERE = Path(__file__).resolve().parent.parent
PATIENCE_S = 120.0  # six worlds on a busy machine
GLASS = ("--environment", "production", "--reason", "nobody can book", "--break-glass", "alone")
T = TypeVar("T")
Told = Mapping[str, Any]  # a score, as scripts are told it


class Team:
    """Whoever takes part in a drill whose world lies under `directory`, in terminals of their own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.made: World = self.until(self._world)
        self.plan = self.made.plan()

    def _world(self) -> World | None:
        found = next(self.directory.glob("loom-demo-*/world.json"), None)
        return decode(found.read_bytes(), World) if found is not None else None

    def loom(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (*LOOM, *words), cwd=self.made.directory, env=environ(self.directory), capture_output=True, text=True,
            timeout=PATIENCE_S, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def begin(self, *words: str) -> AbstractContextManager[subprocess.Popen[str]]:
        return begun(self.directory, *words, cwd=self.made.directory)

    def snapshot(self) -> Snapshot:
        store = self.made.open_store()
        try:
            return read_once(self.plan, store, now=time.time())
        finally:
            store.close()

    def sees(self, sign: Sign) -> None:
        self.until(lambda: shows(sign, self.snapshot()))

    def until(self, found: Callable[[], T | None]) -> T:
        deadline = time.monotonic() + PATIENCE_S
        while not (value := found()):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        return value


def environ(directory: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(directory), "PYTHONPATH": str(HERE)}


@contextmanager
def begun(directory: Path, *words: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a command beside the test; however that ends, so does the command."""
    process = subprocess.Popen(
        (*LOOM, *words), cwd=cwd, env=environ(directory), text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def headless(directory: Path, dsn: str, name: str, *words: str) -> AbstractContextManager[subprocess.Popen[str]]:
    state = ("--store", str(directory / "state"))
    without = ("--fast", "--headless", "--json", "--for", "900", "--postgres", dsn)
    return begun(directory, "drill", name, *without, *state, *words, cwd=directory)


def told(drill: subprocess.Popen[str]) -> tuple[int, Told]:
    out, err = drill.communicate(timeout=PATIENCE_S)
    assert out, err
    return drill.returncode, json.loads(out)


def play_calm(directory: Path, dsn: str) -> tuple[int, Told]:
    with headless(directory, dsn, "calm") as drill:
        team = Team(directory)
        team.until(lambda: team.snapshot().drills.scenario)
        assert team.loom("note", "all quiet").returncode == 0
        drill.send_signal(signal.SIGINT)
        return told(drill)


def play_regression(directory: Path, dsn: str) -> tuple[int, Told]:
    (directory / "loom.toml").write_text(dump_plan(guarded_plan()), encoding="utf-8")
    with headless(directory, dsn, "regression", "--plan", "loom.toml") as drill:
        team = Team(directory)
        team.sees(sign_of("regression"))
        team.loom("note", "nobody can book")
        assert team.loom("rollback", *GLASS).returncode == 0
        return told(drill)


def play_silence(directory: Path, dsn: str) -> tuple[int, Told]:
    with headless(directory, dsn, "silence") as drill:
        team = Team(directory)
        team.sees(sign_of("silence"))
        assert team.snapshot().gate.state.value != "GO"
        team.loom("note", "Sentry is silent: we hold")
        drill.send_signal(signal.SIGINT)
        return told(drill)


def play_slow_database(directory: Path, dsn: str) -> tuple[int, Told]:
    with headless(directory, dsn, "slow-database") as drill:
        team = Team(directory)
        team.sees(sign_of("slow-database"))
        assert "loom-web v1.7.0 backfill" in sessions(dsn)
        team.loom("note", "a backfill holds the sessions")
        assert team.loom("rollback", *GLASS).returncode == 0
        assert "loom-web v1.7.0 backfill" not in sessions(dsn)
        return told(drill)


def sessions(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        return {str(name) for (name,) in connection.execute("SELECT application_name FROM pg_stat_activity").fetchall()}


def play_failed_step(directory: Path, dsn: str) -> tuple[int, Told]:
    with headless(directory, dsn, "failed-step") as drill:
        team = Team(directory)
        team.sees(sign_of("failed-step"))
        with team.begin("rollback", *GLASS) as following:
            action = team.until(lambda: asking(team.snapshot()))
            assert team.loom("act", str(action), "--answer", "repeat").returncode == 0
            assert following.wait(PATIENCE_S) == 0
        return told(drill)


def asking(snapshot: Snapshot) -> int | None:
    """The action whose failed step waits for somebody."""
    view = snapshot.action
    if view is None or view.state is not ActionState.RUNNING or view.step is not None:
        return None
    return view.id if question_of(view) is not None and view.steps[1].outcome is Outcome.FAILED else None


def play_ssh_drop(directory: Path, terminal: Terminal) -> tuple[int, Told]:
    """Play in a real terminal: the room is hung up when the rollback runs, and opened again."""
    terminal.wait_for("Press enter to begin", timeout_s=PATIENCE_S)
    terminal.press("enter")
    terminal.wait_for(" DRILL ", timeout_s=PATIENCE_S)
    (room,) = seats(directory)
    team = Team(directory)
    team.sees(sign_of("ssh-drop"))
    with team.begin("rollback", *GLASS) as following:
        terminal.wait_for("Your connection dropped", timeout_s=PATIENCE_S)
        assert not room.is_running()
        terminal.press("enter")
        terminal.wait_for(" DRILL OVER: q ", timeout_s=PATIENCE_S)
        assert following.wait(PATIENCE_S) == 0
    terminal.press("q")
    code = terminal.wait_for_exit(timeout_s=PATIENCE_S)
    text = terminal.text()
    assert "the rollback outlived the connection: it went on for" in text
    return code, {}


def play_unkept(directory: Path, dsn: str) -> tuple[int, Told]:
    """Be surprised, leave at once, and find that the store is not safe when the score is to be kept."""
    with headless(directory, dsn, "surprise") as drill:
        team = Team(directory)
        assert team.until(lambda: team.snapshot().drills.scenario) == "surprise"
        (directory / "state").mkdir()
        (directory / "state").chmod(0o777)
        drill.send_signal(signal.SIGINT)
        out, err = drill.communicate(timeout=PATIENCE_S)
        assert "The score could not be kept: " in err
        return drill.returncode, json.loads(out)


def play_killed(directory: Path, terminal: Terminal) -> None:
    """End a drill from outside: the terminal is as before, and nothing of its world is left."""
    terminal.wait_for("Press enter to begin", timeout_s=PATIENCE_S)
    terminal.press("enter")
    terminal.wait_for(" DRILL ", timeout_s=PATIENCE_S)
    terminal.resize(columns=80, rows=24)
    terminal.wait_for(lambda text: "none lit" in text, timeout_s=PATIENCE_S)  # as it is laid out at 80x24
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.wait_for_exit(timeout_s=PATIENCE_S) == 128 + signal.SIGTERM
    assert b"\x1b[?1049l" in terminal.raw
    assert seats(directory) == []
    assert list(directory.glob("loom-demo-*")) == []


def seats(directory: Path) -> list[psutil.Process]:
    """The rooms at the far ends of lines."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if "loom_tui.drill.seat" in (line := process.info["cmdline"] or []) and str(directory) in " ".join(line)
    ]


def sign_of(name: str) -> Sign:
    scenario = scenario_of(name)
    assert scenario is not None
    assert scenario.sign is not None
    return scenario.sign


PLAYS = {
    "calm": play_calm,
    "regression": play_regression,
    "silence": play_silence,
    "slow-database": play_slow_database,
    "failed-step": play_failed_step,
    "unkept": play_unkept,
}
IN_TERMINALS: Mapping[str, Callable[[Path, Terminal], Any]] = {"ssh-drop": play_ssh_drop, "killed": play_killed}


@contextmanager
def played() -> Iterator[Mapping[str, tuple[Path, Future[Any]]]]:
    """Play them all at once, each in a directory of its own, over one PostgreSQL."""
    names = [*PLAYS, *IN_TERMINALS]
    with tempfile.TemporaryDirectory(prefix="loom-test-") as base, running_postgres(Path(base) / "pg") as dsn:
        Path(base).chmod(0o711)  # where root runs the tests, the server is another user
        for name in names:
            (Path(base) / name).mkdir()
        with ExitStack() as stack:
            terminals = {name: stack.enter_context(opened(Path(base) / name, dsn, name)) for name in IN_TERMINALS}
            pool = stack.enter_context(ThreadPoolExecutor(len(names)))
            under_way: dict[str, Future[Any]] = {
                name: pool.submit(play, Path(base) / name, dsn) for name, play in PLAYS.items()
            }
            for name, play in IN_TERMINALS.items():
                under_way[name] = pool.submit(play, Path(base) / name, terminals[name])
            yield {name: (Path(base) / name, play) for name, play in under_way.items()}


def opened(place: Path, dsn: str, name: str) -> Terminal:
    """Open a drill in a terminal: this forks, so it comes before any thread."""
    scenario = "calm" if name == "killed" else name
    words = ("drill", scenario, "--fast", "--postgres", dsn, "--store", str(place / "state"))
    return Terminal((*LOOM, *words), environ=environ(place), directory=place)


def kept(place: Path) -> DrillEnded:
    plan = guarded_plan() if (place / "loom.toml").exists() else None
    (ended,) = Keep(directory=place / "state", plan=plan).past()
    return ended


def previewed(place: Path) -> str:
    """What is told of the last drill before a rollback, in the room of the plan that kept it."""
    shown = subprocess.run(
        (*LOOM, "rollback", "--store", "state", "--environment", "no", "--reason", "r"), cwd=place,
        env=environ(place), capture_output=True, text=True, timeout=PATIENCE_S, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert shown.returncode == 1, shown.stderr
    (line,) = [line for line in shown.stdout.splitlines() if line.startswith("  last drill ")]
    return line


def test_a_team_that_does_it_well_passes_each_drill_and_the_score_is_kept() -> None:
    with played() as plays:
        for name in [scenario.name for scenario in SCENARIOS]:
            place, play = plays[name]
            code, score = play.result(2 * PATIENCE_S)
            assert code == 0, (name, score)
            ended = kept(place)
            assert (ended.scenario, ended.passed, ended.missed) == (name, True, ())
            rolled_back = name in ("regression", "slow-database", "failed-step", "ssh-drop")
            assert (ended.times.verify_s is not None) is rolled_back
            assert (ended.times.notice_s is not None) is (name != "calm")
            assert [step.name.partition(":")[0] for step in ended.steps] == ["Immediate", "Communication"] * rolled_back
            assert all(asked["seen"] for asked in score.get("asked", ()))
        code, score = plays["unkept"][1].result(PATIENCE_S)
        assert (code, score["scenario"] in [scenario.name for scenario in SCENARIOS]) == (1, True)
        plays["killed"][1].result(PATIENCE_S)
        line = previewed(plays["regression"][0])
        assert " ago (regression): " in line
        assert line.endswith(" to verify")


def test_a_scenarios_switches_are_the_worlds_own():
    switches = {happening.switch.value for scenario in SCENARIOS for happening in scenario.happenings}
    assert switches - {Switch.DROP.value} <= SWITCHES.keys()


def test_what_is_due_waits_for_its_cue_and_its_time_and_happens_once():
    scenario = scenario_of("ssh-drop")
    assert scenario is not None
    begun = {Cue.BEGIN: 100.0}

    def at(now: float, cues: Mapping[Cue, float], *done: Switch, pace: float = 1.0) -> list[Switch]:
        known = {switch: Happened(switch=switch, at=0.0) for switch in done}
        return [happening.switch for happening in due(scenario, cues, known, now=now, pace=pace)]

    assert at(124.9, begun) == []
    assert at(125.0, begun) == [Switch.REGRESSION]
    assert at(105.0, begun, pace=0.2) == [Switch.REGRESSION]
    assert at(999.0, begun, Switch.REGRESSION) == []
    assert at(130.0, {**begun, Cue.ROLLBACK_RUNS: 130.0}, Switch.REGRESSION) == [Switch.DROP]


def drill(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (*LOOM, "drill", *words), cwd=place, env=environ(place), capture_output=True, text=True, timeout=PATIENCE_S,
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_without_a_name_every_drill_is_listed_with_what_it_teaches(tmp_path):
    listed = drill(tmp_path)
    assert listed.returncode == 0
    assert "surprise" in listed.stdout
    for scenario in SCENARIOS:
        assert scenario.name in listed.stdout
        assert f"teaches {scenario.teaches}" in listed.stdout
    assert [each["name"] for each in json.loads(drill(tmp_path, "--json").stdout)] == [each.name for each in SCENARIOS]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("storm", "--headless"), 2, "There is no drill 'storm'; there are calm, regression, silence"),
        (("regression",), 2, "The room needs a terminal"),
        (("ssh-drop", "--headless"), 2, "hangs up the room's terminal"),
        (("calm", "--for", "3"), 2, "you leave yours with q"),
        (("calm", "--headless", "--plan", "none.toml"), 2, "There is no plan at none.toml"),
        (("calm", "--headless", "--postgres", "host=127.0.0.1 port=1"), 1, "PostgreSQL refused"),
    ],
)
def test_what_cannot_be_drilled_is_refused_in_a_sentence(tmp_path, words, code, sentence):
    done = drill(tmp_path, *words, "--store", str(tmp_path / "state"))
    assert (done.returncode, sentence in done.stderr) == (code, True), done.stderr
    assert not (tmp_path / "state").exists()


def test_a_viewer_of_the_plan_keeps_nothing_in_its_journal(tmp_path):
    viewer = Operator(login=whoami(), may=Right.VIEWER)
    (tmp_path / "loom.toml").write_text(dump_plan(guarded_plan(operators=(viewer,))), encoding="utf-8")
    done = drill(tmp_path, "calm", "--headless", "--plan", "loom.toml", "--store", "state")
    assert (done.returncode, f"{whoami()} may not do this" in done.stderr) == (1, True)
    assert not (tmp_path / "state").exists()


def test_a_store_that_others_may_write_is_refused_before_anything_is_begun(tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o777)
    done = drill(tmp_path, "calm", "--headless", "--for", "0", "--store", str(tmp_path / "state"))
    assert (done.returncode, "written by everybody" in done.stderr) == (1, True)
