"""What a logout ends, asked of logind, and runners started outside of its reach.

No systemd runs where these tests do: loginctl and systemd-run are stand-ins that answer as systemd 252's do, and the
runner that systemd-run starts is a real one.
"""

from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path

import pytest

from loom_tui import logout
from loom_tui.commands.doctor import runner_finding
from loom_tui.logout import SCOPE, outliving
from loom_tui.room.events import NoteAdded
from loom_tui.room.guard import ActionState
from loom_tui.room.guarded import Approve
from loom_tui.spawn import spawn_runner
from tests.running import World, action, writes

UID = os.getuid()
ME = pwd.getpwuid(UID).pw_name
SESSION = f"0::/user.slice/user-{UID}.slice/session-3.scope\n"
MANAGER = f"0::/user.slice/user-{UID}.slice/user@{UID}.service/app.slice/tmux.scope\n"
SYSTEM = "0::/system.slice/loom.service\n"
LOGINCTL = """#!/bin/sh
case "$*" in
  "show-user --property=KillUserProcesses --property=KillOnlyUsers --property=KillExcludeUsers") {rules} ;;
  "show-user {me} --property=Linger") {linger} ;;
  *) echo "Unknown: $*" >&2; exit 1 ;;
esac
"""
RUNS = """#!/bin/sh
echo "$*" >> '{log}'
[ "$1 $2 $3 $4 $5" = "--user --scope --quiet --collect --" ] || exit 64
shift 5
exec "$@"
"""
FAILS = "#!/bin/sh\necho 'Failed to connect to bus: No medium found' >&2\nexit 1\n"
HANGS = "#!/bin/sh\nexec sleep 60\n"


def rules(kill: str, *, only: str = "", spared: str = "root") -> str:
    return f"printf 'KillUserProcesses={kill}\\nKillOnlyUsers={only}\\nKillExcludeUsers={spared}\\n'"


class Host:
    """A host as logind has it: which control group we are in, what loginctl and systemd-run answer."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place = place
        self.log = place / "scopes.log"
        self.bin = place / "bin"
        self.bin.mkdir()
        monkeypatch.setattr(logout, "_CGROUP", place / "cgroup")
        monkeypatch.setenv("PATH", f"{self.bin}:{os.environ['PATH']}")
        self.is_so()

    def is_so(
        self,
        cgroup: str = SESSION,
        *,
        kill: str = rules("yes", spared="nobody-else"),
        linger: str = "echo Linger=yes",
        run: str = RUNS,
    ) -> None:
        (self.place / "cgroup").write_text(cgroup)
        self.script("loginctl", LOGINCTL.format(rules=kill, linger=linger, me=ME))
        self.script("systemd-run", run.format(log=self.log))

    def script(self, name: str, text: str) -> None:
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def test_where_logind_leaves_processes_alone_a_runner_is_started_as_it_is(host):
    for kill in (rules("no"), rules("yes", spared=f"root {ME}"), rules("yes", only="somebody-else", spared="")):
        host.is_so(kill=kill, run=FAILS)
        assert outliving().prefix == ()
        assert (runner_finding().level, runner_finding().what) == (
            "ok", f"logind leaves what {ME} started alone at logout"
        )  # fmt: skip


def test_outside_of_a_login_nothing_is_asked(host):
    host.is_so(SYSTEM, kill="exit 1", run=FAILS)
    assert (outliving().prefix, outliving().doubt, runner_finding().level) == ((), "", "ok")


def test_where_logind_ends_them_a_runner_is_started_in_a_scope_of_its_own(host):
    host.is_so(kill=rules("yes", only=ME, spared=""))
    assert outliving().prefix == SCOPE
    finding = runner_finding()
    assert finding.level == "ok"
    assert finding.what == (
        f"logind ends what {ME} started; a runner is started outside of the session, and {ME} lingers"
    )


@pytest.mark.parametrize("cgroup", [SESSION, MANAGER])
def test_without_lingering_it_is_said_that_the_last_session_may_end_it(host, cgroup):
    host.is_so(cgroup, linger="echo Linger=no")
    finding = runner_finding()
    assert finding.level == "warn"
    assert f"{ME} does not linger: it may end with the last session" in finding.what
    assert finding.do == f"have {ME}'s processes stay: loginctl enable-linger {ME}"


def test_who_is_not_logged_in_any_more_and_does_not_linger_is_not_known_to(host):
    host.is_so(linger="echo 'User is not logged in or lingering' >&2; exit 1")
    assert f"whether {ME} lingers is not known (User is not logged in or lingering)" in runner_finding().what


@pytest.mark.parametrize(
    ("run", "why"),
    [(FAILS, "Failed to connect to bus: No medium found"), (HANGS, "systemd-run did not answer within 2 s")],
)
def test_a_systemd_run_that_fails_or_hangs_is_a_sentence_and_the_runner_starts_all_the_same(host, run, why):
    host.is_so(run=run)
    way = outliving()
    assert way.prefix == ()
    assert (
        way.doubt
        == f"logind ends what {ME} started, and systemd-run cannot start a runner outside of the session: {why}"
    )
    assert (runner_finding().level, runner_finding().do) == (
        "warn", f"stay logged in until an action is over, or have {ME}'s processes stay: loginctl enable-linger {ME}"
    )  # fmt: skip


@pytest.mark.parametrize("answer", ["exit 1", "echo '<html>'", "echo KillUserProcesses=perhaps", "printf '\\377='"])
def test_a_logind_that_does_not_say_is_not_taken_for_one_that_leaves_them_alone(host, answer):
    host.is_so(kill=answer)
    assert outliving().prefix == SCOPE
    host.is_so(kill=answer, run=FAILS)
    assert outliving().doubt.startswith("logind does not say what it ends at logout, and systemd-run cannot")


@pytest.mark.parametrize(("run", "told"), [(RUNS, False), (FAILS, True)])
def test_a_rollback_runs_through_systemd_run_and_where_that_fails_every_room_is_told(host, tmp_path, run, told):
    host.is_so(run=run)
    room = World(tmp_path / "room", rollback=action(writes("one"), verify=()))
    try:
        number = room.arm()
        room.do("bo", Approve(number))
        trouble = spawn_runner(room.directory / "loom.toml", room.directory / "loom", "friday", "", number)
        assert trouble == ""
        assert room.ended(number).state is ActionState.DONE_UNVERIFIED
        assert room.count("one") == 1
        notes = [event.payload.text for event in room.store.events() if isinstance(event.payload, NoteAdded)]
        assert bool(notes) is told
        assert all(f"The runner of action {number}: logind ends" in note for note in notes)
        began = host.log.read_text().splitlines() if host.log.exists() else []
        assert [f"{sys.executable} -P -m loom_tui.runner" in line for line in began] == ([] if told else [False, True])
    finally:
        room.close()
